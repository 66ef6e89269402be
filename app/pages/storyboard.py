"""The storyboard tab: the gallery, the panel of one shot, and the public steps that draw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from app.desk import Desk
from app.desk.origins import Origin, load_into_row, origin_of
from app.pages.gallery import tiles, toolbar
from app.pages.live import ACTED, PRIVATE, QUIET, Markup, acted, el, live, uploaded
from app.pages.session import Session
from app.pages.shot_panel import shot_panel
from app.pages.skeletons import skeleton_of
from app.pages.telling import said
from moviedreamer_core.errors import InputError

Data = dict[str, str]


def build(desk: Desk, session: Session) -> None:
    """Called inside the tab."""
    board = live("storyboard", skeleton_of("storyboard"))
    stamp, origin_path = gr.State(""), gr.State("")
    seen = [session.story_id, session.selected_row, origin_path]

    def show(story_id: str, row_id: str, path: str) -> tuple[Any, str]:
        return str(storyboard_html(desk, story_id, row_id, path)), _stamp(desk, story_id, row_id, path)

    def show_if_changed(story_id: str, row_id: str, path: str, before: str) -> Any:
        if _stamp(desk, story_id, row_id, path) == before:
            return gr.skip()
        return show(story_id, row_id, path)

    def act(story_id: str, row_id: str, path: str, changed: int, event: gr.EventData) -> tuple[Any, ...]:
        data = acted(event)
        if data.get("act") == "open":
            row_id = data.get("row", "")
        elif data.get("act") in ("origin", "close_origin"):
            path = str(uploaded(data["path"])) if data.get("path") else ""
            if path:
                origin_of(uploaded(path))
        else:
            _do(desk, story_id, data, path)
            changed += 1
        return (*show(story_id, row_id, path), row_id, path, changed)

    board.act(
        said(act),
        [*seen, session.changed],
        [board, stamp, session.selected_row, origin_path, session.changed],
        **ACTED,
    )
    for changes in (session.story_id.change, session.changed.change, session.selected_row.change):
        changes(said(show), seen, [board, stamp], **PRIVATE)
    session.tick.tick(said(show_if_changed), [*seen, stamp], [board, stamp], **QUIET)


def storyboard_html(desk: Desk, story_id: str, row_id: str, origin_path: str) -> Markup:
    """The whole tab. Without a row that is there, the first one is open."""
    if not story_id:
        return el(
            "div",
            el("h3", "No story is open"),
            el("p", "Open one on the Stories tab, or begin a new one there."),
            class_="md-empty",
        )
    view = desk.storyboard.view(story_id)
    rows = [card.row_id for card in view.cards]
    selected = row_id if row_id in rows else rows[0] if rows else ""
    panel: Markup | None = None
    if selected:
        at = rows.index(selected)
        panel = shot_panel(
            desk.storyboard.shot(story_id, selected),
            before=rows[at - 1] if at else "",
            after=rows[at + 1] if at + 1 < len(rows) else "",
            origin=_origin(origin_path),
        )
    return el(
        "div", toolbar(view), el("div", tiles(view, selected), panel, class_="md-board"), class_="md-island"
    )


def _origin(path: str) -> Origin | None:
    try:
        return origin_of(uploaded(path)) if path else None
    except InputError:  # the browser's copy is swept after a while
        return None


def _stamp(desk: Desk, story_id: str, row_id: str, path: str) -> str:
    """Differs from before whenever the tab may look different."""
    return f"{desk.jobs.version()} {desk.jobs.stamp(story_id)} {story_id} {row_id} {path}" if story_id else ""


def _do(desk: Desk, story_id: str, data: Data, origin_path: str) -> None:
    """What a button asks for. Raises MovieDreamerError."""
    storyboard, row = desk.storyboard, data.get("row", "")
    acts: dict[str, Callable[[], object]] = {
        "draw_missing": lambda: storyboard.draw_missing(story_id),
        "preview_arc": lambda: storyboard.preview_arc(story_id),
        "redraw_stale": lambda: desk.redraws.redraw_stale(story_id),
        "new_take": lambda: _new_take(desk, story_id, data),
        "choose": lambda: storyboard.choose_take(
            story_id, row, data.get("take", ""), keep_later="follow" not in data
        ),
        "reject": lambda: storyboard.reject_take(story_id, row, data.get("take", "")),
        "accept": lambda: storyboard.accept_take_again(story_id, row, data.get("take", "")),
        "lock": lambda: storyboard.set_locked(story_id, row, locked=True),
        "unlock": lambda: storyboard.set_locked(story_id, row, locked=False),
        "keep": lambda: storyboard.keep_as_is(story_id, [row]),
        "replace": lambda: storyboard.replace(story_id, row, uploaded(data.get("path", ""))),
        "load_origin": lambda: load_into_row(desk.story(story_id), row, uploaded(origin_path)),
    }
    if data.get("act") not in acts:
        raise InputError("this button is of another version of the studio; reload the page")
    acts[data["act"]]()


def _new_take(desk: Desk, story_id: str, data: Data) -> int:
    try:
        temperature = float(data.get("temperature", "1"))
        number = int(data.get("number", "")) if data.get("seed") == "number" else None
    except ValueError:
        raise InputError("a seed is a whole number such as 7; correct it") from None
    return desk.storyboard.new_take(
        story_id,
        data.get("row", ""),
        seed=data.get("seed", "random"),  # type: ignore[arg-type]
        number=number,
        temperature=temperature,
        later=data.get("later", "keep"),  # type: ignore[arg-type]
    )
