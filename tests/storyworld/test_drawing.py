"""Frames and clips of the storyworld: determinism, camera, mirror, size and people in the picture."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from moviedreamer_core.storyworld.drawing import FRAME_SIZE, draw_clip, draw_frame
from moviedreamer_core.storyworld.facts import PLACES, SHOTS, STILL, Appearance, CameraMove, Figure, Scene

LOOK = Appearance(
    gender="woman",
    age="adult",
    skin="tan",
    hair_colour="red",
    hair_style="short",
    hat="none",
    hat_colour="red",
    glasses=False,
    beard="none",
    outfit="coat",
    outfit_colour="yellow",
)
MARA = Figure(character=0, appearance=LOOK, action="walking", expression="happy", x=0.4)
TOM = Figure(
    character=1,
    appearance=replace(LOOK, gender="man", hair_colour="black"),
    action="standing",
    expression="calm",
    x=0.6,
    facing=-1,
)
SCENE = Scene(place="harbour", layout_seed=3, time="day", weather="clear", shot="wide", figures=(MARA, TOM))


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image, dtype=np.float64)


def person_mask(scene: Scene, figure: Figure) -> np.ndarray:
    """Where drawing `figure` alone changes the empty scene."""
    alone = pixels(draw_frame(replace(scene, figures=(figure,))))
    return np.abs(alone - pixels(draw_frame(replace(scene, figures=())))).max(axis=-1) > 16


@pytest.mark.parametrize("place", PLACES)
def test_the_same_scene_gives_the_same_bytes(place):
    scene = replace(SCENE, place=place, weather="snow", time="night")
    assert draw_frame(scene).tobytes() == draw_frame(scene).tobytes()


def test_a_frame_is_rgb_and_of_the_size_asked_for():
    frame = draw_frame(SCENE)
    assert (frame.mode, frame.size) == ("RGB", FRAME_SIZE)
    assert draw_frame(SCENE, size=(448, 256)).size == (448, 256)


@pytest.mark.parametrize("camera", [STILL, CameraMove(pan_per_second=0.08, zoom_per_second=1.1)])
@pytest.mark.parametrize("shot", SHOTS)
def test_the_first_frame_of_a_clip_is_the_still(shot, camera):
    scene = replace(SCENE, shot=shot, mirrored=True)
    clip = draw_clip(scene, num_frames=2, frames_per_second=7, camera=camera)
    assert clip[0].tobytes() == draw_frame(scene).tobytes()
    assert clip[1].tobytes() != clip[0].tobytes()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("weather", ["clear", "rain", "snow"])
def test_every_place_moves_gently(place, weather):
    scene = replace(SCENE, place=place, weather=weather, figures=())
    first, second = (pixels(frame) for frame in draw_clip(scene, num_frames=2, frames_per_second=0.5))
    assert 0.005 < np.abs(first - second).mean() < 12


@pytest.mark.parametrize("shot", SHOTS)
@pytest.mark.parametrize("place", PLACES)
def test_mirrored_is_exactly_the_flip(place, shot):
    scene = replace(SCENE, place=place, shot=shot, camera_x=0.6)
    flipped = draw_frame(scene).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert draw_frame(replace(scene, mirrored=True)).tobytes() == flipped.tobytes()


@pytest.mark.parametrize("direction", [-1, 1])
@pytest.mark.parametrize("place", PLACES)
def test_a_long_pan_and_zoom_out_show_no_border(place, direction):
    """A border would be an edge column or row that is one colour while its neighbour is another."""
    camera = CameraMove(pan_per_second=0.15 * direction, zoom_per_second=0.9)
    frame = pixels(draw_frame(replace(SCENE, place=place, figures=()), seconds=2.0, camera=camera))
    for edge in (frame[:, 0], frame[:, -1], frame[0], frame[-1]):
        assert (edge.max(axis=-1) > 12).all()


def test_a_pan_of_whole_pixels_moves_the_picture_by_exactly_them():
    """Panning by 6 supersampled pixels is 3 pixels of the frame: still things must land there unchanged."""
    scene = replace(SCENE, place="castle", figures=())
    panned = draw_frame(scene, seconds=1e-9, camera=CameraMove(pan_per_second=3 / 224 / 1e-9))
    still = pixels(draw_frame(scene))
    np.testing.assert_allclose(pixels(panned)[:, :-3][30:], still[:, 3:][30:], atol=1)


def test_a_slow_pan_is_smooth():
    """Each step of a slow pan changes the picture about as much as the next: no step is skipped or
    doubled.
    """
    scene = replace(SCENE, place="castle", figures=())
    camera = CameraMove(pan_per_second=0.3 / 224 * 1e6)  # 0.3 pixels a microsecond: nothing else moves
    frames = [pixels(f) for f in draw_clip(scene, num_frames=24, frames_per_second=1e6, camera=camera)]
    steps = np.array([np.abs(a - b).mean() for a, b in pairwise(frames[1:])])
    assert steps.min() > 0.25 * steps.mean()
    assert steps.max() < 2.5 * steps.mean()


@pytest.mark.parametrize("zoom", [0.8, 1.25])
def test_zooming_magnifies_about_the_middle(zoom):
    """The reference resamples the unzoomed picture: what both show must agree up to sharpness."""
    scene = replace(SCENE, place="castle", figures=())
    width, height = FRAME_SIZE
    zoomed = draw_frame(scene, seconds=1.0, camera=CameraMove(zoom_per_second=zoom))
    plain = draw_frame(scene, seconds=1.0)
    wide, narrow = (zoomed, plain) if zoom < 1 else (plain, zoomed)
    k = max(zoom, 1 / zoom)
    box = (
        width / 2 * (1 - 1 / k),
        height / 2 * (1 - 1 / k),
        width / 2 * (1 + 1 / k),
        height / 2 * (1 + 1 / k),
    )
    magnified = wide.resize(FRAME_SIZE, Image.Resampling.BICUBIC, box=box)
    assert np.abs(pixels(magnified) - pixels(narrow)).mean() < 4


@pytest.mark.parametrize("shot", SHOTS)
@pytest.mark.parametrize("place", PLACES)
def test_a_bigger_frame_is_the_same_picture(place, shot):
    scene = replace(SCENE, place=place, shot=shot, weather="rain")
    small, big = pixels(draw_frame(scene)), pixels(draw_frame(scene, size=(448, 256)).reduce(2))
    assert np.abs(small - big).mean() < 5.0


def test_camera_x_moves_near_things_more_than_far_ones():
    left, right = (pixels(draw_frame(replace(SCENE, figures=(), camera_x=x))) for x in (-1.0, 1.0))
    np.testing.assert_array_equal(left[:20], right[:20])  # the sky stays
    assert np.abs(left[60:] - right[60:]).mean() > 5


def test_people_grow_from_wide_to_close():
    shares = [person_mask(replace(SCENE, shot=shot), MARA).mean() for shot in SHOTS]
    assert 0.01 < shares[0] < 0.08 < shares[1] < 0.25 < shares[2] < 0.6


@pytest.mark.parametrize("shot", SHOTS)
@pytest.mark.parametrize("count", [2, 3])
def test_people_asked_for_at_one_spot_are_spread_apart(shot, count):
    crowd = tuple(
        replace(TOM, character=i, appearance=replace(LOOK, outfit_colour=c), x=0.5)
        for i, c in enumerate(("yellow", "blue", "red")[:count])
    )
    together = pixels(draw_frame(replace(SCENE, shot=shot, figures=crowd)))
    empty = pixels(draw_frame(replace(SCENE, shot=shot, figures=())))
    columns = (np.abs(together - empty).max(axis=-1) > 16).any(axis=0)
    alone = person_mask(replace(SCENE, shot="wide"), TOM).any(axis=0).sum()
    assert columns.sum() > count * 0.8 * alone


@pytest.mark.parametrize("x", [0.0, 1.0])
@pytest.mark.parametrize("shot", SHOTS)
def test_nobody_leaves_the_frame(shot, x):
    columns = person_mask(replace(SCENE, shot=shot), replace(TOM, x=x)).any(axis=0).nonzero()[0]
    middle = columns.mean() / FRAME_SIZE[0]
    assert 0.05 < middle < 0.95


@pytest.mark.parametrize("facing", [-1, 1])
def test_a_walker_moves_the_way_she_faces(facing):
    walker = replace(MARA, x=0.5, facing=facing)
    empty = replace(SCENE, figures=())

    def middle(seconds: float) -> float:
        with_her = pixels(draw_frame(replace(SCENE, figures=(walker,)), seconds=seconds))
        without = pixels(draw_frame(empty, seconds=seconds))
        return float((np.abs(with_her - without).max(axis=-1) > 16).nonzero()[1].mean())

    assert facing * (middle(2.0) - middle(0.0)) > 8


def test_a_tiny_size_is_refused():
    with pytest.raises(ValueError, match="at least 16 x 16 pixels, got 8 x 128"):
        draw_frame(SCENE, size=(8, 128))


@pytest.mark.parametrize(("num_frames", "rate"), [(0, 8.0), (3, 0.0)])
def test_an_empty_clip_is_refused(num_frames, rate):
    with pytest.raises(ValueError, match=f"got {num_frames} frames at {rate} per second"):
        draw_clip(SCENE, num_frames=num_frames, frames_per_second=rate)


@pytest.mark.parametrize("weather", ["rain", "snow"])
def test_weather_does_not_jump_when_the_camera_zooms_out(weather):
    """Frames a moment apart, with a growing canvas behind them, stay close: drops keep their places."""
    scene = replace(SCENE, place="castle", weather=weather, figures=())
    camera = CameraMove(zoom_per_second=0.8**100)
    clip = draw_clip(scene, num_frames=12, frames_per_second=1e3, camera=camera)
    steps = [np.abs(pixels(a) - pixels(b)).mean() for a, b in pairwise(clip[1:])]
    assert 0.1 < max(steps) < 2 * (sum(steps) / len(steps))
