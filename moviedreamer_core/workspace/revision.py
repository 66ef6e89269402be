"""One state of the script as a file: `revisions/00000012.json`, written once and never changed."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from moviedreamer_core.atomic import write_text
from moviedreamer_core.errors import StoryError
from moviedreamer_core.validation import explain
from moviedreamer_core.workspace.draft import Draft

VERSION = 1  # of the file; raise it when a reader would misunderstand
MAX_FILE_BYTES = 16 * 2**20  # a story file of 2 MB with all its escapes fits

Act = Literal["new", "edit", "undo", "redo", "copy", "by hand"]


Stored = TypeVar("Stored", bound=BaseModel)


class NewerReleaseError(StoryError):
    """The file is whole, but this release cannot read it."""


class Revision(BaseModel):
    """One state of the script. `undo` and `redo` number the revisions whose script comes back, the next one last.

    Saves in a row with the same `step`, if it is not empty, are undone together: one typing of a sentence.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = Field(default=VERSION, ge=1, le=VERSION)
    number: int = Field(ge=1, le=99_999_999)
    act: Act = "edit"
    label: str = Field(default="", max_length=200)  # what was done, in a few words
    step: str = Field(default="", max_length=200)
    made_at: datetime.datetime
    story_file_sha256: str = Field(default="", max_length=64)  # of story.yaml as this revision writes it
    undo: tuple[int, ...] = ()
    redo: tuple[int, ...] = ()
    draft: Draft

    @property
    def can_undo(self) -> bool:
        return bool(self.undo)

    @property
    def can_redo(self) -> bool:
        return bool(self.redo)


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def file_name(number: int) -> str:
    return f"{number:08}.json"


def number_of(name: str) -> int | None:
    """The number of the revision in a file of this name; None for another file."""
    digits = name.removesuffix(".json")
    is_ours = len(digits) == 8 and digits.isascii() and digits.isdigit() and name.endswith(".json")
    return int(digits) if is_ours else None


def checked(draft: Draft) -> Draft:
    """`draft` as it will be read back. Raises StoryError: the field, and what is wrong with it."""
    try:
        return Draft.model_validate(draft.model_dump(warnings=False))  # a copy may have passed the checks by
    except ValidationError as error:
        raise StoryError(explain(error, Draft)) from None


def write_revision(revision: Revision, path: Path) -> None:
    """Raises OutputError; StoryError for a script that is too large."""
    text = json.dumps(revision.model_dump(mode="json"), ensure_ascii=False, allow_nan=False) + "\n"
    if len(text.encode()) > MAX_FILE_BYTES:
        raise StoryError("the script is too large; split the story into two")
    write_text(path, text)


def read_revision(path: Path) -> Revision:
    """Raises FileNotFoundError; StoryError if the file is damaged, NewerReleaseError if it is of a newer one."""
    return read_versioned(path, Revision, version=VERSION, max_bytes=MAX_FILE_BYTES, said="the revision is")


def read_versioned(path: Path, kind: type[Stored], *, version: int, max_bytes: int, said: str) -> Stored:
    """One JSON value that carries its `version`; `said` begins what is told of a damaged one.

    Raises FileNotFoundError; StoryError if the file is damaged, NewerReleaseError if it is of a newer release.
    """
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
        mapping = json.loads(data) if len(data) <= max_bytes else f"more than {max_bytes} bytes"
        found = mapping.get("version") if isinstance(mapping, dict) else None
        if isinstance(found, int) and found > version:
            raise NewerReleaseError(
                f"{path.name}: written by a newer release (version {found}); update this one"
            )
        return kind.model_validate(mapping)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StoryError(f"{path.name}: cannot be read ({error.strerror}); check the folder") from error
    except ValidationError as error:  # before ValueError, which it is
        raise StoryError(f"{path.name}: {said} damaged: {explain(error, kind)}") from None
    except (ValueError, RecursionError) as error:
        raise StoryError(f"{path.name}: {said} damaged ({error}); open the story again") from error
