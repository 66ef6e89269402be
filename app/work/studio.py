"""Which job is done by what, and what all of them share.

The modules that do the work import the models' libraries, which takes seconds; so they are imported by the first job.
"""

from __future__ import annotations

import importlib
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

from app.queue.jobs import Job
from app.queue.progress import Progress
from moviedreamer_core.errors import StoryError
from moviedreamer_core.workspace import Stories, StoryFolder

if TYPE_CHECKING:
    from app.work.weights import Weights

_DOES = {
    "draw-missing": "app.work.drawing:draw_missing",
    "preview-arc": "app.work.drawing:preview_arc",
    "regenerate": "app.work.retakes:regenerate",
    "redraw": "app.work.retakes:redraw",
    "encode-replacement": "app.work.uploads:encode_replacement",
    "character-test": "app.work.portraits:character_test",
    "animate": "app.work.filming:animate",
    "movie": "app.work.movies:make_movie",
    "animatic": "app.work.movies:make_animatic",
    "export": "app.work.exports:export_story",
    "read-cast": "app.work.casting:read_cast",
    "drift": "app.work.drift:measure_drift",
}  # by the kind of the job


class Studio:
    """Does the jobs of one workspace with one weights folder; see `app.queue.work.Work`."""

    def __init__(self, stories: Path, weights: Path) -> None:
        self.stories = Stories(stories)
        self._weights_folder = weights
        self._weights: Weights | None = None

    @property
    def weights(self) -> Weights:
        if self._weights is None:
            from app.work.weights import Weights

            self._weights = Weights(self._weights_folder)
        return self._weights

    @weights.setter
    def weights(self, loaded: Weights) -> None:
        self._weights = loaded

    def __call__(self, job: Job) -> Generator[Progress, None, None]:
        """Do `job` as it is iterated. Raises MovieDreamerErrors."""
        module, _, name = _DOES[job.kind].partition(":")
        yield from getattr(importlib.import_module(module), name)(self, job)

    def release(self) -> None:
        """Forget the models; the next job loads them again."""
        if self._weights is not None:
            self._weights.release()

    def story_of(self, job: Job) -> StoryFolder:
        """The story of `job`. Raises StoryGoneError, StoryError if its script is older than what was asked for."""
        story = self.stories.get(job.story_id)
        newest = story.script.head().number
        if job.revision is not None and newest < job.revision:
            raise StoryError(
                f"the script is at revision {newest}, this was asked for revision {job.revision}; "
                "reload the page and ask again"
            )
        return story


def studio_work(stories: str, weights: str) -> Studio:
    """What the worker calls: the folders of the workspace and of the weights. Loads nothing yet."""
    return Studio(Path(stories), Path(weights))
