"""How the whole application looks: dark, light or as the system is, with or without motion. Changes while it runs."""

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtWidgets import QApplication

from arc_instrument.session.state import SessionState
from arc_instrument.ui import palette

BLINK_MS = 1_000  # of the caret, Qt's own


class Appearance(QObject):
    """Dresses `application` in what the preferences say; until it is told, in dark."""

    def __init__(self, application: QApplication):
        super().__init__(application)
        self._application = application
        self._wish = "dark"
        self._shown = ""
        self._still: bool | None = None
        self._hints = application.styleHints()
        self._hints.colorSchemeChanged.connect(self._on_system)
        palette.load_fonts()
        application.setStyle("Fusion")
        application.setFont(palette.font())
        self._choose("dark")

    def render_state(self, state: SessionState) -> None:
        preferences = state.preferences
        if preferences.theme != self._wish:
            self._wish = preferences.theme
            self._choose(preferences.theme)
        if preferences.reduced_motion != self._still:
            self._still = preferences.reduced_motion
            for effect in (Qt.UIEffect.UI_AnimateMenu, Qt.UIEffect.UI_FadeMenu, Qt.UIEffect.UI_AnimateCombo,
                           Qt.UIEffect.UI_AnimateTooltip, Qt.UIEffect.UI_FadeTooltip):  # fmt: skip
                QApplication.setEffectEnabled(effect, not self._still)
            self._application.setCursorFlashTime(0 if self._still else BLINK_MS)

    @property
    def theme(self) -> str:
        """The theme that is shown, "dark" or "light"."""
        return self._shown

    def _choose(self, wish: str) -> None:
        if wish == "system":
            self._hints.unsetColorScheme()
            self._show(self._system())
        else:  # the system's own parts, such as the title bar, follow
            self._hints.setColorScheme(Qt.ColorScheme.Light if wish == "light" else Qt.ColorScheme.Dark)
            self._show(wish)

    def _system(self) -> str:
        return "light" if self._hints.colorScheme() == Qt.ColorScheme.Light else "dark"

    def _show(self, theme: str) -> None:
        if theme == self._shown:
            return
        self._shown = theme
        palette.use(theme)
        self._application.setPalette(palette.qt_palette())
        self._application.setStyleSheet(palette.style_sheet())
        for widget in self._application.allWidgets():
            widget.update()

    @Slot()
    def _on_system(self) -> None:
        if self._wish == "system":
            self._show(self._system())
