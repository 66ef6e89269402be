from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

from app.queue.failures import QueueError
from app.queue.jobs import (
    AnimateKeyframes,
    CharacterTest,
    ClipOrder,
    Drawing,
    DrawMissing,
    EncodeReplacement,
    ExportStory,
    Filming,
    MakeAnimatic,
    MakeMovie,
    MeasureDrift,
    PreviewArc,
    ReadCast,
    RedrawKeyframes,
    RegenerateKeyframe,
    read_job,
    write_job,
)

DRAWING = Drawing(steps=20, width=224, height=128)
FILMING = Filming(steps=25, width=224, height=128, frames_per_second=7)
JOBS = [
    DrawMissing(story_id="s", keyframes=("a", "b"), drawing=DRAWING, weights="ab12", revision=3),
    PreviewArc(story_id="s", keyframes=("a",), drawing=Drawing(steps=4, width=224, height=128)),
    RegenerateKeyframe(story_id="s", row="a", drawing=DRAWING, seed=0),
    RegenerateKeyframe(
        story_id="s", row="a", drawing=DRAWING, seed=7, later="repredict-place", later_rows=("b", "c")
    ),
    RegenerateKeyframe(story_id="s", row="z", drawing=DRAWING, later="repredict", seed=2**31 - 1),
    EncodeReplacement(story_id="s", row="a", picture="uploads/a.png"),
    AnimateKeyframes(
        story_id="s", clips=(ClipOrder(row="a", seconds=2), ClipOrder(row="b", seconds=0.1)), filming=FILMING
    ),
    MakeMovie(story_id="s", seconds=12.5, transition="crossfade", music="music/a.mp3", subtitles="burned"),
    CharacterTest(story_id="s", cast_id="cast-1", drawing=DRAWING),
    ExportStory(story_id="s", format="contact-sheet", num_keyframes=9),
    MakeAnimatic(story_id="s", seconds=12.5, subtitles=True),
    ReadCast(story_id="s", num_faces=3),
    MeasureDrift(story_id="s", num_keyframes=4),
    RedrawKeyframes(story_id="s", keyframes=("a", "b"), seeds=(1, 2**62), drawing=DRAWING),
]


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.kind)
def test_a_job_is_the_same_after_a_stay_in_the_table(job):
    text = write_job(job)
    assert json.loads(text)["kind"] == job.kind
    assert read_job(text) == job
    assert type(read_job(text)) is type(job)


def test_every_kind_of_job_is_tested_here():
    from app.queue import jobs

    assert {type(job) for job in JOBS} == set(jobs.Job.__args__)


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.kind)
def test_a_job_cannot_be_changed(job):
    with pytest.raises(ValidationError, match="frozen"):
        job.story_id = "other"


@given(
    rows=st.lists(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}", fullmatch=True), min_size=1, unique=True),
    steps=st.integers(1, 1000),
    guidance=st.floats(0, 100),
)
def test_any_job_of_drawing_survives_the_table_and_costs_its_rows(rows, steps, guidance):
    drawing = Drawing(steps=steps, width=224, height=128, guidance_scale=guidance)
    job = DrawMissing(story_id="s", keyframes=tuple(rows), drawing=drawing)
    assert read_job(write_job(job)) == job
    assert (sum(job.workload.amounts), job.workload.steps) == (len(rows), steps)
    assert job.rows == tuple(rows)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"story_id": "../etc"}, "pattern"),
        ({"story_id": ""}, "pattern"),
        ({"row": "a b"}, "pattern"),
        ({"row": "a\n"}, "pattern"),
        ({"seed": -1}, "greater than or equal to 0"),
        ({"seed": 2**63}, "less than or equal"),
        ({"seed": True}, "valid integer"),
        ({"seed": "7"}, "valid integer"),
        ({"later": "sometimes"}, "'keep', 'repredict' or 'repredict-place'"),
        ({"later_rows": ("b",)}, "must be empty where the later shots are kept"),
        ({"later": "repredict", "later_rows": ("b", "a")}, "must not hold the row itself"),
        ({"weights": "../../x"}, "pattern"),
        ({"revision": -1}, "greater than or equal"),
        ({"unheard_of": 1}, "Extra inputs"),
        ({"drawing": {"steps": 0, "width": 224, "height": 128}}, "greater than or equal to 1"),
        ({"drawing": {"steps": 1, "width": 10**6, "height": 128}}, "less than or equal"),
        ({"drawing": {"steps": 1, "width": 224, "height": 128, "temperature": float("nan")}}, "finite"),
    ],
)
def test_a_job_refuses_what_no_page_may_ask(wrong, words):
    values = {"story_id": "s", "row": "a", "drawing": DRAWING, "seed": 1} | wrong
    with pytest.raises(ValidationError, match=words):
        RegenerateKeyframe(**values)


@pytest.mark.parametrize("path", ["", "/etc/passwd", "..", "../a.png", "a/../../b", "a\\b", "C:a", "a\0b"])
def test_a_path_must_stay_in_the_folder_of_the_story(path):
    with pytest.raises(ValidationError):
        EncodeReplacement(story_id="s", row="a", picture=path)
    with pytest.raises(ValidationError):
        MakeMovie(story_id="s", seconds=1.0, music=path)


@pytest.mark.parametrize("kind", [DrawMissing, PreviewArc])
def test_there_is_no_job_of_nothing(kind):
    with pytest.raises(ValidationError, match="at least 1"):
        kind(story_id="s", keyframes=(), drawing=DRAWING)
    with pytest.raises(ValidationError, match="at least 1"):
        AnimateKeyframes(story_id="s", clips=(), filming=FILMING)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '{"kind": "format-disk", "story_id": "s"}',
        '{"kind": "movie", "story_id": "s"}',
        write_job(JOBS[0])[:-1],
        write_job(JOBS[0]).replace('"steps":20', '"steps":"20"'),
    ],
)
def test_text_that_is_no_job_is_told_with_what_to_do(text):
    with pytest.raises(QueueError, match=r"a queued job cannot be read \(.+\); .*ask for it again"):
        read_job(text)


def test_a_clip_costs_its_frames_and_a_take_its_later_shots():
    assert JOBS[6].workload.amounts == (14.0, 1.0)  # 2 s at 7 frames a second; never less than one frame
    assert JOBS[3].workload.amounts == (1.0, 1.0, 1.0)
    assert JOBS[3].rows == ("a", "b", "c")


def test_guided_and_unguided_drawing_are_timed_apart():
    unguided = DRAWING.model_copy(update={"guidance_scale": 1.0})
    loads = {
        CharacterTest(story_id="s", cast_id="c", drawing=drawing).workload for drawing in (DRAWING, unguided)
    }
    assert len(loads) == 2


def test_titles_are_words_for_a_list():
    assert [job.title for job in JOBS] == [
        "Draw 2 shots in full",
        "Preview 1 shot",
        "New take of a shot",
        "New take of a shot and 2 later shots",
        "New take of a shot",
        "Encode an uploaded picture",
        "Animate 2 shots",
        "Make the movie",
        "Test picture of a character",
        "Export as contact sheet",
        "Make the animatic",
        "Look at the faces of the cast",
        "Measure the drift",
        "Redraw 2 shots",
    ]
