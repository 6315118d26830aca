"""The border to the model: requests in, progress and sound out. The only module here that imports `model` or torch.

Import it inside the worker, never at the top of another module: torch takes seconds to load, the window must not wait.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import soxr
import torch

from arc_instrument.domain import (
    MAX_SEED,
    RATE_HZ,
    Clip,
    Generated,
    GenerationRequest,
    Progress,
    Timing,
    UserError,
)
from arc_instrument.loudness import loudness_gain_db
from arc_instrument.morph import blend_of
from arc_instrument.soundness import fault_of
from model.finishing import finish
from model.machine import machine_peaks
from model.pipeline import AudioChunk, Generation, Pipeline, TextDone
from model.probe import probe
from model.sampler import Step

__all__ = ["Synth", "machine_peaks"]

_log = logging.getLogger(__name__)
WARM_UP_SECONDS = (0.3, 3.0, 5.0)  # short, usual and long canvases


class Synth:
    """A loaded model behind the instrument's own types. Raises `UserError` when its weights cannot be used.

    On a graphics card whose memory runs out it goes on with the processor.
    """

    def __init__(self, weights: Path | None = None, precision: str | None = None, *, plain: bool = False):
        self._options: dict[str, Any] = {"folder": weights, "precision": precision, "plain": plain}
        try:
            try:
                self._pipeline = Pipeline.load(**self._options)
            except torch.OutOfMemoryError:
                self._move_to_processor()
        except ValueError as error:
            raise UserError(f"The model cannot be loaded: {error}.") from error
        except MemoryError as error:
            raise UserError("The model does not fit into this machine's memory: choose a smaller one.") from error
        self.name = self._pipeline.name
        self.max_seconds = self._pipeline.max_seconds
        self.rate_hz = self._pipeline.sample_rate
        self.default_steps = self._pipeline.config.default_steps
        self.licence, self.licence_link = self._pipeline.licence, self._pipeline.licence_link

    def warm_up(self) -> None:
        """Run each kind of canvas once, so that the player's first sound is as fast as the next."""
        try:
            self._pipeline.warm_up(WARM_UP_SECONDS)
        except torch.OutOfMemoryError:
            self._move_to_processor()
            self._pipeline.warm_up(WARM_UP_SECONDS)

    def stream(self, request: GenerationRequest) -> Iterator[Progress | Generated]:
        """Yield Progress after every step, then the Generated sound; closing the generator cancels.

        Raises `UserError` for what the model refuses or cannot make.
        """
        return self.stream_batch([request])

    def stream_batch(self, requests: Sequence[GenerationRequest]) -> Iterator[Progress | Generated]:
        """Make sounds of one length, number of steps and noise level: Progress, under the id of the first of those that
        are made together, and each sound as soon as it is there.

        What comes out silent, or not as numbers, is made once more at the end, with the next seed, and says so.
        """
        faulty: list[tuple[GenerationRequest, str]] = []
        for item in self._made(requests):
            if isinstance(item, Progress):
                yield item
            elif fault := fault_of(item.clip.samples):
                faulty.append((item.request, fault))
            else:
                yield self._finished(item)
        for request, fault in faulty:
            other = replace(request, seed=(request.seed + 1) % (MAX_SEED + 1))
            note = f"Seed {request.seed} gave {fault}: this is seed {other.seed}."
            for item in self._made([other]):
                if isinstance(item, Generated):
                    item = replace(self._finished(item), notes=(note,))
                yield item

    def _made(self, requests: Sequence[GenerationRequest]) -> Iterator[Progress | Generated]:
        """The sounds as the model made them, in their order. Times spent on several at once are shared among them."""
        start = time.perf_counter()

        def elapsed_ms() -> float:
            return 1000 * (time.perf_counter() - start)

        frames = round(requests[0].seconds * self.rate_hz)
        text_ms = steps_ms = first_sound_ms = begun_ms = begun_decoding_ms = 0.0
        together, done = 1, 0
        chunks: list[np.ndarray] = []
        try:
            for item in self._pipeline.stream_batch([_generation(request) for request in requests]):
                match item:
                    case TextDone():
                        together, text_ms = item.items, (elapsed_ms() - begun_ms) / item.items
                        begun_ms = elapsed_ms()
                    case Step():
                        steps_ms = (elapsed_ms() - begun_ms) / together
                        yield Progress(requests[done].id, item.index, item.steps, elapsed_ms())
                        begun_decoding_ms = elapsed_ms()
                    case AudioChunk():
                        chunks.append(item.samples)
                        first_sound_ms = first_sound_ms or elapsed_ms()
                        if sum(map(len, chunks)) == frames:
                            decode_ms = elapsed_ms() - begun_decoding_ms
                            total_ms = text_ms + steps_ms + decode_ms
                            timing = Timing(text_ms, steps_ms, decode_ms, first_sound_ms, total_ms, together)
                            yield Generated(
                                requests[done], Clip(np.concatenate(chunks)), timing, self.name, self.licence
                            )
                            chunks, first_sound_ms, done = [], 0.0, done + 1
                            begun_ms = begun_decoding_ms = elapsed_ms()
        except ValueError as error:
            raise UserError(str(error)) from error
        except torch.OutOfMemoryError as error:
            self._move_to_processor()
            raise UserError(
                "The graphics card's memory is full: the model now runs on the processor, which is slower. "
                "Generate again, or close other programs that use the card and start anew."
            ) from error
        except MemoryError as error:
            raise UserError(
                "This machine's memory is full: close other programs, or ask for a shorter sound."
            ) from error

    def _finished(self, made: Generated) -> Generated:
        """As loud as every sound, at most at −1 dBTP, without clicks at its edges, at the instrument's rate."""
        samples = made.clip.samples
        if not fault_of(samples):  # what is silent a second time shall not become noise
            samples = samples * np.float32(10 ** (loudness_gain_db(Clip(samples, self.rate_hz)) / 20))
        try:
            samples = finish(samples, self.rate_hz)
        except ValueError as error:
            raise UserError(str(error)) from error
        return replace(made, clip=Clip(self._at_instrument_rate(samples)))

    def _move_to_processor(self) -> None:
        """Load the model anew, on the processor, after the card's memory ran out."""
        _log.warning("the graphics card's memory is full: the model runs on the processor")
        vars(self).pop("_pipeline", None)  # freed before the other is loaded
        self._pipeline = Pipeline.load(**self._options, device="cpu")

    @property
    def about(self) -> dict[str, str]:
        """What the engine is and computes in."""
        engine = self._pipeline.engine
        precision = self._options["precision"] or str(engine.dtype).removeprefix("torch.")
        return {"engine": type(engine).__name__, "precision": precision, "device": str(engine.device)}

    def probe(self) -> dict[str, np.ndarray]:
        """Velocities and a decoded sound of fixed inputs, to compare engines and precisions by."""
        return probe(self._pipeline)

    def _at_instrument_rate(self, samples: np.ndarray) -> np.ndarray:
        return samples if self.rate_hz == RATE_HZ else soxr.resample(samples, self.rate_hz, RATE_HZ)


def _generation(request: GenerationRequest) -> Generation:
    return Generation(
        request.prompt,
        request.seconds,
        request.steps,
        request.seed,
        request.init.samples if request.init else None,
        request.init_noise,
        request.walk,
        blend_of(request.prompt),
    )
