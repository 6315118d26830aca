"""What a run sounds like on the way: WAV files and mel pictures in RUN/previews/step-000500/, and in TensorBoard.

Shapes: b batch, c audio channels or latent channels, n samples, t frames, f mel bands.
"""

import wave
from contextlib import suppress
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from model.config import ModelConfig, OobleckConfig
from model.generator import Generator
from model.oobleck import OobleckAutoencoder
from model.sampler import draw_noise, euler, pingpong
from model.schedule import log_snr_times
from model.spectral import SpectralAutoencoder
from training.evaluation.metrics import log_mel
from training.latents import Latents, told_of
from training.run import Run

PROMPTS, LONGEST_SECONDS = 4, 3.0
STEPS = {"pingpong": 8, "euler": 12}  # few: a preview shall cost seconds
RANGE_DB = 80.0  # of a picture, from its loudest point down
# Quiet to loud: black, violet, orange, pale yellow.
COLOURS = np.array([(0, 0, 8), (92, 20, 110), (240, 110, 30), (252, 255, 190)], np.float32)


def write_wav(path: Path, audio_cn: Tensor, rate_hz: int) -> None:
    """16-bit WAV by the standard library, so that it works where soundfile is missing; what is over ±1 is clipped."""
    samples = (audio_cn.clamp(-1, 1) * 32_767).round().to(torch.int16)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(samples))
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(samples.T.contiguous().numpy().astype("<i2").tobytes())


def mel_picture(audio_cn: Tensor) -> np.ndarray:
    """RGB picture (f, t, 3) of the mel spectrogram, low frequencies at the bottom."""
    decibels_tf = log_mel(audio_cn.mean(0)).numpy()
    loudness_ft = np.clip(1 + (decibels_tf - decibels_tf.max()) / RANGE_DB, 0, 1).T[::-1]
    stops = np.linspace(0, 1, len(COLOURS))
    return np.stack([np.interp(loudness_ft, stops, channel) for channel in COLOURS.T], -1).astype(np.uint8)


def show(run: Run, step: int, sounds: dict[str, Tensor], rate_hz: int) -> None:
    """Write sounds (c, n), by name, as previews of `step` steps done; pictures where Pillow is installed."""
    folder = run.folder / "previews" / f"step-{step:06}"
    folder.mkdir(parents=True, exist_ok=True)
    for name, sound in sounds.items():
        audio_cn = sound.detach().float().cpu()
        audio_cn = torch.nan_to_num(audio_cn)
        write_wav(folder / f"{name}.wav", audio_cn, rate_hz)
        with suppress(ImportError):
            from PIL import Image

            picture = mel_picture(audio_cn)
            Image.fromarray(picture).resize((picture.shape[1] * 2, picture.shape[0] * 3)).save(folder / f"{name}.png")
            if run.writer is not None:
                run.writer.add_image(f"preview/{name}", picture, step, dataformats="HWC")
        if run.writer is not None:
            run.writer.add_audio(f"preview/{name}", audio_cn.mean(0, keepdim=True).clamp(-1, 1), step, rate_hz)


def reconstructions(
    network: SpectralAutoencoder | OobleckAutoencoder, clips_bcn: Tensor, run: Run, step: int, rate_hz: int
) -> None:
    """Show each clip (whole latent frames long) followed by what the autoencoder makes of it."""
    sounds = {}
    with torch.inference_mode():
        for i, clip_cn in enumerate(clips_bcn):
            latents_bct = network.encode(clip_cn[None])
            rng = torch.Generator().manual_seed(i)
            decoded = next(network.decode_chunks(latents_bct, [latents_bct.shape[-1]], rng))
            sounds[f"clip-{i}"] = torch.cat([clip_cn.cpu(), decoded[0].cpu()], -1)
    show(run, step, sounds, rate_hz)


class GeneratorPreview:
    """The same few captions with the same noise at every preview, sampled as the model will be.

    The captions are held-out ones, whose token states the latents folder holds: no text encoder is needed.
    """

    def __init__(self, config: ModelConfig, autoencoder_file: Path, held_out: Latents):
        from safetensors.torch import load_file

        self.config = config
        if isinstance(config.autoencoder, OobleckConfig):
            self.autoencoder = OobleckAutoencoder(config.autoencoder)
        else:
            self.autoencoder = SpectralAutoencoder.of(config)
        self.autoencoder.load_state_dict(load_file(autoencoder_file))
        self.autoencoder.eval().requires_grad_(False)
        seconds = {}
        for i in range(8 * PROMPTS):
            batch = held_out.batch(8, np.random.default_rng(i))
            lasting = zip(batch.captions, batch.told.seconds_b.tolist(), strict=True)
            seconds |= {caption: min(length, LONGEST_SECONDS) for caption, length in lasting}
        self.seconds = dict(sorted(seconds.items())[:: max(1, len(seconds) // PROMPTS)][:PROMPTS])
        self.names = ["".join(letter if letter.isalnum() else "-" for letter in c)[:60] for c in self.seconds]
        self.text_bld = held_out.text(tuple(self.seconds))

    def write(self, generator: nn.Module, run: Run, step: int, sampler: Literal["pingpong", "euler"]) -> None:
        """Sample from `generator` (the average of the one in training) and show it; the first process alone."""
        if not run.fabric.is_global_zero:
            return
        with torch.inference_mode(), run.fabric.autocast():
            sounds = {name: self.sound(generator, i, sampler) for i, name in enumerate(self.names)}
        show(run, step, sounds, self.config.sample_rate)

    def sound(self, generator: nn.Module, i: int, sampler: Literal["pingpong", "euler"]) -> Tensor:
        """(c, n) samples of the caption `i`."""
        assert isinstance(generator, Generator)
        (caption, seconds), rng = list(self.seconds.items())[i], torch.Generator().manual_seed(i)
        device = next(generator.parameters()).device
        samples = round(seconds * self.config.sample_rate)
        frames = self.config.canvas_frames(samples)
        noise_bct = draw_noise((1, self.config.dit.latent_channels, frames), rng, device)
        prepared = generator.dit.prepare(
            generator.condition(*told_of(self.config, self.text_bld[i : i + 1], seconds, caption).to(device))
        )
        times = log_snr_times(STEPS[sampler])

        def velocity(x_bct: Tensor, time_b: Tensor) -> Tensor:
            return generator.dit.velocity(x_bct, time_b, prepared).float()

        pinging = sampler == "pingpong"
        *_, last = pingpong(velocity, noise_bct, times, rng) if pinging else euler(velocity, noise_bct, times)
        latents_bct = last.latent_bct.cpu()
        return next(self.autoencoder.decode_chunks(latents_bct, [frames], rng))[0, :, :samples]


def open_preview(config: ModelConfig, latents: str, held_out: Latents) -> GeneratorPreview | None:
    """The previews of a latents folder (`FOLDER` or `FOLDER=SHARE`); None, with a line about it, without a decoder."""
    file = Path(latents if Path(latents).is_dir() else latents.rsplit("=", 1)[0]) / "autoencoder.safetensors"
    if file.is_file():
        return GeneratorPreview(config, file, held_out)
    print(f"{file} is not there: this run makes no previews")
    return None
