"""Several shots drawn again by one job, while all others stay: those that are stale, or those that a person picks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from app.desk.jobs import Cost
from app.desk.shot_cards import DRAWING_KINDS, RowWork, is_asked_for, work_on_rows
from app.queue.jobs import RedrawKeyframes
from app.queue.settings import new_seed
from moviedreamer_core.errors import StoryError
from moviedreamer_core.workspace import Shot, StoryView, story_of

if TYPE_CHECKING:
    from app.desk.desk import Desk


class Redraws:
    """What the storyboard, the script and the continuity tab may ask of many shots at once."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def redraw(self, story_id: str, row_ids: Collection[str]) -> int:
        """Queue a new variation of each of these shots that is not locked; the job's id.

        Raises StoryError for no row, a row that is gone, if none is left, or for a story that cannot be drawn;
        QueueError.
        """
        if not row_ids:
            raise StoryError("no shot is picked; pick at least one to draw again")
        view = self._view(story_id)
        job = self._job(story_id, _unlocked(view, row_ids), new=True)
        if job is None:
            raise StoryError("these shots are locked; unlock them to draw them again")
        story_of(view.revision.draft)
        return self._desk.jobs.enqueue(job)

    def cost(self, story_id: str, row_ids: Collection[str]) -> Cost:
        """What `redraw` would take."""
        return self.cost_in(self._view(story_id), story_id, row_ids)

    def cost_in(self, view: StoryView, story_id: str, row_ids: Collection[str]) -> Cost:
        """As `cost`, of the story as it is in `view`."""
        return self._cost(self._job(story_id, _unlocked(view, row_ids), new=True))

    def redraw_stale(self, story_id: str) -> int:
        """Queue the stale shots with the seeds they have, so that only what changed changes; the job's id.

        Raises StoryError if none is stale or the story cannot be drawn, QueueError.
        """
        snapshot = self._desk.queue.snapshot()
        view = self._view(story_id)
        job = self._stale_job(story_id, view, work_on_rows(snapshot.of_story(story_id), DRAWING_KINDS))
        if job is None:
            raise StoryError("no shot is stale, or the stale ones are being drawn already; see the queue")
        story_of(view.revision.draft)
        return self._desk.jobs.enqueue(job)

    def cost_of_stale(self, story_id: str, view: StoryView, work: Mapping[str, RowWork]) -> Cost | None:
        """What `redraw_stale` would take; None if there is nothing to redraw."""
        job = self._stale_job(story_id, view, work)
        return None if job is None else self._cost(job)

    def _stale_job(
        self, story_id: str, view: StoryView, work: Mapping[str, RowWork]
    ) -> RedrawKeyframes | None:
        stale = [shot for shot in view.shots if _is_stale(shot) and not is_asked_for(work.get(shot.row.id))]
        return self._job(story_id, stale, new=False)

    def _job(self, story_id: str, shots: Collection[Shot], *, new: bool) -> RedrawKeyframes | None:
        if not shots:
            return None
        return RedrawKeyframes(
            story_id=story_id,
            keyframes=tuple(shot.row.id for shot in shots),
            seeds=tuple(new_seed() if new else _own_seed(shot) for shot in shots),
            drawing=self._desk.storyboard.drawing(),
            weights=self._desk.weights_hash,
        )

    def _cost(self, job: RedrawKeyframes | None) -> Cost:
        return Cost(num_shots=0, seconds=0.0) if job is None else self._desk.jobs.cost(job)

    def _view(self, story_id: str) -> StoryView:
        return self._desk.story(story_id).view(weights_hash=self._desk.weights_hash)


def _unlocked(view: StoryView, row_ids: Collection[str]) -> list[Shot]:
    """In the script's order. Raises StoryError for a row that is gone."""
    wanted = {view.shot(row_id).row.id for row_id in row_ids}
    return [shot for shot in view.shots if shot.row.id in wanted and not shot.locked]


def _is_stale(shot: Shot) -> bool:
    """A stale preview is no more than a shot that is not drawn: "draw in full" draws it."""
    return shot.condition == "stale" and shot.take is not None and not shot.take.recipe.is_preview


def _own_seed(shot: Shot) -> int:
    """The one that its row asks for, else that of the take that is shown."""
    if shot.row.seed is not None:
        return shot.row.seed
    seed = shot.take.recipe.seed if shot.take is not None else None
    return new_seed() if seed is None else seed
