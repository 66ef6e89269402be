"""Text and vision tower, trained together contrastively (CLIP), as LongCLIP and CLIP were.

Four terms: frame against the mean of its sentences' embeddings (CLIP); every fact that a sentence states, read from
that sentence's embedding by a linear layer, and every label of the frame, read from its spatial tokens (the storyworld
knows them; a web-scale corpus would teach the same by its size: without the labels, hair colour could be read from
the spatial tokens of 39% of unseen frames of one person); and the pixels of a patch, read from its spatial token by a
linear layer, so that the spatial tokens hold what the compressor needs. The reading layers are thrown away afterwards.

F frames, S sentences of these frames, L word positions, E embedding channels, X labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from moviedreamer_core.data.captions import Captions
from moviedreamer_core.data.frame_labels import LABELS
from moviedreamer_core.encoders.text import TextEncoder
from moviedreamer_core.encoders.vision import VisionEncoder
from moviedreamer_core.training.labels import LabelReader, label_loss
from moviedreamer_core.training.loop import Losses
from moviedreamer_core.training.vae import images_at, random_indices

SENTENCES_PER_FRAME = 4
LABEL_WEIGHT, PATCH_WEIGHT = 5.0, 20.0


@dataclass(frozen=True)
class EncoderBatch:
    """`owner[s]` is the row of the frame that sentence s describes; `facts[s, slot]` a value's index or -1."""

    images: Tensor  # [F, 3, H, W]
    token_ids: Tensor  # [S, L]
    owner: Tensor  # [S]
    facts: Tensor  # [S, number of fact slots]
    labels: Tensor  # [F, X]


class JointEncoders(nn.Module):
    """Both towers with the layers that only training needs."""

    def __init__(self, text: TextEncoder, vision: VisionEncoder, num_values: Sequence[int]) -> None:
        super().__init__()
        self.text, self.vision = text, vision
        self.num_values = tuple(num_values)
        self.fact_reader = nn.Linear(text.config.embed_dim, sum(n + 1 for n in num_values))  # + "not said"
        self.label_reader = LabelReader(vision.config.width, [len(values) for values in LABELS.values()])
        self.patch_reader = nn.Linear(vision.config.width, 3 * vision.config.patch_px**2)
        self.log_scale = nn.Parameter(torch.tensor(np.log(10.0), dtype=torch.float32))

    def forward(self, batch: EncoderBatch) -> Losses:
        sentences = self.text(batch.token_ids)  # (S, E), unit length
        spatial, frames = self.vision.both(batch.images)  # (F, T, C), (F, E)
        contrast, accuracy = self._contrast(sentences, frames, batch.owner)
        facts = self._facts(sentences, batch.facts)
        patches = F.mse_loss(self.patch_reader(spatial[:, 1:]).float(), self._patches(batch.images))
        labels = label_loss(self.label_reader(spatial), batch.labels)
        loss = 0.5 * contrast + facts + LABEL_WEIGHT * labels + PATCH_WEIGHT * patches
        parts = {"contrast": contrast, "facts": facts, "labels": labels, "patches": patches}
        return {"loss": loss, "accuracy": accuracy, **parts}

    def _contrast(self, sentences: Tensor, frames: Tensor, owner: Tensor) -> tuple[Tensor, Tensor]:
        captions = torch.zeros_like(frames, dtype=torch.float32).index_add_(0, owner, sentences.float())
        logits = (
            self.log_scale.exp().clamp(max=100) * F.normalize(captions, dim=-1) @ frames.float().T
        )  # (F, F)
        target = torch.arange(len(frames), device=frames.device)
        loss = 0.5 * (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target))
        return loss, (logits.argmax(1) == target).float().mean()

    def _facts(self, sentences: Tensor, facts: Tensor) -> Tensor:
        readings = (
            self.fact_reader(sentences * sentences.shape[-1] ** 0.5)
            .float()
            .split([n + 1 for n in self.num_values], dim=-1)
        )
        losses = [F.cross_entropy(reading, facts[:, slot] + 1) for slot, reading in enumerate(readings)]
        return torch.stack(losses).sum()

    def _patches(self, images: Tensor) -> Tensor:
        """(F, rows * columns, 3 * patch * patch) pixels in [0, 1], in the order of the spatial tokens."""
        patch = self.vision.config.patch_px
        return F.unfold(images, patch, stride=patch).transpose(1, 2)


def batches(
    frames: np.ndarray, labels: np.ndarray, captions: Captions, num_frames: int
) -> Callable[[int], EncoderBatch]:
    """Batches of random frames, each with its labels and some of its sentences."""

    def batch_at(step: int) -> EncoderBatch:
        indices = np.sort(random_indices(step, num_frames, len(frames), seed=2))
        rng = np.random.default_rng([2, step, 1])
        rows = [rng.permutation(captions.sentences_of(int(index)))[:SENTENCES_PER_FRAME] for index in indices]
        owner = np.repeat(np.arange(num_frames), [len(row) for row in rows])
        flat = np.concatenate(rows)
        token_ids = captions.token_ids[flat]
        longest = int((token_ids != 0).sum(1).max())
        return EncoderBatch(
            images_at(frames, indices),
            torch.from_numpy(token_ids[:, :longest].astype(np.int64)),
            torch.from_numpy(owner),
            torch.from_numpy(captions.facts[flat].astype(np.int64)),
            torch.from_numpy(labels[indices].astype(np.int64)),
        )

    return batch_at


def encoder_losses(module: nn.Module, batch: object, step: int) -> Losses:
    return module(batch)
