"""A small disk that a test can fill: a tmpfs where mounting is permitted, else writes that fail as on a full one."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

DISK_BYTES = 8 * 2**20
Way = Literal["tmpfs", "injected"]


@dataclass(frozen=True, kw_only=True)
class SmallDisk:
    """`folder` lies on it. `marker` stands for a full disk where writes are refused by injection."""

    folder: Path
    way: Way
    marker: Path

    @contextlib.contextmanager
    def full(self, *, but_for_bytes: int = 0) -> Iterator[None]:
        """In the block, no more than so many bytes are free (none at all where errors are injected)."""
        ballast = self.folder / "ballast" if self.way == "tmpfs" else self.marker
        with ballast.open("wb") as file:
            while self.way == "tmpfs" and free_bytes(self.folder) > but_for_bytes:
                with contextlib.suppress(OSError):  # somebody else took what was free a moment ago
                    size = os.fstat(file.fileno()).st_size
                    os.posix_fallocate(file.fileno(), size, free_bytes(self.folder) - but_for_bytes)
        try:
            yield
        finally:
            ballast.unlink()


def free_bytes(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


@contextlib.contextmanager
def small_disk(folder: Path, wanted: Way) -> Iterator[SmallDisk]:
    """As wanted; by injection where this process may not mount, as its `way` then says."""
    mounted = folder / "disk"
    mounted.mkdir()
    marker = folder / "full"
    if wanted == "tmpfs" and _mount(mounted):
        try:
            yield SmallDisk(folder=mounted, way="tmpfs", marker=marker)
        finally:
            subprocess.run(["umount", "--lazy", str(mounted)], check=True)
    else:
        yield SmallDisk(folder=mounted, way="injected", marker=marker)


def _mount(folder: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=0700", "moviedreamer-test", str(folder)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
