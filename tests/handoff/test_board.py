"""The board, read back by pypdf."""

from __future__ import annotations

import io
from dataclasses import replace

import pypdf
import pytest
from PIL import Image

from moviedreamer_core.errors import ImageError, InputError, OutputError
from moviedreamer_core.handoff import board, typography
from moviedreamer_core.handoff.board import write_board

WORDS = "Mara walks along the beach and looks at the lighthouse. "


def pages_of(cut, tmp_path):
    write_board(cut, tmp_path / "board.pdf")
    return pypdf.PdfReader(tmp_path / "board.pdf").pages


def spans(page):
    """Every text with its place in millimetres from the upper left corner."""
    found = []
    height = float(page.mediabox.height)

    def visit(text, matrix, text_matrix, _font, _size):
        if text.strip():
            x = text_matrix[4] * matrix[0] + matrix[4]
            y = text_matrix[5] * matrix[3] + matrix[5]
            found.append((text.strip(), x * 25.4 / 72, (height - y) * 25.4 / 72))

    page.extract_text(visitor_text=visit)
    return found


@pytest.mark.parametrize(("num_shots", "num_pages"), [(1, 1), (6, 1), (7, 2), (13, 3)])
def test_six_shots_are_on_a_page(make_cut, tmp_path, num_shots, num_pages):
    pages = pages_of(make_cut(*[1.0] * num_shots), tmp_path)
    assert [len(page.images) for page in pages] == [6] * (num_shots // 6) + [num_shots % 6] * bool(
        num_shots % 6
    )
    assert len(pages) == num_pages
    assert f"Page {num_pages} of {num_pages}" in pages[-1].extract_text()
    assert all(
        (page.mediabox.width, page.mediabox.height) == pytest.approx((841.9, 595.3), abs=0.1)
        for page in pages
    )


def test_the_text_of_a_shot_can_be_selected(make_cut, tmp_path):
    cut = make_cut(2.0, 1.3, plots=("Mara runs.", "Zoë ruft: „Мара!“"))
    cut = replace(cut, shots=(cut.shots[0], replace(cut.shots[1], notes="Check the hat.")))
    (page,) = pages_of(cut, tmp_path)
    lines = page.extract_text().splitlines()
    assert lines[0].startswith("The Light")
    assert [line.strip() for line in lines[1:]] == [
        "1 00:00:00:00 · 2.0 s · take 1",
        "Beach",
        "Mara runs.",
        "Cast: Mara",
        "2 00:00:02:00 · 1.3 s · take 2",
        "Zoë ruft: „Мара!“",
        "Cast: Mara",
        "Notes: Check the hat.",
    ]


def test_the_pictures_are_the_keyframes(make_cut, tmp_path):
    cut = make_cut(1.0, 1.0)
    (page,) = pages_of(cut, tmp_path)
    for shot, embedded in zip(cut.shots, page.images, strict=True):
        found = Image.open(io.BytesIO(embedded.data)).convert("RGB").getpixel((5, 5))
        expected = Image.open(shot.keyframe).getpixel((5, 5))
        assert max(abs(a - b) for a, b in zip(found, expected, strict=True)) < 6


@pytest.mark.parametrize("size", [(896, 512), (512, 896), (2000, 200)])
def test_long_texts_stay_within_their_place(make_cut, tmp_path, size):
    cut = make_cut(*[1.0] * 6, plots=(WORDS * 20,) * 6, title=WORDS * 5, size=size)
    script = {"scene_elements": [WORDS * 3], "characters": [{"name": f"Somebody {n}"} for n in range(9)]}
    shots = tuple(replace(shot, script=script, notes=WORDS * 9) for shot in cut.shots)
    (page,) = pages_of(replace(cut, shots=shots), tmp_path)
    found = spans(page)
    assert all(0 < x < 297 and 0 < y < 210 - 5 for _, x, y in found)
    first_row = [y for text, _, y in found if text.startswith("Notes:")]
    assert len(first_row) == 6
    second_row_top = board.MARGIN + board.HEADER + board.CELL_HEIGHT + board.GAP
    assert max(first_row[:3]) < second_row_top < min(first_row[3:])
    assert "…" in page.extract_text()


def test_characters_that_no_font_has_are_boxes(make_cut, tmp_path, monkeypatch):
    monkeypatch.setattr(typography, "installed", lambda: ())
    typography._fallback.cache_clear()
    (page,) = pages_of(make_cut(1.0, plots=("玛拉 runs.",)), tmp_path)
    assert "□□ runs." in page.extract_text()
    typography._fallback.cache_clear()


def test_the_file_is_titled(make_cut, tmp_path):
    write_board(make_cut(1.0, title="Zoë & 玛拉"), tmp_path / "board.pdf")
    assert pypdf.PdfReader(tmp_path / "board.pdf").metadata.title == "Zoë & 玛拉"


def test_a_missing_keyframe_is_told_and_the_old_board_stays(make_cut, tmp_path):
    cut = make_cut(1.0, 1.0)
    cut.shots[1].keyframe.unlink()
    (tmp_path / "board.pdf").write_bytes(b"old")
    with pytest.raises(ImageError, match=r"0002\.png: there is no such image at"):
        write_board(cut, tmp_path / "board.pdf")
    assert (tmp_path / "board.pdf").read_bytes() == b"old"


def test_far_too_many_shots_are_told(make_cut, tmp_path, monkeypatch):
    monkeypatch.setattr(board, "MAX_SHOTS", 1)
    with pytest.raises(
        InputError, match="The Light: the movie has 2 shots, a board has at most 1; export it in parts"
    ):
        write_board(make_cut(1.0, 1.0), tmp_path / "board.pdf")


def test_a_folder_that_is_not_there_is_told(make_cut, tmp_path):
    with pytest.raises(OutputError, match=r"cannot write .*no/board\.pdf: its folder does not exist"):
        write_board(make_cut(1.0), tmp_path / "no" / "board.pdf")
