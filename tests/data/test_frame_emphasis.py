"""Emphasis: people count more, wherever a scene puts them; checked against the pictures themselves."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from moviedreamer_core.data.frame_emphasis import BODY, HEAD, emphasis_of
from moviedreamer_core.storyworld.drawing import draw_frame, figure_boxes
from moviedreamer_core.storyworld.episodes import sample_episode

WIDTH, HEIGHT = 224, 128
SCENES = [
    scene for index in range(4) for scene in sample_episode("train", index, mirrored=index % 2 == 1).scenes
]
PEOPLED = [scene for scene in SCENES if scene.figures]


def drawn(scene) -> np.ndarray:
    return np.asarray(draw_frame(scene, size=(WIDTH, HEIGHT))).astype(int)


def changed_by_figures(scene) -> np.ndarray:
    """The pixels that look different without the people."""
    return np.abs(drawn(scene) - drawn(dataclasses.replace(scene, figures=()))).sum(-1) > 30


def inside(box) -> np.ndarray:
    x, y = (np.arange(WIDTH) + 0.5) / WIDTH, (np.arange(HEIGHT) + 0.5) / HEIGHT
    return ((y > box.top) & (y < box.bottom))[:, None] & ((x > box.left) & (x < box.right))[None]


@pytest.mark.parametrize("shot", ["wide", "medium", "close"])
def test_boxes_hold_the_people_and_little_else(shot):
    covered, filled = [], []
    for scene in (s for s in PEOPLED if s.shot == shot):
        figures = changed_by_figures(scene)
        boxes = np.any([inside(box) for box in figure_boxes(scene)], axis=0)
        covered.append((figures & boxes).sum() / figures.sum())
        filled.append((figures & boxes).sum() / boxes.sum())
    assert len(covered) >= 3
    assert np.mean(covered) > 0.75  # raised arms and props reach out
    assert np.mean(filled) > 0.5


def test_boxes_come_in_the_order_of_the_figures():
    for scene in PEOPLED:
        middles = [(box.left + box.right) / 2 for box in figure_boxes(scene)]
        assert middles == sorted(middles)
        assert len(middles) == len(scene.figures)


def test_a_head_is_above_its_chin():
    assert all(box.top < box.chin < box.bottom for scene in PEOPLED for box in figure_boxes(scene))


def test_weights_average_one_and_are_largest_on_heads():
    for scene in PEOPLED:
        weights = emphasis_of(scene, height=16, width=28)
        assert weights.mean() == pytest.approx(1.0)
        ratios = np.unique(np.round(weights / weights.min(), 3))
        assert set(ratios) <= {1.0, BODY, HEAD, np.round(HEAD / BODY, 3)}


def test_nobody_in_the_frame_leaves_every_spot_alike():
    empty = dataclasses.replace(PEOPLED[0], figures=())
    assert figure_boxes(empty) == ()
    assert np.array_equal(emphasis_of(empty, height=3, width=5), np.ones((3, 5)))
