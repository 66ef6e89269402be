"""Clips and the movie: frames -> H.264 files that a browser plays, and many of them -> one.

F frames, H W pixels. A file takes its name only when it is whole; what had the name before stays until then.
"""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, repeat
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps

from moviedreamer_core.atomic import replacing
from moviedreamer_core.errors import ImageError, InputError
from moviedreamer_core.images import read_image
from moviedreamer_core.video.ffmpeg import (
    Frame,
    add_music,
    check_music,
    check_video,
    decode,
    encode,
    frame_size,
)

MIN_MOVIE_WIDTH_PX, MIN_MOVIE_HEIGHT_PX = 896, 512  # the paper's frame; smaller clips are enlarged to it

Transition = Literal["cut", "crossfade"]


class Still(NamedTuple):
    """A keyframe that stands for some seconds instead of a clip."""

    image: Path
    seconds: float


def write_clip(
    frames: UInt8[np.ndarray, "F H W 3"] | Sequence[Image.Image],
    path: Path,
    *,
    frames_per_second: int,
    comment: str | None = None,
) -> None:
    """Write `frames` to `path`; `comment` (a recipe, as JSON) becomes the file's metadata of that name.

    Sides that are odd grow by a pixel. Raises OutputError, naming the path, if the disk or the encoder
    refuses; ValueError for no frames, pictures of two sizes, or a rate under 1.
    """
    with replacing(path) as temporary:
        encode(map(_as_array, frames), temporary, frames_per_second=frames_per_second, comment=comment)


def read_clip(path: Path) -> UInt8[np.ndarray, "F H W 3"]:
    """All frames of `path`. Raises InputError, naming the file, if it is missing, not a video or damaged."""
    return np.stack(list(decode(path, size=frame_size(path))))


def stitch(
    items: Sequence[Path | Still],
    out: Path,
    *,
    frames_per_second: int,
    size: tuple[int, int] | None = None,
    transition: Transition = "cut",
    crossfade_seconds: float = 0.3,
    music: Path | None = None,
    comment: str | None = None,
) -> None:
    """Join clips and stills, in order, into one movie at a constant rate.

    `size` is (width, height) in pixels; without it, that of the first item times the smallest whole number
    that brings it to at least 896 x 512. Items of another shape get black bars. A crossfade overlaps two
    neighbours and shortens the movie by its length. Music is repeated or cut to the movie's length and fades
    out.
    Raises InputError or ImageError naming the item that is missing or damaged, OutputError naming `out`, and
    ValueError for a size, rate or duration out of range.
    """
    if transition not in get_args(Transition):
        raise ValueError(f"transition must be one of {', '.join(get_args(Transition))}, got {transition!r}")
    if crossfade_seconds < 0:
        raise ValueError(f"crossfade_seconds must not be negative, got {crossfade_seconds}")
    if not items:
        raise InputError(f"{out.name}: the movie has no clips; animate a keyframe or keep it as a still")
    _check_present(items)
    if music is not None:
        check_music(music)
    if size is None:
        size = enlarged(_own_size(items[0]))
    if min(size) < 1:
        raise ValueError(f"size must be at least 1 x 1 pixels, got {size[0]} x {size[1]}")
    num_overlapping = round(crossfade_seconds * frames_per_second) if transition == "crossfade" else 0
    streams = (_frames_of(item, size, frames_per_second) for item in items)
    movie = crossfaded(streams, num_overlapping)
    with replacing(out) as temporary:
        num_frames = encode(movie, temporary, frames_per_second=frames_per_second, comment=comment)
        if music is not None:
            _mix(temporary, music, seconds=num_frames / frames_per_second)


def enlarged(size: tuple[int, int]) -> tuple[int, int]:
    """(width, height) times the smallest whole number that makes it at least 896 x 512."""
    factor = max(1, math.ceil(MIN_MOVIE_WIDTH_PX / size[0]), math.ceil(MIN_MOVIE_HEIGHT_PX / size[1]))
    return factor * size[0], factor * size[1]


def crossfaded(streams: Iterable[Iterator[Frame]], num_overlapping: int) -> Iterator[Frame]:
    """Yield the frames of all streams; the last `num_overlapping` of each blend into the first of the next.

    Only so many frames are held. A stream shorter than that overlaps with all it has; none is blended twice.
    """
    tail: list[Frame] = []  # of the streams before, not yet yielded
    for stream in streams:
        head = list(islice(stream, len(tail)))
        num_alone = len(tail) - len(head)
        yield from tail[:num_alone]
        for number, (old, new) in enumerate(zip(tail[num_alone:], head), start=1):
            yield _blend(old, new, number / (len(head) + 1))
        waiting: deque[Frame] = deque()
        for frame in stream:
            waiting.append(frame)
            if len(waiting) > num_overlapping:
                yield waiting.popleft()
        tail = list(waiting)
    yield from tail


def _blend(old: Frame, new: Frame, weight: float) -> Frame:
    mixed = (1 - weight) * old.astype(np.float32) + weight * new.astype(np.float32)
    return mixed.round().astype(np.uint8)


def _frames_of(item: Path | Still, size: tuple[int, int], frames_per_second: int) -> Iterator[Frame]:
    if isinstance(item, Path):
        return decode(item, size=size, frames_per_second=frames_per_second)
    picture = ImageOps.pad(read_image(item.image), size, method=Image.Resampling.LANCZOS)
    return repeat(np.asarray(picture), max(1, round(item.seconds * frames_per_second)))


def _own_size(item: Path | Still) -> tuple[int, int]:
    return frame_size(item) if isinstance(item, Path) else read_image(item.image).size


def _check_present(items: Sequence[Path | Still]) -> None:
    """Before the work: a movie of a hundred clips must not fail at the last one for a wrong name."""
    for item in items:
        if isinstance(item, Path):
            check_video(item)
        elif not item.seconds > 0:
            raise ValueError(
                f"{item.image.name}: a still needs a duration above 0 seconds, got {item.seconds}"
            )
        elif not item.image.is_file():
            raise ImageError(f"{item.image.name}: there is no such image at {item.image}; correct the path")


def _mix(movie: Path, music: Path, *, seconds: float) -> None:
    mixed = movie.with_name(f"{movie.stem}-mixed{movie.suffix}")
    try:
        add_music(movie, music, mixed, seconds=seconds)
        os.replace(mixed, movie)
    finally:
        mixed.unlink(missing_ok=True)


def _as_array(frame: Frame | Image.Image) -> Frame:
    return np.asarray(frame.convert("RGB")) if isinstance(frame, Image.Image) else frame
