"""The people of the storyworld: what is true of them can be seen, and the drawing is reproducible."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from moviedreamer_core.storyworld import facts
from moviedreamer_core.storyworld.facts import Appearance, Figure
from moviedreamer_core.storyworld.figures import draw_figure, framing, head_centre, stature
from moviedreamer_core.storyworld.palette import FIGURE_LIGHT, HAIR_RGB, OUTFIT_RGB, SKIN_RGB, Light
from moviedreamer_core.storyworld.pen import Pen
from moviedreamer_core.storyworld.portraits import draw_portrait
from moviedreamer_core.storyworld.poses import bend

CANVAS = (448, 256)
SKY = (150, 205, 255)
HEIGHT_SHARE = {"wide": 0.42, "medium": 1.15, "close": 2.4}
SOMEONE = Appearance(
    gender="man", age="adult", skin="light", hair_colour="brown", hair_style="short", hat="none",
    hat_colour="red", glasses=False, beard="none", outfit="shirt", outfit_colour="blue",
)  # fmt: skip
TRAITS: dict[str, tuple] = {
    "gender": facts.GENDERS, "age": facts.AGES, "skin": facts.SKINS, "hair_colour": facts.HAIR_COLOURS,
    "hair_style": facts.HAIR_STYLES, "hat": facts.HATS, "glasses": (False, True), "beard": facts.BEARDS,
    "outfit": facts.OUTFITS, "outfit_colour": facts.COLOURS,
}  # fmt: skip


def person(
    action: str = "standing", expression: str = "calm", look: Appearance = SOMEONE, facing: int = 1
) -> Figure:
    return Figure(character=0, appearance=look, action=action, expression=expression, x=0.5, facing=facing)


def drawn(figure: Figure, shot: str = "wide", seconds: float = 0.0, time: str = "day") -> np.ndarray:
    """The frame at its final size, 224 x 128, where a fact must be seen."""
    image = Image.new("RGB", CANVAS, SKY)
    height = HEIGHT_SHARE[shot] * CANVAS[1]
    feet_y = {
        "wide": 225.0,
        "medium": 38 + height,
        "close": 0.47 * CANVAS[1] + head_centre(figure.appearance) * height,
    }[shot]
    draw_figure(
        ImageDraw.Draw(image),
        figure,
        feet=(CANVAS[0] / 2, feet_y),
        height_px=height,
        light=FIGURE_LIGHT[time],
        seconds=seconds,
    )
    return np.asarray(image.resize((224, 128), Image.Resampling.BOX), dtype=np.int16)


def seen_difference(first: np.ndarray, second: np.ndarray) -> int:
    """How many pixels differ by more than a camera's noise."""
    return int((np.abs(first - second).max(-1) > 24).sum())


@pytest.mark.parametrize("shot", facts.SHOTS)
@pytest.mark.parametrize("trait", TRAITS)
def test_every_two_values_of_a_trait_look_different(trait, shot):
    frames = [drawn(person(look=replace(SOMEONE, **{trait: value})), shot) for value in TRAITS[trait]]
    for first, second in itertools.combinations(frames, 2):
        assert seen_difference(first, second) >= 8


@pytest.mark.parametrize("shot", facts.SHOTS)
def test_every_two_actions_look_different(shot):
    frames = [drawn(person(action), shot) for action in facts.ACTIONS]
    for first, second in itertools.combinations(frames, 2):
        assert seen_difference(first, second) >= 40


@pytest.mark.parametrize(("shot", "least"), [("wide", 4), ("medium", 30), ("close", 150)])
def test_every_two_expressions_look_different(shot, least):
    frames = [drawn(person(expression=expression), shot) for expression in facts.EXPRESSIONS]
    for first, second in itertools.combinations(frames, 2):
        assert seen_difference(first, second) >= least


@pytest.mark.parametrize("hat", facts.HATS[1:])
def test_hat_colours_and_the_hair_below_a_hat_look_different(hat):
    looks = [replace(SOMEONE, hat=hat, hat_colour=colour) for colour in facts.COLOURS]
    looks += [
        replace(SOMEONE, hat=hat, hair_colour=colour) for colour in facts.HAIR_COLOURS if colour != "brown"
    ]
    frames = [drawn(person(look=look), "medium") for look in looks]
    for first, second in itertools.combinations(frames, 2):
        assert seen_difference(first, second) >= 40


@pytest.mark.parametrize("colours", [HAIR_RGB, SKIN_RGB, OUTFIT_RGB], ids=["hair", "skin", "outfit"])
@pytest.mark.parametrize("time", facts.TIMES)
def test_colours_stay_apart_in_every_light(colours, time):
    tinted = [np.array(FIGURE_LIGHT[time].tint(rgb), dtype=float) for rgb in colours.values()]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(tinted, 2)) >= 35


def test_palettes_have_a_colour_for_every_fact():
    assert set(HAIR_RGB) == set(facts.HAIR_COLOURS)
    assert set(SKIN_RGB) == set(facts.SKINS)
    assert set(OUTFIT_RGB) == set(facts.COLOURS)
    assert set(FIGURE_LIGHT) == set(facts.TIMES)


@pytest.mark.parametrize("time", facts.TIMES)
def test_no_light_darkens_white_by_more_than_35_percent(time):
    assert min(FIGURE_LIGHT[time].tint((255, 255, 255))) >= 0.65 * 255


def test_light_multiplies_adds_and_clips():
    assert Light(multiply=(0.5, 2.0, 1.0), ambient=(10, 0, -50)).tint((100, 200, 30)) == (60, 255, 0)


@pytest.mark.parametrize("shot", facts.SHOTS)
@pytest.mark.parametrize("action", facts.ACTIONS)
def test_the_same_input_gives_the_same_pixels(action, shot):
    np.testing.assert_array_equal(drawn(person(action), shot, 0.7), drawn(person(action), shot, 0.7))


@pytest.mark.parametrize("shot", facts.SHOTS)
@pytest.mark.parametrize("action", facts.ACTIONS)
def test_every_action_moves_within_two_seconds_and_stays_smooth(action, shot):
    still, next_frame = drawn(person(action), shot), drawn(person(action), shot, 1 / 24)
    later = [drawn(person(action), shot, seconds) for seconds in (0.35, 0.8, 1.3, 1.9)]
    assert max((np.abs(frame - still).max(-1) > 0).sum() for frame in later) > 0
    assert np.abs(next_frame - still).mean() <= 1.05 * max(np.abs(frame - still).mean() for frame in later)


def test_walking_repeats_every_second():
    bald = replace(SOMEONE, hair_style="bald")  # loose hair sways to another rhythm
    body = slice(75, 128)  # rows below the head, whose speed marks drift on their own
    np.testing.assert_array_equal(
        drawn(person("walking", look=bald), seconds=0.3)[body],
        drawn(person("walking", look=bald), seconds=1.3)[body],
    )


def test_eyes_are_open_in_the_still_and_blink_later():
    open_eyes, blink = drawn(person(), "close", 0.0), drawn(person(), "close", 2.35)
    shut = (open_eyes.min(-1) > 245) & (blink.min(-1) < 245)  # the whites of the eyes are gone
    assert shut.sum() > 100


@pytest.mark.parametrize("shot", ["wide", "medium"])
@pytest.mark.parametrize("action", facts.ACTIONS)
def test_facing_left_mirrors_the_figure(action, shot):
    right, left = drawn(person(action), shot), drawn(person(action, facing=-1), shot)
    assert seen_difference(right, left) > 20
    assert np.abs(right - left[:, ::-1]).mean() < 0.25 * np.abs(right - np.array(SKY)).mean()


@pytest.mark.parametrize("outfit_colour", ["black", "purple"])
def test_black_clothes_show_on_a_black_place(outfit_colour):
    image = Image.new("RGB", CANVAS, (20, 20, 26))
    look = replace(SOMEONE, outfit="coat", outfit_colour=outfit_colour)
    draw_figure(
        ImageDraw.Draw(image), person(look=look), feet=(224, 225), height_px=108, light=FIGURE_LIGHT["night"]
    )
    trunk = np.asarray(image, dtype=int)[160:200, 200:248]
    assert (trunk.max(-1) > 75).sum() > 60


@pytest.mark.parametrize("age", facts.AGES)
def test_a_standing_person_has_the_stated_stature(age):
    look = replace(SOMEONE, age=age, hair_style="bald")
    rows = np.flatnonzero((drawn(person(look=look)) != np.array(SKY)).any(axis=(1, 2)))
    expected_px = stature(look) * HEIGHT_SHARE["wide"] * 128
    top_to_feet_px = 225 / 2 - rows[0]
    assert abs(top_to_feet_px - expected_px) <= 0.05 * expected_px + 1


def test_children_are_shorter_and_have_larger_heads_for_their_height():
    child, adult = (replace(SOMEONE, age=age) for age in ("child", "adult"))
    assert stature(child) == pytest.approx(0.72 * stature(adult))
    child_head, adult_head = (1 - head_centre(look) / stature(look) for look in (child, adult))
    assert child_head > 1.2 * adult_head


@pytest.mark.parametrize("action", [action for action in facts.ACTIONS if action != "sleeping"])
@pytest.mark.parametrize("age", facts.AGES)
def test_close_shots_keep_the_eyes_in_the_middle_half(action, age):
    frame = drawn(person(action, "surprised", look=replace(SOMEONE, age=age, skin="dark")), "close")
    middle = frame[32:96, 56:168]
    assert (middle.min(-1) > 245).sum() > 150  # the whites of wide eyes


@pytest.mark.parametrize(
    ("height_px", "expected"), [(0.42 * 256, "wide"), (1.15 * 256, "medium"), (2.6 * 256, "close")]
)
def test_framing_follows_the_size_of_a_person_on_the_canvas(height_px, expected):
    assert framing(height_px, 256) == expected


def test_figures_may_stand_off_the_canvas():
    image = Image.new("RGB", CANVAS, SKY)
    draw_figure(
        ImageDraw.Draw(image), person(), feet=(-900.0, 5000.0), height_px=108, light=FIGURE_LIGHT["day"]
    )
    assert image.getcolors() == [(CANVAS[0] * CANVAS[1], SKY)]


def test_bones_keep_their_length_and_bend_to_the_stated_side():
    for side in (-1, 1):
        joint = bend((0.0, 0.0), (0.3, -0.1), 0.2, 0.25, side)
        assert math.dist((0.0, 0.0), joint) == pytest.approx(0.2)
        assert math.dist(joint, (0.3, -0.1)) == pytest.approx(0.25)
        assert math.copysign(1, 0.3 * joint[1] + 0.1 * joint[0]) == side


def test_a_hand_out_of_reach_stretches_the_arm_straight():
    assert bend((0.0, 0.0), (2.0, 1.0), 0.2, 0.2, 1) == (1.0, 0.5)


def test_pens_turn_scale_and_nest():
    draw = ImageDraw.Draw(Image.new("RGB", (8, 8)))
    pen = Pen(draw, Light(multiply=(1, 1, 1)), origin=(10, 20), x_axis=(2, 0), y_axis=(0, -2), edge_px=1)
    assert pen.to_px(1, 1) == (12, 18)
    quarter_turn = pen.at(1, 0, turn=90, scale=3)
    assert quarter_turn.to_px(1, 0) == pytest.approx((12, 14))
    assert quarter_turn.to_px(0, 1) == pytest.approx((6, 20))


@pytest.mark.parametrize("size_px", [16, 64, 96])
@pytest.mark.parametrize("varied", [True, False])
def test_portraits_are_rgb_squares_of_the_asked_size(size_px, varied):
    portrait = draw_portrait(SOMEONE, rng=np.random.default_rng(0), size_px=size_px, varied=varied)
    assert (portrait.mode, portrait.size) == ("RGB", (size_px, size_px))


def test_varied_portraits_differ_and_repeat_with_their_seed():
    rng = np.random.default_rng(3)
    portraits = [np.asarray(draw_portrait(SOMEONE, rng=rng)) for _ in range(6)]
    assert all((first != second).any() for first, second in itertools.combinations(portraits, 2))
    again = np.asarray(draw_portrait(SOMEONE, rng=np.random.default_rng(3)))
    np.testing.assert_array_equal(again, portraits[0])


def test_the_canonical_portrait_does_not_depend_on_chance():
    first, second = (draw_portrait(SOMEONE, rng=np.random.default_rng(k), varied=False) for k in (1, 2))
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("trait", sorted(set(TRAITS) - {"outfit"}))
def test_the_canonical_portrait_shows_the_traits_of_a_face(trait):
    rng = np.random.default_rng(0)
    portraits = [
        np.asarray(draw_portrait(replace(SOMEONE, **{trait: value}), rng=rng, varied=False), dtype=np.int16)
        for value in TRAITS[trait]
    ]
    for first, second in itertools.combinations(portraits, 2):
        assert seen_difference(first, second) >= 20


def test_a_portrait_too_small_for_a_face_is_refused():
    with pytest.raises(ValueError, match="size_px must be at least 16 for a face to be seen, got 15"):
        draw_portrait(SOMEONE, rng=np.random.default_rng(0), size_px=15)
