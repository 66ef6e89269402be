"""Sound files of every kind that can be uploaded, and ways to spoil them: the seeds of the mutation tests."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from moviedreamer_core.script import Story
from moviedreamer_core.story_files import read_story, write_story

EXAMPLE = Path(__file__).resolve().parents[2] / "assets" / "stories" / "lighthouse" / "story.yaml"

SCREENPLAY = """Title: The _Pier_
Author: Nobody

EXT. PIER - DUSK #1#

MARA, a sailor, walks to the light. [[a note]] She waves.

MARA (V.O.)
(quietly)
The sea is *calm*, **isn't it**?

TOM ^
No.

/* a boneyard
of two lines */
> FADE OUT. <
# Act two
= a synopsis
.A DREAM
!MARA SHOUTS.
@McTom
~la la
===
INT./EXT. CAR - MOVING - CONTINUOUS

They drive on.
"""

# What parsers are known to trip over; each may be put anywhere.
WORDS = (
    "&a", "*a", "<<: *a", "!!python/object/apply:os.system [ls]", "!!binary x", "? ", "- " * 60, "{" * 60,
    "[" * 200, "}", "]", ":", "|", "---\n", "...\n", "%YAML 9.9\n", "\t", "\r", "\r\n", "\x0b", "\x85", "\u2028",
    "\ufeff", "\x00", "\x1b[2J", "\ud7ff", "\u202e", "🎬" * 50, "\"", "'", '"""', "\\", "1e999", "-1", "NaN", ".inf",
    "9" * 5000, "0x" + "f" * 200, "2024-13-45", "true", "null", "~", ",", ";", ",,,,,,,,", "a" * 20_000,
    "keyframes:\n", "seconds: 1e400\n", "faces: [../../etc/passwd]\n", "plot,plot\n", "=cmd|' /C calc'!A0", "/*", "*/",
    "[[", "]]", "**" * 200, "_" * 300, "> ", "@", "^", "INT. " * 100, "MARA\n" * 50, "Dr. " * 200,
    "<script>alert(1)</script>", "{{7*7}}", "%s%n", "\n" * 500,
)  # fmt: skip


def texts(suffix: str) -> list[bytes]:
    """Sound story files that end in `suffix`, as they are uploaded."""
    if suffix == ".fountain":
        return [SCREENPLAY.encode(), b"INT. ROOM - DAY\n\nMara sleeps."]
    story = read_story(EXAMPLE)
    return [
        _written(story, suffix),
        _written(Story.model_validate({"keyframes": [{"plot": "Mara."}]}), suffix),
    ]


def _written(story: Story, suffix: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"story{suffix}"
        write_story(story, path)
        return path.read_bytes()


def pictures() -> dict[str, bytes]:
    """A sound picture of every format and unusual mode, by its file name."""
    values = np.random.default_rng(0).integers(0, 255, (40, 56, 4), dtype=np.uint8)
    rgb, rgba = Image.fromarray(values[..., :3]), Image.fromarray(values)
    exif, text = Image.Exif(), PngImagePlugin.PngInfo()
    exif[0x0112] = 6
    text.add_itxt("moviedreamer", '{"format": "moviedreamer", "version": 2}')
    deep = Image.fromarray(values[..., 0].astype(np.uint16) * 257)
    return {
        "plain.png": _saved(rgb, "PNG", pnginfo=text),
        "clear.png": _saved(rgba, "PNG"),
        "palette.png": _saved(rgb.convert("P"), "PNG", transparency=3),
        "deep.png": _saved(deep, "PNG"),
        "turned.jpg": _saved(rgb, "JPEG", exif=exif),
        "print.jpg": _saved(rgb.convert("CMYK"), "JPEG", progressive=True),
        "web.webp": _saved(rgba, "WEBP"),
        "moving.gif": _saved(rgb, "GIF", save_all=True, append_images=[rgb.rotate(90)]),
        "old.bmp": _saved(rgb, "BMP"),
        "packed.tif": _saved(rgb, "TIFF", compression="tiff_lzw"),
        "floats.tif": _saved(Image.fromarray(values[..., 0].astype(np.float32) / 255), "TIFF"),
    }


def largest_pictures() -> dict[str, bytes]:
    """As many pixels as are taken, and small files; what costs the most memory first."""
    size = (8000, 5000)
    return {
        "large-clear.png": _saved(Image.new("RGBA", size), "PNG"),
        "large.png": _saved(Image.new("RGB", size), "PNG"),
        "large-deep.png": _saved(Image.fromarray(np.zeros(size[::-1], dtype=np.uint16)), "PNG"),
    }


def _saved(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=format, **options)
    return buffer.getvalue()


def spoiled(original: bytes, data: st.DataObject, *, words: tuple[str, ...] = ()) -> bytes:
    """`original` with up to four changes; some of them, if there are `words`, put in one of these."""
    mutated = bytearray(original)
    for _ in range(data.draw(st.integers(1, 4))):
        # The start is where the headers are.
        place = data.draw(st.integers(0, min(64, len(mutated)) if data.draw(st.booleans()) else len(mutated)))
        match data.draw(st.sampled_from(["flip", "cut", "insert", "double", "max", "word", "word", "swap"])):
            case "flip":
                mutated[place : place + 1] = data.draw(st.binary(min_size=1, max_size=1))
            case "cut":
                del mutated[place : place + data.draw(st.integers(1, 400))]
            case "insert":
                mutated[place:place] = data.draw(st.binary(min_size=1, max_size=30))
            case "double":
                mutated[place:place] = mutated[place : place + 300]
            case "max":
                mutated[place : place + 4] = b"\xff" * 4
            case "word" if words:
                mutated[place:place] = data.draw(st.sampled_from(words)).encode("utf-8", "surrogatepass")
            case "swap":
                half = len(mutated) // 2
                mutated = mutated[half:] + mutated[:half]
    return bytes(mutated)
