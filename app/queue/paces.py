"""How long work takes: learned from the jobs before, as medians, or guessed and said to be guessed.

Of an even number of measurements the lower middle one counts: one slow take moves nothing once another is known.

For a job's unit the first of these that anything is known of counts:
1. the same part, size, variant, weights and steps: median of the seconds per amount;
2. the same but for the steps: median of the seconds per step;
3. the same part of any size, variant and weights: median of the seconds per step and pixel;
4. nothing: `GUESSES`, rough figures for the miniature on two CPU cores; the first unit corrects them.
The time until the first unit begins (reading weights, encoding the story) is a part of its own, learned apart for a
process that did such work before and one that has to load everything.
"""

from __future__ import annotations

import math
import sqlite3
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Self

from app.queue.jobs import Workload

NUM_RECENT = 15  # samples that count; older ones tell of other days
NUM_KEPT = 40  # of samples of the same kind, in the file
MIN_SHARE = 0.01  # of a job's work, before its own pace tells anything
HALF_TRUSTED = 3  # steps of a job, after which its own pace counts as much as what was expected
START = "start of "  # prefix of a part: the time before its first unit

Basis = Literal["same settings", "other steps", "other settings", "guess"]
_BASES: tuple[Basis, ...] = ("same settings", "other steps", "other settings", "guess")

# Seconds per amount: of a keyframe per step and pixel, of a clip per frame, step and pixel, of others as they are.
_KEYFRAME, _CLIP = 0.1 / (224 * 128), 0.02 / (224 * 128)
GUESSES = {
    "keyframe": _KEYFRAME,
    "clip": _CLIP,
    "encode": 2.0,
    "movie": 0.5,
    "export": 0.1,
    "animatic": 0.1,
    "face": 0.5,
    "drift": 0.5,
}
START_GUESSES = {True: 0.5, False: 8.0}  # by whether the process is warm


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """`start_seconds` until the first unit begins, `unit_seconds` for all units; `basis` says how well it is known."""

    start_seconds: float
    unit_seconds: float
    basis: Basis

    @property
    def seconds(self) -> float:
        return self.start_seconds + self.unit_seconds


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One measured unit. Width and height in pixels, 0 where the size does not matter."""

    part: str
    width: int
    height: int
    steps: int
    variant: str
    weights: str
    seconds_per_amount: float

    @classmethod
    def of(cls, workload: Workload, *, seconds_per_amount: float) -> Self:
        return cls(
            part=workload.part,
            width=workload.width,
            height=workload.height,
            steps=workload.steps,
            variant=workload.variant,
            weights=workload.weights,
            seconds_per_amount=seconds_per_amount,
        )


def starting(workload: Workload, seconds: float, *, is_warm: bool) -> Sample:
    """The sample of a start that took `seconds`."""
    return Sample.of(_start_load(workload, is_warm=is_warm), seconds_per_amount=seconds)


def expectation(workload: Workload, samples: Sequence[Sample], *, is_warm: bool) -> Expectation:
    """How long `workload` will take, from `samples`, the newest first."""
    start, start_basis = _pace(_start_load(workload, is_warm=is_warm), samples, START_GUESSES[is_warm])
    pace, basis = _pace(workload, samples, _guess(workload))
    if start_basis == "guess" and basis != "guess":  # a known pace beats a guessed start: say the better
        start_basis = basis
    worst = max(basis, start_basis, key=_BASES.index)
    return Expectation(start_seconds=start, unit_seconds=pace * sum(workload.amounts), basis=worst)


def seconds_left(
    elapsed: float, start_seconds: float | None, share: float, expected: Expectation, *, num_steps: int = 1
) -> float:
    """Of a running job of `num_steps` steps: what was expected at first, and soon what its own pace says."""
    if start_seconds is None:
        return max(0.0, expected.start_seconds - elapsed) + expected.unit_seconds
    factor = slowness(elapsed, start_seconds, share, expected, num_steps=num_steps)
    return expected.unit_seconds * (1 - share) * factor


def slowness(
    elapsed: float, start_seconds: float | None, share: float, expected: Expectation, *, num_steps: int = 1
) -> float:
    """How many times as long as expected the rest of a running job will take, by its own pace so far.

    The pace counts half after HALF_TRUSTED steps of work, nearly alone after some tens of them; in place of a guess it
    counts alone after a twentieth of the work.
    """
    if start_seconds is None or share < MIN_SHARE or expected.unit_seconds <= 0:
        return 1.0
    measured = max(0.0, elapsed - start_seconds) / share / expected.unit_seconds
    steps = share * num_steps
    trust = max(share, steps / (steps + HALF_TRUSTED))
    if expected.basis == "guess":
        trust = max(trust, min(1.0, 20 * share))
    return (1 - trust) + trust * measured


def _start_load(workload: Workload, *, is_warm: bool) -> Workload:
    variant = "warm" if is_warm else "cold"
    return Workload(part=START + workload.part, variant=variant, weights=workload.weights)


def _guess(workload: Workload) -> float:
    scale = workload.steps * max(1, workload.width * workload.height)
    return GUESSES.get(workload.part, 2.0) * scale


def _pace(workload: Workload, samples: Sequence[Sample], guess: float) -> tuple[float, Basis]:
    """Seconds per amount, and how they are known."""
    wanted = Sample.of(workload, seconds_per_amount=0.0)

    def alike(*fields: str) -> list[Sample]:
        fits = (s for s in samples if all(getattr(s, name) == getattr(wanted, name) for name in fields))
        return [sample for sample, _ in zip(fits, range(NUM_RECENT))]

    same = ("part", "width", "height", "variant", "weights")
    if found := alike(*same, "steps"):
        return _median(found, lambda _: 1.0), "same settings"
    if found := alike(*same):
        return _median(found, lambda s: s.steps / wanted.steps), "other steps"
    # A cold start is no measure for a warm one.
    if found := alike("part", *(["variant"] if wanted.part.startswith(START) else [])):
        return _median(found, lambda s: _size(s) / _size(wanted)), "other settings"
    return guess, "guess"


def _size(sample: Sample) -> float:
    return sample.steps * max(1, sample.width * sample.height)


def _median(samples: Iterable[Sample], scale: Callable[[Sample], float]) -> float:
    return statistics.median_low(sample.seconds_per_amount / scale(sample) for sample in samples)


# --- in the file -------------------------------------------------------------------------------------

_COLUMNS = "part, width, height, steps, variant, weights, seconds_per_amount"


def keep_samples(connection: sqlite3.Connection, samples: Iterable[Sample]) -> None:
    """Add `samples`, the oldest first, and forget what is long outdated; in the caller's transaction."""
    for sample in samples:
        if not math.isfinite(sample.seconds_per_amount) or sample.seconds_per_amount < 0:
            continue
        key = (sample.part, sample.width, sample.height, sample.steps, sample.variant, sample.weights)
        connection.execute(
            f"INSERT INTO paces ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", (*key, sample.seconds_per_amount)
        )
        connection.execute(
            "DELETE FROM paces WHERE id IN (SELECT id FROM paces WHERE part = ? AND width = ? AND height = ? "
            "AND steps = ? AND variant = ? AND weights = ? ORDER BY id DESC LIMIT -1 OFFSET ?)",
            (*key, NUM_KEPT),
        )


def read_samples(connection: sqlite3.Connection) -> tuple[Sample, ...]:
    """All samples, the newest first."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM paces ORDER BY id DESC")
    return tuple(
        Sample(
            part=part,
            width=width,
            height=height,
            steps=steps,
            variant=variant,
            weights=weights,
            seconds_per_amount=seconds,
        )
        for part, width, height, steps, variant, weights, seconds in rows
    )
