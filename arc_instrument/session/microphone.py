"""Microphone: whether there is one, hearing it, and how long sound takes out of the loudspeaker and back into it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from arc_instrument.audio.protocol import AudioState
from arc_instrument.session.store import Store

if TYPE_CHECKING:
    from arc_instrument.audio.client import AudioClient

MAX_MONITOR_GAIN = 2.0


class Microphone(QObject):
    """Commands of the input beside recording; renders into the store. `round_trips_ms` is by the pair of devices."""

    def __init__(self, store: Store, audio: "AudioClient", round_trips_ms: Mapping[str, float]):
        super().__init__(store)
        self._store, self._audio = store, audio
        self.round_trips_ms = dict(round_trips_ms)
        self._monitored_pair = ""
        audio.calibrated.connect(self._on_calibrated)
        audio.howled.connect(self._on_howled)
        audio.stateChanged.connect(self._on_audio)

    def say_problem(self) -> bool:
        """Whether nothing can be recorded now; if so, say why."""
        audio = self._store.state.audio
        if audio is None or not audio.running:
            problem = f"Nothing to record with. {audio.sentence if audio else 'The sound is still starting.'}"
        else:
            problem = audio.recording_sentence
        if problem:
            self._store.say(problem, action="restart_audio", action_title="Try again")
        return bool(problem)

    # --- monitor --------------------------------------------------------------------------------------------------

    def toggle_monitor(self) -> None:
        """Hear the input, or not. Off at every start and on every other pair of devices: loudspeakers would howl."""
        if self._store.state.monitoring:
            self._end_monitor()
        elif not self.say_problem():
            audio = self._store.state.audio
            self._monitored_pair = audio.device_pair if audio else ""
            self._store.update(monitoring=True)
            self._audio.set_monitor(self._store.state.monitor_gain)

    def set_monitor_gain(self, gain: float) -> None:
        """Linear, 0 … 2."""
        self._keep(monitor_gain=min(max(gain, 0.0), MAX_MONITOR_GAIN))
        if self._store.state.monitoring:
            self._audio.set_monitor(self._store.state.monitor_gain)

    def _end_monitor(self) -> None:
        self._store.update(monitoring=False)
        self._audio.set_monitor(0.0)

    @Slot()
    def _on_howled(self) -> None:
        self._store.update(monitoring=False)
        self._store.say("The microphone heard its own loudspeaker and howled: monitoring is off, wear headphones.")

    # --- round trip -----------------------------------------------------------------------------------------------

    def calibrate(self) -> None:
        """Play a sweep, hear when it comes back, and shift recordings to the click by that from now on."""
        state = self._store.state
        if state.recording or state.calibrating:
            self._store.say("The round trip is measured between recordings: end this one first.", is_error=False)
        elif not self.say_problem():
            self._end_monitor()
            self._store.update(calibrating=True, message=None)
            self._audio.calibrate()

    @Slot(object)
    def _on_calibrated(self, round_trip_ms: float | None) -> None:
        audio = self._store.state.audio
        self._store.update(calibrating=False)
        if round_trip_ms is None or audio is None:
            sentence = "The microphone did not hear the test sound: turn the loudspeaker up, or bring them together."
            self._store.say(sentence, action="calibrate", action_title="Again")
            return
        self.round_trips_ms[audio.device_pair] = round_trip_ms
        self._keep(calibration_ms=round_trip_ms)
        text = f"The round trip takes {round_trip_ms:.1f} ms: recordings to the click are shifted by that."
        self._store.say(text, is_error=False)

    def _keep(self, **changes: object) -> None:
        """Change what the settings file keeps."""
        self._store.update(**changes)
        self._store.settingsChanged.emit()

    @Slot(object)
    def _on_audio(self, audio: AudioState) -> None:
        store = self._store
        if not audio.running:
            store.update(calibrating=False)
            return
        calibration_ms = self.round_trips_ms.get(audio.device_pair)
        if calibration_ms != store.state.calibration_ms:
            store.update(calibration_ms=calibration_ms)
        if store.state.monitoring and audio.device_pair != self._monitored_pair:
            self._end_monitor()
        elif store.state.monitoring:  # a stream that was opened anew, as for another buffer, begins without it
            self._audio.set_monitor(store.state.monitor_gain)
