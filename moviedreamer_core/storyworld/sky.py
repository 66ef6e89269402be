"""Sky, sun, moon, stars, clouds, falling rain and snow, and how time and weather tint a place's colours.

Sky things are placed in fractions of the frame, not on the stage: the sun does not leave a close shot.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from .palette import RGB, mix

if TYPE_CHECKING:
    from .brush import Brush

Number = float | int

# Top, middle and bottom of the clear sky.
SKY: dict[str, tuple[RGB, RGB, RGB]] = {
    "dawn": ((134, 124, 204), (226, 170, 216), (255, 218, 214)),
    "day": ((70, 160, 236), (136, 204, 248), (214, 240, 252)),
    "sunset": ((206, 66, 84), (250, 128, 66), (255, 208, 112)),
    "night": ((8, 12, 46), (24, 36, 92), (58, 74, 142)),
}
# What clouded weather turns that sky into, and how much.
OVERCAST: dict[str, dict[str, tuple[RGB, float]]] = {
    "rain": {
        "dawn": ((126, 112, 142), 0.55),
        "day": ((108, 124, 142), 0.74),
        "sunset": ((146, 92, 84), 0.5),
        "night": ((22, 27, 44), 0.55),
    },
    "snow": {
        "dawn": ((222, 204, 226), 0.42),
        "day": ((206, 219, 233), 0.72),
        "sunset": ((238, 178, 150), 0.4),
        "night": ((66, 78, 120), 0.42),
    },
}
# Light on things: factors per channel, then a colour to mix in and how much of it.
OUTDOOR_LIGHT: dict[str, tuple[tuple[float, float, float], RGB, float]] = {
    "dawn": ((0.92, 0.84, 0.98), (240, 184, 224), 0.17),
    "day": ((1.0, 1.0, 1.0), (255, 255, 255), 0.0),
    "sunset": ((1.0, 0.82, 0.68), (255, 116, 52), 0.14),
    "night": ((0.56, 0.60, 0.82), (22, 34, 104), 0.22),
}
INDOOR_LIGHT: dict[str, tuple[tuple[float, float, float], RGB, float]] = {
    "dawn": ((0.90, 0.82, 0.98), (236, 178, 226), 0.16),
    "day": ((1.0, 1.0, 1.0), (255, 255, 255), 0.0),
    "sunset": ((1.0, 0.82, 0.66), (255, 120, 50), 0.13),
    "night": ((0.66, 0.58, 0.66), (46, 32, 92), 0.16),
}
# Places and sizes of drops, flakes and stars: low-discrepancy, so that they neither clump nor line up.
_DROPS = tuple(((0.7549 * i + 0.1) % 1.0, (0.5698 * i + 0.3) % 1.0, (0.4142 * i) % 1.0) for i in range(1, 91))


@lru_cache(maxsize=16)
def sky_stops(time: str, weather: str) -> tuple[RGB, RGB, RGB]:
    """Colours of the sky's top, middle and bottom."""
    top, middle, bottom = SKY[time]
    if weather == "clear":
        return top, middle, bottom
    veil, amount = OVERCAST[weather][time]
    return mix(top, veil, amount), mix(middle, veil, amount), mix(bottom, veil, amount)


@lru_cache(maxsize=4096)
def lit_colour(rgb: RGB, time: str, weather: str, indoors: bool, haze: Number) -> RGB:
    """`rgb` in the light of a time and weather; `haze` mixes in the colour of the sky at the horizon."""
    factors, veil, amount = (INDOOR_LIGHT if indoors else OUTDOOR_LIGHT)[time]
    if weather == "rain":
        dim = (0.80, 0.87, 0.97) if indoors else (0.82, 0.85, 0.88)
        if time == "night" and not indoors:
            dim = (0.94, 0.95, 0.98)  # dark enough already
        factors = (factors[0] * dim[0], factors[1] * dim[1], factors[2] * dim[2])
    elif weather == "snow":  # snow throws the light back: brighter, cooler
        r, g, b = factors
        factors, amount = (0.55 * r + 0.43, 0.55 * g + 0.45, 0.55 * b + 0.45), 0.7 * amount
        if time == "night":
            factors = (1.08 * r, 1.12 * g, 1.12 * b)
    shone = (round(rgb[0] * factors[0]), round(rgb[1] * factors[1]), round(rgb[2] * factors[2]))
    lit = mix((min(255, shone[0]), min(255, shone[1]), min(255, shone[2])), veil, amount)
    if indoors and weather == "snow":
        lit = mix(lit, (226, 238, 255), 0.17)
    return mix(lit, sky_stops(time, weather)[2], haze) if haze else lit


@lru_cache(maxsize=256)
def gradient_column(stops: tuple[RGB, ...], height_px: int) -> Image.Image:
    """A one-pixel-wide image of `height_px` rows that fades evenly through `stops`, top to bottom."""
    column = Image.new("RGB", (1, len(stops)))
    column.putdata(stops)
    box = (0, 0.5, 1, len(stops) - 0.5)  # from the middle of the first stop to that of the last
    return column.resize((1, height_px), Image.Resampling.BILINEAR, box=box)


def paint_sky(brush: Brush, horizon: Number, sun_x: Number = 0.13, high: Number = 0.17) -> None:
    """Sky down to stage height `horizon`, with stars, clouds, and sun or moon.

    These stand at `sun_x` of the frame's width; the day's sun and the moon `high` of its height from the top.
    """
    top_px = brush.frame[1] - 0.5 * brush.frame[3]  # the gradient reaches above the frame, for zooming out
    visible_top = max(-64.0, (min(0.0, top_px) - brush.y(0)) / brush.scale)
    stops = sky_stops(brush.time, brush.weather)
    frame_top = (brush.frame[1] - brush.y(0)) / brush.scale
    brush.band(min(visible_top, frame_top - 1), frame_top, stops[0], lit=True)
    brush.band(frame_top, horizon, *stops, lit=True)
    brush.band(horizon, 192, stops[2], lit=True)
    horizon_fraction = (brush.y(horizon) - brush.frame[1]) / brush.frame[3]
    if brush.night:
        _paint_stars(brush, horizon_fraction)
    _paint_sun_or_moon(brush, horizon_fraction, sun_x, high)
    _paint_clouds(brush, horizon_fraction)


def _paint_stars(brush: Brush, horizon: Number) -> None:
    if brush.rain:
        return
    for fx, fy, size in _DROPS[:44]:
        x, y = brush.frame_point(fx * 1.3 - 0.15, fy * horizon * 0.92)
        r = (
            (0.35 + 0.8 * size * size)
            * (1 + 0.35 * math.sin(2.5 * brush.seconds + 40 * size))
            * brush.frame[3]
            / 128
        )
        shine = mix(sky_stops("night", brush.weather)[1], (255, 250, 220), 0.55 + 0.45 * size)
        brush.draw.ellipse((x - r, y - r, x + r, y + r), shine)


def _paint_sun_or_moon(brush: Brush, horizon: Number, fx: Number, high: Number) -> None:
    unit = brush.frame[3] / 128
    veiled = 0.0 if brush.weather == "clear" else 0.55
    stops = sky_stops(brush.time, brush.weather)
    if brush.time == "night":
        x, y = brush.frame_point(fx, high)
        brush.glow_px(x, y, 34 * unit, (190, 205, 255), 60 if veiled else 120)
        moon, r = mix((250, 246, 220), stops[1], veiled), 9.5 * unit
        brush.draw.ellipse((x - r, y - r, x + r, y + r), moon)
        for dx, dy, size in ((-3, -2, 2.2), (3, 2.5, 1.6), (2, -4, 1.1)):
            a, b, s = x + dx * unit, y + dy * unit, size * unit
            brush.draw.ellipse((a - s, b - s, a + s, b + s), mix(moon, stops[1], 0.22))
        return
    fy, r, disc, halo = {
        "dawn": (horizon - 0.045, 9.0, (255, 244, 226), (255, 226, 222)),
        "day": (high, 10.0, (255, 236, 130), (255, 250, 214)),
        "sunset": (horizon - 0.075, 17.0, (255, 232, 128), (255, 178, 84)),
    }[brush.time]
    if brush.time == "day" and brush.rain:
        return
    x, y = brush.frame_point(fx, fy)
    r *= unit
    brush.glow_px(x, y, 3.2 * r, halo, 90 if veiled else 190)
    brush.draw.ellipse((x - r, y - r, x + r, y + r), mix(disc, stops[2], veiled))


CLOUDS: tuple[tuple[float, float, float], ...] = (
    (0.36, 0.13, 1.0),
    (0.86, 0.24, 0.8),
    (0.60, 0.09, 0.7),
    (1.12, 0.10, 0.9),
    (-0.10, 0.30, 0.8),
)


def _paint_clouds(brush: Brush, horizon: Number) -> None:
    unit = brush.frame[3] / 128
    stops = sky_stops(brush.time, brush.weather)
    tone = {
        "dawn": (255, 226, 236),
        "day": (255, 255, 255),
        "sunset": (255, 190, 130),
        "night": (66, 80, 146),
    }
    clouds, body = CLOUDS, mix(tone[brush.time], stops[1], 0.12)
    if brush.rain:
        body = mix(stops[0], (30, 32, 46), 0.34 if not brush.night else 0.5)
        clouds = CLOUDS + tuple((0.02 + 0.22 * i, 0.015, 1.5) for i in range(5))
    for fx, fy, size in clouds:
        drift = 0.012 * brush.seconds * size
        x, y = brush.frame_point(fx + drift, min(fy, horizon * 0.5))
        s = 13 * size * unit
        shade = mix(body, stops[1], 0.35)
        for dx, dy, rx, ry, rgb in (
            (0.2, 0.28, 1.7, 0.42, shade),
            (-0.7, 0.05, 0.7, 0.42, body),
            (0.1, -0.15, 0.85, 0.62, body),
            (0.95, 0.08, 0.62, 0.38, body),
        ):
            brush.draw.ellipse(
                (x + (dx - rx) * s, y + (dy - ry) * s, x + (dx + rx) * s, y + (dy + ry) * s), rgb
            )


def paint_weather(brush: Brush, *, share: Number = 1.0, offset: int = 0) -> None:
    """Falling rain or snow over the whole canvas: the first `share` of the drops from number `offset` on."""
    if brush.weather == "clear":
        return
    left, top, width, height = brush.frame
    drops = _DROPS[offset : offset + round(share * len(_DROPS))]
    # One sheet of drops fills the frame; more of them continue it as far as a camera move needs.
    for column in range(math.floor(-left / width), math.ceil((brush.image.width - left) / width)):
        for row in range(math.floor(-top / height), math.ceil((brush.image.height - top) / height)):
            sheet = (left + column * width, top + row * height, width, height)
            fall_in(brush.draw, sheet, brush, height / 128, drops)


def fall_in(
    draw: ImageDraw.ImageDraw,
    box: tuple[Number, Number, Number, Number],
    brush: Brush,
    unit: Number,
    drops: tuple = _DROPS[:30],
) -> None:
    """Rain streaks or snow flakes of `brush.weather` falling through `box` (left, top, width, height in
    pixels).
    """
    left, top, width, height = box
    if brush.rain:
        streak = mix(sky_stops(brush.time, "rain")[2], (235, 242, 255), 0.5 if not brush.night else 0.3)
        for fx, fy, size in drops:
            fall = (fy + brush.seconds * (1.3 + 0.5 * size)) % 1.15 - 0.1
            x = left + ((fx - 0.10 * fall) % 1.0) * width
            y = top + fall * height
            length = (5 + 6 * size) * unit
            draw.line((x, y, x - 0.28 * length, y + length), streak, max(1, round((0.5 + 0.3 * size) * unit)))
    elif brush.snow:
        flake = (255, 255, 255) if not brush.night else (214, 224, 250)
        for fx, fy, size in drops:
            fall = (fy + brush.seconds * (0.10 + 0.08 * size)) % 1.1 - 0.05
            sway = 0.012 * math.sin(1.7 * brush.seconds + 30 * size)
            x, y = left + ((fx + sway) % 1.0) * width, top + fall * height
            r = (0.8 + 1.3 * size) * unit
            draw.ellipse((x - r, y - r, x + r, y + r), flake)


def paint_window_view(brush: Brush, box: tuple[int, int, int, int]) -> None:
    """What a window shows in the pixel `box`: sky, sun or moon, a hill, falling weather."""
    left, top, right, bottom = box
    width, height = right - left + 1, bottom - top + 1
    view = gradient_column(sky_stops(brush.time, brush.weather), height).resize(
        (width, height), Image.Resampling.NEAREST
    )
    draw, unit = ImageDraw.Draw(view), brush.scale
    if brush.night and not brush.rain:
        for fx, fy, size in _DROPS[:14]:
            r = (0.3 + 0.45 * size) * unit
            x, y = fx * width, fy * height * 0.8
            draw.ellipse((x - r, y - r, x + r, y + r), (255, 250, 220))
    disc = {
        "dawn": (0.30, 0.62, (255, 244, 228)),
        "day": (0.28, 0.24, (255, 236, 130)),
        "sunset": (0.30, 0.60, (255, 232, 128)),
        "night": (0.28, 0.26, (250, 246, 220)),
    }
    fx, fy, rgb = disc[brush.time]
    if not (brush.rain and brush.time == "day"):
        r = (5.2 if brush.time == "sunset" else 4.0) * unit
        x, y = (1 - fx if brush.flipped else fx) * width, fy * height
        veiled = mix(rgb, sky_stops(brush.time, brush.weather)[1], 0.0 if brush.weather == "clear" else 0.5)
        draw.ellipse((x - r, y - r, x + r, y + r), veiled)
    elif brush.rain:
        dark = mix(sky_stops("day", "rain")[0], (30, 32, 46), 0.3)
        draw.ellipse((-0.2 * width, -0.3 * height, 0.7 * width, 0.3 * height), dark)
        draw.ellipse((0.4 * width, -0.25 * height, 1.2 * width, 0.22 * height), dark)
    cloud = mix(
        sky_stops(brush.time, brush.weather)[1], (255, 255, 255) if not brush.night else (90, 104, 170), 0.6
    )
    for fx, fy, size in ((0.7, 0.22, 1.0), (0.1, 0.42, 0.8)):
        if not brush.rain:
            x, y, s = (fx + 0.03 * brush.seconds) % 1.3 * width, fy * height, 4.5 * size * unit
            draw.ellipse((x - 1.6 * s, y - 0.3 * s, x + 1.6 * s, y + 0.6 * s), cloud)
            draw.ellipse((x - 0.7 * s, y - 0.8 * s, x + 0.8 * s, y + 0.5 * s), cloud)
    hill = (240, 246, 255) if brush.snow else (98, 160, 84)
    hill = lit_colour(hill, brush.time, brush.weather, False, 0.15)
    draw.ellipse((-0.5 * width, 0.76 * height, 0.8 * width, 1.6 * height), hill)
    draw.ellipse((0.3 * width, 0.82 * height, 1.6 * width, 1.7 * height), mix(hill, (40, 60, 90), 0.15))
    fall_in(draw, (0, 0, width, height), brush, 0.8 * unit)
    brush.image.paste(view, (left, top))


def paint_puddles(brush: Brush, top: Number) -> None:
    """Puddles from stage height `top` down that mirror the sky, where it rains."""
    if not brush.rain:
        return
    water = mix(sky_stops(brush.time, "rain")[1], (214, 230, 246), 0.25)
    ripple = mix(water, (240, 248, 255), 0.4)
    for i in range(7):
        x, y = (23 + 61 * i) % 224, top + (13 * i) % (126 - top)
        brush.oval(x, y, 13, 1.9, water, lit=True)
        ring = (0.9 * brush.seconds + 0.37 * i) % 1
        brush.oval(x + 2, y, 2 + 8 * ring, 0.4 + 1.1 * ring, ripple, lit=True)
        brush.oval(x + 2, y, 1 + 7.6 * ring, 0.1 + 0.8 * ring, water, lit=True)
