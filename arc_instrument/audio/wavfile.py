"""Audio files at the border: any readable file in; a WAV or FLAC with its settings inside out, whole or not at all."""

import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from arc_instrument.audio import flac_blocks
from arc_instrument.audio.chunks import Chunk, bext, info, ixml, read_chunks, read_info, riff
from arc_instrument.audio.sampler_chunks import marks_of, sampler_chunks
from arc_instrument.domain import RATE_HZ, Clip, UserError

MAX_SECONDS = 600
SOUND_LEVEL = 10 ** (-50 / 20)  # -50 dBFS: where the sound of a long file begins
PRE_ROLL_SECONDS = 0.02
PART_NAME_CHARACTERS = 50  # a file system's 255 bytes hold them in any alphabet
SOFTWARE = "ARC Instrument"


@dataclass(frozen=True)
class Format:
    """A kind of file: what people call it, its ending, and what libsndfile calls it."""

    title: str
    suffix: str
    container: str
    subtype: str
    bits: int


FORMATS = {
    "wav16": Format("WAV 16 bit", ".wav", "WAV", "PCM_16", 16),
    "wav24": Format("WAV 24 bit", ".wav", "WAV", "PCM_24", 24),
    "wav32f": Format("WAV 32 bit float", ".wav", "WAV", "FLOAT", 32),
    "flac": Format("FLAC 24 bit", ".flac", "FLAC", "PCM_24", 24),
}


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
        return _stereo(_read(file, path, -1), file.samplerate, path)


def read_recording(path: Path) -> Clip:
    """As `read_clip`, but a sample that is not a number is silent: a recording cannot be made again.

    Raises `UserError` as `read_clip` does.
    """
    with _open(path) as file:
        samples = np.nan_to_num(_read(file, path, -1), posinf=0.0, neginf=0.0)
        return _stereo(samples, file.samplerate, path)


@dataclass(frozen=True, eq=False)
class Opening:
    """The part of a file to start from, and a note for the person if that is not all of it."""

    clip: Clip
    note: str = ""


def read_opening(path: Path, max_seconds: float) -> Opening:
    """Read a file of any length to start from: all of it, or of a longer one `max_seconds` from its first sound on.

    Reads no more than it needs: of two hours of music a few seconds, of silence at the beginning at most 10 minutes.
    Raises `UserError` as `read_clip` does, and for a long file without a sound in its first 10 minutes.
    """
    with _open(path) as file:
        if file.frames <= max_seconds * file.samplerate:
            return Opening(read_clip(path))
        total_seconds = file.frames / file.samplerate
        start = _first_sound(file, path)
        file.seek(max(0, start - round(PRE_ROLL_SECONDS * file.samplerate)))
        first_seconds = file.tell() / file.samplerate
        samples = _read(file, path, round(max_seconds * file.samplerate))
        clip = _stereo(samples, file.samplerate, path)
    note = (
        f"{path.name} lasts {_clock(total_seconds)}: the {clip.seconds:.1f} s from {_clock(first_seconds)} on are "
        "taken, where its sound begins."
    )
    return Opening(clip, note)


def _first_sound(file: soundfile.SoundFile, path: Path) -> int:
    """The frame of the first sample above -50 dBFS."""
    for start in range(0, min(file.frames, MAX_SECONDS * file.samplerate), file.samplerate):
        block = _read(file, path, file.samplerate)
        loud = np.flatnonzero(np.abs(block).max(axis=1, initial=0.0) > SOUND_LEVEL)
        if len(loud):
            return start + int(loud[0])
    raise UserError(f"{path.name} is silent for its first {MAX_SECONDS // 60} minutes: cut out the part you mean.")


def _read(file: soundfile.SoundFile, path: Path, frames: int) -> np.ndarray:
    try:
        return file.read(frames, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise UserError(f"{path} cannot be read to its end ({error}): choose another file.") from error


def _stereo(samples: np.ndarray, rate_hz: int, path: Path) -> Clip:
    """At 44.1 kHz: mono is doubled, further channels are left out."""
    if len(samples) == 0:
        raise UserError(f"{path} has no samples: choose a file with sound in it.")
    if not np.isfinite(samples).all():
        raise UserError(f"{path} holds samples that are not numbers (NaN or infinite): export it again.")
    stereo = np.repeat(samples, 2, axis=1) if samples.shape[1] == 1 else samples[:, :2]
    return Clip(np.ascontiguousarray(soxr.resample(stereo, rate_hz, RATE_HZ), dtype=np.float32))


def _clock(seconds: float) -> str:
    """1:05, or 2:00:00."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def write_clip(path: Path, clip: Clip, comment: Mapping[str, Any], format: str = "wav24") -> None:
    """Write one of `FORMATS` at once or not at all.

    INFO (in FLAC Vorbis comments too) says title (the prompt), software and `comment` as JSON; bext and iXML say the
    same to programs that read those, and smpl, acid and cue tell samplers root key, loop, tempo and onsets.

    Raises `UserError` when the folder is missing or read-only or the disk is full; nothing half-written stays behind.
    """
    if not np.isfinite(clip.samples).all():
        raise UserError(f"The sound for {path} holds samples that are not numbers: make it again with another seed.")
    write_whole(path, encoded(clip, comment, format))


def encoded(clip: Clip, comment: Mapping[str, Any], format: str = "wav24") -> bytes:
    """The file that `write_clip` writes: the same bytes whenever everything given is the same."""
    kind, buffer = FORMATS[format], io.BytesIO()
    with soundfile.SoundFile(
        buffer, "w", clip.rate_hz, clip.samples.shape[1], subtype=kind.subtype, format=kind.container
    ) as file:
        if kind.container == "FLAC":
            file.software = SOFTWARE
            file.comment = json.dumps(comment)
            for name, text in (("title", comment.get("prompt")), ("license", comment.get("weights_licence"))):
                if text and text.strip("\0"):  # libsndfile refuses an empty string
                    setattr(file, name, text.encode("utf-8", "replace").decode().replace("\0", " "))
        file.write(clip.samples if kind.subtype == "FLOAT" else _integers(clip.samples, kind.bits))
    own = frozenset({b"PEAK"})  # libsndfile dates this one, so that no two files would be the same
    title = {b"INAM": comment["prompt"]} if comment.get("prompt") else {}
    told = info(title | {b"ISFT": SOFTWARE, b"ICMT": json.dumps(comment)})
    marked = sampler_chunks(marks_of(comment, len(clip.samples), clip.rate_hz), clip.rate_hz)
    ours = [told, *_provenance(clip, comment, kind), *marked]
    if kind.container == "FLAC":
        frames, channels = clip.samples.shape
        return flac_blocks.with_chunks(buffer.getvalue(), ours, channels, clip.rate_hz, kind.bits, frames)
    return riff([*read_chunks(buffer, own, len(buffer.getbuffer())), *ours])


def dithered(samples: np.ndarray, bits: int) -> np.ndarray:
    """`samples` as whole steps of that many bits, with the noise that makes rounding inaudible as distortion.

    Triangular noise, the sum of two uniform ones of a step each: the error has mean 0 and a variance of 3/12 of a
    squared step whatever the sound (Lipshitz, Wannamaker & Vanderkooy 1992). It is the same noise for every file.
    """
    rng = np.random.default_rng(0)
    return np.rint(samples * 2.0 ** (bits - 1) + (rng.random(samples.shape) - rng.random(samples.shape)))


def write_whole(path: Path, data: bytes) -> None:
    """Write a file at once or not at all. Raises `UserError`."""
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


def read_comment(path: Path) -> dict[str, Any]:
    """The settings `write_clip` put into the file, {} for another program's file. Raises `UserError` if unreadable.

    libsndfile leaves out an INFO text of more than 2 KB, which a long prompt makes: a WAV is read by our own reader.
    """
    words = read_info(chunks_of(path)).get(b"ICMT")
    if words is None:
        with _open(path) as file:
            words = file.comment
    try:
        comment = json.loads(words)
    except (ValueError, RecursionError):
        return {}
    return comment if isinstance(comment, dict) else {}


def chunks_of(path: Path) -> Sequence[Chunk]:
    """The chunks of a WAV but its samples, or those in a FLAC of ours; none for a file of another kind.

    Raises `UserError` if unreadable.
    """
    try:
        if not path.is_file():
            return ()  # `_open` says what is wrong with it
        with open(path, "rb") as file:
            return read_chunks(file) or flac_blocks.read_chunks(file)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}): choose another file.") from error


def _open(path: Path) -> soundfile.SoundFile:
    try:
        if not path.is_file():
            raise UserError(f"{path} is not a file: choose an audio file (WAV, AIFF, FLAC, Ogg or MP3).")
        return soundfile.SoundFile(path)
    except (soundfile.LibsndfileError, OSError, TypeError, UnicodeEncodeError) as error:  # a name out of an old archive
        reason = getattr(error, "error_string", None) or getattr(error, "strerror", None) or error
        raise UserError(
            f"{path} is not readable audio ({reason}): choose a WAV, AIFF, FLAC, Ogg or MP3 file."
        ) from error


def _integers(samples: np.ndarray, bits: int) -> np.ndarray:
    """As int32 with the sound in the upper bits, as libsndfile takes it unchanged.

    Its own conversion truncates after a scale of 2³¹ − 1, so that a file read and written again would lose a step.
    """
    steps = dithered(samples, bits) if bits == 16 else np.rint(samples * 2.0 ** (bits - 1))
    full = 2 ** (bits - 1)
    return np.clip(steps, -full, full - 1).astype(np.int32) << (32 - bits)


def _provenance(clip: Clip, comment: Mapping[str, Any], kind: Format) -> list[Chunk]:
    prompt, facts = comment.get("prompt", ""), comment.get("facts") or {}
    created = datetime.fromisoformat(comment["created"]) if "created" in comment else datetime.now()
    origin = "; ".join(comment[name] for name in ("model_name", "digital_source_type") if name in comment)
    history = f"A=PCM,F={clip.rate_hz},W={kind.bits},M=stereo,T={SOFTWARE}; {origin}"
    levels = facts.get("loudness_lufs"), facts.get("true_peak_dbtp")
    return [bext(prompt, SOFTWARE, created, history, *levels), ixml(prompt, SOFTWARE, comment)]
