"""The script's history: every save adds a revision, none is overwritten, and undo walks back through them.

A save, an undo and a redo each make a new revision with the next number, so that a number says for good which
script a tab has seen. The newest revision is the script. `story.yaml` follows it, for people and for the command
line; a crash in between is repaired when the story is opened.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from moviedreamer_core.errors import OutputError, StoryError
from moviedreamer_core.story_files import MAX_BYTES, write_story
from moviedreamer_core.workspace.draft import Draft, story_file_of
from moviedreamer_core.workspace.durable import (
    FolderLock,
    StoryGoneError,
    make_subfolder,
    move,
    sync_folder,
    told,
)
from moviedreamer_core.workspace.layout import DAMAGED, REVISIONS, STORY_FILE
from moviedreamer_core.workspace.revision import (
    Act,
    NewerReleaseError,
    Revision,
    checked,
    file_name,
    now,
    number_of,
    read_revision,
    write_revision,
)

MAX_UNDO = 100  # steps kept
MAX_BYTES_FOR_UNDO = 64 * 2**20


class StaleSaveError(StoryError):
    """The script changed since the tab that saves has read it. The attempt has changed nothing.

    `mine` is what was to be saved (None for an undo or redo), `theirs` the newest revision. To keep mine, save it
    again with `base=theirs.number`; to keep both, duplicate the story with `draft=mine`.
    """

    def __init__(self, mine: Draft | None, theirs: Revision, *, base: int) -> None:
        super().__init__(
            f"the script was changed in another tab meanwhile (yours follows revision {base}, the newest is "
            f"{theirs.number}); keep yours as the newest, take the other, or keep both as two stories"
        )
        self.mine = mine
        self.theirs = theirs
        self.base = base


class Journal:
    """The revisions of one story. Reading needs no lock; what writes takes it."""

    def __init__(self, folder: Path, lock: FolderLock) -> None:
        self._story = folder
        self._folder = folder / REVISIONS
        self._lock = lock
        self._newest: Revision | None = None  # as read last; its file never changes

    # --- reading -------------------------------------------------------------------------------------

    def head(self) -> Revision:
        """The newest revision. Raises StoryGoneError without any, StoryError naming a file that is damaged."""
        for _ in range(100):  # it may be outdated and gone by the time it is read
            number = max(self.numbers(), default=0)
            if not number:
                raise StoryGoneError(
                    f"{self._story.name}: there is no story here any more; "
                    "open it from the list of stories, or restore it from the trash"
                )
            newest = self._newest
            if newest is None or newest.number != number:
                try:
                    newest = self._newest = self._read(number)
                except FileNotFoundError:
                    continue
            return newest
        raise StoryError(f"{self._story.name}: its script changes too fast to be read; reload the page")

    def numbers(self) -> list[int]:
        """The revisions that are kept, in rising order. Raises StoryError."""
        return _numbers_in(self._folder)

    def owners(self) -> set[str]:
        """The rows and cast members of every revision that an undo or redo may bring back. Raises StoryError.

        While others write, some may be missing unless the lock is held.
        """
        found: set[str] = set()
        for number in self.numbers():
            with contextlib.suppress(FileNotFoundError):
                draft = self._read(number).draft
                found |= {row.id for row in draft.rows} | {member.id for member in draft.cast}
        return found

    def _read(self, number: int) -> Revision:
        return read_revision(self._folder / file_name(number))

    # --- writing -------------------------------------------------------------------------------------

    def save(self, draft: Draft, *, base: int, label: str = "", step: str = "") -> Revision:
        """Make `draft` the newest revision, if `base` is still the newest.

        A draft that is the newest script already changes nothing. Raises StaleSaveError, StoryError for a script
        that is too large, StoryGoneError, StoryBusyError, OutputError; then nothing has changed.
        """
        with self._lock.held():
            head = self.head()
            if draft == head.draft:
                return head
            if base != head.number:
                raise StaleSaveError(draft, head, base=base)
            goes_on = step != "" and head.act == "edit" and head.step == step
            undo = head.undo if goes_on else (*head.undo, head.number)
            return self._commit(head, draft, act="edit", label=label, step=step, undo=undo)

    def change(self, edit: Callable[[Draft], Draft], *, label: str) -> Revision:
        """Make `edit` of the newest script the newest revision: for acts that need no sight of the script."""
        with self._lock.held():
            head = self.head()
            draft = edit(head.draft)
            if draft == head.draft:
                return head
            return self._commit(head, draft, act="edit", label=label, undo=(*head.undo, head.number))

    def undo(self, *, base: int) -> Revision:
        """Make the script before the last step the newest revision. Raises as `save`; StoryError without any."""
        return self._walk("undo", base)

    def redo(self, *, base: int) -> Revision:
        """Take back the last undo. Raises as `save`; StoryError if there was none, or an edit came after it."""
        return self._walk("redo", base)

    def adopt(self, draft: Draft, sha256: str) -> Revision:
        """Make `draft`, from a story.yaml with this sha256, the newest revision. The lock must be held."""
        head = self.head()
        label, undo = f"{STORY_FILE} edited by hand", (*head.undo, head.number)
        return self._commit(head, draft, act="by hand", label=label, undo=undo, taken_in=sha256)

    def _walk(self, act: Literal["undo", "redo"], base: int) -> Revision:
        with self._lock.held():
            head = self.head()
            if base != head.number:
                raise StaleSaveError(None, head, base=base)
            stack = head.undo if act == "undo" else head.redo
            if not stack:
                raise StoryError(f"there is nothing to {act}")
            try:
                target = self._read(stack[-1])
            except FileNotFoundError:
                raise StoryError(
                    f"the script to go to is no longer kept; there is nothing to {act}"
                ) from None
            if act == "undo":
                undo, redo = head.undo[:-1], (*head.redo, head.number)
            else:
                undo, redo = (*head.undo, head.number), head.redo[:-1]
            return self._commit(head, target.draft, act=act, label=target.label, undo=undo, redo=redo)

    def _commit(
        self,
        head: Revision,
        draft: Draft,
        *,
        act: Act,
        label: str,
        step: str = "",
        undo: tuple[int, ...],
        redo: tuple[int, ...] = (),
        taken_in: str = "",
    ) -> Revision:
        """The lock must be held. A story.yaml with the sha256 `taken_in` may go: `draft` has all of it."""
        draft = checked(draft)
        with self._story_file_for(draft) as (new_file, sha256):
            revision = Revision(
                number=self._next_number(),
                act=act,
                label=label[:200],
                step=step[:200],
                made_at=now(),
                story_file_sha256=sha256,
                undo=self._affordable(undo, with_redo=redo),
                redo=redo,
                draft=draft,
            )
            write_revision(revision, self._folder / file_name(revision.number))
            self._newest = revision
            self._replace_story_file(new_file, known={head.story_file_sha256, taken_in})
        self._prune(revision)
        return revision

    def _next_number(self) -> int:
        """Above that of any revision there ever was: a tab may have seen one that is damaged by now."""
        return max([*self.numbers(), *_numbers_in(self._story / DAMAGED)], default=0) + 1

    def _affordable(self, undo: tuple[int, ...], *, with_redo: tuple[int, ...]) -> tuple[int, ...]:
        """As many of the latest steps as the limits allow."""
        left = MAX_BYTES_FOR_UNDO - sum(self._num_bytes(number) for number in with_redo)
        affordable: list[int] = []
        for number in reversed(undo[-MAX_UNDO:]):
            left -= self._num_bytes(number)
            if left < 0:
                break
            affordable.append(number)
        return tuple(reversed(affordable))

    def _num_bytes(self, number: int) -> int:
        try:
            return (self._folder / file_name(number)).stat().st_size
        except OSError:
            return 0

    def _prune(self, head: Revision) -> None:
        """Remove what neither undo nor redo reaches; what cannot be removed costs room only."""
        reachable = {head.number, *head.undo, *head.redo}
        with contextlib.suppress(OSError, StoryError):
            for number in self.numbers():
                if number not in reachable:
                    (self._folder / file_name(number)).unlink(missing_ok=True)

    # --- the story file ------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _story_file_for(self, draft: Draft) -> Iterator[tuple[Path, str]]:
        """A temporary file with what story.yaml is to hold, and its sha256. Raises StoryError, OutputError."""
        temporary = self._story / f".{secrets.token_hex(8)}.yaml"
        try:
            write_story(story_file_of(draft), temporary)
            data = temporary.read_bytes()
            if len(data) > MAX_BYTES:
                raise StoryError(
                    f"the script is larger than {MAX_BYTES // 2**20} MB; split the story into two"
                )
            yield temporary, hashlib.sha256(data).hexdigest()
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)

    def _replace_story_file(self, new_file: Path, *, known: set[str]) -> None:
        """A disk that refuses is forgiven, for the revision is what counts.

        A file that no revision wrote was edited by hand while the studio was open: it is put aside.
        """
        with contextlib.suppress(OSError, OutputError):
            found = self.story_file_sha256()
            if found is not None and found not in known and not self.is_published(found):
                self.put_story_file_aside()
            os.replace(new_file, self._story / STORY_FILE)

    def restore_story_file(self) -> None:
        """Write story.yaml as the newest revision has it. The lock must be held. Raises OutputError."""
        head = self.head()
        if self.story_file_sha256() != head.story_file_sha256:
            write_story(story_file_of(head.draft), self._story / STORY_FILE)

    def story_file_sha256(self) -> str | None:
        """Of story.yaml as it lies there; None without one that can be read."""
        try:
            return hashlib.sha256((self._story / STORY_FILE).read_bytes()).hexdigest()
        except OSError:
            return None

    def is_published(self, sha256: str) -> bool:
        """Whether a revision that is kept wrote a story.yaml with this sha256."""
        for number in reversed(self.numbers()):
            with contextlib.suppress(FileNotFoundError, StoryError):
                if self._read(number).story_file_sha256 == sha256:
                    return True
        return False

    def put_story_file_aside(self) -> Path:
        """Rename a story.yaml that must not be lost; its new path. The lock must be held. Raises OSError."""
        number = 1
        while (aside := self._story / f"story-by-hand-{number}.yaml").exists():
            number += 1
        (self._story / STORY_FILE).rename(aside)
        sync_folder(self._story)
        return aside

    # --- repair --------------------------------------------------------------------------------------

    def put_damaged_aside(self) -> list[str]:
        """Move revisions above the newest that can be read to damaged/; their names. The lock must be held.

        Raises StoryError if none can be read, NewerReleaseError, OutputError.
        """
        numbers, unreadable, reason = self.numbers(), [], ""
        for number in reversed(numbers):
            try:
                self._read(number)
                break
            except NewerReleaseError:
                raise
            except StoryError as error:
                unreadable.append(number)
                reason = str(error)
        else:
            if numbers:
                raise StoryError(f"{self._story.name}: no revision of its script can be read ({reason})")
        if unreadable:
            with told(f"repair {self._story.name}"):
                make_subfolder(self._story / DAMAGED)
                for number in unreadable:
                    move(self._folder / file_name(number), self._story / DAMAGED / file_name(number))
            self._newest = None
        return [file_name(number) for number in unreadable]


def first_revision(draft: Draft, folder: Path, *, act: Act = "new", number: int = 1) -> Revision:
    """Write the one revision that a new story in `folder` begins with, and its story.yaml.

    Raises StoryError for a draft that cannot be kept, OutputError.
    """
    draft = checked(draft)
    with told(f"write to {folder.name}"):
        make_subfolder(folder / REVISIONS)
    write_story(story_file_of(draft), folder / STORY_FILE)
    data = (folder / STORY_FILE).read_bytes()
    if len(data) > MAX_BYTES:
        raise StoryError(f"the script is larger than {MAX_BYTES // 2**20} MB; split the story into two")
    revision = Revision(
        number=number,
        act=act,
        made_at=now(),
        story_file_sha256=hashlib.sha256(data).hexdigest(),
        draft=draft,
    )
    write_revision(revision, folder / REVISIONS / file_name(number))
    return revision


def _numbers_in(folder: Path) -> list[int]:
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise StoryError(f"{folder}: cannot be read ({error.strerror}); check the folder") from error
    return sorted(number for name in names if (number := number_of(name)) is not None)
