"""Prompt to sound: `Pipeline.stream(Generation)` yields denoising Steps, then audio; `stream_batch` makes several.

Shapes: b batch, c latent channels, t latent frames, n samples.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from model.config import ModelConfig, OobleckConfig
from model.contour import contour
from model.controls import control_signals, named_note
from model.dit import Prepared
from model.engine import (
    Engine,
    PackedEngine,
    Precision,
    can_pack,
    chunk_ends,
    default_device,
    dtype_of,
)
from model.finishing import finish
from model.flow import flow_of_v, interpolate
from model.generator import Generator
from model.guidance import guided
from model.machine import lean_allocation, use_cores
from model.noise import Leg, Noise, NoiseSource
from model.oobleck import Encoder, OobleckAutoencoder
from model.packed import pack_linears
from model.quantise import quantise
from model.sampler import Step, dpmpp, draw_noise, euler, pingpong
from model.schedule import log_snr_times
from model.spectral import SpectralAutoencoder
from model.text import TextEncoder, TransformerEncoder, load_encoder
from model.weights import OpenedModel, embedded_folder, fill, open_folder

PREPARED_PROMPTS = 32  # a kit's, and those in play
ENCODER = "autoencoder.encoder."  # how its tensors' names start among ours
FOLLOWED = 3  # times that a recording's contour counts, up to the noise level below; from there it falls to once
FOLLOWED_TO = 0.6
TEXT_ROWS = 16  # tokens of an ordinary prompt; longer ones take several products


@dataclass(frozen=True, eq=False)
class Generation:
    """What to make. `init` (n, 2) float32 at the model's rate with `init_noise` below 1 makes it audio-to-audio: a
    model that takes control signals also follows its contour.

    `walk` turns the noise of `seed` towards that of other seeds (noise.py). `blend` says prompts with weights that
    add up to 1 in place of `prompt`.
    """

    prompt: str
    seconds: float
    steps: int = 8
    seed: int = 0
    init: np.ndarray | None = None
    init_noise: float = 1.0
    walk: tuple[Leg, ...] = ()
    blend: tuple[tuple[str, float], ...] = ()

    @property
    def start(self) -> float:
        """The noise level at which denoising begins."""
        return 1.0 if self.init is None else self.init_noise


@dataclass(frozen=True, eq=False)
class TextDone:
    """The prompts of the next `items` sounds are embedded; what follows is their denoising, all at once."""

    items: int = 1


@dataclass(frozen=True, eq=False)
class AudioChunk:
    """Samples (n, 2) float32 of the item `item`, as decoded, that follow those already given."""

    samples: np.ndarray
    item: int = 0


class Pipeline:
    """One loaded model. Not thread-safe: one thread owns it."""

    def __init__(self, config: ModelConfig, engine: Engine, text_encoder: TextEncoder, licence: str, licence_link: str):
        self.config, self.engine, self.text_encoder = config, engine, text_encoder
        self.licence, self.licence_link = licence, licence_link  # of the weights
        self._prepared: OrderedDict[tuple[str, float], tuple[Prepared, ...]] = OrderedDict()
        self._followed: tuple[np.ndarray, int, np.ndarray] | None = None  # a recording, samples heard of it, contour

    @classmethod
    @lean_allocation()
    def load(
        cls,
        folder: Path | None = None,
        precision: Precision | None = None,
        device: str | None = None,
        *,
        plain: bool = False,
    ) -> "Pipeline":
        """Load the model in `folder`, by default the embedded one, on the graphics card if there is one.

        `precision` is by default the fastest here. `plain` runs torch's own layers one by one: what the engines
        are measured and tested against. Raises ValueError for weights that are damaged or of no known model.
        """
        use_cores()
        opened, device = open_folder(folder or embedded_folder()), device or default_device()
        config, dtype = opened.config, dtype_of(precision, device)
        engine_type = engine_of(config, device, plain=plain)
        generator, autoencoder = _networks(config, dtype)
        # Only audio-to-audio needs the published encoder, 78 M weights: the packed engine reads it when it does.
        leaves_encoder = engine_type is PackedEngine and isinstance(autoencoder, OobleckAutoencoder)
        fill(_parts(generator, autoencoder), opened, lambda name: not (leaves_encoder and name.startswith(ENCODER)))
        text = load_encoder(config.text, opened.text_folder, dtype)
        text_network = cast("TransformerEncoder", text.encoder).network
        if device != "cpu":
            for module in (generator, autoencoder, text_network):
                module.to(device)
        if precision == "int8":
            quantise(generator.dit)
        engine = engine_type(config, generator, autoencoder, dtype)
        if isinstance(engine, PackedEngine) and leaves_encoder:
            engine.read_encoder = lambda: _encoder(opened, dtype)
        if isinstance(engine, PackedEngine):
            pack_linears(text_network, TEXT_ROWS)
        return cls(config, engine, text, opened.licence, opened.licence_link)

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def sample_rate(self) -> int:
        return self.config.sample_rate

    @property
    def max_seconds(self) -> float:
        return self.config.max_seconds

    def samples(self, seconds: float) -> int:
        """How many samples `seconds` are. Raises ValueError outside what the model makes."""
        samples = round(seconds * self.sample_rate)
        if not 0 < samples <= self.config.max_samples:
            raise ValueError(f"seconds={seconds:g}: this model makes more than 0 and at most {self.max_seconds:.2f} s")
        return samples

    def stream(self, generation: Generation) -> Iterator[TextDone | Step | AudioChunk]:
        """Yield TextDone, a Step after each denoising step, then the sound; closing the generator cancels."""
        return self.stream_batch([generation])

    @torch.inference_mode()
    def stream_batch(self, batch: Sequence[Generation]) -> Iterator[TextDone | Step | AudioChunk]:
        """Make several sounds of one length, number of steps and noise level, each what it is alone.

        Items are denoised in groups of as many as the engine is fastest with, and each group is heard before the next
        begins: yields what `stream` does group after group, the audio item after item in their order.
        Raises ValueError for a length that cannot be made, or items that differ in what a batch shares.
        """
        first = batch[0]
        if any((it.seconds, it.steps, it.start) != (first.seconds, first.steps, first.start) for it in batch):
            raise ValueError("the sounds of one batch have one length, one number of steps and one noise level")
        samples = self.samples(first.seconds)
        size = self.engine.batch_items(self.config.canvas_frames(samples))
        whole = len(batch) // size * size  # in full groups; the others one by one
        for begin, end in pairwise([*range(0, whole, size), *range(whole, len(batch) + 1)]):
            for event in self._stream_group(batch[begin:end], samples):
                yield replace(event, item=begin + event.item) if isinstance(event, AudioChunk) else event

    def _stream_group(self, group: Sequence[Generation], samples: int) -> Iterator[TextDone | Step | AudioChunk]:
        """A seed is the same noise everywhere, and the same sound as in the published code run on a CPU: starting noise
        first, then the draw of a recording's latents, then one draw a step.
        """
        steps, start, frames = group[0].steps, group[0].start, self.config.canvas_frames(samples)
        items = [self._blended(generation) for generation in group]
        prepared = tuple(Prepared.join(parts) for parts in zip(*items, strict=True))
        yield TextDone(len(group))
        noises = [Noise(generation.seed, generation.walk) for generation in group]
        x_bct = draw_noise((len(group), self.config.dit.latent_channels, frames), noises, self.engine.device)
        if start < 1:
            # A model with one canvas for all lengths hears all of the recording that fits, as the published one does.
            heard = samples if frames < self.config.max_frames else self.config.max_samples
            inits = [generation.init[:heard] for generation in group if generation.init is not None]
            init_bct = torch.cat([self.encode(init, frames, noise) for init, noise in zip(inits, noises, strict=True)])
            x_bct = interpolate(init_bct, x_bct, start)
        for step in self._sampled(x_bct, log_snr_times(steps, start), prepared, noises):
            x_bct = step.latent_bct
            yield step
        ends = chunk_ends(ceil(samples / self.config.autoencoder.frame_samples))
        for item, noise in enumerate(noises):
            done = 0
            for audio_bcn in self.engine.decode(x_bct[item : item + 1], ends, noise):
                chunk = audio_bcn[0, :, : samples - done].T.cpu().contiguous().numpy()
                done += len(chunk)
                yield AudioChunk(chunk, item)

    def generate(self, generation: Generation) -> np.ndarray:
        """The whole sound, (n, 2) float32, finished."""
        return self.generate_batch([generation])[0]

    def generate_batch(self, batch: Sequence[Generation]) -> list[np.ndarray]:
        """The whole sounds of a batch, each (n, 2) float32, finished."""
        chunks: list[list[np.ndarray]] = [[] for _ in batch]
        for event in self.stream_batch(batch):
            if isinstance(event, AudioChunk):
                chunks[event.item].append(event.samples)
        return [finish(np.concatenate(parts), self.sample_rate) for parts in chunks]

    def warm_up(self, lengths: Iterable[float]) -> None:
        """Make a sound of one step on each canvas that sounds of these lengths, in seconds, have.

        The first run of a shape packs its matrices, or captures its graphs.
        """
        canvases: set[int] = set()
        for seconds in lengths:
            frames = self.config.canvas_frames(self.samples(min(seconds, self.max_seconds)))
            if frames not in canvases:
                canvases.add(frames)
                self.generate(Generation("warm-up", min(seconds, self.max_seconds), steps=1))

    @torch.inference_mode()
    def encode(self, samples: np.ndarray, frames: int, rng: NoiseSource) -> Tensor:
        """Samples (n, 2) → latents (1, c, `frames`), the rest of the canvas silent."""
        canvas = torch.zeros(1, 2, frames * self.config.autoencoder.frame_samples)
        canvas[0, :, : len(samples)] = torch.from_numpy(np.ascontiguousarray(samples.T))
        return self.engine.encode(canvas, rng)

    def _sampled(
        self, x_bct: Tensor, times: list[float], prepared: tuple[Prepared, ...], noises: list[Noise]
    ) -> Iterator[Step]:
        """Run the model's own sampler, under guidance where `prepared` holds a null condition too."""
        velocity, *null = [
            lambda x_bct, time_b, condition=condition: self.engine.velocity(x_bct, float(time_b[0]), condition)
            for condition in prepared
        ]
        if self.config.objective == "v":
            velocity, *null = [flow_of_v(network) for network in (velocity, *null)]
        if null:
            velocity = guided(velocity, null[0], self.config.guidance)
        match self.config.sampler:
            case "pingpong":
                return pingpong(velocity, x_bct, times, noises)
            case "euler":
                return euler(velocity, x_bct, times)
            case "dpmpp":
                return dpmpp(velocity, x_bct, times)

    def _blended(self, generation: Generation) -> tuple[Prepared, ...]:
        """`_prepare` of the prompt, or of several: between them lie weighted means of their keys and values.

        Measured on the ARC_MINI of 2026-11-22 over 4 pairs of prompts, 3 seeds and 8 steps of weight: the largest step
        of the sound is at most 0.47 of the way between the ends, and the middle 6.5 dB quieter than the quieter end.
        Means of the text tokens: 0.63 and 5.8 dB; of the velocities, which blur to an average of two sounds: 0.67 and
        14.5 dB.
        """
        said = [(text, weight) for text, weight in generation.blend if weight] or [(generation.prompt, 1.0)]
        rows_st = self._contour(generation)
        note = between_notes(said) if self.config.dit.control_width else None
        parts = [self._following(text, generation, rows_st, note) for text, _ in said]
        if len(parts) == 1:
            return parts[0]
        weights = [weight for _, weight in said]
        return tuple(Prepared.mean(conditions, weights) for conditions in zip(*parts, strict=True))

    def _contour(self, generation: Generation) -> np.ndarray | None:
        """The contour of what is heard of the recording that the sound starts from, where it is to be followed.

        The last one is remembered: of 3 s it takes 19 ms, while somebody types. Each request has a slice of its own of
        one recording, so memory is compared and not objects; what is kept holds it, and clips are never written to.
        """
        if generation.init is None or generation.start == 1 or not self.config.dit.control_width:
            return None
        samples = self.samples(generation.seconds)
        known = self._followed
        if known is None or not _is_same_memory(known[0], generation.init) or known[1] != samples:
            frames = self.config.canvas_frames(samples)
            heard, frame_samples = generation.init[:samples], self.config.autoencoder.frame_samples
            known = generation.init, samples, contour(heard, frames, frame_samples, self.sample_rate)
            self._followed = known
        return known[2]

    def _following(
        self, prompt: str, generation: Generation, contour_st: np.ndarray | None, note: float | None
    ) -> tuple[Prepared, ...]:
        """`_prepare`, with `note` in place of the named one, following a recording's contour; the null stays.

        What the contour adds to the embedded signals counts `times_followed` times: at noise level .6 the onsets of
        drum loops come back with an F1 of .8, counted once .6; the higher the level, the more the prompt has to say
        (evaluate transfer and melody have the curves).
        """
        seconds = generation.seconds
        said, *null = self._prepare(prompt, seconds)
        if note is not None:
            said = self._told(said, prompt, seconds, None, note)
        if contour_st is None:
            return said, *null
        following, times = self._told(said, prompt, seconds, contour_st, note), times_followed(generation.init_noise)
        pairs = zip(said.controls, following.controls, strict=True)
        controls = tuple(without + times * (told - without) for without, told in pairs)
        return following._replace(controls=controls), *null

    def _told(
        self, prepared: Prepared, prompt: str, seconds: float, contour_st: np.ndarray | None, note: float | None
    ) -> Prepared:
        """What is prepared, with other control signals."""
        frames = self.config.canvas_frames(self.samples(seconds))
        controls_bst = self.controls(prompt, seconds, frames, contour_st, note)
        assert controls_bst is not None
        return self.engine.with_controls(prepared, controls_bst)

    def controls(
        self,
        prompt: str,
        seconds: float,
        frames: int,
        contour_st: np.ndarray | None = None,
        note: float | None = None,
    ) -> Tensor | None:
        """Control signals (1, s, t) on a canvas of `frames`; None for a model that takes none."""
        if not self.config.dit.control_width:
            return None
        return torch.from_numpy(control_signals(self.config, frames, seconds, prompt, contour_st, note=note))[None]

    def _prepare(self, prompt: str, seconds: float) -> tuple[Prepared, ...]:
        """What the prompt and the length need, and under guidance what nothing said needs; remembered."""
        key = prompt, seconds
        if key not in self._prepared:
            text_bld, seconds_b = self.text_encoder.encode([prompt]).tokens_bld, torch.tensor([seconds])
            controls_bst = self.controls(prompt, seconds, self.config.canvas_frames(self.samples(seconds)))
            prepared = [self.engine.prepare(text_bld, seconds_b, controls_bst)]
            if self.config.guidance != 1:
                prepared.append(self.engine.prepare_null(text_bld, seconds_b, controls_bst))
            self._prepared[key] = tuple(prepared)
            if len(self._prepared) > PREPARED_PROMPTS:
                self._prepared.popitem(last=False)
        self._prepared.move_to_end(key)
        return self._prepared[key]


def times_followed(noise_level: float) -> float:
    """How often a recording's contour counts: `FOLLOWED` times up to `FOLLOWED_TO`, once at level 1."""
    return 1 + (FOLLOWED - 1) * min(1.0, (1 - noise_level) / (1 - FOLLOWED_TO))


def between_notes(said: Sequence[tuple[str, float]]) -> float | None:
    """The weighted mean of the notes that several prompts name, in which all of them sound; None of fewer than two.

    Between two notes there is one that glides: means of the phases of both would beat.
    """
    named = [(note, weight) for text, weight in said if (note := named_note(text)) is not None]
    if len({note for note, _ in named}) < 2:
        return None
    return sum(note * weight for note, weight in named) / sum(weight for _, weight in named)


def engine_of(config: ModelConfig, device: str, *, plain: bool) -> type[Engine]:
    """The fastest engine for this model on this device."""
    if not plain and device == "cuda":
        from model.cuda import GraphEngine

        return GraphEngine
    return PackedEngine if not plain and can_pack(config.dit) else Engine


def _is_same_memory(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether both are the same samples at the same place, with the same type, shape and strides."""
    return one.__array_interface__ == other.__array_interface__


def _networks(config: ModelConfig, dtype: torch.dtype) -> tuple[Generator, OobleckAutoencoder | SpectralAutoencoder]:
    """The networks without weights: what is read is converted tensor by tensor, so there is no second copy of it.

    The published autoencoder is in `dtype`, as published code runs it in float16.
    """
    with torch.device("meta"):
        generator = Generator(config).eval().requires_grad_(False)
        generator.dit.to(dtype)
        if isinstance(config.autoencoder, OobleckConfig):
            return generator, OobleckAutoencoder(config.autoencoder).to(dtype).eval().requires_grad_(False)
    autoencoder = SpectralAutoencoder.of(config)  # its tables are computed, not loaded
    return generator, autoencoder.eval().requires_grad_(False)


def _parts(generator: Generator, autoencoder: nn.Module) -> dict[str, nn.Module]:
    return {**dict(generator.named_children()), "autoencoder": autoencoder}


def _encoder(opened: OpenedModel, dtype: torch.dtype) -> Encoder:
    generator, autoencoder = _networks(opened.config, dtype)
    assert isinstance(autoencoder, OobleckAutoencoder)
    fill(_parts(generator, autoencoder), opened, lambda name: name.startswith(ENCODER))
    return autoencoder.encoder
