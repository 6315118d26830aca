"""Audio files at the border: any readable file in, a 24-bit WAV with its settings inside out."""

import io
import json
import os
from datetime import datetime
from pathlib import Path

import numpy as np
import soundfile
import soxr

from arc_instrument.audio.chunks import Chunk, bext, ixml, with_chunks
from arc_instrument.domain import RATE_HZ, Clip, UserError

MAX_SECONDS = 600
PART_NAME_CHARACTERS = 50  # a file system's 255 bytes hold them in any alphabet
SOFTWARE = "ARC Instrument"


def read_clip(path: Path) -> Clip:
    """Read a file of any format libsndfile knows, as 44.1 kHz stereo: mono is doubled, further channels are left out.

    Raises `UserError` for a file that is missing, unreadable, empty, over 10 minutes or holds NaN or infinite samples.
    """
    with _open(path) as file:
        if file.frames == 0:
            raise UserError(f"{path} has no samples: choose a file with sound in it.")
        if file.frames > MAX_SECONDS * file.samplerate:
            minutes = file.frames / file.samplerate / 60
            raise UserError(f"{path} lasts {minutes:.0f} minutes: choose a file of at most {MAX_SECONDS // 60}.")
        try:
            samples = file.read(dtype="float32", always_2d=True)
        except (soundfile.LibsndfileError, RuntimeError) as error:
            raise UserError(f"{path} cannot be read to its end ({error}): choose another file.") from error
        rate_hz = file.samplerate
    if len(samples) == 0:
        raise UserError(f"{path} has no samples: choose a file with sound in it.")
    if not np.isfinite(samples).all():
        raise UserError(f"{path} holds samples that are not numbers (NaN or infinite): export it again.")
    stereo = np.repeat(samples, 2, axis=1) if samples.shape[1] == 1 else samples[:, :2]
    return Clip(np.ascontiguousarray(soxr.resample(stereo, rate_hz, RATE_HZ), dtype=np.float32))


def write_clip(path: Path, clip: Clip, comment: dict[str, str]) -> None:
    """Write a 24-bit WAV at once or not at all. Its INFO chunk says title (the prompt), software and `comment` as JSON;
    bext and iXML say the same to programs that read those.

    Raises `UserError` when the folder is missing or read-only or the disk is full; nothing half-written stays behind.
    """
    if not np.isfinite(clip.samples).all():
        raise UserError(f"The sound for {path} holds samples that are not numbers: make it again with another seed.")
    data = _encode(clip, comment)
    part = path.with_name(f".{path.name[:PART_NAME_CHARACTERS]}.{os.getpid()}.part")
    try:
        with open(part, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UserError(
            f"{path} cannot be written ({error.strerror or error}): choose another folder or make room on the disk."
        ) from error


def read_comment(path: Path) -> dict[str, str]:
    """The settings `write_clip` put into the file, {} for another program's file. Raises `UserError` if unreadable."""
    with _open(path) as file:
        try:
            comment = json.loads(file.comment)
        except ValueError:
            return {}
    return comment if isinstance(comment, dict) else {}


def _open(path: Path) -> soundfile.SoundFile:
    try:
        if not path.is_file():
            raise UserError(f"{path} is not a file: choose an audio file (WAV, AIFF, FLAC, Ogg or MP3).")
        return soundfile.SoundFile(path)
    except (soundfile.LibsndfileError, OSError, TypeError) as error:
        reason = getattr(error, "error_string", None) or getattr(error, "strerror", None) or error
        raise UserError(
            f"{path} is not readable audio ({reason}): choose a WAV, AIFF, FLAC, Ogg or MP3 file."
        ) from error


def _encode(clip: Clip, comment: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    channels = clip.samples.shape[1]
    with soundfile.SoundFile(buffer, "w", clip.rate_hz, channels, subtype="PCM_24", format="WAV") as file:
        if title := comment.get("prompt", "").replace("\0", " "):  # libsndfile refuses an empty string
            file.title = title
        file.software = SOFTWARE
        file.comment = json.dumps(comment)
        file.write(clip.samples)
    return with_chunks(buffer.getvalue(), _provenance(clip, comment))


def _provenance(clip: Clip, comment: dict[str, str]) -> list[Chunk]:
    prompt = comment.get("prompt", "")
    created = datetime.fromisoformat(comment["created"]) if "created" in comment else datetime.now()
    origin = "; ".join(comment[name] for name in ("model_name", "digital_source_type") if name in comment)
    history = f"A=PCM,F={clip.rate_hz},W=24,M=stereo,T={SOFTWARE}; {origin}"
    return [bext(prompt, SOFTWARE, created, history), ixml(prompt, SOFTWARE, comment)]
