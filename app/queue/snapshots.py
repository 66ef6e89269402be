"""What a page sees of the queue: frozen values, cheap enough for many tabs to poll several times a second.

The rows are read again only when the file has changed; what moves with the clock is added on each call.
Times are seconds; points in time are seconds since 1970.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from app.queue.database import Database
from app.queue.failures import QueueError
from app.queue.jobs import Job, Workload, read_job
from app.queue.paces import Expectation, Sample, expectation, read_samples, seconds_left, slowness

State = Literal["waiting", "running", "stopping", "done", "cancelled", "failed"]
SILENT_SECONDS = 20.0  # without a beat, a worker counts as not answering
BEAT_SECONDS = 1.0  # how often it beats


@dataclass(frozen=True, kw_only=True)
class JobStatus:
    """One job as it stands. `job` is None if another version of the studio wrote it and it cannot be read.

    `position` counts the waiting jobs from 1, in the order in which they will be done. `seconds_left` are those of
    work, for a waiting job all of it, and `starts_in_seconds` come before; None for a job that is over. `message`
    tells a person why it failed. `made` are files relative to the story's folder.
    """

    id: int
    story_id: str
    kind: str
    title: str
    job: Job | None
    state: State
    position: int | None
    share: float
    elapsed_seconds: float
    seconds_left: float | None
    starts_in_seconds: float | None
    expected: Expectation | None
    doing: str
    row: str
    done: int
    total: int
    step: int
    num_steps: int
    made: tuple[str, ...]
    failure: str | None
    message: str
    attempts: int
    enqueued_at: float
    started_at: float | None
    finished_at: float | None

    @property
    def is_active(self) -> bool:
        """Whether it is still to be done, at least in part."""
        return self.state in ("waiting", "running", "stopping")

    @property
    def can_retry(self) -> bool:
        return self.state in ("failed", "cancelled") and self.job is not None


@dataclass(frozen=True, kw_only=True)
class WorkerStatus:
    """The newest worker. `is_alive`: it was started, has not ended, and answers."""

    instance: str
    pid: int
    is_alive: bool
    silent_seconds: float
    beats: int
    message: str


@dataclass(frozen=True, kw_only=True)
class QueueSnapshot:
    """Running jobs, then waiting ones in their order, then finished ones, the newest first.

    `version` changes whenever anything does but the clock and the worker's beats; a page that holds the same one may
    skip its update.
    `notice` is something everybody should be told, such as a damaged file that was put aside.
    """

    version: tuple[int, int]
    jobs: tuple[JobStatus, ...]
    worker: WorkerStatus | None
    notice: str = ""

    def of_story(self, story_id: str) -> tuple[JobStatus, ...]:
        return tuple(status for status in self.jobs if status.story_id == story_id)

    def of_job(self, job_id: int) -> JobStatus | None:
        return next((status for status in self.jobs if status.id == job_id), None)

    @property
    def num_waiting(self) -> int:
        return sum(status.state == "waiting" for status in self.jobs)


@dataclass(frozen=True, kw_only=True)
class JobRow:
    """The columns of the table that snapshots are made of."""

    id: int
    story_id: str
    kind: str
    job: str
    state: Literal["waiting", "running", "done", "cancelled", "failed"]
    turn: int
    seq: int
    attempts: int
    cancel_requested: int
    enqueued_at: float
    started_at: float | None
    updated_at: float | None
    finished_at: float | None
    elapsed: float
    start_seconds: float | None
    is_warm: int
    done: int
    total: int
    step: int
    num_steps: int
    share: float
    row: str
    doing: str
    made: str
    failure: str | None
    message: str


@dataclass(frozen=True, kw_only=True)
class WorkerRow:
    instance: str
    pid: int
    beat_at: float
    beats: int
    warm: str
    ended_at: float | None
    message: str


@dataclass(frozen=True, kw_only=True)
class Table:
    """One state of the file."""

    version: tuple[int, int]
    rows: tuple[JobRow, ...]
    worker: WorkerRow | None
    samples: tuple[Sample, ...]
    notice: str = ""
    _expected: dict[tuple[Workload, bool], Expectation] = field(
        default_factory=dict, compare=False, repr=False
    )

    def expectation(self, workload: Workload, *, is_warm: bool) -> Expectation:
        """How long `workload` will take, worked out once."""
        known = self._expected.get((workload, is_warm))
        if known is None:
            known = expectation(workload, self.samples, is_warm=is_warm)
            self._expected[workload, is_warm] = known
        return known

    @functools.cached_property
    def statuses(self) -> tuple[JobStatus, ...]:
        """Of all jobs, but for the times that pass; worked out once."""
        return tuple(_lasting_statuses(self))

    @property
    def warm_parts(self) -> set[str]:
        """What the worker has loaded, as far as it is alive."""
        worker = self.worker
        return set(_names(worker.warm)) if worker and worker.ended_at is None else set()


_JOB_COLUMNS = ", ".join(column.name for column in dataclasses.fields(JobRow))
_WORKER_COLUMNS = ", ".join(column.name for column in dataclasses.fields(WorkerRow))
_ORDER = "CASE state WHEN 'running' THEN 0 WHEN 'waiting' THEN 1 ELSE 2 END"


class SnapshotReader:
    """Reads snapshots of a database, and remembers what has not changed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: tuple[tuple[int, int], Table] | None = None  # the file's changes when it was read

    def read(self) -> QueueSnapshot:
        """The queue as it stands. Raises QueueError."""
        return snapshot_of(self.table(), now=self._database.clock())

    def table(self) -> Table:
        changes, known = self._database.version, self._known
        if known is not None and known[0] == changes:
            return known[1]
        with self._database.reading() as connection:
            # The number of changes is from before: what came in between is read twice, never missed.
            table = _read_table(connection, changes, self._database.notice)
        if known is not None and _is_but_a_beat_later(known[1], table):
            table = dataclasses.replace(known[1], worker=table.worker)
        self._known = changes, table
        return table


def snapshot_of(table: Table, *, now: float) -> QueueSnapshot:
    """What `table` means at the time `now`."""
    worker = _worker_status(table.worker, now) if table.worker else None
    return QueueSnapshot(
        version=table.version, jobs=tuple(_statuses(table, now)), worker=worker, notice=table.notice
    )


def _is_but_a_beat_later(before: Table, after: Table) -> bool:
    """Whether nothing happened in between but that the worker told that it is alive."""
    if before.worker is None or after.worker is None:
        return False
    silenced = dataclasses.replace(after.worker, beat_at=before.worker.beat_at, beats=before.worker.beats)
    return dataclasses.replace(after, worker=silenced, version=before.version) == before


def _read_table(connection: sqlite3.Connection, version: tuple[int, int], notice: str) -> Table:
    rows = connection.execute(
        f"SELECT {_JOB_COLUMNS} FROM jobs ORDER BY {_ORDER}, "
        "CASE state WHEN 'waiting' THEN turn END, CASE state WHEN 'waiting' THEN seq END, finished_at DESC, id DESC"
    )
    found = tuple(JobRow(**_named(rows, values)) for values in rows)
    workers = connection.execute(f"SELECT {_WORKER_COLUMNS} FROM worker")
    worker = next((WorkerRow(**_named(workers, values)) for values in workers), None)
    return Table(version=version, rows=found, worker=worker, samples=read_samples(connection), notice=notice)


def _named(cursor: sqlite3.Cursor, values: tuple) -> dict:
    return {column[0]: value for column, value in zip(cursor.description, values, strict=True)}


def _statuses(table: Table, now: float) -> Iterator[JobStatus]:
    """One by one in their order: when a job starts follows from those before it.

    A machine on which the running job is slower than measured before is slow for the waiting ones too.
    """
    until_start, factor = 0.0, 1.0
    for row, status in zip(table.rows, table.statuses, strict=True):
        if status.expected is None:
            yield status
            continue
        elapsed, expected, starts_in = _elapsed(row, table.worker, now), status.expected, until_start
        left = expected.seconds * (1.0 if expected.basis == "guess" else factor)
        if row.state == "running":
            so_far, num_steps = (elapsed, row.start_seconds, row.share, expected), _num_steps(row, status.job)
            left, starts_in = seconds_left(*so_far, num_steps=num_steps), 0.0
            if expected.basis != "guess":
                factor = slowness(*so_far, num_steps=num_steps)
        until_start += left
        yield dataclasses.replace(
            status, elapsed_seconds=elapsed, seconds_left=left, starts_in_seconds=starts_in
        )


def _num_steps(row: JobRow, job: Job | None) -> int:
    """Of the whole job, those of its start left out; a unit that tells no steps counts as two."""
    load = job.workload if job else Workload(part="")
    return (row.total or len(load.amounts)) * max(2, load.steps)


def _lasting_statuses(table: Table) -> Iterator[JobStatus]:
    """As far as they do not depend on the clock: no times that pass."""
    warm, position = table.warm_parts, 0
    for row in table.rows:
        position += row.state == "waiting"
        job, expected = _readable(row.job), None
        if job is not None and row.state in ("waiting", "running"):
            part = job.workload.part
            is_warm = bool(row.is_warm) if row.state == "running" else part in warm
            expected = table.expectation(job.workload, is_warm=is_warm)
            warm.add(part)
        yield _lasting_status(row, job, expected, position if row.state == "waiting" else None)


def _lasting_status(
    row: JobRow, job: Job | None, expected: Expectation | None, position: int | None
) -> JobStatus:
    state: State = "stopping" if row.state == "running" and row.cancel_requested else row.state
    return JobStatus(
        id=row.id,
        story_id=row.story_id,
        kind=row.kind,
        title=job.title if job else row.kind,
        job=job,
        state=state,
        position=position,
        share=row.share,
        elapsed_seconds=row.elapsed,
        seconds_left=None,
        starts_in_seconds=None,
        expected=expected,
        doing=row.doing,
        row=row.row,
        done=row.done,
        total=row.total,
        step=row.step,
        num_steps=row.num_steps,
        made=_names(row.made),
        failure=row.failure,
        message=row.message,
        attempts=row.attempts,
        enqueued_at=row.enqueued_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def _elapsed(row: JobRow, worker: WorkerRow | None, now: float) -> float:
    """Goes on between two reports, but not past the end of a worker that nobody has noticed yet."""
    if row.state != "running" or row.updated_at is None:
        return row.elapsed
    last_sign = max(row.updated_at, worker.beat_at if worker else 0.0)
    return row.elapsed + max(0.0, min(now, last_sign + 3 * BEAT_SECONDS) - row.updated_at)


def _worker_status(row: WorkerRow, now: float) -> WorkerStatus:
    silent = max(0.0, now - row.beat_at)
    return WorkerStatus(
        instance=row.instance,
        pid=row.pid,
        is_alive=row.ended_at is None and silent < SILENT_SECONDS,
        silent_seconds=silent,
        beats=row.beats,
        message=row.message,
    )


def _names(text: str) -> tuple[str, ...]:
    """The list in JSON `text`; an empty one if it is damaged."""
    try:
        return tuple(map(str, json.loads(text)))
    except (ValueError, TypeError):
        return ()


def _readable(text: str) -> Job | None:
    try:
        return read_job(text)
    except QueueError:
        return None
