"""What the tabs of one browser tab share."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app.desk import Desk
from app.pages.live import QUIET
from app.pages.telling import said

TABS = ("stories", "cast", "script", "references", "storyboard", "movie", "drift")


@dataclass(frozen=True)
class Session:
    """Ids only: the truth is on disk.

    `changed` is bumped after every act that changes the story or its takes, so that the other tabs look again;
    what the queue does bumps nothing: see `look_again`. `tick` comes once a second; `selected_row` is "" or the row
    that was opened last; `tabs` has the ids TABS; `in_view` is where the browser answers `while_in_view`.
    """

    story_id: gr.State
    changed: gr.State
    tick: gr.Timer
    selected_row: gr.State
    tabs: gr.Tabs
    in_view: gr.Textbox


def while_in_view(
    session: Session, part: gr.HTML, show: Callable[..., Any], inputs: list[Any], outputs: list[Any]
) -> None:
    """Ask `show` at every tick at which the browser has `part` on the tab that is open; else nothing is made or sent.

    What changed meanwhile is shown at the first tick after its tab is opened.
    """

    def show_in_view(*asked: Any) -> Any:
        *values, in_view = asked
        return show(*values) if in_view else gr.skip()

    session.tick.tick(said(show_in_view), [*inputs, session.in_view], outputs, js=_in_view(part), **QUIET)


def _in_view(part: gr.HTML) -> str:
    """As JavaScript: the inputs, the last of which becomes "yes" while `part` takes up space."""
    return (
        f"(...asked) => [...asked.slice(0, -1), document.getElementById({json.dumps(part.elem_id)})?.offsetParent"
        ' ? "yes" : ""]'
    )


def look_again(
    desk: Desk, session: Session, show: Callable[..., Any], seen: list[gr.State], part: gr.HTML
) -> None:
    """Have `show`, of the story and what else is `seen`, draw `part` anew whenever the queue has made something."""
    made = gr.State("")

    def show_if_made(before: str, story_id: str, *more: str) -> Any:
        now = made_so_far(desk, story_id)
        return gr.skip() if now == before else (show(story_id, *more), now)

    while_in_view(session, part, show_if_made, [made, *seen], [part, made])


def made_so_far(desk: Desk, story_id: str) -> str:
    """Differs from before when any job ended, or one of this story has made one thing more. Raises QueueError."""
    jobs = desk.queue.snapshot().jobs
    over = [job.finished_at or 0.0 for job in jobs if not job.is_active]
    parts = sum(job.done for job in jobs if job.is_active and job.story_id == story_id)
    return f"{len(over)} {max(over, default=0.0)} {parts}"
