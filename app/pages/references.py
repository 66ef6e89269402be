"""The References tab: up to ten pictures that show the models a cast and places, and a switch to compare without."""

from __future__ import annotations

from typing import Any

from app.desk import Desk
from app.pages.island import Answer, island
from app.pages.live import ACTED, PRIVATE
from app.pages.media import address_of, uploaded
from app.pages.session import Session
from app.pages.skeletons import skeleton_of
from app.pages.telling import said
from moviedreamer_core.script import MAX_REFERENCES


def build(desk: Desk, session: Session) -> None:
    """Called inside its tab."""
    pictures = island("references", answers=_answers(desk), skeleton=skeleton_of("references"))

    def shown(story_id: str) -> dict[str, Any]:
        return shown_references(desk, story_id)

    for changes in (session.story_id.change, session.changed.change):
        changes(said(shown), session.story_id, pictures, **PRIVATE)
    pictures.altered(lambda number: number + 1, session.changed, session.changed, **ACTED)


def shown_references(desk: Desk, story_id: str) -> dict[str, Any]:
    """All that the tab draws; only the id of no story."""
    if not story_id:
        return {"story": ""}
    view = desk.references.view(story_id)
    return {
        "story": story_id,
        "most": MAX_REFERENCES,
        "used": view.in_use,
        "revision": view.revision,
        "pictures": [{"id": one, "address": address_of(view.folder / one)} for one in view.pictures],
    }


def _answers(desk: Desk) -> tuple[Answer, ...]:
    references = desk.references

    def after(asked: dict[str, Any]) -> dict[str, Any]:
        return {"view": shown_references(desk, str(asked["story"]))}

    def add_reference(asked: dict[str, Any]) -> Any:
        references.add(str(asked["story"]), uploaded(asked))
        return after(asked)

    def remove_reference(asked: dict[str, Any]) -> Any:
        references.remove(str(asked["story"]), str(asked["picture"]))
        return after(asked)

    def move_reference(asked: dict[str, Any]) -> Any:
        references.move(str(asked["story"]), str(asked["picture"]), int(asked["position"]))
        return after(asked)

    def use_references(asked: dict[str, Any]) -> Any:
        references.use(str(asked["story"]), bool(asked["used"]))
        return after(asked)

    def undo_references(asked: dict[str, Any]) -> Any:
        desk.script.undo_only(str(asked["story"]), int(asked["base"]))
        return after(asked)

    return add_reference, remove_reference, move_reference, use_references, undo_references
