from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageColor

from moviedreamer_core.errors import ImageError, InputError
from moviedreamer_core.handoff import contact_sheet
from moviedreamer_core.handoff.contact_sheet import (
    INK,
    MAX_LINES,
    MAX_PIXELS,
    MAX_SIDE_PX,
    NARROWEST_THUMBNAIL_PX,
    layout_of,
    write_contact_sheet,
)
from moviedreamer_core.handoff.recipes import movie_recipe, recipe_of
from moviedreamer_core.handoff.typography import Typeface
from moviedreamer_core.images import read_image

WORDS = "Mara walks along the beach and looks at the lighthouse. " * 9


@pytest.fixture
def drawn(monkeypatch):
    """Every text that is drawn, with the place of its top left or right end."""
    texts = []
    draw = Typeface.draw

    def recorded(self, canvas, at, text, **options):
        texts.append((text, at, self))
        draw(self, canvas, at, text, **options)

    monkeypatch.setattr(Typeface, "draw", recorded)
    return texts


def sheet_of(cut, tmp_path):
    write_contact_sheet(cut, tmp_path / "sheet.png")
    return np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB")).astype(int)


def corner_of(sheet, colour):
    """(row, column) of the upper left corner and (height, width) of what has that colour."""
    where = np.argwhere(np.abs(sheet - colour).max(axis=2) < 3)
    return tuple(where.min(axis=0)), tuple(where.max(axis=0) - where.min(axis=0) + 1)


def test_every_keyframe_is_there_in_reading_order(make_cut, tmp_path):
    cut = make_cut(*[1.0] * 5)
    layout, sheet = layout_of(cut), sheet_of(cut, tmp_path)
    colours = [Image.open(shot.keyframe).getpixel((0, 0)) for shot in cut.shots]
    corners = [corner_of(sheet, colour)[0] for colour in colours]
    sizes = {corner_of(sheet, colour)[1] for colour in colours}
    assert sizes == {(layout.thumbnail[1], layout.thumbnail[0])}
    assert layout.columns == 3
    assert corners[0][0] == corners[1][0] == corners[2][0] < corners[3][0] == corners[4][0]
    assert corners[0][1] == corners[3][1] < corners[1][1] == corners[4][1] < corners[2][1]


def test_numbers_timecodes_and_plots_stand_below_their_pictures(make_cut, tmp_path, drawn):
    cut = make_cut(2.0, 1.3, plots=("Mara runs.", "Zoë ruft."))
    sheet = sheet_of(cut, tmp_path)
    (top, left), (height, _) = corner_of(sheet, Image.open(cut.shots[1].keyframe).getpixel((0, 0)))
    texts = {text: at for text, at, _ in drawn}
    assert list(texts)[:2] == ["The Light", "2 shots · 0:03 min · 64 × 36 · 10 fps"]
    assert "00:00:00:00   2.0 s" in texts
    for text in ("2", "Zoë ruft."):
        assert texts[text][0] == left
        assert texts[text][1] > top + height
    assert texts["2"][1] == texts["00:00:02:00   1.3 s"][1] < texts["Zoë ruft."][1]


def test_long_plots_are_wrapped_within_their_column_and_cut_off(make_cut, tmp_path, drawn):
    cut = make_cut(1.0, 1.0, plots=(WORDS, "玛拉跑向灯塔。" * 3))
    write_contact_sheet(cut, tmp_path / "sheet.png")
    width = layout_of(cut).thumbnail[0]
    lines = [(text, face) for text, _, face in drawn if text in WORDS or text.endswith("…")]
    assert len(lines) == MAX_LINES
    assert lines[-1][0].endswith("…")
    assert all(face.width(text) <= width for text, face in lines)


def test_no_text_overlaps_another_or_leaves_the_sheet(make_cut, tmp_path, drawn):
    cut = make_cut(*[1.0] * 7, plots=(WORDS, "A.", WORDS, WORDS, "B.", WORDS, "C."), title=WORDS)
    height, width, _ = sheet_of(cut, tmp_path).shape
    boxes = []
    for text, (x, top), face in drawn:
        left = x - face.width(text) if " s" in text and text[:2] == "00" else x
        boxes.append((left, top, left + face.width(text), top + face.size_px))
    for number, (left, top, right, bottom) in enumerate(boxes):
        assert left >= 0
        assert right <= width
        assert bottom <= height
        for other_left, other_top, other_right, other_bottom in boxes[:number]:
            apart = right <= other_left or other_right <= left or bottom <= other_top or other_bottom <= top
            assert apart


def test_ink_is_really_drawn(make_cut, tmp_path):
    sheet = sheet_of(make_cut(1.0), tmp_path)
    assert (np.abs(sheet - ImageColor.getrgb(INK)).max(axis=2) < 3).sum() > 200


@pytest.mark.parametrize("num_shots", [1, 2, 3, 5, 12, 24, 60, 200, 1000])
@pytest.mark.parametrize("size", [(896, 512), (512, 896), (8192, 100)])
def test_one_sheet_holds_all_and_stays_within_limits(make_cut, num_shots, size):
    cut = make_cut(1.0, size=size)
    shots = tuple(replace(cut.shots[0], id=str(n), number=n) for n in range(1, num_shots + 1))
    layout = layout_of(replace(cut, shots=shots))
    assert layout.columns * (layout.rows - 1) < num_shots <= layout.columns * layout.rows
    height = contact_sheet._height(layout, num_lines=MAX_LINES)
    assert max(layout.width, height) <= MAX_SIDE_PX
    assert layout.width * height <= MAX_PIXELS
    assert layout.thumbnail[0] >= NARROWEST_THUMBNAIL_PX
    assert num_shots < 12 or 0.9 <= layout.width / height <= 2.5


def test_the_sheet_is_a_picture_that_the_studio_reads_and_carries_the_cut(make_cut, tmp_path):
    cut = make_cut(1.0, 1.0)
    write_contact_sheet(cut, tmp_path / "sheet.png")
    read_image(tmp_path / "sheet.png")
    assert recipe_of(tmp_path / "sheet.png") == movie_recipe(cut)


def test_a_missing_keyframe_is_told(make_cut, tmp_path):
    cut = make_cut(1.0, 1.0)
    cut.shots[1].keyframe.unlink()
    with pytest.raises(ImageError, match=r"0002\.png: there is no such image at"):
        write_contact_sheet(cut, tmp_path / "sheet.png")


def test_far_too_many_shots_are_told(make_cut, tmp_path, monkeypatch):
    monkeypatch.setattr(contact_sheet, "MAX_SHOTS", 2)
    with pytest.raises(InputError) as error:
        write_contact_sheet(make_cut(1.0, 1.0, 1.0), tmp_path / "sheet.png")
    assert str(error.value) == (
        "The Light: the movie has 3 shots, a contact sheet shows at most 2; export the PDF board instead"
    )
