"""Portrait -> square crop around its face, found by MTCNN; the centre of the image when there is none.

Boxes are (left, top, right, bottom) in pixels of the upright image. Source: Zhang et al. 2016 (MTCNN), in the
implementation of facenet-pytorch, whose weights come with the package.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from facenet_pytorch import MTCNN
from PIL import Image

from moviedreamer_core.images import upright_rgb

Box = tuple[int, int, int, int]
Shares = tuple[float, float, float, float]  # a box in fractions of the image's width and height

MIN_FACE_PX = 20  # the smallest face MTCNN looks for; it fails on images below that
MAX_DETECTION_PX = 1024  # longer side; a face that is lost by this is too small for an embedding anyway
MIN_PROBABILITY = 0.9
FACE_MARGIN = 0.3  # of the face's longer side, added at each side: hair and chin belong to the identity


@dataclass(frozen=True, kw_only=True)
class FaceCrop:
    """`image` is square RGB; `box` is where it was cut, and may reach past the image's edges (the edge's
    colours go on there). Without a face, `probability` is 0 and the box the largest centred square."""

    image: Image.Image
    box: Box
    face_found: bool
    probability: float


@dataclass(frozen=True, kw_only=True)
class DetectedFace:
    box: tuple[float, float, float, float]
    probability: float

    @property
    def area(self) -> float:
        left, top, right, bottom = self.box
        return max(0.0, right - left) * max(0.0, bottom - top)


class FaceDetector:
    """MTCNN on the CPU, built at the first image."""

    def __init__(self) -> None:
        self._network: MTCNN | None = None

    def faces(self, image: Image.Image) -> Iterator[DetectedFace]:
        """The faces of an upright RGB image that are more likely than MIN_PROBABILITY."""
        scale = min(1.0, MAX_DETECTION_PX / max(image.size))
        size = (int(image.width * scale), int(image.height * scale))
        if min(size) < MIN_FACE_PX:
            return
        reduced = image if size == image.size else image.resize(size)
        for box, probability in self._detect(reduced):
            if probability is not None and probability >= MIN_PROBABILITY and np.isfinite(box).all():
                left, top, right, bottom = (float(edge) / scale for edge in box)
                yield DetectedFace(box=(left, top, right, bottom), probability=float(probability))

    def _detect(self, image: Image.Image) -> list[tuple[np.ndarray, float | None]]:
        if self._network is None:
            self._network = MTCNN(keep_all=True, min_face_size=MIN_FACE_PX, device=torch.device("cpu"))
        try:
            boxes, probabilities = self._network.detect(image)
        except RuntimeError:  # all candidates shrank to nothing: MTCNN concatenates an empty list
            return []
        return [] if boxes is None else list(zip(boxes.astype(float), probabilities, strict=True))


def crop_face(image: Image.Image, detector: FaceDetector) -> FaceCrop:
    """The square around the largest face of `image`, with FACE_MARGIN."""
    image = upright_rgb(image)
    face = max(detector.faces(image), key=lambda found: found.area * found.probability, default=None)
    if face is None:
        side = min(image.size)
        box = _square((image.width / 2, image.height / 2), side)
        return FaceCrop(image=_cut(image, box), box=box, face_found=False, probability=0.0)
    return _around(face, image)


def crop_faces(image: Image.Image, detector: FaceDetector) -> tuple[FaceCrop, ...]:
    """The squares around all faces of `image`, each with FACE_MARGIN, the largest first."""
    image = upright_rgb(image)
    faces = sorted(detector.faces(image), key=lambda found: -found.area * found.probability)
    return tuple(_around(face, image) for face in faces)


def _around(face: DetectedFace, image: Image.Image) -> FaceCrop:
    left, top, right, bottom = face.box
    side = round(max(right - left, bottom - top) * (1 + 2 * FACE_MARGIN))
    box = _square(((left + right) / 2, (top + bottom) / 2), max(side, 1))
    return FaceCrop(image=_cut(image, box), box=box, face_found=True, probability=face.probability)


def crop_by_hand(image: Image.Image, shares: Shares) -> FaceCrop:
    """The square about the box `shares` of `image`, as large as its longer side: where a person says the face is."""
    image = upright_rgb(image)
    left, top, right, bottom = shares
    centre = (image.width * (left + right) / 2, image.height * (top + bottom) / 2)
    side = round(max(image.width * (right - left), image.height * (bottom - top)))
    box = _square(centre, max(side, 1))
    return FaceCrop(image=_cut(image, box), box=box, face_found=True, probability=1.0)


def shares_of(box: Box, size: tuple[int, int]) -> Shares:
    """`box` in fractions of an image of `size` (width, height) in pixels."""
    left, top, right, bottom = box
    return (left / size[0], top / size[1], right / size[0], bottom / size[1])


def _square(centre: tuple[float, float], side: int) -> Box:
    left, top = round(centre[0] - side / 2), round(centre[1] - side / 2)
    return (left, top, left + side, top + side)


def _cut(image: Image.Image, box: Box) -> Image.Image:
    """`box` of `image`; pixels outside repeat the nearest edge (black there would look like hair)."""
    left, top, right, bottom = box
    columns = np.arange(left, right).clip(0, image.width - 1)
    rows = np.arange(top, bottom).clip(0, image.height - 1)
    return Image.fromarray(np.asarray(image)[rows[:, None], columns])
