"""The cut: the story's shots as movies and exports show them, in order, each with what is chosen for it."""

from __future__ import annotations

from dataclasses import replace

from PIL import Image

from app.work.studio import Studio
from moviedreamer_core.errors import ImageError, InputError
from moviedreamer_core.handoff.cut import Cut, CutShot, crossfaded
from moviedreamer_core.images import read_image
from moviedreamer_core.video.movie import CROSSFADE_SECONDS, Transition, enlarged
from moviedreamer_core.video.video_files import check_video
from moviedreamer_core.workspace import Shot, StoryView, clip_path, image_path, seed_of


def cut_of(studio: Studio, view: StoryView, *, with_clips: bool, transition: Transition = "cut") -> Cut:
    """Every shot that has a picture: its clip where there is one (and `with_clips`), else the picture for its seconds.

    A clip of another picture than the one that is shown is left out: the movie shows what the storyboard shows.
    Raises InputError if there is no picture at all, or a clip is damaged, ImageError.
    """
    draft = view.revision.draft
    drawn = [shot for shot in view.shots if shot.take is not None]
    if not drawn:
        raise InputError("there is no keyframe to show yet; draw one first")
    measured = [_measured(_cut_shot(shot, seed_of(draft, shot.row), with_clips=with_clips)) for shot in drawn]
    cut = Cut(
        title=draft.title,
        shots=tuple(shot for shot, _ in measured),
        frames_per_second=studio.weights.config().video.frames_per_second,
        size=enlarged(measured[0][1]),
    )
    return crossfaded(cut, CROSSFADE_SECONDS) if transition == "crossfade" else cut


def _cut_shot(shot: Shot, seed: int, *, with_clips: bool) -> CutShot:
    assert shot.take is not None
    recipe = shot.take.recipe
    is_of_this_picture = shot.clip is not None and "keyframe" not in shot.clip_stale_for
    return CutShot(
        id=shot.row.id,
        number=shot.number,
        plot=shot.row.plot.strip(),
        seconds=shot.row.seconds,
        keyframe=image_path(shot.take),
        seed=seed if recipe.seed is None else recipe.seed,
        take=shot.take.number,
        weights_hash=recipe.weights_hash or "",
        script=shot.row.model_dump(mode="json"),
        clip=clip_path(shot.clip) if with_clips and shot.clip is not None and is_of_this_picture else None,
        notes="an uploaded picture" if recipe.origin == "uploaded" else "",
    )


def _measured(shot: CutShot) -> tuple[CutShot, tuple[int, int]]:
    """The shot with the real length of its clip, and the size of what it shows, in pixels.

    Before the work: a movie must not fail at its last shot. Raises InputError, ImageError.
    """
    if shot.clip is not None:
        clip = check_video(shot.clip)
        return replace(shot, seconds=clip.seconds), clip.size
    try:
        image: Image.Image = read_image(shot.keyframe)
    except ImageError as error:
        raise ImageError(f"the picture of shot {shot.number} is gone or damaged; draw it again") from error
    return shot, image.size
