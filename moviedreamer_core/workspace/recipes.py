"""What a take and a clip were made from: enough to make them again, and to tell whether they are outdated."""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from moviedreamer_core.script import Seconds, Seed
from moviedreamer_core.workspace.draft import CastMember, Row, Typed
from moviedreamer_core.workspace.layout import KeptId, ReferencePath, WeightsHash
from moviedreamer_core.workspace.revision import now

MAX_SETTINGS = 100

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Setting = str | bool | int | Annotated[float, Field(allow_inf_nan=False)] | None
Settings = Annotated[dict[Annotated[str, Field(max_length=100)], Setting], Field(max_length=MAX_SETTINGS)]
StaleReason = Literal["script", "style", "cast", "references", "predecessors", "seed", "weights"]
StaleClipReason = Literal["keyframe", "seconds", "motion", "weights"]
Motion = Annotated[int, Field(ge=0, le=255)] | Annotated[str, Field(pattern=r"^[a-z]{1,20}$")]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Fingerprint(_Frozen):
    """sha256 of each thing a keyframe follows from; equal where, and only where, the thing is the same.

    `predecessors` is that of the visual tokens shown in the rows before it, in their order.
    """

    script: Digest
    style: Digest
    cast: Digest
    references: Digest
    predecessors: Digest


class TakeRecipe(_Frozen):
    """How a keyframe's take came to be. An uploaded one has no seed, weights or settings.

    `row`, `style`, `cast` (those in the frame) and `references` are as they were; `revision` is the script's then.
    """

    origin: Literal["drawn", "uploaded"] = "drawn"
    seed: Seed | None = None
    weights_hash: WeightsHash | None = None
    settings: Settings = {}
    row: Row
    style: Typed = ""
    cast: tuple[CastMember, ...] = ()
    references: tuple[ReferencePath, ...] = ()
    fingerprint: Fingerprint
    revision: int = Field(ge=0)
    warnings: tuple[Typed, ...] = ()
    made_at: datetime.datetime = Field(default_factory=now)
    seconds_taken: float | None = Field(default=None, ge=0, allow_inf_nan=False)

    @property
    def is_preview(self) -> bool:
        """Whether it was drawn in few steps, to see the arc of the story."""
        return self.settings.get("preview") is True


class ClipRecipe(_Frozen):
    """How a clip was made from the take `take_id` of the same row, whose image's sha256 is `image_sha256`."""

    take_id: KeptId
    image_sha256: Digest
    seconds: Seconds
    motion: Motion | None = None
    frames_per_second: int = Field(ge=1, le=240)
    seed: Seed
    weights_hash: WeightsHash
    settings: Settings = {}
    revision: int = Field(ge=0)
    made_at: datetime.datetime = Field(default_factory=now)
    seconds_taken: float | None = Field(default=None, ge=0, allow_inf_nan=False)


def as_json(recipe: TakeRecipe | ClipRecipe) -> dict[str, Any]:
    """For the metadata of a PNG or MP4."""
    return recipe.model_dump(mode="json")
