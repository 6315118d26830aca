"""Edits: trim, fades, direction and gain of the current sound, heard at once and kept on request."""

from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from arc_instrument.domain import Generated, Timing, UserError
from arc_instrument.editing import UNEDITED, Edit, edited, without_silence
from arc_instrument.session.state import CurrentSound

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
        one = f"edit sound {id(sound.clip)}"  # a sound that came by itself within a second is edited in another step
        self._do("edit sound", edit, sound, merge=one)

    def trim_silence(self) -> None:
        """Cut off what is silent before and after the current sound, as dragging its trim handles does."""
        sound = self._session.state.current
        if sound is None:
            return
        edit = without_silence(sound.clip, sound.edit)
        if edit == sound.edit:
            self._session.say("There is no silence to trim: it sounds from its beginning to its end.", is_error=False)
        else:
            self._do("trim silence", edit, sound)

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

    def _do(self, label: str, edit: Edit, sound: CurrentSound, *, merge: str = "") -> None:
        before = sound.edit
        self._show(edit, sound)
        undo, redo = partial(self._show, before, sound), partial(self._show, edit, sound)
        self._session.history.record(label, undo, redo, merge=merge)

    def _show(self, edit: Edit, of: CurrentSound) -> None:
        """Put `edit` on the sound it was made for; a fresh note or a draft may have come instead by itself."""
        sound = self._session.state.current
        if sound is not None and _is_same(sound, of):
            self._session.update(current=replace(sound, edit=edit))
            if not self._arm_soon.isActive():
                self._arm_soon.start()

    def _arm(self) -> None:
        sound = self._session.state.current
        if sound is not None:
            self._session.player.load(sound)


def _is_same(one: CurrentSound, other: CurrentSound) -> bool:
    """Whether both are one sound, maybe read from its file anew."""
    if one.take is not None and other.take is not None:
        return one.take.path == other.take.path
    return one.clip is other.clip
