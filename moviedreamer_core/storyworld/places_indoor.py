"""Rooms: kitchen, bedroom, library, cafe. Each has a big window that shows the sky and the weather.

The window hangs near x = 78 and the coloured furniture near x = 150, where every shot size sees both.
"""

from __future__ import annotations

import math

from .brush import Brush
from .palette import RGB, mix
from .rooms import WALLS, paint_pendant, paint_room, paint_window
from .scenery import LAMPLIGHT, WHITE
from .sky import Number


def paint_kitchen(brush: Brush) -> None:
    rng = brush.random
    paint_room(brush, rng.choice(WALLS), (226, 196, 160))
    for y in range(6):  # tiles behind the worktop
        for i in range(-3, 26):
            if (i + y) % 2:
                brush.rect(10 * i, 52 + 4 * y, 10 * i + 10, 56 + 4 * y, (236, 242, 244))
    paint_window(brush, 60, 22, 100, 58)
    brush.at_depth(0.3)
    accent, dark = brush.accent, mix(brush.accent, (40, 20, 40), 0.25)
    brush.rect(-60, 68, 290, 92, accent)
    brush.rect(-60, 64, 290, 69, (242, 234, 220))
    brush.rect(-60, 90, 290, 93, (80, 66, 74))
    for i in range(-3, 17):
        brush.rect(20 * i + 2, 72, 20 * i + 18, 88, mix(accent, WHITE, 0.14))
        brush.rect(20 * i + 8, 74, 20 * i + 12, 75.4, (250, 240, 220))
    if brush.form:
        _paint_fridge(brush, 152)
        _paint_upper_cabinet(brush, 186, accent)
        _paint_stove(brush, 24)
    else:
        _paint_stove(brush, 150)
        _paint_upper_cabinet(brush, 196, accent)
        _paint_upper_cabinet(brush, 12, accent)
    for i in range(rng.randint(2, 4)):  # jars
        jx = 104 + 9 * i
        brush.rect(jx, 56, jx + 6, 64, rng.choice(((250, 196, 96), (206, 96, 80), (150, 196, 120))), radius=1)
        brush.rect(jx, 54, jx + 6, 57, dark)
    paint_pendant(brush, 116 + rng.uniform(-3, 3), 34, accent)
    brush.at_depth(0.7)
    for i in range(-4, 14):
        for k in range(2):
            if (i + k) % 2:
                a, b, c = 93 + 16 * k, 109 + 20 * k, 1.0 + 0.35 * k
                brush.poly(
                    [
                        (112 + (22 * i - 112) * c, a),
                        (112 + (22 * i - 90) * c, a),
                        (112 + (22 * i - 90) * (c + 0.35), b),
                        (112 + (22 * i - 112) * (c + 0.35), b),
                    ],
                    (244, 226, 198),
                )


def _paint_upper_cabinet(brush: Brush, x: Number, rgb: RGB) -> None:
    brush.rect(x - 22, 18, x + 22, 48, rgb)
    for dx in (-20, 1):
        brush.rect(x + dx, 20, x + dx + 19, 46, mix(rgb, WHITE, 0.16))
        brush.oval(x + (dx + 17 if dx < 0 else dx + 2), 34, 1, 1, (250, 240, 220))


def _paint_stove(brush: Brush, x: Number) -> None:
    brush.rect(x - 17, 64, x + 17, 92, (226, 228, 234))
    brush.rect(x - 13, 74, x + 13, 88, (70, 70, 84))
    brush.rect(x - 11, 76, x + 11, 86, (255, 170, 80) if brush.night else (110, 100, 110), lit=brush.night)
    for dx in (-11, -4, 4, 11):
        brush.oval(x + dx, 70, 1.6, 1.6, (60, 60, 70))
    brush.rect(x - 17, 62, x + 17, 64.6, (60, 60, 70))
    brush.rect(x - 11, 52, x + 5, 62, brush.accent, radius=2)
    brush.rect(x - 12, 51, x + 6, 53, mix(brush.accent, (30, 20, 30), 0.3))
    brush.line([(x + 5, 56), (x + 12, 54)], (60, 60, 70), 1.4)
    for i in range(3):
        puff = (0.5 * brush.seconds + i / 3) % 1
        brush.oval(
            x - 3 + 3 * math.sin(5 * puff + i), 49 - 10 * puff, 1.6 + 1.4 * puff, 1.4 + puff, (246, 246, 250)
        )
    brush.poly([(x - 18, 38), (x + 18, 38), (x + 8, 26), (x - 8, 26)], (196, 200, 210))
    brush.rect(x - 6, -64, x + 6, 27, (176, 180, 192))


def _paint_fridge(brush: Brush, x: Number) -> None:
    brush.rect(x - 18, 26, x + 18, 93, brush.accent, radius=4)
    brush.rect(x - 18, 47, x + 18, 48.6, mix(brush.accent, (30, 20, 40), 0.35))
    brush.rect(x - 15, 29, x - 11, 90, mix(brush.accent, WHITE, 0.4), radius=2)
    for y in (36, 54):
        brush.rect(x + 11, y, x + 14, y + 9, (246, 246, 246), radius=1)
    brush.rect(x - 6, 54, x + 3, 64, WHITE)
    brush.oval(x - 1.5, 54, 1.2, 1.2, (240, 90, 80))


def paint_bedroom(brush: Brush) -> None:
    rng = brush.random
    paint_room(brush, rng.choice(WALLS), (196, 146, 106), 86)
    paint_window(brush, 58, 20, 98, 64)
    brush.at_depth(0.3)
    for i in range(rng.randint(1, 3)):
        px, py = 184 + 16 * i, 30 + 5 * (i % 2)
        brush.rect(px - 7, py - 9, px + 7, py + 9, (160, 112, 74))
        brush.rect(
            px - 5.4,
            py - 7.4,
            px + 5.4,
            py + 7.4,
            rng.choice(((170, 210, 230), (250, 214, 150), (200, 224, 180))),
        )
    brush.rect(12, 40, 40, 92, (176, 122, 78))
    for dx in (14, 27):
        brush.rect(dx, 43, dx + 11, 89, (200, 146, 96))
        brush.oval(dx + (9 if dx == 14 else 2), 66, 1, 1, (90, 60, 50))
    lamp = 112 if brush.form else 110
    brush.rect(lamp - 9, 72, lamp + 9, 92, (176, 122, 78))
    brush.rect(lamp - 7, 75, lamp + 7, 81, (206, 154, 104))
    brush.line([(lamp, 72), (lamp, 60)], (120, 90, 80), 1.6)
    brush.poly(
        [(lamp - 5, 48), (lamp + 5, 48), (lamp + 9, 61), (lamp - 9, 61)],
        (255, 238, 180) if brush.night else (250, 230, 196),
        lit=brush.night,
    )
    if brush.night:
        brush.glow(lamp, 56, 46, LAMPLIGHT, 210)
    brush.at_depth(0.5)
    brush.oval(100, 112, 74, 12, mix(brush.accent, WHITE, 0.45))
    brush.oval(100, 112, 62, 9, mix(brush.accent, WHITE, 0.72))
    if brush.form:
        _paint_bunk(brush, 126)
    else:
        _paint_bed(brush, 124)


def _paint_bed(brush: Brush, x: Number) -> None:
    wood, accent = (150, 98, 62), brush.accent
    brush.rect(x, 46, x + 7, 100, wood, radius=2)
    brush.rect(x + 3, 50, x + 100, 62, mix(wood, (60, 30, 30), 0.1), radius=3)
    brush.rect(x + 4, 74, x + 100, 94, wood)
    brush.rect(x + 5, 66, x + 98, 80, WHITE, radius=3)
    brush.oval(x + 19, 65, 13, 6.5, (255, 255, 255))
    brush.oval(x + 19, 66.5, 12, 4.6, (226, 232, 244))
    brush.rect(x + 27, 62, x + 99, 88, accent, radius=5)
    brush.rect(x + 27, 62, x + 36, 88, mix(accent, WHITE, 0.55), radius=3)
    for i in range(3):
        for k in range(2):
            brush.oval(x + 47 + 17 * i, 69 + 11 * k, 2.4, 2.4, mix(accent, WHITE, 0.6))
    brush.rect(x + 96, 58, x + 102, 100, wood, radius=2)


def _paint_bunk(brush: Brush, x: Number) -> None:
    """Two beds, one above the other, with a ladder."""
    wood = (196, 142, 92)
    for y in (48, 82):
        brush.rect(x + 4, y - 3, x + 88, y + 3, WHITE, radius=2)
        brush.oval(x + 14, y - 3, 10, 5, (255, 255, 255))
        brush.rect(x + 22, y - 7, x + 88, y + 5, brush.accent, radius=3)
        brush.rect(x + 22, y - 7, x + 29, y + 5, mix(brush.accent, WHITE, 0.55), radius=2)
        brush.rect(x, y + 4, x + 90, y + 9, wood)
    for px in (x, x + 86):
        brush.rect(px, 32, px + 4.5, 102, mix(wood, (80, 40, 30), 0.2))
    for px in (x + 36, x + 47):
        brush.rect(px, 36, px + 2, 102, mix(wood, WHITE, 0.3))
    for i in range(6):
        brush.rect(x + 36, 44 + 10 * i, x + 49, 46 + 10 * i, mix(wood, WHITE, 0.3))


BOOKS: tuple[RGB, ...] = (
    (190, 70, 62),
    (66, 110, 160),
    (222, 172, 84),
    (86, 140, 100),
    (140, 92, 150),
    (226, 214, 190),
    (90, 70, 80),
)


def paint_library(brush: Brush) -> None:
    rng = brush.random
    paint_room(brush, (196, 154, 112), (150, 96, 66), 90)
    paint_window(brush, 58, 18, 96, 66, arched=True)
    brush.at_depth(0.3)
    for x0 in (-50, 6, 176, 230):
        _paint_bookshelf(brush, x0, x0 + 46, 8, 92)
    _paint_bookshelf(brush, 118, 174, 14, 92)
    ladder = 172 + rng.uniform(-4, 4)
    brush.line([(ladder, 12), (ladder + 8, 94)], (214, 164, 108), 1.8)
    brush.line([(ladder + 10, 12), (ladder + 18, 94)], (214, 164, 108), 1.8)
    for i in range(8):
        brush.line([(ladder + 1 + i, 20 + 10 * i), (ladder + 11 + i, 20 + 10 * i)], (214, 164, 108), 1.4)
    brush.at_depth(0.5)
    brush.oval(112, 112, 88, 13, mix(brush.accent, (60, 20, 30), 0.25))
    brush.oval(112, 112, 78, 10.5, mix(brush.accent, WHITE, 0.35))
    if brush.form:
        _paint_reading_desk(brush, 146)
    else:
        _paint_armchair(brush, 150)
    lamp = 104
    brush.line([(lamp, 98), (lamp, 50)], (90, 70, 60), 1.4)
    brush.poly(
        [(lamp - 5, 38), (lamp + 5, 38), (lamp + 10, 51), (lamp - 10, 51)],
        (255, 236, 170) if brush.night else mix(brush.accent, WHITE, 0.4),
        lit=brush.night,
    )
    if brush.night:
        brush.glow(lamp, 46, 46, LAMPLIGHT, 210)


def _paint_bookshelf(brush: Brush, x0: Number, x1: Number, top: Number, base: Number) -> None:
    rng, wood = brush.random, (140, 90, 58)
    brush.rect(x0, top, x1, base, wood)
    shelf = (base - top - 3) / 4
    for row in range(4):
        y = top + 3 + shelf * row
        brush.rect(x0 + 2.5, y, x1 - 2.5, y + shelf - 3, (84, 52, 42))
        x = x0 + 3
        while x < x1 - 6:
            width, height = rng.uniform(2.6, 4.4), rng.uniform(0.66, 0.96) * (shelf - 3)
            brush.rect(x, y + shelf - 3 - height, x + width - 0.3, y + shelf - 3, rng.choice(BOOKS))
            x += width + (4 if rng.random() < 0.06 else 0)


def _paint_armchair(brush: Brush, x: Number) -> None:
    dark = mix(brush.accent, (40, 10, 30), 0.25)
    brush.shadow(x, 102, 26, 3)
    for dx in (-17, 15):
        brush.rect(x + dx, 96, x + dx + 3, 102, (90, 60, 46))
    brush.rect(x - 17, 54, x + 17, 92, brush.accent, radius=8)
    for button, y in ((-7.0, 63), (0.0, 63), (7.0, 63), (-3.5, 70), (3.5, 70)):
        brush.oval(x + button, y, 0.9, 0.9, dark)
    brush.rect(x - 16, 80, x + 16, 97, dark, radius=3)
    brush.rect(x - 15, 78, x + 15, 86, mix(brush.accent, WHITE, 0.2), radius=3)
    for dx in (-22, 14):
        brush.rect(x + dx, 72, x + dx + 8, 98, brush.accent, radius=4)


def _paint_reading_desk(brush: Brush, x: Number) -> None:
    brush.rect(x - 24, 76, x + 28, 80, (120, 74, 50), radius=1)
    for dx in (-22, 23):
        brush.rect(x + dx, 80, x + dx + 3, 102, (104, 64, 44))
    for i, (width, rgb) in enumerate(
        ((19, brush.accent), (16, BOOKS[1]), (17, brush.accent), (14, BOOKS[2]))
    ):
        brush.rect(x - 20 + i, 72 - 4 * i, x - 20 + i + width, 76 - 4 * i, rgb, radius=1)
    brush.line([(x + 14, 76), (x + 14, 72)], (200, 160, 90), 2)
    brush.oval(x + 14, 58, 13, 13, brush.accent)
    brush.oval(x + 10, 54, 5.5, 4.5, mix(brush.accent, WHITE, 0.55))
    brush.oval(x + 18, 62, 4.5, 5.5, mix(brush.accent, WHITE, 0.55))
    brush.line([(x + 14, 43), (x + 28, 58), (x + 14, 73)], (214, 172, 96), 1.3)


def paint_cafe(brush: Brush) -> None:
    rng = brush.random
    wall = rng.choice(((236, 206, 172), (206, 220, 206), (232, 196, 184)))
    paint_room(brush, wall, (160, 108, 78), 90)
    paint_window(brush, 58, 26, 98, 64, curtains=False)
    step = 6.25
    for i in range(8):  # an awning over the window
        a = 53 + step * i
        brush.poly(
            [(a + 1, 18), (a + step + 1, 18), (a + step, 27), (a, 27)], WHITE if i % 2 else brush.accent
        )
        brush.oval(a + step / 2, 27, step / 2, 2, WHITE if i % 2 else brush.accent)
    brush.at_depth(0.3)
    board = 132 if brush.form else 150
    brush.rect(board - 18, 22, board + 18, 46, (150, 104, 68))
    brush.rect(board - 16, 24, board + 16, 44, (56, 62, 66))
    for i in range(4):
        brush.line([(board - 12, 28 + 4 * i), (board - 2 + 2 * (i % 2), 28 + 4 * i)], (236, 236, 226), 0.8)
        brush.line([(board + 7, 28 + 4 * i), (board + 12, 28 + 4 * i)], mix(brush.accent, WHITE, 0.5), 0.8)
    _paint_counter(brush, 128)
    for x in (34, 116, 184):
        paint_pendant(brush, x + rng.uniform(-3, 3), 30 if x == 116 else 24, brush.accent)
    brush.at_depth(0.5)
    for x in (24, 84) if brush.form else (14, 70):
        _paint_cafe_table(brush, x + rng.uniform(-3, 3), 104)
    _paint_plant(brush, 214, 82, 10)


def _paint_counter(brush: Brush, x: Number) -> None:
    accent = brush.accent
    brush.rect(x, 70, 300, 104, accent)
    brush.rect(x - 3, 66, 300, 71, (244, 230, 206))
    for i in range(8):
        brush.rect(x + 4 + 17 * i, 75, x + 16 + 17 * i, 99, mix(accent, WHITE, 0.22))
    brush.rect(x, 102, 300, 106, mix(accent, (40, 20, 30), 0.5))
    if brush.form:
        brush.rect(x + 5, 50, x + 41, 66, (214, 238, 244), radius=2)
        for i in range(3):
            brush.dome(x + 11 + 11 * i, 65, 4.6, 5.5, ((240, 170, 180), (160, 100, 64), (250, 214, 130))[i])
            brush.oval(x + 11 + 11 * i, 59.5, 1.2, 1.2, (220, 60, 70))
        brush.rect(x + 5, 49, x + 41, 51, (150, 150, 160))
    else:
        brush.rect(x + 8, 46, x + 36, 66, (206, 208, 216), radius=2)
        brush.rect(x + 10, 42, x + 34, 47, (150, 152, 164), radius=1)
        brush.rect(x + 12, 55, x + 32, 63, (70, 70, 82))
        brush.oval(x + 14, 50.5, 1.8, 1.8, accent)
        brush.rect(x + 19, 59, x + 25, 64, WHITE)
        for i in range(2):
            puff = (0.6 * brush.seconds + 0.5 * i) % 1
            brush.oval(
                x + 22 + 2 * math.sin(6 * puff), 42 - 9 * puff, 1.4 + puff, 1.2 + puff, (248, 248, 250)
            )
    for i in range(brush.random.randint(2, 4)):
        brush.rect(x + 48 + 8 * i, 60, x + 53 + 8 * i, 66, WHITE, radius=1)


def _paint_cafe_table(brush: Brush, x: Number, y: Number) -> None:
    brush.shadow(x, y, 14, 2)
    brush.rect(x - 1.4, y - 22, x + 1.4, y, (70, 58, 62))
    brush.oval(x, y, 8, 1.8, (70, 58, 62))
    brush.oval(x, y - 22, 18, 4, mix(brush.accent, (50, 20, 30), 0.2))
    brush.oval(x, y - 23.2, 18, 4, (250, 240, 226))
    brush.rect(x - 7, y - 29, x - 2, y - 24, WHITE, radius=1)
    brush.rect(x + 5, y - 31, x + 7, y - 24, (130, 170, 120))
    brush.oval(x + 6, y - 32, 2.6, 2.6, brush.accent)


def _paint_plant(brush: Brush, x: Number, y: Number, size: Number) -> None:
    for dx, dy in ((-0.8, -1.1), (0.8, -1.2), (-0.35, -1.7), (0.4, -1.6), (0, -1.2)):
        brush.poly(
            [(x - 0.15 * size, y), (x + dx * size, y + dy * size), (x + 0.15 * size, y)], (78, 158, 88)
        )
    brush.poly(
        [
            (x - 0.5 * size, y - 0.2 * size),
            (x + 0.5 * size, y - 0.2 * size),
            (x + 0.36 * size, y + 0.7 * size),
            (x - 0.36 * size, y + 0.7 * size),
        ],
        (206, 118, 84),
    )
