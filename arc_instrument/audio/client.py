"""The app's handle of the audio process: commands out, messages in, a new process when one dies."""

import json
import logging
import os
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal, Slot

import arc_instrument
from arc_instrument.audio.protocol import (
    DEVICE_LOST,
    AudioLevels,
    AudioSettings,
    AudioState,
    decode,
    encode,
    make_exchange_folder,
    put_samples,
    take_samples,
)
from arc_instrument.domain import Clip, ControlEvent, NoteEvent

__all__ = ["AudioClient", "AudioLevels", "AudioSettings", "AudioState"]

FIRST_RELAUNCH_MS, MAX_RELAUNCH_MS = 300, 8_000
SILENT_TICKS = 4  # seconds without a message after which a running process is stuck in its driver
STARTING_TICKS = 60  # … and a starting one: the first start ever compiles the mixer
QUIT_MS = 2_500

log = logging.getLogger(__name__)


class AudioClient(QObject):
    """Starts, obeys nobody but the GUI thread, and never waits for the audio process except in `shutdown`.

    Signals:
        stateChanged(AudioState): sound came, went or changed; MIDI ports came or went.
        noteReceived(NoteEvent): a MIDI note; the audio process has played it already.
        controlReceived(ControlEvent): a MIDI controller moved, or a program was chosen.
        recorded(Clip): a recording ended; empty if none was possible (`AudioState.recording_sentence` says why).
        levelsChanged(AudioLevels): meters, about 20 a second.
        played(): a voice began to sound.
    """

    stateChanged = Signal(object)
    noteReceived = Signal(object)
    controlReceived = Signal(object)
    recorded = Signal(object)
    levelsChanged = Signal(object)
    played = Signal()

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        self.state = AudioState()
        self._settings = AudioSettings()
        self._folder: Path | None = None
        self._armed: tuple[Clip, int] | None = None
        self._gate = False
        self._relaunch_ms = FIRST_RELAUNCH_MS
        self._silent_ticks = 0
        self._is_up = False
        self._ending = False
        self._last_words = b""
        self._process = QProcess(self)
        self._process.readyReadStandardOutput.connect(self._on_messages)
        self._process.readyReadStandardError.connect(self._on_complaint)
        self._process.finished.connect(self._on_finished)
        self._process.errorOccurred.connect(self._on_error)
        self._relaunch = QTimer(self, singleShot=True)
        self._relaunch.timeout.connect(self._launch)
        self._watchdog = QTimer(self, interval=1_000)
        self._watchdog.timeout.connect(self._on_tick)

    def start(self, settings: AudioSettings) -> None:
        """Start the process and return at once; the state arrives by signal."""
        self._settings = settings
        self._ending = False
        self._launch()

    def restart(self, settings: AudioSettings | None = None) -> None:
        """End the process, stuck or not, and start a new one, with other settings if given."""
        self._settings = settings or self._settings
        self._relaunch_ms = 0
        if self._process.state() == QProcess.ProcessState.NotRunning:
            self._launch()
        else:
            self._process.kill()

    def shutdown(self) -> None:
        """End the process: it fades out first; a stuck one is killed after 2.5 s."""
        self._ending = True
        self._relaunch.stop()
        self._watchdog.stop()
        if self._process.state() != QProcess.ProcessState.NotRunning:
            self._send("quit")
            if not self._process.waitForFinished(QUIT_MS):
                self._process.kill()
                self._process.waitForFinished(QUIT_MS)
        self._remove_folder()

    def arm(self, clip: Clip, root_note: int = 60) -> None:
        """Make `clip` the sound of keys and MIDI from the next hit on; sounding voices keep the old one."""
        self._armed = (clip, root_note)
        self._send_armed()

    def play(self) -> None:
        """Play the armed clip as it is."""
        self._send("play")

    def stop(self) -> None:
        """Fade out everything that sounds."""
        self._send("panic")

    def panic(self) -> None:
        """Fade out everything and forget a held pedal."""
        self._send("panic")

    def note_on(self, note: int, velocity: int) -> None:
        """Play the armed clip as `note` (0–127) with `velocity` (1–127)."""
        self._send("note_on", note=note, velocity=velocity)

    def note_off(self, note: int) -> None:
        """Let go of a key; ends its sound in gate mode only."""
        self._send("note_off", note=note)

    def set_gate(self, gate: bool) -> None:
        """Whether sounds end with their key (gate) or play through (one-shot, the default)."""
        self._gate = gate
        self._send("set_gate", gate=gate)

    def start_recording(self) -> None:
        """Record the input, at most 12 s."""
        if self._process.state() == QProcess.ProcessState.NotRunning:
            self.recorded.emit(_no_recording())
        self._send("start_recording")

    def stop_recording(self) -> None:
        """End the recording: `recorded` follows with the clip, its beginning trimmed to the onset."""
        self._send("stop_recording")

    # --- the process ------------------------------------------------------------------------------------------------

    @Slot()
    def _launch(self) -> None:
        self._remove_folder()
        self._folder = make_exchange_folder()
        self._silent_ticks, self._is_up, self._last_words = 0, False, b""
        environment = QProcessEnvironment.systemEnvironment()
        paths = [str(Path(arc_instrument.__file__).parents[1]), environment.value("PYTHONPATH", "")]
        environment.insert("PYTHONPATH", os.pathsep.join(filter(None, paths)))
        self._process.setProcessEnvironment(environment)
        arguments = ["-P", "-m", "arc_instrument.audio.server", str(self._folder), json.dumps(asdict(self._settings))]
        self._process.start(sys.executable, arguments)
        self._watchdog.start()
        self._send("set_gate", gate=self._gate)
        self._send_armed()

    def _send_armed(self) -> None:
        if self._armed is not None and self._folder is not None:
            clip, root_note = self._armed
            path = put_samples(self._folder, clip.samples)
            self._send("arm", path=path, rate_hz=clip.rate_hz, root_note=root_note)

    def _send(self, kind: str, **fields: object) -> None:
        if self._process.state() != QProcess.ProcessState.NotRunning:
            self._process.write(encode(kind, **fields))

    def _remove_folder(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    @Slot()
    def _on_tick(self) -> None:
        self._silent_ticks += 1
        if self._silent_ticks > (SILENT_TICKS if self._is_up else STARTING_TICKS):
            self._last_words = b"it did not answer"
            self._process.kill()

    @Slot()
    def _on_finished(self) -> None:
        self._watchdog.stop()
        self._on_messages()
        if self._ending:
            return
        if self._process.exitCode() != DEVICE_LOST and self._relaunch_ms:
            last_words = self._last_words.decode(errors="replace").strip()
            reason = last_words.rpartition("\n")[2] or "no reason given"
            log.warning("audio process ended with %s: %s", self._process.exitCode(), last_words)
            self._show(AudioState(sentence=f"The audio process ended ({reason}): it is starting again."))
        self._relaunch.start(self._relaunch_ms)
        self._relaunch_ms = min(MAX_RELAUNCH_MS, max(FIRST_RELAUNCH_MS, 2 * self._relaunch_ms))

    @Slot(QProcess.ProcessError)
    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._watchdog.stop()
            reason = self._process.errorString()
            self._show(AudioState(sentence=f"The audio process does not start ({reason}): takes are still saved."))

    # --- messages -----------------------------------------------------------------------------------------------------

    @Slot()
    def _on_complaint(self) -> None:
        self._last_words = (self._last_words + self._process.readAllStandardError().data())[-4_000:]

    @Slot()
    def _on_messages(self) -> None:
        self._silent_ticks = 0
        while self._process.canReadLine():
            kind, fields = decode(bytes(self._process.readLine().data()))
            self._receive(kind, fields)

    def _receive(self, kind: str, fields: dict) -> None:
        if kind == "levels":
            self.levelsChanged.emit(AudioLevels(**fields))
        elif kind == "note":
            self.noteReceived.emit(NoteEvent(**fields))
        elif kind == "control":
            self.controlReceived.emit(ControlEvent(**fields))
        elif kind == "played":
            self.played.emit()
        elif kind == "recorded":
            self.recorded.emit(
                Clip(take_samples(fields["path"]), fields["rate_hz"]) if fields["path"] else _no_recording()
            )
        elif kind == "state":
            if fields["running"]:
                self._is_up, self._relaunch_ms = True, FIRST_RELAUNCH_MS
            self._show(AudioState(**{name: _frozen(value) for name, value in fields.items()}))

    def _show(self, state: AudioState) -> None:
        self.state = state
        self.stateChanged.emit(state)


def _no_recording() -> Clip:
    return Clip(np.zeros((0, 2), np.float32))


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
