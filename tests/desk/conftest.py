"""A desk on an empty queue, with one story of four shots."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from app.desk import Desk, DrawingDefaults
from app.queue.store import open_store
from moviedreamer_core.workspace import CastMember, Draft, PersonInRow, Row, Stories, StoryFolder

PLOTS = ("Mara walks.", "Tom waves.", "The sea is calm.", "Mara sleeps.")


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """fsync guards against a power cut only, which no test can make."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(
        stories=Stories(tmp_path / "stories"),
        queue=open_store(tmp_path / "jobs.sqlite"),
        weights_hash="f" * 64,
        settings=DrawingDefaults(width=48, height=32, frames_per_second=4, guidance_scale=3.0),
    )


@pytest.fixture
def story(desk: Desk) -> StoryFolder:
    found = desk.stories.new(title="The Pier")
    rows = tuple(
        Row(plot=plot, characters=(PersonInRow(name="Mara"),) if "Mara" in plot else ()) for plot in PLOTS
    )
    draft = Draft(title="The Pier", cast=(CastMember(name="Mara", description="Red hair."),), rows=rows)
    found.script.save(draft, base=1, label="Write")
    return found


@pytest.fixture
def rows(story: StoryFolder) -> list[str]:
    return [row.id for row in story.script.head().draft.rows]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "mara.png"
    Image.new("RGB", (120, 90), "tan").save(path)
    return path
