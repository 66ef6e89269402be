"""What models said about a story's pictures: faces that were found, look-alikes, how far the storyboard drifts.

    readings/cast.json    what a job found in the faces      readings/drift.json  what a job measured of the keyframes
    readings/boxes.json   where a person says a face is

Boxes are (left, top, right, bottom) in fractions of the picture's width and height; a crop may reach past its edges.
What models said can be had again, so that a damaged file counts as none.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from moviedreamer_core.atomic import write_text
from moviedreamer_core.errors import StoryError
from moviedreamer_core.workspace.durable import FolderLock, make_subfolder, told
from moviedreamer_core.workspace.layout import (
    BOXES_FILE,
    CAST_READINGS_FILE,
    DRIFT_FILE,
    READINGS,
    CastId,
    FacePath,
    KeptId,
    RowId,
)
from moviedreamer_core.workspace.revision import NewerReleaseError, read_versioned

VERSION = 1
MAX_FILE_BYTES = 16 * 2**20
MIN_BOX_SIDE = 0.02  # of the picture; less is a slip of the hand

Edge = Annotated[float, Field(ge=-10, le=10, allow_inf_nan=False)]


def _has_an_inside(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    left, top, right, bottom = box
    if right <= left or bottom <= top:
        raise ValueError("a box must have left < right and top < bottom")
    return box


Box = Annotated[tuple[Edge, Edge, Edge, Edge], AfterValidator(_has_an_inside)]
Similarity = Annotated[float, Field(ge=-1.001, le=1.001, allow_inf_nan=False)]  # a cosine, rounded


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FaceReading(_Frozen):
    """How one picture of a cast member is cropped; without a face, the centre of the picture is used."""

    picture: FacePath
    face_found: bool
    box: Box
    by_hand: bool = False


class LookAlike(_Frozen):
    """Two cast members whom the face encoder can hardly tell apart; `similarity` is the cosine of their faces."""

    one: CastId
    other: CastId
    similarity: Similarity


class CastReadings(_Frozen):
    """`faces` has an entry per picture, whoever's it is."""

    version: int = Field(default=VERSION, ge=1, le=VERSION)
    faces: tuple[FaceReading, ...] = ()
    look_alikes: tuple[LookAlike, ...] = ()

    def of(self, picture: str) -> FaceReading | None:
        """What is known of one picture; None until it was looked at."""
        return next((face for face in self.faces if face.picture == picture), None)


class DriftPoint(_Frozen):
    """One keyframe against its cast picture (`cast_id`), or against the keyframe before it in the same place (None).

    `similarity` is a cosine; None where there was nothing to compare. `face_found` is None for a scene.
    """

    row_id: RowId
    take_id: KeptId
    cast_id: CastId | None = None
    similarity: Similarity | None = None
    face_found: bool | None = None


class Drift(_Frozen):
    """All points, row by row; `weights_hash` of the encoders that measured them.

    To judge them by: `strangers` is the mean best match of characters in keyframes that they are not in, `other_places`
    the mean similarity of keyframes in different places; None where there was nothing to compare.
    """

    version: int = Field(default=VERSION, ge=1, le=VERSION)
    points: tuple[DriftPoint, ...] = ()
    strangers: Similarity | None = None
    other_places: Similarity | None = None
    weights_hash: str = Field(default="", max_length=64)


class FaceBoxes(_Frozen):
    """Where a person says the faces are, by picture."""

    version: int = Field(default=VERSION, ge=1, le=VERSION)
    boxes: dict[FacePath, Box] = {}


Stored = TypeVar("Stored", CastReadings, Drift, FaceBoxes)


class Readings:
    """The readings of one story. Reading needs no lock; what writes takes it."""

    def __init__(self, folder: Path, lock: FolderLock) -> None:
        self._folder = folder
        self._lock = lock

    def cast(self) -> CastReadings:
        """What was found in the faces, with the boxes that were set by hand in place of the found ones.

        Raises NewerReleaseError.
        """
        found, boxes = self._read(CAST_READINGS_FILE, CastReadings), self.face_boxes()
        by_hand = {
            picture: FaceReading(picture=picture, face_found=True, box=box, by_hand=True)
            for picture, box in boxes.items()
        }
        faces = [by_hand.pop(face.picture, face) for face in found.faces]
        return found.model_copy(update={"faces": (*faces, *by_hand.values())})

    def drift(self) -> Drift:
        """The last measurement; no points before the first. Raises NewerReleaseError."""
        return self._read(DRIFT_FILE, Drift)

    def face_boxes(self) -> Mapping[str, Box]:
        """The boxes that were set by hand, by picture. Raises NewerReleaseError."""
        return self._read(BOXES_FILE, FaceBoxes).boxes

    def set_face_box(self, picture: str, box: tuple[float, float, float, float] | None) -> CastReadings:
        """Say where the face of `picture` is; with None, what the detector says counts again.

        Raises StoryError for a box that is no part of the picture, StoryGoneError, OutputError.
        """
        if box is not None and not _is_within(box):
            raise StoryError("the face box must lie inside the picture and have a size; draw it again")
        with self._lock.held():
            boxes = {name: one for name, one in self.face_boxes().items() if name != picture}
            if box is not None:
                boxes[picture] = box
            self._write(BOXES_FILE, FaceBoxes.model_validate({"boxes": boxes}))
        return self.cast()

    def write_cast(self, readings: CastReadings) -> None:
        """Keep what a job found; boxes set by hand are passed over, they are kept apart. Raises OutputError."""
        found = readings.model_copy(update={"faces": tuple(f for f in readings.faces if not f.by_hand)})
        with self._lock.held():
            self._write(CAST_READINGS_FILE, found)

    def write_drift(self, drift: Drift) -> None:
        """Keep a measurement in place of the one before. Raises StoryGoneError, OutputError."""
        with self._lock.held():
            self._write(DRIFT_FILE, drift)

    def _read(self, name: str, kind: type[Stored]) -> Stored:
        try:
            return _read_file(self._folder / READINGS / name, kind)
        except NewerReleaseError:
            raise
        except (FileNotFoundError, StoryError):
            return kind()

    def _write(self, name: str, value: BaseModel) -> None:
        with told(f"write to {self._folder.name}"):
            make_subfolder(self._folder / READINGS)
        write_text(self._folder / READINGS / name, value.model_dump_json() + "\n")


def _read_file(path: Path, kind: type[Stored]) -> Stored:
    """Raises FileNotFoundError; StoryError if the file is damaged, NewerReleaseError if it is of a newer one."""
    return read_versioned(path, kind, version=VERSION, max_bytes=MAX_FILE_BYTES, said="the readings are")


def check_readings(folder: Path) -> None:
    """Raise StoryError unless the readings that lie in a story's folder can be read."""
    with contextlib.suppress(FileNotFoundError):
        _read_file(folder / READINGS / CAST_READINGS_FILE, CastReadings)
    with contextlib.suppress(FileNotFoundError):
        _read_file(folder / READINGS / DRIFT_FILE, Drift)
    with contextlib.suppress(FileNotFoundError):
        _read_file(folder / READINGS / BOXES_FILE, FaceBoxes)


def _is_within(box: tuple[float, float, float, float]) -> bool:
    left, top, right, bottom = box
    has_size = right - left >= MIN_BOX_SIDE and bottom - top >= MIN_BOX_SIDE
    return has_size and all(0 <= edge <= 1 for edge in box)
