"""Several prompts at once: their weights on an XY pad, and the words that say both, `kick drum::60 flute::40`.

A blend is written in its prompt, so every take, file and search holds it, and a person can type it.
"""

import re
from collections.abc import Sequence

Blend = tuple[tuple[str, float], ...]  # prompts with weights that add up to 1

LETTERS = "ABCD"  # of the corners, in their order
CORNERS = 4  # bottom left, bottom right, top left, top right
_PART = re.compile(r"(?P<text>.+?)::(?P<weight>\d+(?:\.\d+)?)(?:\s+|$)", re.DOTALL)


def corner_weights(x: float, y: float) -> tuple[float, float, float, float]:
    """Bilinear weights of the four corners at a point of the unit square; outside it, of the nearest point."""
    x, y = (min(max(value, 0.0), 1.0) for value in (x, y))
    return ((1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y)


def pad_blend(prompts: Sequence[str], x: float, y: float) -> Blend:
    """The blend at (x, y) of a pad with these prompts at its corners; one without words leaves its share to the others.

    Empty where every corner that has a share is without words.
    """
    weights = corner_weights(x, y)
    said = [(text.strip(), weight) for text, weight in zip(prompts, weights, strict=False) if text.strip() and weight]
    total = sum(weight for _, weight in said)
    return tuple((text, weight / total) for text, weight in said)


def prompt_of(blend: Blend) -> str:
    """A blend in words, its weights in per cent to three digits; a blend of one prompt is that prompt."""
    shares: dict[str, float] = {}
    for text, weight in blend:
        plain = " ".join(text.replace("::", ":").split())
        shares[plain] = shares.get(plain, 0.0) + weight
    audible = {text: f"{100 * weight:.3g}" for text, weight in shares.items() if weight >= 5e-4}
    return next(iter(audible)) if len(audible) == 1 else " ".join(f"{text}::{share}" for text, share in audible.items())


def blend_of(prompt: str) -> Blend:
    """The blend that a prompt says; empty for an ordinary prompt."""
    parts, end = [], 0
    while match := _PART.match(prompt, end):
        parts.append((match["text"].strip(), float(match["weight"])))
        end = match.end()
    total = sum(weight for _, weight in parts)
    if end < len(prompt) or not total or any(not text for text, _ in parts):
        return ()
    return tuple((text, weight / total) for text, weight in parts)
