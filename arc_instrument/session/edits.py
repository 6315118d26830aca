"""Edits: trim, fades, direction and gain of the current sound, heard at once and kept on request."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer

from arc_instrument.domain import Generated, Take, Timing, UserError
from arc_instrument.editing import UNEDITED, Edit, edited, without_silence
from arc_instrument.looping import carried_points
from arc_instrument.session.sampler import KEYS
from arc_instrument.session.state import CurrentSound
from arc_instrument.takefile import with_settings

if TYPE_CHECKING:
    from arc_instrument.session.session import Session

ARM_MS = 40  # while a handle is dragged the keys follow this often


class Edits(QObject):
    """The clip of `SessionState.current` stays as it was made; keys, playback and export get it edited."""

    def __init__(self, session: "Session"):
        super().__init__(session)
        self._session = session
        self._chosen: _Chosen | None = None
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
            take, heard = sound.take, edited(sound.clip, sound.edit)
            request = replace(
                sound.request, seconds=heard.seconds, init_noise=take.init_noise, settings=_settings(take, sound)
            )
            timing = Timing(0.0, 0.0, 0.0, 0.0, sound.generation_ms)
            kept = Generated(request, heard, timing, take.model_name, take.weights_licence)
            self._session.takes.keep(kept)
            self._session.say("The edited sound is a take of its own now.", is_error=False)

    def _do(self, label: str, edit: Edit, sound: CurrentSound, *, merge: str = "") -> None:
        before, points_before = sound.edit, self._points
        points = self._carried(edit, sound)
        self._show(edit, points, sound)
        undo, redo = partial(self._show, before, points_before, sound), partial(self._show, edit, points, sound)
        self._session.history.record(label, undo, redo, merge=merge)

    @property
    def _points(self) -> tuple[int, int]:
        """Of the keys' loop, as they are kept: in frames of the edited sound, 0 for what nobody chose."""
        shape = self._session.state.shape
        return shape.loop_start, shape.loop_end

    def _carried(self, edit: Edit, sound: CurrentSound) -> tuple[int, int]:
        """The loop's points with `edit`: they stay on what they were set on, also where a drag cut that and returns."""
        chosen = self._chosen
        if chosen is None or not (_is_same(sound, chosen.sound) and (sound.edit, self._points) == chosen.led_to):
            chosen = _Chosen(sound, self._points)
        points, frames = chosen.points, len(sound.clip.samples)
        if any(points):
            own_ends = chosen.sound.own_loop_end, replace(sound, edit=edit).own_loop_end
            points = carried_points(points, chosen.sound.edit, edit, frames, own_ends)
        self._chosen = replace(chosen, led_to=(edit, points))
        return points

    def _show(self, edit: Edit, points: tuple[int, int], of: CurrentSound) -> None:
        """Put `edit` on the sound it was made for; a fresh note or a draft may have come instead by itself."""
        state = self._session.state
        if state.current is not None and _is_same(state.current, of):
            with self._session.together():
                self._session.update(current=replace(state.current, edit=edit))
                shape = replace(state.shape, loop_start=points[0], loop_end=points[1])
                self._session.player.set_shape(KEYS, shape)
            if not self._arm_soon.isActive():
                self._arm_soon.start()

    def _arm(self) -> None:
        sound = self._session.state.current
        if sound is not None:
            self._session.player.load(sound)


@dataclass(frozen=True)
class _Chosen:
    """Loop points as a person set them, on the sound with the edit that it had; and what edits made of both since."""

    sound: CurrentSound
    points: tuple[int, int]
    led_to: tuple[Edit, tuple[int, int]] | None = None


def _settings(take: Take, sound: CurrentSound) -> Mapping[str, Any]:
    """What the file of the edited sound tells: cut, it has its bars no more, nor turned its loop where that was."""
    is_cut = sound.heard_frames != len(sound.clip.samples)
    gone = ("bars", "loop") if is_cut else ("loop",) if sound.edit.reverse else ()
    return with_settings(take, edit=sound.edit, **dict.fromkeys(gone)).settings


def _is_same(one: CurrentSound, other: CurrentSound) -> bool:
    """Whether both are one sound, maybe read from its file anew."""
    if one.take is not None and other.take is not None:
        return one.take.path == other.take.path
    return one.clip is other.clip
