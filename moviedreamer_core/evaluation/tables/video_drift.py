"""Long clips: later segments that keep the first frame's embedding, against those that embed their own first frame.

N frames of a segment, H x W pixels. Source: MovieDreamer, section 3.5 (first-frame anchor) and its appendix on video.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import get_args

import torch
from jaxtyping import Float
from torch import Tensor

from moviedreamer_core.evaluation.frame_metrics import clip_similarities
from moviedreamer_core.evaluation.tables.plot import save_curves
from moviedreamer_core.evaluation.tables.result import Estimate, Result, estimate, write_result
from moviedreamer_core.filming import clip_settings
from moviedreamer_core.preparation import to_pixels
from moviedreamer_core.pretrained import Models
from moviedreamer_core.storyworld.drawing import draw_frame
from moviedreamer_core.storyworld.episodes import sample_episode
from moviedreamer_core.video.anchored_svd import Chaining, SamplingSettings, SamplingStep

PARTS = frozenset({"vision", "autoencoder", "video"})
CLIPS, SEGMENTS = 8, 7
TITLES: dict[Chaining, str] = {"anchored": "anchored", "last_frame": "last frame"}


def run(models: Models, folder: Path, *, clips: int = CLIPS, segments: int = SEGMENTS) -> Iterator[str]:
    """Make `clips` long clips both ways, measure every segment, and write the result; yields lines of progress.

    Each clip begins at the first true frame of a test story. Raises OutputError.
    """
    settings = clip_settings(models.config)
    distances: dict[tuple[Chaining, int], list[tuple[int, float]]] = {}
    similarities: dict[tuple[Chaining, int], list[tuple[int, float]]] = {}
    for clip in range(clips):
        for chaining in get_args(Chaining):
            made = long_clip(models, clip, segments=segments, chaining=chaining, settings=settings)
            for number, (far, near) in enumerate(drift_of(models, made), start=1):
                distances.setdefault((chaining, number), []).append((clip, far))
                similarities.setdefault((chaining, number), []).append((clip, near))
        yield f"drift: clip {clip + 1} of {clips}"
    far_curves, near_curves = (
        {key: estimate(values) for key, values in one.items()} for one in (distances, similarities)
    )
    yield from _written(far_curves, near_curves, models, folder, segments=segments)


@torch.no_grad()
def long_clip(
    models: Models, episode: int, *, segments: int, chaining: Chaining, settings: SamplingSettings
) -> list[Float[Tensor, "N 3 H W"]]:
    """The segments of one clip, the repeated frames dropped."""
    scene = sample_episode("test", episode, num_keyframes=1).scenes[0]
    size = (models.config.renderer.image_width, models.config.renderer.image_height)
    frame = to_pixels(draw_frame(scene, size=size)).to(next(models.video_unet.parameters()).device)
    steps = models.video.animate(
        frame, models.anchor(frame), num_frames=1 + segments * (models.config.video.num_frames - 1),
        seed=episode, settings=settings, chaining=chaining, embed=models.anchor,
    )  # fmt: skip
    return [item for item in steps if not isinstance(item, SamplingStep)]


@torch.no_grad()
def drift_of(models: Models, segments: Sequence[Float[Tensor, "_ 3 H W"]]) -> list[tuple[float, float]]:
    """Of each segment: its colours' distance to the first segment's, its frames' mean CLIP-sim to the first frame."""
    first = models.vision.embed(segments[0][:1])
    return [
        (
            float(colour_distance(segment, segments[0])),
            float(clip_similarities(models.vision.embed(segment), first.expand(len(segment), -1)).mean()),
        )
        for segment in segments
    ]


def colour_distance(first: Float[Tensor, "N 3 H W"], second: Float[Tensor, "M 3 H W"]) -> Float[Tensor, ""]:
    """Frechet distance of the two sets' pixels, each as a Gaussian per colour channel, in [0, 1] units.

    sqrt of the sum over channels of the squared differences of means and of standard deviations
    (Dowson & Landau 1982, for diagonal covariances).
    """
    moments = [
        torch.stack([frames.double().mean((0, 2, 3)), frames.double().std((0, 2, 3), correction=0)])
        for frames in (first, second)
    ]
    return (moments[0] - moments[1]).square().sum().sqrt()


Curves = dict[tuple[Chaining, int], Estimate]


def _written(far: Curves, near: Curves, models: Models, folder: Path, *, segments: int) -> Iterator[str]:
    rows = {
        f"segment {number}": {
            **{f"colours, {title}": far[chaining, number] for chaining, title in TITLES.items()},
            **{f"CLIP-sim, {title}": near[chaining, number] for chaining, title in TITLES.items()},
        }
        for number in range(1, segments + 1)
    }
    result = Result(
        name="drift",
        title="Anchored against last-frame video extension",
        question="Does a long clip stay like its first frame when every segment keeps that frame's embedding?",
        paper="the anchor keeps quality over long extensions, last-frame chaining drifts (section 3.5).",
        columns=[f"{kind}, {title}" for kind in ("colours", "CLIP-sim") for title in TITLES.values()],
        rows=rows,
        agrees=agreement(far, near, last=segments),
        note="Colours: Frechet distance of a segment's pixels to the first segment's, 0 is no drift. CLIP-sim: mean "
        "cosine of a segment's frames with the clip's first frame, 1 is no drift. Both ways share every seed.",
        command="python -m moviedreamer_core evaluate --table drift",
        weights_hash=models.weights_hash,
    )

    def draw(path: Path) -> None:
        numbers = list(range(1, segments + 1))
        save_curves(
            path, x=numbers, x_label="segment",
            panels={
                label: {title: [curves[chaining, n] for n in numbers] for chaining, title in TITLES.items()}
                for label, curves in (("colour distance to segment 1", far), ("CLIP-sim to frame 1", near))
            },
        )  # fmt: skip

    write_result(result, folder, draw)
    yield f"drift: written to {folder}"


def agreement(far: Curves, near: Curves, *, last: int) -> bool | None:
    """True if the anchored way ends nearer by both figures, False if farther by both, None between."""
    nearer = [
        far["anchored", last].value < far["last_frame", last].value,
        near["anchored", last].value > near["last_frame", last].value,
    ]
    return nearer[0] if all(one == other for one, other in pairwise(nearer)) else None
