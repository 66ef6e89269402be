"""A test picture of one cast member, to see whether they look as meant; kept on the shelf of takes under their id."""

from __future__ import annotations

import hashlib
from collections.abc import Generator

from app.queue.jobs import CharacterTest
from app.queue.progress import Progress
from app.work.shots import Order, draw, parts_for, settings_of, take_made_by
from app.work.studio import Studio
from app.work.units import Units, relative
from moviedreamer_core.drawing import next_seed
from moviedreamer_core.errors import StoryError
from moviedreamer_core.storyboard import RenderSettings
from moviedreamer_core.workspace import Draft, PersonInRow, Row, StoryFolder, image_path
from moviedreamer_core.workspace.freshness import shown_take

# In words that every model knows: near enough for the face, in a place that hides nobody.
_SCENE = ("A sandy beach", "A clear day", "A medium shot")


def character_test(studio: Studio, job: CharacterTest) -> Generator[Progress, None, None]:
    """Draw the job's character alone, after no other keyframe. Raises StoryError for one without a name."""
    story = studio.story_of(job)
    studio.weights.check(job.weights)
    order = _order(story, job, settings_of(job.drawing))
    found = take_made_by(studio, order) if job.seed is not None else None
    earlier = shown_take(order.takes, story.decisions.read().of(job.cast_id))
    units = Units(1)
    for doing in studio.weights.loading(parts_for(studio, [order]) if found is None else ()):
        yield units.preparing(doing)
    yield units.ready("reading the character")
    take = found or (yield from units.of(draw(studio, story, order)))
    earlier_id = earlier.id if earlier else None
    story.choose_in_place_of(
        job.cast_id, take.id, earlier_id, over_accepted=True
    )  # nobody chooses among tests
    yield units.finished(doing="drawn", made=(relative(image_path(take), story.path),))


def _order(story: StoryFolder, job: CharacterTest, settings: RenderSettings) -> Order:
    revision = story.script.head()
    row = _row_of(revision.draft, job.cast_id)
    takes = story.takes.of(job.cast_id)
    return Order(
        revision=revision,
        draft=revision.draft.with_changes(rows=(row,)),
        row=row,
        owner=job.cast_id,
        takes=takes,
        before=(),
        boxes=story.readings.face_boxes(),
        settings=settings,
        seed=_new_seed(job.cast_id, {take.recipe.seed for take in takes}) if job.seed is None else job.seed,
    )


def _row_of(draft: Draft, cast_id: str) -> Row:
    member = draft.member(cast_id)
    if not member.name.strip():
        raise StoryError("this character has no name yet; name them first")
    return Row(
        id="row-" + cast_id.removeprefix("cast-"),
        plot=f"{member.name.strip()} is standing on the beach.",
        scene_elements=_SCENE,
        characters=(PersonInRow(name=member.name),),
    )


def _new_seed(cast_id: str, known: set[int | None]) -> int:
    seed = int.from_bytes(hashlib.sha256(cast_id.encode()).digest()[:8], "big") >> 1
    while seed in known:
        seed = next_seed(seed)
    return seed
