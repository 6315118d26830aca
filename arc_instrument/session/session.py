"""Session: the sounds a person orders, what they start from, and the takes they become."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot

from arc_instrument.audio.protocol import AudioSettings
from arc_instrument.domain import MAX_PLAYED_STEPS, MAX_SEED, MIN_STEPS, Clip, Take
from arc_instrument.generation import GenerationService
from arc_instrument.library import Library
from arc_instrument.midi_bindings import Binding
from arc_instrument.session.auditions import Auditions
from arc_instrument.session.controls import Controls
from arc_instrument.session.drops import Drops
from arc_instrument.session.edits import Edits
from arc_instrument.session.exporter import Exporter
from arc_instrument.session.history import History
from arc_instrument.session.kit import Kit
from arc_instrument.session.live import Live
from arc_instrument.session.maker import Maker
from arc_instrument.session.microphone import Microphone
from arc_instrument.session.midi_map import MidiMap
from arc_instrument.session.model import ModelCommands
from arc_instrument.session.morph_pad import MorphPad
from arc_instrument.session.orders import random_seed
from arc_instrument.session.osc_control import OscControl
from arc_instrument.session.player import Player
from arc_instrument.session.pool import Pool
from arc_instrument.session.preferences import PreferenceCommands
from arc_instrument.session.sampler import Sampler
from arc_instrument.session.selection import Selection
from arc_instrument.session.shelf import Shelf
from arc_instrument.session.state import (
    DEFAULT_MAX_SECONDS,
    MIN_SECONDS,
    InitSound,
    Preferences,
    SessionState,
    strength_percent,
)
from arc_instrument.session.store import Store
from arc_instrument.session.takes import Takes
from arc_instrument.session.tempo_grid import TempoGrid, told_by
from arc_instrument.session.timings import Timings
from arc_instrument.session.transport import Transport
from arc_instrument.session.variations import Variations
from arc_instrument.session.voice import Voice
from arc_instrument.settings import SoundSettings, VoiceSettings
from arc_instrument.waveform import peaks

if TYPE_CHECKING:
    from arc_instrument.audio.client import AudioClient
    from arc_instrument.models import InstalledModel


class Session(Store):
    """The store, with the commands that make sounds and keep them; `player` plays, `voice` records from `microphone`.

    Signals:
        takeMade(Take): a new take is on disk.
    """

    takeMade = Signal(object)
    _fileJobDone = Signal(object)

    def __init__(
        self,
        generation: GenerationService,
        audio: "AudioClient",
        library: Library,
        read_clip: Callable[[Path], Clip],
        sound: SoundSettings | None = None,
        devices: AudioSettings | None = None,
        files: Executor | None = None,
        refuge: Library | None = None,
        list_models: Callable[[], "tuple[InstalledModel, ...]"] = tuple,
        max_seconds: float = DEFAULT_MAX_SECONDS,
        voice: VoiceSettings | None = None,
        recordings: Path | None = None,
        bindings: Sequence[Binding] = (),
        preferences: Preferences | None = None,
        models_folder: Path | None = None,
    ):
        """`max_seconds` is what the model will make that is not loaded yet."""
        controls = (sound or SoundSettings()).model_dump()
        if not controls["seed_locked"]:
            controls |= {"seed": random_seed(), "walk": ()}
        wished = controls.pop("seconds")
        seconds = min(wished, max_seconds)
        super().__init__(SessionState(**controls, seconds=seconds, wished_seconds=wished, max_seconds=max_seconds))
        self.history = History(self)
        self.player = Player(self, audio, devices or AudioSettings())
        self.timings = Timings(self, self.player)
        self.update(takes_folder=library.folder, models_folder=models_folder)
        self.controls = Controls(self)
        self.midi_map = MidiMap(self, self.history, self.controls, audio, bindings)
        self.osc = OscControl(self, self.controls)
        self.takeMade.connect(self.osc.tell_take)
        self.preferences = PreferenceCommands(self, self.player, self.osc, preferences or Preferences())
        self._fileJobDone.connect(self._on_file_job_done)
        self._shelf = Shelf(library, read_clip, self._fileJobDone.emit, files, refuge)
        self.takes = Takes(self, self.history, self.player, self._shelf)
        self.takes.made.connect(self.takeMade)
        self.selection = Selection(self, self.history, self._shelf, self.takes)
        self.model = ModelCommands(self, generation, list_models)
        self.maker = Maker(self, generation)
        self.auditions = Auditions(
            self, self.history, self.player, self._shelf, self.takes, self.selection, self.maker.request_of
        )
        self.microphone = Microphone(self, audio, voice.round_trips_ms if voice else {})
        self.voice = Voice(self, self.history, audio, self.microphone, self.player, self._shelf, voice, recordings)
        self.voice.recorded.connect(self._set_init)
        self.sampler = Sampler(self, self.history, self.player)
        self.drops = Drops(
            self,
            self._shelf,
            self.voice.load_file,
            self._set_init,
            self.restore,
            self.auditions.hear,
            self.model.choose_named,
            self.clear_init,
            self.sampler.loop_between,
        )
        self.exporter = Exporter(self, self._shelf, self.history)
        self.edits = Edits(self)
        self.tempo = TempoGrid(self)
        self.transport = Transport(self, self.player)
        self.controls.padHit.connect(self.player.play_pad)
        self.variations = Variations(self, generation)
        self.kit = Kit(self, generation)
        self.pool = Pool(self, generation, self._shelf)
        self.live = Live(self, generation)
        self.morph = MorphPad(self)

    def shutdown(self) -> None:
        """Wait for takes that are still being written. Save the settings first: they name the takes folder."""
        self.osc.shutdown()
        self.controls.shutdown()
        self.edits.shutdown()
        self.live.shutdown()
        self.pool.shutdown()
        self.player.shutdown()
        self.voice.shutdown()
        self.takes.shutdown()
        self.exporter.shutdown()
        self._shelf.shutdown()

    # --- the controls -------------------------------------------------------------------------------------------

    def set_prompt(self, prompt: str) -> None:
        self.edit("prompt", merge=True, prompt=prompt)

    def set_steps(self, steps: int) -> None:
        self.edit("steps", merge=True, steps=min(max(steps, MIN_STEPS), MAX_PLAYED_STEPS))

    def set_seconds(self, seconds: float) -> None:
        """Any length: bars that were asked for are no longer meant."""
        self.edit("length", merge=True, wished_seconds=self._possible(seconds), bars=0)

    def set_seed(self, seed: int) -> None:
        """A seed that was typed is meant: it is locked."""
        self.edit("seed", merge=True, seed=min(max(seed, 0), MAX_SEED), seed_locked=True, walk=())

    def new_seed(self) -> None:
        self.edit("new seed", seed=random_seed(), walk=())

    def toggle_seed_lock(self) -> None:
        self.edit("seed lock", seed_locked=not self.state.seed_locked)

    def set_strength(self, percent: int) -> None:
        self.edit("strength", merge=True, strength_percent=min(max(percent, 0), 100))

    def toggle_fresh(self) -> None:
        self.edit("fresh notes", fresh=not self.state.fresh)

    def edit(self, label: str, *, merge: bool = False, holds_bytes: int = 0, **changes: object) -> None:
        """Change fields of the state as a person does: undoably. `merge`: a drag, or typing, is one step to undo."""
        before = {name: getattr(self.state, name) for name in changes}
        if before != changes:
            undo, redo = partial(self._set, before), partial(self._set, changes)
            with self.together():
                self._set(changes)
                self.history.record(label, undo, redo, merge=label if merge else "", holds_bytes=holds_bytes)

    def set_controls(self, sound: SoundSettings) -> None:
        """Set every control, as nothing to undo: the session begins like this."""
        controls = sound.model_dump()
        self._set(controls | {"wished_seconds": controls["seconds"], "seconds": self.state.seconds})

    def _set(self, changes: dict[str, object]) -> None:
        """Update, and with it how much of the wished length is possible and how long the next sound will take."""
        seconds = changes.get("wished_seconds")
        if isinstance(seconds, float | int):
            changes = changes | {"seconds": self._possible(seconds)}
        state = replace(self.state, **changes)  # pyright: ignore[reportArgumentType]
        self.update(**changes, estimate_ms=self.model.estimates.alone.total_ms(state.steps, state.asked_seconds))
        if "metronome_bpm" in changes:  # the one control that the settings file keeps
            self.settingsChanged.emit()

    def sound_settings(self) -> SoundSettings:
        """The controls as the session file keeps them."""
        settings = SoundSettings(**{name: getattr(self.state, name) for name in SoundSettings.model_fields})
        settings.seconds = self.state.wished_seconds
        return settings

    def fit_length(self) -> None:
        """Ask for the wished length again, as far as the model in use can make it, and tell what that costs."""
        self._set({"wished_seconds": self.state.wished_seconds})

    def _possible(self, seconds: float) -> float:
        return min(max(seconds, MIN_SECONDS), self.state.max_seconds)

    # --- the recording, or the file, to start from --------------------------------------------------------------

    def clear_init(self) -> None:
        self._change_init("remove recording", None)

    @Slot(str, object)
    def _set_init(self, name: str, clip: Clip) -> None:
        self._change_init("recording", InitSound(name, clip, peaks(clip.samples)))
        self.dismiss_message()

    def recall_init(self, name: str, clip: Clip) -> None:
        """Start from this recording of the last session, as nothing to undo."""
        self.update(init=InitSound(name, clip, peaks(clip.samples)))

    def _change_init(self, label: str, init: InitSound | None) -> None:
        before = self.state.init
        self.edit(label, init=init, holds_bytes=before.clip.samples.nbytes if before else 0)

    # --- takes --------------------------------------------------------------------------------------------------

    def restore(self, take: Take) -> None:
        """Set the controls to what made `take`."""
        was_from_init = take.init_noise < 1
        self.edit(
            "restore settings",
            prompt=take.prompt,
            steps=take.steps,
            wished_seconds=take.seconds,
            seed=take.seed,
            seed_locked=True,
            walk=take.walk,
            strength_percent=strength_percent(take.init_noise) if was_from_init else self.state.strength_percent,
            **told_by(take.settings),
        )

    def restore_current(self) -> None:
        if self.state.current and self.state.current.take:
            self.restore(self.state.current.take)

    def read(self, take: Take, done: Callable[[Clip], None]) -> None:
        """Read the sound of a take."""
        self._shelf.read(take.path, done, self.say)

    def read_file(self, path: Path, done: Callable[[Clip, Take], None]) -> None:
        """Read a file of ours, sound and settings; nothing happens for one that is gone, or another program's."""

        def use(clip: Clip | None, take: Take | None) -> None:
            if clip is not None and take is not None:
                done(clip, take)

        self._shelf.read_take(path, use, lambda _: None)

    @Slot(object)
    def _on_file_job_done(self, finish: Callable[[], None]) -> None:
        with self.together():
            finish()
