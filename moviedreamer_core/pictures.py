"""The pictures that a story names, portraits and few-shot references: read once, then kept beside its run.

A run's folder has to stand for itself: a shot is drawn again weeks later, when the story file may have moved.
So the pictures are copied to DIR/pictures under names made from their content, and the run's story names the
copies. Stories that differ only in where their files lie then give the same recipes, hence the same bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from moviedreamer_core.atomic import make_folder, write_bytes
from moviedreamer_core.errors import ImageError
from moviedreamer_core.images import read_image
from moviedreamer_core.script import Story

PICTURES_FOLDER = "pictures"
MAX_SIDE_PX = 2048  # what is kept in memory; every encoder reduces further

_PLAIN_SUFFIX = re.compile(r"\.[a-z0-9]{1,5}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """`image` is RGB, upright, at most MAX_SIDE_PX; `sha256` is that of the file at `path`."""

    path: Path
    image: Image.Image
    sha256: str

    @property
    def kept_as(self) -> str:
        """Where a run keeps it, relative to the run's folder."""
        suffix = self.path.suffix.lower()
        return f"{PICTURES_FOLDER}/{self.sha256[:16]}{suffix if _PLAIN_SUFFIX.fullmatch(suffix) else ''}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Pictures:
    """`faces` has an entry per cast member, by name; empty for one without portraits."""

    faces: Mapping[str, tuple[Picture, ...]]
    references: tuple[Picture, ...]

    def __iter__(self) -> Iterator[Picture]:
        for portraits in self.faces.values():
            yield from portraits
        yield from self.references


def read_pictures(story: Story, base: Path) -> Pictures:
    """All pictures of `story`, whose paths are relative to `base`. Raises ImageError naming the bad file."""
    return Pictures(
        faces={
            character.name: tuple(read_picture(base / path) for path in character.faces)
            for character in story.characters
        },
        references=tuple(read_picture(base / path) for path in story.references),
    )


def with_kept_pictures(story: Story, pictures: Pictures) -> Story:
    """`story` naming its pictures as `keep_pictures` keeps them."""
    cast = tuple(
        character.model_copy(update={"faces": tuple(face.kept_as for face in pictures.faces[character.name])})
        for character in story.characters
    )
    references = tuple(picture.kept_as for picture in pictures.references)
    return story.model_copy(update={"characters": cast, "references": references})


def keep_pictures(pictures: Pictures, folder: Path) -> None:
    """Copy the files into `folder` unless they are there already. Raises OutputError."""
    for picture in pictures:
        kept = folder / picture.kept_as
        if not kept.is_file():
            make_folder(kept.parent)
            write_bytes(kept, picture.path.read_bytes())


def read_picture(path: Path) -> Picture:
    """The picture in `path`. Raises ImageError naming the file."""
    image = read_image(path)
    image.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), Image.Resampling.LANCZOS)
    try:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:  # it was there a moment ago
        raise ImageError(f"{path.name}: cannot be read ({error.strerror}); check the file") from error
    return Picture(path=path, image=image, sha256=sha256)
