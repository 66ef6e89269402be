"""Who is where in a keyframe: the faces that the detector finds, and every spot that a face may be in.

The detector knows photographs. Of the faces in drawn keyframes it misses six of seven, while the face encoder, led over
the picture, has its best match on the right person in 31 of 36 cases (storyworld, miniature).
F face channels, N spots, H W pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor
from torch.nn import functional

from moviedreamer_core.encoders.face import FaceEncoder
from moviedreamer_core.preparation import to_pixels

MIN_DETECTION_PX = 512  # longer side: the detector looks for faces of 20 pixels, small keyframes are enlarged
MAX_SEARCH_PX = 512  # shorter side
# The squares that are searched, in heights of the picture; steps are half a side.
SIDES = (0.2, 0.3, 0.45, 0.65)
BATCH = 64
# Nine in ten people who are in a storyworld frame match better than this somewhere in it; two in three of those
# who are not match worse.
FOUND_SIMILARITY = 0.65


class Spot(NamedTuple):
    """A square of the picture; centre and side in heights of the picture."""

    x: float
    y: float
    side: float
    embedding: Tensor  # [F]
    is_detected: bool

    def is_apart_from(self, other: Spot) -> bool:
        """Whether the two cannot be one face."""
        return max(abs(self.x - other.x), abs(self.y - other.y)) > max(self.side, other.side) / 2


class Match(NamedTuple):
    similarity: float
    is_found: bool


def matches(
    encoder: FaceEncoder, image: Image.Image, faces: Mapping[str, Float[Tensor, " F"]]
) -> dict[str, Match]:
    """As `matches_among`, over all spots of `image`."""
    return matches_among(spots_of(encoder, image), faces)


def spots_of(encoder: FaceEncoder, image: Image.Image) -> list[Spot]:
    """Everywhere that a face is, or may be."""
    return [*detected_spots(encoder, image), *searched_spots(encoder, image)]


def matches_among(spots: Sequence[Spot], faces: Mapping[str, Float[Tensor, " F"]]) -> dict[str, Match]:
    """The best match of each of `faces` among `spots`, the most alike first; no two in the same place."""
    pairs = sorted(
        ((float(face @ spot.embedding), name, spot) for name, face in faces.items() for spot in spots),
        key=lambda pair: -pair[0],
    )
    found: dict[str, Match] = {}
    taken: list[Spot] = []
    for similarity, name, spot in pairs:
        if name not in found and all(spot.is_apart_from(other) for other in taken):
            is_found = spot.is_detected or similarity >= FOUND_SIMILARITY
            found[name] = Match(similarity=round(similarity, 4), is_found=is_found)
            taken.append(spot)
    return found


def detected_spots(encoder: FaceEncoder, image: Image.Image) -> list[Spot]:
    """The faces that the detector finds."""
    factor = -(-MIN_DETECTION_PX // max(image.size))
    if factor > 1:
        size = (factor * image.width, factor * image.height)
        image = image.resize(size, Image.Resampling.LANCZOS)
    found = []
    for crop in encoder.crop_faces(image):
        left, top, right, bottom = (edge / image.height for edge in crop.box)
        centre = ((left + right) / 2, (top + bottom) / 2)
        found.append(Spot(*centre, right - left, encoder.encode_crop(crop), is_detected=True))
    return found


@torch.no_grad()
def searched_spots(encoder: FaceEncoder, image: Image.Image) -> list[Spot]:
    """Squares all over the picture, in sizes that a face may have."""
    image = image.copy()
    scale = MAX_SEARCH_PX / min(image.size)
    if scale < 1:
        image = image.resize((round(image.width * scale), round(image.height * scale)))
    pixels = to_pixels(image)
    found: list[Spot] = []
    for share in SIDES:
        side = max(4, round(share * image.height))
        stride = side // 2
        padded = functional.pad(pixels[None], (stride,) * 4, mode="replicate")[0]
        squares = padded.unfold(1, side, stride).unfold(2, side, stride)  # (3, rows, columns, side, side)
        num_columns = squares.shape[2]
        squares = squares.permute(1, 2, 0, 3, 4).flatten(0, 1)  # (N, 3, side, side)
        embedded = torch.cat([encoder(batch) for batch in squares.split(BATCH)])  # (N, F)
        for number, embedding in enumerate(embedded):
            row, column = divmod(number, num_columns)
            x, y = (place * stride - stride + side / 2 for place in (column, row))
            found.append(
                Spot(x / image.height, y / image.height, side / image.height, embedding, is_detected=False)
            )
    return found
