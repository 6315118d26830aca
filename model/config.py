"""Frozen configurations: the published models, our embedded one, and a tiny one for tests."""

from dataclasses import dataclass, field, replace
from math import ceil, prod
from typing import Literal


@dataclass(frozen=True)
class DiTConfig:
    """Sizes of the diffusion transformer; defaults are Stable Audio Open Small's."""

    latent_channels: int = 64
    width: int = 1024
    depth: int = 16
    heads: int = 8
    ff_inner: int = 4096  # width of the gated half; the published model has 4 × width
    conditioning_width: int = 768  # of text tokens and of the seconds embedding, before the DiT's own MLPs
    time_features: int = 256  # cosines and sines together
    qk_norm: bool = True  # layer norms on the queries and keys of every head
    widen_tokens: bool = True  # to `width`; else cross-attention reads them at `conditioning_width`, with fewer heads
    durations: int = 1  # 1: the total; 2: where in a longer recording the sound starts, then the total
    control_width: int = 0  # inner width of the layers that take control signals (controls.py); 0: there are none

    def __post_init__(self) -> None:
        if self.width % self.heads or self.head_width % 4:
            raise ValueError(f"width={self.width}, heads={self.heads}: a head's width must be a whole multiple of 4")
        if self.token_width % self.head_width or self.heads % self.token_heads:
            raise ValueError(
                f"tokens {self.token_width} wide, heads {self.head_width} wide: cross-attention needs a whole number "
                f"of key heads that divides its {self.heads} query heads"
            )
        if self.durations not in (1, 2):
            raise ValueError(f"durations={self.durations}: a model is told the total, or the start and the total")

    @property
    def head_width(self) -> int:
        return self.width // self.heads

    @property
    def token_width(self) -> int:
        """Width of the condition's tokens in cross-attention."""
        return self.width if self.widen_tokens else self.conditioning_width

    @property
    def token_heads(self) -> int:
        """Key and value heads of cross-attention; each serves heads / token_heads neighbouring query heads."""
        return self.token_width // self.head_width

    @property
    def global_width(self) -> int:
        """Width of the global vector before the DiT's own MLP: the duration embeddings, one after the other."""
        return self.durations * self.conditioning_width

    @property
    def rotary_width(self) -> int:
        """Leading channels of each head that rotate with position: one half."""
        return self.head_width // 2


@dataclass(frozen=True)
class SecondsConfig:
    """Range and width of the duration condition; values outside the range are clamped."""

    width: int = 768
    min_seconds: float = 0.0
    max_seconds: float = 256.0
    frequencies: int = 128


@dataclass(frozen=True)
class TextConfig:
    """Which text encoder, the width of its tokens, and how many of them the DiT sees."""

    encoder: Literal["t5", "minilm"] = "t5"
    name: str = "t5-base"
    width: int = 768
    max_tokens: int = 64


@dataclass(frozen=True)
class OobleckConfig:
    """The published waveform autoencoder; `strides` and `multiples` run from audio to latent."""

    sample_rate: int = 44_100
    audio_channels: int = 2
    latent_channels: int = 64
    channels: int = 128
    multiples: tuple[int, ...] = (1, 2, 4, 8, 16)
    strides: tuple[int, ...] = (2, 4, 4, 8, 8)

    @property
    def frame_samples(self) -> int:
        """Audio samples of one latent frame."""
        return prod(self.strides)


@dataclass(frozen=True)
class SpectralConfig:
    """ARC_MINI's autoencoder on MDCT frames; widths and depths run from audio to latent."""

    sample_rate: int = 44_100
    hop: int = 128
    latent_channels: int = 64
    widths: tuple[int, ...] = (192, 384, 448)
    encoder_depths: tuple[int, ...] = (1, 1, 1)
    decoder_depths: tuple[int, ...] = (3, 3, 1)
    strides: tuple[int, ...] = (4, 4)
    kernel: int = 7  # taps of the depthwise convolutions
    linear_bins: int = 8  # lowest MDCT bins (to 1.4 kHz) that a linear path carries beside the networks
    postfilter_width: int = 16  # channels of its convolutions over bands and frames

    @property
    def frame_samples(self) -> int:
        """Audio samples of one latent frame."""
        return self.hop * prod(self.strides)


@dataclass(frozen=True)
class ModelConfig:
    """A whole text-to-audio model."""

    name: str
    max_frames: int
    canvas_multiple: int  # latent frames are a multiple of this; as many as `max_frames`: always the full canvas
    dit: DiTConfig = field(default_factory=DiTConfig)
    seconds: SecondsConfig = field(default_factory=SecondsConfig)
    text: TextConfig = field(default_factory=TextConfig)
    autoencoder: OobleckConfig | SpectralConfig = field(default_factory=OobleckConfig)
    objective: Literal["flow", "v"] = "flow"  # what the network predicts; flow.py turns v into a velocity
    sampler: Literal["pingpong", "euler", "dpmpp"] = "pingpong"
    default_steps: int = 8
    guidance: float = 1.0  # scale of guidance.py; 1 needs no second pass

    def __post_init__(self) -> None:
        widths = {self.dit.conditioning_width, self.seconds.width, self.text.width}
        if len(widths) > 1:
            raise ValueError(f"{self.name}: the widths of DiT conditioning, seconds and text differ: {sorted(widths)}")
        if self.dit.latent_channels != self.autoencoder.latent_channels:
            raise ValueError(f"{self.name}: DiT and autoencoder disagree on the number of latent channels")

    @property
    def sample_rate(self) -> int:
        return self.autoencoder.sample_rate

    @property
    def max_samples(self) -> int:
        return self.max_frames * self.autoencoder.frame_samples

    @property
    def max_seconds(self) -> float:
        return self.max_samples / self.sample_rate

    @property
    def frame_seconds(self) -> float:
        """The duration of a latent frame."""
        return self.autoencoder.frame_samples / self.sample_rate

    def canvas_frames(self, samples: int) -> int:
        """Latent frames on which `samples` are made; so training pads and crops, but for some longer views."""
        frames = ceil(samples / self.autoencoder.frame_samples)
        return min(self.max_frames, max(1, ceil(frames / self.canvas_multiple)) * self.canvas_multiple)


SAO_SMALL = ModelConfig("stable-audio-open-small", max_frames=256, canvas_multiple=256)

# The rectified flow from which ARC started (`base_model.ckpt`): the paper's "pre-trained RF, 50 steps". Steps and
# guidance are the published interface's defaults for this objective.
SAO_SMALL_BASE = replace(
    SAO_SMALL, name="stable-audio-open-small-base", sampler="euler", default_steps=50, guidance=7.0
)

# Stable Audio Open 1.0, the paper's "SAO, 100 steps". Its published sampler is DPM-Solver++(3M) SDE from sigma 500 to
# 0.3; ours is the deterministic second-order one on nearly the same log-SNR range.
SAO_1_0 = ModelConfig(
    "stable-audio-open-1.0",
    max_frames=1024,
    canvas_multiple=1024,
    dit=DiTConfig(width=1536, depth=24, heads=24, ff_inner=6144, qk_norm=False, widen_tokens=False, durations=2),
    seconds=SecondsConfig(max_seconds=512.0),
    text=TextConfig(max_tokens=128),
    objective="v",
    sampler="dpmpp",
    default_steps=100,
    guidance=7.0,
)

ARC_MINI = ModelConfig(
    "arc-mini",
    max_frames=128,
    canvas_multiple=8,
    dit=DiTConfig(
        latent_channels=96, width=320, depth=8, heads=5, ff_inner=800, conditioning_width=384, control_width=80
    ),
    seconds=SecondsConfig(width=384, max_seconds=8.0),
    text=TextConfig("minilm", "all-MiniLM-L6-v2", width=384, max_tokens=32),
    autoencoder=SpectralConfig(latent_channels=96),
)

TINY = ModelConfig(
    "tiny",
    max_frames=16,
    canvas_multiple=8,
    dit=DiTConfig(width=64, depth=2, heads=2, ff_inner=96, conditioning_width=384, time_features=32, control_width=16),
    seconds=SecondsConfig(width=384, max_seconds=8.0, frequencies=16),
    text=TextConfig("minilm", "all-MiniLM-L6-v2", width=384, max_tokens=32),
    autoencoder=SpectralConfig(
        widths=(24, 32, 48), encoder_depths=(1, 1, 1), decoder_depths=(1, 1, 1), postfilter_width=4
    ),
)

MODELS = {config.name: config for config in (SAO_SMALL, SAO_SMALL_BASE, SAO_1_0, ARC_MINI, TINY)}
