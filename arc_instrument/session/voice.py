"""Voice: what a person does to start from a recording: count in, record, keep what was played."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from arc_instrument import recordings
from arc_instrument.audio.protocol import AudioLevels, RecordingPlan
from arc_instrument.audio.wavfile import Opening, read_opening
from arc_instrument.domain import MAX_RECORDING_SECONDS, Clip, UserError
from arc_instrument.recording_length import RecordingLength, recording_length
from arc_instrument.recordings import Recovered
from arc_instrument.session.comparison import Comparison
from arc_instrument.session.history import History
from arc_instrument.session.microphone import Microphone
from arc_instrument.session.player import Player
from arc_instrument.session.shelf import Shelf
from arc_instrument.session.store import Store
from arc_instrument.settings import VoiceSettings

if TYPE_CHECKING:
    from arc_instrument.audio.client import AudioClient

INIT_SECONDS = MAX_RECORDING_SECONDS  # of a longer file, or as much as the model makes if that is more
FULL_SECONDS = 0.1  # before its end a recording is told for the last time, or it was stopped
_KEPT = tuple(name for name in VoiceSettings.model_fields if name != "round_trips_ms")


class Voice(QObject):
    """Commands of recording and comparing; renders into the store.

    Signals:
        recorded(str, Clip): the name and the sound of what the next generation shall start from.
    """

    recorded = Signal(str, object)

    def __init__(
        self,
        store: Store,
        history: History,
        audio: "AudioClient",
        microphone: Microphone,
        player: Player,
        shelf: Shelf,
        settings: VoiceSettings | None = None,
        folder: Path | None = None,
    ):
        """`folder` is where recordings are kept, None for nowhere."""
        super().__init__(store)
        self._store, self._history = store, history
        self._audio, self._microphone, self._shelf, self._folder = audio, microphone, shelf, folder
        self._comparison = Comparison(store, player, shelf)
        settings = settings or VoiceSettings()
        self._part: Path | None = None
        self._ended_early = False
        self._recorded_seconds = 0.0
        self._retry_recovery = QTimer(self, singleShot=True, interval=round(1500 * recordings.AT_REST_SECONDS))
        self._retry_recovery.timeout.connect(lambda: self.recover(is_retry=True))
        store.update(**{name: getattr(settings, name) for name in _KEPT})
        audio.recorded.connect(self._on_recorded)
        audio.recordingCut.connect(self._on_recording_cut)
        audio.recordingAtRisk.connect(lambda sentence: store.say(sentence, is_error=False))
        audio.kept.connect(self._on_kept)
        audio.levelsChanged.connect(self._on_levels)

    def settings(self) -> VoiceSettings:
        """What the settings file keeps."""
        kept = {name: getattr(self._store.state, name) for name in _KEPT}
        return VoiceSettings(**kept, round_trips_ms=self._microphone.round_trips_ms)

    def shutdown(self) -> None:
        self._retry_recovery.stop()
        self._comparison.shutdown()

    # --- recording ----------------------------------------------------------------------------------------------

    def toggle_record(self) -> None:
        """Start a recording, with its count-in if that is on, or end it; where none is possible, say why."""
        state = self._store.state
        if state.recording:
            self._ended_early = state.count_in_beat > 0
            self._audio.stop_recording()
        elif not self._microphone.say_problem():
            self._ended_early, self._recorded_seconds = False, 0.0
            length = self._length
            self._part = recordings.part_path(self._folder) if self._folder else None
            self._store.update(recording=True, message=None)
            self._audio.start_recording(
                RecordingPlan(
                    path=str(self._part) if self._part else "",
                    bpm=state.metronome_bpm,
                    beats_per_bar=state.beats_per_bar,
                    count_in_beats=state.count_in_beats if state.count_in else 0,
                    metronome=state.metronome,
                    bars=length.bars,
                    round_trip_ms=state.calibration_ms,
                )
            )
            if length.note:
                self._store.say(length.note, is_error=False)

    @property
    def _length(self) -> RecordingLength:
        """How long a recording would get now."""
        state = self._store.state
        return recording_length(state.record_bars, state.beats_per_bar, state.metronome_bpm)

    def keep_last(self) -> None:
        """Start from what the input heard within the last 12 s, though nobody had pressed record."""
        if not self._microphone.say_problem():
            self._audio.keep_last()

    @Slot(object)
    def _on_recorded(self, clip: Clip) -> None:
        part, self._part = self._part, None
        self._store.update(recording=False, count_in_beat=0)
        if not clip.is_silent:
            self._take(f"Recording {datetime.now():%H:%M}", clip, part)
            if self._recorded_seconds > MAX_RECORDING_SECONDS - FULL_SECONDS and not self._length.bars:
                text = f"The recording holds {MAX_RECORDING_SECONDS:.0f} s and is full: the sound starts from these."
                self._store.say(text, is_error=False)
            return
        if part is not None:
            part.unlink(missing_ok=True)
        # the input may have gone since the recording began
        if not self._ended_early and not self._microphone.say_problem():
            sentence = "The recording is silent: check the microphone and its level."
            self._store.say(sentence, action="record", action_title="Again")

    @Slot(object)
    def _on_kept(self, clip: Clip) -> None:
        if not clip.is_silent:
            self._take(f"Kept {datetime.now():%H:%M}", clip, None)
        elif not self._microphone.say_problem():
            self._store.say("The last 12 seconds were silent: check the microphone and its level.")

    def _take(self, name: str, clip: Clip, part: Path | None) -> None:
        self.recorded.emit(name, clip)
        folder = self._folder
        if folder is not None:
            self._shelf.run(lambda: recordings.keep(clip, folder, part), lambda _path: None, self._store.say)

    # --- what a crash cut off -----------------------------------------------------------------------------------

    def recover(self, is_retry: bool = False) -> None:
        """Look for recordings that a crash cut off, keep them, and offer the last one. At the start of the app."""
        folder = self._folder
        if folder is None:
            return

        def rescue() -> tuple[list[Recovered], list[str], bool]:
            parts, others = recordings.unfinished(folder)
            recovered, unread = [], []
            for part in parts:
                try:
                    found = recordings.rescue(part)
                except UserError as error:  # it stays where it is; the next one may be whole
                    unread.append(str(error))
                else:
                    recovered += [found] if found else []
            return recovered, unread, others

        def offer(found: tuple[list[Recovered], list[str], bool]) -> None:
            recovered, unread, others = found
            if unread:
                self._store.say(unread[-1])
            if recovered:
                last = recovered[-1]
                self._store.update(recovered=last.path)
                text = f"A recording of {last.clip.seconds:.1f} s was cut off when the instrument ended: it is kept."
                self._store.say(text, is_error=False, action="use_recovered", action_title="Start from it")
            if others and not is_retry:  # the instrument came back at once, or another one records now
                self._retry_recovery.start()

        self._shelf.run(rescue, offer, self._store.say)

    def use_recovered(self) -> None:
        """Start from the recording that a crash cut off."""
        path = self._store.state.recovered
        if path is not None:
            self._store.update(recovered=None)
            self._shelf.read(path, lambda clip: self.recorded.emit(path.stem, clip), self._store.say)

    @Slot()
    def _on_recording_cut(self) -> None:
        """The audio process is gone, and the recording with it but for its part, which needs no question."""
        part, self._part = self._part, None
        self._store.update(recording=False, count_in_beat=0)
        if part is None or not part.exists():
            return

        def show(recovered: Recovered | None) -> None:
            if recovered is not None:
                self.recorded.emit(f"Recording {datetime.now():%H:%M}", recovered.clip)
                text = f"The sound stopped while you recorded: the first {recovered.clip.seconds:.1f} s are kept."
                self._store.say(text, is_error=False)

        self._shelf.run(lambda: recordings.rescue(part), show, self._store.say)

    # --- files --------------------------------------------------------------------------------------------------

    def load_file(self, path: Path) -> None:
        """Start from an audio file of any length; of a long one, from its first sound on, with a note."""
        max_seconds = max(INIT_SECONDS, self._store.state.max_seconds)

        def show(opening: Opening) -> None:
            self.recorded.emit(path.name, opening.clip)
            if opening.note:
                self._store.say(opening.note, is_error=False)

        self._shelf.run(lambda: read_opening(path, max_seconds), show, self._store.say)

    # --- count-in and metronome -----------------------------------------------------------------------------------

    def toggle_count_in(self) -> None:
        self._edit("count-in", count_in=not self._store.state.count_in)

    def set_count_in_beats(self, beats: int) -> None:
        """So many beats before a recording: a bar, or more."""
        self._edit("count-in beats", "count-in beats", count_in_beats=min(max(beats, 1), 16))

    def toggle_metronome(self) -> None:
        """Whether clicks go on while a recording runs."""
        self._edit("metronome", metronome=not self._store.state.metronome)

    def set_beats_per_bar(self, beats: int) -> None:
        self._edit("beats a bar", "beats a bar", beats_per_bar=min(max(beats, 1), 16))
        self._say_length()

    def set_record_bars(self, bars: int) -> None:
        """After so many bars a recording ends by itself, or as many as it holds; 0: when it is stopped."""
        self._edit("bars to record", "bars to record", record_bars=min(max(bars, 0), 64))
        self._say_length()

    def _say_length(self) -> None:
        """That the bars are more than a recording holds."""
        if self._length.note:
            self._store.say(self._length.note, is_error=False)

    def _edit(self, label: str, merge: str = "", **changes: object) -> None:
        """Change how recordings go, undoably; a number that is turned quickly is one step."""
        before = {name: getattr(self._store.state, name) for name in changes}
        if before != changes:
            self._set(**changes)
            self._history.record(label, lambda: self._set(**before), lambda: self._set(**changes), merge=merge)

    @Slot(object)
    def _on_levels(self, levels: AudioLevels) -> None:
        if self._store.state.recording:
            self._recorded_seconds = levels.recorded_seconds
            if levels.count_in_beat != self._store.state.count_in_beat:
                self._store.update(count_in_beat=levels.count_in_beat)

    def _set(self, **changes: object) -> None:
        self._store.update(**changes)
        self._store.settingsChanged.emit()

    # --- comparison -----------------------------------------------------------------------------------------------

    def toggle_ab(self) -> None:
        """Hear the recording, then the result, equally loud."""
        self._comparison.toggle()
