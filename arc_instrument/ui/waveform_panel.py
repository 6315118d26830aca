"""The current sound: its prompt, its figures, and its waveform or spectrogram, which is edited in place."""

from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from arc_instrument.actions import BY_ID, tooltip
from arc_instrument.domain import Phase
from arc_instrument.editing import made_span
from arc_instrument.session.state import SessionState
from arc_instrument.ui.edit_handles import LoopPoints
from arc_instrument.ui.export_button import ExportButton
from arc_instrument.ui.icons import ICON_PX, icon
from arc_instrument.ui.labels import ElidedLabel
from arc_instrument.ui.palette import BODY_PX, CONTROL_HEIGHT, GRID, font
from arc_instrument.ui.sound_figures import SoundFigures, figures_of
from arc_instrument.ui.waveform_editor import WaveformEditor

TOOL_PX = 28


class WaveformPanel(QFrame):
    """Signals: playToggled(), playRequested(), trimRequested(), compareRequested(): hear the recording or the result.

    What is edited is told by `waveform` (editRequested, loopRequested, editFinished).
    """

    playToggled = Signal()
    playRequested = Signal()
    trimRequested = Signal()
    compareRequested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("panel")
        self._icons = {False: icon("play", "text"), True: icon("stop", "text")}
        self._playing = False
        self._analysis: dict[str, Any] = {}
        self._state = SessionState()
        self.play = QToolButton()
        self.play.setIcon(self._icons[False])
        self.play.setIconSize(QSize(ICON_PX, ICON_PX))
        self.play.setFixedSize(CONTROL_HEIGHT, CONTROL_HEIGHT)
        self.play.setAccessibleName("Play")
        self.play.setToolTip(tooltip("play"))
        self.play.clicked.connect(self.playToggled)
        self._title = ElidedLabel("heading")
        self._title.setFont(font(BODY_PX, QFont.Weight.DemiBold))
        self._figures = SoundFigures()
        for label in (self._title, self._figures):  # each has its share, whatever it says: nothing jumps
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.waveform = WaveformEditor()
        self.waveform.clicked.connect(self.playRequested)
        self.waveform.editRequested.connect(self._on_edited)
        self.compare = _tool("compare", "Hear the recording instead, equally loud", "compare", checkable=True)
        keep_room = self.compare.sizePolicy()
        keep_room.setRetainSizeWhenHidden(True)
        self.compare.setSizePolicy(keep_room)
        self.compare.clicked.connect(self._on_compare)
        self.spectrogram = _tool("spectrogram", "Spectrogram instead of the waveform", "spectrogram", checkable=True)
        self.spectrogram.toggled.connect(self.waveform.show_spectrogram)
        self.trim = _tool("trim", "Cut off the silence before and after the sound", "trim_silence")
        self.trim.clicked.connect(self.trimRequested)
        self.reverse = _tool("reverse", "Play the sound backwards", "reverse", checkable=True)
        self.reverse.clicked.connect(self.waveform.reverse)
        self.reset = _tool("reset", "Undo every edit of this sound: trims, fades, gain, direction", "reset_edit")
        self.reset.clicked.connect(self.waveform.reset_edit)
        self.export = ExportButton(TOOL_PX)

        header = QHBoxLayout()
        header.setSpacing(GRID)
        header.addWidget(self.play)
        header.addWidget(self._title, 2)
        header.addWidget(self._figures, 3)
        tools = QHBoxLayout()
        tools.setSpacing(2)
        for tool in self.tools():
            tools.addWidget(tool)
        header.addLayout(tools)
        column = QVBoxLayout(self)
        column.setContentsMargins(GRID, GRID, GRID, GRID - 3)
        column.setSpacing(2)
        column.addLayout(header)
        column.addWidget(self.waveform, 1)
        self.compare.hide()
        self.show_edit(None)

    def tools(self) -> tuple[QToolButton, ...]:
        """The buttons at the right, from left to right."""
        return self.compare, self.spectrogram, self.trim, self.reverse, self.reset, self.export

    def tab_order(self) -> tuple[QWidget, ...]:
        return self.play, *self.tools(), self.waveform

    def toggle_view(self) -> None:
        """Waveform or spectrogram."""
        self.spectrogram.toggle()

    def render_state(self, state: SessionState) -> None:
        sound = state.current
        if sound is not self._state.current:
            self._analysis = {}
        self._state = state
        self.export.render_state(state)
        heard = state.init.name if state.init and state.ab == "recording" else sound.prompt if sound else "No sound yet"
        self._title.setText(heard)
        self.play.setEnabled(sound is not None)
        if state.playing != self._playing:
            self._playing = state.playing
            self.play.setIcon(self._icons[state.playing])
            self.play.setAccessibleName("Stop" if state.playing else "Play")
        self.compare.setChecked(bool(state.ab))
        self.compare.setVisible(state.init is not None and sound is not None)
        self.spectrogram.setEnabled(sound is not None)
        self.waveform.setEnabled(sound is not None)
        self.waveform.show_sound(sound, _invitation(state), draft=state.is_draft)
        self.show_edit(sound.edit if sound else None, _loop_points(state))
        facts = sound.facts if sound else None
        if facts is not None:
            self.show_analysis(
                in_time=state.onset_f1,
                root_note=facts.root_note,
                detected_bpm=facts.tempo_bpm,
                asked_bpm=sound.asked_bpm if sound else None,
                loudness_lufs=facts.loudness_lufs,
            )
        self.waveform.show_onsets(state.init_onsets, state.result_onsets)
        self.waveform.show_beats(state.metronome_bpm if state.bars else 0, state.beats_per_bar)
        self.waveform.set_reduced_motion(state.preferences.reduced_motion)

    def show_edit(self, edit: Any, loop: LoopPoints | None = None) -> None:
        """The edit and the loop of the sound that was rendered last; None: it cannot be edited, it does not loop."""
        self.waveform.show_edit(edit, loop)
        self._on_edited(edit)

    def show_analysis(self, **figures: float | None) -> None:
        """What is known of the sound beside its length and seed: the keywords of `figures_of`. Forgotten with it."""
        self._analysis = figures
        self._show_figures()

    def _on_compare(self) -> None:
        self.compare.setChecked(bool(self._state.ab))  # checked while one of both is heard, whoever started it
        self.compareRequested.emit()

    def _on_edited(self, edit: Any) -> None:
        self.trim.setEnabled(edit is not None)
        self.reverse.setEnabled(edit is not None)
        self.reverse.setChecked(bool(edit and edit.reverse))
        self.reset.setEnabled(self.waveform.is_edited)
        self._show_figures()

    def _show_figures(self) -> None:
        sound = self._state.current
        if sound is None:
            self._figures.setText("")
            return
        first, end = self.waveform.span()
        self._figures.setText(
            figures_of(sound, **({"heard_seconds": (end - first) / sound.clip.rate_hz} | self._analysis))
        )


def _tool(icon_name: str, tip: str, action_id: str, *, checkable: bool = False) -> QToolButton:
    """A small button; the tip of its action in the registry goes before its own."""
    button = QToolButton()
    button.setIcon(icon(icon_name))
    button.setIconSize(QSize(ICON_PX, ICON_PX))
    button.setFixedSize(TOOL_PX, TOOL_PX)
    button.setCheckable(checkable)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setAccessibleName(tip.partition(":")[0])
    button.setToolTip(tooltip(action_id) if action_id in BY_ID else tip)
    return button


def _loop_points(state: SessionState) -> LoopPoints | None:
    """Where the sound loops, in frames as it was made; None if it does not."""
    sound, loop = state.current, state.loop
    if sound is None or loop is None:
        return None
    frames, edit = len(sound.clip.samples), sound.edit
    first, last = edit.span(frames)
    cut = frames - last if edit.reverse else first
    return LoopPoints(
        *made_span(loop.start, loop.end, edit, frames),
        crossfade_ms=1000 * loop.crossfade / sound.clip.rate_hz,
        from_beyond=loop.from_beyond,
        own_end=cut + sound.own_loop_end,
    )


def _invitation(state: SessionState) -> str:
    if state.generating and state.phase is not Phase.GENERATING:
        return "Your sound is made as soon as the model is ready"
    if state.generating:
        return "Making the first sound…"
    return "Describe a sound above and press Enter"
