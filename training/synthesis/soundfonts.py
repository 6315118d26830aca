"""Notes, chords and phrases of a General MIDI soundfont, played by the `fluidsynth` program: many clips a process.

Made for Debian's fluid-soundfont-gm (FluidR3, MIT licence). Reverb and chorus stay off.
"""

import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.synthesis.dsp import RATE_HZ
from training.synthesis.wording import Draw, Kind

PLACES = (Path("/usr/share/sounds/sf2/FluidR3_GM.sf2"), Path("/usr/share/soundfonts/FluidR3_GM.sf2"))
TICKS_A_SECOND = 1000
LEAD_S, GAP_S = 0.02, 0.1
ALL_SOUND_OFF = 120
MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11, 12), (0, 2, 3, 5, 7, 8, 10, 12)
CHORDS = {"major": (0, 4, 7), "minor": (0, 3, 7), "major seventh": (0, 4, 7, 11), "minor seventh": (0, 3, 7, 10)}


@dataclass(frozen=True)
class Program:
    """A General MIDI program: number from 0, how it is called, its good notes, whether it is held or rings."""

    number: int
    category: str
    names: tuple[str, ...]
    low: int
    high: int
    held: bool = False
    chords: bool = False


PROGRAMS = (
    Program(0, "keys", ("grand piano", "piano", "acoustic piano"), 24, 100, chords=True),
    Program(1, "keys", ("upright piano", "acoustic piano"), 28, 96, chords=True),
    Program(3, "keys", ("honky-tonk piano", "honky-tonk"), 36, 96, chords=True),
    Program(4, "keys", ("electric piano", "rhodes"), 28, 96, chords=True),
    Program(5, "keys", ("FM electric piano", "DX electric piano"), 28, 96, chords=True),
    Program(6, "keys", ("harpsichord",), 36, 88, chords=True),
    Program(7, "keys", ("clavinet", "clav"), 36, 84),
    Program(8, "instrument", ("celesta",), 60, 96),
    Program(9, "instrument", ("glockenspiel",), 72, 100),
    Program(10, "instrument", ("music box",), 60, 96),
    Program(11, "instrument", ("vibraphone", "vibes"), 53, 89, chords=True),
    Program(12, "instrument", ("marimba",), 45, 88),
    Program(13, "instrument", ("xylophone",), 65, 96),
    Program(14, "instrument", ("tubular bell", "tubular bells", "chime bell"), 55, 79),
    Program(15, "instrument", ("dulcimer", "hammered dulcimer"), 48, 84),
    Program(16, "keys", ("drawbar organ", "hammond organ", "organ"), 36, 91, True, True),
    Program(17, "keys", ("percussive organ", "organ"), 36, 91, True, True),
    Program(18, "keys", ("rock organ", "organ with leslie"), 36, 91, True, True),
    Program(19, "keys", ("church organ", "pipe organ"), 36, 91, True, True),
    Program(20, "keys", ("reed organ", "harmonium"), 36, 84, True, True),
    Program(21, "keys", ("accordion",), 48, 88, True, True),
    Program(22, "instrument", ("harmonica",), 60, 88, True),
    Program(24, "instrument", ("nylon guitar", "classical guitar", "acoustic guitar"), 40, 79, chords=True),
    Program(25, "instrument", ("steel string guitar", "acoustic guitar", "western guitar"), 40, 79, chords=True),
    Program(26, "instrument", ("jazz guitar", "clean jazz guitar"), 40, 79, chords=True),
    Program(27, "instrument", ("clean electric guitar", "electric guitar"), 40, 79, chords=True),
    Program(28, "instrument", ("muted electric guitar", "palm muted guitar"), 40, 76),
    Program(29, "instrument", ("overdriven guitar", "overdriven electric guitar"), 40, 79, True),
    Program(30, "instrument", ("distorted guitar", "distortion guitar"), 40, 79, True),
    Program(32, "bass", ("upright bass", "double bass pizzicato", "acoustic bass"), 28, 55),
    Program(33, "bass", ("finger bass", "fingered electric bass", "bass guitar"), 28, 55),
    Program(34, "bass", ("picked bass", "picked bass guitar"), 28, 55),
    Program(35, "bass", ("fretless bass",), 28, 55),
    Program(36, "bass", ("slap bass", "slapped bass guitar"), 28, 55),
    Program(38, "bass", ("synth bass",), 24, 55, True),
    Program(39, "bass", ("synth bass", "analog synth bass"), 24, 55, True),
    Program(40, "instrument", ("violin", "solo violin"), 55, 96, True),
    Program(41, "instrument", ("viola",), 48, 84, True),
    Program(42, "instrument", ("cello", "solo cello"), 36, 72, True),
    Program(44, "instrument", ("tremolo strings",), 40, 88, True, True),
    Program(45, "instrument", ("pizzicato strings", "string pizzicato"), 40, 88),
    Program(46, "instrument", ("harp", "concert harp"), 36, 96),
    Program(47, "percussion", ("timpani", "timpani hit"), 40, 57),
    Program(48, "instrument", ("string ensemble", "string section", "strings"), 36, 91, True, True),
    Program(49, "instrument", ("slow strings", "slow string ensemble"), 36, 91, True, True),
    Program(50, "synth", ("synth strings",), 36, 91, True, True),
    Program(52, "vocal", ("choir ah", "choir aahs", "choir singing ah"), 43, 79, True, True),
    Program(53, "vocal", ("choir ooh", "voice oohs"), 43, 79, True, True),
    Program(54, "vocal", ("synth voice", "synth choir"), 43, 79, True, True),
    Program(56, "instrument", ("trumpet", "solo trumpet"), 55, 86, True),
    Program(57, "instrument", ("trombone",), 40, 72, True),
    Program(58, "instrument", ("tuba",), 29, 58, True),
    Program(59, "instrument", ("muted trumpet",), 55, 84, True),
    Program(60, "instrument", ("french horn", "horn"), 40, 77, True, True),
    Program(61, "instrument", ("brass section", "brass ensemble"), 40, 82, True, True),
    Program(62, "synth", ("synth brass",), 36, 84, True, True),
    Program(64, "instrument", ("soprano sax", "soprano saxophone"), 56, 86, True),
    Program(65, "instrument", ("alto sax", "alto saxophone"), 49, 80, True),
    Program(66, "instrument", ("tenor sax", "tenor saxophone"), 44, 75, True),
    Program(67, "instrument", ("baritone sax", "baritone saxophone"), 37, 68, True),
    Program(68, "instrument", ("oboe",), 58, 91, True),
    Program(69, "instrument", ("english horn", "cor anglais"), 52, 81, True),
    Program(70, "instrument", ("bassoon",), 34, 72, True),
    Program(71, "instrument", ("clarinet",), 50, 91, True),
    Program(72, "instrument", ("piccolo",), 74, 105, True),
    Program(73, "instrument", ("flute", "concert flute"), 60, 96, True),
    Program(74, "instrument", ("recorder",), 60, 93, True),
    Program(75, "instrument", ("pan flute",), 60, 93, True),
    Program(76, "instrument", ("blown bottle", "bottle blow"), 60, 88, True),
    Program(77, "instrument", ("shakuhachi",), 55, 84, True),
    Program(79, "instrument", ("ocarina",), 60, 91, True),
    Program(80, "synth", ("square lead", "square wave lead"), 45, 88, True),
    Program(81, "synth", ("saw lead", "sawtooth lead"), 45, 88, True, True),
    Program(88, "synth", ("new age pad", "bell pad"), 40, 84, True, True),
    Program(89, "synth", ("warm pad", "analog style pad"), 36, 84, True, True),
    Program(90, "synth", ("polysynth", "polysynth pad"), 36, 84, True, True),
    Program(104, "instrument", ("sitar",), 48, 79),
    Program(105, "instrument", ("banjo",), 48, 81),
    Program(106, "instrument", ("shamisen",), 50, 81),
    Program(107, "instrument", ("koto",), 48, 84),
    Program(108, "instrument", ("kalimba", "thumb piano"), 53, 84),
    Program(109, "instrument", ("bagpipe", "bagpipes"), 48, 76, True),
    Program(110, "instrument", ("fiddle",), 55, 91, True),
    Program(114, "percussion", ("steel drum", "steel pan"), 53, 84),
)
# Notes of the General MIDI drum map; names in use among musicians.
HITS = {
    35: ("drum", ("acoustic kick", "kick drum", "bass drum")),
    36: ("drum", ("kick drum", "rock kick")),
    37: ("drum", ("side stick", "rim click")),
    38: ("drum", ("acoustic snare", "snare drum", "snare")),
    40: ("drum", ("electric snare", "snare drum")),
    39: ("drum", ("hand clap", "clap")),
    41: ("drum", ("floor tom", "low tom")),
    45: ("drum", ("low tom", "tom drum")),
    47: ("drum", ("mid tom", "tom drum")),
    50: ("drum", ("high tom", "rack tom")),
    42: ("drum", ("closed hi-hat", "closed hat")),
    44: ("drum", ("pedal hi-hat", "hi-hat foot")),
    46: ("drum", ("open hi-hat", "open hat")),
    49: ("drum", ("crash cymbal", "crash")),
    51: ("drum", ("ride cymbal", "ride")),
    52: ("drum", ("china cymbal",)),
    53: ("drum", ("ride bell",)),
    55: ("drum", ("splash cymbal",)),
    54: ("percussion", ("tambourine",)),
    56: ("percussion", ("cowbell",)),
    58: ("percussion", ("vibraslap",)),
    60: ("percussion", ("high bongo", "bongo")),
    61: ("percussion", ("low bongo", "bongo")),
    62: ("percussion", ("muted conga",)),
    63: ("percussion", ("open conga", "conga")),
    64: ("percussion", ("low conga", "conga")),
    65: ("percussion", ("high timbale", "timbale")),
    66: ("percussion", ("low timbale", "timbale")),
    67: ("percussion", ("high agogo", "agogo bell")),
    68: ("percussion", ("low agogo", "agogo bell")),
    69: ("percussion", ("cabasa",)),
    70: ("percussion", ("maracas", "maraca shake")),
    73: ("percussion", ("short guiro", "guiro")),
    74: ("percussion", ("long guiro", "guiro scrape")),
    75: ("percussion", ("claves", "clave")),
    76: ("percussion", ("high woodblock", "woodblock")),
    77: ("percussion", ("low woodblock", "woodblock")),
    78: ("percussion", ("muted cuica", "cuica")),
    79: ("percussion", ("open cuica", "cuica")),
    80: ("percussion", ("muted triangle",)),
    81: ("percussion", ("open triangle", "triangle")),
}
DRUM_SHARE = 0.12
# 16-foot drawbars, a detuned piano, strong other modes: a listener would not agree on the note.
UNPITCHED = {3, 9, 15, 16, 17, 18, 47, 52, 76}


@dataclass(frozen=True)
class Part:
    """What fluidsynth plays for one clip: (start s, length s, note, velocity) on a program, or drums where it is −1."""

    kind: Kind
    draw: Draw
    program: int
    notes: tuple[tuple[float, float, int, int], ...]
    seconds: float


def find() -> Path | None:
    """A soundfont of this machine, where Debian or Fedora put it."""
    return next((path for path in PLACES if path.exists()), None)


def missing(soundfont: Path | None) -> str:
    """Why no soundfont can be played here, in one sentence; empty when all is well."""
    if shutil.which("fluidsynth") is None:
        return "fluidsynth is not installed: own synthesis only (on Debian: apt install fluidsynth fluid-soundfont-gm)."
    if soundfont is None or not soundfont.exists():
        return f"no soundfont at {soundfont or PLACES[0]}: own synthesis only (name one with --soundfont PATH)."
    return ""


def unvoiced(draw: Draw) -> np.ndarray:
    raise ValueError("a soundfont's kinds are played by fluidsynth, not by a voice")


def _velocity(draw: Draw) -> int:
    velocity = int(draw.rng.integers(25, 128))
    draw.parameters["velocity"] = velocity
    if velocity <= 52:
        draw.say("soft")
    elif velocity >= 108:
        draw.say("hard")
    return velocity


def compose(rng: np.random.Generator) -> Part:
    """One drum hit, note, chord, arpeggio or scale, and its words."""
    draw = Draw(rng)
    if rng.random() < DRUM_SHARE:
        note = int(rng.choice(list(HITS)))
        category, names = HITS[note]
        draw.parameters["drum_note"] = note
        kind = Kind(f"gm drum {names[0]}", category, names, unvoiced)
        return Part(kind, draw, -1, ((0.0, 0.4, note, _velocity(draw)),), 3.5 if 49 <= note <= 57 else 1.6)
    program = PROGRAMS[rng.integers(len(PROGRAMS))]
    kind = Kind(f"gm {program.names[0]}", program.category, program.names, unvoiced)
    draw.parameters["program"] = program.number
    velocity = _velocity(draw)
    form = draw.choice("form", ("note", "chord", "arpeggio", "scale"), (8, 1.2 if program.chords else 0, 0.9, 0.5))
    if form == "note":
        draw.pitch(program.low, program.high)
        length = draw.number("gate_s", 0.25, 3.2, "short", "sustained" if program.held else "")
        notes = ((0.0, length, draw.note or 60, velocity),)
        if program.number in UNPITCHED:
            draw.note = None
        return Part(kind, draw, program.number, notes, min(5.85, length + (0.6 if program.held else 1.5)))
    root = int(rng.integers(program.low, max(program.low + 1, program.high - 12)))
    spoken = str(rng.choice(program.names))
    if form == "chord":
        chord = draw.choice("chord", tuple(CHORDS))
        draw.name = f"{chord} {spoken} chord"
        draw.note = None if program.number in UNPITCHED else root
        length = draw.number("gate_s", 0.4, 3.2, "short", "sustained" if program.held else "")
        notes = tuple((0.008 * i, length, root + step, velocity) for i, step in enumerate(CHORDS[chord]))
        return Part(kind, draw, program.number, notes, min(5.85, length + 1.2))
    mode = draw.choice("mode", ("major", "minor"))
    degrees = (MAJOR if mode == "major" else MINOR) if form == "scale" else (0, 3 + (mode == "major"), 7, 12)
    if draw.chance("falling", 0.4, "falling", "rising"):
        degrees = degrees[::-1]
    step = draw.number("step_s", 0.12, 0.42, "fast", "slow")
    draw.name = f"{spoken} {mode} {form}"
    draw.note = None if program.number in UNPITCHED else root
    notes = tuple((i * step, step * 0.95, root + d, velocity) for i, d in enumerate(degrees))
    return Part(kind, draw, program.number, notes, min(5.85, len(notes) * step + 1.0))


def _variable_length(ticks: int) -> bytes:
    """MIDI's integers: seven bits a byte, the highest set on all but the last."""
    groups = [ticks & 127]
    while ticks := ticks >> 7:
        groups.insert(0, 128 | ticks & 127)
    return bytes(groups)


def midi_file(parts: list[Part], path: Path) -> list[int]:
    """Write the parts one after another as a Standard MIDI File; returns the sample at which each begins."""
    events: list[tuple[float, int, bytes]] = []  # seconds, order within a moment, message
    starts, at = [], 0.1
    for part in parts:
        channel = 9 if part.program < 0 else 0
        starts.append(round(at * RATE_HZ))
        if part.program >= 0:
            events.append((at - 0.04, 0, bytes((0xC0, part.program))))
        for start, length, note, velocity in part.notes:
            on = at + LEAD_S + start
            events.append((on, 2, bytes((0x90 | channel, note, velocity))))
            events.append((on + length, 1, bytes((0x80 | channel, note, 64))))
        at += part.seconds + LEAD_S
        events.append((at, 0, bytes((0xB0 | channel, ALL_SOUND_OFF, 0))))
        at += GAP_S
    track, now = bytearray(), 0
    for when, _, message in [*sorted(events), (at, 0, bytes((0xFF, 0x2F, 0)))]:  # the end of the track
        tick = round(when * TICKS_A_SECOND)
        track += _variable_length(tick - now) + message
        now = tick
    # Format 0, one track; ticks a quarter note at MIDI's default of 120 a minute.
    header = struct.pack(">4sIHHH", b"MThd", 6, 0, 1, TICKS_A_SECOND // 2)
    path.write_bytes(header + struct.pack(">4sI", b"MTrk", len(track)) + track)
    return starts


def played(parts: list[Part], soundfont: Path) -> Iterator[np.ndarray]:
    """Samples (n, 2) of each part, from its onset, all from one fluidsynth process."""
    import soundfile

    with tempfile.TemporaryDirectory() as folder:
        score, wave = Path(folder, "score.mid"), Path(folder, "score.wav")
        starts = midi_file(parts, score)
        command = ["fluidsynth", "-ni", "-R", "0", "-C", "0", "-g", "0.5", "-r", str(RATE_HZ), "-O", "float"]
        run = subprocess.run(
            [*command, "-F", str(wave), str(soundfont), str(score)], capture_output=True, text=True, check=False
        )
        if run.returncode or not wave.exists():
            raise ValueError(f"fluidsynth could not play {soundfont}: {run.stderr.strip()[-200:]}")
        sound = soundfile.read(wave, always_2d=True)[0]
    for part, start in zip(parts, starts, strict=True):
        x = sound[start : start + round((part.seconds + LEAD_S) * RATE_HZ)]
        loud = np.flatnonzero(np.abs(x).max(1) > 1e-3 * np.abs(x).max())
        yield x[max(0, loud[0] - 64) :] if len(loud) else x[:0]
