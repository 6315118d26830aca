"""One button: Generate, and while a sound is made Cancel with the step it is at."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QPushButton

from arc_instrument.actions import tooltip
from arc_instrument.session.state import SessionState
from arc_instrument.ui.labels import role
from arc_instrument.ui.palette import BODY_PX, font


class GenerateButton(QPushButton):
    """Signals: generateRequested(), cancelRequested()."""

    generateRequested = Signal()
    cancelRequested = Signal()

    def __init__(self) -> None:
        super().__init__("Generate")
        self._generating = False
        self.setProperty("role", "primary")
        self.setFont(font(BODY_PX + 1, figures=True))
        self.setFixedSize(136, 52)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("Generate")
        self.setToolTip(tooltip("generate"))
        self.clicked.connect(lambda: (self.cancelRequested if self._generating else self.generateRequested).emit())

    def render_state(self, state: SessionState) -> None:
        self._generating = state.generating
        role(self, "running", state.generating)
        name = "Cancel" if state.generating else "Generate"
        step = f"  {state.progress.step}/{state.progress.steps}" if state.generating and state.progress else ""
        if self.text() != name + step:
            self.setText(name + step)
            self.setAccessibleName(name)
            self.setToolTip(tooltip("cancel" if state.generating else "generate"))
