"""Checks of video and music files: decoded by PyAV before MoviePy uses them, and after it has written them.

MoviePy's reader repeats the last good frame of a damaged file, and its writer does not look at ffmpeg's exit
status, so that a full disk would pass unnoticed.
"""

from __future__ import annotations

import contextlib
import errno
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av

from moviedreamer_core.errors import InputError

_STRICT = {"err_detect": "explode"}  # otherwise the decoder paints over what it cannot read
_MUSIC_LEEWAY_SECONDS = 0.1  # AAC comes in blocks of 1024 samples
_PROBE_BYTES = 2**20


class Video(NamedTuple):
    """What the decoded frames of a file say, whatever its header claims."""

    size: tuple[int, int]  # width, height in pixels
    num_frames: int
    seconds: Fraction


def check_video(path: Path) -> Video:
    """Decode all of `path`. Raises InputError, naming the file, if it is missing, not a video or damaged."""
    num_frames, seconds, size = 0, Fraction(0), (0, 0)
    for frame, frames_per_second in decoded(path):
        size = frame.width, frame.height
        num_frames += 1
        seconds += 1 / frames_per_second
    return Video(size, num_frames, seconds)


def decoded(path: Path) -> Iterator[tuple[av.VideoFrame, Fraction]]:
    """Yield the frames of `path`, each with their number per second. Raises InputError as `check_video`."""
    if not path.is_file():
        raise InputError(f"{path.name}: there is no such video at {path}; make it first or correct the path")
    if not path.stat().st_size:
        raise InputError(f"{path.name}: the video is empty; make it again")
    try:
        container = _opened(path)
        stream = container.streams.video[0]
    except (av.FFmpegError, IndexError) as error:
        raise InputError(f"{path.name}: not a video, or damaged ({_reason(error)}); make it again") from error
    stream.codec_context.options = _STRICT
    num_frames = 0
    with container:
        try:
            for frame in container.decode(stream):
                num_frames += 1
                yield frame, stream.average_rate or Fraction(1)
            if not num_frames or num_frames < stream.frames:  # the index may not say how many: 0
                raise EOFError(f"only {num_frames} of {stream.frames} frames")
        except (av.FFmpegError, EOFError) as error:
            raise InputError(
                f"{path.name}: the video is damaged or cut off ({_reason(error)}); make it again"
            ) from error


def check_music(path: Path, *, first_seconds: float = 1.0) -> float:
    """Decode the first seconds of `path`; return how many there were.

    Raises InputError, naming the file, if it is missing, damaged or has no sound.
    """
    if not path.is_file():
        raise InputError(f"{path.name}: there is no such music at {path}; correct the path")
    seconds = 0.0
    try:
        with _opened(path) as container:
            for frame in container.decode(container.streams.audio[0]):
                seconds += frame.samples / frame.sample_rate
                if seconds >= first_seconds:
                    break
    except (av.FFmpegError, IndexError) as error:
        raise InputError(
            f"{path.name}: not music, or damaged ({_reason(error)}); choose another file"
        ) from error
    if not seconds:
        raise InputError(f"{path.name}: the music has no sound; choose another file")
    return seconds


def check_written(path: Path, *, num_frames: int, music_seconds: float, complaint: str) -> None:
    """Raise OSError, with the system's number for a disk that refuses, unless all of it arrived in `path`.

    `complaint`: what the encoder said. If it has failed, the content of `path` is worth nothing and is spoilt.
    """
    with contextlib.suppress(InputError):
        is_whole = check_video(path).num_frames == num_frames
        if music_seconds:
            is_whole &= check_music(path, first_seconds=music_seconds) > music_seconds - _MUSIC_LEEWAY_SECONDS
        if is_whole:
            return
    with path.open("ab") as file:
        file.write(bytes(_PROBE_BYTES))  # a full disk refuses this too, and with its number
    last_line = complaint.rstrip("\n").rpartition("\n")[2].strip()
    reason = re.sub(r"^(\[[^]]*\]\s*)+", "", last_line)  # without the part of ffmpeg that says it
    raise OSError(errno.EIO, f"the video encoder has failed ({reason or 'no reason given'})")


def _opened(path: Path) -> av.container.InputContainer:
    """The absolute path is neither an option (`-x.mp4`) nor a protocol (`concat:x.mp4`)."""
    return av.open(str(path.absolute()), metadata_errors="replace")


def _reason(error: Exception) -> str:
    if isinstance(error, IndexError):
        return "it has no stream of that kind"
    return getattr(error, "strerror", None) or str(error)
