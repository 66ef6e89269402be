"""Subtitles from the plots of a cut: when each is read, and the files that players and ffmpeg take.

Times are milliseconds from the movie's start. Sources: the SubRip format as pysubs2 writes it; the Advanced
SubStation Alpha format (https://github.com/libass/libass/wiki/ASS-File-Format-Guide); line length and shortest
duration after Netflix's Timed Text Style Guide, sections on line treatment and duration.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pysubs2

from moviedreamer_core.atomic import write_text
from moviedreamer_core.handoff.cut import Cut, placed
from moviedreamer_core.handoff.wrapping import balanced, columns, plain

MAX_COLUMNS = 42
MAX_LINES = 2  # unless the shot is too short to read its text in parts
MIN_MS = 1000
FONT = "DejaVu Sans"

# Players take these for markup even where the format has none, and nothing escapes them.
_LOOKALIKES = str.maketrans({"{": "(", "}": ")", "<": "‹", ">": "›", "\\": "∖"})


@dataclass(frozen=True, kw_only=True)
class Subtitle:
    start_ms: int
    end_ms: int
    lines: tuple[str, ...]


def subtitles(cut: Cut) -> tuple[Subtitle, ...]:
    """The plots in order, each while its shot is shown (to the middle of a crossfade), in parts if it is long.

    Every one lasts a second at least, as far as the movie is long enough: what is too short begins late or ends
    late by as little as that takes. None overlaps another, none goes beyond the movie's end.
    """
    texts: list[tuple[str, ...]] = []
    starts: list[float] = []
    ends: list[float] = []
    ms_per_frame = 1000 / cut.frames_per_second
    for place in placed(cut):
        start, end = place.first_shown * ms_per_frame, place.end_shown * ms_per_frame
        parts = _parts(place.shot.plot, milliseconds=end - start)
        lengths = [sum(map(columns, part)) for part in parts]
        for number, part in enumerate(parts):
            texts.append(part)
            starts.append(start + (end - start) * sum(lengths[:number]) / sum(lengths))
            ends.append(start + (end - start) * sum(lengths[: number + 1]) / sum(lengths))
    spans = _readable(starts, ends, total=math.floor(cut.num_frames * ms_per_frame))
    return tuple(
        Subtitle(start_ms=start, end_ms=end, lines=text)
        for (start, end), text in zip(spans, texts)
        if end > start
    )


def write_srt(cut: Cut, path: Path) -> None:
    """Write the subtitles of `cut` as SubRip, in UTF-8. Raises OutputError."""
    write_text(path, srt_document(cut))


def srt_document(cut: Cut) -> str:
    """The subtitles of `cut` as SubRip."""
    return _document(cut).to_string("srt")


def ass_document(cut: Cut) -> str:
    """The subtitles of `cut` as libass burns them in: white with a dark edge, low in the middle."""
    width_px, height_px = cut.size
    document = _document(cut)
    document.info |= {
        "PlayResX": str(width_px),
        "PlayResY": str(height_px),
        "ScaledBorderAndShadow": "yes",
        "WrapStyle": "0",
    }
    # 42 columns of this font are about 25 times its size wide.
    size_px = max(8.0, min(height_px * 0.058, width_px * 0.92 / 25))
    document.styles["Default"] = pysubs2.SSAStyle(
        fontname=FONT,
        fontsize=round(size_px, 1),
        primarycolor=pysubs2.Color(255, 255, 255),
        outlinecolor=pysubs2.Color(12, 14, 18, 40),
        backcolor=pysubs2.Color(0, 0, 0, 128),
        outline=round(size_px * 0.1, 2),
        shadow=0,
        alignment=pysubs2.Alignment.BOTTOM_CENTER,
        marginl=round(width_px * 0.04),
        marginr=round(width_px * 0.04),
        marginv=round(height_px * 0.05),
    )
    return document.to_string("ass")


def _document(cut: Cut) -> pysubs2.SSAFile:
    document = pysubs2.SSAFile()
    document.events = [
        pysubs2.SSAEvent(start=one.start_ms, end=one.end_ms, text="\\N".join(one.lines))
        for one in subtitles(cut)
    ]
    return document


def _parts(plot: str, *, milliseconds: float) -> list[tuple[str, ...]]:
    """The lines of `plot` in groups of two, or of more if there is no second for each group."""
    text = plain(plot).translate(_LOOKALIKES).replace("--›", "→")
    lines = balanced(text, MAX_COLUMNS)
    if not lines:
        return []
    num_parts = max(1, min(math.ceil(len(lines) / MAX_LINES), int(milliseconds // MIN_MS)))
    ends = [round(len(lines) * number / num_parts) for number in range(num_parts + 1)]
    return [tuple(lines[start:end]) for start, end in itertools.pairwise(ends)]


def _readable(starts: Sequence[float], ends: Sequence[float], *, total: int) -> list[tuple[int, int]]:
    """The spans in whole milliseconds, each at least MIN_MS long or an equal share of `total`, in order."""
    num_left = len(starts)
    shortest = min(MIN_MS, total // num_left) if num_left else 0
    begun: list[int] = []
    for start in starts:
        earliest = begun[-1] + shortest if begun else 0
        begun.append(min(max(round(start), earliest), total - num_left * shortest))
        num_left -= 1
    limits = [*begun[1:], total]
    return [
        (start, min(max(round(end), start + shortest), limit))
        for start, end, limit in zip(begun, ends, limits)
    ]
