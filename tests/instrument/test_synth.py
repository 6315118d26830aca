"""The border to the model, with a scripted pipeline behind it: what goes in, what comes out, what a person is told."""

import numpy as np
import pytest
import torch

from arc_instrument import synth as border
from arc_instrument.domain import RATE_HZ, Clip, Generated, GenerationRequest, Progress, UserError
from model.config import ARC_MINI
from model.finishing import finish
from model.pipeline import AudioChunk, TextDone
from model.sampler import Step


class ScriptedPipeline:
    """Gives a ramp in two chunks after two steps; keeps the last generation it was asked for."""

    name = "scripted"
    max_seconds = 2.0
    sample_rate = RATE_HZ
    licence, licence_link = "a licence", "https://example.org"
    config = ARC_MINI
    failure: Exception | None = None

    def warm_up(self, lengths):
        if self.failure:
            raise self.failure

    def stream(self, generation):
        self.asked = generation
        latent = torch.zeros(1, 4, 8)
        yield TextDone()
        for index in (1, 2):
            yield Step(index, steps=2, time=0.5, x0_bct=latent, latent_bct=latent)
        if self.failure:
            raise self.failure
        ramp = np.linspace(0, 1, round(generation.seconds * self.sample_rate), dtype=np.float32)
        for half in np.array_split(np.stack([ramp, -ramp], axis=1), 2):
            yield AudioChunk(half)


@pytest.fixture
def pipeline(monkeypatch) -> ScriptedPipeline:
    made = ScriptedPipeline()
    monkeypatch.setattr(border.Pipeline, "load", lambda **options: made)
    return made


def request(**changes) -> GenerationRequest:
    return GenerationRequest(**{"id": 5, "prompt": "kick", "seconds": 0.25, "steps": 2, "seed": 7} | changes)


def test_every_step_is_told_and_the_chunks_become_one_sound(pipeline):
    *steps, generated = border.Synth().stream(request())
    assert [(type(item), item.request_id, item.step, item.steps) for item in steps] == [
        (Progress, 5, 1, 2),
        (Progress, 5, 2, 2),
    ]
    assert isinstance(generated, Generated)
    assert generated.model_name == "scripted"
    ramp = np.linspace(0, 1, RATE_HZ // 4, dtype=np.float32)
    assert np.array_equal(generated.clip.samples, finish(np.stack([ramp, -ramp], axis=1), RATE_HZ))


def test_the_stages_add_up_to_the_whole_time(pipeline):
    timing = list(border.Synth().stream(request()))[-1].timing
    assert timing.text_ms + timing.steps_ms + timing.decode_ms == pytest.approx(timing.total_ms)
    assert timing.text_ms + timing.steps_ms <= timing.first_sound_ms <= timing.total_ms


def test_the_recording_and_its_noise_reach_the_model(pipeline):
    init = Clip(np.ones((100, 2), np.float32))
    list(border.Synth().stream(request(init=init, init_noise=0.3)))
    assert pipeline.asked.init is init.samples
    assert pipeline.asked.init_noise == 0.3


def test_a_model_of_another_rate_is_heard_at_the_instruments(pipeline):
    pipeline.sample_rate = 22_050
    samples = list(border.Synth().stream(request(seconds=0.5)))[-1].clip.samples
    assert samples.shape == (RATE_HZ // 2, 2)


def test_what_the_model_cannot_make_and_weights_it_cannot_load_are_sentences(pipeline, monkeypatch):
    pipeline.failure = ValueError("The model produced values that are not numbers: try another seed.")
    with pytest.raises(UserError, match="try another seed"):
        list(border.Synth().stream(request()))

    def damaged(**options):
        raise ValueError("model.safetensors is damaged; fetch it again")

    monkeypatch.setattr(border.Pipeline, "load", damaged)
    with pytest.raises(UserError, match=r"cannot be loaded: model\.safetensors is damaged; fetch it again\."):
        border.Synth()


def test_a_full_graphics_card_at_the_start_moves_the_model_to_the_processor(monkeypatch):
    tried = []

    def load(**options):
        tried.append(options.get("device"))
        if options.get("device") != "cpu":
            raise torch.OutOfMemoryError("CUDA out of memory")
        return ScriptedPipeline()

    monkeypatch.setattr(border.Pipeline, "load", load)
    *_, generated = border.Synth().stream(request())
    assert isinstance(generated, Generated)
    assert tried == [None, "cpu"]


def test_a_card_that_fills_while_it_warms_up_moves_the_model_too(monkeypatch):
    full = ScriptedPipeline()
    full.failure = torch.OutOfMemoryError("CUDA out of memory")
    monkeypatch.setattr(border.Pipeline, "load", lambda **o: ScriptedPipeline() if o.get("device") == "cpu" else full)
    synth = border.Synth()
    synth.warm_up()
    *_, generated = synth.stream(request())
    assert isinstance(generated, Generated)


def test_a_card_that_fills_while_it_plays_is_one_sentence_and_the_next_sound_is_made(monkeypatch):
    full = ScriptedPipeline()
    full.failure = torch.OutOfMemoryError("CUDA out of memory")
    monkeypatch.setattr(border.Pipeline, "load", lambda **o: ScriptedPipeline() if o.get("device") == "cpu" else full)
    synth = border.Synth()
    with pytest.raises(UserError, match=r"graphics card's memory is full: the model now runs on the processor"):
        list(synth.stream(request()))
    *_, generated = synth.stream(request())
    assert isinstance(generated, Generated)


def test_a_machine_without_memory_is_one_sentence(pipeline):
    pipeline.failure = MemoryError()
    with pytest.raises(UserError, match=r"memory is full: close other programs, or ask for a shorter sound"):
        list(border.Synth().stream(request()))


def test_a_sound_tells_the_model_and_the_licence_of_its_weights(pipeline):
    synth = border.Synth()
    assert (synth.licence, synth.licence_link) == ("a licence", "https://example.org")
    generated = list(synth.stream(request()))[-1]
    assert (generated.model_name, generated.weights_licence) == ("scripted", "a licence")
