"""A take as its file tells it: every setting that made it, what is heard in it, and back.

The file's comment is a JSON object. Every take has the fields of `_SAID_BY_FILES`. Keys that only some have:
`init_name`, the recording's file; `bpm`, `bars` and `key` that were asked for; `walk`, the legs [seed, distance] that
its noise took; `edit` that was done to the sound; `loop` [start, end) in frames. Others are kept as they are.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from arc_instrument.analysis import analysed, facts_from_json, facts_to_json
from arc_instrument.domain import MAX_SEED, MAX_STEPS, MIN_STEPS, Clip, Generated, GenerationRequest, Take, UserError
from arc_instrument.waveform import peaks

# IPTC's term for what a trained model made; article 50 of the EU AI Act asks for such a mark that machines can read.
DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
_SAID_BY_FILES = (
    "prompt", "seconds", "steps", "seed", "init_noise", "model_name", "weights_licence", "created", "generation_ms",
)  # fmt: skip
_NOT_SETTINGS = {*_SAID_BY_FILES, "facts", "digital_source_type"}
_NOT_TOLD_OF_REQUESTS = {*_SAID_BY_FILES, "id", "init", "origin", "settings"}


def take_of(generated: Generated, path: Path, created: datetime) -> Take:
    """The take that `generated` becomes in the file `path`, and what is heard in it: some 100 ms, not for the GUI."""
    request = generated.request
    settings = _told(request)
    return Take(
        path=path,
        prompt=request.prompt,
        seconds=request.seconds,
        steps=request.steps,
        seed=request.seed,
        init_noise=request.init_noise,
        model_name=generated.model_name,
        weights_licence=generated.weights_licence,
        created=created.isoformat(timespec="milliseconds"),
        generation_ms=round(generated.timing.total_ms, 1),
        peaks=peaks(generated.clip.samples),
        settings=settings,
        facts=analysed(generated.clip, settings.get("bpm")),
    )


def comment_of(take: Take) -> dict[str, Any]:
    """What the file says of itself: enough to make the sound again, and that a model made it."""
    facts = {} if take.facts is None else {"facts": facts_to_json(take.facts)}
    said = {name: str(getattr(take, name)) for name in _SAID_BY_FILES}
    return said | dict(take.settings) | facts | {"digital_source_type": DIGITAL_SOURCE_TYPE}


def read_take(path: Path, clip: Clip | None = None) -> Take | None:
    """The take a file says it is, or None for a file that is not one of ours; `clip` is its sound, if already read."""
    from arc_instrument.audio import wavfile

    try:
        settings = read_settings(path)
        if settings is None:
            return None
        said = {name: settings.pop(name) for name in _SAID_BY_FILES}
        facts = facts_from_json(settings.pop("facts", None))
        samples = (clip or wavfile.read_clip(path)).samples
        return Take(path=path, peaks=peaks(samples), settings=settings, facts=facts, **said)
    except (UserError, OSError):
        return None


def read_settings(path: Path) -> dict[str, Any] | None:
    """Every setting that a file tells, numbers as numbers, `facts` as JSON; None for a file that is not one of ours.

    Raises `UserError` for a file that cannot be read.
    """
    from arc_instrument.audio import wavfile

    comment = wavfile.read_comment(path)
    try:
        said = {
            "prompt": str(comment["prompt"]),
            "seconds": float(comment["seconds"]),
            "steps": int(comment["steps"]),
            "seed": int(comment["seed"]),
            "init_noise": float(comment["init_noise"]),
            "model_name": str(comment["model_name"]),
            "weights_licence": str(comment.get("weights_licence", "")),  # older files do not say
            "created": str(comment["created"]),
            "generation_ms": float(comment["generation_ms"]),
        }
        datetime.fromisoformat(said["created"])
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
    possible = (
        math.isfinite(said["seconds"])
        and math.isfinite(said["generation_ms"])
        and MIN_STEPS <= said["steps"] <= MAX_STEPS
        and 0 <= said["seed"] <= MAX_SEED
        and 0 < said["init_noise"] <= 1
    )
    if not possible:
        return None
    return said | {name: value for name, value in comment.items() if name not in {*said, "digital_source_type"}}


def with_settings(take: Take, **settings: Any) -> Take:
    """`take` with these settings beside its own; None takes one away. Its file says so once it is written again."""
    kept = {name: value for name, value in {**take.settings, **settings}.items() if value is not None}
    return replace(take, settings=plain(kept))


def plain(value: Any) -> Any:
    """`value` as JSON holds it: dataclasses become objects, tuples lists, paths the names of their files.

    Raises TypeError for what is no setting, such as samples.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, Path):
        return value.name  # where it lies on this computer is nobody's business
    return json.loads(json.dumps(value))


def _told(request: GenerationRequest) -> dict[str, Any]:
    """The request's own settings, and every field of it that differs from its default and that JSON can hold."""
    told = {name: value for name, value in plain(request.settings).items() if name not in _NOT_SETTINGS}
    for field in fields(request):
        default = field.default if field.default_factory is MISSING else field.default_factory()
        value = getattr(request, field.name)
        if field.name in _NOT_TOLD_OF_REQUESTS or value is default:
            continue
        try:
            said = plain(value)
        except TypeError:
            continue
        if said != plain(default):
            told[field.name] = said
    return told
