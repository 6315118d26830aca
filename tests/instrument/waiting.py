"""Waiting for what the thread for files does."""


def wait_for_takes(qtbot, session, count):
    qtbot.waitUntil(lambda: len(session.state.takes) == count)
