"""Sampler: how the keys sound the current clip: mode, envelope, filter, level, pan, glide, loop."""

from dataclasses import replace
from functools import partialmethod

from PySide6.QtCore import QObject

from arc_instrument.editing import heard_span
from arc_instrument.session.history import History
from arc_instrument.session.player import Player
from arc_instrument.session.store import Store
from arc_instrument.shape import Shape

KEYS = 0  # the part of the audio process


class Sampler(QObject):
    """Commands of shaping, each undoable; a drag is one step."""

    def __init__(self, store: Store, history: History, player: Player):
        super().__init__(store)
        self._store, self._history, self._player = store, history, player

    def set(self, name: str, value: object) -> None:
        """Set one field of the keys' `Shape`. Raises ValueError for a value out of its range."""
        self._change(name.partition("_")[0], merge=f"shape {name}", **{name: value})

    def set_mode(self, mode: str) -> None:
        """One of `shape.MODES`."""
        self._change(f"{mode} mode", mode=mode)

    def toggle_gate(self) -> None:
        self.set_mode("one-shot" if self._store.state.gated else "gate")

    def toggle_loop(self) -> None:
        self.set_mode("one-shot" if self._store.state.looped else "loop")

    def set_loop(self, start: int, end: int, crossfade_ms: float) -> None:
        """What repeats, in frames of the sound as the keys play it; an `end` of 0 is the sound's."""
        self._change("loop points", merge="loop", loop_start=start, loop_end=end, crossfade_ms=crossfade_ms)

    def move_loop(self, start: int, end: int) -> None:
        """The same in frames of the current sound as it was made. A point that was not moved, or was moved to where it
        lies by itself, goes on to follow each sound."""
        sound, played, shape = self._store.state.current, self._store.state.loop, self._store.state.shape
        if sound is not None and played is not None:
            start, end = heard_span(start, end, sound.edit, len(sound.clip.samples))
            start = shape.loop_start if start == played.start else start
            self.set_loop(start, 0 if end == sound.own_loop_end else end, shape.crossfade_ms)

    def loop_between(self, start: int, end: int) -> None:
        """Loop, and there: in frames of the sound as the keys play it. Where it loops by itself no points are set, so
        that the loop goes on to follow each sound."""
        state = self._store.state
        free = replace(state.shape, mode="loop", loop_start=0, loop_end=0)
        own = replace(state, shapes=(free, *state.shapes[1:])).loop
        if own is not None and (own.start, own.end) == (start, end):
            start = end = 0
        self._change("loop", mode="loop", loop_start=start, loop_end=end)

    set_attack = partialmethod(set, "attack_ms")
    set_decay = partialmethod(set, "decay_ms")
    set_sustain = partialmethod(set, "sustain")
    set_release = partialmethod(set, "release_ms")
    set_cutoff = partialmethod(set, "low_pass_hz")
    set_low_cut = partialmethod(set, "high_pass_hz")
    set_resonance = partialmethod(set, "resonance")
    set_gain = partialmethod(set, "gain_db")
    set_pan = partialmethod(set, "pan")
    set_glide = partialmethod(set, "glide_ms")
    set_velocity_to_brightness = partialmethod(set, "velocity_to_brightness")

    def _change(self, label: str, *, merge: str = "", **changes: object) -> None:
        before = self._store.state.shape
        after = replace(before, **changes)  # pyright: ignore[reportArgumentType]
        if after != before:
            self._use(after)
            self._history.record(label, lambda: self._use(before), lambda: self._use(after), merge=merge)

    def _use(self, shape: Shape) -> None:
        self._player.set_shape(KEYS, shape)
