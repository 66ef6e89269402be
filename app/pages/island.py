"""An island: a part of the page that a script in static/ draws and that asks the desk by itself.

Gradio's own fields are drawn again by every update, which costs typed characters; an island keeps what is typed in the
browser until the desk has it. Nothing that a person wrote goes into its template: Gradio evaluates a filled template
as a JavaScript template string, so that "${...}" in a `{{value}}` would run. Scripts set `textContent` instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from app.desk import Desk
from app.pages.scripts import script_of
from app.pages.telling import answered

Answer = Callable[[dict[str, Any]], Any]  # what the script sent -> what it gets, as JSON


def island(
    name: str,
    *,
    value: Any = None,
    answers: tuple[Answer, ...] = (),
    scripts: tuple[str, ...] = (),
    skeleton: str = "",
) -> gr.HTML:
    """The island of static/`name`.js, which may call `answers` by their names and sees `value` as it changes.

    `scripts` are read before it, after dom.js. Its element has the id md-`name`. The `skeleton` stands in its
    place until the script calls `arrived`.
    """
    return gr.HTML(
        value=value,
        html_template=f'{skeleton}<div class="md-island md-{name}"{" hidden" if skeleton else ""}></div>',
        js_on_load=script_of(*scripts, name, OUTBOX=name),
        apply_default_css=False,
        server_functions=[answered(answer) for answer in answers],
        elem_id=f"md-{name}",
    )


def words_of(desk: Desk, *fields: str) -> Answer:
    """For static/words.js: what can be drawn, of the groups that belong into these fields."""

    def drawable(asked: dict[str, Any]) -> Any:
        return [
            {"title": one.title, "field": one.field, "phrases": list(one.phrases)}
            for one in desk.drawable()
            if one.field in fields
        ]

    return drawable
