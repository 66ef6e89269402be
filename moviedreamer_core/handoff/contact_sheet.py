"""The contact sheet: the whole cut on one picture, with numbers, timecodes and plots."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

from moviedreamer_core.errors import InputError
from moviedreamer_core.handoff.cut import Cut, Placed, placed, timecode
from moviedreamer_core.handoff.recipes import Recipe, movie_recipe
from moviedreamer_core.handoff.stamping import save_png
from moviedreamer_core.handoff.typography import Typeface
from moviedreamer_core.handoff.wrapping import plain, shortened, wrapped
from moviedreamer_core.images import read_image

MAX_SHOTS = 1000
MAX_SIDE_PX = 16_000
MAX_PIXELS = 40_000_000  # what `images.read_image` takes back
WIDEST_THUMBNAIL_PX, NARROWEST_THUMBNAIL_PX = 420, 100
SHAPE = 1.5  # width over height that a screen and a sheet of paper show best
MAX_LINES, USUAL_LINES = 5, 3  # of a plot

PAPER, INK, FAINT, FRAME = "#f6f7f9", "#131a24", "#5b6778", "#d5dae2"


@dataclass(frozen=True, kw_only=True)
class Layout:
    """All in pixels but `columns` and `rows`."""

    columns: int
    rows: int
    thumbnail: tuple[int, int]

    @property
    def gap(self) -> int:
        return max(10, self.thumbnail[0] // 14)

    @property
    def margin(self) -> int:
        return 2 * self.gap

    @property
    def text_size(self) -> int:
        return max(9, round(self.thumbnail[0] * 0.042))

    @property
    def width(self) -> int:
        return 2 * self.margin + self.columns * self.thumbnail[0] + (self.columns - 1) * self.gap


def layout_of(cut: Cut) -> Layout:
    """The columns that bring the sheet nearest to its shape, with the largest thumbnails that it has room for.

    Raises InputError if there are more shots than one sheet can show.
    """
    num_shots = len(cut.shots)
    if num_shots > MAX_SHOTS:
        raise InputError(
            f"{cut.title}: the movie has {num_shots:,} shots, a contact sheet shows at most {MAX_SHOTS:,}; "
            "export the PDF board instead"
        )
    for width_px in range(WIDEST_THUMBNAIL_PX, NARROWEST_THUMBNAIL_PX - 1, -20):
        height_px = max(16, min(3 * width_px, round(width_px * cut.size[1] / cut.size[0])))
        about = math.ceil(math.sqrt(num_shots * SHAPE * (height_px / width_px + 0.3)))  # 0.3: the text
        layouts = [
            Layout(columns=columns, rows=math.ceil(num_shots / columns), thumbnail=(width_px, height_px))
            for columns in range(max(1, about // 2), min(num_shots, 2 * about) + 1)
        ]
        best = min(layouts, key=lambda layout: _badness(layout, num_shots))
        height = _height(best, num_lines=MAX_LINES)
        if max(best.width, height) <= MAX_SIDE_PX and best.width * height <= MAX_PIXELS:
            break
    return best


def write_contact_sheet(cut: Cut, path: Path, *, recipe: Recipe | None = None) -> None:
    """Write the sheet as PNG, with `recipe`, by default the cut's, in it.

    Raises ImageError naming a keyframe that is missing or damaged, InputError for too many shots, OutputError.
    """
    for _ in contact_sheet_steps(cut, path, recipe=recipe):
        pass


def contact_sheet_steps(
    cut: Cut, path: Path, *, recipe: Recipe | None = None
) -> Generator[tuple[int, int], None, None]:
    """As `write_contact_sheet`; yields after each shot how many of how many are on it."""
    sheet = yield from _drawn(cut)
    save_png(sheet, path, recipe or movie_recipe(cut))


def contact_sheet(cut: Cut) -> Image.Image:
    """The sheet. Raises ImageError, InputError."""
    drawing = _drawn(cut)
    while True:
        try:
            next(drawing)
        except StopIteration as end:
            sheet: Image.Image = end.value
            return sheet


def _drawn(cut: Cut) -> Generator[tuple[int, int], None, Image.Image]:
    layout = layout_of(cut)
    places = placed(cut)
    rows = [places[start : start + layout.columns] for start in range(0, len(places), layout.columns)]
    texts = [[_plot_lines(place, layout) for place in row] for row in rows]
    top = _header_height(layout)
    tops = []
    for texts_of_row in texts:
        tops.append(top)
        num_lines = max(len(lines) for lines in texts_of_row)
        top += layout.thumbnail[1] + _text_height(layout, num_lines) + layout.gap
    sheet = Image.new("RGB", (layout.width, top - layout.gap + layout.margin), PAPER)
    canvas = ImageDraw.Draw(sheet)
    _draw_header(canvas, cut, layout)
    num_drawn = 0
    for row, texts_of_row, top in zip(rows, texts, tops, strict=True):
        for column, (place, lines) in enumerate(zip(row, texts_of_row, strict=True)):
            left = layout.margin + column * (layout.thumbnail[0] + layout.gap)
            _draw_shot(sheet, canvas, (left, top), place, lines, cut, layout)
            num_drawn += 1
            yield num_drawn, len(places)
    return sheet


def _badness(layout: Layout, num_shots: int) -> float:
    shape = layout.width / _height(layout, num_lines=USUAL_LINES)
    num_places = layout.columns * layout.rows
    return abs(math.log(shape / SHAPE)) + 0.8 * (num_places - num_shots) / num_places


def _height(layout: Layout, *, num_lines: int) -> int:
    row = layout.thumbnail[1] + _text_height(layout, num_lines) + layout.gap
    return _header_height(layout) + layout.rows * row + layout.margin


def _header_height(layout: Layout) -> int:
    return layout.margin + round(layout.text_size * 6.2)


def _text_height(layout: Layout, num_lines: int) -> int:
    line = Typeface(size_px=layout.text_size).line_height_px
    return round(line * (num_lines + 1.7))


def _plot_lines(place: Placed, layout: Layout) -> list[str]:
    face, width_px = Typeface(size_px=layout.text_size), layout.thumbnail[0]
    return shortened(wrapped(place.shot.plot, width_px, face.width), MAX_LINES, width_px, face.width)


def _draw_header(canvas: ImageDraw.ImageDraw, cut: Cut, layout: Layout) -> None:
    room = layout.width - 2 * layout.margin
    size = round(layout.text_size * 2.4)
    title = plain(cut.title)
    while size > layout.text_size and Typeface(size_px=size, is_bold=True).width(title) > room:
        size -= 1
    bold, regular = Typeface(size_px=size, is_bold=True), Typeface(size_px=layout.text_size)
    lines = wrapped(title, room, bold.width) or [""]
    bold.draw(canvas, (layout.margin, layout.margin), shortened(lines, 1, room, bold.width)[0], fill=INK)
    facts = facts_of(cut)
    line = shortened(wrapped(facts, room, regular.width), 1, room, regular.width)[0]
    top = layout.margin + round(layout.text_size * 3.5)
    regular.draw(canvas, (layout.margin, top), line, fill=FAINT)


def facts_of(cut: Cut) -> str:
    """The number of shots, the length, the frames, in one line."""
    minutes, seconds = divmod(round(cut.seconds), 60)
    shots = f"{len(cut.shots)} shot{'s' if len(cut.shots) != 1 else ''}"
    return (
        f"{shots} · {minutes}:{seconds:02} min · {cut.size[0]} × {cut.size[1]} · {cut.frames_per_second} fps"
    )


def _draw_shot(
    sheet: Image.Image,
    canvas: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    place: Placed,
    lines: list[str],
    cut: Cut,
    layout: Layout,
) -> None:
    (left, top), (width_px, height_px) = corner, layout.thumbnail
    picture = ImageOps.pad(read_image(place.shot.keyframe), layout.thumbnail, Image.Resampling.LANCZOS)
    sheet.paste(picture, corner)
    canvas.rectangle((left - 1, top - 1, left + width_px, top + height_px), outline=FRAME)
    bold, regular = Typeface(size_px=layout.text_size, is_bold=True), Typeface(size_px=layout.text_size)
    small = Typeface(size_px=max(8, round(layout.text_size * 0.86)))
    line_top = top + height_px + regular.line_height_px * 0.4
    bold.draw(canvas, (left, line_top), str(place.shot.number), fill=INK)
    code = timecode(place.start_frame, cut.frames_per_second)
    length = place.num_frames / cut.frames_per_second
    small.draw(canvas, (left + width_px, line_top), f"{code}   {length:.1f} s", fill=FAINT, anchor="right")
    for line in lines:
        line_top += regular.line_height_px
        regular.draw(canvas, (left, line_top), line, fill=INK)
