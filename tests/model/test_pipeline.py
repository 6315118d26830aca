"""The embedded model as a person gets it: lengths, seeds, audio-to-audio, damaged files."""

import json
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from model.checkpoint import CheckpointError, write
from model.config import ARC_MINI, SAO_SMALL, TINY, ModelConfig
from model.contour import PITCH, contour
from model.controls import CONTOUR, control_signals
from model.digests import DIGESTS_FILE, sha256
from model.dit import Prepared
from model.engine import Engine, PackedEngine, chunk_ends
from model.finishing import CEILING, finish, true_peak
from model.generator import Generator
from model.pipeline import FOLLOWED, AudioChunk, Generation, Pipeline, TextDone, between_notes
from model.sampler import Step
from model.spectral import SpectralAutoencoder
from model.tensorfile import read
from model.text import load_encoder
from model.weights import WEIGHTS_FILE, embedded_folder, load_model, save_model


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline.load()


@pytest.mark.parametrize("seconds", [0.05, 0.731, 2.0, ARC_MINI.max_seconds])
def test_a_sound_is_finite_unclipped_audible_and_of_exactly_the_asked_length(
    pipeline: Pipeline, seconds: float
) -> None:
    samples = pipeline.generate(Generation("snare drum", seconds, steps=2))
    assert samples.shape == (round(seconds * 44_100), 2)
    assert samples.dtype == np.float32
    assert np.isfinite(samples).all()
    assert 1e-3 < true_peak(samples) <= CEILING + 1e-6


def test_a_seed_is_a_sound_and_another_seed_another(pipeline: Pipeline) -> None:
    first, again, other = (pipeline.generate(Generation("flute", 0.5, 2, seed)) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01


def test_another_prompt_is_another_sound_for_the_same_seed(pipeline: Pipeline) -> None:
    kick, flute = (pipeline.generate(Generation(prompt, 0.5, 2, 7)) for prompt in ("kick drum", "flute"))
    assert np.abs(kick - flute).max() > 0.01


def test_the_stream_tells_text_then_every_step_then_audio(pipeline: Pipeline) -> None:
    items = list(pipeline.stream(Generation("kick", 0.3, steps=3)))
    assert [type(item) for item in items] == [TextDone, Step, Step, Step, AudioChunk]
    assert [item.index for item in items if isinstance(item, Step)] == [1, 2, 3]


def test_a_long_sound_comes_in_chunks_that_join_to_the_whole(pipeline: Pipeline) -> None:
    generation = Generation("rain", 4.0, steps=1, seed=3)
    chunks = [item.samples for item in pipeline.stream(generation) if isinstance(item, AudioChunk)]
    assert [len(chunk) for chunk in chunks] == [8 * 2048, 64 * 2048, 4 * 44_100 - 72 * 2048]
    np.testing.assert_array_equal(finish(np.concatenate(chunks), 44_100), pipeline.generate(generation))


@given(frames=st.integers(1, 300))
def test_chunks_rise_to_the_last_frame_and_the_first_is_short(frames: int) -> None:
    ends = chunk_ends(frames)
    assert ends[-1] == frames
    assert ends[0] <= 8
    assert all(a < b for a, b in pairwise(ends))


KIT = tuple(f"dusty {drum}" for drum in ("kick drum", "snare drum", "closed hi-hat", "hand clap", "cowbell", "shaker"))


def batch(seconds: float = 1.0, steps: int = 2) -> list[Generation]:
    """Sounds of other prompts, seeds, walks and blends: more than one group of the packed engine, and two alone."""
    plain = [Generation(prompt, seconds, steps, seed=5 + i) for i, prompt in enumerate(KIT)]
    return [
        *plain[:2],
        replace(plain[2], walk=((9, 0.3),)),
        replace(plain[3], blend=((KIT[0], 0.25), (KIT[3], 0.75))),
        *plain[4:],
    ]


def test_every_sound_of_a_batch_is_to_the_bit_what_it_is_alone(pipeline: Pipeline) -> None:
    made = batch()
    assert pipeline.engine.batch_items(24) == 4
    for together, generation in zip(pipeline.generate_batch(made), made, strict=True):
        np.testing.assert_array_equal(together, pipeline.generate(generation))


def test_a_batch_from_recordings_is_its_sounds_alone(pipeline: Pipeline) -> None:
    rng = np.random.default_rng(0)
    made = [
        replace(generation, init=rng.uniform(-0.5, 0.5, (22_050, 2)).astype(np.float32), init_noise=0.6)
        for generation in batch()[:4]
    ]
    for together, generation in zip(pipeline.generate_batch(made), made, strict=True):
        np.testing.assert_array_equal(together, pipeline.generate(generation))


def test_the_plain_engine_makes_a_batch_too() -> None:
    plain = Pipeline.load(precision="float32", plain=True)
    made = batch(0.3)
    for together, generation in zip(plain.generate_batch(made), made, strict=True):
        np.testing.assert_allclose(together, plain.generate(generation), atol=1e-4)


def test_each_group_of_a_batch_is_heard_before_the_next_begins(pipeline: Pipeline) -> None:
    told = [
        event.item if isinstance(event, AudioChunk) else type(event).__name__
        for event in pipeline.stream_batch(batch(1.0, steps=1))
    ]
    begin = ["TextDone", "Step"]
    assert told == [*begin, 0, 0, 1, 1, 2, 2, 3, 3, *begin, 4, 4, *begin, 5, 5]


def test_what_a_batch_cannot_share_is_refused(pipeline: Pipeline) -> None:
    with pytest.raises(ValueError, match="one length, one number of steps and one noise level"):
        pipeline.generate_batch([Generation("kick", 0.3, 1), Generation("kick", 0.4, 1)])


@pytest.mark.parametrize("init_noise", [None, 0.7])
def test_a_walk_of_no_distance_is_the_take_and_a_whole_one_the_other_seeds_sound(
    pipeline: Pipeline, init_noise: float | None
) -> None:
    generation = Generation("snare", 0.5, 3, seed=1)
    if init_noise is not None:
        noise = np.random.default_rng(0).uniform(-0.5, 0.5, (22_050, 2)).astype(np.float32)
        generation = replace(generation, init=noise, init_noise=init_noise)
    at_zero, at_one = (pipeline.generate(replace(generation, walk=((2, distance),))) for distance in (0.0, 1.0))
    np.testing.assert_array_equal(at_zero, pipeline.generate(generation))
    np.testing.assert_array_equal(at_one, pipeline.generate(replace(generation, seed=2)))


def log_spectrum(samples: np.ndarray) -> np.ndarray:
    """Log power in 64 bands a tenth of an octave and more, by frames of 23 ms."""
    frames = np.lib.stride_tricks.sliding_window_view(samples.mean(1), 1024)[::512] * np.hanning(1024)
    power = np.abs(np.fft.rfft(frames)) ** 2
    edges = np.unique(np.geomspace(1, 512, 65).round().astype(int))
    return np.log(np.add.reduceat(power, edges[:-1], axis=1) + 1e-4)


def test_the_farther_the_walk_the_farther_the_sound_on_average(pipeline: Pipeline) -> None:
    distances = (0.0, 0.1, 0.25, 0.5, 1.0)
    means = np.zeros(len(distances))
    for seed in range(8):
        generation = Generation("kick drum" if seed % 2 else "bright bell", 0.7, 8, seed)
        spectra = [
            log_spectrum(sound)
            for sound in pipeline.generate_batch([replace(generation, walk=((seed + 100, d),)) for d in distances])
        ]
        means += [np.abs(spectrum - spectra[0]).mean() / 8 for spectrum in spectra]
    assert means[0] == 0
    assert all(nearer < farther for nearer, farther in pairwise(means)), means
    assert means[1] < 0.6 * means[-1], means  # a small distance is a small change


def test_a_blend_of_one_prompt_is_that_prompt_to_the_bit_and_one_of_two_lies_between(pipeline: Pipeline) -> None:
    def made(*blend: tuple[str, float]) -> np.ndarray:
        return pipeline.generate(Generation("anything", 0.5, 4, 7, blend=blend))

    kick, flute = (pipeline.generate(Generation(prompt, 0.5, 4, 7)) for prompt in ("kick drum", "flute"))
    np.testing.assert_array_equal(made(("kick drum", 1.0), ("flute", 0.0)), kick)
    np.testing.assert_array_equal(made(("kick drum", 0.0), ("flute", 1.0)), flute)
    ends = np.abs(log_spectrum(kick) - log_spectrum(flute)).mean()
    from_kick = [
        np.abs(log_spectrum(made(("kick drum", 1 - w), ("flute", w))) - log_spectrum(kick)).mean() for w in (0.1, 0.9)
    ]
    assert from_kick[0] < 0.5 * ends < from_kick[1]


def signal_to_noise_db(got: np.ndarray, expected: np.ndarray) -> float:
    return float(10 * np.log10(np.square(expected).sum() / np.square(got - expected).sum()))


def test_packed_float32_is_plain_torch_and_bfloat16_is_near_it() -> None:
    """One step: what rounding does to a velocity. Over eight, ping-pong makes other decisions of it."""
    plain, packed, low = (
        Pipeline.load(precision=precision, device="cpu", plain=plain)
        for precision, plain in (("float32", True), ("float32", False), ("bfloat16", False))
    )
    assert not isinstance(plain.engine, PackedEngine)
    assert isinstance(packed.engine, PackedEngine)
    generation = Generation("kick drum", 1.0, steps=1, seed=3)
    expected = plain.generate(generation)
    assert signal_to_noise_db(packed.generate(generation), expected) > 80
    assert signal_to_noise_db(low.generate(generation), expected) > 15


def test_a_closed_stream_does_no_further_step(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    velocity = pipeline.engine.velocity
    monkeypatch.setattr(pipeline.engine, "velocity", lambda *a: calls.append(1) or velocity(*a))
    stream = pipeline.stream(Generation("kick", 0.3, steps=8))
    next(item for item in stream if isinstance(item, Step))
    stream.close()
    assert len(calls) == 1


def test_the_less_noise_the_closer_to_the_recording(pipeline: Pipeline) -> None:
    t = np.arange(44_100) / 44_100
    tone = np.repeat((0.5 * np.sin(2 * np.pi * 220 * t) * np.exp(-2 * t)).astype(np.float32)[:, None], 2, axis=1)
    rng = torch.Generator()
    encoded = pipeline.encode(tone, 24, rng)
    distances = []
    for noise in (0.05, 0.4, 0.95):
        sound = pipeline.generate(Generation("hi-hat", 1.0, 4, 3, tone, noise))
        distances.append(float((pipeline.encode(sound, 24, rng) - encoded).square().mean()))
    assert all(closer < farther for closer, farther in pairwise(distances)), distances


def test_full_noise_ignores_the_recording(pipeline: Pipeline) -> None:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (22_050, 2)).astype(np.float32)
    with_init = pipeline.generate(Generation("kick", 0.5, 2, 1, noise, 1.0))
    np.testing.assert_array_equal(with_init, pipeline.generate(Generation("kick", 0.5, 2, 1)))


def filled(config: ModelConfig, engine: type[Engine]) -> Pipeline:
    """A model of made weights: its branches, which start at zero, would hide what they compute."""
    generator, autoencoder = Generator(config).eval(), SpectralAutoencoder.of(config).eval()
    rng = torch.Generator().manual_seed(0)
    for parameter in generator.parameters():
        nn.init.normal_(parameter, std=parameter.shape[-1] ** -0.5 if parameter.dim() > 1 else 0.3, generator=rng)
    for module in (generator, autoencoder):
        module.requires_grad_(False)
    return Pipeline(config, engine(config, generator, autoencoder, torch.float32), load_encoder(config.text), "", "")


@pytest.fixture(scope="module", params=[Engine, PackedEngine])
def tiny(request: pytest.FixtureRequest) -> Pipeline:
    return filled(TINY, request.param)


def sung(hz: float, seconds: float = 0.3) -> np.ndarray:
    """A recording: a tone that swells."""
    t = np.arange(round(seconds * 44_100)) / 44_100
    return np.repeat((t * np.sin(2 * np.pi * hz * t)).astype(np.float32)[:, None], 2, axis=1)


def followed(pipeline: Pipeline, *made: Generation) -> tuple[Tensor, ...]:
    """The embedded controls under which the first step of a batch was made."""
    told: list[Prepared] = []
    with pytest.MonkeyPatch.context() as patch:
        velocity = pipeline.engine.velocity
        patch.setattr(
            pipeline.engine, "velocity", lambda x, t, prepared: told.append(prepared) or velocity(x, t, prepared)
        )
        pipeline.generate_batch(made)
    return told[0].controls


@torch.inference_mode()
def embedded(
    pipeline: Pipeline, prompt: str, seconds: float, contour_st: np.ndarray | None = None, times: float = FOLLOWED
) -> Tensor:
    """What the model makes of those control signals; what a contour adds to them counts some times."""
    frames = TINY.canvas_frames(round(seconds * 44_100))
    embedding = pipeline.engine.dit.control_embedding
    assert embedding is not None
    alone, told = (
        embedding(torch.from_numpy(control_signals(TINY, frames, seconds, prompt, rows_st))[None])
        for rows_st in (None, contour_st)
    )
    return alone + times * (told - alone)


def contour_of(recording: np.ndarray, seconds: float) -> np.ndarray:
    frames = TINY.canvas_frames(round(seconds * 44_100))
    return contour(recording, frames, TINY.autoencoder.frame_samples, 44_100)


@pytest.mark.parametrize("prompt", ["hi-hat", "organ C3", "organ A3", "loop, 130 BPM"])
@pytest.mark.parametrize(("noise", "times"), [(0.05, 3), (0.6, 3), (0.8, 2), (0.95, 1.25)])
def test_from_a_recording_the_sound_follows_its_contour_the_less_the_noisier(
    tiny: Pipeline, prompt: str, noise: float, times: float
) -> None:
    recording = sung(220)
    (controls,) = followed(tiny, Generation(prompt, 0.3, 2, 1, recording, noise))
    rows_st = contour_of(recording, 0.3)
    assert rows_st[PITCH].any()
    torch.testing.assert_close(controls, embedded(tiny, prompt, 0.3, rows_st, times))
    assert (controls - embedded(tiny, prompt, 0.3)).abs().max() > 1e-2


def test_another_recording_is_another_contour_under_the_same_prompt_and_the_prompt_is_not_forgotten(
    tiny: Pipeline,
) -> None:
    low, high = (followed(tiny, Generation("hum", 0.3, 2, 1, sung(hz), 0.5))[0] for hz in (220, 440))
    assert (low - high).abs().max() > 1e-2
    (alone,) = followed(tiny, Generation("hum", 0.3, 2, 1))
    torch.testing.assert_close(alone, embedded(tiny, "hum", 0.3))


def test_the_contour_of_a_recording_is_computed_once_however_often_it_is_sliced(
    tiny: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[np.ndarray] = []

    def counted(samples: np.ndarray, *told: int) -> np.ndarray:
        heard.append(samples)
        return contour(samples, *told)

    monkeypatch.setattr("model.pipeline.contour", counted)
    recording = sung(220, 0.6)
    for prompt in ("h", "hu", "hum"):
        tiny.generate(Generation(prompt, 0.3, 1, 1, recording[: round(0.3 * 44_100)], 0.5))
    assert len(heard) == 1
    tiny.generate(Generation("hum", 0.3, 1, 1, recording[1 : 1 + round(0.3 * 44_100)], 0.5))  # another place
    tiny.generate(Generation("hum", 0.3, 1, 1, recording[1 : 1 + round(0.3 * 44_100)].copy(), 0.5))  # other memory
    assert len(heard) == 3


@pytest.mark.parametrize("recording", [None, sung(220)])
def test_at_full_noise_the_controls_are_those_of_the_prompt(tiny: Pipeline, recording: np.ndarray | None) -> None:
    (controls,) = followed(tiny, Generation("organ C3, 90 BPM", 0.3, 2, 1, recording, 1.0))
    torch.testing.assert_close(controls, embedded(tiny, "organ C3, 90 BPM", 0.3))
    without, with_recording = (
        tiny.generate(Generation("organ C3, 90 BPM", 0.3, 2, 1, init, 1.0)) for init in (None, recording)
    )
    np.testing.assert_array_equal(without, with_recording)


def test_prompts_that_differ_only_in_their_octave_are_other_controls_and_other_sounds(tiny: Pipeline) -> None:
    low, high = (Generation(f"organ {note}", 0.3, 2, 1) for note in ("C3", "C4"))
    assert (followed(tiny, low)[0] - followed(tiny, high)[0]).abs().max() > 1e-2
    assert np.abs(tiny.generate(low) - tiny.generate(high)).max() > 1e-3


def test_each_sound_of_a_batch_follows_its_own_recording(tiny: Pipeline) -> None:
    made = [Generation("hum", 0.3, 2, i, sung(110 * 2**i), 0.5) for i in range(tiny.engine.batch_items(8))]
    (controls,) = followed(tiny, *made)
    for i, generation in enumerate(made):
        assert generation.init is not None
        expected = embedded(tiny, "hum", 0.3, contour_of(generation.init, 0.3))
        torch.testing.assert_close(controls[i : i + 1], expected)
    for together, generation in zip(tiny.generate_batch(made), made, strict=True):
        np.testing.assert_allclose(together, tiny.generate(generation), atol=1e-4)


def test_what_lies_behind_the_asked_end_of_a_recording_is_not_followed_as_it_is_not_heard(tiny: Pipeline) -> None:
    recording = sung(220, 0.3)
    louder_after = np.concatenate([recording, 3 * sung(330, 0.3)])
    made = [Generation("hum", 0.3, 2, 1, init, 0.5) for init in (recording, louder_after)]
    torch.testing.assert_close(followed(tiny, made[0])[0], followed(tiny, made[1])[0])
    np.testing.assert_array_equal(*(tiny.generate(generation) for generation in made))


@pytest.mark.parametrize("init_noise", [0.5, 1.0])
def test_a_blend_is_told_what_its_own_prompts_name_with_or_without_a_recording(
    tiny: Pipeline, init_noise: float
) -> None:
    def controls(prompt: str, *blend: tuple[str, float]) -> Tensor:
        return followed(tiny, Generation(prompt, 0.3, 2, 1, sung(220), init_noise, blend=blend))[0]

    low, loop = controls("organ C3"), controls("loop, 130 BPM")
    torch.testing.assert_close(controls("anything A5", ("organ C3", 1.0), ("organ C4", 0.0)), low)
    between = controls("anything A5", ("organ C3", 0.25), ("loop, 130 BPM", 0.75))
    torch.testing.assert_close(between, 0.25 * low + 0.75 * loop)


def test_between_two_notes_a_blend_glides(tiny: Pipeline) -> None:
    (middle,) = followed(tiny, Generation("", 0.3, 2, 1, blend=(("organ C3", 0.25), ("harp C4", 0.75))))
    torch.testing.assert_close(middle, followed(tiny, Generation("organ A3", 0.3, 2, 1))[0])
    assert between_notes([("organ C3", 0.5), ("harp C4", 0.5)]) == 54
    assert between_notes([("organ C3", 0.2), ("harp C3", 0.3), ("hum", 0.5)]) is None
    assert between_notes([("organ C3", 0.2), ("harp D3", 0.2), ("hum", 0.6)]) == pytest.approx(49)


def test_guidance_strengthens_what_a_recording_tells_too() -> None:
    guided = filled(replace(TINY, guidance=3.0), Engine)
    recording, told = sung(220), []
    with pytest.MonkeyPatch.context() as patch:
        velocity = guided.engine.velocity
        patch.setattr(
            guided.engine, "velocity", lambda x, t, prepared: told.append(prepared) or velocity(x, t, prepared)
        )
        guided.generate(Generation("organ C3", 0.3, 1, 1, recording, 0.5))
    controls = [prepared.controls[0] for prepared in told[:2]]
    wanted = embedded(guided, "organ C3", 0.3, contour_of(recording, 0.3)), embedded(guided, "", 0.3)
    for expected in wanted:
        assert min((got - expected).abs().max() for got in controls) < 1e-5


def test_a_model_without_controls_is_told_none_and_makes_sounds_from_recordings_all_the_same() -> None:
    deaf = filled(replace(TINY, dit=replace(TINY.dit, control_width=0)), PackedEngine)
    assert deaf.controls("organ C3", 0.3, 8) is None
    made = Generation("organ C3", 0.3, 2, 1, sung(220), 0.5)
    assert followed(deaf, made) == ()
    assert np.isfinite(deaf.generate(made)).all()


def test_a_pipeline_tells_signals_of_one_item_on_the_canvas(tiny: Pipeline) -> None:
    rows_st = contour_of(sung(220), 0.3)
    controls = tiny.controls("organ C3", 0.3, 8, rows_st)
    assert controls is not None
    np.testing.assert_array_equal(controls[0], control_signals(TINY, 8, 0.3, "organ C3", rows_st))
    assert controls[0, CONTOUR].any()


@pytest.mark.parametrize("seconds", [0.0, -1.0, 6.5])
def test_a_length_that_cannot_be_made_is_named(pipeline: Pipeline, seconds: float) -> None:
    with pytest.raises(ValueError, match=f"seconds={seconds:g}"):
        pipeline.generate(Generation("kick", seconds))


def test_canvases_are_multiples_of_eight_frames_and_the_published_one_is_always_full() -> None:
    assert [ARC_MINI.canvas_frames(n) for n in (1, 8 * 2048, 8 * 2048 + 1, ARC_MINI.max_samples)] == [8, 8, 16, 128]
    assert SAO_SMALL.canvas_frames(44_100) == 256


def test_the_shipped_weights_match_their_digest() -> None:
    digests = json.loads((embedded_folder() / DIGESTS_FILE).read_text())
    assert digests == {WEIGHTS_FILE: sha256(embedded_folder() / WEIGHTS_FILE)}


def test_the_shipped_weights_stay_within_48_mib() -> None:
    assert sum(file.stat().st_size for file in embedded_folder().glob("*.safetensors")) <= 48 * 2**20


@pytest.fixture
def parts() -> dict:
    generator, autoencoder = Generator(ARC_MINI), SpectralAutoencoder.of(ARC_MINI)
    parts = {"dit": generator.dit, "seconds": generator.seconds, "autoencoder": autoencoder}
    load_model(embedded_folder(), parts)
    return parts


def test_a_truncated_weights_file_is_one_sentence_naming_it(parts: dict, tmp_path: Path) -> None:
    whole = (embedded_folder() / WEIGHTS_FILE).read_bytes()
    (tmp_path / WEIGHTS_FILE).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match=WEIGHTS_FILE):
        load_model(tmp_path, parts)


def test_weights_with_a_value_that_is_not_finite_are_refused_by_name(parts: dict, tmp_path: Path) -> None:
    shutil.copy(embedded_folder() / WEIGHTS_FILE, tmp_path)
    tensors = read(tmp_path / WEIGHTS_FILE)
    name = "dit.output_projection.weight"
    tensors[name][0, 0] = float("nan")
    write(tmp_path / WEIGHTS_FILE, tensors, {})
    with pytest.raises(CheckpointError, match=name):
        load_model(tmp_path, parts)


@pytest.fixture
def saved(parts: dict, tmp_path: Path) -> Path:
    """The embedded model as `save_model` writes it: weights and their digest."""
    save_model(tmp_path, parts, {})
    return tmp_path


def test_a_saved_model_is_loaded_and_one_of_another_maker_needs_no_digest(parts: dict, saved: Path) -> None:
    wanted = next(parts["dit"].parameters()).detach().clone()
    for is_ours in (True, False):
        if not is_ours:
            (saved / DIGESTS_FILE).unlink()
        next(parts["dit"].parameters()).data.zero_()
        load_model(saved, parts)
        torch.testing.assert_close(next(parts["dit"].parameters()), wanted)


def test_one_changed_bit_that_leaves_the_values_plausible_is_found(parts: dict, saved: Path) -> None:
    data = bytearray((saved / WEIGHTS_FILE).read_bytes())
    data[-2] ^= 1  # the lowest bit of the last float16 value
    (saved / WEIGHTS_FILE).write_bytes(data)
    read(saved / WEIGHTS_FILE)
    with pytest.raises(CheckpointError, match=rf"{WEIGHTS_FILE} does not match its digest .*; fetch it again"):
        load_model(saved, parts)


def test_weights_of_another_model_are_refused_with_their_file_and_the_first_tensor(parts: dict, tmp_path: Path) -> None:
    save_model(tmp_path, {"dit": parts["dit"]}, {})
    with pytest.raises(CheckpointError, match=rf"{WEIGHTS_FILE} is of another model .autoencoder.* is missing from"):
        load_model(tmp_path, parts)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b"{}"])
def test_damaged_digests_are_one_sentence_naming_their_file(parts: dict, saved: Path, content: bytes) -> None:
    (saved / DIGESTS_FILE).write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"{DIGESTS_FILE} does not tell the digest .*; fetch it again"):
        load_model(saved, parts)
