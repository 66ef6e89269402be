"""Where in the studio an address points: `#story/tab/row`, as static/place.js writes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import unquote

MAX_PART = 120  # characters; ids are shorter


@dataclass(frozen=True, kw_only=True)
class Place:
    """Ids as an address has them, "" for none: whether there is such a story, tab or row is for others to say."""

    story: str = ""
    tab: str = ""
    row: str = ""

    @classmethod
    def of_parts(cls, parts: Any) -> Self:
        """From what a browser sent, which may be anything."""
        found = parts if isinstance(parts, dict) else {}
        names = ("story", "tab", "row")
        return cls(**{name: str(found.get(name) or "")[:MAX_PART] for name in names})


def place_of(hash: str) -> Place:
    """The place that the part of an address after the # names."""
    parts = [unquote(part) for part in str(hash or "").removeprefix("#").split("/")]
    return Place.of_parts(dict(zip(("story", "tab", "row"), parts)))
