"""The faces of the cast: where they are, which pictures have none, and who is hardly told from whom.

F face channels.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from app.queue.jobs import ReadCast
from app.queue.progress import Progress
from app.work.scripts import by_file_name, read_face
from app.work.studio import Studio
from app.work.units import Units
from moviedreamer_core.encoders.face import FaceEncoder
from moviedreamer_core.encoders.face_crop import Shares, crop_by_hand, shares_of
from moviedreamer_core.pictures import Picture
from moviedreamer_core.workspace import CastReadings, FaceReading, LookAlike

# Of storyworld portraits, three quarters of two pictures of the same person are at least this alike for the miniature's
# encoder, and under 2 in 100 of two people of one cast (90 % of those are below 0.33).
LOOK_ALIKE_SIMILARITY = 0.75


def read_cast(studio: Studio, job: ReadCast) -> Generator[Progress, None, None]:
    """Find the face in every picture of the cast, and compare the cast members with each other.

    Raises ImageError for a picture that is gone, OutputError.
    """
    story = studio.story_of(job)
    studio.weights.check(job.weights)
    cast = [member for member in story.script.head().draft.cast if member.faces]
    units = Units(sum(len(member.faces) for member in cast))
    faces: list[FaceReading] = []
    embeddings: dict[str, Tensor] = {}  # of each cast member, by id
    if cast:
        for doing in studio.weights.loading({"face"}):
            yield units.preparing(doing)
        encoder = studio.weights.load({"face"}).models.face
        yield units.ready("looking at the faces")
        boxes = by_file_name(story.readings.face_boxes())
        for member in cast:
            embedded = []
            for path in member.faces:
                reading, embedding = _read(encoder, read_face(story, member, path), path, boxes)
                faces.append(reading)
                embedded.append(embedding)
                yield units.finished(doing=f"looking at {member.name.strip() or 'a character'}")
            embeddings[member.id] = functional.normalize(torch.stack(embedded).mean(dim=0), dim=-1)
    else:
        yield units.ready("there are no faces to look at")
    found = CastReadings(faces=tuple(dict.fromkeys(faces)), look_alikes=_look_alikes(embeddings))
    story.readings.write_cast(found)


def _read(
    encoder: FaceEncoder, picture: Picture, path: str, boxes: dict[str, Shares]
) -> tuple[FaceReading, Float[Tensor, " F"]]:
    """What the detector says of a picture, whatever a person says; the embedding, where the person says."""
    crop = encoder.crop_face(picture.image)
    reading = FaceReading(
        picture=path, face_found=crop.face_found, box=shares_of(crop.box, picture.image.size)
    )
    by_hand = boxes.get(picture.path.name)
    if by_hand is not None:
        crop = crop_by_hand(picture.image, by_hand)
    return reading, encoder.encode_crop(crop)


def _look_alikes(embeddings: dict[str, Tensor]) -> tuple[LookAlike, ...]:
    """The pairs at or above LOOK_ALIKE_SIMILARITY, the most alike first."""
    pairs = (
        LookAlike(one=one, other=other, similarity=round(float(embeddings[one] @ embeddings[other]), 4))
        for one, other in itertools.combinations(embeddings, 2)
    )
    alike = [pair for pair in pairs if pair.similarity >= LOOK_ALIKE_SIMILARITY]
    return tuple(sorted(alike, key=lambda pair: -pair.similarity))
