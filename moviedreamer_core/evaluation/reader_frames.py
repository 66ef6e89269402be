"""Frames drawn for the readers: every batch anew, in processes of their own, most of them with one person.

Nothing is kept and no frame is seen twice, so there is nothing to overfit. A batch depends on its step alone.
This module does without torch, so that the drawing processes start fast and stay small.
"""

from __future__ import annotations

import dataclasses
import multiprocessing
from collections import deque
from dataclasses import dataclass
from multiprocessing.pool import AsyncResult, Pool
from types import TracebackType

import numpy as np

from moviedreamer_core.evaluation.facts_of_frames import labels_of
from moviedreamer_core.storyworld.casting import sample_cast, weighted
from moviedreamer_core.storyworld.drawing import draw_frame
from moviedreamer_core.storyworld.facts import Scene
from moviedreamer_core.storyworld.staging import sample_scenes

NUM_PEOPLE = {0: 0.05, 1: 0.62, 2: 0.18, 3: 0.15}  # facts of a person are read where there is exactly one
SEED = 0x72656164  # apart from the streams that episodes are drawn from
BATCHES_AHEAD = 6


@dataclass(frozen=True, eq=False)
class LabelledFrames:
    """`frames` uint8 [B, H, W, 3]; `labels` int64 [B, number of facts], HIDDEN where none shows."""

    frames: np.ndarray
    labels: np.ndarray


def sample_scene(rng: np.random.Generator) -> Scene:
    """One frame of an episode of its own, staged as all others, flipped every other time."""
    num_people = weighted(rng, NUM_PEOPLE)
    while True:
        _, cast = sample_cast(rng, size=max(2, num_people))
        (scene,) = sample_scenes(rng, cast, num_keyframes=1)
        if len(scene.figures) == num_people:
            return dataclasses.replace(scene, mirrored=bool(rng.random() < 0.5))


def draw_batch(step: int, num_frames: int) -> LabelledFrames:
    """The batch of that step: always the same."""
    rng = np.random.default_rng([SEED, step])
    scenes = [sample_scene(rng) for _ in range(num_frames)]
    return LabelledFrames(
        frames=np.stack([np.asarray(draw_frame(scene)) for scene in scenes]),
        labels=np.array([labels_of(scene) for scene in scenes], dtype=np.int64),
    )


class DrawnAhead:
    """`draw_batch` for consecutive steps, drawn ahead by other processes; a context manager that ends them."""

    def __init__(self, num_frames: int, *, processes: int) -> None:
        self._num_frames, self._processes = num_frames, processes
        self._pool: Pool | None = None
        self._expected: deque[tuple[int, AsyncResult[LabelledFrames]]] = deque()

    def __enter__(self) -> DrawnAhead:
        self._pool = multiprocessing.get_context("spawn").Pool(self._processes)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._pool is not None
        self._pool.terminate()
        self._pool.join()
        self._expected.clear()

    def __call__(self, step: int) -> LabelledFrames:
        """The batch of `step`, which usually follows the one asked for before."""
        if not self._expected or self._expected[0][0] != step:
            self._expected.clear()
        while len(self._expected) <= BATCHES_AHEAD:
            self._order(self._expected[-1][0] + 1 if self._expected else step)
        return self._expected.popleft()[1].get()

    def _order(self, step: int) -> None:
        if self._pool is None:
            raise ValueError("the drawing processes are not running; use `with DrawnAhead(...) as batch_at`")
        self._expected.append((step, self._pool.apply_async(draw_batch, (step, self._num_frames))))
