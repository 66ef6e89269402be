"""Files between the browser and the stories: addresses of pictures, and what was uploaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from gradio.utils import get_upload_folder

from moviedreamer_core.errors import InputError


def address_of(path: Path) -> str:
    """Where the browser finds a file of a story; its content never changes, or its name has the version."""
    return f"/gradio_api/file={quote(path.as_posix())}"


def uploaded(asked: dict[str, Any]) -> Path:
    """The file that a script has just uploaded. Raises InputError for any other file of this machine."""
    try:
        path = Path(str(asked.get("path", ""))).resolve()
        is_upload = path.is_relative_to(Path(get_upload_folder()).resolve()) and path.is_file()
    except (OSError, ValueError):  # a null byte, or links in a circle
        is_upload = False
    if not is_upload:
        raise InputError("the file did not arrive; choose it again")
    return path
