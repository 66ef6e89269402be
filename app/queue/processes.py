"""A worker's process, as its supervisor has it: one that it started, or one that it found running.

Source: waitid(2), with WNOWAIT: while a dead child is not reaped its number belongs to nobody else.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.queue.failures import GONE, Failure, failure_of_exit
from app.queue.locks import PAUSE_SECONDS, Holder, device_holder, device_is_free
from app.queue.worker import JOB_MARK

ROOT = Path(__file__).resolve().parent.parent.parent
MAX_LOG_BYTES, LAST_WORDS_BYTES = 2**20, 4096


@dataclass(frozen=True, kw_only=True)
class WorkerCommand:
    """How to start a worker. `work` is "package.module:factory", see work.py; `options` its keywords, plain JSON,
    with absolute paths.

    `device_lock` is one file per device: the workers of several queues on one device must share it.
    """

    queue: Path
    device_lock: Path
    work: str
    options: Mapping[str, object] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)  # beside that of this process
    folder: Path = ROOT  # where Python finds the packages

    def arguments(self, instance: str) -> list[str]:
        return [
            *(sys.executable, "-X", "faulthandler", "-m", "app.queue.worker"),
            *("--queue", str(self.queue.resolve())),
            *("--device-lock", str(self.device_lock.resolve())),
            *("--work", self.work),
            *("--work-options", json.dumps(dict(self.options))),
            *("--instance", instance),
        ]

    @property
    def log_file(self) -> Path:
        """What workers print; the one before it is kept beside it once it is long."""
        return self.queue.with_suffix(".log")


class StartedWorker:
    """A child, in a session of its own, so that Ctrl-C at the server's terminal is not meant for it."""

    def __init__(self, command: WorkerCommand) -> None:
        """Raises OSError."""
        self.instance = secrets.token_hex(8)
        self._log_file = command.log_file
        self._ended = threading.Event()
        with contextlib.suppress(OSError):
            if self._log_file.stat().st_size > MAX_LOG_BYTES:
                os.replace(self._log_file, self._log_file.with_suffix(".1.log"))
        with self._log_file.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                command.arguments(self.instance),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=command.folder,
                env={**os.environ, **command.environment},
                start_new_session=True,
            )
        self.pid = self._process.pid
        threading.Thread(target=self._reap, name=f"reap-{self.pid}", daemon=True).start()

    def wait(self, seconds: float) -> bool:
        """Whether it has ended, at the latest after that time."""
        return self._ended.wait(seconds)

    @property
    def status(self) -> int:
        """Of a worker that has ended, as `Popen.returncode` has it."""
        assert self._process.returncode is not None
        return self._process.returncode

    def failure(self) -> Failure:
        """What its end means to the job that it was doing."""
        return failure_of_exit(self.status, log_file=str(self._log_file), last_words=self._last_words())

    def terminate(self) -> None:
        """Ask it to end after the step that is running."""
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)  # what it had started, such as an encoder of videos
        self._process.wait()
        self._ended.set()

    def _last_words(self) -> str:
        with contextlib.suppress(OSError), self._log_file.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_start, size - LAST_WORDS_BYTES))
            words = log.read().decode("utf-8", "replace")
            _, mark, since = words.rpartition(JOB_MARK)
            return since.partition("\n")[2] if mark else words
        return ""


class FoundWorker:
    """One that another server started; how it ends can only be told by whether it said goodbye."""

    status = None

    def __init__(self, holder: Holder, device_lock: Path) -> None:
        self.instance, self.pid = holder.instance, holder.pid
        self._device_lock = device_lock

    def wait(self, seconds: float) -> bool:
        """Whether it has ended, at the latest after that time."""
        deadline = time.monotonic() + seconds
        while self._is_there():
            if time.monotonic() > deadline:
                return False
            time.sleep(PAUSE_SECONDS)
        return True

    def failure(self) -> Failure:
        return GONE

    def terminate(self) -> None:
        """Ask it to end after the step that is running."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._is_there():  # while it holds the lock it lives, and the number is its own
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(self.pid, number)

    def _is_there(self) -> bool:
        if device_is_free(self._device_lock):
            return False
        holder = device_holder(self._device_lock)
        return holder is None or holder.instance == self.instance  # None: it is just being written
