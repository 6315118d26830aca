"""Session: the sounds a person orders, what they start from, and the takes they become."""

import random
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from datetime import datetime
from functools import partial
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
    NoteEvent,
    Phase,
    Progress,
    Take,
    UserError,
)
from arc_instrument.generation import GenerationService
from arc_instrument.library import Library
from arc_instrument.requests import check_request, crop_note
from arc_instrument.session.estimate import TimeEstimate
from arc_instrument.session.history import History
from arc_instrument.session.player import Player
from arc_instrument.session.shelf import Shelf
from arc_instrument.session.state import (
    DEFAULT_MAX_SECONDS,
    MIN_SECONDS,
    SILENCE,
    CurrentSound,
    InitSound,
    Message,
    SessionState,
    init_noise,
    strength_percent,
)
from arc_instrument.session.store import Store
from arc_instrument.session.takes import Takes
from arc_instrument.settings import SoundSettings
from arc_instrument.waveform import peaks

if TYPE_CHECKING:
    from arc_instrument.audio.client import AudioClient
    from arc_instrument.models import InstalledModel

AUDIO_SUFFIXES = {".wav", ".aif", ".aiff", ".flac", ".mp3", ".ogg"}


class Session(Store):
    """The store, with the commands that make sounds and keep them; `player` has those that play them."""

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
    ):
        """`max_seconds` is what the model will make that is not loaded yet."""
        controls = (sound or SoundSettings()).model_dump()
        if not controls["seed_locked"]:
            controls["seed"] = _random_seed()
        wished = controls.pop("seconds")
        seconds = min(wished, max_seconds)
        super().__init__(SessionState(**controls, seconds=seconds, wished_seconds=wished, max_seconds=max_seconds))
        self.history = History(self)
        self.player = Player(self, audio, devices or AudioSettings())
        self.player.notePlayed.connect(self._on_note)
        self.player.recorded.connect(self._on_recorded)
        self._fileJobDone.connect(self._on_file_job_done)
        self._shelf = Shelf(library, read_clip, self._fileJobDone.emit, files, refuge)
        self.takes = Takes(self, self.history, self.player, self._shelf)
        self._list_models = list_models
        self._wanted_model: InstalledModel | None = None
        self.chosen_model: InstalledModel | None = None  # loaded because a person asked for it
        self._estimates: dict[Path | None, TimeEstimate] = {}
        self._estimate = TimeEstimate()
        self._next_id = 1
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

    def shutdown(self) -> None:
        """Wait for takes that are still being written. Save the settings first: they name the takes folder."""
        self.player.shutdown()
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
        self.edit("new seed", seed=_random_seed())

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

    def retry_switch(self) -> None:
        """Try once more the model that could not be loaded."""
        if self._wanted_model is not None:
            self.choose_model(self._wanted_model)

    @Slot(object)
    def _on_model(self, model: LoadedModel) -> None:
        if self._wanted_model is not None and self._wanted_model.path == model.weights:
            self.chosen_model = self._wanted_model
            self.controlsChanged.emit()
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
            self.update(seed=_random_seed())
        request = self._request("user", self.state.seed)
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

    def _request(self, origin: str, seed: int) -> GenerationRequest:
        state = self.state
        request = GenerationRequest(
            id=self._next_id,
            prompt=state.prompt,
            seconds=state.seconds,
            steps=state.steps,
            seed=seed,
            init=state.init.clip if state.init else None,
            init_noise=init_noise(state.strength_percent) if state.init else 1.0,
            origin=origin,
        )
        self._next_id += 1
        return request

    def _end_request(self) -> None:
        self._user_id = None
        self.player.stop_stopwatch()
        self.update(generating=False, progress=None)

    @Slot(object)
    def _on_note(self, event: NoteEvent) -> None:
        """In fresh mode a note orders a variation of the current sound, to be heard at the next hit."""
        can_generate = self.state.phase in (Phase.READY, Phase.GENERATING)
        if not (event.velocity and self.state.fresh and self.state.current and can_generate):
            return
        try:
            self._generation.submit(check_request(self._request("fresh", _random_seed()), self.state.max_seconds))
        except UserError as error:
            self.say(str(error))

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
        is_user = request.origin == "user"
        if is_user and request.id != self._user_id:
            return
        self._estimate.learn(generated)
        milliseconds = generated.timing.total_ms
        sound = CurrentSound(clip, peaks(clip.samples), request.prompt, request.seed, milliseconds)
        if not is_user:
            self.player.load(sound)
        else:
            self._choose_made(sound)
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
        before, drawn = self._seed_before_roll, sound.seed
        assert before is not None  # a request of the person made it

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
        """Start from the one audio file that was dropped; anything else is refused with a sentence."""
        if len(paths) != 1:
            what = "Nothing that lies on this computer was" if not paths else f"{len(paths)} files were"
            self.say(f"{what} dropped: drop one audio file (WAV, AIFF, FLAC, MP3 or OGG).")
        elif paths[0].suffix.lower() not in AUDIO_SUFFIXES:
            self.say(f"“{paths[0].name}” is not an audio file: drop a WAV, AIFF, FLAC, MP3 or OGG.")
        else:
            path = paths[0]
            self._shelf.read(path, lambda clip: self._set_init(path.name, clip), self.say)

    def clear_init(self) -> None:
        self._change_init("remove recording", None)

    def _set_init(self, name: str, clip: Clip) -> None:
        self._change_init("recording", InitSound(name, clip, peaks(clip.samples)))
        self.dismiss_message()

    def recall_init(self, name: str, clip: Clip) -> None:
        """Start from this recording of the last session, as nothing to undo."""
        self.update(init=InitSound(name, clip, peaks(clip.samples)))

    def _change_init(self, label: str, init: InitSound | None) -> None:
        before = self.state.init
        self.edit(label, init=init, holds_bytes=before.clip.samples.nbytes if before else 0)

    @Slot(object)
    def _on_recorded(self, clip: Clip) -> None:
        self._set_init(f"Recording {datetime.now():%H:%M}", clip)

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

    def restore_current(self) -> None:
        if self.state.current and self.state.current.take:
            self.restore(self.state.current.take)

    # The window's names for what `takes` does.

    @property
    def takes_folder(self) -> Path:
        return self.takes.folder

    def load_takes(self) -> None:
        self.takes.load()

    def select_take(self, take: Take) -> None:
        self.takes.audition(take)

    def set_takes_folder(self, folder: Path) -> None:
        self.takes.set_folder(folder)

    def retry_save(self) -> None:
        self.takes.retry()

    @Slot(object)
    def _on_file_job_done(self, finish: Callable[[], None]) -> None:
        finish()


def _random_seed() -> int:
    """Six digits: enough variety, and short enough to be read and told."""
    return random.randrange(1_000_000)
