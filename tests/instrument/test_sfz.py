"""The text of an SFZ, read back by the format's grammar: <header>, then opcode=value up to the next opcode."""

import re

from hypothesis import given
from hypothesis import strategies as st

from arc_instrument.audio.sampler_chunks import Loop
from arc_instrument.sfz import Region, sfz

KEY = st.integers(0, 127)
REGIONS = st.builds(
    Region,
    st.from_regex(r"[0-9]{2}-[a-z0-9-]{1,40}\.(wav|flac)", fullmatch=True),
    KEY,
    KEY,
    st.floats(0, 127),
    KEY,
    KEY,
    st.none() | st.builds(Loop, st.integers(0, 10**6), st.integers(1, 10**6)),
    st.floats(-60, 24),
    st.floats(-1, 1),
)


def parsed(text: str) -> list[tuple[str, dict[str, str]]]:
    """Headers with their opcodes, as sfzformat.com describes the grammar; comments are left out."""
    plain = re.sub(r"//[^\n]*", "", text)
    found = []
    for header, body in re.findall(r"<(\w+)>([^<]*)", plain):
        opcodes = re.findall(r"(\w+)=(.*?)(?=\s+\w+=|\s*$)", body, re.S)
        found.append((header, dict(opcodes)))
    return found


@given(st.lists(REGIONS, max_size=20), st.text(max_size=50))
def test_every_region_is_read_back_with_its_keys_pitch_velocities_level_pan_and_loop(regions, title):
    read = parsed(sfz(regions, title))
    assert [header for header, _ in read] == ["region"] * len(regions)
    for region, (_, told) in zip(regions, read, strict=True):
        assert told["sample"] == region.sample
        low, high = (told.get(name, told.get("key")) for name in ("lokey", "hikey"))
        assert (low, high) == (str(region.low_key), str(region.high_key))
        assert abs(int(told["pitch_keycenter"]) - int(told.get("tune", 0)) / 100 - region.root_note) <= 0.00501
        assert (told["lovel"], told["hivel"]) == (str(region.low_velocity), str(region.high_velocity))
        assert abs(float(told.get("volume", 0)) - region.gain_db) <= 0.05001
        assert abs(float(told.get("pan", 0)) / 100 - region.pan) <= 0.00501
        if region.loop:
            assert told["loop_mode"] == "loop_continuous"
            assert (int(told["loop_start"]), int(told["loop_end"]) + 1) == (region.loop.start, region.loop.end)
        else:
            assert told["loop_mode"] == "one_shot"
            assert "loop_start" not in told


def test_a_pad_on_one_key_is_one_line_a_person_can_read():
    assert sfz([Region("01-kick.wav", 36, 36, 36)], "A\nkit").splitlines() == [
        "// A kit",
        "",
        "<region> sample=01-kick.wav key=36 pitch_keycenter=36 lovel=1 hivel=127 loop_mode=one_shot",
    ]
