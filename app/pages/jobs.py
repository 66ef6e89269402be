"""The queue panel: a bar at the bottom of the page, always there, that opens into the list of all jobs.

All of it comes from the queue's file: a page that is loaded again shows the same.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.desk import Desk
from app.desk.jobs import JobLine, JobPanel, about
from app.pages.live import ACTED, PRIVATE, QUIET, Markup, acted, button, el, icon, joined, live
from app.pages.session import Session
from app.pages.telling import ago, said
from moviedreamer_core.errors import InputError

LATELY = 6  # lines of what is done


def build(desk: Desk, session: Session) -> None:
    """Called below the tabs."""
    bar, shown = live("queue"), gr.State("")

    def show(story_id: str, before: str) -> Any:
        now = str(queue_html(desk.jobs.panel(), story_id))
        return gr.skip() if now == before else (now, now)

    def act(story_id: str, changed: int, event: gr.EventData) -> tuple[Any, ...]:
        _do(desk, acted(event))
        now = str(queue_html(desk.jobs.panel(), story_id))
        return now, now, changed + 1

    outputs = [bar, shown]
    bar.act(said(act), [session.story_id, session.changed], [*outputs, session.changed], **ACTED)
    for changes in (session.story_id.change, session.changed.change):
        changes(said(show), [session.story_id, shown], outputs, **PRIVATE)
    session.tick.tick(said(show), [session.story_id, shown], outputs, **QUIET)


def _do(desk: Desk, data: dict[str, str]) -> None:
    try:
        job_id = int(data.get("job", "0"))
    except ValueError:
        raise InputError("there is no such job; reload the page") from None
    match data.get("act"):
        case "cancel":
            desk.jobs.cancel(job_id)
        case "retry":
            desk.jobs.retry(job_id)
        case "clear":
            desk.jobs.clear_finished()
        case _:
            raise InputError("this button is of another version of the studio; reload the page")


def queue_html(panel: JobPanel, story_id: str) -> Markup:
    """The bar and, above it, the list that it opens."""
    return el("div", _list(panel, story_id), _bar(panel, story_id), class_="md-island md-queue")


# --- the bar -------------------------------------------------------------------------------------------


def _bar(panel: JobPanel, story_id: str) -> Markup:
    line = next(iter(panel.running), None) or next(iter(panel.waiting), None)
    return el(
        "div",
        el("span", _fill(line), class_="md-bar"),
        el("span", class_="md-pulse " + ("md-live" if panel.running else "")),
        el("span", _words(panel, line, story_id), class_="md-queue-words", role="status"),
        el("span", class_="md-spring"),
        el("span", _times(line) if line else "", class_="md-queue-times"),
        button(
            "Cancel" if line is None or line.state != "stopping" else "Stopping",
            "cancel",
            kind="md-small",
            job=line.id,
            able=line.state != "stopping",
            aria_label=f"Cancel: {line.title}",
        )
        if line
        else None,
        el(
            "button",
            _counts(panel),
            icon("chevron"),
            type="button",
            class_="md-button md-small md-quiet",
            data_flip="open",
            aria_expanded="false",
            aria_label="All jobs",
        ),
        class_="md-queue-bar",
    )


def _fill(line: JobLine | None) -> Markup:
    share = line.share if line is not None and line.state != "waiting" else 0.0
    return el("span", style=f"width: {100 * share:.0f}%")


def _words(panel: JobPanel, line: JobLine | None, story_id: str) -> Markup:
    if line is not None:
        where = "" if line.story_id == story_id else f" · {line.story_title}"
        doing = line.doing or ("waits for its turn" if line.state == "waiting" else "starts")
        return joined(el("strong", line.title + where), el("span", doing))
    if panel.failed:
        failed = panel.failed[0]
        return joined(el("strong", f"{failed.title} failed", class_="md-failed"), el("span", failed.message))
    if panel.done:
        last = panel.done[0]
        ended = "cancelled" if last.state == "cancelled" else "done"
        return joined(el("strong", f"{last.title}: {ended}"), el("span", ago(last.finished_at)))
    return joined(
        el("strong", "Nothing is running"), el("span", "What you ask for is done here, one after another.")
    )


def _times(line: JobLine) -> str:
    if line.state == "waiting":
        return f"starts in {about(line.starts_in_seconds or 0)}" if line.starts_in_seconds else "next"
    left = (
        "" if line.seconds_left is None or line.state == "stopping" else f", {about(line.seconds_left)} left"
    )
    return f"{_clock(line.elapsed_seconds)}{left}"


def _counts(panel: JobPanel) -> Markup:
    waiting = len(panel.waiting) - (0 if panel.running else min(1, len(panel.waiting)))
    return joined(
        el("span", f"{waiting} waiting", class_="md-badge") if waiting else None,
        el("span", f"{len(panel.failed)} failed", class_="md-badge md-failed") if panel.failed else None,
        el("span", "Queue"),
    )


# --- the list ------------------------------------------------------------------------------------------


def _list(panel: JobPanel, story_id: str) -> Markup:
    groups = [
        _group("Running", panel.running, story_id),
        _group("Waiting", panel.waiting, story_id),
        _group("Failed", panel.failed, story_id),
        _group("Done lately", panel.done[:LATELY], story_id),
    ]
    is_over = bool(panel.failed or panel.done)
    nothing = None if any(groups) else el("p", "Nothing was asked for yet.", class_="md-hint")
    return el(
        "div",
        el(
            "div",
            el("h2", "Queue"),
            el("span", class_="md-spring"),
            button("Clear what is over", "clear", kind="md-small md-quiet") if is_over else None,
            class_="md-along",
        ),
        el("p", panel.notice, class_="md-notice md-stale") if panel.notice else None,
        nothing,
        groups,
        class_="md-queue-list",
        role="region",
        aria_label="All jobs",
    )


def _group(title: str, lines: tuple[JobLine, ...], story_id: str) -> Markup | None:
    if not lines:
        return None
    rows = [_row(line, story_id) for line in lines]
    return el("section", el("h3", title), el("ul", rows))


def _row(line: JobLine, story_id: str) -> Markup:
    said_more = line.message or line.doing
    return el(
        "li",
        el(
            "div",
            el("strong", line.title),
            el("span", line.story_title, class_="md-hint") if line.story_id != story_id else None,
            el("span", said_more, class_="md-job-says" + (" md-failed" if line.message else "")),
            el("span", _fill(line), class_="md-bar") if line.state in ("running", "stopping") else None,
            class_="md-job",
        ),
        el("span", _times(line) if line.is_active else ago(line.finished_at), class_="md-queue-times"),
        _job_button(line),
    )


def _job_button(line: JobLine) -> Markup:
    if line.is_active:
        return button(
            "Cancel",
            "cancel",
            kind="md-small",
            job=line.id,
            able=line.state != "stopping",
            aria_label=f"Cancel: {line.title}",
        )
    if line.can_retry:
        return button(
            "Try again",
            "retry",
            kind="md-small",
            sign="redo",
            job=line.id,
            aria_label=f"Try again: {line.title}",
        )
    return el("span", icon("check"), class_="md-done-sign")


def _clock(seconds: float) -> str:
    """`0:07`, `12:40`."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
