"""What the window shows, as it was left: page of the deck, spectrogram, pads. Kept beside its place on the screen."""

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QSettings

if TYPE_CHECKING:
    from arc_instrument.ui.window import MainWindow

PAGE, SPECTROGRAM, PADS = "view/page", "view/spectrogram", "view/pads"


def keep_view(window: "MainWindow", settings: QSettings) -> None:
    """Show what the last window showed, and note from now on what a person chooses: at once, for a crash asks nobody.

    A page that there is no more is left out.
    """
    page = settings.value(PAGE)
    if isinstance(page, str) and page in window.deck.tabs:  # words with a comma are read as a list
        window.deck.show_page(page)
    window.waveform.spectrogram.setChecked(_is_on(settings, SPECTROGRAM))
    window.show_pads(_is_on(settings, PADS))
    window.deck.pageChanged.connect(partial(settings.setValue, PAGE))
    window.waveform.spectrogram.toggled.connect(partial(settings.setValue, SPECTROGRAM))
    window.surface.currentChanged.connect(lambda _: settings.setValue(PADS, window.surface.shows_pads))


def _is_on(settings: QSettings, name: str) -> bool:
    """A switch that is neither on nor off is off: Qt takes any word for on."""
    return settings.value(name) in (True, "true")
