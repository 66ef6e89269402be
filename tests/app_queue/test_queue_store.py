from __future__ import annotations

from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from itertools import count

import pytest
from hypothesis import given, settings, strategies as st
from queue_bench import draw

from app.queue import store as store_module
from app.queue.claims import Claims
from app.queue.database import Database
from app.queue.failures import GONE, Failure, QueueError, failure_of
from app.queue.jobs import ExportStory
from app.queue.paces import Sample
from app.queue.progress import Meter, Progress, Reading
from app.queue.snapshots import SILENT_SECONDS
from app.queue.store import JobStore

KILLED = Failure(kind="memory", message="killed; retry")


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Queue:
    """Both sides of a queue in one process, with a clock that stands still."""

    def __init__(self, path):
        self.clock = Clock()
        self.database = Database(path, clock=self.clock)
        self.store = JobStore(self.database)
        self.claims = self.worker("w1")

    def worker(self, instance):
        claims = Claims(self.database, instance=instance, pid=7)
        claims.begin()
        return claims

    def state(self, job_id):
        return self.store.status(job_id).state

    def states(self):
        return {job.id: job.state for job in self.store.snapshot().jobs}


@pytest.fixture
def queue(tmp_path):
    queue = Queue(tmp_path / "queue.sqlite")
    yield queue
    queue.database.close()


def reading(done=0, total=1, *, elapsed=1.0, start=0.5, samples=(), made=(), **more):
    return Reading(
        progress=Progress(done=done, total=total, **more),
        elapsed_seconds=elapsed,
        start_seconds=start,
        samples=samples,
        made=made,
    )


# --- enqueueing


def test_a_queued_job_waits_and_says_what_it_is(queue):
    job = draw("story", "a", "b")
    status = queue.store.status(queue.store.enqueue(job))
    assert (status.state, status.position, status.job) == ("waiting", 1, job)
    assert (status.title, status.total, status.done, status.share) == ("Draw 2 shots in full", 2, 0, 0.0)
    assert status.is_active
    assert not status.can_retry
    with pytest.raises(FrozenInstanceError):
        status.state = "done"


def test_a_full_queue_says_what_to_do(queue, monkeypatch):
    monkeypatch.setattr(store_module, "MAX_WAITING", 3)
    ids = [queue.store.enqueue(draw("a")) for _ in range(3)]
    with pytest.raises(QueueError, match="the queue is full, 3 jobs wait; cancel some"):
        queue.store.enqueue(draw("b"))
    queue.store.cancel(ids[0])
    queue.store.enqueue(draw("b"))
    with pytest.raises(QueueError, match="full"):
        queue.store.retry(ids[0])


def test_ids_are_never_used_again(queue):
    first = queue.store.enqueue(draw("a"))
    queue.store.cancel(first)
    assert queue.store.clear_finished() == 1
    assert queue.store.enqueue(draw("a")) > first


# --- the order


def test_jobs_of_one_story_are_done_in_order(queue):
    ids = [queue.store.enqueue(draw("a")) for _ in range(5)]
    assert [queue.claims.take().id for _ in range(1)] == ids[:1]
    assert [job.id for job in queue.store.snapshot().jobs] == ids


def drained(queue):
    """Stories in the order of being served, until nothing waits."""
    found = []
    while (claim := queue.claims.take()) is not None:
        found.append(claim.job.story_id)
        queue.claims.end(claim.id, "done", reading(1))
    return "".join(found)


def enqueue(queue, stories):
    for story in stories:
        queue.store.enqueue(draw(story))


def test_stories_take_turns(queue):
    enqueue(queue, "aaaabb")
    enqueue(queue, "c")
    assert drained(queue) == "abcabaa"


def test_a_story_that_comes_late_is_next_after_the_one_that_runs(queue):
    enqueue(queue, "aaaa")
    claim = queue.claims.take()
    enqueue(queue, "b")
    queue.claims.end(claim.id, "done", reading(1))
    assert drained(queue) == "baaa"


def test_a_story_gains_nothing_by_having_been_away_and_loses_nothing_by_cancelling(queue):
    enqueue(queue, "aaa")
    drained(queue)
    enqueue(queue, "bba")
    assert drained(queue) == "bab"
    for _ in range(50):
        queue.store.enqueue(draw("a"))
    queue.store.cancel_story("a")
    enqueue(queue, "bba")
    assert drained(queue) == "bab"


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "c", "d", "take", "take", "take"]), max_size=40))
def test_whatever_is_asked_stories_keep_their_order_and_nobody_gets_ahead(tmp_path_factory, wishes):
    """Two stories that both have something waiting differ by at most one turn since, and one for the head start."""
    queue = Queue(tmp_path_factory.mktemp("queue") / "queue.sqlite")
    waiting = {story: deque() for story in "abcd"}
    served_together = {
        (one, other): 0 for one in "abcd" for other in "abcd"
    }  # one's minus other's, both waiting
    for wish in [*wishes, *["take"] * 40]:
        if wish != "take":
            if not waiting[wish]:
                for pair in served_together:
                    served_together[pair] *= wish not in pair
            waiting[wish].append(queue.store.enqueue(draw(wish)))
            continue
        claim = queue.claims.take()
        if claim is None:
            assert not any(waiting.values())
            continue
        story = claim.job.story_id
        assert claim.id == waiting[story].popleft()
        queue.claims.end(claim.id, "done", reading(1))
        for other in "abcd":
            if other != story and waiting[other]:
                served_together[story, other] += 1
                served_together[other, story] -= 1
                assert served_together[story, other] <= 2
        if not waiting[story]:
            for pair in served_together:
                served_together[pair] *= story not in pair
    assert not any(waiting.values())
    queue.database.close()


def test_positions_are_the_order_in_which_jobs_are_taken(queue):
    enqueue(queue, "aabcb")
    expected = [job.id for job in sorted(queue.store.snapshot().jobs, key=lambda job: job.position)]
    taken = []
    while (claim := queue.claims.take()) is not None:
        taken.append(claim.id)
        queue.claims.end(claim.id, "done", reading(1))
    assert taken == expected


# --- calling off


def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_when_its_worker_reads_it(queue):
    running, waiting = queue.store.enqueue(draw("a")), queue.store.enqueue(draw("a"))
    queue.claims.take()
    assert queue.store.cancel(waiting) == "cancelled"
    assert queue.claims.standing(running) == "go on"
    assert queue.store.cancel(running) == "stopping"
    assert queue.state(running) == "stopping"
    assert queue.claims.standing(running) == "cancel"
    queue.claims.end(running, "cancelled", reading())
    assert queue.states() == {running: "cancelled", waiting: "cancelled"}
    assert queue.claims.take() is None


def test_a_cancellation_takes_effect_before_the_disk_has_it(queue, monkeypatch):
    """A busy disk may take seconds, and a step must not wait for that."""
    ids = [queue.store.enqueue(draw("a")) for _ in range(2)]
    queue.claims.take()
    seen = []
    monkeypatch.setattr(queue.database, "flush", lambda: seen.append(queue.claims.standing(ids[0])))
    queue.store.cancel(ids[0])
    assert seen == ["cancel"]
    queue.store.cancel_story("a")
    assert queue.states() == {ids[0]: "stopping", ids[1]: "cancelled"}
    assert len(seen) == 2


def test_what_is_over_cannot_be_cancelled(queue):
    job_id = queue.store.enqueue(draw("a"))
    queue.claims.take()
    queue.claims.end(job_id, "done", reading(1))
    assert queue.store.cancel(job_id) == "done"
    assert queue.state(job_id) == "done"


def test_cancelling_a_story_leaves_the_others_alone(queue):
    ids = [queue.store.enqueue(draw(story)) for story in "aaba"]
    queue.claims.take()
    assert queue.store.cancel_story("a") == 3
    assert queue.states() == {ids[0]: "stopping", ids[1]: "cancelled", ids[2]: "waiting", ids[3]: "cancelled"}
    assert queue.store.cancel_story("nobody") == 0


@pytest.mark.parametrize("verb", ["cancel", "retry", "status"])
def test_a_job_that_is_not_there_is_told(queue, verb):
    with pytest.raises(QueueError, match="there is no job 99 any more; reload the page"):
        getattr(queue.store, verb)(99)


# --- once more


def test_a_failed_job_starts_again_as_if_new(queue):
    job_id, other = queue.store.enqueue(draw("a")), queue.store.enqueue(draw("a"))
    queue.claims.take()
    queue.claims.report(job_id, reading(0, 1, step=1, num_steps=2, made=("x.png",), doing="drawing"))
    queue.claims.end(job_id, "failed", reading(), KILLED)
    status = queue.store.status(job_id)
    assert (status.state, status.failure, status.message, status.can_retry) == (
        "failed",
        "memory",
        KILLED.message,
        True,
    )
    queue.store.retry(job_id)
    queue.store.retry(job_id)  # a double click
    status = queue.store.status(job_id)
    assert (status.state, status.attempts, status.position, status.message, status.made, status.share) == (
        "waiting",
        2,
        2,
        "",
        (),
        0.0,
    )
    assert [queue.claims.take().id, other] == [other, other]


def test_a_cancelled_job_can_be_retried_and_a_finished_one_cannot(queue):
    job_id = queue.store.enqueue(draw("a"))
    queue.store.cancel(job_id)
    queue.store.retry(job_id)
    assert queue.claims.take().id == job_id
    assert queue.claims.standing(job_id) == "go on"
    queue.store.retry(job_id)
    assert queue.state(job_id) == "running"
    queue.claims.end(job_id, "done", reading(1))
    with pytest.raises(QueueError, match="is finished, there is nothing to retry; ask for a new one"):
        queue.store.retry(job_id)


# --- forgetting


def test_clearing_forgets_what_is_over_and_nothing_else(queue):
    ids = [queue.store.enqueue(draw(story)) for story in "abab"]
    for job_id in ids[:2]:
        queue.store.cancel(job_id)
    assert queue.store.clear_finished("a") == 1
    assert sorted(queue.states()) == ids[1:]
    assert queue.store.clear_finished() == 1
    assert sorted(queue.states()) == ids[2:]


def test_old_jobs_are_forgotten_the_oldest_first_and_none_that_waits(queue, monkeypatch):
    monkeypatch.setattr(store_module, "MAX_FINISHED", 5)
    ids = [queue.store.enqueue(draw("a")) for _ in range(12)]
    for _ in range(10):
        queue.clock.now += 1
        queue.claims.end(queue.claims.take().id, "done", reading(1))
    assert sorted(queue.states()) == ids[5:]
    queue.clock.now += store_module.KEPT_SECONDS
    queue.claims.end(queue.claims.take().id, "done", reading(1))
    assert sorted(queue.states()) == ids[9:]  # what finished exactly so long ago is still known


# --- the worker's side


def test_what_is_reported_is_seen(queue):
    job_id = queue.store.enqueue(draw("a", "r1", "r2"))
    queue.claims.take()
    queue.claims.report(
        job_id,
        reading(1, 2, step=1, num_steps=4, row="r2", doing="keyframe 2 of 2", made=("r1.png",), elapsed=3.0),
    )
    queue.claims.report(
        job_id, reading(1, 2, step=2, num_steps=4, row="r2", doing="keyframe 2 of 2", elapsed=4.0)
    )
    status = queue.store.status(job_id)
    assert (status.state, status.share, status.done, status.total) == ("running", 0.75, 1, 2)
    assert (status.step, status.num_steps, status.row, status.doing) == (2, 4, "r2", "keyframe 2 of 2")
    assert (status.made, status.elapsed_seconds) == (("r1.png",), 4.0)
    queue.claims.end(job_id, "done", reading(2, 2, made=("r2.png",), elapsed=5.0))
    status = queue.store.status(job_id)
    assert (status.state, status.share, status.made) == ("done", 1.0, ("r1.png", "r2.png"))
    assert (status.elapsed_seconds, status.seconds_left, status.is_active) == (5.0, None, False)


def test_cancelled_jobs_are_forgotten_too(queue, monkeypatch):
    monkeypatch.setattr(store_module, "MAX_FINISHED", 2)
    ids = [queue.store.enqueue(draw("a")) for _ in range(6)]
    for job_id in ids[:4]:
        queue.clock.now += 1
        queue.store.cancel(job_id)
    assert sorted(queue.states()) == ids[2:]


def test_text_that_is_half_a_character_is_no_reason_to_fail(queue):
    """So are names of files that come from other systems."""
    job_id = queue.store.enqueue(draw("a"))
    queue.claims.take()
    meter = Meter(draw("a").workload, is_warm=True)
    meter.note(Progress(done=1, total=1, row="r\udcff", doing="drawing\n\udcff", made=("a\udcff.png",)))
    queue.claims.report(job_id, meter.read())
    error = OSError(2, "No such file", "a\udcff.png")
    queue.claims.end(job_id, "failed", reading(), failure_of(error, lighter="x"))
    status = queue.store.status(job_id)
    assert status.made == ("a?.png",)
    assert status.message.encode()
    queue.store.worker_died("w1", KILLED)


def test_a_worker_that_was_declared_dead_cannot_speak_up_again(queue):
    job_id = queue.store.enqueue(draw("a"))
    queue.claims.take()
    assert queue.store.worker_died("w1", KILLED) == 1
    assert queue.claims.standing(job_id) == "lost"
    queue.claims.report(job_id, reading(1, made=("late.png",)))
    queue.claims.end(job_id, "done", reading(1))
    status = queue.store.status(job_id)
    assert (status.state, status.message, status.made) == ("failed", KILLED.message, ())


def test_a_new_worker_finds_what_the_one_before_left(queue):
    ids = [queue.store.enqueue(draw("a")) for _ in range(3)]
    queue.claims.take()
    second = queue.worker("w2")
    assert queue.states() == {ids[0]: "failed", ids[1]: "waiting", ids[2]: "waiting"}
    assert queue.store.status(ids[0]).message == GONE.message
    assert second.take().id == ids[1]
    # Whoever saw the process end knows why, and comes late.
    queue.store.worker_died("w1", KILLED)
    assert queue.store.status(ids[0]).message == KILLED.message
    assert queue.state(ids[1]) == "running"


def test_who_only_finds_a_worker_gone_does_not_overrule_who_saw_it_die(queue):
    job_id = queue.store.enqueue(draw("a"))
    queue.claims.take()
    queue.store.worker_died("w1", KILLED)
    queue.store.worker_died("w1", GONE)
    assert queue.store.status(job_id).message == KILLED.message


def test_what_was_being_cancelled_when_the_worker_died_is_cancelled(queue):
    job_id = queue.store.enqueue(draw("a"))
    queue.claims.take()
    queue.store.cancel(job_id)
    queue.store.worker_died("w1", KILLED)
    status = queue.store.status(job_id)
    assert (status.state, status.failure, status.message) == ("cancelled", None, "")


def test_work_that_is_given_back_is_next_again(queue):
    ids = [queue.store.enqueue(draw(story)) for story in "aab"]
    queue.claims.take()
    queue.claims.report(ids[0], reading(0, 1, step=1, num_steps=2, doing="drawing"))
    queue.claims.give_back()
    status = queue.store.status(ids[0])
    assert (status.state, status.position, status.share, status.doing, status.attempts) == (
        "waiting",
        1,
        0.0,
        "",
        1,
    )
    assert queue.worker("w2").take().id == ids[0]


def test_work_that_is_given_back_while_it_is_cancelled_is_cancelled(queue):
    job_id = queue.store.enqueue(draw("a"))
    queue.claims.take()
    queue.store.cancel(job_id)
    queue.store.worker_closed("w1")
    assert queue.state(job_id) == "cancelled"


def test_a_job_of_another_version_fails_with_a_sentence_and_the_next_is_taken(queue):
    bad, good = queue.store.enqueue(draw("a")), queue.store.enqueue(draw("a"))
    with queue.database.writing(durable=False) as connection:
        connection.execute("UPDATE jobs SET job = '{}', kind = 'hologram' WHERE id = ?", (bad,))
    assert (queue.store.status(bad).job, queue.store.status(bad).title) == (None, "hologram")
    assert queue.claims.take().id == good
    status = queue.store.status(bad)
    assert (status.state, status.can_retry) == ("failed", False)
    assert "written by another version" in status.message
    with pytest.raises(QueueError, match="another version"):
        queue.store.retry(bad)


def test_a_worker_is_seen_alive_until_it_falls_silent_or_ends(queue):
    queue.claims.beat()
    worker = queue.store.snapshot().worker
    assert (worker.is_alive, worker.beats, worker.pid, worker.instance) == (True, 1, 7, "w1")
    queue.clock.now += SILENT_SECONDS + 1
    assert not queue.store.snapshot().worker.is_alive
    queue.claims.beat()
    assert queue.store.snapshot().worker.is_alive
    queue.claims.finish("no weights")
    worker = queue.store.snapshot().worker
    assert (worker.is_alive, worker.message) == (False, "no weights")
    assert queue.store.has_ended("w1")


def test_only_the_newest_worker_is_listened_to(queue):
    second = queue.worker("w2")
    second.beat()
    assert (queue.store.beats_of("w2"), queue.store.beats_of("w1")) == (1, None)


# --- times


def test_elapsed_time_goes_on_between_reports_but_not_after_the_last_sign_of_life(queue):
    job_id = queue.store.enqueue(draw("a"))
    queue.claims.take()
    queue.claims.report(job_id, reading(elapsed=5.0))
    queue.clock.now += 2
    assert queue.store.status(job_id).elapsed_seconds == 7.0
    queue.clock.now += 1000
    assert queue.store.status(job_id).elapsed_seconds == 8.0
    queue.claims.beat()
    assert queue.store.status(job_id).elapsed_seconds == 5.0 + 1002


def test_a_waiting_job_tells_what_it_will_take_and_when_it_starts(queue):
    work = draw("a").workload
    samples = (
        Sample.of(work, seconds_per_amount=10.0),
        Sample(
            part="start of keyframe",
            width=0,
            height=0,
            steps=1,
            variant="warm",
            weights="",
            seconds_per_amount=1.0,
        ),
        Sample(
            part="start of keyframe",
            width=0,
            height=0,
            steps=1,
            variant="cold",
            weights="",
            seconds_per_amount=9.0,
        ),
    )
    first = queue.store.enqueue(draw("z"))
    queue.claims.take()
    queue.claims.end(first, "done", reading(1, samples=samples))
    ids = [queue.store.enqueue(draw("a", "r1", "r2")), queue.store.enqueue(draw("a"))]
    assert queue.store.expected(draw("b")).seconds == 11.0  # this worker is warm
    statuses = [queue.store.status(job_id) for job_id in ids]
    assert [status.seconds_left for status in statuses] == [21.0, 11.0]
    assert [status.starts_in_seconds for status in statuses] == [0.0, 21.0]
    assert statuses[0].expected.basis == "same settings"
    queue.claims.take()
    queue.claims.report(ids[0], reading(1, 2, elapsed=1.0 + 20.0, start=1.0))
    statuses = [queue.store.status(job_id) for job_id in ids]
    # 10 s are planned for the second half, its own pace says 20: half-way both count at least the same, and the job
    # that waits is expected to be as slow.
    assert [status.seconds_left for status in statuses] == [15.0, 16.5]
    assert statuses[1].starts_in_seconds == 15.0
    second = queue.worker("w2")
    assert queue.store.expected(draw("b")).seconds == 19.0  # and this one is cold
    second.take()
    second.forget_warmth()
    assert queue.store.expected(draw("b")).seconds == 19.0


def test_before_the_first_event_the_start_counts_down(queue):
    job_id = queue.store.enqueue(ExportStory(story_id="a", format="pdf", num_keyframes=10))
    expected = queue.store.expected(queue.store.status(job_id).job)
    queue.claims.take()
    queue.clock.now += 2.0
    status = queue.store.status(job_id)
    assert status.expected.basis == "guess"
    assert status.seconds_left == pytest.approx(
        max(0.0, expected.start_seconds - 2.0) + expected.unit_seconds
    )
    queue.clock.now += 1e6
    assert queue.store.status(job_id).seconds_left >= expected.unit_seconds


def test_a_guess_gives_way_to_the_first_measurement(queue):
    job_id = queue.store.enqueue(draw("a", *(f"r{number}" for number in range(20))))
    queue.claims.take()
    queue.claims.report(job_id, reading(1, 20, elapsed=100.0 + 0.5, start=0.5))
    assert queue.store.status(job_id).seconds_left == pytest.approx(1900.0)


# --- the whole list


def test_the_list_has_running_then_waiting_then_finished_jobs_the_newest_first(queue):
    ids = [queue.store.enqueue(draw(story)) for story in "abcde"]
    for _ in range(2):
        queue.clock.now += 1
        queue.claims.end(queue.claims.take().id, "done", reading(1))
    queue.claims.take()
    snapshot = queue.store.snapshot()
    assert [job.id for job in snapshot.jobs] == [ids[2], ids[3], ids[4], ids[1], ids[0]]
    assert [job.position for job in snapshot.jobs] == [None, 1, 2, None, None]
    assert (snapshot.num_waiting, snapshot.of_story("d")) == (2, (snapshot.jobs[1],))


def test_polling_reads_the_file_only_when_it_has_changed(queue, monkeypatch):
    from app.queue import snapshots

    reads = count()
    real = snapshots._read_table
    monkeypatch.setattr(snapshots, "_read_table", lambda *given: next(reads) * 0 or real(*given))
    enqueue(queue, "abc")
    for _ in range(50):
        queue.store.snapshot()
        queue.clock.now += 1
    assert next(reads) == 1
    enqueue(queue, "a")
    queue.store.snapshot()
    assert next(reads) == 3


def test_snapshots_taken_by_many_threads_at_once_are_whole(queue):
    def look(_):
        return Counter(job.state for job in queue.store.snapshot().jobs)

    with ThreadPoolExecutor(8) as pool:
        looks = pool.map(look, range(200))
        enqueue(queue, "abcdefgh")
        assert all(set(found) <= {"waiting"} for found in looks)
    assert look(0) == {"waiting": 8}
