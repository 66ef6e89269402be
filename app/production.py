"""The director for the studio: the chain's verbs as streams of events, the weights read when first needed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from app.jobs import Events
from moviedreamer_core.script import Story
from moviedreamer_core.storyboard import missing_clips, read_storyboard

if TYPE_CHECKING:
    from moviedreamer_core.director import Director


class Production(Protocol):
    """What the studio needs done. Both continue what an earlier, interrupted call left in `folder`."""

    weights_hash: str

    def draw(self, story: Story, base: Path, folder: Path, *, preview: bool) -> Events:
        """Keyframes of `story`, whose pictures are relative to `base`, into `folder`."""

    def film(self, folder: Path, *, preview: bool) -> Events:
        """Clips of what is drawn in `folder`, then the movie."""


class LocalProduction:
    """In this process, on its GPU if it has one."""

    def __init__(self, weights: Path, weights_hash: str) -> None:
        self.weights_hash = weights_hash
        self._weights = weights
        self._parts: frozenset[str] = frozenset()
        self._loaded: Director | None = None

    def draw(self, story: Story, base: Path, folder: Path, *, preview: bool) -> Events:
        from moviedreamer_core.drawing import parts_to_draw, render_settings

        director = self._director(parts_to_draw(story))
        settings = render_settings(director.models.config, preview=preview)
        yield from director.storyboard(story, base, folder, settings)

    def film(self, folder: Path, *, preview: bool) -> Events:
        from moviedreamer_core.filming import PARTS_TO_ANIMATE, clip_settings

        director = self._director(PARTS_TO_ANIMATE)
        settings = clip_settings(director.models.config, preview=preview)
        yield from director.animate(folder, missing_clips(read_storyboard(folder), folder), settings=settings)
        yield from director.movie(folder)

    def _director(self, parts: Iterable[str]) -> Director:
        """One that has `parts`, and keeps those of before, as drawing and filming take turns."""
        from moviedreamer_core.director import open_director

        if self._loaded is None or not frozenset(parts) <= self._parts:
            self._parts |= frozenset(parts)
            self._loaded = None  # the old ones go before the new ones come
            self._loaded = open_director(self._weights, self._parts)
        return self._loaded
