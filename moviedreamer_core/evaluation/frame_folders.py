"""Frames that any story generator left in a folder: numbered pictures, one per keyframe, in the order of numbers.

The number is the last one in a file's name: `0001.png`, `1.png`, `frame_03.jpg` and `scene2_shot10.webp` are the
numbers 1, 1, 3 and 10. Numbering may start anywhere and leave gaps; only the order counts.
"""

from __future__ import annotations

import re
from pathlib import Path

from moviedreamer_core.errors import InputError

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"))
_MAX_DIGITS = 18  # names made of a hash or a date with its nanoseconds are no numbering


def keyframe_pictures(folder: Path, *, num_keyframes: int) -> tuple[Path, ...]:
    """The numbered pictures of `folder`, one per keyframe, in order; other files and folders are passed over.

    Raises InputError if the folder is missing, holds no numbered pictures, two of one number, or another number
    of them than `num_keyframes`.
    """
    paths = numbered_pictures(folder)
    if len(paths) != num_keyframes:
        raise InputError(
            f"{folder}: {_count(len(paths), 'numbered picture')} for a story of "
            f"{_count(num_keyframes, 'keyframe')}; give one picture per keyframe"
        )
    return paths


def numbered_pictures(folder: Path) -> tuple[Path, ...]:
    """The numbered pictures of `folder` in the order of their numbers. Raises InputError as `keyframe_pictures`."""
    by_number: dict[int, Path] = {}
    for path in _files(folder):
        number = _number(path)
        if number is None:
            continue
        if number in by_number:
            raise InputError(
                f"{folder}: {by_number[number].name} and {path.name} both have the number {number}; "
                "keep one picture per number"
            )
        by_number[number] = path
    if not by_number:
        raise InputError(
            f"{folder}: no numbered pictures there; name them like 0001.png or frame_1.jpg, in story order"
        )
    return tuple(by_number[number] for number in sorted(by_number))


def _files(folder: Path) -> list[Path]:
    try:
        if not folder.is_dir():
            raise InputError(f"{folder}: there is no such folder of frames; correct the path")
        return sorted(path for path in folder.iterdir() if path.is_file())
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise InputError(f"{str(folder)!a}: the folder cannot be read; check its permissions") from error


def _number(path: Path) -> int | None:
    """The last number in the name of a picture; None for other files and for names without one."""
    if path.name.startswith(".") or path.suffix.lower() not in SUFFIXES:
        return None
    numbers = re.findall(r"[0-9]+", path.stem)
    return int(numbers[-1]) if numbers and len(numbers[-1]) <= _MAX_DIGITS else None


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
