"""The page: a header with the open story, the tabs, and the web application that serves them.

A tab whose module is not there is left out.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import gradio as gr
from fastapi import FastAPI
from starlette.middleware import Middleware

from app.desk import Desk
from app.guard import OwnPageOnly
from app.pages.island import island
from app.pages.live import PRIVATE
from app.pages.look import style_sheet, theme
from app.pages.session import TABS, Session
from app.pages.telling import said

TICK_SECONDS = 1.0
TITLES = {"stories": "Stories", "drift": "Continuity"}  # the others are called as they are
MODULES = {"stories": "shelf"}  # of the tabs whose module has another name
MAX_UPLOAD = "512mb"  # a story with its movies as a zip


def studio_page(desk: Desk) -> gr.Blocks:
    """The page. Whoever serves it also serves the stories' folder: see `studio_app`."""
    with gr.Blocks(title="MovieDreamer Studio", analytics_enabled=False, fill_width=True) as page:
        story_id, changed, selected_row = gr.State(""), gr.State(0), gr.State("")
        tick = gr.Timer(TICK_SECONDS)
        header = island("header", answers=(_stories_of(desk),))
        with gr.Tabs(elem_id="md-tabs", selected=_first_tab()) as tabs:
            session = Session(story_id, changed, tick, selected_row, tabs)
            for tab in present_tabs():
                with gr.Tab(TITLES.get(tab, tab.capitalize()), id=tab, render_children=True):
                    importlib.import_module(_module(tab)).build(desk, session)
        if _is_there("app.pages.jobs"):
            with gr.Column(elem_id="md-jobs"):
                importlib.import_module("app.pages.jobs").build(desk, session)
        _wire(page, desk, session, header)
    return page


def studio_app(desk: Desk) -> FastAPI:
    """The page as a web application for this machine. Of its files it serves those of the stories."""
    gr.set_static_paths(desk.stories.root)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, middleware=[Middleware(OwnPageOnly)])
    return gr.mount_gradio_app(
        app,
        studio_page(desk),
        path="/",
        theme=theme(),
        css=style_sheet(),
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        max_file_size=MAX_UPLOAD,
    )


def present_tabs() -> tuple[str, ...]:
    """The tabs whose modules are there, in order."""
    return tuple(tab for tab in TABS if _is_there(_module(tab)))


def _module(tab: str) -> str:
    return f"app.pages.{MODULES.get(tab, tab)}"


def _is_there(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _first_tab() -> str:
    """A finished storyboard shows what one can get."""
    return "storyboard" if "storyboard" in present_tabs() else "script"


def _stories_of(desk: Desk) -> Any:
    def stories(asked: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"id": one.id, "title": one.title} for one in desk.stories.summaries() if not one.problem]

    return stories


def _wire(page: gr.Blocks, desk: Desk, session: Session, header: gr.HTML) -> None:
    def first_story(request: gr.Request) -> str:
        return desk.shelf.first_story(str(dict(request.query_params).get("story", "")))

    def head_of(story_id: str) -> dict[str, Any]:
        return (
            {"id": story_id, "title": desk.shelf.title_of(story_id)} if story_id else {"id": "", "title": ""}
        )

    def opened(event: gr.EventData) -> str:
        return str(event._data["id"])

    page.load(said(first_story), None, session.story_id, **PRIVATE)
    for changes in (session.story_id.change, session.changed.change):
        changes(said(head_of), session.story_id, header, **PRIVATE)
    header.open_story(said(opened), None, session.story_id, **PRIVATE)
    header.go_to_stories(lambda: gr.Tabs(selected="stories"), None, session.tabs, **PRIVATE)
