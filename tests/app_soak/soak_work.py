"""The coloured work of the pages' tests, which says every take that it has committed and can be made to wait."""

from __future__ import annotations

import builtins
import errno
import io
import os
import time
from collections.abc import Callable, Generator
from pathlib import Path

from colour_work import ColourWork
from studio_bench import say

from app.queue.jobs import Job
from app.queue.progress import Progress
from moviedreamer_core.workspace import Stories


class SayingWork:
    def __init__(self, folder: Path, step_seconds: float) -> None:
        self._folder = folder
        self._step_seconds = step_seconds
        self._work = ColourWork(folder / "stories", step_seconds)
        self._stories = Stories(folder / "stories")

    def __call__(self, job: Job) -> Generator[Progress, None, None]:
        story = self._stories.get(job.story_id)
        known = {take.id for row in job.rows for take in story.takes.of(row)}
        for event in self._work(job):
            for row in job.rows:
                for take in story.takes.of(row):
                    if take.id not in known:
                        known.add(take.id)
                        files = {name: facts.sha256 for name, facts in take.files.items()}
                        say(self._folder, kind="take", story=story.id, row=row, id=take.id, files=files)
            yield event
            while (self._folder / waiting_name(story.id)).exists():
                time.sleep(self._step_seconds)
                yield event

    def release(self) -> None:
        self._work.release()


def waiting_name(story_id: str) -> str:
    """While a file of this name is there, the work on this story goes on for ever."""
    return f"waiting-{story_id}"


def refuse_writes_while(marker: Path) -> None:
    """From now on in this process, writing fails as on a full disk while the file `marker` is there."""

    def refusing(real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            if os.path.exists(marker):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*arguments, **options)

        return call

    def opening(path: object, mode: str = "r", *arguments: object, **options: object) -> object:
        opens = refusing(real_open) if set(mode) & set("wax+") else real_open
        return opens(path, mode, *arguments, **options)

    real_open = io.open
    for name in ("fsync", "replace", "rename", "mkdir", "link"):
        setattr(os, name, refusing(getattr(os, name)))
    io.open = builtins.open = opening  # type: ignore[assignment]


def make(folder: str, step_seconds: float, full_while: str = "") -> SayingWork:
    os.fsync = lambda _: None  # a killed process loses nothing that it has written
    if full_while:
        refuse_writes_while(Path(full_while))
    return SayingWork(Path(folder), step_seconds)
