from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from moviedreamer_core.errors import ImageError
from moviedreamer_core.images import center_crop_resize, read_image

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


def png_of_zeros(width_px: int, height_px: int) -> bytes:
    """A PNG of one bit per pixel, all zero: tiny on disk whatever its size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width_px, height_px, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1 + (width_px + 7) // 8) * height_px, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def two_halves(size: tuple[int, int] = (32, 16)) -> Image.Image:
    """Left half red, right half blue."""
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (size[0] // 2, 0, size[0], size[1]))
    return image


def saved(image: Image.Image, path: Path, **options: object) -> Path:
    image.save(path, **options)
    return path


# --- what is read ------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "gif", "webp", "jpg"])
def test_every_format_is_read_in_rgb(tmp_path: Path, suffix: str) -> None:
    image = read_image(saved(two_halves(), tmp_path / f"a.{suffix}"))
    assert (image.mode, image.size) == ("RGB", (32, 16))
    np.testing.assert_allclose(image.getpixel((4, 8)), RED, atol=4)
    np.testing.assert_allclose(image.getpixel((28, 8)), BLUE, atol=4)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "I;16", "I", "F"])
def test_every_mode_comes_out_with_its_black_and_white(tmp_path: Path, mode: str) -> None:
    grey = np.zeros((16, 32), np.uint8)
    grey[:, 16:] = 255
    image = Image.fromarray(grey)
    if mode in ("I;16", "I"):
        image = Image.fromarray(grey.astype(np.uint16 if mode == "I;16" else np.int32) * 257)
    elif mode == "F":
        image = Image.fromarray(grey.astype(np.float32) / 255)
    else:
        image = image.convert("RGB").convert(mode)
    read = np.asarray(read_image(saved(image, tmp_path / "a.tiff")))
    np.testing.assert_array_equal(read, np.repeat(grey[:, :, None], 3, axis=2))


def test_a_16_bit_png_keeps_its_grey_level(tmp_path: Path) -> None:
    level = np.full((16, 16), 32896, np.uint16)  # 128 of 255
    assert read_image(saved(Image.fromarray(level), tmp_path / "a.png")).getpixel((3, 3)) == (128, 128, 128)


def test_a_16_bit_png_of_many_rows_keeps_every_grey_level(tmp_path: Path) -> None:
    rows = np.linspace(0, 65535, 700).round().astype(np.uint16)  # more than are converted at a time
    read = read_image(saved(Image.fromarray(np.repeat(rows[:, None], 16, axis=1)), tmp_path / "a.png"))
    expected = [round(255 * int(row) / 65535) for row in rows]
    assert np.asarray(read)[:, 5, 1].tolist() == expected


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_shows_white(tmp_path: Path, mode: str) -> None:
    image = Image.new("RGBA", (16, 16), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (8, 0, 16, 16))
    read = read_image(saved(image.convert(mode), tmp_path / "a.png"))
    assert [read.getpixel((x, 8)) for x in (2, 13)] == [WHITE, (0, 0, 0)]


def test_half_transparent_black_is_middle_grey(tmp_path: Path) -> None:
    read = read_image(saved(Image.new("RGBA", (16, 16), (0, 0, 0, 128)), tmp_path / "a.png"))
    assert read.getpixel((0, 0)) == (127, 127, 127)


def test_a_photo_taken_sideways_comes_out_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees clockwise to show
    image = read_image(saved(two_halves((32, 16)), tmp_path / "a.png", exif=exif))
    assert image.size == (16, 32)
    assert [image.getpixel((8, y)) for y in (4, 28)] == [RED, BLUE]


@pytest.mark.filterwarnings("ignore:Corrupt EXIF", "ignore:Metadata Warning")
def test_damaged_exif_does_not_refuse_the_photo(tmp_path: Path) -> None:
    exif = b"Exif\0\0MM\0*\0\0\0\x08\x00\x09garbage"
    assert read_image(saved(two_halves(), tmp_path / "a.jpg", exif=exif)).size == (32, 16)


def test_the_first_frame_of_an_animation_is_read(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in (RED, BLUE)]
    path = saved(frames[0], tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert read_image(path).getpixel((3, 3)) == RED


# --- what is refused ---------------------------------------------------------------------------------


def test_a_bomb_is_refused_from_its_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_of_zeros(10_000, 10_000))
    assert path.stat().st_size < 20_000
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(
        ImageError, match=r"^bomb\.png: the image is 10000 x 10000 pixels, the limit is 40 mega"
    ):
        read_image(path)


def test_a_bomb_beyond_the_limit_of_pillow_is_refused_too(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_of_zeros(60_000, 10_000))
    with pytest.raises(ImageError, match=r"^bomb\.png: the image has far too many pixels; make it smaller$"):
        read_image(path)


def test_a_missing_image_and_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"^no\.png: there is no such image at .*no\.png; correct the path$"):
        read_image(tmp_path / "no.png")
    with pytest.raises(ImageError, match="this is a folder; name an image file in it"):
        read_image(tmp_path)
    with pytest.raises(ImageError, match="cannot be read"):
        read_image(tmp_path / "a\0.png")


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(ImageError, match="this is not a plain file; copy the image to one"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "a.png: the file is empty; save or copy the image again"),
        (
            b"hello",
            "this is not an image of a known kind or its start is damaged; use PNG, JPEG, WEBP, GIF, BMP",
        ),
        (b"\x89PNG\r\n\x1a\n", "a.png: "),
        (png_of_zeros(8, 200), "the image is only 8 x 200 pixels; use one of at least 16 on each side"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n", "not an image of a known kind"),
    ],
)
def test_a_file_that_is_no_usable_image_is_told(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(ImageError) as caught:
        read_image(tmp_path / "a.png")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "webp", "bmp", "tiff"])
def test_an_image_cut_off_anywhere_is_an_image_error(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, format={"jpg": "JPEG"}.get(suffix, suffix.upper()))
    path = tmp_path / f"a.{suffix}"
    for share in (0.02, 0.3, 0.6, 0.9):
        path.write_bytes(buffer.getvalue()[: int(len(buffer.getvalue()) * share)])
        with pytest.raises(ImageError, match=rf"^a\.{suffix}: .*; (save|use|copy)"):
            read_image(path)


def test_flipped_bytes_give_an_image_or_an_image_error(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    path = tmp_path / "a"
    for name in ("PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP"):
        buffer = io.BytesIO()
        two_halves().save(buffer, format=name)
        for _ in range(60):
            data = bytearray(buffer.getvalue())
            for position in random.integers(0, len(data), 4):
                data[position] = random.integers(0, 256)
            path.write_bytes(data)
            try:
                image = read_image(path)
            except ImageError:
                continue
            assert image.mode == "RGB"


def test_a_file_of_too_many_bytes_is_refused(tmp_path: Path) -> None:
    path = saved(two_halves(), tmp_path / "a.bmp")
    with pytest.raises(
        ImageError, match=r"^a\.bmp: the file is 0 MB, the limit is 0\.0\d+ MB; save it smaller"
    ):
        read_image(path, max_bytes=1000)


# --- cropping ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "box"), [((16, 16), (8, 0, 24, 16)), ((32, 8), (0, 4, 32, 12))])
def test_a_crop_without_resizing_is_the_centre(size: tuple[int, int], box: tuple[int, int, int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (16, 32, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    np.testing.assert_array_equal(center_crop_resize(image, size), image.crop(box))


def test_crop_and_resize_equal_a_crop_then_a_resize() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (60, 120, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    plain = image.crop((30, 0, 90, 60)).resize((20, 20), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(center_crop_resize(image, (20, 20)), plain)
