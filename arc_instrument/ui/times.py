"""Measured and expected times as people read them."""


def time_taken(milliseconds: float) -> str:
    """Whole milliseconds below a second, tenths of a second from there on."""
    return f"{milliseconds:.0f} ms" if milliseconds < 999.5 else f"{milliseconds / 1000:.1f} s"


def time_expected(milliseconds: float) -> str:
    """Two significant figures: an estimate should not flicker in its last digit."""
    unit = 10 if milliseconds >= 100 else 1
    return f"about {time_taken(round(milliseconds / unit) * unit)}"
