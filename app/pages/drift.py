"""The continuity tab: how like themselves characters and places stay over the shots."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.desk import Desk
from app.pages.drift_chart import chart, table, toolbar, worst
from app.pages.live import ACTED, PRIVATE, Markup, acted, el, icon, live, no_story, noted, redrawn
from app.pages.session import Session, while_in_view
from app.pages.skeletons import skeleton_of
from app.pages.telling import said
from moviedreamer_core.errors import InputError

NUM_WORST = 5


def build(desk: Desk, session: Session) -> None:
    """Called inside the tab."""
    part, note = live("drift", skeleton_of("drift")), gr.State("")
    seen = [session.story_id, note]

    def as_seen(story_id: str) -> str:
        return f"{desk.jobs.seen(story_id)} {story_id}" if story_id else ""

    def show(story_id: str, before: str) -> Any:
        return redrawn("", as_seen(story_id), lambda: drift_html(desk, story_id))

    def show_if_changed(story_id: str, before: str) -> Any:
        return redrawn(before, as_seen(story_id), lambda: drift_html(desk, story_id))

    def act(story_id: str, changed: int, event: gr.EventData) -> tuple[Any, ...]:
        data = acted(event)
        opened: list[Any] = [gr.skip(), gr.skip()]
        match data.get("act"):
            case "open":
                opened = [data.get("row", ""), gr.Tabs(selected="storyboard")]
            case "measure":
                desk.drift.measure(story_id)
            case "redraw_worst":
                desk.drift.redraw_worst(story_id, NUM_WORST)
            case _:
                raise InputError("this button is of another version of the studio; reload the page")
        return (*noted(as_seen(story_id), drift_html(desk, story_id)), *opened, changed + 1)

    part.act(
        said(act),
        [session.story_id, session.changed],
        [part, note, session.selected_row, session.tabs, session.changed],
        **ACTED,
    )
    for changes in (session.story_id.change, session.changed.change):
        changes(said(show), seen, [part, note], **PRIVATE)
    while_in_view(session, part, show_if_changed, seen, [part, note])


def drift_html(desk: Desk, story_id: str) -> Markup:
    """The whole tab."""
    if not story_id:
        return no_story()
    view = desk.drift.view(story_id, num_worst=NUM_WORST)
    if not view.series:
        words = (
            "Measure how like their cast pictures the characters stay, and how like itself each place stays, "
            "shot by shot; then draw the worst shots again."
            if view.num_drawn
            else "Draw the storyboard first: continuity is measured on its pictures."
        )
        empty = el("div", icon("search"), el("h3", "Not measured yet"), el("p", words), class_="md-empty")
        return el("div", toolbar(view), empty, class_="md-island")
    return el(
        "div",
        toolbar(view),
        el(
            "div",
            el("div", chart(view), table(view), class_="md-drift-main"),
            worst(view, NUM_WORST),
            class_="md-drift",
        ),
        class_="md-island",
    )
