"""Preference commands: what a person chooses once about sound card, MIDI, OSC, compute and looks. Applied at once."""

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QObject, Signal

from arc_instrument.domain import PRECISIONS, RATE_HZ, Clip
from arc_instrument.session.osc_control import OscControl
from arc_instrument.session.player import Player
from arc_instrument.session.state import THEMES, Preferences
from arc_instrument.session.store import Store
from arc_instrument.settings import AppearanceSettings, ComputeSettings, OscSettings, Settings

TEST_SECONDS, TEST_HZ, TEST_PEAK = 0.8, 440.0, 0.25  # −12 dBFS: heard, and never a shock on headphones


class PreferenceCommands(QObject):
    """Renders `preferences` into the store.

    Signals:
        precisionChanged(str): what the model shall compute in from now on; "" for the faster float of this machine.
    """

    precisionChanged = Signal(str)

    def __init__(self, store: Store, player: Player, osc: OscControl, preferences: Preferences):
        super().__init__(store)
        self._store, self._player, self._osc = store, player, osc
        store.update(preferences=preferences)

    def start(self) -> None:
        """Open the OSC port if it is wanted."""
        self._osc.configure(osc_settings(self._store.state.preferences))

    # --- sound card and MIDI ----------------------------------------------------------------------------------------

    def choose_host_api(self, name: str) -> None:
        """Play through this host API ("" for the best) on its best devices: names differ from one to another."""
        self._player.change_devices(host_api=name, device="", input_device="")

    def choose_rate(self, rate_hz: int) -> None:
        self._player.change_devices(rate_hz=rate_hz)

    def choose_block(self, frames: int) -> None:
        """Frames that the driver asks for at once; 0 leaves it to the driver."""
        self._player.change_devices(block_frames=frames)

    def test_sound(self) -> None:
        """Play a soft tone, and give the keys their sound back: the tone rings on in its voice."""
        if not self._player.audition(_test_tone()):
            self._player.restart_audio()

    def toggle_midi_input(self, name: str) -> None:
        """Listen to a MIDI input or not, also when it comes back later."""
        ignored = self._player.devices.ignored_midi
        ignored = tuple(each for each in ignored if each != name) if name in ignored else (*ignored, name)
        self._player.ignore_midi(ignored)

    # --- the rest ---------------------------------------------------------------------------------------------------

    def choose_precision(self, precision: str) -> None:
        if precision in ("", *PRECISIONS) and self._change(precision=precision):
            self.precisionChanged.emit(precision)

    def take_back_precision(self, wanted: str, instead: str, sentence: str) -> None:
        """The model cannot compute in `wanted`, and `sentence` says why. Where that was the command line's wish, what
        was chosen here stays."""
        if self._store.state.preferences.precision == wanted:
            self._change(precision=instead)
        self._store.say(f"{sentence} The model computes in {instead or 'what is faster here'} instead.")

    def toggle_osc(self) -> None:
        self._change(osc_enabled=not self._store.state.preferences.osc_enabled)
        self.start()

    def choose_osc_port(self, port: int) -> None:
        self._change(osc_port=min(max(port, 1), 65_535))
        self.start()

    def toggle_osc_network(self) -> None:
        """Whether other machines may play too."""
        self._change(osc_network=not self._store.state.preferences.osc_network)
        self.start()

    def choose_theme(self, theme: str) -> None:
        if theme in THEMES:
            self._change(theme=theme)

    def toggle_theme(self) -> None:
        """Dark or light; from the system's, to dark."""
        self._change(theme="light" if self._store.state.preferences.theme == "dark" else "dark")

    def toggle_reduced_motion(self) -> None:
        self._change(reduced_motion=not self._store.state.preferences.reduced_motion)

    def _change(self, **changes: object) -> bool:
        before = self._store.state.preferences
        after = replace(before, **changes)  # pyright: ignore[reportArgumentType]
        if after != before:
            self._store.update(preferences=after)
            self._store.settingsChanged.emit()
        return after != before


def osc_settings(preferences: Preferences) -> OscSettings:
    return OscSettings(enabled=preferences.osc_enabled, port=preferences.osc_port, network=preferences.osc_network)


def from_settings(settings: Settings) -> Preferences:
    """The preferences that the settings file keeps."""
    return Preferences(
        theme=settings.appearance.theme,
        reduced_motion=settings.appearance.reduced_motion,
        precision=settings.compute.precision,
        osc_enabled=settings.osc.enabled,
        osc_port=settings.osc.port,
        osc_network=settings.osc.network,
    )


def into_settings(preferences: Preferences, settings: Settings) -> None:
    """Write the preferences where the settings file keeps them."""
    settings.osc = osc_settings(preferences)
    settings.appearance = AppearanceSettings.model_validate(
        {"theme": preferences.theme, "reduced_motion": preferences.reduced_motion}
    )
    settings.compute = ComputeSettings.model_validate({"precision": preferences.precision})


def _test_tone() -> Clip:
    t = np.arange(round(TEST_SECONDS * RATE_HZ)) / RATE_HZ
    fade = np.minimum(1, np.minimum(t, TEST_SECONDS - t) / 0.02)
    wave = (TEST_PEAK * fade * np.sin(2 * np.pi * TEST_HZ * t)).astype(np.float32)
    return Clip(np.stack([wave, wave], axis=1))
