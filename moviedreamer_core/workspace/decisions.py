"""What a creator decided about shots, apart from the script: locks, chosen and rejected takes, ticks, the movie.

They lie in a file of their own, so that choosing a take in one tab never makes the script in another one stale.
Each act is applied to what the file holds at that moment; the last one wins, per row and per thing decided.

What a person accepted (chose by hand, put there themselves, or locked) no job replaces until they choose: what is
made beside it waits. What is shown only because it was made last gives way to the next that is asked for.
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

VERSION = 2  # 1 did not tell who chose, and knew of nothing that waits
MAX_FILE_BYTES = 8 * 2**20


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Acceptance(_Frozen):
    """A person said that this take is right for this, though it was made for something else."""

    take: KeptId
    fingerprint: Fingerprint


class ShotDecisions(_Frozen):
    """Of one row, or of a cast member's test renders. `take` and `clip` are None for those shown by default.

    `take_by_hand`, `clip_by_hand`: whether a person chose them; None where version 1 of the file did not tell, and then
    a person did if there was more than one to choose from. `waiting` and `waiting_clips` were made while another one
    was accepted, and nobody has decided about them yet.
    """

    locked: bool = False
    take: KeptId | None = None
    take_by_hand: bool | None = None
    waiting: tuple[KeptId, ...] = ()
    accepted: Acceptance | None = None
    rejected: tuple[KeptId, ...] = ()
    clip: KeptId | None = None
    clip_by_hand: bool | None = None
    waiting_clips: tuple[KeptId, ...] = ()
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

    def set_movie(self, **fields: object) -> Decisions:
        """Change these fields of MovieDecisions, whatever the others are. Raises StoryError for an impossible value."""

        def act(decisions: Decisions) -> Decisions:
            try:
                movie = MovieDecisions.model_validate({**dict(decisions.movie), **fields})
            except ValidationError as error:
                raise StoryError(explain(error, MovieDecisions)) from None
            return decisions.model_copy(update={"movie": movie})

        return self.apply(act)

    def _set(self, row_ids: Collection[str], **fields: object) -> Decisions:
        def act(decisions: Decisions) -> Decisions:
            for row_id in row_ids:
                decisions = decisions.with_shot(row_id, **fields)
            return decisions

        return self.apply(act)


def read_decisions(path: Path) -> Decisions:
    """Raises StoryError for a damaged file; a missing one holds no decisions."""
    try:
        found = read_versioned(
            path, Decisions, version=VERSION, max_bytes=MAX_FILE_BYTES, said="the decisions are"
        )
        return found.model_copy(update={"version": VERSION})
    except FileNotFoundError:
        return Decisions()


def write_decisions(decisions: Decisions, path: Path) -> None:
    """Raises OutputError."""
    write_text(path, decisions.model_dump_json() + "\n")
