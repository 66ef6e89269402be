"""Filming: keyframes that are drawn -> clips, and clips -> the movie.

N frames of a clip, H W pixels. Source: MovieDreamer, section 3.5 (first-frame anchor).
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from moviedreamer_core.config import ModelConfig
from moviedreamer_core.events import ClipProgress, Event
from moviedreamer_core.images import center_crop_resize, read_image
from moviedreamer_core.preparation import to_pixels
from moviedreamer_core.pretrained import Models
from moviedreamer_core.storyboard import KeyframeRecord, Storyboard
from moviedreamer_core.video.anchored_svd import SamplingSettings, SamplingStep
from moviedreamer_core.video.movie import Still

PARTS_TO_ANIMATE = frozenset({"vision", "autoencoder", "video"})  # of the weights; see `load_models`
STEPS, PREVIEW_STEPS = 25, 8


def clip_settings(config: ModelConfig, *, preview: bool = False) -> SamplingSettings:
    """How clips are sampled unless someone chooses otherwise."""
    return SamplingSettings(
        steps=PREVIEW_STEPS if preview else STEPS,
        frames_per_second=config.video.frames_per_second,
        sigma_max=config.video.sigma_max,
        start_sigma=config.video.start_sigma,
    )


def film(
    models: Models,
    record: KeyframeRecord,
    out: Path,
    *,
    seconds: float,
    settings: SamplingSettings,
    num_keyframes: int,
) -> Generator[Event, None, UInt8[np.ndarray, "N H W 3"]]:
    """Yield progress, return the clip that starts at the keyframe's picture in `out`, with its seed.

    Raises ImageError if the picture is missing or damaged.
    """
    size = (record.settings.width, record.settings.height)
    picture = center_crop_resize(read_image(out / record.image_file), size)
    steps = film_picture(models, picture, seed=record.seed, seconds=seconds, settings=settings)
    while True:
        try:
            step, num_steps = next(steps)
        except StopIteration as end:
            frames: np.ndarray = end.value
            return frames
        yield ClipProgress(number=record.number, num_keyframes=num_keyframes, step=step, num_steps=num_steps)


def film_picture(
    models: Models, picture: Image.Image, *, seed: int, seconds: float, settings: SamplingSettings
) -> Generator[tuple[int, int], None, UInt8[np.ndarray, "N H W 3"]]:
    """Yield (step, number of steps) after every denoising step, return the clip that starts at `picture`."""
    first_frame = to_pixels(picture).to(next(models.video_unet.parameters()).device)
    sampling = models.video.animate(
        first_frame,
        models.anchor(first_frame),
        num_frames=max(1, round(seconds * settings.frames_per_second)),
        seed=seed,
        settings=settings,
    )
    segments = []
    for item in sampling:
        if isinstance(item, SamplingStep):
            yield (item.segment - 1) * item.num_steps + item.step, item.num_segments * item.num_steps
        else:
            segments.append(_levels(item))
    return np.concatenate(segments)


def _levels(frames: Float[Tensor, "N 3 H W"]) -> UInt8[np.ndarray, "N H W 3"]:
    return (frames * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()


def movie_items(storyboard: Storyboard, out: Path) -> list[Path | Still]:
    """The clip of every drawn keyframe, in order; its picture for its seconds where there is no clip."""
    return [
        out / record.clip_file
        if record.clip_file is not None
        else Still(out / record.image_file, storyboard.story.keyframes[record.number - 1].seconds)
        for record in storyboard.keyframes
    ]
