"""What of the work, beside the controls, the session file keeps: shape, edit, tempo, morph, pads, keys, filters."""

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
    keep("mix", partial(_mix, session), session.kit.recall_mix)
    keep("keys", partial(_keys, session), partial(_load_keys, session))
    keep("filters", partial(_filters, session), partial(_load_filters, session))


def _tempo(session: Session) -> dict[str, Any]:
    return {"bars": session.state.bars, "key": session.state.key}


def _morph(session: Session) -> dict[str, Any]:
    state = session.state
    return {"prompts": list(state.morph_prompts), "x": state.morph_x, "y": state.morph_y}


def _load_morph(session: Session, said: dict[str, Any]) -> None:
    first, second, third, fourth = map(str, said["prompts"])
    x, y = float(said["x"]), float(said["y"])
    session.update(morph_prompts=(first, second, third, fourth), morph_x=x, morph_y=y)


def _keys(session: Session) -> dict[str, Any]:
    state = session.state
    return {"octave": state.octave, "velocity": state.velocity, "on": state.keys_on}


def _load_keys(session: Session, said: dict[str, Any]) -> None:
    octave, velocity, is_on = int(said["octave"]), int(said["velocity"]), bool(said["on"])
    session.player.set_octave(octave)
    session.player.set_velocity(velocity)
    session.update(keys_on=is_on)


def _filters(session: Session) -> dict[str, Any]:
    """Those with a lit button; words that were searched for are forgotten, as everywhere."""
    return {"favourites_only": session.state.favourites_only, "tag": session.state.tag}


def _load_filters(session: Session, said: dict[str, Any]) -> None:
    session.update(favourites_only=bool(said["favourites_only"]), tag=str(said["tag"]))


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


def _mix(session: Session) -> list[dict[str, float]]:
    return [{"gain_db": shape.gain_db, "pan": shape.pan} for shape in session.state.shapes[1:]]
