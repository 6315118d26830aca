"""Session: the state of the instrument and everything a person can order. No widgets, no torch, no sound card."""

import random
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from arc_instrument.domain import (
    MAX_SEED,
    MAX_STEPS,
    MIN_STEPS,
    Clip,
    Generated,
    GenerationRequest,
    NoteEvent,
    Phase,
    Progress,
    Take,
    UserError,
)
from arc_instrument.estimate import TimeEstimate
from arc_instrument.generation import GenerationService
from arc_instrument.library import Library
from arc_instrument.requests import check_request, crop_note
from arc_instrument.settings import SoundSettings
from arc_instrument.shelf import Shelf
from arc_instrument.state import (
    MAX_OCTAVE,
    MIN_OCTAVE,
    MIN_SECONDS,
    VELOCITY_STEP,
    CurrentSound,
    InitSound,
    Message,
    SessionState,
    init_noise,
    strength_percent,
)
from arc_instrument.waveform import peaks

if TYPE_CHECKING:
    from arc_instrument.audio.client import AudioClient
    from arc_instrument.audio.protocol import AudioState

ROOT_NOTE = 60
AUDIO_SUFFIXES = {".wav", ".aif", ".aiff", ".flac", ".mp3", ".ogg"}
SILENCE = 1e-3  # −60 dBFS: a take below it is reported, not passed off as a success


class Session(QObject):
    """State and commands; lives in the GUI thread, and reads and writes files in a thread of its own.

    Signals:
        stateChanged(SessionState): after every change.
        controlsChanged(): something that the settings file keeps has changed.
        levelsChanged(AudioLevels): meters, as often as the audio process sends them.
        notePlayed(NoteEvent): a key or MIDI note went down (velocity 1–127) or up (0).
        playbackStarted(float): the current sound starts now and lasts so many seconds.
        playbackStopped(): it was stopped before its end, or ended.
    """

    stateChanged = Signal(object)
    controlsChanged = Signal()
    levelsChanged = Signal(object)
    notePlayed = Signal(object)
    playbackStarted = Signal(float)
    playbackStopped = Signal()
    _fileJobDone = Signal(object)

    def __init__(
        self,
        generation: GenerationService,
        audio: "AudioClient",
        library: Library,
        read_clip: Callable[[Path], Clip],
        sound: SoundSettings | None = None,
        files: Executor | None = None,
        parent: QObject | None = None,
    ):
        super().__init__(parent)
        sound = sound or SoundSettings()
        self.state = SessionState(
            prompt=sound.prompt,
            steps=sound.steps,
            seconds=sound.seconds,
            seed=sound.seed if sound.seed_locked else _random_seed(),
            seed_locked=sound.seed_locked,
            strength_percent=sound.strength_percent,
            fresh=sound.fresh,
        )
        self._generation, self._audio = generation, audio
        self._fileJobDone.connect(self._on_file_job_done)
        self._shelf = Shelf(library, read_clip, self._fileJobDone.emit, files)
        self._wanted_take: Take | None = None
        self._estimate = TimeEstimate()
        self._next_id = 1
        self._user_id: int | None = None
        self._seed_is_used = False
        self._pressed_at: float | None = None
        self._playback_end = QTimer(self, singleShot=True)
        self._playback_end.timeout.connect(self._end_playback)

        generation.phaseChanged.connect(self._on_phase)
        generation.modelLoaded.connect(self._on_model)
        generation.progressed.connect(self._on_progress)
        generation.generated.connect(self._on_generated)
        generation.failed.connect(self._on_failed)
        generation.cancelled.connect(self._on_cancelled)
        audio.stateChanged.connect(self._on_audio)
        audio.noteReceived.connect(self._on_note)
        audio.recorded.connect(self._on_recorded)
        audio.levelsChanged.connect(self.levelsChanged)
        audio.played.connect(self._on_played)

    # --- the controls -------------------------------------------------------------------------------------------

    def set_prompt(self, prompt: str) -> None:
        self._update(prompt=prompt)

    def set_steps(self, steps: int) -> None:
        self._update(steps=min(max(steps, MIN_STEPS), MAX_STEPS))

    def set_seconds(self, seconds: float) -> None:
        self._update(seconds=min(max(seconds, MIN_SECONDS), self.state.max_seconds))

    def set_seed(self, seed: int) -> None:
        """A seed that was typed is meant: it is locked."""
        self._update(seed=min(max(seed, 0), MAX_SEED), seed_locked=True)

    def new_seed(self) -> None:
        self._seed_is_used = False
        self._update(seed=_random_seed())

    def toggle_seed_lock(self) -> None:
        self._update(seed_locked=not self.state.seed_locked)

    def set_strength(self, percent: int) -> None:
        self._update(strength_percent=min(max(percent, 0), 100))

    def toggle_fresh(self) -> None:
        self._update(fresh=not self.state.fresh)

    def toggle_keys(self) -> None:
        self._update(keys_on=not self.state.keys_on)

    def shift_octave(self, octaves: int) -> None:
        self._update(octave=min(max(self.state.octave + octaves, MIN_OCTAVE), MAX_OCTAVE))

    def shift_velocity(self, steps: int) -> None:
        self._update(velocity=min(max(self.state.velocity + steps * VELOCITY_STEP, 1), 127))

    def sound_settings(self) -> SoundSettings:
        """The controls as the settings file keeps them."""
        names = SoundSettings.model_fields
        return SoundSettings(**{name: getattr(self.state, name) for name in names})

    # --- making sounds ------------------------------------------------------------------------------------------

    def generate(self) -> None:
        """Order the sound that the controls describe; a request that cannot be made is refused with one sentence."""
        if self._seed_is_used and not self.state.seed_locked:
            self.new_seed()
        request = self._request("user", self.state.seed)
        try:
            checked = check_request(request, self.state.max_seconds)
        except UserError as error:
            self._say(str(error))
            return
        if self.state.phase is Phase.FAILED:
            self._say(self.state.phase_sentence, action="retry_model", action_title="Retry")
            return
        note = crop_note(request)
        self._seed_is_used = True
        self._user_id = request.id
        self._pressed_at = time.perf_counter()
        self._update(generating=True, progress=None, message=Message(note, is_error=False) if note else None)
        self._generation.submit(checked)

    def cancel(self) -> None:
        """Cancel; a result that is already on its way is dropped too."""
        self._generation.cancel()
        self._end_request()

    def _order_variation(self) -> None:
        if self.state.current is None or self.state.phase not in (Phase.READY, Phase.GENERATING):
            return
        try:
            request = check_request(self._request("fresh", _random_seed()), self.state.max_seconds)
        except UserError as error:
            self._say(str(error))
            return
        self._generation.submit(request)

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

    @Slot(object, str)
    def _on_phase(self, phase: Phase, sentence: str) -> None:
        self._update(phase=phase, phase_sentence=sentence)
        if phase is Phase.FAILED:
            self._generation.cancel()
            self._say(sentence, action="retry_model", action_title="Retry")

    @Slot(str, float)
    def _on_model(self, name: str, max_seconds: float) -> None:
        self._update(model_name=name, max_seconds=max_seconds, seconds=min(self.state.seconds, max_seconds))

    @Slot(object)
    def _on_progress(self, progress: Progress) -> None:
        if progress.request_id == self._user_id:
            self._update(progress=progress)

    @Slot(object)
    def _on_generated(self, generated: Generated) -> None:
        request = generated.request
        is_user = request.origin == "user"
        if is_user and request.id != self._user_id:
            return
        self._estimate.learn(generated)
        current = CurrentSound(
            clip=generated.clip,
            peaks=peaks(generated.clip.samples),
            prompt=request.prompt,
            seed=request.seed,
            generation_ms=generated.timing.total_ms,
        )
        self._audio.arm(generated.clip, ROOT_NOTE)
        if is_user:
            self._user_id = None
            self._update(generating=False, progress=None, current=current)
            self.play()
        else:
            self._update(current=current)
        if float(np.abs(generated.clip.samples).max(initial=0.0)) < SILENCE:
            self._say(
                "This sound came out silent: try another seed or other words.", action="generate", action_title="Again"
            )
        elif generated.notes:
            self._say(generated.notes[0], is_error=False)
        self._shelf.keep(generated, self._on_saved, self._on_not_saved)

    @Slot(int, str)
    def _on_failed(self, request_id: int, sentence: str) -> None:
        if request_id == self._user_id:
            self._end_request()
        self._say(sentence, action="generate", action_title="Again")

    @Slot(int)
    def _on_cancelled(self, request_id: int) -> None:
        if request_id == self._user_id:
            self._end_request()

    def _end_request(self) -> None:
        self._user_id = self._pressed_at = None
        self._update(generating=False, progress=None)

    # --- playing ------------------------------------------------------------------------------------------------

    def toggle_play(self) -> None:
        if self.state.playing:
            self._audio.stop()
            self._end_playback()
        else:
            self.play()

    def play(self) -> None:
        """Play the current sound from its start."""
        if self.state.current is None:
            return
        self._audio.play()
        self._playback_end.start(round(self.state.current.clip.seconds * 1000))
        self._update(playing=True)
        self.playbackStarted.emit(self.state.current.clip.seconds)

    @Slot()
    def _end_playback(self) -> None:
        self._playback_end.stop()
        self._update(playing=False)
        self.playbackStopped.emit()

    def panic(self) -> None:
        self._audio.panic()
        self._end_playback()

    def note_on(self, note: int, velocity: int | None = None) -> None:
        """A typed or clicked key; without `velocity` the one of the typed keys."""
        if 0 <= note <= 127:
            velocity = self.state.velocity if velocity is None else velocity
            self._audio.note_on(note, velocity)
            self._on_note(NoteEvent(note, velocity, "keys"))

    def note_off(self, note: int) -> None:
        if 0 <= note <= 127:
            self._audio.note_off(note)
            self._on_note(NoteEvent(note, 0, "keys"))

    @Slot(object)
    def _on_note(self, event: NoteEvent) -> None:
        self.notePlayed.emit(event)
        if event.velocity and self.state.fresh:
            self._order_variation()

    @Slot()
    def _on_played(self) -> None:
        if self._pressed_at is not None and not self.state.generating:
            self._update(press_to_sound_ms=1000 * (time.perf_counter() - self._pressed_at))
            self._pressed_at = None

    @Slot(object)
    def _on_audio(self, audio: "AudioState") -> None:
        was_running = self.state.audio is not None and self.state.audio.running
        self._update(audio=audio, recording=self.state.recording and audio.running)
        if not audio.running:
            self._end_playback()
            if was_running or self.state.message is None:
                self._say(audio.sentence, action="restart_audio", action_title="Try again")
        elif not was_running and self.state.message and self.state.message.action == "restart_audio":
            self.dismiss_message()

    def restart_audio(self) -> None:
        self.dismiss_message()
        self._audio.restart()

    # --- the recording ------------------------------------------------------------------------------------------

    def toggle_record(self) -> None:
        if self.state.recording:
            self._audio.stop_recording()
            return
        audio = self.state.audio
        if audio is None or not audio.running:
            sentence = audio.sentence if audio else "The sound is still starting."
            self._say(f"Nothing to record with. {sentence}", action="restart_audio", action_title="Try again")
            return
        if audio.recording_sentence:
            self._say(audio.recording_sentence, action="restart_audio", action_title="Try again")
            return
        self._update(recording=True, message=None)
        self._audio.start_recording()

    @Slot(object)
    def _on_recorded(self, clip: Clip) -> None:
        self._update(recording=False)
        if len(clip.samples) == 0 or float(np.abs(clip.samples).max()) < SILENCE:
            self._say(
                "The recording is silent: check the microphone and its level.", action="record", action_title="Again"
            )
            return
        self._set_init(f"Recording {datetime.now():%H:%M}", clip)

    def load_init(self, path: Path) -> None:
        """Use an audio file as the recording."""
        self._shelf.read(path, lambda clip: self._set_init(path.name, clip), self._say)

    def load_dropped(self, paths: list[Path]) -> None:
        """Use the one audio file that was dropped; anything else is refused with a sentence."""
        if len(paths) != 1:
            what = "Nothing that lies on this computer" if not paths else f"{len(paths)} files"
            self._say(f"{what} was dropped: drop one audio file (WAV, AIFF, FLAC, MP3 or OGG).")
        elif paths[0].suffix.lower() not in AUDIO_SUFFIXES:
            self._say(f"“{paths[0].name}” is not an audio file: drop a WAV, AIFF, FLAC, MP3 or OGG.")
        else:
            self.load_init(paths[0])

    def clear_init(self) -> None:
        self._update(init=None)

    def _set_init(self, name: str, clip: Clip) -> None:
        self._update(init=InitSound(name, clip, peaks(clip.samples)), message=None)

    # --- takes --------------------------------------------------------------------------------------------------

    def load_takes(self) -> None:
        """Show the takes that are on disk."""

        def show(takes: list[Take]) -> None:
            known = {take.path for take in takes}
            self._update(takes=(*(take for take in self.state.takes if take.path not in known), *takes))

        self._shelf.list_takes(show, self._say)

    def select_take(self, take: Take) -> None:
        """Hear a take: read it, make it the current sound, play it."""
        if take.path == self.state.current_path:
            self.play()
            return
        self._wanted_take = take

        def show(clip: Clip) -> None:
            if self._wanted_take is not take:  # another one was chosen while this was read
                return
            self._audio.arm(clip, ROOT_NOTE)
            self._update(
                current=CurrentSound(clip, peaks(clip.samples), take.prompt, take.seed, take.generation_ms, take)
            )
            self.play()

        self._shelf.read(take.path, show, self._say)

    def restore(self, take: Take) -> None:
        """Set the controls to what made `take`."""
        self._seed_is_used = False
        self._update(
            prompt=take.prompt,
            steps=take.steps,
            seconds=min(max(take.seconds, MIN_SECONDS), self.state.max_seconds),
            seed=take.seed,
            seed_locked=True,
            strength_percent=strength_percent(take.init_noise) if take.init_noise < 1 else self.state.strength_percent,
        )

    def restore_current(self) -> None:
        if self.state.current and self.state.current.take:
            self.restore(self.state.current.take)

    def set_takes_folder(self, folder: Path) -> None:
        """Keep takes in `folder` from now on, and write there what could not be written before."""
        self._shelf.move_to(folder)
        self._update(takes=(), message=None)
        self.controlsChanged.emit()
        self.load_takes()
        self.retry_save()

    @property
    def takes_folder(self) -> Path:
        return self._shelf.folder

    def retry_save(self) -> None:
        self.dismiss_message()
        self._shelf.retry(self._on_saved, self._on_not_saved)

    def _on_saved(self, generated: Generated, take: Take) -> None:
        current = self.state.current
        if current is not None and current.clip is generated.clip:
            current = replace(current, take=take)
        self._update(takes=(take, *self.state.takes), current=current)

    def _on_not_saved(self, sentence: str) -> None:
        self._say(
            f"The take is not saved, but can be played. {sentence}",
            action="choose_folder",
            action_title="Choose folder",
        )

    # --- messages and threads -----------------------------------------------------------------------------------

    def retry_model(self) -> None:
        self.dismiss_message()
        self._generation.start()

    def show_message(self, message: Message) -> None:
        self._update(message=message)

    def dismiss_message(self) -> None:
        if self.state.message is not None:
            self._update(message=None)

    def shutdown(self) -> None:
        """Wait for takes that are still being written."""
        self._playback_end.stop()
        self._shelf.shutdown()

    def _say(self, text: str, *, is_error: bool = True, action: str = "", action_title: str = "") -> None:
        self._update(message=Message(text, is_error, action, action_title))

    @Slot(object)
    def _on_file_job_done(self, finish: Callable[[], None]) -> None:
        finish()

    def _update(self, **changes: object) -> None:
        state = replace(self.state, **changes)  # pyright: ignore[reportArgumentType]
        if changes.keys() & {"steps", "seconds", "current"} or state.estimate_ms is None:
            state = replace(state, estimate_ms=self._estimate.total_ms(state.steps, state.seconds))
        self.state = state
        self.stateChanged.emit(state)
        if changes.keys() & SoundSettings.model_fields.keys():
            self.controlsChanged.emit()


def _random_seed() -> int:
    """Six digits: enough variety, and short enough to be read and told."""
    return random.randrange(1_000_000)
