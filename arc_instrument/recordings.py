"""Recordings on disk: each one is kept, and what a crash cut off is found again.

While the audio process records it writes a `.part`; the app turns it into a WAV at the end of the recording or, after
a crash, at the next start. Nothing here is ever deleted but a part whose sound lies in a WAV, or that holds none.
"""

import os
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from arc_instrument.audio.wavfile import read_recording, write_clip
from arc_instrument.domain import Clip, UserError

PART_SUFFIX = ".part"
HEADER_BYTES, FRAME_BYTES = 44, 8  # of a part, as the tape writes it
AT_REST_SECONDS = 2.0  # a part that was written within this time may belong to another running instrument
DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"  # not made by the model


@dataclass(frozen=True, eq=False)
class Recovered:
    """A recording that was cut off, now kept as a WAV."""

    path: Path
    clip: Clip


def part_path(folder: Path) -> Path:
    """Where a recording that begins now is written while it runs."""
    return folder / f"{datetime.now():%Y-%m-%d %H.%M.%S.%f} {os.getpid()}{PART_SUFFIX}"


def unfinished(folder: Path) -> tuple[list[Path], bool]:
    """The parts that nobody writes any more, oldest first, and whether there are others that somebody may.

    A folder that is not there, or cannot be read, has none.
    """
    try:
        changed = {path: path.stat().st_mtime for path in folder.glob(f"*{PART_SUFFIX}")}
    except OSError:
        return [], False
    resting = sorted(path for path, at in changed.items() if time.time() - at >= AT_REST_SECONDS)
    return resting, len(resting) < len(changed)


def keep(clip: Clip, folder: Path, part: Path | None = None) -> Path:
    """Write a recording that ended as a WAV; only then its part, whose sound it holds, is removed.

    Raises `UserError` when the folder cannot be written.
    """
    return _write(clip, _made_folder(folder), "Recording", datetime.now(), part)


def rescue(part: Path) -> Recovered | None:
    """Turn a part into a WAV; None if there is no sound in it. Raises `UserError` when that fails: the part stays."""
    try:
        written_at = datetime.fromtimestamp(part.stat().st_mtime)
        clip = None
        if _holds_sound(part):
            _count_samples(part)
            clip = read_recording(part)
    except (UserError, OSError) as error:
        raise UserError(f"A recording that was cut off stays where it is, for it cannot be read: {part}.") from error
    if clip is None or clip.is_silent:
        part.unlink(missing_ok=True)
        return None
    return Recovered(_write(clip, part.parent, "Recovered", written_at, part), clip)


def _holds_sound(part: Path) -> bool:
    """False for one that was killed before its first write, or that a power failure left full of zeros."""
    samples = part.read_bytes()[HEADER_BYTES:]
    return len(samples) >= FRAME_BYTES and any(samples)


def _count_samples(part: Path) -> None:
    """Let a header that counts nothing, of a part that was killed within its first write, count what is there."""
    with open(part, "r+b") as file:
        if file.read(HEADER_BYTES).endswith(b"data" + bytes(4)):
            file.seek(HEADER_BYTES - 4)
            file.write((part.stat().st_size - HEADER_BYTES).to_bytes(4, "little"))


def _write(clip: Clip, folder: Path, word: str, at: datetime, part: Path | None) -> Path:
    path = folder / f"{word} {at:%Y-%m-%d %H.%M.%S}.wav"
    serial = 2
    while path.exists():
        path, serial = folder / f"{word} {at:%Y-%m-%d %H.%M.%S} ({serial}).wav", serial + 1
    comment = {"created": at.isoformat(timespec="seconds"), "digital_source_type": DIGITAL_SOURCE_TYPE}
    write_clip(path, clip, comment)
    if part is not None:
        part.unlink(missing_ok=True)
    return path


def _made_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"The recording is not kept on disk: {folder} cannot be made ({error.strerror or error})."
        ) from error
    return folder
