"""Running ffmpeg: as a stream of progress that can be stopped, with one clear sentence when it fails.

The program is the one that imageio-ffmpeg carries, or that IMAGEIO_FFMPEG_EXE names. Inputs are opened as plain
files of known formats only: a playlist in disguise must not make ffmpeg read other files or the network.
Source: https://ffmpeg.org/ffmpeg.html, options -progress, -protocol_whitelist, -format_whitelist.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import IO, NamedTuple

import av
import imageio_ffmpeg

from moviedreamer_core.errors import InputError, OutputError

CRF, PRESET = 18, "veryfast"  # as in video/movie.py
MP4 = "mov,mp4,m4a,3gp,3g2,mj2"  # one of ffmpeg's formats has all these names
SECONDS_BETWEEN_KEYFRAMES = 2  # a browser seeks to these
AUDIO_RATE_HZ, AUDIO_BITRATE = 48_000, "160k"
# ffmpeg's frames from pictures are full range and say so; browsers take BT.709 in TV range.
TO_BT709 = (
    "scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd+full_chroma_int,format=yuv420p,"
    "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"
)
# The program must not go on alone when this process is killed; the pipe to the guard breaks with it, on any system.
_GUARD = """
import os, subprocess, sys, threading
program = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
def watch():
    os.read(0, 1)
    program.kill()
threading.Thread(target=watch, daemon=True).start()
os._exit(1 if program.wait() else 0)
"""
_SPECIAL = re.compile(r"[=;#\\\n]")
_TAG = re.compile(r"^(\[[^]]*\]\s*)+")


def input_file(path: Path, *options: str, formats: str) -> list[str]:
    """Arguments that open `path` as one of `formats` (ffmpeg's names, with commas) and as nothing else."""
    only = ["-protocol_whitelist", "file", "-format_whitelist", formats]
    return [*options, *only, "-i", f"file:{path.absolute()}"]


def h264(frames_per_second: int) -> list[str]:
    """Arguments for H.264 that every browser plays."""
    return [
        *("-c:v", "libx264", "-crf", str(CRF), "-preset", PRESET, "-pix_fmt", "yuv420p"),
        *("-g", str(SECONDS_BETWEEN_KEYFRAMES * frames_per_second)),
    ]


def aac() -> list[str]:
    """Arguments for the sound that goes with it."""
    return ["-c:a", "aac", "-b:a", AUDIO_BITRATE, "-ar", str(AUDIO_RATE_HZ), "-ac", "2"]


def mp4(path: Path) -> list[str]:
    """Arguments for the file at `path`, which is replaced: the index first, so that playing starts at once."""
    return ["-movflags", "+faststart", "-f", "mp4", "-y", f"file:{path.absolute()}"]


def ffmetadata(title: str, comment: str) -> str:
    """The metadata file that gives a movie its title and comment; a command line has a limit on its length.

    Source: https://ffmpeg.org/ffmpeg-formats.html#Metadata-2
    """
    fields = {"title": " ".join(title.replace("\0", "").split()), "comment": comment}
    lines = [f"{key}={_SPECIAL.sub(_escaped, value)}" for key, value in fields.items() if value]
    return "\n".join([";FFMETADATA1", *lines, ""])


def run(
    arguments: Sequence[str], *, seconds: float, folder: Path | None = None
) -> Generator[float, None, None]:
    """Run ffmpeg in `folder` and yield how much of `seconds` of movie is done, from 0 to 1, ending with 1.

    Stop iterating (close the generator) to stop the program. Raises OSError, with the system's number for a full
    disk, whose text is ffmpeg's reason; OutputError if there is no ffmpeg.
    """
    with _started(["-loglevel", "error", "-progress", "pipe:1", *arguments], folder) as (process, _):
        for line in process.stdout or ():
            key, _, value = line.strip().partition("=")
            if key == "out_time_us" and value.lstrip("-").isdigit():
                yield min(1.0, max(0.0, int(value) / 1e6 / seconds))
    yield 1.0


def said(arguments: Sequence[str]) -> str:
    """What ffmpeg prints about its work at the level of detail "info". Raises OSError, OutputError."""
    with _started(["-nostats", *arguments], None) as (process, complaints):
        process.wait()
        complaints.seek(0)
        return complaints.read()


@contextlib.contextmanager
def _started(
    arguments: Sequence[str], folder: Path | None
) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """The program, and the file of its complaints. Leave the block to stop it, or to wait for what it has begun.

    Raises OSError at the end of the block if it has failed.
    """
    command = [sys.executable, "-I", "-S", "-c", _GUARD, _program(), "-nostdin", "-hide_banner", *arguments]
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaints:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            cwd=folder,
            env={**os.environ, "LC_ALL": "C"},  # so that a full disk is told in words we know
        )
        with process:  # closes the pipes: that ends the guard, if it still runs, and waits for it
            yield process, complaints
            status = process.wait()
        if status:
            complaints.seek(0)
            raise _failure(complaints.read())


class Movie(NamedTuple):
    """What the index of an MP4 says: `size` is (width, height) in pixels."""

    num_frames: int
    frames_per_second: Fraction
    size: tuple[int, int]
    has_sound: bool

    @property
    def seconds(self) -> float:
        return float(self.num_frames / self.frames_per_second)


def movie_of(path: Path) -> Movie:
    """The movie in `path`, not decoded. Raises InputError, naming it, if it is missing, not an MP4 or damaged."""
    if not path.is_file():
        raise InputError(f"{path.name}: there is no such movie at {path}; make it first or correct the path")
    only = {"protocol_whitelist": "file", "format_whitelist": MP4}
    try:
        with av.open(f"file:{path.absolute()}", options=only, metadata_errors="replace") as container:
            stream = container.streams.video[0]
            rate, sound = stream.average_rate, bool(container.streams.audio)
            movie = Movie(stream.frames, rate or Fraction(0), (stream.width, stream.height), sound)
    except (av.FFmpegError, IndexError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path.name}: not an MP4 movie, or damaged ({reason}); make it again") from error
    if not movie.num_frames or not movie.frames_per_second:
        raise InputError(f"{path.name}: the movie has no frames; make it again")
    return movie


def check_length(path: Path, *, num_frames: int) -> None:
    """Raise OSError unless the index of the movie at `path` has that many frames."""
    try:
        found = movie_of(path).num_frames
    except InputError as error:
        raise OSError(errno.EIO, f"the video encoder has failed ({error})") from error
    if found != num_frames:
        raise OSError(errno.EIO, f"the video encoder has failed ({found} of {num_frames} frames)")


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is gone afterwards. Raises OutputError if there is no room for it."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(
            f"cannot write temporary files in {tempfile.gettempdir()} ({reason}); free some space there"
        ) from error


def _program() -> str:
    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError:
        raise OutputError(
            "there is no ffmpeg program; install the requirements again or name one in IMAGEIO_FFMPEG_EXE"
        ) from None


def _failure(complaints: str) -> OSError:
    lines = [_TAG.sub("", line).strip() for line in complaints.splitlines() if line.strip()]
    if "No space left on device" in complaints:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    # The first line tells the cause; the last ones tell that the conversion failed.
    return OSError(errno.EIO, f"the video encoder has failed ({lines[0] if lines else 'no reason given'})")


def _escaped(match: re.Match[str]) -> str:
    return "\\" + match[0]
