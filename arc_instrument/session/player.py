"""Player: what a person does with the audio process. Plays the current sound and notes, records, keeps its state."""

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from arc_instrument.audio.protocol import AudioSettings, AudioState
from arc_instrument.domain import Clip, NoteEvent
from arc_instrument.session.state import MAX_OCTAVE, MIN_OCTAVE, SILENCE, VELOCITY_STEP, CurrentSound
from arc_instrument.session.store import Store

if TYPE_CHECKING:
    from arc_instrument.audio.client import AudioClient

ROOT_NOTE = 60


class Player(QObject):
    """Commands of playing and recording; renders into the store.

    Signals:
        levelsChanged(AudioLevels): meters, as often as the audio process sends them.
        notePlayed(NoteEvent): a key or MIDI note went down (velocity 1–127) or up (0).
        playbackStarted(float): the current sound starts now and lasts so many seconds.
        playbackStopped(): it was stopped before its end, or ended.
        recorded(Clip): a recording that is not silent.
    """

    levelsChanged = Signal(object)
    notePlayed = Signal(object)
    playbackStarted = Signal(float)
    playbackStopped = Signal()
    recorded = Signal(object)

    def __init__(self, store: Store, audio: "AudioClient", devices: AudioSettings):
        super().__init__(store)
        self._store, self._audio = store, audio
        self.devices = devices
        self._pressed_at: float | None = None
        self._playback_end = QTimer(self)
        self._playback_end.setSingleShot(True)
        self._playback_end.timeout.connect(self._end_playback)
        audio.stateChanged.connect(self._on_audio)
        audio.noteReceived.connect(self.notePlayed)
        audio.recorded.connect(self._on_recorded)
        audio.levelsChanged.connect(self.levelsChanged)
        audio.played.connect(self._on_played)

    # --- the current sound --------------------------------------------------------------------------------------

    def load(self, sound: CurrentSound) -> None:
        """Make `sound` what keys and MIDI play from the next hit on."""
        self._audio.arm(sound.clip, ROOT_NOTE)
        self._store.update(current=sound)

    def play(self) -> None:
        """Play the current sound from its start; without running sound nothing moves, and the status strip says why."""
        state = self._store.state
        sound = state.current
        if sound is None or state.audio is None or not state.audio.running:
            self.stop_stopwatch()  # what sounds later is not the answer to this press
            return
        self._audio.play()
        self._playback_end.start(round(sound.clip.seconds * 1000))
        self._store.update(playing=True)
        self.playbackStarted.emit(sound.clip.seconds)

    def toggle_play(self) -> None:
        if self._store.state.playing:
            self._audio.stop()
            self._end_playback()
        else:
            self.play()

    def panic(self) -> None:
        self._audio.panic()
        self._end_playback()

    def start_stopwatch(self) -> None:
        """A sound was ordered now: the time until one is heard is press-to-sound."""
        self._pressed_at = time.perf_counter()

    def stop_stopwatch(self) -> None:
        self._pressed_at = None

    def shutdown(self) -> None:
        self._playback_end.stop()

    @Slot()
    def _end_playback(self) -> None:
        self._playback_end.stop()
        self._store.update(playing=False)
        self.playbackStopped.emit()

    @Slot()
    def _on_played(self) -> None:
        if self._pressed_at is not None and not self._store.state.generating:
            self._store.update(press_to_sound_ms=1000 * (time.perf_counter() - self._pressed_at))
            self._pressed_at = None

    # --- notes --------------------------------------------------------------------------------------------------

    def note_on(self, note: int) -> None:
        """A typed or clicked key, with the velocity of the typed keys."""
        self.play_note(note, self._store.state.velocity)

    def note_off(self, note: int) -> None:
        self.play_note(note, 0)

    def play_note(self, note: int, velocity: int, source: str = "keys") -> None:
        """A note that is not MIDI's; velocity 0 lets go, and what lies outside 0–127 plays nothing."""
        if not (0 <= note <= 127 and 0 <= velocity <= 127):
            return
        if velocity:
            self._audio.note_on(note, velocity)
        else:
            self._audio.note_off(note)
        self.notePlayed.emit(NoteEvent(note, velocity, source))

    def toggle_keys(self) -> None:
        self._store.update(keys_on=not self._store.state.keys_on)

    def shift_octave(self, octaves: int) -> None:
        self.set_octave(self._store.state.octave + octaves)

    def set_octave(self, octave: int) -> None:
        self._store.update(octave=min(max(octave, MIN_OCTAVE), MAX_OCTAVE))

    def shift_velocity(self, steps: int) -> None:
        self.set_velocity(self._store.state.velocity + steps * VELOCITY_STEP)

    def set_velocity(self, velocity: int) -> None:
        self._store.update(velocity=min(max(velocity, 1), 127))

    # --- the sound card -----------------------------------------------------------------------------------------

    def start_audio(self) -> None:
        self._audio.start(self.devices)

    def restart_audio(self) -> None:
        self._store.dismiss_message()
        self._audio.restart()

    def choose_output(self, name: str) -> None:
        """Play through the device of that name from now on; "" for the best there is."""
        self._change_devices(replace(self.devices, device=name, host_api=""))

    def choose_input(self, name: str) -> None:
        """Record from the device of that name from now on; "" for the best there is."""
        self._change_devices(replace(self.devices, input_device=name))

    def _change_devices(self, devices: AudioSettings) -> None:
        if devices != self.devices:
            self.devices = devices
            self._store.controlsChanged.emit()
            self._store.dismiss_message()
            self._audio.restart(devices)

    @Slot(object)
    def _on_audio(self, audio: AudioState) -> None:
        store, before = self._store, self._store.state
        was_running = before.audio is not None and before.audio.running
        store.update(audio=audio, recording=before.recording and audio.running)
        if not audio.running:
            self._end_playback()
            if was_running or before.message is None:
                store.say(audio.sentence, is_error=False, action="restart_audio", action_title="Try again")
        elif not was_running and before.message and before.message.action == "restart_audio":
            store.dismiss_message()

    # --- recording ----------------------------------------------------------------------------------------------

    def toggle_record(self) -> None:
        """Start or end a recording; where none is possible, say why."""
        if self._store.state.recording:
            self._audio.stop_recording()
        elif not self._say_recording_problem():
            self._store.update(recording=True, message=None)
            self._audio.start_recording()

    def _say_recording_problem(self) -> bool:
        """Whether no recording is possible now; if so, say why."""
        audio = self._store.state.audio
        if audio is None or not audio.running:
            problem = f"Nothing to record with. {audio.sentence if audio else 'The sound is still starting.'}"
        else:
            problem = audio.recording_sentence
        if problem:
            self._store.say(problem, action="restart_audio", action_title="Try again")
        return bool(problem)

    @Slot(object)
    def _on_recorded(self, clip: Clip) -> None:
        self._store.update(recording=False)
        if float(np.abs(clip.samples).max(initial=0.0)) >= SILENCE:
            self.recorded.emit(clip)
        elif not self._say_recording_problem():  # the input may have gone since the recording began
            sentence = "The recording is silent: check the microphone and its level."
            self._store.say(sentence, action="record", action_title="Again")
