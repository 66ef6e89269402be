"""Writing a folder of files that belong together so that a kill leaves either the old ones or the new ones."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from moviedreamer_core.atomic import make_folder
from moviedreamer_core.errors import OutputError


@contextlib.contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder beside `folder`; leave the block normally and it takes that name, with all it holds.

    On any exception `folder` stays as it was. There is a moment without a folder of that name, between two renames:
    a process killed right then leaves the old one beside it as `.<name>.old`, and the next call takes it back.
    Raises OutputError, naming `folder`, for whatever the system refuses to rename.
    """
    folder = folder.resolve()  # a link stays a link
    new, old = (folder.with_name(f".{folder.name}.{state}") for state in ("new", "old"))
    make_folder(folder.parent)
    if old.exists() and not folder.exists():
        _rename(old, folder)
    for left_behind in (new, old):
        shutil.rmtree(left_behind, ignore_errors=True)
    make_folder(new)
    try:
        yield new
        if folder.exists():
            _rename(folder, old)
        try:
            _rename(new, folder)
        except OutputError:
            if old.exists():
                _rename(old, folder)
            raise
    finally:
        shutil.rmtree(new, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


def _rename(folder: Path, name: Path) -> None:
    try:
        os.rename(folder, name)
    except OSError as error:
        raise OutputError(f"cannot write {name}: {error.strerror or error}; choose another folder") from error
