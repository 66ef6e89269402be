"""Places in town: street, market, station. Landmarks stand where `scenery` says."""

from __future__ import annotations

import math

from .brush import Brush
from .palette import RGB, mix
from .scenery import LAMPLIGHT, WHITE, paint_parasol, paint_round_tree
from .sky import Number, paint_puddles, paint_sky

BRICKS: tuple[RGB, ...] = (
    (214, 176, 140),
    (190, 150, 130),
    (222, 206, 176),
    (168, 160, 180),
    (206, 190, 190),
    (184, 196, 190),
)
FRUIT: tuple[RGB, ...] = (
    (226, 60, 54),
    (250, 156, 44),
    (252, 214, 72),
    (124, 190, 72),
    (150, 84, 170),
    (240, 120, 140),
)


def paint_street(brush: Brush) -> None:
    rng = brush.random
    paint_sky(brush, 84)
    brush.at_depth(0.15, haze=0.5)
    for i in range(14):
        h, x = rng.uniform(36, 62), -50 + 24 * i
        brush.rect(x, 84 - h, x + 22, 86, rng.choice(BRICKS))
        for k in range(6):
            lit = brush.night and (i * 7 + k * 3) % 5 < 3
            a, b = x + 4 + 9 * (k % 2), 89 - h + 10 * (k // 2)
            brush.rect(a, b, a + 4, b + 5, LAMPLIGHT if lit else (120, 130, 160), lit=lit)
    brush.at_depth(0.4)
    for x, w in ((-40, 42), (4, 46), (186, 44), (232, 44)):
        _paint_house(
            brush,
            x,
            w,
            rng.uniform(50, 62),
            rng.choice(BRICKS),
            rng.choice(((150, 80, 70), (92, 96, 120), (120, 96, 84))),
            gable=rng.random() < 0.5,
        )
    _paint_house(brush, 58, 34, rng.uniform(46, 52), rng.choice(BRICKS), (110, 84, 84), gable=not brush.form)
    _paint_house(
        brush,
        128,
        52,
        rng.uniform(52, 56),
        brush.accent,
        mix(brush.accent, (40, 30, 50), 0.45),
        gable=not brush.form,
    )
    if brush.form:
        _paint_shop_front(brush, 128, 52)
    brush.at_depth(0.5)
    brush.band(90, 97, brush.ground_colour((206, 200, 196)), brush.ground_colour((182, 176, 178)))
    brush.band(97, 98.6, (128, 124, 134))
    brush.band(98.6, 192, brush.ground_colour((112, 112, 126), 0.7), brush.ground_colour((84, 84, 100), 0.7))
    for i in range(-4, 12):
        brush.rect(30 * i, 112, 30 * i + 16, 114.6, (240, 230, 190))
    if brush.form:
        paint_round_tree(brush, 110, 94, 44, (84, 164, 84))
        _paint_street_lamp(brush, 66, 95, 44)
    else:
        _paint_street_lamp(brush, 96, 95, 46)
        _paint_street_lamp(brush, 206, 95, 46)
    paint_puddles(brush, 102)


def _paint_windows(
    brush: Brush, x: Number, y: Number, columns: int, rows: int, step_x: Number, step_y: Number
) -> None:
    """A grid of house windows from top left (x, y); some are lit after dark."""
    for row in range(rows):
        for column in range(columns):
            lit = brush.random.random() < 0.72 and brush.night
            a, b = x + column * step_x, y + row * step_y
            brush.rect(a - 0.6, b - 0.6, a + 5.6, b + 7.6, WHITE)
            brush.rect(a, b, a + 5, b + 7, LAMPLIGHT if lit else (104, 134, 168), lit=lit)
            if not lit:
                brush.poly([(a, b + 7), (a, b + 3), (a + 3.5, b)], (150, 182, 208))


def _paint_street_lamp(brush: Brush, x: Number, y: Number, height: Number) -> None:
    brush.line([(x, y), (x, y - height)], (52, 56, 70), 1.8)
    brush.rect(x - 3, y - 3, x + 3, y, (52, 56, 70))
    top = y - height
    brush.poly(
        [(x - 4.4, top - 8), (x + 4.4, top - 8), (x + 3, top), (x - 3, top)],
        LAMPLIGHT if brush.night else (236, 236, 220),
        lit=brush.night,
    )
    brush.poly([(x - 5.6, top - 8), (x, top - 13), (x + 5.6, top - 8)], brush.ground_colour((52, 56, 70)))
    if brush.night:
        brush.glow(x, top - 4, 32, (255, 222, 130), 200)


def _paint_house(
    brush: Brush, x: Number, width: Number, height: Number, wall: RGB, roof: RGB, *, gable: bool
) -> None:
    top = 92 - height
    brush.rect(x, top, x + width, 92, wall)
    brush.rect(x + width - 4, top, x + width, 92, mix(wall, (50, 40, 80), 0.2))
    if gable:
        brush.poly(
            [(x - 3, top + 1), (x + width / 2, top - 0.42 * width), (x + width + 3, top + 1)],
            brush.ground_colour(roof),
        )
        brush.oval(
            x + width / 2, top - 6, 3, 3, LAMPLIGHT if brush.night else (120, 150, 180), lit=brush.night
        )
    else:
        brush.rect(x - 2, top - 5, x + width + 2, top + 1, brush.ground_colour(roof))
        brush.rect(x + 6, top - 13, x + 13, top - 4, mix(roof, (60, 40, 40), 0.3))
    columns = int((width - 6) // 11)
    margin = (width - (columns - 1) * 11 - 5) / 2
    _paint_windows(brush, x + margin, top + 6, columns, int((height - 26) // 13), 11, 13)
    door = x + width / 2
    brush.rect(door - 4, 77, door + 4, 92, mix(wall, (70, 30, 30), 0.6))
    brush.oval(door + 2, 85, 0.8, 0.8, (250, 220, 130))


def _paint_shop_front(brush: Brush, x: Number, width: Number) -> None:
    brush.rect(
        x + 3, 72, x + width - 3, 91, (255, 226, 150) if brush.night else (180, 214, 226), lit=brush.night
    )
    brush.rect(x + width / 2 - 5, 72, x + width / 2 + 5, 92, mix(brush.accent, (60, 30, 30), 0.5))
    step = (width + 4) / 8
    for i in range(8):
        a = x - 2 + step * i
        brush.poly(
            [(a + 1, 63), (a + step + 1, 63), (a + step, 73), (a, 73)],
            WHITE if i % 2 else mix(brush.accent, (40, 20, 40), 0.2),
        )
    if brush.night:
        brush.glow(x + width / 2, 82, 34, LAMPLIGHT, 120)


def paint_market(brush: Brush) -> None:
    rng = brush.random
    paint_sky(brush, 78)
    brush.at_depth(0.15, haze=0.3)
    for i in range(9):
        h, x = rng.uniform(34, 50), -50.0 + 38 * i
        brush.rect(x, 80 - h, x + 36, 84, rng.choice(BRICKS))
        brush.poly([(x - 2, 81 - h), (x + 18, 70 - h), (x + 38, 81 - h)], brush.ground_colour((176, 104, 88)))
        for k in range(2):
            brush.rect(
                x + 7 + 15 * k,
                86 - h,
                x + 13 + 15 * k,
                94 - h,
                LAMPLIGHT if brush.night else (124, 140, 166),
                lit=brush.night,
            )
    brush.at_depth(0.4)
    brush.band(82, 192, brush.ground_colour((224, 204, 172)), brush.ground_colour((176, 150, 126)))
    for i in range(40):
        x, y = (i * 47) % 300 - 30.0, 94.0 + (i * 19) % 36
        brush.oval(x, y, 5.5, 1.2, brush.ground_colour((196, 174, 144), 0.7))
    for i in range(11):  # bunting
        x = -30.0 + 28 * i
        y = 16 + 5 * math.sin(0.9 * i)
        brush.line([(x, y), (x + 28, 16 + 5 * math.sin(0.9 * (i + 1)))], (120, 110, 110), 0.7)
        for k in range(2):
            brush.poly(
                [
                    (x + 4 + 13 * k, y),
                    (x + 12 + 13 * k, y),
                    (x + 8 + 13 * k, y + 9 + math.sin(2 * brush.seconds + i)),
                ],
                (brush.accent, WHITE)[(i + k) % 2],
            )
    x = 150 + rng.uniform(-3, 3)
    if brush.form:
        _paint_fountain(brush, 74)
        _paint_parasol_stall(brush, x + 2)
        _paint_stall(brush, 218, 24, brush.accent)
    else:
        _paint_stall(brush, 66, 25, rng.choice(FRUIT))
        _paint_stall(brush, x, 27, brush.accent)
    _paint_stall(brush, 4, 24, rng.choice(FRUIT))
    paint_puddles(brush, 104)


def _paint_stall(brush: Brush, x: Number, half: Number, rgb: RGB) -> None:
    brush.shadow(x, 96, half + 4, 3)
    for side in (-1, 1):
        brush.rect(x + side * (half - 2) - 1, 46, x + side * (half - 2) + 1, 96, (130, 88, 58))
    brush.rect(x - half + 1, 58, x + half - 1, 72, (104, 78, 72))
    brush.rect(x - half, 76, x + half, 96, (178, 124, 78))
    for i in range(4):
        brush.line([(x - half, 80 + 4.4 * i), (x + half, 80 + 4.4 * i)], (140, 94, 60), 0.7)
    _paint_fruit(brush, x, half, 76)
    step = (2 * half + 8) / 8
    for i in range(8):
        a = x - half - 4 + step * i
        tone = brush.ground_colour(rgb, 0.25) if i % 2 == 0 else WHITE
        top_a, top_b = x + (a - x) * 0.82, x + (a + step - x) * 0.82
        brush.poly([(top_a, 38), (top_b, 38), (a + step, 53), (a, 53)], tone)
        brush.oval(a + step / 2, 53, step / 2, 3, tone)
    if brush.snow:
        brush.rect(x - 0.84 * half - 3, 35.5, x + 0.84 * half + 3, 41, WHITE, radius=2)
    if brush.night:
        brush.oval(x, 59, 2, 2.4, (255, 238, 170), lit=True)
        brush.glow(x, 60, 24, LAMPLIGHT, 190)


def _paint_fruit(brush: Brush, x: Number, half: Number, y: Number) -> None:
    kinds = brush.random.sample(FRUIT, 3)
    for k, rgb in enumerate(kinds):
        left = x - half + 1 + k * (2 * half - 2) / 3
        width = (2 * half - 2) / 3 - 1
        for i in range(4):
            brush.oval(left + (i + 0.5) * width / 4, y - 2, width / 7, width / 7, rgb)
        for i in range(3):
            brush.oval(left + (i + 1) * width / 4, y - 4.6, width / 7, width / 7, mix(rgb, WHITE, 0.15))
        brush.rect(left, y - 1, left + width, y + 5, (206, 154, 96))


def _paint_fountain(brush: Brush, x: Number) -> None:
    stone, water = brush.ground_colour((196, 190, 196), 0.4), (120, 190, 226)
    brush.shadow(x, 97, 26, 3)
    brush.rect(x - 24, 84, x + 24, 96, mix(stone, (90, 80, 110), 0.2), radius=4)
    brush.oval(x, 84, 24, 4.5, stone)
    brush.oval(x, 84, 21, 3.2, water)
    brush.rect(x - 3, 56, x + 3, 84, stone)
    brush.poly([(x - 14, 60), (x + 14, 60), (x + 5, 67), (x - 5, 67)], stone)
    brush.oval(x, 60, 14, 2.4, water)
    spray = (206, 234, 250)
    for k in range(-3, 4):
        lift = 10 + 1.5 * math.sin(5 * brush.seconds + k)
        brush.line([(x, 58), (x + 1.6 * k, 58 - lift + 0.8 * abs(k)), (x + 3.6 * k, 60)], spray, 0.9)
    for side in (-1, 1):
        brush.line([(x + 13 * side, 60), (x + 17 * side, 68), (x + 18 * side, 83)], spray, 1.2)


def _paint_parasol_stall(brush: Brush, x: Number) -> None:
    brush.shadow(x, 97, 24, 3)
    paint_parasol(brush, x, 96, 62, 27, brush.accent)
    brush.rect(x - 21, 76, x + 21, 80, (206, 154, 96))
    _paint_fruit(brush, x, 21, 77)
    for wx in (-13, 13):
        brush.oval(x + wx, 91, 6, 6, (110, 76, 56))
        brush.oval(x + wx, 91, 3.6, 3.6, (220, 186, 140))
    if brush.night:
        brush.glow(x, 62, 26, LAMPLIGHT, 190)


def paint_station(brush: Brush) -> None:
    rng = brush.random
    paint_sky(brush, 78)
    brush.at_depth(0.15, haze=0.45)
    for i in range(14):
        x = -50 + 24 * i
        brush.oval(x, 80, 17, rng.uniform(12, 26), brush.ground_colour((104, 160, 108), 0.5))
    brush.at_depth(0.35)
    brush.band(78, 92, brush.ground_colour((130, 116, 112), 0.5))
    if brush.form:
        _paint_steam_train(brush, 124)
    else:
        _paint_railcar(brush, 120 + rng.uniform(-4, 4))
    brush.band(88, 90, (96, 92, 104))
    brush.at_depth(0.5)
    brush.band(
        91, 192, brush.ground_colour((204, 198, 198), 0.75), brush.ground_colour((154, 148, 158), 0.75)
    )
    brush.band(91, 93.5, (120, 114, 124))
    brush.band(95, 97.5, (250, 210, 80))
    for i in range(-6, 18):
        brush.line(
            [(112 + (i - 5.5) * 20, 97.5), (112 + (i - 5.5) * 42, 150)],
            brush.ground_colour((166, 160, 166), 0.5),
            0.7,
        )
    _paint_clock(brush, 76, 46)
    for x in (12, 206):
        brush.rect(x - 2, 6, x + 2, 98, (70, 92, 110))
    roof = mix(brush.accent, (60, 60, 80), 0.35)
    brush.band(-40, 9, roof)
    for i in range(-4, 22):
        brush.poly([(14 * i, 8), (14 * i + 14, 8), (14 * i + 7, 16)], WHITE if i % 2 else roof)
    if brush.night:
        for x in (44, 180):
            brush.oval(x, 19, 3, 3, (255, 240, 180), lit=True)
            brush.glow(x, 20, 32, LAMPLIGHT, 180)
    paint_puddles(brush, 106)


def _paint_clock(brush: Brush, x: Number, y: Number) -> None:
    brush.rect(x - 1.6, y, x + 1.6, 96, (58, 66, 84))
    brush.rect(x - 5, 93, x + 5, 97, (58, 66, 84))
    brush.oval(x, y, 13, 13, (58, 66, 84))
    brush.oval(x, y, 10.6, 10.6, (255, 246, 214), lit=brush.night)
    for k in range(12):
        a = k * math.pi / 6
        brush.oval(x + 8.8 * math.sin(a), y - 8.8 * math.cos(a), 0.7, 0.7, (58, 66, 84))
    minute = 0.6 + 0.05 * brush.seconds
    brush.line([(x, y), (x + 7.6 * math.sin(minute), y - 7.6 * math.cos(minute))], (40, 40, 60), 1.1)
    brush.line([(x, y), (x - 5, y + 1.5)], (40, 40, 60), 1.5)
    if brush.night:
        brush.glow(x, y, 24, (255, 236, 170), 90)


def _paint_railcar(brush: Brush, x: Number) -> None:
    """A modern train whose cab is on the right of `x`."""
    body, glass = brush.accent, (255, 228, 150) if brush.night else (150, 202, 226)
    brush.rect(-80, 44, x + 30, 86, body)
    brush.poly([(x + 30, 44), (x + 42, 50), (x + 54, 70), (x + 55, 86), (x + 30, 86)], body)
    brush.rect(-80, 41, x + 31, 46, brush.ground_colour(mix(body, (40, 40, 60), 0.4)))
    brush.rect(-80, 72, x + 54, 77, WHITE)
    brush.poly([(x + 34, 50), (x + 40, 52), (x + 49, 66), (x + 34, 66)], glass, lit=brush.night)
    for i in range(9):
        wx = x + 10 - 22 * i
        if i % 3 == 1:
            brush.rect(wx - 1, 50, wx + 14, 86, mix(body, WHITE, 0.55))
            brush.rect(wx + 1, 53, wx + 6, 68, glass, lit=brush.night)
            brush.rect(wx + 7.5, 53, wx + 12.5, 68, glass, lit=brush.night)
        else:
            brush.rect(wx - 2, 53, wx + 15, 67, glass, lit=brush.night, radius=1.5)
    brush.oval(x + 52, 79, 2, 2, (255, 246, 190), lit=True)
    brush.rect(-80, 86, x + 52, 89, (56, 56, 70))


def _paint_steam_train(brush: Brush, x: Number) -> None:
    body, dark = brush.accent, (52, 54, 68)
    for i in range(5):
        puff = (0.35 * brush.seconds + i / 5) % 1
        brush.oval(
            x + 38 - 46 * puff,
            36 - 26 * puff,
            4 + 9 * puff,
            4 + 7 * puff,
            mix((250, 250, 252), (200, 204, 216), 0.4),
        )
    brush.rect(x + 33, 38, x + 42, 56, dark)
    brush.poly([(x + 30, 36), (x + 45, 36), (x + 42, 42), (x + 33, 42)], dark)
    brush.rect(x - 4, 52, x + 50, 78, body, radius=8)
    for dx in (8, 24):
        brush.rect(x + dx, 52, x + dx + 3, 78, (250, 210, 110))
    brush.dome(x + 18, 53, 6, 6, (250, 210, 110))
    brush.rect(x - 26, 40, x, 80, body)
    brush.rect(x - 30, 36, x + 4, 41, brush.ground_colour(dark))
    brush.rect(x - 21, 46, x - 6, 60, (255, 224, 140) if brush.night else (160, 206, 226), lit=brush.night)
    brush.rect(x - 26, 76, x + 54, 82, dark)
    brush.poly([(x + 50, 78), (x + 62, 89), (x + 46, 89)], (190, 60, 54))
    brush.oval(x + 50, 64, 3.4, 3.4, (255, 246, 190), lit=True)
    for wx in (-16, 2, 19, 36):
        brush.oval(x + wx, 83, 7, 7, (190, 60, 54))
        brush.oval(x + wx, 83, 4.6, 4.6, dark)
    for car in range(2):
        left = x - 98 - 66 * car
        brush.rect(left, 42, left + 62, 82, mix(body, WHITE, 0.35))
        brush.rect(left - 2, 38, left + 64, 44, brush.ground_colour(dark))
        brush.rect(left, 70, left + 62, 74, body)
        for i in range(4):
            brush.rect(
                left + 5 + 14 * i,
                50,
                left + 15 + 14 * i,
                64,
                (255, 224, 140) if brush.night else (160, 206, 226),
                lit=brush.night,
            )
        for wx in (12, 50):
            brush.oval(left + wx, 84, 5, 5, dark)
