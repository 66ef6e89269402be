from __future__ import annotations

import math
import sqlite3
import statistics
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from app.queue.database import Database
from app.queue.jobs import Workload
from app.queue.paces import (
    GUESSES,
    NUM_KEPT,
    NUM_RECENT,
    START_GUESSES,
    Sample,
    expectation,
    keep_samples,
    read_samples,
    seconds_left,
    slowness,
    starting,
)

LOAD = Workload(
    part="keyframe", amounts=(1.0,) * 3, steps=20, width=224, height=128, variant="guided", weights="ab"
)


def sample(seconds, **other):
    return Sample.of(replace(LOAD, **other), seconds_per_amount=seconds)


def expected(*samples, load=LOAD, is_warm=True):
    return expectation(load, samples, is_warm=is_warm)


def test_what_was_measured_with_the_same_settings_counts_by_its_median():
    found = expected(
        sample(2.0), sample(9.0), sample(3.0), sample(100.0, steps=50), starting(LOAD, 1.5, is_warm=True)
    )
    assert (found.unit_seconds, found.start_seconds, found.seconds) == (9.0, 1.5, 10.5)
    assert found.basis == "same settings"


@pytest.mark.parametrize("num_usual", [1, 2, 3, 14])
def test_one_slow_take_does_not_make_the_expectation_jump(num_usual):
    usual = [sample(2.0)] * num_usual
    starts = [starting(LOAD, 0.5, is_warm=True)] * 2
    before = expected(*usual, *starts)
    after = expected(sample(90.0), *usual, starting(LOAD, 60.0, is_warm=True), *starts)
    assert (after.unit_seconds, after.start_seconds) == (before.unit_seconds, before.start_seconds)
    slow_for_good = expected(*[sample(90.0)] * (num_usual + 1), *usual, *starts)
    assert slow_for_good.unit_seconds == pytest.approx(270.0)  # a slower machine is believed


@given(st.lists(st.floats(0.01, 1000), min_size=1, max_size=40))
def test_the_median_is_that_of_the_newest(seconds):
    found = expected(*map(sample, seconds))
    assert found.unit_seconds == pytest.approx(3 * statistics.median_low(seconds[:NUM_RECENT]))


def test_another_number_of_steps_scales_by_the_step():
    found = expected(sample(4.0, steps=40), sample(100.0, width=896, height=512))
    assert (found.unit_seconds, found.basis) == (pytest.approx(3 * 2.0), "other steps")


def test_another_size_or_other_weights_scale_by_step_and_pixel():
    found = expected(sample(32.0, width=896, height=512, steps=40, weights="other", variant="unguided"))
    assert (found.unit_seconds, found.basis) == (pytest.approx(3 * 1.0), "other settings")


def test_with_nothing_known_the_guess_grows_with_the_work_and_is_called_one():
    found = expected()
    assert found.basis == "guess"
    assert found.unit_seconds == pytest.approx(3 * GUESSES["keyframe"] * 20 * 224 * 128)
    assert expected(load=replace(LOAD, steps=40)).unit_seconds == pytest.approx(2 * found.unit_seconds)
    assert expected(load=replace(LOAD, amounts=(1.0,) * 6)).unit_seconds == pytest.approx(
        2 * found.unit_seconds
    )
    assert found.start_seconds == START_GUESSES[True] < expected(is_warm=False).start_seconds
    assert expected(sample(1.0, part="clip")).basis == "guess"  # clips tell nothing of keyframes


def test_a_cold_start_is_no_measure_for_a_warm_one():
    cold = starting(LOAD, 30.0, is_warm=False)
    assert expected(cold).start_seconds == START_GUESSES[True]
    assert expected(cold, is_warm=False).start_seconds == 30.0
    other_weights = starting(replace(LOAD, weights="other"), 20.0, is_warm=False)
    assert expected(other_weights, is_warm=False).start_seconds == 20.0


def test_every_part_of_a_job_has_a_guess():
    from test_queue_jobs import JOBS

    assert {job.workload.part for job in JOBS} <= set(GUESSES)


KNOWN = (sample(10.0), starting(LOAD, 1.0, is_warm=True))


def left(share, *, times_as_slow):
    """Seconds left of LOAD, whose units were expected to take 10 s each after a start of 1 s, and what is true."""
    elapsed = 1.0 + 30.0 * times_as_slow * share
    truth = 30.0 * times_as_slow * (1 - share)
    return seconds_left(elapsed, 1.0, share, expected(*KNOWN), num_steps=60), truth


@pytest.mark.parametrize("times_as_slow", [0.3, 3.0, 10.0])
def test_a_few_steps_at_another_pace_move_the_time_that_is_left(times_as_slow):
    for num_steps, error in ((3, 0.5), (10, 0.25), (30, 0.1)):
        said, truth = left(num_steps / 60, times_as_slow=times_as_slow)
        planned = 30.0 * (1 - num_steps / 60)
        assert abs(said - truth) <= (error + 1e-9) * abs(planned - truth), num_steps


def test_at_the_expected_pace_the_time_that_is_left_only_runs_down():
    for share in (0.0, 0.05, 0.5, 1.0):
        assert left(share, times_as_slow=1.0)[0] == pytest.approx(30.0 * (1 - share))


def test_one_slow_step_is_believed_a_little():
    said, truth = left(1 / 60, times_as_slow=10.0)
    assert 30.0 < said < truth / 2


def test_before_the_first_step_nothing_is_known_of_the_pace():
    known = expected(*KNOWN)
    assert seconds_left(100.0, None, 0.0, known, num_steps=60) == pytest.approx(30.0)
    assert seconds_left(100.0, 1.0, 0.0, known, num_steps=60) == pytest.approx(30.0)
    assert slowness(100.0, 1.0, 0.0, known, num_steps=60) == 1.0


@pytest.fixture
def connection(tmp_path):
    database = Database(tmp_path / "queue.sqlite")
    with database.writing(durable=False) as connection:
        yield connection
    database.close()


def test_samples_come_back_the_newest_first(connection: sqlite3.Connection):
    samples = [sample(1.0), sample(2.0, steps=5), starting(LOAD, 3.0, is_warm=False)]
    keep_samples(connection, samples)
    assert read_samples(connection) == tuple(reversed(samples))


def test_old_samples_go_and_those_of_other_settings_stay(connection: sqlite3.Connection):
    keep_samples(connection, [sample(0.5, steps=7)])
    keep_samples(connection, [sample(float(number)) for number in range(NUM_KEPT + 30)])
    found = read_samples(connection)
    assert [s.seconds_per_amount for s in found if s.steps == 20] == [
        float(number) for number in reversed(range(30, NUM_KEPT + 30))
    ]
    assert found[-1] == sample(0.5, steps=7)


def test_times_that_are_none_are_not_kept(connection: sqlite3.Connection):
    keep_samples(connection, [sample(math.nan), sample(math.inf), sample(-1.0)])
    assert read_samples(connection) == ()
