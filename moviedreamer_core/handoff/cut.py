"""A finished cut: which shots, in which order, how long, and how they meet.

Times are counted in whole frames, as `video.movie.stitch` counts them: a shot of s seconds has round(s * fps)
frames, at least one; a crossfade overlaps two neighbours, so that it shortens the movie by its length.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from moviedreamer_core.errors import InputError
from moviedreamer_core.video.video_files import check_video

MAX_SHOTS = 10_000


@dataclass(frozen=True, kw_only=True)
class CutShot:
    """One shot. `id` is unique and stays when the story is reordered; `number` (1-based) is its place in it.

    `seconds` is the length of its clip, or how long the keyframe stands where there is none; `script` is the
    row of the story as JSON values; `take` (1-based) is which of the shot's takes this is.
    """

    id: str
    number: int
    plot: str
    seconds: int | float | Fraction
    keyframe: Path
    seed: int
    take: int
    weights_hash: str
    script: Mapping[str, Any] = field(default_factory=dict)
    clip: Path | None = None
    notes: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.seconds <= 3600:
            raise ValueError(
                f"shot {self.number}: seconds must be above 0 and at most 3600, got {self.seconds}"
            )

    @property
    def cast(self) -> tuple[str, ...]:
        """The names of who is in the shot, in the order of the script."""
        people = self.script.get("characters") or ()
        return tuple(str(one.get("name", "")) if isinstance(one, Mapping) else str(one) for one in people)

    @property
    def scene_elements(self) -> tuple[str, ...]:
        return tuple(str(one) for one in self.script.get("scene_elements") or ())


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A movie as decided. `size` is (width, height) in pixels.

    `crossfades` has the seconds of overlap of every two neighbours, 0 for a hard cut; empty means hard cuts only.
    Raises InputError if there is no shot, ValueError for anything else out of range.
    """

    title: str
    shots: tuple[CutShot, ...]
    frames_per_second: int
    size: tuple[int, int]
    crossfades: tuple[int | float, ...] = ()

    def __post_init__(self) -> None:
        if not self.shots:
            raise InputError(f"{self.title}: the movie has no shots; draw a keyframe first")
        if len(self.shots) > MAX_SHOTS:
            raise InputError(
                f"{self.title}: the movie has {len(self.shots):,} shots, the limit is {MAX_SHOTS:,}; "
                "export it in parts"
            )
        for name in ("id", "number"):
            if len({getattr(shot, name) for shot in self.shots}) < len(self.shots):
                raise ValueError(f"two shots have the same {name}")
        if not 1 <= self.frames_per_second <= 240:
            raise ValueError(f"frames_per_second must be between 1 and 240, got {self.frames_per_second}")
        if not all(2 <= side <= 8192 for side in self.size):
            raise ValueError(f"size must be between 2 x 2 and 8192 x 8192 pixels, got {self.size}")
        if self.crossfades and len(self.crossfades) != len(self.shots) - 1:
            raise ValueError(
                f"{len(self.shots)} shots meet {len(self.shots) - 1} times, got {self.crossfades}"
            )
        if not all(0 <= seconds <= 60 for seconds in self.crossfades):
            raise ValueError(f"crossfades must be between 0 and 60 seconds, got {self.crossfades}")

    @property
    def num_frames(self) -> int:
        return placed(self)[-1].end_frame

    @property
    def seconds(self) -> float:
        return self.num_frames / self.frames_per_second


@dataclass(frozen=True, kw_only=True)
class Placed:
    """Where a shot lies in the movie, in frames from its start; overlaps belong to both neighbours.

    In the middle of an overlap the cut is thought to be: `first_shown` to `end_shown` follow each other.
    """

    shot: CutShot
    start_frame: int
    num_frames: int
    fade_in_frames: int = 0
    fade_out_frames: int = 0

    @property
    def end_frame(self) -> int:
        return self.start_frame + self.num_frames

    @property
    def first_shown(self) -> int:
        return self.start_frame + self.fade_in_frames // 2

    @property
    def end_shown(self) -> int:
        return self.end_frame - self.fade_out_frames + self.fade_out_frames // 2


def placed(cut: Cut) -> tuple[Placed, ...]:
    """The shots where they lie. One shorter than its crossfade overlaps with all it has; no frame is in two."""
    places: list[Placed] = []
    crossfades = cut.crossfades or (0.0,) * (len(cut.shots) - 1)
    end, num_free = 0, 0  # frames of the movie so far, and those at its end in no crossfade
    for shot, crossfade in zip(cut.shots, (0.0, *crossfades), strict=True):
        num_frames = max(1, round(Fraction(shot.seconds) * cut.frames_per_second))
        overlap = min(round(crossfade * cut.frames_per_second), num_free, num_frames)
        if overlap:
            places[-1] = replace(places[-1], fade_out_frames=overlap)
        places.append(
            Placed(shot=shot, start_frame=end - overlap, num_frames=num_frames, fade_in_frames=overlap)
        )
        num_free = num_frames - overlap
        end += num_free
    return tuple(places)


def with_measured_clips(cut: Cut) -> Cut:
    """`cut` with the real lengths of its clips in place of the intended ones.

    Raises InputError, naming the file, for a clip that is missing or damaged.
    """
    shots = (
        shot if shot.clip is None else replace(shot, seconds=check_video(shot.clip).seconds)
        for shot in cut.shots
    )
    return replace(cut, shots=tuple(shots))


def crossfaded(cut: Cut, seconds: int | float) -> Cut:
    """`cut` with a crossfade of `seconds` between all neighbours."""
    return replace(cut, crossfades=(float(seconds),) * (len(cut.shots) - 1))


def timecode(frame: int, frames_per_second: int) -> str:
    """`frame` as hours:minutes:seconds:frames, each at least two digits."""
    seconds, frames = divmod(frame, frames_per_second)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return ":".join(f"{part:02}" for part in (hours, minutes, seconds, frames))


def titles_of_scenes(shots: Sequence[CutShot]) -> tuple[str, ...]:
    """For each shot, its scene elements in one line where they differ from those of the shot before, or ""."""
    before: tuple[str, ...] = ()
    titles: list[str] = []
    for shot in shots:
        titles.append(", ".join(shot.scene_elements) if shot.scene_elements != before else "")
        before = shot.scene_elements
    return tuple(titles)
