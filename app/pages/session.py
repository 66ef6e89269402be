"""What the tabs of one browser tab share."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

TABS = ("stories", "cast", "script", "references", "storyboard", "movie", "drift")


@dataclass(frozen=True)
class Session:
    """Ids only: the truth is on disk.

    `changed` is bumped after every act that changes the story or its takes, so that the other tabs look again;
    `tick` comes once a second; `selected_row` is "" or the row that was opened last; `tabs` has the ids TABS.
    """

    story_id: gr.State
    changed: gr.State
    tick: gr.Timer
    selected_row: gr.State
    tabs: gr.Tabs
