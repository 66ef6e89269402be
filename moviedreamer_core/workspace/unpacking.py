"""A zip that somebody gives -> a story's folder: one that a workspace exported, or a story file with pictures.

Each member is taken for the file that its place says it is, checked as such, and written under a name of
layout.py. Pictures are decoded and written anew; recipes, visual tokens and media are checked against their records.
"""

from __future__ import annotations

import posixpath
from pathlib import Path, PurePosixPath

from moviedreamer_core.errors import InputError, OutputError, StoryError
from moviedreamer_core.images import MAX_BYTES as MAX_PICTURE_BYTES, read_image
from moviedreamer_core.script import Story
from moviedreamer_core.story_files import MAX_BYTES as MAX_STORY_BYTES, read_story
from moviedreamer_core.video.video_files import check_music
from moviedreamer_core.workspace import decisions, readings, revision, shelf, takes
from moviedreamer_core.workspace.draft import Draft, draft_of
from moviedreamer_core.workspace.durable import FolderLock, remove_tree, told
from moviedreamer_core.workspace.journal import first_revision
from moviedreamer_core.workspace.layout import (
    CLIP_FILE,
    DECISIONS_FILE,
    IMAGE_FILE,
    LOCK_FILE,
    REVISIONS,
    STORY_FILE,
    file_kind,
)
from moviedreamer_core.workspace.pictures import (
    MAX_MUSIC_BYTES,
    keep_pictures_of,
    named_pictures,
    stored_form,
)
from moviedreamer_core.workspace.shelf import sha256_of
from moviedreamer_core.workspace.takes import Clips, Takes
from moviedreamer_core.workspace.zip_reading import Archive, ArchiveError, opened_archive, quoted

MAX_TAKE_PIXELS = 4096 * 4096
MAX_KIND_BYTES = {
    "story": MAX_STORY_BYTES,
    "revision": revision.MAX_FILE_BYTES,
    "decisions": decisions.MAX_FILE_BYTES,
    "record": shelf.MAX_RECORD_BYTES,
    "readings": readings.MAX_FILE_BYTES,
    "tokens": takes.MAX_TOKENS_BYTES,
    "picture": MAX_PICTURE_BYTES,
    "image": MAX_PICTURE_BYTES,
    "music": MAX_MUSIC_BYTES,
    "clip": 2**30,
    "export": 4 * 2**30,
}
STORY_SUFFIXES = (".yaml", ".yml", ".json")
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")
_INCOMING = "incoming"  # a folder for what is looked at and not kept


def unpack(source: Path, folder: Path) -> str:
    """Fill the empty `folder` with the story in the zip `source`; its title.

    Raises ArchiveError for what is wrong with the zip or in it, OutputError.
    """
    with opened_archive(source) as archive:
        try:
            if any(file_kind(path) == "revision" for path in archive.members):
                return _unpack_exported(archive, folder)
            return _unpack_plain(archive, folder)
        except (ArchiveError, OutputError):
            raise
        except InputError as error:
            raise ArchiveError(f"{archive.name}: {error}") from error


# --- as a workspace exported it ----------------------------------------------------------------------


def _unpack_exported(archive: Archive, folder: Path) -> str:
    for path in archive.members:
        kind = file_kind(path)
        if kind is None:
            raise ArchiveError(
                f"{archive.name}: {quoted(path)} is no file of a story; remove it from the zip"
            )
        archive.extract(path, folder / path, max_bytes=MAX_KIND_BYTES[kind])
        if kind == "picture":
            data = stored_form(read_image(folder / path))
            with told(f"unpack {archive.name}"):
                (folder / path).write_bytes(data)
    draft, number = _take_script_out(folder)
    _check_music(folder)
    _check_kept(folder)
    readings.check_readings(folder)
    for path in [face for member in draft.cast for face in member.faces] + [*draft.references]:
        if not (folder / path).is_file():
            raise StoryError(f"{path}: the picture is missing; export the story again")
    first_revision(draft, folder, act="copy", number=number)
    return draft.title


def _take_script_out(folder: Path) -> tuple[Draft, int]:
    """The newest script and its number. Its files are written anew, so that no history is believed."""
    paths = sorted((folder / REVISIONS).iterdir())
    newest = revision.read_revision(paths[-1])
    for path in [*paths, folder / STORY_FILE]:
        path.unlink(missing_ok=True)
    return newest.draft, newest.number


def _check_music(folder: Path) -> None:
    wanted = decisions.read_decisions(folder / DECISIONS_FILE).movie.music
    if wanted is not None and not (folder / wanted).is_file():
        raise StoryError(f"{wanted}: the music is missing; export the story again")
    for path in sorted(folder.glob("music/*")):
        check_music(path)


def _check_kept(folder: Path) -> None:
    """Every take and clip must be whole: its record right, each file as the record says and of its kind."""
    lock = FolderLock(folder / LOCK_FILE)
    for kind in (Takes(folder, lock), Clips(folder, lock)):
        if damaged := kind.damaged():
            raise StoryError(damaged[0][1])
        for owner in kind.owners():
            for kept in kind.of(owner):
                for name, facts in kept.files.items():
                    if sha256_of(kept.folder / name) != facts.sha256:
                        raise StoryError(f"{kept.id}/{name}: the content is damaged; export the story again")
                for path in sorted(kept.folder.iterdir()):
                    _check_content(path)


def _check_content(path: Path) -> None:
    if path.name == IMAGE_FILE:
        takes.check_image(path, max_pixels=MAX_TAKE_PIXELS)
    elif path.name == CLIP_FILE:
        takes.check_clip(path)
    elif path.suffix == ".safetensors":
        takes.check_tokens(path)


# --- a story file with its pictures ------------------------------------------------------------------


def _unpack_plain(archive: Archive, folder: Path) -> str:
    story_path = _story_among(archive)
    incoming = folder / _INCOMING
    # Its own name is for messages; every other name is thrown away.
    story_file = incoming / f"story{PurePosixPath(story_path).suffix.lower()}"
    archive.extract(story_path, story_file, max_bytes=MAX_STORY_BYTES)
    story = read_story(story_file)
    draft = draft_of(story, keep_pictures_of(story, _pictures_of(archive, story, incoming), folder))
    remove_tree(incoming)
    first_revision(draft, folder)
    return draft.title


def _story_among(archive: Archive) -> str:
    found = []
    for path in archive.members:
        suffix = PurePosixPath(path).suffix.lower()
        if suffix in STORY_SUFFIXES and "/" not in path:
            found.append(path)
        elif suffix not in PICTURE_SUFFIXES:
            raise ArchiveError(
                f"{archive.name}: {quoted(path)} is neither a story file nor a picture; remove it from the zip"
            )
    if len(found) != 1:
        names = ", ".join(quoted(path) for path in found[:3]) or "none"
        raise ArchiveError(
            f"{archive.name}: expected one story file that ends in {', '.join(STORY_SUFFIXES)}, found {names}; "
            "zip the story's folder"
        )
    return found[0]


def _pictures_of(archive: Archive, story: Story, incoming: Path) -> dict[str, Path]:
    """Those that `story` names, extracted under names of our own."""
    found = {}
    for number, (name, _) in enumerate(named_pictures(story), start=1):
        path = posixpath.normpath(name)
        if name not in found and path in archive.members:
            suffix = PurePosixPath(path).suffix.lower()
            found[name] = incoming / f"{number}{suffix}"
            archive.extract(path, found[name], max_bytes=MAX_PICTURE_BYTES)
    return found
