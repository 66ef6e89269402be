"""What a running job says of itself: the values that the director's verbs yield.

Numbers of keyframes count from 1; `seconds` are wall-clock seconds of work.
L latent channels, h w latent pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class StoryPrepared:
    """The story is encoded. Its first `num_kept` keyframes are there already, as an earlier run drew them."""

    num_keyframes: int
    num_kept: int = 0


@dataclass(frozen=True, kw_only=True)
class KeyframePlanned:
    """The visual tokens of keyframe `number` are decided."""

    number: int
    num_keyframes: int


@dataclass(frozen=True, kw_only=True, eq=False)
class RenderProgress:
    """Denoising step `step` of `num_steps` is done; `Director.show` turns `estimate` into a picture."""

    number: int
    num_keyframes: int
    step: int
    num_steps: int
    estimate: Float[Tensor, "L h w"]


@dataclass(frozen=True, kw_only=True)
class KeyframeDone:
    """The image of keyframe `number` is at `path` and recorded in the storyboard."""

    number: int
    num_keyframes: int
    path: Path
    warnings: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class ClipProgress:
    """Denoising step `step` of `num_steps`, over all segments, of the clip of keyframe `number` is done."""

    number: int
    num_keyframes: int
    step: int
    num_steps: int


@dataclass(frozen=True, kw_only=True)
class ClipDone:
    """The clip of keyframe `number` is at `path` and recorded in the storyboard."""

    number: int
    num_keyframes: int
    path: Path
    seconds: float


@dataclass(frozen=True, kw_only=True)
class MovieDone:
    """The movie is at `path`: `num_clips` clips, and stills for the other keyframes."""

    path: Path
    num_clips: int
    num_stills: int


Event = StoryPrepared | KeyframePlanned | RenderProgress | KeyframeDone | ClipProgress | ClipDone | MovieDone
