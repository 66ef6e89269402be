"""A workspace with a story of a few rows, and the real work with tiny random weights."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from at_work import portrait

from app.queue.jobs import Job
from app.queue.progress import Progress
from app.work import studio_work
from app.work.studio import Studio
from app.work.weights import Weights
from moviedreamer_core.workspace import CastMember, Draft, PersonInRow, Row, Stories, StoryFolder


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """fsync guards against a power cut only; the workspace's own tests check that it is called."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def stories(tmp_path: Path) -> Stories:
    return Stories(tmp_path / "stories")


@pytest.fixture(scope="session")
def loaded_weights(tiny_weights: Path) -> Weights:
    """Loaded once: reading them is the slowest part of a test."""
    return Weights(tiny_weights)


@pytest.fixture
def studio(stories: Stories, tiny_weights: Path, loaded_weights: Weights) -> Studio:
    return _begun(stories, tiny_weights, loaded_weights)


@pytest.fixture
def restarted(stories: Stories, tiny_weights: Path, loaded_weights: Weights) -> Studio:
    """The work as the next worker process begins it: it knows nothing but what is on disk."""
    return _begun(stories, tiny_weights, loaded_weights)


def _begun(stories: Stories, weights: Path, loaded: Weights) -> Studio:
    made = studio_work(str(stories.root), str(weights))
    made.weights = loaded
    return made


@pytest.fixture
def story(stories: Stories, tmp_path: Path) -> StoryFolder:
    """Three rows: Mara at the beach, Mara and Tom there, nobody at sea. Only Mara has a face picture."""
    found = stories.new(title="The Pier")
    face = found.pictures.add(portrait(tmp_path / "mara.png", seed=1), "faces")
    mara, tom = PersonInRow(name="Mara", description="Mara is walking."), PersonInRow(name="Tom")
    draft = Draft(
        title="The Pier",
        cast=(
            CastMember(name="Mara", description="A young woman.", faces=(face,)),
            CastMember(name="Tom", description="An old man."),
        ),
        rows=(
            Row(plot="Mara is walking.", scene_elements=("Sandy beach", "Night"), characters=(mara,)),
            Row(plot="Tom is waving.", scene_elements=("Sandy beach",), characters=(tom, mara)),
            Row(plot="A boat in the rain.", scene_elements=("The sea",), seconds=1.0),
        ),
    )
    found.script.save(draft, base=1, label="Write")
    return found


@pytest.fixture
def rows(story: StoryFolder) -> list[str]:
    """The ids of the story's rows, in order."""
    return [row.id for row in story.script.head().draft.rows]


@pytest.fixture
def do(studio: Studio) -> Callable[[Job], list[Progress]]:
    """Do a job to its end; what it said meanwhile."""
    return lambda job: list(studio(job))
