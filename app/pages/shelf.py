"""The Stories tab: all stories as cards, ways to a new one, the trash."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.desk import Desk
from app.pages.island import Answer, island
from app.pages.live import ACTED, PRIVATE
from app.pages.media import address_of, uploaded
from app.pages.session import Session, look_again
from app.pages.skeletons import skeleton_of
from app.pages.telling import plain, said
from moviedreamer_core.workspace import StorySummary, TrashedStory


def build(desk: Desk, session: Session) -> None:
    """Called inside its tab."""
    shelf = island("shelf", answers=_answers(desk), skeleton=skeleton_of("stories"))

    def shown(story_id: str) -> dict[str, Any]:
        return {"open": story_id, **listing(desk)}

    def opened(event: gr.EventData) -> tuple[str, Any]:
        story_id = str(event._data["id"])
        for notice in desk.shelf.open(story_id).notices if story_id else ():
            gr.Info(plain(notice))
        tab = event._data.get("tab")
        return story_id, gr.Tabs(selected=tab) if tab else gr.skip()

    for changes in (session.story_id.change, session.changed.change):
        changes(said(shown), session.story_id, shelf, **PRIVATE)
    look_again(desk, session, shown, [session.story_id], shelf)
    shelf.open_story(said(opened), None, [session.story_id, session.tabs], **ACTED)
    shelf.altered(lambda number: number + 1, session.changed, session.changed, **ACTED)


def listing(desk: Desk) -> dict[str, Any]:
    """What the cards and the trash show."""
    return {
        "stories": [_card(one) for one in desk.shelf.summaries()],
        "trash": [_trashed(one) for one in desk.shelf.trash()],
    }


def _card(story: StorySummary) -> dict[str, Any]:
    return {
        "id": story.id,
        "title": story.title,
        "rows": story.num_rows,
        "drawn": story.num_drawn,
        "previews": story.num_previews,
        "changed": story.changed_at.isoformat() if story.changed_at else "",
        "cover": address_of(story.cover) if story.cover else "",
        "problem": story.problem,
    }


def _trashed(story: TrashedStory) -> dict[str, Any]:
    return {"id": story.id, "title": story.title, "deleted": story.deleted_at.isoformat()}


def _answers(desk: Desk) -> tuple[Answer, ...]:
    shelf = desk.shelf

    def list_stories(asked: dict[str, Any]) -> Any:
        return listing(desk)

    def new_story(asked: dict[str, Any]) -> Any:
        return {"id": shelf.new(str(asked["title"])).id}

    def paste_story(asked: dict[str, Any]) -> Any:
        story = shelf.from_text(
            str(asked["text"]), title=str(asked["title"]), written_as=asked.get("format") or None
        )
        draft = story.script.head().draft
        names = [member.name for member in draft.cast if member.name.strip()]
        return {"id": story.id, "number": len(draft.rows), "characters": names}

    def import_story(asked: dict[str, Any]) -> Any:
        return {"id": shelf.from_file(uploaded(asked)).id}

    def duplicate_story(asked: dict[str, Any]) -> Any:
        return {"id": shelf.duplicate(str(asked["id"])).id, **listing(desk)}

    def rename_story(asked: dict[str, Any]) -> Any:
        shelf.rename(str(asked["id"]), str(asked["title"]))
        return listing(desk)

    def delete_story(asked: dict[str, Any]) -> Any:
        called_off = len(desk.jobs.active(str(asked["id"])))
        shelf.delete(str(asked["id"]))
        return {**listing(desk), "called_off": called_off}

    def restore_story(asked: dict[str, Any]) -> Any:
        shelf.restore(str(asked["id"]))
        return listing(desk)

    def empty_trash(asked: dict[str, Any]) -> Any:
        shelf.discard(str(asked["id"])) if asked.get("id") else shelf.empty_trash()
        return listing(desk)

    def download_story(asked: dict[str, Any]) -> Any:
        path = shelf.export_zip(str(asked["id"]))
        return {"address": address_of(path)}

    return (
        list_stories, new_story, paste_story, import_story, duplicate_story,
        rename_story, delete_story, restore_story, empty_trash, download_story,
    )  # fmt: skip
