from __future__ import annotations

import hashlib

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from PIL import Image, ImageDraw, ImageFont

from moviedreamer_core.handoff import typography
from moviedreamer_core.handoff.typography import (
    BOLD,
    FONTS_FOLDER,
    REGULAR,
    Typeface,
    drawable,
    fallbacks,
    runs,
)


def font_with(path, characters):
    """A font whose glyphs are black squares of a whole em."""
    names = [".notdef", *(f"glyph{ord(character)}" for character in characters)]
    pen = TTGlyphPen(None)
    for number, point in enumerate([(0, 0), (0, 1000), (1000, 1000), (1000, 0)]):
        pen.lineTo(point) if number else pen.moveTo(point)
    pen.closePath()
    square = pen.glyph()
    builder = FontBuilder(1000)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap(
        {ord(character): name for character, name in zip(characters, names[1:], strict=True)}
    )
    builder.setupGlyf(dict.fromkeys(names, square))
    builder.setupHorizontalMetrics(dict.fromkeys(names, (1000, 0)))
    builder.setupHorizontalHeader(ascent=1000, descent=0)
    builder.setupNameTable({"familyName": "Squares", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
    return path


@pytest.fixture
def squares(tmp_path, monkeypatch):
    """The only installed font has 玛 and 拉."""
    path = font_with(tmp_path / "Squares.ttf", "玛拉")
    monkeypatch.setattr(typography, "installed", lambda: (path,))
    typography._fallback.cache_clear()
    yield path
    typography._fallback.cache_clear()


def test_the_fonts_are_those_of_dejavu_2_37_with_their_licence():
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in (REGULAR, BOLD)}
    assert hashes == {"DejaVuSans.ttf": "abdc775b21b1bc47", "DejaVuSans-Bold.ttf": "0d977336a6d5fba3"}
    assert "Bitstream" in (FONTS_FOLDER / "LICENSE").read_text("utf-8")


def test_width_is_what_pillow_measures():
    font = ImageFont.truetype(str(REGULAR), 30)
    for text in ("Mara walks.", "Мара бежит", "Zoë — ‘ruft’"):
        assert Typeface(size_px=30).width(text) == pytest.approx(font.getlength(text))


def test_letters_that_dejavu_lacks_are_taken_from_an_installed_font(squares):
    assert runs("Mara 玛拉!") == [(REGULAR, "Mara "), (squares, "玛拉"), (REGULAR, "!")]
    assert runs("a玛", is_bold=True) == [(BOLD, "a"), (squares, "玛")]
    assert fallbacks("Mara 玛") == (squares,)
    assert fallbacks("Mara") == ()
    assert Typeface(size_px=20).width("玛拉") == 40


def test_what_no_font_has_is_a_box(squares):
    assert drawable("a玛\U0001f9ff\nb") == "a玛□\nb"


def ink(face, text, **options):
    """The box of what is drawn, and of which colours, at (50, 10) on white."""
    image = Image.new("RGB", (300, 60), "white")
    face.draw(ImageDraw.Draw(image), (50, 10), text, fill="#ff0000", **options)
    return image.convert("L").point(lambda level: 255 * (level < 160)).getbbox(), image


def test_text_is_drawn_at_its_place(squares):
    (left, top, right, bottom), _ = ink(Typeface(size_px=20), "玛a拉")
    assert (left, right) == (50, pytest.approx(90 + Typeface(size_px=20).width("a"), abs=1))
    assert 9 <= top < bottom <= 10 + Typeface(size_px=20).line_height_px


def test_text_may_end_at_its_place(squares):
    (_, _, right, _), _ = ink(Typeface(size_px=20), "玛", anchor="right")
    assert right == 50


def test_a_font_that_cannot_be_read_has_no_letters(tmp_path, monkeypatch):
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    monkeypatch.setattr(typography, "installed", lambda: (tmp_path / "broken.ttf", tmp_path / "gone.ttf"))
    typography._fallback.cache_clear()
    assert runs("玛") == [(REGULAR, "玛")]
    typography._fallback.cache_clear()
