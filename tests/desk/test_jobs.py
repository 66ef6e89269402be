"""The queue as the panel shows it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pier import Pier

from app.desk.jobs import duration, row_numbers
from app.queue.failures import QueueError


@pytest.fixture
def pier(tmp_path: Path) -> Pier:
    return Pier(tmp_path)


def test_the_panel_tells_what_runs_what_waits_and_what_is_over(pier):
    first, second = pier.desk.storyboard.draw_missing(pier.id), pier.desk.movie.export(pier.id, "story")
    third = pier.desk.movie.export(pier.id, "yaml")
    claim = pier.take_job()
    pier.report(claim, done=2, total=6, step=1, num_steps=4, row=pier.rows[2], doing="drawing shot 3")
    panel = pier.desk.jobs.panel()
    assert [line.id for line in panel.running] == [first]
    assert [line.id for line in panel.waiting] == [second, third]
    assert panel.running[0].doing == "drawing shot 3, 2 of 6 done"
    assert panel.running[0].share == pytest.approx(2.25 / 6)
    assert panel.running[0].story_title == "The Pier"
    assert panel.waiting[0].starts_in_seconds > 0

    pier.end(claim, failure="mara.png: not an image; choose another")
    pier.desk.jobs.cancel(second)
    pier.end(pier.take_job())
    panel = pier.desk.jobs.panel()
    assert (panel.running, panel.waiting) == ((), ())
    assert [line.message for line in panel.failed] == ["mara.png: not an image; choose another"]
    assert {line.id: line.state for line in panel.done} == {second: "cancelled", third: "done"}


def test_a_failed_job_can_be_tried_again_and_what_is_over_forgotten(pier):
    job = pier.desk.storyboard.draw_missing(pier.id)
    pier.end(pier.take_job(), failure="no luck")
    assert pier.desk.jobs.line(job).can_retry
    pier.desk.jobs.retry(job)
    assert [line.id for line in pier.desk.jobs.panel().waiting] == [job]
    pier.desk.jobs.cancel(job)
    assert pier.desk.jobs.clear_finished() == 1
    with pytest.raises(QueueError, match=f"no job {job}"):
        pier.desk.jobs.line(job)


def test_jobs_of_a_story_that_is_gone_are_still_told(pier):
    pier.desk.storyboard.draw_missing(pier.id)
    pier.desk.stories.delete(pier.id)
    assert pier.desk.jobs.panel().waiting[0].story_title == "a story that is not there any more"


def test_a_page_need_not_look_again_because_the_worker_lives(pier):
    job = pier.desk.storyboard.draw_missing(pier.id)
    claim, clock = pier.take_job(), pier.database.clock
    seen = pier.desk.jobs.version()
    for _ in range(3):
        pier.claims.beat()
        assert pier.desk.jobs.version() == seen
    pier.database.clock = lambda: clock() + 15
    pier.claims.beat()
    pier.database.clock = lambda: clock() + 30  # without the beat, the worker would count as silent
    worker = pier.queue.snapshot().worker
    assert (worker.is_alive, worker.beats) == (True, 4)
    assert pier.desk.jobs.version() == seen
    acts = [
        lambda: pier.report(claim, done=1, total=6, row=pier.rows[0]),
        lambda: pier.desk.jobs.cancel(job),
        lambda: pier.end(claim),
        lambda: pier.claims.finish("why"),
        lambda: pier.desk.jobs.clear_finished(),
    ]
    for act in acts:
        act()
        assert pier.desk.jobs.version() != seen
        seen = pier.desk.jobs.version()


def test_what_a_page_has_seen_changes_with_the_script_a_decision_an_export_and_the_time(pier, monkeypatch):
    now = 1000.0
    monkeypatch.setattr("app.desk.jobs.time.time", lambda: now)
    seen = pier.desk.jobs.seen(pier.id)
    assert pier.desk.jobs.seen(pier.id) == seen

    def exported():
        with pier.story.exporting("subtitles.srt") as path:
            path.write_text("1\n")

    row = pier.rows[0]
    for act in (
        lambda: pier.desk.movie.set_seconds(pier.id, row, 3.0),
        lambda: pier.desk.storyboard.set_locked(pier.id, row, locked=True),
        exported,
        lambda: pier.desk.movie.export(pier.id, "yaml"),
    ):
        act()
        assert pier.desk.jobs.seen(pier.id) != seen
        seen = pier.desk.jobs.seen(pier.id)
    now += 30.0
    assert pier.desk.jobs.seen(pier.id) != seen


def test_a_part_of_the_page_is_made_anew_only_when_something_happened_and_sent_only_when_it_differs():
    import gradio as gr

    from app.pages.live import el, noted, redrawn

    made = []

    def html(text):
        made.append(text)
        return el("p", text)

    value, note = noted("1", html("one"))
    assert value == "<p>one</p>"
    assert redrawn(note, "1", lambda: html("never")) == gr.skip()
    assert made == ["one"]
    unsent, note = redrawn(note, "2", lambda: html("one"))
    assert unsent == gr.skip()
    value, note = redrawn(note, "3", lambda: html("two"))
    assert value == "<p>two</p>"
    assert redrawn(note, "3", lambda: html("never")) == gr.skip()
    assert made == ["one", "one", "two"]


def test_a_cancelled_running_job_is_stopping_until_the_worker_noticed(pier):
    job = pier.desk.storyboard.draw_missing(pier.id)
    pier.take_job()
    assert pier.desk.jobs.cancel(job) == "stopping"
    line = pier.desk.jobs.panel().running[0]
    assert (line.state, line.doing) == ("stopping", "stopping after this step")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 s"),
        (7.4, "7 s"),
        (12, "10 s"),
        (41, "40 s"),
        (59, "1 min"),
        (200, "3 min"),
        (7860, "2 h 11 min"),
    ],
)
def test_durations_are_coarser_the_longer_they_are(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("numbers", "words"), [([4], "4"), ([5, 3], "3 and 5"), ([1, 2, 3, 5, 8, 9], "1-3, 5 and 8-9"), ([], "")]
)
def test_shot_numbers_are_said_as_ranges(numbers, words):
    assert row_numbers(numbers) == words
