"""Clothes and limbs, in body units (see `poses`): trunk, skirts, sleeves, legs, hands."""

from __future__ import annotations

import math
from dataclasses import dataclass

from moviedreamer_core.storyworld.facts import Appearance
from moviedreamer_core.storyworld.palette import OUTFIT_RGB, RGB, SKIN_RGB, Number, mix
from moviedreamer_core.storyworld.pen import Pen, Point, edge_of, luminance, shade_of
from moviedreamer_core.storyworld.poses import SHOULDER_Y, bend

TROUSERS, SHOES, PALE_SHIRT, GREY_SHIRT = (84, 84, 106), (94, 62, 48), (238, 238, 236), (150, 152, 160)
GOLD = (248, 206, 84)
ARM_UPPER, ARM_LOWER, THIGH, SHIN = 0.15, 0.14, 0.165, 0.165


@dataclass(frozen=True, kw_only=True)
class Cloth:
    """The colours an outfit gives to each part of the body."""

    main: RGB
    upper_sleeve: RGB
    lower_sleeve: RGB
    thigh: RGB
    shin: RGB
    stripes: RGB | None


def cloth_of(look: Appearance) -> Cloth:
    """The colours of `look.outfit` in `look.outfit_colour`."""
    main, skin = OUTFIT_RGB[look.outfit_colour], SKIN_RGB[look.skin]
    upper, lower, thigh, shin, stripes = main, main, TROUSERS, TROUSERS, None
    if look.outfit == "shirt":
        lower = skin
    elif look.outfit == "striped":
        stripes = (96, 98, 110) if look.outfit_colour == "white" else (250, 250, 250)
    elif look.outfit == "dress":
        lower, thigh, shin = skin, skin, skin
    elif look.outfit == "overalls":
        shirt = GREY_SHIRT if look.outfit_colour == "white" else PALE_SHIRT
        upper, lower, thigh, shin = shirt, shirt, main, main
    return Cloth(main=main, upper_sleeve=upper, lower_sleeve=lower, thigh=thigh, shin=shin, stripes=stripes)


def _half_widths(look: Appearance) -> tuple[Number, Number, Number]:
    """Half widths at shoulders, waist and hem."""
    if look.age == "child":
        return 0.135, 0.118, 0.125
    return (0.122, 0.086, 0.112) if look.gender == "woman" else (0.148, 0.116, 0.112)


def shoulder_x(look: Appearance) -> float:
    """How far a shoulder is from the middle."""
    return _half_widths(look)[0] - 0.028


def _trunk(look: Appearance) -> list[Point]:
    shoulder, waist, hem = _half_widths(look)
    right = [(0.055, 0.712), (shoulder - 0.03, 0.69), (shoulder, 0.645), (waist, 0.49), (hem, 0.345)]
    return [*right, *[(-x, y) for x, y in reversed(right)]]


def draw_trunk(pen: Pen, look: Appearance, *, seated: bool) -> None:
    """Neck and upper body, and the skirt of a coat or dress."""
    cloth, skin = cloth_of(look), SKIN_RGB[look.skin]
    trunk = _trunk(look)
    pen.shape(
        [(-0.05, 0.74), (0.05, 0.74), (0.055, 0.66), (-0.055, 0.66)], shade_of(skin), edge=edge_of(skin)
    )
    base = cloth.upper_sleeve if look.outfit == "overalls" else cloth.main
    edge = edge_of(base)
    pen.shape(trunk, base)
    waist, hem = _half_widths(look)[1:]
    pen.shape(
        [(-hem, 0.345), (-waist, 0.49), (-waist * 0.95, 0.63), (-waist * 0.62, 0.49), (-hem * 0.62, 0.345)],
        shade_of(base),
    )
    _DETAILS[look.outfit](pen, look, cloth, seated)
    pen.rim(trunk, edge)
    if look.outfit in ("coat", "dress"):
        _draw_skirt(pen, look, cloth, seated)
    if look.outfit != "coat":
        _draw_neckline(pen, look, skin, edge)


def _draw_neckline(pen: Pen, look: Appearance, skin: RGB, edge: RGB) -> None:
    drop = 0.655 if look.gender == "woman" or look.outfit == "dress" else 0.672
    pen.shape([(-0.052, 0.715), (-0.03, drop + 0.006), (0.03, drop + 0.006), (0.052, 0.715)], shade_of(skin))
    pen.stroke([(-0.056, 0.712), (-0.03, drop), (0.03, drop), (0.056, 0.712)], 0.012, edge)


def _shirt(pen: Pen, look: Appearance, cloth: Cloth, seated: bool) -> None:
    pen.stroke([(-0.1, 0.372), (0.1, 0.372)], 0.008, edge_of(cloth.main))


def _striped(pen: Pen, look: Appearance, cloth: Cloth, seated: bool) -> None:
    shoulder, waist, hem = _half_widths(look)
    for y in (0.635, 0.565, 0.495, 0.425):
        share = (y - 0.345) / 0.3
        half = min(
            hem + (waist - hem) * min(1.0, 2 * share) + (shoulder - waist) * max(0.0, 2 * share - 1), shoulder
        )
        pen.shape(
            [(-half, y + 0.016), (half, y + 0.016), (half, y - 0.016), (-half, y - 0.016)],
            cloth.stripes or cloth.main,
        )


def _coat(pen: Pen, look: Appearance, cloth: Cloth, seated: bool) -> None:
    skin, edge = SKIN_RGB[look.skin], edge_of(cloth.main)
    pen.shape([(-0.05, 0.715), (0.0, 0.6), (0.05, 0.715)], PALE_SHIRT)
    pen.shape([(-0.035, 0.73), (0.0, 0.675), (0.035, 0.73)], shade_of(skin))
    for side in (-1, 1):
        lapel = [(side * 0.045, 0.722), (side * 0.108, 0.69), (side * 0.09, 0.62), (side * 0.0, 0.545)]
        pen.shape(
            lapel,
            mix(cloth.main, (255, 255, 255), 0.28) if luminance(cloth.main) < 200 else shade_of(cloth.main),
            edge=edge,
        )


def _dress(pen: Pen, look: Appearance, cloth: Cloth, seated: bool) -> None:
    pass


def _overalls(pen: Pen, look: Appearance, cloth: Cloth, seated: bool) -> None:
    edge, (_, waist, hem) = edge_of(cloth.main), _half_widths(look)
    bib = [
        (-0.075, 0.6),
        (0.075, 0.6),
        (0.082, 0.5),
        (waist + 0.006, 0.47),
        (hem, 0.33),
        (-hem, 0.33),
        (-waist - 0.006, 0.47),
        (-0.082, 0.5),
    ]
    for side in (-1, 1):
        pen.limb([(side * 0.066, 0.59), (side * 0.088, 0.685)], 0.03, cloth.main, edge=edge)
    pen.shape(bib, cloth.main, edge=edge)
    pen.shape([(-0.045, 0.56), (0.045, 0.56), (0.04, 0.49), (-0.04, 0.49)], shade_of(cloth.main), edge=edge)
    for side in (-1, 1):
        pen.disc(side * 0.064, 0.588, 0.016, fill=GOLD)


_DETAILS = {"shirt": _shirt, "striped": _striped, "coat": _coat, "dress": _dress, "overalls": _overalls}


def _draw_skirt(pen: Pen, look: Appearance, cloth: Cloth, seated: bool) -> None:
    _, waist, _ = _half_widths(look)
    edge = edge_of(cloth.main)
    coat = look.outfit == "coat"
    flare, bottom = (0.148, 0.17) if coat else (0.215, 0.185)
    if seated:
        flare, bottom = 0.15, 0.29
    top = 0.5 if coat else 0.475
    skirt = [
        (-waist, top),
        (waist, top),
        (flare, bottom + 0.01),
        (flare * 0.45, bottom - 0.012),
        (-flare * 0.45, bottom - 0.012),
        (-flare, bottom + 0.01),
    ]
    pen.shape(skirt, cloth.main)
    pen.shape(
        [(-waist, top), (-waist * 0.7, top), (-flare * 0.62, bottom - 0.008), (-flare, bottom + 0.01)],
        shade_of(cloth.main),
    )
    if coat:
        pen.stroke([(0.0, 0.55), (0.0, bottom - 0.005)], 0.008, edge)
        for y in (0.53, 0.45, 0.37):
            pen.disc(0.036, y, 0.015, fill=GOLD, edge=edge)
        pen.rim(skirt, edge)
        return
    for x in (-0.4, 0.05, 0.45):
        pen.stroke(
            [(x * waist * 1.2, 0.42), (x * flare * 1.1, bottom + 0.01)], 0.008, shade_of(shade_of(cloth.main))
        )
    pen.rim(skirt, edge)
    sash = (
        mix(cloth.main, (255, 255, 255), 0.5)
        if luminance(cloth.main) < 150
        else mix(cloth.main, (90, 40, 60), 0.45)
    )
    pen.shape(
        [(-waist - 0.004, 0.49), (waist + 0.004, 0.49), (waist + 0.008, 0.455), (-waist - 0.008, 0.455)],
        sash,
        edge=edge,
    )


def draw_leg(pen: Pen, look: Appearance, hip: Point, foot: Point, *, short_cloth: bool) -> None:
    """A leg with its shoe; `short_cloth` when a coat or dress covers the thigh of a seated person."""
    cloth = cloth_of(look)
    ankle = (foot[0], foot[1] + 0.035)
    knee = bend(hip, ankle, THIGH, SHIN, 1)
    width = 0.084 if look.outfit == "overalls" else 0.066 if look.outfit == "dress" else 0.078
    thigh = cloth.main if short_cloth else cloth.thigh
    pen.limb([knee, ankle], width, cloth.shin, edge=edge_of(cloth.shin))
    pen.limb([hip, knee], width * (1.25 if short_cloth else 1.08), thigh, edge=edge_of(thigh))
    if thigh == cloth.shin:
        pen.stroke([hip, knee, ankle], width, cloth.shin)
    pen.disc(foot[0] + 0.022, foot[1] + 0.022, 0.062, 0.032, fill=SHOES, edge=edge_of(SHOES))


def draw_arm(pen: Pen, look: Appearance, hand: Point, side: int, elbow_side: int) -> None:
    """The arm of `side` (-1 rear, 1 front) to `hand`, without the hand itself."""
    cloth = cloth_of(look)
    shoulder = (side * shoulder_x(look), SHOULDER_Y)
    elbow = bend(shoulder, hand, ARM_UPPER, ARM_LOWER, elbow_side)
    lower_width = 0.05 if cloth.lower_sleeve == SKIN_RGB[look.skin] else 0.06
    pen.limb([elbow, hand], lower_width, cloth.lower_sleeve, edge=edge_of(cloth.lower_sleeve))
    pen.limb([shoulder, elbow], 0.066, cloth.upper_sleeve, edge=edge_of(cloth.upper_sleeve))
    if cloth.upper_sleeve == cloth.lower_sleeve:
        pen.stroke([elbow, hand], lower_width, cloth.lower_sleeve)
    if cloth.stripes:
        for start, end in ((shoulder, elbow), (elbow, hand)):
            _draw_bands(pen, start, end, cloth.stripes)


def _draw_bands(pen: Pen, start: Point, end: Point, colour: RGB) -> None:
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = max(1e-6, math.hypot(dx, dy))
    nx, ny = -dy / length * 0.026, dx / length * 0.026
    tx, ty = dx / length * 0.013, dy / length * 0.013
    for share in (0.35, 0.85):
        x, y = start[0] + dx * share, start[1] + dy * share
        pen.shape(
            [
                (x + nx + tx, y + ny + ty),
                (x - nx + tx, y - ny + ty),
                (x - nx - tx, y - ny - ty),
                (x + nx - tx, y + ny - ty),
            ],
            colour,
        )


def draw_hand(pen: Pen, look: Appearance, hand: Point, kind: str, side: int) -> None:
    """A hand: a fist, open with fingers spread up, or with the index pointing forward."""
    skin = SKIN_RGB[look.skin]
    edge = edge_of(skin)
    x, y = hand
    if kind == "open":
        for angle in (62, 90, 118):
            cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
            pen.limb([(x, y), (x + 0.058 * cos, y + 0.058 * sin)], 0.022, skin, edge=edge)
        pen.limb([(x, y), (x - side * 0.05, y + 0.014)], 0.022, skin, edge=edge)
    elif kind == "index":
        pen.limb([(x, y), (x + 0.088, y + 0.008)], 0.024, skin, edge=edge)
        pen.limb([(x, y), (x + 0.01, y + 0.048)], 0.022, skin, edge=edge)
    pen.disc(x, y, 0.04, fill=skin, edge=edge)
    if kind != "fist":
        pen.disc(x, y, 0.03, fill=skin)
