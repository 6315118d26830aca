"""Frozen recipes of the trainings: short ones of ARC_MINI (its card has the shipped one), and the paper's."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class AdversaryConfig:
    """Multi-scale complex STFT discriminator and how it learns; defaults are those of the published autoencoder."""

    n_ffts: tuple[int, ...] = (2048, 1024, 512, 256, 128)  # hop ¼
    filters: int = 64
    first_kernel: tuple[int, int] = (3, 9)  # frames, bins
    kernel: tuple[int, int] = (3, 9)  # of the layers that halve the frequencies
    first_stride: int = 1  # over frequencies
    compression: float = 1.0  # power of the magnitudes it sees
    relative_features: bool = False  # feature distances relative to the real features' mean magnitude
    learning_rate: float = 3e-4
    betas: tuple[float, float] = (0.8, 0.99)
    weight_decay: float = 1e-3


# What two CPU cores can afford: patches of eight bins, read by three scales. Convolutions over single bins, as
# published, take ten times as long. Compressed, because the quiet partials of tonal highs are what it is to hear.
LIGHT_ADVERSARY = AdversaryConfig(
    n_ffts=(2048, 1024, 256),
    filters=32,
    first_kernel=(1, 8),
    kernel=(3, 5),
    first_stride=8,
    compression=0.4,
    relative_features=True,
    learning_rate=5e-4,
)


@dataclass(frozen=True)
class AutoencoderRecipe:
    """Spectral autoencoder: energy distance of spectra + coherence of the lows + KL, then the adversary's terms."""

    seed: int = 1
    steps: int = 3_200
    batch: int = 8
    crop_latents: int = 16  # 0.74 s
    learning_rate: float = 2e-3
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 1e-2
    warmup: int = 200
    decay_fraction: float = 0.3
    clip_grad_norm: float = 1.0
    linear_coherence_weight: float = 0.5  # against 1 for the compressed coefficients
    log_mel_weight: float = 0.0  # against 1 of the energy distance; 0.25 for a decoder's last stage
    kl_weight: float = 1.5e-3  # at 1e-4 a latent frame carries 350 nats, more than a generator can hit
    kl_warmup: tuple[int, int] = (200, 1_500)  # its weight rises from 0 between these steps
    freeze_encoder: bool = False  # latents already encoded stay valid
    only_postfilter: bool = False  # the encoder and the rest of the decoder are frozen
    adversarial_from: int = 2_000  # step from which the discriminator learns
    adversarial_ramp: int = 300  # steps in which its terms then reach their share
    adversarial_share: float = 0.5  # of their pull at the reconstruction, against 1 of the energy distance
    adversarial_weight: float = 0.1  # against 1 of feature matching
    adversarial_samples: int = 16_384  # of each crop are judged
    discriminator_every: int = 2  # steps from one of its updates to the next
    adversary: AdversaryConfig = LIGHT_ADVERSARY
    ema_decay: float = 0.999


@dataclass(frozen=True)
class OobleckRecipe:
    """The published waveform autoencoder, with the weights and rates of the published training."""

    seed: int = 1
    steps: int = 1_000_000  # of either network: once the adversary learns, odd steps are its own
    batch: int = 16
    crop_latents: int = 32  # 65,536 samples, 1.49 s
    learning_rate: float = 1.5e-4
    betas: tuple[float, float] = (0.8, 0.99)
    weight_decay: float = 1e-3
    inverse_half_life: float = 2e5
    inverse_power: float = 0.5
    inverse_warmup: float = 0.999
    clip_grad_norm: float = 0.0  # never
    sum_difference_weight: float = 1.0
    left_right_weight: float = 1.0  # 0.5 of each channel
    kl_weight: float = 2e-4  # published as 1e-4, of a divergence without its factor ½
    freeze_encoder: bool = False
    adversarial_from: int = 0
    adversarial_weight: float = 0.1
    feature_weight: float = 5.0
    adversary: AdversaryConfig = AdversaryConfig()
    ema_decay: float = 0.9999


@dataclass(frozen=True)
class PretrainRecipe:
    """Rectified flow (equations 1–3)."""

    seed: int = 2
    steps: int = 8_600
    batch_frames: int = 1024  # latent frames in a batch: short sounds make larger batches
    max_items: int = 96  # of a batch
    learning_rate: float = 8e-4
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 1e-2
    schedule: Literal["stable-decay", "inverse"] = "stable-decay"
    warmup: int = 150  # of stable-decay
    decay_fraction: float = 0.25
    inverse_half_life: float = 1e6
    inverse_warmup: float = 0.995
    clip_grad_norm: float = 1.0  # 0: never
    times: Literal["logit-normal", "truncated-logit-normal"] = "logit-normal"
    time_mean: float = 0.0  # of logit(t) where it is not truncated. With 0 and 1 one level in 44 is above 0.88, where
    time_std: float = 1.0  # sampling in 8 steps spends five of them; ARC_MINI's were 1.2 and 1.6
    shift_times: bool = False  # towards noise, the more the longer the canvas (model/schedule.py)
    prompt_dropout: float = 0.1
    ema_decay: float = 0.999
    ema_power: float | None = None  # of the early steps' shorter memory; None: (1 + step)/(10 + step)


@dataclass(frozen=True)
class ArcRecipe:
    """Adversarial relativistic-contrastive post-training (equations 4–8); the paper's choices where it states them."""

    seed: int = 3
    steps: int = 200  # one step = one update of G, then one of D
    batch_frames: int = 1024
    max_items: int = 96
    learning_rate: float = 1e-5  # G's; at 4e-5 it left the data within 100 steps
    discriminator_learning_rate: float = 6e-5
    betas: tuple[float, float] = (0.5, 0.95)
    weight_decay: float = 1e-2
    warmup: int = 20
    decay_fraction: float = 0.3
    clip_grad_norm: float = 1.0  # 0: never
    contrastive_weight: float = 1.0  # λ
    p_disc_mean: float = -0.5  # μ of logit(s) ~ N(μ, 1)
    shared_noise: bool = False  # the published code shares the noise of a pair; the paper draws it independently
    saturating: bool = False  # the paper's literal generator loss instead of the non-saturating one
    gradient_penalty_weight: float = 0.0  # of approximate R1 and R2, an option of the published code
    gradient_penalty_std: float = 0.05  # of their perturbation
    ode_warmup_steps: int = 0  # first steps in which G regresses ends of the flow's own trajectories; D waits
    ode_sampling_steps: int = 20
    ode_guidance: float = 4.0
    ode_refresh: int = 10  # steps for which a trajectory serves
    trunk_fraction: float = 0.75
    head_kernel: int = 3  # odd for stride 1
    head_stride: int = 1
    ema_decay: float = 0.995
    ema_power: float | None = None


# The paper's, on canvases of 256 frames: 256 × 256 frames a batch. What it does not state is the published code's.
PAPER_PRETRAIN = PretrainRecipe(
    steps=670_000,
    batch_frames=256 * 256,
    max_items=256,
    learning_rate=5e-5,
    schedule="inverse",
    clip_grad_norm=0.0,
    times="truncated-logit-normal",
    shift_times=True,
    ema_decay=0.9999,
    ema_power=0.75,
)
PAPER_ARC = ArcRecipe(
    steps=100_000,
    batch_frames=256 * 256,
    max_items=256,
    learning_rate=5e-7,
    discriminator_learning_rate=5e-7,
    betas=(0.9, 0.95),
    warmup=0,
    decay_fraction=0.0,
    head_kernel=4,
    head_stride=2,
    ema_decay=0.9999,
    ema_power=0.75,
)

# By the name of the model: all others have the defaults.
PRETRAIN_RECIPES = {"stable-audio-open-small": PAPER_PRETRAIN, "stable-audio-open-small-base": PAPER_PRETRAIN}
ARC_RECIPES = {"stable-audio-open-small": PAPER_ARC}


PRIOR_PROMPTS = (
    *("kick drum", "snare drum", "closed hi-hat", "open hi-hat", "hand clap", "tom", "crash cymbal", "shaker"),
    *("deep bass note", "plucked bass", "piano note", "electric piano chord", "organ", "synth lead", "pad", "bell"),
    *("flute", "saxophone note", "acoustic guitar strum", "banjo, plucked", "tuba", "drum loop", "vocal shout"),
    *("footsteps", "door", "glass breaking", "water drop", "rain", "wind", "explosion", "laser", "interface click"),
)


FULL_LEARNING_RATE = 5e-5


@dataclass(frozen=True)
class FinetuneRecipe:
    """A few sounds of someone's own on a finished few-step generator, whose other sounds are kept."""

    seed: int = 5
    steps: int = 200
    method: Literal["lora", "full"] = "lora"
    rank: int = 16
    batch_frames: int = 128
    learning_rate: float = 1e-3  # of LoRA; of a full fine-tune FULL_LEARNING_RATE
    discriminator_learning_rate: float = 2e-4
    betas: tuple[float, float] = (0.5, 0.95)
    weight_decay: float = 1e-2
    warmup: int = 10
    decay_fraction: float = 0.4
    clip_grad_norm: float = 1.0
    ema_decay: float = 0.95
    views: int = 200  # encoded views of all sounds together, at least one of each
    heard_seconds: float = 600.0  # of one file, from its beginning
    longest_seconds: float = 120.0  # of what was heard of it, in pieces spread over it
    prior_weight: float = 1.0  # of staying with the base's velocities on prompts of other sounds
    prior_prompts: tuple[str, ...] = PRIOR_PROMPTS
