"""Misfortune at random moments, many times; how many, says soak.py."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter

from fake_work import LogLine, device_log, finished, overlaps
from queue_bench import HERE, Bench, draw, is_alive, until
from soak import SCALE, count, note

NUM_KILLS, NUM_CANCELS, NUM_ERRORS = count(200), count(100), count(50)
SEED = 1


def begins(lines: list[LogLine]) -> list[LogLine]:
    return [line for line in lines if line.what == "begin"]


def start_server(bench: Bench) -> subprocess.Popen:
    command = [sys.executable, str(HERE / "fake_server.py"), str(bench.folder), "0.002"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE.parent.parent), str(HERE)])}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "up\n"
    except BaseException:
        kill(process)
        raise
    return process


def kill(process: subprocess.Popen) -> None:
    process.kill()
    process.wait()
    process.stdout.close()


def test_kills_of_worker_and_server_at_random_moments_lose_nothing(bench):
    chance = random.Random(SEED)
    wanted: dict[str, set[str]] = {story: set() for story in ("one", "two", "three")}
    num_killed: Counter[str] = Counter()
    server = start_server(bench)
    try:
        while num_killed.total() < NUM_KILLS:
            for story, rows in wanted.items():
                if bench.store.snapshot().num_waiting < 6:
                    new = [f"row-{num_killed.total()}-{part}" for part in range(chance.randrange(1, 6))]
                    bench.store.enqueue(draw(story, *new, steps=chance.randrange(1, 8)))
                    rows.update(new)
            seen, more = len(device_log(bench.folder)), chance.randrange(1, 40)
            until(lambda seen=seen, more=more: has_moved_or_rests(bench, seen + more), of="work")
            time.sleep(chance.random() * 0.01)  # not only just after a line was written
            num_killed.update(kill_someone(bench, chance, server))
            if server.poll() is not None:
                kill(server)
                server = start_server(bench)
            retry_failed(bench)
        while any(job.state != "done" for job in bench.store.snapshot().jobs):
            bench.wait_until_idle()
            retry_failed(bench)
    finally:
        kill(server)
    until(lambda: bench.device_is_free)
    assert {story: finished(bench.folder, story) for story in wanted} == wanted
    assert not overlaps(device_log(bench.folder))
    with contextlib.closing(sqlite3.connect(bench.queue)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert not list(bench.folder.glob("*damaged*"))
    note(
        "SIGKILL of worker and server at random moments, queue alone: no finished row lost",
        workers_killed=num_killed["worker"],
        servers_killed=num_killed["server"],
        rows_lost=0,
        overlaps_on_the_device=0,
        rows_finished=sum(map(len, wanted.values())),
    )


def retry_failed(bench: Bench) -> None:
    """What a kill has failed is asked for again; nothing else may fail."""
    for job in bench.store.snapshot().jobs:
        if job.state == "failed":
            assert job.failure in ("memory", "gone"), job.message
            bench.store.retry(job.id)


def has_moved_or_rests(bench: Bench, num_lines: int) -> bool:
    return len(device_log(bench.folder)) >= num_lines or not any(
        job.is_active for job in bench.store.snapshot().jobs
    )


def kill_someone(bench: Bench, chance: random.Random, server: subprocess.Popen) -> list[str]:
    worker, killed = bench.store.snapshot().worker, []
    if chance.random() < 0.4:
        server.kill()
        server.wait()
        killed = ["server"]
        if chance.random() < 0.5:
            return killed
    if worker is not None and is_alive(worker.pid) and not bench.device_is_free:
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker.pid, signal.SIGKILL)
            killed.append("worker")
    return killed


def test_cancels_at_random_moments_take_effect_within_a_step(bench):
    chance = random.Random(SEED)
    supervisor = bench.supervise(bench.command(step_seconds=0.01))
    others = [bench.store.enqueue(draw("other", f"row-{number}", steps=3)) for number in range(NUM_CANCELS)]
    num_cut, asked, told, over = 0, {}, {}, {}
    for number in range(NUM_CANCELS):
        row = f"cut-{number}"
        job_id = bench.store.enqueue(draw(f"story-{number % 3}", row, f"never-{number}", steps=1000))
        when = chance.randrange(0, 12)
        until(
            lambda row=row, when=when: (
                len([line for line in begins(device_log(bench.folder)) if line.row == row]) >= when
            )
        )
        time.sleep(chance.random() * 0.02)
        asked[row] = time.monotonic()
        bench.store.cancel(job_id)
        told[row] = time.monotonic()
        bench.wait_for(job_id, "cancelled")
        over[row] = time.monotonic()
        num_cut += when > 0
    for job_id in others:
        bench.wait_for(job_id, "done")
    log = device_log(bench.folder)
    assert not overlaps(log)
    after = [steps_after(log, row, moment) for row, moment in told.items()]
    assert max(after) <= 1, f"{max(after)} steps began after a cancel"
    assert not [line for line in log if line.row.startswith("never")]
    assert supervisor.state.num_starts == 1
    late = max(over[row] - moment for row, moment in asked.items()) - longest_step(log)
    assert late < 1.0 or SCALE < 1, f"{late:.2f} s and a step"  # only the soak run has the machine to itself
    note(
        "Cancels at random moments: none later than one step plus 1 s, the device never used by two jobs",
        cancelled=NUM_CANCELS,
        of_them_while_running=num_cut,
        most_steps_begun_after_a_cancel=max(after),
        latest_seconds_beyond_a_step=round(max(0.0, late), 3),
        overlaps_on_the_device=0,
    )


def steps_after(log: list[LogLine], row: str, moment: float) -> int:
    return len([line for line in begins(log) if line.row == row and line.at > moment])


def longest_step(log: list[LogLine]) -> float:
    """Seconds from the beginning of a step to its end."""
    ends = {(line.row, line.step): line.at for line in log if line.what == "end"}
    return max(ends[line.row, line.step] - line.at for line in begins(log))


def test_every_injected_error_is_recovered_from(bench):
    chance = random.Random(SEED)
    kinds = {
        "oom": ("device memory", "ran out of memory"),
        "device": ("device", "device"),
        "memory": ("memory", "memory"),
        "kill": ("memory", "killed (signal 9)"),
        "abort": ("crash", "crashed (SIGABRT"),
    }
    pairs = []
    for number in range(NUM_ERRORS):
        what = list(kinds)[number] if number < len(kinds) else chance.choice(list(kinds))
        bad = bench.store.enqueue(draw("a", f"before-{number}", f"{what}-{number}"))
        pairs.append((what, bad, bench.store.enqueue(draw("a", f"good-{number}"))))
    bench.supervise()
    bench.wait_until_idle()
    for what, bad, good in pairs:
        kind, words = kinds[what]
        status = bench.status(bad)
        assert (status.state, status.failure) == ("failed", kind)
        assert words in status.message
        assert "retry" in status.message
        assert "\n" not in status.message
        assert bench.status(good).state == "done"
    rows = {f"{name}-{number}" for number in range(NUM_ERRORS) for name in ("before", "good")}
    assert finished(bench.folder, "a") == rows
    assert not overlaps(device_log(bench.folder))
    counted = Counter(what for what, _, _ in pairs)
    note(
        "Injected errors of memory and device: the reason told, the queue goes on",
        injected=NUM_ERRORS,
        recovered_from=NUM_ERRORS,
        **{f"of_them_{what}": number for what, number in counted.items()},
    )
