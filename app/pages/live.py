"""Parts of the page that the server draws: markup in which every text is escaped, and one event for all its acts.

The element's value is HTML made by `el` alone, so that nothing that a person wrote can be markup. Gradio compares it
with what is there node by node: what did not change keeps its focus, a video plays on. What is clicked or changed
comes back through `acts` as one event with the data- attributes of the element; see static/live.js.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import gradio as gr

from app.desk.jobs import Cost
from app.pages import media
from app.pages.scripts import NO_STORY, script_of

PRIVATE: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
# Of what a person does nothing may be dropped; Gradio's "once" drops what is asked while an earlier ask is answered.
ACTED: dict[str, Any] = {**PRIVATE, "trigger_mode": "multiple"}
QUIET: dict[str, Any] = {**PRIVATE, "queue": False}  # for ticks, which have nothing to say to a person

_VOID = frozenset({"img", "input", "br", "hr"})  # of HTML; those of SVG are closed
_ICONS = {
    "lock": "M4.5 7.5h7v5.5h-7zM6 7.5V5.5a2 2 0 014 0v2",
    "unlock": "M4.5 7.5h7v5.5h-7zM6 7.5V5.5a2 2 0 013.8-.8",
    "check": "M3.5 8.5l3 3 6-7",
    "close": "M4 4l8 8M12 4l-8 8",
    "download": "M8 2.5v8M4.5 7.5L8 11l3.5-3.5M3 13.5h10",
    "upload": "M8 11V3M4.5 6L8 2.5 11.5 6M3 13.5h10",
    "film": "M2.5 4h11v8h-11zM5.5 4v8M10.5 4v8",
    "alert": "M8 2.5l6 11H2zM8 6.5v3M8 11.5h.01",
    "redo": "M12.5 6.5A5 5 0 108 13M12.5 3v3.5H9",
    "play": "M5 3.5l7.5 4.5L5 12.5z",
    "chevron": "M4 10l4-4 4 4",
    "brush": "M10 3l3 3-6 6H4V9zM4 13.5h9",
    "clock": "M8 13.5a5.5 5.5 0 100-11 5.5 5.5 0 000 11zM8 5v3l2 1.5",
    "search": "M7 11.5a4.5 4.5 0 100-9 4.5 4.5 0 000 9zM10.5 10.5L14 14",
    "eye": "M1.5 8s2.5-4.5 6.5-4.5S14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 9.5a1.5 1.5 0 100-3 1.5 1.5 0 000 3z",
    "left": "M10 3.5L5.5 8l4.5 4.5",
    "right": "M6 3.5L10.5 8 6 12.5",
}


class Markup(str):
    """HTML that was made by `el`."""

    __slots__ = ()


Child = str | int | float | None | Iterable["Child"]


def el(tag: str, *children: Child, **attributes: Any) -> Markup:
    """An element. Children that are no Markup are escaped, None is left out.

    Attributes: `class_` stands for class, other underscores for hyphens; None and False leave one out, True is bare.
    """
    said = "".join(
        f" {_name(name)}" if value is True else f' {_name(name)}="{html.escape(str(value))}"'
        for name, value in attributes.items()
        if value is not None and value is not False
    )
    if tag in _VOID:
        return Markup(f"<{tag}{said}>")
    return Markup(f"<{tag}{said}>{''.join(_texts(children))}</{tag}>")


def joined(*children: Child) -> Markup:
    """Several children without an element around them."""
    return Markup("".join(_texts(children)))


def icon(name: str) -> Markup:
    """A line drawing of 16 x 16 that assistive technology passes over."""
    path = el("path", d=_ICONS[name])
    return el(
        "svg",
        path,
        viewBox="0 0 16 16",
        fill="none",
        stroke="currentColor",
        stroke_width="1.5",
        stroke_linecap="round",
        stroke_linejoin="round",
        aria_hidden="true",
    )


def button(
    label: Child, act: str, *, kind: str = "", sign: str = "", able: bool = True, **data: Any
) -> Markup:
    """A button that sends `act` with `data`; `tip` is what it says when it is hovered or focused.

    A name that begins with aria_ or is title, id or form is an attribute as it is.
    """
    plain = {
        name: value
        for name, value in data.items()
        if name.startswith("aria_") or name in ("title", "id", "form")
    }
    sent = {f"data_{name}": value for name, value in data.items() if name not in plain}
    return el(
        "button",
        icon(sign) if sign else None,
        label,
        type="button",
        class_=f"md-button {kind}".strip(),
        data_act=act,
        disabled=not able,
        **plain,
        **sent,
    )


def no_story() -> Markup:
    """Instead of a tab's own parts while no story is open."""
    title, text = NO_STORY
    return el("div", el("h3", title), el("p", text), class_="md-empty")


def with_cost(label: str, cost: Cost | None) -> Markup:
    """The words of a button that makes something, with what that takes."""
    return joined(label, None if cost is None else el("span", cost.about, class_="md-cost"))


def noted(seen: str, html: Markup) -> tuple[str, str]:
    """What a part shows, and a note for `redrawn` of what it showed when things were as `seen`, asked before, says."""
    return str(html), f"{seen}\n{html}"


def redrawn(note: str, seen: str, html: Callable[[], Markup]) -> Any:
    """The two values of `noted`, for a tick: `html` is made only if `seen` differs from the note, and sent only if it
    does too."""
    if note.startswith(f"{seen}\n"):
        return gr.skip()
    value, now = noted(seen, html())
    return (gr.skip(), now) if note.partition("\n")[2] == value else (value, now)


def live(name: str, skeleton: Markup | None = None) -> gr.HTML:
    """The part of the page md-`name`, at first only its `skeleton`; its event is `act`."""
    return gr.HTML(
        value=str(skeleton or ""),
        js_on_load=script_of("live"),
        apply_default_css=False,
        elem_id=f"md-{name}",
    )


def acted(event: gr.EventData) -> dict[str, str]:
    """What was sent with an act, as words. It comes from a browser, hence may be anything."""
    data = event._data if isinstance(event._data, dict) else {}
    return {
        str(name)[:40]: str(value)[:4000]
        for name, value in data.items()
        if isinstance(value, str | int | float)
    }


def uploaded(path: str) -> Path:
    """A file that the browser has just sent. Raises InputError for any other path of this machine."""
    return media.uploaded({"path": path})


def address(path: Path, version: int | None = None) -> str:
    """Where the page finds a file of a story; `version` tells a file from one that had its name before."""
    return media.address_of(path) + ("" if version is None else f"?v={version}")


def _texts(children: Iterable[Child]) -> Iterable[str]:
    for child in children:
        if child is None:
            continue
        if isinstance(child, Markup):
            yield str(child)
        elif isinstance(child, str | int | float):
            yield html.escape(str(child))
        else:
            yield from _texts(child)


def _name(name: str) -> str:
    return "class" if name == "class_" else name if name == "viewBox" else name.rstrip("_").replace("_", "-")
