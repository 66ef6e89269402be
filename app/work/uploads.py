"""A picture that a person uploads in place of a keyframe: kept as a take, and encoded so that later shots follow it."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from pathlib import Path

from PIL import Image

from app.queue.jobs import EncodeReplacement
from app.queue.progress import Progress
from app.work.memory import PARTS_TO_REMEMBER, encode_take, is_remembered
from app.work.studio import Studio
from app.work.units import Units, relative
from moviedreamer_core.errors import ImageError, StoryError
from moviedreamer_core.images import center_crop_resize, read_image
from moviedreamer_core.storyboard import save_tokens
from moviedreamer_core.workspace import StoryFolder, Take, image_path, take_recipe, tokens_name
from moviedreamer_core.workspace.durable import told
from moviedreamer_core.workspace.layout import IMAGE_FILE, TAKES, file_kind
from moviedreamer_core.workspace.pictures import stored_form
from moviedreamer_core.workspace.takes import image_sha256


def encode_replacement(studio: Studio, job: EncodeReplacement) -> Generator[Progress, None, None]:
    """Show the job's picture in its row, with visual tokens.

    It is a picture of the story's folder, which becomes a take, or the image of a take that is there.
    Raises StoryError if the row or the picture is gone, ImageError, OutputError.
    """
    story = studio.story_of(job)
    weights_hash = studio.weights.check(job.weights)
    shot = story.view().shot(job.row)
    if shot.locked:
        raise StoryError(f"shot {shot.number} is locked; unlock it to replace its picture")
    take = _take_at(story, job)
    image = _picture(studio, story, job) if take is None else None
    if take is None and image is not None:
        take = _same_upload(shot.takes, image)
    units = Units(1)
    is_known = take is not None and is_remembered(take, weights_hash)
    for doing in studio.weights.loading(() if is_known else PARTS_TO_REMEMBER):
        yield units.preparing(doing)
    yield units.ready("reading the picture")
    if take is None and image is not None:
        take = _kept(studio, story, job, image)
    assert take is not None
    if not is_remembered(take, weights_hash):
        encode_take(story, take, studio.weights)
    earlier_id = shot.take.id if shot.take else None  # replaced by hand, whatever was accepted
    story.choose_in_place_of(job.row, take.id, earlier_id, over_accepted=True)
    yield units.finished(row=job.row, doing="encoded", made=(relative(image_path(take), story.path),))


def _take_at(story: StoryFolder, job: EncodeReplacement) -> Take | None:
    """The take of the row whose image the job names; None if it names another picture."""
    folder, _, name = job.picture.rpartition("/")
    if name != IMAGE_FILE or not folder.startswith(f"{TAKES}/{job.row}/"):
        return None
    return story.takes.get(job.row, Path(folder).name)


def _picture(studio: Studio, story: StoryFolder, job: EncodeReplacement) -> Image.Image:
    """The picture in the shape of a keyframe, as a take keeps it."""
    if file_kind(job.picture) not in ("picture", "image"):
        raise StoryError("the uploaded picture is not among those of this story; upload it again")
    config = studio.weights.config().renderer
    try:
        image = read_image(story.path / job.picture)
    except ImageError as error:
        raise ImageError("the uploaded picture is gone or damaged; upload it again") from error
    return center_crop_resize(image, (config.image_width, config.image_height))


def _same_upload(takes: tuple[Take, ...], image: Image.Image) -> Take | None:
    """The take that keeps this very picture: the job was interrupted, or asked twice."""
    sha256 = hashlib.sha256(stored_form(image)).hexdigest()
    uploaded = (take for take in takes if take.recipe.origin == "uploaded")
    return next((take for take in uploaded if image_sha256(take) == sha256), None)


def _kept(studio: Studio, story: StoryFolder, job: EncodeReplacement, image: Image.Image) -> Take:
    """The picture and its visual tokens as one take."""
    view = story.view()
    recipe = take_recipe(
        view.revision.draft,
        job.row,
        view.shown_takes,
        boxes=story.readings.face_boxes(),
        revision=view.revision.number,
    ).model_copy(update={"origin": "uploaded"})
    tokens = studio.weights.load(PARTS_TO_REMEMBER).tokens_of_image(image)
    with story.takes.stage(job.row) as staged:
        with told("keep the picture"):
            (staged.folder / IMAGE_FILE).write_bytes(stored_form(image))
        save_tokens(tokens, staged.folder / tokens_name(studio.weights.hash))
        return staged.commit(recipe)
