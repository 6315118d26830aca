"""The knob of a position between left and right, as mixers write it: L 30, C, R 100."""

from arc_instrument.ui.knob import Knob, number_in


class PanKnob(Knob):
    """Its parameter runs from −1, left, to 1, right; a bare number that is typed is to the right, a negative left."""

    def value_text(self) -> str:
        hundredths = round(100 * self.exact_value)
        if hundredths == 0:
            return "C"
        return f"{'L' if hundredths < 0 else 'R'} {abs(hundredths)}"

    def typed_value(self, text: str) -> float | None:
        words = text.strip().lower()
        if words.startswith(("c", "m")):  # centre, middle
            return 0.0
        hundredths = number_in(words)
        if hundredths is None:
            return None
        return (-abs(hundredths) if "l" in words else hundredths) / 100
