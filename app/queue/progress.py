"""What work says of itself while it is iterated, and how the worker times it.

Seconds are of a monotonic clock; a unit is what `jobs.Workload` counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from app.queue.failures import one_line
from app.queue.jobs import Workload
from app.queue.paces import Sample, starting

MAX_WORDS_CHARACTERS = 200
MAX_MADE = 2000  # entries of one job that are told; the story's folder knows them all


@dataclass(frozen=True, kw_only=True)
class Progress:
    """One step is over: `done` of `total` units are finished, and `step` of `num_steps` of the unit in hand.

    Work yields one before each thing that it loads (`preparing`), one when it has all that it needs (`done=0`), one
    after every denoising step, and one when a unit is finished and on the disk. Units that turn out to be there already
    are left out of `total`.
    `made` are the files, relative to the story's folder, that came to be since the last event.
    """

    done: int
    total: int
    step: int = 0
    num_steps: int = 0
    row: str = ""  # of the script, in hand
    doing: str = ""  # in words
    made: tuple[str, ...] = ()
    preparing: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.done <= self.total:
            raise ValueError(f"done must be from 0 to total ({self.total}), got {self.done}")
        if not 0 <= self.step <= max(0, self.num_steps):
            raise ValueError(f"step must be from 0 to num_steps ({self.num_steps}), got {self.step}")

    @property
    def share(self) -> float:
        """Of the units, how much is done, in [0, 1]."""
        if self.total == 0:
            return 1.0
        part = self.step / self.num_steps if self.num_steps and self.done < self.total else 0.0
        return min(1.0, (self.done + part) / self.total)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What there is to report of a running job: the last event, the times, and what is new since the last reading.

    `start_seconds` passed until the work was ready to begin its first unit; None while it is not.
    """

    progress: Progress | None
    elapsed_seconds: float
    start_seconds: float | None
    samples: tuple[Sample, ...]
    made: tuple[str, ...]


class Meter:
    """Times one job from its events. `is_warm`: this process did such work before."""

    def __init__(
        self, workload: Workload, *, is_warm: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._workload = workload
        self._is_warm = is_warm
        self._clock = clock
        self._began = self._unit_began = clock()
        self._start_seconds: float | None = None
        self._progress: Progress | None = None
        self._samples: list[Sample] = []
        self._made: list[str] = []
        self._num_made = 0

    @property
    def elapsed_seconds(self) -> float:
        return self._clock() - self._began

    def note(self, progress: Progress) -> None:
        """Take in the next event."""
        now = self._clock()
        done_before = self._progress.done if self._progress else 0
        if self._start_seconds is None and not progress.preparing:
            self._start_seconds = now - self._began if progress.done == 0 else 0.0
            if progress.done == 0:
                self._samples.append(starting(self._workload, self._start_seconds, is_warm=self._is_warm))
                self._unit_began = now
        if progress.done > done_before:
            self._time_units(done_before, progress, now)
        self._progress = progress
        kept = progress.made[: MAX_MADE - self._num_made]
        self._num_made += len(kept)
        self._made.extend(map(one_line, kept))

    def read(self) -> Reading:
        """What to report now. What is new stays new until `told`."""
        return Reading(
            progress=self._progress,
            elapsed_seconds=self.elapsed_seconds,
            start_seconds=self._start_seconds,
            samples=tuple(self._samples),
            made=tuple(self._made),
        )

    def told(self) -> None:
        """The last reading is written down."""
        self._samples.clear()
        self._made.clear()

    def _time_units(self, done_before: int, progress: Progress, now: float) -> None:
        amounts = self._workload.amounts
        if progress.total == len(amounts):
            amount = sum(amounts[done_before : progress.done])
        else:  # some were there already: which, the queue does not know
            amount = sum(amounts) / len(amounts) * (progress.done - done_before)
        self._samples.append(Sample.of(self._workload, seconds_per_amount=(now - self._unit_began) / amount))
        self._unit_began = now
