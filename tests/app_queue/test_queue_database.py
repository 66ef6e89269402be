from __future__ import annotations

import os
import random
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from queue_bench import PATIENCE_SECONDS, draw, until

from app.queue import database as database_module
from app.queue.database import VERSION, Database
from app.queue.failures import QueueError
from app.queue.store import JobStore, open_store
from moviedreamer_core.errors import OutputError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "studio" / "queue.sqlite"


def filled(path: Path) -> list[int]:
    """The ids of jobs in a queue that was closed in order."""
    store = open_store(path)
    ids = [store.enqueue(draw(f"story-{number}", "a", "b")) for number in range(40)]
    store.close()
    return ids


def ids_in(path: Path) -> list[int]:
    store = open_store(path)
    try:
        return sorted(job.id for job in store.snapshot().jobs)
    finally:
        store.close()


def plain(path: Path, *statements: str) -> list[tuple]:
    """What SQLite itself says, without any of the code under test."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        return [row for statement in statements for row in connection.execute(statement)]
    finally:
        connection.close()


def test_a_queue_is_made_with_its_folder_and_opens_again(path):
    ids = filled(path)
    assert ids_in(path) == ids
    assert plain(path, "PRAGMA journal_mode", "PRAGMA user_version") == [("wal",), (VERSION,)]


def test_what_was_acknowledged_is_flushed_to_the_disk_and_progress_need_not_be(path):
    database = Database(path)
    with database.writing(durable=True) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    with database.writing(durable=False) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (1,)  # NORMAL
    database.close()


def test_nobody_who_reads_waits_for_somebody_who_writes(path):
    database = Database(path)
    store = JobStore(database)
    with ThreadPoolExecutor(1) as pool, database.writing(durable=True) as connection:
        connection.execute("UPDATE counters SET value = 99")
        assert pool.submit(store.snapshot).result(timeout=PATIENCE_SECONDS).jobs == ()
    database.close()


def test_an_exception_undoes_the_whole_transaction(path):
    database = Database(path)

    def fail() -> None:
        with database.writing(durable=True) as connection:
            connection.execute("UPDATE counters SET value = 99")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with database.reading() as connection:
        assert connection.execute("SELECT value FROM counters WHERE name = 'seq'").fetchone() == (0,)
    database.close()


def test_the_version_changes_with_every_commit_of_anybody_and_with_nothing_else(path):
    mine, other = open_store(path), open_store(path)
    versions = [mine.snapshot().version]
    assert mine.snapshot().version == versions[0]
    mine.enqueue(draw("a"))
    versions.append(mine.snapshot().version)
    other.enqueue(draw("b"))
    versions.append(mine.snapshot().version)
    assert len(set(versions)) == 3
    assert mine.snapshot().version == versions[-1]
    mine.close()
    other.close()


def test_a_newer_schema_is_refused_with_what_to_do_and_left_alone(path):
    filled(path)
    plain(path, f"PRAGMA user_version = {VERSION + 1}")
    before = path.read_bytes()
    with pytest.raises(
        QueueError,
        match=rf"newer version .*schema {VERSION + 1}, this one reads {VERSION}\); update the studio",
    ):
        open_store(path)
    assert path.read_bytes() == before


def test_an_older_schema_is_brought_up_to_date(path, monkeypatch):
    ids = filled(path)
    monkeypatch.setattr(database_module, "VERSION", VERSION + 1)
    monkeypatch.setattr(
        database_module, "_UPGRADES", ("ALTER TABLE jobs ADD COLUMN colour TEXT DEFAULT 'red';",)
    )
    assert ids_in(path) == ids
    assert plain(path, "PRAGMA user_version", "SELECT DISTINCT colour FROM jobs") == [
        (VERSION + 1,),
        ("red",),
    ]


def test_a_database_of_another_program_is_refused_and_left_alone(path):
    path.parent.mkdir()
    plain(path, "CREATE TABLE recipes (name TEXT)")
    with pytest.raises(QueueError, match="another program, not a queue; choose another folder"):
        open_store(path)
    assert plain(path, "SELECT name FROM sqlite_schema") == [("recipes",)]


@pytest.mark.parametrize("damage", ["no database", "middle", "tail", "header"])
def test_a_damaged_file_is_put_aside_with_a_clear_message_and_a_fresh_one_made(path, damage):
    filled(path)
    data = bytearray(path.read_bytes())
    match damage:
        case "no database":
            data[:] = b"this is not a database " * 1000
        case "middle":
            data[4096 : len(data) - 4096] = random.Random(7).randbytes(len(data) - 8192)
        case "tail":
            del data[len(data) // 2 :]
        case "header":
            data[:100] = bytes(100)
    path.write_bytes(data)
    store = open_store(path)
    (aside,) = path.parent.glob("queue.damaged-*.sqlite")
    assert aside.read_bytes() == bytes(data)
    notice = store.snapshot().notice
    assert "was damaged" in notice
    assert aside.name in notice
    assert "queue again what is missing" in notice
    assert store.snapshot().jobs == ()
    assert store.status(store.enqueue(draw("a"))).state == "waiting"
    store.close()
    assert ids_in(path) == [1]


def test_files_that_were_damaged_twice_in_a_second_are_both_kept(path):
    path.parent.mkdir()
    for number in range(2):
        path.write_text(f"damage {number} " * 1000)
        Database(path, clock=lambda: 0.0).close()
    assert len(list(path.parent.glob("queue.damaged-*.sqlite"))) == 2


def used(store: JobStore) -> str:
    store.snapshot()
    return store.status(store.enqueue(draw("a"))).state


def attempt(act: Callable[..., Any], messages: list[str], *given: object) -> Any:
    try:
        return act(*given)
    except QueueError as error:
        messages.append(str(error))


def test_any_damaged_byte_leads_to_a_queue_that_works(path, tmp_path):
    """Whether the damage is found or does not matter: never a crash, never a queue that cannot be used."""
    filled(path)
    whole, chance = path.read_bytes(), random.Random(11)
    for number in range(25):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 200)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        damaged = tmp_path / str(number) / "queue.sqlite"
        damaged.parent.mkdir()
        damaged.write_bytes(data)
        messages = []
        store = attempt(open_store, messages, damaged)
        if store is None:  # a header that says newer, or another program's
            assert ("newer version" in messages[0]) != ("another program" in messages[0])
            continue
        # What is only found when it is used is put aside then, and told.
        done = attempt(used, messages, store) or attempt(used, messages, store)
        assert done == "waiting", messages
        assert all("damaged" in message for message in messages)
        store.close()


def test_damage_that_shows_while_the_studio_runs_is_told_once_and_then_the_queue_works(path):
    filled(path)
    database = Database(path)
    store = JobStore(database)
    with path.open("r+b") as file:  # as a failing disk would, under the open database
        file.seek(4096)
        file.write(bytes(path.stat().st_size - 4096))
    with database.reading() as connection:
        connection.execute("PRAGMA shrink_memory")  # what it has read before would hide the damage
    with pytest.raises(QueueError, match=r"was damaged .* is kept as queue\.damaged-"):
        store.snapshot()
    job_id = store.enqueue(draw("a"))
    assert store.snapshot().of_job(job_id).state == "waiting"
    assert "damaged" in store.snapshot().notice
    store.close()


def test_a_file_that_is_taken_away_is_replaced_by_an_empty_queue(path):
    store = open_store(path)
    store.enqueue(draw("a"))
    for left in path.parent.glob("queue.sqlite*"):
        left.unlink()
    assert store.snapshot().jobs == ()
    assert "taken away" in store.snapshot().notice
    job_id = store.enqueue(draw("b"))
    assert ids_in(path) == [job_id]
    store.close()


def test_two_that_have_it_open_agree_on_the_fresh_file(path):
    filled(path)
    first, second = open_store(path), open_store(path)
    shutil.copy(path, path.with_name("elsewhere"))
    os.replace(path.with_name("elsewhere"), path)
    job_id = first.enqueue(draw("a"))
    assert second.snapshot().of_job(job_id) is not None
    first.close()
    second.close()


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "queue.sqlite.lock").mkdir()
    with pytest.raises(
        OutputError, match=r"cannot lock .*queue\.sqlite\.lock: .*; choose a folder that can be written"
    ):
        open_store(tmp_path / "queue.sqlite")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="a file stands where a folder is needed"):
        open_store(tmp_path / "file" / "queue.sqlite")


def test_a_folder_in_place_of_the_file_is_told(path):
    path.mkdir(parents=True)
    with pytest.raises(QueueError, match="cannot be opened; correct"):
        open_store(path)


def test_a_full_disk_is_told_and_loses_nothing(path):
    ids = filled(path)
    store, long = open_store(path), draw("a", *(f"row-{number}" for number in range(200)))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, hard))
    try:
        messages: list[str] = []
        while (job_id := attempt(lambda: store.enqueue(long), messages)) is not None:
            ids.append(job_id)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert re.search(r"queue\.sqlite: (the disk is full|the disk reports an error); ", messages[0])
    assert sorted(job.id for job in store.snapshot().jobs) == ids
    ids.append(store.enqueue(draw("b")))
    store.close()
    assert ids_in(path) == ids


def test_a_writer_that_waits_too_long_is_told(path, monkeypatch):
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0.01)
    store, other = open_store(path), sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(QueueError, match="another process keeps it busy; try again"):
        store.enqueue(draw("a"))
    assert store.snapshot().jobs == ()  # reading goes on meanwhile
    other.execute("ROLLBACK")
    other.close()
    store.enqueue(draw("a"))
    store.close()


def test_a_closed_queue_says_so(path):
    store = open_store(path)
    store.close()
    store.close()
    with pytest.raises(QueueError, match="the queue is closed"):
        store.snapshot()


WRITER = """
import sys
from queue_bench import draw
from pathlib import Path
from app.queue.store import JobStore, open_store
store = open_store(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    store.enqueue(draw(sys.argv[2], f"row-{number}"))
    print(number, flush=True)
"""


def test_two_writers_and_a_poller_lose_nothing_and_never_wait_in_vain(path):
    number = 60
    store = open_store(path)
    here = Path(__file__).resolve().parent
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(here), str(here.parent.parent)])}
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), story, str(number)], env=environment, stdout=-3
        )
        for story in ("one", "two")
    ]
    seen = [0]

    def polled() -> bool:
        snapshot = store.snapshot()
        assert len(snapshot.jobs) >= seen[-1]
        seen.append(len(snapshot.jobs))
        assert [job.position for job in snapshot.jobs] == list(range(1, len(snapshot.jobs) + 1))
        return all(writer.poll() is not None for writer in writers)

    until(polled)
    assert [writer.returncode for writer in writers] == [0, 0]
    for story in ("one", "two"):
        rows = [job.job.rows[0] for job in store.snapshot().of_story(story)]
        assert rows == [f"row-{row}" for row in range(number)]
    store.close()


def test_a_writer_that_is_killed_keeps_what_it_was_told_and_leaves_a_whole_file(path):
    open_store(path).close()
    here = Path(__file__).resolve().parent
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(here), str(here.parent.parent)])}
    chance = random.Random(3)
    for attempt in range(3):
        command = [sys.executable, "-c", WRITER, str(path), f"s{attempt}", "100000"]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as writer:
            told = [int(writer.stdout.readline()) for _ in range(chance.randrange(1, 60))]
            writer.kill()
            told += [int(line) for line in writer.stdout.read().split("\n")[:-1] if line]
        store = open_store(path)
        rows = [job.job.rows[0] for job in store.snapshot().of_story(f"s{attempt}")]
        assert rows[: len(told)] == [f"row-{number}" for number in told]
        assert len(rows) <= len(told) + 1
        store.close()
        assert plain(path, "PRAGMA integrity_check") == [("ok",)]
