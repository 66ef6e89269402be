"""Looks after the worker: starts it, notices at once when it ends, records why, starts it again.

A worker that an earlier server left running is not joined by a second one: it is watched until it ends. After a
worker that ended badly the next one is started later each time, until one of them gets a job done.
"""

from __future__ import annotations

import contextlib
import threading
import time
import traceback
from dataclasses import dataclass
from typing import Literal

from app.queue.failures import SILENT, Exit, Failure
from app.queue.locks import Holder, anyone_present, device_holder, device_is_free, present
from app.queue.processes import FoundWorker, StartedWorker, WorkerCommand
from app.queue.store import JobStore
from app.queue.worker import servers_file
from moviedreamer_core.errors import MovieDreamerError

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.25, 30.0  # before a worker is started again
ENOUGH_SECONDS = 60.0  # a worker that lived so long was not broken from the start
LOOK_SECONDS = 0.2  # between two looks at what else there is to do
SILENCE_SECONDS = 180.0  # without a beat before it is ended; a step may keep the interpreter to itself
SECONDS_TO_DIE = 10.0  # for a process that was killed; the system takes that long to free much memory

Phase = Literal["starting", "running", "found", "taken", "pausing", "stopped"]


@dataclass(frozen=True, kw_only=True)
class Supervision:
    """What the supervisor does just now. `message` is for a person, "" while all is well.

    running: a worker that it started; found: one that was there already; taken: a worker of another queue has the
    device; pausing: the next worker is started in a while.
    """

    phase: Phase
    pid: int | None = None
    message: str = ""
    num_starts: int = 0


class Supervisor:
    """Keeps a worker at work from `start` to `close`, each of which is called once."""

    def __init__(
        self,
        store: JobStore,
        command: WorkerCommand,
        *,
        first_pause_seconds: float = FIRST_PAUSE_SECONDS,
        longest_pause_seconds: float = LONGEST_PAUSE_SECONDS,
        silence_seconds: float = SILENCE_SECONDS,
    ) -> None:
        self._store = store
        self._command = command
        self._servers_file = servers_file(command.queue)
        self._first_pause, self._longest_pause = first_pause_seconds, longest_pause_seconds
        self._silence_seconds = silence_seconds
        self._lock = threading.Lock()
        self._state = Supervision(phase="starting")
        self._worker: StartedWorker | FoundWorker | None = None
        self._verdict: Failure | None = None  # why the worker was ended from here
        self._left: StartedWorker | FoundWorker | None = None  # runs on when this server goes
        self._num_bad_lives = 0
        self._closing = threading.Event()
        self._ending: Literal["drain", "stop"] = "drain"
        self._patience_seconds = 0.0
        self._presence = contextlib.ExitStack()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    @property
    def state(self) -> Supervision:
        with self._lock:
            return self._state

    def start(self) -> None:
        """Begin, with a worker that is there already or with a new one. Raises OutputError."""
        self._presence.enter_context(present(self._servers_file))
        self._thread.start()

    def close(self, worker: Literal["drain", "stop"] = "stop", *, seconds: float = 10.0) -> None:
        """Stop supervising.

        "drain" lets the worker finish the queue and end by itself. "stop" ends it after the step that is running, or by
        force after `seconds`; its job waits for the next start. A worker that another server uses is left to it.
        """
        self._ending, self._patience_seconds = worker, seconds
        self._presence.close()
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    # --- in the thread

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                pause = self._one_life()
            except Exception as error:  # whatever it is: without this thread no job is ever done
                if not isinstance(error, (MovieDreamerError, OSError)):
                    traceback.print_exc()
                pause = self._longer_pause()
                message = f"the worker does not run: {error}"
                self._show("pausing", message=f"{' '.join(message.split())} (tried again in {pause:.0f} s)")
            self._closing.wait(pause)
        try:
            self._leave()
        except MovieDreamerError:
            traceback.print_exc()
        self._show("stopped")

    def _one_life(self) -> float:
        """Watch one worker to its end; seconds to wait before the next. Raises MovieDreamerError, OSError."""
        device_lock = self._command.device_lock
        if not device_is_free(device_lock):
            holder = device_holder(device_lock)
            if holder is None:  # it has only just got it
                return LOOK_SECONDS
            if not self._is_ours(holder):
                message = (
                    f"another studio (process {holder.pid}) uses the device; jobs wait until it is closed"
                )
                self._show("taken", pid=holder.pid, message=message)
                return LOOK_SECONDS
            found = FoundWorker(holder, device_lock)
            self._show("found", pid=found.pid)
            self._watch(found)
            return 0.0
        started = StartedWorker(self._command)
        began = time.monotonic()
        self._show("running", pid=started.pid, starts=1)
        if self._watch(started):
            return self._pause_after(started, time.monotonic() - began)
        return 0.0

    def _watch(self, worker: StartedWorker | FoundWorker) -> bool:
        """Return when it has ended, and that is recorded; or False if this server goes before it."""
        with self._lock:
            self._worker, self._verdict = worker, None
        try:
            beats, heard_at = None, time.monotonic()
            while not worker.wait(LOOK_SECONDS):
                if self._closing.is_set():
                    self._left = worker
                    return False
                if (newest := self._beats_of(worker)) != beats:
                    beats, heard_at = newest, time.monotonic()
                elif time.monotonic() - heard_at > self._silence_seconds:
                    self._end_worker(SILENT)
                    heard_at = time.monotonic()
            self._record_end(worker)
            return True
        finally:
            with self._lock:
                self._worker = None

    def _leave(self) -> None:
        """What becomes of the worker when the server goes. Raises MovieDreamerError."""
        if self._ending == "drain" or self._is_shared():
            return
        workers = [self._left] if self._left is not None else []
        holder = (
            None if device_is_free(self._command.device_lock) else device_holder(self._command.device_lock)
        )
        if (
            holder is not None
            and self._is_ours(holder)
            and holder.instance not in {w.instance for w in workers}
        ):
            workers.append(
                FoundWorker(holder, self._command.device_lock)
            )  # left to us by a server that went before
        for worker in workers:
            worker.terminate()
        for worker in workers:
            if not worker.wait(self._patience_seconds):
                worker.kill()
                worker.wait(SECONDS_TO_DIE)
            self._store.worker_closed(worker.instance)

    def _is_ours(self, holder: Holder) -> bool:
        return holder.queue == str(self._command.queue.resolve())

    def _record_end(self, worker: StartedWorker | FoundWorker) -> None:
        """Raises QueueError."""
        with self._lock:
            verdict = self._verdict
        if worker.status == Exit.DEVICE_TAKEN:
            return
        if verdict is None and worker.status is None and self._store.has_ended(worker.instance):
            return
        self._store.worker_died(worker.instance, verdict or worker.failure())

    def _pause_after(self, worker: StartedWorker, lived_seconds: float) -> float:
        if worker.status == Exit.DEVICE_TAKEN:
            return LOOK_SECONDS
        if worker.status == Exit.DONE or self._verdict is not None:
            return self._first_pause
        if lived_seconds > ENOUGH_SECONDS or self._store.num_completed_by(worker.instance):
            self._num_bad_lives = 0
        pause = self._longer_pause()
        self._show("pausing", message=f"{self._reason(worker)} (started again in {pause:.0f} s)")
        return pause

    def _longer_pause(self) -> float:
        self._num_bad_lives += 1
        return min(self._longest_pause, self._first_pause * 2.0 ** min(30, self._num_bad_lives - 1))

    def _reason(self, worker: StartedWorker) -> str:
        told = self._store.snapshot().worker
        if told is not None and told.instance == worker.instance and told.message:
            return told.message
        return "the device failed" if worker.status == Exit.DEVICE_LOST else worker.failure().message

    def _beats_of(self, worker: StartedWorker | FoundWorker) -> int | None:
        try:
            return self._store.beats_of(worker.instance)
        except MovieDreamerError:
            return None

    def _end_worker(self, verdict: Failure) -> None:
        with self._lock:
            worker = self._worker
            if worker is None:
                return
            self._verdict = verdict
        worker.kill()

    def _is_shared(self) -> bool:
        """Whether another server uses the worker. A worker that only looks for servers is seen for an instant."""
        for _ in range(5):
            if not anyone_present(self._servers_file):
                return False
            time.sleep(LOOK_SECONDS / 10)
        return True

    def _show(self, phase: Phase, *, pid: int | None = None, message: str = "", starts: int = 0) -> None:
        with self._lock:
            num_starts = self._state.num_starts + starts
            self._state = Supervision(phase=phase, pid=pid, message=message, num_starts=num_starts)
