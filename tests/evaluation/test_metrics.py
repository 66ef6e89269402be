"""Scores against slow computations and scipy's bootstrap."""

import numpy as np
import pytest
from scipy import stats

from moviedreamer_core.evaluation.metrics import Reading, accuracy, agreement, half_width, persistence


def readings_of(rows):
    """(episode, character, truth, read) -> readings."""
    return [Reading(episode=e, character=c, truth=t, read=r) for e, c, t, r in rows]


def test_accuracy_is_the_trace_of_the_confusion_matrix():
    confusion = np.array([[5, 1, 0], [2, 3, 1], [0, 0, 4]])  # truth, read
    rows = [(i % 4, 0, t, r) for t in range(3) for r in range(3) for i in range(confusion[t, r])]
    score = accuracy(readings_of(rows))
    assert score.value == pytest.approx(np.trace(confusion) / confusion.sum())
    assert score.chance == pytest.approx(confusion.sum(axis=1).max() / confusion.sum())
    assert score.num_frames == confusion.sum()


def test_no_readings_have_no_score():
    assert accuracy([]) is None
    assert persistence([]) is None


def test_persistence_leaves_each_frame_out_of_its_own_majority():
    rng = np.random.default_rng(0)
    rows = [
        (e, c, 0, int(rng.integers(4))) for e in range(5) for c in range(3) for _ in range(rng.integers(1, 6))
    ]
    expected = []
    for e in range(5):
        for c in range(3):
            seen = [r for episode, character, _, r in rows if (episode, character) == (e, c)]
            for left_out in range(len(seen)):
                others = [r for index, r in enumerate(seen) if index != left_out]
                if others:
                    counts = np.bincount(others, minlength=4)
                    winners = np.flatnonzero(counts == counts.max())
                    expected.append((seen[left_out] in winners) / len(winners))
    score = persistence(readings_of(rows))
    assert score.value == pytest.approx(np.mean(expected))
    assert score.num_frames == len(expected)


def test_the_chance_of_persistence_is_that_of_shuffled_characters():
    rng = np.random.default_rng(1)
    rows = [(e, 0, 0, int(rng.choice(3, p=[0.6, 0.3, 0.1]))) for e in range(6) for _ in range(4)]
    series = [[r for episode, _, _, r in rows if episode == e] for e in range(6)]
    shuffled = []
    for _ in range(4000):
        mine, other = rng.permutation(6)[:2]
        counts = np.bincount(series[other], minlength=3)
        winners = np.flatnonzero(counts == counts.max())
        shuffled.append((series[mine][rng.integers(4)] in winners) / len(winners))
    assert persistence(readings_of(rows)).chance == pytest.approx(np.mean(shuffled), abs=0.03)


def test_one_colour_for_everybody_persists_at_chance():
    score = persistence(readings_of([(e, 0, 0, 5) for e in range(3) for _ in range(3)]))
    assert score.value == score.chance == 1


def test_constant_characters_of_different_colours_persist_far_above_chance():
    score = persistence(readings_of([(e, 0, 0, e) for e in range(5) for _ in range(3)]))
    assert (score.value, score.chance, score.ci95) == (1, 0, 0)


def test_a_character_seen_once_does_not_count():
    assert persistence(readings_of([(0, 0, 1, 1), (0, 1, 1, 1), (1, 0, 2, 2)])) is None


@pytest.mark.parametrize(
    ("value", "others", "credit"), [(1, [1], 1), (1, [2], 0), (1, [1, 2], 0.5), (3, [3, 3, 1], 1)]
)
def test_a_shared_majority_gives_its_share(value, others, credit):
    assert agreement(value, others) == credit


def test_the_interval_is_that_of_scipys_bootstrap_over_episodes():
    rng = np.random.default_rng(2)
    counts = rng.integers(3, 12, 16)
    sums = rng.binomial(counts, rng.uniform(0.4, 0.95, 16))
    credits = [(e, float(i < sums[e])) for e in range(16) for i in range(counts[e])]
    reference = stats.bootstrap(
        (sums, counts), lambda s, n, axis=-1: s.sum(axis=axis) / n.sum(axis=axis),
        paired=True, vectorized=True, method="percentile", n_resamples=20000, rng=np.random.default_rng(3),
    ).confidence_interval  # fmt: skip
    assert half_width(credits) == pytest.approx((reference.high - reference.low) / 2, rel=0.06)


def test_the_interval_is_the_same_every_time():
    credits = [(e, float(e % 3 == 0)) for e in range(9)]
    assert half_width(credits) == half_width(list(reversed(credits)))


def test_a_single_episode_has_no_spread():
    assert half_width([(4, 1.0), (4, 0.0)]) == 0
