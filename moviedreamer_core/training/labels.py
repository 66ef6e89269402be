"""Reading what is true of a frame (data/frame_labels.py) from tokens: layers and a loss that only training needs.

B frames, T tokens, C channels, X labels, P people at most, Y labels of one person.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from moviedreamer_core.data.frame_labels import ABSENT, LABELS, MAX_PEOPLE, PERSON

GLIMPSES, SEEN_CHANNELS = 2, 128
PERSON_CHANNELS = 256
HAIR, FACE, CHEST = 0.3, 0.7, 0.3  # shares of the way from top to chin, and from chin to feet


class LabelReader(nn.Module):
    """Tokens of a frame -> logits of every label, each from a few glimpses: attention with a query of its own.

    A mean over all tokens would drown the one or two in which a head is.
    """

    def __init__(self, channels: int, num_values: Sequence[int]) -> None:
        super().__init__()
        self.where = nn.Linear(channels, GLIMPSES * len(num_values))
        self.what = nn.Sequential(nn.Linear(channels, SEEN_CHANNELS), nn.GELU())
        self.heads = nn.ModuleList(nn.Linear(GLIMPSES * SEEN_CHANNELS, values) for values in num_values)

    def forward(self, tokens: Float[Tensor, "B T C"]) -> list[Float[Tensor, "B _"]]:
        attention = self.where(tokens).softmax(dim=1).transpose(1, 2)  # (B, X G, T)
        seen = (attention @ self.what(tokens)).unflatten(1, (len(self.heads), -1)).flatten(2)
        return [head(seen[:, x]) for x, head in enumerate(self.heads)]


class PeopleReader(nn.Module):
    """Tokens on a grid, and where each person is -> logits of every label of PERSON, for each person.

    The reader looks at the hair, the face and the chest only, so what it asks for is learned there within a hundred
    steps; a `LabelReader` first has to find out where to look.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.what = nn.Sequential(nn.Linear(3 * channels, PERSON_CHANNELS), nn.GELU())
        self.heads = nn.ModuleList(nn.Linear(PERSON_CHANNELS, len(values)) for values in PERSON.values())

    def forward(
        self, grid: Float[Tensor, "B C rows columns"], boxes: Float[Tensor, "B P 5"]
    ) -> list[Float[Tensor, "BP _"]]:
        left, top, right, bottom, chin = boxes.unbind(-1)
        heights = (torch.lerp(top, chin, HAIR), torch.lerp(top, chin, FACE), torch.lerp(chin, bottom, CHEST))
        spots = torch.stack([torch.stack([(left + right) / 2, y], dim=-1) for y in heights], dim=2)
        seen = F.grid_sample(
            grid, 2 * spots.flatten(1, 2)[:, None] - 1, padding_mode="border", align_corners=False
        )
        per_person = seen[:, :, 0].transpose(1, 2).unflatten(1, (-1, len(heights))).flatten(2)  # (B, P, 3 C)
        return [head(self.what(per_person).flatten(0, 1)) for head in self.heads]


def labels_of_people(labels: Int[Tensor, "B X"]) -> Int[Tensor, "BP Y"]:
    """The labels of PERSON of the first, second and third person of each frame, one below the other."""
    names = list(LABELS)
    columns = [[names.index(f"{person}.{name}") for name in PERSON] for person in range(1, MAX_PEOPLE + 1)]
    return labels[:, torch.tensor(columns)].flatten(0, 1)


def label_loss(readings: Sequence[Float[Tensor, "B _"]], labels: Int[Tensor, "B X"]) -> Float[Tensor, ""]:
    """Mean over labels of the mean cross entropy of their readings; absent ones do not count."""
    losses = [
        F.cross_entropy(reading.float(), labels[:, x], ignore_index=ABSENT)
        for x, reading in enumerate(readings)
        if (labels[:, x] != ABSENT).any()
    ]
    return torch.stack(losses).mean()
