"""The movie tab's list of shots, as markup: which are to move, how long, how much, and the clips there are."""

from __future__ import annotations

from app.desk.clips import MOTIONS, ClipRow
from app.desk.jobs import counted
from app.desk.movie import MAX_CLIP_SECONDS, MIN_CLIP_SECONDS, MovieView
from app.pages.glossary import CLIP_STATES, SETTINGS, STATES
from app.pages.live import Markup, address, button, el, icon, with_cost

CLIP_WORDS = {
    "none": "No clip",
    "stale": "Stale",
    "fresh": "Fresh",
    "running": "Animating",
    "waiting": "Queued",
    "failed": "Failed",
}
PICTURE_WORDS = {"": "", "preview": ", of a preview", "stale": ", of a stale picture"}


def clip_toolbar(view: MovieView) -> Markup:
    """What is ticked, and what animating it costs."""
    num_ticked = sum(row.is_ticked for row in view.rows)
    return el(
        "div",
        button("Tick all", "tick_all", kind="md-small md-quiet", able=num_ticked < len(view.rows)),
        button("Tick none", "tick_none", kind="md-small md-quiet", able=num_ticked > 0),
        el("span", f"{num_ticked} of {counted(len(view.rows), 'shot')} ticked", class_="md-hint"),
        el("span", class_="md-spring"),
        _animate(view, num_ticked),
        class_="md-toolbar",
    )


def _animate(view: MovieView, num_ticked: int) -> Markup:
    if view.animate is None:
        why = "Tick the shots that are to move" if not num_ticked else "The ticked shots need no new clip"
        return button("Animate", "animate", kind="md-primary", sign="film", able=False, title=why)
    label = with_cost(f"Animate {counted(view.animate.num_shots, 'shot')}", view.animate)
    return button(label, "animate", kind="md-primary", sign="film")


def clip_list(view: MovieView, selected: str) -> Markup:
    """A line per shot."""
    lines = [_line(row, is_selected=row.row_id == selected) for row in view.rows]
    return el("ol", lines, class_="md-clips", data_arrows=True)


def _line(row: ClipRow, *, is_selected: bool) -> Markup:
    return el(
        "li",
        el(
            "label",
            el(
                "input",
                type="checkbox",
                data_edit="tick",
                data_row=row.row_id,
                checked=row.is_ticked,
                aria_label=f"Animate shot {row.number}",
            ),
            class_="md-check",
        ),
        _picture(row),
        el(
            "div",
            el("div", el("span", row.number, class_="md-shot-number"), _state(row), class_="md-along"),
            el("span", row.plot or "No plot yet", class_="md-shot-plot"),
            class_="md-clip-words",
        ),
        _seconds(row),
        _motion(row),
        class_="md-clip" + (" md-is-open" if is_selected else ""),
    )


def _picture(row: ClipRow) -> Markup:
    inner = (
        el("img", src=address(row.image), alt="", loading="lazy", draggable="false")
        if row.image
        else el("span", icon("film"), class_="md-no-picture")
    )
    sign = el("span", icon("play"), class_="md-play") if row.clip else None
    bar = None
    if row.state == "running":
        bar = el("span", el("span", style=f"width: {round(100 * row.share)}%"), class_="md-bar")
    return el(
        "button",
        inner,
        sign,
        bar,
        type="button",
        class_="md-picture md-clip-picture",
        data_act="open",
        data_row=row.row_id,
        data_tile=row.row_id,
        aria_label=f"Look at shot {row.number}",
    )


def _state(row: ClipRow) -> Markup:
    """The clip's state; a shot without a picture says so."""
    if row.image is None:
        return el("span", "Not drawn", class_="md-state md-shot-is-missing", data_tip=STATES["missing"])
    number = f" ({len(row.clips)})" if len(row.clips) > 1 else ""
    number += ", a new clip waits" if row.num_waiting else ""
    of_what = PICTURE_WORDS[row.picture_note] if row.state in ("none", "fresh") else ""
    words = CLIP_WORDS[row.state] + of_what + number
    reason = f": {row.reason}" if row.state in ("stale", "failed") and row.reason else ""
    return el("span", words + reason, class_=f"md-state md-shot-is-{row.state}", data_tip=_tip(row))


def _seconds(row: ClipRow) -> Markup:
    return el(
        "label",
        el(
            "input",
            type="number",
            class_="md-field",
            value=f"{row.seconds:g}",
            min=MIN_CLIP_SECONDS,
            max=MAX_CLIP_SECONDS,
            step="0.1",
            data_edit="seconds",
            data_seen=row.seconds,
            data_row=row.row_id,
            aria_label=f"Seconds of shot {row.number}",
        ),
        el("span", "s"),
        class_="md-seconds",
    )


def _motion(row: ClipRow) -> Markup:
    choices = [el("option", word.capitalize(), value=word, selected=word == row.motion) for word in MOTIONS]
    return el(
        "select",
        choices,
        class_="md-field md-motion",
        data_tip=SETTINGS["motion"],
        value=row.motion,
        data_edit="motion",
        data_row=row.row_id,
        aria_label=f"Motion of shot {row.number}",
    )


def _tip(row: ClipRow) -> str:
    """What the state means; first, why it is so, which may not fit into the line."""
    reason = f"{row.reason[:1].upper()}{row.reason[1:].rstrip('.')}. " if row.reason else ""
    return reason + CLIP_STATES[row.state]
