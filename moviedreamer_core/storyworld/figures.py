"""People of the storyworld, drawn whole: a person stands at `feet` and the canvas clips what it cannot show.

Works at every framing: the part of a person that the canvas can show decides how far props are lifted into
view. Head radii and body units are those of `poses`; the parts are in `faces`, `hair`, `outfits` and `props`.
"""

from __future__ import annotations

import math

from PIL import ImageDraw

from moviedreamer_core.storyworld.faces import draw_features, draw_skull
from moviedreamer_core.storyworld.facts import Appearance, Figure
from moviedreamer_core.storyworld.hair import draw_back_hair, draw_front_hair
from moviedreamer_core.storyworld.outfits import draw_arm, draw_hand, draw_leg, draw_trunk
from moviedreamer_core.storyworld.palette import RGB, Light, Number, mix
from moviedreamer_core.storyworld.pen import Pen
from moviedreamer_core.storyworld.poses import CHIN_Y, HIP_Y, Instant, Pose, pose_of
from moviedreamer_core.storyworld.props import draw_behind, draw_held, draw_marks

_STATURE = {"child": 0.72, "adult": 1.0, "old": 0.94}  # of an adult's height
_HEAD_RADIUS = {"child": 0.138, "adult": 0.15, "old": 0.15}  # of an adult's height
OLD_STOOP_DEGREES = 6.0
BLINK_EVERY_SECONDS, BLINK_AT_SECONDS, BLINK_SECONDS = 3.2, 2.3, 0.14


def stature(appearance: Appearance) -> float:
    """Height of the bare head's top over the ground, as a share of an adult's height."""
    return _STATURE[appearance.age]


def head_centre(appearance: Appearance) -> float:
    """Height of the standing person's head centre over the ground, as a share of an adult's height.

    A close shot puts this near the middle of the frame, so that a child's face is in view too.
    """
    return _STATURE[appearance.age] - _HEAD_RADIUS[appearance.age]


def framing(height_px: Number, canvas_height_px: int) -> str:
    """The shot ("wide", "medium" or "close") in which an adult of `height_px` is seen on the canvas."""
    share = height_px / canvas_height_px
    return "wide" if share < 0.8 else "medium" if share < 1.6 else "close"


def draw_figure(
    draw: ImageDraw.ImageDraw,
    figure: Figure,
    *,
    feet: tuple[Number, Number],
    height_px: Number,
    light: Light,
    seconds: Number = 0.0,
) -> None:
    """Draw a person standing at pixel `feet`; an adult would be `height_px` tall, a child 0.72 of it.

    `seconds` moves the action along its cycle; 0 is the still. Deterministic: same input, same pixels.
    """
    look = figure.appearance
    radius = _HEAD_RADIUS[look.age]
    body_scale = (_STATURE[look.age] - 2 * radius) / CHIN_Y * height_px
    now = Instant(
        seconds=seconds,
        shot=framing(height_px, draw.im.size[1]),
        head_radius=radius * height_px / body_scale,
    )
    ground = Pen(
        draw,
        light,
        origin=feet,
        x_axis=(figure.facing * body_scale, 0.0),
        y_axis=(0.0, -body_scale),
        edge_px=max(1, round(0.6 + 0.0062 * height_px)),
    )
    _draw_person(draw, ground, figure, pose_of(figure.action, now), now)


def _draw_person(draw: ImageDraw.ImageDraw, ground: Pen, figure: Figure, pose: Pose, now: Instant) -> None:
    look, action = figure.appearance, figure.action
    stoop = OLD_STOOP_DEGREES if look.age == "old" else 0.0
    back = 0.4 * math.sin(math.radians(stoop))  # a bent back still carries the head over the feet
    trunk = ground.at(*pose.hip, turn=-pose.lean - stoop).at(-back, -HIP_Y)
    head = trunk.at(0.0, CHIN_Y + now.head_radius, turn=-pose.tilt, scale=now.head_radius)
    sway = 0.12 * now.wave(0.7) + 0.02 * max(0.0, pose.lean)
    if now.shot == "wide":
        _draw_ground_shadow(draw, ground, pose)
    draw_behind(ground, head, action, now)
    draw_back_hair(head, look, sway=sway)
    if now.shot != "close":
        _draw_legs(ground, look, pose)
    _draw_arms(trunk, look, pose, layer="behind")
    _draw_hands(trunk, look, pose, layer="behind")
    draw_trunk(trunk, look, seated=pose.seated)
    _draw_arms(trunk, look, pose, layer="over")
    _draw_head(head, look, figure, pose, now, sway)
    _draw_arms(trunk, look, pose, layer="front")
    draw_held(trunk, head, action, now)
    _draw_hands(trunk, look, pose, layer="over")
    _draw_hands(trunk, look, pose, layer="front")
    draw_marks(head, action, now)


def _draw_head(head: Pen, look: Appearance, figure: Figure, pose: Pose, now: Instant, sway: Number) -> None:
    draw_skull(head, look)
    draw_features(
        head,
        look,
        figure.expression,
        eyes_closed=pose.eyes_closed or _blinks(now.seconds),
        gaze=pose.gaze,
        chewing=figure.action == "eating" and figure.expression == "calm",
    )
    draw_front_hair(head, look, sway=sway)


def _blinks(seconds: Number) -> bool:
    return BLINK_AT_SECONDS <= seconds % BLINK_EVERY_SECONDS < BLINK_AT_SECONDS + BLINK_SECONDS


def _draw_legs(ground: Pen, look: Appearance, pose: Pose) -> None:
    covered = pose.seated and look.outfit in ("coat", "dress")
    for side, foot in zip((-1, 1), pose.feet, strict=True):
        hip = (pose.hip[0] + side * 0.05, pose.hip[1])
        draw_leg(ground, look, hip, foot, short_cloth=covered)


def _draw_arms(trunk: Pen, look: Appearance, pose: Pose, *, layer: str) -> None:
    for k, side in enumerate((-1, 1)):
        if pose.layers[k] == layer:
            draw_arm(trunk, look, pose.hands[k], side, pose.elbows[k])


def _draw_hands(trunk: Pen, look: Appearance, pose: Pose, *, layer: str) -> None:
    for k, side in enumerate((-1, 1)):
        if pose.layers[k] == layer:
            draw_hand(trunk, look, pose.hands[k], pose.fingers[k], side)


def _draw_ground_shadow(draw: ImageDraw.ImageDraw, ground: Pen, pose: Pose) -> None:
    """A soft ellipse in a darker shade of what is drawn there already."""
    px, py = ground.to_px(0.0, 0.0)
    width, height = draw.im.size
    seen = draw.im.getpixel((min(max(round(px), 0), width - 1), min(max(round(py), 0), height - 1)))
    shadow: RGB = mix(seen, (18, 12, 34), 0.34)
    radius = (0.24 if pose.seated else 0.17) * ground.unit_px * (1 - min(0.5, 2.2 * pose.lifted))
    shift = 0.08 * ground.unit_px if pose.seated else 0.0
    draw.ellipse(
        (px - radius + shift, py - radius * 0.2, px + radius + shift, py + radius * 0.2), fill=shadow
    )
