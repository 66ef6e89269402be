"""The layouts of the storyworld's places, and that their backgrounds show what a scene says."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from moviedreamer_core.storyworld.brush import Brush
from moviedreamer_core.storyworld.drawing import draw_frame
from moviedreamer_core.storyworld.facts import PLACES, SHOTS, TIMES, WEATHERS, Scene
from moviedreamer_core.storyworld.places import ACCENTS, NUM_ARRANGEMENTS, layout_of, paint_place

EMPTY = Scene(place="beach", layout_seed=0, time="day", weather="clear", shot="wide", figures=())


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image, dtype=np.float64)


def difference(first: Scene, second: Scene) -> float:
    """Mean absolute difference of two frames, in grey levels of 255."""
    return float(np.abs(pixels(draw_frame(first)) - pixels(draw_frame(second))).mean())


def coloured_share(scene: Scene, other: Scene) -> float:
    """Share of pixels that differ by more than 24 levels in some channel: what an eye sees at a glance."""
    apart = np.abs(pixels(draw_frame(scene)) - pixels(draw_frame(other))).max(axis=-1)
    return float((apart > 24).mean())


def seeds_by_layout(place: str) -> dict[tuple[int, int], int]:
    """A seed for each (accent, arrangement) of `place`."""
    found: dict[tuple[int, int], int] = {}
    for seed in range(600):
        layout = layout_of(place, seed)
        found.setdefault((layout.accent, layout.arrangement), seed)
    return found


def test_a_layout_is_a_pure_function_of_place_and_seed():
    known = layout_of("castle", 7)
    layout_of.cache_clear()
    assert layout_of("castle", 7) == known


def test_layout_seeds_reach_every_accent_and_arrangement_about_equally():
    counts = Counter(
        (layout.accent, layout.arrangement) for layout in (layout_of("park", s) for s in range(3200))
    )
    assert len(counts) == len(ACCENTS) * NUM_ARRANGEMENTS
    assert min(counts.values()) > 60  # 100 expected, standard deviation 10
    assert max(counts.values()) < 140


def test_an_unknown_place_is_refused_by_name():
    with pytest.raises(ValueError, match="unknown place 'moon'; the storyworld has beach, lighthouse"):
        layout_of("moon", 1)


@pytest.mark.parametrize("shot", SHOTS)
def test_every_two_places_look_different(shot):
    frames = {place: pixels(draw_frame(replace(EMPTY, place=place, shot=shot))) for place in PLACES}
    for first, second in combinations(PLACES, 2):
        assert np.abs(frames[first] - frames[second]).mean() > 18, (first, second)


@pytest.mark.parametrize("shot", SHOTS)
@pytest.mark.parametrize("place", PLACES)
def test_every_two_times_look_different_in_every_place(place, shot):
    frames = {time: pixels(draw_frame(replace(EMPTY, place=place, shot=shot, time=time))) for time in TIMES}
    for first, second in combinations(TIMES, 2):
        assert np.abs(frames[first] - frames[second]).mean() > 12, (first, second)


@pytest.mark.parametrize("shot", SHOTS)
@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("place", PLACES)
def test_every_two_weathers_look_different_in_every_place(place, time, shot):
    base = replace(EMPTY, place=place, shot=shot, time=time)
    frames = {weather: pixels(draw_frame(replace(base, weather=weather))) for weather in WEATHERS}
    for first, second in combinations(WEATHERS, 2):
        assert np.abs(frames[first] - frames[second]).mean() > 5, (first, second)


@pytest.mark.parametrize("shot", SHOTS)
@pytest.mark.parametrize("place", PLACES)
def test_every_two_arrangements_of_a_place_look_different(place, shot):
    seeds = seeds_by_layout(place)
    for first, second in combinations(range(NUM_ARRANGEMENTS), 2):
        a = replace(EMPTY, place=place, shot=shot, layout_seed=seeds[0, first])
        b = replace(EMPTY, place=place, shot=shot, layout_seed=seeds[0, second])
        assert coloured_share(a, b) > 0.09, (first, second)


@pytest.mark.parametrize("shot", SHOTS)
@pytest.mark.parametrize("place", PLACES)
def test_the_accent_colour_is_plain_to_see(place, shot, monkeypatch):
    """Only the accent changes: the same seed, painted with each of the colours."""
    scene = replace(EMPTY, place=place, shot=shot)
    frames = []
    for name, rgb in ACCENTS:  # every seed gets this colour
        with monkeypatch.context() as patch:
            patch.setattr("moviedreamer_core.storyworld.places.ACCENTS", ((name, rgb),) * len(ACCENTS))
            frames.append(pixels(draw_frame(scene)))
    for first, second in combinations(frames, 2):
        assert (np.abs(first - second).max(axis=-1) > 24).mean() > 0.012


@pytest.mark.parametrize("place", PLACES)
def test_small_things_do_not_depend_on_time_or_weather(place):
    """The painter draws the same random numbers in every light."""

    def end_of_randomness(time: str, weather: str) -> tuple[object, ...]:
        brush = Brush(
            Image.new("RGB", (224, 128)),
            scale=1.0,
            origin=(0.0, 0.0),
            frame=(0, 0, 224, 128),
            time=time,
            weather=weather,
            seed=5,
        )
        paint_place(place, brush)
        return brush.random.getstate()

    states = {end_of_randomness(time, weather) for time in TIMES for weather in WEATHERS}
    assert len(states) == 1


@pytest.mark.parametrize("place", PLACES)
def test_small_things_differ_between_seeds_of_one_accent_and_arrangement(place):
    by_layout: dict[tuple[int, int], list[int]] = {}
    for seed in range(200):
        layout = layout_of(place, seed)
        by_layout.setdefault((layout.accent, layout.arrangement), []).append(seed)
    first, second = next(seeds for seeds in by_layout.values() if len(seeds) > 1)[:2]
    a, b = (replace(EMPTY, place=place, layout_seed=seed) for seed in (first, second))
    assert difference(a, b) > 0.5
