import dataclasses
import threading
from pathlib import Path

import pytest
import torch

from app.jobs import BusyError, Job, Snapshot, after, movie_at, seconds_left
from moviedreamer_core.errors import ImageError
from moviedreamer_core.events import (
    ClipDone,
    ClipProgress,
    KeyframeDone,
    MovieDone,
    RenderProgress,
    StoryPrepared,
)

SECONDS = 30  # no test waits so long unless it fails
BEGINNING = Snapshot(plots=("a", "b", "c"))


def done(number, *warnings):
    return KeyframeDone(
        number=number, num_keyframes=3, path=Path(f"{number}.png"), warnings=warnings, seconds=1.0
    )


def rendering(number, step):
    return RenderProgress(
        number=number, num_keyframes=3, step=step, num_steps=4, estimate=torch.zeros(1, 1, 1)
    )


def finished(work, beginning=BEGINNING):
    job = Job()
    job.start(work, beginning)
    job.wait(SECONDS)
    return job.snapshot


class Stepwise:
    """Work that reports each event only when allowed to."""

    def __init__(self, *events):
        self._events = events
        self._allowed = threading.Semaphore(0)
        self._asked = threading.Semaphore(0)
        self.closed = False

    def __call__(self):
        try:
            for event in self._events:
                self._asked.release()
                assert self._allowed.acquire(timeout=SECONDS)
                yield event
            self._asked.release()
            assert self._allowed.acquire(timeout=SECONDS)
        finally:
            self.closed = True

    def at_next_event(self):
        """Return once all events allowed so far have been taken in."""
        assert self._asked.acquire(timeout=SECONDS)

    def allow(self):
        self._allowed.release()


def test_events_become_what_the_page_shows():
    snapshot = after(BEGINNING, StoryPrepared(num_keyframes=3))
    assert (snapshot.doing, snapshot.num_parts) == ("keyframe 1 of 3", 3)
    snapshot = after(snapshot, rendering(1, 2))
    assert snapshot.share == pytest.approx(0.5 / 3)
    snapshot = after(snapshot, done(1, "cold", "cold"))
    assert snapshot.share == pytest.approx(1 / 3)
    assert [(one.number, one.plot) for one in snapshot.keyframes] == [(1, "a")]
    assert snapshot.warnings == ("cold",)
    assert after(snapshot, done(2, "cold", "wet")).warnings == ("cold", "wet")


def test_keyframes_that_a_continued_run_keeps_stay_and_the_others_go():
    before = after(after(after(BEGINNING, done(1)), done(2)), done(3))
    snapshot = after(before, StoryPrepared(num_keyframes=3, num_kept=2))
    assert [one.number for one in snapshot.keyframes] == [1, 2]
    assert (snapshot.doing, snapshot.num_parts) == ("keyframe 3 of 3", 1)


def test_clips_count_towards_the_clips_of_this_job():
    beginning = dataclasses.replace(BEGINNING, num_parts=2)
    snapshot = after(beginning, ClipProgress(number=2, num_keyframes=3, step=1, num_steps=2))
    assert (snapshot.doing, snapshot.share) == ("clip 2 of 3", 0.25)
    snapshot = after(snapshot, ClipDone(number=2, num_keyframes=3, path=Path("2.mp4"), seconds=1.0))
    assert snapshot.share == 0.5


def test_a_new_movie_has_a_new_version_and_a_new_keyframe_outdates_it(tmp_path):
    path = tmp_path / "movie.mp4"
    path.write_bytes(b"one")
    snapshot = after(BEGINNING, MovieDone(path=path, num_clips=1, num_stills=0))
    assert snapshot.movie.version == path.stat().st_mtime_ns
    assert after(snapshot, done(1)).movie is None
    assert movie_at(tmp_path / "missing.mp4") is None


def test_a_job_runs_to_its_end():
    snapshot = finished(
        lambda: (event for event in (StoryPrepared(num_keyframes=3), done(1), done(2), done(3)))
    )
    assert snapshot.phase == "done"
    assert [one.number for one in snapshot.keyframes] == [1, 2, 3]
    assert not snapshot.busy


def test_only_one_job_runs_at_a_time_and_the_next_one_after_it():
    work = Stepwise(done(1))
    job = Job()
    job.start(work, BEGINNING)
    work.at_next_event()
    for attempt in (lambda: job.start(work, Snapshot()), lambda: job.show(Snapshot())):
        with pytest.raises(BusyError, match="wait until it is done, or cancel it first"):
            attempt()
    assert job.snapshot.phase == "working"
    work.allow()
    work.allow()
    job.wait(SECONDS)
    job.start(lambda: (event for event in ()), BEGINNING)
    job.wait(SECONDS)
    assert job.snapshot.phase == "done"


def test_cancelling_stops_before_the_next_event_keeps_results_and_closes_the_work():
    work = Stepwise(done(1), done(2), done(3))
    job = Job()
    job.start(work, BEGINNING)
    work.at_next_event()
    work.allow()
    work.at_next_event()
    job.cancel()
    assert job.snapshot.phase == "stopping"
    assert job.snapshot.busy
    work.allow()
    job.wait(SECONDS)
    assert job.snapshot.phase == "stopped"
    assert [one.number for one in job.snapshot.keyframes] == [1, 2]  # the event that was under way counts
    assert work.closed


def test_a_job_that_was_cancelled_does_not_cancel_the_next():
    work = Stepwise(done(1))
    job = Job()
    job.start(work, BEGINNING)
    job.cancel()
    work.allow()
    job.wait(SECONDS)
    job.start(lambda: (event for event in (done(1), done(2))), BEGINNING)
    job.wait(SECONDS)
    assert (job.snapshot.phase, len(job.snapshot.keyframes)) == ("done", 2)


def test_cancelling_without_work_changes_nothing():
    job = Job(BEGINNING)
    job.cancel()
    assert job.snapshot is BEGINNING


def test_an_error_meant_for_people_is_shown_as_it_is_and_results_stay():
    def work():
        yield done(1)
        raise ImageError("mara.png: not an image; choose another")

    snapshot = finished(work)
    assert (snapshot.phase, snapshot.error) == ("failed", "mara.png: not an image; choose another")
    assert len(snapshot.keyframes) == 1


def test_an_internal_failure_is_one_sentence_on_the_page_and_a_traceback_on_the_terminal(capsys):
    def work():
        yield done(1)
        raise ZeroDivisionError("division by zero")

    snapshot = finished(work)
    assert snapshot.phase == "failed"
    assert snapshot.error.startswith("internal failure, ZeroDivisionError: division by zero; ")
    assert "Traceback" in capsys.readouterr().err


def test_an_error_is_gone_when_the_next_job_starts():
    def work():
        raise ImageError("bad")
        yield

    failed = finished(work)
    assert finished(lambda: (event for event in ()), failed).error == ""


def test_snapshots_are_frozen_and_equal_when_they_look_equal():
    with pytest.raises(dataclasses.FrozenInstanceError):
        BEGINNING.phase = "done"
    assert after(BEGINNING, done(1)) == after(BEGINNING, done(1))


def test_time_left_follows_the_pace_of_this_job_and_is_not_guessed_from_nothing():
    assert seconds_left(10.0, 0.25, 0.5) == 20.0
    assert seconds_left(10.0, 0.0, 1.0) is None
