"""The manual says what the registries say."""

import sys

import pytest

from arc_instrument import manual
from arc_instrument.actions import ACTIONS
from arc_instrument.manual import MANUAL, tables, with_tables
from arc_instrument.parameters import PARAMETERS


def test_the_manuals_tables_are_those_of_the_registries():
    text = MANUAL.read_text(encoding="utf-8")
    assert with_tables(text) == text, "run: python -m arc_instrument.manual"
    for table in tables().values():
        assert table in text


def test_every_key_action_and_parameter_stands_in_the_manual():
    made = tables()
    for action in ACTIONS:
        assert not action.keys or f"| {action.title} | {action.keys} |" in made["keys"]
        assert (f"`/arc/{action.id}`" in made["actions"]) == action.runnable
    for parameter in PARAMETERS:
        assert f"`/arc/param/{parameter.id}`" in made["parameters"]


def test_what_stands_outside_the_marks_is_left_alone():
    text = "before\n<!-- table keys -->\nold\n<!-- end -->\nafter"
    assert with_tables(text).startswith("before\n<!-- table keys -->\n| ")
    assert with_tables(text).endswith("|\n<!-- end -->\nafter")
    with pytest.raises(KeyError):
        with_tables("<!-- table colours -->\n<!-- end -->")


def test_only_a_call_without_arguments_writes(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(manual, "MANUAL", tmp_path / "manual.md")
    (tmp_path / "manual.md").write_text("<!-- table keys -->\n<!-- end -->", encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["manual", "--help"])
    with pytest.raises(SystemExit):
        manual.main()
    assert "writes them anew" in capsys.readouterr().out
    assert "|" not in (tmp_path / "manual.md").read_text(encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["manual"])
    manual.main()
    assert tables()["keys"] in (tmp_path / "manual.md").read_text(encoding="utf-8")
