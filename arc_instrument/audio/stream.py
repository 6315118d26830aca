"""An open stream: PortAudio's callback with a mixer and a recording booth in it."""

import time
from collections.abc import Callable

import numpy as np
import soxr

from arc_instrument.audio.booth import Booth
from arc_instrument.audio.devices import Choice, short_name
from arc_instrument.audio.mixer import RELEASE_MS, Mixer
from arc_instrument.audio.protocol import AudioSettings


class Sound:
    """An open stream with its mixer and booth, at the rate the device took."""

    def __init__(self, portaudio, choice: Choice, settings: AudioSettings):
        """Opens and starts: with the input if it can, at the asked rate if the device takes it, else at its own.

        `portaudio` is the module sounddevice. Raises its `PortAudioError` when nothing opens.
        """
        self.choice = choice
        self.xruns = 0
        self.input_problem = "Recording is impossible: no input found."
        device_hz = portaudio.query_devices(choice.output_index)["default_samplerate"]
        rates_hz = dict.fromkeys([settings.rate_hz, device_hz])
        if choice.input_index is not None:
            channels = min(2, portaudio.query_devices(choice.input_index)["max_input_channels"])
            for rate_hz in rates_hz:
                devices = {"device": (choice.input_index, choice.output_index), "channels": (channels, 2)}
                try:
                    self._open(portaudio.Stream, rate_hz, settings, callback=self._on_duplex, **devices)
                    self.input_problem = ""
                    return
                except portaudio.PortAudioError as error:
                    self.input_problem = f"Recording is impossible: the input {choice.input} does not open ({error})."
        for rate_hz in rates_hz:
            try:
                output = {"device": choice.output_index, "channels": 2}
                self._open(portaudio.OutputStream, rate_hz, settings, callback=self._on_output, **output)
                return
            except portaudio.PortAudioError:
                if rate_hz == list(rates_hz)[-1]:
                    raise

    def _open(self, kind, rate_hz: float, settings: AudioSettings, **options: object) -> None:
        self.mixer, self.booth = Mixer(rate_hz), Booth(rate_hz)
        self.stream = kind(
            samplerate=rate_hz, blocksize=settings.block_frames, dtype="float32", latency="low", **options
        )
        try:
            self.stream.start()
        except BaseException:
            self.stream.close()
            raise
        self.booth.driver_round_trip_ms = self.round_trip_ms

    @property
    def latency_ms(self) -> float:
        """Of the output, as the driver reports it."""
        latency = self.stream.latency
        return 1000 * (latency[1] if isinstance(latency, tuple) else latency)

    @property
    def round_trip_ms(self) -> float:
        """From a sample put out to the same sample heard, as the driver reports it; 0 without an input."""
        latency = self.stream.latency
        return 1000 * sum(latency) if isinstance(latency, tuple) else 0.0

    def put(self, put: Callable[..., bool], samples: np.ndarray, rate_hz: int, *where: object) -> None:
        """Give a clip to `mixer.arm` or `mixer.stock` at the stream's rate; waits, at most 0.5 s, for a free slot."""
        samples = soxr.resample(samples, rate_hz, self.mixer.rate_hz) if rate_hz != self.mixer.rate_hz else samples
        for _ in range(100):
            if put(samples, *where):
                return
            time.sleep(RELEASE_MS / 1000)

    def _on_duplex(self, indata, outdata, _frames, _time, status) -> None:
        if status:
            self._count(status)
        self.mixer.process(outdata)
        self.booth.process(indata, outdata)

    def _on_output(self, outdata, _frames, _time, status) -> None:
        if status:
            self._count(status)
        self.mixer.process(outdata)

    def _count(self, status) -> None:
        if status.output_underflow or status.output_overflow or status.input_overflow or status.input_underflow:
            self.xruns += 1


def description(sound: Sound | None, settings: AudioSettings, problem: str) -> dict:
    """The fields of `AudioState` that tell of the stream, or of the `problem` if there is none."""
    if sound is None:
        return {"running": False, "sentence": problem, "recording_sentence": problem, "latency_ms": 0.0}
    host_api = short_name(sound.choice.host_api)
    sentence = f"{sound.mixer.rate_hz / 1000:g} kHz · {host_api} · {sound.latency_ms:.1f} ms"
    if settings.device and sound.choice.output != settings.device:
        sentence = f"{settings.device} is not there: playing on {sound.choice.output} · {sentence}"
    return {
        "running": True,
        "sentence": sentence,
        "recording_sentence": sound.input_problem,
        "latency_ms": sound.latency_ms,
        "device_pair": f"{host_api}: {sound.choice.output} → {sound.choice.input}, {sound.mixer.rate_hz:g} Hz",
        "round_trip_ms": sound.round_trip_ms,
    }
