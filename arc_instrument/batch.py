"""Many sounds by one command: what is asked in a CSV or by a count, checked whole before the first is rendered."""

import csv
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from arc_instrument.domain import MAX_SEED, Clip, Generated, GenerationRequest, UserError
from arc_instrument.musical_time import asked, key_named, longest_bars
from arc_instrument.requests import check_request, crop_note

COLUMNS = ("prompt", "seconds", "steps", "seed", "init", "init_noise", "bpm", "bars", "key", "out")
_TOLD = ("init_name", "bpm", "bars", "key")  # settings that make a sound another one


@dataclass(frozen=True)
class Wish:
    """One sound to render; None is for the program to choose. `bars` at `bpm` take the place of `seconds`, 0 for none.

    `where` names its line, "" for the command's own.
    """

    prompt: str
    out: Path
    seconds: float = 2.0
    steps: int | None = None
    seed: int | None = None
    init: Path | None = None
    init_noise: float = 0.6
    bpm: float | None = None
    bars: int = 0
    key: str = ""
    where: str = ""


@dataclass(frozen=True, eq=False)
class Job:
    """A checked request, the file it becomes, and a remark such as a cropped init."""

    request: GenerationRequest
    out: Path
    format: str
    note: str | None = None


def read_wishes(path: Path, defaults: Wish, suffix: str) -> list[Wish]:
    """The lines of a CSV with the columns `COLUMNS`, of which only the prompt is needed; empty cells are `defaults`.

    `out` is a file below the folder `defaults.out`; left out, it is the line's number and words. `init` lies beside the
    CSV. Raises `UserError` with the line's number.
    """
    from arc_instrument.library import slug

    wishes = []
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            names = rows.fieldnames or []
            if "prompt" not in names or set(names) - set(COLUMNS):
                raise UserError(
                    f"{path} has the columns {', '.join(names)}: give prompt and of {', '.join(COLUMNS[1:])}."
                )
            for row in rows:
                where = f"Line {rows.line_num} of {path.name}: "
                if None in row or None in row.values():
                    raise UserError(f"{where}it has not as many cells as there are columns.")
                told = {name: cell.strip() for name, cell in row.items() if cell.strip()}
                out = told.pop("out", "") or f"{len(wishes) + 1:03d}-{slug(told.get('prompt', ''))}{suffix}"
                values = {name: _value(name, cell, where, path.parent) for name, cell in told.items()}
                wishes.append(replace(defaults, where=where, **{"prompt": ""} | values, out=defaults.out / out))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read as a CSV in UTF-8 ({error}): give another file.") from error
    if not wishes:
        raise UserError(f"{path} holds no line but its header: add a line for each sound.")
    return wishes


def times(wish: Wish, count: int) -> list[Wish]:
    """The wish so many times: with the seeds that follow its own, or new ones, in files that end in a number."""
    if count == 1:
        return [wish]
    return [
        replace(
            wish,
            seed=None if wish.seed is None else (wish.seed + n) % (MAX_SEED + 1),
            out=wish.out.with_name(f"{wish.out.stem}-{n + 1:03d}{wish.out.suffix}"),
        )
        for n in range(count)
    ]


def checked(
    wishes: Sequence[Wish],
    format: str | None,
    default_steps: int,
    max_seconds: float,
    check_out: Callable[[Path, str | None], str],
) -> list[Job]:
    """Every wish as it will be made. Raises `UserError` for the first that cannot be, with its line."""
    from arc_instrument.audio.wavfile import read_clip

    clips: dict[Path, Clip] = {}
    jobs: list[Job] = []
    lines: dict[Path, str] = {}
    for number, wish in enumerate(wishes, 1):
        try:
            if wish.out in lines:
                raise UserError(f"{wish.out} is asked for twice: give each sound a file of its own.")
            lines[wish.out] = wish.where
            kind = check_out(wish.out, format)
            if wish.init is not None and wish.init not in clips:
                clips[wish.init] = read_clip(wish.init)
            request = GenerationRequest(
                id=number,
                prompt=wish.prompt,
                seconds=wish.seconds,
                steps=default_steps if wish.steps is None else wish.steps,
                seed=secrets.randbelow(MAX_SEED + 1) if wish.seed is None else wish.seed,
                init=None if wish.init is None else clips[wish.init],
                init_noise=1.0 if wish.init is None else wish.init_noise,
                settings={} if wish.init is None else {"init_name": wish.init.name},
            )
            request = asked(request, wish.bpm, wish.bars, key_named(wish.key) if wish.key else "")
            if wish.bars and wish.bpm and request.seconds > max_seconds:
                most = longest_bars(wish.bpm, max_seconds)
                raise UserError(f"{wish.bars} bars at {wish.bpm:g} BPM last {request.seconds:.2f} s: this model makes "
                                f"{max_seconds:.2f} s, which hold {most}.")  # fmt: skip
            jobs.append(Job(check_request(request, max_seconds), wish.out, kind, crop_note(request)))
        except UserError as error:
            raise UserError(f"{wish.where}{error}") from error
    return jobs


def is_made(wish: Wish, job: Job, model_name: str) -> bool:
    """Whether the wish's file is there, whole, in the job's format, and this model made it by the job's request: then
    it need not be made again."""
    import soundfile

    from arc_instrument.audio.wavfile import FORMATS, read_clip
    from arc_instrument.takefile import read_settings

    try:
        told = wish.out.is_file() and read_settings(wish.out)
        if not told:
            return False
        read_clip(wish.out)
        subtype = soundfile.info(wish.out).subtype
    except (UserError, OSError):
        return False
    request, kind = job.request, FORMATS[job.format]
    wanted = (request.prompt, request.seconds, request.steps, request.init_noise, model_name, kind.subtype)
    made = (told["prompt"], told["seconds"], told["steps"], told["init_noise"], told["model_name"], subtype)
    same_settings = all(told.get(name) == request.settings.get(name) for name in _TOLD)
    return wanted == made and wish.seed in (None, told["seed"]) and same_settings


def render_all(
    jobs: Sequence[Job], generate: Callable[[GenerationRequest], Generated]
) -> Iterator[tuple[Job, Generated]]:
    """Make and write one after the other; each file is whole the moment it is told."""
    from arc_instrument.audio.wavfile import write_clip
    from arc_instrument.takefile import comment_of, take_of

    for job in jobs:
        generated = generate(job.request)
        write_clip(job.out, generated.clip, comment_of(take_of(generated, job.out, datetime.now())), job.format)
        yield job, generated


def _value(name: str, cell: str, where: str, folder: Path) -> Any:
    kinds = {
        "seconds": float, "steps": int, "seed": int, "init_noise": float, "bpm": float, "bars": int,
        "init": lambda path: folder / path,
    }  # fmt: skip
    try:
        return kinds.get(name, str)(cell)
    except ValueError as error:
        raise UserError(f"{where}{name} is “{cell}”, which is no number: correct it.") from error
