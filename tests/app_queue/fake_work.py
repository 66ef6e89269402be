"""Work without models, for a real worker: steps that only take time, and misfortune on demand.

The name of a row says what becomes of it: "kill-1" dies by SIGKILL, "hold-1" waits for `let_go`; see `_MISFORTUNES`.
With "once" in it ("oom-once-1"), only the first time. A plain name is drawn.
Every step writes a line to the device's log when it begins and one when it ends; every finished row is a file.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from app.queue.jobs import Job
from app.queue.progress import Progress
from moviedreamer_core.errors import ImageError


class OutOfMemoryError(RuntimeError):
    """Looks like torch's own."""


OutOfMemoryError.__module__ = "torch"


def _stop_itself() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def _die_of(number: signal.Signals) -> None:
    """Also where whoever started the tests ignores it, as nohup does the hang-up."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _raise(error: BaseException) -> None:
    raise error


_MISFORTUNES = {
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "abort": os.abort,
    "exit": lambda: os._exit(3),
    "term": lambda: _die_of(signal.SIGHUP),
    "stopped": _stop_itself,
    "oom": lambda: _raise(OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")),
    "device": lambda: _raise(RuntimeError("CUDA error: an illegal memory access was encountered")),
    "memory": lambda: _raise(MemoryError()),
    "full": lambda: _raise(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))),
    "input": lambda: _raise(ImageError("mara.png: not an image; choose another")),
    "bug": lambda: _raise(ZeroDivisionError("division by zero")),
    "leave": lambda: sys.exit(0),
}


@dataclass(frozen=True)
class LogLine:
    """`what` is "begin" or "end" of a step, "release", or "child <pid>"."""

    what: str
    pid: int
    story: str = ""
    row: str = ""
    step: int = 0
    at: float = 0.0  # seconds of the system's monotonic clock, the same in all processes


class FakeWork:
    def __init__(self, folder: Path, step_seconds: float) -> None:
        self._folder = folder
        self._step_seconds = step_seconds
        self._log = os.open(folder / "device.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def __call__(self, job: Job) -> Generator[Progress, None, None]:
        rows = job.rows or (job.kind,)
        missing = [row for row in rows if not (self._folder / job.story_id / row).exists()]
        yield Progress(done=0, total=len(missing), doing="reading the story")
        for done, row in enumerate(missing):
            steps = job.workload.steps
            for step in range(1, steps + 1):
                self._step(job, row, step)
                yield Progress(
                    done=done, total=len(missing), step=step, num_steps=steps, row=row, doing=f"drawing {row}"
                )
            made = self._finish(job.story_id, row)
            yield Progress(done=done + 1, total=len(missing), row=row, doing=f"drawn {row}", made=(made,))

    def release(self) -> None:
        self._write(LogLine("release", os.getpid()))

    def _step(self, job: Job, row: str, step: int) -> None:
        self._write(LogLine("begin", os.getpid(), job.story_id, row, step, time.monotonic()))
        try:
            self._happens(job.story_id, row, step)
            time.sleep(self._step_seconds)
        finally:
            self._write(LogLine("end", os.getpid(), job.story_id, row, step, time.monotonic()))

    def _happens(self, story: str, row: str, step: int) -> None:
        what = row.split("-")[0]
        if what in _MISFORTUNES and self._is_due(story, row):
            _MISFORTUNES[what]()
        elif what == "hold":
            while not (self._folder / f"go-{row}").exists():
                time.sleep(0.002)
        elif what == "child" and step == 1:
            child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
            self._write(LogLine(f"child {child.pid}", os.getpid()))

    def _is_due(self, story: str, row: str) -> bool:
        if "once" not in row.split("-"):
            return True
        try:
            (self._folder / f"happened-{story}-{row}").touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def _finish(self, story: str, row: str) -> str:
        folder = self._folder / story
        folder.mkdir(exist_ok=True)
        temporary = folder / f".{os.getpid()}"
        temporary.write_text(f"{story}/{row}")
        os.replace(temporary, folder / row)
        return row

    def _write(self, line: LogLine) -> None:
        os.write(self._log, (json.dumps(vars(line)) + "\n").encode())


def make(folder: str, step_seconds: float = 0.002) -> FakeWork:
    return FakeWork(Path(folder), step_seconds)


def refuse(**_: object) -> FakeWork:
    raise ImageError("no weights at all; choose another folder")


# --- for the test that looks on -----------------------------------------------------------------------


def let_go(folder: Path, row: str) -> None:
    (folder / f"go-{row}").touch()


def device_log(folder: Path) -> list[LogLine]:
    try:
        text = (folder / "device.log").read_text()
    except FileNotFoundError:
        return []
    return [LogLine(**json.loads(line)) for line in text.splitlines()]


def overlaps(lines: list[LogLine]) -> list[LogLine]:
    """What two processes, or one, did on the device at the same time: nothing, if all is well.

    A process that has left the device to another one, be it by dying in the middle of a step, must not come back.
    """
    found: list[LogLine] = []
    owner, left, in_step = 0, set(), False
    for line in lines:
        if line.what not in ("begin", "end"):
            continue
        if line.pid != owner:
            left.add(owner)
            owner, in_step = line.pid, False
        if line.pid in left or in_step == (line.what == "begin"):
            found.append(line)
        in_step = line.what == "begin"
    return found


def finished(folder: Path, story: str) -> set[str]:
    """The rows of a story that are on the disk; each says whose it is."""
    found = list((folder / story).glob("[!.]*"))
    assert all(path.read_text() == f"{story}/{path.name}" for path in found)
    return {path.name for path in found}
