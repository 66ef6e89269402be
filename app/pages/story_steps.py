"""Public steps on stories: the shelf, the cast, the script and the references."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

from typing_extensions import TypedDict

from app.desk import Desk
from app.desk.row_warnings import RowWarning
from app.desk.script import plain_row
from app.pages.api import File, uploaded_file
from moviedreamer_core.errors import MovieDreamerError, StoryError
from moviedreamer_core.workspace import Shot, StaleSaveError

TextFormat = Literal["guess", "prose", "yaml", "json", "csv", "fountain"]
Step = Callable[..., Any]


class StoryLine(TypedDict):
    """`problem` says why a story cannot be read; "" if it can. `changed` is a time as ISO 8601."""

    id: str
    title: str
    num_shots: int
    num_drawn: int
    num_previews: int
    changed: str
    problem: str


class Character(TypedDict):
    """`pictures` are paths in the story; `faces_found` says of each if there is a face, None if nobody looked yet."""

    id: str
    name: str
    description: str
    pictures: list[str]
    faces_found: list[bool | None]
    looks_like: list[str]


class ScriptRow(TypedDict):
    """A row of the script. `characters` are pairs of name and description; `condition`: missing, fresh, stale, ..."""

    id: str
    number: int
    plot: str
    scene_elements: list[str]
    characters: list[dict[str, str]]
    seconds: float
    seed: int | None
    is_locked: bool
    condition: str
    warnings: list[str]


class ScriptNow(TypedDict):
    """`revision` counts the saves of the story; `style_warnings` are about the style, which is said of every shot."""

    title: str
    style: str
    style_warnings: list[str]
    seed: int
    revision: int
    rows: list[ScriptRow]


def story_steps(desk: Desk) -> tuple[Step, ...]:
    """All of them."""
    return (
        *_shelf_steps(desk),
        *_cast_steps(desk),
        *_row_steps(desk),
        *_script_steps(desk),
        *_reference_steps(desk),
    )


def _shelf_steps(desk: Desk) -> tuple[Step, ...]:
    shelf = desk.shelf

    def list_stories() -> list[StoryLine]:
        """All stories, the one that was changed last first."""
        return [
            {
                "id": one.id,
                "title": one.title,
                "num_shots": one.num_rows,
                "num_drawn": one.num_drawn,
                "num_previews": one.num_previews,
                "changed": one.changed_at.isoformat() if one.changed_at else "",
                "problem": one.problem,
            }
            for one in shelf.summaries()
        ]

    def new_story(title: str) -> str:
        """A story with one empty row; its id."""
        return shelf.new(title).id

    def new_story_from_text(text: str, title: str = "", written_as: TextFormat = "guess") -> str:
        """A story from a text: prose (a shot per sentence), YAML, JSON, CSV or Fountain; its id."""
        return shelf.from_text(text, title=title, written_as=None if written_as == "guess" else written_as).id

    def import_story(file: File) -> str:
        """A story from a zip that `export` made (with its pictures and takes) or from a story file; its id."""
        return shelf.from_file(uploaded_file(file)).id

    def duplicate_story(story_id: str) -> str:
        """A copy with all its takes; its id."""
        return shelf.duplicate(story_id).id

    def rename_story(story_id: str, title: str) -> str:
        """Another title; as it is now."""
        shelf.rename(story_id, title)
        return shelf.title_of(story_id)

    def delete_story(story_id: str) -> str:
        """Into the trash; the id by which restore_story brings it back."""
        return shelf.delete(story_id).id

    def restore_story(story_id: str) -> str:
        """Out of the trash; its id."""
        return shelf.restore(story_id).id

    return (
        list_stories, new_story, new_story_from_text, import_story, duplicate_story, rename_story, delete_story,
        restore_story,
    )  # fmt: skip


def _cast_steps(desk: Desk) -> tuple[Step, ...]:
    cast = desk.cast

    def get_cast(story_id: str) -> list[Character]:
        """The characters with what was found in their pictures."""
        return [
            {
                "id": card.member.id,
                "name": card.member.name,
                "description": card.member.description,
                "pictures": [face.picture for face in card.faces],
                "faces_found": [face.reading.face_found if face.reading else None for face in card.faces],
                "looks_like": list(card.alike),
            }
            for card in cast.view(story_id).cards
        ]

    def add_character(
        story_id: str, name: str, description: str = "", pictures: list[File] | None = None
    ) -> str:
        """A character, with face pictures if there are any; their id. Shots name characters by their names."""
        files = [uploaded_file(picture) for picture in pictures or []]
        cast_id = cast.add(story_id, name, description)
        try:
            for file in files:
                cast.add_face(story_id, cast_id, file)
        except MovieDreamerError:
            cast.remove(story_id, cast_id)  # so that the caller can ask again
            raise
        return cast_id

    def add_face(story_id: str, cast_id: str, picture: File) -> str:
        """One more face picture of a character; its path in the story."""
        return cast.add_face(story_id, cast_id, uploaded_file(picture))

    def set_character(
        story_id: str, cast_id: str, name: str, description: str, revision: int | None = None
    ) -> int:
        """Change a character; rows follow a new name. The revision of the script."""
        fields = {"name": name, "description": description}
        with _only_at_its_revision():
            return cast.set_member(story_id, cast_id, fields, base=revision).number

    def remove_character(story_id: str, cast_id: str, revision: int | None = None) -> str:
        """Take a character out of the cast; rows keep the name. The character's id."""
        with _only_at_its_revision():
            cast.remove(story_id, cast_id, base=revision)
        return cast_id

    def test_character(story_id: str, cast_id: str) -> int:
        """Draw one picture of a character; the job's number."""
        return cast.test(story_id, cast_id)

    return get_cast, add_character, add_face, set_character, remove_character, test_character


def _row_steps(desk: Desk) -> tuple[Step, ...]:
    script = desk.script

    def insert_row(
        story_id: str,
        row_id: str = "",
        where: Literal["above", "below"] = "below",
        revision: int | None = None,
    ) -> str:
        """An empty row above or below another, or at the end; its id."""
        with _only_at_its_revision():
            return script.insert(story_id, row_id or None, where, base=revision)

    def set_row(story_id: str, row_id: str, fields: dict[str, Any], revision: int | None = None) -> int:
        """Change plot, scene_elements, characters, seconds or seed of a row; the revision of the script.

        With a `revision`, from get_script or the step before, this and the steps beside it refuse to change a script
        that somebody else has changed since.
        """
        with _only_at_its_revision():
            return script.set_row(story_id, row_id, fields, base=revision).number

    def delete_rows(story_id: str, row_ids: list[str], revision: int | None = None) -> int:
        """Take rows out; the revision of the script."""
        with _only_at_its_revision():
            return script.delete(story_id, row_ids, base=revision).number

    def move_rows(story_id: str, row_ids: list[str], places: int, revision: int | None = None) -> int:
        """Move rows down by so many places, or up if it is below 0; the revision of the script."""
        with _only_at_its_revision():
            return script.move(story_id, row_ids, places, base=revision).number

    def lock_rows(story_id: str, row_ids: list[str], locked: bool = True) -> int:
        """Lock shots, so that nothing changes their pictures, or unlock them; how many rows were named."""
        script.lock(story_id, row_ids, locked=locked)
        return len(row_ids)

    return insert_row, set_row, delete_rows, move_rows, lock_rows


def _script_steps(desk: Desk) -> tuple[Step, ...]:
    script = desk.script

    def get_script(story_id: str) -> ScriptNow:
        """The script as it is, with the warnings that stand beside its rows."""
        view = script.view(story_id)
        draft = view.draft
        rows = [_row(*one) for one in zip(view.shots, view.warnings, strict=True)]
        return {
            "title": draft.title,
            "style": draft.style,
            "style_warnings": list(view.style_warnings),
            "seed": draft.seed,
            "revision": view.revision.number,
            "rows": rows,
        }

    def paste_rows(story_id: str, text: str, replace: bool = False, revision: int | None = None) -> int:
        """Add the rows of a text in any form that new_story_from_text reads, or put them in place of all; how many."""
        with _only_at_its_revision():
            imported = script.paste(
                story_id, text, imported_as="replace" if replace else "append", base=revision
            )
            return imported.num_rows

    def set_style(story_id: str, style: str, revision: int | None = None) -> int:
        """The sentence about looks that holds for every shot, "" for none; the revision of the script."""
        with _only_at_its_revision():
            return script.set_story(story_id, {"style": style}, base=revision).number

    def undo(story_id: str, revision: int | None = None) -> int:
        """Take the last change of the script back, or only one that made this revision; the revision after it."""
        return script.undo(story_id, base=revision or _revision(desk, story_id)).number

    def redo(story_id: str, revision: int | None = None) -> int:
        """Make a change again that was taken back, if the script is still at this revision; the one after it."""
        return script.redo(story_id, base=revision or _revision(desk, story_id)).number

    return get_script, paste_rows, set_style, undo, redo


def _reference_steps(desk: Desk) -> tuple[Step, ...]:
    def add_reference(story_id: str, picture: File) -> str:
        """A frame that the story is to look like, at most 10; its path in the story."""
        return desk.references.add(story_id, uploaded_file(picture))

    def use_references(story_id: str, used: bool) -> bool:
        """Draw with the reference frames, or without; which of them."""
        desk.references.use(story_id, used)
        return used

    def remove_reference(story_id: str, reference: str) -> str:
        """Take a reference frame out, by the path that add_reference gave; its path."""
        if reference not in desk.references.view(story_id).pictures:
            raise StoryError(f"{reference[:80]!a} is no reference of this story")
        desk.references.remove(story_id, reference)
        return reference

    return add_reference, use_references, remove_reference


@contextlib.contextmanager
def _only_at_its_revision() -> Iterator[None]:
    """Tell a program, which has no other tab, that the script is not at the revision it named."""
    try:
        yield
    except StaleSaveError as error:
        raise StoryError(
            f"the script was changed: it is at revision {error.theirs.number}, this follows {error.base}; "
            "read it again with get_script"
        ) from None


def _revision(desk: Desk, story_id: str) -> int:
    return desk.story(story_id).script.head().number


def _row(shot: Shot, warnings: Sequence[RowWarning]) -> ScriptRow:
    fields: Any = plain_row(shot.row)
    return {
        "id": shot.row.id,
        "number": shot.number,
        "plot": fields["plot"],
        "scene_elements": fields["scene_elements"],
        "characters": fields["characters"],
        "seconds": fields["seconds"],
        "seed": fields["seed"],
        "is_locked": shot.locked,
        "condition": shot.condition,
        "warnings": [warning.text for warning in warnings],
    }
