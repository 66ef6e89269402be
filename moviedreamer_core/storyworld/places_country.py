"""Places in the country: farm and castle. Landmarks stand where `scenery` says."""

from __future__ import annotations

import math

from .brush import Brush
from .palette import RGB, mix
from .scenery import LAMPLIGHT, WHITE
from .sky import Number, paint_puddles, paint_sky

STONE: RGB = (176, 172, 184)


def paint_farm(brush: Brush) -> None:
    rng = brush.random
    paint_sky(brush, 66)
    brush.at_depth(0.1, haze=0.4)
    for i in range(5):
        brush.oval(
            -30 + 70 * i + rng.uniform(-10, 10),
            72,
            52,
            rng.uniform(10, 18),
            brush.ground_colour((120, 176, 96)),
        )
    brush.at_depth(0.4)
    brush.band(
        68,
        192,
        brush.ground_colour((196, 208, 96)),
        brush.ground_colour((128, 182, 80)),
        brush.ground_colour((88, 150, 70)),
    )
    for i in range(-7, 8):  # ploughed rows meet at the horizon
        a = 40 + 7 * i
        brush.poly(
            [(a, 72), (a + 1.6, 72), (40 + 26 * i + 9, 100), (40 + 26 * i, 100)],
            brush.ground_colour((222, 190, 92), 0.7),
        )
    x = 150 + rng.uniform(-3, 3)
    _paint_barn(brush, x, 88)
    if brush.form:
        _paint_windmill(brush, 74, 90)
    else:
        _paint_tractor(brush, 74, 94)
    brush.at_depth(0.5)
    brush.band(94, 192, brush.ground_colour((134, 190, 84)), brush.ground_colour((80, 146, 68)))
    for i in range(-3, 14):
        fx = 21 * i
        brush.rect(fx, 88, fx + 2.4, 101, (240, 230, 210))
    for y in (91, 96):
        brush.band(y, y + 1.7, (240, 230, 210))
    for _ in range(rng.randint(2, 4)):
        hx, hy = rng.uniform(6, 218), rng.uniform(104, 120)
        brush.shadow(hx, hy + 0.5, 9, 1.6)
        brush.rect(hx - 8, hy - 9, hx + 8, hy, (232, 194, 92), radius=4)
        brush.oval(hx + 5, hy - 4.5, 4, 4.5, (248, 220, 130))
        brush.oval(hx + 5, hy - 4.5, 2, 2.2, (216, 172, 76))
    paint_puddles(brush, 105)


def _paint_barn(brush: Brush, x: Number, y: Number) -> None:
    red: RGB = (196, 58, 48)
    brush.rect(x + 25, y - 52, x + 38, y, (206, 206, 214))
    brush.rect(x + 33, y - 52, x + 38, y, (168, 170, 186))
    brush.dome(x + 31.5, y - 51, 6.5, 6, brush.ground_colour(mix(brush.accent, (120, 120, 130), 0.3)))
    brush.poly(
        [
            (x - 24, y),
            (x - 24, y - 28),
            (x - 15, y - 42),
            (x, y - 50),
            (x + 15, y - 42),
            (x + 24, y - 28),
            (x + 24, y),
        ],
        red,
    )
    for i in range(7):
        brush.line([(x - 21 + 7 * i, y), (x - 21 + 7 * i, y - 28)], (168, 44, 42), 0.7)
    roof = [(x - 28, y - 24), (x - 17, y - 43), (x, y - 53), (x + 17, y - 43), (x + 28, y - 24)]
    brush.poly(
        [*roof, (x + 22, y - 25), (x + 13, y - 38), (x, y - 45), (x - 13, y - 38), (x - 22, y - 25)],
        brush.accent,
    )
    if brush.snow:
        brush.line([(px, py - 1) for px, py in roof], WHITE, 3.4)
    brush.rect(x - 9, y - 18, x + 9, y, WHITE)
    brush.rect(x - 7.5, y - 16.5, x + 7.5, y, (168, 44, 42))
    for a, b in ((-7.5, 7.5), (7.5, -7.5)):
        brush.line([(x + a, y - 16), (x + b, y)], WHITE, 1.4)
    brush.rect(x - 4, y - 35, x + 4, y - 26, WHITE)
    brush.rect(x - 3, y - 34, x + 3, y - 27, LAMPLIGHT if brush.night else (92, 50, 50), lit=brush.night)
    if brush.night:
        brush.glow(x, y - 30, 18, LAMPLIGHT, 140)


def _paint_tractor(brush: Brush, x: Number, y: Number) -> None:
    brush.rect(x - 4, y - 27, x + 24, y - 11, brush.accent, radius=2)
    brush.rect(x - 20, y - 42, x - 2, y - 12, brush.accent, radius=1.5)
    brush.rect(
        x - 17, y - 38, x - 5, y - 25, (255, 224, 140) if brush.night else (182, 222, 236), lit=brush.night
    )
    brush.rect(x - 22, y - 45, x, y - 41, brush.ground_colour(mix(brush.accent, (30, 30, 30), 0.35)))
    brush.rect(x + 14, y - 39, x + 17, y - 27, (70, 70, 80))
    puff = (0.7 * brush.seconds) % 1
    brush.oval(x + 16 - 5 * puff, y - 42 - 9 * puff, 2 + 2 * puff, 2 + 2 * puff, (210, 210, 216))
    for wx, r in ((-12, 13), (18, 8.5)):
        brush.oval(x + wx, y - r, r, r, (48, 48, 58))
        brush.oval(x + wx, y - r, 0.55 * r, 0.55 * r, mix(brush.accent, WHITE, 0.5))
        brush.oval(x + wx, y - r, 0.2 * r, 0.2 * r, (70, 70, 80))


def _paint_windmill(brush: Brush, x: Number, y: Number) -> None:
    brush.poly([(x - 12, y), (x - 7, y - 36), (x + 7, y - 36), (x + 12, y)], (240, 230, 212))
    brush.poly([(x + 4, y), (x + 2.5, y - 36), (x + 7, y - 36), (x + 12, y)], (214, 202, 190))
    brush.dome(x, y - 35, 9, 9, brush.ground_colour(brush.accent))
    brush.rect(x - 3, y - 10, x + 4, y, mix(brush.accent, (60, 40, 40), 0.3))
    hub_y = y - 37
    for k in range(4):
        a = 0.5 + 0.9 * brush.seconds + k * math.pi / 2
        c, s = math.cos(a), math.sin(a)
        brush.poly(
            [
                (x + 4 * c, hub_y + 4 * s),
                (x + 22 * c, hub_y + 22 * s),
                (x + 22 * c - 6 * s, hub_y + 22 * s + 6 * c),
                (x + 6 * c - 5 * s, hub_y + 6 * s + 5 * c),
            ],
            mix(brush.accent, WHITE, 0.25),
        )
        brush.line([(x, hub_y), (x + 23 * c, hub_y + 23 * s)], (116, 82, 60), 1.2)
    brush.oval(x, hub_y, 2, 2, (90, 66, 56))


def paint_castle(brush: Brush) -> None:
    rng = brush.random
    paint_sky(brush, 72)
    brush.at_depth(0.1, haze=0.45)
    for i in range(5):
        brush.oval(-30 + 70 * i + rng.uniform(-12, 12), 80, 50, rng.uniform(14, 24), (104, 158, 120))
    brush.at_depth(0.4)
    brush.band(78, 192, brush.ground_colour((136, 190, 92)), brush.ground_colour((74, 140, 76)))
    brush.oval(112, 92, 130, 12, brush.ground_colour((126, 182, 88)))
    wall = rng.choice((STONE, (198, 186, 172), (164, 170, 190)))
    _paint_battlements(brush, 58, 168, 58, 90, wall)
    towers: tuple[tuple[Number, Number, Number, Number], ...]
    if brush.form:
        _paint_battlements(brush, 122, 168, 50, 90, mix(wall, WHITE, 0.08))
        towers = ((80, 90, 17, 44), (156, 90, 8, 46), (130, 52, 6, 36))
    else:
        towers = ((70, 90, 8, 52), (148, 90, 14, 38), (100, 60, 8, 30), (122, 60, 7, 38))
    for x, base, half, top in towers:
        _paint_castle_tower(brush, x, base, half, top + rng.uniform(-2, 2), wall)
    brush.rect(101, 72, 123, 90, mix(wall, (40, 30, 60), 0.35))
    brush.dome(112, 72.5, 11, 9, mix(wall, (40, 30, 60), 0.35))
    brush.rect(104, 73, 120, 90, (104, 68, 48))
    brush.dome(112, 73.5, 8, 7, (104, 68, 48))
    for x in (108, 112, 116):
        brush.line([(x, 68), (x, 90)], (66, 42, 36), 0.8)
    brush.at_depth(0.5)
    brush.poly(
        [(103, 89), (121, 89), (152, 128), (152, 170), (56, 170), (56, 128)],
        brush.ground_colour((222, 200, 158), 0.65),
    )
    for side in (-1, 1):
        for i in range(3):
            bx = 112 + side * (26 + 26 * i)
            brush.oval(bx + rng.uniform(-3, 3), 96 + 4 * i, 8, 5.5, brush.ground_colour((66, 138, 74), 0.6))
    paint_puddles(brush, 100)


def _paint_battlements(brush: Brush, x0: Number, x1: Number, top: Number, base: Number, wall: RGB) -> None:
    brush.rect(x0, top, x1, base, wall)
    count = int((x1 - x0) // 8)
    for i in range(count):
        a = x0 + 8 * i + 1
        brush.rect(a, top - 5, a + 5, top + 1, wall)
        if brush.snow:
            brush.rect(a - 0.4, top - 6, a + 5.4, top - 4, WHITE)
    mortar = mix(wall, (70, 60, 90), 0.22)
    for i in range(int((x1 - x0) / 6)):
        x, y = x0 + 2 + (i * 29) % max(1.0, x1 - x0 - 8), top + 5 + (i * 11) % max(1.0, base - top - 8)
        brush.rect(x, y, x + 5, y + 2, mortar)


def _paint_castle_tower(brush: Brush, x: Number, base: Number, half: Number, top: Number, wall: RGB) -> None:
    brush.rect(x - half, top, x + half, base, mix(wall, WHITE, 0.1))
    brush.rect(x + 0.35 * half, top, x + half, base, mix(wall, (60, 50, 90), 0.25))
    brush.rect(x - half - 1.5, top - 1, x + half + 1.5, top + 4, wall)
    cone = 2.1 * half
    brush.poly([(x - half - 3, top), (x, top - cone), (x + half + 3, top)], brush.accent)
    brush.poly(
        [(x, top - cone), (x + half + 3, top), (x + 0.3 * half, top)], mix(brush.accent, (40, 10, 50), 0.25)
    )
    if brush.snow:
        brush.poly(
            [
                (x - 0.6 * half, top - 0.55 * cone),
                (x, top - cone - 1),
                (x + 0.6 * half, top - 0.55 * cone),
                (x, top - 0.45 * cone),
            ],
            WHITE,
        )
    flag = top - cone
    wave = 1.5 * math.sin(3 * brush.seconds + x)
    brush.line([(x, flag + 1), (x, flag - 10)], (90, 80, 90), 0.9)
    brush.poly([(x, flag - 10), (x + 11, flag - 7.5 + wave), (x, flag - 4)], mix(brush.accent, WHITE, 0.3))
    if half >= 8 and base > 80:  # a banner on the big towers
        low = base - 10
        brush.poly(
            [
                (x - 0.5 * half, low - 20),
                (x + 0.5 * half, low - 20),
                (x + 0.5 * half, low),
                (x, low - 4),
                (x - 0.5 * half, low),
            ],
            brush.accent,
        )
        brush.oval(x, low - 12, 0.22 * half, 0.22 * half, WHITE)
    for y in (top + 9, top + 22):
        if y + 8 < base - (30 if half >= 8 else 0):
            brush.rect(x - 2, y, x + 2, y + 7, LAMPLIGHT if brush.night else (70, 62, 90), lit=brush.night)
            brush.dome(x, y + 0.6, 2, 2, LAMPLIGHT if brush.night else (70, 62, 90), lit=brush.night)
    if brush.night:
        brush.glow(x, top + 12, 14, LAMPLIGHT, 110)
