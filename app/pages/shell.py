"""The page: a header with the open story, the tabs, and the web application that serves them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import FastAPI
from gradio.utils import get_upload_folder

from app.auth import Accounts
from app.desk import Desk
from app.guard import guards
from app.pages import cast, drift, jobs, movie, references, script, shelf, storyboard
from app.pages.api import publish
from app.pages.glossary import help_of_the_page
from app.pages.island import island
from app.pages.live import ACTED, PRIVATE
from app.pages.look import style_sheet, theme
from app.pages.place import Place, place_of
from app.pages.session import TABS, Session
from app.pages.telling import said

TICK_SECONDS = 1.0
BUILT: dict[str, tuple[str, Callable[[Desk, Session], None]]] = {
    "stories": ("Stories", shelf.build),
    "cast": ("Cast", cast.build),
    "script": ("Script", script.build),
    "references": ("References", references.build),
    "storyboard": ("Storyboard", storyboard.build),
    "movie": ("Movie", movie.build),
    "drift": ("Continuity", drift.build),
}  # in the order of TABS
FIRST_TAB = "storyboard"  # a finished one shows what one can get
MAX_UPLOAD = "512mb"  # a story with its movies as a zip


def studio_page(desk: Desk, *, signs_out: bool = False) -> gr.Blocks:
    """The page. Whoever serves it also serves the stories' folder, and /sign-out: see `studio_app`."""
    with gr.Blocks(title="MovieDreamer Studio", analytics_enabled=False, fill_width=True) as page:
        story_id, changed, selected_row = gr.State(""), gr.State(0), gr.State("")
        tick = gr.Timer(TICK_SECONDS)
        nothing_open = {"id": "", "title": "", "signs_out": signs_out}
        address = gr.Textbox(visible=False)  # what the browser says of it, once
        in_view = gr.Textbox(visible=False)  # and of each tab, at every tick
        header = island(
            "header",
            value=nothing_open,
            answers=(_stories_of(desk), _help),
            scripts=("place", "tips", "help"),
        )
        with gr.Tabs(elem_id="md-tabs", selected=FIRST_TAB) as tabs:
            session = Session(story_id, changed, tick, selected_row, tabs, in_view)
            for tab in TABS:
                title, build = BUILT[tab]
                with gr.Tab(title, id=tab, render_children=True):
                    build(desk, session)
        with gr.Column(elem_id="md-jobs"):
            jobs.build(desk, session)
        _wire(desk, session, header, signs_out)
        _wire_address(page, desk, session, header, address)
        publish(desk)
    return page


def studio_app(desk: Desk, accounts: Accounts | None = None) -> FastAPI:
    """The page as a web application for this machine; with accounts, for those who sign in.

    Of the machine's files it serves those of the stories.
    """
    gr.set_static_paths(desk.stories.root)
    middleware = guards(desk.stories.root, Path(get_upload_folder()), accounts)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, middleware=middleware)
    return gr.mount_gradio_app(
        app,
        studio_page(desk, signs_out=bool(accounts)),
        path="/",
        theme=theme(),
        css=style_sheet(),
        footer_links=["api"],  # which /?view=api needs; the style sheet hides the footer
        run_history=False,
        show_error=False,
        ssr_mode=False,
        max_file_size=MAX_UPLOAD,
    )


def _stories_of(desk: Desk) -> Any:
    def stories(asked: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"id": one.id, "title": one.title} for one in desk.stories.summaries() if not one.problem]

    return stories


def _help(asked: dict[str, Any]) -> Any:
    return help_of_the_page()


_help.__name__ = "help"  # what static/help.js asks for


def _wire(desk: Desk, session: Session, header: gr.HTML, signs_out: bool) -> None:
    def head_of(story_id: str, row_id: str) -> dict[str, Any]:
        draft = desk.story(story_id).script.head().draft if story_id else None
        is_there = draft is not None and any(row.id == row_id for row in draft.rows)
        return {
            "id": story_id,
            "title": draft.title if draft else "",
            "row": row_id if is_there else "",
            "signs_out": signs_out,
        }

    def opened(event: gr.EventData) -> str:
        return str(event._data["id"])

    for changes in (session.story_id.change, session.changed.change, session.selected_row.change):
        changes(said(head_of), [session.story_id, session.selected_row], header, **PRIVATE)
    header.open_story(said(opened), None, session.story_id, **ACTED)
    header.go_to_stories(lambda: gr.Tabs(selected="stories"), None, session.tabs, **PRIVATE)


def _wire_address(
    page: gr.Blocks, desk: Desk, session: Session, header: gr.HTML, address: gr.Textbox
) -> None:
    """A link leads to a story, a tab and a shot; static/place.js keeps the address true."""

    def first(hash: str, request: gr.Request) -> tuple[Any, ...]:
        asked = place_of(hash)
        wanted = asked.story or str(dict(request.query_params).get("story", ""))
        story_id = desk.shelf.first_story(wanted)
        is_wanted = story_id == asked.story
        tab = asked.tab if asked.tab in TABS else FIRST_TAB
        row_id = asked.row if is_wanted else ""
        changed = 1  # without a story, too, the tabs have something to say
        return story_id, row_id, gr.Tabs(selected=tab), changed

    def followed(event: gr.EventData) -> tuple[str, str]:
        asked = Place.of_parts(event._data)
        return desk.shelf.first_story(asked.story), asked.row

    page.load(
        said(first),
        address,
        [session.story_id, session.selected_row, session.tabs, session.changed],
        js="() => window.location.hash",
        **PRIVATE,
    )
    header.open_place(said(followed), None, [session.story_id, session.selected_row], **PRIVATE)
