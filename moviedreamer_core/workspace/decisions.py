"""What a creator decided about shots, apart from the script: locks, chosen and rejected takes, ticks, the movie.

They lie in a file of their own, so that choosing a take in one tab never makes the script in another one stale.
Each act is applied to what the file holds at that moment; the last one wins, per row and per thing decided.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from moviedreamer_core.atomic import write_text
from moviedreamer_core.errors import StoryError
from moviedreamer_core.validation import explain
from moviedreamer_core.workspace.durable import FolderLock
from moviedreamer_core.workspace.layout import DECISIONS_FILE, KeptId, MusicPath, OwnerId
from moviedreamer_core.workspace.recipes import Fingerprint, Motion
from moviedreamer_core.workspace.revision import read_versioned

VERSION = 1
MAX_FILE_BYTES = 8 * 2**20


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Acceptance(_Frozen):
    """A person said that this take is right for this, though it was made for something else."""

    take: KeptId
    fingerprint: Fingerprint


class ShotDecisions(_Frozen):
    """Of one row, or of a cast member's test renders. `take` and `clip` are None for those shown by default."""

    locked: bool = False
    take: KeptId | None = None
    accepted: Acceptance | None = None
    rejected: tuple[KeptId, ...] = ()
    clip: KeptId | None = None
    animate: bool = False
    motion: Motion | None = None


class MovieDecisions(_Frozen):
    """How the movie is put together."""

    transition: Literal["cut", "crossfade"] = "cut"
    subtitles: Literal["none", "file", "burned"] = "none"
    music: MusicPath | None = None


class Decisions(_Frozen):
    """`number` grows by one with every act."""

    version: int = Field(default=VERSION, ge=1, le=VERSION)
    number: int = Field(default=0, ge=0)
    shots: dict[OwnerId, ShotDecisions] = {}
    movie: MovieDecisions = MovieDecisions()

    def of(self, owner: str) -> ShotDecisions:
        """Those about a row or cast member; the defaults where nothing was decided."""
        return self.shots.get(owner, ShotDecisions())

    def with_shot(self, owner: str, **fields: object) -> Decisions:
        """The decisions with these of `owner` changed. Raises StoryError for a value that cannot be."""
        try:
            shot = ShotDecisions.model_validate({**dict(self.of(owner)), **fields})
            return Decisions.model_validate({**dict(self), "shots": {**self.shots, owner: shot}})
        except ValidationError as error:
            raise StoryError(explain(error, ShotDecisions)) from None


class DecisionsFile:
    """decisions.json of one story. Reading needs no lock; what writes takes it."""

    def __init__(self, folder: Path, lock: FolderLock) -> None:
        self._path = folder / DECISIONS_FILE
        self._lock = lock

    def read(self) -> Decisions:
        """All defaults where nothing was decided yet. Raises StoryError for a damaged file."""
        return read_decisions(self._path)

    def apply(self, act: Callable[[Decisions], Decisions]) -> Decisions:
        """Write what `act` makes of the decisions, if that is something else. Raises StoryError, OutputError."""
        with self._lock.held():
            before = self.read()
            after = act(before)
            if after == before:
                return before
            after = after.model_copy(update={"number": before.number + 1})
            write_decisions(after, self._path)
            return after

    def lock(self, row_ids: Collection[str]) -> Decisions:
        """Locked shots keep their take and are passed over when everything is generated."""
        return self._set(row_ids, locked=True)

    def unlock(self, row_ids: Collection[str]) -> Decisions:
        return self._set(row_ids, locked=False)

    def tick(self, row_ids: Collection[str], *, animate: bool) -> Decisions:
        """Choose whether these shots are to become clips."""
        return self._set(row_ids, animate=animate)

    def set_motion(self, row_ids: Collection[str], motion: str | int | None) -> Decisions:
        """How much moves in these shots' clips: a word, a bucket of 0 to 255, or None for the usual."""
        return self._set(row_ids, motion=motion)

    def set_movie(self, movie: MovieDecisions) -> Decisions:
        return self.apply(lambda decisions: decisions.model_copy(update={"movie": movie}))

    def _set(self, row_ids: Collection[str], **fields: object) -> Decisions:
        def act(decisions: Decisions) -> Decisions:
            for row_id in row_ids:
                decisions = decisions.with_shot(row_id, **fields)
            return decisions

        return self.apply(act)


def read_decisions(path: Path) -> Decisions:
    """Raises StoryError for a damaged file; a missing one holds no decisions."""
    try:
        return read_versioned(
            path, Decisions, version=VERSION, max_bytes=MAX_FILE_BYTES, said="the decisions are"
        )
    except FileNotFoundError:
        return Decisions()


def write_decisions(decisions: Decisions, path: Path) -> None:
    """Raises OutputError."""
    write_text(path, decisions.model_dump_json() + "\n")
