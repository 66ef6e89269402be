import dataclasses

import numpy as np
import pytest
import torch
from diffusers import DDPMScheduler, DPMSolverMultistepScheduler

from moviedreamer_core.autoencoder.noise_schedule import NoiseSchedule
from moviedreamer_core.config import RendererConfig, miniature, paper

EVERY_TIMESTEP = torch.arange(1000)


@pytest.fixture
def zero_snr() -> NoiseSchedule:
    return NoiseSchedule(miniature().renderer)


@pytest.fixture
def sdxl() -> NoiseSchedule:
    return NoiseSchedule(paper().renderer)


def pictures(num: int) -> torch.Tensor:
    return torch.randn(num, 4, 2, 2)


def test_the_paper_preset_has_sdxls_schedule(sdxl):
    betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=np.float64) ** 2
    np.testing.assert_allclose(sdxl.alpha_bar.numpy(), np.cumprod(1 - betas), rtol=1e-4)


def test_zero_terminal_snr_ends_at_exactly_zero_and_starts_where_sdxl_does(zero_snr, sdxl):
    assert zero_snr.alpha_bar[-1].item() == 0
    assert sdxl.alpha_bar[-1].item() > 0.004
    torch.testing.assert_close(zero_snr.alpha_bar[0], sdxl.alpha_bar[0])
    assert (zero_snr.alpha_bar.diff() < 0).all()


def test_zero_terminal_snr_is_sdxls_alpha_shifted_and_scaled(zero_snr, sdxl):
    """Algorithm 1 of Lin et al., in double precision."""
    alpha = sdxl.alpha_bar.double().sqrt()
    expected = (alpha - alpha[-1]) * alpha[0] / (alpha[0] - alpha[-1])
    torch.testing.assert_close(zero_snr.alpha_bar.double().sqrt(), expected, atol=2e-5, rtol=1e-3)


@pytest.mark.parametrize("preset", [paper, miniature])
def test_noisy_latents_equal_the_librarys(preset):
    schedule = NoiseSchedule(preset().renderer)
    clean, noise = pictures(1000), pictures(1000)
    library = DDPMScheduler(**schedule.library_options)
    expected = library.add_noise(clean, noise, EVERY_TIMESTEP)
    torch.testing.assert_close(schedule.noisy(clean, noise, EVERY_TIMESTEP), expected)


def test_v_is_alpha_noise_minus_sigma_x(zero_snr):
    """Salimans & Ho, appendix D: with alpha = cos phi and sigma = sin phi, v = dz / dphi."""
    clean, noise = pictures(1000).double(), pictures(1000).double()
    phi = torch.acos(zero_snr.alpha_bar.double().sqrt())[:, None, None, None].requires_grad_()
    z = torch.cos(phi) * clean + torch.sin(phi) * noise
    slope = torch.autograd.functional.jvp(
        lambda angle: torch.cos(angle) * clean + torch.sin(angle) * noise, phi, torch.ones_like(phi)
    )[1]
    for made, expected in ((zero_snr.target, slope), (zero_snr.noisy, z)):
        found = made(clean, noise, EVERY_TIMESTEP)
        torch.testing.assert_close(found, expected.detach(), atol=1e-5, rtol=1e-4)


def test_at_the_last_timestep_v_is_minus_the_picture(zero_snr):
    clean, noise, last = pictures(3), pictures(3), torch.full((3,), 999)
    assert torch.equal(zero_snr.noisy(clean, noise, last), noise)
    assert torch.equal(zero_snr.target(clean, noise, last), -clean)


def test_the_paper_preset_predicts_the_noise(sdxl):
    clean, noise = pictures(2), pictures(2)
    assert torch.equal(sdxl.target(clean, noise, torch.tensor([0, 999])), noise)


@pytest.mark.parametrize(("preset", "tolerance"), [(paper, 1e-4), (miniature, 1e-5)])
def test_a_perfect_prediction_gives_the_clean_latents_back(preset, tolerance):
    schedule = NoiseSchedule(preset().renderer)
    clean, noise = pictures(1000), pictures(1000)
    noisy, target = (make(clean, noise, EVERY_TIMESTEP) for make in (schedule.noisy, schedule.target))
    estimate = schedule.clean_estimate(noisy, target, EVERY_TIMESTEP)
    torch.testing.assert_close(estimate, clean, atol=tolerance, rtol=0)


@pytest.mark.parametrize("num_steps", [1, 2, 6, 20, 25, 50])
def test_timesteps_are_the_librarys_trailing_ones(zero_snr, num_steps):
    library = DPMSolverMultistepScheduler(timestep_spacing="trailing")
    library.set_timesteps(num_steps)
    assert zero_snr.solver(num_steps).timesteps.tolist() == library.timesteps.tolist()


def test_any_number_of_steps_gives_that_many_distinct_timesteps_from_the_noisiest_one_down(zero_snr):
    for num_steps in range(1, 1001):
        timesteps = zero_snr.solver(num_steps).timesteps
        assert len(timesteps) == num_steps
        assert timesteps[0] == 999
        assert timesteps[-1] >= 0
        assert (timesteps.diff() < 0).all()


@pytest.mark.parametrize(("preset", "num_steps", "tolerance"), [
    (miniature, 1000, 0.01), (miniature, 50, 0.04), (miniature, 20, 0.1), (paper, 1000, 0.06),
])  # fmt: skip
def test_with_the_exact_model_of_gaussian_data_the_solver_follows_its_flow(preset, num_steps, tolerance):
    """For x_0 ~ N(m, s^2) the probability flow is x_t = alpha m + z sqrt(alpha^2 s^2 + sigma^2), z constant.

    The mean 3 is far off the noise's: only a sampler that really starts from pure noise gets there.
    """
    schedule, mean, std = NoiseSchedule(preset().renderer), 3.0, 0.5
    solver = schedule.solver(num_steps)
    x = torch.linspace(-2, 2, 16).reshape(1, 4, 2, 2)
    alpha_bar = schedule.alpha_bar[999]
    z = (x - alpha_bar.sqrt() * mean) / (alpha_bar * std**2 + 1 - alpha_bar).sqrt()
    for timestep in solver.timesteps:
        alpha, sigma = schedule.alpha_bar[timestep].sqrt(), (1 - schedule.alpha_bar[timestep]).sqrt()
        clean = mean + alpha * std**2 / (alpha**2 * std**2 + sigma**2) * (x - alpha * mean)  # E[x_0 | x_t]
        noise = (x - alpha * clean) / sigma
        prediction = noise if schedule.prediction_type == "epsilon" else alpha * noise - sigma * clean
        x = solver.step(prediction, timestep, x).prev_sample
    assert (x - (mean + std * z)).abs().max() < tolerance


@pytest.mark.parametrize("num_steps", [1, 2, 6, 20])
def test_the_last_step_lands_on_the_predicted_picture_itself(zero_snr, num_steps):
    solver, picture, x = zero_snr.solver(num_steps), pictures(1), pictures(1)
    for timestep in solver.timesteps:
        alpha_bar = zero_snr.alpha_bar[timestep]
        noise = (x - alpha_bar.sqrt() * picture) / (1 - alpha_bar).sqrt()
        x = solver.step(alpha_bar.sqrt() * noise - (1 - alpha_bar).sqrt() * picture, timestep, x).prev_sample
    torch.testing.assert_close(x, picture, atol=1e-3, rtol=0)


@pytest.mark.parametrize("num_steps", [0, -3, 1001])
def test_an_impossible_number_of_steps_is_refused(zero_snr, num_steps):
    with pytest.raises(ValueError, match=f"steps must be from 1 to 1000, got {num_steps}"):
        zero_snr.solver(num_steps)


def test_noise_prediction_with_zero_terminal_snr_is_refused():
    with pytest.raises(ValueError, match="cannot work with epsilon prediction; use v_prediction"):
        NoiseSchedule(RendererConfig(zero_terminal_snr=True))


def test_an_unknown_prediction_type_is_refused():
    config = dataclasses.replace(paper().renderer, prediction_type="flow")
    with pytest.raises(ValueError, match="prediction_type must be epsilon or v_prediction, got flow"):
        NoiseSchedule(config)
