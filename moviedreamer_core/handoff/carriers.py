"""Text inside PNG and MP4 files: found by walking their parts, nothing else is read into memory.

Sources: Portable Network Graphics, third edition, section 11.3.3 (tEXt, zTXt, iTXt); ISO/IEC 14496-12, section
4.2 (boxes); the QuickTime File Format, "User Data Atoms" and "Metadata" (udta, meta, ilst, ©cmt).
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Iterator

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_PARTS = 100_000  # chunks or boxes; a picture of 40 megapixels has about 20,000 chunks at most
MAX_KEYWORD_BYTES = 79
_COMMENT = b"\xa9cmt"
_TEXT_CHUNKS = (b"tEXt", b"zTXt", b"iTXt")


class CarrierError(ValueError):
    """The file breaks the rules of its format, or its text is over a limit; the message is half a sentence."""


# --- PNG ---------------------------------------------------------------------------------------------


def png_text(file: io.BufferedIOBase, keyword: str, *, max_bytes: int) -> str | None:
    """The text under `keyword` in a PNG, of whichever of the three kinds, or None. Raises CarrierError."""
    for kind, start, size in _png_chunks(file):
        if kind not in _TEXT_CHUNKS:
            continue
        file.seek(start)
        found, zero, _ = file.read(min(size, MAX_KEYWORD_BYTES + 1)).partition(b"\0")
        if not zero or found != keyword.encode("latin-1"):
            continue
        if size > max_bytes + 1024:
            raise CarrierError(f"the recipe in it has {size / 2**20:.1f} MB, too many")
        file.seek(start)
        data = file.read(size)
        if zlib.crc32(kind + data) != int.from_bytes(file.read(4), "big"):
            raise CarrierError("the recipe in it is damaged (checksum)")
        return _text_of_chunk(kind, data, max_bytes)
    return None


def with_png_text(data: bytes, keyword: str, text: str) -> bytes:
    """The PNG `data` with `text` under `keyword` in an iTXt chunk, in place of what was there under it.

    Every other chunk stays as it is, byte for byte. Raises CarrierError.
    """
    name = keyword.encode("latin-1")
    content = b"iTXt" + name + b"\0\0\0\0\0" + text.encode("utf-8")  # not compressed, no language
    chunk = struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))
    parts = [PNG_SIGNATURE]
    for number, (kind, start, size) in enumerate(_png_chunks(io.BytesIO(data))):
        whole = data[start - 8 : start + size + 4]
        if kind in _TEXT_CHUNKS and whole[8:].startswith(name + b"\0"):
            continue
        parts.append(whole)
        if number == 0:  # after IHDR and before the pixels, where readers look first
            parts.append(chunk)
    return b"".join(parts)


def _png_chunks(file: io.BufferedIOBase) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start of the content and its size, of every chunk up to the last."""
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    if file.read(8) != PNG_SIGNATURE:
        raise CarrierError("this is not a PNG")
    position = 8
    for _ in range(MAX_PARTS):
        file.seek(position)
        header = file.read(8)
        if len(header) < 8:
            raise CarrierError("the file is cut off")
        size, kind = struct.unpack(">I4s", header)
        if position + 12 + size > end:
            raise CarrierError("the file is cut off")
        yield kind, position + 8, size
        if kind == b"IEND":
            return
        position += 12 + size
    raise CarrierError("the file has too many parts")


def _text_of_chunk(kind: bytes, data: bytes, max_bytes: int) -> str:
    _, _, rest = data.partition(b"\0")
    if kind == b"tEXt":
        return rest.decode("latin-1")
    if kind == b"zTXt":
        return _inflated(rest[1:], max_bytes).decode("latin-1")
    compressed, rest = rest[:1], rest[2:]
    _, _, rest = rest.partition(b"\0")  # language
    _, _, rest = rest.partition(b"\0")  # translated keyword
    try:
        return (_inflated(rest, max_bytes) if compressed == b"\1" else rest).decode("utf-8")
    except UnicodeDecodeError:
        raise CarrierError("the recipe in it is damaged (not UTF-8)") from None


def _inflated(data: bytes, max_bytes: int) -> bytes:
    stream = zlib.decompressobj()
    try:
        text = stream.decompress(data, max_bytes + 1)
    except zlib.error:
        raise CarrierError("the recipe in it is damaged (compression)") from None
    if len(text) > max_bytes:
        raise CarrierError(f"the recipe in it has more than {max_bytes / 2**20:.1f} MB, too many")
    if not stream.eof:
        raise CarrierError("the recipe in it is damaged (compression)")
    return text


# --- MP4 ---------------------------------------------------------------------------------------------


def mp4_comment(file: io.BufferedIOBase, *, max_bytes: int) -> str | None:
    """The comment in the metadata of an MP4, or None. Raises CarrierError."""
    span = (0, file.seek(0, os.SEEK_END))
    for kind in (b"moov", b"udta", b"meta", b"ilst", _COMMENT, b"data"):
        found = _first_box(file, span, kind)
        if found is None:
            return None
        span = found
        if kind == b"meta" and _has_version(file, span):
            span = (span[0] + 4, span[1])
    start, end = span[0] + 8, span[1]  # after the type of the value and its locale
    if end - start > max_bytes:
        raise CarrierError(f"the recipe in it has {(end - start) / 2**20:.1f} MB, too many")
    file.seek(start)
    try:
        return file.read(max(0, end - start)).decode("utf-8")
    except UnicodeDecodeError:
        raise CarrierError("the recipe in it is damaged (not UTF-8)") from None


def _first_box(file: io.BufferedIOBase, span: tuple[int, int], kind: bytes) -> tuple[int, int] | None:
    """Where the content of the first box of that kind in `span` starts and ends."""
    position, end = span
    for _ in range(MAX_PARTS):
        if position + 8 > end:
            return None
        file.seek(position)
        size, found = struct.unpack(">I4s", file.read(8))
        start = position + 8
        if size == 1 and position + 16 <= end:
            (size,) = struct.unpack(">Q", file.read(8))
            start += 8
        elif size == 0:  # to the end
            size = end - position
        if size < start - position or position + size > end:
            raise CarrierError("the file is cut off")
        if found == kind:
            return start, position + size
        position += size
    raise CarrierError("the file has too many parts")


def _has_version(file: io.BufferedIOBase, span: tuple[int, int]) -> bool:
    """In MP4, `meta` starts with four bytes of version and flags; in QuickTime, with its first box."""
    file.seek(span[0])
    return file.read(8)[4:8] != b"hdlr"
