"""The files of the takes outside of the window: shown in the file manager, copied as a path, kept in another folder."""

from pathlib import Path

from PySide6.QtCore import QObject, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from arc_instrument.domain import Take
from arc_instrument.session import Session


class TakeFiles(QObject):
    """Commands of the window that a session cannot do: they need the desktop."""

    def __init__(self, session: Session, window: QWidget):
        super().__init__(window)
        self._session, self._window = session, window

    def reveal(self, take: Take) -> None:
        self._open(take.path.parent, f"the take is {take.path}")

    def reveal_current(self) -> None:
        current = self._session.state.current
        if current and current.take:
            self.reveal(current.take)

    def reveal_folder(self, folder: Path) -> None:
        self._open(folder, f"the folder is {folder}")

    def reveal_exports(self) -> None:
        written = self._session.state.exported
        if written is not None:
            self._open(written if written.is_dir() else written.parent, f"the export is {written}")

    def copy_path(self, take: Take) -> None:
        QGuiApplication.clipboard().setText(str(take.path))

    def copy_current_path(self) -> None:
        current = self._session.state.current
        if current and current.take:
            self.copy_path(current.take)

    def choose_folder(self) -> None:
        """Ask where takes are kept; the instrument plays on meanwhile."""
        chooser = QFileDialog(self._window, "Folder for takes", str(self._session.takes.folder))
        chooser.setFileMode(QFileDialog.FileMode.Directory)
        chooser.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        chooser.fileSelected.connect(lambda folder: self._session.takes.set_folder(Path(folder)))
        chooser.setModal(False)
        chooser.show()

    def _open(self, folder: Path, otherwise: str) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self._session.say(f"No file manager answered; {otherwise}.", is_error=False)
