"""A model of your own sounds: `python -m training.finetune FOLDER --name "my drums"`; the app lists it.

One command packs the sounds, encodes them with the base model's own autoencoder, trains the generator on them, keeps
what else it can do, and installs the result beside the other models. Stopped, the same command goes on.

Shapes: b batch, c latent channels, t latent frames, l text tokens, d width.
"""

import argparse
import copy
import hashlib
import json
import re
import shutil
import statistics
import sys
import time
import wave
from collections import Counter
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from model.catalogue import CATALOGUE, CatalogueEntry, HubFile
from model.config import MODELS, ModelConfig, SpectralConfig
from model.digests import sha256
from model.finishing import finish
from model.flow import interpolate, velocity_target
from model.generator import Generator
from model.installation import check_space, gathering, install, user_models
from model.spectral import SpectralAutoencoder
from model.weights import WEIGHTS_FILE, architecture_of, embedded_folder, fill, open_folder, save_model
from training.config import FULL_LEARNING_RATE, FinetuneRecipe
from training.corpus import RATE_HZ, Corpus, pack_folder
from training.encoding import CaptionEncoder, encode, identity_of
from training.latents import Batch, Latents
from training.lora import merged, with_adapters
from training.losses import velocity_loss
from training.optim import Ema, adamw, set_learning_rate, warmup_stable_decay
from training.prior import Prior, sample
from training.run import Run, clip_gradients, code_version, open_fabric
from training.sampling import log_snr_uniform
from training.sounds import check_folder, cut, described, files_in, nearness

CARD_FILE, BEFORE_FILE, AFTER_FILE = "MODEL_CARD.md", "before.wav", "after.wav"
NAME = re.compile(r"[^\W_](?:[\w ()+.'-]{0,38}[\w)+])?")
SPACE_BYTES = 600_000_000  # packed sounds, checkpoints and the finished model
TIMED_STEPS = 4
SHORTEST_TAKE_SECONDS = 0.3
COMPARED = 8  # takes before and after, to tell how near they come
CARD = """# {name}

Fine-tuned from {base} by ARC Instrument ({code}), {date}.

- {sounds}
- {steps} steps, {method}; what the base makes of other prompts was kept
- timbre distance of {takes} takes to the nearest of the sounds: {before:.1f} dB before (`before.wav`), {after:.1f} dB
  after (`after.wav`)

The licence of your sounds is yours to keep; base weights {licence}.
"""


@dataclass(frozen=True)
class Base:
    """The model that is taken further. `architecture` is one of ours, `name` what this model is called."""

    name: str
    folder: Path
    architecture: ModelConfig
    licence: str
    licence_link: str
    generator: Generator
    autoencoder: SpectralAutoencoder

    @classmethod
    def open(cls, folder: Path) -> "Base":
        """Raises ValueError for a folder that is no whole model of ours."""
        opened = open_folder(folder)
        if opened.published or not isinstance(opened.config.autoencoder, SpectralConfig):
            raise ValueError(f"{folder} holds {opened.config.name}: only arc-mini, and what was made of it, can learn")
        generator, autoencoder = Generator(opened.config), SpectralAutoencoder.of(opened.config)
        fill({**dict(generator.named_children()), "autoencoder": autoencoder}, opened)
        generator.eval().requires_grad_(False)
        autoencoder.eval().requires_grad_(False)
        architecture = architecture_of(opened.weights)
        return cls(
            opened.config.name, folder, architecture, opened.licence, opened.licence_link, generator, autoencoder
        )


def check_name(name: str, models: Path, *, replaces: bool) -> None:
    """Raises ValueError for a name that a folder cannot have, that is taken, or that other models go by."""
    if not NAME.fullmatch(name) or name.endswith((".partial", ".old")):
        raise ValueError(f"--name {name!r}: take up to 40 letters, digits, spaces or ()+.'- that begin with a letter")
    if name.lower() in {entry.name for entry in CATALOGUE} | set(MODELS):
        raise ValueError(f"--name {name}: a model of the program is called that; choose another name")
    if (models / name).exists() and not replaces:
        raise ValueError(f"{name} is installed already: choose another --name, or give --replace")


def encode_sounds(corpus: Corpus, base: Base, text: CaptionEncoder, recipe: FinetuneRecipe, folder: Path) -> Latents:
    """The sounds as the base hears them: encoded by its autoencoder, normalised as its own latents were."""
    clips = [("sounds", corpus, 1.0, max(1, recipe.views // len(corpus)))]
    identity, into = identity_of(base.autoencoder), folder / "train"
    encode(clips, base.autoencoder, base.architecture, text, identity, into, keep_statistics=True)
    return Latents([(str(folder), 1.0)], "train", base.architecture)


def coupled_noise(latents_bct: Tensor) -> Tensor:
    """Noise of which each item gets the draw that suits it best, greedily (minibatch optimal transport).

    A generator that makes a sound in one step must know from the noise alone which of the sounds it becomes; with
    noise at random it can only learn their mean. Source: Tong et al. 2024 (Conditional flow matching).
    """
    noise = torch.randn_like(latents_bct)
    score = latents_bct.flatten(1) @ noise.flatten(1).T
    chosen = torch.empty(len(noise), dtype=torch.long)
    for _ in range(len(noise)):
        item, draw = divmod(int(score.argmax()), len(noise))
        chosen[item] = draw
        score[item, :], score[:, draw] = -torch.inf, -torch.inf
    return noise[chosen]


def flow_loss(generator: torch.nn.Module, batch: Batch) -> Tensor:
    """L_RF (equation 3) at the sampler's own levels."""
    x_0 = batch.latents_bct
    level_b, noise = log_snr_uniform(torch.rand(len(x_0))).to(x_0), coupled_noise(x_0)
    velocity = generator(interpolate(x_0, noise, level_b), level_b, batch.text_bld, batch.seconds_b)
    return velocity_loss(velocity, velocity_target(x_0, noise))


def train(base: Base, latents: Latents, prior: Prior, recipe: FinetuneRecipe, folder: Path) -> Generator:
    """The base, having learnt the sounds; resumes where `folder` left off."""
    fabric = open_fabric()
    torch.manual_seed(recipe.seed)
    prior = prior.to(fabric.device)
    network: torch.nn.Module = copy.deepcopy(base.generator).requires_grad_(True)
    if recipe.method == "lora":
        network = with_adapters(network, recipe.rank)
    ema = Ema(network, recipe.ema_decay).to(fabric.device)
    optimizer = adamw(network, recipe.learning_rate, recipe.betas, recipe.weight_decay)
    network, optimizer = fabric.setup(network, optimizer)
    run = Run(folder, recipe, {"network": network, "optimizer": optimizer, "ema": ema}, fabric)
    for step in run.steps(recipe.steps):
        rate = recipe.learning_rate * warmup_stable_decay(step, recipe.steps, recipe.warmup, recipe.decay_fraction)
        set_learning_rate(optimizer, rate)
        rng = run.rng(step)
        batch = latents.batch(recipe.batch_frames, rng).to(fabric.device)
        loss = flow_loss(network, batch)
        with fabric.autocast():
            kept = prior.loss(network, recipe.batch_frames // 2, rng)
        fabric.backward(loss + recipe.prior_weight * kept)
        norm = clip_gradients(fabric, network, optimizer, recipe.clip_grad_norm)
        run.watch(step, norm, loss=loss.item())
        optimizer.step()
        optimizer.zero_grad()
        ema.update(network, step)
        if step % 10 == 0 or step == recipe.steps - 1:
            run.log(step, loss=loss.item(), kept=kept.item(), grad_norm=norm)
    learnt = merged(ema.module) if recipe.method == "lora" else ema.module
    assert isinstance(learnt, Generator)
    return learnt.cpu().eval()


def steps_in(minutes: int, base: Base, latents: Latents, prior: Prior, recipe: FinetuneRecipe, folder: Path) -> int:
    """How many steps this machine does in so many minutes, measured once: a stopped training goes on with the same."""
    kept = folder / "steps.json"
    if not kept.exists():
        started = time.monotonic()
        train(base, latents, prior, replace(recipe, steps=TIMED_STEPS), folder / "timed")
        each_s = (time.monotonic() - started) / TIMED_STEPS
        shutil.rmtree(folder / "timed")
        kept.write_text(json.dumps(max(TIMED_STEPS, round(60 * minutes / each_s))))
    return json.loads(kept.read_text())


def takes_of(generator: Generator, base: Base, latents: Latents, seconds: float) -> list[np.ndarray]:
    """What a generator makes of the captions, (n, 2) each; the same seeds each time."""
    config, seeds = base.architecture, range(COMPARED)
    said = [caption for caption, _ in Counter(names[0] for names in latents.captions).most_common(COMPARED)]
    text_bld = latents.text([said[seed % len(said)] for seed in seeds])
    made = sample(generator.cpu(), config, text_bld, seconds, config.default_steps, seeds)
    takes = []
    for seed, latent_ct in enumerate(made):
        audio_bcn = base.autoencoder.decode(latent_ct[None], torch.Generator().manual_seed(seed))
        takes.append(finish(audio_bcn[0, :, : round(seconds * RATE_HZ)].T.numpy(), RATE_HZ))
    return takes


def write_preview(path: Path, takes: list[np.ndarray]) -> None:
    """The takes one after the other, 16 bit."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((np.concatenate(takes).clip(-1, 1) * 32_767).round().astype("<i2").tobytes())


def card(
    name: str, base: Base, recipe: FinetuneRecipe, about: str, near: tuple[float, float], sounds: Path | None
) -> str:
    """The model card; with names and digests of the files in `sounds`, if they may be told."""
    method = f"LoRA of rank {recipe.rank}, merged" if recipe.method == "lora" else "all weights"
    text = CARD.format(
        name=name,
        base=base.name,
        code=code_version(),
        date=date.today().isoformat(),
        sounds=about,
        steps=recipe.steps,
        method=method,
        takes=COMPARED,
        before=near[0],
        after=near[1],
        licence=base.licence,
    )
    if sounds is None:
        return text
    return text + "\n" + "".join(f"- `{path.relative_to(sounds)}` {sha256(path)}\n" for path in files_in(sounds))


def key_of(sounds: Path, base: Base, recipe: FinetuneRecipe) -> str:
    """Under which name the work is kept: another as soon as a sound, the base or the recipe is (but for its steps)."""
    files = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files_in(sounds)]
    told = json.dumps([files, sha256(base.folder / WEIGHTS_FILE), asdict(replace(recipe, steps=0))])
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def finetune(
    sounds: Path,
    name: str,
    base: Base,
    recipe: FinetuneRecipe,
    models: Path,
    *,
    minutes: int | None = None,
    list_files: bool = False,
) -> Path:
    """The folder of the new model, installed in `models`; `minutes` sets the steps of the recipe.

    Raises ValueError for sounds nothing can be learnt from, and where the disk is full.
    """
    licence = f"yours; base {base.licence}"
    files = tuple(HubFile(file, 0) for file in (WEIGHTS_FILE, CARD_FILE, BEFORE_FILE, AFTER_FILE))
    entry = CatalogueEntry(name, name, base.architecture, licence, base.licence_link, files=files, base=base.name)
    check_space(models, SPACE_BYTES)
    with gathering(entry, models) as partial:
        work = partial / key_of(sounds, base, recipe)
        for other in set(partial.iterdir()) - {work}:
            print(f"{name}: the sounds or the settings are others than last time: it begins anew")
            shutil.rmtree(other)
        packed = pack_folder(sounds, work / "packed", longest_seconds=recipe.heard_seconds)
        if packed.skipped:
            print(packed)
        corpus = Corpus(work / "packed", "train")
        files_taken = len(corpus)
        corpus.entries = cut(corpus.entries, recipe.longest_seconds, base.architecture.max_samples)
        about = described(corpus, files_taken)
        print(about)
        text = CaptionEncoder(base.architecture, None)
        latents = encode_sounds(corpus, base, text, recipe, work / "latents")
        prior = Prior.of(base.generator, base.architecture, text.encode(recipe.prior_prompts))
        if minutes:
            recipe = replace(recipe, steps=steps_in(minutes, base, latents, prior, recipe, work))
        learnt = train(base, latents, prior, recipe, work / "run")

        ready = work / "ready"
        told = {"model": base.architecture.name, "base": base.name, "code": code_version(), "step": str(recipe.steps)}
        save_model(ready, {**dict(learnt.named_children()), "autoencoder": base.autoencoder}, told)
        seconds = statistics.median(entry.frames for entry in corpus.entries) / RATE_HZ
        seconds = min(max(seconds, SHORTEST_TAKE_SECONDS), base.architecture.max_seconds)
        before, after = (takes_of(generator, base, latents, seconds) for generator in (base.generator, learnt))
        write_preview(ready / BEFORE_FILE, before)
        write_preview(ready / AFTER_FILE, after)
        near = nearness(before, corpus), nearness(after, corpus)
        (ready / CARD_FILE).write_text(card(name, base, recipe, about, near, sounds if list_files else None))
        print(f"timbre distance to the nearest of your sounds: {near[0]:.1f} dB before, {near[1]:.1f} dB after")
        install(entry, ready, ready / WEIGHTS_FILE, models, f"fine-tuned on {about}")
        shutil.rmtree(work)
    return models / name


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="your sounds; captions from NAME.txt, NAME.json or the files' names")
    parser.add_argument("--name", required=True, help="what the model is called in the app")
    parser.add_argument("--base", type=Path, default=embedded_folder(), help="model folder to start from; arc-mini")
    parser.add_argument("--method", choices=("lora", "full"), default=FinetuneRecipe.method)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--steps", type=positive, default=FinetuneRecipe.steps)
    length.add_argument("--minutes", type=positive, help="as many steps as this machine does in so many minutes")
    parser.add_argument("--replace", action="store_true", help="replace an installed model of this name")
    parser.add_argument("--list-files", action="store_true", help="tell names and digests of the files in the card")
    args = parser.parse_args()
    models = user_models()
    try:
        check_name(args.name, models, replaces=args.replace)
        check_folder(args.folder, models, args.base)
        rate = FinetuneRecipe.learning_rate if args.method == "lora" else FULL_LEARNING_RATE
        recipe = FinetuneRecipe(method=args.method, steps=args.steps, learning_rate=rate)
        base, options = Base.open(args.base), {"minutes": args.minutes, "list_files": args.list_files}
        installed = finetune(args.folder, args.name, base, recipe, models, **options)
    except KeyboardInterrupt:
        print("stopped; what was learnt is kept, and the same command goes on", file=sys.stderr)
        sys.exit(130)
    except (ValueError, OSError) as error:
        print(f"training.finetune: {error}", file=sys.stderr)
        sys.exit(2)
    print(f"{args.name} is installed in {installed}; {BEFORE_FILE} and {AFTER_FILE} there tell the difference")
    print(f"To play it: arc-instrument, then {args.name} in the Model menu")


if __name__ == "__main__":
    main()
