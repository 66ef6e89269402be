"""Very long stories through the sliding window: does a place stay the place it was, however long ago that was?

K keyframes of a story, V visual tokens, D token channels. Source: MovieDreamer, section 3.3 (a context of 128
keyframes that slides); the measure is ours, on the planner's own tokens: what it has decided, before anything is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from moviedreamer_core.autoregressive.generation import plan
from moviedreamer_core.evaluation.protocol import portraits_of
from moviedreamer_core.evaluation.tables.plot import save_curves
from moviedreamer_core.evaluation.tables.result import Estimate, Result, estimate, write_result
from moviedreamer_core.preparation import Preparation, to_pixels
from moviedreamer_core.pretrained import Models
from moviedreamer_core.storyworld.drawing import draw_frame
from moviedreamer_core.storyworld.episodes import Episode, sample_episode
from moviedreamer_core.storyworld.facts import Scene

PARTS = frozenset({"vision", "text", "face", "compressor", "autoregressive"})
STORIES, KEYFRAMES = 4, 1000
EDGES = (1, 4, 16, 64, 256, 1000)  # of the ranges of distance, in keyframes
FRAMES_AT_ONCE = 50
PLANNED, TRUE, ELSEWHERE = "planned, same place", "true, same place", "planned, other places"


def run(models: Models, folder: Path, *, stories: int = STORIES, keyframes: int = KEYFRAMES) -> Iterator[str]:
    """Plan long test stories, compare their keyframes pair by pair, write the result; yields lines of progress.

    Raises OutputError.
    """
    ranges = [(low, min(high, keyframes)) for low, high in pairwise(EDGES) if low < keyframes]
    found: dict[tuple[str, int], list[tuple[int, float]]] = {}
    for story in range(stories):
        episode = sample_episode("test", story, num_keyframes=keyframes)
        planned, true = planned_tokens(models, episode), true_tokens(models, episode)
        same = same_place(episode.scenes)
        for name, tokens, pairs in (
            (PLANNED, planned, same),
            (TRUE, true, same),
            (ELSEWHERE, planned, ~same),
        ):
            for low, value in by_distance(tokens, pairs, ranges).items():
                found.setdefault((name, low), []).append((story, value))
        yield f"length: story {story + 1} of {stories}, {keyframes} keyframes"
    result = result_of(
        {key: estimate(values) for key, values in found.items()}, ranges, models, keyframes=keyframes
    )

    def draw(path: Path) -> None:
        lows = [low for low, _ in ranges if all((name, low) in found for name in (PLANNED, TRUE, ELSEWHERE))]
        curves = {name: [estimate(found[name, low]) for low in lows] for name in (PLANNED, TRUE, ELSEWHERE)}
        save_curves(
            path, x=lows, x_label="keyframes apart, at least", x_scale="log",
            panels={"cosine of visual tokens": curves},
        )  # fmt: skip

    write_result(result, folder, draw)
    yield f"length: written to {folder}"


@torch.no_grad()
def planned_tokens(models: Models, episode: Episode) -> Float[Tensor, "K VD"]:
    prepared = Preparation(models).prepare(episode.story, portraits_of(episode))
    tokens = plan(
        models.planner, models.planner_tokenizer, prepared.keyframes, seeds=prepared.seeds, temperature=1.0
    )
    return torch.stack([one.flatten() for one in tokens])


@torch.no_grad()
def true_tokens(models: Models, episode: Episode) -> Float[Tensor, "K VD"]:
    config = models.config.renderer
    rows = []
    for start in range(0, len(episode.scenes), FRAMES_AT_ONCE):
        scenes = episode.scenes[start : start + FRAMES_AT_ONCE]
        frames = [to_pixels(draw_frame(s, size=(config.image_width, config.image_height))) for s in scenes]
        rows.append(models.compressor(models.vision.spatial_tokens(torch.stack(frames))).flatten(1))
    return torch.cat(rows)


def same_place(scenes: Sequence[Scene]) -> Bool[np.ndarray, "K K"]:
    """Whether two keyframes show the same place at the same time of day in the same shot size."""
    keys = [(s.place, s.layout_seed, s.time, s.shot) for s in scenes]
    numbers = np.unique([repr(key) for key in keys], return_inverse=True)[1]
    return numbers[:, None] == numbers[None]


def by_distance(
    tokens: Float[Tensor, "K VD"], pairs: Bool[np.ndarray, "K K"], ranges: Sequence[tuple[int, int]]
) -> dict[int, float]:
    """Lower edge of a range of distances -> mean cosine of the pairs that far apart; ranges without a pair are out."""
    unit = torch.nn.functional.normalize(tokens.double(), dim=-1)
    cosines = (unit @ unit.T).cpu().numpy()
    place = np.arange(len(cosines))
    apart = place[None] - place[:, None]  # each pair once: only the later keyframe's distance is positive
    means = {}
    for low, high in ranges:
        chosen = pairs & (apart >= low) & (apart < high)
        if chosen.any():
            means[low] = float(cosines[chosen].mean())
    return means


def result_of(
    figures: dict[tuple[str, int], Estimate],
    ranges: Sequence[tuple[int, int]],
    models: Models,
    *,
    keyframes: int,
) -> Result:
    names = (PLANNED, TRUE, ELSEWHERE)
    rows = {
        f"{low} to {high - 1} apart": {name: figures[name, low] for name in names if (name, low) in figures}
        for low, high in ranges
    }
    lows = [low for low, _ in ranges if (PLANNED, low) in figures and (ELSEWHERE, low) in figures]
    apart = bool(lows) and all(figures[PLANNED, low].value > figures[ELSEWHERE, low].value for low in lows)
    window = models.config.autoregressive.window_keyframes
    return Result(
        name="length",
        title=f"Length: {keyframes:,} keyframes through the sliding window",
        question="Does a place that comes back look like itself, whatever lies between?",
        paper="coherence over long stories is the claim of the whole (sections 1 and 3.3); no curve is given.",
        columns=names,
        rows=rows,
        agrees=None,
        note=f"Mean cosine of the visual tokens of two keyframes of one story. Same place: same place, time of day and "
        f"shot size. Beyond the window of {window} keyframes the planner cannot see the earlier one: what is alike "
        "there comes from the script alone. "
        + ("At every distance" if apart else "Not at every distance")
        + " planned keyframes of the same place are more alike than those of other places.",
        command="python -m moviedreamer_core evaluate --table length",
        weights_hash=models.weights_hash,
    )
