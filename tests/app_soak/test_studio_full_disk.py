"""The disk is full while something is uploaded, saved or exported: nothing is damaged, and a person is told."""

from __future__ import annotations

import builtins
import io
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from making import content_of
from queue_bench import until
from small_disk import SmallDisk, small_disk
from soak import count, note
from soak_work import refuse_writes_while
from studio_bench import StudioBench, desk_of, new_story, photo, worker_command

from app.desk import Desk
from app.queue.store import open_store
from app.queue.supervisor import Supervisor
from moviedreamer_core.errors import MovieDreamerError
from moviedreamer_core.workspace import Stories

NUM_FULL, NUM_FULL_AT_WORK = count(100), count(20)
FULL = "the disk is full"
OF_SEVERAL_STEPS = ("upload a face", "upload a story", "duplicate")  # of which some may be taken, each whole


@pytest.fixture(params=["tmpfs", "injected"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path, request.param) as found:
        yield found


@pytest.fixture
def _refusing(disk: SmallDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, where the disk is no real one."""
    for name in ("fsync", "replace", "rename", "mkdir", "link"):
        monkeypatch.setattr(os, name, getattr(os, name))  # to be restored
    monkeypatch.setattr(io, "open", io.open)
    monkeypatch.setattr(builtins, "open", builtins.open)
    if disk.way == "injected":
        refuse_writes_while(disk.marker)


def acts_of(
    desk: Desk, story_id: str, chance: random.Random, source: Path
) -> dict[str, Callable[[], object]]:
    story = desk.story(story_id)
    row = story.script.head().draft.rows[0].id
    cast_id = story.script.head().draft.cast[0].id

    def upload_face() -> None:
        for face in story.script.head().draft.cast[0].faces:
            desk.cast.remove_face(story_id, cast_id, face)
        desk.cast.add_face(story_id, cast_id, source)

    return {
        "save": lambda: desk.script.set_row(story_id, row, {"plot": f"Mara waves {chance.random()}. " * 400}),
        "lock": lambda: desk.storyboard.set_locked(story_id, row, locked=chance.random() < 0.5),
        "upload a face": upload_face,
        "upload a story": lambda: desk.shelf.delete(desk.shelf.from_text("Mara walks. " * 300).id),
        "export the script": lambda: desk.script.export(story_id, "yaml"),
        "export the story": lambda: desk.shelf.export_zip(story_id),
        "duplicate": lambda: desk.shelf.delete(desk.shelf.duplicate(story_id).id),
    }


@pytest.mark.usefixtures("_refusing")
def test_a_full_disk_during_upload_save_and_export_damages_nothing_and_is_told(
    disk: SmallDisk, tmp_path: Path
) -> None:
    chance, desk = random.Random(5), desk_of(disk.folder)
    story = new_story(desk, "The Pier")
    for reference in range(3):
        desk.references.add(story.id, photo(tmp_path / "photo.png", str(reference)))
    refused = dict.fromkeys(acts_of(desk, story.id, chance, tmp_path), 0)
    for number in range(NUM_FULL):
        source = photo(tmp_path / "photo.png", f"new {number}")
        acts = acts_of(desk, story.id, chance, source)
        name = list(acts)[number % len(acts)]
        before = state_of(desk, story.id)
        try:
            with disk.full(but_for_bytes=4096 * chance.randrange(8)):
                acts[name]()
        except MovieDreamerError as error:
            check_sentence(str(error))
            refused[name] += 1
            assert name in OF_SEVERAL_STEPS or state_of(desk, story.id) == before
        check_whole(disk.folder / "stories")
        acts[name]()  # there is room again
        desk.shelf.empty_trash()
        desk.queue.clear_finished()
        for job in desk.queue.snapshot().jobs:
            desk.queue.cancel(job.id)
    assert all(refused[name] for name in list(refused)[:NUM_FULL]), refused
    note(
        f"Disk full during upload, save and export ({disk.way}): nothing damaged, a clear message",
        attempts=NUM_FULL,
        refused_and_told=sum(refused.values()),
        damaged=0,
    )


def state_of(desk: Desk, story_id: str) -> dict[str, bytes]:
    """What is on the disk of a story, but for what is being put together."""
    found = content_of(desk.story(story_id).path)
    return {path: data for path, data in found.items() if not path.startswith("staging/")}


def check_sentence(told: str) -> None:
    assert FULL in told
    assert "free some space" in told
    assert "\n" not in told


def check_whole(root: Path) -> None:
    stories = Stories(root)
    for summary in stories.summaries():
        assert summary.problem == ""
        assert stories.open(summary.id).notices == ()


def test_a_disk_that_fills_up_under_the_worker_costs_no_take_and_the_queue_goes_on(
    disk: SmallDisk, tmp_path: Path
) -> None:
    chance, studio = random.Random(6), StudioBench(disk.folder)
    story = new_story(studio.desk, "The Pier")
    rows = [row.id for row in story.script.head().draft.rows]
    command = worker_command(disk.folder, step_seconds=0.002, full_while=str(disk.marker))
    store = open_store(command.queue)
    supervisor = Supervisor(store, command, first_pause_seconds=0.01, longest_pause_seconds=0.05)
    supervisor.start()
    num_told = 0
    try:
        for number in range(NUM_FULL_AT_WORK):
            job_id = studio.desk.storyboard.new_take(story.id, chance.choice(rows))
            if number == 0:
                until(lambda: studio.worker_pid, of="a worker")
            kept = takes_of(studio, story.id)
            said: list[str] = []
            with disk.full(but_for_bytes=4096 * chance.randrange(6) if number else 0):
                until(
                    lambda job_id=job_id, said=said: is_told_or_done(studio, supervisor, job_id, said),
                    of="a word of it",
                )
            num_told += FULL in said[-1]
            until(
                lambda job_id=job_id: not studio.desk.queue.status(job_id).is_active, of="the end of the job"
            )
            status = studio.desk.queue.status(job_id)
            if status.state == "failed":
                assert status.failure in ("disk", "gone", "crash"), status.message
                studio.desk.queue.retry(job_id)
            until(
                lambda job_id=job_id: studio.desk.queue.status(job_id).state == "done",
                of="the job, with room",
            )
            assert kept < takes_of(studio, story.id)
            check_whole(disk.folder / "stories")
            story.discard_deleted_rows()
    finally:
        supervisor.close("stop", seconds=5.0)
        store.close()
        studio.close()
    assert num_told
    note(
        f"Disk full under the worker ({disk.way}): no take lost, the reason told, the queue goes on",
        times=NUM_FULL_AT_WORK,
        refused_and_told=num_told,
        takes_lost=0,
        jobs_done_at_the_end=NUM_FULL_AT_WORK,
    )


def takes_of(studio: StudioBench, story_id: str) -> set[str]:
    story = studio.desk.story(story_id)
    return {take.id for row in story.script.head().draft.rows for take in story.takes.of(row.id)}


def is_told_or_done(studio: StudioBench, supervisor: Supervisor, job_id: int, said: list[str]) -> bool:
    """Whether the job is over, or the worker cannot even begin; `said` then ends with what the page says of it."""
    state, status = supervisor.state, studio.desk.queue.status(job_id)
    if status.is_active and state.phase != "pausing":
        return False
    said.append(state.message if status.is_active else status.message)
    return True
