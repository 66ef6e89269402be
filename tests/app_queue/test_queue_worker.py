"""The worker in this process, with work that a test writes down step by step; for real processes see the supervisor."""

from __future__ import annotations

import errno
import os
from itertools import pairwise

import pytest
from fake_work import OutOfMemoryError
from queue_bench import draw

from app.queue import worker as worker_module
from app.queue.claims import Claims
from app.queue.database import Database
from app.queue.failures import Exit, QueueError
from app.queue.locks import present
from app.queue.progress import Progress
from app.queue.store import JobStore
from app.queue.work import load_work
from app.queue.worker import StopRequest, Worker, main, servers_file
from moviedreamer_core.errors import ImageError, StoryError


class Bench:
    """A queue, and a worker that does whatever `steps`, a generator function of the job, says."""

    def __init__(self, path, steps):
        self.path = path
        self.database = Database(path)
        self.store = JobStore(self.database)
        self.claims = Claims(self.database, instance="w1", pid=os.getpid())
        self.claims.begin()
        self.stopping = StopRequest()
        self.steps = steps
        self.num_releases = 0

    def __call__(self, job):
        return self.steps(job)

    def release(self):
        self.num_releases += 1

    def run(self):
        return Worker(self, self.claims, servers_file(self.path), self.stopping).run()

    def states(self):
        return {job.id: job.state for job in self.store.snapshot().jobs}


@pytest.fixture
def bench(tmp_path):
    benches = []

    def make(steps):
        benches.append(Bench(tmp_path / "queue.sqlite", steps))
        return benches[-1]

    yield make
    for one in benches:
        one.database.close()


def plain(job):
    yield Progress(done=0, total=1)
    yield Progress(done=1, total=1, made=("a.png",))


def raising(*errors):
    """Work that raises these, one per job, and then goes well."""
    left = list(errors)

    def steps(job):
        yield Progress(done=0, total=1)
        if left and (error := left.pop(0)) is not None:
            raise error
        yield Progress(done=1, total=1)

    return steps


def test_it_does_what_waits_and_ends_when_no_server_is_there(bench):
    one = bench(plain)
    ids = [one.store.enqueue(draw(story)) for story in "aab"]
    assert one.run() == Exit.DONE
    assert one.states() == dict.fromkeys(ids, "done")
    assert one.store.status(ids[0]).made == ("a.png",)


def test_it_stays_while_a_server_is_there_and_does_what_comes(bench, monkeypatch):
    """The server goes once the second job, queued while the worker had nothing to do, is done."""
    one = bench(plain)
    one.store.enqueue(draw("a"))
    server = present(servers_file(one.path))
    server.__enter__()
    pauses = []

    def pause(seconds):
        pauses.append(seconds)
        if len(pauses) == 3:
            one.store.enqueue(draw("b"))
        if len(pauses) == 5:
            server.__exit__(None, None, None)
            monkeypatch.setattr(worker_module.time, "monotonic", lambda: float("inf"))

    monkeypatch.setattr(worker_module.time, "sleep", pause)
    assert one.run() == Exit.DONE
    assert set(one.states().values()) == {"done"}
    assert (len(one.states()), len(pauses)) == (2, 5)


def test_a_cancelled_job_ends_before_its_next_step_and_its_work_is_closed(bench):
    seen = []

    def steps(job):
        try:
            for step in range(10):
                seen.append(step)
                if step == 4:
                    one.store.cancel(1)
                yield Progress(done=0, total=1, step=step, num_steps=10)
        finally:
            seen.append("closed")

    one = bench(steps)
    one.store.enqueue(draw("a"))
    one.run()
    assert seen == [0, 1, 2, 3, 4, "closed"]
    assert one.states() == {1: "cancelled"}


def test_a_job_whose_last_unit_is_finished_is_done_and_not_given_back_to_be_done_again(bench):
    def steps(job):
        yield Progress(done=0, total=1)
        one.stopping.make()
        yield Progress(done=1, total=1, made=("a.png",))

    one = bench(steps)
    one.store.enqueue(draw("a"))
    one.run()
    assert one.states() == {1: "done"}
    assert one.store.status(1).made == ("a.png",)


def test_work_that_goes_on_after_its_last_unit_can_still_be_cancelled(bench):
    def steps(job):
        for _ in range(10):
            if one.states() == {1: "running"}:
                one.store.cancel(1)
            yield Progress(done=1, total=1)

    one = bench(steps)
    one.store.enqueue(draw("a"))
    one.run()
    assert one.states() == {1: "cancelled"}


def test_stopping_gives_the_job_back_after_the_step_that_runs(bench):
    def steps(job):
        for step in range(10):
            if step == 4:
                one.stopping.make()
            assert step < 5
            yield Progress(done=0, total=1, step=step, num_steps=10)

    one = bench(steps)
    for story in "ab":
        one.store.enqueue(draw(story))
    assert one.run() == Exit.DONE
    assert one.states() == {1: "waiting", 2: "waiting"}
    assert one.store.status(1).position == 1


def test_a_job_that_was_taken_away_is_let_go(bench):
    def steps(job):
        yield Progress(done=0, total=1)
        if job.story_id == "a":
            with one.database.writing(durable=False) as connection:
                connection.execute("UPDATE jobs SET worker = 'w2' WHERE id = 1")
        yield Progress(done=0, total=1)
        assert job.story_id == "b"

    one = bench(steps)
    for story in "ab":
        one.store.enqueue(draw(story))
    one.run()
    assert one.states() == {1: "running", 2: "done"}


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (
            ImageError("mara.png: not an image; choose another"),
            "input",
            "mara.png: not an image; choose another",
        ),
        (ZeroDivisionError("division by zero"), "internal", "ZeroDivisionError: division by zero"),
        (OSError(errno.ENOSPC, "No space left"), "disk", "the disk is full"),
        (SystemExit(0), "internal", "SystemExit"),
        (OutOfMemoryError("CUDA out of memory"), "device memory", "choose a smaller picture size"),
    ],
)
def test_a_job_that_fails_says_why_and_the_next_is_done(bench, error, kind, words):
    one = bench(raising(error))
    for _ in range(2):
        one.store.enqueue(draw("a"))
    assert one.run() == Exit.DONE
    assert one.states() == {1: "failed", 2: "done"}
    status = one.store.status(1)
    assert status.failure == kind
    assert words in status.message


def test_a_traceback_is_in_the_log(bench, capsys):
    one = bench(raising(ZeroDivisionError("division by zero")))
    one.store.enqueue(draw("a"))
    one.run()
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("error", [RuntimeError("CUDA error: unknown error"), MemoryError()])
def test_a_process_that_cannot_be_trusted_ends_after_writing_why(bench, error):
    one = bench(raising(error))
    for _ in range(2):
        one.store.enqueue(draw("a"))
    assert one.run() == Exit.DEVICE_LOST
    assert one.states() == {1: "failed", 2: "waiting"}


def test_out_of_memory_frees_it_and_twice_in_a_row_ends_the_process(bench):
    oom = OutOfMemoryError("CUDA out of memory")
    one = bench(raising(oom, None, oom, oom))
    for _ in range(5):
        one.store.enqueue(draw("a"))
    assert one.run() == Exit.DEVICE_LOST
    assert one.states() == {1: "failed", 2: "done", 3: "failed", 4: "failed", 5: "waiting"}
    assert one.num_releases == 2


def test_memory_that_cannot_be_given_back_ends_the_process(bench):
    one = bench(raising(OutOfMemoryError("CUDA out of memory")))
    one.release = lambda: 1 / 0
    one.store.enqueue(draw("a"))
    assert one.run() == Exit.DEVICE_LOST


def test_work_that_fails_while_it_is_cancelled_has_failed(bench):
    def steps(job):
        try:
            one.store.cancel(1)
            yield Progress(done=0, total=1)
        finally:
            raise ZeroDivisionError

    one = bench(steps)
    one.store.enqueue(draw("a"))
    one.run()
    assert one.states() == {1: "failed"}


def test_work_that_is_refused_while_it_is_cancelled_is_cancelled(bench):
    def steps(job):
        yield Progress(done=0, total=1)
        one.store.cancel_story("a")
        raise StoryError("the story is in the trash; restore it first")

    one = bench(steps)
    one.store.enqueue(draw("a"))
    assert one.run() == Exit.DONE
    job = one.store.snapshot().of_job(1)
    assert (job.state, job.message) == ("cancelled", "")


def test_progress_is_written_a_few_times_a_second_and_the_last_of_it_always(bench, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(worker_module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr("app.queue.progress.Meter.elapsed_seconds", property(lambda self: now[0]))
    reports = []

    def steps(job):
        for step in range(1000):
            now[0] += 0.01
            yield Progress(done=0, total=1, step=step, num_steps=1000)
        yield Progress(done=1, total=1, made=("a.png",))

    one = bench(steps)
    real = one.claims.report
    monkeypatch.setattr(one.claims, "report", lambda *given: (reports.append(now[0]), real(*given)))
    one.store.enqueue(draw("a"))
    one.run()
    assert 30 <= len(reports) <= 41  # ten seconds of work
    assert min(later - earlier for earlier, later in pairwise(reports)) >= 0.1
    status = one.store.status(1)
    assert (status.state, status.share, status.made, status.elapsed_seconds) == (
        "done",
        1.0,
        ("a.png",),
        now[0],
    )


def test_a_disk_that_refuses_progress_does_not_stop_the_work_nor_lose_what_was_made(bench, monkeypatch):
    one = bench(plain)
    one.store.enqueue(draw("a"))
    endings = []
    real = one.claims.end

    def full(*_):
        raise QueueError("the disk is full; free some space")

    def full_at_first(*given):
        endings.append(given)
        return full() if len(endings) < 3 else real(*given)

    monkeypatch.setattr(one.claims, "report", full)
    monkeypatch.setattr(one.claims, "end", full_at_first)
    monkeypatch.setattr(worker_module, "RECORD_PAUSE_SECONDS", 0.0)
    assert one.run() == Exit.DONE
    assert one.states() == {1: "done"}
    assert one.store.status(1).made == ("a.png",)


def test_what_is_never_recorded_ends_the_worker(bench, monkeypatch):
    one = bench(plain)
    one.store.enqueue(draw("a"))

    def full(*_):
        raise QueueError("the disk is full; free some space")

    monkeypatch.setattr(one.claims, "end", full)
    monkeypatch.setattr(worker_module, "RECORD_PAUSE_SECONDS", 0.0)
    with pytest.raises(QueueError, match="disk is full"):
        one.run()


def test_the_paces_of_jobs_are_learned(bench):
    one = bench(plain)
    assert one.store.expected(draw("a")).basis == "guess"
    one.store.enqueue(draw("a"))
    one.run()
    found = one.store.expected(draw("a", "r1", "r2"))
    assert found.basis == "same settings"
    assert 0 < found.seconds < 60


# --- how it gets at the work


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "fake_work",
        "fake_work:",
        ":make",
        "fake_work:make()",
        "os;system:x",
        "a b:c",
        "../x:y",
        "fake_work:make\n",
    ],
)
def test_only_a_module_and_a_name_can_be_asked_for(reference):
    with pytest.raises(QueueError, match=r"must look like \"package\.module:factory\"; correct it"):
        load_work(reference, {})


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("no_such_module:make", "ModuleNotFoundError"),
        ("fake_work:no_such_name", "AttributeError"),
        ("fake_work:make", "TypeError"),  # without its options
        ("fake_work:refuse", "no weights at all"),
    ],
)
def test_work_that_cannot_be_had_is_told_in_one_line(reference, words):
    with pytest.raises(QueueError, match=words) as caught:
        load_work(reference, {})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("options", ["[]", "x", '"text"'])
def test_a_command_line_that_means_nothing_is_refused(tmp_path, options, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--queue", "q", "--device-lock", "d", "--work", "w:w", "--work-options", options])
    assert caught.value.code == 2
    assert "--work-options" in capsys.readouterr().err
