"""The worker: a process that owns the device and does the queue's jobs, one after another.

    python -m app.queue.worker --queue FILE --device-lock FILE --work package.module:factory

It needs no server. It ends when the queue is empty and no server is there, so that work that was asked for is done
even if the studio dies; a server that comes back meanwhile finds it and leaves it running. On SIGTERM it ends after
the step that is running, and the job waits again for the next worker. Exit statuses: `failures.Exit`.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import os
import secrets
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Literal

from app.queue.claims import Claim, Claims, Standing
from app.queue.database import Database
from app.queue.failures import Exit, Failure, QueueError, failure_of, needs_new_process
from app.queue.locks import DeviceLock, Holder, anyone_present
from app.queue.progress import Meter, Progress
from app.queue.snapshots import BEAT_SECONDS
from app.queue.work import Work, load_work
from moviedreamer_core.errors import MovieDreamerError

REPORT_SECONDS, REPORT_MADE_SECONDS = 0.25, 0.1  # between two rows of progress; when something is finished
POLL_SECONDS = 0.1  # between two looks at an empty queue
DEVICE_WAIT_SECONDS = 5.0  # for the worker before to be gone
RECORD_ATTEMPTS, RECORD_PAUSE_SECONDS = 60, 1.0  # to write what became of a job, when the disk refuses

JOB_MARK = "begins job"  # in the log: what was said before has nothing to do with this job

_Ending = Literal["done", "cancelled", "stopped", "lost"]


class StopRequest:
    """Whether this process is to end after the step that is running. A plain flag: signal handlers must not lock."""

    def __init__(self) -> None:
        self.is_made = False

    def make(self, *_: object) -> None:
        self.is_made = True

    def __call__(self) -> bool:
        return self.is_made


class Worker:
    """Does the jobs of one queue, in the thread that calls `run`."""

    def __init__(self, work: Work, claims: Claims, servers: Path, stopping: Callable[[], bool]) -> None:
        self._work = work
        self._claims = claims
        self._servers = servers
        self._stopping = stopping
        self._out_of_memory_in_a_row = 0

    def run(self) -> Exit:
        """Work until there is nothing left to do and nobody to wait for. Raises QueueError."""
        look_at = 0.0
        while not self._stopping():
            claim = self._claims.take()
            if claim is not None:
                if not self._do(claim):
                    return Exit.DEVICE_LOST
                continue
            if time.monotonic() >= look_at:
                if not anyone_present(self._servers):
                    return Exit.DONE
                look_at = time.monotonic() + BEAT_SECONDS
            time.sleep(POLL_SECONDS)
        return Exit.DONE

    def _do(self, claim: Claim) -> bool:
        """Do one job and record what became of it; whether this process can do another."""
        _say(f"{JOB_MARK} {claim.id}: {claim.job.kind} for {claim.job.story_id}")
        meter = Meter(claim.job.workload, is_warm=claim.is_warm)
        try:
            with contextlib.closing(self._work(claim.job)) as events:
                ending = self._follow(events, claim, meter)
        except (Exception, SystemExit) as error:
            traceback.print_exc(file=sys.stderr)
            failure = failure_of(error, lighter=claim.job.lighter)
            if (
                failure.kind == "input" and self._standing(claim) == "cancel"
            ):  # such as a story that was deleted
                self._record(claim, "cancelled", meter)
                return True
        else:
            self._out_of_memory_in_a_row = 0
            self._record(claim, ending, meter)
            return True
        self._recorded(lambda: self._claims.end(claim.id, "failed", meter.read(), failure))
        return self._recovers_from(failure)

    def _follow(self, events: Generator[Progress, None, None], claim: Claim, meter: Meter) -> _Ending:
        reported_at, is_finished = -REPORT_SECONDS, False
        for event in events:
            meter.note(event)
            if event.done == event.total > 0 and not is_finished:
                is_finished = True  # all of it is on the disk: a job that stopped here would be done again
                continue
            standing = self._standing(claim)
            if standing != "go on":
                return "cancelled" if standing == "cancel" else "lost"
            if self._stopping():
                return "stopped"
            pause = REPORT_SECONDS if not event.made else REPORT_MADE_SECONDS
            if meter.elapsed_seconds - reported_at >= pause:
                reported_at = meter.elapsed_seconds
                try:
                    self._claims.report(claim.id, meter.read())
                    meter.told()
                except QueueError as error:  # a full disk hides the progress; the work itself may still go on
                    _say(f"progress not recorded: {error}")
        return "done"

    def _standing(self, claim: Claim) -> Standing:
        try:
            return self._claims.standing(claim.id)
        except QueueError as error:  # whatever it is, the work did not cause it
            _say(f"the job's standing cannot be read: {error}")
            return "go on"

    def _record(self, claim: Claim, ending: _Ending, meter: Meter) -> None:
        if ending == "stopped":
            self._recorded(self._claims.give_back)
        elif ending != "lost":
            self._recorded(lambda: self._claims.end(claim.id, ending, meter.read()))

    def _recorded(self, write: Callable[[], None]) -> None:
        """Call `write` until the disk takes it. Raises QueueError when it does not for a minute."""
        for _ in range(RECORD_ATTEMPTS):
            try:
                write()
            except QueueError as error:
                _say(f"not recorded yet: {error}")
                time.sleep(RECORD_PAUSE_SECONDS)
            else:
                return
        write()

    def _recovers_from(self, failure: Failure) -> bool:
        if needs_new_process(failure, earlier_in_a_row=self._out_of_memory_in_a_row):
            return False
        self._out_of_memory_in_a_row = 0
        if failure.kind != "device memory":
            return True
        self._out_of_memory_in_a_row = 1
        try:
            self._work.release()
            gc.collect()
            if (torch := sys.modules.get("torch")) is not None and torch.cuda.is_available():
                torch.cuda.empty_cache()
            self._claims.forget_warmth()
        except QueueError:
            raise
        except Exception:  # what cannot even be given back belongs to a device that is lost
            traceback.print_exc(file=sys.stderr)
            return False
        return True


@contextlib.contextmanager
def beating(claims: Claims) -> Generator[None, None, None]:
    """In the block, a thread tells every `BEAT_SECONDS` that this process is alive."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(BEAT_SECONDS):
            try:
                claims.beat()
            except MovieDreamerError as error:
                _say(f"no beat: {error}")

    thread = threading.Thread(target=beat, name="beat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def servers_file(queue: Path) -> Path:
    """The file that every server of `queue` holds a shared lock on."""
    return queue.with_name(queue.name + ".servers")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a worker; its exit status."""
    options = _options(arguments)
    stopping = StopRequest()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stopping.make)
    _be_the_first_to_go()
    lock = DeviceLock(options.device_lock)
    holder = Holder(pid=os.getpid(), instance=options.instance, queue=str(options.queue.resolve()))
    try:
        if not lock.acquire(holder, wait_seconds=DEVICE_WAIT_SECONDS, give_up=stopping):
            return Exit.DEVICE_TAKEN
        return _work_through(options, stopping)
    except MovieDreamerError as error:
        _say(str(error))
        return Exit.NO_QUEUE
    finally:
        lock.release()


def _work_through(options: argparse.Namespace, stopping: StopRequest) -> Exit:
    """Only for who owns the device."""
    database = Database(options.queue)
    claims = Claims(database, instance=options.instance, pid=os.getpid())
    claims.begin()
    try:
        work = load_work(options.work, options.work_options)
    except QueueError as error:
        traceback.print_exc(file=sys.stderr)
        claims.finish(str(error))
        return Exit.NO_WORK
    with beating(claims):
        status = Worker(work, claims, servers_file(options.queue), stopping).run()
    claims.finish()
    database.close()
    return status


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m app.queue.worker", description="Does the queue's jobs.")
    parser.add_argument("--queue", type=Path, required=True, metavar="FILE", help="the queue's database")
    parser.add_argument(
        "--device-lock", type=Path, required=True, metavar="FILE", help="its lock owns the device"
    )
    parser.add_argument("--work", required=True, metavar="MODULE:FACTORY", help="makes what does the work")
    parser.add_argument(
        "--work-options", type=_mapping, default={}, metavar="JSON", help="keyword arguments of the factory"
    )
    parser.add_argument("--instance", default=secrets.token_hex(8), help="the name it goes by in the queue")
    return parser.parse_args(arguments)


def _mapping(text: str) -> dict[str, object]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError("must be a JSON object")
    return value


def _be_the_first_to_go() -> None:
    """When memory runs out, let the system end this process rather than the server, which can start another."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")


def _say(text: str) -> None:
    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {' '.join(text.split())}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    ending = main()
    if ending == Exit.DEVICE_LOST:  # what libraries do at the end of a process may crash on such a device
        sys.stderr.flush()
        os._exit(ending)
    sys.exit(ending)
