"""The movie tab: clips of the ticked shots, the screen, the movie, and what can be taken away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from app.desk import Desk
from app.desk.jobs import Cost
from app.desk.shot_cards import Pairs
from app.pages.clip_list import clip_list, clip_toolbar
from app.pages.live import (
    ACTED,
    PRIVATE,
    Markup,
    acted,
    el,
    icon,
    live,
    no_story,
    noted,
    redrawn,
    uploaded,
)
from app.pages.screen import Showing, exports, screen, settings
from app.pages.session import Session, while_in_view
from app.pages.skeletons import skeleton_of
from app.pages.telling import said
from moviedreamer_core.errors import InputError

Data = dict[str, str]


def build(desk: Desk, session: Session) -> None:
    """Called inside the tab."""
    part = live("movie", skeleton_of("movie"))
    note, showing = gr.State(""), gr.State("movie")
    seen = [session.story_id, session.selected_row, showing]

    def as_seen(story_id: str, row_id: str, on_screen: str) -> str:
        return f"{desk.jobs.seen(story_id)} {story_id} {row_id} {on_screen}" if story_id else ""

    def show(story_id: str, row_id: str, on_screen: Showing, before: str) -> Any:
        return noted(as_seen(story_id, row_id, on_screen), movie_html(desk, story_id, row_id, on_screen))

    def show_if_changed(story_id: str, row_id: str, on_screen: Showing, before: str) -> Any:
        now = as_seen(story_id, row_id, on_screen)
        return redrawn(before, now, lambda: movie_html(desk, story_id, row_id, on_screen))

    def act(story_id: str, row_id: str, on_screen: str, changed: int, event: gr.EventData) -> tuple[Any, ...]:
        data = acted(event)
        match data.get("act"):
            case "open":
                row_id, on_screen = data.get("row", ""), "shot"
            case "screen":
                on_screen = data.get("showing", "movie")
            case name:
                _do(desk, story_id, data)
                changed += 1
                on_screen = {"make_movie": "movie", "make_animatic": "animatic"}.get(str(name), on_screen)
        seen = as_seen(story_id, row_id, on_screen)
        return *noted(seen, movie_html(desk, story_id, row_id, on_screen)), on_screen, row_id, changed

    part.act(
        said(act),
        [*seen, session.changed],
        [part, note, showing, session.selected_row, session.changed],
        **ACTED,
    )
    for changes in (session.story_id.change, session.changed.change, session.selected_row.change):
        changes(said(show), [*seen, note], [part, note], **PRIVATE)
    while_in_view(session, part, show_if_changed, [*seen, note], [part, note])


def movie_html(desk: Desk, story_id: str, row_id: str, on_screen: str) -> Markup:
    """The whole tab."""
    if not story_id:
        return no_story()
    view = desk.movie.view(story_id)
    if not view.rows:
        words = "Every row of the script becomes a shot. Write the first one on the script tab."
        return el("div", icon("film"), el("h3", "No shots yet"), el("p", words), class_="md-empty")
    row = next((one for one in view.rows if one.row_id == row_id), view.rows[0])
    showing: Showing = on_screen if on_screen in ("movie", "animatic", "shot") else "movie"  # type: ignore[assignment]
    another: Cost | None = None
    recipe: Pairs = ()
    if showing == "shot":
        another = desk.movie.cost_of_another(story_id, row.row_id)
        recipe = desk.movie.recipe_of_picture(story_id, row.row_id)
    return el(
        "div",
        el("div", clip_toolbar(view), clip_list(view, row.row_id), class_="md-clip-side"),
        el(
            "div",
            screen(view, showing, row, another, recipe),
            settings(view),
            exports(view),
            class_="md-movie-side",
            data_top=f"{showing} {row.row_id}" if showing == "shot" else showing,
        ),
        class_="md-island md-movie md-fills",
    )


def _do(desk: Desk, story_id: str, data: Data) -> None:
    """What a button or field asks for. Raises MovieDreamerError."""
    movie, row = desk.movie, data.get("row", "")
    acts: dict[str, Callable[[], object]] = {
        "tick": lambda: movie.tick(story_id, [row], animate=data.get("value") == "true"),
        "tick_all": lambda: movie.tick_all(story_id, animate=True),
        "tick_none": lambda: movie.tick_all(story_id, animate=False),
        "seconds": lambda: movie.set_seconds(
            story_id,
            row,
            _seconds(data.get("value", "")),
            seen=_seconds(data["seen"]) if "seen" in data else None,
        ),
        "motion": lambda: movie.set_motion(story_id, row, data.get("value", "")),
        "choose_clip": lambda: movie.choose_clip(story_id, row, data.get("clip", "")),
        "animate": lambda: movie.animate(story_id),
        "animate_again": lambda: movie.animate_again(story_id, row),
        "make_animatic": lambda: movie.make_animatic(story_id),
        "make_movie": lambda: movie.make_movie(story_id),
        "export": lambda: movie.export(story_id, data.get("format", "")),
        "set": lambda: movie.set_movie(story_id, **{data.get("field", ""): data.get("value", "")}),
        "music": lambda: movie.set_music(story_id, uploaded(data.get("path", ""))),
        "no_music": lambda: movie.set_music(story_id, None),
    }
    if data.get("act") not in acts:
        raise InputError("this button is of another version of the studio; reload the page")
    if data["act"] == "set" and data.get("field") not in ("transition", "subtitles"):
        raise InputError("this setting is of another version of the studio; reload the page")
    acts[data["act"]]()


def _seconds(text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise InputError(f"{text[:20]!a} is no number of seconds; type one such as 2.5") from None
