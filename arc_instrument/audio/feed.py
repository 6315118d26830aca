"""What the app hears of MIDI: all of what a person plays, and of a flood no more than the app can take."""

import time
from collections.abc import Container
from typing import Any, Protocol

WINDOW_SECONDS = 0.01
NOTES_A_SECOND, BURST_NOTES = 1_000, 256  # ten fingers make 200 a second; more come as their last state,
LATE_NOTES = 16  # so many of them each window


class Put(Protocol):
    def __call__(self, kind: str, /, **fields: Any) -> None: ...


class MidiFeed:
    """Coalesces. Of a key, the last state always arrives; of a controller its largest and its last value of a window:
    a button pressed and let go within it is still seen to go down and up. One thread calls it."""

    def __init__(self, put: Put):
        self._put = put
        self._notes_left = float(BURST_NOTES)
        self._last: dict[tuple[int | None, int], int] = {}
        self._notes: dict[
            tuple[int | None, int], tuple[int, str]
        ] = {}  # a program may come by two ports: no port in it
        self._controls: dict[tuple[int, int, str], tuple[int, int]] = {}
        self._programs: dict[tuple[int, str], int] = {}
        self._flushed_at = 0.0

    def note(self, part: int | None, note: int, velocity: int, source: str) -> None:
        if velocity == 0 and not self._last.get((part, note)):
            return  # let go already: by another port of the same program
        self._last[part, note] = velocity
        if self._notes_left >= 1 and (part, note) not in self._notes:
            self._notes_left -= 1
            self._put("note", note=note, velocity=velocity, source=source, part=part)
        else:
            self._notes[part, note] = velocity, source

    def let_go(self, parts: Container[int | None] | None = None) -> None:
        """Every key of these parts that is still down is up: all notes off, or the keyboard is gone (None: all)."""
        for (part, note), velocity in list(self._last.items()):
            if velocity and (parts is None or part in parts):
                self.note(part, note, 0, "")

    def control(self, channel: int, controller: int, value: int, source: str) -> None:
        largest, _ = self._controls.get((channel, controller, source), (value, value))
        self._controls[channel, controller, source] = max(largest, value), value

    def program(self, channel: int, program: int, source: str) -> None:
        self._programs[channel, source] = program

    def flush(self, now_s: float | None = None) -> None:
        """Send what waits, at most every 10 ms."""
        now_s = time.monotonic() if now_s is None else now_s
        elapsed_s = now_s - self._flushed_at
        if elapsed_s < WINDOW_SECONDS:
            return
        self._flushed_at = now_s
        for part, note in list(self._notes)[:LATE_NOTES]:
            velocity, source = self._notes.pop((part, note))
            self._put("note", note=note, velocity=velocity, source=source, part=part)
        for (channel, controller, source), (largest, last) in self._controls.items():
            for value in dict.fromkeys((largest, last)):
                self._put("control", channel=channel, controller=controller, value=value, source=source)
        for (channel, source), program in self._programs.items():
            self._put("program", channel=channel, program=program, source=source)
        self._controls, self._programs = {}, {}
        self._notes_left = min(BURST_NOTES, self._notes_left + NOTES_A_SECOND * elapsed_s)
