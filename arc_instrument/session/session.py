"""Session: the sounds a person orders, what they start from, and the takes they become."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Signal, Slot

from arc_instrument.audio.protocol import AudioSettings
from arc_instrument.domain import (
    MAX_PLAYED_STEPS,
    MAX_SEED,
    MIN_STEPS,
    Clip,
    Generated,
    GenerationRequest,
    LoadedModel,
    Phase,
    Progress,
    Take,
    Timing,
    UserError,
)
from arc_instrument.generation import GenerationService
from arc_instrument.library import Library
from arc_instrument.midi_bindings import Binding
from arc_instrument.requests import check_request, crop_note
from arc_instrument.session.controls import Controls
from arc_instrument.session.drops import Drops
from arc_instrument.session.edits import Edits
from arc_instrument.session.estimate import TimeEstimate
from arc_instrument.session.exporter import Exporter
from arc_instrument.session.history import History
from arc_instrument.session.kit import Kit
from arc_instrument.session.live import Live
from arc_instrument.session.midi_map import MidiMap
from arc_instrument.session.morph_pad import MorphPad
from arc_instrument.session.orders import current_sound, random_seed
from arc_instrument.session.osc_control import OscControl
from arc_instrument.session.player import Player
from arc_instrument.session.pool import Pool
from arc_instrument.session.preferences import PreferenceCommands
from arc_instrument.session.sampler import Sampler
from arc_instrument.session.shelf import Shelf
from arc_instrument.session.state import (
    DEFAULT_MAX_SECONDS,
    MIN_SECONDS,
    SILENCE,
    CurrentSound,
    InitSound,
    Message,
    Preferences,
    SessionState,
    init_noise,
    strength_percent,
)
from arc_instrument.session.store import Store
from arc_instrument.session.takes import Takes
from arc_instrument.session.tempo_grid import TempoGrid
from arc_instrument.session.variations import Variations
from arc_instrument.session.voice import Voice
from arc_instrument.settings import SoundSettings, VoiceSettings
from arc_instrument.waveform import peaks

if TYPE_CHECKING:
    from arc_instrument.audio.client import AudioClient
    from arc_instrument.models import InstalledModel


class Session(Store):
    """The store, with the commands that make sounds and keep them; `player` plays, `voice` records.

    Signals:
        settingsRestored(dict): a take's controls are set; these are its further settings (`takefile`), each for the
            part of the program that knows it.
        takeMade(Take): a new take is on disk.
    """

    settingsRestored = Signal(object)
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
            controls["seed"] = random_seed()
        wished = controls.pop("seconds")
        seconds = min(wished, max_seconds)
        super().__init__(SessionState(**controls, seconds=seconds, wished_seconds=wished, max_seconds=max_seconds))
        self.history = History(self)
        self.player = Player(self, audio, devices or AudioSettings())
        self.update(takes_folder=library.folder, models_folder=models_folder)
        self.controls = Controls(self)
        self.midi_map = MidiMap(self, self.controls, audio, bindings)
        self.osc = OscControl(self, self.controls)
        self.takeMade.connect(self.osc.tell_take)
        self.preferences = PreferenceCommands(self, self.player, self.osc, preferences or Preferences())
        self._fileJobDone.connect(self._on_file_job_done)
        self._shelf = Shelf(library, read_clip, self._fileJobDone.emit, files, refuge)
        self.takes = Takes(self, self.history, self.player, self._shelf, self._request_of)
        self.takes.made.connect(self.takeMade)
        self.voice = Voice(self, audio, self.player, self._shelf, voice, recordings)
        self.voice.recorded.connect(self._set_init)
        self.drops = Drops(
            self,
            self._shelf,
            self.voice.load_file,
            self._set_init,
            self.restore,
            self.takes.hear,
            self._choose_model_named,
        )
        self.exporter = Exporter(self, self._shelf)
        self.sampler = Sampler(self, self.history, self.player)
        self.edits = Edits(self)
        self.tempo = TempoGrid(self, self.history)
        self.controls.padHit.connect(self._on_pad)
        self._list_models = list_models
        self._wanted_model: InstalledModel | None = None
        self.chosen_model: InstalledModel | None = None  # loaded because a person asked for it
        self._estimates: dict[Path | None, TimeEstimate] = {}
        self._estimate = TimeEstimate()
        self._numbers = count(1)
        self._user_id: int | None = None
        self._used_seed: int | None = None  # an unlocked seed makes one sound
        self._seed_before_roll: int | None = None

        self._generation = generation
        generation.phaseChanged.connect(self._on_phase)
        generation.modelLoaded.connect(self._on_model)
        generation.switchFailed.connect(self._on_switch_failed)
        generation.progressed.connect(self._on_progress)
        generation.generated.connect(self._on_generated)
        generation.failed.connect(self._on_failed)
        generation.cancelled.connect(self._on_cancelled)
        self.variations = Variations(self, generation)
        self.kit = Kit(self, generation)
        self.pool = Pool(self, generation)
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
        self._shelf.shutdown()

    # --- the controls -------------------------------------------------------------------------------------------

    def set_prompt(self, prompt: str) -> None:
        self.edit("prompt", merge=True, prompt=prompt)

    def set_steps(self, steps: int) -> None:
        self.edit("steps", merge=True, steps=min(max(steps, MIN_STEPS), MAX_PLAYED_STEPS))

    def set_seconds(self, seconds: float) -> None:
        self.edit("length", merge=True, wished_seconds=self._possible(seconds))

    def set_seed(self, seed: int) -> None:
        """A seed that was typed is meant: it is locked."""
        self.edit("seed", merge=True, seed=min(max(seed, 0), MAX_SEED), seed_locked=True)

    def new_seed(self) -> None:
        self.edit("new seed", seed=random_seed())

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
            self._set(changes)
            undo, redo = partial(self._set, before), partial(self._set, changes)
            self.history.record(label, undo, redo, merge=label if merge else "", holds_bytes=holds_bytes)

    def set_controls(self, sound: SoundSettings) -> None:
        """Set every control, as nothing to undo: the session begins like this."""
        controls = sound.model_dump()
        self._set(controls | {"wished_seconds": controls["seconds"], "seconds": self.state.seconds})

    def _set(self, changes: dict[str, object]) -> None:
        seconds = changes.get("wished_seconds")
        possible = {"seconds": self._possible(seconds)} if isinstance(seconds, float | int) else {}
        self._update_cost(**(changes | possible))

    def sound_settings(self) -> SoundSettings:
        """The controls as the session file keeps them."""
        settings = SoundSettings(**{name: getattr(self.state, name) for name in SoundSettings.model_fields})
        settings.seconds = self.state.wished_seconds
        return settings

    def _update_cost(self, **changes: object) -> None:
        """Update, and with it the time that the next sound will take."""
        state = replace(self.state, **changes)  # pyright: ignore[reportArgumentType]
        self.update(**changes, estimate_ms=self._estimate.total_ms(state.steps, state.seconds))

    def _possible(self, seconds: float) -> float:
        return min(max(seconds, MIN_SECONDS), self.state.max_seconds)

    # --- the model ----------------------------------------------------------------------------------------------

    def models(self) -> "tuple[tuple[InstalledModel, ...], Path | None]":
        """The models that are installed now, and the folder of the one in use (None: the embedded one)."""
        return self._list_models(), self._generation.weights

    def choose_model(self, model: "InstalledModel") -> None:
        """Make sounds with `model` from now on. What sounds goes on, and what waits is made with it."""
        self._wanted_model = model
        self.dismiss_message()
        self._generation.switch(model.path)

    def _choose_model_named(self, name: str) -> bool:
        """Whether the model of that name is in use or can be, and then is from now on."""
        if self.state.model is not None and self.state.model.name == name:
            return True
        found = next((model for model in self._list_models() if model.name == name), None)
        if found is not None:
            self.choose_model(found)
        return found is not None

    def retry_switch(self) -> None:
        """Try once more the model that could not be loaded."""
        if self._wanted_model is not None:
            self.choose_model(self._wanted_model)

    @Slot(object)
    def _on_model(self, model: LoadedModel) -> None:
        if self._wanted_model is not None and self._wanted_model.path == model.weights:
            self.chosen_model = self._wanted_model
            self.settingsChanged.emit()
        self._estimate = self._estimates.setdefault(model.weights, TimeEstimate())
        self.update(model=model, max_seconds=model.max_seconds)
        self._update_cost(seconds=self._possible(self.state.wished_seconds))

    @Slot(str)
    def _on_switch_failed(self, sentence: str) -> None:
        assert self.state.model is not None  # the one before was loaded before this was told
        text = f"{sentence} The model in use is {self.state.model.name} again."
        self.say(text, action="retry_switch", action_title="Try again")

    # --- making sounds ------------------------------------------------------------------------------------------

    def generate(self) -> None:
        """Order the sound that the controls describe; a request that cannot be made is refused with one sentence."""
        before_roll = self.state.seed
        if self._used_seed == before_roll and not self.state.seed_locked:
            self.update(seed=random_seed())
        request = self.new_request("user", self.state.seed)
        try:
            checked = check_request(request, self.state.max_seconds)
        except UserError as error:
            self.say(str(error))
            return
        if self.state.phase is Phase.FAILED:
            self.say(self.state.phase_sentence, action="retry_model", action_title="Retry")
            return
        note = crop_note(request)
        self._used_seed, self._seed_before_roll = request.seed, before_roll
        self._user_id = request.id
        self.player.start_stopwatch()
        self.update(generating=True, progress=None, message=Message(note, is_error=False) if note else None)
        self._generation.submit(checked)

    def cancel(self) -> None:
        """Cancel; a result that is already on its way is dropped too."""
        self._generation.cancel()
        self._end_request()

    def retry_model(self) -> None:
        self.dismiss_message()
        self._generation.start()

    def new_request(self, origin: str, seed: int) -> GenerationRequest:
        """What the controls describe now, under a number of its own."""
        state = self.state
        request = GenerationRequest(
            id=next(self._numbers),
            prompt=state.prompt,
            seconds=state.seconds,
            steps=state.steps,
            seed=seed,
            init=state.init.clip if state.init else None,
            init_noise=init_noise(state.strength_percent) if state.init else 1.0,
            origin=origin,
            settings={"init_name": state.init.name} if state.init else {},
        )
        return self.tempo.asked(request)

    def again(self, request: GenerationRequest, **changes: object) -> GenerationRequest:
        """The same sound once more, or another like it, under a number of its own."""
        return replace(request, id=next(self._numbers), **changes)  # pyright: ignore[reportArgumentType]

    def order(self, requests: Sequence[GenerationRequest]) -> bool:
        """Order sounds of one origin; one that cannot be made is refused with one sentence, and all with it."""
        if self.state.phase is Phase.FAILED:
            self.say(self.state.phase_sentence, action="retry_model", action_title="Retry")
            return False
        try:
            checked = [check_request(request, self.state.max_seconds) for request in requests]
        except UserError as error:
            self.say(str(error))
            return False
        self._generation.submit_batch(checked)
        return True

    def expected_ms(self, requests: Sequence[GenerationRequest]) -> float | None:
        """How long sounds of one length take, or None before anything was measured."""
        if not requests:
            return None
        one_ms = self._estimate.total_ms(requests[0].steps, requests[0].seconds)
        return None if one_ms is None else len(requests) * one_ms

    def read(self, take: Take, done: Callable[[Clip], None]) -> None:
        """Read the sound of a take."""
        self._shelf.read(take.path, done, self.say)

    def read_file(self, path: Path, done: Callable[[Clip, Take], None]) -> None:
        """Read a file of ours, sound and settings; nothing happens for one that is gone, or another program's."""

        def use(clip: Clip | None, take: Take | None) -> None:
            if clip is not None and take is not None:
                done(clip, take)

        self._shelf.read_take(path, use, lambda _: None)

    def _end_request(self) -> None:
        self._user_id = None
        self.player.stop_stopwatch()
        self.update(generating=False, progress=None)

    @Slot(object, str)
    def _on_phase(self, phase: Phase, sentence: str) -> None:
        self.update(phase=phase, phase_sentence=sentence)
        if phase is Phase.FAILED:
            self.cancel()
            self.say(sentence, action="retry_model", action_title="Retry")

    @Slot(object)
    def _on_progress(self, progress: Progress) -> None:
        if progress.request_id == self._user_id:
            self.update(progress=progress)

    @Slot(object)
    def _on_generated(self, generated: Generated) -> None:
        request, clip = generated.request, generated.clip
        self._estimate.learn(generated)
        if request.id != self._user_id:
            return
        self._choose_made(current_sound(generated))
        self._user_id = None
        self.update(generating=False, progress=None)
        self.player.play()
        self._update_cost()
        if float(np.abs(clip.samples).max(initial=0.0)) < SILENCE:
            sentence = "This sound came out silent: try another seed or other words."
            self.say(sentence, action="generate", action_title="Again")
        elif generated.notes:
            self.say(generated.notes[0], is_error=False)
        self.takes.keep(generated)

    def _choose_made(self, sound: CurrentSound) -> None:
        """Make a new sound the current one; undoing that also takes back the seed that was drawn for it."""
        before, drawn = self._seed_before_roll, self._used_seed
        assert before is not None  # a request of the person made it
        assert drawn is not None

        def use(was: int, seed: int) -> None:
            if self.state.seed == was:  # and no other was typed since
                self._used_seed = seed
                self.update(seed=seed)

        self.takes.choose(sound, "new sound", also=(lambda: use(drawn, before), lambda: use(before, drawn)))

    @Slot(int, str)
    def _on_failed(self, request_id: int, sentence: str) -> None:
        if request_id == self._user_id:
            self._end_request()
        self.say(sentence, action="generate", action_title="Again")

    @Slot(int)
    def _on_cancelled(self, request_id: int) -> None:
        if request_id == self._user_id:
            self._end_request()

    # --- the recording, or the file, to start from --------------------------------------------------------------

    def load_dropped(self, paths: list[Path]) -> None:
        """Bring back every setting of the one file of ours that was dropped; start from any other audio file."""
        self.drops.restore_or_start_from(paths)

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
            strength_percent=strength_percent(take.init_noise) if was_from_init else self.state.strength_percent,
        )
        self.settingsRestored.emit(dict(take.settings))

    def _request_of(self, take: Take) -> GenerationRequest:
        """What made `take`. One that came of a recording varies with the recording that is loaded now, if any."""
        request = self.new_request("user", take.seed)
        walk = tuple((int(seed), float(distance)) for seed, distance in getattr(take, "settings", {}).get("walk", ()))
        told = replace(request, prompt=take.prompt, seconds=take.seconds, steps=take.steps, walk=walk)
        return replace(told, init_noise=take.init_noise) if request.init else told

    def restore_current(self) -> None:
        if self.state.current and self.state.current.take:
            self.restore(self.state.current.take)

    def duplicate_current(self) -> None:
        """Keep the current take a second time; the copy is then the current one."""
        current = self.state.current
        if current and current.take and current.request:
            request = replace(current.request, init_noise=current.take.init_noise)
            timing = Timing(0.0, 0.0, 0.0, 0.0, current.generation_ms)
            take = current.take
            self.takes.keep(Generated(request, current.clip, timing, take.model_name, take.weights_licence))

    # The window's names for what `takes` does.

    @property
    def takes_folder(self) -> Path:
        return self.takes.folder

    def select_take(self, take: Take) -> None:
        self.takes.audition(take)

    def set_takes_folder(self, folder: Path) -> None:
        self.takes.set_folder(folder)

    def retry_save(self) -> None:
        self.takes.retry()

    @Slot(int, int)
    def _on_pad(self, index: int, velocity: int) -> None:
        """A pad hit from outside, 1–16; velocity 0 lets go."""
        if velocity:
            self.player.hit_pad(index, velocity)
        else:
            self.player.release_pad(index)

    @Slot(object)
    def _on_file_job_done(self, finish: Callable[[], None]) -> None:
        finish()
