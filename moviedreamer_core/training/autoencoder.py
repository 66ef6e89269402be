"""Diffusion autoencoder, MovieDreamer section 3.2 and 3.5, in the paper's three stages and one before them.

The paper starts from a trained SDXL; the miniature starts from nothing, which costs it two changes, both here:
stage 0 teaches the compressor by two plain readers of its tokens, at a fraction of the U-Net's cost, and no stage
freezes a U-Net that knows nothing yet.

stage 0  compressor + readers of latents and labels            (ours)
stage 1  compressor + U-Net on visual tokens, noise loss       (paper: U-Net frozen for the first 20k steps)
stage 2  the same with noise offset 0.05                       (paper: movie frames; here all frames are)
stage 3  compressor frozen, 22 slots, each masked at 0.2       (paper)

In stages 1 to 3 the tokens get a little Gaussian noise (ours): the planner's tokens are not exact either.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from moviedreamer_core.autoencoder.compressor import Compressor
from moviedreamer_core.autoencoder.renderer import Renderer
from moviedreamer_core.config import RendererConfig
from moviedreamer_core.data.encoded_world import EncodedWorld
from moviedreamer_core.data.frame_labels import ABSENT
from moviedreamer_core.training.loop import Losses
from moviedreamer_core.training.vae import random_indices

NOISE_OFFSET = {1: 0.0, 2: 0.05, 3: 0.05}
DROP_PROBABILITY = 0.1  # all conditioning, for classifier-free guidance; the paper is silent
TOKEN_NOISE = 0.3  # largest standard deviation, in units of a token's own


class CompressorWarmUp(nn.Module):
    """Stage 0: the compressor with two plain readers of its tokens, which are thrown away afterwards.

    One regresses the frame's latents, the other names what the storyworld knows of the frame (LABELS). Without the
    second, hundreds of steps go by in which the tokens hold little more than the palette: an effective rank of 3.5
    of 512 after 600 steps of regression alone.
    """

    def __init__(
        self, compressor: Compressor, latent_shape: Sequence[int], num_values: Sequence[int]
    ) -> None:
        super().__init__()
        width = compressor.config.num_visual_tokens * compressor.config.token_channels
        self.compressor = compressor
        self.num_values = tuple(num_values)
        self.sketch = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, math.prod(latent_shape))
        )
        self.label_reader = nn.Linear(width, sum(num_values))

    def forward(self, batch: WarmUpBatch) -> Losses:
        tokens = _noised(self.compressor(batch.spatial)).flatten(1)  # (B, V D)
        sketched = self.sketch(tokens).float()
        regression = F.mse_loss(sketched, batch.latents.flatten(1))
        readings = self.label_reader(tokens).float().split(self.num_values, dim=1)
        given = [(reading, batch.labels[:, x]) for x, reading in enumerate(readings)]
        naming = torch.stack(
            [
                F.cross_entropy(reading, label, ignore_index=ABSENT)
                for reading, label in given
                if (label >= 0).any()
            ]
        ).mean()
        return {"loss": regression + naming, "regression": regression, "naming": naming}


def _noised(tokens: Float[Tensor, "B V D"]) -> Float[Tensor, "B V D"]:
    """With Gaussian noise of another strength for each frame: the planner's tokens are not exact either."""
    strength = TOKEN_NOISE * torch.rand(len(tokens), 1, 1, device=tokens.device)
    return tokens + strength * torch.randn_like(tokens)


class AutoencoderStages(nn.Module):
    """Stages 1 to 3 of one set of modules."""

    def __init__(self, compressor: Compressor, renderer: Renderer, stage: int) -> None:
        super().__init__()
        if stage not in NOISE_OFFSET:
            raise ValueError(f"stage must be 1, 2 or 3, got {stage}")
        self.compressor = compressor.requires_grad_(stage < 3)
        self.unet, self.conditioning = renderer.unet, renderer.conditioning
        self._renderer, self.stage = [renderer], stage  # in a list: its VAE is not ours to train or save

    def forward(self, batch: FrameBatch, step: int) -> Losses:
        renderer = self._renderer[0]
        with torch.set_grad_enabled(self.stage < 3 and torch.is_grad_enabled()):
            tokens = self.compressor(batch.spatial)
        tokens = _noised(tokens)
        generator = torch.Generator().manual_seed(step)
        drop = torch.rand(len(tokens), generator=generator) < DROP_PROBABILITY
        conditions = self.conditioning(
            tokens, batch.descriptions, batch.description_given, batch.faces, batch.face_given,
            slot_mask=self.stage == 3, generator=generator, drop=drop.to(tokens.device),
            use={"visual", "descriptions", "faces"} if self.stage == 3 else {"visual"},
        )  # fmt: skip
        loss = renderer.noise_loss(
            batch.latents, conditions, generator=generator, noise_offset=NOISE_OFFSET[self.stage]
        )
        return {"loss": loss.mean()}


@dataclass(frozen=True)
class WarmUpBatch:
    latents: Float[Tensor, "B L h w"]
    spatial: Float[Tensor, "B T C"]
    labels: Int[Tensor, "B X"]


@dataclass(frozen=True)
class FrameBatch:
    latents: Float[Tensor, "B L h w"]
    spatial: Float[Tensor, "B T C"]
    descriptions: Float[Tensor, "B N E"]
    description_given: Tensor
    faces: Float[Tensor, "B P F"]
    face_given: Tensor


def batches(
    data: EncodedWorld, renderer: RendererConfig, batch_size: int, *, seed: int
) -> Callable[[int], FrameBatch]:
    """Random frames with their latents, spatial tokens, sentences and a random portrait of each person."""
    latents, spatial = data.load("latents"), data.load("spatial")

    def batch_at(step: int) -> FrameBatch:
        frames = np.sort(random_indices(step, batch_size, len(latents), seed=seed))
        descriptions, description_given = data.descriptions(frames, renderer.num_description_slots)
        faces, face_given = data.faces(
            frames, renderer.num_face_slots, np.random.default_rng([seed, step, 1])
        )
        return FrameBatch(
            torch.from_numpy(latents[frames].astype(np.float32)),
            torch.from_numpy(spatial[frames].astype(np.float32)),
            descriptions, description_given, faces, face_given,
        )  # fmt: skip

    return batch_at


def warm_up_batches(data: EncodedWorld, labels: np.ndarray, batch_size: int) -> Callable[[int], WarmUpBatch]:
    """Random frames for stage 0; `labels` are those of `frame_labels`."""
    latents, spatial = data.load("latents"), data.load("spatial")

    def batch_at(step: int) -> WarmUpBatch:
        frames = np.sort(random_indices(step, batch_size, len(latents), seed=4))
        return WarmUpBatch(
            torch.from_numpy(latents[frames].astype(np.float32)),
            torch.from_numpy(spatial[frames].astype(np.float32)),
            torch.from_numpy(labels[frames].astype(np.int64)),
        )

    return batch_at
