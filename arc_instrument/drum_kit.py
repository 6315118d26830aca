"""The sixteen sounds of a kit, and the prompts that a few words make of them."""

# Name of the pad, and what the prompt says after the person's words. General MIDI's notes 36 to 51 were the model: from
# the lowest row up, what is struck with a foot or the left hand first.
KIT = (
    ("Kick", "kick drum"), ("Rimshot", "rimshot"), ("Snare", "snare drum"), ("Clap", "hand clap"),
    ("Closed hat", "closed hi-hat"), ("Open hat", "open hi-hat"), ("Shaker", "shaker"), ("Cowbell", "cowbell"),
    ("Low tom", "low tom"), ("Mid tom", "mid tom"), ("High tom", "high tom"), ("Percussion", "percussion hit"),
    ("Crash", "crash cymbal"), ("Ride", "ride cymbal"), ("FX", "sound effect"), ("Voice", "short vocal chop"),
)  # fmt: skip
PAD_NAMES = tuple(name for name, _ in KIT)
ONE_SHOT_SECONDS = 1.0  # long enough for a tom; a tail of cymbals is cut, and faded
_OF_ITSELF = ("drum kit", "drumkit", "drums", "kit")  # words that say what a kit says anyway


def kit_prompts(words: str) -> tuple[str, ...]:
    """Sixteen prompts: the person's words before each sound of a kit; without words the sounds alone."""
    style = " ".join(words.replace(",", " ").split())
    for ending in _OF_ITSELF:
        if style.lower() == ending or style.lower().endswith(f" {ending}"):
            style = style[: len(style) - len(ending)].rstrip()
            break
    return tuple(f"{style} {sound}".strip() for _, sound in KIT)
