"""The jobs that make keyframes: of the story's rows, and of one character for a test."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from app.queue.settings import (
    MAX_ROWS,
    BaseJob,
    Drawing,
    Id,
    LaterShots,
    RelativePath,
    Rows,
    Seed,
    Workload,
    counted,
    drawing_load,
)


class _DrawRows(BaseJob):
    keyframes: Rows
    drawing: Drawing

    @property
    def rows(self) -> tuple[str, ...]:
        return self.keyframes

    @property
    def workload(self) -> Workload:
        return drawing_load(self.drawing, len(self.keyframes), self.weights)


class DrawMissing(_DrawRows):
    """Draw the keyframes that have no picture. Those that got one meanwhile are skipped."""

    kind: Literal["draw-missing"] = "draw-missing"

    @property
    def title(self) -> str:
        return f"Draw {counted(len(self.keyframes), 'shot')} in full"


class PreviewArc(_DrawRows):
    """Draw all of these in few steps, to see the whole arc; no take is replaced."""

    kind: Literal["preview-arc"] = "preview-arc"

    @property
    def title(self) -> str:
        return f"Preview {counted(len(self.keyframes), 'shot')}"


class RegenerateKeyframe(BaseJob):
    """A new take of `row`. `later_rows` are those that are drawn again after it, as the person was told."""

    kind: Literal["regenerate"] = "regenerate"
    row: Id
    drawing: Drawing
    seed: Seed
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
        later = f" and {counted(len(self.later_rows), 'later shot')}" if self.later_rows else ""
        return f"New take of a shot{later}"

    @property
    def workload(self) -> Workload:
        return drawing_load(self.drawing, len(self.rows), self.weights)


class RedrawKeyframes(_DrawRows):
    """A new take of each of these, in the script's order, each with its seed; all other shots stay as they are."""

    kind: Literal["redraw"] = "redraw"
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1, max_length=MAX_ROWS)]  # one per keyframe

    @model_validator(mode="after")
    def _a_seed_each(self) -> Self:
        if len(self.seeds) != len(set(self.keyframes)):
            raise ValueError("redraw needs one seed per keyframe, and each keyframe once")
        return self

    @property
    def title(self) -> str:
        return f"Redraw {counted(len(self.keyframes), 'shot')}"


class EncodeReplacement(BaseJob):
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


class CharacterTest(BaseJob):
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
        return drawing_load(self.drawing, 1, self.weights)
