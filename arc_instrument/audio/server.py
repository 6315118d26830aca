"""The audio process: one PortAudio stream, mixer and recording booth in its callback, MIDI beside it. No Qt, no torch.

`python -m arc_instrument.audio.server FOLDER [SETTINGS_JSON]` reads commands from stdin and writes messages to stdout
(see `protocol`); the end of stdin, as when the app dies, ends it. Threads: main reads commands, "device" opens and
watches the stream, "midi" the ports, "outbox" writes; PortAudio's own runs the callback.
"""

import gc
import json
import os
import shutil
import sys
import threading
import time
import traceback
from dataclasses import asdict, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soxr

from arc_instrument.audio import devices, performance
from arc_instrument.audio.booth import Booth
from arc_instrument.audio.feed import MidiFeed
from arc_instrument.audio.kernel import PREVIEW_PART
from arc_instrument.audio.midi import MidiInputs
from arc_instrument.audio.mixer import RELEASE_MS, Mixer
from arc_instrument.audio.outbox import Outbox
from arc_instrument.audio.priority import run_before_others
from arc_instrument.audio.protocol import (
    DEVICE_LOST,
    ArmedClip,
    AudioSettings,
    AudioState,
    RecordingPlan,
    decode,
    put_samples,
    take_samples,
)
from arc_instrument.audio.rack import Rack
from arc_instrument.audio.stream import Sound, description
from arc_instrument.domain import RATE_HZ
from arc_instrument.midi_bindings import may_be_same_port
from arc_instrument.shape import Shape

LEVELS_SECONDS = 0.05
RETRY_SECONDS = 2.0
SILENT_SECONDS = 1.0  # a device that asks for no block this long is lost
NO_DEVICE = "No sound card: takes are still saved."
NO_LIBRARY = "The PortAudio library is missing (Debian, Ubuntu: apt install libportaudio2): takes are still saved."


class AudioServer:
    """Obeys commands, keeps a stream open, reports."""

    def __init__(self, settings: AudioSettings, folder: Path, outbox: Outbox):
        self._settings, self._folder, self._outbox = settings, folder, outbox
        self._state = AudioState()
        self._state_lock = threading.Lock()
        self._sound: Sound | None = None
        self._rack = Rack()
        self._monitor_gain = 0.0
        self._arm_lock = threading.Lock()
        self._silent_notes: frozenset[tuple[str, int]] = frozenset()
        self._hit = threading.Event()
        self._closing = threading.Event()
        self._feed = MidiFeed(outbox.put)
        self._midi = MidiInputs(self, settings.ignored_midi)

    def run(self, commands: BinaryIO) -> None:
        """Obey until "quit" or the end of `commands`."""
        device = threading.Thread(target=self._keep_sound, name="device", daemon=True)
        device.start()
        self._midi.start()
        for line in commands:
            kind, fields = decode(line)
            if kind == "quit":
                break
            self._obey(kind, fields)
        self._closing.set()
        if self._sound is not None:
            self._sound.mixer.panic()
            time.sleep(2 * RELEASE_MS / 1000)
        self._midi.close()
        device.join(1.0)  # closing a dead device can hang: then the process just leaves

    # --- commands -----------------------------------------------------------------------------------------------

    def _obey(self, kind: str, fields: dict) -> None:
        if kind in ("arm", "stock"):
            samples = take_samples(fields.pop("path"))
            part, velocities = fields.pop("part"), tuple(fields.pop("velocities"))
            clip = ArmedClip(samples, **fields, velocities=velocities)
            with self._arm_lock:
                put = self._rack.arm if kind == "arm" else self._rack.stock
                put(part, clip)
        elif kind == "clear_stock":
            with self._arm_lock:
                self._rack.clear_stock(fields["part"])
        elif kind == "set_shape":
            with self._arm_lock:
                self._rack.set_shape(fields["part"], Shape(**fields["shape"]))
        elif kind == "pedal":
            with self._arm_lock:
                self._rack.pedal(fields["part"], fields["down"])
        elif kind == "panic":
            self._panic()
        elif kind == "ignore_midi":
            self._midi.ignore(fields["names"])
        elif kind == "silence_notes":
            self._silent_notes = frozenset((source, note) for source, note in fields["notes"])
        elif kind == "start_recording":
            self._start_recording(RecordingPlan(**fields))
        elif kind == "keep_last":
            self._keep_last()
        elif kind == "set_monitor":
            self._set_monitor(fields["gain"])
        elif kind == "calibrate":
            self._calibrate()
        elif kind == "stop_recording":
            self._finish_recording()
        elif self._sound is not None:
            mixer = self._sound.mixer
            if kind == "play":
                mixer.play()
            elif kind == "note_on":
                mixer.note_on(fields["note"], fields["velocity"], fields["part"])
            elif kind == "note_off":
                mixer.note_off(fields["note"], fields["part"])
            elif kind == "stop":
                mixer.sound_off(PREVIEW_PART)
            self._hit.set()

    def _panic(self) -> None:
        if self._sound is not None:
            self._sound.mixer.panic()
        with self._arm_lock:  # not before: silence waits for nobody
            self._rack.lift_pedals()

    # --- recording ------------------------------------------------------------------------------------------------

    @property
    def _booth(self) -> Booth | None:
        """The recording booth, None where nothing can be recorded."""
        return None if self._sound is None or self._sound.input_problem else self._sound.booth

    def _start_recording(self, plan: RecordingPlan) -> None:
        booth = self._booth
        if booth is None:
            self._send_clip("recorded", np.zeros((0, 2), np.float32), RATE_HZ)
        elif not booth.recorder.recording:
            booth.start(plan)

    def _finish_recording(self) -> None:
        booth = self._booth
        with self._arm_lock:  # a full recording ends by itself, maybe while the app ends it
            if booth is None or not booth.recorder.recording:
                return
            samples = booth.stop()
        self._send_clip("recorded", samples, booth.rate_hz, problem=booth.tape_problem)

    def _keep_last(self) -> None:
        booth = self._booth
        samples = np.zeros((0, 2), np.float32) if booth is None else booth.recorder.keep_last()
        self._send_clip("kept", samples, RATE_HZ if booth is None else booth.rate_hz)

    def _send_clip(self, kind: str, samples: np.ndarray, rate_hz: float, problem: str = "") -> None:
        """At 44.1 kHz; an empty one has no path."""
        samples = soxr.resample(samples, rate_hz, RATE_HZ) if len(samples) else samples
        path = put_samples(self._folder, samples) if len(samples) else ""
        self._outbox.put(kind, path=path, rate_hz=RATE_HZ, problem=problem)

    def _set_monitor(self, gain: float) -> None:
        self._monitor_gain = gain
        if self._booth is not None:
            self._booth.monitor.set_gain(gain)

    def _calibrate(self) -> None:
        if self._sound is None or self._booth is None:
            self._outbox.put("calibrated", round_trip_ms=None)
        else:
            self._sound.mixer.panic()
            self._hold_pedals()
            self._booth.start_calibration()

    # --- MIDI -----------------------------------------------------------------------------------------------------

    def midi_note(self, channel: int, note: int, velocity: int, source: str) -> None:
        if any(note == silent and may_be_same_port(source, port) for port, silent in self._silent_notes):
            self._feed.note(None, note, velocity, source)
            if velocity:
                return  # and what sounds since before it was learned is let go
        if self._sound is not None:
            performance.play_note(self._sound.mixer, channel, note, velocity)
            self._hit.set()
        self._feed.note(performance.part_of(channel, note), note, velocity, source)

    def midi_control(self, channel: int, controller: int, value: int, source: str) -> None:
        if self._sound is not None:
            performance.turn(self._sound.mixer, channel, controller, value)
        self._feed.let_go(performance.parts_let_go(channel, controller))
        self._feed.control(channel, controller, value, source)

    def midi_bend(self, channel: int, value: int) -> None:
        if self._sound is not None:
            performance.bend(self._sound.mixer, channel, value)

    def midi_pressure(self, channel: int, value: int) -> None:
        if self._sound is not None:
            performance.press(self._sound.mixer, channel, value)

    def midi_program(self, channel: int, program: int, source: str) -> None:
        self._feed.program(channel, program, source)

    def midi_transport(self, command: str) -> None:
        self._outbox.put("transport", must_arrive=False, command=command)

    def midi_tempo(self, bpm: float) -> None:
        self._outbox.put("tempo", must_arrive=False, bpm=bpm)

    def midi_lost(self) -> None:
        if self._sound is not None:
            performance.lift_all(self._sound.mixer)
            self._hold_pedals()
        self._feed.let_go()

    def _hold_pedals(self) -> None:
        with self._arm_lock:
            self._rack.hold_pedals()

    def midi_flush(self) -> None:
        self._feed.flush()

    def midi_ports(self, open_names: tuple[str, ...], all_names: tuple[str, ...], sentence: str) -> None:
        self._tell(midi_inputs=open_names, midi_present=all_names, midi_sentence=sentence)

    # --- the device thread ----------------------------------------------------------------------------------------

    def _keep_sound(self) -> None:
        _warm()
        run_before_others()  # not before: compiling takes seconds
        try:
            import sounddevice
        except OSError:
            self._tell(running=False, sentence=NO_LIBRARY, recording_sentence=NO_LIBRARY)
            while not self._closing.wait(LEVELS_SECONDS):
                self._report()
            return
        while not self._closing.is_set():
            self._open(sounddevice)
            if self._sound is not None:
                self._watch(self._sound)
                return
            self._wait_for_retry()
            sounddevice._terminate()  # PortAudio looks for devices only when it starts
            sounddevice._initialize()

    def _open(self, portaudio) -> None:
        host_apis, table = portaudio.query_hostapis(), portaudio.query_devices()
        problem = NO_DEVICE
        for choice in devices.candidates(host_apis, table, self._settings):
            try:
                sound = Sound(portaudio, choice, self._settings)
            except portaudio.PortAudioError as error:
                problem = f"The sound card {choice.output} does not open ({error}): takes are still saved."
                continue
            with self._arm_lock:
                sound.booth.monitor.set_gain(self._monitor_gain)
                self._rack.plug(sound)
                self._sound = sound
            break
        self._tell(
            **description(self._sound, self._settings, problem),
            outputs=devices.names(table, "output"),
            inputs=devices.names(table, "input"),
            host_apis=devices.host_api_names(host_apis, table),
        )

    def _wait_for_retry(self) -> None:
        end = time.monotonic() + RETRY_SECONDS
        while time.monotonic() < end and not self._closing.wait(LEVELS_SECONDS):
            self._report()

    def _watch(self, sound: Sound) -> None:
        """Report until the process closes; leave it when the device asks for no more blocks."""
        blocks, alive_at, started, reported_at = -1, time.monotonic(), 0, 0.0
        while not self._closing.is_set():
            waiting_for_hit = self._hit.is_set() and started == sound.mixer.started
            self._closing.wait(0.001) if waiting_for_hit else self._hit.wait(LEVELS_SECONDS)
            now = time.monotonic()
            if sound.mixer.started != started:
                started = sound.mixer.started
                self._hit.clear()
                self._outbox.put("played", must_arrive=False)
                for hit in sound.mixer.take_hits():
                    self._outbox.put("hit", **hit._asdict())
            if now - reported_at < LEVELS_SECONDS:
                continue
            reported_at = now
            self._hit.clear()
            self._report()
            self._attend(sound.booth)
            if sound.mixer.blocks != blocks:
                blocks, alive_at = sound.mixer.blocks, now
            elif now - alive_at > SILENT_SECONDS:
                self._leave_lost_device(sound)
        sound.stream.abort()
        sound.stream.close()

    def _attend(self, booth: Booth) -> None:
        """What ends by itself in the booth: a full recording, a calibration, a monitor that howled."""
        if booth.recorder.full:
            self._finish_recording()
        if booth.calibrated:
            self._outbox.put("calibrated", round_trip_ms=booth.take_round_trip())
        if booth.monitor.take_howl():
            self._monitor_gain = 0.0
            self._outbox.put("howled")

    def _leave_lost_device(self, sound: Sound) -> None:
        self._finish_recording()
        name = devices.short_name(sound.choice.host_api)
        sentence = f"The sound device stopped ({sound.choice.output}, {name}): sound comes back when it does."
        self._tell(running=False, sentence=sentence, recording_sentence=sentence)
        self._outbox.flush(1.0)
        os._exit(DEVICE_LOST)

    def _report(self) -> None:
        sound = self._sound
        if sound is None:
            self._outbox.put("levels", must_arrive=False)
            return
        self._outbox.put(
            "levels",
            must_arrive=False,
            output_peak=sound.mixer.take_peak(),
            input_peak=sound.booth.recorder.take_peak(),
            voices=sound.mixer.voices,
            xruns=sound.xruns,
            recorded_seconds=sound.booth.recorder.seconds,
            dropped_notes=sound.mixer.dropped,
            load=sound.stream.cpu_load,
            count_in_beat=sound.booth.count_in_beat,
        )

    def _tell(self, **changes: object) -> None:
        with self._state_lock:
            before, self._state = self._state, replace(self._state, **changes)
            if self._state.sentence and self._state != before:  # the first state is the device's
                self._outbox.put("state", **asdict(self._state))


def _warm() -> None:
    """Compile or load the kernels, then keep the garbage collector off everything made so far."""
    block = np.zeros((64, 2), np.float32)
    mixer, booth = Mixer(RATE_HZ), Booth(RATE_HZ)
    mixer.arm(block)
    mixer.play()
    mixer.process(block)
    booth.start(RecordingPlan(metronome=True))
    booth.start_calibration()
    booth.process(block, block.copy())
    booth.process(block[:, :1].copy(), block)
    gc.freeze()


def _leave_with_traceback(failure: threading.ExceptHookArgs) -> None:
    """A process that lost a thread would be silent for ever: leave, and the client starts another."""
    traceback.print_exception(failure.exc_type, failure.exc_value, failure.exc_traceback)
    sys.stderr.flush()
    os._exit(1)


def main() -> None:
    # libjack and ALSA print to stdout: keep the real one for messages and send theirs to stderr.
    messages = os.fdopen(os.dup(1), "wb", buffering=1 << 16)
    os.dup2(2, 1)
    threading.excepthook = _leave_with_traceback
    sys.setswitchinterval(0.0005)  # how long another thread may keep the callback waiting for the GIL
    folder = Path(sys.argv[1])
    settings = AudioSettings(**json.loads(sys.argv[2])) if len(sys.argv) > 2 else AudioSettings()
    outbox = Outbox(messages)
    try:
        AudioServer(settings, folder, outbox).run(sys.stdin.buffer)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    outbox.flush(0.5)
    os._exit(0)


if __name__ == "__main__":
    main()
