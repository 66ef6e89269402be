"""What rooms have in common: walls and boards, the window, curtains, lamps. The window shows time and
weather.
"""

from __future__ import annotations

import math

from .brush import Brush
from .palette import RGB, mix
from .scenery import LAMPLIGHT, WHITE
from .sky import Number, paint_window_view

WALLS: tuple[RGB, ...] = ((250, 236, 208), (226, 238, 232), (240, 226, 236), (224, 232, 246))


def paint_room(brush: Brush, wall: RGB, floor: RGB, edge: Number = 88) -> None:
    """Wall with faint stripes above `edge`, boards below."""
    brush.at_depth(0.1)
    brush.band(-64, edge, mix(wall, WHITE, 0.15), wall, mix(wall, (120, 80, 80), 0.1))
    for i in range(-4, 20):
        brush.rect(18 * i, -64, 18 * i + 7, edge, mix(wall, WHITE, 0.28))
    brush.band(edge - 3, edge + 0.5, mix(wall, WHITE, 0.6))
    brush.at_depth(0.4)
    brush.band(edge, 192, floor, mix(floor, (50, 24, 30), 0.32))
    for i in range(-8, 22):
        brush.line(
            [(112 + (i - 7) * 16, edge), (112 + (i - 7) * 36, 150)], mix(floor, (50, 24, 30), 0.28), 0.8
        )
    brush.at_depth(0.2)


def paint_window(
    brush: Brush,
    x0: Number,
    y0: Number,
    x1: Number,
    y1: Number,
    *,
    curtains: bool = True,
    arched: bool = False,
) -> None:
    frame: RGB = (250, 246, 236)
    brush.rect(x0 - 2.5, y0 - 2.5, x1 + 2.5, y1 + 2.5, frame, radius=1)
    paint_window_view(brush, brush.box(x0, y0, x1, y1))
    middle = (x0 + x1) / 2
    brush.rect(middle - 0.9, y0, middle + 0.9, y1, frame)
    brush.rect(x0, y0 + 0.42 * (y1 - y0) - 0.8, x1, y0 + 0.42 * (y1 - y0) + 0.8, frame)
    brush.rect(x0 - 5, y1 + 1.5, x1 + 5, y1 + 5, mix(frame, (120, 90, 80), 0.15))
    if brush.snow:
        brush.rect(x0, y1 - 3, x1, y1 + 0.4, WHITE, radius=1.2)
    if arched:
        for side, x in ((1, x0), (-1, x1)):
            brush.poly([(x, y0), (x + side * 9, y0), (x, y0 + 9)], frame)
    if curtains:
        _paint_curtains(brush, x0, y0, x1, y1)


def _paint_curtains(brush: Brush, x0: Number, y0: Number, x1: Number, y1: Number) -> None:
    sway = 0.6 * math.sin(0.9 * brush.seconds)
    rgb, fold = brush.accent, mix(brush.accent, (40, 10, 40), 0.22)
    for side, x in ((1, x0 - 6), (-1, x1 + 6)):
        brush.poly(
            [
                (x, y0 - 6),
                (x + side * 13, y0 - 6),
                (x + side * (7 + sway), y0 + 0.6 * (y1 - y0)),
                (x + side * (9 + sway), y1 + 6),
                (x - side * 1.5, y1 + 6),
            ],
            rgb,
        )
        for k in (3, 6.5):
            brush.line([(x + side * k, y0 - 6), (x + side * 0.75 * k, y1 + 6)], fold, 0.9)
    brush.line([(x0 - 9, y0 - 6), (x1 + 9, y0 - 6)], (150, 108, 70), 1.8)


def paint_pendant(brush: Brush, x: Number, y: Number, rgb: RGB) -> None:
    brush.line([(x, -64), (x, y - 8)], (70, 60, 66), 0.8)
    brush.poly([(x - 3, y - 9), (x + 3, y - 9), (x + 9, y), (x - 9, y)], rgb)
    brush.oval(x, y, 3.4, 2.6, (255, 244, 190) if brush.night else (255, 250, 224), lit=brush.night)
    if brush.night:
        brush.glow(x, y + 2, 40, LAMPLIGHT, 200)
