"""A workspace with a story of four rows."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from making import PLOTS, draft_of_plots

from moviedreamer_core.workspace import Stories, StoryFolder


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """fsync guards against a power cut only, which no test can make; test_durable.py checks that it is called."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def stories(tmp_path: Path) -> Stories:
    return Stories(tmp_path / "stories")


@pytest.fixture
def story(stories: Stories) -> StoryFolder:
    found = stories.new(title="The Pier")
    found.script.save(draft_of_plots(*PLOTS), base=1, label="Write")
    return found


@pytest.fixture
def rows(story: StoryFolder) -> list[str]:
    """The ids of the story's rows, in order."""
    return [row.id for row in story.script.head().draft.rows]
