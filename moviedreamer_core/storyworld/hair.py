"""Hair and hats, in head radii around its centre: a layer behind the body and one over the face."""

from __future__ import annotations

import math

from moviedreamer_core.storyworld.facts import Appearance
from moviedreamer_core.storyworld.palette import HAIR_RGB, OUTFIT_RGB, RGB, Number, mix
from moviedreamer_core.storyworld.pen import Pen, Point, arc, edge_of, luminance, shade_of, shine_of

_CURLS = [
    (1.16 * math.cos(math.radians(angle)), 0.1 + 1.1 * math.sin(math.radians(angle)), 0.36)
    for angle in range(-30, 211, 24)
]
_FRINGE_CURLS = [(-0.62, 0.66, 0.27), (-0.22, 0.78, 0.27), (0.2, 0.8, 0.27), (0.6, 0.68, 0.27)]
_SWOOP = [
    (1.0, -0.02),
    (0.93, 0.28),
    (0.72, 0.6),
    (0.3, 0.52),
    (-0.2, 0.66),
    (-0.62, 0.5),
    (-0.84, 0.3),
    (-0.97, -0.02),
]
_PARTED = [
    (1.0, -0.02),
    (0.9, 0.3),
    (0.6, 0.62),
    (0.26, 0.8),
    (-0.1, 0.6),
    (-0.62, 0.46),
    (-0.86, 0.26),
    (-0.98, -0.02),
]
_SLEEK = [(1.0, 0.02), (0.9, 0.36), (0.5, 0.66), (0.0, 0.74), (-0.5, 0.66), (-0.86, 0.36), (-0.98, 0.02)]


def _spikes() -> list[Point]:
    points: list[Point] = []
    for k, angle in enumerate(range(-8, 197, 12)):
        radius = 1.52 if k % 2 else 1.06
        radians = math.radians(angle)
        points.append((radius * math.cos(radians), radius * math.sin(radians)))
    return points


_SPIKES = _spikes()
_CAP = arc(0.0, 0.0, 1.1, 1.14, -2, 182, 20)


def draw_back_hair(pen: Pen, look: Appearance, *, sway: Number = 0.0) -> None:
    """What falls behind the neck and shoulders; `sway` moves loose ends back, in head radii."""
    hair = HAIR_RGB[look.hair_colour]
    edge, shade = edge_of(hair), shade_of(hair)
    hatted = look.hat != "none"
    if look.hair_style == "long":
        mane = [
            *arc(0.0, 0.1, 1.17, 1.08, 0, 180, 16),
            (-1.3 - sway * 0.5, -0.7), (-1.42 - sway, -1.62), (-0.8 - sway, -1.8), (0.0, -1.66),
            (0.8 - sway * 0.6, -1.8), (1.34 - sway * 0.6, -1.62), (1.28, -0.7),
        ]  # fmt: skip
        pen.shape(mane, shade, edge=edge)
    elif look.hair_style == "ponytail":
        top = -0.05 if hatted else 0.35
        tail = [
            (-0.8, top + 0.3), (-1.2, top + 0.46), (-1.66 - sway, top + 0.1), (-1.84 - sway, top - 0.55),
            (-1.62 - sway, top - 1.5), (-1.36 - sway, top - 0.9), (-1.22, top - 0.4), (-0.86, top - 0.25),
        ]  # fmt: skip
        pen.shape(tail, hair, edge=edge)
        pen.stroke(
            [(-1.25, top + 0.2), (-1.55 - sway, top - 0.2), (-1.6 - sway, top - 0.7)], 0.07, shine_of(hair)
        )
        pen.disc(-1.02, top + 0.14, 0.16, 0.24, fill=(250, 240, 240), edge=edge)
    elif look.hair_style == "curly":
        for x, y, radius in _CURLS:
            pen.disc(x, y, radius + 0.04, fill=edge)
    elif look.hair_style == "bun":
        x, y = (-1.12, -0.1) if hatted else (-0.12, 1.36)
        pen.disc(x, y, 0.46, fill=hair, edge=edge)
        pen.stroke(arc(x, y, 0.28, 0.26, 40, 200, 7), 0.06, shine_of(hair))


def draw_front_hair(pen: Pen, look: Appearance, *, sway: Number = 0.0) -> None:
    """Hair over the face; then the hat, if any."""
    hair = HAIR_RGB[look.hair_colour]
    edge = edge_of(hair)
    style = look.hair_style
    if style == "bald":
        _draw_bald(pen, hair, edge, hatted=look.hat != "none")
    elif style == "curly":
        _draw_curls(pen, hair, edge)
    elif style == "spiky":
        line = [
            (-0.95, 0.2),
            (-0.66, 0.34),
            (-0.5, 0.66),
            (-0.24, 0.44),
            (-0.02, 0.74),
            (0.28, 0.46),
            (0.5, 0.7),
            (0.74, 0.36),
            (0.95, 0.2),
        ]
        pen.shape([*_SPIKES, *line], hair, edge=edge)
        for x in (-0.5, 0.0, 0.5):
            pen.stroke([(x, 0.86), (x * 1.25, 1.16)], 0.07, shine_of(hair))
    else:
        _draw_smooth(pen, style, hair, edge, sway)
    if look.hat != "none":
        if style != "bald":
            _draw_tufts(pen, hair, edge)
        _HATS[look.hat](pen, OUTFIT_RGB[look.hat_colour])


def _draw_bald(pen: Pen, hair: RGB, edge: RGB, *, hatted: bool) -> None:
    for side in (-1, 1):
        tuft = [
            (side * 0.86, 0.3),
            (side * 1.08, 0.34),
            (side * 1.2, 0.12),
            (side * 1.14, -0.14),
            (side * 0.98, -0.16),
            (side * 0.92, 0.06),
        ]
        pen.shape(tuft, hair, edge=edge)
    if not hatted:
        pen.stroke(arc(0.1, 0.1, 0.72, 0.72, 100, 135, 5), 0.09, (255, 246, 236))


def _draw_curls(pen: Pen, hair: RGB, edge: RGB) -> None:
    for x, y, radius in _CURLS:
        pen.disc(x, y, radius, fill=hair)
    pen.shape([*_CAP, *reversed(_SLEEK)], hair)
    for x, y, radius in _FRINGE_CURLS:
        pen.disc(x, y, radius, fill=hair, edge=edge)
    for x, y, radius in _FRINGE_CURLS:
        pen.disc(x, y + 0.12, radius, fill=hair)
    shine = shine_of(hair)
    for x, y, radius in _CURLS[2:-2:2]:
        pen.stroke(arc(x, y, radius * 0.55, radius * 0.55, 60, 160, 4), 0.06, shine)


def _draw_smooth(pen: Pen, style: str, hair: RGB, edge: RGB, sway: Number) -> None:
    line = {"short": _SWOOP, "long": _PARTED}.get(style, _SLEEK)
    pen.shape([*_CAP, *reversed(line)], hair, edge=edge)
    if style == "long":
        for side in (-1, 1):
            drift = sway * (0.7 if side < 0 else 0.4)
            lock = [
                (side * 1.08, 0.2), (side * 1.24, -0.6), (side * 1.22 - drift, -1.55),
                (side * 0.94 - drift, -1.3), (side * 0.92, -0.6), (side * 0.84, 0.26),
            ]  # fmt: skip
            pen.shape(lock, hair, edge=edge)
    elif style == "short":
        for side in (-1, 1):
            pen.shape([(side * 1.1, 0.1), (side * 1.02, -0.3), (side * 0.88, 0.1)], hair, edge=edge)
    pen.stroke(arc(0.0, 0.0, 0.86, 0.92, 100, 150, 7), 0.09, shine_of(hair))


def _draw_tufts(pen: Pen, hair: RGB, edge: RGB) -> None:
    """Hair that shows under every hat, so that its colour can be told."""
    for side in (-1, 1):
        tuft = [
            (side * 0.86, 0.5), (side * 1.2, 0.5), (side * 1.28, 0.1), (side * 1.16, -0.34),
            (side * 0.98, -0.2), (side * 0.86, 0.16),
        ]  # fmt: skip
        pen.shape(tuft, hair, edge=edge)
    pen.shape([(-0.82, 0.56), (-0.66, 0.3), (-0.42, 0.46), (-0.2, 0.36), (0.04, 0.56)], hair, edge=edge)


def _accent(colour: RGB) -> RGB:
    """A band that stands out on a hat of `colour`."""
    return mix(colour, (255, 255, 255), 0.45) if luminance(colour) < 130 else mix(colour, (60, 30, 60), 0.35)


def _draw_cap(pen: Pen, colour: RGB) -> None:
    edge = edge_of(colour)
    pen.shape(arc(0.0, 0.44, 1.16, 0.92, -2, 182, 18), colour, edge=edge)
    pen.stroke([(0.1, 1.3), (0.24, 0.9), (0.26, 0.5)], 0.045, edge)
    pen.stroke(arc(-0.1, 0.44, 0.86, 0.68, 110, 155, 6), 0.09, shine_of(colour))
    pen.shape(
        [(-0.1, 0.56), (0.9, 0.62), (1.5, 0.5), (1.82, 0.34), (1.7, 0.24), (1.0, 0.36), (-0.1, 0.38)],
        shade_of(colour),
        edge=edge,
    )
    pen.disc(0.0, 1.36, 0.12, 0.08, fill=_accent(colour), edge=edge)


def _draw_beanie(pen: Pen, colour: RGB) -> None:
    edge, accent = edge_of(colour), _accent(colour)
    pen.disc(0.0, 1.66, 0.3, fill=accent, edge=edge)
    pen.shape(arc(0.0, 0.5, 1.14, 1.02, 0, 180, 18), colour, edge=edge)
    for x in (-0.5, 0.0, 0.5):
        pen.stroke([(x * 0.7, 1.38), (x * 1.1, 0.72)], 0.04, shade_of(colour))
    cuff = [(-1.2, 0.42), (-1.2, 0.76), (0.0, 0.86), (1.2, 0.76), (1.2, 0.42), (0.0, 0.5)]
    pen.shape(cuff, accent, edge=edge)
    for k in range(-4, 5):
        pen.stroke(
            [(k * 0.25, 0.52 - 0.015 * abs(k)), (k * 0.25, 0.8 - 0.015 * abs(k))],
            0.03,
            mix(accent, edge, 0.45),
        )


def _draw_brimmed(pen: Pen, colour: RGB) -> None:
    edge = edge_of(colour)
    pen.disc(0.0, 0.5, 1.72, 0.24, fill=shade_of(colour), edge=edge)
    crown = [
        (-0.98, 0.56),
        (-0.86, 1.16),
        (-0.6, 1.44),
        (-0.1, 1.36),
        (0.2, 1.46),
        (0.64, 1.42),
        (0.86, 1.14),
        (0.98, 0.56),
        (0.0, 0.44),
    ]
    pen.shape(crown, colour, edge=edge)
    pen.shape(
        [(-0.97, 0.56), (-0.93, 0.8), (0.0, 0.7), (0.93, 0.8), (0.97, 0.56), (0.0, 0.46)], _accent(colour)
    )
    pen.stroke([(-0.68, 1.2), (-0.5, 1.28)], 0.09, shine_of(colour))


_HATS = {"cap": _draw_cap, "beanie": _draw_beanie, "brimmed": _draw_brimmed}
