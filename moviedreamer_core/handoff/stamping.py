"""Writing recipes into files: pixels, frames and sound stay as they are."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

from PIL import Image, PngImagePlugin

from moviedreamer_core.atomic import make_folder, replacing, write_bytes
from moviedreamer_core.errors import InputError
from moviedreamer_core.handoff import ffmpeg
from moviedreamer_core.handoff.carriers import PNG_SIGNATURE, CarrierError, with_png_text
from moviedreamer_core.handoff.recipes import PNG_KEYWORD, MovieRecipe, Recipe, to_json

MAX_PNG_BYTES = 256 * 2**20


def save_png(image: Image.Image, path: Path, recipe: Recipe) -> str:
    """Write `image` as PNG with its recipe, making the folder if needed; return the file's sha256.

    The bytes follow from the pixels and the recipe alone. Raises OutputError.
    """
    pixels = image.convert("RGB")
    bare = Image.frombytes("RGB", pixels.size, pixels.tobytes())  # profile, EXIF and dates stay behind
    text = PngImagePlugin.PngInfo()
    text.add_itxt(PNG_KEYWORD, to_json(recipe))
    buffer = io.BytesIO()
    bare.save(buffer, format="PNG", pnginfo=text, compress_level=6)
    make_folder(path.parent)
    write_bytes(path, buffer.getvalue())
    return hashlib.sha256(buffer.getvalue()).hexdigest()


def stamp(path: Path, recipe: Recipe, *, out: Path | None = None) -> None:
    """Write `recipe` into the PNG or MP4 at `path`, in place of the one it has, or into a copy at `out`.

    A PNG gets a chunk; of an MP4, the streams are copied as they are and its index stays in front.
    Raises InputError if the file is missing, damaged or of another kind, OutputError.
    """
    out = out or path
    try:
        if path.stat().st_size > MAX_PNG_BYTES and _starts_as_png(path):
            raise InputError(
                f"{path.name}: larger than {MAX_PNG_BYTES // 2**20} MB; make the picture smaller"
            )
        if _starts_as_png(path):
            write_bytes(out, with_png_text(path.read_bytes(), PNG_KEYWORD, to_json(recipe)))
            return
    except FileNotFoundError:
        raise InputError(f"{path.name}: there is no such file at {path}; correct the path") from None
    except CarrierError as error:
        raise InputError(f"{path.name}: {error}; make it again") from None
    except OSError as error:
        raise InputError(f"{path.name}: cannot be read ({error.strerror}); check the file") from None
    _stamp_mp4(path, recipe, out)


def _stamp_mp4(path: Path, recipe: Recipe, out: Path) -> None:
    movie = ffmpeg.movie_of(path)
    title = recipe.title if isinstance(recipe, MovieRecipe) else ""
    with ffmpeg.scratch() as folder, replacing(out) as temporary:
        metadata = folder / "metadata.txt"
        metadata.write_text(ffmpeg.ffmetadata(title, to_json(recipe)), encoding="utf-8")
        arguments = [
            *ffmpeg.input_file(path, formats=ffmpeg.MP4),
            *ffmpeg.input_file(metadata, formats="ffmetadata"),
            *("-map", "0", "-map_metadata", "1", "-c", "copy"),
            *ffmpeg.mp4(temporary),
        ]
        for _ in ffmpeg.run(arguments, seconds=movie.seconds):
            pass
        ffmpeg.check_length(temporary, num_frames=movie.num_frames)


def _starts_as_png(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(8) == PNG_SIGNATURE
