"""What was made for a row and is kept for good: folders that are put together aside, then appear in one step.

A committed folder is never changed, but that the visual tokens of further weights may be added to a take. It holds
`record.json`: the recipe, and the sha256 and size of each file. Takes and clips are such folders.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from moviedreamer_core.atomic import write_text
from moviedreamer_core.errors import StoryError
from moviedreamer_core.validation import explain
from moviedreamer_core.workspace.durable import (
    FolderLock,
    make_subfolder,
    move,
    staged,
    sync_tree,
    told,
)
from moviedreamer_core.workspace.layout import (
    RECORD_FILE,
    STAGING,
    file_kind,
    is_kept_id,
    is_owner_id,
    new_id,
)
from moviedreamer_core.workspace.recipes import ClipRecipe, Digest, TakeRecipe
from moviedreamer_core.workspace.revision import NewerReleaseError

VERSION = 1  # of record.json
MAX_RECORD_BYTES = 4 * 2**20
MAX_FILES = 20  # of one take
_READ_BYTES = 2**20

R = TypeVar("R", TakeRecipe, ClipRecipe)


class FileFacts(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: Digest
    num_bytes: int = Field(ge=1)


class Record(BaseModel, Generic[R]):
    """`record.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = Field(default=VERSION, ge=1, le=VERSION)
    recipe: R
    files: Annotated[dict[str, FileFacts], Field(min_length=1, max_length=MAX_FILES)]


@dataclass(frozen=True, kw_only=True)
class Kept(Generic[R]):
    """A take or a clip of `owner`. `number` counts those of a row from 1."""

    owner: str
    id: str
    folder: Path
    recipe: R
    files: dict[str, FileFacts]

    @property
    def number(self) -> int:
        return int(self.id.partition("-")[0])

    def __hash__(self) -> int:
        return hash((self.owner, self.id))


class Staged(Generic[R]):
    """A take or clip being made: write its files into `folder`, then `commit`."""

    def __init__(self, shelf: Shelf[R], owner: str, folder: Path) -> None:
        self.folder = folder
        self._shelf: Shelf[R] = shelf
        self._owner = owner

    def commit(self, recipe: R) -> Kept[R]:
        """Make what lies in `folder` a take or clip for good.

        Raises StoryError for a file that is missing, empty or does not belong there, StoryGoneError, OutputError;
        then nothing was committed.
        """
        return self._shelf._commit(self._owner, self.folder, recipe)


class Shelf(Generic[R]):
    """The takes, or the clips, of one story. Reading needs no lock."""

    def __init__(
        self, story: Path, name: str, lock: FolderLock, *, recipe: type[R], required: tuple[str, ...]
    ) -> None:
        """`required` are the files that each must have."""
        self._story = story
        self._name = name
        self._lock = lock
        self._record: Any = Record[recipe]
        self._required = required
        self._known: dict[tuple[str, str], Kept[R]] = {}  # records never change

    # --- reading -------------------------------------------------------------------------------------

    def of(self, owner: str) -> tuple[Kept[R], ...]:
        """Those of a row or cast member that are whole, by their numbers."""
        if not is_owner_id(owner):
            return ()
        try:
            ids = sorted(name for name in os.listdir(self._folder(owner)) if is_kept_id(name))
        except OSError:
            return ()
        found = (self._get(owner, kept_id) for kept_id in sorted(ids, key=_number))
        return tuple(kept for kept in found if kept is not None)

    def get(self, owner: str, kept_id: str) -> Kept[R]:
        """Raises StoryError if it is not there, or damaged."""
        kept = self._get(owner, kept_id) if is_owner_id(owner) and is_kept_id(kept_id) else None
        if kept is None or not kept.folder.is_dir():
            raise StoryError(f"{self._name[:-1]} {kept_id[:20]!a} is no longer there; reload the page")
        return kept

    def owners(self) -> list[str]:
        """The rows and cast members that have any, also rows that were deleted."""
        try:
            return sorted(name for name in os.listdir(self._story / self._name) if is_owner_id(name))
        except OSError:
            return []

    def _get(self, owner: str, kept_id: str) -> Kept[R] | None:
        known = self._known.get((owner, kept_id))
        if known is None:
            with contextlib.suppress(StoryError):
                known = self.read(owner, kept_id)
                self._known[owner, kept_id] = known
        return known

    def read(self, owner: str, kept_id: str) -> Kept[R]:
        """As the disk has it now. Raises StoryError naming the file that is missing or damaged."""
        folder = self._folder(owner) / kept_id
        record = self._read_record(folder / RECORD_FILE)
        for name, facts in record.files.items():
            try:
                num_bytes = (folder / name).stat().st_size
            except OSError:
                num_bytes = -1
            if file_kind(f"{self._name}/{owner}/{kept_id}/{name}") is None or num_bytes != facts.num_bytes:
                raise StoryError(f"{kept_id}/{name}: the file is missing or damaged; make it again")
        if missing := [name for name in self._required if name not in record.files]:
            raise StoryError(f"{kept_id}/{missing[0]}: the file is missing; make it again")
        return Kept(owner=owner, id=kept_id, folder=folder, recipe=record.recipe, files=record.files)

    def _read_record(self, path: Path) -> Record[R]:
        where = f"{path.parent.name}/{path.name}"
        try:
            with path.open("rb") as file:
                data = file.read(MAX_RECORD_BYTES + 1)
            mapping = json.loads(data) if len(data) <= MAX_RECORD_BYTES else "more than a record"
            version = mapping.get("version") if isinstance(mapping, dict) else None
            if isinstance(version, int) and version > VERSION:
                raise NewerReleaseError(f"{where}: written by a newer release; update this one")
            record: Record[R] = self._record.model_validate(mapping)
            return record
        except OSError as error:
            raise StoryError(f"{where}: cannot be read ({error.strerror}); make it again") from error
        except ValidationError as error:
            raise StoryError(f"{where}: damaged: {explain(error, self._record)}") from None
        except (ValueError, RecursionError) as error:
            raise StoryError(f"{where}: damaged ({error}); make it again") from error

    def _folder(self, owner: str) -> Path:
        return self._story / self._name / owner

    # --- making --------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def stage(self, owner: str) -> Iterator[Staged[R]]:
        """Put together a take or clip of a row or cast member; what is not committed in the block vanishes.

        Raises StoryGoneError if the story was deleted, OutputError. Do the long work before, or in the block.
        """
        if not is_owner_id(owner):
            raise ValueError(f"owner must be the id of a row or cast member, got {owner!r}")
        with staged(self._story / STAGING, self._lock) as folder:
            yield Staged(self, owner, folder)

    def _commit(self, owner: str, folder: Path, recipe: R) -> Kept[R]:
        with told(f"keep the {self._name[:-1]}"):
            record = self._record(recipe=recipe, files=self._facts(owner, folder))
            record = self._record.model_validate(record.model_dump(warnings=False))  # as it will be read
            write_text(folder / RECORD_FILE, record.model_dump_json() + "\n")
            sync_tree(folder)
            with self._lock.held():
                make_subfolder(self._story / self._name)
                make_subfolder(self._folder(owner))
                kept_id = f"{self._next_number(owner):04}-{new_id(6)}"
                move(folder, self._folder(owner) / kept_id)
        return self.read(owner, kept_id)

    def _facts(self, owner: str, folder: Path) -> dict[str, FileFacts]:
        facts = {}
        for path in sorted(folder.iterdir()):
            if path.name == RECORD_FILE:  # of an attempt that failed
                continue
            place = f"{self._name}/{owner}/0001-aaaaaa/{path.name}"
            if file_kind(place) is None or path.is_symlink() or not path.is_file():
                raise StoryError(f"{path.name}: this does not belong to a {self._name[:-1]}; leave it out")
            if not path.stat().st_size:
                raise StoryError(f"{path.name}: the file is empty; write it before the commit")
            facts[path.name] = FileFacts(sha256=sha256_of(path), num_bytes=path.stat().st_size)
        if missing := [name for name in self._required if name not in facts]:
            raise StoryError(f"{missing[0]}: a {self._name[:-1]} needs this file; write it before the commit")
        return facts

    def _next_number(self, owner: str) -> int:
        ids = [name for name in os.listdir(self._folder(owner)) if is_kept_id(name)]
        return max((_number(kept_id) for kept_id in ids), default=0) + 1

    # --- discarding ----------------------------------------------------------------------------------

    def discard(self, owner: str, kept_id: str) -> None:
        """Delete one for good, in one step. Raises StoryError if it is gone already, OutputError."""
        kept = self.get(owner, kept_id)
        deleting = told(f"delete the {self._name[:-1]}")
        with staged(self._story / STAGING, self._lock) as folder, self._lock.held(), deleting:
            move(kept.folder, folder / kept.id)
        self._known.pop((owner, kept_id), None)

    # --- repair --------------------------------------------------------------------------------------

    def damaged(self) -> list[tuple[Path, str]]:
        """The folders that are not whole, each with what is wrong. Those of newer releases are passed over."""
        found = []
        for owner in self.owners():
            with contextlib.suppress(OSError):
                for kept_id in sorted(filter(is_kept_id, os.listdir(self._folder(owner)))):
                    try:
                        self.read(owner, kept_id)
                    except NewerReleaseError:
                        continue
                    except StoryError as error:
                        found.append((self._folder(owner) / kept_id, str(error)))
        return found


def sha256_of(path: Path) -> str:
    """Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _number(kept_id: str) -> int:
    return int(kept_id.partition("-")[0])
