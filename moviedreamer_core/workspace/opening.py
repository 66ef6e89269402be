"""Opening a story: sweep what killed processes left, put damaged files aside, take in what was edited by hand, and
delete the takes of rows that no undo brings back."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from moviedreamer_core.errors import InputError, OutputError, StoryError
from moviedreamer_core.story_files import read_story
from moviedreamer_core.workspace.decisions import read_decisions
from moviedreamer_core.workspace.draft import draft_of
from moviedreamer_core.workspace.durable import make_subfolder, move, sweep_staging, told
from moviedreamer_core.workspace.layout import (
    CLIPS,
    DAMAGED,
    DECISIONS_FILE,
    EXPORTS,
    FACES,
    MUSIC,
    READINGS,
    REFERENCES,
    REVISIONS,
    STAGING,
    STORY_FILE,
    TAKES,
    is_temporary,
    new_id,
)
from moviedreamer_core.workspace.pictures import keep_pictures_of, pictures_beside
from moviedreamer_core.workspace.revision import NewerReleaseError
from moviedreamer_core.workspace.story import StoryFolder


@dataclass(frozen=True, kw_only=True)
class Opened:
    """`notices` tell the person, a sentence each, what was found out of order and what became of it."""

    story: StoryFolder
    notices: tuple[str, ...]


def open_story(story: StoryFolder) -> Opened:
    """Put `story` in order, as any process may at any time while others work on it.

    Raises StoryGoneError, StoryError for a story of a newer release or without a script that can be read,
    OutputError.
    """
    with story.lock.held():
        sweep(story)
        damaged = story.script.put_damaged_aside()
        notices = _put_damaged_decisions_aside(story.path)
        notices += _put_damaged_takes_aside(story)
        notices += _take_in_story_file(story, damaged)
    if not notices:  # else what was damaged may be wanted back by hand
        with contextlib.suppress(InputError):  # a disk that refuses: it is tried again at the next opening
            story.discard_deleted_rows()
    return Opened(story=story, notices=tuple(notices))


def sweep(story: StoryFolder) -> None:
    """Remove half-made takes, exports and temporary files of processes that are no more; the lock must be held."""
    sweep_staging(story.path / STAGING)
    # Outside staging, temporary files are made under the lock only: nobody is writing them now.
    for folder in _folders_with_files(story.path):
        with contextlib.suppress(OSError):
            for name in os.listdir(folder):
                if is_temporary(name):
                    (folder / name).unlink(missing_ok=True)


def _folders_with_files(path: Path) -> Iterator[Path]:
    yield path
    yield from (path / name for name in (REVISIONS, FACES, REFERENCES, MUSIC, READINGS, EXPORTS))
    for name in (TAKES, CLIPS):
        yield from path.glob(f"{name}/*/*/")


def _put_damaged_decisions_aside(path: Path) -> list[str]:
    try:
        read_decisions(path / DECISIONS_FILE)
    except NewerReleaseError:
        raise
    except StoryError as error:
        _put_aside(path / DECISIONS_FILE, path)
        return [
            f"{error}; locks and choices of takes are back at their defaults, the file lies in {DAMAGED}/"
        ]
    return []


def _put_damaged_takes_aside(story: StoryFolder) -> list[str]:
    notices = []
    for shelf in (story.takes, story.clips):
        for folder, problem in shelf.damaged():
            _put_aside(folder, story.path)
            notices.append(f"{problem}; what is left of it lies in {DAMAGED}/")
    return notices


def _put_aside(entry: Path, story: Path) -> None:
    with told(f"repair {story.name}"):
        make_subfolder(story / DAMAGED)
        move(entry, story / DAMAGED / f"{new_id(6)}-{entry.name}")


def _take_in_story_file(story: StoryFolder, damaged: list[str]) -> list[str]:
    """Repair story.yaml, unless a person changed it, or a revision that is `damaged` wrote it: then it counts."""
    lost = [f"revision {int(name[:8])} of the script was damaged and lies in {DAMAGED}/" for name in damaged]
    found = story.script.story_file_sha256()
    if found is None or story.script.is_published(found):
        _restore_story_file(story)
        return [f"{sentence}; the one before it is shown" for sentence in lost]
    try:
        written = read_story(story.path / STORY_FILE)
        pictures = keep_pictures_of(written, pictures_beside(written, story.path), story.path)
        head = story.script.head()
        draft = draft_of(written, pictures, before=head.draft)
        if draft == head.draft:  # its layout was changed, or a comment added: it may stay
            return lost
        story.script.adopt(draft, found)
    except OutputError:
        raise
    except InputError as error:
        with told(f"put {STORY_FILE} aside"):
            aside = story.script.put_story_file_aside()
        _restore_story_file(story)
        notice = (
            f"{STORY_FILE} was edited by hand and cannot be read, so it was renamed {aside.name}: {error}"
        )
        return [*lost, notice]
    if lost:
        return [f"{sentence}; the script was restored from {STORY_FILE}" for sentence in lost]
    return [f"{STORY_FILE} was edited by hand and is now the newest script; undo goes back to the one before"]


def _restore_story_file(story: StoryFolder) -> None:
    """A disk that refuses is forgiven: the revision is what counts, and the story can still be read."""
    with contextlib.suppress(InputError):
        story.script.restore_story_file()
