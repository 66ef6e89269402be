"""The desk: everything that a page asks goes through here, and comes back as plain values or one sentence."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.queue.store import JobStore
from moviedreamer_core.config import ModelConfig, from_dict
from moviedreamer_core.errors import WeightsError
from moviedreamer_core.workspace import Stories, StoryFolder

if TYPE_CHECKING:
    from app.desk.cast import Cast
    from app.desk.drawable import Drawable
    from app.desk.drift import DriftChart
    from app.desk.jobs import Jobs
    from app.desk.movie import Movie
    from app.desk.redraws import Redraws
    from app.desk.references import References
    from app.desk.script import Script
    from app.desk.shelf import Shelf
    from app.desk.storyboard import Storyboard


@dataclass(frozen=True, kw_only=True)
class DrawingDefaults:
    """How pictures and clips are made unless a person chooses otherwise; sizes in pixels, as the weights have them.

    The steps are those of moviedreamer_core.drawing and .filming, which need torch; a test holds them equal.
    """

    width: int
    height: int
    frames_per_second: int
    guidance_scale: float
    steps: int = 20
    preview_steps: int = 6
    clip_steps: int = 25
    preview_clip_steps: int = 8

    @classmethod
    def of_weights(cls, weights: Path) -> DrawingDefaults:
        """As the config in the folder `weights` says. Raises WeightsError if that cannot be read."""
        try:
            values = json.loads((weights / "config.json").read_text(encoding="utf-8"))
            config = from_dict(ModelConfig, values)
        except (OSError, ValueError, TypeError) as error:
            raise WeightsError(
                f"{weights.name}/config.json: cannot be read ({error}); fetch the weights again"
            ) from error
        return cls(
            width=config.renderer.image_width,
            height=config.renderer.image_height,
            frames_per_second=config.video.frames_per_second,
            guidance_scale=config.renderer.guidance_scale,
        )


class Desk:
    """One per server; may be used by several threads."""

    def __init__(
        self,
        *,
        stories: Stories,
        queue: JobStore,
        weights_hash: str,
        settings: DrawingDefaults,
        vocabulary: Path | None = None,
    ) -> None:
        """`vocabulary`: the JSON list of words that the text encoder knows; None where it reads any word."""
        self.stories = stories
        self.queue = queue
        self.weights_hash = weights_hash
        self.settings = settings
        self.vocabulary = vocabulary

    @classmethod
    def on_weights(cls, weights: Path, weights_hash: str, *, stories: Stories, queue: JobStore) -> Desk:
        """The desk for the weights in a folder. Raises WeightsError."""
        vocabulary = weights / "text" / "vocabulary.json"
        return cls(
            stories=stories,
            queue=queue,
            weights_hash=weights_hash,
            settings=DrawingDefaults.of_weights(weights),
            vocabulary=vocabulary if vocabulary.is_file() else None,
        )

    def story(self, story_id: str) -> StoryFolder:
        """Raises StoryGoneError if there is no such story."""
        return self.stories.get(story_id)

    def drawable(self) -> tuple[Drawable, ...]:
        """What the weights can draw, in groups of words; nothing where they read any word."""
        from app.desk.drawable import drawable

        return () if self.vocabulary is None else drawable(self.script.words)

    # --- the areas, each made at its first use ---------------------------------------------------------

    @functools.cached_property
    def shelf(self) -> Shelf:
        from app.desk.shelf import Shelf

        return Shelf(self)

    @functools.cached_property
    def script(self) -> Script:
        from app.desk.script import Script

        return Script(self)

    @functools.cached_property
    def cast(self) -> Cast:
        from app.desk.cast import Cast

        return Cast(self)

    @functools.cached_property
    def references(self) -> References:
        from app.desk.references import References

        return References(self)

    @functools.cached_property
    def storyboard(self) -> Storyboard:
        from app.desk.storyboard import Storyboard

        return Storyboard(self)

    @functools.cached_property
    def redraws(self) -> Redraws:
        from app.desk.redraws import Redraws

        return Redraws(self)

    @functools.cached_property
    def movie(self) -> Movie:
        from app.desk.movie import Movie

        return Movie(self)

    @functools.cached_property
    def drift(self) -> DriftChart:
        from app.desk.drift import DriftChart

        return DriftChart(self)

    @functools.cached_property
    def jobs(self) -> Jobs:
        from app.desk.jobs import Jobs

        return Jobs(self)
