"""Sounds for other programs: a file of any of our formats, or a folder of pads that samplers open as one instrument."""

import os
import shutil
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from arc_instrument.analysis import analysed
from arc_instrument.audio.sampler_chunks import marks_of
from arc_instrument.audio.wavfile import FORMATS, write_clip, write_whole
from arc_instrument.domain import Clip, Take, UserError
from arc_instrument.editing import UNEDITED, Edit, edited
from arc_instrument.library import slug
from arc_instrument.sfz import Region, sfz
from arc_instrument.takefile import with_settings


@dataclass(frozen=True, eq=False)
class Pad:
    """A sound on a MIDI key; `comment` is what its file tells of it (`takefile.comment_of`).

    With `low_key` and `high_key` it is played chromatically between them, from the root that was heard in it. `pan`
    goes from −1, left, to 1, right.
    """

    clip: Clip
    comment: Mapping[str, Any]
    key: int
    low_key: int | None = None
    high_key: int | None = None
    low_velocity: int = 1
    high_velocity: int = 127
    gain_db: float = 0.0
    pan: float = 0.0


def as_heard(clip: Clip, take: Take, edit: Edit, loop: tuple[int, int] | None) -> tuple[Clip, Take]:
    """A take's sound as the keys have it, and the take that says so: its edit, its loop and what is heard in it now.

    `loop` in frames of the edited sound. An analysis of some 100 ms where there is an edit: not for the GUI.
    """
    if edit == UNEDITED:
        return clip, with_settings(take, loop=loop and list(loop))
    heard = edited(clip, edit)
    bars = take.settings.get("bars") if len(heard.samples) == len(clip.samples) else None  # cut, it has them no more
    told = with_settings(take, edit=edit, loop=loop and list(loop), bars=bars)
    return heard, replace(told, facts=analysed(heard, take.settings.get("bpm")))


def export_sound(clip: Clip, comment: Mapping[str, Any], folder: Path, name: str, format: str = "wav24") -> Path:
    """Write the sound into `folder` as `name` and the format's ending, beside whatever is there; returns its path.

    Raises `UserError`; nothing half-written stays behind.
    """
    _make(folder)
    path = _free(folder, name, FORMATS[format].suffix)
    write_clip(path, clip, comment, format)
    return path


def export_pads(
    pads: Sequence[Pad], folder: Path, name: str, format: str = "wav24"
) -> Generator[Path | None, None, None]:
    """Write a folder `name` with the sounds of `pads` and their SFZ: yields None for each sound, and the folder last.

    It appears whole, or not at all if the generator is closed. Raises `UserError` where there are no pads or it cannot
    be written.
    """
    if not pads:
        raise UserError("No pad holds a sound: make a sound for a pad first.")
    _make(folder)
    whole = _free(folder, slug(name), "")
    part = whole.with_name(f".{whole.name}.{os.getpid()}.part")
    try:
        part.mkdir()
        regions = []
        for number, pad in enumerate(pads, 1):
            file = f"{number:02d}-{slug(str(pad.comment.get('prompt', '')))}{FORMATS[format].suffix}"
            write_clip(part / file, pad.clip, pad.comment, format)
            regions.append(_region(pad, file))
            yield None
        write_whole(part / f"{whole.name}.sfz", sfz(regions, name).encode())
        os.rename(part, whole)
    except OSError as error:
        raise _cannot_write(whole, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    yield whole


def _region(pad: Pad, file: str) -> Region:
    marks = marks_of(pad.comment, len(pad.clip.samples), pad.clip.rate_hz)
    low, high = (pad.key if key is None else key for key in (pad.low_key, pad.high_key))
    chromatic = low != high and marks.root_note is not None
    root = marks.root_note if chromatic and marks.root_note is not None else pad.key
    velocities = pad.low_velocity, pad.high_velocity
    return Region(file, low, high, root, *velocities, loop=marks.loop, gain_db=pad.gain_db, pan=pad.pan)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_write(folder, error) from error


def _free(folder: Path, name: str, suffix: str) -> Path:
    path, number = folder / f"{name}{suffix}", 2
    while path.exists():
        path, number = folder / f"{name}-{number}{suffix}", number + 1
    return path


def _cannot_write(path: Path, error: OSError) -> UserError:
    return UserError(
        f"{path} cannot be written ({error.strerror or error}): choose another folder or make room on the disk."
    )
