"""Places with boats: harbour and ship. Landmarks stand where `scenery` says."""

from __future__ import annotations

import math

from .brush import Brush
from .palette import mix
from .scenery import DARK_WOOD, WHITE, paint_barrels, paint_sail_boat, paint_sea
from .sky import Number, paint_puddles, paint_sky


def paint_harbour(brush: Brush) -> None:
    rng = brush.random
    paint_sky(brush, 62)
    brush.at_depth(0.1, haze=0.35)
    for i in range(12):
        h, x = rng.uniform(9, 20), -50.0 + 27 * i
        wall = rng.choice(((206, 140, 120), (222, 196, 160), (150, 160, 190), (190, 170, 180)))
        brush.rect(x, 62 - h, x + 25, 63, wall)
        brush.poly(
            [(x - 1, 62.5 - h), (x + 12, 55 - h), (x + 26, 62.5 - h)], brush.ground_colour((164, 92, 84))
        )
        for dx in (4, 11, 18):
            lamp = rng.random() < 0.8 and brush.night
            brush.rect(
                x + dx, 66 - h, x + dx + 3, 69 - h, (255, 214, 110) if lamp else (90, 96, 120), lit=lamp
            )
    paint_sea(brush, 62, 94)
    brush.at_depth(0.4)
    x = 150 + rng.uniform(-4, 4)
    if brush.form:
        _paint_yacht(brush, x, 84)
    else:
        _paint_fishing_boat(brush, x, 84)
    _paint_fishing_boat(brush, 222 + rng.uniform(-6, 6), 82, small=True)
    paint_sail_boat(brush, 26 + rng.uniform(-8, 8), 76, 9, WHITE)
    brush.at_depth(0.55)
    brush.band(90, 192, brush.ground_colour((186, 140, 94), 0.75), brush.ground_colour((132, 92, 62), 0.75))
    brush.band(90, 92.5, (98, 68, 50))
    for i in range(-6, 19):
        a, b = 112 + (i - 6.5) * 17, 112 + (i - 6.5) * 40
        brush.line([(a, 92.5), (b, 150)], brush.ground_colour((112, 76, 52), 0.4), 0.8)
    for post in (18, 118, 206):
        brush.rect(post - 3, 83, post + 3, 93, (84, 60, 52))
        brush.oval(post, 83, 4, 1.6, brush.ground_colour((150, 110, 80)))
    if brush.form:
        paint_barrels(brush, 74)
    else:
        _paint_crates(brush, 74)
    paint_puddles(brush, 102)


def _paint_fishing_boat(brush: Brush, x: Number, y: Number, *, small: bool = False) -> None:
    s = 0.7 if small else 1.0
    y += 0.8 * math.sin(1.2 * brush.seconds + x)
    rgb = (236, 240, 240) if small else brush.accent
    brush.line([(x - 12 * s, y - 10 * s), (x - 12 * s, y - 48 * s)], DARK_WOOD, 1.4)
    brush.line([(x - 12 * s, y - 47 * s), (x - 28 * s, y - 12 * s)], (90, 80, 80), 0.6)
    brush.rect(x - 3 * s, y - 30 * s, x + 15 * s, y - 9 * s, WHITE)
    brush.rect(x - 5 * s, y - 33 * s, x + 17 * s, y - 29 * s, brush.ground_colour(rgb, 0.6))
    for dx in (0, 7):
        brush.rect(
            x + dx * s,
            y - 25 * s,
            x + (dx + 5) * s,
            y - 18 * s,
            (255, 214, 110) if brush.night else (110, 170, 204),
            lit=brush.night,
        )
    hull = [
        (x - 32 * s, y - 15 * s),
        (x + 27 * s, y - 11 * s),
        (x + 21 * s, y + 6 * s),
        (x - 23 * s, y + 6 * s),
    ]
    brush.poly(hull, rgb)
    brush.poly(
        [
            (x - 32 * s, y - 15 * s),
            (x + 27 * s, y - 11 * s),
            (x + 26 * s, y - 8 * s),
            (x - 30 * s, y - 11 * s),
        ],
        WHITE,
    )
    brush.poly(
        [(x - 25 * s, y + 2 * s), (x + 22 * s, y + 2 * s), (x + 21 * s, y + 6 * s), (x - 23 * s, y + 6 * s)],
        (70, 50, 62),
    )
    for dx in (-16, -4, 8):
        brush.oval(x + dx * s, y - 4 * s, 2 * s, 2 * s, WHITE)


def _paint_yacht(brush: Brush, x: Number, y: Number) -> None:
    y += 0.8 * math.sin(1.2 * brush.seconds + x)
    brush.line([(x - 4, y - 6), (x - 4, y - 66)], DARK_WOOD, 1.5)
    brush.poly([(x - 2, y - 64), (x - 2, y - 12), (x + 25, y - 12)], brush.accent)
    for i in (1, 3):
        a, b = y - 64 + 13 * i, y - 51 + 13 * i
        brush.poly(
            [
                (x - 2, a),
                (x - 2 + 27 * (a - y + 64) / 52, a),
                (x - 2 + 27 * (b - y + 64) / 52, b),
                (x - 2, b),
            ],
            WHITE,
        )
    brush.poly([(x - 6, y - 58), (x - 6, y - 12), (x - 24, y - 12)], WHITE)
    brush.poly([(x - 30, y - 9), (x + 28, y - 9), (x + 20, y + 6), (x - 20, y + 6)], WHITE)
    brush.poly([(x - 28, y - 6), (x + 26, y - 6), (x + 24, y - 1), (x - 25, y - 1)], brush.accent)


def _paint_crates(brush: Brush, x: Number) -> None:
    jitter = brush.random.uniform(-3, 3)
    for dx, y, size, rgb in (
        (-9, 96, 20, (206, 156, 96)),
        (11, 96, 17, (186, 134, 80)),
        (-2, 76, 17, (220, 172, 108)),
    ):
        left = x + dx + jitter - size / 2
        brush.rect(left, y - size, left + size, y, rgb)
        brush.line([(left, y), (left + size, y - size)], mix(rgb, DARK_WOOD, 0.6), 1.4)
        for a in (0, size - 2):
            brush.rect(left, y - size + a, left + size, y - size + a + 2, mix(rgb, DARK_WOOD, 0.5))
            brush.rect(left + a, y - size, left + a + 2, y, mix(rgb, DARK_WOOD, 0.5))
        if brush.snow:
            brush.rect(left - 0.5, y - size - 2, left + size + 0.5, y - size + 0.5, WHITE, radius=1)


def paint_ship(brush: Brush) -> None:
    rng = brush.random
    paint_sky(brush, 66)
    paint_sea(brush, 66, 90)
    brush.at_depth(0.25)
    paint_sail_boat(brush, rng.uniform(94, 120), 69, 5, WHITE)
    brush.at_depth(0.5)
    x = 148 + rng.uniform(-3, 3)
    brush.rect(x - 2.5, -40, x + 3, 96, (140, 92, 58))
    brush.rect(x - 2.5, -40, x - 0.8, 96, (176, 124, 82))
    _paint_sail(brush, x)
    for side in (-1, 1):
        for dx in (12, 18):
            brush.line([(x, 4), (x + side * (34 + dx), 84)], (96, 74, 60), 0.7)
    for i in range(-3, 14):  # railing
        px = 20 * i + 8
        brush.rect(px - 1.6, 72, px + 1.6, 90, (240, 232, 214))
        brush.oval(px, 71.5, 2.2, 2, (240, 232, 214))
    brush.band(75, 78, (188, 128, 80))
    brush.band(82.5, 84.5, (240, 232, 214))
    brush.band(88, 192, brush.ground_colour((206, 154, 98), 0.7), brush.ground_colour((142, 94, 58), 0.7))
    brush.band(88, 90.5, (112, 74, 50))
    for i in range(-8, 21):
        brush.line(
            [(112 + (i - 6.5) * 15, 90.5), (112 + (i - 6.5) * 44, 150)],
            brush.ground_colour((122, 80, 52), 0.4),
            0.8,
        )
    if brush.form:
        _paint_lifebuoys(brush)
        paint_barrels(brush, 66)
    else:
        _paint_helm(brush, 74)
    paint_puddles(brush, 102)
    brush.rect(196, 84, 240, 104, (158, 106, 66), radius=2)
    brush.rect(194, 81, 242, 86, brush.ground_colour((190, 134, 86)), radius=1)
    if brush.night:
        brush.rect(x - 2, 36, x + 4, 43, (255, 222, 130), lit=True, radius=1)
        brush.glow(x + 1, 40, 30, (255, 214, 130), 150)


def _paint_sail(brush: Brush, x: Number) -> None:
    """The big striped sail (form 0) or two triangles and pennants (form 1), bellying in the wind."""
    belly = 2 + 1.2 * math.sin(1.4 * brush.seconds)
    accent = brush.accent
    if brush.form:
        brush.poly([(x + 4, -30), (x + 4, 60), (x + 52 + belly, 60), (x + 30 + belly, 20)], WHITE)
        brush.poly([(x + 4, 26), (x + 34 + belly, 26), (x + 44 + belly, 44), (x + 4, 44)], accent)
        brush.poly([(x - 4, -20), (x - 4, 58), (x - 46 - belly, 58), (x - 24, 18)], accent)
    else:
        left, right, top, bottom = x - 30, x + 34, -26, 56
        for i in range(8):
            a, b = left + (right - left) * i / 8, left + (right - left) * (i + 1) / 8
            sag_a, sag_b = (
                (5 + belly) * math.sin(math.pi * i / 8),
                (5 + belly) * math.sin(math.pi * (i + 1) / 8),
            )
            brush.poly(
                [(a, top), (b, top), (b, bottom + sag_b), (a, bottom + sag_a)],
                accent if i % 2 == 0 else WHITE,
            )
        brush.rect(left - 5, bottom - 3, right + 5, bottom, (122, 80, 52), radius=1)
    wave = 2 * math.sin(3 * brush.seconds)
    for i in range(9):
        px = -40 + 34 * i
        brush.poly([(px, 6), (px + 12, 6), (px + 6, 15 + wave)], mix(accent, WHITE, 0.55 * (i % 2)))


def _paint_helm(brush: Brush, x: Number) -> None:
    brush.rect(x - 4, 72, x + 4, 104, (122, 78, 50))
    turn = 0.25 * math.sin(0.7 * brush.seconds)
    for k in range(8):
        a = turn + k * math.pi / 4
        brush.line([(x, 66), (x + 20 * math.cos(a), 66 + 20 * math.sin(a))], (168, 108, 62), 2)
    for radius, rgb, width in ((14.5, (132, 82, 48), 4), (14, (202, 140, 84), 2)):
        ring = [
            (x + radius * math.cos(k * math.pi / 10), 66 + radius * math.sin(k * math.pi / 10))
            for k in range(21)
        ]
        brush.line(ring, rgb, width)
    brush.oval(x, 66, 4, 4, (232, 188, 96))


def _paint_lifebuoys(brush: Brush) -> None:
    for x in (84, 196):
        for k in range(8):
            a, b = k * math.pi / 4, (k + 1) * math.pi / 4
            arc = [(x + 10 * math.cos(t), 78 + 10 * math.sin(t)) for t in (a, (a + b) / 2, b)]
            brush.line(arc, brush.accent if k % 2 else WHITE, 5)
