"""What another program is given when takes are dragged into it."""

from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QMimeData, QUrl


def dragged_files(paths: Iterable[Path]) -> QMimeData:
    """These files, in their order; one that is not there just now is left out."""
    made = QMimeData()
    made.setUrls([QUrl.fromLocalFile(str(path)) for path in paths if path.exists()])
    return made
