"""Reading the images a person gives: portraits, references, uploaded keyframes.

Every file is taken as hostile or broken until decoded: few formats, a limit on bytes, and a limit on pixels
that is checked from the header, before a small file can ask for a large memory.
"""

from __future__ import annotations

import contextlib
import io
import stat
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from moviedreamer_core.errors import ImageError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
MAX_PIXELS = 40_000_000
MAX_BYTES = 30 * 2**20
_BAND_ROWS = 256  # of deep grey at a time: as floats, 40 megapixels take a gigabyte

# The pixel limit here is the stricter one; Pillow's warning would be a second, vaguer message.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


def read_image(
    path: Path, *, min_px: int = 16, max_pixels: int = MAX_PIXELS, max_bytes: int = MAX_BYTES
) -> Image.Image:
    """The picture in `path`, in RGB, upright (EXIF), transparency on white, the first frame of an animation.

    Raises ImageError if the file is missing, empty, over `max_bytes`, not an image of a known format, under
    `min_px` on a side, over `max_pixels`, or damaged; the pixel limits are checked before decoding.
    """
    data = _read_bytes(path, max_bytes)
    image = _open(data, name=path.name)
    width_px, height_px = image.size
    if width_px * height_px > max_pixels:
        raise ImageError(
            f"{path.name}: the image is {width_px} x {height_px} pixels, the limit is "
            f"{max_pixels / 1e6:g} megapixels; make it smaller"
        )
    if min(width_px, height_px) < min_px:
        raise ImageError(
            f"{path.name}: the image is only {width_px} x {height_px} pixels; "
            f"use one of at least {min_px} on each side"
        )
    try:
        image.load()
        return _to_rgb(_turned(image))
    except Exception as error:  # decoders raise almost anything on damaged data
        raise ImageError(
            f"{path.name}: the image is damaged or cut off ({_reason(error)}); save or copy it again"
        ) from error


def upright_rgb(image: Image.Image) -> Image.Image:
    """A copy of `image` as `read_image` would give it: in RGB, upright (EXIF), transparency on white."""
    return _to_rgb(_turned(image.copy()))


def center_crop_resize(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """`image` cropped about its centre to the shape of `size` (width, height) and resized to it.

    Source: MovieDreamer, appendix B (frames are brought to 896 x 512 this way).
    """
    scale = min(image.width / size[0], image.height / size[1])
    width_px, height_px = (max(1, round(side * scale)) for side in size)
    left, top = (image.width - width_px) // 2, (image.height - height_px) // 2
    crop = image.crop(
        (left, top, left + width_px, top + height_px)
    )  # first: what is cut off must not blend in
    return crop.resize(size, Image.Resampling.LANCZOS)


def _read_bytes(path: Path, max_bytes: int) -> bytes:
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise ImageError(f"{path.name}: this is a folder; name an image file in it")
        if not stat.S_ISREG(status.st_mode):
            raise ImageError(f"{path.name}: this is not a plain file; copy the image to one")
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except FileNotFoundError as error:
        raise ImageError(f"{path.name}: there is no such image at {path}; correct the path") from error
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise ImageError(f"{path.name!a}: cannot be read ({_reason(error)}); check the file") from error
    if not data:
        raise ImageError(f"{path.name}: the file is empty; save or copy the image again")
    if len(data) > max_bytes:
        raise ImageError(
            f"{path.name}: the file is {status.st_size / 2**20:.0f} MB, the limit is "
            f"{max_bytes / 2**20:g} MB; save it smaller or as JPEG"
        )
    return data


def _open(data: bytes, *, name: str) -> Image.Image:
    """Parse the header only."""
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except _BOMBS as error:
        raise ImageError(f"{name}: the image has far too many pixels; make it smaller") from error
    except UnidentifiedImageError as error:
        known = ", ".join(FORMATS[:-1])
        raise ImageError(
            f"{name}: this is not an image of a known kind or its start is damaged; "
            f"use {known} or {FORMATS[-1]}"
        ) from error
    except Exception as error:  # parsers raise almost anything on damaged data
        raise ImageError(f"{name}: the image is damaged ({_reason(error)}); save or copy it again") from error


def _turned(image: Image.Image) -> Image.Image:
    with contextlib.suppress(
        Exception
    ):  # damaged EXIF says nothing about the orientation; the pixels are fine
        ImageOps.exif_transpose(image, in_place=True)  # a copy would cost as much memory again
    return image


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        return _from_deep_grey(np.asarray(image))
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def _from_deep_grey(grey: np.ndarray) -> Image.Image:
    """Grey of 16 bits, 32 bits or floats; the range is guessed from the largest value."""
    bands = [slice(top, top + _BAND_ROWS) for top in range(0, len(grey), _BAND_ROWS)]
    largest = max(np.nan_to_num(grey[band].astype(np.float64)).max(initial=0.0) for band in bands)
    if grey.dtype == np.uint16 or largest > 255:
        full_scale = 65535.0
    else:
        full_scale = 1.0 if largest <= 1 and grey.dtype.kind == "f" else 255.0
    levels = np.empty(grey.shape, dtype=np.uint8)
    for band in bands:
        values = np.nan_to_num(grey[band].astype(np.float64))
        levels[band] = (np.clip(values / full_scale, 0.0, 1.0) * 255).round().astype(np.uint8)
    return Image.fromarray(levels).convert("RGB")


def _reason(error: BaseException) -> str:
    """The first line of a library's message; an OSError without its number and path."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (text or type(error).__name__).splitlines()[0].lower()
