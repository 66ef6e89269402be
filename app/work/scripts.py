"""A draft in the editor -> what the models read of it: only the rows that matter have to be complete."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from moviedreamer_core.encoders.face_crop import Shares
from moviedreamer_core.errors import ImageError
from moviedreamer_core.pictures import Picture, read_picture
from moviedreamer_core.script import Story
from moviedreamer_core.workspace import CastMember, Draft, Row, StoryFolder, story_of
from moviedreamer_core.workspace.draft import keyframe_of, story_file_of
from moviedreamer_core.workspace.freshness import cast_of

_UNREAD = "Not read."  # the plot of a row that nothing reads now


def script_of(draft: Draft, row_ids: Collection[str]) -> Story:
    """`draft` as a story in which the rows `row_ids` stand at their places; the others may be unfinished.

    Raises StoryError naming the keyframe and the field if one of them cannot be drawn as it is.
    """
    rows = tuple(row if row.id in row_ids else Row(id=row.id, plot=_UNREAD) for row in draft.rows)
    named = draft.with_changes(rows=rows, cast=tuple(one for one in draft.cast if one.name.strip()))
    return story_of(named)


def whole_script_of(draft: Draft) -> Story | None:
    """The whole story for a recipe; None while a row has no plot, for numbers would not be the script's."""
    return story_file_of(draft) if all(row.plot.strip() for row in draft.rows) else None


def cast_in(draft: Draft, rows: Iterable[Row]) -> tuple[CastMember, ...]:
    """The cards of everybody in these rows, each once."""
    return tuple({member.id: member for row in rows for member in cast_of(draft, row)}.values())


def portraits_of(story: StoryFolder, cast: Iterable[CastMember]) -> dict[str, tuple[Picture, ...]]:
    """The portraits of `cast`, by name. Raises ImageError for one that is gone."""
    return {member.name: tuple(read_face(story, member, path) for path in member.faces) for member in cast}


def reference_pictures(story: StoryFolder, paths: Iterable[str]) -> tuple[Picture, ...]:
    """The reference frames. Raises ImageError for one that is gone."""
    return tuple(_read(story, path, "a reference picture") for path in paths)


def read_face(story: StoryFolder, member: CastMember, path: str) -> Picture:
    """A portrait of `member`. Raises ImageError if it is gone."""
    return _read(story, path, f"a face picture of {member.name}")


def _read(story: StoryFolder, path: str, what: str) -> Picture:
    try:
        return read_picture(story.path / path)
    except ImageError as error:
        raise ImageError(f"{what} is gone or damaged ({path}); remove it and upload it again") from error


def by_file_name(boxes: Mapping[str, Shares]) -> dict[str, Shares]:
    """The face boxes that were set by hand, by the names of the pictures' files, as the encoders ask for them."""
    return {Path(path).name: box for path, box in boxes.items()}


def boxes_used(cast: Iterable[CastMember], boxes: Mapping[str, Shares]) -> str:
    """The boxes by hand that the pictures of `cast` are cropped with, by picture, as JSON; empty without any."""
    used = {path: boxes[path] for member in cast for path in member.faces if path in boxes}
    return json.dumps(used, sort_keys=True) if used else ""


def encoding_key(draft: Draft, row: Row, boxes: Mapping[str, Shares]) -> str:
    """The same for rows that the encoders read alike."""
    keyframe, cast = keyframe_of(row), cast_of(draft, row)
    read = [
        draft.style,
        keyframe.model_dump(mode="json", exclude={"seed", "seconds"}) if keyframe else None,
        [[member.name, member.description, member.faces] for member in cast],
        boxes_used(cast, boxes),
    ]
    return hashlib.sha256(json.dumps(read).encode()).hexdigest()
