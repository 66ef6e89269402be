"""Breaking text into lines, by whatever measure of length: columns of a subtitle, pixels of a sheet.

Lines break at spaces and around East Asian characters; a longer word is broken where it has to be. Source: a
small part of Unicode Standard Annex 14, the classes SP, ID, CL and CM.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

Measure = Callable[[str], int | float]

ELLIPSIS = "…"
MAX_CHARACTERS = 1000  # more than anyone reads in a shot
_NOT_FIRST = frozenset("、。，．！？：；」』）］｝〉》】〕ー々’”%,.!?:;)]}")  # of a line
_NOT_LAST = frozenset("「『（［｛〈《【〔‘“([{")
_UNPRINTABLE = re.compile(r"[\0-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]+")


def plain(text: str) -> str:
    """`text` in one line of at most MAX_CHARACTERS: control characters and runs of white space are one space."""
    text = " ".join(_UNPRINTABLE.sub(" ", text).split())
    return text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS - 1].rstrip() + ELLIPSIS


def columns(text: str) -> int:
    """How many columns of a fixed-width font `text` takes: wide characters two, marks of others none."""
    return sum(
        0 if _is_mark(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def wrapped(text: str, limit: int | float, measure: Measure = columns) -> list[str]:
    """The lines of `text`, none of which measures more than `limit` unless a single character does."""
    lines: list[str] = []
    line = ""
    for piece in _pieces(plain(text)):
        longer = line + piece
        if measure(longer.rstrip()) <= limit or not line.strip():
            line = longer
        else:
            lines.append(line.rstrip())
            line = piece
        while measure(line.rstrip()) > limit:
            head = _longest_start(line, limit, measure)
            if head == len(line):
                break
            lines.append(line[:head].rstrip())
            line = line[head:].lstrip()
    return [*lines, line.rstrip()] if line.strip() else lines


def balanced(text: str, limit: int | float, measure: Measure = columns) -> list[str]:
    """As many lines as `wrapped` makes, but of about equal length."""
    lines = wrapped(text, limit, measure)
    low, high = 0.0, float(limit)
    for _ in range(12):
        middle = (low + high) / 2
        candidate = wrapped(text, middle, measure)
        if len(candidate) <= len(lines):
            lines, high = candidate, middle
        else:
            low = middle
    return lines


def shortened(
    lines: Sequence[str], num_lines: int, limit: int | float, measure: Measure = columns
) -> list[str]:
    """The first `num_lines` of `lines`; where more are cut off, the last ends in an ellipsis within `limit`."""
    if len(lines) <= num_lines:
        return list(lines)
    last = lines[num_lines - 1]
    while last and measure(last + ELLIPSIS) > limit:
        last = last[:-1].rstrip()
    return [*lines[: num_lines - 1], last + ELLIPSIS]


def _pieces(text: str) -> list[str]:
    """`text` cut wherever a line may end; spaces stay with what is before them."""
    pieces: list[str] = []
    for char in text:
        if not pieces or _may_break(pieces[-1], char):
            pieces.append(char)
        else:
            pieces[-1] += char
    return pieces


def _may_break(before: str, char: str) -> bool:
    last = before[-1]
    if char == " ":
        return False
    if last == " ":
        return True
    if char in _NOT_FIRST or last in _NOT_LAST or _is_mark(char):
        return False
    return _is_ideograph(char) or _is_ideograph(last)


def _is_ideograph(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF" and not _is_mark(char)


def _is_mark(char: str) -> bool:
    """Whether `char` belongs to the one before: accents, joiners, variants."""
    return unicodedata.category(char).startswith("M") or char in "\u200d\ufe0e\ufe0f"


def _longest_start(line: str, limit: int | float, measure: Measure) -> int:
    """How many characters of a word that is too long fit, at least one with its marks."""
    low, high = 1, len(line)
    while low < high:
        middle = (low + high + 1) // 2
        if measure(line[:middle]) <= limit:
            low = middle
        else:
            high = middle - 1
    while low > 1 and low < len(line) and _is_mark(line[low]):
        low -= 1
    while low < len(line) and low == 1 and _is_mark(line[low]):
        low += 1
    return low
