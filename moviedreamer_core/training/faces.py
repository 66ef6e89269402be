"""Face encoder, trained by identity: two portraits of one character against those of all the others.

The traits that the storyworld knows (skin, hair, glasses, ...) are read from the embedding by a linear layer that is
thrown away afterwards. The paper takes FaRL as it is.

N characters of a batch, P portraits each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from moviedreamer_core.data.world_frames import WorldFrames
from moviedreamer_core.encoders.face import FaceEncoder
from moviedreamer_core.storyworld import facts
from moviedreamer_core.training.loop import Losses

TRAITS: dict[str, tuple[object, ...]] = {
    "gender": facts.GENDERS, "age": facts.AGES, "skin": facts.SKINS, "hair_colour": facts.HAIR_COLOURS,
    "hair_style": facts.HAIR_STYLES, "hat": facts.HATS, "hat_colour": facts.COLOURS, "glasses": (False, True),
    "beard": facts.BEARDS,
}  # fmt: skip


@dataclass(frozen=True)
class FaceBatch:
    first: Tensor  # [N, 3, h, w] one portrait of each character
    second: Tensor  # [N, 3, h, w] another one of the same
    traits: Tensor  # [N, number of traits], -1 where it does not show


class IdentityFaces(nn.Module):
    """The face encoder with the layers that only training needs."""

    def __init__(self, face: FaceEncoder) -> None:
        super().__init__()
        self.face = face
        self.trait_reader = nn.Linear(face.config.embed_dim, sum(map(len, TRAITS.values())))
        self.log_scale = nn.Parameter(torch.tensor(np.log(10.0), dtype=torch.float32))

    def forward(self, batch: FaceBatch) -> Losses:
        embedded = self.face(torch.cat([batch.first, batch.second])).float()  # (2N, F), unit length
        first, second = embedded.chunk(2)
        logits = self.log_scale.exp().clamp(max=50) * first @ second.T
        target = torch.arange(len(first), device=first.device)
        identity = 0.5 * (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target))
        accuracy = (logits.argmax(1) == target).float().mean()
        readings = self.trait_reader(embedded * embedded.shape[-1] ** 0.5).split(
            [len(v) for v in TRAITS.values()], -1
        )
        labels = batch.traits.repeat(2, 1)
        traits = torch.stack(
            [
                F.cross_entropy(reading.float(), labels[:, t], ignore_index=-1)
                for t, reading in enumerate(readings)
            ]
        ).sum()
        return {"loss": identity + traits, "identity": identity, "accuracy": accuracy, "traits": traits}


def trait_labels(world: WorldFrames) -> tuple[np.ndarray, np.ndarray]:
    """(characters [N, 2] as (episode, cast index), their trait labels [N, traits])."""
    who, labels = [], []
    for e, cast in enumerate(world.casts):
        for c, person in enumerate(cast):
            who.append((e, c))
            row = [values.index(person[trait]) for trait, values in TRAITS.items()]
            if person["hat"] == "none":
                row[list(TRAITS).index("hat_colour")] = -1
            if person["hair_style"] == "bald" and person["beard"] == "none":
                row[list(TRAITS).index("hair_colour")] = -1
            labels.append(row)
    return np.array(who), np.array(labels)


def batches(world: WorldFrames, num_characters: int) -> Callable[[int], FaceBatch]:
    who, labels = trait_labels(world)
    portraits = np.asarray(world.portraits)

    def batch_at(step: int) -> FaceBatch:
        rng = np.random.default_rng([3, step])
        picked = rng.choice(len(who), num_characters, replace=False)
        views = np.argsort(rng.random((num_characters, portraits.shape[2])), axis=1)[:, :2]
        episode, cast = who[picked].T
        pair = [portraits[episode, cast, views[:, v]] for v in (0, 1)]
        images = (torch.from_numpy(view).permute(0, 3, 1, 2).float().div_(255) for view in pair)
        first, second = (_reframed(view, rng) for view in images)
        return FaceBatch(first, second, torch.from_numpy(labels[picked]))

    return batch_at


def _reframed(portraits: Float[Tensor, "N 3 h w"], rng: np.random.Generator) -> Float[Tensor, "N 3 h w"]:
    """Moved and scaled as the boxes of a face detector vary; mirrored half of the time."""
    number = len(portraits)
    scale = torch.from_numpy(rng.uniform(0.75, 1.1, number)).float()
    flip = torch.from_numpy(rng.choice((-1.0, 1.0), number)).float()
    theta = torch.zeros(number, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = scale * flip, scale
    theta[:, :, 2] = torch.from_numpy(rng.uniform(-0.15, 0.15, (number, 2))).float()
    grid = F.affine_grid(theta, list(portraits.shape), align_corners=False)
    return F.grid_sample(portraits, grid, padding_mode="border", align_corners=False)


def face_losses(module: nn.Module, batch: object, step: int) -> Losses:
    return module(batch)
