"""The brush that places are painted with: flat shapes in stage units, lit by the scene, on a Pillow canvas.

The stage is 224 x 128 units whatever the frame's size or shot: x 0 .. 224 is what a wide shot sees (scenery
goes on beyond, for camera moves), y grows downwards. The brush maps units to pixels, flips the stage for
half of the arrangements, shifts layers by their depth (parallax), and tints every colour by time and
weather.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import lru_cache

from PIL import Image, ImageDraw

from .palette import RGB, mix
from .sky import Number, gradient_column, lit_colour

STAGE_WIDTH, STAGE_HEIGHT = 224, 128
Point = tuple[Number, Number]  # stage units, or pixels where a name says so


@lru_cache(maxsize=256)
def _glow_mask(radius_px: int, strength: int) -> Image.Image:
    """A round mask that fades from `strength` (0 .. 255) in the middle to 0 at `radius_px`."""
    disc = Image.radial_gradient("L").resize((2 * radius_px, 2 * radius_px))
    return disc.point(lambda v: round(strength * max(0.0, 1 - v / 181) ** 1.4))  # 181 at the rim


class Brush:
    """Paints lit shapes given in stage units onto `image`.

    `scale` is pixels per unit and `origin` the pixel of stage point (0, 0); `frame` is the box (left, top,
    width, height) in pixels that the finished frame shows before any camera move: sky and weather are
    placed in it, so that they are seen in every shot size. `parallax` is the camera's sideways step in
    units at full depth.
    """

    def __init__(
        self,
        image: Image.Image,
        *,
        scale: Number,
        origin: Point,
        frame: tuple[Number, Number, Number, Number],
        time: str,
        weather: str,
        shot: str = "wide",
        indoors: bool = False,
        flipped: bool = False,
        parallax: Number = 0.0,
        seconds: Number = 0.0,
        seed: int = 0,
        accent: RGB = (200, 60, 60),
        form: int = 0,
    ) -> None:
        self.image, self.scale, self.frame = image, scale, frame
        self.draw = ImageDraw.Draw(image)
        self.translucent = ImageDraw.Draw(image, "RGBA")  # blends fills that carry alpha
        self.time, self.weather, self.shot, self.indoors = time, weather, shot, indoors
        self.flipped, self.parallax, self.seconds = flipped, parallax, seconds
        self.random = random.Random(seed)
        self.accent, self.form = accent, form
        self.snow, self.rain = weather == "snow", weather == "rain"
        self.night = time == "night"
        self._origin_x, self._origin_y = origin
        self._haze = 0.0
        self.at_depth(0.5)

    def at_depth(self, depth: Number, haze: Number = 0.0) -> None:
        """Paint on the layer at `depth` (0 far .. 1 near), faded towards the horizon's colour by `haze`."""
        shift = -self.parallax * depth
        self._sign = -1.0 if self.flipped else 1.0
        self._base = (STAGE_WIDTH if self.flipped else 0.0) + shift
        self._haze = haze

    def colour(self, rgb: RGB) -> RGB:
        """`rgb` as it looks in this scene's light, on this layer."""
        return lit_colour(rgb, self.time, self.weather, self.indoors, self._haze)

    def ground_colour(self, rgb: RGB, cover: Number = 0.82) -> RGB:
        """`rgb`, or nearly white where snow lies on it."""
        return mix(rgb, (244, 248, 255), cover) if self.snow else rgb

    def sees(self, x: Number, reach: Number) -> bool:
        """Whether anything within `reach` units of `x` can be on the canvas: lets painters skip costly
        things.
        """
        middle = self.x(x)
        return middle + reach * self.scale > 0 and middle - reach * self.scale < self.image.width

    def x(self, x: Number) -> float:
        return self._origin_x + (self._base + self._sign * x) * self.scale

    def y(self, y: Number) -> float:
        return self._origin_y + y * self.scale

    def points(self, points: Sequence[Point]) -> list[Point]:
        s, base, sign, ox, oy = self.scale, self._base, self._sign, self._origin_x, self._origin_y
        return [(round(ox + (base + sign * x) * s), round(oy + y * s)) for x, y in points]

    def box(self, x0: Number, y0: Number, x1: Number, y1: Number) -> tuple[int, int, int, int]:
        """Pixel box of a stage rectangle, left to right also on a flipped stage, at least one pixel each
        way.
        """
        scale = self.scale
        a = round(self._origin_x + (self._base + self._sign * x0) * scale)
        b = round(self._origin_x + (self._base + self._sign * x1) * scale)
        top, bottom = round(self._origin_y + y0 * scale), round(self._origin_y + y1 * scale)
        left, right = (a, b) if a < b else (b, a)
        return left, top, right - 1 if right > left else left, bottom - 1 if bottom > top else top

    def rect(
        self,
        x0: Number,
        y0: Number,
        x1: Number,
        y1: Number,
        rgb: RGB,
        *,
        lit: bool = False,
        radius: Number = 0.0,
    ) -> None:
        """`lit` paints the colour as it is: a thing that shines by itself."""
        box = self.box(x0, y0, x1, y1)
        if box[2] < 0 or box[0] >= self.image.width or box[3] < 0 or box[1] >= self.image.height:
            return
        fill = rgb if lit else self.colour(rgb)
        if radius:
            self.draw.rounded_rectangle(box, radius * self.scale, fill)
        else:
            self.draw.rectangle(box, fill)

    def poly(self, points: Sequence[Point], rgb: RGB, *, lit: bool = False) -> None:
        self.draw.polygon(self.points(points), rgb if lit else self.colour(rgb))

    def oval(self, x: Number, y: Number, rx: Number, ry: Number, rgb: RGB, *, lit: bool = False) -> None:
        self.draw.ellipse(self.box(x - rx, y - ry, x + rx, y + ry), rgb if lit else self.colour(rgb))

    def dome(self, x: Number, y: Number, rx: Number, ry: Number, rgb: RGB, *, lit: bool = False) -> None:
        """The upper half of an oval whose flat side lies at `y`."""
        box = self.box(x - rx, y - ry, x + rx, y + ry)
        self.draw.pieslice(box, 180, 360, rgb if lit else self.colour(rgb))

    def line(self, points: Sequence[Point], rgb: RGB, width: Number = 1.0, *, lit: bool = False) -> None:
        pixels = max(1, round(width * self.scale))
        self.draw.line(self.points(points), rgb if lit else self.colour(rgb), pixels, joint="curve")

    def band(self, y0: Number, y1: Number, *stops: RGB, lit: bool = False) -> None:
        """Fill the whole width from `y0` to `y1` with a gradient through `stops`; `y1` may lie below the
        canvas.
        """
        top, bottom = round(self.y(y0)), round(self.y(y1))
        colours = stops if lit else tuple(self.colour(stop) for stop in stops)
        if bottom <= top:
            return
        if len(colours) == 1:
            self.draw.rectangle((0, top, self.image.width, bottom - 1), colours[0])
            return
        column = gradient_column(colours, bottom - top)
        self.image.paste(column.resize((self.image.width, bottom - top), Image.Resampling.NEAREST), (0, top))

    def shade(self, points: Sequence[Point], rgb: RGB, alpha: int) -> None:
        """Lay a translucent polygon over what is there (alpha 0 .. 255)."""
        self.translucent.polygon(self.points(points), (*rgb, alpha))

    def shadow(self, x: Number, y: Number, rx: Number, ry: Number, alpha: int = 60) -> None:
        """A soft-coloured oval of shade on the ground."""
        self.translucent.ellipse(self.box(x - rx, y - ry, x + rx, y + ry), (20, 20, 50, alpha))

    def glow(self, x: Number, y: Number, radius: Number, rgb: RGB, strength: int = 150) -> None:
        """Light around a lamp or the sun: strongest in the middle, gone at `radius`."""
        self.glow_px(self.x(x), self.y(y), radius * self.scale, rgb, strength)

    def glow_px(self, x_px: Number, y_px: Number, radius_px: Number, rgb: RGB, strength: int) -> None:
        mask = _glow_mask(max(1, round(radius_px)), strength)
        corner = (round(x_px) - mask.width // 2, round(y_px) - mask.height // 2)
        self.image.paste(rgb, (*corner, corner[0] + mask.width, corner[1] + mask.height), mask)

    def frame_point(self, fx: Number, fy: Number) -> Point:
        """The pixel at fractions (fx, fy) of the frame; flips with the stage."""
        left, top, width, height = self.frame
        return left + (1 - fx if self.flipped else fx) * width, top + fy * height
