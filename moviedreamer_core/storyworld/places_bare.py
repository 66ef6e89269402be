"""Places of sand and rock: desert and cave. Landmarks stand where `scenery` says."""

from __future__ import annotations

import math

from .brush import Brush
from .palette import RGB, mix
from .scenery import WHITE
from .sky import Number, paint_puddles, paint_sky, paint_weather, sky_stops


def paint_desert(brush: Brush) -> None:
    rng = brush.random
    paint_sky(brush, 72)
    brush.at_depth(0.08, haze=0.35)
    for x, w, h in ((10.0, 40, 24), (112.0, 26, 16), (206.0, 44, 30)):
        x += rng.uniform(-8, 8)
        mesa = (206, 122, 84)
        brush.poly([(x - w, 74), (x - 0.72 * w, 74 - h), (x + 0.66 * w, 74 - h), (x + w, 74)], mesa)
        brush.poly(
            [
                (x - 0.8 * w, 74 - 0.7 * h),
                (x - 0.72 * w, 74 - h),
                (x + 0.66 * w, 74 - h),
                (x + 0.76 * w, 74 - 0.7 * h),
            ],
            brush.ground_colour((226, 150, 100)),
        )
    for depth, crest, rgb in (
        (0.2, 72, (240, 190, 118)),
        (0.4, 80, (232, 172, 98)),
        (0.55, 90, (246, 198, 122)),
    ):
        brush.at_depth(depth)
        lit = brush.ground_colour(rgb, 0.7)
        brush.band(crest + 5, 192, lit, mix(lit, (176, 104, 60), 0.28))
        phase = rng.uniform(0, 6)
        ridge = [(x, crest + 4.5 * math.sin(phase + 0.032 * x)) for x in range(-80, 312, 14)]
        brush.poly([*ridge, (312, crest + 8), (-80, crest + 8)], lit)
        brush.line(ridge, mix(lit, WHITE, 0.4), 0.9)
        if depth == 0.4:
            _paint_desert_landmarks(brush)
    for _ in range(10):
        x, y = rng.uniform(-20, 244), rng.uniform(100, 126)
        brush.line(
            [(x, y), (x + 9, y - 1.4), (x + 18, y)],
            mix(brush.ground_colour((214, 152, 84), 0.6), WHITE, 0.1),
            0.8,
        )
    paint_puddles(brush, 102)


def _paint_desert_landmarks(brush: Brush) -> None:
    rng = brush.random
    for x, y, h in ((74.0, 92, 48), (20.0, 96, 40), (204.0, 94, 34)):
        _paint_cactus(brush, x + rng.uniform(-4, 4), y, h + rng.uniform(-3, 5))
    x = 148 + rng.uniform(-4, 4)
    if brush.form:
        _paint_balloon(brush, x, 44 + 1.6 * math.sin(0.8 * brush.seconds))
        return
    peak, foot, accent = 42.0, 91.0, brush.accent
    edges = [x - 30, x - 18, x - 6, x + 6, x + 18, x + 30]
    for i in range(5):
        a, b = edges[i], edges[i + 1]
        rgb = accent if i % 2 == 0 else WHITE
        top_a, top_b = x + (a - x) * 0.78, x + (b - x) * 0.78
        brush.poly([(a, foot), (top_a, 66), (top_b, 66), (b, foot)], mix(rgb, (60, 30, 40), 0.12))
        brush.poly(
            [(x + (a - x) * 1.12, 68), (x, peak), (x + (b - x) * 1.12, 68)], brush.ground_colour(rgb, 0.55)
        )
    brush.poly(
        [(x - 6, foot), (x, 70), (x + 6, foot)],
        (96, 54, 52) if not brush.night else (255, 210, 120),
        lit=brush.night,
    )
    brush.poly([(x, peak - 8), (x + 10, peak - 5 + math.sin(3 * brush.seconds)), (x, peak - 2)], accent)
    brush.line([(x, peak + 1), (x, peak - 9)], (110, 76, 60), 0.9)
    if brush.night:
        brush.glow(x, 82, 24, (255, 206, 120), 120)


def _paint_cactus(brush: Brush, x: Number, y: Number, h: Number) -> None:
    green, light, w = (56, 140, 88), (98, 178, 108), 0.11 * h
    for points in (
        [(x, y), (x, y - h)],
        [(x, y - 0.40 * h), (x - 0.30 * h, y - 0.42 * h), (x - 0.30 * h, y - 0.74 * h)],
        [(x, y - 0.30 * h), (x + 0.28 * h, y - 0.32 * h), (x + 0.28 * h, y - 0.62 * h)],
    ):
        brush.line(points, green, 2 * w)
        brush.line([(px - 0.4 * w, py) for px, py in points[-2:]], light, 0.45 * w)
        tip_x, tip_y = points[-1]
        brush.oval(tip_x, tip_y, w, w, brush.ground_colour(green, 0.9))
        if len(points) == 3:
            brush.oval(points[1][0], points[1][1], w, w, green)
    brush.oval(x, y - h - w, 2.2, 2, (250, 120, 150))


def _paint_balloon(brush: Brush, x: Number, y: Number) -> None:
    r = 19.0
    brush.oval(x, y - 2, r, r, brush.accent)
    brush.poly([(x - 0.86 * r, y + 7), (x + 0.86 * r, y + 7), (x + 4, y + 24), (x - 4, y + 24)], brush.accent)
    for k in (0.62, 0.24):
        rgb = WHITE if k > 0.5 else brush.accent
        brush.oval(x, y - 2, k * r, r, rgb)
        brush.poly(
            [(x - k * 0.86 * r, y + 7), (x + k * 0.86 * r, y + 7), (x + 4 * k, y + 24), (x - 4 * k, y + 24)],
            rgb,
        )
    brush.rect(x - 4, y + 27, x + 4, y + 33, (150, 96, 60), radius=1)
    for side in (-1, 1):
        brush.line([(x + 3.6 * side, y + 24), (x + 3.6 * side, y + 28)], (90, 60, 50), 0.6)
    if brush.night:
        brush.glow(x, y + 18, 22, (255, 200, 110), 150)


def paint_cave(brush: Brush) -> None:
    rng = brush.random
    left, right, arch = (66, 150, 24) if brush.form else (92, 172, 30)
    sun_x = (
        0.5 + {"wide": 1.0, "medium": 1.5, "close": 2.2}[brush.shot] * ((left + right) / 2 + 24 - 112) / 224
    )
    paint_sky(brush, 70, sun_x, high=0.35)
    brush.at_depth(0.15, haze=0.25)
    for hill in (70, 112, 160):
        brush.oval(hill + rng.uniform(-6, 6), 78, 32, 14, brush.ground_colour((98, 160, 92)))
    brush.band(74, 92, brush.ground_colour((86, 144, 84)))
    paint_weather(brush)
    tones: tuple[RGB, ...] = ((74, 60, 88), (98, 80, 112), (58, 46, 72))
    for depth, inset, rgb in ((0.4, 0.0, tones[1]), (0.55, 9.0, tones[0])):
        brush.at_depth(depth)
        _paint_cave_wall(brush, left - inset, right + inset, arch - 0.6 * inset, rgb)
    floor = mix((112, 94, 120), WHITE, 0.25 if brush.snow else 0.0)
    brush.band(86, 192, floor, (70, 60, 92))
    for _ in range(9):
        x, y = rng.uniform(-20, 244), rng.uniform(92, 126)
        brush.oval(x, y, rng.uniform(5, 14), 1.6, (96, 82, 116))
    if brush.weather == "clear":  # light through the mouth
        shaft = [(left + 8, 84), (right - 8, 84), (right + 2, 150), (left - 60, 150)]
        brush.shade(shaft, sky_stops(brush.time, "clear")[2], 120 if brush.night else 60)
    if brush.snow:  # blown in
        brush.oval((left + right) / 2, 88, (right - left) / 2 + 4, 6, WHITE)
        brush.oval((left + right) / 2 + 6, 98, (right - left) / 2 + 10, 4, (226, 232, 246))
    paint_puddles(brush, 94)
    for i in range(9):
        x, h = -30 + 36 * i + rng.uniform(-8, 8), rng.uniform(8, 20)
        top = 0 if 60 < x < 170 else 8
        brush.poly([(x - 7, top - 30), (x + 7, top - 30), (x + 3, top), (x, top + h), (x - 3, top)], tones[2])
    glowing = 1.0 + 0.12 * math.sin(2 * brush.seconds)
    brush.at_depth(0.7)
    for x, y, size in ((68.0, 96, 30), (160.0, 96, 27), (20.0, 104, 34), (206.0, 102, 30)):
        x += rng.uniform(-3, 3)
        brush.glow(
            x, y - 0.5 * size, 1.2 * size * glowing, mix(brush.accent, WHITE, 0.3), 130 if brush.night else 90
        )
        if brush.form:
            _paint_glow_mushrooms(brush, x, y, size)
        else:
            _paint_crystals(brush, x, y, size)
    if brush.form:
        brush.line([(154, -30), (154, 36)], (150, 120, 90), 1.0)
        brush.rect(149, 36, 159, 39, (74, 64, 70), radius=1)
        brush.rect(150, 39, 158, 50, (255, 226, 140), lit=True, radius=1)
        brush.rect(149, 50, 159, 53, (74, 64, 70), radius=1)
        brush.glow(154, 45, 26, (255, 214, 130), 190)


def _paint_cave_wall(brush: Brush, left: Number, right: Number, arch: Number, rgb: RGB) -> None:
    """Rock around an opening from `left` to `right` whose top is at `arch`."""
    middle, half = (left + right) / 2, (right - left) / 2
    edge = []
    for i in range(13):
        angle = math.pi * i / 12
        wobble = 1 + 0.07 * math.sin(5 * angle + 1.0)
        edge.append(
            (middle - half * math.cos(angle) * wobble, 78 - (78 - arch) * math.sin(angle) ** 0.8 * wobble)
        )
    brush.poly([(-140, 96), (-140, -80), (middle, -80), *reversed(edge[:7]), (left - 4, 96)], rgb)
    brush.poly([(middle, -80), (364, -80), (364, 96), (right + 4, 96), *reversed(edge[6:])], rgb)
    brush.line(edge, mix(rgb, WHITE, 0.22), 1.4)


def _paint_crystals(brush: Brush, x: Number, y: Number, size: Number) -> None:
    for dx, h, lean in (
        (-0.5, 0.62, -0.28),
        (0.5, 0.7, 0.26),
        (0.0, 1.05, 0.03),
        (-0.22, 0.45, -0.1),
        (0.28, 0.42, 0.1),
    ):
        a, w, t = x + 0.5 * dx * size, 0.15 * size, (x + 0.5 * dx * size + lean * size, y - h * size)
        shoulder = 0.24 * h * size
        left, right = (t[0] - w, t[1] + shoulder), (t[0] + w, t[1] + shoulder)
        brush.poly([(a - w, y), left, t, right, (a + w, y)], mix(brush.accent, WHITE, 0.12), lit=True)
        brush.poly([(a, y), (t[0], t[1]), right, (a + w, y)], mix(brush.accent, (30, 10, 70), 0.25), lit=True)
        brush.poly([(a - w, y), left, t, (a - 0.4 * w, y)], mix(brush.accent, WHITE, 0.5), lit=True)


def _paint_glow_mushrooms(brush: Brush, x: Number, y: Number, size: Number) -> None:
    for dx, h, r in ((-0.42, 0.5, 0.26), (0.4, 0.62, 0.28), (0.0, 0.95, 0.42)):
        a, top = x + dx * size, y - h * size
        brush.rect(a - 0.07 * size, top, a + 0.07 * size, y, mix(brush.accent, WHITE, 0.8), lit=True)
        brush.dome(a, top + 0.1 * size, r * size, 0.8 * r * size, brush.accent, lit=True)
        for k in (-0.5, 0.1, 0.55):
            brush.oval(a + k * r * size, top - 0.12 * size, 0.05 * size, 0.05 * size, WHITE, lit=True)
