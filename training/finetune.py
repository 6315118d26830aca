"""A model of your own sounds: `python -m training.finetune FOLDER --name "my drums"`; the app lists it.

One command packs the sounds, encodes them with the base model's own autoencoder, trains the generator on them, keeps
what else it can do, and installs the result beside the other models. Stopped, the same command goes on.

Shapes: b batch, c latent channels, t latent frames, l text tokens, d width.
"""

import argparse
import hashlib
import json
import re
import shutil
import sys
import time
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

from model.catalogue import CATALOGUE, CatalogueEntry, HubFile
from model.config import MODELS
from model.digests import sha256
from model.installation import check_space, gathering, install, user_models
from model.weights import WEIGHTS_FILE, embedded_folder, save_model
from training.adaptation import adapt
from training.base import Base
from training.comparison import COMPARED, OTHERS, Comparison, write_preview
from training.config import FULL_LEARNING_RATE, FinetuneRecipe
from training.corpus import Corpus, pack_folder
from training.encoding import CaptionEncoder, encode, identity_of
from training.latents import Latents
from training.prior import Prior, others
from training.run import code_version
from training.sounds import check_folder, cut, described, files_in

CARD_FILE, BEFORE_FILE, AFTER_FILE = "MODEL_CARD.md", "before.wav", "after.wav"
NAME = re.compile(r"[^\W_](?:[\w ()+.'-]{0,38}[\w)+])?")
SPACE_BYTES = 1_000_000_000  # packed sounds, checkpoints and the finished model
TIMED_STEPS = 4
CARD = """# {name}

Fine-tuned from {base} by ARC Instrument ({code}), {date}.

- {sounds}
- {steps} steps, {method}; what the base makes of other prompts was kept
- timbre distances of {takes} takes (those with the most steps are `before.wav` and `after.wav`):
{figures}

The licence of your sounds is yours to keep; base weights {licence}.
"""


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


def steps_in(minutes: int, base: Base, latents: Latents, prior: Prior, recipe: FinetuneRecipe, folder: Path) -> int:
    """How many steps this machine does in so many minutes, measured once: a stopped training goes on with the same."""
    kept = folder / "steps.json"
    if not kept.exists():
        started = time.monotonic()
        timed = replace(recipe, steps=TIMED_STEPS)
        adapt(base.generator, base.architecture, latents, prior, timed, folder / "timed")
        each_s = (time.monotonic() - started) / TIMED_STEPS
        shutil.rmtree(folder / "timed")
        kept.write_text(json.dumps(max(TIMED_STEPS, round(60 * minutes / each_s))))
    return json.loads(kept.read_text())


def card(name: str, base: Base, recipe: FinetuneRecipe, about: str, made: list[Comparison], sounds: Path | None) -> str:
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
        figures="\n".join(f"  - {figures}" for figures in made),
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
        unlike = others(recipe.prior_prompts, (name for entry in corpus.entries for name in entry.captions))
        prior = Prior.of(base.generator, base.architecture, text.encode(unlike or recipe.prior_prompts))
        if minutes:
            recipe = replace(recipe, steps=steps_in(minutes, base, latents, prior, recipe, work))
        learnt = adapt(base.generator, base.architecture, latents, prior, recipe, work / "run")

        ready = work / "ready"
        told = {"model": base.architecture.name, "base": base.name, "code": code_version(), "step": str(recipe.steps)}
        save_model(ready, {**dict(learnt.named_children()), "autoencoder": base.autoencoder}, told)
        spoken_bld = prior.made[0][1].text_bld
        others_bld = spoken_bld[:: max(1, len(spoken_bld) // OTHERS)][:OTHERS]
        at = dict.fromkeys((base.architecture.default_steps, 1))
        made = [Comparison.of(learnt, base, latents, corpus, others_bld, steps) for steps in at]
        write_preview(ready / BEFORE_FILE, made[0].before)
        write_preview(ready / AFTER_FILE, made[0].after)
        (ready / CARD_FILE).write_text(card(name, base, recipe, about, made, sounds if list_files else None))
        print("Timbre distances.", *made, sep="\n")
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
