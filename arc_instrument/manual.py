"""The tables of docs/manual.md, made from the registries: `python -m arc_instrument.manual` writes them anew."""

import argparse
import re
from pathlib import Path

from arc_instrument.actions import ACTIONS, Action
from arc_instrument.parameters import PARAMETERS, Parameter

MANUAL = Path(__file__).resolve().parents[1] / "docs" / "manual.md"


def tables() -> dict[str, str]:
    """Markdown by the name that its place in the manual has: `<!-- table NAME -->`."""
    return {
        "keys": _table(("", "key", "what it does"), [_key_row(each) for each in ACTIONS if each.keys]),
        "parameters": _table(("", "range", "OSC, 0 to 1", "OSC, in its unit"), map(_parameter_row, PARAMETERS)),
        "actions": _table(("", "OSC"), [(each.title, f"`/arc/{each.id}`") for each in ACTIONS if each.runnable]),
    }


def with_tables(text: str) -> str:
    """`text` with every table between its marks written anew. Raises KeyError for a mark that names none."""
    made = tables()
    return re.sub(
        r"(<!-- table (\w+) -->\n).*?(<!-- end -->)",
        lambda found: f"{found[1]}{made[found[2]]}{found[3]}",
        text,
        flags=re.DOTALL,
    )


def _key_row(action: Action) -> tuple[str, str, str]:
    return action.title, action.keys, action.tip


def _parameter_row(parameter: Parameter) -> tuple[str, str, str, str]:
    low, high = (parameter.text(value) for value in (parameter.minimum, parameter.maximum))
    return parameter.title, f"{low} to {high}", f"`/arc/param/{parameter.id}`", f"`/arc/value/{parameter.id}`"


def _table(heading, rows) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |\n" for line in lines)


def main() -> None:
    argparse.ArgumentParser(prog="python -m arc_instrument.manual", description=__doc__).parse_args()
    MANUAL.write_text(with_tables(MANUAL.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
