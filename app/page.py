"""The page: layout, and handlers that ask the studio and show what its snapshot says.

A timer asks for the snapshot; only what differs from the one that this tab shows is sent. Words from a story
go into components that show plain text, never into HTML.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import gradio as gr

from app.jobs import Snapshot
from app.studio import Draft, Studio
from moviedreamer_core.errors import MovieDreamerError

POLL_SECONDS = 0.7
PREVIEW, FULL = "Preview", "Full"
LARGEST_EXACT_NUMBER = 2**53 - 1  # of a browser
NO_WARNINGS = "Nothing to warn of."

Update = Any  # what Gradio takes for one output


class Handlers:
    """What the page's events call. `shown` is the snapshot that the asking tab shows, None for a new one."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def generate(self, text: str, quality: str, seed: float | None) -> str:
        """Start drawing the story; what is wrong with it, or nothing."""
        whole = None if seed is None else int(seed)
        try:
            return self._studio.generate(Draft(text=text, seed=whole, preview=quality == PREVIEW))
        except MovieDreamerError as error:
            return str(error)

    def make_movie(self) -> str:
        """Start filming the keyframes that are shown; why it cannot, or nothing."""
        try:
            self._studio.make_movie()
        except MovieDreamerError as error:
            return str(error)
        return ""

    def cancel(self) -> None:
        self._studio.job.cancel()

    def show(self, shown: Snapshot | None) -> tuple[Update, ...]:
        """Updates of what changed, in the order of `build_page`'s `view`, the new snapshot first."""
        now = self._studio.snapshot
        if shown == now:
            return (gr.skip(),) * 8
        return (
            now,
            _if_changed(gallery_items, shown, now),
            _if_changed(progress_html, shown, now),
            _if_changed(warnings_text, shown, now),
            _if_changed(movie_html, shown, now),
            _if_changed(lambda s: s.error, shown, now) if shown or now.error else gr.skip(),
            _if_changed(_can_work, shown, now, lambda able: gr.update(interactive=able)),
            _if_changed(lambda s: s.phase == "working", shown, now, lambda able: gr.update(interactive=able)),
        ) + (_if_changed(_can_film, shown, now, lambda able: gr.update(interactive=able)),)

    def attach(self) -> tuple[Update, ...]:
        """All that a page shows when it is opened: the draft, then the view."""
        draft = self._studio.draft
        return draft.text, PREVIEW if draft.preview else FULL, _seed_to_show(draft), *self.show(None)
