"""The figures of the model card: `python -m training.evaluate SECTION --out FOLDER …`, one JSON a section.

reconstruction  held-out clips through the autoencoder, beside Opus
prompts         sounds made of held-out captions: classes, category, pitch, tempo, at 8, 4, 2 and 1 steps
length          energy after the asked length, on a canvas 1 s longer
words           bright and dark, short and long
promise         ARC at 8 steps beside the flow model (--flow) at 8 and 50: Fréchet distance, diversity
transfer        drum recordings as a start, other prompts: onsets kept, timbre moved, over noise levels
melody          melodies as a start, other prompts: pitch kept, over noise levels
soundness       1,000 prompts: no click, no DC, no silence, true peak
card            prints the sections found in --out as the Markdown tables of the model card

Corpora are folders made by training.corpus; the tower is a folder made by training.tower, the classifier a folder
with YAMNet. Generated sounds are kept in --out/takes and are not made twice.
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from model.pipeline import Pipeline
from training.corpus import Corpus, by_name
from training.evaluation.adherence import (
    Judges,
    by_corpus,
    counterparts,
    generated,
    length,
    real_clips,
    reconstructed,
    words,
)
from training.evaluation.asked import Asked, held_out
from training.evaluation.card import card
from training.evaluation.embedders import Classifier
from training.evaluation.melody import MELODIES, follow, melodies
from training.evaluation.promise import promise, reference
from training.evaluation.reconstruction import reconstruction
from training.evaluation.results import write_section
from training.evaluation.soundness import recordings, soundness
from training.evaluation.takes import Takes, Way
from training.evaluation.transfer import drum_loops, plot, transfer
from training.packing import splits_of
from training.tower import Tower

Figures = dict[str, Any]


def load(folder: Path | None, threads: int | None) -> Pipeline:
    """A model, with torch held to `threads` if given."""
    pipeline = Pipeline.load(folder)
    if threads:
        torch.set_num_threads(threads)
    return pipeline


def open_split(args: argparse.Namespace, split: str) -> dict[str, Corpus]:
    """A split of every packed corpus, by the folder's name."""
    if not args.corpus:
        raise ValueError("no corpus to evaluate on: give --corpus FOLDER, a folder made by training.corpus")
    return by_name(args.corpus, split)


def open_tower(args: argparse.Namespace) -> Tower:
    if args.tower is None:
        raise ValueError("this section needs a tower: give --tower FOLDER, a folder made by training.tower")
    return Tower.open(args.tower)


def open_takes(args: argparse.Namespace) -> Takes:
    return Takes(args.out / "takes", load(args.weights, args.threads), args.weights)


def captions(args: argparse.Namespace, test: dict[str, Corpus], pipeline: Pipeline) -> list[Asked]:
    """What is asked for: of rendered sound nothing that a train clip of these corpora, or of those heard, is called."""
    train = [Corpus(folder, "train") for folder in (*args.corpus, *args.heard) if "train" in splits_of(folder)]
    learnt = {caption for corpus in train for entry in corpus.entries for caption in entry.captions}
    return held_out(test, pipeline.max_seconds, args.per_category, args.limit, learnt)


def run_reconstruction(args: argparse.Namespace) -> Figures:
    test, pipeline = open_split(args, "test"), load(args.weights, args.threads)
    return {name: reconstruction(pipeline, corpus, args.limit) for name, corpus in test.items()}


def run_prompts(args: argparse.Namespace) -> Figures:
    test, train = open_split(args, "test"), open_split(args, "train")
    judges = Judges(Classifier(args.classifier) if args.classifier else None, open_tower(args))
    takes = open_takes(args)
    asked, longest = captions(args, test, takes.pipeline), takes.pipeline.max_seconds
    real = real_clips(asked, test, judges, longest)
    rows = {
        "held-out clips": by_corpus(asked, real, [[heard] for heard in real]),
        "real counterparts": by_corpus(asked, real, counterparts(asked, train, judges, longest)),
        "through the autoencoder": by_corpus(asked, real, reconstructed(asked, test, takes.pipeline, judges, longest)),
    }
    for steps in args.steps:
        heard = generated(asked, takes, judges, args.seeds, Way(steps))
        rows[f"{steps} step{'s' * (steps > 1)}"] = by_corpus(asked, real, heard)
    learnt = Counter(item.corpus for item in asked if item.learnt)
    return {"prompts": len(asked), "seeds": args.seeds, "learnt": dict(learnt), "rows": rows}


def run_length(args: argparse.Namespace) -> Figures:
    takes = open_takes(args)
    return length(captions(args, open_split(args, "test"), takes.pipeline), takes, seeds=1)


def run_words(args: argparse.Namespace) -> Figures:
    takes = open_takes(args)
    return {measure: words(measure, takes, args.seeds, limit=args.limit) for measure in ("brightness", "length")}


def run_promise(args: argparse.Namespace) -> Figures:
    test, tower, takes = open_split(args, "test"), open_tower(args), open_takes(args)
    asked, longest = captions(args, test, takes.pipeline), takes.pipeline.max_seconds
    real = reference(asked, test, open_split(args, "train"), tower, longest)
    flow = Takes(args.out / "takes", load(args.flow, args.threads), args.flow) if args.flow else None
    rows = promise(asked, real, takes, flow, tower, args.seeds, args.guidance)
    return {"prompts": len(asked), "seeds": args.seeds, "reference": len(real), "rows": rows}


def run_transfer(args: argparse.Namespace) -> Figures:
    tower, pipeline = open_tower(args), load(args.weights, args.threads)
    corpora = [corpus for split in ("test", "train") for corpus in open_split(args, split).values()]
    loops = drum_loops(corpora, args.limit or 8)
    if not loops:
        raise ValueError("these corpora hold no drum loops to start from: add one with clips of the category loop")
    figures = transfer(pipeline, loops, tower)
    args.out.mkdir(parents=True, exist_ok=True)
    plot(figures, args.out / "transfer.png")
    return figures


def run_melody(args: argparse.Namespace) -> Figures:
    found = melodies(list(open_split(args, "test").values()), args.limit or MELODIES)
    if not found:
        raise ValueError("these corpora hold no melody to start from: add one with clips of several notes")
    return follow(load(args.weights, args.threads), found)


def run_soundness(args: argparse.Namespace) -> Figures:
    figures = soundness(load(args.weights, args.threads), args.limit or args.prompts)
    if args.corpus:
        figures["recordings"] = {name: recordings(c, args.limit) for name, c in open_split(args, "test").items()}
    return figures


SECTIONS: dict[str, Callable[[argparse.Namespace], Figures]] = {
    "reconstruction": run_reconstruction,
    "prompts": run_prompts,
    "length": run_length,
    "words": run_words,
    "promise": run_promise,
    "transfer": run_transfer,
    "melody": run_melody,
    "soundness": run_soundness,
}


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("section", choices=(*SECTIONS, "card"))
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--corpus", type=Path, action="append", default=[], help="packed corpus; may be repeated")
    parser.add_argument(
        "--heard",
        type=Path,
        action="append",
        default=[],
        help="another corpus that the model learnt from, whose captions are not asked for of rendered sound",
    )
    parser.add_argument("--weights", type=Path, help="model folder; the embedded one by default")
    parser.add_argument("--flow", type=Path, help="model folder of the flow model before ARC")
    parser.add_argument("--tower", type=Path)
    parser.add_argument("--classifier", type=Path)
    parser.add_argument("--steps", type=int, nargs="+", default=[8, 4, 2, 1])
    parser.add_argument("--seeds", type=int, default=4, help="sounds of each prompt")
    parser.add_argument("--guidance", type=float, nargs="+", default=[1.0, 3.0], help="of the flow at 50 steps")
    parser.add_argument("--per-category", type=int, default=20, help="captions of each category of a large corpus")
    parser.add_argument("--prompts", type=int, default=1_000, help="of soundness")
    parser.add_argument("--limit", type=int, help="at most so many clips or prompts of each corpus, for a quick look")
    parser.add_argument("--threads", type=int, help="of torch; 1 is fastest where other work keeps the cores busy")
    return parser


def main() -> None:
    arguments = parser()
    args = arguments.parse_args()
    started = time.monotonic()
    try:
        if args.section == "card":
            print(card(args.out))
            return
        figures = SECTIONS[args.section](args)
    except ValueError as error:
        arguments.error(str(error))
    models = {"model": args.weights} | ({"flow": args.flow} if args.flow and args.section == "promise" else {})
    print(write_section(args.out, args.section, figures, models, started))


if __name__ == "__main__":
    main()
