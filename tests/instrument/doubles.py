"""Doubles for what the window's tests must not depend on: a model that takes seconds to load, and a sound card."""

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, QThread, Signal

from arc_instrument.audio.protocol import AudioState
from arc_instrument.domain import RATE_HZ, Clip, Generated, GenerationRequest, Progress, Timing, UserError
from arc_instrument.models import InstalledModel


class ToneSynth:
    """A small real synthesizer in the model's place: a decaying tone whose pitch and noise follow the seed.

    `gate` holds the worker before each step while it is cleared, so that tests decide when a step happens.
    """

    rate_hz = RATE_HZ
    licence = "CC0-1.0"
    licence_link = "https://creativecommons.org/publicdomain/zero/1.0/"

    def __init__(self, name: str = "tone", max_seconds: float = 4.0) -> None:
        self.name, self.max_seconds = name, max_seconds
        self.gate = threading.Event()
        self.gate.set()
        self.step_begun = threading.Semaphore(0)
        self.requests: list[GenerationRequest] = []
        self.failure: Exception | None = None
        self.bad_ids: set[int] = set()
        self.threads: set[str] = set()

    def warm_up(self) -> None:
        self.threads.add(QThread.currentThread().objectName())

    def stream(self, request: GenerationRequest):
        self.requests.append(request)
        self.threads.add(QThread.currentThread().objectName())
        for step in range(1, request.steps + 1):
            self.step_begun.release()
            assert self.gate.wait(10)
            if self.failure:
                raise self.failure
            if request.id in self.bad_ids:
                raise UserError("This one cannot be made.")
            yield Progress(request.id, step, request.steps, 5.0 * step)
        timing = Timing(1, 5.0 * request.steps, 4, 6, 45)
        yield Generated(request, tone(request.seconds, request.seed), timing, self.name, self.licence)

    def stream_batch(self, requests: Sequence[GenerationRequest]):
        for request in requests:
            yield from self.stream(request)


def tone(seconds: float, seed: int) -> Clip:
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    wave = 0.6 * np.exp(-3 * t) * np.sin(2 * np.pi * rng.uniform(80, 2_000) * t) + 0.02 * rng.standard_normal(len(t))
    return Clip(np.stack([wave, 0.9 * wave], axis=1).astype(np.float32))


class SilentAudio(QObject):
    """The audio process's handle without a process: notes the calls and answers `play` at once."""

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

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple] = []
        self.armed: Clip | None = None
        self.keeps_length = False  # of what was armed last

    def arm(
        self, clip: Clip, root_note: float = 60, part: int = 0, clip_id: int = 0, keeps_length: bool = False
    ) -> None:
        self.calls.append(("arm", root_note) if part == 0 else ("arm", root_note, part, clip_id))
        if part == 0:
            self.armed = clip
        self.keeps_length = keeps_length

    def play(self) -> None:
        self.calls.append(("play",))
        self.played.emit()

    def note_on(self, note: int, velocity: int, part: int = 0) -> None:
        self.calls.append(("note_on", note, velocity, *([part] if part else [])))

    def note_off(self, note: int, part: int = 0) -> None:
        self.calls.append(("note_off", note, *([part] if part else [])))

    def __getattr__(self, name: str):
        if name not in (
            "stop", "panic", "restart", "start_recording", "stop_recording", "keep_last", "set_monitor", "calibrate",
            "stock", "clear_stock", "set_shape", "pedal", "ignore_midi", "silence_notes",
        ):  # fmt: skip
            raise AttributeError(name)
        return lambda *arguments: self.calls.append((name, *arguments))

    def names(self) -> list[str]:
        return [call[0] for call in self.calls]


LONG = InstalledModel("long", "Long & slow", Path("models/long"), "Research only", "https://example.org/licence", 9.0)
RUNNING = AudioState(running=True, sentence="44.1 kHz · JACK · 5.8 ms", latency_ms=5.8, midi_sentence="No MIDI input")
