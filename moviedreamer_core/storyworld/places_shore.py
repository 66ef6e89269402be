"""Places on the shore: beach and lighthouse. Landmarks stand where `scenery` says."""

from __future__ import annotations

import math

from .brush import Brush
from .palette import RGB, mix
from .scenery import WHITE, paint_parasol, paint_sail_boat, paint_sea
from .sky import Number, paint_puddles, paint_sky


def paint_beach(brush: Brush) -> None:
    rng = brush.random
    paint_sky(brush, 60)
    brush.at_depth(0.1, haze=0.4)
    island = rng.uniform(20, 60)
    brush.dome(island, 60.5, 26, 9, (84, 148, 120))
    brush.dome(island + 24, 60.5, 18, 6, (84, 148, 120))
    paint_sea(brush, 60, 82)
    brush.at_depth(0.25)
    paint_sail_boat(brush, rng.uniform(98, 122), 64, 6.5, mix(brush.accent, WHITE, 0.2))
    brush.at_depth(0.5)
    sand = brush.ground_colour((246, 222, 160))
    brush.band(80, 192, brush.ground_colour((236, 204, 142)), sand, mix(sand, (214, 170, 110), 0.5))
    edge = [
        (x, 80 + 1.8 * math.sin(0.05 * x + 0.8 * brush.seconds) + 0.8 * math.sin(0.13 * x))
        for x in range(-60, 290, 14)
    ]
    brush.line(edge, (244, 250, 250), 2.2)
    for _ in range(12):
        x, y = rng.uniform(-40, 264), rng.uniform(90, 126)
        brush.oval(x, y, 3.5, 0.8, brush.ground_colour((226, 192, 128), 0.5))
    _paint_palm(brush, 66 + rng.uniform(-4, 4), 92, 52 + rng.uniform(-3, 4))
    _paint_palm(brush, 6 + rng.uniform(-6, 6), 98, 64)
    x = 150 + rng.uniform(-4, 4)
    if brush.form:
        _paint_beach_hut(brush, x, 88)
        _paint_beach_hut(brush, x + 40, 88)
    else:
        brush.shadow(x, 92, 24, 3)
        paint_parasol(brush, x, 92, 54, 25, brush.accent)
        brush.poly([(x + 8, 94), (x + 40, 94), (x + 46, 102), (x + 10, 102)], brush.accent)
        brush.poly([(x + 16, 94), (x + 22, 94), (x + 25, 102), (x + 18, 102)], WHITE)
    paint_puddles(brush, 103)
    _paint_shells(brush)


def _paint_palm(brush: Brush, x: Number, y: Number, height: Number) -> None:
    top_x, top_y = x + 9, y - height
    trunk = [(x, y), (x + 1.5, y - 0.45 * height), (top_x, top_y)]
    brush.line(trunk, (146, 104, 66), 4.2)
    brush.line([(px - 0.8, py) for px, py in trunk], (176, 130, 84), 1.4)
    sway = 1.2 * math.sin(1.1 * brush.seconds)
    leaf, dark = brush.ground_colour((58, 160, 78), 0.6), (34, 122, 66)
    for dx, dy, rgb in (
        (-24, 5, dark),
        (23, 8, dark),
        (-15, 17, dark),
        (15, 18, dark),
        (-20, -6, leaf),
        (20, -5, leaf),
        (1, -13, leaf),
    ):
        tip = (top_x + dx + sway, top_y + dy)
        mid = (top_x + 0.5 * dx, top_y + 0.5 * dy - 6)
        brush.poly([(top_x, top_y + 1.5), mid, tip, (mid[0] + 0.5, mid[1] + 5.5)], rgb)
    for nut in (-2.2, 1.8):
        brush.oval(top_x + nut, top_y + 3, 2.2, 2.2, (112, 74, 48))


def _paint_beach_hut(brush: Brush, x: Number, y: Number) -> None:
    brush.rect(x - 16, y - 32, x + 16, y, brush.accent)
    for i in range(4):
        brush.rect(x - 12 + 8 * i, y - 32, x - 8 + 8 * i, y, WHITE)
    brush.rect(x - 5, y - 22, x + 5, y, mix(brush.accent, (40, 30, 40), 0.45))
    brush.poly(
        [(x - 20, y - 31), (x, y - 50), (x + 20, y - 31)],
        brush.ground_colour(mix(brush.accent, (60, 30, 30), 0.3)),
    )
    brush.oval(x, y - 37, 3, 3, WHITE)
    if brush.night:
        brush.rect(x - 4, y - 20, x + 4, y - 13, (255, 220, 120), lit=True)
        brush.glow(x, y - 16, 20, (255, 210, 120), 110)


def _paint_shells(brush: Brush) -> None:
    rng = brush.random
    brush.at_depth(0.9)
    for i in range(rng.randint(4, 7)):
        x, y = rng.uniform(8, 216), rng.uniform(108, 124)
        if i % 2:
            brush.dome(x, y, 3, 3, (255, 196, 176))
            brush.line([(x, y - 3), (x, y - 1.5)], (226, 140, 126), 0.6)
        else:
            star = [
                (
                    x + (3.4 if k % 2 == 0 else 1.4) * math.sin(k * math.pi / 5),
                    y - (3.0 if k % 2 == 0 else 1.2) * math.cos(k * math.pi / 5),
                )
                for k in range(10)
            ]
            brush.poly(star, (242, 132, 84))


def paint_lighthouse(brush: Brush) -> None:
    rng = brush.random
    paint_sky(brush, 64)
    paint_sea(brush, 64, 92)
    brush.at_depth(0.25)
    paint_sail_boat(brush, rng.uniform(96, 116), 70, 6, WHITE)
    brush.at_depth(0.5)
    x = 150 + rng.uniform(-4, 4)
    rock, grass = (128, 112, 110), brush.ground_colour((112, 170, 84))
    brush.poly([(x - 34, 100), (x - 27, 84), (x - 29, 76), (x + 150, 70), (x + 150, 110)], rock)
    brush.poly([(x - 27, 84), (x - 12, 76), (x - 18, 90), (x - 30, 100)], mix(rock, (60, 50, 70), 0.35))
    brush.poly([(x - 31, 78), (x - 24, 73), (x + 20, 71), (x + 150, 64), (x + 150, 78), (x + 10, 80)], grass)
    if brush.form:
        _paint_cottage(brush, 72, 87, brush.accent)
        _paint_cottage(brush, 22, 84, WHITE)
        brush.poly([(-80, 96), (-80, 78), (40, 84), (96, 87), (106, 100)], grass)
    else:
        for dx, r in ((0, 9), (13, 6), (-14, 12), (-34, 10)):
            brush.poly(
                [
                    (70 + dx - r, 92),
                    (70 + dx - 0.5 * r, 92 - 1.3 * r),
                    (70 + dx + 0.4 * r, 92 - 1.5 * r),
                    (70 + dx + r, 92),
                ],
                brush.ground_colour(rock, 0.6),
            )
    _paint_tower(brush, x, 74)
    brush.band(90, 192, brush.ground_colour((124, 184, 90)), brush.ground_colour((76, 140, 70)))
    brush.poly(
        [(104, 90), (118, 90), (150, 128), (150, 160), (60, 160), (76, 128)],
        brush.ground_colour((222, 198, 150), 0.6),
    )
    for _ in range(16):
        gx, gy = rng.uniform(-30, 254), rng.uniform(94, 126)
        brush.oval(gx, gy, 1.3, 1.1, rng.choice(((255, 255, 255), (255, 222, 110), brush.accent)))
    paint_puddles(brush, 100)


def _paint_tower(brush: Brush, x: Number, base: Number) -> None:
    """The striped lighthouse; its lamp turns after dark."""
    top = 20.0

    def half_width(y: Number) -> float:
        return 7 + 6 * (y - top) / (base - top)

    stripes = 3 if brush.form else 6
    if brush.form:  # broad bands slant around the tower
        brush.poly([(x - 7, top), (x + 7, top), (x + 13, base), (x - 13, base)], WHITE)
        for i in range(stripes):
            y0, y1 = top + (base - top) * (i + 0.05) / stripes, top + (base - top) * (i + 0.5) / stripes
            slant = 7
            brush.poly(
                [
                    (x - half_width(y0), y0),
                    (x + half_width(y0 + slant), y0 + slant),
                    (x + half_width(y1 + slant), y1 + slant),
                    (x - half_width(y1), y1),
                ],
                brush.accent,
            )
        brush.poly(
            [(x + 2.4, top), (x + 7, top), (x + 13, base), (x + 4.6, base)],
            mix(brush.accent, (40, 30, 80), 0.2),
        )
    for i in range(0 if brush.form else stripes):
        y0, y1 = top + (base - top) * i / stripes, top + (base - top) * (i + 1) / stripes
        rgb = brush.accent if i % 2 == 0 else WHITE
        w0, w1 = half_width(y0), half_width(y1)
        brush.poly([(x - w0, y0), (x + w0, y0), (x + w1, y1), (x - w1, y1)], rgb)
        brush.poly(
            [(x + 0.35 * w0, y0), (x + w0, y0), (x + w1, y1), (x + 0.35 * w1, y1)],
            mix(rgb, (40, 30, 80), 0.16),
        )
    brush.rect(x - 2.4, base - 11, x + 2.4, base, (78, 56, 60))
    shining = brush.time != "day" or brush.rain
    glass = (255, 240, 150) if shining else (180, 220, 236)
    brush.rect(x - 10, top - 2, x + 10, top + 1, (70, 66, 80))
    brush.rect(x - 5.5, top - 11, x + 5.5, top - 2, glass, lit=shining)
    brush.line([(x, top - 11), (x, top - 2)], (70, 66, 80), 0.8)
    brush.dome(x, top - 10.5, 7, 6.5, brush.ground_colour(brush.accent))
    if shining:
        turn = 3 * math.sin(0.8 * brush.seconds)
        alpha = 95 if brush.night else 40
        brush.shade(
            [(x, top - 7), (x - 190, top - 22 + turn), (x - 190, top + 20 + turn)], (255, 240, 160), alpha
        )
        brush.shade(
            [(x, top - 7), (x + 150, top - 18 - turn), (x + 150, top + 12 - turn)], (255, 240, 160), alpha
        )
        brush.glow(x, top - 6.5, 24, (255, 238, 150), 210)
    for y in (40, 56):
        brush.rect(
            x - 1.8, y - 3, x + 1.8, y + 2, (255, 214, 110) if brush.night else (84, 96, 130), lit=brush.night
        )


def _paint_cottage(brush: Brush, x: Number, y: Number, rgb: RGB) -> None:
    brush.rect(x - 17, y - 20, x + 17, y, WHITE)
    brush.rect(x + 8, y - 38, x + 12, y - 26, (170, 96, 80))
    brush.poly(
        [(x - 21, y - 19), (x - 13, y - 34), (x + 13, y - 34), (x + 21, y - 19)],
        brush.ground_colour(rgb, 0.7),
    )
    glass = (255, 214, 110) if brush.night else (120, 176, 206)
    brush.rect(x - 12, y - 15, x - 5, y - 8, glass, lit=brush.night)
    brush.rect(x - 2, y - 13, x + 4, y, rgb)
    brush.rect(x + 7, y - 15, x + 13, y - 8, glass, lit=brush.night)
    if brush.night:
        brush.glow(x - 8, y - 11, 16, (255, 210, 120), 100)
