"""Edits: trim, fades, direction and gain of the current sound, heard at once and kept on request."""

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from arc_instrument.domain import Generated, Timing, UserError
from arc_instrument.editing import UNEDITED, Edit, edited

if TYPE_CHECKING:
    from arc_instrument.session.session import Session

ARM_MS = 40  # while a handle is dragged the keys follow this often


class Edits(QObject):
    """The clip of `SessionState.current` stays as it was made; keys, playback and export get it edited."""

    def __init__(self, session: "Session"):
        super().__init__(session)
        self._session = session
        self._arm_soon = QTimer(self, singleShot=True, interval=ARM_MS)
        self._arm_soon.timeout.connect(self._arm)

    def shutdown(self) -> None:
        self._arm_soon.stop()

    def apply(self, edit: Edit) -> None:
        """Edit the current sound from now on; a drag is one step to undo. One that cannot be is told in a sentence."""
        sound = self._session.state.current
        if sound is None or edit == sound.edit:
            return
        try:
            edited(sound.clip, edit)
        except UserError as error:
            self._session.say(str(error))
            return
        before = sound.edit
        self._show(edit)
        self._session.history.record(
            "edit sound", lambda: self._show(before), lambda: self._show(edit), merge="edit sound"
        )

    def keep(self) -> None:
        """Make the edited sound a take of its own."""
        sound = self._session.state.current
        if sound is None or sound.take is None or sound.request is None:
            self._session.say("There is no take to keep an edit of: make a sound first.")
        elif sound.edit == UNEDITED:
            self._session.say("The sound is as it was made: drag its edges, fades or level first.", is_error=False)
        else:
            heard = edited(sound.clip, sound.edit)
            settings = {**sound.request.settings, "edit": asdict(sound.edit)}
            request = replace(sound.request, seconds=heard.seconds, settings=settings)
            timing = Timing(0.0, 0.0, 0.0, 0.0, sound.generation_ms)
            take = sound.take
            kept = Generated(request, heard, timing, take.model_name, take.weights_licence)
            self._session.takes.keep(kept)
            self._session.say("The edited sound is a take of its own now.", is_error=False)

    def _show(self, edit: Edit) -> None:
        sound = self._session.state.current
        if sound is not None:
            self._session.update(current=replace(sound, edit=edit))
            if not self._arm_soon.isActive():
                self._arm_soon.start()

    def _arm(self) -> None:
        sound = self._session.state.current
        if sound is not None:
            self._session.player.load(sound)
