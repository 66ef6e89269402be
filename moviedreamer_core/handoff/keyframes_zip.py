"""The keyframes as a zip: numbered pictures, and the story file with the pictures that it names."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from moviedreamer_core.atomic import replacing
from moviedreamer_core.errors import ImageError
from moviedreamer_core.handoff.cut import Cut
from moviedreamer_core.pictures import read_pictures, with_kept_pictures
from moviedreamer_core.script import Story
from moviedreamer_core.story_files import write_story

STORY_FILE = "story.yaml"
_DATE = (1980, 1, 1, 0, 0, 0)  # the same content gives the same bytes


def write_keyframes_zip(cut: Cut, path: Path, *, story: Story, base: Path) -> None:
    """As `keyframes_zip_steps`, without a pause."""
    for _ in keyframes_zip_steps(cut, path, story=story, base=base):
        pass


def keyframes_zip_steps(cut: Cut, path: Path, *, story: Story, base: Path) -> Iterator[tuple[int, int]]:
    """Write keyframes/0001.png... by the shots' numbers and story.yaml, which reads back as a story.

    Yields after each file how many of how many are in. `base`: the folder that the paths in `story` are relative to;
    its pictures go into pictures/.
    Raises ImageError naming a picture that is missing or damaged, OutputError.
    """
    for shot in cut.shots:
        if not shot.keyframe.is_file():
            raise ImageError(
                f"{shot.keyframe.name}: there is no such image at {shot.keyframe}; draw keyframe {shot.number} again"
            )
    pictures = read_pictures(story, base)
    files = {picture.kept_as: picture.path for picture in pictures}
    files |= {f"keyframes/{shot.number:04}{shot.keyframe.suffix}": shot.keyframe for shot in cut.shots}
    with tempfile.TemporaryDirectory() as folder, replacing(path) as temporary:
        written = Path(folder, STORY_FILE)
        write_story(with_kept_pictures(story, pictures), written)
        with zipfile.ZipFile(temporary, "w") as archive:
            _add(archive, STORY_FILE, written, zipfile.ZIP_DEFLATED)
            for number, name in enumerate(sorted(files), start=1):
                _add(archive, name, files[name], zipfile.ZIP_STORED)  # pictures do not shrink
                yield number, len(files)


def _add(archive: zipfile.ZipFile, name: str, path: Path, compression: int) -> None:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.compress_type = compression
    entry.external_attr = 0o644 << 16
    entry.file_size = path.stat().st_size  # zip64 where it has to be
    with path.open("rb") as source, archive.open(entry, "w") as target:
        shutil.copyfileobj(source, target, 2**20)
