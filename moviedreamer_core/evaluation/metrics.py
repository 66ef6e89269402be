"""Counts of right answers -> a score with its chance level and its confidence interval.

Episodes are the independent units: frames of one share cast and places, so intervals come from resampling whole
episodes (Efron & Tibshirani 1993, chapter 13, percentile intervals).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

NUM_RESAMPLES = 2000
BOOTSTRAP_SEED = 95


@dataclass(frozen=True, kw_only=True)
class Score:
    """All in [0, 1]: `chance` is what knowing nothing would give, `ci95` half the width of the 95% interval."""

    value: float
    chance: float
    ci95: float
    num_frames: int


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One frame's fact as it was read, beside what is true. `episode` and `character` say whose."""

    episode: int
    truth: int
    read: int
    character: int = 0


def accuracy(readings: Sequence[Reading]) -> Score | None:
    """The share of readings that are right; chance: always the most frequent truth. None without any."""
    if not readings:
        return None
    most_frequent = Counter(reading.truth for reading in readings).most_common(1)[0][1]
    credits = [(reading.episode, float(reading.read == reading.truth)) for reading in readings]
    return _score(credits, chance=most_frequent / len(readings))


def persistence(readings: Iterable[Reading]) -> Score | None:
    """How often a character's reading equals the majority of that character's other frames in the episode.

    A majority shared by several values counts its share. Characters with a single frame are left out. Chance:
    the same frame against the majority of every other character's frames, on average. None without anyone.
    """
    by_character: dict[Hashable, list[int]] = defaultdict(list)
    for reading in readings:
        by_character[reading.episode, reading.character].append(reading.read)
    series = {who: values for who, values in by_character.items() if len(values) >= 2}
    if not series:
        return None
    credits = [
        (who[0], agreement(value, values[:index] + values[index + 1 :]))  # type: ignore[index]
        for who, values in series.items()
        for index, value in enumerate(values)
    ]
    against_others = [
        np.mean([agreement(value, other) for stranger, other in series.items() if stranger != who])
        for who, values in series.items()
        for value in values
        if len(series) > 1
    ]
    return _score(credits, chance=float(np.mean(against_others)) if against_others else 1.0)


def agreement(value: int, others: Sequence[int]) -> float:
    """1 if `value` is the most frequent of `others`; 1 / n if n values are that frequent and it is among them."""
    counts = Counter(others)
    highest = max(counts.values())
    majority = [candidate for candidate, count in counts.items() if count == highest]
    return 1 / len(majority) if value in majority else 0.0


def half_width(credits: Sequence[tuple[int, float]], *, num_resamples: int = NUM_RESAMPLES) -> float:
    """Half the 95% interval's width for the mean of (episode, credit) pairs; 0 for a single episode."""
    episodes = sorted({episode for episode, _ in credits})
    row = {episode: index for index, episode in enumerate(episodes)}
    sums, counts = np.zeros(len(episodes)), np.zeros(len(episodes))
    for episode, credit in credits:
        sums[row[episode]] += credit
        counts[row[episode]] += 1
    picked = np.random.default_rng(BOOTSTRAP_SEED).integers(0, len(episodes), (num_resamples, len(episodes)))
    low, high = np.quantile(sums[picked].sum(axis=1) / counts[picked].sum(axis=1), [0.025, 0.975])
    return float(high - low) / 2


def _score(credits: Sequence[tuple[int, float]], *, chance: float) -> Score:
    value = float(np.mean([credit for _, credit in credits]))
    return Score(value=value, chance=chance, ci95=half_width(credits), num_frames=len(credits))
