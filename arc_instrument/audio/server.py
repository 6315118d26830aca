"""The audio process: one PortAudio stream, the mixer and recorder in its callback, MIDI beside it. No Qt and no torch.

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

from arc_instrument.audio import devices
from arc_instrument.audio.midi import MidiInputs
from arc_instrument.audio.mixer import RELEASE_MS, Mixer
from arc_instrument.audio.outbox import Outbox
from arc_instrument.audio.protocol import (
    DEVICE_LOST,
    AudioSettings,
    AudioState,
    decode,
    put_samples,
    take_samples,
)
from arc_instrument.audio.recorder import Recorder
from arc_instrument.audio.stream import Sound, description
from arc_instrument.domain import RATE_HZ

LEVELS_SECONDS = 0.05
RETRY_SECONDS = 2.0
SILENT_SECONDS = 1.0  # a device that asks for no block this long is lost
NO_DEVICE = "No sound card found: takes are still saved."
NO_LIBRARY = "The PortAudio library is missing (Debian, Ubuntu: apt install libportaudio2): takes are still saved."


class AudioServer:
    """Obeys commands, keeps a stream open, reports."""

    def __init__(self, settings: AudioSettings, folder: Path, outbox: Outbox):
        self._settings, self._folder, self._outbox = settings, folder, outbox
        self._state = AudioState()
        self._state_lock = threading.Lock()
        self._sound: Sound | None = None
        self._armed: tuple[np.ndarray, int, int] | None = None
        self._gate = False
        self._arm_lock = threading.Lock()
        self._hit = threading.Event()
        self._closing = threading.Event()
        self._midi = MidiInputs(self)

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
        if kind == "arm":
            self._arm(take_samples(fields["path"]), fields["rate_hz"], fields["root_note"])
        elif kind == "set_gate":
            self._gate = fields["gate"]
            if self._sound is not None:
                self._sound.mixer.set_gate(self._gate)
        elif kind == "start_recording":
            self._start_recording()
        elif kind == "stop_recording":
            self._finish_recording()
        elif self._sound is not None:
            mixer = self._sound.mixer
            if kind == "play":
                mixer.play()
            elif kind == "note_on":
                mixer.note_on(fields["note"], fields["velocity"])
            elif kind == "note_off":
                mixer.note_off(fields["note"])
            elif kind == "panic":
                mixer.panic()
            self._hit.set()

    def _arm(self, samples: np.ndarray, rate_hz: int, root_note: int) -> None:
        with self._arm_lock:
            self._armed = (samples, rate_hz, root_note)
            if self._sound is not None:
                self._sound.arm(*self._armed)

    def _start_recording(self) -> None:
        if self._sound is None or self._sound.input_problem:
            self._outbox.put("recorded", path="", rate_hz=RATE_HZ)
        else:
            self._sound.recorder.start()

    def _finish_recording(self) -> None:
        with self._arm_lock:  # a full recording ends by itself, maybe while the app ends it
            if self._sound is None or not self._sound.recorder.recording:
                return
            recorder = self._sound.recorder
            samples = soxr.resample(recorder.stop(), recorder.rate_hz, RATE_HZ)
        self._outbox.put("recorded", path=put_samples(self._folder, samples), rate_hz=RATE_HZ)

    # --- MIDI -----------------------------------------------------------------------------------------------------

    def midi_note(self, note: int, velocity: int, source: str) -> None:
        if self._sound is not None:
            self._sound.mixer.note_on(note, velocity)
            self._hit.set()
        self._outbox.put("note", must_arrive=False, note=note, velocity=velocity, source=source)

    def midi_pedal(self, down: bool) -> None:
        if self._sound is not None:
            self._sound.mixer.pedal(down)

    def midi_panic(self) -> None:
        if self._sound is not None:
            self._sound.mixer.panic()

    def midi_ports(self, names: tuple[str, ...], sentence: str) -> None:
        self._tell(midi_inputs=names, midi_sentence=sentence)

    # --- the device thread ----------------------------------------------------------------------------------------

    def _keep_sound(self) -> None:
        _warm()
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
                sound.mixer.set_gate(self._gate)
                if self._armed is not None:
                    sound.arm(*self._armed)
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
            if now - reported_at < LEVELS_SECONDS:
                continue
            reported_at = now
            self._hit.clear()
            self._report()
            if sound.recorder.full:
                self._finish_recording()
            if sound.mixer.blocks != blocks:
                blocks, alive_at = sound.mixer.blocks, now
            elif now - alive_at > SILENT_SECONDS:
                self._leave_lost_device(sound)
        sound.stream.abort()
        sound.stream.close()

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
            input_peak=sound.recorder.take_peak(),
            voices=sound.mixer.voices,
            xruns=sound.xruns,
            recorded_seconds=sound.recorder.seconds,
            dropped_notes=sound.mixer.dropped,
            load=sound.stream.cpu_load,
        )

    def _tell(self, **changes: object) -> None:
        with self._state_lock:
            before, self._state = self._state, replace(self._state, **changes)
            if self._state.sentence and self._state != before:  # the first state is the device's
                self._outbox.put("state", **asdict(self._state))


def _warm() -> None:
    """Compile or load the kernels, then keep the garbage collector off everything made so far."""
    block = np.zeros((64, 2), np.float32)
    mixer, recorder = Mixer(RATE_HZ), Recorder(RATE_HZ)
    mixer.arm(block)
    mixer.play()
    mixer.process(block)
    recorder.capture(block)
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
