"""The server's side of the queue: ask for work, call it off, look at it.

Stories take turns. A job's `turn` is one more than that of the last unfinished job of its story, but not less than that
of the job that was begun last; jobs are done by turn, then in the order of asking. So one story's jobs keep their
order, a second story's first job follows the one that runs, and no story waits for ever.
Source: start-time fair queueing, Goyal, Vin and Cheng, SIGCOMM 1996, with every job of the same cost.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from app.queue.database import Database
from app.queue.failures import GONE, Failure, QueueError
from app.queue.jobs import Job, read_job, write_job
from app.queue.paces import Expectation
from app.queue.snapshots import JobStatus, QueueSnapshot, SnapshotReader, State

MAX_WAITING = 2000
MAX_FINISHED = 200  # jobs that are over and still known
KEPT_SECONDS = 30 * 24 * 3600.0  # how long they are known
FINISHED = "('done', 'cancelled', 'failed')"
ACTIVE = "('waiting', 'running')"


class JobStore:
    """Safe to use from any thread. What a method has returned survives any crash."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reader = SnapshotReader(database)

    @property
    def path(self) -> Path:
        """Of the queue's file."""
        return self._database.path

    def enqueue(self, job: Job) -> int:
        """Queue `job`, behind what its story has queued already; its id.

        Raises QueueError for a full queue, and if the file cannot be written.
        """
        with self._database.writing(durable=True) as connection:
            _refuse_if_full(connection)
            cursor = connection.execute(
                "INSERT INTO jobs (story_id, kind, job, state, seq, turn, total, enqueued_at) "
                "VALUES (?, ?, ?, 'waiting', ?, ?, ?, ?)",
                (
                    job.story_id,
                    job.kind,
                    write_job(job),
                    _next_seq(connection),
                    _next_turn(connection, job.story_id),
                    len(job.workload.amounts),
                    self._database.clock(),
                ),
            )
            assert cursor.lastrowid is not None
            return cursor.lastrowid

    def cancel(self, job_id: int) -> State:
        """Call a job off: at once if it waits, after the step that is running otherwise; what it is after that.

        A job that is over stays as it is. Raises QueueError if there is no such job.
        """
        with self._database.writing(durable=False) as connection:  # the worker sees it before it is flushed
            _state_of(connection, job_id)
            _cancel(connection, "id = ?", job_id, self._database.clock())
            state = _state_of(connection, job_id)
        self._database.flush()
        return "stopping" if state == "running" else state

    def cancel_story(self, story_id: str) -> int:
        """Call off everything that waits or runs for a story; how many jobs that were."""
        with self._database.writing(durable=False) as connection:
            number = _cancel(connection, "story_id = ?", story_id, self._database.clock())
        self._database.flush()
        return number

    def retry(self, job_id: int) -> None:
        """Queue a failed or cancelled job again, as the last of its story; it goes on from what it had finished.

        One that waits or runs stays as it is. Raises QueueError for a finished one, and for one that cannot be read.
        """
        with self._database.writing(durable=True) as connection:
            state = _state_of(connection, job_id)
            if state in ("waiting", "running"):
                return
            if state == "done":
                raise QueueError(f"job {job_id} is finished, there is nothing to retry; ask for a new one")
            (text,) = connection.execute("SELECT job FROM jobs WHERE id = ?", (job_id,)).fetchone()
            job = read_job(text)
            _refuse_if_full(connection)
            connection.execute(
                "UPDATE jobs SET state = 'waiting', attempts = attempts + 1, cancel_requested = 0, worker = NULL, "
                "enqueued_at = ?, started_at = NULL, updated_at = NULL, finished_at = NULL, elapsed = 0, "
                "start_seconds = NULL, done = 0, total = ?, step = 0, num_steps = 0, share = 0, row = '', doing = '', "
                "made = '[]', failure = NULL, message = '', seq = ?, turn = ? WHERE id = ?",
                (
                    self._database.clock(),
                    len(job.workload.amounts),
                    _next_seq(connection),
                    _next_turn(connection, job.story_id),
                    job_id,
                ),
            )

    def clear_finished(self, story_id: str | None = None) -> int:
        """Forget the jobs that are over, of one story or of all; how many. What they made stays."""
        with self._database.writing(durable=False) as connection:
            where = f"state IN {FINISHED} AND (?1 IS NULL OR story_id = ?1)"
            return connection.execute(f"DELETE FROM jobs WHERE {where}", (story_id,)).rowcount

    def snapshot(self) -> QueueSnapshot:
        """Everything a page shows of the queue. Raises QueueError."""
        return self._reader.read()

    def status(self, job_id: int) -> JobStatus:
        """One job. Raises QueueError if there is no such job."""
        status = self.snapshot().of_job(job_id)
        if status is None:
            raise _unknown(job_id)
        return status

    def expected(self, job: Job) -> Expectation:
        """What `job` would take if it were done now; to be told before it is queued."""
        table, workload = self._reader.table(), job.workload
        return table.expectation(workload, is_warm=workload.part in table.warm_parts)

    def worker_died(self, instance: str, failure: Failure) -> int:
        """Record that a worker's process is no more: what it was doing has failed; how many jobs that were.

        A job that was being cancelled counts as cancelled. Who saw the process end knows better than who only
        found it gone, and overrules them.
        """
        with self._database.writing(durable=True) as connection:
            now = self._database.clock()
            connection.execute(
                "UPDATE worker SET ended_at = ?, message = ? WHERE instance = ? AND ended_at IS NULL",
                (now, failure.message, instance),
            )
            if failure.kind != GONE.kind:
                connection.execute(
                    "UPDATE jobs SET failure = ?, message = ? WHERE worker = ? AND state = 'failed' AND failure = ?",
                    (failure.kind, failure.message, instance, GONE.kind),
                )
            return fail_running(connection, failure, now, instance=instance)

    def worker_closed(self, instance: str) -> int:
        """Record that a worker was ended with the studio: what it was doing waits again; how many jobs that were."""
        with self._database.writing(durable=True) as connection:
            now = self._database.clock()
            connection.execute(
                "UPDATE worker SET ended_at = ? WHERE instance = ? AND ended_at IS NULL", (now, instance)
            )
            return requeue(connection, instance, now)

    def has_ended(self, instance: str) -> bool:
        """Whether that worker told that it ended, or was told to have."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT ended_at FROM worker WHERE instance = ?", (instance,)).fetchone()
        return row is None or row[0] is not None

    def beats_of(self, instance: str) -> int | None:
        """How often that worker has told that it is alive; None if it is not the newest."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT beats FROM worker WHERE instance = ?", (instance,)).fetchone()
        return None if row is None else row[0]

    def num_completed_by(self, instance: str) -> int:
        """How many of the jobs that are still known a worker has done to their end."""
        with self._database.reading() as connection:
            where = "worker = ? AND state IN ('done', 'cancelled')"
            (number,) = connection.execute(f"SELECT count(*) FROM jobs WHERE {where}", (instance,)).fetchone()
        return number

    def close(self) -> None:
        self._database.close()


def open_store(path: Path) -> JobStore:
    """The queue in the file `path`. Raises QueueError, OutputError."""
    return JobStore(Database(path))


# --- used inside a transaction, by the worker's side too -----------------------------------------------


def fail_running(
    connection: sqlite3.Connection, failure: Failure, now: float, *, instance: str | None = None
) -> int:
    """Fail what runs, under one worker or any; what was being cancelled is cancelled. How many jobs."""
    return connection.execute(
        "UPDATE jobs SET state = CASE cancel_requested WHEN 1 THEN 'cancelled' ELSE 'failed' END, "
        "failure = CASE cancel_requested WHEN 1 THEN NULL ELSE ?1 END, "
        "message = CASE cancel_requested WHEN 1 THEN '' ELSE ?2 END, finished_at = ?3, updated_at = ?3 "
        "WHERE state = 'running' AND (?4 IS NULL OR worker = ?4)",
        (failure.kind, failure.message, now, instance),
    ).rowcount


def requeue(connection: sqlite3.Connection, instance: str, now: float) -> int:
    """Let what a worker runs wait again, before everything else; what was being cancelled is cancelled."""
    cancelled = connection.execute(
        "UPDATE jobs SET state = 'cancelled', finished_at = ? "
        "WHERE state = 'running' AND cancel_requested AND worker = ?",
        (now, instance),
    ).rowcount
    return (
        cancelled
        + connection.execute(
            "UPDATE jobs SET state = 'waiting', worker = NULL, started_at = NULL, updated_at = NULL, elapsed = 0, "
            "start_seconds = NULL, done = 0, step = 0, share = 0, row = '', doing = '' "
            "WHERE state = 'running' AND worker = ?",
            (instance,),
        ).rowcount
    )


def forget_old(connection: sqlite3.Connection, now: float) -> None:
    """Keep the list short; what the jobs made stays."""
    connection.execute(
        f"DELETE FROM jobs WHERE state IN {FINISHED} AND (finished_at < ? OR id IN "
        f"(SELECT id FROM jobs WHERE state IN {FINISHED} ORDER BY finished_at DESC, id DESC LIMIT -1 OFFSET ?))",
        (now - KEPT_SECONDS, MAX_FINISHED),
    )


def _cancel(connection: sqlite3.Connection, where: str, value: object, now: float) -> int:
    waiting = connection.execute(
        f"UPDATE jobs SET state = 'cancelled', finished_at = ? WHERE {where} AND state = 'waiting'",
        (now, value),
    )
    running = connection.execute(
        f"UPDATE jobs SET cancel_requested = 1 WHERE {where} AND state = 'running'", (value,)
    )
    forget_old(connection, now)
    return waiting.rowcount + running.rowcount


def _refuse_if_full(connection: sqlite3.Connection) -> None:
    (number,) = connection.execute("SELECT count(*) FROM jobs WHERE state = 'waiting'").fetchone()
    if number >= MAX_WAITING:
        raise QueueError(f"the queue is full, {number} jobs wait; cancel some or wait until they are done")


def _state_of(connection: sqlite3.Connection, job_id: int) -> State:
    row = connection.execute("SELECT state FROM jobs WHERE id = ?", (job_id,)).fetchone()
    if row is None:
        raise _unknown(job_id)
    return row[0]


def _unknown(job_id: int) -> QueueError:
    return QueueError(f"there is no job {job_id} any more; reload the page")


def _next_seq(connection: sqlite3.Connection) -> int:
    connection.execute("UPDATE counters SET value = value + 1 WHERE name = 'seq'")
    (value,) = connection.execute("SELECT value FROM counters WHERE name = 'seq'").fetchone()
    return value


def _next_turn(connection: sqlite3.Connection, story_id: str) -> int:
    (turn,) = connection.execute(
        "SELECT max((SELECT value FROM counters WHERE name = 'turn'), "
        f"coalesce((SELECT max(turn) + 1 FROM jobs WHERE story_id = ? AND state IN {ACTIVE}), 0))",
        (story_id,),
    ).fetchone()
    return turn
