"""Backgrounds of the storyworld: which painter draws a place, and the layout that keeps it the same place.

A place's `layout_seed` decides, within its identity, an accent colour, an arrangement, and small things
(how many shells, which crown of tree). Accent and arrangement are visible in every shot size, so that "the
layout persists" can be measured. Arrangements 2k and 2k + 1 are mirror images of one another: 0 and 1
furnish the place one way, 2 and 3 the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from . import (
    places_afloat,
    places_bare,
    places_country,
    places_green,
    places_indoor,
    places_shore,
    places_town,
)
from .brush import Brush
from .facts import PLACES
from .palette import RGB

ACCENTS: tuple[tuple[str, RGB], ...] = (
    ("red", (222, 52, 56)),
    ("orange", (248, 140, 40)),
    ("yellow", (250, 208, 60)),
    ("green", (64, 166, 84)),
    ("teal", (38, 178, 178)),
    ("blue", (58, 104, 214)),
    ("purple", (138, 80, 196)),
    ("pink", (246, 122, 176)),
)
NUM_ARRANGEMENTS = 4

_PAINTERS: dict[str, Callable[[Brush], None]] = {
    "beach": places_shore.paint_beach,
    "lighthouse": places_shore.paint_lighthouse,
    "harbour": places_afloat.paint_harbour,
    "forest": places_green.paint_forest,
    "park": places_green.paint_park,
    "mountain": places_green.paint_mountain,
    "desert": places_bare.paint_desert,
    "farm": places_country.paint_farm,
    "castle": places_country.paint_castle,
    "street": places_town.paint_street,
    "market": places_town.paint_market,
    "station": places_town.paint_station,
    "kitchen": places_indoor.paint_kitchen,
    "bedroom": places_indoor.paint_bedroom,
    "library": places_indoor.paint_library,
    "cafe": places_indoor.paint_cafe,
    "cave": places_bare.paint_cave,
    "ship": places_afloat.paint_ship,
}


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What a layout seed fixes of a place: `accent` indexes ACCENTS (0 .. 7), `arrangement` is 0 .. 3, and
    `detail_seed` seeds the small things."""

    accent: int
    arrangement: int
    detail_seed: int

    @property
    def accent_name(self) -> str:
        return ACCENTS[self.accent][0]

    @property
    def accent_rgb(self) -> RGB:
        return ACCENTS[self.accent][1]

    @property
    def flipped(self) -> bool:
        """Whether the landmark stands on the left instead of the right."""
        return self.arrangement % 2 == 1

    @property
    def form(self) -> int:
        """Which of its two furnishings the place has: 0 or 1."""
        return self.arrangement // 2


@lru_cache(maxsize=1024)
def layout_of(place: str, layout_seed: int) -> Layout:
    """The layout that `layout_seed` gives `place`; the same in every process.

    Raises ValueError for a place that is not in `facts.PLACES`.
    """
    if place not in PLACES:
        raise ValueError(f"unknown place {place!r}; the storyworld has {', '.join(PLACES)}")
    random = Random(f"{place}:{layout_seed}")
    return Layout(
        accent=random.randrange(len(ACCENTS)),
        arrangement=random.randrange(NUM_ARRANGEMENTS),
        detail_seed=random.randrange(2**31),
    )


def paint_place(place: str, brush: Brush) -> None:
    """Paint the whole background of `place` onto the brush's canvas."""
    _PAINTERS[place](brush)
