"""Server and worker are killed, or the server closed, at random moments, while stories are edited and drawn."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import time
from collections import Counter
from pathlib import Path
from typing import Any

from queue_bench import until
from soak import count, note
from soak_server import plots_of
from soak_work import waiting_name
from studio_bench import StudioBench, new_story
from writers import check_nothing_is_left

from moviedreamer_core.workspace import Stories
from moviedreamer_core.workspace.shelf import sha256_of

NUM_KILLS, NUM_CLOSINGS = count(200), count(20)
Said = list[dict[str, Any]]


def test_a_studio_that_is_killed_at_random_moments_loses_no_take_no_story_and_no_edit(
    studio: StudioBench,
) -> None:
    chance, killed = random.Random(1), Counter[str]()
    ids = [new_story(studio.desk, title).id for title in ("The Pier", "The Lighthouse")]
    num_checked = num_swept = 0
    while killed.total() < NUM_KILLS:
        if studio.server is None:
            studio.start_server(edits=True, step_seconds=0.005)
        until(lambda: studio.worker_pid, of="a worker")
        kind, more = chance.choice([("script", chance.randrange(1, 20)), ("take", 1), ("take", 2)])
        num = num_said(studio, kind) + more
        until(lambda kind=kind, num=num: num_said(studio, kind) >= num, of=f"commits of a {kind}")
        victims = chance.choice([("worker",), ("server",), ("server", "worker"), ("worker", "server")])
        if chance.random() < 0.5:
            time.sleep(chance.random() * 0.02)  # not only right after something was said
        else:
            wait_for_something_half_made(studio.folder / "stories")
        killed.update(kill(studio, victims))
        if len(victims) == 2:
            until(lambda: studio.device_is_free, of="the end of the worker")
            num_swept += check_leftovers_are_swept(studio.folder / "stories")
        said = studio.said
        check_said(Stories(studio.folder / "stories"), ids, said[num_checked:])
        num_checked = len(said)
        retry_failed(studio)
    if studio.server is not None:
        killed.update(kill(studio, ("server",)))
    studio.start_server(edits=False, step_seconds=0.0)
    all_jobs_end(studio)
    studio.end_server(signal.SIGTERM)
    num_swept += check_leftovers_are_swept(studio.folder / "stories")
    said = studio.said
    check_said(Stories(studio.folder / "stories"), ids, said)
    check_queue(studio)
    kinds = Counter(one["kind"] for one in said)
    assert not kinds["notice"]
    assert min(kinds[kind] for kind in ("script", "take", "decisions", "file", "job")) > 0
    note(
        "SIGKILL of worker and server at random moments: no committed take, story or edit lost or damaged",
        workers_killed=killed["worker"],
        servers_killed=killed["server"],
        edits_committed=kinds["script"],
        takes_committed=kinds["take"],
        decisions_committed=kinds["decisions"],
        uploads_committed=kinds["file"],
        jobs_queued=kinds["job"],
        lost_or_damaged=0,
        leftovers_swept=num_swept,
        leftovers_after_the_start=0,
    )


def num_said(studio: StudioBench, kind: str) -> int:
    return sum(one["kind"] == kind for one in studio.said)


def kill(studio: StudioBench, victims: tuple[str, ...]) -> list[str]:
    """SIGKILL these, one right after the other; which of them were there to be killed."""
    killed = []
    for victim in victims:
        if victim == "server" and studio.server is not None:
            studio.end_server(signal.SIGKILL)
            killed.append(victim)
        elif victim == "worker" and (pid := studio.worker_pid) is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                killed.append(victim)
    return killed


def wait_for_something_half_made(root: Path) -> None:
    """Return in the midst of a commit, or after a second without one."""
    deadline = time.monotonic() + 1.0
    while time.monotonic() < deadline and not num_half_made(root):
        pass


def num_half_made(root: Path) -> int:
    """How many folders there are in which something is put together, or was until a kill."""
    return sum(1 for pattern in (".staging/*", "*/staging/*") for _ in root.glob(pattern))


def check_leftovers_are_swept(root: Path) -> int:
    """With nobody at work, a start and an opening leave nothing half-made; how many leftovers there were."""
    found = num_half_made(root)
    stories = Stories(root)
    for summary in stories.summaries():
        assert summary.problem == ""
        assert stories.open(summary.id).notices == ()
    check_nothing_is_left(root)
    return found


def check_said(stories: Stories, ids: list[str], said: Said) -> None:
    """Everything that was said to be committed is there, unchanged.

    But not the takes of a row that was duplicated and undone, and that no redo brings back since something else was
    edited: an opening deletes those.
    """
    assert {summary.id for summary in stories.summaries()} == set(ids)
    owners = {story_id: stories.get(story_id).script.owners() for story_id in ids}
    heads: dict[str, dict[str, Any]] = {}
    for one in said:
        match one["kind"]:
            case "take" if one["row"] in owners[one["story"]]:
                kept = stories.get(one["story"]).takes.get(one["row"], one["id"])
                assert {name: sha256_of(kept.folder / name) for name in one["files"]} == one["files"]
            case "file":
                assert stories.get(one["story"]).file(one["path"]).stat().st_size > 0
            case "decisions":
                assert stories.get(one["story"]).decisions.read().number >= one["number"]
            case "script":
                heads[one["story"]] = one
    for story_id, one in heads.items():
        revision = stories.get(story_id).script.head()
        assert revision.number >= one["number"]
        if revision.number == one["number"]:
            assert plots_of(revision) == one["plots"]


def retry_failed(studio: StudioBench) -> None:
    """What a kill has failed is asked for again; else a job may fail only since its row was locked or undone."""
    for job in studio.desk.queue.snapshot().jobs:
        if job.state == "failed" and job.failure != "input":
            assert job.failure in ("memory", "gone"), job.message
            studio.desk.queue.retry(job.id)


def all_jobs_end(studio: StudioBench) -> None:
    def is_over() -> bool:
        retry_failed(studio)
        return not any(job.is_active for job in studio.desk.queue.snapshot().jobs)

    until(is_over, of="the end of all jobs")


def check_queue(studio: StudioBench) -> None:
    with contextlib.closing(sqlite3.connect(studio.desk.queue.path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert not list((studio.folder / "queue").glob("*damaged*"))


def test_a_server_that_is_closed_and_started_at_random_moments_completes_every_job(
    studio: StudioBench,
) -> None:
    chance = random.Random(2)
    stories = [new_story(studio.desk, title) for title in ("The Pier", "The Lighthouse", "Tides")]
    rows = {story.id: [row.id for row in story.script.head().draft.rows] for story in stories}
    wanted = Counter({(story_id, row): 0 for story_id, own in rows.items() for row in own})
    jobs: list[int] = []
    num_cut = 0
    studio.start_server(edits=False, step_seconds=0.01)
    waiting = studio.folder / waiting_name(stories[-1].id)
    for number in range(NUM_CLOSINGS):
        if number == 0:
            waiting.touch()  # at one closing at least there is a job left, however slow this test or fast the work is
        for story_id, own in rows.items():
            row = chance.choice(own)
            jobs.append(studio.desk.storyboard.new_take(story_id, row))
            wanted[story_id, row] += 1
        num_before = len(studio.said)
        until(lambda num=num_before: len(studio.said) > num, of="a take")
        time.sleep(chance.random() * 0.05)
        studio.end_server(signal.SIGTERM)
        assert studio.device_is_free
        waiting.unlink(missing_ok=True)
        num_cut += any(job.is_active for job in studio.desk.queue.snapshot().jobs)
        studio.start_server(edits=False, step_seconds=0.01)
    until(
        lambda: not any(job.is_active for job in studio.desk.queue.snapshot().jobs), of="the end of all jobs"
    )
    ended = [studio.desk.queue.status(job_id) for job_id in jobs]
    assert [job.message for job in ended if job.state != "done"] == []
    assert {job.attempts for job in ended} == {1}
    made = Counter(
        (story.id, row) for story in stories for row in rows[story.id] for _ in story.takes.of(row)
    )
    assert made == +wanted
    assert num_cut
    note(
        "The server closed and started again at random moments, no browser: every job completes",
        closings=NUM_CLOSINGS,
        of_them_with_jobs_left=num_cut,
        jobs_queued=len(jobs),
        jobs_completed=len(ended),
    )
