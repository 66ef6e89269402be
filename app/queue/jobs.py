"""What can be asked of the worker: a closed list of frozen values, kept as JSON, never pickled.

A job names rows of a script, not their numbers: rows keep their ids when others are inserted or removed while the
job waits. What a job costs follows from its values alone, so that it can be told before it is queued.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from app.queue.failures import QueueError

MAX_ROWS = 5000  # of one job
MAX_SEED = 2**63 - 1  # what torch.Generator takes

LaterShots = Literal["keep", "repredict", "repredict-place"]  # the last: until the place changes
ExportFormat = Literal["mp4", "srt", "otio", "contact-sheet", "pdf", "keyframes", "story", "csv", "yaml"]


def _inside_the_folder(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or parts[0] == "/" or ".." in parts or any(mark in path for mark in "\\:\0"):
        raise ValueError("must be a path inside the story's folder")
    return path


Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$")]
RelativePath = Annotated[str, Field(min_length=1, max_length=400), AfterValidator(_inside_the_folder)]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
Pixels = Annotated[int, Field(ge=8, le=8192)]
Steps = Annotated[int, Field(ge=1, le=1000)]
Scale = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, le=24 * 3600, allow_inf_nan=False)]
Rows = Annotated[tuple[Id, ...], Field(min_length=1, max_length=MAX_ROWS)]


@dataclass(frozen=True, kw_only=True)
class Workload:
    """How much there is to do, in units that take about the same time each.

    `part` is what one unit makes; `amounts` has one entry per unit, its size in what its time is proportional to
    (1 for a keyframe, frames for a clip, seconds for a movie). `variant` is whatever else its time depends on.
    """

    part: str
    amounts: tuple[float, ...] = (1.0,)
    steps: int = 1  # of denoising per unit
    width: int = 0  # pixels; 0 where the size does not matter
    height: int = 0
    variant: str = ""
    weights: str = ""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Drawing(_Frozen):
    """How keyframes are drawn. `temperature`: 0 faithful, above 1 surprising; `guidance_scale` 1 is none."""

    steps: Steps
    width: Pixels
    height: Pixels
    guidance_scale: Scale = 3.0
    temperature: Scale = 1.0


class Filming(_Frozen):
    """How clips are sampled."""

    steps: Steps
    width: Pixels
    height: Pixels
    frames_per_second: Annotated[int, Field(ge=1, le=120)] = 7


class ClipOrder(_Frozen):
    """One keyframe to animate. `motion`: how much moves, 1 is the model's habit; `seed`: None for the keyframe's."""

    row: Id
    seconds: Annotated[float, Field(gt=0, le=60, allow_inf_nan=False)]
    motion: Scale = 1.0
    seed: Seed | None = None


class _Job(_Frozen):
    """`revision` of the script is what the person saw who asked; None stands for the newest when the job starts.

    `weights` is the hash of those that are to do it; work that has others refuses.
    """

    lighter: ClassVar[str] = "choose a smaller picture size"  # how to ask for less memory

    story_id: Id
    revision: Annotated[int, Field(ge=0)] | None = None
    weights: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{0,64}$")] = ""

    @property
    def rows(self) -> tuple[str, ...]:
        """The rows of the script whose pictures or clips this job makes, in order."""
        return ()

    @property
    def title(self) -> str:
        """What it does, for a line in a list."""
        raise NotImplementedError

    @property
    def workload(self) -> Workload:
        raise NotImplementedError


class _DrawRows(_Job):
    keyframes: Rows
    drawing: Drawing

    @property
    def rows(self) -> tuple[str, ...]:
        return self.keyframes

    @property
    def workload(self) -> Workload:
        return _drawing_load(self.drawing, len(self.keyframes), self.weights)


class DrawMissing(_DrawRows):
    """Draw the keyframes that have no picture. Those that got one meanwhile are skipped."""

    kind: Literal["draw-missing"] = "draw-missing"

    @property
    def title(self) -> str:
        return f"Draw {_counted(len(self.keyframes), 'missing keyframe')}"


class PreviewArc(_DrawRows):
    """Draw all of these in few steps, to see the whole arc; no take is replaced."""

    kind: Literal["preview-arc"] = "preview-arc"

    @property
    def title(self) -> str:
        return f"Preview {_counted(len(self.keyframes), 'keyframe')}"


class RegenerateKeyframe(_Job):
    """A new take of `row`. `later_rows` are those that are drawn again after it, as the person was told."""

    kind: Literal["regenerate"] = "regenerate"
    row: Id
    drawing: Drawing
    seed: Seed | None = None  # None: one that the row did not have before
    later: LaterShots = "keep"
    later_rows: Annotated[tuple[Id, ...], Field(max_length=MAX_ROWS)] = ()

    @model_validator(mode="after")
    def _keeping_changes_no_later_row(self) -> Self:
        if self.later == "keep" and self.later_rows:
            raise ValueError("later_rows must be empty where the later shots are kept")
        if self.row in self.later_rows:
            raise ValueError("later_rows must not hold the row itself")
        return self

    @property
    def rows(self) -> tuple[str, ...]:
        return (self.row, *self.later_rows)

    @property
    def title(self) -> str:
        later = f" and {_counted(len(self.later_rows), 'later shot')}" if self.later_rows else ""
        return f"New take of a keyframe{later}"

    @property
    def workload(self) -> Workload:
        return _drawing_load(self.drawing, len(self.rows), self.weights)


class EncodeReplacement(_Job):
    """Take an uploaded picture as a take of `row` and encode it, so that later shots can follow it."""

    kind: Literal["encode-replacement"] = "encode-replacement"
    lighter: ClassVar[str] = "upload a smaller picture"
    row: Id
    picture: RelativePath

    @property
    def rows(self) -> tuple[str, ...]:
        return (self.row,)

    @property
    def title(self) -> str:
        return "Encode an uploaded picture"

    @property
    def workload(self) -> Workload:
        return Workload(part="encode", weights=self.weights)


class AnimateKeyframes(_Job):
    """Make a clip of each of these."""

    kind: Literal["animate"] = "animate"
    lighter: ClassVar[str] = "choose shorter clips or a smaller size"
    clips: Annotated[tuple[ClipOrder, ...], Field(min_length=1, max_length=MAX_ROWS)]
    filming: Filming

    @property
    def rows(self) -> tuple[str, ...]:
        return tuple(clip.row for clip in self.clips)

    @property
    def title(self) -> str:
        return f"Animate {_counted(len(self.clips), 'keyframe')}"

    @property
    def workload(self) -> Workload:
        fps = self.filming.frames_per_second
        return Workload(
            part="clip",
            amounts=tuple(float(max(1, math.ceil(clip.seconds * fps))) for clip in self.clips),
            steps=self.filming.steps,
            width=self.filming.width,
            height=self.filming.height,
            weights=self.weights,
        )


class MakeMovie(_Job):
    """Join clips and stills, `seconds` in all, with music and subtitles."""

    kind: Literal["movie"] = "movie"
    lighter: ClassVar[str] = "choose cuts instead of crossfades"
    seconds: Seconds
    transition: Literal["cut", "crossfade"] = "cut"
    music: RelativePath | None = None
    subtitles: Literal["none", "burned", "file"] = "none"

    @property
    def title(self) -> str:
        return "Make the movie"

    @property
    def workload(self) -> Workload:
        variant = f"{self.transition} {self.subtitles}"
        return Workload(part="movie", amounts=(self.seconds,), variant=variant)


class CharacterTest(_Job):
    """Draw one picture of a cast member, to see whether they look as meant."""

    kind: Literal["character-test"] = "character-test"
    cast_id: Id
    drawing: Drawing
    seed: Seed | None = None

    @property
    def title(self) -> str:
        return "Test picture of a character"

    @property
    def workload(self) -> Workload:
        return _drawing_load(self.drawing, 1, self.weights)


class ExportStory(_Job):
    """Write one file to take away. `num_keyframes` are in it, which is what its time follows from."""

    kind: Literal["export"] = "export"
    lighter: ClassVar[str] = "export fewer keyframes"
    format: ExportFormat
    num_keyframes: Annotated[int, Field(ge=0, le=MAX_ROWS)] = 1

    @property
    def title(self) -> str:
        return f"Export as {self.format.replace('-', ' ')}"

    @property
    def workload(self) -> Workload:
        return Workload(part="export", amounts=(float(max(1, self.num_keyframes)),), variant=self.format)


class MakeAnimatic(_Job):
    """Show the keyframes one after another for their seconds, `seconds` in all: exports/animatic.mp4."""

    kind: Literal["animatic"] = "animatic"
    lighter: ClassVar[str] = "make the animatic of fewer shots"
    seconds: Seconds
    subtitles: bool = True

    @property
    def title(self) -> str:
        return "Make the animatic"

    @property
    def workload(self) -> Workload:
        variant = "subtitles" if self.subtitles else ""
        return Workload(part="animatic", amounts=(self.seconds,), variant=variant)


class ReadCast(_Job):
    """Find the faces in the pictures of the cast, and who looks like whom. `num_faces` pictures are read."""

    kind: Literal["read-cast"] = "read-cast"
    lighter: ClassVar[str] = "upload smaller pictures"
    num_faces: Annotated[int, Field(ge=0, le=MAX_ROWS)] = 1

    @property
    def title(self) -> str:
        return "Look at the faces of the cast"

    @property
    def workload(self) -> Workload:
        return Workload(part="face", amounts=(1.0,) * max(1, self.num_faces), weights=self.weights)


class MeasureDrift(_Job):
    """Compare every keyframe with the pictures of its cast and with the keyframe before it in the same place."""

    kind: Literal["drift"] = "drift"
    num_keyframes: Annotated[int, Field(ge=0, le=MAX_ROWS)] = 1

    @property
    def title(self) -> str:
        return "Measure the drift"

    @property
    def workload(self) -> Workload:
        return Workload(part="drift", amounts=(1.0,) * max(1, self.num_keyframes), weights=self.weights)


Job = (
    DrawMissing
    | PreviewArc
    | RegenerateKeyframe
    | EncodeReplacement
    | AnimateKeyframes
    | MakeMovie
    | CharacterTest
    | ExportStory
    | MakeAnimatic
    | ReadCast
    | MeasureDrift
)
_ANY_JOB: TypeAdapter[Job] = TypeAdapter(Annotated[Job, Field(discriminator="kind")])


def write_job(job: Job) -> str:
    """`job` as JSON, the same for equal jobs."""
    return job.model_dump_json()


@functools.lru_cache(maxsize=4096)  # every poll of a page sees the same ones again
def read_job(text: str) -> Job:
    """The job in JSON `text`. Raises QueueError."""
    try:
        return _ANY_JOB.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise QueueError(
            f"a queued job cannot be read ({field or 'its text'}: {first['msg'].lower()}); "
            "it was written by another version of the studio, ask for it again"
        ) from None


def _drawing_load(drawing: Drawing, num_keyframes: int, weights: str) -> Workload:
    return Workload(
        part="keyframe",
        amounts=(1.0,) * num_keyframes,
        steps=drawing.steps,
        width=drawing.width,
        height=drawing.height,
        variant="unguided" if drawing.guidance_scale == 1 else "guided",
        weights=weights,
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
