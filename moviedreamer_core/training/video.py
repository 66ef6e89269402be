"""Image-to-video: EDM loss on clips of the storyworld, MovieDreamer section 3.5 with SVD's objective.

The paper takes SVD as it is; the miniature trains the same class on clips that the storyworld draws.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from moviedreamer_core.data.world_clips import WorldClips
from moviedreamer_core.training.loop import Losses
from moviedreamer_core.video.objective import video_loss


@dataclass(frozen=True)
class ClipBatch:
    latents: Float[Tensor, "B F L h w"]
    anchors: Float[Tensor, "B A"]
    ids: Float[Tensor, "B 2"]  # frames per second - 1, motion bucket


def batches(clips: WorldClips, batch_size: int) -> Callable[[int], ClipBatch]:
    """Random clips."""

    def batch_at(step: int) -> ClipBatch:
        rng = np.random.default_rng([6, step])
        picked = np.sort(rng.choice(clips.num_clips, batch_size, replace=False))
        latents = torch.from_numpy(clips.latents[picked].astype(np.float32))
        ids = [[clips.frames_per_second - 1, clips.motion_bucket(int(clip))] for clip in picked]
        return ClipBatch(
            latents, torch.from_numpy(clips.anchors[picked].astype(np.float32)), torch.tensor(ids).float()
        )

    return batch_at


def losses(module: nn.Module, batch: object, step: int) -> Losses:
    assert isinstance(batch, ClipBatch)
    loss = video_loss(
        module, batch.latents, batch.latents[:, 0], batch.anchors, batch.ids,
        generator=torch.Generator().manual_seed(step),
    )  # fmt: skip
    return {"loss": loss}
