"""Real workers under real supervisors: how they begin, end, are ended, and are started again."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from fake_work import device_log, finished, let_go, overlaps
from queue_bench import HERE, Bench, draw, is_alive, until

from app.queue.locks import device_holder
from app.queue.store import JobStore
from app.queue.supervisor import Supervisor

ROOT = HERE.parent.parent


def step_began(bench: Bench, row: str) -> bool:
    return any(line.row == row and line.what == "begin" for line in device_log(bench.folder))


def worker_pids(bench: Bench) -> set[int]:
    return {line.pid for line in device_log(bench.folder) if line.what == "begin"}


@contextlib.contextmanager
def server(bench: Bench, step_seconds: float = 0.002) -> Iterator[subprocess.Popen]:
    """A studio in a process of its own, that is killed at the end of the block if not before."""
    command = [sys.executable, str(HERE / "fake_server.py"), str(bench.folder), str(step_seconds)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(HERE)])}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "up\n"
            yield process
        finally:
            process.kill()


def test_a_worker_of_its_own_does_the_jobs_and_they_are_seen(bench):
    ids = [bench.store.enqueue(draw(story, "a", "b")) for story in ("one", "two")]
    supervisor = bench.supervise()
    for job_id in ids:
        status = bench.wait_for(job_id, "done")
        assert (status.share, status.made, status.done) == (1.0, ("a", "b"), 2)
        assert status.elapsed_seconds > 0
    assert finished(bench.folder, "one") == finished(bench.folder, "two") == {"a", "b"}
    pid = bench.wait_for_beats()
    assert worker_pids(bench) == {pid} == {supervisor.state.pid}
    assert pid != os.getpid()
    assert os.getsid(pid) == pid  # Ctrl-C at the server's terminal is not meant for it
    assert (supervisor.state.phase, supervisor.state.num_starts) == ("running", 1)


def test_when_the_worker_dies_its_job_says_why_what_was_finished_stays_and_the_queue_goes_on(bench):
    kinds = {
        "kill": ("memory", "killed (signal 9), most likely because the computer ran out of memory"),
        "abort": ("crash", "SIGABRT"),
        "exit": ("crash", "status 3"),
        "term": ("stopped", "SIGHUP"),
    }
    failing = {what: bench.store.enqueue(draw("a", f"before-{what}", f"{what}-1", "after")) for what in kinds}
    last = bench.store.enqueue(draw("a", "last"))
    supervisor = bench.supervise()
    bench.wait_for(last, "done")
    for what, (kind, words) in kinds.items():
        status = bench.status(failing[what])
        assert (status.state, status.failure) == ("failed", kind)
        assert words in status.message
        assert "what was finished is kept" in status.message
    assert finished(bench.folder, "a") == {"last", *(f"before-{what}" for what in kinds)}
    assert supervisor.state.num_starts == 1 + len(kinds)
    assert not overlaps(device_log(bench.folder))


def test_a_failed_job_that_is_retried_goes_on_from_what_was_finished(bench):
    job_id = bench.store.enqueue(draw("a", "before", "kill-once-1", "after"))
    bench.supervise()
    bench.wait_for(job_id, "failed")
    bench.store.retry(job_id)
    status = bench.wait_for(job_id, "done")
    assert (status.attempts, status.made) == (2, ("kill-once-1", "after"))
    begun = [line.row for line in device_log(bench.folder) if line.what == "begin" and line.step == 1]
    assert begun == ["before", "kill-once-1", "kill-once-1", "after"]


def test_errors_of_the_device_fail_the_job_and_the_next_one_has_a_device_that_works(bench):
    rows = ["device-1", "oom-1", "memory-1", "oom-2", "oom-3"]
    failing = [bench.store.enqueue(draw("a", row)) for row in rows]
    last = bench.store.enqueue(draw("a", "last"))
    supervisor = bench.supervise()
    bench.wait_for(last, "done")
    kinds = [bench.status(job_id).failure for job_id in failing]
    assert kinds == ["device", "device memory", "memory", "device memory", "device memory"]
    pids = {line.row: line.pid for line in device_log(bench.folder) if line.what == "begin"}
    assert (
        pids["device-1"]
        != pids["oom-1"]
        == pids["memory-1"]
        != pids["oom-2"]
        == pids["oom-3"]
        != pids["last"]
    )
    assert supervisor.state.num_starts == 4


def test_a_crash_is_not_blamed_on_what_the_log_says_of_an_earlier_job(bench):
    ids = [bench.store.enqueue(draw("a", row)) for row in ("oom-1", "abort-1")]
    bench.supervise()
    for job_id in ids:
        bench.wait_for(job_id, "failed")
    assert [bench.status(job_id).failure for job_id in ids] == ["device memory", "crash"]
    assert len(worker_pids(bench)) == 1


def test_a_worker_that_is_killed_between_two_jobs_is_replaced(bench):
    bench.supervise()
    pid = bench.wait_for_beats()
    os.kill(pid, signal.SIGKILL)
    job_id = bench.store.enqueue(draw("a"))
    bench.wait_for(job_id, "done")
    assert pid not in worker_pids(bench)


def test_what_the_worker_had_started_dies_with_it(bench):
    job_id = bench.store.enqueue(draw("a", "child-1", "kill-1"))
    bench.supervise()
    bench.wait_for(job_id, "failed")
    (child,) = (
        int(line.what.split()[1]) for line in device_log(bench.folder) if line.what.startswith("child")
    )
    until(lambda: not is_alive(child))


def test_a_running_job_is_cancelled_and_the_worker_goes_on(bench):
    running, waiting = bench.store.enqueue(draw("a", "hold-1", "b")), bench.store.enqueue(draw("a", "c"))
    supervisor = bench.supervise()
    until(lambda: step_began(bench, "hold-1"))
    assert bench.store.cancel(running) == "stopping"
    let_go(bench.folder, "hold-1")
    bench.wait_for(waiting, "done")
    assert bench.status(running).state == "cancelled"
    assert not step_began(bench, "b")
    assert (
        len([line for line in device_log(bench.folder) if line.row == "hold-1" and line.what == "begin"]) == 1
    )
    assert supervisor.state.num_starts == 1


# --- the server goes


def test_a_worker_whose_server_is_killed_finishes_the_queue_and_ends(bench):
    ids = [bench.store.enqueue(draw("a", "hold-1")), bench.store.enqueue(draw("b", "c"))]
    with server(bench) as process:
        until(lambda: step_began(bench, "hold-1"))
        process.kill()
    worker = device_log(bench.folder)[-1].pid
    let_go(bench.folder, "hold-1")
    for job_id in ids:
        bench.wait_for(job_id, "done")
    until(lambda: bench.device_is_free)
    assert worker_pids(bench) == {worker}
    assert not bench.store.snapshot().worker.is_alive


def test_a_new_server_finds_the_running_worker_and_leaves_it_alone(bench):
    ids = [bench.store.enqueue(draw("a", "hold-1"))]
    with server(bench):
        until(lambda: step_began(bench, "hold-1"))
    supervisor = bench.supervise()
    until(lambda: supervisor.state.phase == "found")
    worker = supervisor.state.pid
    let_go(bench.folder, "hold-1")
    bench.wait_for(ids[0], "done")
    ids.append(bench.store.enqueue(draw("a", "b")))
    bench.wait_for(ids[1], "done")
    assert worker_pids(bench) == {worker}
    assert supervisor.state.num_starts == 0
    # It is looked after as if it were its own.
    third = bench.store.enqueue(draw("a", "kill-1"))
    last = bench.store.enqueue(draw("a", "last"))
    bench.wait_for(last, "done")
    status = bench.status(third)
    assert (status.state, status.failure) == ("failed", "gone")
    assert "retry to go on" in status.message
    assert (supervisor.state.phase, supervisor.state.num_starts) == ("running", 1)


def test_a_worker_that_died_with_its_server_leaves_a_job_that_says_so(bench):
    first, second = bench.store.enqueue(draw("a", "hold-1")), bench.store.enqueue(draw("a", "b"))
    with server(bench) as process:
        until(lambda: step_began(bench, "hold-1"))
        process.kill()
        os.kill(device_log(bench.folder)[-1].pid, signal.SIGKILL)
    until(lambda: bench.device_is_free)
    assert bench.status(first).state == "running"  # nobody is there to notice
    bench.supervise()
    bench.wait_for(second, "done")
    assert (bench.status(first).state, bench.status(first).failure) == ("failed", "gone")


# --- closing


def test_closing_stops_after_the_step_that_runs_and_the_next_start_goes_on(bench):
    many = [f"row-{number}" for number in range(1000)]
    job_id = bench.store.enqueue(draw("a", *many))
    supervisor = bench.supervise(bench.command(step_seconds=0.01))
    until(lambda: step_began(bench, "row-1"))
    supervisor.close("stop", seconds=100.0)
    assert bench.device_is_free
    status = bench.status(job_id)
    assert (status.state, status.position, supervisor.state.phase) == ("waiting", 1, "stopped")
    before = finished(bench.folder, "a")
    log = device_log(bench.folder)
    assert [line.what for line in log] == ["begin", "end"] * (len(log) // 2)  # no step was cut off
    bench.supervise(bench.command(step_seconds=0.01))
    until(lambda: len(finished(bench.folder, "a")) > len(before))
    bench.store.cancel(job_id)
    assert bench.wait_for(job_id, "cancelled").attempts == 1
    assert not before & {line.row for line in device_log(bench.folder)[len(log) :]}


def test_closing_does_not_wait_for_ever_and_loses_no_job(bench):
    ids = [bench.store.enqueue(draw("a", "hold-1")), bench.store.enqueue(draw("a", "b"))]
    supervisor = bench.supervise()
    until(lambda: step_began(bench, "hold-1"))
    supervisor.close("stop", seconds=0.05)
    assert bench.device_is_free
    assert [bench.status(job_id).state for job_id in ids] == ["waiting", "waiting"]
    let_go(bench.folder, "hold-1")
    bench.supervise()
    for job_id in ids:
        bench.wait_for(job_id, "done")


def test_draining_leaves_the_worker_to_finish_and_end(bench):
    ids = [bench.store.enqueue(draw("a", "hold-1")), bench.store.enqueue(draw("a", "b"))]
    supervisor = bench.supervise()
    until(lambda: step_began(bench, "hold-1"))
    supervisor.close("drain")
    assert not bench.device_is_free
    let_go(bench.folder, "hold-1")
    for job_id in ids:
        bench.wait_for(job_id, "done")
    until(lambda: bench.device_is_free)


def test_an_idle_worker_ends_with_its_server(bench):
    supervisor = bench.supervise()
    pid = bench.wait_for_beats()
    supervisor.close("stop", seconds=100.0)
    assert not is_alive(pid)
    assert bench.device_is_free


def test_a_supervisor_that_was_never_started_can_be_closed(bench):
    Supervisor(bench.store, bench.command()).close()


# --- several servers


def test_two_servers_of_one_queue_share_a_worker_and_the_last_one_ends_it(bench):
    first = bench.supervise()
    pid = bench.wait_for_beats()
    second = bench.supervise()
    until(lambda: second.state.phase == "found")
    first.close("stop", seconds=100.0)
    job_id = bench.store.enqueue(draw("a"))
    bench.wait_for(job_id, "done")
    assert worker_pids(bench) == {pid}
    second.close("stop", seconds=100.0)
    assert bench.device_is_free


def test_two_servers_that_both_see_the_worker_die_start_one(bench):
    bench.supervise()
    bench.wait_for_beats()
    bench.supervise()
    ids = [bench.store.enqueue(draw("a", row)) for row in ("kill-1", "b", "kill-2", "c")]
    for job_id in ids:
        bench.wait_for(job_id, "done", "failed")
    assert [bench.status(job_id).state for job_id in ids] == ["failed", "done", "failed", "done"]
    assert not overlaps(device_log(bench.folder))
    assert len(worker_pids(bench)) == 3


def test_a_device_that_another_studio_uses_is_waited_for(bench, tmp_path_factory):
    other = Bench(tmp_path_factory.mktemp("other"))
    other_command = replace(other.command(), device_lock=bench.folder / "device.lock")
    theirs = other.supervise(other_command)
    other.wait_for_beats()
    job_id = bench.store.enqueue(draw("a"))
    supervisor = bench.supervise()
    until(lambda: supervisor.state.phase == "taken")
    holder = device_holder(bench.folder / "device.lock")
    assert supervisor.state.message == (
        f"another studio (process {holder.pid}) uses the device; jobs wait until it is closed"
    )
    assert bench.status(job_id).state == "waiting"
    theirs.close("stop", seconds=100.0)
    bench.wait_for(job_id, "done")
    other.close()


# --- workers that are no good


def test_a_worker_that_cannot_load_its_work_says_why_and_the_jobs_wait(bench):
    job_id = bench.store.enqueue(draw("a"))
    supervisor = bench.supervise(bench.command(work="fake_work:refuse"))
    until(lambda: supervisor.state.num_starts >= 3)
    until(lambda: supervisor.state.phase == "pausing")
    assert supervisor.state.message.startswith("no weights at all; choose another folder (started again in")
    assert bench.status(job_id).state == "waiting"
    supervisor.close()
    bench.supervise()
    bench.wait_for(job_id, "done")


def test_a_worker_that_cannot_be_started_at_all_is_told(bench):
    supervisor = bench.supervise(replace(bench.command(), folder=bench.folder / "gone"))
    until(lambda: supervisor.state.phase == "pausing")
    assert "the worker does not run: " in supervisor.state.message
    assert "gone" in supervisor.state.message


def test_pauses_grow_until_a_worker_gets_a_job_done(bench):
    pauses: list[float] = []

    class Noting(Supervisor):
        def _longer_pause(self) -> float:
            pauses.append(super()._longer_pause())
            return pauses[-1]

    for row in ("exit-1", "exit-2", "exit-3", "good", "exit-4"):
        last = bench.store.enqueue(draw("a", row))
    supervisor = Noting(
        bench.new_store(), bench.command(), first_pause_seconds=0.01, longest_pause_seconds=0.03
    )
    bench.supervisors.append(supervisor)
    supervisor.start()
    bench.wait_for(last, "failed")
    until(lambda: len(pauses) == 4)
    assert pauses == [0.01, 0.02, 0.03, 0.01]


def test_a_worker_that_answers_no_more_is_ended_and_replaced(bench):
    """It stops itself; a second server, less patient than the first, finds it so."""
    stuck, waiting = bench.store.enqueue(draw("a", "stopped-1")), bench.store.enqueue(draw("a", "b"))
    bench.supervise()
    until(lambda: step_began(bench, "stopped-1"))
    bench.supervise(silence_seconds=0.5)
    bench.wait_for(waiting, "done")
    status = bench.status(stuck)
    assert status.state == "failed"
    assert status.failure in ("crash", "memory")  # who is first to tell: the one that ended it, or the parent
    assert len(worker_pids(bench)) == 2


def test_a_worker_that_is_asked_to_end_from_outside_gives_its_job_back(bench):
    job_id = bench.store.enqueue(draw("a", "hold-1", "b"))
    bench.supervise()
    until(lambda: step_began(bench, "hold-1"))
    os.kill(device_log(bench.folder)[-1].pid, signal.SIGTERM)
    let_go(bench.folder, "hold-1")
    assert bench.wait_for(job_id, "done").attempts == 1
    assert len(worker_pids(bench)) == 2


def test_a_log_that_grew_long_is_begun_anew_and_the_one_before_kept(bench, monkeypatch):
    monkeypatch.setattr("app.queue.processes.MAX_LOG_BYTES", 10)
    bench.command().log_file.write_text("much was said before\n")
    job_id = bench.store.enqueue(draw("a", "bug-1"))
    bench.supervise()
    bench.wait_for(job_id, "failed")
    assert (bench.folder / "queue.1.log").read_text() == "much was said before\n"
    until(lambda: "ZeroDivisionError" in bench.command().log_file.read_text())


# --- several sessions


def test_four_sessions_queue_forty_jobs_of_their_own_stories_and_each_lands_in_its_own(bench):
    stories = ["The Lighthouse"[:3], "zoe", "x-" * 30 + "y", "0"]
    bench.supervise(bench.command(step_seconds=0.0))

    def session(number: int) -> list[int]:
        store: JobStore = bench.new_store()
        return [store.enqueue(draw(stories[number], f"row-{row}")) for row in range(10)]

    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(session, range(4)))
    assert len({job_id for own in ids for job_id in own}) == 40
    bench.wait_until_idle()
    rows = {f"row-{row}" for row in range(10)}
    for story, own in zip(stories, ids, strict=True):
        assert finished(bench.folder, story) == rows
        assert [bench.status(job_id).state for job_id in own] == ["done"] * 10
        order = [
            line.row for line in device_log(bench.folder) if line.story == story and line.what == "begin"
        ]
        assert order == [f"row-{row}" for row in range(10) for _ in range(2)]
    assert not overlaps(device_log(bench.folder))


def test_the_folder_of_a_test_is_all_that_a_worker_touches(bench):
    bench.store.enqueue(draw("a"))
    bench.supervise()
    bench.wait_until_idle()
    names = {path.name for path in Path(bench.folder).iterdir()}
    assert names <= {
        *(
            "a",
            "device.lock",
            "device.log",
            "queue.log",
            "queue.sqlite",
            "queue.sqlite-wal",
            "queue.sqlite-shm",
        ),
        *("queue.sqlite.lock", "queue.sqlite.servers"),
    }


@pytest.mark.parametrize(
    ("lines", "num_overlaps"),
    [
        ([("begin", 1), ("end", 1), ("begin", 1), ("end", 1), ("begin", 2), ("end", 2)], 0),
        ([("begin", 1), ("begin", 2), ("end", 2)], 0),  # the first died in its step
        ([("begin", 1), ("begin", 2), ("end", 1)], 1),
        ([("begin", 1), ("end", 1), ("begin", 2), ("end", 2), ("begin", 1)], 1),
        ([("begin", 1), ("begin", 1)], 1),
    ],
)
def test_the_reading_of_the_devices_log_finds_every_overlap(lines, num_overlaps):
    from fake_work import LogLine

    assert len(overlaps([LogLine(what, pid) for what, pid in lines])) == num_overlaps
