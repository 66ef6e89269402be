"""How far the storyboard drifts: faces from the pictures of the cast, scenes from the last keyframe of the place.

And what to judge that by: how alike faces and places are that are not the same.

F face channels, E channels of a scene. Source: MovieDreamer, section 4 (short-term and long-term consistency).
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Generator, Mapping, Sequence

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from app.queue.jobs import MeasureDrift
from app.queue.progress import Progress
from app.work.face_search import Spot, matches_among, spots_of
from app.work.scripts import by_file_name, cast_in, portraits_of
from app.work.studio import Studio
from app.work.units import Units
from moviedreamer_core.errors import ImageError
from moviedreamer_core.images import read_image
from moviedreamer_core.pictures import Pictures
from moviedreamer_core.preparation import Preparation, to_pixels
from moviedreamer_core.workspace import Drift, DriftPoint, Shot, StoryFolder, StoryView, Take, image_path
from moviedreamer_core.workspace.draft import place_key
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
        for doing in studio.weights.loading({"face", "vision"}):
            yield units.preparing(doing)
        preparation = studio.weights.load({"face", "vision"})
        faces = _faces_of_cast(story, view, preparation)
    yield units.ready("looking at the keyframes")
    seen: dict[str, Tensor] = {}  # the scene that was shown last, by its place
    scenes: list[tuple[str, Tensor]] = []
    strangers: list[float] = []
    for shot, take in drawn:
        image = _image_of(shot, take)
        spots = spots_of(preparation.models.face, image) if faces else []
        wanted = [member.id for member in cast_of(view.revision.draft, shot.row) if member.id in faces]
        points += _face_points(shot, take, spots, {cast_id: faces[cast_id] for cast_id in wanted})
        strangers += [_best(spots, face) for cast_id, face in faces.items() if cast_id not in wanted]
        scenes.append((place_key(shot.row), _scene_of(preparation, image)))
        points.append(_scene_point(shot, take, scenes[-1][1], seen))
        yield units.finished(row=shot.row.id, doing=f"keyframe {shot.number} measured")
    drift = Drift(
        points=tuple(points),
        strangers=_mean(strangers),
        other_places=_mean(_between_places(scenes)),
        weights_hash=weights_hash,
    )
    story.readings.write_drift(drift)


def _faces_of_cast(
    story: StoryFolder, view: StoryView, preparation: Preparation
) -> dict[str, Float[Tensor, " F"]]:
    """The face of every cast member who has pictures and is in a row, by id."""
    cast = cast_in(view.revision.draft, view.revision.draft.rows)
    pictures = Pictures(faces=portraits_of(story, cast), references=())
    portrayed = preparation.portray(pictures, by_file_name(story.readings.face_boxes()))
    return {member.id: portrayed[member.name].embedding for member in cast if member.name in portrayed}


def _image_of(shot: Shot, take: Take) -> Image.Image:
    try:
        return read_image(image_path(take))
    except ImageError as error:
        raise ImageError(f"the picture of shot {shot.number} is gone or damaged; draw it again") from error


def _face_points(
    shot: Shot, take: Take, spots: Sequence[Spot], wanted: Mapping[str, Float[Tensor, " F"]]
) -> list[DriftPoint]:
    """One per cast member in the frame who has pictures: the best match anywhere, `face_found` if that is a face."""
    found = matches_among(spots, wanted)
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


def _best(spots: Sequence[Spot], face: Float[Tensor, " F"]) -> float:
    """How alike the picture's most similar spot is: where the person is not in it, what a stranger reaches."""
    return max(float(face @ spot.embedding) for spot in spots)


def _between_places(scenes: Sequence[tuple[str, Float[Tensor, " E"]]]) -> list[float]:
    """The similarities of all pairs of keyframes in different places."""
    pairs = itertools.combinations([(place, scene) for place, scene in scenes if place], 2)
    return [float(one @ other) for (here, one), (there, other) in pairs if here != there]


def _mean(similarities: Sequence[float]) -> float | None:
    return round(statistics.fmean(similarities), 4) if similarities else None


@torch.no_grad()
def _scene_of(preparation: Preparation, image: Image.Image) -> Float[Tensor, " E"]:
    vision = preparation.models.vision
    embedded: Tensor = vision.embed(to_pixels(image)[None])
    return embedded[0].float()


def _scene_point(shot: Shot, take: Take, scene: Float[Tensor, " E"], seen: dict[str, Tensor]) -> DriftPoint:
    """Against what was shown last in the same place; nothing to compare with the first time."""
    place = place_key(shot.row)
    before = seen.get(place) if place else None
    if place:
        seen[place] = scene
    similarity = None if before is None else round(float(scene @ before), 4)
    return DriftPoint(row_id=shot.row.id, take_id=take.id, similarity=similarity)
