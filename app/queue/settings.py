"""How pictures and clips are made, and how much work that is: the values that jobs are built of.

All are frozen and checked; sizes are pixels, times seconds.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

MAX_ROWS = 5000  # of one job
MAX_SEED = 2**63 - 1  # what torch.Generator takes

LaterShots = Literal["keep", "repredict", "repredict-place"]  # the last: until the place changes
ExportFormat = Literal["mp4", "srt", "otio", "contact-sheet", "pdf", "keyframes", "story", "csv", "yaml"]
EXPORT_FILES = {
    "mp4": "movie.mp4", "animatic": "animatic.mp4", "srt": "subtitles.srt", "otio": "timeline.otio",
    "contact-sheet": "contact-sheet.png", "pdf": "board.pdf", "keyframes": "keyframes.zip", "story": "story.zip",
    "csv": "script.csv", "yaml": "story.yaml",
}  # fmt: skip  # in the folder of exports, by format; the animatic has a job of its own


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


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Drawing(Frozen):
    """How keyframes are drawn. `temperature`: 0 faithful, above 1 surprising; `guidance_scale` 1 is none."""

    steps: Steps
    width: Pixels
    height: Pixels
    guidance_scale: Scale = 3.0
    temperature: Scale = 1.0


class Filming(Frozen):
    """How clips are sampled."""

    steps: Steps
    width: Pixels
    height: Pixels
    frames_per_second: Annotated[int, Field(ge=1, le=120)] = 7


class ClipOrder(Frozen):
    """One keyframe to animate. `motion`: how much moves, 1 is the model's habit; `seed`: None for the keyframe's."""

    row: Id
    seconds: Annotated[float, Field(gt=0, le=60, allow_inf_nan=False)]
    motion: Scale = 1.0
    seed: Seed | None = None


class BaseJob(Frozen):
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


def new_seed() -> int:
    """A seed that nobody has used, to be drawn when a job is asked for: it then is the same after an interruption."""
    return secrets.randbelow(2**31)


def drawing_load(drawing: Drawing, num_keyframes: int, weights: str) -> Workload:
    """The work of that many keyframes."""
    return Workload(
        part="keyframe",
        amounts=(1.0,) * num_keyframes,
        steps=drawing.steps,
        width=drawing.width,
        height=drawing.height,
        variant="unguided" if drawing.guidance_scale == 1 else "guided",
        weights=weights,
    )


def counted(number: int, noun: str) -> str:
    """`1 shot`, `3 shots`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
