"""Clips of keyframes: each starts at the picture that its row shows."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass

from app.queue.jobs import AnimateKeyframes, ClipOrder, Filming
from app.queue.progress import Progress
from app.work.studio import Studio
from app.work.units import Step, Units, relative
from moviedreamer_core.errors import ImageError, StoryError
from moviedreamer_core.filming import PARTS_TO_ANIMATE, film_picture
from moviedreamer_core.handoff.recipes import ShotRecipe, to_json
from moviedreamer_core.images import center_crop_resize, read_image
from moviedreamer_core.script import Character
from moviedreamer_core.video.anchored_svd import (
    MAX_MOTION_BUCKET,
    MOTION_BUCKETS,
    SamplingSettings,
    motion_bucket,
)
from moviedreamer_core.video.movie import write_clip
from moviedreamer_core.workspace import (
    Clip,
    ClipRecipe,
    Shot,
    StoryFolder,
    Take,
    clip_path,
    image_path,
    seed_of,
)
from moviedreamer_core.workspace.draft import keyframe_of
from moviedreamer_core.workspace.layout import CLIP_FILE
from moviedreamer_core.workspace.takes import image_sha256


@dataclass(frozen=True, kw_only=True)
class _Filmed:
    """What a clip is made from."""

    shot: Shot
    take: Take
    sampling: SamplingSettings
    size: tuple[int, int]
    recipe: ClipRecipe


def animate(studio: Studio, job: AnimateKeyframes) -> Generator[Progress, None, None]:
    """Make the job's clips, in order; those that are there already stay.

    Raises StoryError for a row that is gone or has no picture, ImageError if the picture is gone, OutputError.
    """
    story = studio.story_of(job)
    studio.weights.check(job.weights)
    missing = [order for order in job.clips if _made_of(_filmed(studio, story, order, job.filming)) is None]
    units = Units(len(missing))
    for doing in studio.weights.loading(PARTS_TO_ANIMATE if missing else ()):
        yield units.preparing(doing)
    _choose_made(studio, story, job)
    yield units.ready("reading the keyframes")
    for order in missing:
        filmed = _filmed(studio, story, order, job.filming)
        clip = yield from units.of(_film(studio, story, filmed), row=order.row)
        _choose(story, filmed, clip)
        yield units.finished(row=order.row, doing="animated", made=(relative(clip_path(clip), story.path),))


def _choose_made(studio: Studio, story: StoryFolder, job: AnimateKeyframes) -> None:
    """What was asked for and is there already is shown."""
    for order in job.clips:
        filmed = _filmed(studio, story, order, job.filming)
        made = _made_of(filmed)
        if made is not None and filmed.shot.clip != made:
            _choose(story, filmed, made)


def _choose(story: StoryFolder, filmed: _Filmed, clip: Clip) -> None:
    """Show it, unless a person chose another meanwhile, or had accepted one that is not stale: then it waits."""
    shot = filmed.shot
    story.choose_clip_in_place_of(
        shot.row.id, clip.id, shot.decisions.clip, over_accepted=bool(shot.clip_stale_for)
    )


def _filmed(studio: Studio, story: StoryFolder, order: ClipOrder, filming: Filming) -> _Filmed:
    view = story.view(weights_hash=studio.weights.hash)
    shot = view.shot(order.row)
    if shot.take is None:
        raise StoryError(f"shot {shot.number} has no picture to animate; draw it first")
    bucket = min(MAX_MOTION_BUCKET, round(order.motion * MOTION_BUCKETS["natural"]))
    seeds = (order.seed, shot.take.recipe.seed, seed_of(view.revision.draft, shot.row))
    sampling = SamplingSettings(
        steps=filming.steps,
        motion=bucket,
        frames_per_second=filming.frames_per_second,
        sigma_max=studio.weights.config().video.sigma_max,
        start_sigma=studio.weights.config().video.start_sigma,
    )
    recipe = ClipRecipe(
        take_id=shot.take.id,
        image_sha256=image_sha256(shot.take),
        seconds=order.seconds,
        motion=_motion(shot.decisions.motion, bucket),
        frames_per_second=filming.frames_per_second,
        seed=next(seed for seed in seeds if seed is not None),
        weights_hash=studio.weights.hash,
        settings={
            "steps": filming.steps,
            "width": filming.width,
            "height": filming.height,
            "motion_bucket": bucket,
        },
        revision=view.revision.number,
    )
    size = (filming.width, filming.height)
    return _Filmed(shot=shot, take=shot.take, sampling=sampling, size=size, recipe=recipe)


def _motion(decided: str | int | None, bucket: int) -> str | int | None:
    """How the creator said it, where that means this bucket."""
    usual = MOTION_BUCKETS["natural"]
    if decided is None:
        return None if bucket == usual else bucket
    is_known = isinstance(decided, int) or decided in MOTION_BUCKETS
    return decided if is_known and motion_bucket(decided) == bucket else bucket


def _made_of(filmed: _Filmed) -> Clip | None:
    """A clip that was made from the very same."""
    same = ("image_sha256", "seconds", "frames_per_second", "seed", "weights_hash", "settings")
    fitting = (
        clip
        for clip in filmed.shot.clips
        if all(getattr(clip.recipe, name) == getattr(filmed.recipe, name) for name in same)
    )
    return next(fitting, None)


def _film(studio: Studio, story: StoryFolder, filmed: _Filmed) -> Generator[Step, None, Clip]:
    """Yield after every denoising step, return the clip that was kept."""
    started = time.perf_counter()
    try:
        picture = center_crop_resize(read_image(image_path(filmed.take)), filmed.size)
    except ImageError as error:
        raise ImageError(
            f"the picture of shot {filmed.shot.number} is gone or damaged; draw it again"
        ) from error
    models = studio.weights.load(PARTS_TO_ANIMATE).models
    sampling = film_picture(
        models, picture, seed=filmed.recipe.seed, seconds=filmed.recipe.seconds, settings=filmed.sampling
    )
    while True:
        try:
            number, total = next(sampling)
        except StopIteration as end:
            frames = end.value
            break
        yield Step(number, total, "animating")
    with story.clips.stage(filmed.shot.row.id) as staged:
        write_clip(
            frames,
            staged.folder / CLIP_FILE,
            frames_per_second=filmed.recipe.frames_per_second,
            comment=to_json(_stamp(filmed)),
        )
        return staged.commit(
            filmed.recipe.model_copy(update={"seconds_taken": time.perf_counter() - started})
        )


def _stamp(filmed: _Filmed) -> ShotRecipe:
    """The recipe that goes into the clip's own file."""
    made_from = filmed.take.recipe
    script = keyframe_of(made_from.row) or keyframe_of(filmed.shot.row)
    assert script is not None
    return ShotRecipe(
        kind="clip",
        number=filmed.shot.number,
        seed=filmed.recipe.seed,
        take=filmed.take.number,
        script=script,
        cast=tuple(
            Character(name=member.name, description=member.description, faces=member.faces)
            for member in made_from.cast
        ),
        weights_hash=filmed.recipe.weights_hash,
        settings={
            **filmed.recipe.settings,
            "seconds": filmed.recipe.seconds,
            "frames_per_second": filmed.recipe.frames_per_second,
        },
    )
