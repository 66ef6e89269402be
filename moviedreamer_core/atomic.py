"""Writing files so that a crash, a full disk or a cancelled run leaves the earlier content whole.

The new content goes to a temporary file in the same folder, is flushed to the disk, and takes the name in one
step (`os.replace`, which POSIX and Windows make atomic).
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from moviedreamer_core.errors import OutputError

_ADVICE = {
    errno.ENOSPC: "the disk is full; free some space and try again",
    errno.EDQUOT: "the disk quota is used up; free some space and try again",
    errno.EFBIG: "the file would be too large for this disk; choose another folder",
    errno.EACCES: "no permission to write there; choose another folder",
    errno.EPERM: "no permission to write there; choose another folder",
    errno.EROFS: "the disk is read-only; choose another folder",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
    errno.ENOENT: "its folder does not exist; create it or correct the path",
    errno.ENOTDIR: "a file stands where a folder is needed; choose another path",
    errno.EEXIST: "a file stands where a folder is needed; choose another path",
    errno.EISDIR: "a folder stands there; choose another name",
}


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, with its suffix; leave the block normally and it becomes `path`.

    The file exists and is empty. On any exception, also a cancellation, it is removed and `path` stays as it
    was. Raises OutputError, naming `path`, for whatever the system refuses.
    """
    temporary = _create_beside(path)
    try:
        yield temporary
        _flush(temporary)
        os.replace(temporary, path)
        _flush_folder(path.parent)
    except OSError as error:
        if error.filename is not None and str(error.filename) != str(temporary):
            raise  # about another file, which the block was reading
        raise _output_error(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Make `data` the content of `path`. Raises OutputError."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Make `text` the content of `path`, in UTF-8 with its line ends as they are. Raises OutputError."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: object) -> None:
    """Make `value` the content of `path`: indented, keys in order. Raises OutputError; ValueError for NaN."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def make_folder(path: Path) -> None:
    """Make the folder `path` with its parents unless it is there. Raises OutputError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise _output_error(path, error) from error


def _create_beside(path: Path) -> Path:
    """A new empty file in the folder of `path`, with its suffix and a short name.

    The name is not made from that of `path`: a long one that the system just takes must not fail here.
    """
    try:
        if b"\0" in os.fsencode(path):  # refuses half a character itself
            raise ValueError("embedded null byte")
        temporary = path.with_name(f".{secrets.token_hex(8)}{path.suffix}")
        if path.exists() and not path.is_file():  # a device or a pipe would be replaced by a plain file
            code = errno.EISDIR if path.is_dir() else errno.EPERM
            raise OSError(code, os.strerror(code))
        temporary.open("xb").close()
    except (OSError, ValueError) as error:
        raise _output_error(path, error) from error
    return temporary


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Make the new name itself durable, where the system allows that for folders."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _output_error(path: Path, error: OSError | ValueError) -> OutputError:
    if isinstance(error, ValueError):  # a null byte, half a character, no name at all
        return OutputError(f"cannot write {str(path)!a}: this is not a file name; choose another")
    advice = _ADVICE.get(error.errno or 0, f"{(error.strerror or str(error)).lower()}; choose another folder")
    return OutputError(f"cannot write {path}: {advice}")
