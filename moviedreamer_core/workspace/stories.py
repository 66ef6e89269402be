"""All stories of a workspace: a folder per story, and a trash from which they come back.

A story appears, moves to the trash and comes back in one step. Which folder is whose follows from the id at the
end of its name; the words before it are from the title it was made with, and stay when the title changes, so that
addresses of its files hold.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from moviedreamer_core.atomic import make_folder
from moviedreamer_core.errors import OutputError, StoryError
from moviedreamer_core.script import Story
from moviedreamer_core.workspace.archive import link_files, write_archive
from moviedreamer_core.workspace.draft import Draft, draft_of
from moviedreamer_core.workspace.durable import (
    FolderLock,
    StoryBusyError,
    StoryGoneError,
    is_staging_in_use,
    make_subfolder,
    move,
    staged,
    sweep_staging,
    sync_tree,
    told,
)
from moviedreamer_core.workspace.journal import first_revision
from moviedreamer_core.workspace.layout import (
    LOCK_FILE,
    STAGING,
    TRASH,
    WORKSPACE_STAGING,
    new_id,
    parse_trashed_name,
    story_folder_name,
    story_id_of,
    trashed_name,
)
from moviedreamer_core.workspace.opening import Opened, open_story
from moviedreamer_core.workspace.pictures import keep_pictures_of, pictures_beside
from moviedreamer_core.workspace.revision import Revision
from moviedreamer_core.workspace.story import StoryFolder
from moviedreamer_core.workspace.takes import image_path
from moviedreamer_core.workspace.unpacking import unpack

_TIME_FORMAT = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, kw_only=True)
class StorySummary:
    """A line of the list of stories. With a `problem` (a sentence), the story cannot be read."""

    id: str
    folder: Path
    title: str
    num_rows: int = 0
    num_drawn: int = 0  # rows that show a full picture
    num_previews: int = 0  # rows that show one of few steps
    changed_at: datetime.datetime | None = None  # its script
    cover: Path | None = None  # the first keyframe that is drawn
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class TrashedStory:
    """A line of the trash."""

    id: str
    folder: Path
    title: str
    deleted_at: datetime.datetime


class Stories:
    """The stories in the folder `root`; may be used by several threads, and by several processes at a time."""

    def __init__(self, root: Path) -> None:
        """Makes `root` unless it is there, and sweeps what killed processes left in it. Raises OutputError."""
        make_folder(root)
        self.root = root.resolve()
        self._lock = FolderLock(self.root / LOCK_FILE)
        self._staging = self.root / WORKSPACE_STAGING
        self._open: dict[Path, StoryFolder] = {}  # with what they remember of takes
        self._open_lock = threading.Lock()
        with self._lock.held():
            sweep_staging(self._staging)

    # --- listing -------------------------------------------------------------------------------------

    def summaries(self) -> tuple[StorySummary, ...]:
        """Every story, the one whose script changed last first; those that cannot be read last."""
        summaries = [self._summary(folder) for folder in self._folders().values()]
        found = [summary for summary in summaries if summary is not None]
        oldest = datetime.datetime.min.replace(tzinfo=datetime.UTC)
        return tuple(sorted(found, key=lambda one: (one.changed_at or oldest, one.id), reverse=True))

    def trash(self) -> tuple[TrashedStory, ...]:
        """What was deleted, the latest first."""
        found = []
        for story_id, (time, folder) in self._trashed().items():
            deleted_at = datetime.datetime.strptime(time, _TIME_FORMAT).replace(tzinfo=datetime.UTC)
            try:
                title = StoryFolder(folder).script.head().draft.title
            except StoryError:
                title = folder.name
            found.append(TrashedStory(id=story_id, folder=folder, title=title, deleted_at=deleted_at))
        return tuple(sorted(found, key=lambda one: (one.deleted_at, one.id), reverse=True))

    def _summary(self, folder: Path) -> StorySummary | None:
        story_id = story_id_of(folder.name) or folder.name
        try:
            view = self._story(folder).view()
        except StoryGoneError:
            return None
        except StoryError as error:
            return StorySummary(id=story_id, folder=folder, title=folder.name, problem=str(error))
        takes = [shot.take for shot in view.shots if shot.take is not None]
        num_previews = sum(take.recipe.is_preview for take in takes)
        return StorySummary(
            id=story_id,
            folder=folder,
            title=view.revision.draft.title,
            num_rows=len(view.shots),
            num_drawn=len(takes) - num_previews,
            num_previews=num_previews,
            changed_at=view.revision.made_at,
            cover=image_path(takes[0]) if takes else None,
        )

    def _folders(self) -> dict[str, Path]:
        names = self._names(self.root)
        return {story_id: self.root / name for name in names if (story_id := story_id_of(name)) is not None}

    def _trashed(self) -> dict[str, tuple[str, Path]]:
        """Of each, when it was deleted and where it is."""
        found = {}
        for name in self._names(self.root / TRASH):
            if (parsed := parse_trashed_name(name)) is not None:
                time, folder_name = parsed
                found[story_id_of(folder_name) or ""] = (time, self.root / TRASH / name)
        return found

    def _names(self, folder: Path) -> list[str]:
        try:
            return sorted(os.listdir(folder))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise OutputError(f"{folder}: cannot be read ({error.strerror}); check the folder") from error

    # --- one story -----------------------------------------------------------------------------------

    def open(self, story_id: str) -> Opened:
        """The story with this id, put in order. Raises StoryGoneError if there is none; see `open_story`."""
        return open_story(self._story(self._folder(story_id)))

    def get(self, story_id: str) -> StoryFolder:
        """The story with this id, as it lies there: for a worker, which must not change the script.

        Raises StoryGoneError if there is none.
        """
        return self._story(self._folder(story_id))

    def new(
        self, story: Story | None = None, *, title: str | None = None, base: Path | None = None
    ) -> StoryFolder:
        """A new story: `story`, or an empty one. Its pictures are copied from `base`, the folder they lie below.

        Without `base` they are left out. Raises StoryError, ImageError naming a picture, OutputError.
        """

        def fill(folder: Path) -> str:
            pictures = {}
            if story is not None and base is not None:
                pictures = keep_pictures_of(story, pictures_beside(story, base), folder)
            draft = Draft() if story is None else draft_of(story, pictures)
            if title is not None:
                draft = draft.with_changes(title=title)
            first_revision(draft, folder)
            return draft.title

        return self._make(fill)

    def duplicate(
        self, story_id: str, *, title: str | None = None, draft: Draft | None = None
    ) -> StoryFolder:
        """A copy with all takes, clips and choices, without exports and history; of `draft`, if that is given.

        Raises StoryGoneError, StoryError, OutputError.
        """
        original = self.get(story_id)

        def fill(folder: Path) -> str:
            with original.lock.held(), told(f"copy {original.path.name}"):
                head = original.script.head()
                link_files(original.path, folder, exports=False)
            script = draft or head.draft
            script = script.with_changes(title=title or f"{script.title} (copy)")
            first_revision(script, folder, act="copy", number=head.number)
            return script.title

        return self._make(fill)

    def rename(self, story_id: str, title: str) -> Revision:
        """Give the story another title; its folder keeps its name. Raises StoryGoneError, StoryError, OutputError."""
        return self.get(story_id).script.change(
            lambda draft: draft.with_changes(title=title), label="Rename the story"
        )

    def export_archive(self, story_id: str, destination: Path, *, exports: bool = False) -> None:
        """Write the story as a zip that `import_archive` reads, with all takes, without the history.

        `exports` puts the exported movies in too. Raises StoryGoneError, StoryError, OutputError.
        """
        write_archive(self.get(story_id), destination, exports=exports)

    def import_archive(self, source: Path) -> StoryFolder:
        """A new story from a zip that `export_archive` wrote, or that holds a story file and its pictures.

        Raises ArchiveError, StoryError, ImageError naming what is wrong in the zip, OutputError; then nothing was
        changed.
        """
        return self._make(lambda folder: unpack(source, folder))

    def _make(self, fill: Callable[[Path], str]) -> StoryFolder:
        """Let `fill` put a story together, by the title it returns; then it appears in one step."""
        with staged(self._staging, self._lock) as folder:
            title = fill(folder)
            with told(f"write to {self.root}"):
                sync_tree(folder)
                with self._lock.held():
                    path = self.root / story_folder_name(title, self._free_id())
                    move(folder, path)
        return self._story(path)

    def _free_id(self) -> str:
        taken = {*self._folders(), *self._trashed()}
        while (story_id := new_id(8)) in taken:
            pass
        return story_id

    def _folder(self, story_id: str) -> Path:
        folder = self._folders().get(story_id)
        if folder is None:
            where = "is in the trash; restore it first" if story_id in self._trashed() else "is not there"
            raise StoryGoneError(f"the story {story_id[:20]!a} {where}; open one from the list of stories")
        return folder

    def _story(self, folder: Path) -> StoryFolder:
        with self._open_lock:
            return self._open.setdefault(folder, StoryFolder(folder))

    # --- the trash -----------------------------------------------------------------------------------

    def delete(self, story_id: str) -> TrashedStory:
        """Move the story to the trash. Raises StoryBusyError while something is made for it, StoryGoneError."""
        folder = self._folder(story_id)
        story = self._story(folder)
        time = datetime.datetime.now(datetime.UTC).strftime(_TIME_FORMAT)
        with self._lock.held(), story.lock.held():
            if is_staging_in_use(folder / STAGING):
                raise StoryBusyError(
                    f"{folder.name}: a shot or an export of this story is being written; "
                    "wait until it is done, or cancel it first"
                )
            with told(f"delete {folder.name}"):
                make_subfolder(self.root / TRASH)
                move(folder, self.root / TRASH / trashed_name(folder.name, time))
        return next(one for one in self.trash() if one.id == story_id)

    def restore(self, story_id: str) -> StoryFolder:
        """Bring a story back from the trash. Raises StoryGoneError if it is not there, OutputError."""
        with self._lock.held(), told("restore the story"):
            path = self._in_trash(story_id)
            parsed = parse_trashed_name(path.name)
            target = self.root / (parsed[1] if parsed else path.name)
            move(path, target)
        return self._story(target)

    def discard(self, story_id: str) -> None:
        """Delete a story in the trash for good. Raises StoryGoneError if it is not there, OutputError."""
        with staged(self._staging, self._lock) as folder, self._trash_locked():
            path = self._in_trash(story_id)
            move(path, folder / path.name)

    def empty_trash(self) -> int:
        """Delete everything in the trash for good; how many stories. Raises OutputError."""
        story_ids = list(self._trashed())
        for story_id in story_ids:
            with contextlib.suppress(StoryGoneError):  # another tab was quicker
                self.discard(story_id)
        return len(story_ids)

    @contextlib.contextmanager
    def _trash_locked(self) -> Iterator[None]:
        with self._lock.held(), told("empty the trash"):
            yield

    def _in_trash(self, story_id: str) -> Path:
        if story_id not in self._trashed():
            raise StoryGoneError(
                f"the story {story_id[:20]!a} is not in the trash; look in the list of stories"
            )
        return self._trashed()[story_id][1]
