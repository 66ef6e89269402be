"""Noise schedule: how clean latents and noise mix at each timestep, and the solver that goes back.

x_t = alpha_t x_0 + sigma_t noise, with alpha_t^2 + sigma_t^2 = 1 and T = 1000 timesteps, 0 the cleanest.
SDXL's betas, optionally rescaled to zero terminal SNR (Lin et al. 2023, "Common diffusion noise schedules and
sample steps are flawed", algorithm 1); v-prediction as in Salimans & Ho 2022, appendix D.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from diffusers import DDPMScheduler, DPMSolverMultistepScheduler
from jaxtyping import Float, Int
from torch import Tensor

from moviedreamer_core.config import RendererConfig

NUM_TIMESTEPS = 1000
EPSILON, V_PREDICTION = "epsilon", "v_prediction"


class NoiseSchedule:
    """alpha_t and sigma_t of one renderer, and what its U-Net predicts."""

    def __init__(self, config: RendererConfig) -> None:
        if config.prediction_type not in (EPSILON, V_PREDICTION):
            raise ValueError(
                f"prediction_type must be {EPSILON} or {V_PREDICTION}, got {config.prediction_type}; "
                "correct the config"
            )
        if config.zero_terminal_snr and config.prediction_type == EPSILON:
            # At the last timestep x_t IS the noise: predicting it says nothing about x_0.
            raise ValueError("zero_terminal_snr cannot work with epsilon prediction; use v_prediction")
        self.prediction_type = config.prediction_type
        self.library_options: dict[str, Any] = {
            "num_train_timesteps": NUM_TIMESTEPS,
            "beta_schedule": "scaled_linear",
            "beta_start": 0.00085,
            "beta_end": 0.012,
            "prediction_type": config.prediction_type,
            "rescale_betas_zero_snr": config.zero_terminal_snr,
        }
        self.alpha_bar: Float[Tensor, " T"] = DDPMScheduler(**self.library_options).alphas_cumprod

    def noisy(
        self, clean: Float[Tensor, "B L h w"], noise: Float[Tensor, "B L h w"], timesteps: Int[Tensor, " B"]
    ) -> Float[Tensor, "B L h w"]:
        """x_t."""
        alpha, sigma = self._alpha_sigma(timesteps)
        return alpha * clean + sigma * noise

    def target(
        self, clean: Float[Tensor, "B L h w"], noise: Float[Tensor, "B L h w"], timesteps: Int[Tensor, " B"]
    ) -> Float[Tensor, "B L h w"]:
        """What the U-Net should answer: the noise, or v = alpha_t noise - sigma_t x_0."""
        if self.prediction_type == EPSILON:
            return noise
        alpha, sigma = self._alpha_sigma(timesteps)
        return alpha * noise - sigma * clean

    def clean_estimate(
        self,
        noisy: Float[Tensor, "B L h w"],
        prediction: Float[Tensor, "B L h w"],
        timesteps: Int[Tensor, " B"],
    ) -> Float[Tensor, "B L h w"]:
        """The x_0 that a prediction at x_t implies."""
        alpha, sigma = self._alpha_sigma(timesteps)
        if self.prediction_type == EPSILON:
            return (noisy - sigma * prediction) / alpha
        return alpha * noisy - sigma * prediction

    def solver(self, num_steps: int, device: torch.device | str = "cpu") -> DPMSolverMultistepScheduler:
        """DPM-Solver++ 2M (Lu et al. 2022) over `num_steps` timesteps that end exactly at the noisiest one.

        Trailing spacing is what makes zero terminal SNR count: the first step then starts from pure noise, as
        in training. The last step goes to sigma 0 by the first-order update, whose limit is x_0 itself.
        Raises ValueError unless 1 <= num_steps <= T.
        """
        if not 1 <= num_steps <= NUM_TIMESTEPS:
            raise ValueError(f"steps must be from 1 to {NUM_TIMESTEPS}, got {num_steps}; 20 is a good number")
        solver = DPMSolverMultistepScheduler(
            **self.library_options, algorithm_type="dpmsolver++", solver_order=2, final_sigmas_type="zero"
        )
        # Set by hand: the library's own trailing spacing counts one step too many, at timestep -1, where
        # the rounding of 1000 / num_steps goes the wrong way.
        trailing = np.round(NUM_TIMESTEPS * np.arange(num_steps, 0, -1) / num_steps).astype(int) - 1
        solver.set_timesteps(timesteps=trailing.tolist(), device=device)
        return solver

    def _alpha_sigma(
        self, timesteps: Int[Tensor, " B"]
    ) -> tuple[Float[Tensor, "B 1 1 1"], Float[Tensor, "B 1 1 1"]]:
        alpha_bar = self.alpha_bar.to(timesteps.device)[timesteps][:, None, None, None]
        return alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
