"""The PDF board: six shots on a page, each with its picture, plot, cast and room for notes; all text selectable."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import fpdf
from PIL import Image, ImageOps

from moviedreamer_core.atomic import write_bytes
from moviedreamer_core.errors import InputError
from moviedreamer_core.handoff.contact_sheet import FAINT, FRAME, INK, facts_of
from moviedreamer_core.handoff.cut import Cut, Placed, placed, timecode, titles_of_scenes
from moviedreamer_core.handoff.typography import BOLD, REGULAR, drawable, fallbacks
from moviedreamer_core.handoff.wrapping import plain, shortened, wrapped
from moviedreamer_core.images import read_image

SHOTS_PER_PAGE, COLUMNS = 6, 3
MAX_SHOTS = 3000  # 500 pages
PICTURE_WIDTH_PX = 1000  # about 300 dots per inch
PICTURE_QUALITY = 88  # of JPEG

# A4, landscape; all in millimetres.
PAGE_WIDTH, PAGE_HEIGHT = 297.0, 210.0
MARGIN, GAP, HEADER = 13.0, 8.0, 11.0
CELL_WIDTH = (PAGE_WIDTH - 2 * MARGIN - (COLUMNS - 1) * GAP) / COLUMNS
CELL_HEIGHT = (PAGE_HEIGHT - 2 * MARGIN - HEADER - GAP) / (SHOTS_PER_PAGE // COLUMNS)
PICTURE_HEIGHT = 48.6  # a frame of the paper's shape fills the width
LEADING = 1.3  # line height over type size
MM_PER_POINT = 25.4 / 72
TITLE, HEADING, BODY, SMALL = 13.0, 9.5, 8.0, 6.8  # points
NOTE_LINE = 5.0  # millimetres between the lines to write on

Weight = Literal["", "B"]


def write_board(cut: Cut, path: Path) -> None:
    """Write the board of `cut` as PDF; raises as `board_steps`."""
    for _ in board_steps(cut, path):
        pass


def board_steps(cut: Cut, path: Path) -> Iterator[tuple[int, int]]:
    """Write the board of `cut` as PDF; yields after each shot how many of how many are on it.

    Raises ImageError naming a keyframe that is missing or damaged, InputError for too many shots, OutputError.
    """
    if len(cut.shots) > MAX_SHOTS:
        raise InputError(
            f"{cut.title}: the movie has {len(cut.shots):,} shots, a board has at most {MAX_SHOTS:,}; "
            "export it in parts"
        )
    board = _Board(cut)
    places, scenes = placed(cut), titles_of_scenes(cut.shots)
    for number, (place, scene) in enumerate(zip(places, scenes, strict=True)):
        if number % SHOTS_PER_PAGE == 0:
            board.new_page(number // SHOTS_PER_PAGE + 1, math.ceil(len(places) / SHOTS_PER_PAGE))
        board.shot(place, scene, number % SHOTS_PER_PAGE)
        yield number + 1, len(places)
    write_bytes(path, bytes(board.pdf.output()))


class _Board:
    def __init__(self, cut: Cut) -> None:
        self._cut = cut
        self.pdf = fpdf.FPDF(orientation="landscape", unit="mm", format="A4")
        self.pdf.set_auto_page_break(False)
        self.pdf.set_title(plain(cut.title))
        self.pdf.set_subject(facts_of(cut))
        self.pdf.set_creator("MovieDreamer Studio")
        self.pdf.set_lang("und")
        self.pdf.c_margin = 0
        self.pdf.add_font("DejaVu", "", str(REGULAR))
        self.pdf.add_font("DejaVu", "B", str(BOLD))
        self.pdf.set_fallback_fonts(_added(self.pdf, cut), exact_match=False)

    def new_page(self, number: int, num_pages: int) -> None:
        self.pdf.add_page()
        right = f"Page {number} of {num_pages}"
        facts_width = 95.0
        room = PAGE_WIDTH - 2 * MARGIN - facts_width
        self._line(plain(self._cut.title), (MARGIN, MARGIN - 2), room, points=TITLE, weight="B")
        self._line(
            f"{facts_of(self._cut)} · {right}",
            (MARGIN + room, MARGIN - 1),
            facts_width,
            points=SMALL,
            colour=FAINT,
            align="R",
        )
        self.pdf.set_draw_color(FRAME)
        self.pdf.set_line_width(0.2)
        self.pdf.line(MARGIN, MARGIN + 5.5, PAGE_WIDTH - MARGIN, MARGIN + 5.5)

    def shot(self, place: Placed, scene: str, position: int) -> None:
        """Draw the shot at the `position`-th place of the page, from 0, row by row."""
        row, column = divmod(position, COLUMNS)
        left, top = MARGIN + column * (CELL_WIDTH + GAP), MARGIN + HEADER + row * (CELL_HEIGHT + GAP)
        bottom = top + CELL_HEIGHT
        top = self._picture(place, left, top) + 1.6
        top = self._heading(place, left, top)
        if scene:
            top = self._lines(plain(scene), (left, top), num_lines=1, points=SMALL, colour=FAINT)
        cast = ", ".join(plain(name) for name in place.shot.cast)
        below = (1 if cast else 0) * SMALL * LEADING * MM_PER_POINT + NOTE_LINE
        num_lines = max(1, int((bottom - below - top) / (BODY * LEADING * MM_PER_POINT)))
        top = self._lines(plain(place.shot.plot), (left, top), num_lines=num_lines, points=BODY) + 0.4
        if cast:
            top = self._lines(f"Cast: {cast}", (left, top), num_lines=1, points=SMALL, colour=FAINT)
        self._notes(plain(place.shot.notes), left, top, bottom)

    def _picture(self, place: Placed, left: float, top: float) -> float:
        """Draw the keyframe as large as it fits; return where it ends."""
        width, height = self._cut.size
        scale = min(CELL_WIDTH / width, PICTURE_HEIGHT / height)
        size_px = (PICTURE_WIDTH_PX, max(1, round(PICTURE_WIDTH_PX * height / width)))
        picture = read_image(place.shot.keyframe)
        if picture.width > PICTURE_WIDTH_PX or picture.width * height != picture.height * width:
            picture = ImageOps.pad(picture, size_px, Image.Resampling.LANCZOS)
        data = io.BytesIO()
        picture.save(data, format="JPEG", quality=PICTURE_QUALITY, subsampling=0)
        w, h = width * scale, height * scale
        self.pdf.image(data, left, top, w, h, alt_text=plain(place.shot.plot))
        self.pdf.set_draw_color(FRAME)
        self.pdf.rect(left, top, w, h)
        return top + h

    def _heading(self, place: Placed, left: float, top: float) -> float:
        rate = self._cut.frames_per_second
        end = self._line(str(place.shot.number), (left, top), 30.0, points=HEADING, weight="B")
        facts = (
            f"{timecode(place.start_frame, rate)} · {place.num_frames / rate:.1f} s · take {place.shot.take}"
        )
        self._line(facts, (left, top + 0.7), CELL_WIDTH, points=SMALL, colour=FAINT, align="R")
        return end

    def _notes(self, notes: str, left: float, top: float, bottom: float) -> None:
        """The notes, and lines to write on in the room that is left."""
        if notes:
            num_lines = max(1, int((bottom - top) / (SMALL * LEADING * MM_PER_POINT)))
            top = self._lines(f"Notes: {notes}", (left, top), num_lines=num_lines, points=SMALL)
        self.pdf.set_draw_color(FRAME)
        self.pdf.set_line_width(0.15)
        while (top := top + NOTE_LINE) <= bottom + 0.5:
            self.pdf.line(left, top, left + CELL_WIDTH, top)

    def _lines(
        self, text: str, at: tuple[float, float], *, num_lines: int, points: float, colour: str = INK
    ) -> float:
        """Draw `text` over the width of a cell, cut off after `num_lines`; return where it ends."""
        left, top = at
        self.pdf.set_font("DejaVu", "", points)
        measure = self.pdf.get_string_width
        for line in shortened(wrapped(drawable(text), CELL_WIDTH, measure), num_lines, CELL_WIDTH, measure):
            top = self._line(line, (left, top), CELL_WIDTH, points=points, colour=colour)
        return top

    def _line(
        self,
        text: str,
        at: tuple[float, float],
        width: float,
        *,
        points: float,
        weight: Weight = "",
        colour: str = INK,
        align: str = "L",
    ) -> float:
        """Draw `text` in one line, cut off at `width`; return where it ends."""
        self.pdf.set_font("DejaVu", weight, points)
        self.pdf.set_text_color(colour)
        measure = self.pdf.get_string_width
        line = shortened(wrapped(drawable(text), width, measure) or [""], 1, width, measure)[0]
        height = points * LEADING * MM_PER_POINT
        self.pdf.set_xy(*at)
        self.pdf.cell(width, height, line, align=align)
        return at[1] + height


def _added(pdf: fpdf.FPDF, cut: Cut) -> list[str]:
    """The names of the installed fonts that the cut's texts need, added to `pdf`."""
    texts = [cut.title]
    for shot in cut.shots:
        texts += [shot.plot, shot.notes, *shot.cast, *shot.scene_elements]
    names: list[str] = []
    for number, font in enumerate(fallbacks("".join(texts))):
        name = f"fallback{number}"
        try:
            pdf.add_font(name, "", str(font))
        except Exception:  # of a kind that fpdf2 does not embed: its characters show as boxes
            continue
        names.append(name)
    return names
