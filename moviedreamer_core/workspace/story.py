"""One story on disk, as the server and the worker see it at the same time.

Whoever changes something takes the story's lock for milliseconds; reading takes none, since every file appears in
one step and the script, the decisions and the takes each lie in files of their own.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from moviedreamer_core.errors import StoryError
from moviedreamer_core.workspace.decisions import Acceptance, Decisions, DecisionsFile
from moviedreamer_core.workspace.durable import (
    FolderLock,
    make_subfolder,
    staged,
    sync_file,
    sync_folder,
    told,
)
from moviedreamer_core.workspace.exported import made_from, note_made_from, read_made_from
from moviedreamer_core.workspace.freshness import (
    Shot,
    is_accepted_clip,
    is_accepted_take,
    shots,
    shown_clip,
    shown_take,
)
from moviedreamer_core.workspace.journal import Journal
from moviedreamer_core.workspace.layout import (
    EXPORTS,
    LOCK_FILE,
    STAGING,
    is_export_name,
    known_file,
    story_id_of,
)
from moviedreamer_core.workspace.pictures import PictureStore
from moviedreamer_core.workspace.readings import Readings
from moviedreamer_core.workspace.revision import Revision
from moviedreamer_core.workspace.takes import Clip, Clips, Take, Takes


@dataclass(frozen=True, kw_only=True)
class StoryView:
    """The story at one moment. `shots` has an entry per row, in order."""

    revision: Revision
    decisions: Decisions
    shots: tuple[Shot, ...]

    def shot(self, row_id: str) -> Shot:
        """Raises StoryError if the row is gone."""
        return self.shots[self.revision.draft.position(row_id)]

    @property
    def shown_takes(self) -> dict[str, Take]:
        """The take that is shown in each row that has one, by row id: what later keyframes follow."""
        return {shot.row.id: shot.take for shot in self.shots if shot.take is not None}

    @property
    def to_draw(self) -> tuple[str, ...]:
        """The rows that "generate" draws: not locked, and without a take in full quality."""
        return tuple(
            shot.row.id
            for shot in self.shots
            if not shot.locked and (shot.take is None or shot.take.recipe.is_preview)
        )


class StoryFolder:
    """A story's parts: `script` (revisions), `decisions`, `takes`, `clips`, `pictures`, `readings`; and what concerns
    several.

    It may be kept open for long and used by several threads. After the story was deleted, whatever is asked raises
    StoryGoneError.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = FolderLock(path / LOCK_FILE)
        self.script = Journal(path, self.lock)
        self.decisions = DecisionsFile(path, self.lock)
        self.takes = Takes(path, self.lock)
        self.clips = Clips(path, self.lock)
        self.pictures = PictureStore(path, self.lock)
        self.readings = Readings(path, self.lock)

    @property
    def id(self) -> str:
        return story_id_of(self.path.name) or self.path.name

    def view(self, *, weights_hash: str | None = None) -> StoryView:
        """All there is to show. With `weights_hash`, what other weights made counts as stale.

        Raises StoryError, StoryGoneError.
        """
        revision = self.script.head()
        decisions = self.decisions.read()  # before the takes: a chosen one is then among them
        rows = revision.draft.rows
        takes = {row.id: self.takes.of(row.id) for row in rows}
        clips = {row.id: self.clips.of(row.id) for row in rows}
        boxes = self.readings.face_boxes()
        found = shots(revision.draft, decisions, takes, clips, boxes=boxes, weights_hash=weights_hash)
        return StoryView(revision=revision, decisions=decisions, shots=found)

    def file(self, relative: str) -> Path:
        """The file of this story at `relative`, e.g. "takes/…/image.png". Raises StoryError for any other path."""
        return known_file(self.path, relative)

    # --- takes ---------------------------------------------------------------------------------------

    def choose(self, row_id: str, take_id: str, *, keep_later: bool = False) -> Decisions:
        """Show this take, as a person wants it: it stays until they choose another, and nothing waits any more.

        With `keep_later`, the later shots count as made for it: they stay as they are.
        Raises StoryError for a take that is gone and for a locked shot.
        """
        take = self.takes.get(row_id, take_id)

        def act(decisions: Decisions) -> Decisions:
            if decisions.of(row_id).locked:
                raise StoryError("this shot is locked; unlock it to choose another take")
            before = self._shots(decisions)
            decisions = self._with_choice(decisions, row_id, take, before if keep_later else ())
            return decisions.with_shot(row_id, take_by_hand=True, waiting=())

        return self.decisions.apply(act)

    def choose_in_place_of(
        self,
        row_id: str,
        take_id: str,
        earlier_id: str | None,
        *,
        keep_later: bool | Collection[str] = False,
        over_accepted: bool = False,
    ) -> bool:
        """Show a take that was asked for while `earlier_id` was shown (None: none), unless that changed meanwhile, or
        a person accepted it (see `freshness.is_accepted_take`) and not `over_accepted`: then the new take waits.

        For a worker that ends what a person asked for: a choice or a lock made while it drew stands. `keep_later`: of
        all later shots, or of those in these rows, what was in order stays so. Whether the take is shown now.
        """
        take = self.takes.get(row_id, take_id)

        def act(decisions: Decisions) -> Decisions:
            decided = decisions.of(row_id)
            others = tuple(one for one in self.takes.of(row_id) if one.id != take_id)
            shown = shown_take(others, decided)
            if take_id in (decided.take, earlier_id):
                return decisions
            stays = decided.locked or (is_accepted_take(shown, others, decided) and not over_accepted)
            if stays or (shown.id if shown else None) != earlier_id:
                waiting = tuple(dict.fromkeys([*decided.waiting, take_id]))
                return decisions.with_shot(row_id, waiting=waiting)
            before = self._shots(decisions, without=take)  # it may be shown by default already
            if not isinstance(keep_later, bool):
                before = tuple(shot for shot in before if shot.row.id in keep_later)
            decisions = self._with_choice(decisions, row_id, take, before if keep_later else ())
            return decisions.with_shot(row_id, take_by_hand=False)

        decided = self.decisions.apply(act).of(row_id)
        return shown_take(self.takes.of(row_id), decided) == take

    def _with_choice(
        self, decisions: Decisions, row_id: str, take: Take, to_keep: tuple[Shot, ...]
    ) -> Decisions:
        """`decisions` with `take` chosen; what was in order in `to_keep` and is outdated by it is accepted."""
        before = decisions.of(row_id)
        rejected = tuple(one for one in before.rejected if one != take.id)
        waiting = tuple(one for one in before.waiting if one != take.id)
        decisions = decisions.with_shot(row_id, take=take.id, rejected=rejected, waiting=waiting)
        in_order = {shot.row.id for shot in to_keep if "predecessors" not in shot.stale_for}
        for shot in self._shots(decisions) if in_order else ():
            if shot.row.id not in in_order or "predecessors" not in shot.stale_for or shot.take is None:
                continue
            made_for, accepted = shot.take.recipe.fingerprint, shot.decisions.accepted
            if accepted is not None and accepted.take == shot.take.id:
                made_for = accepted.fingerprint
            kept = made_for.model_copy(update={"predecessors": shot.fingerprint.predecessors})
            decisions = decisions.with_shot(
                shot.row.id, accepted=Acceptance(take=shot.take.id, fingerprint=kept)
            )
        return decisions

    def _shots(self, decisions: Decisions, *, without: Take | None = None) -> tuple[Shot, ...]:
        draft = self.script.head().draft
        takes = {
            row.id: tuple(take for take in self.takes.of(row.id) if take != without) for row in draft.rows
        }
        return shots(draft, decisions, takes, {}, boxes=self.readings.face_boxes())

    def keep_as_is(self, row_ids: Collection[str]) -> Decisions:
        """Accept the takes that are shown in these rows for what the script is now: they are stale no more."""

        def act(decisions: Decisions) -> Decisions:
            for shot in self._shots(decisions):
                if shot.row.id in set(row_ids) and shot.take is not None:
                    accepted = Acceptance(take=shot.take.id, fingerprint=shot.fingerprint)
                    decisions = decisions.with_shot(shot.row.id, accepted=accepted)
            return decisions

        return self.decisions.apply(act)

    def reject(self, row_id: str, take_id: str) -> Decisions:
        """Keep a take, but neither show it nor choose it by default. Raises StoryError for a locked shot's take."""
        take = self.takes.get(row_id, take_id)

        def act(decisions: Decisions) -> Decisions:
            decided = decisions.of(row_id)
            if decided.locked and shown_take(self.takes.of(row_id), decided) == take:
                raise StoryError("this shot is locked; unlock it to reject its take")
            fields: dict[str, object] = {
                "rejected": tuple(dict.fromkeys([*decided.rejected, take_id])),
                "waiting": tuple(one for one in decided.waiting if one != take_id),
            }
            if decided.take == take_id:
                fields |= {"take": None, "take_by_hand": False}
            return decisions.with_shot(row_id, **fields)

        return self.decisions.apply(act)

    def accept_again(self, row_id: str, take_id: str) -> Decisions:
        """Take back a rejection."""

        def act(decisions: Decisions) -> Decisions:
            rejected = tuple(one for one in decisions.of(row_id).rejected if one != take_id)
            return decisions.with_shot(row_id, rejected=rejected)

        return self.decisions.apply(act)

    def choose_clip(self, row_id: str, clip_id: str) -> Decisions:
        """Show this clip, as a person wants it: see `choose`. Raises StoryError for one that is gone."""
        clip: Clip = self.clips.get(row_id, clip_id)
        return self.decisions.apply(
            lambda decisions: decisions.with_shot(row_id, clip=clip.id, clip_by_hand=True, waiting_clips=())
        )

    def choose_clip_in_place_of(
        self, row_id: str, clip_id: str, earlier_id: str | None, *, over_accepted: bool = False
    ) -> bool:
        """Show a clip that was asked for while `earlier_id` was chosen (None: none): see `choose_in_place_of`."""
        clip = self.clips.get(row_id, clip_id)

        def act(decisions: Decisions) -> Decisions:
            decided = decisions.of(row_id)
            if decided.clip == clip.id:
                return decisions
            others = tuple(one for one in self.clips.of(row_id) if one.id != clip.id)
            take = shown_take(self.takes.of(row_id), decided)
            shown = shown_clip(others, take, decided)
            if decided.clip != earlier_id or (is_accepted_clip(shown, others, decided) and not over_accepted):
                waiting = tuple(dict.fromkeys([*decided.waiting_clips, clip.id]))
                decisions = decisions.with_shot(row_id, waiting_clips=waiting)
                if decided.clip is not None or shown is None:
                    return decisions
                return decisions.with_shot(row_id, clip=shown.id, clip_by_hand=False)  # else the latest shows
            waiting = tuple(one for one in decided.waiting_clips if one != clip.id)
            return decisions.with_shot(row_id, clip=clip.id, clip_by_hand=False, waiting_clips=waiting)

        return self.decisions.apply(act).of(row_id).clip == clip.id

    def discard_deleted_rows(self) -> int:
        """Delete the takes and clips of rows that no undo brings back, for good; how many. Raises OutputError."""
        owned = {
            *self.takes.owners(),
            *self.clips.owners(),
        }  # listed first: a row is there before its takes are
        draft = self.script.head().draft
        gone = owned - {row.id for row in draft.rows} - {member.id for member in draft.cast}
        if gone:
            # Without the lock a redo could take a row from a listed revision to one that is not.
            with self.lock.held():
                gone -= self.script.owners()
        num_discarded = 0
        for owner in sorted(gone):
            for shelf in (self.takes, self.clips):
                for kept in shelf.of(owner):
                    shelf.discard(owner, kept.id)
                    num_discarded += 1
        return num_discarded

    # --- exports -------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def exporting(self, name: str, view: StoryView | None = None) -> Iterator[Path]:
        """Yield a path to write to; leave the block normally and the file becomes exports/`name`, in one step.

        `view` is what it is made from, for `is_export_outdated`. What had the name before stays until then.
        Raises StoryError if nothing was written, StoryGoneError, OutputError; ValueError for a name of no export.
        """
        if not is_export_name(name):
            raise ValueError(f"an export is called like movie.mp4 or contact-sheet.png, got {name!r}")
        with staged(self.path / STAGING, self.lock) as folder:
            yield folder / name
            if not (folder / name).is_file() or not (folder / name).stat().st_size:
                raise StoryError(f"{name}: nothing was written; export it again")
            with told(f"export {name}"):
                sync_file(folder / name)
                with self.lock.held():
                    make_subfolder(self.path / EXPORTS)
                    os.replace(folder / name, self.path / EXPORTS / name)
                    note_made_from(self.path / EXPORTS, name, "" if view is None else made_from(view, name))
                    sync_folder(self.path / EXPORTS)

    def is_export_outdated(self, name: str, view: StoryView) -> bool | None:
        """Whether exports/`name` was made from something else than what `view` shows; None where nobody knows."""
        digest = read_made_from(self.path / EXPORTS).get(name)
        return digest != made_from(view, name) if digest else None

    def exports(self) -> tuple[Path, ...]:
        """What was exported, by name."""
        try:
            return tuple(
                sorted(path for path in (self.path / EXPORTS).iterdir() if is_export_name(path.name))
            )
        except OSError:
            return ()
