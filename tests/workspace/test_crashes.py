"""Processes are really killed here; how often, says soak.py."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from making import PLOTS, draft_of_plots, draw, picture
from soak import note
from writers import (
    ACTS,
    COMPLETED,
    FORKSERVER,
    KILLED,
    NUM_KILLS,
    check_nothing_is_left,
    die_before,
    points,
    serve,
    sha256_of,
    the_story,
    work,
)

from moviedreamer_core.workspace import Draft, Stories
from moviedreamer_core.workspace.shelf import sha256_of as sha256_of_file
from moviedreamer_core.workspace.takes import Clips, Takes


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with a story of some takes, a deleted one, and an archive beside it."""
    stories = Stories(tmp_path / "stories")
    story = stories.new(title="The Pier")
    story.script.save(draft_of_plots(*PLOTS), base=1)
    rows = story.script.head().draft.rows
    for seed, row in enumerate([rows[0], rows[0], rows[1]]):
        draw(story, row.id, seed=seed)
    story.pictures.add(picture(tmp_path / "face.png", "navy"), "faces")
    stories.delete(stories.new(title="Deleted").id)
    stories.export_archive(story.id, tmp_path / "story.zip")
    return stories.root


def killed_or_done(number: int, act: str, root: Path) -> bool:
    """Whether `act` was killed before its step `number`; else it went through."""
    process = FORKSERVER.Process(target=die_before, args=(number, act, root), daemon=True)
    process.start()
    process.join()
    assert process.exitcode in (COMPLETED, KILLED)
    return process.exitcode == KILLED


def state(stories: Stories) -> dict[str, object]:
    """All that a person can see, by story."""
    found: dict[str, object] = {"trash": [one.title for one in stories.trash()]}
    for summary in stories.summaries():
        assert summary.problem == ""
        story = stories.get(summary.id)
        view = story.view()
        found[summary.id] = (
            view.revision.draft,
            view.decisions.shots,
            files_of(story.takes),
            files_of(story.clips),
            [path.name for path in story.exports()],
            sorted(os.listdir(story.path / "faces")) if (story.path / "faces").is_dir() else [],
        )
    return found


def files_of(shelf: Takes | Clips) -> dict[str, list[str]]:
    return {kept.id: sorted(os.listdir(kept.folder)) for owner in shelf.owners() for kept in shelf.of(owner)}


@pytest.mark.parametrize("act", ACTS)
def test_an_act_that_is_killed_anywhere_is_not_done_or_done_and_can_be_done_again(
    act: str, root: Path
) -> None:
    before_all = state(Stories(root))
    num_kills = 0
    for number in points():
        copy = root.parent / f"copy-{number}" / "stories"
        shutil.copytree(root.parent, copy.parent, ignore=shutil.ignore_patterns("copy-*"))
        is_killed = killed_or_done(number, act, copy)
        stories = Stories(copy)
        for summary in stories.summaries():
            opened = stories.open(summary.id)
            assert act == "edit by hand" or opened.notices == ()
        check_nothing_is_left(copy)
        after = state(stories)
        check_earlier_is_whole(before_all, after, act)
        if after == before_all:
            ACTS[act](stories)()  # what was cut short can be done now
        shutil.rmtree(copy.parent)
        num_kills += is_killed
        if not is_killed:
            break
    assert num_kills >= 1
    note(
        "SIGKILL at each point of an act that touches the disk: it is done or not done",
        acts=1,
        killed=num_kills,
    )


def check_earlier_is_whole(before: dict[str, object], after: dict[str, object], act: str) -> None:
    """What `act` does not concern is as before; what it does is as before or as it makes it."""
    story_id = next(key for key in before if key != "trash")
    if act == "delete" and story_id not in after:
        assert sorted(after["trash"]) == ["Deleted", "The Pier"]
        return
    old, new = before[story_id], after[story_id]
    changes = {
        "save": (0,), "undo": (0,), "edit by hand": (0,), "choose": (1,), "draw": (2,), "add tokens": (2,),
        "discard": (2,), "film": (3,), "export": (4,), "upload": (5,),
    }.get(act, ())  # fmt: skip
    for part, (was, now) in enumerate(zip(old, new, strict=True)):
        assert part in changes or was == now
    drafts: tuple[Draft, Draft] = (old[0], new[0])
    if act == "save":
        assert drafts[1].without_rows([row.id for row in drafts[1].rows if row.plot == "New."]) == drafts[0]
    if act == "undo":
        assert drafts[1] in (drafts[0], Draft(title="The Pier"))
    if act in ("draw", "film", "export", "upload"):
        (part,) = changes
        assert len(new[part]) - len(old[part]) in (0, 1)
        assert set(old[part]) <= set(new[part])
    others = [key for key in after if key not in ("trash", story_id)]
    assert len(others) <= (1 if act in ("new", "duplicate", "restore", "import") else 0)
    if act in ("duplicate", "import") and others:
        copied = after[others[0]]
        assert copied[0].with_changes(title="The Pier") == old[0]
        assert copied[2] == old[2]


# --- at random moments -------------------------------------------------------------------------------


def test_server_and_worker_killed_at_random_moments_lose_nothing_that_they_committed(tmp_path: Path) -> None:
    chance, num_killed = random.Random(0), 0
    stories = Stories(tmp_path / "stories")
    story = stories.new(title="The Pier")
    story.script.save(draft_of_plots(*PLOTS), base=1)
    said: list[dict[str, object]] = []
    number = story.script.head().number
    while num_killed < NUM_KILLS:
        writers = [start(target, stories.root, story.id, chance.randrange(2**30)) for target in (serve, work)]
        chance.shuffle(writers)
        for process, ends in writers:  # the first is killed while the other goes on
            wait_for(ends, num_lines=chance.randrange(1, 6))
            time.sleep(chance.random() * 0.02)
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
            process.join()
            assert process.exitcode == KILLED
            num_killed += 1
        for _, ends in writers:
            said += everything_said(ends)
        reopened = Stories(stories.root)
        assert reopened.open(story.id).notices == ()
        check_nothing_is_left(stories.root)
        check_said(reopened, story.id, said, number)
        number = reopened.get(story.id).script.head().number
    assert len(said) > num_killed
    kinds = Counter(one["kind"] for one in said)
    note(
        "SIGKILL of processes that edit and draw at random moments, stories alone: nothing committed is lost",
        killed=num_killed,
        scripts_saved=kinds["script"],
        takes_and_clips_committed=kinds["takes"] + kinds["clips"],
        decisions_made=kinds["decisions"],
        files_kept=kinds["file"],
        lost_or_damaged=0,
    )


def start(target: object, root: Path, story_id: str, seed: int) -> tuple[object, dict[str, object]]:
    reader, writer = FORKSERVER.Pipe(duplex=False)
    process = FORKSERVER.Process(target=target, args=(root, story_id, seed, writer), daemon=True)
    process.start()
    writer.close()
    return process, {"reader": reader, "text": b""}


def wait_for(ends: dict[str, object], *, num_lines: int) -> None:
    while ends["text"].count(b"\n") < num_lines:
        block = os.read(ends["reader"].fileno(), 65536)
        assert block, "the process ended by itself"
        ends["text"] += block


def everything_said(ends: dict[str, object]) -> list[dict[str, object]]:
    while block := os.read(ends["reader"].fileno(), 65536):
        ends["text"] += block
    return [json.loads(line) for line in ends["text"].splitlines(keepends=True) if line.endswith(b"\n")]


def check_said(stories: Stories, story_id: str, said: list[dict[str, object]], number_before: int) -> None:
    """Everything that was said to be committed is there, unchanged; at most one save more since `number_before`.

    But not the takes and clips of a row that was inserted and undone, and that no redo brings back since something
    else was edited: an opening deletes those.
    """
    story = stories.get(story_id)
    script = max(
        (one for one in said if one["kind"] == "script"), key=lambda one: one["number"], default=None
    )
    head = story.script.head()
    newest = max(number_before, script["number"] if script is not None else 0)
    assert head.number - newest in (0, 1)
    if script is not None and head.number == script["number"]:
        assert sha256_of(head.draft.model_dump_json()) == script["sha256"]
    decided = max((one["number"] for one in said if one["kind"] == "decisions"), default=0)
    assert story.decisions.read().number >= decided
    there = {one.id for one in stories.summaries()}
    trash = {one.id for one in stories.trash()}
    deleted = {one["id"] for one in said if one["kind"] == "deleted"}
    discarded = {one["id"] for one in said if one["kind"] == "discarded"}
    owners = story.script.owners()
    for one in said:
        if "owner" in one and one["owner"] not in owners:
            continue
        match one["kind"]:
            case "takes" | "clips":
                kept = getattr(story, one["kind"]).get(one["owner"], one["id"])
                assert {name: sha256_of_file(kept.folder / name) for name in one["files"]} == one["files"]
            case "file":
                assert story.file(one["path"]).stat().st_size > 0
            case "story" if one["id"] not in deleted:
                assert one["id"] in there | trash
    gone = deleted - discarded - trash
    assert len(gone) <= 1 + NUM_KILLS  # those whose discarding was not said any more
    assert not (deleted & there)
    assert not (discarded & trash)
    assert len(story.script.head().draft.rows) >= 4


def test_a_story_of_this_test_is_found_by_its_title(root: Path) -> None:
    assert the_story(Stories(root)).script.head().draft.title == "The Pier"
