"""Green places: forest, park, mountain. Landmarks stand where `scenery` says."""

from __future__ import annotations

import math

from .brush import Brush
from .palette import RGB, mix
from .scenery import WHITE, paint_pine, paint_round_tree
from .sky import Number, paint_puddles, paint_sky


def paint_forest(brush: Brush) -> None:
    rng = brush.random
    paint_sky(brush, 74)
    for depth, haze, base, low, high, step in ((0.1, 0.55, 76, 34, 50, 11), (0.25, 0.28, 80, 38, 62, 17)):
        brush.at_depth(depth, haze)
        brush.band(base - 6, base + 20, (44, 108, 74))
        for i in range(int(330 / step)):
            h = rng.uniform(low, high)
            x = -50 + step * i + rng.uniform(-4, 4)
            if depth < 0.2:
                _paint_far_pine(brush, x, base, h, (38, 112, 74))
            elif not 96 < x < 128:  # a glade in the middle
                paint_pine(brush, x, base, h, (38, 112, 74))
    brush.at_depth(0.5)
    grass = brush.ground_colour((74, 138, 66))
    brush.band(80, 192, grass, brush.ground_colour((40, 92, 58)))
    for x, h in ((30, 78), (198, 84), (-12, 92), (236, 92), (66, 70)):
        paint_pine(
            brush,
            x + rng.uniform(-5, 5),
            88 + (abs(x - 112) - 40) * 0.06,
            h + rng.uniform(-4, 6),
            (30, 124, 70),
        )
    x = 148 + rng.uniform(-4, 4)
    brush.shadow(x, 88, 26, 3)
    if brush.form:
        paint_cabin(brush, x, 88, brush.accent)
    else:
        paint_tent(brush, x, 88, 27, brush.accent)
    for _ in range(rng.randint(3, 6)):
        mx, my = rng.uniform(10, 214), rng.uniform(98, 124)
        brush.rect(mx - 1.2, my - 4, mx + 1.2, my, (246, 234, 214))
        brush.dome(mx, my - 2.5, 3.6, 4.5, brush.accent)
        brush.oval(mx - 1, my - 5, 0.7, 0.7, WHITE)
    paint_puddles(brush, 100)
    _flowers(brush, 14, 92, ((250, 246, 220), (250, 214, 100)))


def _paint_far_pine(brush: Brush, x: Number, y: Number, height: Number, rgb: RGB) -> None:
    w = 0.24 * height
    brush.poly(
        [
            (x - w, y),
            (x - 0.4 * w, y - 0.5 * height),
            (x - 0.6 * w, y - 0.5 * height),
            (x, y - height),
            (x + 0.6 * w, y - 0.5 * height),
            (x + 0.4 * w, y - 0.5 * height),
            (x + w, y),
        ],
        brush.ground_colour(rgb, 0.45),
    )


def paint_tent(brush: Brush, x: Number, y: Number, size: Number, rgb: RGB) -> None:
    """A ridge tent seen from its open end."""
    s = size
    brush.poly([(x - s, y), (x, y - 1.25 * s), (x + 1.1 * s, y)], rgb)
    brush.poly(
        [(x, y - 1.25 * s), (x + 0.45 * s, y - 1.32 * s), (x + 1.6 * s, y - 0.12 * s), (x + 1.1 * s, y)],
        brush.ground_colour(mix(rgb, (40, 20, 60), 0.28), 0.7),
    )
    brush.poly([(x - 0.42 * s, y), (x, y - 0.95 * s), (x + 0.42 * s, y)], (66, 46, 60))
    brush.poly([(x - 0.42 * s, y), (x, y - 0.95 * s), (x - 0.12 * s, y)], mix(rgb, WHITE, 0.45))
    brush.line([(x - s, y), (x, y - 1.25 * s), (x + 1.1 * s, y)], mix(rgb, WHITE, 0.6), 1.2)
    if brush.night:
        brush.poly(
            [(x - 0.1 * s, y), (x + 0.02 * s, y - 0.8 * s), (x + 0.36 * s, y)], (255, 214, 120), lit=True
        )
        brush.glow(x + 0.1 * s, y - 0.4 * s, 1.3 * s, (255, 206, 120), 110)


def paint_cabin(brush: Brush, x: Number, y: Number, rgb: RGB) -> None:
    """A log cabin with a coloured roof."""
    brush.rect(x - 18, y - 22, x + 18, y, (164, 112, 70))
    for i in range(5):
        brush.line([(x - 18, y - 3 - 4.4 * i), (x + 18, y - 3 - 4.4 * i)], (122, 80, 52), 0.8)
    brush.rect(x + 9, y - 46, x + 14, y - 30, (140, 120, 116))
    brush.poly([(x - 23, y - 20), (x, y - 43), (x + 23, y - 20)], rgb)
    brush.poly([(x, y - 43), (x + 23, y - 20), (x + 12, y - 20)], mix(rgb, (40, 20, 50), 0.2))
    if brush.snow:
        brush.poly(
            [(x - 19, y - 27), (x, y - 46), (x + 19, y - 27), (x + 10, y - 31), (x, y - 35), (x - 9, y - 30)],
            WHITE,
        )
    brush.rect(x - 3, y - 14, x + 5, y, mix(rgb, (50, 30, 30), 0.4))
    glass = (255, 214, 110) if brush.night else (136, 190, 214)
    for dx in (-14, 8):
        brush.rect(x + dx, y - 16, x + dx + 7, y - 9, glass, lit=brush.night)
    if brush.night:
        brush.glow(x - 10, y - 12, 18, (255, 206, 120), 130)
    for i in range(3):
        puff = (0.5 * brush.seconds + i / 3) % 1
        brush.oval(x + 12 + 6 * puff, y - 48 - 14 * puff, 2 + 2.5 * puff, 2 + 2 * puff, (226, 226, 232))


def _flowers(brush: Brush, count: int, top: Number, palette: tuple[RGB, ...]) -> None:
    for _ in range(count):
        x, y = brush.random.uniform(-30, 254), brush.random.uniform(top, 127)
        rgb = brush.random.choice(palette)
        if brush.snow:  # chosen all the same: a place's small things do not depend on its weather
            continue
        r = 0.7 + 0.9 * (y - top) / (128 - top)
        brush.oval(x, y, r, r, rgb)
        brush.oval(x, y, 0.4 * r, 0.4 * r, (255, 236, 130))


def paint_park(brush: Brush) -> None:
    rng = brush.random
    paint_sky(brush, 70)
    brush.at_depth(0.1, haze=0.45)
    for i in range(16):
        brush.oval(-40 + 20 * i, 72, rng.uniform(11, 16), rng.uniform(8, 18), (90, 160, 96))
    brush.at_depth(0.5)
    brush.band(
        70,
        192,
        brush.ground_colour((150, 206, 98)),
        brush.ground_colour((92, 170, 78)),
        brush.ground_colour((66, 140, 70)),
    )
    brush.poly(
        [(-70, 108), (60, 96), (150, 98), (300, 88), (300, 98), (160, 112), (60, 112), (-70, 128)],
        brush.ground_colour((232, 212, 166), 0.6),
    )
    pond = 24 + rng.uniform(-6, 10)
    brush.oval(pond, 86, 40, 7.5, brush.ground_colour((206, 196, 150)))
    brush.oval(pond, 86, 37, 6.3, (86, 176, 222) if not brush.snow else (206, 226, 244))
    drift = 4 * math.sin(0.4 * brush.seconds)
    for dx in (-12, 8):  # ducks
        brush.oval(pond + dx + drift, 84, 3.4, 2, WHITE)
        brush.oval(pond + dx + 3 + drift, 81.5, 1.5, 1.5, WHITE)
        brush.oval(pond + dx + 4.8 + drift, 81.8, 1, 0.5, (250, 160, 60))
    green = rng.choice(((74, 168, 74), (106, 176, 66), (60, 152, 92)))
    for x, y, h in ((74.0, 84, 56), (196.0, 84, 62), (-14.0, 88, 66), (232.0, 90, 66)):
        x += rng.uniform(-5, 5)
        brush.shadow(x, y, 15, 2.5)
        paint_round_tree(brush, x, y, h + rng.uniform(-4, 6), green)
    x = 148 + rng.uniform(-3, 3)
    if brush.form:
        _paint_bandstand(brush, x, 86)
    else:
        _paint_bench(brush, x, 90)
    lamp = 104 if brush.form else 172
    brush.line([(lamp, 92), (lamp, 50)], (60, 66, 76), 1.5)
    brush.oval(lamp, 48, 3.2, 3.6, (255, 236, 160) if brush.night else (240, 240, 226), lit=brush.night)
    if brush.night:
        brush.glow(lamp, 48, 28, (255, 226, 140), 190)
    paint_puddles(brush, 104)
    _flowers(brush, 22, 100, (brush.accent, WHITE))


def _paint_bench(brush: Brush, x: Number, y: Number) -> None:
    brush.shadow(x, y + 1, 24, 2.5)
    for dx in (-18, 18):
        brush.rect(x + dx - 1.5, y - 24, x + dx + 1.5, y, (62, 62, 72))
    for dy in (25, 19):
        brush.rect(x - 23, y - dy, x + 23, y - dy + 4.6, brush.accent, radius=1)
    brush.rect(x - 24, y - 11, x + 24, y - 6, mix(brush.accent, (40, 20, 40), 0.2), radius=1)
    if brush.snow:
        brush.rect(x - 23, y - 27, x + 23, y - 24, WHITE, radius=1)
        brush.rect(x - 24, y - 13, x + 24, y - 10, WHITE, radius=1)
    kite_x, kite_y = x + 6, 38 + 1.5 * math.sin(1.3 * brush.seconds)
    brush.line(
        [(kite_x, kite_y + 9), (kite_x - 4, kite_y + 16), (kite_x + 2, kite_y + 24)], (240, 240, 240), 0.7
    )
    brush.poly(
        [(kite_x, kite_y - 11), (kite_x + 8, kite_y), (kite_x, kite_y + 11), (kite_x - 8, kite_y)],
        brush.accent,
    )
    brush.poly([(kite_x, kite_y - 11), (kite_x + 8, kite_y), (kite_x, kite_y)], mix(brush.accent, WHITE, 0.6))
    brush.poly([(kite_x, kite_y + 11), (kite_x - 8, kite_y), (kite_x, kite_y)], mix(brush.accent, WHITE, 0.6))


def _paint_bandstand(brush: Brush, x: Number, y: Number) -> None:
    brush.shadow(x, y + 1, 28, 3)
    brush.rect(x - 25, y - 5, x + 25, y, (226, 216, 200))
    for dx in (-22, -11, 9, 20):
        brush.rect(x + dx, y - 32, x + dx + 2.4, y - 5, WHITE)
    brush.rect(x - 23, y - 13, x + 23, y - 11, WHITE)
    brush.poly([(x - 28, y - 31), (x - 8, y - 49), (x + 8, y - 49), (x + 28, y - 31)], brush.accent)
    for i in range(0, 7, 2):
        a, b = x - 28 + 8 * i, x - 20 + 8 * i
        brush.poly(
            [(a, y - 31), (x + (a - x) * 0.29, y - 49), (x + (b - x) * 0.29, y - 49), (b, y - 31)],
            mix(brush.accent, WHITE, 0.7),
        )
    if brush.snow:
        brush.poly([(x - 19, y - 40), (x - 8, y - 51), (x + 8, y - 51), (x + 19, y - 40), (x, y - 43)], WHITE)
    brush.oval(x, y - 51, 2, 2.4, (250, 214, 110))


def paint_mountain(brush: Brush) -> None:
    rng = brush.random
    paint_sky(brush, 80)
    brush.at_depth(0.08, haze=0.5)
    for i in range(6):
        _paint_peak(brush, -40 + 58 * i + rng.uniform(-8, 8), 84, rng.uniform(38, 52), (122, 130, 170))
    brush.at_depth(0.2, haze=0.12)
    _paint_peak(brush, 200 + rng.uniform(-6, 6), 88, 62, (112, 112, 142))
    _paint_peak(brush, 20 + rng.uniform(-6, 6), 88, 58, (112, 112, 142))
    _paint_peak(brush, 106 + rng.uniform(-8, 8), 88, 76, (118, 114, 140))
    brush.at_depth(0.5)
    meadow = brush.ground_colour((132, 170, 96))
    brush.band(84, 192, meadow, brush.ground_colour((112, 122, 98)))
    for i in range(7):
        brush.oval(-50 + 54 * i, 86, 34, 4 + rng.uniform(0, 3), meadow)
    for pine in (64, 78, 22):
        paint_pine(brush, pine + rng.uniform(-2, 2), 88 + 0.05 * pine % 3, rng.uniform(34, 46), (40, 112, 84))
    x = 150 + rng.uniform(-3, 3)
    if brush.form:
        _paint_cable_car(brush, x)
    else:
        paint_cabin(brush, x, 86, brush.accent)
    rock = brush.ground_colour((140, 134, 140), 0.55)
    for _ in range(rng.randint(5, 8)):
        rx, ry, r = rng.uniform(0, 224), rng.uniform(97, 126), rng.uniform(3, 8)
        brush.poly([(rx - r, ry), (rx - 0.6 * r, ry - 0.8 * r), (rx + 0.2 * r, ry - r), (rx + r, ry)], rock)
        brush.poly([(rx, ry), (rx + 0.2 * r, ry - r), (rx + r, ry)], mix(rock, (60, 50, 80), 0.3))
    paint_puddles(brush, 98)


def _paint_peak(brush: Brush, x: Number, y: Number, height: Number, rgb: RGB) -> None:
    w, top = 0.86 * height, y - height
    brush.poly(
        [
            (x - w, y),
            (x - 0.4 * w, y - 0.52 * height),
            (x, top),
            (x + 0.45 * w, y - 0.6 * height),
            (x + w, y),
        ],
        rgb,
    )
    brush.poly(
        [
            (x, top),
            (x + 0.45 * w, y - 0.6 * height),
            (x + w, y),
            (x + 0.15 * w, y),
            (x - 0.1 * w, y - 0.5 * height),
        ],
        mix(rgb, (50, 44, 90), 0.3),
    )
    k = 0.62 if brush.snow else 0.38
    brush.poly(
        [
            (x - k * 0.8 * w, top + k * height),
            (x, top),
            (x + k * 0.9 * w, top + k * height * 0.95),
            (x + 0.2 * k * w, top + 0.75 * k * height),
            (x, top + 1.05 * k * height),
            (x - 0.3 * k * w, top + 0.78 * k * height),
        ],
        (250, 252, 255),
    )
    brush.poly(
        [(x, top), (x + k * 0.9 * w, top + k * height * 0.95), (x + 0.2 * k * w, top + 0.75 * k * height)],
        (206, 218, 242),
    )


def _paint_cable_car(brush: Brush, x: Number) -> None:
    swing = 1.0 * math.sin(1.1 * brush.seconds)
    brush.line([(-80, 4), (x, 27), (320, 46)], (70, 70, 84), 1.0)
    for cx, cy, s in ((x, 27, 1.0), (x - 128, 9, 0.62)):
        a = cx + swing
        brush.line([(cx, cy), (a, cy + 10 * s)], (70, 70, 84), 1.4)
        brush.rect(a - 19 * s, cy + 9 * s, a + 19 * s, cy + 37 * s, brush.accent, radius=5 * s)
        brush.rect(a - 19 * s, cy + 28 * s, a + 19 * s, cy + 31 * s, WHITE)
        for dx in (-16, -5, 6):
            brush.rect(
                a + dx * s,
                cy + 13 * s,
                a + (dx + 10) * s,
                cy + 25 * s,
                (255, 224, 140) if brush.night else (178, 222, 240),
                lit=brush.night,
                radius=1.5 * s,
            )
        if brush.snow:
            brush.rect(a - 17 * s, cy + 7 * s, a + 17 * s, cy + 11 * s, WHITE, radius=2 * s)
    if brush.night:
        brush.glow(x, 46, 26, (255, 214, 130), 110)
