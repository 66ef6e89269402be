"""A story as a zip, for another machine or a backup: everything but the history of its script.

    the-lighthouse/story.yaml  revisions/00000012.json  decisions.json  faces/…  takes/…  …

Source: APPNOTE.TXT of PKWARE, as the standard library's zipfile writes it.
"""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

from moviedreamer_core.atomic import replacing
from moviedreamer_core.workspace.durable import link_or_copy, staged, told
from moviedreamer_core.workspace.journal import first_revision
from moviedreamer_core.workspace.layout import STAGING, file_kind, slug
from moviedreamer_core.workspace.story import StoryFolder

_CARRIED = {"decisions", "picture", "music", "image", "tokens", "clip", "record", "readings"}
_COMPRESSED_KINDS = {
    "story",
    "revision",
    "decisions",
    "record",
    "readings",
}  # the others are compressed already
_EPOCH = (1980, 1, 1, 0, 0, 0)  # so that equal stories give equal archives
_COPY_BYTES = 2**20


def write_archive(story: StoryFolder, destination: Path, *, exports: bool = False) -> None:
    """As `archive_steps`, without a pause."""
    for _ in archive_steps(story, destination, exports=exports):
        pass


def archive_steps(
    story: StoryFolder, destination: Path, *, exports: bool = False
) -> Iterator[tuple[int, int]]:
    """Write `story` as it is at this moment to the zip `destination`; yields after each file how many of how many.

    What is being made meanwhile goes on, and is not in it. Raises StoryGoneError, StoryError, OutputError.
    """
    with staged(story.path / STAGING, story.lock) as snapshot:
        with story.lock.held(), told(f"export {story.path.name}"):
            head = story.script.head()
            link_files(story.path, snapshot, exports=exports)
        first_revision(head.draft, snapshot, act="copy", number=head.number)
        with replacing(destination) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            files = _files_in(snapshot)
            for number, relative in enumerate(files, start=1):
                _add(archive, snapshot / relative, f"{slug(head.draft.title)}/{relative}", relative)
                yield number, len(files)


def link_files(story: Path, target: Path, *, exports: bool) -> None:
    """Give everything of a story but its script a second name below `target`. Raises OSError.

    Its files are only ever replaced, never changed, so the two do not touch each other. The story's lock must be
    held.
    """
    carried = _CARRIED | {"export"} if exports else _CARRIED
    for relative in _files_in(story):
        if file_kind(relative) in carried:
            (target / relative).parent.mkdir(parents=True, exist_ok=True)
            link_or_copy(story / relative, target / relative)


def _files_in(folder: Path) -> list[str]:
    """The files of known kinds, the story file first."""
    found = []
    for current, _, names in os.walk(folder):
        for name in names:
            path = Path(current, name)
            relative = path.relative_to(folder).as_posix()
            if file_kind(relative) is not None and path.is_file() and not path.is_symlink():
                found.append(relative)
    return sorted(found, key=lambda relative: (file_kind(relative) != "story", relative))


def _add(archive: zipfile.ZipFile, source: Path, name: str, relative: str) -> None:
    entry = zipfile.ZipInfo(name, date_time=_EPOCH)
    entry.external_attr = 0o644 << 16
    is_compressed = file_kind(relative) in _COMPRESSED_KINDS
    entry.compress_type = zipfile.ZIP_DEFLATED if is_compressed else zipfile.ZIP_STORED
    entry.file_size = source.stat().st_size
    with source.open("rb") as file, archive.open(entry, "w") as target:
        shutil.copyfileobj(file, target, _COPY_BYTES)
