from __future__ import annotations

import pytest
from writers import lock_all, run_all

from moviedreamer_core.errors import StoryError
from moviedreamer_core.workspace import Row, StoryFolder
from moviedreamer_core.workspace.decisions import Decisions, ShotDecisions


def test_nothing_is_decided_at_first(story: StoryFolder, rows: list[str]) -> None:
    assert story.decisions.read() == Decisions()
    assert story.decisions.read().of(rows[0]) == ShotDecisions()
    assert not (story.path / "decisions.json").exists()


def test_decisions_survive_a_restart_and_count_up(story: StoryFolder, rows: list[str]) -> None:
    story.decisions.lock(rows[:2])
    story.decisions.tick(rows[1:3], animate=True)
    story.decisions.set_motion(rows[:1], 40)
    story.decisions.set_motion(rows[1:2], "lively")
    story.decisions.set_movie(transition="crossfade", subtitles="burned")
    story.decisions.unlock(rows[:1])
    found = StoryFolder(story.path).decisions.read()
    assert found.number == 6
    assert [found.of(row).locked for row in rows] == [False, True, False, False]
    assert [found.of(row).animate for row in rows] == [False, True, True, False]
    assert [found.of(row).motion for row in rows] == [40, "lively", None, None]
    assert (found.movie.transition, found.movie.subtitles) == ("crossfade", "burned")


def test_a_decision_taken_twice_is_written_once(story: StoryFolder, rows: list[str]) -> None:
    story.decisions.lock(rows)
    before = (story.path / "decisions.json").stat().st_mtime_ns
    assert story.decisions.lock(rows).number == 1
    assert (story.path / "decisions.json").stat().st_mtime_ns == before


def test_choosing_and_locking_never_make_a_script_stale(story: StoryFolder, rows: list[str]) -> None:
    story.decisions.lock(rows)
    draft = story.script.head().draft
    assert story.script.save(draft.without_rows(rows[:1]), base=2).number == 3


def test_decisions_about_a_deleted_row_come_back_with_it(story: StoryFolder, rows: list[str]) -> None:
    story.decisions.lock(rows[:1])
    story.script.save(story.script.head().draft.without_rows(rows[:1]), base=2)
    story.script.undo(base=3)
    assert story.view().shot(rows[0]).locked


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"motion": 256}, "motion: "),
        ({"motion": "<b>"}, "motion: "),
        ({"take": "../x"}, "take: string should match pattern"),
        ({"nonsense": 1}, 'unknown field "nonsense"'),
    ],
)
def test_a_decision_that_cannot_be_is_told_and_not_written(
    story: StoryFolder, rows: list[str], fields: dict[str, object], message: str
) -> None:
    with pytest.raises(StoryError) as caught:
        story.decisions.apply(lambda decisions: decisions.with_shot(rows[0], **fields))
    assert message in str(caught.value)
    assert story.decisions.read() == Decisions()


def test_an_owner_that_is_no_row_is_refused(story: StoryFolder) -> None:
    with pytest.raises(StoryError, match="string should match pattern"):
        story.decisions.lock(["../x"])
    assert story.decisions.read() == Decisions()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "decisions.json: the decisions are damaged (Expecting property name"),
        ("[]", "decisions.json: the decisions are damaged: "),
        ('{"version": 3}', "decisions.json: written by a newer release (version 3); update this one"),
        ("[" * 100_000, "decisions.json: the decisions are damaged (maximum recursion depth"),
        ('{"shots": {"x": {}}}', "decisions.json: the decisions are damaged: "),
        ("[" + "1," * 5_000_000 + "1]", "decisions.json: the decisions are damaged: "),
    ],
)
def test_damaged_decisions_are_told(story: StoryFolder, content: str, message: str) -> None:
    (story.path / "decisions.json").write_text(content)
    with pytest.raises(StoryError) as caught:
        story.decisions.read()
    assert str(caught.value).startswith(message)


def test_decisions_of_two_processes_at_the_same_time_are_all_kept(story: StoryFolder) -> None:
    ids = [[Row().id for _ in range(10)] for _ in range(2)]
    run_all(lock_all, *((story.path, some) for some in ids))
    found = story.decisions.read()
    assert {owner for owner, shot in found.shots.items() if shot.locked} == {*ids[0], *ids[1]}
    assert found.number == 20
