"""The script of a story as its editor asks for it: rows by their ids, saves that refuse to overwrite, imports.

An act that needs no sight of the script (insert, move, lock) is applied to the newest one. A typed text is saved
together with what the page saw before: where another tab has changed the same field meanwhile, nothing is saved.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from app.desk.row_warnings import KnownWords, RowWarning, row_warnings, style_warnings
from app.desk.saving import Edit, Fields, change, save_fields
from app.desk.shelf import TextFormat, story_from_pasted
from moviedreamer_core.errors import StoryError
from moviedreamer_core.names import name_key
from moviedreamer_core.script import Character, Story
from moviedreamer_core.story_files import read_story, write_story
from moviedreamer_core.validation import explain
from moviedreamer_core.workspace import (
    Draft,
    Revision,
    Row,
    Shot,
    StaleSaveError,
    rows_of,
    with_script_of,
)
from moviedreamer_core.workspace.draft import story_file_of
from moviedreamer_core.workspace.layout import new_row_id

if TYPE_CHECKING:
    from app.desk.desk import Desk

ROW_FIELDS = ("plot", "scene_elements", "characters", "seconds", "seed")
STORY_FIELDS = ("style", "seed")

Where = Literal["above", "below"]
ImportedAs = Literal["replace", "append"]
Reader = Callable[[Sequence[Character]], Story]  # of a text, with a cast that is known


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What came into the script: how many rows, and the names of the characters that were not in the cast before."""

    num_rows: int
    new_characters: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ScriptView:
    """The script at one moment. `warnings` has an entry per row; without `words_ready`, some are still missing."""

    revision: Revision
    shots: tuple[Shot, ...]
    warnings: tuple[tuple[RowWarning, ...], ...]
    style_warnings: tuple[str, ...]
    words_ready: bool

    @property
    def draft(self) -> Draft:
        return self.revision.draft


class Script:
    """Every method raises StoryGoneError for a story that is not there, StoryError for a row that is gone."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.words = KnownWords(desk.vocabulary)

    def view(self, story_id: str) -> ScriptView:
        story = self._desk.story(story_id)
        view = story.view(weights_hash=self._desk.weights_hash)
        draft = view.revision.draft
        return ScriptView(
            revision=view.revision,
            shots=view.shots,
            words_ready=self.words.is_ready,  # asked before the words are
            warnings=tuple(row_warnings(draft, row, self.words) for row in draft.rows),
            style_warnings=style_warnings(draft, self.words),
        )

    # --- typed text --------------------------------------------------------------------------------------

    def set_row(
        self,
        story_id: str,
        row_id: str,
        fields: Fields,
        *,
        seen: Fields | None = None,
        seen_cast: Mapping[str, str] | None = None,
        base: int | None = None,
        step: str = "",
    ) -> Revision:
        """Change fields of a row, of ROW_FIELDS; edits with the same `step` are undone together.

        `seen_cast`: the names by cast id that `fields` and `seen` say. Who was renamed since is renamed in them too, as
        in all rows.

        Raises StaleSaveError if a field is no longer as in `seen` or the script not at the revision `base`, StoryError
        naming a field that does not fit.
        """
        _refuse_unknown(fields, ROW_FIELDS)

        def renamed(said: Fields, draft: Draft) -> Fields:
            return _with_names(said, _new_names(seen_cast or {}, draft))

        def edit(draft: Draft) -> Draft:
            return draft.with_row(_row_with(draft.row(row_id), renamed(fields, draft)))

        def now(draft: Draft) -> Fields:
            return plain_row(draft.row(row_id))

        story = self._desk.story(story_id)
        return save_fields(
            story, edit, now, fields, seen=seen, seen_in=renamed, base=base, label="Edit a row", step=step
        )

    def set_story(
        self,
        story_id: str,
        fields: Fields,
        *,
        seen: Fields | None = None,
        base: int | None = None,
        step: str = "",
    ) -> Revision:
        """Change what holds for every shot: style, seed. Raises as `set_row`."""
        _refuse_unknown(fields, STORY_FIELDS)

        def edit(draft: Draft) -> Draft:
            return draft.with_changes(**fields)

        def now(draft: Draft) -> Fields:
            return draft.model_dump(mode="json", include=set(STORY_FIELDS))

        story = self._desk.story(story_id)
        return save_fields(story, edit, now, fields, seen=seen, base=base, label="Edit the style", step=step)

    # --- rows --------------------------------------------------------------------------------------------

    def insert(
        self, story_id: str, row_id: str | None = None, where: Where = "below", *, base: int | None = None
    ) -> str:
        """An empty row beside another, or at the end; its id. Raises StaleSaveError as `set_row`."""
        row = Row(id=new_row_id())

        def edit(draft: Draft) -> Draft:
            at = len(draft.rows) if row_id is None else draft.position(row_id) + (where == "below")
            return draft.with_rows_inserted(at, [row])

        self._change(story_id, edit, "Insert a row", base)
        return row.id

    def duplicate(self, story_id: str, row_id: str) -> str:
        """A copy right below; its id."""
        after = self._change(story_id, lambda draft: draft.with_row_duplicated(row_id), "Duplicate a row")
        return after.draft.rows[after.draft.position(row_id) + 1].id

    def delete(self, story_id: str, row_ids: Collection[str], *, base: int | None = None) -> Revision:
        """Raises StaleSaveError as `set_row`."""
        label = f"Delete {_counted(row_ids)}"
        return self._change(story_id, lambda draft: draft.without_rows(row_ids), label, base)

    def move(
        self, story_id: str, row_ids: Collection[str], places: int, *, base: int | None = None
    ) -> Revision:
        """These rows, kept together, so many places down (below 0: up), as far as there are places.

        Raises StaleSaveError as `set_row`.
        """

        def edit(draft: Draft) -> Draft:
            positions = sorted(draft.position(row_id) for row_id in row_ids)
            if not positions:
                return draft
            target = positions[-1] + 1 + places if places > 0 else positions[0] + places
            return draft.with_rows_moved(row_ids, target)

        return self._change(story_id, edit, f"Move {_counted(row_ids)}", base)

    def place(self, story_id: str, row_ids: Collection[str], position: int) -> None:
        """These rows before what is now at the 0-based `position`."""
        self._change(
            story_id, lambda draft: draft.with_rows_moved(row_ids, position), f"Move {_counted(row_ids)}"
        )

    def lock(self, story_id: str, row_ids: Collection[str], *, locked: bool) -> None:
        """A locked shot keeps its take and is passed over when everything is drawn; its row stays editable."""
        story = self._desk.story(story_id)
        draft = story.script.head().draft
        for row_id in row_ids:
            draft.position(row_id)
        (story.decisions.lock if locked else story.decisions.unlock)(row_ids)

    def add_element(self, story_id: str, row_ids: Collection[str], line: str) -> None:
        """One scene element more in each of these rows that lack it. Raises StoryError for an empty line."""
        line = _one_line(line)

        def edit(row: Row) -> Row:
            return row if line in row.scene_elements else _with_elements(row, (*row.scene_elements, line))

        self._edit_rows(story_id, row_ids, edit, "Add a scene element")

    def replace_element(self, story_id: str, row_ids: Collection[str], old: str, new: str) -> None:
        """`new` in place of the scene element `old` in these rows; an empty `new` removes it."""

        def edit(row: Row) -> Row:
            lines = [new.strip() if line.strip() == old.strip() else line for line in row.scene_elements]
            return _with_elements(row, tuple(line for line in lines if line or new.strip()))

        self._edit_rows(story_id, row_ids, edit, "Replace a scene element")

    def _edit_rows(
        self, story_id: str, row_ids: Collection[str], edit: Callable[[Row], Row], label: str
    ) -> None:
        self._change(story_id, lambda draft: draft.with_rows_edited(row_ids, edit), label)

    def _change(self, story_id: str, edit: Edit, label: str, base: int | None = None) -> Revision:
        return change(self._desk.story(story_id), edit, label=label, base=base)

    # --- steps back and forth ----------------------------------------------------------------------------

    def undo(self, story_id: str, *, base: int) -> Revision:
        """Raises StaleSaveError if the script is newer than `base`, StoryError if there is nothing to undo."""
        return self._desk.story(story_id).script.undo(base=base)

    def undo_only(self, story_id: str, revision: int) -> Revision:
        """Undo what made this revision. Raises StoryError if something else was done since."""
        try:
            return self.undo(story_id, base=revision)
        except StaleSaveError:
            raise StoryError(
                "something else was changed since; undo it step by step in the Script tab"
            ) from None

    def redo(self, story_id: str, *, base: int) -> Revision:
        """Raises as `undo`."""
        return self._desk.story(story_id).script.redo(base=base)

    # --- in and out --------------------------------------------------------------------------------------

    def paste(
        self,
        story_id: str,
        text: str,
        *,
        written_as: TextFormat | None = None,
        imported_as: ImportedAs,
        base: int | None = None,
    ) -> Imported:
        """Rows from a text, at the end or in place of all. Raises StoryError naming what is wrong, StaleSaveError as
        `set_row`."""
        return self._take_in(
            story_id,
            lambda cast: story_from_pasted(text, title="the-text", written_as=written_as, cast=cast),
            imported_as,
            base,
        )

    def take_file(self, story_id: str, path: Path, *, imported_as: ImportedAs) -> Imported:
        """Rows from an uploaded story file (READ_SUFFIXES). Raises StoryError."""
        return self._take_in(story_id, lambda cast: read_story(path, cast=cast), imported_as)

    def _take_in(
        self, story_id: str, read: Reader, imported_as: ImportedAs, base: int | None = None
    ) -> Imported:
        added: list[str] = []
        cast = _characters(self._desk.story(story_id).script.head().draft)
        story = _with_everyone(read, cast)

        def edit(draft: Draft) -> Draft:
            with_cast = with_script_of(draft, story)
            added[:] = [member.name for member in with_cast.cast[len(draft.cast) :]]
            if imported_as == "replace":
                return with_cast
            kept = [row for row in draft.rows if not _is_blank(row)]
            return with_cast.with_changes(rows=(*kept, *rows_of(story)))

        self._change(story_id, edit, "Import a script", base)
        return Imported(num_rows=len(story.keyframes), new_characters=tuple(added))

    def export(self, story_id: str, suffix: Literal["yaml", "csv"]) -> Path:
        """Write the script to the story's exports; where. Rows without a plot are left out."""
        name = "story.yaml" if suffix == "yaml" else "script.csv"
        story = self._desk.story(story_id)
        written = story_file_of(story.script.head().draft)
        with story.exporting(name, story.view()) as path:
            write_story(written, path)
        return story.file(f"exports/{name}")


def plain_row(row: Row) -> dict[str, Any]:
    """The fields of a row as JSON has them."""
    return row.model_dump(mode="json", include=set(ROW_FIELDS))


def _with_everyone(read: Reader, cast: Sequence[Character]) -> Story:
    """What `read` makes of a text with this cast; with its own names where people are in it that nobody knows."""
    try:
        return read(cast)
    except StoryError:
        return read(())


def _characters(draft: Draft) -> tuple[Character, ...]:
    return tuple(
        Character(name=member.name, description=member.description)
        for member in draft.cast
        if member.name.strip()
    )


def _row_with(row: Row, fields: Fields) -> Row:
    try:
        return Row.model_validate({**row.model_dump(), **fields})
    except ValidationError as error:
        raise StoryError(explain(error, Row)) from None


def _new_names(before: Mapping[str, str], draft: Draft) -> dict[str, str]:
    """What those are called now who were called otherwise `before`, by the keys of their old names.

    None at all if an old name is now that of somebody else: then a name does not tell who is meant.
    """
    now = {member.id: member.name for member in draft.cast}
    names = {
        name_key(name): now[cast_id]
        for cast_id, name in before.items()
        if name.strip() and now.get(cast_id, "").strip() and now[cast_id] != name
    }
    return names if all(names.get(name_key(new), new) == new for new in names.values()) else {}


def _with_names(fields: Fields, names: Mapping[str, str]) -> Fields:
    """Fields of a row, with the people in them renamed. What is no list of people stays as it is."""
    people = fields.get("characters")
    if not names or not isinstance(people, list | tuple):
        return fields
    return {**fields, "characters": [_with_name(person, names) for person in people]}


def _with_name(person: Any, names: Mapping[str, str]) -> Any:
    name = person.get("name") if isinstance(person, dict) else None
    return {**person, "name": names.get(name_key(name), name)} if isinstance(name, str) else person


def _with_elements(row: Row, lines: tuple[str, ...]) -> Row:
    return row if lines == row.scene_elements else _row_with(row, {"scene_elements": lines})


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    if not line:
        raise StoryError("write the scene element to add, such as: A rainy night")
    return line


def _refuse_unknown(fields: Fields, known: Sequence[str]) -> None:
    for name in fields:
        if name not in known:
            raise StoryError(f'"{name}" is no field here; the fields are {", ".join(known)}')


def _is_blank(row: Row) -> bool:
    return not (row.plot.strip() or row.scene_elements or row.characters)


def _counted(row_ids: Collection[str]) -> str:
    return "a row" if len(row_ids) == 1 else f"{len(row_ids)} rows"
