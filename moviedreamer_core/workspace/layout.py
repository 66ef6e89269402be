"""Names of folders and files: where everything of a story lies, and the only names that may occur there.

    stories/the-lighthouse-k3f9ab2x/        readable words and the story's id
        story.yaml                          the newest revision, for people and for the command line
        revisions/00000012.json             the script and its history: what counts
        decisions.json                      locks, chosen and rejected takes, ticks
        faces/<sha>.png  references/<sha>.png  music/<sha>.mp3
        takes/<row>/0002-k3f9ab/            image.png, tokens-<weights>.safetensors, record.json
        clips/<row>/0001-xy7pqr/            clip.mp4, record.json
        readings/cast.json                  what models said about the pictures
        exports/movie.mp4
        staging/  damaged/  .lock
    stories/.trash/20260102T030405Z-the-lighthouse-k3f9ab2x/

Nothing that a person typed is ever a path, and no two things share a name: ids are random, pictures are named by
their content.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import Field

from moviedreamer_core.errors import StoryError

STORY_FILE, DECISIONS_FILE, RECORD_FILE, LOCK_FILE = "story.yaml", "decisions.json", "record.json", ".lock"
REVISIONS, FACES, REFERENCES, MUSIC = "revisions", "faces", "references", "music"
TAKES, CLIPS, EXPORTS, STAGING, DAMAGED = "takes", "clips", "exports", "staging", "damaged"
READINGS, CAST_READINGS_FILE, DRIFT_FILE, BOXES_FILE = "readings", "cast.json", "drift.json", "boxes.json"
TRASH, WORKSPACE_STAGING = ".trash", ".staging"
IMAGE_FILE, CLIP_FILE = "image.png", "clip.mp4"

ID_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
MAX_SLUG_CHARACTERS = 40

_ID = f"[{ID_LETTERS}]"
_OWNER = rf"(?:row|cast)-{_ID}{{10}}"
_KEPT = rf"[0-9]{{4,8}}-{_ID}{{6}}"
_TOKENS = r"tokens-[0-9A-Za-z]{1,16}\.safetensors"
_PICTURE = r"[0-9a-f]{32}\.png"
_MUSIC = r"[0-9a-f]{32}\.(?:mp3|wav|ogg|flac|m4a)"
_EXPORT = r"[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?\.(?:mp4|srt|otio|png|pdf|zip|csv|yaml)"

RowId = Annotated[str, Field(pattern=rf"^row-{_ID}{{10}}$")]
CastId = Annotated[str, Field(pattern=rf"^cast-{_ID}{{10}}$")]
OwnerId = Annotated[str, Field(pattern=rf"^{_OWNER}$")]  # of takes: a row, or a cast member's test renders
KeptId = Annotated[str, Field(pattern=rf"^{_KEPT}$")]  # a take or a clip; its number and a random part
FacePath = Annotated[str, Field(pattern=rf"^{FACES}/{_PICTURE}$")]
ReferencePath = Annotated[str, Field(pattern=rf"^{REFERENCES}/{_PICTURE}$")]
MusicPath = Annotated[str, Field(pattern=rf"^{MUSIC}/{_MUSIC}$")]
WeightsHash = Annotated[str, Field(pattern=r"^[0-9A-Za-z]{1,64}$")]

# What a person may be given: everything else in a story's folder is the workspace's own business.
_FILES = {
    "story": re.compile(re.escape(STORY_FILE)),
    "revision": re.compile(rf"{REVISIONS}/[0-9]{{8}}\.json"),
    "decisions": re.compile(re.escape(DECISIONS_FILE)),
    "picture": re.compile(rf"(?:{FACES}|{REFERENCES})/{_PICTURE}"),
    "music": re.compile(rf"{MUSIC}/{_MUSIC}"),
    "image": re.compile(rf"{TAKES}/{_OWNER}/{_KEPT}/{re.escape(IMAGE_FILE)}"),
    "tokens": re.compile(rf"{TAKES}/{_OWNER}/{_KEPT}/{_TOKENS}"),
    "clip": re.compile(rf"{CLIPS}/{_OWNER}/{_KEPT}/{re.escape(CLIP_FILE)}"),
    "readings": re.compile(rf"{READINGS}/(?:cast|drift|boxes)\.json"),
    "record": re.compile(rf"(?:{TAKES}|{CLIPS})/{_OWNER}/{_KEPT}/{re.escape(RECORD_FILE)}"),
    "export": re.compile(rf"{EXPORTS}/{_EXPORT}"),
}
FILE_KINDS = tuple(_FILES)
_STORY_FOLDER = re.compile(rf"(?P<slug>[a-z0-9]+(?:-[a-z0-9]+)*)-(?P<id>{_ID}{{8}})")
_TRASHED_FOLDER = re.compile(rf"(?P<time>[0-9]{{8}}T[0-9]{{6}}Z)-(?P<folder>{_STORY_FOLDER.pattern})")
_TEMPORARY = re.compile(r"\.[0-9a-f]{16}(\.[A-Za-z0-9]{1,12})?")  # as atomic.py names them


def file_kind(relative: str) -> str | None:
    """What the file at `relative`, a path inside a story's folder, is by its place; None if nothing known.

    "story", "revision", "decisions", "picture", "music", "image", "tokens", "clip", "readings", "record" or
    "export". No path with a kind can leave the folder.
    """
    return next((kind for kind, pattern in _FILES.items() if pattern.fullmatch(relative)), None)


def known_file(folder: Path, relative: str) -> Path:
    """The file of a story at `relative`, for whoever serves files to a page.

    Raises StoryError for any path that is not that of a known kind of file, or that leads elsewhere.
    """
    path = folder / PurePosixPath(relative)
    if file_kind(relative) is None or path.resolve() != folder.resolve() / PurePosixPath(relative):
        raise StoryError(f'"{relative[:80]!a}" is not a file of this story; reload the page')
    if not path.is_file():
        raise StoryError(f'"{relative}" is no longer there; reload the page')
    return path


def is_temporary(name: str) -> bool:
    """Whether a file of this name is one that an interrupted `atomic.replacing` left."""
    return _TEMPORARY.fullmatch(name) is not None


def is_export_name(name: str) -> bool:
    """Whether a file of this name may lie in the exports folder."""
    return re.fullmatch(_EXPORT, name) is not None


def is_kept_id(name: str) -> bool:
    """Whether a take or a clip may be called so."""
    return re.fullmatch(_KEPT, name) is not None


def is_owner_id(name: str) -> bool:
    """Whether this names a row or a cast member."""
    return re.fullmatch(_OWNER, name) is not None


def new_id(num_letters: int) -> str:
    """A random id of lower-case letters and digits that no one confuses (no 0, 1, 8, 9)."""
    return "".join(secrets.choice(ID_LETTERS) for _ in range(num_letters))


def new_row_id() -> str:
    return f"row-{new_id(10)}"


def new_cast_id() -> str:
    return f"cast-{new_id(10)}"


def slug(title: str) -> str:
    """Up to 40 plain lower-case letters, digits and single hyphens from `title`; "story" if it has none."""
    plain = unicodedata.normalize("NFKD", title[:400]).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:MAX_SLUG_CHARACTERS].strip("-")
    return words or "story"


def story_folder_name(title: str, story_id: str) -> str:
    return f"{slug(title)}-{story_id}"


def story_id_of(folder_name: str) -> str | None:
    """The id at the end of a story folder's name; None for any other name."""
    match = _STORY_FOLDER.fullmatch(folder_name)
    return match["id"] if match else None


def trashed_name(folder_name: str, time: str) -> str:
    """`time` as 20260102T030405Z."""
    return f"{time}-{folder_name}"


def parse_trashed_name(name: str) -> tuple[str, str] | None:
    """When it was deleted and the folder's name before, from the name of a folder in the trash."""
    match = _TRASHED_FOLDER.fullmatch(name)
    return (match["time"], match["folder"]) if match else None
