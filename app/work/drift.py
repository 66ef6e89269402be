"""How far the storyboard drifts: faces from the pictures of the cast, scenes from the last keyframe of the place.

F face channels, E channels of a scene. Source: MovieDreamer, section 4 (short-term and long-term consistency).
"""

from __future__ import annotations

from collections.abc import Generator, Mapping

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from app.queue.jobs import MeasureDrift
from app.queue.progress import Progress
from app.work.face_search import matches
from app.work.scripts import boxes_of, cast_in, portraits_of
from app.work.studio import Studio
from app.work.units import Units
from moviedreamer_core.encoders.face import FaceEncoder
from moviedreamer_core.errors import ImageError
from moviedreamer_core.images import read_image
from moviedreamer_core.names import name_key
from moviedreamer_core.pictures import Pictures
from moviedreamer_core.preparation import Preparation, to_pixels
from moviedreamer_core.workspace import Drift, DriftPoint, Row, Shot, StoryFolder, StoryView, Take, image_path
from moviedreamer_core.workspace.freshness import cast_of


def measure_drift(studio: Studio, job: MeasureDrift) -> Generator[Progress, None, None]:
    """Measure every keyframe that is shown. Raises ImageError for a picture that is gone, OutputError."""
    story = studio.story_of(job)
    weights_hash = studio.weights.check(job.weights)
    view = story.view()
    drawn = [(shot, shot.take) for shot in view.shots if shot.take is not None]
    units = Units(len(drawn))
    points: list[DriftPoint] = []
    if drawn:
        preparation = studio.weights.load({"face", "vision"})
        faces = _faces_of_cast(story, view, preparation)
    yield units.ready("looking at the keyframes")
    seen: dict[str, Tensor] = {}  # the scene that was shown last, by its place
    for shot, take in drawn:
        image = _image_of(shot, take)
        points += _face_points(view, shot, take, image, faces, preparation.models.face)
        points.append(_scene_point(shot, take, _scene_of(preparation, image), seen))
        yield units.finished(row=shot.row.id, doing=f"keyframe {shot.number} measured")
    story.readings.write_drift(Drift(points=tuple(points), weights_hash=weights_hash))


def place_of(row: Row) -> str:
    """Where the row plays: its first scene element, whatever the light and the camera are; empty without any."""
    return next((name_key(element) for element in row.scene_elements if element.strip()), "")


def _faces_of_cast(
    story: StoryFolder, view: StoryView, preparation: Preparation
) -> dict[str, Float[Tensor, " F"]]:
    """The face of every cast member who has pictures and is in a row, by id."""
    cast = cast_in(view.revision.draft, view.revision.draft.rows)
    pictures = Pictures(faces=portraits_of(story, cast), references=())
    portrayed = preparation.portray(pictures, boxes_of(story))
    return {member.id: portrayed[member.name].embedding for member in cast if member.name in portrayed}


def _image_of(shot: Shot, take: Take) -> Image.Image:
    try:
        return read_image(image_path(take))
    except ImageError as error:
        raise ImageError(f"the picture of shot {shot.number} is gone or damaged; draw it again") from error


def _face_points(
    view: StoryView,
    shot: Shot,
    take: Take,
    image: Image.Image,
    faces: Mapping[str, Float[Tensor, " F"]],
    encoder: FaceEncoder,
) -> list[DriftPoint]:
    """One per cast member in the frame who has pictures: the best match anywhere, `face_found` if that is a face."""
    wanted = [member.id for member in cast_of(view.revision.draft, shot.row) if member.id in faces]
    if not wanted:
        return []
    found = matches(encoder, image, {cast_id: faces[cast_id] for cast_id in wanted})
    return [
        DriftPoint(
            row_id=shot.row.id,
            take_id=take.id,
            cast_id=cast_id,
            similarity=found[cast_id].similarity if cast_id in found else None,
            face_found=cast_id in found and found[cast_id].is_found,
        )
        for cast_id in wanted
    ]


@torch.no_grad()
def _scene_of(preparation: Preparation, image: Image.Image) -> Float[Tensor, " E"]:
    vision = preparation.models.vision
    embedded: Tensor = vision.embed(to_pixels(image)[None])
    return embedded[0].float()


def _scene_point(shot: Shot, take: Take, scene: Float[Tensor, " E"], seen: dict[str, Tensor]) -> DriftPoint:
    """Against what was shown last in the same place; nothing to compare with the first time."""
    place = place_of(shot.row)
    before = seen.get(place) if place else None
    if place:
        seen[place] = scene
    similarity = None if before is None else round(float(scene @ before), 4)
    return DriftPoint(row_id=shot.row.id, take_id=take.id, similarity=similarity)
