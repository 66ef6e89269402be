"""What a page can ask of the studio: generate, make the movie, cancel, show. Knows nothing of browsers."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from app.jobs import Job, Snapshot
from app.production import Production
from app.runs import latest_run, read_text, run_folder, show_run, story_text
from moviedreamer_core.atomic import make_folder
from moviedreamer_core.errors import ImageError, StoryError
from moviedreamer_core.script import MAX_SEED
from moviedreamer_core.storyboard import missing_clips, read_storyboard

DRAWN_ALREADY = "This story is drawn already, with this seed and quality; for another take change the seed."


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What stands in the editor and beside it; without a seed, the story's counts."""

    text: str
    seed: int | None = None
    preview: bool = False


class Studio:
    """`draft` is what was generated last, or what the story file says; pages open with it."""

    def __init__(self, production: Production, *, story_file: Path, outputs: Path) -> None:
        """Raises StoryError for a story file that cannot be read, OutputError."""
        self._production = production
        self._base = story_file.parent
        self.outputs = outputs.resolve()
        self.job = Job()
        make_folder(self.outputs)
        self.draft = self._open(story_text(story_file))

    @property
    def snapshot(self) -> Snapshot:
        return self.job.snapshot

    def generate(self, draft: Draft) -> str:
        """Start drawing, going on where an interrupted run stopped; a sentence if there is nothing to do.

        Raises StoryError, ImageError, OutputError, BusyError, and then nothing has changed.
        """
        story = read_text(draft.text, self._base)
        if draft.seed is not None:
            if not 0 <= draft.seed <= MAX_SEED:
                raise StoryError(f"seed: choose a whole number from 0 to {MAX_SEED}, found {draft.seed}")
            story = story.model_copy(update={"seed": draft.seed})
        folder = run_folder(
            story,
            self._base,
            self.outputs,
            preview=draft.preview,
            weights_hash=self._production.weights_hash,
        )
        plots = tuple(keyframe.plot for keyframe in story.keyframes)
        found = show_run(folder)
        if found is not None and len(found.keyframes) == len(plots):
            self.job.show(found)
            self.draft = draft
            return DRAWN_ALREADY
        make_folder(folder)
        beginning = found or Snapshot(folder=folder, preview=draft.preview, plots=plots)
        self.job.start(
            lambda: self._production.draw(story, self._base, folder, preview=draft.preview),
            dataclasses.replace(beginning, doing="the story"),
        )
        self.draft = draft
        return ""

    def make_movie(self) -> None:
        """Start filming what is shown. Raises StoryError if nothing is, BusyError."""
        shown = self.snapshot
        folder = shown.folder
        if folder is None or not shown.keyframes:
            raise StoryError("there are no keyframes to make a movie of; press Generate first")
        clips = missing_clips(read_storyboard(folder), folder)
        self.job.start(
            lambda: self._production.film(folder, preview=shown.preview),
            dataclasses.replace(shown, doing="the movie", num_parts=len(clips)),
        )

    def _open(self, text: str) -> Draft:
        """The draft to begin with, and what an earlier session drew of it."""
        try:
            story = read_text(text, self._base)
            found = latest_run(story, self._base, self.outputs)
        except (StoryError, ImageError):  # told when it is to be drawn
            return Draft(text=text)
        if found is None:
            return Draft(text=text, seed=story.seed)
        snapshot, seed = found
        self.job.show(snapshot)
        return Draft(text=text, seed=seed, preview=snapshot.preview)
