"""Reading what is true of a frame (data/frame_labels.py) from tokens: layers and a loss that only training needs.

B frames, T tokens, C channels, X labels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from moviedreamer_core.data.frame_labels import ABSENT

GLIMPSES, SEEN_CHANNELS = 2, 128


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


def label_loss(readings: Sequence[Float[Tensor, "B _"]], labels: Int[Tensor, "B X"]) -> Float[Tensor, ""]:
    """Mean over labels of the mean cross entropy of their readings; absent ones do not count."""
    losses = [
        F.cross_entropy(reading.float(), labels[:, x], ignore_index=ABSENT)
        for x, reading in enumerate(readings)
        if (labels[:, x] != ABSENT).any()
    ]
    return torch.stack(losses).mean()
