"""Progress of a job: units that are finished, and the step of the one in hand."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

from app.queue.progress import Progress

T = TypeVar("T")


class Step(NamedTuple):
    """`number` of `total` steps of a unit are over."""

    number: int
    total: int
    doing: str


@dataclass
class Units:
    """Counts those that are finished."""

    total: int
    done: int = 0

    def preparing(self, doing: str) -> Progress:
        """To be yielded before each thing that is loaded, so that the job can be called off there."""
        return Progress(done=self.done, total=self.total, doing=doing, preparing=True)

    def ready(self, doing: str = "") -> Progress:
        """To be yielded when everything is loaded and read."""
        return Progress(done=self.done, total=self.total, doing=doing)

    def at(self, number: int, total: int, doing: str) -> Progress:
        """`number` of `total` steps of the unit in hand are over."""
        return Progress(done=self.done, total=self.total, step=number, num_steps=total, doing=doing)

    def of(self, steps: Generator[Step, None, T], *, row: str = "") -> Generator[Progress, None, T]:
        """The steps of the unit in hand as progress; its result."""
        with contextlib.closing(steps):
            while True:
                try:
                    step = next(steps)
                except StopIteration as end:
                    result: T = end.value
                    return result
                yield Progress(
                    done=self.done,
                    total=self.total,
                    step=step.number,
                    num_steps=step.total,
                    row=row,
                    doing=step.doing,
                )

    def finished(self, *, row: str = "", doing: str = "", made: tuple[str, ...] = ()) -> Progress:
        """One more unit is on the disk."""
        self.done += 1
        return Progress(done=self.done, total=self.total, row=row, doing=doing, made=made)


def relative(path: Path, folder: Path) -> str:
    """`path` as a page asks for it, relative to the story's `folder`."""
    return path.relative_to(folder).as_posix()
