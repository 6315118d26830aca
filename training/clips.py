"""One captioned clip: bytes → stereo samples at 44.1 kHz and what is said of them, or the reason why it is skipped."""

import io
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

RATE_HZ = 44_100
SHORTEST_FRAMES = 441  # 10 ms: below that there is nothing to hear, and nothing to encode
SILENT_PEAK = 1e-4  # −80 dBFS
SOUND_SUFFIXES = ("wav", "flac", "ogg", "oga", "opus", "mp3", "aif", "aiff", "aifc", "au", "caf", "w64", "rf64")


class SkipClip(Exception):
    """This clip cannot be used; the message says why, so that equal reasons can be counted."""


@dataclass(frozen=True)
class About:
    """What is said of a clip. `note` is a MIDI number; `kind` and `parameters` are those of a rendered one."""

    captions: tuple[str, ...]
    category: str = ""
    source: str = ""
    split: str = "train"
    note: float | None = None
    bpm: float | None = None
    tags: tuple[str, ...] = ()
    kind: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)


def decode(data: bytes, longest_seconds: float | None = None) -> np.ndarray:
    """Samples (n, 1 or 2) float32 at 44.1 kHz, one channel where both are equal, peak at most 1.

    Of what is longer than `longest_seconds` only the beginning is read.

    Any rate is resampled, more than two channels are mixed down. Raises SkipClip for what is no usable sound.
    """
    import soundfile

    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            rate_hz = file.samplerate
            frames = -1 if longest_seconds is None else round(longest_seconds * rate_hz)
            samples = file.read(frames, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, ValueError, TypeError) as error:
        raise SkipClip("not audio") from error
    return usable(samples, rate_hz)


def usable(samples: np.ndarray, rate_hz: int) -> np.ndarray:
    """Samples (n, c) at any rate → (n, 1 or 2) float32 at 44.1 kHz. Raises SkipClip for what is no usable sound."""
    if not np.isfinite(samples).all():
        raise SkipClip("with NaN or infinite samples")
    if samples.shape[1] > 2:  # the first two are left and right everywhere; the others are heard on both sides
        others = samples[:, 2:].sum(1, keepdims=True)
        samples = (samples[:, :2] + others) / (samples.shape[1] - 1)
    if rate_hz != RATE_HZ:
        import soxr

        samples = soxr.resample(samples, rate_hz, RATE_HZ, quality="HQ")
    if len(samples) < SHORTEST_FRAMES:
        raise SkipClip("shorter than 10 ms")
    peak = max(float(samples.max()), -float(samples.min()))
    if peak < SILENT_PEAK:
        raise SkipClip("silent")
    if samples.shape[1] == 2 and np.array_equal(samples[:, 0], samples[:, 1]):
        samples = samples[:, :1]
    return samples / peak if peak > 1 else samples


def about(members: Mapping[str, bytes], source: str) -> About:
    """Read KEY.json, or KEY.txt with a caption a line. Raises SkipClip where there is no usable caption."""
    if "json" not in members:
        try:
            lines = members.get("txt", b"").decode().splitlines()
        except UnicodeDecodeError as error:
            raise SkipClip("with a caption that is not text") from error
        return About(_captions(lines), source=source)
    try:
        said = json.loads(members["json"])
    except ValueError as error:
        raise SkipClip("with JSON that cannot be read") from error
    if not isinstance(said, dict):
        raise SkipClip("with JSON that cannot be read")
    caption, others = said.get("caption", ""), said.get("captions_alt", [])
    if not isinstance(caption, str):
        raise SkipClip("with a caption that is not text")
    if not caption.strip():
        raise SkipClip("without caption")
    if not isinstance(others, list):
        others = []
    tags, parameters = said.get("tags"), said.get("parameters")
    return About(
        _captions([caption, *(other for other in others if isinstance(other, str))]),
        category=_text(said, "category", ""),
        source=_text(said, "source", source),
        split=_text(said, "split", "train"),
        note=_number(said, "note"),
        bpm=_number(said, "bpm"),
        kind=_text(said, "kind", ""),
        tags=tuple(str(tag) for tag in tags) if isinstance(tags, list) else (),
        parameters=parameters if isinstance(parameters, dict) else {},
    )


def _captions(lines: list[str]) -> tuple[str, ...]:
    captions = tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not captions:
        raise SkipClip("without caption")
    return captions


def _text(said: Mapping[str, Any], name: str, otherwise: str) -> str:
    value = said.get(name)
    return value if isinstance(value, str) and value else otherwise


def _number(said: Mapping[str, Any], name: str) -> float | None:
    value = said.get(name)
    good = isinstance(value, int | float) and not isinstance(value, bool) and np.isfinite(value)
    return float(value) if good else None  # type: ignore[arg-type]


def sound_member(members: Mapping[str, bytes]) -> bytes:
    """The bytes of a sample's sound. Raises SkipClip where it has none."""
    for extension, data in members.items():
        if extension.rpartition(".")[2] in SOUND_SUFFIXES:
            return data
    raise SkipClip("without sound")


def caption_of_name(path: Path, top: str = "") -> str:
    """The words of a file's path below the folder `top`: "Kicks/Deep_03.wav" → "deep kick".

    Take numbers of one or two digits and words like "copy" and "final" are left out, the last folder's words stand at
    the end where the name does not say them; `top` is used where nothing else is left.
    """
    words = _words_of_name(path.stem)
    for word in _words_of_name(path.parent.name):
        single = word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
        if single not in words and word not in words:
            words.append(single)
    return " ".join(words or _words_of_name(top)).replace("hi hat", "hi-hat")


def _words_of_name(name: str) -> list[str]:
    name = re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()
    words = re.split(r"[\s_.,;()\[\]+-]+", name)
    return [word for word in words if word and not re.fullmatch(r"\d{1,2}|0\d+|take\d*|copy\d*|final|v\d+", word)]


def skipped_sentence(skipped: Counter[str], clips: int) -> str:
    """ "skipped 3 of 100 clips: 1 not audio, 2 without caption", or nothing where none was."""
    total = skipped.total()
    parts = ", ".join(f"{count} {reason}" for reason, count in skipped.most_common())
    return f"skipped {total} of {clips + total} clips: {parts}" if total else ""
