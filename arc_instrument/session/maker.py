"""Maker: orders sounds from the model: the one that the controls describe, and those of the other components."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from arc_instrument.domain import Generated, GenerationRequest, Phase, Progress, Take, UserError
from arc_instrument.requests import check_request, crop_note
from arc_instrument.session.orders import current_sound, random_seed
from arc_instrument.session.state import CurrentSound, Message, init_noise
from arc_instrument.session.tempo_grid import told_by

if TYPE_CHECKING:
    from arc_instrument.generation import GenerationService
    from arc_instrument.session.session import Session


class Maker(QObject):
    """Commands of making a sound; renders into the session. What came of `generate` becomes the current sound and a
    take; whoever else orders listens to the answers with `Orders`."""

    def __init__(self, session: "Session", generation: "GenerationService"):
        super().__init__(session)
        self._session, self._generation = session, generation
        self._numbers = count(1)
        self._user_id: int | None = None
        self._used_seed: int | None = None  # an unlocked seed makes one sound
        self._seed_before_roll: int | None = None
        generation.phaseChanged.connect(self._on_phase)
        generation.progressed.connect(self._on_progress)
        generation.generated.connect(self._on_generated)
        generation.failed.connect(self._on_failed)
        generation.cancelled.connect(self._on_cancelled)

    # --- the sound of the controls ------------------------------------------------------------------------------

    def generate(self) -> None:
        """Order the sound that the controls describe; a request that cannot be made is refused with one sentence."""
        session = self._session
        before_roll = session.state.seed
        if self._used_seed == before_roll and not session.state.seed_locked:
            session.update(seed=random_seed(), walk=())
        request = self.new_request("user", session.state.seed)
        checked = self._checked([request])
        if checked is None:
            return
        note = crop_note(request)
        self._used_seed, self._seed_before_roll = request.seed, before_roll
        self._user_id = request.id
        if session.state.phase in (Phase.READY, Phase.GENERATING):  # else it is the model's loading that is waited for
            session.player.start_stopwatch()
        session.update(generating=True, progress=None, message=Message(note, is_error=False) if note else None)
        self._generation.submit(checked[0])

    def cancel(self) -> None:
        """Cancel; a result that is already on its way is dropped too."""
        self._generation.cancel()
        self._end_request()

    # --- requests -----------------------------------------------------------------------------------------------

    def new_request(self, origin: str, seed: int) -> GenerationRequest:
        """What the controls describe now, under a number of its own."""
        state = self._session.state
        request = GenerationRequest(
            id=next(self._numbers),
            prompt=state.prompt,
            seconds=state.seconds,
            steps=state.steps,
            seed=seed,
            init=state.init.clip if state.init else None,
            init_noise=init_noise(state.strength_percent) if state.init else 1.0,
            origin=origin,
            walk=state.walk,
            settings={"init_name": state.init.name} if state.init else {},
        )
        return self._session.tempo.asked(request)

    def again(self, request: GenerationRequest, **changes: object) -> GenerationRequest:
        """The same sound once more, or another like it, under a number of its own."""
        return replace(request, id=next(self._numbers), **changes)  # pyright: ignore[reportArgumentType]

    def request_of(self, take: Take) -> GenerationRequest:
        """What made `take`. One that came of a recording varies with the recording that is loaded now, if any."""
        init = self._session.state.init if take.init_noise < 1 else None
        tempo = told_by(take.settings)
        told = {"bpm": tempo.get("metronome_bpm"), "bars": tempo["bars"], "key": tempo["key"]}
        return GenerationRequest(
            id=next(self._numbers),
            prompt=take.prompt,
            seconds=take.seconds,
            steps=take.steps,
            seed=take.seed,
            init=init.clip if init else None,
            init_noise=take.init_noise if init else 1.0,
            settings={name: said for name, said in told.items() if said} | ({"init_name": init.name} if init else {}),
            walk=take.walk,
        )

    def order(self, requests: Sequence[GenerationRequest]) -> bool:
        """Order sounds of one origin; one that cannot be made is refused with one sentence, and all with it."""
        checked = self._checked(requests)
        if checked is not None:
            self._generation.submit_batch(checked)
        return checked is not None

    def expected_ms(self, requests: Sequence[GenerationRequest]) -> float | None:
        """Until the last of these, of one order, is made; None before anything was measured, and for none."""
        return self._session.model.estimates.batch_ms(requests)

    def _checked(self, requests: Sequence[GenerationRequest]) -> list[GenerationRequest] | None:
        """The requests as they can be made; None, and a sentence, if one of them cannot."""
        state = self._session.state
        try:
            checked = [check_request(request, state.max_seconds) for request in requests]
        except UserError as error:
            self._session.say(str(error))
            return None
        if state.phase is Phase.FAILED:
            self._session.say(state.phase_sentence, action="retry_model", action_title="Retry")
            return None
        return checked

    # --- answers ------------------------------------------------------------------------------------------------

    def _end_request(self) -> None:
        self._user_id = None
        self._session.player.stop_stopwatch()
        self._session.update(generating=False, progress=None)

    @Slot(object, str)
    def _on_phase(self, phase: Phase, sentence: str) -> None:
        self._session.update(phase=phase, phase_sentence=sentence)
        if phase is Phase.FAILED:
            self.cancel()
            self._session.say(sentence, action="retry_model", action_title="Retry")

    @Slot(object)
    def _on_progress(self, progress: Progress) -> None:
        if progress.request_id == self._user_id:
            self._session.update(progress=progress)

    @Slot(object)
    def _on_generated(self, generated: Generated) -> None:
        with self._session.together():
            self._use(generated)

    def _use(self, generated: Generated) -> None:
        session, clip = self._session, generated.clip
        session.model.estimates.learn(generated)
        session.timings.learn(generated)
        if generated.request.id != self._user_id:
            return
        self._choose(current_sound(generated))
        self._user_id = None
        session.update(generating=False, progress=None)
        session.player.play()
        session.fit_length()
        if clip.is_silent:
            sentence = "This sound came out silent: try another seed or other words."
            session.say(sentence, action="generate", action_title="Again")
        elif generated.notes:
            session.say(generated.notes[0], is_error=False)
        session.takes.keep(generated)

    def _choose(self, sound: CurrentSound) -> None:
        """Make a new sound the current one; undoing that also takes back the seed that was drawn for it."""
        before, drawn = self._seed_before_roll, self._used_seed
        assert before is not None  # a request of the person made it
        assert drawn is not None

        def use(was: int, seed: int) -> None:
            if self._session.state.seed == was:  # and no other was typed since
                self._used_seed = seed
                self._session.update(seed=seed)

        also = (lambda: use(drawn, before), lambda: use(before, drawn))
        self._session.auditions.choose(sound, "new sound", also=also)

    @Slot(int, str)
    def _on_failed(self, request_id: int, sentence: str) -> None:
        if request_id == self._user_id:
            self._end_request()
        self._session.say(sentence, action="generate", action_title="Again")

    @Slot(int)
    def _on_cancelled(self, request_id: int) -> None:
        if request_id == self._user_id:
            self._end_request()
