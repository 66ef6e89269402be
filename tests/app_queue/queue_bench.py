"""A queue in a folder, and supervisors that look after its worker. Without pytest: servers of their own use it too."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from app.queue.jobs import Drawing, DrawMissing
from app.queue.locks import device_is_free
from app.queue.processes import WorkerCommand
from app.queue.snapshots import JobStatus
from app.queue.store import JobStore, open_store
from app.queue.supervisor import Supervisor

PATIENCE_SECONDS = 120  # only a broken test waits so long
HERE = Path(__file__).resolve().parent


def until(condition: Callable[[], object], *, of: str = "") -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {of or condition}"
        time.sleep(0.005)


def draw(story_id: str, *rows: str, steps: int = 2) -> DrawMissing:
    return DrawMissing(
        story_id=story_id, keyframes=rows or ("row",), drawing=Drawing(steps=steps, width=224, height=128)
    )


@dataclass
class Bench:
    """One queue, the folder that its fake work writes to, and every supervisor that a test started."""

    folder: Path
    supervisors: list[Supervisor] = field(default_factory=list)
    stores: list[JobStore] = field(default_factory=list)

    @property
    def queue(self) -> Path:
        return self.folder / "queue.sqlite"

    @property
    def store(self) -> JobStore:
        if not self.stores:
            self.new_store()
        return self.stores[0]

    def new_store(self) -> JobStore:
        self.stores.append(open_store(self.queue))
        return self.stores[-1]

    def command(self, *, work: str = "fake_work:make", step_seconds: float = 0.002) -> WorkerCommand:
        options = {"folder": str(self.folder), "step_seconds": step_seconds} if work.endswith("make") else {}
        return WorkerCommand(
            queue=self.queue,
            device_lock=self.folder / "device.lock",
            work=work,
            options=options,
            environment={"PYTHONPATH": str(HERE), "OMP_NUM_THREADS": "1"},
        )

    def supervise(self, command: WorkerCommand | None = None, **settings: float) -> Supervisor:
        settings = {"first_pause_seconds": 0.01, "longest_pause_seconds": 0.05, **settings}
        supervisor = Supervisor(self.new_store(), command or self.command(), **settings)
        self.supervisors.append(supervisor)
        supervisor.start()
        return supervisor

    def status(self, job_id: int) -> JobStatus:
        return self.store.status(job_id)

    def wait_for(self, job_id: int, *states: str) -> JobStatus:
        until(lambda: self.status(job_id).state in states, of=f"job {job_id} {states}")
        return self.status(job_id)

    def wait_until_idle(self) -> None:
        """Patience is for each job: how long all of them take says nothing."""
        for job in self.store.snapshot().jobs:
            if job.is_active:
                self.wait_for(job.id, "done", "cancelled", "failed")

    def wait_for_beats(self) -> int:
        """Its process number, once there is a worker that answers."""
        until(lambda: (worker := self.store.snapshot().worker) is not None and worker.is_alive)
        worker = self.store.snapshot().worker
        assert worker is not None
        return worker.pid

    @property
    def device_is_free(self) -> bool:
        return device_is_free(self.folder / "device.lock")

    def close(self) -> None:
        for supervisor in self.supervisors:
            supervisor.close("stop", seconds=2.0)
        for store in self.stores:
            store.close()


def is_alive(pid: int) -> bool:
    """Whether there is such a process; one that is dead and not yet reaped does not count."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return not Path("/proc").is_dir()
