"""A session without threads: files are written and sounds are made in the call that orders them."""

from collections.abc import Sequence
from concurrent.futures import Executor, Future
from pathlib import Path

from doubles import RUNNING, SilentAudio, ToneSynth, tone

from arc_instrument.audio.wavfile import read_clip
from arc_instrument.domain import Generated, GenerationRequest, LoadedModel, Phase, Timing
from arc_instrument.generation import GenerationService
from arc_instrument.library import Library
from arc_instrument.session import Session


class InlineExecutor(Executor):
    """Runs each job at once."""

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        future.set_result(fn(*args, **kwargs))
        return future

    def shutdown(self, wait=True, *, cancel_futures=False):
        pass


class InlineGeneration(GenerationService):
    """Makes a short tone of each request at once; its thread is never started."""

    def __init__(self) -> None:
        super().__init__(lambda *_: ToneSynth())

    def submit_batch(self, requests: Sequence[GenerationRequest]) -> None:
        for request in requests:
            self.generated.emit(Generated(request, tone(0.01, request.seed), Timing(1, 2, 3, 4, 5), "tone"))

    def load(self, max_seconds: float) -> None:
        self.modelLoaded.emit(LoadedModel("tone", max_seconds))
        self.phaseChanged.emit(Phase.READY, "Ready")


def session_of_three(folder: Path, **arguments) -> Session:
    """A session with three takes: bell, the current one, snare and kick."""
    session = make_session(folder, **arguments)
    for prompt in ("kick", "snare", "bell"):
        session.set_prompt(prompt)
        session.maker.generate()
    return session


def make_session(folder: Path, **arguments) -> Session:
    """A running session with a loaded model."""
    generation, audio = InlineGeneration(), SilentAudio()
    session = Session(generation, audio, Library(folder), read_clip, files=InlineExecutor(), **arguments)
    generation.setParent(session)
    audio.setParent(session)
    generation.load(4.0)
    audio.stateChanged.emit(RUNNING)
    return session
