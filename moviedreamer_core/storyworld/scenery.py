"""Things that several places show: water, boats, trees, parasols, barrels, and colours they share.

Every place keeps its landmark near x = 150 and a second mark near x = 74, both between y = 30 and y = 88:
that is what a close shot sees on either side of a head. `brush.form` (0 or 1) picks between two ways to
furnish it.
"""

from __future__ import annotations

import math

from .brush import Brush
from .palette import RGB, mix
from .sky import Number

WHITE: RGB = (250, 248, 242)
WOOD: RGB = (150, 100, 62)
DARK_WOOD: RGB = (104, 68, 46)
LAMPLIGHT: RGB = (255, 218, 124)
TRUNK: RGB = (112, 76, 52)


def paint_sea(brush: Brush, top: Number, bottom: Number) -> None:
    brush.at_depth(0.1)
    brush.band(top, bottom, (30, 108, 190), (48, 158, 214), (120, 212, 222))
    crest = (196, 232, 244)
    for row in range(5):
        y = top + 2.5 + (bottom - top - 4) * (row / 5) ** 1.3
        drift = 5 * math.sin(0.9 * brush.seconds + 1.7 * row)
        for i in range(8):
            x = -30 + 38 * i + 17 * (row % 3) + drift
            brush.line([(x, y), (x + 5 + 2 * row, y)], crest, 0.7 + 0.12 * row)


def paint_sail_boat(brush: Brush, x: Number, y: Number, size: Number, sail: RGB) -> None:
    y += 0.5 * math.sin(1.3 * brush.seconds + x)
    s = size
    brush.poly([(x - 0.1 * s, y - 0.1 * s), (x - 0.1 * s, y - 1.5 * s), (x + 0.8 * s, y - 0.25 * s)], sail)
    brush.poly([(x - 0.25 * s, y - 0.2 * s), (x - 0.25 * s, y - 1.2 * s), (x - 0.7 * s, y - 0.25 * s)], WHITE)
    brush.poly(
        [
            (x - s, y - 0.1 * s),
            (x + s, y - 0.1 * s),
            (x + 0.65 * s, y + 0.35 * s),
            (x - 0.65 * s, y + 0.35 * s),
        ],
        DARK_WOOD,
    )


def paint_parasol(brush: Brush, x: Number, y: Number, height: Number, radius: Number, rgb: RGB) -> None:
    """A striped parasol whose pole stands at (x, y)."""
    top = y - height
    brush.line([(x, y), (x, top)], (236, 226, 206), 1.8)
    rim = top + 0.62 * radius
    for i in range(6):
        a, b = x - radius + radius / 3 * i, x - radius + radius / 3 * (i + 1)
        arc = [(a, rim), (b, rim)]
        for t in (1.0, 0.66, 0.33, 0.0):
            u = (a + (b - a) * t - x) / radius
            arc.append((x + u * radius, rim - 0.62 * radius * math.sqrt(max(0.0, 1 - u * u)) - 0.5))
        brush.poly(arc, brush.ground_colour(rgb, 0.25) if i % 2 == 0 else WHITE)
        brush.oval((a + b) / 2, rim, radius / 6, 1.8, brush.ground_colour(rgb, 0.1) if i % 2 == 0 else WHITE)
    if brush.snow:
        brush.dome(x, top + 4.5, 0.62 * radius, 6, (250, 252, 255))
    brush.oval(x, top, 1.3, 1.6, (255, 246, 220))


def paint_pine(brush: Brush, x: Number, y: Number, height: Number, rgb: RGB) -> None:
    """A pine of three tiers standing at (x, y)."""
    if not brush.sees(x, 0.35 * height):
        return
    brush.rect(x - 0.05 * height, y - 0.18 * height, x + 0.05 * height, y, TRUNK)
    dark = mix(rgb, (10, 30, 50), 0.22)
    for base, top, half in ((0.14, 0.58, 0.30), (0.38, 0.80, 0.235), (0.62, 1.0, 0.17)):
        b, t, w = y - base * height, y - top * height, half * height
        brush.poly([(x - w, b), (x, t), (x + w, b)], rgb)
        brush.poly([(x + 0.08 * w, b), (x, t), (x + w, b)], dark)
        if brush.snow:
            brush.poly(
                [
                    (x - 0.62 * w, b - 0.38 * (b - t)),
                    (x, t - 0.6),
                    (x + 0.62 * w, b - 0.38 * (b - t)),
                    (x + 0.2 * w, b - 0.30 * (b - t)),
                    (x - 0.15 * w, b - 0.42 * (b - t)),
                ],
                (246, 250, 255),
            )


def paint_round_tree(brush: Brush, x: Number, y: Number, height: Number, rgb: RGB) -> None:
    """A leafy tree with a round crown standing at (x, y)."""
    r = 0.3 * height
    brush.poly(
        [
            (x - 0.06 * height, y),
            (x - 0.035 * height, y - 0.5 * height),
            (x + 0.035 * height, y - 0.5 * height),
            (x + 0.06 * height, y),
        ],
        TRUNK,
    )
    dark, light = mix(rgb, (10, 40, 50), 0.25), mix(rgb, (230, 240, 120), 0.22)
    cy = y - 0.66 * height
    for dx, dy, k, tone in (
        (-0.55, 0.3, 0.72, dark),
        (0.6, 0.28, 0.7, dark),
        (0, 0, 1.0, rgb),
        (-0.25, -0.28, 0.55, light),
    ):
        brush.oval(x + dx * r, cy + dy * r, k * r, k * r, tone)
    if brush.snow:
        brush.dome(x, cy - 0.25 * r, 0.86 * r, 0.72 * r, (246, 250, 255))
        brush.oval(x - 0.3 * r, cy - 0.25 * r, 0.4 * r, 0.18 * r, (246, 250, 255))


def paint_barrels(brush: Brush, x: Number) -> None:
    for dx, y in ((-10, 97), (10, 97), (0, 73)):
        brush.rect(x + dx - 9, y - 24, x + dx + 9, y, (158, 102, 62), radius=4)
        brush.rect(x + dx - 5, y - 23, x + dx - 1, y - 1, (186, 128, 80))
        for dy in (19, 6):
            brush.rect(x + dx - 9.5, y - dy, x + dx + 9.5, y - dy + 2.4, (86, 86, 98))
        brush.oval(x + dx, y - 23, 8, 2, brush.ground_colour((120, 76, 50)))
