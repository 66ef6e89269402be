"""A job can be called off while it loads models, and while it writes a long file."""

from __future__ import annotations

import pytest
from at_work import DRAWING, content_of, noise, stop_after

from app.queue.jobs import (
    AnimateKeyframes,
    CharacterTest,
    ClipOrder,
    DrawMissing,
    EncodeReplacement,
    ExportStory,
    Filming,
    MeasureDrift,
    PreviewArc,
    ReadCast,
    RedrawKeyframes,
    RegenerateKeyframe,
)
from app.queue.progress import Meter
from app.work import studio_work
from app.work.studio import Studio
from app.work.weights import Weights
from moviedreamer_core.workspace import StoryFolder, take_recipe

pytest_plugins = ("weights",)

FILMING = Filming(steps=2, width=48, height=32, frames_per_second=4)


@pytest.fixture
def cold(stories, tiny_weights) -> Studio:
    """Nothing is loaded."""
    return studio_work(str(stories.root), str(tiny_weights))


@pytest.fixture
def loads(monkeypatch) -> list[frozenset[str]]:
    """What was loaded, as it is."""
    found: list[frozenset[str]] = []
    load = Weights.load

    def noted(self, parts):
        if missing := frozenset(self.missing(parts)):
            found.append(missing)
        return load(self, parts)

    monkeypatch.setattr(Weights, "load", noted)
    return found


@pytest.fixture
def with_pictures(story: StoryFolder, rows: list[str], tmp_path) -> StoryFolder:
    view = story.view()
    for seed, row in enumerate(rows):
        recipe = take_recipe(view.revision.draft, row, {}, revision=view.revision.number)
        story.takes.upload(row, noise(tmp_path / f"{seed}.png", seed=seed), recipe)
    return story


def jobs_of(story: StoryFolder, rows: list[str], tmp_path) -> dict[str, object]:
    about = {"story_id": story.id}
    mara = story.script.head().draft.cast[0].id
    picture = story.pictures.add(noise(tmp_path / "up.png", seed=3), "references")
    return {
        "draw": DrawMissing(**about, keyframes=tuple(rows), drawing=DRAWING),
        "preview": PreviewArc(**about, keyframes=tuple(rows), drawing=DRAWING),
        "regenerate": RegenerateKeyframe(**about, row=rows[0], drawing=DRAWING, seed=1),
        "redraw": RedrawKeyframes(**about, keyframes=tuple(rows), seeds=(1, 2, 3), drawing=DRAWING),
        "test": CharacterTest(**about, cast_id=mara, drawing=DRAWING, seed=1),
        "replace": EncodeReplacement(**about, row=rows[0], picture=picture),
        "cast": ReadCast(**about),
    }


def needs_pictures(story: StoryFolder, rows: list[str]) -> dict[str, object]:
    return {
        "animate": AnimateKeyframes(
            story_id=story.id, clips=(ClipOrder(row=rows[0], seconds=0.5),), filming=FILMING
        ),
        "drift": MeasureDrift(story_id=story.id, num_keyframes=3),
    }


@pytest.mark.parametrize("kind", ["draw", "preview", "regenerate", "redraw", "test", "replace", "cast"])
def test_a_cold_job_can_be_called_off_before_each_part_that_it_loads(
    cold, loads, story, rows, tmp_path, kind
):
    is_called_off_before_each_part(cold, loads, story, jobs_of(story, rows, tmp_path)[kind])


@pytest.mark.parametrize("kind", ["animate", "drift"])
def test_a_cold_job_on_pictures_can_be_called_off_before_each_part(cold, loads, with_pictures, rows, kind):
    is_called_off_before_each_part(cold, loads, with_pictures, needs_pictures(with_pictures, rows)[kind])


def is_called_off_before_each_part(
    cold: Studio, loads: list[frozenset[str]], story: StoryFolder, job
) -> None:
    before = content_of(story.path)
    assert not stop_after(cold(job), 1)
    assert loads == []
    assert not stop_after(cold(job), 2)
    assert [len(parts) for parts in loads] == [1]
    assert content_of(story.path) == before
    events = cold(job)
    meter, said = Meter(job.workload, is_warm=False), []
    for event in events:
        meter.note(event)
        if not event.preparing:
            break
        said.append(event.doing)
        assert meter.read().start_seconds is None
    events.close()
    assert meter.read().start_seconds is not None
    assert all(len(parts) == 1 for parts in loads)
    assert len(loads) == len(set(loads)) == len(said) + 1
    assert all(words.startswith("loading the ") for words in said)


def test_what_is_loaded_already_says_nothing_and_begins_at_once(studio, story, rows):
    job = DrawMissing(story_id=story.id, keyframes=tuple(rows), drawing=DRAWING)
    list(studio(job))
    again = RegenerateKeyframe(story_id=story.id, row=rows[0], drawing=DRAWING, seed=5)
    assert not any(event.preparing for event in studio(again))


@pytest.mark.parametrize("format", ["pdf", "contact-sheet", "keyframes", "story"])
def test_an_export_can_be_called_off_between_its_pages_or_files(studio, with_pictures, format):
    story = with_pictures
    job = ExportStory(story_id=story.id, format=format, num_keyframes=3)
    events = list(studio(job))
    steps = [(event.step, event.num_steps) for event in events if event.num_steps]
    assert len(steps) >= 3
    assert steps == [(number, len(steps)) for number in range(1, len(steps) + 1)]
    (made,) = events[-1].made
    (story.path / made).write_bytes(b"the one before")
    before = content_of(story.path)
    for num_events in (2, 3):
        assert not stop_after(studio(job), num_events)
        assert content_of(story.path) == before
    assert list(story.path.glob("staging/*")) == []
