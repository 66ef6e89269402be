"""Text and vision tower, trained together contrastively (CLIP), as LongCLIP and CLIP were.

Four terms: frame against the mean of its sentences' embeddings (CLIP); every fact that a sentence states, read from
that sentence's embedding by a linear layer; what is true of the frame and of each person in it, read from the spatial
tokens of all of it and of the spots where the person is; and the pixels of a patch, read from its spatial token by a
linear layer, people counting more. The storyworld knows the facts; a web-scale corpus would teach the same by its
size: trained without the third term, a tower's tokens named the hair colour of 39% of unseen people and the outfit's
of 59%, and no compressor can keep what is not there. The reading layers are thrown away afterwards.

F frames, S sentences of these frames, L word positions, E embedding channels, X labels, P people at most.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from moviedreamer_core.data.encoded_world import EncodedWorld
from moviedreamer_core.data.frame_labels import LABELS
from moviedreamer_core.encoders.text import TextEncoder
from moviedreamer_core.encoders.vision import VisionEncoder
from moviedreamer_core.training.labels import LabelReader, PeopleReader, label_loss, labels_of_people
from moviedreamer_core.training.loop import Losses
from moviedreamer_core.training.vae import images_at, random_indices

SENTENCES_PER_FRAME = 4
LABEL_WEIGHT, PERSON_WEIGHT, PATCH_WEIGHT = 2.0, 5.0, 20.0


@dataclass(frozen=True)
class EncoderBatch:
    """`owner[s]` is the row of the frame that sentence s describes; `facts[s, slot]` a value's index or -1."""

    images: Tensor  # [F, 3, H, W]
    token_ids: Tensor  # [S, L]
    owner: Tensor  # [S]
    facts: Tensor  # [S, number of fact slots]
    labels: Tensor  # [F, X]
    boxes: Tensor  # [F, P, 5]
    emphasis: Tensor  # [F, h, w]


class JointEncoders(nn.Module):
    """Both towers with the layers that only training needs."""

    def __init__(self, text: TextEncoder, vision: VisionEncoder, num_values: Sequence[int]) -> None:
        super().__init__()
        self.text, self.vision = text, vision
        self.num_values = tuple(num_values)
        self.fact_reader = nn.Linear(text.config.embed_dim, sum(n + 1 for n in num_values))  # + "not said"
        self.label_reader = LabelReader(vision.config.width, [len(values) for values in LABELS.values()])
        self.people_reader = PeopleReader(vision.config.width)
        self.patch_reader = nn.Linear(vision.config.width, 3 * vision.config.patch_px**2)
        self.log_scale = nn.Parameter(torch.tensor(np.log(10.0), dtype=torch.float32))

    def forward(self, batch: EncoderBatch) -> Losses:
        sentences = self.text(batch.token_ids)  # (S, E), unit length
        spatial, frames = self.vision.both(batch.images)  # (F, T, C), (F, E)
        contrast, accuracy = self._contrast(sentences, frames, batch.owner)
        facts = self._facts(sentences, batch.facts)
        labels = label_loss(self.label_reader(spatial), batch.labels)
        people = self._people(spatial, batch)
        patches = self._patches(spatial, batch)
        loss = 0.5 * contrast + facts
        loss = loss + LABEL_WEIGHT * labels + PERSON_WEIGHT * people + PATCH_WEIGHT * patches
        parts = {"contrast": contrast, "facts": facts, "labels": labels, "people": people, "patches": patches}
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

    def _people(self, spatial: Tensor, batch: EncoderBatch) -> Tensor:
        config = self.vision.config
        rows = config.image_height // config.patch_px
        grid = spatial[:, 1:].transpose(1, 2).unflatten(-1, (rows, -1))
        return label_loss(self.people_reader(grid, batch.boxes), labels_of_people(batch.labels))

    def _patches(self, spatial: Tensor, batch: EncoderBatch) -> Tensor:
        """Mean squared error of the pixels, in [0, 1], of every patch."""
        patch = self.vision.config.patch_px
        emphasis = F.interpolate(batch.emphasis[:, None], size=batch.images.shape[-2:])
        true, weight = (F.unfold(x, patch, stride=patch).transpose(1, 2) for x in (batch.images, emphasis))
        error = self.patch_reader(spatial[:, 1:]).float() - true  # (F, patches, 3 * patch * patch)
        return (weight.repeat(1, 1, 3) * error.square()).mean()


def batches(data: EncodedWorld, num_frames: int) -> Callable[[int], EncoderBatch]:
    """Batches of random frames, each with what is true of it and some of its sentences; needs the stage `truth`."""
    frames, captions = data.world.frames, data.captions

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
            data.rows("labels", indices).long(),
            data.rows("boxes", indices),
            data.rows("emphasis", indices),
        )

    return batch_at


def encoder_losses(module: nn.Module, batch: object, step: int) -> Losses:
    return module(batch)
