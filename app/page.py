"""The page: layout, and handlers that ask the studio and show what its snapshot says.

A timer asks for the snapshot; only what differs from the one that the tab shows is sent. Words from a story
go into components that show plain text, never into HTML.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import gradio as gr

from app.jobs import Snapshot
from app.look import TALL
from app.studio import Draft, Studio
from moviedreamer_core.errors import MovieDreamerError

POLL_SECONDS = 0.7
PREVIEW, FULL = "Preview", "Full"
MAX_EXACT_NUMBER = 2**53 - 1  # of a browser
TITLE = "<h1>MovieDreamer Studio</h1><p>From a story to keyframes to a movie.</p>"


# --- what a snapshot looks like ----------------------------------------------------------------------


def gallery_items(snapshot: Snapshot) -> list[tuple[str, str]]:
    """Path and caption per drawn keyframe."""
    return [(str(drawn.path), f"{drawn.number}. {drawn.plot}") for drawn in snapshot.keyframes]


def progress_line(snapshot: Snapshot) -> str:
    """`keyframe 3 of 14, about 20 s left`, or how the job ended."""
    drawn, planned = len(snapshot.keyframes), len(snapshot.plots)
    match snapshot.phase:
        case "working":
            left = snapshot.seconds_left
            return snapshot.doing if left is None else f"{snapshot.doing}, about {_duration(left)} left"
        case "stopping":
            return f"{snapshot.doing}; stopping"
        case "stopped" | "failed":
            return f"{snapshot.phase}; {drawn} of {planned} keyframes are kept"
    if not drawn:
        return "nothing drawn yet; press Generate"
    movie = ", the movie is ready" if snapshot.movie else ""
    return f"{drawn} of {planned} keyframes drawn{movie}"


def progress_html(snapshot: Snapshot) -> str:
    """The line above a bar; the line holds numbers and words of this program only."""
    line, percent = progress_line(snapshot), round(100 * snapshot.share)
    track = "track" if snapshot.busy else "track idle"
    return (
        f'<div class="says" role="status">{line[:1].upper()}{line[1:]}</div>'
        f'<div class="{track}"><div class="fill" style="width: {percent}%"></div></div>'
    )


def movie_html(snapshot: Snapshot) -> str:
    """A player that reloads when the movie is another, with a link to download it."""
    movie = snapshot.movie
    if movie is None:
        return '<div class="screen">The movie appears here.</div><div class="below"></div>'
    address = f"/gradio_api/file={quote(movie.path.as_posix())}?version={movie.version}"
    name = f"{quote(movie.path.parent.name)}.mp4"
    return (
        f'<div class="screen"><video src="{address}" controls preload="auto" aria-label="The movie"></video></div>'
        f'<div class="below"><a href="{address}" download="{name}">Download the movie</a></div>'
    )


def _duration(seconds: float) -> str:
    """Coarser the longer it is, so that the line does not flicker."""
    if seconds < 60:
        return f"{max(1, round(seconds / 5) * 5 if seconds > 10 else round(seconds))} s"
    return f"{round(seconds / 60)} min"


def _warnings_text(snapshot: Snapshot) -> str:
    return "\n".join(f"• {warning}" for warning in snapshot.warnings)


def _shown_draft(draft: Draft) -> tuple[str, str, int | None]:
    """Text, quality, seed. A seed that a browser would round is left to the story."""
    exact = draft.seed is not None and draft.seed <= MAX_EXACT_NUMBER
    return draft.text, PREVIEW if draft.preview else FULL, draft.seed if exact else None


def _enabled(able: bool) -> dict[str, Any]:
    return gr.update(interactive=able)


# In the order of the outputs that `build_page` wires up.
VIEW: dict[str, Callable[[Snapshot], Any]] = {
    "keyframes": gallery_items,
    "progress": progress_html,
    "movie": movie_html,
    "warnings": _warnings_text,
    "message": lambda snapshot: snapshot.error,
    "generate": lambda snapshot: _enabled(not snapshot.busy),
    "cancel": lambda snapshot: _enabled(snapshot.phase == "working"),
    "make_movie": lambda snapshot: _enabled(bool(snapshot.keyframes) and not snapshot.busy),
}


# --- handlers ----------------------------------------------------------------------------------------


class Handlers:
    """What the page's events call."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def generate(self, text: str, quality: str, seed: float | None) -> str:
        """Start drawing the story. Returns what is wrong with it, in one sentence, or nothing."""
        draft = Draft(text=text or "", seed=None if seed is None else int(seed), preview=quality == PREVIEW)
        try:
            return self._studio.generate(draft)
        except MovieDreamerError as error:
            return str(error)

    def make_movie(self) -> str:
        """Start filming the keyframes that are shown. Returns why it cannot, or nothing."""
        try:
            self._studio.make_movie()
        except MovieDreamerError as error:
            return str(error)
        return ""

    def cancel(self) -> None:
        self._studio.job.cancel()

    def show(self, shown: Snapshot | None) -> list[Any]:
        """The snapshot now, and an update per VIEW of what is not as in `shown`, the tab's last one."""
        now = self._studio.snapshot
        if shown == now:
            return [gr.skip() for _ in range(1 + len(VIEW))]
        values = [(look(now), None if shown is None else look(shown)) for look in VIEW.values()]
        return [now, *(gr.skip() if shown and new == old else new for new, old in values)]

    def attach(self) -> list[Any]:
        """Everything that a page shows when it opens: text, quality, seed, then as in `show`."""
        return [*_shown_draft(self._studio.draft), *self.show(None)]


# --- layout ------------------------------------------------------------------------------------------


def build_page(studio: Studio) -> gr.Blocks:
    """The page. Whoever serves it also serves the studio's outputs folder."""
    with gr.Blocks(title="MovieDreamer Studio", analytics_enabled=False) as page:
        shown = gr.State(None)
        gr.HTML(TITLE, elem_id="title")
        with gr.Row(equal_height=False):
            with gr.Column(scale=5, min_width=420):
                text, quality, seed, message = _story_column(studio.draft)
                with gr.Row():
                    generate = gr.Button("Generate", variant="primary", elem_id="generate", min_width=100)
                    make_movie = gr.Button(
                        "Make movie", interactive=False, elem_id="make_movie", min_width=100
                    )
                    cancel = gr.Button("Cancel", interactive=False, elem_id="cancel", min_width=100)
            with gr.Column(scale=8, min_width=560):
                keyframes, progress, movie, warnings = _result_column()
        view = [shown, keyframes, progress, movie, warnings, message, generate, cancel, make_movie]
        _wire(page, studio, (text, quality, seed), message, view)
    return page


def _story_column(draft: Draft) -> tuple[gr.Code, gr.Radio, gr.Number, gr.Textbox]:
    words, level, number = _shown_draft(draft)
    text = gr.Code(
        words,
        label="Story",
        language="yaml",
        lines=20,
        max_lines=20,
        wrap_lines=True,
        buttons=["copy"],
        elem_id="story",
    )
    message = gr.Textbox(
        label="Message",
        show_label=False,
        container=False,
        interactive=False,
        lines=2,
        max_lines=2,
        placeholder="Messages about the story appear here.",
        elem_id="message",
    )
    with gr.Row():
        quality = gr.Radio([PREVIEW, FULL], value=level, label="Quality", elem_id="quality", min_width=150)
        seed = gr.Number(number, label="Seed", precision=0, elem_id="seed", min_width=150)
    return text, quality, seed, message


def _result_column() -> tuple[gr.Gallery, gr.HTML, gr.HTML, gr.Textbox]:
    keyframes = gr.Gallery(
        label="Keyframes",
        columns=4,
        fit_columns=False,
        height=TALL,
        object_fit="cover",
        buttons=["download", "fullscreen"],
        interactive=False,
        elem_id="keyframes",
    )
    progress = gr.HTML(progress_html(Snapshot()), elem_id="progress")
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=320):
            movie = gr.HTML(movie_html(Snapshot()), elem_id="movie")
        with gr.Column(scale=2, min_width=220):
            warnings = gr.Textbox(
                label="Warnings",
                interactive=False,
                lines=8,
                max_lines=8,
                placeholder="None.",
                elem_id="warnings",
            )
    return keyframes, progress, movie, warnings


def _wire(
    page: gr.Blocks,
    studio: Studio,
    draft: tuple[gr.Code, gr.Radio, gr.Number],
    message: gr.Textbox,
    view: list[Any],
) -> None:
    """Every button starts something and returns at once; what comes of it arrives with the timer."""
    handlers = Handlers(studio)
    shown, generate, cancel, make_movie = view[0], *view[-3:]
    quiet: dict[str, Any] = {"show_progress": "hidden", "queue": False, "api_visibility": "private"}

    def show_at_once(event: Any) -> None:
        event.then(handlers.show, shown, view, **quiet)

    show_at_once(
        generate.click(
            handlers.generate, [*draft], message, api_name="generate", show_progress="hidden", queue=False
        )
    )
    show_at_once(
        make_movie.click(
            handlers.make_movie, None, message, api_name="make_movie", show_progress="hidden", queue=False
        )
    )
    show_at_once(cancel.click(handlers.cancel, None, None, **quiet))
    page.load(handlers.attach, None, [*draft, *view], **quiet)
    gr.Timer(POLL_SECONDS).tick(handlers.show, shown, view, **quiet)
