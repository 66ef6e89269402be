"""A studio without pages in a folder: stories, queue, and servers in processes of their own that can be killed.

Server and worker append a line to said.jsonl for everything that they committed, right after it; a killed process
loses no line that it wrote. Without pytest: the servers use it too.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from colour_work import landscape
from queue_bench import PATIENCE_SECONDS, is_alive, until

from app.desk import Desk, DrawingDefaults
from app.queue.locks import device_is_free
from app.queue.processes import WorkerCommand
from app.queue.store import open_store
from moviedreamer_core.workspace import CastMember, Draft, PersonInRow, Row, Stories, StoryFolder

HERE = Path(__file__).resolve().parent
FOLDERS = (
    HERE.parent.parent,
    HERE.parent,
    HERE,
    *(HERE.parent / name for name in ("pages", "app_queue", "workspace")),
)
ENVIRONMENT = {"PYTHONPATH": os.pathsep.join(map(str, FOLDERS)), "OMP_NUM_THREADS": "1"}
FORKSERVER = multiprocessing.get_context("forkserver")
FORKSERVER.set_forkserver_preload(
    ["app.desk", "app.queue.supervisor", "numpy", "pytest", "safetensors.numpy"]
)
PLOTS = ("Mara walks.", "Tom waves.", "The sea is calm.", "Mara sleeps.")
NUM_STEPS = 4  # of a picture


def desk_of(folder: Path) -> Desk:
    """A desk of its own, as a server has it."""
    return Desk(
        stories=Stories(folder / "stories"),
        queue=open_store(folder / "queue" / "jobs.sqlite"),
        weights_hash="f" * 64,
        settings=DrawingDefaults(
            width=48, height=32, frames_per_second=4, guidance_scale=3.0, steps=NUM_STEPS, preview_steps=2
        ),
    )


def worker_command(folder: Path, *, step_seconds: float, **options: object) -> WorkerCommand:
    return WorkerCommand(
        queue=folder / "queue" / "jobs.sqlite",
        device_lock=folder / "queue" / "device.lock",
        work="soak_work:make",
        options={"folder": str(folder), "step_seconds": step_seconds, **options},
        environment=ENVIRONMENT,
    )


def say(folder: Path, **what: object) -> None:
    """Tell what was committed; one write, which a kill leaves whole or undone."""
    descriptor = os.open(folder / "said.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, json.dumps(what).encode() + b"\n")
    os.close(descriptor)


def new_story(desk: Desk, title: str, plots: tuple[str, ...] = PLOTS) -> StoryFolder:
    story = desk.stories.new(title=title)
    rows = tuple(
        Row(plot=plot, characters=(PersonInRow(name="Mara"),) if "Mara" in plot else ()) for plot in plots
    )
    cast = (CastMember(name="Mara", description="Red hair."),)
    story.script.save(Draft(title=title, cast=cast, rows=rows), base=1, label="Write")
    return story


def photo(path: Path, key: str) -> Path:
    landscape(key, (64, 48)).save(path)
    return path


@dataclass
class StudioBench:
    """`server` is the process that serves just now, if one does."""

    folder: Path
    server: Any = None
    num_started: int = 0
    _desk: Desk | None = field(default=None, repr=False)
    _said: list[dict[str, Any]] = field(default_factory=list, repr=False)
    _num_bytes_read: int = 0

    @property
    def desk(self) -> Desk:
        if self._desk is None:
            self._desk = desk_of(self.folder)
        return self._desk

    @property
    def said(self) -> list[dict[str, Any]]:
        """Everything that was said so far, in order; not to be changed."""
        with contextlib.suppress(FileNotFoundError), (self.folder / "said.jsonl").open("rb") as file:
            file.seek(self._num_bytes_read)
            new = file.read().rpartition(b"\n")[0]
            if new:
                self._num_bytes_read += len(new) + 1
                self._said += [json.loads(line) for line in new.splitlines()]
        return self._said

    def start_server(self, *, edits: bool, step_seconds: float) -> None:
        """With `edits`, it changes the stories and queues pictures all the time, as creators would."""
        from soak_server import serve

        self.num_started += 1
        is_up = FORKSERVER.Event()
        arguments = (self.folder, self.num_started, step_seconds, edits, is_up)
        self.server = FORKSERVER.Process(target=serve, args=arguments)
        self.server.start()
        assert is_up.wait(PATIENCE_SECONDS)

    def end_server(self, number: signal.Signals) -> None:
        """Send a signal to the server and wait until it is gone."""
        os.kill(self.server.pid, number)
        self.server.join()
        assert self.server.exitcode == (-number if number == signal.SIGKILL else 0)
        self.server = None

    @property
    def worker_pid(self) -> int | None:
        """Of the worker that owns the device, if one does."""
        worker = self.desk.queue.snapshot().worker
        return None if worker is None or self.device_is_free or not is_alive(worker.pid) else worker.pid

    @property
    def device_is_free(self) -> bool:
        return device_is_free(self.folder / "queue" / "device.lock")

    def close(self) -> None:
        """End everything, whatever state it is in."""
        if self.server is not None:
            self.end_server(signal.SIGKILL)
        for job in self.desk.queue.snapshot().jobs:
            if job.is_active:
                self.desk.queue.cancel(job.id)
        until(lambda: self.device_is_free, of="the end of the last worker")
        self.desk.queue.close()
