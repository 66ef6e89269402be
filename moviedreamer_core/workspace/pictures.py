"""Pictures and music that a person gives, as the story's folder keeps them.

What is kept of a picture is what was decoded: upright RGB pixels, written again as PNG. No byte of the upload
survives, so neither where a photo was taken nor anything hidden behind the pixels is served or handed on.
"""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from PIL import Image

from moviedreamer_core.atomic import replacing, write_bytes
from moviedreamer_core.errors import ImageError, InputError, StoryError
from moviedreamer_core.images import read_image
from moviedreamer_core.pictures import MAX_SIDE_PX
from moviedreamer_core.script import Story
from moviedreamer_core.video.video_files import check_music
from moviedreamer_core.workspace.durable import FolderLock, make_subfolder, told
from moviedreamer_core.workspace.layout import MUSIC
from moviedreamer_core.workspace.shelf import sha256_of

MAX_MUSIC_BYTES = 100 * 2**20
MUSIC_SUFFIXES = (".mp3", ".wav", ".ogg", ".flac", ".m4a")
_NAME_CHARACTERS = 32

Kind = Literal["faces", "references"]


class PictureStore:
    """faces/, references/ and music/ of one story. What is in them never changes and is named by its content."""

    def __init__(self, folder: Path, lock: FolderLock) -> None:
        self._folder = folder
        self._lock = lock

    def add(self, source: Path, kind: Kind) -> str:
        """Keep the picture in `source`; its path for a `CastMember` or as reference, e.g. "faces/0f….png".

        The same picture again gives the same path. Raises ImageError naming the file (see `read_image` for the
        limits), StoryGoneError, OutputError.
        """
        data = stored_form(read_image(source))
        with self._lock.held():
            return keep_picture(data, self._folder, kind)

    def add_music(self, source: Path) -> str:
        """Keep a music track, of at most 100 MB; its path for `MovieDecisions`. Raises InputError, OutputError."""
        check_music_file(source)
        path = f"{MUSIC}/{sha256_of(source)[:_NAME_CHARACTERS]}{source.suffix.lower()}"
        with self._lock.held(), told("keep the music"):
            make_subfolder(self._folder / MUSIC)
            if not (self._folder / path).is_file():
                with replacing(self._folder / path) as temporary:
                    shutil.copyfile(source, temporary)
        return path


def stored_form(image: Image.Image) -> bytes:
    """An RGB picture as PNG, at most MAX_SIDE_PX on a side, nothing but its pixels; equal pixels, equal bytes."""
    image = Image.frombytes("RGB", image.size, image.convert("RGB").tobytes())
    image.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", compress_level=6)
    return buffer.getvalue()


def keep_picture(data: bytes, story: Path, kind: str) -> str:
    """Write a picture in its stored form into a story's folder; its path there. Raises OutputError."""
    path = f"{kind}/{hashlib.sha256(data).hexdigest()[:_NAME_CHARACTERS]}.png"
    with told(f"keep the picture in {story.name}"):
        make_subfolder(story / kind)
    if not (story / path).is_file():
        write_bytes(story / path, data)
    return path


def keep_pictures_of(story: Story, sources: Mapping[str, Path], folder: Path) -> dict[tuple[str, str], str]:
    """Keep every picture that `story` names in a story's folder; where, by its kind and its name in `story`.

    Raises StoryError for a picture that `sources` lacks, ImageError, OutputError.
    """
    kept: dict[tuple[str, str], str] = {}
    for name, kind in named_pictures(story):
        if name not in sources:
            raise StoryError(f'"{name}": there is no such picture; add it or remove it from the story')
        try:
            data = stored_form(read_image(sources[name]))
        except ImageError as error:
            raise ImageError(f'"{name}": {str(error).partition(": ")[2]}') from error
        kept[kind, name] = keep_picture(data, folder, kind)
    return kept


def named_pictures(story: Story) -> list[tuple[str, Kind]]:
    """The pictures that `story` names, each once per kind."""
    found: list[tuple[str, Kind]] = [
        (face, "faces") for character in story.characters for face in character.faces
    ]
    found += [(path, "references") for path in story.references]
    return list(dict.fromkeys(found))


def pictures_beside(story: Story, base: Path) -> dict[str, Path]:
    """Where the pictures lie that `story`, a file in the folder `base`, names.

    Raises StoryError for one that lies elsewhere: a story from somebody else must not fetch files of this machine.
    """
    found: dict[str, Path] = {}
    for name, _ in named_pictures(story):
        try:
            path = (base / name).resolve()
        except (OSError, ValueError):  # a null byte, or links in a circle
            path = Path()
        if not path.is_relative_to(base.resolve()):
            raise StoryError(
                f'"{name}" lies outside the story\'s folder; copy the image there and name the copy'
            )
        found[name] = path
    return found


def check_music_file(path: Path) -> None:
    """Raises InputError for a file that is too large, or that its name or its content shows to be no music."""
    if path.suffix.lower() not in MUSIC_SUFFIXES:
        raise InputError(f"{path.name}: music is a file that ends in {', '.join(MUSIC_SUFFIXES)}; convert it")
    num_bytes = path.stat().st_size if path.is_file() else 0
    if num_bytes > MAX_MUSIC_BYTES:
        raise InputError(
            f"{path.name}: the file is {num_bytes / 2**20:.0f} MB, the limit is "
            f"{MAX_MUSIC_BYTES // 2**20} MB; cut it or save it as MP3"
        )
    check_music(path)
