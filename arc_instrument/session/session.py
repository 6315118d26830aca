"""Session: the sounds a person orders, what they start from, and the takes they become."""

import random
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from datetime import datetime
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
from arc_instrument.midi_bindings import Binding
from arc_instrument.requests import check_request, crop_note
from arc_instrument.session.controls import Controls
from arc_instrument.session.estimate import TimeEstimate
from arc_instrument.session.midi_map import MidiMap
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
        bindings: Sequence[Binding] = (),
    ):
        """`max_seconds` is what the model will make that is not loaded yet."""
        controls = (sound or SoundSettings()).model_dump()
        if not controls["seed_locked"]:
            controls["seed"] = _random_seed()
        self._wished_seconds: float = controls.pop("seconds")  # what was chosen, though the model may make less
        seconds = min(self._wished_seconds, max_seconds)
        super().__init__(SessionState(**controls, seconds=seconds, max_seconds=max_seconds))
        self.player = Player(self, audio, devices or AudioSettings())
        self.player.notePlayed.connect(self._on_note)
        self.player.recorded.connect(self._on_recorded)
        self.controls = Controls(self)
        self.midi_map = MidiMap(self, self.controls, audio, bindings)
        self._fileJobDone.connect(self._on_file_job_done)
        self._shelf = Shelf(library, read_clip, self._fileJobDone.emit, files, refuge)
        self._wanted_take: Take | None = None
        self._list_models = list_models
        self._wanted_model: InstalledModel | None = None
        self.chosen_model: InstalledModel | None = None  # loaded because a person asked for it
        self._estimates: dict[Path | None, TimeEstimate] = {}
        self._estimate = TimeEstimate()
        self._next_id = 1
        self._user_id: int | None = None
        self._seed_is_used = False

        self._generation = generation
        generation.phaseChanged.connect(self._on_phase)
        generation.modelLoaded.connect(self._on_model)
        generation.switchFailed.connect(self._on_switch_failed)
        generation.progressed.connect(self._on_progress)
        generation.generated.connect(self._on_generated)
        generation.failed.connect(self._on_failed)
        generation.cancelled.connect(self._on_cancelled)

    def shutdown(self) -> None:
        """Wait for takes that are still being written."""
        self.controls.shutdown()
        self.player.shutdown()
        self._shelf.shutdown()

    # --- the controls -------------------------------------------------------------------------------------------

    def set_prompt(self, prompt: str) -> None:
        self.update(prompt=prompt)

    def set_steps(self, steps: int) -> None:
        self._update_cost(steps=min(max(steps, MIN_STEPS), MAX_PLAYED_STEPS))

    def set_seconds(self, seconds: float) -> None:
        seconds = self._possible(seconds)
        self._wished_seconds = seconds
        self._update_cost(seconds=seconds)

    def set_seed(self, seed: int) -> None:
        """A seed that was typed is meant: it is locked."""
        self.update(seed=min(max(seed, 0), MAX_SEED), seed_locked=True)

    def new_seed(self) -> None:
        self._seed_is_used = False
        self.update(seed=_random_seed())

    def toggle_seed_lock(self) -> None:
        self.update(seed_locked=not self.state.seed_locked)

    def set_strength(self, percent: int) -> None:
        self.update(strength_percent=min(max(percent, 0), 100))

    def toggle_fresh(self) -> None:
        self.update(fresh=not self.state.fresh)

    def sound_settings(self) -> SoundSettings:
        """The controls as the settings file keeps them."""
        settings = SoundSettings(**{name: getattr(self.state, name) for name in SoundSettings.model_fields})
        settings.seconds = self._wished_seconds
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
        self._update_cost(seconds=self._possible(self._wished_seconds))

    @Slot(str)
    def _on_switch_failed(self, sentence: str) -> None:
        assert self.state.model is not None  # the one before was loaded before this was told
        text = f"{sentence} The model in use is {self.state.model.name} again."
        self.say(text, action="retry_switch", action_title="Try again")

    # --- making sounds ------------------------------------------------------------------------------------------

    def generate(self) -> None:
        """Order the sound that the controls describe; a request that cannot be made is refused with one sentence."""
        if self._seed_is_used and not self.state.seed_locked:
            self.new_seed()
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
        self._seed_is_used = True
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
        self.player.load(CurrentSound(clip, peaks(clip.samples), request.prompt, request.seed, milliseconds))
        if is_user:
            self._user_id = None
            self.update(generating=False, progress=None)
            self.player.play()
        self._update_cost()
        if float(np.abs(clip.samples).max(initial=0.0)) < SILENCE:
            sentence = "This sound came out silent: try another seed or other words."
            self.say(sentence, action="generate", action_title="Again")
        elif generated.notes:
            self.say(generated.notes[0], is_error=False)
        self._shelf.keep(generated, self._on_saved, self._on_not_saved)

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
        self.update(init=None)

    def _set_init(self, name: str, clip: Clip) -> None:
        self.update(init=InitSound(name, clip, peaks(clip.samples)), message=None)

    @Slot(object)
    def _on_recorded(self, clip: Clip) -> None:
        self._set_init(f"Recording {datetime.now():%H:%M}", clip)

    # --- takes --------------------------------------------------------------------------------------------------

    def load_takes(self) -> None:
        """Show the takes that are on disk."""

        def show(takes: list[Take]) -> None:
            known = {take.path for take in takes}
            self.update(takes=(*(take for take in self.state.takes if take.path not in known), *takes))

        self._shelf.list_takes(show, self.say)

    def select_take(self, take: Take) -> None:
        """Hear a take: read it, make it the current sound, play it."""
        if take.path == self.state.current_path:
            self.player.play()
            return
        self._wanted_take = take

        def show(clip: Clip) -> None:
            if self._wanted_take is take:  # and not another one that was chosen while this was read
                sound = CurrentSound(clip, peaks(clip.samples), take.prompt, take.seed, take.generation_ms, take)
                self.player.load(sound)
                self.player.play()

        self._shelf.read(take.path, show, self.say)

    def restore(self, take: Take) -> None:
        """Set the controls to what made `take`."""
        self._seed_is_used = False
        self._wished_seconds = take.seconds
        was_from_init = take.init_noise < 1
        self._update_cost(
            prompt=take.prompt,
            steps=take.steps,
            seconds=self._possible(take.seconds),
            seed=take.seed,
            seed_locked=True,
            strength_percent=strength_percent(take.init_noise) if was_from_init else self.state.strength_percent,
        )

    def restore_current(self) -> None:
        if self.state.current and self.state.current.take:
            self.restore(self.state.current.take)

    @property
    def takes_folder(self) -> Path:
        return self._shelf.folder

    def set_takes_folder(self, folder: Path) -> None:
        """Keep takes in `folder` from now on, and write there what could not be written before."""
        self._shelf.move_to(folder)
        self.update(takes=())
        self.controlsChanged.emit()
        self.load_takes()
        self.retry_save()

    def retry_save(self) -> None:
        self.dismiss_message()
        self._shelf.retry(self._on_saved, self._on_not_saved)

    def _on_saved(self, generated: Generated, take: Take) -> None:
        current = self.state.current
        if current is not None and current.clip is generated.clip:
            current = replace(current, take=take)
        self.update(takes=(take, *self.state.takes), current=current)

    def _on_not_saved(self, sentence: str) -> None:
        text = f"The take is not saved, but can be played. {sentence}"
        self.say(text, action="choose_folder", action_title="Choose folder")

    @Slot(object)
    def _on_file_job_done(self, finish: Callable[[], None]) -> None:
        finish()


def _random_seed() -> int:
    """Six digits: enough variety, and short enough to be read and told."""
    return random.randrange(1_000_000)
