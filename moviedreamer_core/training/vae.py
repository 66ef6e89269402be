"""Image VAE: L1 + L2 + gradient loss, a very small KL term; then its latents are scaled to unit variance.

The paper takes SDXL's VAE as it is; the miniature trains its own on the storyworld.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from moviedreamer_core.autoencoder.vae import ImageVAE
from moviedreamer_core.training.loop import Losses

KL_WEIGHT = 1e-5
GRADIENT_WEIGHT = 1.0


def images_at(frames: np.ndarray, indices: np.ndarray) -> Float[Tensor, "B 3 H W"]:
    """Frames uint8 [N, H, W, 3] -> images in [0, 1]."""
    picked = np.ascontiguousarray(frames[np.sort(indices)])
    return torch.from_numpy(picked).permute(0, 3, 1, 2).float().div_(255)


def random_indices(step: int, batch_size: int, total: int, *, seed: int) -> np.ndarray:
    """The frames of a step: a pure function of the step, so that a resumed run sees the same ones."""
    return np.random.default_rng([seed, step]).integers(0, total, batch_size)


def batches(frames: np.ndarray, batch_size: int) -> Callable[[int], Tensor]:
    return lambda step: images_at(frames, random_indices(step, batch_size, len(frames), seed=1))


def vae_losses(vae: nn.Module, images: Tensor, step: int) -> Losses:
    """Reconstruction of a sampled latent; `psnr_db` is for reading only."""
    assert isinstance(vae, ImageVAE)
    posterior = vae.posterior(images)
    latents = posterior.mean + torch.exp(0.5 * posterior.logvar) * torch.randn_like(posterior.mean)
    rebuilt = vae.decode(latents * vae.scaling_factor, clip=False).float()
    difference = rebuilt - images
    l1, l2 = difference.abs().mean(), difference.square().mean()
    gradient = _edges(difference).mean()
    kl = 0.5 * (posterior.mean.float().square() + posterior.logvar.float().exp() - 1 - posterior.logvar.float()).mean()
    loss = l1 + l2 + GRADIENT_WEIGHT * gradient + KL_WEIGHT * kl
    return {"loss": loss, "l1": l1, "kl": kl, "psnr_db": -10 * torch.log10(l2)}


def _edges(difference: Float[Tensor, "B 3 H W"]) -> Tensor:
    """Mean absolute horizontal and vertical gradient of the error: keeps outlines sharp."""
    dx = (difference[..., 1:] - difference[..., :-1]).abs()
    dy = (difference[..., 1:, :] - difference[..., :-1, :]).abs()
    return dx.mean() + dy.mean()


@torch.no_grad()
def latent_scale(vae: ImageVAE, images: Float[Tensor, "B 3 H W"]) -> float:
    """The factor that brings the latents of these images to unit standard deviation."""
    return float(1.0 / vae.posterior(images).mean.float().std())
