"""A zip that somebody gives, read with bounds: nothing of it is believed until it is checked.

How much is read, and how much memory its table of contents may take, is bounded before anything is unpacked, and
no member is written under a name of its own.
Source: D. Fifield, "A better zip bomb" (WOOT 2019): overlapping members, huge tables of contents.
"""

from __future__ import annotations

import io
import posixpath
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from moviedreamer_core.errors import InputError
from moviedreamer_core.workspace.durable import told

MAX_ARCHIVE_BYTES = 4 * 2**30
MAX_TOTAL_BYTES = 8 * 2**30  # unpacked
MAX_MEMBERS = 20_000
MAX_DIRECTORY_BYTES = 4 * 2**20  # of the table of contents, which is held in memory
MAX_RATIO = 100  # unpacked to packed, beyond FREE_BYTES; real stories have at most 20
FREE_BYTES = 10 * 2**20
MAX_NAME_CHARACTERS = 500

_READ_BYTES = 2**16
_SKIPPED_FOLDERS = ("__MACOSX/",)  # what systems add by themselves
_SKIPPED_NAMES = (".DS_Store", "Thumbs.db", "desktop.ini")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
# What the standard library raises on damaged zips; RuntimeError for passwords, ValueError for broken names.
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError,
    KeyError, IndexError, OverflowError,
)  # fmt: skip


class ArchiveError(InputError):
    """A zip that is no story, is damaged, or would unpack to too much; names the zip and the member."""


class Archive:
    """A zip whose members are plain files with harmless names, not too many, and not too large together.

    `members` maps the path of each inside the story: normalised, without a folder that holds everything.
    """

    def __init__(self, archive: zipfile.ZipFile, *, name: str, num_bytes: int) -> None:
        """`num_bytes` is the size of the zip's file. Raises ArchiveError before anything is unpacked."""
        self.name = name
        self._archive = archive
        entries = [entry for entry in archive.infolist() if not _is_skipped(entry)]
        if len(entries) > MAX_MEMBERS:
            raise ArchiveError(
                f"{name}: it holds {len(entries)} files, the limit is {MAX_MEMBERS}; remove takes"
            )
        for entry in entries:
            _check_entry(entry, name)
        total = sum(entry.file_size for entry in entries)
        if total > min(MAX_TOTAL_BYTES, max(FREE_BYTES, MAX_RATIO * num_bytes)):
            raise ArchiveError(
                f"{name}: {num_bytes / 2**20:.1f} MB would unpack to {total / 2**20:.0f} MB, "
                "which no story does; export it again"
            )
        self.members = _by_path(entries, name)

    def extract(self, path: str, target: Path, *, max_bytes: int) -> None:
        """Write the member at `path` to the new file `target`, making its folder.

        Raises ArchiveError for a member that is damaged or larger than `max_bytes`, OutputError.
        """
        entry, where = self.members[path], f"{self.name}: {quoted(path)}"
        if entry.file_size > max_bytes:
            raise ArchiveError(
                f"{where} has {entry.file_size / 2**20:.0f} MB, the limit is {max_bytes / 2**20:.0f} MB; "
                "make it smaller"
            )
        with told(f"unpack {self.name}"):
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as output:
                for block in self._blocks(entry, where):
                    output.write(block)

    def _blocks(self, entry: zipfile.ZipInfo, where: str) -> Iterator[bytes]:
        """What the member holds; exactly as much as it declares."""
        left = entry.file_size
        try:
            with self._archive.open(entry) as file:
                while block := file.read(_READ_BYTES):
                    left -= len(block)
                    if left < 0:
                        raise zipfile.BadZipFile("larger than it says")
                    yield block
        except (*_DAMAGED, OSError) as error:
            raise _damaged(where, error) from error
        if left:
            raise ArchiveError(f"{where}: cut off; export or copy it again")


@contextmanager
def opened_archive(source: Path) -> Iterator[Archive]:
    """Raises ArchiveError for a file that is missing, no zip, damaged or not allowed."""
    name = source.name
    try:
        if not source.is_file():
            raise ArchiveError(f"{name!a}: there is no such zip; correct the path")
        num_bytes = source.stat().st_size
        file = source.open("rb")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ArchiveError(f"{name!a}: cannot be read ({reason}); check the file") from error
    with file:
        if num_bytes > MAX_ARCHIVE_BYTES:
            raise ArchiveError(
                f"{name}: the zip has {num_bytes / 2**30:.1f} GB, the limit is {MAX_ARCHIVE_BYTES // 2**30} GB; "
                "export the story without its movies"
            )
        try:
            archive = zipfile.ZipFile(_BoundedReads(file))
        except (*_DAMAGED, OSError) as error:
            raise _damaged(name, error) from error
        with archive:
            yield Archive(archive, name=name, num_bytes=num_bytes)


class _BoundedReads(io.RawIOBase):
    """A file that refuses to be read in pieces larger than a table of contents may be."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(MAX_DIRECTORY_BYTES + 1 if size < 0 else min(size, MAX_DIRECTORY_BYTES + 1))
        if len(data) > MAX_DIRECTORY_BYTES:
            raise zipfile.BadZipFile("its table of contents is too large")
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


def _damaged(where: str, error: Exception) -> ArchiveError:
    reason = (str(error) or type(error).__name__).splitlines()[0][:100]
    return ArchiveError(f"{where}: no zip, or damaged ({ascii(reason)[1:-1]}); export or copy it again")


def _by_path(entries: list[zipfile.ZipInfo], name: str) -> dict[str, zipfile.ZipInfo]:
    paths = [_normalised(entry.filename, name) for entry in entries]
    prefix = _common_folder(paths)
    members: dict[str, zipfile.ZipInfo] = {}
    seen: set[str] = set()
    for entry, whole_path in zip(entries, paths, strict=True):
        path = whole_path.removeprefix(prefix)
        key = unicodedata.normalize("NFC", path).casefold()  # one file on systems that ignore case
        if key in seen:
            raise ArchiveError(f"{name}: {quoted(path)} is in it twice; keep one")
        seen.add(key)
        members[path] = entry
    return members


def _is_skipped(entry: zipfile.ZipInfo) -> bool:
    name = entry.filename
    return (
        name.endswith("/")
        or any(name.startswith(folder) for folder in _SKIPPED_FOLDERS)
        or posixpath.basename(name) in _SKIPPED_NAMES
    )


def _check_entry(entry: zipfile.ZipInfo, name: str) -> None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise ArchiveError(f"{name}: {quoted(entry.filename)} is a link or a device; zip plain files only")
    if entry.flag_bits & _ENCRYPTED:
        raise ArchiveError(f"{name}: {quoted(entry.filename)} is encrypted; zip it without a password")
    if entry.compress_type not in _METHODS:
        raise ArchiveError(f"{name}: {quoted(entry.filename)} is packed in an unusual way; zip it again")


def _normalised(filename: str, name: str) -> str:
    """A relative path with forward slashes, without dots. Raises ArchiveError for any other."""
    path = filename.replace("\\", "/")
    parts = PurePosixPath(path).parts
    is_harmless = (
        bool(parts)
        and not path.startswith("/")
        and ".." not in parts
        and ":" not in path
        and len(path) <= MAX_NAME_CHARACTERS
        and path.isprintable()
    )
    if not is_harmless:
        raise ArchiveError(
            f"{name}: {quoted(filename)} leads out of the story's folder; zip the folder itself"
        )
    return "/".join(parts)


def _common_folder(paths: list[str]) -> str:
    """The folder that everything lies in, with its slash; "" without one."""
    first = {path.partition("/")[0] for path in paths}
    return f"{first.pop()}/" if len(first) == 1 and all("/" in path for path in paths) else ""


def quoted(name: str) -> str:
    """A member's name, shortened, on one line."""
    shown = name if len(name) <= 80 else f"{name[:79]}…"
    return f'"{shown}"' if shown.isprintable() else ascii(shown)
