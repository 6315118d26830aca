"""Samplers against flows whose answer is known in closed form."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.flow import interpolate
from model.guidance import guided
from model.sampler import Step, dpmpp, draw_noise, euler, pingpong
from model.schedule import log_snr_times

SHAPE = (2, 4, 6)
TARGET = torch.linspace(-2, 2, 48).view(SHAPE)


def noise(seed: int = 0) -> torch.Tensor:
    return draw_noise(SHAPE, torch.Generator().manual_seed(seed))


def towards_target(x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
    """The exact velocity where all data is one point: (x − x0)/t."""
    return (x - TARGET) / time.view(-1, 1, 1)


def of_gaussian_data(x: torch.Tensor, time: torch.Tensor, std: float = 0.5) -> torch.Tensor:
    """The exact velocity E[ε − x0 | x] for data N(0, std²)."""
    t = time.view(-1, 1, 1)
    return (t - (1 - t) * std**2) / (t**2 + (1 - t) ** 2 * std**2) * x


def run(name: str, velocity, x, times, seed: int = 1) -> list[Step]:
    samplers = {"euler": euler, "dpmpp": dpmpp}
    if name == "pingpong":
        return list(pingpong(velocity, x, times, torch.Generator().manual_seed(seed)))
    return list(samplers[name](velocity, x, times))


@pytest.mark.parametrize("name", ["pingpong", "euler", "dpmpp"])
@given(steps=st.integers(1, 12), seed=st.integers(0, 99))
def test_with_the_exact_velocity_of_a_known_target_a_sampler_reaches_it(name, steps, seed):
    done = run(name, towards_target, noise(seed), log_snr_times(steps))
    torch.testing.assert_close(done[-1].latent_bct, TARGET, atol=1e-5, rtol=1e-5)
    assert torch.equal(done[-1].latent_bct, done[-1].x0_bct)


@pytest.mark.parametrize("name", ["pingpong", "euler", "dpmpp"])
def test_from_a_re_noised_recording_it_is_reached_too(name):
    times = log_snr_times(4, 0.3)
    done = run(name, towards_target, interpolate(noise(3), noise(4), times[0]), times)
    torch.testing.assert_close(done[-1].latent_bct, TARGET, atol=1e-5, rtol=1e-5)


def test_steps_are_counted_from_one_and_carry_their_time():
    times = log_snr_times(3)
    done = run("pingpong", towards_target, noise(), times)
    assert [(step.index, step.steps, step.time) for step in done] == [(i + 1, 3, times[i]) for i in range(3)]


def test_euler_and_dpmpp_follow_the_flow_of_gaussian_data_and_dpmpp_faster():
    """The flow scales noise by std(0)/std(1) = 0.5, exactly."""
    x = noise().double()
    errors = {}
    for name in ("euler", "dpmpp"):
        for steps in (16, 64):
            result = run(name, of_gaussian_data, x, [1 - i / steps for i in range(steps + 1)])[-1].latent_bct
            errors[name, steps] = ((result - 0.5 * x).norm() / (0.5 * x).norm()).item()
    assert errors["euler", 64] < errors["euler", 16] / 3 < 0.03
    assert errors["dpmpp", 64] < errors["dpmpp", 16] / 3
    assert errors["dpmpp", 16] < errors["euler", 16]


def test_pingpong_re_noises_to_the_level_of_the_next_step():
    seen = []

    def velocity(x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        seen.append(x.std().item())
        return x / time.view(-1, 1, 1)  # x̂0 = 0, so what is seen is noise of the step's level

    x = draw_noise((1, 64, 400), torch.Generator().manual_seed(0))
    times = log_snr_times(6)
    list(pingpong(velocity, x, times, torch.Generator().manual_seed(1)))
    assert seen == pytest.approx(times[:-1], rel=0.03)


def test_pingpong_draws_one_noise_a_step_the_last_included():
    generator, expected = (torch.Generator().manual_seed(7) for _ in range(2))
    list(pingpong(towards_target, noise(), log_snr_times(3), generator))
    for _ in range(3):
        draw_noise(SHAPE, expected)
    assert torch.equal(generator.get_state(), expected.get_state())


def test_a_seed_is_the_stream_of_torch_manual_seed_starting_noise_first():
    """What the published code does on a CPU: torch.manual_seed, then randn, then a randn_like a step."""
    seen: list[torch.Tensor] = []
    generator = torch.Generator().manual_seed(1234)
    x = draw_noise(SHAPE, generator)
    for step in pingpong(lambda x, t: x - TARGET, x, log_snr_times(3), generator):
        seen.append(step.latent_bct - (1 - log_snr_times(3)[step.index]) * step.x0_bct)
    with torch.random.fork_rng():
        torch.manual_seed(1234)
        assert torch.equal(x, torch.randn(SHAPE))
        for level, added in zip(log_snr_times(3)[1:], seen, strict=True):
            torch.testing.assert_close(added, level * torch.randn_like(x))
        after = torch.randn(4)
    assert torch.equal(torch.randn(4, generator=generator), after)  # the last, unheard draw included


@pytest.mark.parametrize("name", ["pingpong", "euler", "dpmpp"])
def test_a_batch_is_its_items_for_whatever_does_not_depend_on_fresh_noise(name):
    done = run(name, towards_target, noise(3), log_snr_times(5))
    for i in range(SHAPE[0]):
        one = run(name, lambda x, t, i=i: (x - TARGET[i : i + 1]) / t, noise(3)[i : i + 1], log_snr_times(5))
        torch.testing.assert_close(one[-1].latent_bct, done[-1].latent_bct[i : i + 1], atol=1e-5, rtol=1e-5)


def test_the_same_seed_is_the_same_result_and_another_seed_another():
    def pull(x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        return x.tanh()

    first, again = (run("pingpong", pull, noise(), log_snr_times(4), seed=5)[-1].latent_bct for _ in range(2))
    other = run("pingpong", pull, noise(), log_snr_times(4), seed=6)[-1].latent_bct
    assert torch.equal(first, again)
    assert (first - other).abs().max() > 0.01


@pytest.mark.parametrize("name", ["pingpong", "euler", "dpmpp"])
def test_between_steps_the_caller_is_not_in_inference_mode(name):
    weight = torch.ones(1, requires_grad=True)
    generator = torch.Generator().manual_seed(0)
    arguments = (generator,) if name == "pingpong" else ()
    steps = {"pingpong": pingpong, "euler": euler, "dpmpp": dpmpp}[name](
        lambda x, t: x * weight, noise(), log_snr_times(2), *arguments
    )
    next(steps)
    assert not torch.is_inference_mode_enabled()
    (weight * 2).backward()
    assert weight.grad == 2
    steps.close()


def test_stopping_early_costs_no_further_velocity():
    calls = []
    steps = pingpong(lambda x, t: calls.append(1) or x, noise(), log_snr_times(8), torch.Generator().manual_seed(0))
    next(steps)
    steps.close()
    assert len(calls) == 1


@given(scale=st.floats(0, 10))
def test_guidance_moves_along_the_line_through_both_velocities(scale):
    velocity = guided(lambda x, t: 3 * x, lambda x, t: x, scale)
    torch.testing.assert_close(velocity(TARGET, torch.ones(2)), (1 + 2 * scale) * TARGET)


def test_guidance_of_scale_one_never_calls_the_unconditional_velocity():
    def forbidden(x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        raise AssertionError("called")

    assert torch.equal(guided(lambda x, t: x, forbidden, 1.0)(TARGET, torch.ones(2)), TARGET)
