from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from app.queue.jobs import Workload
from app.queue.progress import MAX_MADE, Meter, Progress


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def timed(workload, *events, is_warm=True):
    """A meter after `events`, (seconds since the one before, progress)."""
    clock = Clock()
    meter = Meter(workload, is_warm=is_warm, clock=clock)
    for seconds, progress in events:
        clock.now += seconds
        meter.note(progress)
    return meter


def paces(reading):
    return [(sample.part, sample.variant, sample.seconds_per_amount) for sample in reading.samples]


def test_the_start_and_every_unit_are_timed_apart():
    meter = timed(
        Workload(part="keyframe", amounts=(1.0, 1.0), variant="guided"),
        (5.0, Progress(done=0, total=2)),
        (1.0, Progress(done=0, total=2, step=1, num_steps=2)),
        (2.0, Progress(done=1, total=2)),
        (4.0, Progress(done=2, total=2)),
        is_warm=False,
    )
    reading = meter.read()
    assert paces(reading) == [
        ("start of keyframe", "cold", 5.0),
        ("keyframe", "guided", 3.0),
        ("keyframe", "guided", 4.0),
    ]
    assert (reading.elapsed_seconds, reading.start_seconds) == (12.0, 5.0)


def test_units_of_different_sizes_are_timed_per_amount():
    meter = timed(
        Workload(part="clip", amounts=(14.0, 7.0)),
        (1.0, Progress(done=0, total=2)),
        (28.0, Progress(done=1, total=2)),
        (7.0, Progress(done=2, total=2)),
    )
    assert [pace for part, _, pace in paces(meter.read()) if part == "clip"] == [2.0, 1.0]


def test_units_that_were_there_already_do_not_make_the_others_look_quick():
    meter = timed(
        Workload(part="clip", amounts=(10.0, 20.0, 30.0)),
        (0.0, Progress(done=0, total=1)),
        (40.0, Progress(done=1, total=1)),
    )
    assert paces(meter.read())[-1] == ("clip", "", 2.0)  # of the mean size, 20


def test_work_that_speaks_only_when_a_unit_is_done_has_no_start():
    meter = timed(Workload(part="encode"), (3.0, Progress(done=1, total=1)))
    assert paces(meter.read()) == [("encode", "", 3.0)]
    assert meter.read().start_seconds == 0.0


def test_a_job_without_events_still_has_a_time():
    clock = Clock()
    meter = Meter(Workload(part="encode"), is_warm=True, clock=clock)
    clock.now += 2.5
    reading = meter.read()
    assert (reading.elapsed_seconds, reading.start_seconds, reading.progress) == (2.5, None, None)


def test_what_is_new_stays_new_until_it_is_written_down():
    meter = timed(Workload(part="encode"), (1.0, Progress(done=1, total=1, made=("a.png",))))
    assert meter.read().made == meter.read().made == ("a.png",)
    meter.told()
    assert meter.read().made == meter.read().samples == ()
    assert meter.read().progress.done == 1


def test_a_list_of_files_has_an_end():
    made = tuple(f"{number}.png" for number in range(MAX_MADE - 1))
    meter = timed(
        Workload(part="export"),
        (0, Progress(done=0, total=1, made=made)),
        (0, Progress(done=0, total=1, made=made)),
    )
    meter.told()
    meter.note(Progress(done=1, total=1, made=("one more",)))
    assert meter.read().made == ()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"done": 2, "total": 1}, r"done must be from 0 to total \(1\), got 2"),
        ({"done": -1, "total": 1}, "done must be"),
        (
            {"done": 0, "total": 1, "step": 3, "num_steps": 2},
            r"step must be from 0 to num_steps \(2\), got 3",
        ),
        ({"done": 0, "total": 1, "step": 1}, "step must be"),
    ],
)
def test_impossible_progress_is_refused(values, words):
    with pytest.raises(ValueError, match=words):
        Progress(**values)


@given(st.integers(0, 50), st.integers(1, 30), st.data())
def test_the_share_never_falls_and_ends_at_one(total, num_steps, data):
    shares = [Progress(done=0, total=total).share]
    for done in range(total):
        upto = data.draw(st.integers(0, num_steps))
        shares += [
            Progress(done=done, total=total, step=step, num_steps=num_steps).share for step in range(upto + 1)
        ]
        shares.append(Progress(done=done + 1, total=total).share)
    assert shares == sorted(shares)
    assert shares[0] >= 0
    assert shares[-1] == 1.0
