"""Drawing many keyframes in the order of the script: those that are missing, or a preview of the whole arc."""

from __future__ import annotations

from collections.abc import Callable, Generator

from app.queue.jobs import DrawMissing, PreviewArc
from app.queue.progress import Progress
from app.work.shots import Order, draw, order_of, parts_for, settings_of, take_made_by
from app.work.studio import Studio
from app.work.units import Units, relative
from moviedreamer_core.errors import StoryError
from moviedreamer_core.storyboard import RenderSettings
from moviedreamer_core.workspace import StoryFolder, StoryView, image_path, seed_of

IsWanted = Callable[[StoryView, str], bool]  # whether a row that is there still is to be drawn


def draw_missing(studio: Studio, job: DrawMissing) -> Generator[Progress, None, None]:
    """Draw those of the job's rows that still have no picture in full quality. A locked row stays as it is."""
    story = studio.story_of(job)
    studio.weights.check(job.weights)

    def is_wanted(view: StoryView, row_id: str) -> bool:
        return row_id in view.to_draw

    yield from _draw_rows(studio, story, job.keyframes, settings_of(job.drawing), is_wanted)


def preview_arc(studio: Studio, job: PreviewArc) -> Generator[Progress, None, None]:
    """Draw the job's rows in few steps. A preview is shown only where there is nothing better."""
    story = studio.story_of(job)
    studio.weights.check(job.weights)
    settings = settings_of(job.drawing, preview=True)

    def is_wanted(view: StoryView, row_id: str) -> bool:
        if view.shot(row_id).locked:
            return False
        return take_made_by(studio, _order(story, row_id, settings)) is None

    yield from _draw_rows(studio, story, job.keyframes, settings, is_wanted)


def _draw_rows(
    studio: Studio,
    story: StoryFolder,
    keyframes: tuple[str, ...],
    settings: RenderSettings,
    is_wanted: IsWanted,
) -> Generator[Progress, None, None]:
    """Each after what is shown before it at that moment. A row that was deleted meanwhile is passed over."""
    rows = [row_id for row_id in _present(story.view(), keyframes) if is_wanted(story.view(), row_id)]
    units = Units(len(rows))
    orders = [_order(story, row_id, settings) for row_id in rows]
    for doing in studio.weights.loading(parts_for(studio, orders) if orders else ()):
        yield units.preparing(doing)
    yield units.ready("reading the story")
    for row_id in rows:
        view = story.view()
        if row_id not in _row_ids(view) or not is_wanted(view, row_id):
            yield units.finished(row=row_id)
            continue
        earlier = view.shot(row_id).take
        take = yield from units.of(draw(studio, story, _order(story, row_id, settings)), row=row_id)
        if not settings.preview:
            story.choose_in_place_of(row_id, take.id, earlier.id if earlier else None)
        made = (relative(image_path(take), story.path),)
        yield units.finished(row=row_id, doing="drawn", made=made)


def _order(story: StoryFolder, row_id: str, settings: RenderSettings) -> Order:
    draft = story.script.head().draft
    return order_of(story, row_id, settings, seed_of(draft, draft.row(row_id)))


def _present(view: StoryView, keyframes: tuple[str, ...]) -> list[str]:
    """The rows of `keyframes` that are still there, in the script's order. Raises StoryError if none is."""
    present = [row_id for row_id in _row_ids(view) if row_id in set(keyframes)]
    if not present:
        raise StoryError("the rows that were to be drawn are no longer in the script; reload the page")
    return present


def _row_ids(view: StoryView) -> list[str]:
    return [row.id for row in view.revision.draft.rows]
