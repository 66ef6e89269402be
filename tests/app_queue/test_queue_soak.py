"""Misfortune at random moments, many times. The counts are those of `SOAK` = 1; the normal run takes a tenth."""

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

SOAK = float(os.environ.get("MOVIEDREAMER_SOAK", "0.1"))
KILLS, CANCELS, ERRORS = (max(3, round(SOAK * number)) for number in (200, 100, 50))
SEED = int(os.environ.get("MOVIEDREAMER_SOAK_SEED", "1"))


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
    server = start_server(bench)
    num_killed: Counter[str] = Counter()
    try:
        for number in range(KILLS):
            for story, rows in wanted.items():
                if bench.store.snapshot().num_waiting < 6:
                    new = [f"row-{number}-{part}" for part in range(chance.randrange(1, 6))]
                    bench.store.enqueue(draw(story, *new, steps=chance.randrange(1, 8)))
                    rows.update(new)
            seen, more = len(device_log(bench.folder)), chance.randrange(1, 40)
            until(lambda seen=seen, more=more: has_moved_or_rests(bench, seen + more), of="work")
            time.sleep(chance.random() * 0.01)  # not only just after a line was written
            num_killed[kill_someone(bench, chance, server)] += 1
            if server.poll() is not None:
                kill(server)
                server = start_server(bench)
            for job in bench.store.snapshot().jobs:
                if job.state == "failed":
                    assert job.failure in ("memory", "gone"), job.message
                    bench.store.retry(job.id)
        while any(job.state != "done" for job in bench.store.snapshot().jobs):
            bench.wait_until_idle()
            for job in bench.store.snapshot().jobs:
                if job.state == "failed":
                    bench.store.retry(job.id)
    finally:
        kill(server)
    until(lambda: bench.device_is_free)
    assert {story: finished(bench.folder, story) for story in wanted} == wanted
    assert not overlaps(device_log(bench.folder))
    with contextlib.closing(sqlite3.connect(bench.queue)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert not list(bench.folder.glob("*damaged*"))
    print(f"killed: {dict(num_killed)}, steps: {len(begins(device_log(bench.folder)))}")


def has_moved_or_rests(bench: Bench, num_lines: int) -> bool:
    return len(device_log(bench.folder)) >= num_lines or not any(
        job.is_active for job in bench.store.snapshot().jobs
    )


def kill_someone(bench: Bench, chance: random.Random, server: subprocess.Popen) -> str:
    worker = bench.store.snapshot().worker
    if chance.random() < 0.4:
        server.kill()
        server.wait()
        if chance.random() < 0.5 or worker is None:
            return "server"
    if worker is not None and is_alive(worker.pid) and not bench.device_is_free:
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker.pid, signal.SIGKILL)
        return "both" if server.poll() is not None else "worker"
    return "nobody"


def test_cancels_at_random_moments_take_effect_within_a_step(bench):
    chance = random.Random(SEED)
    supervisor = bench.supervise()
    others = [bench.store.enqueue(draw("other", f"row-{number}", steps=3)) for number in range(CANCELS)]
    num_cut, asked = 0, {}
    for number in range(CANCELS):
        row = f"cut-{number}"
        job_id = bench.store.enqueue(draw(f"story-{number % 3}", row, f"never-{number}", steps=1000))
        when = chance.randrange(0, 12)
        until(
            lambda row=row, when=when: (
                len([line for line in begins(device_log(bench.folder)) if line.row == row]) >= when
            )
        )
        time.sleep(chance.random() * 0.004)
        bench.store.cancel(job_id)
        asked[row] = time.monotonic()
        bench.wait_for(job_id, "cancelled")
        num_cut += when > 0
    for job_id in others:
        bench.wait_for(job_id, "done")
    log = device_log(bench.folder)
    assert not overlaps(log)
    for row, moment in asked.items():
        late = [line for line in begins(log) if line.row == row and line.at > moment]
        assert len(late) <= 1, f"{row}: {len(late)} steps after it was cancelled"
    assert not [line for line in log if line.row.startswith("never")]
    assert supervisor.state.num_starts == 1
    print(f"cancelled while running: {num_cut} of {CANCELS}")


def test_every_injected_error_is_recovered_from(bench):
    chance = random.Random(SEED)
    kinds = {
        "oom": "device memory",
        "device": "device",
        "memory": "memory",
        "kill": "memory",
        "abort": "crash",
    }
    pairs = []
    for number in range(ERRORS):
        what = chance.choice(list(kinds))
        bad = bench.store.enqueue(draw("a", f"before-{number}", f"{what}-{number}"))
        pairs.append((what, bad, bench.store.enqueue(draw("a", f"good-{number}"))))
    bench.supervise()
    bench.wait_until_idle()
    for what, bad, good in pairs:
        assert (bench.status(bad).state, bench.status(bad).failure) == ("failed", kinds[what])
        assert bench.status(good).state == "done"
    rows = {f"{name}-{number}" for number in range(ERRORS) for name in ("before", "good")}
    assert finished(bench.folder, "a") == rows
    assert not overlaps(device_log(bench.folder))
