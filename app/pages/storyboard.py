"""The storyboard tab: the gallery, the panel of one shot, and the public steps that draw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from app.desk import Desk
from app.desk.origins import Origin, load_into_row, origin_of, story_of_file
from app.pages.gallery import tiles, toolbar
from app.pages.live import ACTED, PRIVATE, Markup, acted, el, live, no_story, noted, redrawn, uploaded
from app.pages.origin_box import origin_box
from app.pages.session import Session, while_in_view
from app.pages.shot_panel import shot_panel
from app.pages.skeletons import skeleton_of
from app.pages.telling import said
from moviedreamer_core.errors import InputError

Data = dict[str, str]


def build(desk: Desk, session: Session) -> None:
    """Called inside the tab."""
    board = live("storyboard", skeleton_of("storyboard"))
    note, origin_path, loaded_row = gr.State(""), gr.State(""), gr.State("")
    seen = [session.story_id, session.selected_row, origin_path, loaded_row]

    def show(story_id: str, row_id: str, path: str, loaded: str) -> tuple[Any, str]:
        seen = _seen(desk, story_id, row_id, path + loaded)
        return noted(seen, storyboard_html(desk, story_id, row_id, path, loaded))

    def show_if_changed(story_id: str, row_id: str, path: str, loaded: str, before: str) -> Any:
        seen = _seen(desk, story_id, row_id, path + loaded)
        return redrawn(before, seen, lambda: storyboard_html(desk, story_id, row_id, path, loaded))

    def act(
        story_id: str, row_id: str, path: str, loaded: str, changed: int, event: gr.EventData
    ) -> tuple[Any, ...]:
        data, tabs = acted(event), gr.skip()
        match data.get("act"):
            case "open":
                row_id = data.get("row", "")
            case "origin" | "close_origin":
                path, loaded = _looked_at(data), ""
            case "story_of_origin":
                story_id = story_of_file(desk.stories, uploaded(path)).id
                row_id, path, loaded, tabs = "", "", "", gr.Tabs(selected="script")
            case name:
                _do(desk, story_id, data, path)
                loaded = data.get("row", "") if name == "load_origin" else loaded
                changed += 1
        return (*show(story_id, row_id, path, loaded), story_id, row_id, path, loaded, changed, tabs)

    board.act(
        said(act),
        [*seen, session.changed],
        [board, note, *seen, session.changed, session.tabs],
        **ACTED,
    )
    for changes in (session.story_id.change, session.changed.change, session.selected_row.change):
        changes(said(show), seen, [board, note], **PRIVATE)
    while_in_view(session, board, show_if_changed, [*seen, note], [board, note])


def storyboard_html(desk: Desk, story_id: str, row_id: str, origin_path: str, loaded_row: str = "") -> Markup:
    """The whole tab. Without a row that is there, the first one is open.

    At `origin_path` lies the file that is looked at; its shot was loaded into `loaded_row`, or into none.
    """
    if not story_id:
        return no_story()
    view = desk.storyboard.view(story_id)
    rows = [card.row_id for card in view.cards]
    selected = row_id if row_id in rows else rows[0] if rows else ""
    panel: Markup | None = None
    if selected:
        at, origin, shot = (
            rows.index(selected),
            _origin(origin_path),
            desk.storyboard.shot(story_id, selected),
        )
        style = desk.story(story_id).script.head().draft.style if origin else ""
        panel = shot_panel(
            shot,
            before=rows[at - 1] if at else "",
            after=rows[at + 1] if at + 1 < len(rows) else "",
            origin=origin_box(shot.card, origin, style),
            loaded=origin if loaded_row == selected else None,
        )
    return el(
        "div",
        toolbar(view),
        el("div", tiles(view, selected), panel, class_="md-board md-fills"),
        class_="md-island",
    )


def _looked_at(data: Data) -> str:
    """The path of a file that was sent to be looked at, "" for none. Raises InputError without a recipe in it."""
    if not data.get("path"):
        return ""
    path = uploaded(data["path"])
    origin_of(path)
    return str(path)


def _origin(path: str) -> Origin | None:
    try:
        return origin_of(uploaded(path)) if path else None
    except InputError:  # uploads do not stay for ever
        return None


def _seen(desk: Desk, story_id: str, row_id: str, path: str) -> str:
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
        "style_of_origin": lambda: desk.script.set_story(
            story_id, {"style": origin_of(uploaded(origin_path)).style}
        ),
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
