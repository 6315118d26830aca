"""The look in one place: colours, the spacing grid, type sizes, and the style sheet made from them."""

import re

from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette

from arc_instrument.assets import instrument_asset

# One accent; red only for recording and failure. Text on every surface it may stand on: contrast 4.5:1 or more.
DARK = {
    "window": "#0f1114",
    "surface": "#171a1f",
    "raised": "#20242a",
    "hover": "#2a2f37",
    "line": "#2c323a",
    "line_strong": "#6b7684",
    "text": "#eef1f4",
    "muted": "#a3adb9",
    "faint": "#8a95a3",
    "accent": "#6fe0bd",
    "accent_hover": "#8ce9cb",
    "accent_pressed": "#57c9a6",
    "on_accent": "#06231a",
    "accent_dim": "#22463c",
    "alarm": "#ff7d78",
    "on_alarm": "#2b0504",
    "alarm_dim": "#4a2426",
    "key_white": "#d9dde2",
    "key_white_text": "#3b424b",
    "key_black": "#0b0d0f",
    "key_black_text": "#a3adb9",
    "key_line": "#0f1114",
}
LIGHT = {
    "window": "#eef0f3",
    "surface": "#ffffff",
    "raised": "#f3f5f7",
    "hover": "#e2e7ec",
    "line": "#d3d9e0",
    "line_strong": "#77828f",
    "text": "#12161b",
    "muted": "#4b5663",
    "faint": "#5a6674",
    "accent": "#00734f",
    "accent_hover": "#00835a",
    "accent_pressed": "#005f41",
    "on_accent": "#ffffff",
    "accent_dim": "#d3efe4",
    "alarm": "#b3261e",
    "on_alarm": "#ffffff",
    "alarm_dim": "#f9dcda",
    "key_white": "#ffffff",
    "key_white_text": "#3b424b",
    "key_black": "#2a3037",
    "key_black_text": "#c3cbd4",
    "key_line": "#aeb7c1",
}
THEMES = {"dark": DARK, "light": LIGHT}
COLOURS = dict(DARK)
"""Of the theme in use; `use` writes another one into it, so that whoever paints asks here each time."""

TEXT_PAIRS = (
    ("text", "window"), ("text", "surface"), ("text", "raised"), ("text", "hover"),
    ("muted", "window"), ("muted", "surface"), ("muted", "raised"),
    ("faint", "window"), ("faint", "surface"), ("faint", "raised"),
    ("accent", "window"), ("accent", "surface"), ("accent", "raised"),
    ("on_accent", "accent"), ("on_accent", "accent_hover"), ("on_accent", "accent_pressed"), ("text", "accent_dim"),
    ("accent", "accent_dim"), ("muted", "accent_dim"),
    ("alarm", "window"), ("alarm", "surface"), ("alarm", "raised"), ("on_alarm", "alarm"), ("text", "alarm_dim"),
    ("key_white_text", "key_white"), ("key_black_text", "key_black"), ("on_accent", "accent"),
)  # fmt: skip

GRID = 8
MARGIN = 2 * GRID
RADIUS = 8
CONTROL_HEIGHT = 32
FONT_FAMILY = "Inter"
SMALL_PX, BODY_PX, PROMPT_PX = 12, 13, 18


def use(theme: str) -> None:
    """Make "dark" or "light" the theme in use. What is painted from now on has its colours."""
    COLOURS.update(THEMES[theme])


def colour(name: str) -> QColor:
    return QColor(COLOURS[name])


def contrast(first: str, second: str) -> float:
    """WCAG 2.1 contrast ratio of two `#rrggbb` colours, 1 to 21."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(hexadecimal: str) -> float:
    channels = [int(hexadecimal[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def load_fonts() -> None:
    """Register the shipped fonts, so that the window looks the same on a machine without any."""
    for path in sorted(instrument_asset("fonts").glob("*.otf")):
        QFontDatabase.addApplicationFont(str(path))


def font(size_px: int = BODY_PX, weight: QFont.Weight = QFont.Weight.Normal, *, figures: bool = False) -> QFont:
    """A font of the family; `figures` gives digits of equal width, so that changing numbers do not jump."""
    made = QFont(FONT_FAMILY)
    made.setPixelSize(size_px)
    made.setWeight(weight)
    if figures:
        made.setFeature(QFont.Tag("tnum"), 1)
    return made


def qt_palette() -> QPalette:
    """The palette for what the style sheet does not reach: menus, tooltips, selections."""
    roles = {
        QPalette.ColorRole.Window: "window",
        QPalette.ColorRole.WindowText: "text",
        QPalette.ColorRole.Base: "surface",
        QPalette.ColorRole.AlternateBase: "raised",
        QPalette.ColorRole.Text: "text",
        QPalette.ColorRole.Button: "raised",
        QPalette.ColorRole.ButtonText: "text",
        QPalette.ColorRole.ToolTipBase: "raised",
        QPalette.ColorRole.ToolTipText: "text",
        QPalette.ColorRole.PlaceholderText: "faint",
        QPalette.ColorRole.Highlight: "accent",
        QPalette.ColorRole.HighlightedText: "on_accent",
        QPalette.ColorRole.Accent: "accent",
    }
    made = QPalette()
    for role, name in roles.items():
        made.setColor(role, colour(name))
    return made


def style_sheet() -> str:
    """`style.qss` with `@name` replaced by the colours above."""
    text = instrument_asset("style.qss").read_text(encoding="utf-8")
    return re.sub(r"@(\w+)", lambda match: COLOURS[match[1]], text)
