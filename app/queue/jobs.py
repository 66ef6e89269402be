"""What can be asked of the worker: a closed list of frozen values, kept as JSON, never pickled.

A job names rows of a script, not their numbers: rows keep their ids when others are inserted or removed while the
job waits. What a job costs follows from its values alone, so that it can be told before it is queued.
"""

from __future__ import annotations

import functools
import math
from typing import Annotated, ClassVar, Literal

from pydantic import Field, TypeAdapter, ValidationError

from app.queue.drawing_jobs import (
    CharacterTest,
    DrawMissing,
    EncodeReplacement,
    PreviewArc,
    RedrawKeyframes,
    RegenerateKeyframe,
)
from app.queue.failures import QueueError
from app.queue.settings import (
    MAX_ROWS,
    MAX_SEED,
    BaseJob,
    ClipOrder,
    Drawing,
    ExportFormat,
    Filming,
    LaterShots,
    RelativePath,
    Seconds,
    Workload,
    counted,
)

__all__ = [
    "MAX_SEED",
    "AnimateKeyframes",
    "CharacterTest",
    "ClipOrder",
    "DrawMissing",
    "Drawing",
    "EncodeReplacement",
    "ExportFormat",
    "ExportStory",
    "Filming",
    "Job",
    "LaterShots",
    "MakeAnimatic",
    "MakeMovie",
    "MeasureDrift",
    "PreviewArc",
    "ReadCast",
    "RedrawKeyframes",
    "RegenerateKeyframe",
    "Workload",
    "read_job",
    "write_job",
]


class AnimateKeyframes(BaseJob):
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
        return f"Animate {counted(len(self.clips), 'shot')}"

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


class MakeMovie(BaseJob):
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


class ExportStory(BaseJob):
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


class MakeAnimatic(BaseJob):
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


class ReadCast(BaseJob):
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


class MeasureDrift(BaseJob):
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
    | RedrawKeyframes
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
