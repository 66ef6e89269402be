"""Likeness: whether the frame that the renderer is about to draw shows the person that it was told about.

The plain error of stage 3 hardly asks for it: most of what is wrong about a noisy head is where its edges are, which
nobody can know, and the colour of the hair drowns in that. So a small network that reads, from a frame's latents, the
looks of the people where they are, reads them from the renderer's clean estimate too, and its cross entropy is added,
as the identity loss of Guo et al., "PuLID" (NeurIPS 2024), section 3.2, where a face recogniser judges. Ours; the
paper trains on noise alone.

B frames, L latent channels, h x w latent pixels, P people at most, X labels, Y labels of one person.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from moviedreamer_core.data.encoded_world import EncodedWorld
from moviedreamer_core.data.frame_labels import ABSENT, LABELS, MAX_PEOPLE, PERSON
from moviedreamer_core.training.labels import PeopleReader, labels_of_people
from moviedreamer_core.training.loop import Losses

CHANNELS, FINE_CHANNELS = (64, 128), 128
NOISED = 0.7  # at most: standard deviation of what is added to the latents that it learns on
PEOPLE = list(LABELS).index("people")


@dataclass(frozen=True)
class LookBatch:
    latents: Float[Tensor, "B L h w"]
    boxes: Float[Tensor, "B P 5"]
    labels: Int[Tensor, "B X"]


class LooksReader(nn.Module):
    """Latents, and where each person is -> logits of every label of PERSON, for each person."""

    def __init__(self, latent_channels: int) -> None:
        super().__init__()
        low, high = CHANNELS
        self.low = nn.Sequential(_convolution(latent_channels, low), _convolution(low, low))
        self.high = nn.Sequential(_convolution(low, high, stride=2), _convolution(high, high))
        self.fine = _convolution(low + high, FINE_CHANNELS, kernel=1)
        self.people = PeopleReader(FINE_CHANNELS)

    def forward(
        self, latents: Float[Tensor, "B L h w"], boxes: Float[Tensor, "B P 5"]
    ) -> list[Float[Tensor, "BP _"]]:
        low = self.low(latents)
        high = F.interpolate(self.high(low), size=low.shape[-2:])
        return self.people(self.fine(torch.cat([low, high], dim=1)).float(), boxes)


def looks_loss(
    logits: list[Float[Tensor, "BP _"]], labels: Int[Tensor, "B X"], judged: Bool[Tensor, "B P"]
) -> Float[Tensor, " B"]:
    """Per frame, the mean over its judged people of the mean over labels of the cross entropy; 0 without them.

    Labels that a person does not have count as 0.
    """
    looks = labels_of_people(labels)  # (B P, Y)
    losses = [
        F.cross_entropy(answer.float(), looks[:, y], ignore_index=ABSENT, reduction="none")
        for y, answer in enumerate(logits)
    ]
    per_person = torch.stack(losses).mean(dim=0).view_as(judged) * judged
    return per_person.sum(dim=1) / judged.sum(dim=1).clamp(min=1)


def people_of(labels: Int[Tensor, "B X"]) -> Bool[Tensor, "B P"]:
    """Which of the first, second and third person are in the frame."""
    return torch.arange(MAX_PEOPLE, device=labels.device) < labels[:, PEOPLE, None]


def reader_losses(reader: nn.Module, batch: object, step: int) -> Losses:
    assert isinstance(reader, LooksReader)
    assert isinstance(batch, LookBatch)
    logits = reader(softened(batch.latents), batch.boxes)
    loss = looks_loss(logits, batch.labels, people_of(batch.labels)).mean()
    looks = labels_of_people(batch.labels)
    right = {}
    for name in ("hair_colour", "outfit_colour", "action"):
        y = list(PERSON).index(name)
        right[name] = (logits[y].argmax(1) == looks[:, y])[looks[:, y] != ABSENT].float().mean()
    return {"loss": loss, **right}


def softened(latents: Float[Tensor, "B L h w"]) -> Float[Tensor, "B L h w"]:
    """Each frame blurred and noised by amounts of its own: a renderer's estimates are soft, and noise is left."""
    blur, noise = torch.rand(2, len(latents), 1, 1, 1, device=latents.device)
    soft = latents
    for _ in range(2):
        soft = F.avg_pool2d(F.pad(soft, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    return torch.lerp(latents, soft, blur) + NOISED * noise.square() * torch.randn_like(latents)


def batches(data: EncodedWorld, num_frames: int) -> Callable[[int], LookBatch]:
    """Random frames with somebody in them."""
    peopled = np.flatnonzero(np.asarray(data.load("labels"))[:, PEOPLE] > 0)

    def batch_at(step: int) -> LookBatch:
        frames = np.sort(np.random.default_rng([6, step]).choice(peopled, num_frames, replace=False))
        latents, boxes = data.rows("latents", frames), data.rows("boxes", frames)
        return LookBatch(latents, boxes, data.rows("labels", frames).long())

    return batch_at


def _convolution(in_channels: int, out_channels: int, *, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel, stride=stride, padding=kernel // 2),
        nn.GroupNorm(8, out_channels),
        nn.SiLU(),
    )
