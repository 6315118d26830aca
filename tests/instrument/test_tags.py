from dataclasses import replace

import pytest
from test_marks import take

from arc_instrument.tags import tag_counts, tags_of


@pytest.mark.parametrize(
    ("typed", "tags"),
    [
        ("kick, dry  room ,, #808", ("kick", "dry room", "808")),
        ("Kick, kick", ("kick",)),
        (" , ", ()),
        ("x" * 99, ("x" * 60,)),
    ],
)
def test_typed_tags_are_tidied(typed, tags):
    assert tags_of(typed) == tags


def test_tags_are_counted_whatever_their_case_the_commonest_first_as_the_newest_take_spells_them(tmp_path):
    takes = tuple(replace(take(tmp_path), tags=tags) for tags in (("wet", "Dry"), ("dry",), ("wet", "DRY", "808")))
    assert tag_counts(takes) == (("Dry", 3), ("wet", 2), ("808", 1))
    assert tag_counts(()) == ()
