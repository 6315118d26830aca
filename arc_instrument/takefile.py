"""A take as its WAV tells it: the fields that the file holds, and back."""

from datetime import datetime
from pathlib import Path

from arc_instrument.domain import Generated, Take, UserError
from arc_instrument.waveform import peaks

# IPTC's term for what a trained model made; article 50 of the EU AI Act asks for such a mark that machines can read.
DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
_SAID_BY_FILES = (
    "prompt", "seconds", "steps", "seed", "init_noise", "model_name", "weights_licence", "created", "generation_ms",
)  # fmt: skip


def take_of(generated: Generated, path: Path, created: datetime) -> Take:
    """The take that `generated` becomes in the file `path`."""
    request = generated.request
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
    )


def comment_of(take: Take) -> dict[str, str]:
    """What the WAV says of itself: enough to make the sound again, and that a model made it."""
    return {name: str(getattr(take, name)) for name in _SAID_BY_FILES} | {"digital_source_type": DIGITAL_SOURCE_TYPE}


def read_take(path: Path) -> Take | None:
    """The take a WAV says it is, or None for a WAV that is not one of ours."""
    from arc_instrument.audio import wavfile

    try:
        comment = wavfile.read_comment(path)
        clip = wavfile.read_clip(path)
        return Take(
            path=path,
            prompt=comment["prompt"],
            seconds=float(comment["seconds"]),
            steps=int(comment["steps"]),
            seed=int(comment["seed"]),
            init_noise=float(comment["init_noise"]),
            model_name=comment["model_name"],
            weights_licence=comment.get("weights_licence", ""),
            created=comment["created"],
            generation_ms=float(comment["generation_ms"]),
            peaks=peaks(clip.samples),
        )
    except (UserError, KeyError, ValueError, OSError):
        return None
