"""Player: plays the current sound and notes on the audio process, and keeps its state."""

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from arc_instrument.audio.protocol import AudioSettings, AudioState
from arc_instrument.domain import EVERY_VELOCITY, FIRST_PAD_NOTE, Clip, NoteEvent, Take
from arc_instrument.session.state import MAX_OCTAVE, MIN_OCTAVE, ROOT_NOTE, VELOCITY_STEP, CurrentSound
from arc_instrument.session.store import Store
from arc_instrument.shape import Shape

if TYPE_CHECKING:
    from arc_instrument.audio.client import AudioClient


class Player(QObject):
    """Commands of playing; renders into the store.

    Signals:
        levelsChanged(AudioLevels): meters, as often as the audio process sends them.
        notePlayed(NoteEvent): a key or MIDI note went down (velocity 1–127) or up (0).
        playbackStarted(float): the current sound starts now and lasts so many seconds.
        playbackStopped(): it was stopped before its end, or ended.
        answered(float): the sound that was ordered is heard, so many milliseconds after the press.
        keysArmed(): the keys have a sound in the audio process, which has emptied their pool.
        clipHit(HitEvent): a note sounded a clip of its part.
        controlReceived(ControlEvent), programReceived(ProgramEvent): MIDI, whether it played anything or not.
        transportReceived(str): MIDI "start", "continue" or "stop". tempoReceived(float): bpm of MIDI clock.
    """

    levelsChanged = Signal(object)
    notePlayed = Signal(object)
    playbackStarted = Signal(float)
    playbackStopped = Signal()
    answered = Signal(float)
    keysArmed = Signal()
    clipHit = Signal(object)
    controlReceived = Signal(object)
    programReceived = Signal(object)
    transportReceived = Signal(str)
    tempoReceived = Signal(float)

    def __init__(self, store: Store, audio: "AudioClient", devices: AudioSettings):
        super().__init__(store)
        self._store, self._audio = store, audio
        self.devices = devices
        store.update(devices=devices)
        self._pressed_at: float | None = None
        self._playback_end = QTimer(self)
        self._playback_end.setSingleShot(True)
        self._playback_end.timeout.connect(self._end_playback)
        audio.stateChanged.connect(self._on_audio)
        audio.noteReceived.connect(self.notePlayed)
        audio.levelsChanged.connect(self.levelsChanged)
        audio.played.connect(self._on_played)
        audio.clipHit.connect(self.clipHit)
        audio.controlReceived.connect(self.controlReceived)
        audio.programReceived.connect(self.programReceived)
        audio.transportReceived.connect(self.transportReceived)
        audio.tempoReceived.connect(self.tempoReceived)

    # --- the current sound --------------------------------------------------------------------------------------

    def load(self, sound: CurrentSound) -> None:
        """Make `sound` what keys and MIDI play from the next hit on."""
        self._audio.arm(sound.heard, sound.root_note, keeps_length=sound.keeps_length)
        self._store.update(current=sound)
        self.keysArmed.emit()

    def tell_take(self, take: Take) -> None:
        """The current sound has become `take`: from the next hit on, the keys play it from the root heard in it."""
        sound = self._store.state.current
        assert sound is not None
        told = replace(sound, take=take)
        self._store.update(current=told)
        if told.root_note != sound.root_note:
            self._audio.arm(told.heard, told.root_note, keeps_length=told.keeps_length)
            self.keysArmed.emit()

    def play(self) -> None:
        """Play the current sound from its start; without running sound nothing moves, and the status strip says why."""
        state = self._store.state
        sound = state.current
        if sound is None or state.audio is None or not state.audio.running:
            self.stop_stopwatch()  # what sounds later is not the answer to this press
            return
        self._audio.play()
        self._start_playback(sound.heard.seconds)

    def audition(self, clip: Clip) -> bool:
        """Play `clip` once; the keys keep the current sound. False without running sound."""
        state = self._store.state
        if state.audio is None or not state.audio.running:
            return False
        self._audio.arm(clip, ROOT_NOTE)
        self._audio.play()
        if state.current is not None:  # a voice keeps the clip that it began with
            sound = state.current
            self._audio.arm(sound.heard, sound.root_note, keeps_length=sound.keeps_length)
        self.keysArmed.emit()
        self._start_playback(clip.seconds)
        return True

    def toggle_play(self) -> None:
        if self._store.state.playing:
            self.stop()
        else:
            self.play()

    def stop(self) -> None:
        """End the current sound where it is played as a whole; notes ring on."""
        if self._store.state.playing:
            self._audio.stop()
            self._end_playback()

    def panic(self) -> None:
        self._audio.panic()
        self._store.update(sustain=False)
        self._end_playback()

    def start_stopwatch(self) -> None:
        """A sound was ordered now: the time until one is heard is press-to-sound."""
        self._pressed_at = time.perf_counter()

    def stop_stopwatch(self) -> None:
        self._pressed_at = None

    def shutdown(self) -> None:
        self._playback_end.stop()

    def _start_playback(self, seconds: float) -> None:
        self._playback_end.start(round(seconds * 1000))
        self._store.update(playing=True)
        self._store.when_seen(lambda: self.playbackStarted.emit(seconds))  # the playhead runs over what is seen

    @Slot()
    def _end_playback(self) -> None:
        self._playback_end.stop()
        self._store.update(playing=False)
        self._store.when_seen(self.playbackStopped.emit)

    @Slot()
    def _on_played(self) -> None:
        if self._pressed_at is not None and not self._store.state.generating:
            elapsed_ms = 1000 * (time.perf_counter() - self._pressed_at)
            self._pressed_at = None
            self.answered.emit(elapsed_ms)

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

    def hit_pad(self, index: int, velocity: int = 100) -> None:
        """Strike pad `index` (1–16)."""
        self._audio.note_on(FIRST_PAD_NOTE + index - 1, velocity, index)
        self.notePlayed.emit(NoteEvent(FIRST_PAD_NOTE + index - 1, velocity, "pads", index))

    def release_pad(self, index: int) -> None:
        """Let go of pad `index`; ends its sound in gate and loop mode only."""
        self._audio.note_off(FIRST_PAD_NOTE + index - 1, index)
        self.notePlayed.emit(NoteEvent(FIRST_PAD_NOTE + index - 1, 0, "pads", index))

    def play_pad(self, index: int, velocity: int) -> None:
        """A pad hit from outside; velocity 0 lets go."""
        if velocity:
            self.hit_pad(index, velocity)
        else:
            self.release_pad(index)

    def toggle_sustain(self) -> None:
        self.set_sustain(not self._store.state.sustain)

    def set_sustain(self, down: bool) -> None:
        """Hold the keys that are let go, as a pedal does."""
        self._audio.pedal(down, 0)
        self._store.update(sustain=down)

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

    # --- parts --------------------------------------------------------------------------------------------------

    def arm(
        self, part: int, clip: Clip, root_note: float = ROOT_NOTE, clip_id: int = 0, keeps_length: bool = False
    ) -> None:
        """Make `clip` the sound of a part (0 the keys, 1–16 the pads) from its next hit on, and empty its pool."""
        self._audio.arm(clip, root_note, part, clip_id, keeps_length)

    def stock(
        self,
        part: int,
        clip: Clip,
        root_note: float = ROOT_NOTE,
        clip_id: int = 0,
        velocities: tuple[int, int] = EVERY_VELOCITY,
        keeps_length: bool = False,
    ) -> None:
        """Add `clip` to a part's pool of at most 16, for hits of these velocities; `clipHit` tells when it sounded."""
        self._audio.stock(clip, root_note, part, clip_id, velocities, keeps_length)

    def clear_stock(self, part: int) -> None:
        """Empty a part's pool: its last sound sounds again."""
        self._audio.clear_stock(part)

    def set_shape(self, part: int, shape: Shape) -> None:
        """Shape a part; what sounds follows without a click."""
        shapes = self._store.state.shapes
        if shapes[part] != shape:
            self._audio.set_shape(part, shape)
            self._store.update(shapes=(*shapes[:part], shape, *shapes[part + 1 :]))

    # --- the sound card -----------------------------------------------------------------------------------------

    def start_audio(self) -> None:
        self._audio.start(self.devices)

    def restart_audio(self) -> None:
        self._store.dismiss_message()
        self._audio.restart()

    def choose_output(self, name: str) -> None:
        """Play through the device of that name from now on, by the chosen driver if that has it; "" for the best."""
        self.change_devices(device=name)

    def choose_input(self, name: str) -> None:
        """Record from the device of that name from now on; "" for the best there is."""
        self.change_devices(input_device=name)

    def ignore_midi(self, names: tuple[str, ...]) -> None:
        """Listen to every MIDI input but those; the sound goes on meanwhile."""
        self.devices = replace(self.devices, ignored_midi=names)
        self._store.update(devices=self.devices)
        self._store.settingsChanged.emit()
        self._audio.ignore_midi(names)

    def change_devices(self, **changes: object) -> None:
        """Replace fields of `AudioSettings` and open the stream anew, if that changes anything."""
        devices = replace(self.devices, **changes)  # pyright: ignore[reportArgumentType]
        if devices != self.devices:
            self.devices = devices
            self._store.update(devices=devices)
            self._store.settingsChanged.emit()
            self._store.dismiss_message()
            self._audio.restart(devices)

    @Slot(object)
    def _on_audio(self, audio: AudioState) -> None:
        store, before = self._store, self._store.state
        was_running = before.audio is not None and before.audio.running
        store.update(audio=audio)
        if not audio.running:
            self._end_playback()
            if was_running or before.message is None:
                store.say(audio.sentence, is_error=False, action="restart_audio", action_title="Try again")
        elif not was_running and before.message and before.message.action == "restart_audio":
            store.dismiss_message()
