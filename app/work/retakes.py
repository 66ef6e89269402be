"""One shot again, and what becomes of those after it; or several, while all others stay."""

from __future__ import annotations

from collections.abc import Generator

from app.queue.jobs import RedrawKeyframes, RegenerateKeyframe
from app.queue.progress import Progress
from app.work.shots import Order, draw, order_of, parts_for, settings_of, take_made_by
from app.work.studio import Studio
from app.work.units import Step, Units, relative
from moviedreamer_core.errors import StoryError
from moviedreamer_core.workspace import Shot, StoryFolder, StoryView, Take, image_path, seed_of


def regenerate(studio: Studio, job: RegenerateKeyframe) -> Generator[Progress, None, None]:
    """A new take of the job's row, then of its later rows in order, each with its seed, after what is shown by then.

    Of those that were drawn before the job was interrupted, none is drawn again. `keep` leaves the later shots as
    they are and in order, and a take that a person accepted is still shown while it is not stale: the new one waits.
    `repredict-place` leaves the shots after the place. What is drawn again with the later shots is shown at once,
    also in place of accepted takes, for the later shots follow it.
    """
    story = studio.story_of(job)
    studio.weights.check(job.weights)
    view = story.view()
    shot = view.shot(job.row)
    if shot.locked:
        raise StoryError(f"shot {shot.number} is locked; unlock it to draw it again")
    seeds = {job.row: job.seed} | {later.row.id: _seed_of(view, later) for later in _later(view, job)}
    settings = settings_of(job.drawing)
    units = Units(len(seeds))
    orders = [order_of(story, row_id, settings, seeds[row_id]) for row_id in seeds]
    for doing in studio.weights.loading(parts_for(studio, orders)):
        yield units.preparing(doing)
    yield units.ready("reading the story")
    for row_id in seeds:
        if _is_gone_or_locked(story.view(), row_id) and row_id != job.row:
            yield units.finished(row=row_id)
            continue
        order = order_of(story, row_id, settings, seeds[row_id])
        yield from _taken_anew(studio, story, order, row_id, units, job)


def redraw(studio: Studio, job: RedrawKeyframes) -> Generator[Progress, None, None]:
    """A new take of each of the job's rows, in the script's order, after what is shown by then.

    Rows that are gone or locked are passed over. Of those that were drawn before an interruption, none is drawn again.
    Where a person accepted a take that is not stale, the new one waits beside it.
    """
    story = studio.story_of(job)
    studio.weights.check(job.weights)
    seeds, settings = dict(zip(job.keyframes, job.seeds, strict=True)), settings_of(job.drawing)
    rows = [shot.row.id for shot in story.view().shots if shot.row.id in seeds and not shot.locked]
    units = Units(len(rows))
    orders = [order_of(story, row_id, settings, seeds[row_id]) for row_id in rows]
    for doing in studio.weights.loading(parts_for(studio, orders) if orders else ()):
        yield units.preparing(doing)
    yield units.ready("reading the story")
    for row_id in rows:
        if _is_gone_or_locked(story.view(), row_id):
            yield units.finished(row=row_id)
            continue
        order = order_of(story, row_id, settings, seeds[row_id])
        yield from _taken_anew(studio, story, order, row_id, units, job)


def _taken_anew(
    studio: Studio,
    story: StoryFolder,
    order: Order,
    row_id: str,
    units: Units,
    job: RegenerateKeyframe | RedrawKeyframes,
) -> Generator[Progress, None, None]:
    """One row's new take, shown unless it has to wait, and what the job says of later rows."""
    earlier = story.view(weights_hash=studio.weights.hash).shot(row_id)
    take = yield from units.of(_drawn_once(studio, story, order), row=row_id)
    keep_later: bool | frozenset[str] = True
    follows = isinstance(job, RegenerateKeyframe) and job.later != "keep"
    if isinstance(job, RegenerateKeyframe) and follows:
        keep_later = _beyond(story.view(), job) if job.later == "repredict-place" else False
    story.choose_in_place_of(
        row_id,
        take.id,
        earlier.take.id if earlier.take else None,
        keep_later=keep_later,
        over_accepted=follows or bool(earlier.stale_for),
    )
    yield units.finished(row=row_id, doing="drawn", made=(relative(image_path(take), story.path),))


def _drawn_once(studio: Studio, story: StoryFolder, order: Order) -> Generator[Step, None, Take]:
    found = take_made_by(studio, order)
    if found is not None:
        return found
    return (yield from draw(studio, story, order))


def _seed_of(view: StoryView, shot: Shot) -> int:
    """That of the take that is shown; the row's where that has none."""
    shown = shot.take.recipe.seed if shot.take is not None else None
    return seed_of(view.revision.draft, shot.row) if shown is None else shown


def _later(view: StoryView, job: RegenerateKeyframe) -> list[Shot]:
    """Those of the job's later rows that are still there, after its row, and not locked."""
    after = view.shots[view.shot(job.row).number :]
    return [shot for shot in after if shot.row.id in set(job.later_rows) and not shot.locked]


def _beyond(view: StoryView, job: RegenerateKeyframe) -> frozenset[str]:
    """The rows after the last that is drawn again, as the script stands now."""
    redrawn = {job.row} | {
        shot.row.id for shot in view.shots if not shot.locked and shot.row.id in job.later_rows
    }
    last = max((shot.number for shot in view.shots if shot.row.id in redrawn), default=0)
    return frozenset(shot.row.id for shot in view.shots[last:])


def _is_gone_or_locked(view: StoryView, row_id: str) -> bool:
    shot = next((shot for shot in view.shots if shot.row.id == row_id), None)
    return shot is None or shot.locked
