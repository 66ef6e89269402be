"""Folders that appear, move and vanish in one step, and locks that end with their process.

atomic.py does the same for single files. Source: rename(2), fsync(2), flock(2); the lock of a process that is
killed is released by the system.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from moviedreamer_core.errors import OutputError, StoryError

WAIT_SECONDS = 30.0  # for a lock; what is done under one takes milliseconds
_MANY_FILES = 200
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.001, 0.05

_ADVICE = {
    errno.ENOSPC: "the disk is full; free some space and try again",
    errno.EDQUOT: "the disk quota is used up; free some space and try again",
    errno.EACCES: "no permission to write there; choose another folder with --stories",
    errno.EPERM: "no permission to write there; choose another folder with --stories",
    errno.EROFS: "the disk is read-only; choose another folder with --stories",
    errno.ENOENT: "its folder was deleted or moved meanwhile; open the story from the list of stories",
    errno.ENOTDIR: "a file stands where a folder is needed; choose another folder with --stories",
    errno.EMFILE: "too many files are open; close other programs and try again",
    errno.ENFILE: "too many files are open; close other programs and try again",
}


class StoryGoneError(StoryError):
    """The story was deleted, or its folder moved, while it was open."""


class StoryBusyError(StoryError):
    """Another process works on the story just now."""


@contextlib.contextmanager
def told(what: str) -> Iterator[None]:
    """Turn what the system refuses into an OutputError: "cannot <what>: <why>; <advice>"."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        advice = _ADVICE.get(error.errno or 0, f"{reason}; check the folder and try again")
        raise OutputError(f"cannot {what}: {advice}") from error


# --- folders -----------------------------------------------------------------------------------------


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable, as far as the system lets: what has its name counts already."""
    with contextlib.suppress(OSError):
        _flush(folder)


def sync_file(path: Path) -> None:
    """Make the content of `path` durable. Raises OSError."""
    _flush(path)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Make everything below `folder` durable, the folders after what they hold. Raises OSError."""
    tree = list(os.walk(folder, topdown=False))
    if sum(len(names) for _, _, names in tree) > _MANY_FILES:
        os.sync()  # one wait for the disk instead of thousands
        return
    for current, _, names in tree:
        for name in names:
            _flush(Path(current, name))
        _flush(Path(current))


def make_subfolder(folder: Path) -> None:
    """Make `folder` in a parent that exists, unless it is there. Raises OSError.

    Not with its parents: a story that was deleted meanwhile must not come back as a husk.
    """
    try:
        folder.mkdir()
    except FileExistsError:
        if not folder.is_dir():
            raise
    else:
        sync_folder(folder.parent)


def move(source: Path, target: Path) -> None:
    """Rename `source`, a file or a folder that is durable, to the free name `target`. Raises OSError."""
    if target.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    os.rename(source, target)
    sync_folder(target.parent)
    if source.parent != target.parent:
        sync_folder(source.parent)


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file that is never changed in place a second name; a copy where the disk has no links."""
    try:
        os.link(source, target, follow_symlinks=False)
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        shutil.copyfile(source, target, follow_symlinks=False)


def remove_tree(folder: Path) -> None:
    """Delete `folder` and what is in it, as far as the system lets; a link is removed, not followed."""
    if folder.is_symlink() or not folder.is_dir():
        with contextlib.suppress(OSError):
            folder.unlink(missing_ok=True)
    else:
        shutil.rmtree(folder, ignore_errors=True)


# --- locks -------------------------------------------------------------------------------------------


class FolderLock:
    """The right to change a folder, for one thread of one process at a time; not re-entrant."""

    def __init__(self, path: Path, *, wait_seconds: float = WAIT_SECONDS) -> None:
        """`path` is the lock's file; it is made in its folder, which must exist, and stays."""
        self._path = path
        self._wait_seconds = wait_seconds

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Wait for the lock and have it in the block.

        Raises StoryGoneError if the folder is gone, StoryBusyError after `wait_seconds`, OutputError.
        """
        deadline = time.monotonic() + self._wait_seconds
        while True:
            descriptor = self._open()
            try:
                self._wait_for(descriptor, deadline)
                if self._is_current(descriptor):
                    yield
                    return
            finally:
                os.close(descriptor)

    def _open(self) -> int:
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            return os.open(self._path, flags, 0o644)
        except (FileNotFoundError, NotADirectoryError):
            raise self._gone() from None
        except OSError as error:
            with told(f"lock {self._path.parent}"):
                raise error

    def _wait_for(self, descriptor: int, deadline: float) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while not try_lock(descriptor):
            if time.monotonic() > deadline:
                raise StoryBusyError(
                    f"{self._path.parent.name}: another process has been busy with it for "
                    f"{self._wait_seconds:g} s; try again, or restart the studio if this goes on"
                )
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _is_current(self, descriptor: int) -> bool:
        """Whether the locked file is still the one at the path: the folder may have moved while waiting."""
        try:
            there = os.stat(self._path)
        except (FileNotFoundError, NotADirectoryError):
            raise self._gone() from None
        return os.path.samestat(there, os.fstat(descriptor))

    def _gone(self) -> StoryGoneError:
        return StoryGoneError(
            f"{self._path.parent.name}: this story was deleted or moved meanwhile; "
            "open it from the list of stories, or restore it from the trash"
        )


def try_lock(descriptor: int) -> bool:
    """Take the lock of an open file or folder unless someone else has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


# --- staging -----------------------------------------------------------------------------------------


@contextlib.contextmanager
def staged(root: Path, lock: FolderLock) -> Iterator[Path]:
    """A new folder in `root` to put things together in; leaving the block removes what is still there.

    To commit, move it, or files of it, elsewhere. While its process lives it is locked, so that `sweep` leaves it
    alone. Raises what `lock` raises, and OutputError.
    """
    with lock.held(), told(f"write to {root.parent.name}"):
        # Made and locked in one go: between the two, a sweep would take it for a leftover.
        make_subfolder(root)
        folder = root / secrets.token_hex(8)
        folder.mkdir()
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try_lock(descriptor)
    try:
        yield folder
    finally:
        # First: the name may by now be that of something committed, which is locked no more.
        os.close(descriptor)
        remove_tree(folder)


def sweep_staging(root: Path) -> int:
    """Remove what killed processes left in the staging folder `root`; how much that was.

    The lock under which `staged` makes its folders must be held.
    """
    num_removed = 0
    for entry in _entries(root):
        if not _is_in_use(entry):
            remove_tree(entry)
            num_removed += 1
    return num_removed


def is_staging_in_use(root: Path) -> bool:
    """Whether some process puts something together in `root`; the lock of `staged` must be held."""
    return any(_is_in_use(entry) for entry in _entries(root))


def _entries(root: Path) -> list[Path]:
    try:
        return sorted(root.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_in_use(entry: Path) -> bool:
    try:
        if not stat.S_ISDIR(entry.lstat().st_mode):
            return False
        descriptor = os.open(entry, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError:
        return True  # cannot be told: leave it
    try:
        return not try_lock(descriptor)
    finally:
        os.close(descriptor)
