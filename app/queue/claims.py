"""The worker's side of the queue: take the next job, report on it, end it.

Everything that is written of a job says which worker writes it, and changes nothing if the job is no longer that
worker's: what was declared dead cannot speak up again.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Literal

from app.queue.database import Database
from app.queue.failures import GONE, Failure, QueueError, one_line
from app.queue.jobs import Job, read_job
from app.queue.paces import keep_samples
from app.queue.progress import MAX_WORDS_CHARACTERS, Reading
from app.queue.store import fail_running, forget_old, requeue

Standing = Literal["go on", "cancel", "lost"]
Outcome = Literal["done", "cancelled", "failed"]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A job that is this worker's to do. `is_warm`: it has done such work before."""

    id: int
    job: Job
    is_warm: bool


class Claims:
    """Of one worker; safe to use from any thread."""

    def __init__(self, database: Database, *, instance: str, pid: int) -> None:
        self._database = database
        self._instance = instance
        self._pid = pid
        self._warm: list[str] = []

    def begin(self) -> int:
        """Announce this worker. Only for who owns the device: what others run is declared failed; how many jobs."""
        with self._database.writing(durable=True) as connection:
            now = self._database.clock()
            connection.execute(
                "INSERT OR REPLACE INTO worker (id, instance, pid, started_at, beat_at, warm) "
                "VALUES (1, ?, ?, ?, ?, ?)",
                (self._instance, self._pid, now, now, json.dumps(self._warm)),
            )
            return fail_running(connection, GONE, now)

    def beat(self) -> None:
        """Tell that this worker is alive; announce it again if the file is a new one."""
        with self._database.writing(durable=False) as connection:
            known = connection.execute(
                "UPDATE worker SET beat_at = ?, beats = beats + 1 WHERE instance = ?",
                (self._database.clock(), self._instance),
            ).rowcount
        if not known:
            self.begin()

    def finish(self, message: str = "") -> None:
        """Tell that this worker ends, and why if a person should know."""
        with self._database.writing(durable=True) as connection:
            connection.execute(
                "UPDATE worker SET ended_at = ?, message = ? WHERE instance = ?",
                (self._database.clock(), one_line(message), self._instance),
            )

    def take(self) -> Claim | None:
        """The job that is next; None if nothing waits. One that cannot be read fails, and the next is taken."""
        with self._database.reading() as connection:
            if connection.execute("SELECT 1 FROM jobs WHERE state = 'waiting' LIMIT 1").fetchone() is None:
                return None
        with self._database.writing(durable=False) as connection:
            now = self._database.clock()
            while True:
                row = connection.execute(
                    "SELECT id, job, turn FROM jobs WHERE state = 'waiting' ORDER BY turn, seq LIMIT 1"
                ).fetchone()
                if row is None:
                    return None
                job_id, text, turn = row
                try:
                    job = read_job(text)
                    break
                except QueueError as error:
                    connection.execute(
                        "UPDATE jobs SET state = 'failed', failure = 'input', message = ?, finished_at = ? "
                        "WHERE id = ?",
                        (str(error), now, job_id),
                    )
            part = job.workload.part
            is_warm = part in self._warm
            connection.execute(
                "UPDATE jobs SET state = 'running', worker = ?, started_at = ?, updated_at = ?, is_warm = ? "
                "WHERE id = ?",
                (self._instance, now, now, is_warm, job_id),
            )
            connection.execute("UPDATE counters SET value = max(value, ?) WHERE name = 'turn'", (turn,))
            if not is_warm:
                self._warm.append(part)
                connection.execute(
                    "UPDATE worker SET warm = ? WHERE instance = ?", (json.dumps(self._warm), self._instance)
                )
        return Claim(id=job_id, job=job, is_warm=is_warm)

    def forget_warmth(self) -> None:
        """Tell that everything was unloaded."""
        self._warm.clear()
        with self._database.writing(durable=False) as connection:
            connection.execute("UPDATE worker SET warm = '[]' WHERE instance = ?", (self._instance,))

    def standing(self, job_id: int) -> Standing:
        """Whether to go on with a job; read between any two steps."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT cancel_requested FROM jobs WHERE id = ? AND worker = ? AND state = 'running'",
                (job_id, self._instance),
            ).fetchone()
        if row is None:
            return "lost"
        return "cancel" if row[0] else "go on"

    def report(self, job_id: int, reading: Reading) -> None:
        """Write how far a job is, and what was learned about times."""
        with self._database.writing(durable=False) as connection:
            self._write(connection, job_id, reading)

    def end(self, job_id: int, outcome: Outcome, reading: Reading, failure: Failure | None = None) -> None:
        """Write what became of a job, for good."""
        with self._database.writing(durable=True) as connection:
            self._write(connection, job_id, reading)
            now = self._database.clock()
            connection.execute(
                "UPDATE jobs SET state = ?, finished_at = ?, failure = ?, message = ?, "
                "share = CASE ?1 WHEN 'done' THEN 1.0 ELSE share END WHERE id = ? AND worker = ? AND state = 'running'",
                (
                    outcome,
                    now,
                    failure.kind if failure else None,
                    failure.message if failure else "",
                    job_id,
                    self._instance,
                ),
            )
            forget_old(connection, now)

    def give_back(self) -> None:
        """Let the job that runs wait again, in its old place."""
        with self._database.writing(durable=True) as connection:
            requeue(connection, self._instance, self._database.clock())

    def _write(self, connection: sqlite3.Connection, job_id: int, reading: Reading) -> None:
        progress = reading.progress
        values: dict[str, object] = {
            "updated_at": self._database.clock(),
            "elapsed": reading.elapsed_seconds,
            "start_seconds": reading.start_seconds,
        }
        if progress is not None:
            values |= {
                "done": progress.done,
                "total": progress.total,
                "step": progress.step,
                "num_steps": progress.num_steps,
                "share": progress.share,
                "row": one_line(progress.row, max_characters=MAX_WORDS_CHARACTERS),
                "doing": one_line(progress.doing, max_characters=MAX_WORDS_CHARACTERS),
            }
        mine = "id = ? AND worker = ? AND state = 'running'"
        if reading.made:
            found = connection.execute(
                f"SELECT made FROM jobs WHERE {mine}", (job_id, self._instance)
            ).fetchone()
            if found is not None:
                values["made"] = json.dumps([*json.loads(found[0]), *reading.made])
        assignments = ", ".join(f"{column} = ?" for column in values)
        connection.execute(
            f"UPDATE jobs SET {assignments} WHERE {mine}", (*values.values(), job_id, self._instance)
        )
        keep_samples(connection, reading.samples)
