"""Transport: what a sequencer says over MIDI: its clock sets the tempo, its start and stop play the current sound."""

from PySide6.QtCore import QObject, Slot

from arc_instrument.musical_time import MAX_BPM, MIN_BPM
from arc_instrument.session.player import Player
from arc_instrument.session.store import Store


class Transport(QObject):
    """Follows, and is nothing to undo: what the sequencer says is not what a person did here."""

    def __init__(self, store: Store, player: Player):
        super().__init__(store)
        self._store, self._player = store, player
        self._follows = False
        player.tempoReceived.connect(self._on_tempo)
        player.transportReceived.connect(self._on_transport)

    @Slot(float)
    def _on_tempo(self, bpm: float) -> None:
        bpm = round(min(max(bpm, MIN_BPM), MAX_BPM), 1)
        if bpm != self._store.state.metronome_bpm:
            self._store.update(metronome_bpm=bpm)
            if not self._follows:  # said once: a clock whose tempo moves would fill the line
                self._follows = True
                self._store.say(f"The tempo follows the MIDI clock: {bpm:g} BPM.", is_error=False)

    @Slot(str)
    def _on_transport(self, command: str) -> None:
        if command == "stop":
            self._player.stop()
        else:
            self._player.play()
