"""The app's handle of the audio process: commands out, messages in, a new process when one dies."""

import json
import logging
import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal, Slot

import arc_instrument
from arc_instrument.audio.protocol import (
    DEVICE_LOST,
    ArmedClip,
    AudioLevels,
    AudioSettings,
    AudioState,
    RecordingPlan,
    decode,
    encode,
    make_exchange_folder,
    put_samples,
    take_samples,
)
from arc_instrument.domain import EVERY_VELOCITY, POOL_CLIPS, Clip, ControlEvent, HitEvent, NoteEvent, ProgramEvent
from arc_instrument.shape import Shape
from arc_instrument.silence import own_loop_end

__all__ = ["AudioClient", "AudioLevels", "AudioSettings", "AudioState", "RecordingPlan"]

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
        recorded(Clip): a recording ended; empty if none was possible (`AudioState.recording_sentence` says why).
        recordingAtRisk(str): the recording that just ended could not be kept on disk while it ran, and why.
        recordingCut(): the audio process ended while it recorded; what its tape holds is on disk.
        kept(Clip): what `keep_last` found; empty if the last 12 s were silent.
        calibrated(float or None): the round trip in milliseconds, None if the probe was not heard.
        howled(): the monitor fed back and was muted.
        levelsChanged(AudioLevels): meters, about 20 a second.
        played(): a voice began to sound.
        clipHit(HitEvent): a note sounded a clip: the pool of its part wants another.
        controlReceived(ControlEvent): a MIDI controller moved, at most two values of each every 10 ms.
        programReceived(ProgramEvent): a MIDI program change.
        transportReceived(str): MIDI "start", "continue" or "stop".
        tempoReceived(float): beats a minute of MIDI clock, when they change.
    """

    stateChanged = Signal(object)
    noteReceived = Signal(object)
    recorded = Signal(object)
    recordingAtRisk = Signal(str)
    recordingCut = Signal()
    kept = Signal(object)
    calibrated = Signal(object)
    howled = Signal()
    levelsChanged = Signal(object)
    played = Signal()
    clipHit = Signal(object)
    controlReceived = Signal(object)
    programReceived = Signal(object)
    transportReceived = Signal(str)
    tempoReceived = Signal(float)

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        self.state = AudioState()
        self._settings = AudioSettings()
        self._folder: Path | None = None
        self._armed: dict[int, ArmedClip] = {}  # by part; a new process gets all of these again
        self._stock: dict[int, dict[int, ArmedClip]] = {}  # by part and clip id
        self._shapes: dict[int, Shape] = {}
        self._pedals: set[int] = set()  # parts whose pedal is down
        self._silent_notes: list[list] = []
        self._monitor_gain = 0.0
        self._is_recording = False
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
        if settings and settings != self._settings:
            self._monitor_gain = 0.0  # other devices may howl
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

    def arm(
        self, clip: Clip, root_note: float = 60, part: int = 0, clip_id: int = 0, keeps_length: bool = False
    ) -> None:
        """Make `clip` the sound of a part from its next hit on and empty its pool; sounding voices keep the old one.

        Part 0 is the keys, and what MIDI plays on all channels but 10; parts 1 to 16 are the pads. A loop of all of a
        clip that `keeps_length`, such as bars, lasts exactly as long; others end where they have died away, or are
        shortened by their crossfade.
        """
        self._armed[part] = _with_loop_end(clip, root_note, clip_id, EVERY_VELOCITY, keeps_length)
        self._stock.pop(part, None)
        self._send_clip("arm", part, self._armed[part])

    def stock(
        self,
        clip: Clip,
        root_note: float = 60,
        part: int = 0,
        clip_id: int = 0,
        velocities: tuple[int, int] = EVERY_VELOCITY,
        keeps_length: bool = False,
    ) -> None:
        """Add `clip` to a part's pool of at most 16: each hit sounds the next, and the last one when none is left.

        The next is the first that is for a hit so hard: whose `velocities`, softest and hardest, are nearest to it.
        `clipHit` tells the `clip_id` of each, and how many remain.
        """
        stock = self._stock.setdefault(part, {})
        stock[clip_id] = _with_loop_end(clip, root_note, clip_id, velocities, keeps_length)
        if len(stock) > POOL_CLIPS:
            stock.pop(next(iter(stock)))
        self._send_clip("stock", part, stock[clip_id])

    def clear_stock(self, part: int = 0) -> None:
        """Empty a part's pool."""
        self._stock.pop(part, None)
        self._send("clear_stock", part=part)

    def set_shape(self, part: int, shape: Shape) -> None:
        """How a part sounds from now on; sounding voices follow without a click."""
        self._shapes[part] = shape
        self._send("set_shape", part=part, shape=asdict(shape))

    def ignore_midi(self, names: Iterable[str]) -> None:
        """Listen to every MIDI input but those of these names, present or absent."""
        self._settings = replace(self._settings, ignored_midi=tuple(names))
        self._send("ignore_midi", names=self._settings.ignored_midi)

    def silence_notes(self, notes: Iterable[tuple[str, int]]) -> None:
        """From now on these notes, each the name of its MIDI port and its number, are told and not played."""
        self._silent_notes = [list(note) for note in notes]
        self._send("silence_notes", notes=self._silent_notes)

    def play(self) -> None:
        """Play the armed clip as it is."""
        self._send("play")

    def stop(self) -> None:
        """Fade out what `play` began; notes ring on."""
        self._send("stop")

    def panic(self) -> None:
        """Fade out everything and forget a held pedal."""
        self._pedals.clear()
        self._send("panic")

    def note_on(self, note: int, velocity: int, part: int = 0) -> None:
        """Play `note` (0–127) with `velocity` (1–127); a pad plays its clip as it is."""
        self._send("note_on", note=note, velocity=velocity, part=part)

    def note_off(self, note: int, part: int = 0) -> None:
        """Let go of a key or pad; ends its sound in gate and loop mode only."""
        self._send("note_off", note=note, part=part)

    def pedal(self, down: bool, part: int = 0) -> None:
        """Sustain: what is let go sounds on while it is down, in a new process too."""
        (self._pedals.add if down else self._pedals.discard)(part)
        self._send("pedal", down=down, part=part)

    def start_recording(self, plan: RecordingPlan | None = None) -> None:
        """Record the input as planned, at most 12 s."""
        if self._process.state() == QProcess.ProcessState.NotRunning:
            self.recorded.emit(_no_recording())
        else:
            self._is_recording = True
        self._send("start_recording", **asdict(plan or RecordingPlan()))

    def stop_recording(self) -> None:
        """End the recording: `recorded` follows with the clip, its beginning trimmed to the onset."""
        self._send("stop_recording")

    def keep_last(self) -> None:
        """Cut out what the input heard within the last 12 s: `kept` follows."""
        if self._process.state() == QProcess.ProcessState.NotRunning:
            self.kept.emit(_no_recording())
        self._send("keep_last")

    def set_monitor(self, gain: float) -> None:
        """Hear the input on the output with this gain (linear, 0 is off)."""
        self._monitor_gain = gain
        self._send("set_monitor", gain=gain)

    def calibrate(self) -> None:
        """Silence everything, put a sweep out and listen for it: `calibrated` follows within a second."""
        if self._process.state() == QProcess.ProcessState.NotRunning:
            self.calibrated.emit(None)
        self._send("calibrate")

    # --- the process ------------------------------------------------------------------------------------------------

    @Slot()
    def _launch(self) -> None:
        self._relaunch.stop()  # it may wait to do the same, and would take the folder away from this process
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
        self._send("set_monitor", gain=self._monitor_gain)
        self._send("silence_notes", notes=self._silent_notes)
        for part, shape in self._shapes.items():
            self.set_shape(part, shape)
        for part, loaded in self._armed.items():
            self._send_clip("arm", part, loaded)
        for part, stock in self._stock.items():
            for loaded in stock.values():
                self._send_clip("stock", part, loaded)
        for part in self._pedals:
            self._send("pedal", part=part, down=True)

    def _send_clip(self, kind: str, part: int, clip: ArmedClip) -> None:
        if self._folder is not None:
            told = dict(vars(clip))
            try:
                path = put_samples(self._folder, told.pop("samples"))
            except OSError as error:
                reason = f"{self._folder.parent}: {error.strerror or error}"
                self._show(replace(self.state, sentence=f"The keys keep their sound: no room for another ({reason})."))
                return
            self._send(kind, part=part, path=path, **told)

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
        if self._is_recording:
            self._is_recording = False
            self.recordingCut.emit()
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
        elif kind == "played":
            self.played.emit()
        elif kind == "hit":
            self._on_hit(HitEvent(**fields))
        elif kind == "control":
            self.controlReceived.emit(ControlEvent(**fields))
        elif kind == "program":
            self.programReceived.emit(ProgramEvent(**fields))
        elif kind == "transport":
            self.transportReceived.emit(fields["command"])
        elif kind == "tempo":
            self.tempoReceived.emit(fields["bpm"])
        elif kind == "recorded":
            self._is_recording = False
            if fields["problem"]:
                self.recordingAtRisk.emit(fields["problem"])
            self.recorded.emit(_clip(fields))
        elif kind == "kept":
            self.kept.emit(_clip(fields))
        elif kind == "calibrated":
            self.calibrated.emit(fields["round_trip_ms"])
        elif kind == "howled":
            self._monitor_gain = 0.0
            self.howled.emit()
        elif kind == "state":
            if fields["running"]:
                self._is_up, self._relaunch_ms = True, FIRST_RELAUNCH_MS
            self._show(AudioState(**{name: _frozen(value) for name, value in fields.items()}))

    def _on_hit(self, hit: HitEvent) -> None:
        self._stock.get(hit.part, {}).pop(hit.clip_id, None)
        self.clipHit.emit(hit)

    def _show(self, state: AudioState) -> None:
        self.state = state
        self.stateChanged.emit(state)


def _with_loop_end(
    clip: Clip, root_note: float, clip_id: int, velocities: tuple[int, int], keeps_length: bool
) -> ArmedClip:
    loop_end = own_loop_end(clip.samples, keeps_length=keeps_length)
    return ArmedClip(clip.samples, clip.rate_hz, root_note, clip_id, velocities, keeps_length, loop_end)


def _no_recording() -> Clip:
    return Clip(np.zeros((0, 2), np.float32))


def _clip(fields: dict) -> Clip:
    return Clip(take_samples(fields["path"]), fields["rate_hz"]) if fields["path"] else _no_recording()


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
