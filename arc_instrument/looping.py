"""Where a sound repeats in loop mode: what `audio.kernel` plays, told to the picture, the files and their readers."""

from dataclasses import dataclass

from arc_instrument.domain import RATE_HZ
from arc_instrument.editing import Edit, heard_span, made_span
from arc_instrument.shape import LOOP_FADE_MS, MIN_LOOP_FRAMES, Shape


@dataclass(frozen=True)
class PlayedLoop:
    """[`start`, `end`) is repeated, in frames of the sound as the keys have it.

    Its seam is an equal-power fade of `crossfade` frames: from what lies before the end into what lies before the
    start, or, `from_beyond`, from what follows the end into what follows the start. 0: it passes through silence.
    """

    start: int
    end: int
    crossfade: int = 0
    from_beyond: bool = False


def played_loop(
    shape: Shape, frames: int, own_end: int, *, keeps_length: bool, rate_hz: float = RATE_HZ
) -> PlayedLoop | None:
    """The loop of a sound of `frames` under `shape`, by the rules of `audio.kernel._loop`; None if it is too short.

    `own_end` is where it ends unless a person set a point: where the sound has died away, or its last frame. From
    there it begins anew through silence, each time with the attack of the first time.
    """
    scale = rate_hz / RATE_HZ
    chosen_end = round(shape.loop_end * scale)
    end = chosen_end if MIN_LOOP_FRAMES <= chosen_end <= frames else own_end
    start = round(shape.loop_start * scale)
    if end - start < MIN_LOOP_FRAMES:  # points of a longer sound
        start = 0
    length = end - start
    if length < MIN_LOOP_FRAMES:
        return None
    least = round(LOOP_FADE_MS * rate_hz / 1000)
    wished = round(shape.crossfade_ms * rate_hz / 1000)
    if wished == 0 or (end == own_end and own_end < frames):
        return PlayedLoop(start, end)
    crossfade = min(max(wished, least), length // 4)
    if start >= crossfade:
        return PlayedLoop(start, end, crossfade)
    after = frames - end
    if after >= crossfade or (after > start and after >= least):
        return PlayedLoop(start, end, min(crossfade, after), from_beyond=True)
    if start >= least:
        return PlayedLoop(start, end, start)
    if keeps_length:
        return PlayedLoop(start, end)
    return PlayedLoop(start + crossfade, end, crossfade)


def carried_points(
    points: tuple[int, int], before: Edit, after: Edit, frames: int, own_ends: tuple[int, int]
) -> tuple[int, int]:
    """Start and end that a person chose for the sound as `before` left it, where `after` leaves what lies there.

    `frames` are those of the sound as it was made, `own_ends` of the two edited ones. The one of both that nobody
    chose, which is 0, goes on to follow the sound, and so does a loop that is cut away; points that are not within it,
    for they were chosen for a longer one, stay.
    """
    start, end = points[0], points[1] or own_ends[0]
    first, last = before.span(frames)
    if end - start < MIN_LOOP_FRAMES or end > last - first:
        return points
    first, last = heard_span(*made_span(start, end, before, frames), after, frames)
    if last - first < MIN_LOOP_FRAMES:
        return 0, 0
    is_turned = before.reverse != after.reverse
    follows = last == own_ends[1] or (points[1] == 0 and not is_turned)
    return 0 if points[0] == 0 and not is_turned else first, 0 if follows else last
