"""All stories: what there is, new ones from nothing, a text or a file, copies, the trash."""

from __future__ import annotations

import re
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from moviedreamer_core.errors import StoryError
from moviedreamer_core.script import Story
from moviedreamer_core.story_files import MAX_BYTES, READ_SUFFIXES, read_story
from moviedreamer_core.workspace import Draft, Opened, Row, StoryFolder, StorySummary, TrashedStory
from moviedreamer_core.workspace.durable import StoryBusyError, told
from moviedreamer_core.workspace.layout import slug

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.desk.desk import Desk
    from moviedreamer_core.script import Character

TextFormat = Literal["prose", "yaml", "json", "csv", "fountain"]
SUFFIX_OF = {"prose": ".txt", "yaml": ".yaml", "json": ".json", "csv": ".csv", "fountain": ".fountain"}
ARCHIVE_SUFFIX = ".zip"
IMPORTED_SUFFIXES = (ARCHIVE_SUFFIX, *READ_SUFFIXES)
UNTITLED = "Untitled"
MAX_TITLE_CHARACTERS = 200
SECONDS_TO_STOP, PAUSE_SECONDS = 5.0, 0.1  # of a cancelled job, before its story can be moved

_HEADING = re.compile(r"^\s*(INT|EXT|EST|I/E)[./ ]", re.MULTILINE | re.IGNORECASE)
_KEYFRAMES = re.compile(r"^keyframes\s*:", re.MULTILINE)
_PLOT_COLUMN = re.compile(r"(^|[,;\t])\s*\"?plot\"?\s*([,;\t]|$)", re.IGNORECASE)


class Shelf:
    """Every method raises StoryGoneError for a story that is not there, OutputError for a disk that refuses."""

    def __init__(self, desk: Desk) -> None:
        self._stories = desk.stories
        self._queue = desk.queue

    def summaries(self) -> tuple[StorySummary, ...]:
        """The story whose script changed last first."""
        return self._stories.summaries()

    def trash(self) -> tuple[TrashedStory, ...]:
        """What was deleted, the latest first."""
        return self._stories.trash()

    def first_story(self, wanted: str = "") -> str:
        """The id of the story to show: the `wanted` one if it is there, else the latest, "" if there is none."""
        readable = [one.id for one in self.summaries() if not one.problem]
        return wanted if wanted in readable else next(iter(readable), "")

    def title_of(self, story_id: str) -> str:
        return self._stories.get(story_id).script.head().draft.title

    def open(self, story_id: str) -> Opened:
        """Put the story in order; its notices are to be told. Raises StoryError if it cannot be read."""
        return self._stories.open(story_id)

    # --- new ones --------------------------------------------------------------------------------------

    def put_example(self, source: Path) -> StoryFolder | None:
        """On a workspace where no story ever was: the example in `source`, a story file or a zip."""
        if self._stories.summaries() or self._stories.trash():
            return None
        if source.suffix == ARCHIVE_SUFFIX:
            return self._stories.import_archive(source)
        return self._stories.new(read_story(source), base=source.parent)

    def new(self, title: str = "") -> StoryFolder:
        """An empty story with one row to begin with. Raises StoryError for a title that is too long."""
        story = self._stories.new(title=checked_title(title))
        story.script.change(with_a_row, label="Begin")
        return story

    def from_text(self, text: str, *, title: str = "", written_as: TextFormat | None = None) -> StoryFolder:
        """A story from a pasted text; prose gives one row per sentence. Raises StoryError naming what is wrong."""
        title = checked_title(title)
        story = story_from_pasted(text, title=title, written_as=written_as)
        return self._stories.new(story, title=title if title != UNTITLED else None)

    def from_file(self, path: Path) -> StoryFolder:
        """A story from an uploaded zip or story file (IMPORTED_SUFFIXES); pictures come with a zip only.

        Raises StoryError, ArchiveError, ImageError.
        """
        suffix = path.suffix.lower()
        if suffix == ARCHIVE_SUFFIX:
            return self._stories.import_archive(path)
        if suffix not in IMPORTED_SUFFIXES:
            raise StoryError(
                f"{path.name}: a story is imported from a file that ends in {', '.join(IMPORTED_SUFFIXES)}; "
                "save it as one of these"
            )
        return self._stories.new(read_story(path))

    def duplicate(self, story_id: str) -> StoryFolder:
        """A copy with all takes, called "... (copy)"."""
        return self._stories.duplicate(story_id)

    # --- changes ---------------------------------------------------------------------------------------

    def rename(self, story_id: str, title: str) -> None:
        """Raises StoryError for a title that is too long."""
        self._stories.rename(story_id, checked_title(title))

    def delete(self, story_id: str) -> TrashedStory:
        """Into the trash, once what was queued for it is called off and the step that runs has ended.

        Raises StoryBusyError if something of it is still being written after SECONDS_TO_STOP, QueueError.
        """
        self._stories.get(story_id)
        self._queue.cancel_story(story_id)
        deadline = time.monotonic() + SECONDS_TO_STOP
        while True:
            try:
                return self._stories.delete(story_id)
            except StoryBusyError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(PAUSE_SECONDS)

    def restore(self, story_id: str) -> StoryFolder:
        return self._stories.restore(story_id)

    def discard(self, story_id: str) -> None:
        """For good, from the trash."""
        self._stories.discard(story_id)

    def empty_trash(self) -> int:
        """For good; how many stories."""
        return self._stories.empty_trash()

    def export_zip(self, story_id: str) -> Path:
        """Write the whole story with all its takes and clips, but no earlier exports, to its exports; where."""
        story = self._stories.get(story_id)
        view = story.view()
        with story.exporting("story.zip", view) as target:
            self._stories.export_archive(story_id, target, exports=False)
        return story.file("exports/story.zip")


def checked_title(title: str) -> str:
    """One line; Untitled for nothing. Raises StoryError for one that is too long."""
    title = " ".join(title.split())
    if len(title) > MAX_TITLE_CHARACTERS:
        raise StoryError(f"the title has {len(title)} characters; use at most {MAX_TITLE_CHARACTERS}")
    return title or UNTITLED


def story_from_pasted(
    text: str, *, title: str, written_as: TextFormat | None = None, cast: Sequence[Character] = ()
) -> Story:
    """The story in `text`; how it is written is guessed unless that is said. Raises StoryError."""
    if not text.strip():
        raise StoryError("there is no text to make a story of; paste some sentences")
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise StoryError(f"the text is larger than {MAX_BYTES // 2**20} MB; paste a part of it")
    suffix = SUFFIX_OF[written_as or guessed_format(text)]
    with told("keep the text for a moment"), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{slug(title)}{suffix}"
        try:
            path.write_text(text, encoding="utf-8")
        except UnicodeEncodeError:
            raise StoryError("the text holds characters that are not text; paste it again") from None
        return read_story(path, cast=cast)


def guessed_format(text: str) -> TextFormat:
    """How a pasted text is written, by what only that way of writing has."""
    if text.lstrip().startswith("{"):
        return "json"
    if _KEYFRAMES.search(text):
        return "yaml"
    if _PLOT_COLUMN.search(text.lstrip().partition("\n")[0]):
        return "csv"
    return "fountain" if _HEADING.search(text) else "prose"


def with_a_row(draft: Draft) -> Draft:
    """`draft` with one empty row if it has none."""
    return draft if draft.rows else draft.with_rows_inserted(0, [Row()])
