"""Movies as they leave: a cut's stills as an animatic, a movie with music, subtitles and recipe; by one ffmpeg run.

Nothing here needs a model. An animatic's pictures are converted once each and then repeated by ffmpeg, which makes
it several times faster than composing every frame, and the frames are counted, so that its length is exact.
"""

from __future__ import annotations

import shutil
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image, ImageOps

from moviedreamer_core.atomic import replacing
from moviedreamer_core.errors import InputError
from moviedreamer_core.handoff import ffmpeg
from moviedreamer_core.handoff.cut import Cut, placed
from moviedreamer_core.handoff.music import (
    LOUDNESS_LUFS,
    UNDER_SOUND_LUFS,
    check_track,
    gain_db,
    measured,
    track_filter,
    track_input,
)
from moviedreamer_core.handoff.recipes import MovieRecipe, Recipe, movie_recipe, to_json
from moviedreamer_core.handoff.subtitles import ass_document, srt_document
from moviedreamer_core.handoff.typography import FONTS_FOLDER, installed
from moviedreamer_core.images import read_image

SubtitleMode = Literal["none", "soft", "burned"]
Size = tuple[int, int]

STILL_QUALITY = 97  # of JPEG, which writes four times as fast as PNG and loses less than the encoder after it
_LIST, _METADATA, _SRT, _ASS, _FONTS = "pictures.txt", "metadata.txt", "movie.srt", "movie.ass", "fonts"


@dataclass(frozen=True, kw_only=True)
class Finish:
    """What a movie gets beside its pictures. Soft subtitles are a track that players can switch on."""

    subtitles: SubtitleMode = "none"
    music: Path | None = None
    recipe: Recipe | None = None  # by default, the cut's


def write_animatic(cut: Cut, out: Path, finish: Finish | None = None) -> Generator[float, None, None]:
    """Write the keyframes of `cut`, each for its seconds, to `out` as an MP4; yield how much is done, up to 1.

    Close the generator to stop; `out` is then what it was. Raises ImageError naming a keyframe or InputError
    naming the music that is missing or damaged, OutputError naming `out`.
    """
    finish = finish or Finish()
    if finish.music is not None:
        check_track(finish.music)
    with ffmpeg.scratch() as folder, replacing(out) as temporary:
        size = _even(cut.size)
        _write_pictures(cut, size, folder)
        pictures = ["-protocol_whitelist", "file", "-f", "concat", "-safe", "0", "-i", _LIST]
        # The conversion comes before the frames are repeated: a picture is converted once.
        shown = f"{ffmpeg.TO_BT709},fps={cut.frames_per_second},tpad=stop_mode=clone:stop=-1"
        run = _Run(folder, temporary, cut, finish, inputs=pictures, has_sound=False)
        yield from run.encode(shown, num_frames=cut.num_frames)


def finish_movie(movie: Path, cut: Cut, out: Path, finish: Finish) -> Generator[float, None, None]:
    """Write `movie`, which shows `cut`, to `out` with music, subtitles and recipe; yield how much is done, up to 1.

    Without burned subtitles its pictures are copied as they are. Music goes under the movie's own sound, or alone.
    `movie` may be `out`. Raises InputError naming the movie or music if it is missing or damaged, or if the
    movie's length is not that of `cut` and subtitles are asked for; OutputError naming `out`.
    """
    found = ffmpeg.movie_of(movie)
    if finish.music is not None:
        check_track(finish.music)
    if finish.subtitles != "none" and abs(found.seconds - cut.seconds) > 1 / cut.frames_per_second:
        raise InputError(
            f"{movie.name}: the movie lasts {found.seconds:.2f} s, its shots {cut.seconds:.2f} s; "
            "make the movie again before its subtitles"
        )
    with ffmpeg.scratch() as folder, replacing(out) as temporary:
        inputs = ffmpeg.input_file(movie, formats=ffmpeg.MP4)
        run = _Run(folder, temporary, cut, finish, inputs=inputs, has_sound=found.has_sound)
        yield from run.encode("", num_frames=found.num_frames, rate=float(found.frames_per_second))


class _Run:
    """One run of ffmpeg in a scratch folder, where the files that filters name have plain names."""

    def __init__(
        self, folder: Path, out: Path, cut: Cut, finish: Finish, *, inputs: list[str], has_sound: bool
    ) -> None:
        self._folder, self._out, self._cut, self._finish = folder, out, cut, finish
        self._inputs, self._has_sound = [inputs], has_sound

    def encode(
        self, shown: str, *, num_frames: int, rate: float | None = None
    ) -> Generator[float, None, None]:
        """Encode `num_frames` of the first input through the filters `shown`; copy them if there are none."""
        seconds = num_frames / (rate or self._cut.frames_per_second)
        filters = [shown] if shown else []
        if self._finish.subtitles == "burned":
            self._write_fonts()
            (self._folder / _ASS).write_text(ass_document(self._cut), encoding="utf-8")
            filters.append(f"subtitles=filename={_ASS}:fontsdir={_FONTS}")
            if not shown:
                filters.append("format=yuv420p")
        arguments = [*self._streams(filters, seconds)]
        arguments += ["-frames:v", str(num_frames)] if filters else []
        arguments += ["-map_metadata", str(self._add(self._metadata()))]
        inputs = [argument for one in self._inputs for argument in one]
        yield from ffmpeg.run(
            [*inputs, *arguments, *ffmpeg.mp4(self._out)], seconds=seconds, folder=self._folder
        )
        ffmpeg.check_length(self._out, num_frames=num_frames)

    def _streams(self, filters: list[str], seconds: float) -> Iterator[str]:
        graphs = [f"[0:v:0]{','.join(filters)}[shown]"] if filters else []
        if self._finish.music is not None:
            gain = gain_db(
                measured(self._finish.music, seconds=seconds),
                target_lufs=UNDER_SOUND_LUFS if self._has_sound else LOUDNESS_LUFS,
            )
            number = self._add(track_input(self._finish.music))
            graphs.append(track_filter(number, seconds=seconds, gain=gain, under_sound=self._has_sound))
        if graphs:
            yield from ("-filter_complex", ";".join(graphs))
        yield from ("-map", "[shown]" if filters else "0:v:0")
        yield from ffmpeg.h264(self._cut.frames_per_second) if filters else ("-c:v", "copy")
        if self._finish.music is not None:
            yield from ("-map", "[sound]", *ffmpeg.aac())
        elif self._has_sound:
            yield from ("-map", "0:a:0", "-c:a", "copy")
        if self._finish.subtitles == "soft":
            (self._folder / _SRT).write_text(srt_document(self._cut), encoding="utf-8")
            number = self._add(ffmpeg.input_file(self._folder / _SRT, formats="srt"))
            yield from ("-map", f"{number}:s:0", "-c:s", "mov_text")

    def _add(self, arguments: list[str]) -> int:
        """Add an input; return its number."""
        self._inputs.append(arguments)
        return len(self._inputs) - 1

    def _metadata(self) -> list[str]:
        recipe = self._finish.recipe or movie_recipe(self._cut)
        title = recipe.title if isinstance(recipe, MovieRecipe) else self._cut.title
        path = self._folder / _METADATA
        path.write_text(ffmpeg.ffmetadata(title, to_json(recipe)), encoding="utf-8")
        return ffmpeg.input_file(path, formats="ffmetadata")

    def _write_fonts(self) -> None:
        """Our fonts first; libass takes from the others what those do not have."""
        fonts = self._folder / _FONTS
        fonts.mkdir()
        for path in (*FONTS_FOLDER.glob("*.ttf"), *installed()[:4]):
            shutil.copyfile(path, fonts / path.name)


def _write_pictures(cut: Cut, size: Size, folder: Path) -> None:
    """Every picture that the animatic shows, once, and ffmpeg's list of them with their frames.

    The list's clock ticks in frames. Source: https://ffmpeg.org/ffmpeg-formats.html#concat-1
    """
    lines = ["ffconcat version 1.0"]
    before: Image.Image | None = None
    number = 0

    def show(picture: Image.Image, num_frames: int) -> None:
        nonlocal number
        if num_frames:
            number += 1
            picture.save(folder / f"{number:06}.jpg", quality=STILL_QUALITY, subsampling=0)
            lines.append(f"file {number:06}.jpg\noption framerate {cut.frames_per_second}")
            lines.append(f"duration {num_frames / cut.frames_per_second:.6f}")

    for place in placed(cut):
        picture = ImageOps.pad(read_image(place.shot.keyframe), size, Image.Resampling.LANCZOS)
        for frame in range(place.fade_in_frames):
            assert before is not None
            show(Image.blend(before, picture, (frame + 0.5) / place.fade_in_frames), 1)
        show(picture, place.num_frames - place.fade_in_frames - place.fade_out_frames)
        before = picture
    (folder / _LIST).write_text("\n".join([*lines, ""]), encoding="utf-8")


def _even(size: Size) -> Size:
    """H.264 in yuv420p stores one colour for 2 x 2 pixels."""
    return size[0] + size[0] % 2, size[1] + size[1] % 2
