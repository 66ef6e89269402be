"""Faces: skin, eyes, brows, nose, mouth, glasses and beard, in head radii around the centre of the head."""

from __future__ import annotations

import math

from moviedreamer_core.storyworld.facts import Appearance
from moviedreamer_core.storyworld.palette import HAIR_RGB, RGB, SKIN_RGB, Number, mix
from moviedreamer_core.storyworld.pen import Pen, Point, arc, edge_of, luminance, shade_of

EYE_X, EYE_Y, TURN_X = 0.37, -0.04, 0.1  # TURN_X: features sit toward the side faced
INK, WHITE, TEAR = (38, 26, 40), (255, 255, 255), (126, 206, 250)
MOUTH_Y = -0.55


def _contour(jaw: Number, slim: Number, count: int = 40) -> list[Point]:
    """A head: round above; `jaw` < 1 squares the lower half, `slim` narrows it."""
    points = []
    for k in range(count):
        cos, sin = math.cos(2 * math.pi * k / count), math.sin(2 * math.pi * k / count)
        if sin < 0:
            cos = math.copysign(abs(cos) ** jaw, cos) * (1 - slim * sin * sin)
        points.append((cos, sin))
    return points


_CONTOURS = {"man": _contour(0.78, 0.02), "woman": _contour(1.0, 0.1), "child": _contour(0.92, -0.02)}
_LIT = {name: [(0.9 * x + 0.06, 0.93 * y + 0.06) for x, y in contour] for name, contour in _CONTOURS.items()}


def draw_skull(pen: Pen, look: Appearance) -> None:
    """Ears and the bare head."""
    skin = SKIN_RGB[look.skin]
    edge, shade = edge_of(skin), shade_of(skin)
    kind = "child" if look.age == "child" else look.gender
    for side in (-1, 1):
        pen.disc(side * 0.98, -0.1, 0.2, 0.24, fill=skin, edge=edge)
        pen.disc(side * 1.0, -0.1, 0.09, 0.12, fill=shade)
    pen.shape(_CONTOURS[kind], shade)
    pen.shape(_LIT[kind], skin)
    pen.rim(_CONTOURS[kind], edge)


def draw_features(
    pen: Pen,
    look: Appearance,
    expression: str,
    *,
    eyes_closed: bool = False,
    gaze: Point = (0.0, 0.0),
    chewing: bool = False,
) -> None:
    """Everything on the face, for one of `facts.EXPRESSIONS`."""
    face = pen.at(TURN_X, 0.0)
    skin = SKIN_RGB[look.skin]
    _draw_cheeks(face, look, skin, expression)
    if look.beard == "beard":
        _draw_beard(pen, look)
    if look.age == "old":
        _draw_wrinkles(face, skin)
    if look.glasses:
        _draw_lenses(face, skin)
    if eyes_closed:
        _draw_closed_eyes(face)
    else:
        _draw_eyes(face, look, expression, gaze, skin)
    face.disc(0.06, -0.27, 0.11, 0.09, fill=mix(skin, (190, 70, 60), 0.35))
    _draw_mouth(face, look, "chewing" if chewing else expression)
    if look.beard == "moustache":
        _draw_moustache(face, look)
    _draw_brows(face, look, expression)
    if look.glasses:
        _draw_frames(face)
    _draw_drops(face, expression)


def _draw_cheeks(face: Pen, look: Appearance, skin: RGB, expression: str) -> None:
    warmth = {"happy": 0.5, "angry": 0.5}.get(
        expression, 0.3 if look.gender == "woman" or look.age == "child" else 0.14
    )
    for side in (-1, 1):
        face.disc(side * 0.6 - 0.04, -0.38, 0.17, 0.12, fill=mix(skin, (240, 84, 84), warmth))


def _draw_wrinkles(face: Pen, skin: RGB) -> None:
    line = mix(skin, (52, 20, 36), 0.55)
    for y in (0.46, 0.57):
        face.stroke([(-0.3, y), (-0.1, y + 0.03), (0.12, y + 0.03), (0.3, y)], 0.05, line)
    for side in (-1, 1):
        face.stroke(arc(side * EYE_X, -0.24, 0.24, 0.16, 210, 330, 5), 0.055, line)
        face.stroke([(side * 0.3, -0.33), (side * 0.42, -0.46), (side * 0.44, -0.62)], 0.055, line)
        for y in (0.02, -0.1):
            face.stroke([(side * 0.68, y - 0.02), (side * 0.8, y + (y + 0.04) * 0.8)], 0.05, line)


def _draw_eyes(face: Pen, look: Appearance, expression: str, gaze: Point, skin: RGB) -> None:
    rx, ry = (0.27, 0.33) if expression in ("surprised", "afraid") else (0.215, 0.27)
    pupil = {"afraid": 0.085, "surprised": 0.13}.get(expression, 0.15)
    for side in (-1, 1):
        x = side * EYE_X
        face.disc(x, EYE_Y, rx, ry, fill=WHITE, edge=mix(skin, INK, 0.75))
        px = x + 0.04 + 0.07 * gaze[0]
        py = EYE_Y - 0.02 + 0.11 * gaze[1] - (0.06 if expression == "sad" else 0.0)
        face.disc(px, py, pupil, pupil * 1.15, fill=INK)
        face.disc(px - 0.045, py + 0.06, pupil * 0.36, fill=WHITE)
        if expression in ("angry", "sad"):
            slant = 0.13 if expression == "angry" else -0.13
            inner, outer = x - side * (rx + 0.04), x + side * (rx + 0.04)
            top = EYE_Y + ry + 0.06
            face.shape(
                [(inner, top), (outer, top), (outer, EYE_Y + 0.15 + slant), (inner, EYE_Y + 0.15 - slant)],
                skin,
            )
            face.stroke(
                [(inner, EYE_Y + 0.15 - slant), (outer, EYE_Y + 0.15 + slant)], 0.06, mix(skin, INK, 0.85)
            )
        if look.gender == "woman":
            _draw_lashes(face, x, side, rx, ry)


def _draw_lashes(face: Pen, x: Number, side: int, rx: Number, ry: Number) -> None:
    for angle in (24, 52):
        cos, sin = math.cos(math.radians(angle)) * side, math.sin(math.radians(angle))
        face.stroke(
            [
                (x + cos * rx * 0.9, EYE_Y + sin * ry * 0.9),
                (x + cos * (rx + 0.13), EYE_Y + sin * (ry + 0.13)),
            ],
            0.06,
            INK,
            least_px=1.4,
        )


def _draw_closed_eyes(face: Pen) -> None:
    for side in (-1, 1):
        face.stroke(arc(side * EYE_X, EYE_Y, 0.22, 0.15, 195, 345, 8), 0.08, INK, least_px=1.6)


# inner and outer height over the eye's centre
_BROWS = {
    "calm": (0.40, 0.39),
    "happy": (0.47, 0.43),
    "sad": (0.53, 0.29),
    "angry": (0.20, 0.50),
    "surprised": (0.60, 0.55),
    "afraid": (0.60, 0.42),
}


def _draw_brows(face: Pen, look: Appearance, expression: str) -> None:
    inner, outer = (height + EYE_Y for height in _BROWS[expression])
    bow = {"surprised": 0.09, "happy": 0.07, "calm": 0.04}.get(expression, 0.0)
    hair = HAIR_RGB[look.hair_colour]
    brow = mix(hair, INK, 0.3 if luminance(hair) > 90 else 0.5)
    width = (0.085 if look.gender == "woman" else 0.13) + (0.03 if expression == "angry" else 0.0)
    width += 0.05 if look.age == "old" else 0.0  # bushy
    for side in (-1, 1):
        points = [
            (side * (EYE_X - 0.2), inner),
            (side * EYE_X, (inner + outer) / 2 + bow),
            (side * (EYE_X + 0.24), outer),
        ]
        face.stroke(points, width, brow, least_px=1.6)


def _draw_mouth(face: Pen, look: Appearance, expression: str) -> None:
    lips = (196, 48, 74) if look.gender == "woman" and look.age != "child" else (118, 34, 40)
    dark = (104, 20, 34)
    pen = face.at(0.04, MOUTH_Y)
    if look.beard == "beard":
        pen.disc(0.0, 0.0, 0.4, 0.21, fill=mix(SKIN_RGB[look.skin], (190, 70, 60), 0.25))
    if expression == "happy":
        mouth = [(-0.42, 0.13), *arc(0.0, 0.1, 0.4, 0.36, 180, 360, 10), (0.42, 0.13)]
        pen.shape(mouth, dark, edge=lips)
        pen.shape([(-0.37, 0.1), (0.37, 0.1), (0.31, -0.03), (-0.31, -0.03)], WHITE)
        pen.disc(0.0, -0.17, 0.17, 0.07, fill=(236, 100, 104))
    elif expression == "sad":
        pen.stroke(arc(0.0, -0.2, 0.3, 0.24, 160, 20, 8), 0.09, lips, least_px=1.5)
    elif expression == "angry":
        pen.shape(
            [(-0.36, -0.17), (-0.28, 0.06), (0.28, 0.06), (0.36, -0.17), (0.0, -0.12)],
            WHITE,
            edge=mix(lips, INK, 0.4),
        )
        pen.stroke([(-0.3, -0.05), (0.3, -0.05)], 0.03, dark)
        for x in (-0.15, 0.0, 0.15):
            pen.stroke([(x, 0.05), (x, -0.13)], 0.03, dark)
    elif expression == "surprised":
        pen.disc(0.0, -0.07, 0.2, 0.27, fill=dark, edge=lips)
        pen.disc(0.0, -0.21, 0.11, 0.08, fill=(236, 100, 104))
    elif expression == "afraid":
        wave = [(-0.4 + 0.1 * k, -0.06 + (0.075 if k % 2 else -0.075)) for k in range(9)]
        pen.stroke(wave, 0.085, lips, least_px=1.5)
    elif expression == "chewing":
        pen.disc(0.1, -0.02, 0.17, 0.12, fill=dark, edge=lips)
    else:
        pen.stroke(arc(0.0, 0.08, 0.27, 0.14, 195, 345, 8), 0.085, lips, least_px=1.5)


def _draw_beard(pen: Pen, look: Appearance) -> None:
    hair = HAIR_RGB[look.hair_colour]
    outer = arc(0.0, -0.12, 1.06, 1.12, 180, 360, 20)
    inner = [
        (0.9, -0.1),
        (0.74, -0.32),
        (0.42, -0.32),
        (0.12, -0.4),
        (-0.22, -0.32),
        (-0.56, -0.32),
        (-0.84, -0.1),
    ]
    pen.shape([*outer, *inner], hair, edge=edge_of(hair))
    pen.stroke(arc(0.05, -0.2, 0.62, 0.86, 235, 300, 6), 0.05, mix(hair, (255, 240, 220), 0.22))


def _draw_moustache(face: Pen, look: Appearance) -> None:
    hair = HAIR_RGB[look.hair_colour]
    lobes = [
        (0.04, -0.34), (0.26, -0.33), (0.48, -0.42), (0.62, -0.6), (0.36, -0.56), (0.04, -0.49),
        (-0.28, -0.56), (-0.54, -0.6), (-0.4, -0.42), (-0.18, -0.33),
    ]  # fmt: skip
    face.shape(lobes, hair, edge=edge_of(hair))


def _draw_lenses(face: Pen, skin: RGB) -> None:
    for side in (-1, 1):
        face.disc(side * 0.4, EYE_Y, 0.37, 0.36, fill=mix(skin, (206, 236, 255), 0.6))


def _draw_frames(face: Pen) -> None:
    width = 0.085
    for side in (-1, 1):
        ring = arc(side * 0.4, EYE_Y, 0.37, 0.36, 0, 360, 20)
        face.stroke(ring, width, INK, least_px=1.6)
        face.stroke(
            [(side * 0.76, EYE_Y + 0.05), (side * 0.98 - 0.06, EYE_Y + 0.1)], width, INK, least_px=1.6
        )
    face.stroke([(-0.06, EYE_Y + 0.04), (0.06, EYE_Y + 0.04)], width, INK, least_px=1.6)


def _draw_drops(face: Pen, expression: str) -> None:
    edge = mix(TEAR, (20, 60, 140), 0.5)
    if expression == "sad":
        for x, y in ((-EYE_X - 0.1, -0.42), (EYE_X + 0.1, -0.52)):
            face.shape(_drop(x, y, 0.13), TEAR, edge=edge)
    elif expression == "afraid":
        for x, y in ((-0.86, 0.22), (0.78, 0.42), (0.86, -0.2)):
            face.shape(_drop(x, y, 0.12), TEAR, edge=edge)


def _drop(x: Number, y: Number, size: Number) -> list[Point]:
    return [(x, y + 1.9 * size), *arc(x, y, size, size, 150, 390, 8)]
