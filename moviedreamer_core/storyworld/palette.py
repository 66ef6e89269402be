"""The colours of the storyworld's people and the light that falls on them.

Every colour is 8-bit sRGB, one entry per name in `facts`. The light is deliberately gentle: a night figure is
at most about a third darker, so that hair, skin and outfit stay tellable apart in every frame.
"""

from __future__ import annotations

from dataclasses import dataclass

RGB = tuple[int, int, int]
Number = float | int  # whole literals are welcome, and the run-time type checks of the tests are strict


@dataclass(frozen=True)
class Light:
    """Coloured light: `tint(rgb) = clip(rgb * multiply + ambient)`, per channel in 0..255."""

    multiply: tuple[Number, Number, Number]
    ambient: RGB = (0, 0, 0)

    def tint(self, rgb: RGB) -> RGB:
        """`rgb` as it looks under this light."""
        (red, green, blue), (m_red, m_green, m_blue), (a_red, a_green, a_blue) = (
            rgb,
            self.multiply,
            self.ambient,
        )
        return (
            max(0, min(255, round(red * m_red + a_red))),
            max(0, min(255, round(green * m_green + a_green))),
            max(0, min(255, round(blue * m_blue + a_blue))),
        )


HAIR_RGB: dict[str, RGB] = {
    "black": (36, 32, 42),
    "brown": (122, 72, 34),
    "blonde": (246, 205, 84),
    "red": (212, 78, 24),
    "grey": (172, 174, 182),
    "blue": (48, 108, 226),
    "pink": (255, 118, 184),
}

SKIN_RGB: dict[str, RGB] = {
    "pale": (255, 230, 214),
    "light": (250, 200, 162),
    "tan": (222, 160, 108),
    "brown": (164, 104, 62),
    "dark": (102, 62, 42),
}

OUTFIT_RGB: dict[str, RGB] = {
    "red": (216, 38, 44),
    "orange": (248, 134, 24),
    "yellow": (252, 216, 48),
    "green": (38, 156, 74),
    "blue": (38, 92, 214),
    "purple": (138, 60, 188),
    "white": (246, 246, 244),
    "black": (46, 46, 54),
}

FIGURE_LIGHT: dict[str, Light] = {
    "dawn": Light(multiply=(1.0, 0.92, 0.94), ambient=(2, 0, 6)),
    "day": Light(multiply=(1.0, 1.0, 1.0)),
    "sunset": Light(multiply=(1.0, 0.9, 0.8), ambient=(8, 2, 0)),
    "night": Light(multiply=(0.76, 0.75, 0.86), ambient=(2, 2, 12)),
}


def mix(first: RGB, second: RGB, share: Number) -> RGB:
    """The colour `share` of the way from `first` to `second`."""
    return (
        round(first[0] + (second[0] - first[0]) * share),
        round(first[1] + (second[1] - first[1]) * share),
        round(first[2] + (second[2] - first[2]) * share),
    )
