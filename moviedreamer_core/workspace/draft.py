"""The script as it stands in the editor: rows that keep their identity, fields that may still be empty.

A `Story` is what the models read, and refuses an empty plot; a `Draft` holds whatever was typed, as it was typed.
Everything here is a frozen value; an edit gives another draft.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from moviedreamer_core.errors import StoryError
from moviedreamer_core.names import name_key
from moviedreamer_core.script import (
    MAX_REFERENCES,
    KeyframeScript,
    Seconds,
    Seed,
    Story,
    check_story,
)
from moviedreamer_core.validation import explain
from moviedreamer_core.workspace.layout import (
    FACES,
    REFERENCES,
    CastId,
    FacePath,
    ReferencePath,
    RowId,
    new_cast_id,
    new_row_id,
)

_ARTICLES = ("a ", "an ", "the ")
MAX_TEXT_CHARACTERS = 20_000  # of one field
MAX_ROWS, MAX_CAST, MAX_FACES, MAX_LINES = 2_000, 200, 20, 100

Typed = Annotated[str, Field(max_length=MAX_TEXT_CHARACTERS)]


class _Typed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PersonInRow(_Typed):
    """Who is in the frame, by the name in the cast, and what they do there."""

    name: Typed = ""
    description: Typed = ""


class Row(_Typed):
    """One row of the script table; `id` stays with it wherever it moves. `seconds` is the length of its clip."""

    id: RowId = Field(default_factory=new_row_id)
    plot: Typed = ""
    scene_elements: tuple[Typed, ...] = Field(default=(), max_length=MAX_LINES)
    characters: tuple[PersonInRow, ...] = Field(default=(), max_length=MAX_LINES)
    seed: Seed | None = None
    seconds: Seconds = 2.0


class CastMember(_Typed):
    """A character card. `faces` are pictures that the story's folder holds."""

    id: CastId = Field(default_factory=new_cast_id)
    name: Typed = ""
    description: Typed = ""
    faces: tuple[FacePath, ...] = Field(default=(), max_length=MAX_FACES)


class Draft(_Typed):
    """The whole script. With `use_references` off, the references are kept but not drawn with."""

    title: Typed = "Untitled"
    style: Typed = ""
    seed: Seed = 0
    cast: tuple[CastMember, ...] = Field(default=(), max_length=MAX_CAST)
    references: tuple[ReferencePath, ...] = Field(default=(), max_length=MAX_REFERENCES)
    use_references: bool = True
    rows: tuple[Row, ...] = Field(default=(), max_length=MAX_ROWS)

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Draft:
        ids = [row.id for row in self.rows] + [member.id for member in self.cast]
        if len(set(ids)) < len(ids):
            raise ValueError("rows and cast members must have ids of their own")
        return self

    # --- reading -------------------------------------------------------------------------------------

    def position(self, row_id: str) -> int:
        """The 0-based place of a row. Raises StoryError if there is no such row."""
        for position, row in enumerate(self.rows):
            if row.id == row_id:
                return position
        raise StoryError("this row is no longer in the script; reload the page")

    def row(self, row_id: str) -> Row:
        """Raises StoryError if there is no such row."""
        return self.rows[self.position(row_id)]

    def member(self, cast_id: str) -> CastMember:
        """Raises StoryError if there is no such character card."""
        for member in self.cast:
            if member.id == cast_id:
                return member
        raise StoryError("this character is no longer in the cast; reload the page")

    # --- editing -------------------------------------------------------------------------------------

    def with_changes(self, **fields: object) -> Draft:
        """The draft with these fields instead. Raises StoryError, naming the field, for a value it cannot have."""
        try:
            return Draft.model_validate({**dict(self), **fields})
        except ValidationError as error:
            raise StoryError(explain(error, Draft)) from None

    def with_row(self, row: Row) -> Draft:
        """`row` in place of the one with its id. Raises StoryError if that is gone."""
        position = self.position(row.id)
        return self.with_changes(rows=(*self.rows[:position], row, *self.rows[position + 1 :]))

    def with_rows_inserted(self, position: int, rows: Sequence[Row]) -> Draft:
        """`rows` before the row at the 0-based `position`; a position beyond an end means that end."""
        position = max(0, min(position, len(self.rows)))
        return self.with_changes(rows=(*self.rows[:position], *rows, *self.rows[position:]))

    def with_row_duplicated(self, row_id: str) -> Draft:
        """A copy right after the row, with an id of its own and hence no takes yet."""
        position = self.position(row_id)
        copy = self.rows[position].model_copy(update={"id": new_row_id()})
        return self.with_rows_inserted(position + 1, [copy])

    def without_rows(self, row_ids: Collection[str]) -> Draft:
        """The other rows. Raises StoryError if one is gone already."""
        for row_id in row_ids:
            self.position(row_id)
        return self.with_changes(rows=tuple(row for row in self.rows if row.id not in set(row_ids)))

    def with_rows_moved(self, row_ids: Collection[str], position: int) -> Draft:
        """These rows, in their present order, before what is now at the 0-based `position`."""
        for row_id in row_ids:
            self.position(row_id)
        moving = set(row_ids)
        moved = tuple(row for row in self.rows if row.id in moving)
        position = max(0, min(position, len(self.rows)))
        before = tuple(row for row in self.rows[:position] if row.id not in moving)
        after = tuple(row for row in self.rows[position:] if row.id not in moving)
        return self.with_changes(rows=(*before, *moved, *after))

    def with_rows_edited(self, row_ids: Collection[str], edit: Callable[[Row], Row]) -> Draft:
        """`edit` applied to each of these rows; it must leave the id. Raises StoryError if one is gone."""
        for row_id in row_ids:
            self.position(row_id)
        return self.with_changes(
            rows=tuple(edit(row) if row.id in set(row_ids) else row for row in self.rows)
        )

    def with_member(self, member: CastMember) -> Draft:
        """`member` in place of the one with its id, or added; where the name changes, the rows follow."""
        old = next((one for one in self.cast if one.id == member.id), None)
        if old is None:
            return self.with_changes(cast=(*self.cast, member))
        cast = tuple(member if one.id == member.id else one for one in self.cast)
        rows = self.rows
        if old.name.strip() and member.name.strip() and old.name != member.name:
            rows = tuple(_renamed(row, old.name, member.name) for row in rows)
        return self.with_changes(cast=cast, rows=rows)

    def without_member(self, cast_id: str) -> Draft:
        """The cast without this card; rows that name the character keep the name, and are warned of."""
        self.member(cast_id)
        return self.with_changes(cast=tuple(one for one in self.cast if one.id != cast_id))


def _renamed(row: Row, old: str, new: str) -> Row:
    people = tuple(
        person.model_copy(update={"name": new}) if name_key(person.name) == name_key(old) else person
        for person in row.characters
    )
    return row if people == row.characters else row.model_copy(update={"characters": people})


# --- as a story --------------------------------------------------------------------------------------


def story_of(draft: Draft) -> Story:
    """What the models read: as many keyframes as rows, in their order, each with its seed.

    Raises StoryError naming the keyframe number (1-based) and the field that is still empty or does not fit.
    """
    keyframes = [{**_script_fields(row), "plot": row.plot, "seed": seed_of(draft, row)} for row in draft.rows]
    fields = _head_fields(draft) | {"keyframes": keyframes}
    if not draft.use_references:
        fields["references"] = ()
    try:
        story = Story.model_validate(fields)
    except ValidationError as error:
        raise StoryError(explain(error, Story)) from None
    check_story(story)
    return story


def story_file_of(draft: Draft) -> Story:
    """What the story file holds: everything but rows without a plot and cards without a name."""
    keyframes = [
        {**_script_fields(row), "plot": row.plot, "seed": row.seed} for row in draft.rows if row.plot.strip()
    ]
    return Story.model_validate(_head_fields(draft) | {"keyframes": keyframes})


def _head_fields(draft: Draft) -> dict[str, object]:
    members = [member for member in draft.cast if member.name.strip()]
    return {
        "title": draft.title,
        "style": draft.style,
        "seed": draft.seed,
        "characters": [
            {"name": member.name, "description": member.description, "faces": member.faces}
            for member in members
        ],
        "references": draft.references,
    }


def _script_fields(row: Row) -> dict[str, object]:
    return {
        "scene_elements": [element for element in row.scene_elements if element.strip()],
        "characters": [person.model_dump() for person in row.characters if person.name.strip()],
        "seconds": row.seconds,
    }


def seed_of(draft: Draft, row: Row) -> int:
    """The row's own seed, or one in [0, 2^63) from the story's seed and the row's id: moving a row keeps it."""
    if row.seed is not None:
        return row.seed
    digest = hashlib.sha256(f"{draft.seed}:{row.id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


# --- from a story ------------------------------------------------------------------------------------


def place_of(row: Row) -> str:
    """Where the row plays: its first scene element, as it was typed; "" if it names none."""
    return next((element.strip() for element in row.scene_elements if element.strip()), "")


def place_key(row: Row) -> str:
    """The same for rows that play in the same place, however its name is cased, spaced, stopped or articled; or "".

    "the  BEACH." is "A beach".
    """
    place = name_key(place_of(row).rstrip(". "))
    return next((place[len(article) :] for article in _ARTICLES if place.startswith(article)), place)


def draft_of(story: Story, pictures: Mapping[tuple[str, str], str], *, before: Draft | None = None) -> Draft:
    """`story` as a draft; with `before`, rows and cards that are the same or were edited keep their ids.

    `pictures` says where the story's folder holds each picture, by its kind ("faces", "references") and its name
    in `story`; others are left out.
    Raises StoryError for a story that is too large to be edited.
    """
    old = before or Draft()
    known = {name_key(member.name): member.id for member in reversed(old.cast)}
    cast = [
        {
            "id": known.pop(name_key(character.name), "") or new_cast_id(),
            "name": character.name,
            "description": character.description,
            "faces": _held(character.faces, FACES, pictures),
        }
        for character in story.characters
    ]
    return old.with_changes(
        title=story.title,
        style=story.style,
        seed=story.seed,
        cast=cast,
        references=_held(story.references, REFERENCES, pictures),
        rows=_matched_rows(old.rows, story.keyframes),
    )


def with_script_of(draft: Draft, story: Story) -> Draft:
    """`draft` with the rows of `story`, and cards for the characters that are new: an imported script.

    Rows that are the same or were edited where they stand keep their ids. Raises StoryError for too many rows.
    """
    known = {name_key(member.name) for member in draft.cast}
    added = [
        {"name": character.name, "description": character.description}
        for character in story.characters
        if name_key(character.name) not in known
    ]
    return draft.with_changes(cast=[*draft.cast, *added], rows=_matched_rows(draft.rows, story.keyframes))


def rows_of(story: Story) -> tuple[Row, ...]:
    """The keyframes of `story` as new rows, to be inserted somewhere."""
    return _matched_rows((), story.keyframes)


def _held(paths: Sequence[str], kind: str, pictures: Mapping[tuple[str, str], str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(pictures[kind, path] for path in paths if (kind, path) in pictures))


def _matched_rows(old: Sequence[Row], keyframes: Sequence[KeyframeScript]) -> tuple[Row, ...]:
    """Equal rows keep their ids, and so do rows that were edited where they stood."""
    before, after = (
        [_content(keyframe_of(row)) for row in old],
        [_content(keyframe) for keyframe in keyframes],
    )
    ids: list[str | None] = [None] * len(keyframes)
    for _, old_start, old_end, start, end in SequenceMatcher(a=before, b=after, autojunk=False).get_opcodes():
        for offset in range(min(old_end - old_start, end - start)):
            ids[start + offset] = old[old_start + offset].id
    return tuple(
        _row(keyframe, row_id or new_row_id()) for row_id, keyframe in zip(ids, keyframes, strict=True)
    )


def _row(keyframe: KeyframeScript, row_id: str) -> Row:
    try:
        return Row.model_validate({**keyframe.model_dump(), "id": row_id})
    except ValidationError as error:  # longer than an editor takes
        raise StoryError(f'"{keyframe.plot[:40]}": {explain(error, Row)}') from None


def _content(keyframe: KeyframeScript | None) -> str:
    return "" if keyframe is None else keyframe.model_dump_json(exclude={"seed", "seconds"})


def keyframe_of(row: Row) -> KeyframeScript | None:
    """The row as the models read it, with its own seed if it has one; None while it has no plot."""
    if not row.plot.strip():
        return None
    return KeyframeScript.model_validate({**_script_fields(row), "plot": row.plot, "seed": row.seed})
