"""Diffusion autoencoder, MovieDreamer section 3.2 and 3.5, in the paper's three stages and one before them.

The paper starts from a trained SDXL; the miniature starts from nothing, which costs it two changes, both here:
stage 0 teaches the compressor with a light decoder that regresses the VAE's latents (thousands of frames a minute
where the U-Net manages dozens), and no stage freezes a U-Net that knows nothing yet.

stage 0  compressor + sketch decoder, l2 on latents            (ours)
stage 1  compressor + U-Net on visual tokens, noise loss       (paper: U-Net frozen for the first 20k steps)
stage 2  the same with noise offset 0.05                       (paper: movie frames; here all frames are)
stage 3  compressor frozen, 22 slots, each masked at 0.2       (paper)

In stages 1 to 3 the tokens get a little Gaussian noise (ours): the planner's tokens are not exact either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from moviedreamer_core.autoencoder.compressor import Block, Compressor
from moviedreamer_core.autoencoder.renderer import Renderer
from moviedreamer_core.config import CompressorConfig, RendererConfig
from moviedreamer_core.data.encoded_world import EncodedWorld
from moviedreamer_core.training.loop import Losses
from moviedreamer_core.training.vae import random_indices

NOISE_OFFSET = {1: 0.0, 2: 0.05, 3: 0.05}
DROP_PROBABILITY = 0.1  # all conditioning, for classifier-free guidance; the paper is silent
TOKEN_NOISE = 0.3  # largest standard deviation, in units of a token's own


class SketchDecoder(nn.Module):
    """Visual tokens [B, V, D] -> latents [B, L, h, w], by one look: only to give the compressor a gradient."""

    def __init__(
        self, compressor: CompressorConfig, renderer: RendererConfig, height: int, width: int
    ) -> None:
        super().__init__()
        self.grid = (height // 2, width // 2)
        channels = compressor.token_channels
        self.positions = nn.Parameter(torch.randn(self.grid[0] * self.grid[1], channels) * 0.02)
        self.spread = nn.Linear(compressor.num_visual_tokens * channels, channels)
        self.blocks = nn.ModuleList(Block(channels, compressor.heads) for _ in range(2))
        self.latents = nn.Linear(channels, renderer.latent_channels * 4)

    def forward(self, tokens: Float[Tensor, "B V D"]) -> Float[Tensor, "B L h w"]:
        queries = self.positions + self.spread(tokens.flatten(1))[:, None]  # (B, rows * columns, D)
        joined = torch.cat([tokens, queries], dim=1)
        for block in self.blocks:
            joined = block(joined)
        folded = self.latents(joined[:, tokens.shape[1] :])  # (B, rows * columns, 4 L)
        return F.pixel_shuffle(folded.transpose(1, 2).unflatten(2, self.grid), 2)


class CompressorWarmUp(nn.Module):
    """Stage 0."""

    def __init__(self, compressor: Compressor, sketch: SketchDecoder) -> None:
        super().__init__()
        self.compressor, self.sketch = compressor, sketch

    def forward(self, batch: FrameBatch) -> Losses:
        tokens = self.compressor(batch.spatial)
        noise = TOKEN_NOISE * torch.rand(len(tokens), 1, 1, device=tokens.device) * torch.randn_like(tokens)
        rebuilt = self.sketch(tokens + noise).float()
        loss = F.mse_loss(rebuilt, batch.latents)
        return {"loss": loss, "l1": F.l1_loss(rebuilt, batch.latents)}


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
        strength = TOKEN_NOISE * torch.rand(len(tokens), 1, 1, device=tokens.device)
        tokens = tokens + strength * torch.randn_like(tokens)
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
