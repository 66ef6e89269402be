"""Frames into and out of video files through the ffmpeg binary that imageio-ffmpeg brings along.

H W pixels. Frames are passed on one by one, so that a film of any length takes the memory of a few. MoviePy's
own writer does not look at ffmpeg's exit status, so that a full disk would pass unnoticed, and its reader
repeats the last good frame of a damaged file.
Source: the ffmpeg documentation, "Main options" and "mov, mp4, ismv muxers".
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import subprocess
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

import imageio_ffmpeg
import numpy as np
from jaxtyping import UInt8
from PIL import Image

from moviedreamer_core.errors import InputError

Frame = UInt8[np.ndarray, "H W 3"]

CRF = 18  # constant quality: about what the eye takes for lossless
PRESET = "veryfast"  # keeps up with the sampler on two cores
SECONDS_BETWEEN_KEYFRAMES = 2  # a browser seeks to these
FADE_OUT_SECONDS = 1.5  # of the music
MAX_COMMENT_BYTES = 100_000  # one argument of a command may have 128 KiB on Linux
_RAW = ("-f", "rawvideo", "-pix_fmt", "rgb24")
_H264 = ("-c:v", "libx264", "-preset", PRESET, "-crf", str(CRF), "-pix_fmt", "yuv420p")
_TO_BT709 = ("-vf", "scale=out_color_matrix=bt709:out_range=tv", "-color_range", "tv")
_IS_BT709 = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709")
_MP4 = ("-movflags", "+faststart", "-f", "mp4", "-y")  # index first, so that a browser can start at once
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


def encode(
    frames: Iterable[Frame],
    out: Path,
    *,
    frames_per_second: int,
    comment: str | None = None,
) -> int:
    """Write `frames`, all of one size, to `out` as H.264 in MP4; return how many there were.

    Every browser plays it: yuv420p, even sides (an odd one is extended by its edge), index before the data.
    Raises ValueError for no frames, frames of two sizes, a rate under 1 or an overlong comment; OSError if
    the disk or the encoder refuses.
    """
    if frames_per_second < 1:
        raise ValueError(f"frames_per_second must be at least 1, got {frames_per_second}")
    if comment is not None and len(comment.encode()) > MAX_COMMENT_BYTES:
        raise ValueError(f"comment has {len(comment.encode())} bytes, the limit is {MAX_COMMENT_BYTES}")
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise ValueError("a video needs at least one frame")
    even = _extended_to_even(first)
    height_px, width_px = even.shape[:2]
    command = [
        *(*_RAW, "-s", f"{width_px}x{height_px}", "-r", str(frames_per_second), "-i", "pipe:0"),
        *(*_TO_BT709, *_IS_BT709, *_H264, "-g", str(SECONDS_BETWEEN_KEYFRAMES * frames_per_second)),
        *(("-metadata", f"comment={comment}") if comment else ()),
        *(*_MP4, _argument(out)),
    ]
    num_frames, all_taken = 1, False
    with _running(command, stdin=subprocess.PIPE) as ffmpeg:
        pipe = ffmpeg.input
        with contextlib.suppress(BrokenPipeError):  # ffmpeg has stopped: its status and its words say why
            pipe.write(even.tobytes())
            for frame in frames:
                if frame.shape != first.shape:
                    raise ValueError(f"frame {num_frames + 1} is {frame.shape}, the first is {first.shape}")
                pipe.write(_extended_to_even(frame).tobytes())
                num_frames += 1
            pipe.close()
            all_taken = True
        ffmpeg.check_written(all_taken=all_taken)
    return num_frames


def decode(path: Path, *, size: tuple[int, int], frames_per_second: int | None = None) -> Iterator[Frame]:
    """Yield the frames of `path` at `size` (width, height), with black bars where the shape differs.

    With `frames_per_second` they are repeated or dropped to that constant rate. Raises InputError, naming the
    file, once damage is reached.
    """
    width_px, height_px = size
    filters = [
        *([] if frames_per_second is None else [f"fps={frames_per_second}"]),
        f"scale={width_px}:{height_px}:force_original_aspect_ratio=decrease:flags=lanczos",
        f"pad={width_px}:{height_px}:-1:-1",
    ]
    command = [
        *("-xerror", "-i", _argument(path), "-map", "0:v:0", "-vf", ",".join(filters)),
        *("-fps_mode", "passthrough", *_RAW, "pipe:1"),
    ]
    num_bytes, num_frames = 3 * width_px * height_px, 0
    with _running(command, stdout=subprocess.PIPE) as ffmpeg:
        while len(data := ffmpeg.output.read(num_bytes)) == num_bytes:
            yield np.frombuffer(data, np.uint8).reshape(height_px, width_px, 3)
            num_frames += 1
        if ffmpeg.wait() != 0 or data or not num_frames:
            raise InputError(
                f"{path.name}: the video is damaged or cut off ({ffmpeg.complaint}); make it again"
            )


def frame_size(path: Path) -> tuple[int, int]:
    """Width and height in pixels of the frames of `path`. Raises InputError, naming the file."""
    check_video(path)
    one_picture = ("-frames:v", "1", "-c:v", "ppm", "-f", "image2pipe")
    command = ["-i", _argument(path), "-map", "0:v:0", *one_picture, "pipe:1"]
    with _running(command, stdout=subprocess.PIPE) as ffmpeg:
        data = ffmpeg.output.read()
        if ffmpeg.wait() != 0 or not data:
            raise InputError(f"{path.name}: not a video, or damaged ({ffmpeg.complaint}); make it again")
    with Image.open(io.BytesIO(data)) as first:
        return first.size


def add_music(video: Path, music: Path, out: Path, *, seconds: float) -> None:
    """Write `video`, which lasts `seconds`, to `out` with `music` repeated or cut to that and faded out.

    The pictures are copied as they are. Raises OSError if the disk or the encoder refuses.
    """
    fade_start = max(0.0, seconds - FADE_OUT_SECONDS)
    command = [
        *("-i", _argument(video), "-stream_loop", "-1", "-i", _argument(music)),
        *("-map", "0:v:0", "-map", "1:a:0", "-c:v", "copy", "-c:a", "aac", "-b:a", "160k", "-ac", "2"),
        *("-af", f"afade=t=out:st={fade_start:.3f}:d={FADE_OUT_SECONDS}", "-t", f"{seconds:.6f}"),
        *(*_MP4, _argument(out)),
    ]
    with _running(command) as ffmpeg:
        ffmpeg.check_written(all_taken=True)


def check_video(path: Path) -> None:
    """Raise InputError, naming the file, unless it is there and holds something."""
    if not path.is_file():
        raise InputError(f"{path.name}: there is no such video at {path}; make it first or correct the path")
    if not path.stat().st_size:
        raise InputError(f"{path.name}: the video is empty; make it again")


def check_music(path: Path) -> None:
    """Raise InputError, naming the file, unless its first second can be decoded."""
    if not path.is_file():
        raise InputError(f"{path.name}: there is no such music at {path}; correct the path")
    command = ["-xerror", "-i", _argument(path), "-map", "0:a:0", "-t", "1", "-f", "null", "-"]
    with _running(command) as ffmpeg:
        if ffmpeg.wait() != 0:
            raise InputError(f"{path.name}: not music, or damaged ({ffmpeg.complaint}); choose another file")


def _argument(path: Path) -> str:
    """Neither an option (`-x.mp4`) nor a protocol (`concat:x.mp4`)."""
    return f"file:{path}"


class _Ffmpeg:
    """A running ffmpeg and the last lines of its complaints."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._lines: deque[bytes] = deque(maxlen=20)
        # Read all the time: a full pipe would stop a process that has much to complain about.
        self._listener = threading.Thread(target=self._lines.extend, args=(process.stderr,), daemon=True)
        self._listener.start()

    @property
    def input(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def output(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    def wait(self) -> int:
        """Its exit status; from then on `complaint` is complete."""
        status = self._process.wait()
        self._listener.join()
        return status

    @property
    def complaint(self) -> str:
        """Its last line, without the address of the part of ffmpeg that says it."""
        line = self._lines[-1].decode(errors="replace").strip() if self._lines else "no reason given"
        return re.sub(r"^(\[[^]]*\]\s*)+", "", line)

    def check_written(self, *, all_taken: bool) -> None:
        """Raise OSError, with the system's number where ffmpeg names its reason, unless it has succeeded.

        `all_taken`: it has read its input to the end.
        """
        status = self.wait()
        if status == 0 and all_taken:
            return
        words = b"".join(self._lines).decode(errors="replace")
        for code in _DISK_ERRORS:
            if os.strerror(code) in words:
                raise OSError(code, os.strerror(code))
        raise OSError(errno.EIO, f"the video encoder stopped with status {status} ({self.complaint})")


@contextlib.contextmanager
def _running(
    arguments: Sequence[str], *, stdin: int = subprocess.DEVNULL, stdout: int = subprocess.DEVNULL
) -> Iterator[_Ffmpeg]:
    """Run ffmpeg with these arguments; it does not outlive the block."""
    process = subprocess.Popen(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", *arguments],
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
    )
    ffmpeg = _Ffmpeg(process)
    try:
        yield ffmpeg
    finally:
        process.kill()  # does nothing to one that has ended
        ffmpeg.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):  # flushing what an ended process no longer takes
                    pipe.close()


def _extended_to_even(frame: Frame) -> UInt8[np.ndarray, "evenH evenW 3"]:
    """yuv420p stores one colour for 2 x 2 pixels."""
    height_px, width_px = frame.shape[:2]
    if height_px % 2 or width_px % 2:
        return np.pad(frame, ((0, height_px % 2), (0, width_px % 2), (0, 0)), mode="edge")
    return frame
