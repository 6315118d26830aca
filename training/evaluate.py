"""The figures of the model card: `python -m training.evaluate SECTION --out FOLDER …`, one JSON a section.

`reconstruction` sends held-out clips through the autoencoder and through Opus. `card` prints the sections found in
`--out` as the Markdown tables of the model card.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from model.pipeline import Pipeline
from training.card import card
from training.corpus import Corpus
from training.reconstruction import reconstruction
from training.results import write_section

Figures = dict[str, Any]


def held_out(folders: list[Path]) -> dict[str, Corpus]:
    """The test split of every packed corpus, by the folder's name."""
    if not folders:
        raise ValueError("no corpus to evaluate on: give --corpus FOLDER, a folder made by training.corpus")
    return {folder.name: Corpus(folder, "test") for folder in folders}


def load(folder: Path | None, threads: int | None) -> Pipeline:
    """A model, with torch held to `threads` if given."""
    pipeline = Pipeline.load(folder)
    if threads:
        torch.set_num_threads(threads)
    return pipeline


def run_reconstruction(args: argparse.Namespace) -> Figures:
    pipeline = load(args.weights, args.threads)
    return {name: reconstruction(pipeline, corpus, args.limit) for name, corpus in held_out(args.corpus).items()}


SECTIONS: dict[str, Callable[[argparse.Namespace], Figures]] = {"reconstruction": run_reconstruction}


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("section", choices=(*SECTIONS, "card"))
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--corpus", type=Path, action="append", default=[], help="packed corpus; may be repeated")
    parser.add_argument("--weights", type=Path, help="model folder; the embedded one by default")
    parser.add_argument("--limit", type=int, help="at most so many clips or prompts of each corpus, for a quick look")
    parser.add_argument("--threads", type=int, help="of torch; 1 is fastest where other work keeps the cores busy")
    return parser


def main() -> None:
    arguments = parser()
    args = arguments.parse_args()
    if args.section == "card":
        print(card(args.out))
        return
    started = time.monotonic()
    try:
        figures = SECTIONS[args.section](args)
    except ValueError as error:
        arguments.error(str(error))
    print(write_section(args.out, args.section, figures, {"model": args.weights}, started))


if __name__ == "__main__":
    main()
