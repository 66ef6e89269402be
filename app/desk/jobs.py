"""The queue as a page shows it: what runs, what waits, what failed, what is done; and costs, told before the act.

Everything comes from the queue's file, so that a page that is opened anew shows the same. Times are seconds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.desk.job_names import job_name, row_numbers as row_numbers
from app.queue.jobs import Job
from app.queue.settings import counted as counted
from app.queue.snapshots import JobStatus, QueueSnapshot, State
from moviedreamer_core.errors import MovieDreamerError
from moviedreamer_core.workspace import Draft
from moviedreamer_core.workspace.layout import DECISIONS_FILE, EXPORTS

if TYPE_CHECKING:
    from app.desk.desk import Desk

NUM_FINISHED = 12  # lines of jobs that are over
FINISHED_SECONDS = 24 * 3600.0  # how long they count as lately
SEEN_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What an act takes: `num_shots` shots in `seconds` of work. `is_guess`: nothing like it was done here before."""

    num_shots: int
    seconds: float
    is_guess: bool = False

    @property
    def about(self) -> str:
        """`about 40 s`."""
        return about(self.seconds)


@dataclass(frozen=True, kw_only=True)
class JobLine:
    """One job. `doing` says in words what it does or did; `message` why it failed."""

    id: int
    story_id: str
    story_title: str
    title: str
    state: State
    share: float
    doing: str
    elapsed_seconds: float
    seconds_left: float | None
    starts_in_seconds: float | None
    message: str
    can_retry: bool
    finished_at: float | None

    @property
    def is_active(self) -> bool:
        return self.state in ("waiting", "running", "stopping")


@dataclass(frozen=True, kw_only=True)
class JobPanel:
    """`running` has at most one line; `waiting` is in the order in which it will be done; `notice` is for all."""

    running: tuple[JobLine, ...] = ()
    waiting: tuple[JobLine, ...] = ()
    failed: tuple[JobLine, ...] = ()
    done: tuple[JobLine, ...] = ()
    notice: str = ""


class Jobs:
    """What a page may ask of the queue."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def enqueue(self, job: Job) -> int:
        """Queue `job`; its id. Raises QueueError."""
        return self._desk.queue.enqueue(job)

    def cost(self, job: Job) -> Cost:
        """What `job` would take if it were done now."""
        expected = self._desk.queue.expected(job)
        return Cost(num_shots=len(job.rows), seconds=expected.seconds, is_guess=expected.basis in ("guess",))

    def panel(self) -> JobPanel:
        """Everything that the panel shows. Raises QueueError."""
        snapshot = self._desk.queue.snapshot()
        shown = [status for status in snapshot.jobs if _is_shown(status)]
        drafts = {story_id: self._draft(story_id) for story_id in {status.story_id for status in shown}}
        lines = [_line(status, drafts[status.story_id]) for status in shown]
        return JobPanel(
            running=tuple(line for line in lines if line.state in ("running", "stopping")),
            waiting=tuple(line for line in lines if line.state == "waiting"),
            failed=tuple(line for line in lines if line.state == "failed")[:NUM_FINISHED],
            done=tuple(line for line in lines if line.state in ("done", "cancelled"))[:NUM_FINISHED],
            notice=_notice(snapshot),
        )

    def line(self, job_id: int) -> JobLine:
        """One job. Raises QueueError if it is no longer known."""
        status = self._desk.queue.status(job_id)
        return _line(status, self._draft(status.story_id))

    def active(self, story_id: str) -> tuple[JobStatus, ...]:
        """What runs or waits for a story, in its order."""
        return tuple(one for one in self._desk.queue.snapshot().of_story(story_id) if one.is_active)

    def version(self) -> tuple[int, int]:
        """Differs from before whenever anything in the queue does but the worker's beats."""
        return self._desk.queue.snapshot().version

    def stamp(self, story_id: str) -> str:
        """Differs from before whenever a person changed the script or a decision. Raises StoryGoneError."""
        folder = self._desk.stories.get(story_id)
        try:
            decided = (folder.path / DECISIONS_FILE).stat().st_mtime_ns
        except OSError:
            decided = 0
        return f"{folder.script.head().number}-{decided}"

    def seen(self, story_id: str) -> str:
        """Differs from before whenever what a page shows of a story may, and every SEEN_SECONDS, for "3 min ago".

        Raises StoryGoneError, QueueError.
        """
        exports = self._desk.stories.get(story_id).path / EXPORTS
        try:
            exported = exports.stat().st_mtime_ns
        except OSError:
            exported = 0
        return f"{self.version()} {self.stamp(story_id)} {exported} {time.time() // SEEN_SECONDS:.0f}"

    def cancel(self, job_id: int) -> str:
        """Call a job off; what it is after that: "stopping" until the step in hand is over. Raises QueueError."""
        return self._desk.queue.cancel(job_id)

    def retry(self, job_id: int) -> None:
        """Queue a failed or cancelled job again; it goes on from what is there. Raises QueueError."""
        self._desk.queue.retry(job_id)

    def clear_finished(self) -> int:
        """Forget the jobs that are over; what they made stays."""
        return self._desk.queue.clear_finished()

    def _draft(self, story_id: str) -> Draft | None:
        """The script as it is now; None of a story that is not there any more."""
        try:
            return self._desk.stories.get(story_id).script.head().draft
        except MovieDreamerError:
            return None


def _line(status: JobStatus, draft: Draft | None) -> JobLine:
    return JobLine(
        id=status.id,
        story_id=status.story_id,
        story_title="a story that is not there any more" if draft is None else draft.title or "Untitled",
        title=job_name(status.job, draft) if status.job else status.title,
        state=status.state,
        share=1.0 if status.state == "done" else status.share,
        doing=_doing(status),
        elapsed_seconds=status.elapsed_seconds,
        seconds_left=status.seconds_left,
        starts_in_seconds=status.starts_in_seconds,
        message=status.message,
        can_retry=status.can_retry,
        finished_at=status.finished_at,
    )


def about(seconds: float) -> str:
    """`about 40 s`, `about 3 min`; coarser the longer it is, so that a line does not flicker."""
    return f"about {duration(seconds)}"


def duration(seconds: float) -> str:
    """`7 s`, `40 s`, `3 min`, `2 h 10 min`."""
    if seconds < 10:
        return f"{max(1, round(seconds))} s"
    if seconds < 57.5:
        return f"{round(seconds / 5) * 5} s"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02} min"


def _is_shown(status: JobStatus) -> bool:
    if status.is_active:
        return True
    return status.finished_at is None or status.finished_at > time.time() - FINISHED_SECONDS


def _doing(status: JobStatus) -> str:
    if status.state == "stopping":
        return "stopping after this step"
    if status.state == "cancelled":
        return "cancelled; what was finished is kept"
    counts = f"{status.done} of {status.total} done" if status.is_active and status.total > 1 else ""
    return ", ".join(filter(None, [status.doing, counts if status.state == "running" else ""]))


def _notice(snapshot: QueueSnapshot) -> str:
    worker = snapshot.worker
    if snapshot.notice or worker is None or worker.is_alive:
        return snapshot.notice
    return worker.message if any(status.is_active for status in snapshot.jobs) else ""
