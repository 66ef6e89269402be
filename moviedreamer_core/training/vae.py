"""Image VAE: L1 + L2 + gradient loss, a very small KL term; then its latents are scaled to unit variance.

The paper takes SDXL's VAE as it is; the miniature trains its own on the storyworld.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from moviedreamer_core.autoencoder.vae import ImageVAE
from moviedreamer_core.training.loop import Losses

KL_WEIGHT = 3e-5
GRADIENT_WEIGHT = 1.0
WHOLE_FRAMES_FROM = 0.9  # of the run


def images_at(frames: np.ndarray, indices: np.ndarray) -> Float[Tensor, "B 3 H W"]:
    """Frames uint8 [N, H, W, 3] -> images in [0, 1]."""
    picked = np.ascontiguousarray(frames[np.sort(indices)])
    return torch.from_numpy(picked).permute(0, 3, 1, 2).float().div_(255)


def random_indices(step: int, batch_size: int, total: int, *, seed: int) -> np.ndarray:
    """The frames of a step: a pure function of the step, so that a resumed run sees the same ones."""
    return np.random.default_rng([seed, step]).integers(0, total, batch_size)


def batches(frames: np.ndarray, batch_size: int, *, steps: int) -> Callable[[int], Tensor]:
    """Random crops of a quarter of the frame; in the last tenth of the run whole frames, a quarter as many.

    A convolutional autoencoder learns as much from a crop as from as many pixels of a whole frame, and four times
    as many steps fit the same time. The whole frames at the end are for its norms, which see the frame's size.
    """
    height, width = frames.shape[1] // 2, frames.shape[2] // 2

    def batch_at(step: int) -> Tensor:
        if step >= steps * WHOLE_FRAMES_FROM:
            return images_at(frames, random_indices(step, max(1, batch_size // 4), len(frames), seed=1))
        rng = np.random.default_rng([1, step])
        crops = [
            frames[frame, top : top + height, left : left + width]
            for frame, top, left in zip(
                np.sort(rng.integers(0, len(frames), batch_size)),
                rng.integers(0, frames.shape[1] - height + 1, batch_size),
                rng.integers(0, frames.shape[2] - width + 1, batch_size),
                strict=True,
            )
        ]
        return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float().div_(255)

    return batch_at


def vae_losses(vae: nn.Module, images: Tensor, step: int) -> Losses:
    """Reconstruction of a sampled latent; `psnr_db` is for reading only.

    Every second step the latent is shrunk before it is decoded, and must give the shrunken image: latents that
    scale as pictures do are smoother and much easier for a diffusion model to learn.
    Source: EQ-VAE, Kouzelis et al. 2025, equation 5 (here the scale alone).
    """
    assert isinstance(vae, ImageVAE)
    posterior = vae.posterior(images)
    latents = posterior.mean + torch.exp(0.5 * posterior.logvar) * torch.randn_like(posterior.mean)
    if step % 2:
        rows, columns = latents.shape[-2] // 2, latents.shape[-1] // 2
        latents = F.interpolate(latents.float(), (rows, columns), mode="area")
        images = F.interpolate(images, (rows * vae.downsampling, columns * vae.downsampling), mode="area")
    rebuilt = vae.decode(latents * vae.scaling_factor, clip=False).float()
    difference = rebuilt - images
    l1, l2 = difference.abs().mean(), difference.square().mean()
    gradient = edges(difference).mean()
    kl = (
        0.5
        * (
            posterior.mean.float().square() + posterior.logvar.float().exp() - 1 - posterior.logvar.float()
        ).mean()
    )
    loss = l1 + l2 + GRADIENT_WEIGHT * gradient + KL_WEIGHT * kl
    return {"loss": loss, "l1": l1, "kl": kl, "psnr_db": -10 * torch.log10(l2)}


def edges(difference: Float[Tensor, "B 3 H W"]) -> Tensor:
    """Mean absolute horizontal and vertical gradient of the error: keeps outlines sharp."""
    dx = (difference[..., 1:] - difference[..., :-1]).abs()
    dy = (difference[..., 1:, :] - difference[..., :-1, :]).abs()
    return dx.mean() + dy.mean()
