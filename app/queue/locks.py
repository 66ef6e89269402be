"""One worker per device, and whether any server is there: file locks, which the system frees with their process.

The files stay where they are; only their locks mean anything. Source: flock(2).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from moviedreamer_core.errors import OutputError

PAUSE_SECONDS = 0.02
_MAX_HOLDER_BYTES = 4096


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Who owns a device: a process, the name it goes by in its queue, and the file of that queue."""

    pid: int
    instance: str
    queue: str


class DeviceLock:
    """The right to use the device, for one process at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(
        self, holder: Holder, *, wait_seconds: float, give_up: Callable[[], bool] = lambda: False
    ) -> bool:
        """Take the lock and say who has it; False if it is not free for that long. Raises OutputError."""
        deadline = time.monotonic() + wait_seconds
        while True:
            descriptor = _open(self._path)
            if _try(descriptor, fcntl.LOCK_EX) and _is_at(descriptor, self._path):
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, json.dumps(vars(holder)).encode(), 0)
                self._descriptor = descriptor
                return True
            os.close(descriptor)
            if give_up() or time.monotonic() > deadline:
                return False
            time.sleep(PAUSE_SECONDS)  # a server that looks whether it is free has it for an instant

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def device_is_free(path: Path) -> bool:
    """Whether nobody owns the device just now. Raises OutputError."""
    descriptor = _open(path)
    try:
        return _try(descriptor, fcntl.LOCK_SH)  # shared: two that look do not see each other
    finally:
        os.close(descriptor)


def device_holder(path: Path) -> Holder | None:
    """Who owns the device, as far as it can be read; meaningful only while it is not free."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        found = json.loads(path.read_bytes()[:_MAX_HOLDER_BYTES])
        return Holder(pid=int(found["pid"]), instance=str(found["instance"]), queue=str(found["queue"]))
    return None


@contextlib.contextmanager
def present(path: Path) -> Iterator[None]:
    """In the block, this process counts as a server. Raises OutputError."""
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)  # waits only for somebody who just looks
        yield
    finally:
        os.close(descriptor)


def anyone_present(path: Path) -> bool:
    """Whether some process counts as a server. Raises OutputError."""
    descriptor = _open(path)
    try:
        return not _try(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """In the block, no other process or thread is in such a block. Raises OutputError."""
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(f"cannot lock {path}: {reason}; choose a folder that can be written") from error


def _try(descriptor: int, mode: int) -> bool:
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    """A lock on a file that was removed since would be a lock on nothing."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except OSError:
        return False
