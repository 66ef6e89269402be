"""The folder that uploads arrive in: the studio's own, beside its queue, swept of what nobody came back for.

What a story keeps of an upload is a copy in the story's folder. Gradio removes nothing by itself, and would put uploads
into a folder that all users of a machine share.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from moviedreamer_core.atomic import make_folder
from moviedreamer_core.errors import OutputError

VARIABLE = "GRADIO_TEMP_DIR"  # where Gradio puts uploads; read at each of them
KEPT_SECONDS = 24 * 3600.0  # a page that is open since yesterday may still use one
PAUSE_SECONDS = 3600.0  # between two sweeps


@contextlib.contextmanager
def uploads_in(folder: Path) -> Iterator[Path]:
    """In the block, uploads arrive in `folder`, unless VARIABLE names another, and old ones are swept; where they do.

    `folder` is for this user only. Raises OutputError.
    """
    if given := os.environ.get(VARIABLE):
        yield Path(given)
        return
    make_folder(folder)
    try:
        folder.chmod(0o700)
    except OSError as error:
        raise OutputError(
            f"{folder}: cannot be made private ({error.strerror}); choose another folder with --stories"
        ) from error
    os.environ[VARIABLE] = str(folder)
    over = threading.Event()
    thread = threading.Thread(target=_sweep_until, args=(folder, over), name="uploads", daemon=True)
    thread.start()
    try:
        yield folder
    finally:
        over.set()
        thread.join()
        os.environ.pop(VARIABLE, None)


def sweep(folder: Path, *, now: float) -> int:
    """Remove what came to `folder` more than KEPT_SECONDS before `now`, seconds since 1970; how many entries."""
    num_swept = 0
    with contextlib.suppress(OSError):
        for entry in sorted(folder.iterdir()):
            if _newest(entry) > now - KEPT_SECONDS:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)
            num_swept += 1
    return num_swept


def _sweep_until(folder: Path, over: threading.Event) -> None:
    while True:
        sweep(folder, now=time.time())
        if over.wait(PAUSE_SECONDS):
            return


def _newest(entry: Path) -> float:
    """When anything of it was written last; now, if that cannot be told."""
    try:
        inside = entry.rglob("*") if entry.is_dir() and not entry.is_symlink() else ()
        return max(path.lstat().st_mtime for path in (entry, *inside))
    except OSError:
        return time.time()
