"""What the parts shall play: kept until a stream is open, and given to its mixer then."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from arc_instrument.audio.protocol import ArmedClip
from arc_instrument.audio.stream import Sound
from arc_instrument.domain import PARTS, POOL_CLIPS
from arc_instrument.shape import DEFAULT_SHAPE, Shape


@dataclass
class RackPart:
    armed: ArmedClip | None = None
    stock: deque[ArmedClip] = field(default_factory=lambda: deque(maxlen=POOL_CLIPS))
    shape: Shape = DEFAULT_SHAPE


class Rack:
    """The 17 parts. Once `plug` has been called everything goes straight to that sound; one thread at a time."""

    def __init__(self):
        self._parts = [RackPart() for _ in range(PARTS)]
        self._sound: Sound | None = None
        self._pedals: set[int] = set()  # parts that the app holds; what a MIDI pedal does is not kept

    def plug(self, sound: Sound) -> None:
        """Give all that waits to a new sound."""
        self._sound = sound
        for index, part in enumerate(self._parts):
            sound.mixer.set_shape(index, part.shape)
            if part.armed is not None:
                _put(sound.mixer.arm, sound, index, part.armed)
            for clip in part.stock:
                _put(sound.mixer.stock, sound, index, clip)
        self._parts = []
        self.hold_pedals()

    def arm(self, part: int, clip: ArmedClip) -> None:
        if self._sound is None:
            self._parts[part].armed = clip
            self._parts[part].stock.clear()
        else:
            _put(self._sound.mixer.arm, self._sound, part, clip)

    def stock(self, part: int, clip: ArmedClip) -> None:
        if self._sound is None:
            self._parts[part].stock.append(clip)
        else:
            _put(self._sound.mixer.stock, self._sound, part, clip)

    def clear_stock(self, part: int) -> None:
        if self._sound is None:
            self._parts[part].stock.clear()
        else:
            self._sound.mixer.clear_stock(part)

    def set_shape(self, part: int, shape: Shape) -> None:
        if self._sound is None:
            self._parts[part].shape = shape
        else:
            self._sound.mixer.set_shape(part, shape)

    def pedal(self, part: int, down: bool) -> None:
        """Sustain of the app; it stays as it is when all pedals are lifted."""
        (self._pedals.add if down else self._pedals.discard)(part)
        if self._sound is not None:
            self._sound.mixer.pedal(down, part)

    def hold_pedals(self) -> None:
        """All pedals were lifted: press again what the app holds."""
        if self._sound is not None:
            for part in self._pedals:
                self._sound.mixer.pedal(True, part)

    def lift_pedals(self) -> None:
        """Let go of all that the app holds."""
        for part in tuple(self._pedals):
            self.pedal(part, False)


def _put(put: Callable[..., bool], sound: Sound, part: int, clip: ArmedClip) -> None:
    loop_end = round(clip.loop_end * sound.mixer.rate_hz / clip.rate_hz)
    told = clip.root_note, part, clip.clip_id, clip.velocities, clip.keeps_length, loop_end
    sound.put(put, clip.samples, clip.rate_hz, *told)
