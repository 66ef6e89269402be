"""A pen that draws cartoon shapes in the drawer's own units, turned, scaled, mirrored and lit.

Coordinates are local: x toward the side the figure faces, y up. A pen made by `at` has its own origin, so
that a head is drawn in head radii whatever the size, tilt or mirroring of the body that carries it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import ImageDraw

from moviedreamer_core.storyworld.palette import RGB, Light, Number, mix

Point = tuple[Number, Number]

_UNIT_CIRCLE = {
    count: [(math.cos(2 * math.pi * k / count), math.sin(2 * math.pi * k / count)) for k in range(count)]
    for count in (10, 18, 32, 48)
}


def luminance(colour: RGB) -> float:
    """Rec. 601 luma of `colour`, 0..255."""
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def edge_of(colour: RGB) -> RGB:
    """The rim of a shape: darker than its fill, but lighter around near-black fills, lost at night."""
    if luminance(colour) < 62:
        return mix(colour, (148, 146, 172), 0.5)
    return mix(colour, (34, 20, 44), 0.62)


def shade_of(colour: RGB) -> RGB:
    """The colour of the side that is turned away from the light."""
    return mix(colour, (64, 30, 84), 0.2)


def shine_of(colour: RGB) -> RGB:
    """The colour of a highlight."""
    return mix(colour, (255, 250, 240), 0.32)


def arc(
    x: Number, y: Number, rx: Number, ry: Number, start: Number, end: Number, count: int = 12
) -> list[Point]:
    """`count` + 1 points of an ellipse's arc, from `start` to `end` degrees, counter-clockwise from +x."""
    angles = [math.radians(start + (end - start) * k / count) for k in range(count + 1)]
    return [(x + rx * math.cos(angle), y + ry * math.sin(angle)) for angle in angles]


class Pen:
    """Draws in local units on an image. `edge_px` is the width of rims; it stays the same in every `at`."""

    def __init__(
        self,
        draw: ImageDraw.ImageDraw,
        light: Light,
        *,
        origin: Point,
        x_axis: Point,
        y_axis: Point,
        edge_px: int,
    ) -> None:
        self._draw, self._light, self._edge_px = draw, light, edge_px
        self._origin, self._x_axis, self._y_axis = origin, x_axis, y_axis
        self.unit_px = math.hypot(*x_axis)
        self._upright = abs(x_axis[1]) < 1e-6 * self.unit_px

    def at(self, x: Number, y: Number, *, turn: Number = 0.0, scale: Number = 1.0) -> Pen:
        """A pen with its origin at (x, y), turned counter-clockwise by `turn` degrees, with larger units."""
        (ax, ay), (bx, by) = self._x_axis, self._y_axis
        cos, sin = math.cos(math.radians(turn)) * scale, math.sin(math.radians(turn)) * scale
        return Pen(
            self._draw,
            self._light,
            origin=self.to_px(x, y),
            x_axis=(cos * ax + sin * bx, cos * ay + sin * by),
            y_axis=(cos * bx - sin * ax, cos * by - sin * ay),
            edge_px=self._edge_px,
        )

    def to_px(self, x: Number, y: Number) -> Point:
        """The pixel position of a local point."""
        (ox, oy), (ax, ay), (bx, by) = self._origin, self._x_axis, self._y_axis
        return ox + ax * x + bx * y, oy + ay * x + by * y

    def _map(self, points: Sequence[Point]) -> list[Point]:
        (ox, oy), (ax, ay), (bx, by) = self._origin, self._x_axis, self._y_axis
        return [(ox + ax * x + bx * y, oy + ay * x + by * y) for x, y in points]

    def shape(self, points: Sequence[Point], fill: RGB, *, edge: RGB | None = None) -> None:
        """A filled polygon, with a rim in `edge` unless that is None."""
        pixels = self._map(points)
        self._draw.polygon(pixels, fill=self._light.tint(fill))
        if edge is not None:
            self._rim(pixels, edge)

    def rim(self, points: Sequence[Point], edge: RGB) -> None:
        """The closed outline of a polygon."""
        self._rim(self._map(points), edge)

    def _rim(self, pixels: list[Point], edge: RGB) -> None:
        self._draw.line([*pixels, pixels[0], pixels[1]], fill=self._light.tint(edge), width=self._edge_px)

    def disc(
        self,
        x: Number,
        y: Number,
        rx: Number,
        ry: Number | None = None,
        *,
        fill: RGB,
        edge: RGB | None = None,
    ) -> None:
        """A filled ellipse; a circle when `ry` is None."""
        ry = rx if ry is None else ry
        if not (self._upright or rx == ry):
            radius_px = max(rx, ry) * self.unit_px
            count = 10 if radius_px < 5 else 18 if radius_px < 20 else 32 if radius_px < 90 else 48
            self.shape([(x + rx * cos, y + ry * sin) for cos, sin in _UNIT_CIRCLE[count]], fill, edge=edge)
            return
        (px, py), rx_px, ry_px = self.to_px(x, y), rx * self.unit_px, ry * self.unit_px
        self._draw.ellipse(
            (px - rx_px, py - ry_px, px + rx_px, py + ry_px),
            fill=self._light.tint(fill),
            outline=None if edge is None else self._light.tint(edge),
            width=self._edge_px,
        )

    def stroke(self, points: Sequence[Point], width: Number, fill: RGB, *, least_px: Number = 1.0) -> None:
        """A polyline with round ends and joints, at least `least_px` wide."""
        self._stroke(self._map(points), max(least_px, width * self.unit_px), self._light.tint(fill))

    def limb(self, points: Sequence[Point], width: Number, fill: RGB, *, edge: RGB) -> None:
        """A stroke with a rim around it."""
        pixels, width_px = self._map(points), max(1.5, width * self.unit_px)
        self._stroke(pixels, width_px + 1.4 * self._edge_px, self._light.tint(edge))
        self._stroke(pixels, width_px, self._light.tint(fill))

    def _stroke(self, pixels: list[Point], width_px: Number, colour: RGB) -> None:
        self._draw.line(pixels, fill=colour, width=max(1, round(width_px)))
        if width_px >= 3:
            radius = (width_px - 1) / 2
            for px, py in pixels:
                self._draw.ellipse((px - radius, py - radius, px + radius, py + radius), fill=colour)
