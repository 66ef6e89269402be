"""The Script tab: rows beside one form. What is typed is kept by static/outbox.js until it is saved."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.desk import Desk
from app.desk.script import Imported, ScriptView, Where, plain_row
from app.pages.island import Answer, island, words_of
from app.pages.live import ACTED, PRIVATE
from app.pages.media import address_of, uploaded
from app.pages.session import Session, look_again
from app.pages.skeletons import skeleton_of
from app.pages.telling import said
from moviedreamer_core.workspace import Draft, Row, Shot, StaleSaveError, image_path

WORD_FIELDS = ("elements", "people", "looks")
SCRIPTS = ("outbox", "words", "script_rows", "script_form")


def build(desk: Desk, session: Session) -> None:
    """Called inside its tab."""
    editor = island(
        "script",
        answers=(*_saves(desk), *_row_acts(desk), *_story_acts(desk), words_of(desk, *WORD_FIELDS)),
        scripts=SCRIPTS,
        skeleton=skeleton_of("script"),
    )

    def shown(story_id: str, row_id: str) -> dict[str, Any]:
        return {**shown_script(desk, story_id), "selected": row_id}

    def selected(event: gr.EventData) -> str:
        return str(event._data["row"])

    seen = [session.story_id, session.selected_row]
    for changes in (session.story_id.change, session.changed.change, session.selected_row.change):
        changes(said(shown), seen, editor, **PRIVATE)
    look_again(desk, session, shown, seen, editor)
    editor.selected_row(said(selected), None, session.selected_row, **ACTED)
    editor.altered(lambda number: number + 1, session.changed, session.changed, **ACTED)


def shown_script(desk: Desk, story_id: str) -> dict[str, Any]:
    """All that the editor draws; only the id of no story."""
    if not story_id:
        return {"story": ""}
    view = desk.script.view(story_id)
    draft = view.draft
    return {
        "story": story_id,
        "revision": view.revision.number,
        "undo": bool(view.revision.undo),
        "redo": bool(view.revision.redo),
        "style": draft.style,
        "style_warnings": list(view.style_warnings),
        "seed": str(draft.seed),
        "cast": [member.name for member in draft.cast if member.name.strip()],
        "names": {member.id: member.name for member in draft.cast},
        "rows": [_shown_row(view, number) for number in range(len(draft.rows))],
        "complete": view.words_ready,
    }


def _shown_row(view: ScriptView, number: int) -> dict[str, Any]:
    shot: Shot = view.shots[number]
    return {
        **fields_of(shot.row),
        "id": shot.row.id,
        "locked": shot.locked,
        "condition": shot.condition,
        "image": address_of(image_path(shot.take)) if shot.take else "",
        "warnings": [
            {"field": warning.field, "text": warning.text, "blocks": warning.blocks}
            for warning in view.warnings[number]
        ],
    }


def fields_of(row: Row) -> dict[str, Any]:
    """As the form has them. The seed is text: a browser would round it."""
    fields = plain_row(row)
    return {**fields, "seed": "" if fields["seed"] is None else str(fields["seed"])}


def _typed(fields: dict[str, Any]) -> dict[str, Any]:
    """What the form sends, as the desk wants it."""
    if "seed" in fields:
        fields = {**fields, "seed": str(fields["seed"]).strip() or None}
    return fields


def _seen(fields: dict[str, Any]) -> dict[str, Any]:
    seen = _typed(fields)
    if seen.get("seed") is not None:
        seen = {**seen, "seed": int(seen["seed"])}
    return seen


def _saves(desk: Desk) -> tuple[Answer, ...]:
    """Each gives the script after it; or, if another tab was quicker, that and what it says there."""
    script = desk.script

    def save_row(asked: dict[str, Any]) -> Any:
        story_id, row_id = str(asked["story"]), str(asked["row"])
        try:
            script.set_row(
                story_id,
                row_id,
                _typed(asked["fields"]),
                seen=_seen(asked["seen"]),
                seen_cast={
                    str(cast_id): str(name) for cast_id, name in asked["seen"].get("names", {}).items()
                },
                step=str(asked["step"]),
            )
        except StaleSaveError as error:
            theirs = fields_of(error.theirs.draft.row(row_id))
            return {"stale": theirs, "view": shown_script(desk, story_id)}
        return {"view": shown_script(desk, story_id)}

    def save_story(asked: dict[str, Any]) -> Any:
        story_id = str(asked["story"])
        fields = {**asked["fields"]}
        if "seed" in fields:
            fields["seed"] = str(fields["seed"]).strip() or "0"
        seen = {name: int(value or 0) if name == "seed" else value for name, value in asked["seen"].items()}
        try:
            script.set_story(story_id, fields, seen=seen, step=str(asked["step"]))
        except StaleSaveError as error:
            theirs: Draft = error.theirs.draft
            return {
                "stale": {"style": theirs.style, "seed": str(theirs.seed)},
                "view": shown_script(desk, story_id),
            }
        return {"view": shown_script(desk, story_id)}

    def read_script(asked: dict[str, Any]) -> Any:
        return {"view": shown_script(desk, str(asked["story"]))}

    return save_row, save_story, read_script


def _row_acts(desk: Desk) -> tuple[Answer, ...]:
    """Each gives the script after it, and the row to select."""
    script = desk.script

    def after(asked: dict[str, Any], row_id: str | None = None) -> dict[str, Any]:
        return {"view": shown_script(desk, str(asked["story"])), "select": row_id}

    def rows(asked: dict[str, Any]) -> list[str]:
        return [str(row_id) for row_id in asked["rows"]]

    def insert_row(asked: dict[str, Any]) -> Any:
        where: Where = "above" if asked.get("where") == "above" else "below"
        return after(asked, script.insert(str(asked["story"]), asked.get("row") or None, where))

    def duplicate_row(asked: dict[str, Any]) -> Any:
        return after(asked, script.duplicate(str(asked["story"]), str(asked["row"])))

    def delete_rows(asked: dict[str, Any]) -> Any:
        script.delete(str(asked["story"]), rows(asked))
        return after(asked)

    def move_rows(asked: dict[str, Any]) -> Any:
        script.move(str(asked["story"]), rows(asked), int(asked["places"]))
        return after(asked)

    def place_rows(asked: dict[str, Any]) -> Any:
        script.place(str(asked["story"]), rows(asked), int(asked["position"]))
        return after(asked)

    def lock_rows(asked: dict[str, Any]) -> Any:
        script.lock(str(asked["story"]), rows(asked), locked=bool(asked["locked"]))
        return after(asked)

    def add_element(asked: dict[str, Any]) -> Any:
        script.add_element(str(asked["story"]), rows(asked), str(asked["line"]))
        return after(asked)

    def replace_element(asked: dict[str, Any]) -> Any:
        script.replace_element(str(asked["story"]), rows(asked), str(asked["old"]), str(asked["line"]))
        return after(asked)

    def cost_of_redraw(asked: dict[str, Any]) -> Any:
        cost = desk.redraws.cost(str(asked["story"]), rows(asked))
        return {"number": cost.num_shots, "about": cost.about}

    def redraw_rows(asked: dict[str, Any]) -> Any:
        desk.redraws.redraw(str(asked["story"]), rows(asked))
        return after(asked)

    return (
        insert_row, duplicate_row, delete_rows, move_rows, place_rows, lock_rows, add_element, replace_element,
        cost_of_redraw, redraw_rows,
    )  # fmt: skip


def _story_acts(desk: Desk) -> tuple[Answer, ...]:
    script = desk.script

    def walk(asked: dict[str, Any], act: Any) -> dict[str, Any]:
        try:
            act(str(asked["story"]), base=int(asked["base"]))
        except StaleSaveError:
            return {"stale": True, "view": shown_script(desk, str(asked["story"]))}
        return {"view": shown_script(desk, str(asked["story"]))}

    def undo(asked: dict[str, Any]) -> Any:
        return walk(asked, script.undo)

    def redo(asked: dict[str, Any]) -> Any:
        return walk(asked, script.redo)

    def taken_in(asked: dict[str, Any], imported: Imported) -> dict[str, Any]:
        return {
            "number": imported.num_rows,
            "characters": list(imported.new_characters),
            "view": shown_script(desk, str(asked["story"])),
        }

    def paste_rows(asked: dict[str, Any]) -> Any:
        imported = script.paste(
            str(asked["story"]),
            str(asked["text"]),
            written_as=asked.get("format") or None,
            imported_as="replace" if asked.get("replace") else "append",
        )
        return taken_in(asked, imported)

    def import_rows(asked: dict[str, Any]) -> Any:
        imported_as: Any = "replace" if asked.get("replace") else "append"
        imported = script.take_file(str(asked["story"]), uploaded(asked), imported_as=imported_as)
        return taken_in(asked, imported)

    def export_script(asked: dict[str, Any]) -> Any:
        path = script.export(str(asked["story"]), "csv" if asked.get("format") == "csv" else "yaml")
        return {"address": address_of(path), "name": path.name}

    return undo, redo, paste_rows, import_rows, export_script
