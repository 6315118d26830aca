"""What of Qt a test left running. A module of its own, because every folder of tests has a `conftest`."""

from PySide6.QtCore import QProcess, QThread, QTimer
from shiboken6 import isValid


def still_running(started: list) -> list[str]:
    """Those of the started threads, timers and processes that run, in words."""
    found = []
    for started_object in filter(isValid, started):
        if isinstance(started_object, QThread) and started_object.isRunning():
            found.append(f"QThread {started_object.objectName()}")
        elif isinstance(started_object, QTimer) and started_object.isActive():
            found.append(f"QTimer every {started_object.interval()} ms in {started_object.parent()}")
        elif isinstance(started_object, QProcess) and started_object.state() != QProcess.ProcessState.NotRunning:
            found.append(f"QProcess {started_object.program()}")
    return found
