"""Training of the frame reader: cross entropy of every fact that shows, on true frames that are partly degraded.

What it has to judge later went through an autoencoder and a renderer, so it learns on frames that are a little soft
and noisy besides clean ones; never on generated ones, or it would learn to excuse them.

B frames, H x W pixels.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from moviedreamer_core.evaluation.facts_of_frames import FACTS, HIDDEN
from moviedreamer_core.evaluation.reader_frames import DrawnAhead, LabelledFrames
from moviedreamer_core.evaluation.readers import FrameReader, load_reader
from moviedreamer_core.training.loop import Losses, Schedule, has_weights
from moviedreamer_core.training.workshop import Effort, Workshop, first_weights

MAX_PROCESSES = 8
DEGRADED_SHARE = 0.6  # of the frames
# Facts that quality is measured by; the others are read in passing and must not take the network's capacity.
WEIGHTS = {"action": 0.3, "expression": 0.2, "outfit": 0.5, "glasses": 0.5, "hat": 0.5, "weather": 0.5}


def train_readers(shop: Workshop, effort: Effort) -> Iterator[str]:
    """Train, resumably, in the run `readers` of the workshop; yields lines to show."""
    schedule = Schedule(
        steps=effort.steps, learning_rate=effort.learning_rate, final_learning_rate=1e-5,
        warmup_steps=min(100, max(1, effort.steps // 10)), cooldown=0.6, weight_decay=0.05, ema_decay=0.995,
    )  # fmt: skip
    with first_weights("readers"):
        reader = FrameReader()
    with DrawnAhead(
        effort.batch, processes=max(1, min(MAX_PROCESSES, (os.cpu_count() or 2) // 2))
    ) as batch_at:
        for progress in shop.run("readers", reader, schedule, batch_at, reader_losses):
            losses = "  ".join(f"{name} {value:.3f}" for name, value in progress.losses.items())
            where = f"step {progress.step} of {progress.steps}, {progress.seconds_per_step:.2f} s/step"
            yield f"readers: {where}  {losses}"


def trained_reader(shop: Workshop) -> FrameReader:
    """The reader of the finished run, of its last checkpoint, or of the weights that training began at.

    Raises WeightsError without any.
    """
    if shop.start is not None and not has_weights(shop.folder / "readers"):
        return load_reader(shop.start)
    reader = FrameReader()
    shop.require("readers", reader)
    return reader


def reader_losses(reader: nn.Module, batch: object, step: int) -> Losses:
    """Sum over facts of the mean cross entropy; beside it the share of right answers of each fact."""
    assert isinstance(batch, LabelledFrames)
    device = next(reader.parameters()).device
    images = torch.from_numpy(batch.frames).to(device).permute(0, 3, 1, 2).float().div_(255)
    labels = torch.from_numpy(batch.labels).to(device)
    logits = reader(degraded(images, generator=torch.Generator().manual_seed(step)))
    total, accuracies = images.new_zeros(()), {}
    for column, name in enumerate(FACTS):
        shown = labels[:, column] != HIDDEN
        if not bool(shown.any()):
            continue
        answer, label = logits[name][shown].float(), labels[shown, column]
        total = total + WEIGHTS.get(name, 1.0) * F.cross_entropy(answer, label, label_smoothing=0.02)
        accuracies[name] = (answer.argmax(dim=1) == label).float().mean()
    return {"loss": total, **accuracies}


def degraded(images: Float[Tensor, "B 3 H W"], *, generator: torch.Generator) -> Float[Tensor, "B 3 H W"]:
    """Images in [0, 1], each with probability DEGRADED_SHARE softened, with noise, blotches and a tint.

    Made to resemble what an autoencoder loses; colours stay tellable apart.
    """
    batch, _, height, width = images.shape

    def random(low: float, high: float) -> Float[Tensor, "B 1 1 1"]:
        amounts = low + (high - low) * torch.rand(batch, 1, 1, 1, generator=generator)
        return amounts.to(images.device)

    def noise(*shape: int) -> Tensor:
        return torch.randn(batch, 3, *shape, generator=generator).to(images.device)

    soft = F.interpolate(F.avg_pool2d(images, 3), size=(height, width), mode="bilinear")
    blotches = F.interpolate(noise(height // 8, width // 8), size=(height, width), mode="bilinear")
    spoilt = torch.lerp(images, soft, random(0.0, 1.0))
    spoilt = spoilt + random(0.0, 0.03) * noise(height, width) + random(0.0, 0.05) * blotches
    spoilt = spoilt * (1 + random(0.0, 0.04) * noise(1, 1)) + random(0.0, 0.02) * noise(1, 1)
    chosen = random(0.0, 1.0) < DEGRADED_SHARE
    return torch.where(chosen, spoilt.clamp(0, 1), images)
