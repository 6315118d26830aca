"""SFZ, the text file by which samplers know what a folder of sounds is: one region a pad."""

from collections.abc import Sequence
from dataclasses import dataclass

from arc_instrument.audio.sampler_chunks import Loop


@dataclass(frozen=True)
class Region:
    """A sound on `low_key` to `high_key`, at those velocities. `root_note`: the MIDI note, with a fraction, that plays
    it as it is. `pan` goes from −1, left, to 1, right."""

    sample: str  # its file, beside the text
    low_key: int
    high_key: int
    root_note: float
    low_velocity: int = 1
    high_velocity: int = 127
    loop: Loop | None = None
    gain_db: float = 0.0
    pan: float = 0.0


def sfz(regions: Sequence[Region], title: str) -> str:
    """The text of an SFZ file (version 1 opcodes, sfzformat.com). A sound without a loop plays to its end."""
    lines = [f"// {' '.join(title.split())}", ""]
    for region in regions:
        keys = f"lokey={region.low_key} hikey={region.high_key}"
        if region.low_key == region.high_key:
            keys = f"key={region.low_key}"
        centre = round(region.root_note)
        opcodes = [keys, f"pitch_keycenter={centre}"]
        if cents := round(100 * (centre - region.root_note)):
            opcodes.append(f"tune={cents}")
        opcodes.append(f"lovel={region.low_velocity} hivel={region.high_velocity}")
        if region.gain_db:
            opcodes.append(f"volume={region.gain_db:.1f}")
        if region.pan:
            opcodes.append(f"pan={100 * region.pan:.0f}")
        if region.loop:
            ends = f"loop_start={region.loop.start} loop_end={region.loop.end - 1}"  # the last frame is played too
            opcodes.append(f"loop_mode=loop_continuous {ends}")
        else:
            opcodes.append("loop_mode=one_shot")
        lines.append(f"<region> sample={region.sample} {' '.join(opcodes)}")
    return "\n".join(lines) + "\n"
