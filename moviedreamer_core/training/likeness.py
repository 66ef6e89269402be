"""Likeness: whether the frame that the renderer is about to draw shows the person that it was told about.

The plain error of stage 3 hardly asks for it: most of what is wrong about a noisy head is where its edges are, which
nobody can know, and the colour of the hair drowns in that. So a small network that reads the looks of a frame's one
person from its latents reads them from the renderer's clean estimate too, and its cross entropy is added, as the
identity loss of Guo et al., "PuLID" (NeurIPS 2024), section 3.2, where a face recogniser judges. Ours; the paper
trains on noise alone.

B frames, L latent channels, h x w latent pixels, X labels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from moviedreamer_core.data.encoded_world import EncodedWorld
from moviedreamer_core.data.frame_labels import ABSENT, LABELS, PERSON
from moviedreamer_core.training.loop import Losses

CHANNELS, FINE_CHANNELS, GLIMPSES = (64, 128), 96, 2
NOISED = 0.7  # at most: standard deviation of what is added to the latents that it learns on
FIRST = [list(LABELS).index(f"1.{name}") for name in PERSON]
PEOPLE = list(LABELS).index("people")


@dataclass(frozen=True)
class LookBatch:
    latents: Float[Tensor, "B L h w"]
    looks: Int[Tensor, "B X"]


class LooksReader(nn.Module):
    """Latents -> logits of every label of PERSON, of a frame's one person."""

    def __init__(self, latent_channels: int) -> None:
        super().__init__()
        low, high = CHANNELS
        self.low = nn.Sequential(_convolution(latent_channels, low), _convolution(low, low))
        self.high = nn.Sequential(_convolution(low, high, stride=2), _convolution(high, high))
        self.fine = _convolution(low + high, FINE_CHANNELS, kernel=1)
        self.where = nn.Conv2d(FINE_CHANNELS, GLIMPSES * len(PERSON), 1)
        self.heads = nn.ModuleList(
            nn.Linear(GLIMPSES * FINE_CHANNELS + high, len(values)) for values in PERSON.values()
        )

    def forward(self, latents: Float[Tensor, "B L h w"]) -> list[Float[Tensor, "B _"]]:
        low = self.low(latents)
        high = self.high(low)
        fine = self.fine(torch.cat([low, F.interpolate(high, size=low.shape[-2:])], dim=1))  # (B, C, h, w)
        attention = self.where(fine).flatten(2).softmax(dim=-1)  # (B, X G, h w)
        seen = (attention @ fine.flatten(2).transpose(1, 2)).unflatten(1, (len(PERSON), -1)).flatten(2)
        whole = high.mean(dim=(2, 3))
        return [head(torch.cat([seen[:, x], whole], dim=1)) for x, head in enumerate(self.heads)]


def looks_loss(
    logits: list[Float[Tensor, "B _"]], looks: Int[Tensor, "B X"], weight: Float[Tensor, " B"]
) -> Float[Tensor, " B"]:
    """Per frame, the mean over labels of the cross entropy, times the frame's weight; absent labels count nothing."""
    losses = [
        F.cross_entropy(answer.float(), looks[:, x], ignore_index=ABSENT, reduction="none")
        for x, answer in enumerate(logits)
    ]
    return torch.stack(losses).mean(dim=0) * weight


def looks_of(labels: Int[Tensor, "B all"]) -> Int[Tensor, "B X"]:
    """The labels of PERSON of frames with one person; all absent elsewhere: which of two is meant cannot be seen."""
    looks = labels[:, FIRST]
    return torch.where(labels[:, PEOPLE, None] == 1, looks, torch.full_like(looks, ABSENT))


def reader_losses(reader: nn.Module, batch: object, step: int) -> Losses:
    assert isinstance(reader, LooksReader)
    assert isinstance(batch, LookBatch)
    logits = reader(softened(batch.latents))
    loss = looks_loss(logits, batch.looks, torch.ones(len(batch.latents), device=batch.latents.device)).mean()
    answers = dict(zip(PERSON, logits, strict=True))
    given = dict(zip(PERSON, batch.looks.unbind(1), strict=True))
    right = {
        name: (answers[name].argmax(1) == given[name])[given[name] != ABSENT].float().mean()
        for name in ("hair_colour", "outfit_colour")
    }
    return {"loss": loss, **right}


def softened(latents: Float[Tensor, "B L h w"]) -> Float[Tensor, "B L h w"]:
    """Each frame blurred and noised by amounts of its own: a renderer's estimates are soft, and noise is left."""
    blur, noise = torch.rand(2, len(latents), 1, 1, 1, device=latents.device)
    soft = latents
    for _ in range(2):
        soft = F.avg_pool2d(F.pad(soft, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    return torch.lerp(latents, soft, blur) + NOISED * noise.square() * torch.randn_like(latents)


def batches(data: EncodedWorld, num_frames: int) -> Callable[[int], LookBatch]:
    """Random frames with exactly one person."""
    single = np.flatnonzero(np.asarray(data.load("labels"))[:, PEOPLE] == 1)

    def batch_at(step: int) -> LookBatch:
        frames = np.sort(np.random.default_rng([6, step]).choice(single, num_frames, replace=False))
        return LookBatch(data.rows("latents", frames), looks_of(data.rows("labels", frames).long()))

    return batch_at


def _convolution(in_channels: int, out_channels: int, *, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel, stride=stride, padding=kernel // 2),
        nn.GroupNorm(8, out_channels),
        nn.SiLU(),
    )
