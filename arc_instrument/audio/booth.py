"""The recording booth of a stream: recorder, metronome, monitor and calibration probe on one clock of frames."""

from pathlib import Path

import numpy as np

from arc_instrument.audio.calibration import Probe, listening_frames, round_trip_frames
from arc_instrument.audio.metronome import Beat, Metronome
from arc_instrument.audio.monitor import Monitor
from arc_instrument.audio.protocol import RecordingPlan
from arc_instrument.audio.recorder import Recorder
from arc_instrument.audio.tape import Tape

LEAD_SECONDS = 0.05  # from a command to the first click, so that the callback cannot have passed it already


class Booth:
    """`process` belongs to the audio callback, the rest to other threads, one at a time."""

    def __init__(self, rate_hz: float):
        self.rate_hz = rate_hz
        self.recorder, self.metronome, self.monitor = Recorder(rate_hz), Metronome(rate_hz), Monitor(rate_hz)
        self.driver_round_trip_ms = 0.0  # what the driver says of its buffers, until somebody measures it
        self._probe = Probe(rate_hz)
        self._probe_frame: int | None = None
        self._tape: Tape | None = None
        self.tape_problem = ""

    def process(self, block: np.ndarray, out: np.ndarray) -> None:
        """Hear float32 (frames, 1 or 2) and add clicks, probe and monitored input to float32 (frames, 2)."""
        frame = self.recorder.written
        self.recorder.capture(block)
        self.metronome.process(out, frame)
        self._probe.process(out, frame)
        self.monitor.process(block, out)

    # --- recording ------------------------------------------------------------------------------------------------

    def start(self, plan: RecordingPlan) -> None:
        """Record as planned: at once, or from the downbeat after the count-in on.

        What is played to a click reaches the recorder one round trip after the click's frame: by so much the recording
        starts, and ends, later, and the downbeat is its first frame.
        """
        recorder, beat = self.recorder, Beat(plan.bpm, plan.beats_per_bar, plan.count_in_beats)
        frames = beat.frames(plan.bars * plan.beats_per_bar, self.rate_hz) if plan.bars else None
        if plan.count_in_beats or plan.metronome:
            downbeat = self.metronome.start(self._soon(), beat, keep_on=plan.metronome)
            recorder.start_at(downbeat + self._round_trip_frames(plan), frames)
        elif frames is not None:
            recorder.start_at(recorder.written, frames)
        else:
            recorder.start()
        self.tape_problem = ""
        if plan.path:
            self._tape = Tape(recorder, Path(plan.path))

    def stop(self) -> np.ndarray:
        """End the recording, float32 (frames, 2); empty if none ran, or if it was still counted in."""
        self.metronome.stop()
        samples = self.recorder.stop()
        if self._tape is not None:
            self._tape.stop()
            self.tape_problem, self._tape = self._tape.problem, None
        return samples

    @property
    def count_in_beat(self) -> int:
        """Which beat of the count-in sounds now, from 1; 0 outside of it."""
        return self.metronome.count_in_beat(self.recorder.written)

    # --- calibration ------------------------------------------------------------------------------------------------

    def start_calibration(self) -> None:
        """Put the probe out soon; `take_round_trip` has the answer when `calibrated` says so."""
        self._probe_frame = self._soon()
        self._probe.start(self._probe_frame)

    @property
    def calibrated(self) -> bool:
        """Whether a calibration has heard enough."""
        return self._probe_frame is not None and self.recorder.written >= self._last_probe_frame(self._probe_frame)

    def take_round_trip(self) -> float | None:
        """The measured round trip, milliseconds; None if the probe did not come back."""
        assert self._probe_frame is not None
        heard = self.recorder.read(self._probe_frame, self._last_probe_frame(self._probe_frame))
        self._probe_frame = None
        frames = round_trip_frames(heard, self.rate_hz)
        return None if frames is None else 1000 * frames / self.rate_hz

    def _last_probe_frame(self, probe_frame: int) -> int:
        return probe_frame + listening_frames(self.rate_hz)

    def _soon(self) -> int:
        return self.recorder.written + self.recorder.block_frames + round(LEAD_SECONDS * self.rate_hz)

    def _round_trip_frames(self, plan: RecordingPlan) -> int:
        milliseconds = self.driver_round_trip_ms if plan.round_trip_ms is None else plan.round_trip_ms
        return round(milliseconds * self.rate_hz / 1000)
