"""The recording against the result: one after the other at the same loudness, and how their onsets agree."""

from PySide6.QtCore import QObject, Slot

from arc_instrument.domain import Clip
from arc_instrument.loudness import matched_gains_db, with_gain
from arc_instrument.onsets import onset_f1, onset_times
from arc_instrument.session.player import Player
from arc_instrument.session.shelf import Shelf
from arc_instrument.session.state import SessionState
from arc_instrument.session.store import Store

Pair = tuple[Clip | None, Clip | None]  # recording, result
Onsets = tuple[tuple[float, ...], tuple[float, ...]]  # of these


class Comparison(QObject):
    """Lives in the GUI thread and follows the state; measures in the thread for files."""

    def __init__(self, store: Store, player: Player, shelf: Shelf):
        super().__init__(store)
        self._store, self._player, self._shelf = store, player, shelf
        self._pair: Pair = (None, None)
        self._measured: Pair = (None, None)
        self._onsets: Onsets = ((), ())  # of that, shown or not
        self._measuring = self._ended = False
        self._gains: tuple[float, float] | None = None
        self._next_side = "recording"
        store.stateChanged.connect(self._follow)
        player.playbackStarted.connect(self._on_other_playback)
        player.playbackStopped.connect(self._on_other_playback)

    def shutdown(self) -> None:
        """Measure nothing more."""
        self._ended = True

    def toggle(self) -> None:
        """Play the recording, the next time the result, both as loud as each other."""
        recording, result = self._pair
        if recording is None or result is None:
            missing = "a recording" if recording is None else "a sound made from it"
            self._store.say(f"There is nothing to compare yet: it takes {missing}.", is_error=False)
            return
        if self._gains is not None:
            self._play(self._gains)
            return
        pair = self._pair

        def play(gains: tuple[float, float]) -> None:
            if pair == self._pair:  # and neither was replaced while they were measured
                self._gains = gains
                self._play(gains)

        self._shelf.run(lambda: matched_gains_db(recording, result), play, self._store.say)

    def _play(self, gains_db: tuple[float, float]) -> None:
        side = self._next_side
        index = ("recording", "result").index(side)
        clip = self._pair[index]
        assert clip is not None
        if self._player.audition(with_gain(clip, gains_db[index])):
            self._next_side = "result" if side == "recording" else "recording"
            self._store.when_seen(lambda: self._store.update(ab=side))  # after its own playbackStarted

    @Slot()
    def _on_other_playback(self) -> None:
        if self._store.state.ab:
            self._store.update(ab="")

    @Slot(object)
    def _follow(self, state: SessionState) -> None:
        pair = state.init.clip if state.init else None, state.current.clip if state.current else None
        if pair == self._pair:
            return
        self._pair, self._gains, self._next_side = pair, None, "recording"
        if state.ab:
            self._store.update(ab="")
        self._measure()

    def _measure(self) -> None:
        """Find the onsets of the newest pair; pairs that come and go while others are measured are left out."""
        recording, result = pair = self._pair
        if self._ended or self._measuring or pair == self._measured:
            return
        if recording is None:
            self._measured = pair
            self._store.update(init_onsets=(), result_onsets=(), onset_f1=None)
            return
        self._measuring = True
        known = self._onsets[0] if recording is self._measured[0] else None

        def onsets() -> Onsets:
            return known or onset_times(recording), onset_times(result) if result else ()

        def show(found: Onsets, f1: float | None) -> None:
            if self._ended:
                return
            self._measuring, self._measured, self._onsets = False, pair, found
            if pair == self._pair:
                self._store.update(init_onsets=found[0], result_onsets=found[1], onset_f1=f1)
            self._measure()

        self._shelf.run(
            onsets,
            lambda found: show(found, onset_f1(*found) if result else None),
            lambda _sentence: show(((), ()), None),  # logged already, and a missing grid says enough
        )
