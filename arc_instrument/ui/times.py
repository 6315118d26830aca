"""Measured and expected times as people read them."""


def time_taken(milliseconds: float) -> str:
    """Whole milliseconds below a second, tenths of a second from there on."""
    return f"{milliseconds:.0f} ms" if milliseconds < 999.5 else f"{milliseconds / 1000:.1f} s"


def time_expected(milliseconds: float) -> str:
    """Two significant figures: an estimate should not flicker in its last digit."""
    if milliseconds >= 90_000:
        return f"about {milliseconds / 60_000:.0f} min"
    if milliseconds >= 9_950:
        return f"about {milliseconds / 1_000:.0f} s"
    unit = 10 if milliseconds >= 100 else 1
    return f"about {time_taken(round(milliseconds / unit) * unit)}"
