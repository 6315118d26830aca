"""The border to the model, with a scripted pipeline behind it: what goes in, what comes out, what a person is told."""

import numpy as np
import pytest
import torch

from arc_instrument import synth as border
from arc_instrument.domain import RATE_HZ, Clip, Generated, GenerationRequest, Progress, UserError
from arc_instrument.loudness import (
    CEILING_DBTP,
    MAX_BOOST_DB,
    TARGET_LUFS,
    loudness_gain_db,
    loudness_lufs,
    true_peak_dbtp,
    with_gain,
)
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

    def __init__(self):
        self.gains, self.seeds = {}, []  # by seed: what its sound is multiplied with; every seed asked for

    def warm_up(self, lengths):
        if self.failure:
            raise self.failure

    def stream_batch(self, batch):
        self.asked = batch[0]
        self.seeds += [generation.seed for generation in batch]
        latent = torch.zeros(1, 4, 8)
        yield TextDone(len(batch))
        for index in (1, 2):
            yield Step(index, steps=2, time=0.5, x0_bct=latent, latent_bct=latent)
        if self.failure:
            raise self.failure
        for item, generation in enumerate(batch):
            sound = self.sound(generation.seconds) * np.float32(self.gains.get(generation.seed, 1))
            for half in np.array_split(sound, 2):
                yield AudioChunk(half, item)

    def sound(self, seconds):
        ramp = np.linspace(0, 1, round(seconds * self.sample_rate), dtype=np.float32)
        return np.stack([ramp, -ramp], axis=1)


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
    made = Clip(np.stack([ramp, -ramp], axis=1))
    levelled = with_gain(made, loudness_gain_db(made))
    assert np.array_equal(generated.clip.samples, finish(levelled.samples, RATE_HZ))


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


def test_a_batch_is_heard_sound_after_sound_and_shares_the_time_of_its_steps(pipeline):
    made = list(border.Synth().stream_batch([request(id=i, seed=i) for i in (1, 2, 3)]))
    assert [type(item) for item in made] == [Progress, Progress, Generated, Generated, Generated]
    assert [item.request.id for item in made[2:]] == [1, 2, 3]
    assert len({item.timing.steps_ms for item in made[2:]}) == 1
    assert 3 * made[2].timing.steps_ms <= made[1].elapsed_ms * 1.01 + 1


def test_the_walk_and_a_blend_in_the_prompt_reach_the_model(pipeline):
    list(border.Synth().stream(request(prompt="kick::3 flute::1", walk=((9, 0.5),))))
    assert pipeline.asked.walk == ((9, 0.5),)
    assert pipeline.asked.blend == (("kick", 0.75), ("flute", 0.25))


@pytest.mark.parametrize(("gain", "fault"), [(0.0, "silence"), (np.nan, "values that are not numbers")])
def test_a_faulty_sound_is_made_once_more_with_the_next_seed_and_says_so(pipeline, gain, fault):
    pipeline.gains = {2: gain}
    made = [
        item
        for item in border.Synth().stream_batch([request(id=i, seed=i) for i in (1, 2, 3)])
        if isinstance(item, Generated)
    ]
    assert pipeline.seeds == [1, 2, 3, 3]
    assert [(item.request.id, item.request.seed) for item in made] == [(1, 1), (3, 3), (2, 3)]
    assert made[-1].notes == (f"Seed 2 gave {fault}: this is seed 3.",)
    assert all(np.abs(item.clip.samples).max() > 0.1 for item in made)


def test_what_is_no_sound_a_second_time_is_reported(pipeline):
    pipeline.gains = {2: np.nan, 3: np.nan, 5: 0.0, 6: 0.0}
    with pytest.raises(UserError, match="not numbers: try another seed"):
        list(border.Synth().stream(request(seed=2)))
    silent = list(border.Synth().stream(request(seed=5)))[-1]
    assert silent.notes == ("Seed 5 gave silence: this is seed 6.",)


def test_sounds_of_every_level_leave_equally_loud(pipeline, monkeypatch):
    """But for what would need more than the greatest boost, and for what the ceiling keeps down."""
    t = np.arange(RATE_HZ) / RATE_HZ
    sine = np.sin(2 * np.pi * 440 * t).astype(np.float32)[:, None].repeat(2, 1)
    monkeypatch.setattr(pipeline, "sound", lambda seconds: sine)
    pipeline.gains = dict(enumerate((2e-3, 0.1, 0.5, 1.0, 5.0)))
    batch = [request(id=seed, seed=seed, seconds=1.0) for seed in pipeline.gains]
    clips = [item.clip for item in border.Synth().stream_batch(batch) if isinstance(item, Generated)]
    softest, *others = [loudness_lufs(clip) for clip in clips]
    assert others == pytest.approx([TARGET_LUFS] * 4, abs=0.1)
    assert softest == pytest.approx(loudness_lufs(Clip(sine)) + 20 * np.log10(2e-3) + MAX_BOOST_DB, abs=0.1)


def test_a_click_between_silences_leaves_at_the_ceiling(pipeline, monkeypatch):
    click = np.zeros((RATE_HZ, 2), np.float32)
    click[10_000:10_020] = 0.3
    monkeypatch.setattr(pipeline, "sound", lambda seconds: click)
    clip = list(border.Synth().stream(request(seconds=1.0)))[-1].clip
    assert CEILING_DBTP - 0.3 < true_peak_dbtp(clip) <= CEILING_DBTP
    assert loudness_lufs(clip) < TARGET_LUFS


def test_the_same_sound_made_twice_has_the_same_samples(pipeline):
    first, second = (list(border.Synth().stream(request(id=i)))[-1].clip.samples for i in (1, 2))
    assert np.array_equal(first, second)


def test_a_sound_that_is_silent_twice_is_not_made_noise(pipeline):
    pipeline.gains = {5: 5e-4, 6: 5e-4}
    samples = list(border.Synth().stream(request(seed=5)))[-1].clip.samples
    assert np.abs(samples).max() <= 5e-4


def test_no_sound_leaves_louder_than_the_ceiling(pipeline):
    pipeline.gains = {7: 40.0}
    assert np.abs(list(border.Synth().stream(request()))[-1].clip.samples).max() < 0.9
