"""Tags of takes: as people type them, and how many takes have each."""

from collections import Counter
from functools import lru_cache

from arc_instrument.domain import Take

MAX_TAG_CHARACTERS = 60


def tags_of(text: str) -> tuple[str, ...]:
    """Tags as a person types them, with commas between; spaces tidied, each once whatever its case."""
    tidied = (" ".join(part.lstrip("# ").split())[:MAX_TAG_CHARACTERS].strip() for part in text.split(","))
    return tuple({tag.casefold(): tag for tag in tidied if tag}.values())


@lru_cache(maxsize=1)
def tag_counts(takes: tuple[Take, ...]) -> tuple[tuple[str, int], ...]:
    """Each tag with how many of `takes` have it, the commonest first; one that is spelt in two cases is one."""
    counts = Counter(tag.casefold() for take in takes for tag in take.tags)
    spelt = {tag.casefold(): tag for take in reversed(takes) for tag in take.tags}  # as the newest take has it
    return tuple((spelt[tag], count) for tag, count in sorted(counts.items(), key=lambda each: (-each[1], each[0])))
