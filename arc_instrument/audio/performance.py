"""What MIDI does to the mixer: channel 10 plays the pads, all others the keys; controllers move whole parts."""

from arc_instrument.audio.mixer import Mixer
from arc_instrument.domain import FIRST_PAD_NOTE, PARTS

PAD_CHANNEL = 10
KEYS = 0
PADS = range(1, PARTS)
WHEEL, VOLUME, BALANCE, EXPRESSION, PEDAL = 1, 7, 10, 11, 64
ALL_SOUND_OFF, RESET_CONTROLLERS, ALL_NOTES_OFF = 120, 121, 123


def part_of(channel: int, note: int) -> int | None:
    """The part that a note of a channel (1–16) plays, None for a note beside the pads."""
    if channel != PAD_CHANNEL:
        return KEYS
    pad = note - FIRST_PAD_NOTE + 1
    return pad if pad in PADS else None


def play_note(mixer: Mixer, channel: int, note: int, velocity: int) -> None:
    """Velocity 0 is a note-off."""
    part = part_of(channel, note)
    if part is not None:
        mixer.note_on(note, velocity, part)


def turn(mixer: Mixer, channel: int, controller: int, value: int) -> None:
    """A control change, 0–127; those the mixer does not know do nothing here."""
    for part in _parts(channel):
        if controller == WHEEL:
            mixer.control(part, "wheel", value / 127)
        elif controller == VOLUME:
            mixer.control(part, "volume", (value / 127) ** 2)
        elif controller == EXPRESSION:
            mixer.control(part, "expression", (value / 127) ** 2)
        elif controller == BALANCE:
            mixer.control(part, "balance", min(1.0, max(-1.0, (value - 64) / 63)))
        elif controller == PEDAL:
            mixer.pedal(value >= 64, part)
        elif controller == RESET_CONTROLLERS:
            mixer.reset_controls(part)
        elif controller == ALL_SOUND_OFF:
            mixer.sound_off(part)
        elif controller >= ALL_NOTES_OFF:  # 124 to 127 change a receiver's mode: each also ends all notes
            mixer.notes_off(part)


def bend(mixer: Mixer, channel: int, value: int) -> None:
    """Pitch bend, -8192 to 8191."""
    for part in _parts(channel):
        mixer.control(part, "bend", value / (8192 if value < 0 else 8191))


def press(mixer: Mixer, channel: int, value: int) -> None:
    """Channel aftertouch, 0–127."""
    for part in _parts(channel):
        mixer.control(part, "pressure", value / 127)


def lift_all(mixer: Mixer) -> None:
    """A keyboard was unplugged: its note-offs will never come."""
    for part in (KEYS, *PADS):
        mixer.notes_off(part)
        mixer.control(part, "bend", 0.0)
        mixer.control(part, "pressure", 0.0)


def _parts(channel: int) -> range:
    return PADS if channel == PAD_CHANNEL else range(1)


def parts_let_go(channel: int, controller: int) -> range:
    """The parts whose notes a control change ends, empty for all but 120 and 123 to 127."""
    ends = controller == ALL_SOUND_OFF or controller >= ALL_NOTES_OFF
    return _parts(channel) if ends else range(0)
