"""Kit: sixteen pads, each with its prompt, seed and take; a few words fill them all."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, Slot

from arc_instrument.domain import FIRST_PAD_NOTE, MAX_SEED, Clip, Generated, GenerationRequest, Take
from arc_instrument.drum_kit import ONE_SHOT_SECONDS, kit_prompts
from arc_instrument.marks import where_now
from arc_instrument.session.orders import Orders, random_seed
from arc_instrument.session.state import Pad, SessionState
from arc_instrument.shape import Shape
from arc_instrument.takefile import comment_of
from arc_instrument.waveform import peaks

if TYPE_CHECKING:
    from arc_instrument.generation import GenerationService
    from arc_instrument.session.session import Session

_NOTHING = Clip(np.zeros((1, 2), np.float32))


class Kit(QObject):
    """Commands of the pads (index 0–15, part index + 1 of the audio process); renders into `SessionState.pads`.

    Every sound made for a pad is a take of the library, and every command a step of the session's history.
    """

    def __init__(self, session: "Session", generation: "GenerationService"):
        super().__init__(session)
        self._session = session
        self._recalled: dict[int, Path] = {}  # by place: takes of the last session, until they are replaced
        self._places: dict[int, int] = {}  # request id → pad
        self._takes: tuple[Take, ...] = ()  # as they were when the pads followed them last
        self._orders = Orders(session, generation)
        session.stateChanged.connect(self._follow)
        self._orders.arrived.connect(self._on_arrived)
        self._orders.lost.connect(self._on_lost)

    @property
    def pads(self) -> tuple[Pad, ...]:
        return self._session.state.pads

    def fill(self, words: str | None = None) -> None:
        """Fill every pad that is not locked from a few words, by default those of the prompt."""
        prompts = kit_prompts(self._session.state.prompt if words is None else words)
        first = self._session.state.seed if self._session.state.seed_locked else random_seed()
        changed = {
            index: replace(pad, prompt=prompts[index], seed=(first + index) % (MAX_SEED + 1), pending=True)
            for index, pad in enumerate(self.pads)
            if not pad.locked
        }
        if changed:
            self._do("kit", changed)

    def regenerate(self, index: int, words: str = "") -> None:
        """Make a pad's sound with another seed from `words`, else its own prompt, else the window's."""
        pad = self.pads[index]
        prompt = words or pad.prompt or self._session.state.prompt
        self._do(f"pad {index + 1}", {index: replace(pad, prompt=prompt, seed=random_seed(), pending=True)})

    def put_take(self, index: int, take: Take) -> None:
        """Play a take on a pad."""

        def show(clip: Clip) -> None:
            pad = Pad(take.prompt, take.seed, self.pads[index].locked, False, clip, peaks(clip.samples), take)
            self._do(f"take on pad {index + 1}", {index: pad})

        self._session.read(take, show)

    def put_file(self, index: int, path: Path) -> None:
        """Play the take at `path` on a pad, as when it is dropped there."""
        if take := self._session.takes.dropped(path):
            self.put_take(index, take)

    def clear(self, index: int) -> None:
        """Take the sound off a pad; its take stays in the library."""
        self._do(f"clear pad {index + 1}", {index: Pad()})

    def toggle_lock(self, index: int) -> None:
        """Whether `fill` leaves the pad alone."""
        locked = not self.pads[index].locked
        self._change(index, locked=locked)
        undo, redo = partial(self._change, index, locked=not locked), partial(self._change, index, locked=locked)
        self._session.history.record(f"lock of pad {index + 1}", undo, redo)

    def set_gain(self, index: int, gain_db: float) -> None:
        """The level of a pad, whatever it plays; a drag is one step."""
        self._shape(index, "gain", gain_db=gain_db)

    def set_pan(self, index: int, pan: float) -> None:
        """Where a pad sounds between left (−1) and right (1), whatever it plays; a drag is one step."""
        self._shape(index, "pan", pan=pan)

    def export(self) -> None:
        """Write the pads that have a take as a folder with an SFZ."""
        from arc_instrument.export import Pad as ExportedPad

        pads = [
            ExportedPad(pad.clip, comment_of(pad.take), FIRST_PAD_NOTE + index, gain_db=shape.gain_db, pan=shape.pan)
            for index, (pad, shape) in enumerate(zip(self.pads, self._session.state.shapes[1:], strict=True))
            if pad.clip is not None and pad.take is not None
        ]
        if pads:
            self._session.exporter.export_pads(pads, self._session.state.prompt or "kit")
        else:
            self._session.say("The pads are empty: make a kit from the prompt, or drop takes on them.")

    def recall(self, said: list[dict[str, Any]]) -> None:
        """Bring back the pads of the last session, as nothing to undo; one whose take is gone keeps its words."""
        for index, pad in zip(range(len(self.pads)), said, strict=False):
            words = {"prompt": str(pad["prompt"]), "seed": int(pad["seed"]), "locked": bool(pad["locked"])}
            self._change(index, **words)
            if pad["take"]:
                self._recalled[index] = Path(pad["take"])
                self._session.read_file(self._recalled[index], partial(self._recall, index))

    def recall_mix(self, said: list[dict[str, float]]) -> None:
        """Bring back level and pan of the pads, as nothing to undo. Raises ValueError for what no pad can have."""
        for index, pad in zip(range(len(self.pads)), said, strict=False):
            before = self._session.state.shapes[index + 1]
            self._use_shape(index, replace(before, gain_db=float(pad["gain_db"]), pan=float(pad["pan"])))

    def path(self, index: int) -> Path | None:
        """The file of a pad's take; of one that is still being read, or whose folder is away, as it was recalled."""
        pad = self.pads[index]
        return pad.take.path if pad.take else self._recalled.get(index) if pad.clip is None else None

    def _recall(self, index: int, clip: Clip, take: Take) -> None:
        if self.pads[index].clip is None and not self.pads[index].pending:  # and nothing was put there since
            pad = replace(self.pads[index], clip=clip, peaks=peaks(clip.samples), take=take, **_words(take))
            self._show({index: pad})

    def _do(self, label: str, pads: dict[int, Pad]) -> None:
        """Put these on their places, undoably; if their sounds cannot be ordered nothing changes."""
        other = {index: self.pads[index] for index in pads}
        if not self._put(pads):
            return

        def swap() -> None:  # sounds that came meanwhile are there again when this is redone
            nonlocal other
            now = {index: self.pads[index] for index in other}
            if not self._put(other):
                self._put({index: replace(pad, pending=False, **_words(pad.take)) for index, pad in other.items()})
            other = now

        held = sum(pad.clip.samples.nbytes for pad in other.values() if pad.clip is not None)
        self._session.history.record(label, swap, swap, holds_bytes=held)

    def _shape(self, index: int, what: str, **changes: float) -> None:
        """Change fields of a pad's shape, undoably. Raises ValueError for a value out of its range."""
        before = self._session.state.shapes[index + 1]
        after = replace(before, **changes)
        if after != before:
            self._use_shape(index, after)
            undo, redo = partial(self._use_shape, index, before), partial(self._use_shape, index, after)
            label = f"{what} of pad {index + 1}"
            self._session.history.record(label, undo, redo, merge=label)

    def _use_shape(self, index: int, shape: Shape) -> None:
        self._session.player.set_shape(index + 1, shape)

    def _put(self, pads: dict[int, Pad]) -> bool:
        """Show these, and order the sounds of those that are pending, beside what is on order for other pads.

        False: the order was refused with a sentence, and nothing has changed.
        """
        asked = {index: self._request(pad) for index, pad in pads.items() if pad.pending}
        kept = {
            self._places[request.id]: self._session.maker.again(request)
            for request in self._orders.open
            if self._places[request.id] not in pads
        }
        if asked or len(kept) < len(self._orders.open):
            orders = kept | asked
            before, self._places = self._places, {request.id: index for index, request in orders.items()}
            if not orders:
                self._orders.forget()
            elif not self._orders.give([orders[index] for index in sorted(orders)]):
                self._places = before
                return False
        take_of = self._session.takes.take_of
        takes = {index: take_of(pad.clip) or pad.take for index, pad in pads.items()}
        now = where_now(filter(None, takes.values()), self._session.state.takes)
        self._show(
            {
                index: replace(pad, take=take and now.get(take.path, take))
                for (index, pad), take in zip(pads.items(), takes.values(), strict=True)
            }
        )
        return True

    def _request(self, pad: Pad) -> GenerationRequest:
        request = self._session.maker.new_request("kit", pad.seed)
        seconds = min(ONE_SHOT_SECONDS, self._session.state.max_seconds)
        return replace(request, prompt=pad.prompt, seconds=seconds, init=None, init_noise=1.0, walk=(), settings={})

    def _change(self, index: int, **changes: object) -> None:
        pads = list(self.pads)
        pads[index] = replace(pads[index], **changes)  # pyright: ignore[reportArgumentType]
        self._session.update(pads=tuple(pads), kit_ms=self._orders.expected_ms)

    def _show(self, changed: dict[int, Pad]) -> None:
        """Render pads, and give the audio process those sounds that are not there yet."""
        before, pads = self.pads, list(self.pads)
        for index, pad in changed.items():
            pads[index] = pad
            self._recalled.pop(index, None)
            if pad.clip is not None and pad.clip is not before[index].clip:
                bars = pad.take is not None and "bars" in pad.take.settings
                self._session.player.arm(index + 1, pad.clip, FIRST_PAD_NOTE + index, keeps_length=bars)
            elif pad.clip is None and before[index].clip is not None:
                self._session.player.arm(index + 1, _NOTHING, FIRST_PAD_NOTE + index)
        self._session.update(pads=tuple(pads), kit_ms=self._orders.expected_ms)

    @Slot(object)
    def _follow(self, state: SessionState) -> None:
        """Pads have the paths of their takes though the folder moved, or a take came back under another name."""
        if state.takes is self._takes:
            return
        self._takes = state.takes
        now = where_now((pad.take for pad in state.pads if pad.take), state.takes)
        if now:
            moved = (replace(pad, take=now.get(pad.take.path, pad.take)) if pad.take else pad for pad in state.pads)
            self._session.update(pads=tuple(moved))

    @Slot(object)
    def _on_arrived(self, generated: Generated) -> None:
        index, clip = self._places[generated.request.id], generated.clip
        pad = replace(self.pads[index], seed=generated.request.seed, pending=False, clip=clip, take=None)
        self._show({index: replace(pad, peaks=peaks(clip.samples))})
        self._session.takes.keep(generated, lambda take: self._on_kept(index, clip, take))

    def _on_kept(self, index: int, clip: Clip, take: Take) -> None:
        if self.pads[index].clip is clip:
            self._change(index, take=take, **({} if self.pads[index].pending else _words(take)))

    @Slot(int, str)
    def _on_lost(self, request_id: int, _sentence: str) -> None:
        """A pad that goes on playing its take says again what made that."""
        index = self._places[request_id]
        self._change(index, pending=False, **_words(self.pads[index].take))


def _words(take: Take | None) -> dict[str, Any]:
    """What a pad says of the take that it plays, and waits for no other."""
    return {"prompt": take.prompt, "seed": take.seed} if take else {}
