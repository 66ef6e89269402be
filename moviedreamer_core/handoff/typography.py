"""Letters on pictures: DejaVu Sans, which lies beside this file, and an installed font for what it does not have.

DejaVu covers Latin, Greek, Cyrillic, Arabic and more, but neither East Asian nor Indic scripts. A character that no
font has is drawn as that font's empty box.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fontTools.ttLib import TTFont, TTLibError
from PIL import ImageDraw, ImageFont

FONTS_FOLDER = Path(__file__).parent / "fonts"
REGULAR, BOLD = FONTS_FOLDER / "DejaVuSans.ttf", FONTS_FOLDER / "DejaVuSans-Bold.ttf"

# Fonts with many scripts, by the names under which systems install them; the first that has a character wins.
_WIDE_FONTS = (
    "NotoSansCJK-Regular.ttc", "NotoSansCJKsc-Regular.otf", "NotoSansSC-Regular.otf", "wqy-microhei.ttc",
    "wqy-zenhei.ttc", "DroidSansFallbackFull.ttf", "ipagp.ttf", "NanumGothic.ttf", "Arial Unicode.ttf",
    "PingFang.ttc", "Hiragino Sans GB.ttc", "AppleSDGothicNeo.ttc", "msyh.ttc", "YuGothM.ttc", "malgun.ttf",
    "Nirmala.ttf", "NotoSansDevanagari-Regular.ttf", "NotoSansBengali-Regular.ttf", "NotoSansTamil-Regular.ttf",
    "NotoSansThai-Regular.ttf", "NotoSansHebrew-Regular.ttf", "LeelawUI.ttf", "seguisym.ttf",
    "NotoSansSymbols2-Regular.ttf", "unifont.ttf",
)  # fmt: skip

Anchor = Literal["left", "right"]


@dataclass(frozen=True, kw_only=True)
class Typeface:
    """One size and weight."""

    size_px: int
    is_bold: bool = False

    @property
    def line_height_px(self) -> int:
        return round(self.size_px * 1.32)

    def width(self, text: str) -> float:
        """In pixels."""
        return float(sum(self._font(path).getlength(part) for path, part in runs(text, is_bold=self.is_bold)))

    def draw(
        self,
        canvas: ImageDraw.ImageDraw,
        at: tuple[int | float, int | float],
        text: str,
        *,
        fill: str,
        anchor: Anchor = "left",
    ) -> None:
        """Draw `text` in one line, its top at `at`, which is its left or right end."""
        x, top = at
        if anchor == "right":
            x -= self.width(text)
        baseline = top + self.size_px * 0.95
        for path, part in runs(text, is_bold=self.is_bold):
            canvas.text((x, baseline), part, font=self._font(path), fill=fill, anchor="ls")
            x += self._font(path).getlength(part)

    def _font(self, path: Path) -> ImageFont.FreeTypeFont:
        return _loaded(path, self.size_px)


def runs(text: str, *, is_bold: bool = False) -> list[tuple[Path, str]]:
    """`text` in pieces, each with the font file to draw it with."""
    own = BOLD if is_bold else REGULAR
    pieces: list[tuple[Path, str]] = []
    for char in text:
        path = own if char.isspace() or ord(char) in _characters(own) else _fallback(ord(char)) or own
        if pieces and pieces[-1][0] == path:
            pieces[-1] = (path, pieces[-1][1] + char)
        else:
            pieces.append((path, char))
    return pieces


def fallbacks(text: str) -> tuple[Path, ...]:
    """The installed fonts that `text` needs beside DejaVu Sans."""
    paths = (path for path, _ in runs(text))
    return tuple(dict.fromkeys(path for path in paths if path != REGULAR))


def drawable(text: str) -> str:
    """`text` with an empty box for each character that no font has."""
    own = _characters(REGULAR)
    return "".join(
        char if char.isspace() or ord(char) in own or _fallback(ord(char)) else "□" for char in text
    )


@functools.lru_cache(maxsize=64)
def _loaded(path: Path, size_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), size_px)


@functools.lru_cache(maxsize=64)
def _characters(path: Path) -> frozenset[int]:
    """The characters that the font has; none if it cannot be read."""
    try:
        with TTFont(path, fontNumber=0, lazy=True) as font:
            return frozenset(font.getBestCmap() or ())
    except (OSError, TTLibError, AssertionError, KeyError):
        return frozenset()


@functools.lru_cache(maxsize=4096)
def _fallback(character: int) -> Path | None:
    return next((path for path in installed() if character in _characters(path)), None)


@functools.cache
def installed() -> tuple[Path, ...]:
    """Those of the fonts with many scripts that this machine has, in order of preference."""
    found: dict[str, Path] = {}
    for folder in _font_folders():
        for parent, _, names in os.walk(folder):
            for name in names:
                found.setdefault(name, Path(parent, name))
    return tuple(found[name] for name in _WIDE_FONTS if name in found)


def _font_folders() -> Iterator[Path]:
    if sys.platform == "win32":
        yield Path(os.environ.get("WINDIR", r"C:\Windows"), "Fonts")
    elif sys.platform == "darwin":
        yield from (Path("/System/Library/Fonts"), Path("/Library/Fonts"), Path.home() / "Library/Fonts")
    else:
        yield from (
            Path("/usr/share/fonts"),
            Path("/usr/local/share/fonts"),
            Path.home() / ".local/share/fonts",
        )
