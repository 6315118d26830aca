"""What may be asked of the generator: one rulebook for the window and the command line."""

import math
from dataclasses import replace

import numpy as np

from arc_instrument.domain import (
    MAX_LEGS,
    MAX_PROMPT_CHARACTERS,
    MAX_SEED,
    MAX_STEPS,
    MIN_STEPS,
    Clip,
    GenerationRequest,
    UserError,
)

MIN_SECONDS = 0.05


def check_request(request: GenerationRequest, max_seconds: float) -> GenerationRequest:
    """Return `request` as the generator takes it: prompt stripped, an init longer than `seconds` cropped.

    Raises `UserError` for anything the model cannot make; `max_seconds` is the loaded model's limit.
    """
    prompt = request.prompt.strip()
    if not prompt:
        raise UserError('The prompt is empty: describe a sound, for example "punchy analog kick drum".')
    if len(prompt) > MAX_PROMPT_CHARACTERS:
        raise UserError(
            f"The prompt has {len(prompt):,} characters: shorten it to at most {MAX_PROMPT_CHARACTERS:,}; "
            "a few words work best."
        )
    if any("\ud800" <= character <= "\udfff" for character in prompt):  # bytes of a shell that are no UTF-8
        raise UserError("The prompt holds characters that cannot be read as text: type it again.")
    if not math.isfinite(request.seconds) or not MIN_SECONDS <= request.seconds <= max_seconds:
        raise UserError(
            f"A length of {request.seconds:g} s cannot be made: choose between {MIN_SECONDS:g} and {max_seconds:.2f} s."
        )
    if not MIN_STEPS <= request.steps <= MAX_STEPS:
        raise UserError(f"{request.steps} steps cannot be run: choose between {MIN_STEPS} and {MAX_STEPS}.")
    if not 0 <= request.seed <= MAX_SEED:
        raise UserError(f"The seed {request.seed} is out of range: choose a whole number from 0 to {MAX_SEED}.")
    if not 0 < request.init_noise <= 1:
        raise UserError(
            f"An init noise of {request.init_noise:g} cannot be used: choose more than 0 (keep the recording) "
            "and at most 1 (ignore it)."
        )
    if len(request.walk) > MAX_LEGS:
        raise UserError(f"This is {len(request.walk)} variations away from a seed: start anew from one of its takes.")
    for seed, distance in request.walk:
        if not 0 <= seed <= MAX_SEED or not 0 <= distance <= 1:
            raise UserError(
                f"A variation at the distance {distance:g} to the seed {seed} cannot be made: distances go from 0 "
                f"to 1, seeds from 0 to {MAX_SEED}."
            )
    init = request.init and _crop(check_clip(request.init), request.seconds)
    return replace(request, prompt=prompt, init=init)


def check_clip(clip: Clip) -> Clip:
    """Return `clip` unchanged; raises `UserError` if it is empty, not stereo or not finite."""
    if len(clip.samples) == 0:
        raise UserError("The recording is empty: record again, or choose a file that holds sound.")
    if clip.samples.ndim != 2 or clip.samples.shape[1] != 2:
        raise UserError(f"The recording has the shape {clip.samples.shape}: give stereo samples, (frames, 2).")
    if not np.isfinite(clip.samples).all():
        raise UserError("The recording holds NaN or infinite samples: export it again from the program that made it.")
    return clip


def crop_note(request: GenerationRequest) -> str | None:
    """The remark to show when `request.init` is longer than the asked length, else None."""
    if request.init is None or len(request.init.samples) <= _frames(request.seconds, request.init.rate_hz):
        return None
    return (
        f"The recording lasts {request.init.seconds:.2f} s: only its first {request.seconds:.2f} s are used, "
        "the length of the sound."
    )


def _crop(clip: Clip, seconds: float) -> Clip:
    return replace(clip, samples=clip.samples[: _frames(seconds, clip.rate_hz)])


def _frames(seconds: float, rate_hz: int) -> int:
    return round(seconds * rate_hz)
