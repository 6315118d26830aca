"""What of the work, beside the controls, the session file keeps: shape, edit, tempo, corners of the morph, pads."""

import logging
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from arc_instrument.editing import Edit
from arc_instrument.session.autosave import Autosave
from arc_instrument.session.sampler import KEYS
from arc_instrument.session.session import Session
from arc_instrument.shape import Shape

_log = logging.getLogger(__name__)


def keep_work(autosave: Autosave, session: Session) -> None:
    """Name every part to `autosave`; call before it restores. What a newer program wrote and this one does not
    understand is left as it begins."""

    def keep(name: str, save: Callable[[], Any], load: Callable[[Any], None]) -> None:
        def load_if_possible(said: Any) -> None:
            try:
                load(said)
            except (TypeError, ValueError, KeyError, AttributeError):
                _log.warning("the session file's %s is not understood: %r", name, said)

        autosave.keep(name, save, load_if_possible)

    keep(
        "shape",
        lambda: asdict(session.state.shape),
        lambda said: session.player.set_shape(KEYS, Shape(**said)),
    )
    keep("edit", lambda: asdict(session.auditions.edit), lambda said: session.auditions.recall_edit(Edit(**said)))
    keep("tempo", partial(_tempo, session), lambda said: session.update(bars=int(said["bars"]), key=str(said["key"])))
    keep("morph", partial(_morph, session), partial(_load_morph, session))
    keep("pads", partial(_pads, session), session.kit.recall)


def _tempo(session: Session) -> dict[str, Any]:
    return {"bars": session.state.bars, "key": session.state.key}


def _morph(session: Session) -> dict[str, Any]:
    state = session.state
    return {"prompts": list(state.morph_prompts), "x": state.morph_x, "y": state.morph_y}


def _load_morph(session: Session, said: dict[str, Any]) -> None:
    first, second, third, fourth = map(str, said["prompts"])
    x, y = float(said["x"]), float(said["y"])
    session.update(morph_prompts=(first, second, third, fourth), morph_x=x, morph_y=y)


def _pads(session: Session) -> list[dict[str, Any]]:
    return [
        {
            "prompt": pad.prompt,
            "seed": pad.seed,
            "locked": pad.locked,
            "take": str(session.kit.path(index) or ""),
        }
        for index, pad in enumerate(session.state.pads)
    ]
