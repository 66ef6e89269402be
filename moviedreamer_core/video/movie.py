"""Clips and the movie: frames -> H.264 files that a browser plays, and many of them -> one, by MoviePy.

F frames, H W pixels. A file takes its name only when it is whole; what had the name before stays until then.
Source: MoviePy 2.2, "Compositing multiple clips" and `VideoClip.write_videofile`.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Generator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar, get_args

import numpy as np
from jaxtyping import UInt8
from moviepy import (
    AudioFileClip,
    ColorClip,
    CompositeVideoClip,
    ImageClip,
    ImageSequenceClip,
    VideoClip,
    VideoFileClip,
    afx,
    vfx,
)
from moviepy.video.io.ffmpeg_writer import FFMPEG_VideoWriter
from PIL import Image, ImageOps

from moviedreamer_core.atomic import replacing
from moviedreamer_core.errors import InputError
from moviedreamer_core.images import read_image
from moviedreamer_core.video.video_files import Video, check_music, check_video, check_written, decoded

Frame = UInt8[np.ndarray, "H W 3"]
Transition = Literal["cut", "crossfade"]
T = TypeVar("T", VideoFileClip, AudioFileClip)

MIN_MOVIE_WIDTH_PX, MIN_MOVIE_HEIGHT_PX = 896, 512  # the paper's frame; smaller clips are enlarged to it
CRF = 18  # constant quality: about what the eye takes for lossless
PRESET = "veryfast"  # keeps up with the sampler on two cores
SECONDS_BETWEEN_KEYFRAMES = 2  # a browser seeks to these
CROSSFADE_SECONDS = 0.3
FADE_OUT_SECONDS = 1.5  # of the music
MAX_COMMENT_BYTES = 100_000  # one argument of a command may have 128 KiB on Linux
# MoviePy asks for yuva420p, which libx264 does not know; the filter decides. It tags as well: ffmpeg lets the
# frames' own tags win over options.
_TO_BT709 = (
    "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,"
    "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"
)
_BROWSER = (
    *("-vf", _TO_BT709, "-crf", str(CRF)),
    *("-movflags", "+faststart", "-f", "mp4"),  # index first, so that a browser can start at once
    *("-hide_banner", "-loglevel", "error"),
)


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
    _check_request(frames_per_second, comment)
    arrays = [_as_array(frame) for frame in frames]
    if not arrays:
        raise ValueError("a video needs at least one frame")
    for number, array in enumerate(arrays, start=1):
        if array.shape != arrays[0].shape:
            raise ValueError(f"frame {number} is {array.shape}, the first is {arrays[0].shape}")
    clip = ImageSequenceClip(arrays, fps=frames_per_second)
    clip = clip.with_duration(_duration(len(arrays), frames_per_second))
    with replacing(path) as temporary:
        encode(clip, temporary, frames_per_second=frames_per_second, comment=comment)


def read_clip(path: Path) -> UInt8[np.ndarray, "F H W 3"]:
    """All frames of `path`. Raises InputError, naming the file, if it is missing, not a video or damaged."""
    return np.stack([frame.to_ndarray(format="rgb24") for frame, _ in decoded(path)])


def stitch(
    items: Sequence[Path | Still],
    out: Path,
    *,
    frames_per_second: int,
    size: tuple[int, int] | None = None,
    transition: Transition = "cut",
    crossfade_seconds: float = CROSSFADE_SECONDS,
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
    _check_transition(transition, crossfade_seconds)
    for _ in stitching(
        items,
        out,
        frames_per_second=frames_per_second,
        size=size,
        transition=transition,
        crossfade_seconds=crossfade_seconds,
        music=music,
        comment=comment,
    ):
        pass


def stitching(
    items: Sequence[Path | Still],
    out: Path,
    *,
    frames_per_second: int,
    size: tuple[int, int] | None = None,
    transition: Transition = "cut",
    crossfade_seconds: float = CROSSFADE_SECONDS,
    music: Path | None = None,
    comment: str | None = None,
) -> Generator[tuple[int, int], None, None]:
    """`stitch`, yielding after each frame how many are written, and of how many; close the generator to stop.

    `out` is then what it was. Raises as `stitch`.
    """
    _check_request(frames_per_second, comment)
    _check_transition(transition, crossfade_seconds)
    if not items:
        raise InputError(f"{out.name}: the movie has no clips; animate a keyframe or keep it as a still")
    if music is not None:
        check_music(music)
    sources = [_check_item(item) for item in items]
    if size is None:
        size = enlarged(sources[0].size)
    if min(size) < 1:
        raise ValueError(f"size must be at least 1 x 1 pixels, got {size[0]} x {size[1]}")
    num_overlapping = round(crossfade_seconds * frames_per_second) if transition == "crossfade" else 0
    shots, num_frames = _arranged(
        [_Shot(item, source, size, frames_per_second) for item, source in zip(items, sources)],
        num_overlapping,
        frames_per_second,
    )
    movie = CompositeVideoClip(shots, size=size, bg_color=(0, 0, 0))
    movie = movie.with_duration(_duration(num_frames, frames_per_second))
    with replacing(out) as temporary, contextlib.ExitStack() as closing:
        for shot in shots:
            closing.enter_context(shot)
        if music is not None:
            sound = closing.enter_context(_opened(AudioFileClip, music))
            loop = afx.AudioLoop(duration=num_frames / frames_per_second)
            movie = movie.with_audio(sound.with_effects([loop, afx.AudioFadeOut(FADE_OUT_SECONDS)]))
        written = encoding(movie, temporary, frames_per_second=frames_per_second, comment=comment)
        for number in written:
            yield number, num_frames


def enlarged(size: tuple[int, int]) -> tuple[int, int]:
    """(width, height) times the smallest whole number that makes it at least 896 x 512."""
    factor = max(1, math.ceil(MIN_MOVIE_WIDTH_PX / size[0]), math.ceil(MIN_MOVIE_HEIGHT_PX / size[1]))
    return factor * size[0], factor * size[1]


def encode(clip: VideoClip, out: Path, *, frames_per_second: int, comment: str | None = None) -> None:
    """Write `clip` to `out` as H.264 in MP4 that every browser plays, with AAC if it has sound.

    Raises OSError if the disk or the encoder refuses.
    """
    for _ in encoding(clip, out, frames_per_second=frames_per_second, comment=comment):
        pass


def encoding(
    clip: VideoClip, out: Path, *, frames_per_second: int, comment: str | None = None
) -> Generator[int, None, None]:
    """`encode`, yielding after each frame how many are written; what is at `out` counts only at the end."""
    if clip.w % 2 or clip.h % 2:
        clip = clip.image_transform(_extended_to_even)
    log, sound = out.with_name(f"{out.name}.log"), out.with_name(f"{out.stem}.m4a")
    options = [*_BROWSER, "-g", str(SECONDS_BETWEEN_KEYFRAMES * frames_per_second)]
    if comment:
        options += ["-metadata", f"comment={comment}"]
    failure = ""
    try:
        try:
            if clip.audio:
                clip.audio.write_audiofile(
                    str(sound.absolute()), codec="aac", bitrate="160k", write_logfile=True, logger=None
                )
            with (
                log.open("w+") as complaints,  # instead of a pipe, which a long complaint would block
                FFMPEG_VideoWriter(
                    str(out.absolute()),
                    clip.size,
                    frames_per_second,
                    codec="libx264",
                    preset=PRESET,
                    audiofile=str(sound.absolute()) if clip.audio else None,
                    logfile=complaints,
                    ffmpeg_params=options,
                ) as writer,
            ):
                frames = clip.iter_frames(fps=frames_per_second, dtype="uint8")
                for number, frame in enumerate(frames, start=1):
                    writer.write_frame(frame)
                    yield number
        except OSError as error:
            failure = str(error)
        check_written(
            out,
            num_frames=int(clip.duration * frames_per_second),
            music_seconds=clip.audio.duration if clip.audio else 0.0,
            complaint=(log.read_text(errors="replace") if log.exists() else "") or failure,
        )
    finally:
        for temporary in (log, sound, sound.with_name(f"{sound.name}.log")):
            temporary.unlink(missing_ok=True)


class _Shot(VideoClip):
    """One item of the movie, at its size, open only from its first frame to its last: a film has hundreds."""

    def __init__(
        self, item: Path | Still, source: Video, size: tuple[int, int], frames_per_second: int
    ) -> None:
        self.num_frames = max(1, round(source.seconds * frames_per_second))
        super().__init__(duration=self.num_frames / frames_per_second)
        self.size = size
        self._item = item
        self._open: VideoClip | None = None
        self._last_start = (self.num_frames - 1) / frames_per_second
        self._centre_of_last_in_source = float(source.seconds * (1 - Fraction(1, 2 * source.num_frames)))

    def frame_function(self, t: float) -> Frame:
        if self._open is None:
            self._open = _opened_item(self._item)
        picture = Image.fromarray(self._open.get_frame(min(t, self._centre_of_last_in_source)))
        if t > self._last_start:
            self.close()
        return np.asarray(ImageOps.pad(picture, self.size, Image.Resampling.LANCZOS))

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None


def _opened_item(item: Path | Still) -> VideoClip:
    if isinstance(item, Still):
        return ImageClip(np.asarray(read_image(item.image)))
    return _opened(VideoFileClip, item, audio=False)


def _arranged(
    shots: Sequence[_Shot], num_overlapping: int, frames_per_second: int
) -> tuple[list[VideoClip], int]:
    """The shots with their start times and crossfades, and the number of frames that they take.

    One shorter than the crossfade overlaps with all it has; no frame is in two crossfades. Every start is half a
    frame early, so that frames are taken at their centres: no rounding moves a cut, and the blended frames lie
    evenly about the middle of the crossfade.
    """
    opaque = ColorClip(shots[0].size, 1.0, is_mask=True)  # one for all: it is 8 bytes a pixel
    arranged: list[VideoClip] = []
    end, num_free = 0, 0  # frames of the movie so far, and those at its end in no crossfade
    for shot in shots:
        overlap = min(num_overlapping, num_free, shot.num_frames)
        num_free = shot.num_frames - overlap
        fading = [vfx.CrossFadeIn(overlap / frames_per_second)]
        clip = shot.with_mask(opaque).with_effects(fading) if overlap else shot
        arranged.append(clip.with_start((end - overlap - 0.5) / frames_per_second))
        end += num_free
    return arranged, end


def _opened(kind: Callable[..., T], path: Path, **options: Any) -> T:
    """A clip of MoviePy's on `path`: absolute, it is neither an option (`-x.mp4`) nor a protocol (`concat:x`)."""
    try:
        return kind(path.absolute(), **options)
    except (
        Exception
    ) as error:  # it parses what ffmpeg prints, the file's comment too, and raises almost anything
        reason = str(error).partition("\n")[0].rstrip(": ")
        raise InputError(f"{path.name}: MoviePy cannot read it ({reason}); make it again") from error


def _check_item(item: Path | Still) -> Video:
    """Before the work: a movie of a hundred clips must not fail at the last one for a wrong name."""
    if isinstance(item, Path):
        return check_video(item)
    if not item.seconds > 0:
        raise ValueError(f"{item.image.name}: a still needs a duration above 0 seconds, got {item.seconds}")
    return Video(read_image(item.image).size, 1, Fraction(item.seconds))


def _check_transition(transition: str, crossfade_seconds: float) -> None:
    if transition not in get_args(Transition):
        raise ValueError(f"transition must be one of {', '.join(get_args(Transition))}, got {transition!r}")
    if crossfade_seconds < 0:
        raise ValueError(f"crossfade_seconds must not be negative, got {crossfade_seconds}")


def _check_request(frames_per_second: int, comment: str | None) -> None:
    if frames_per_second < 1:
        raise ValueError(f"frames_per_second must be at least 1, got {frames_per_second}")
    if comment is not None and len(comment.encode()) > MAX_COMMENT_BYTES:
        raise ValueError(f"comment has {len(comment.encode())} bytes, the limit is {MAX_COMMENT_BYTES}")


def _duration(num_frames: int, frames_per_second: int) -> float:
    """In seconds, half a frame over: MoviePy rounds their number down."""
    return (num_frames + 0.5) / frames_per_second


def _extended_to_even(frame: Frame) -> UInt8[np.ndarray, "evenH evenW 3"]:
    """yuv420p stores one colour for 2 x 2 pixels."""
    height_px, width_px = frame.shape[:2]
    return np.pad(frame, ((0, height_px % 2), (0, width_px % 2), (0, 0)), mode="edge")


def _as_array(frame: Frame | Image.Image) -> Frame:
    return np.asarray(frame.convert("RGB")) if isinstance(frame, Image.Image) else frame
