from __future__ import annotations

import shutil
import tempfile
import threading
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from making import draft_of_plots, plots
from writers import add_rows, run_all

from moviedreamer_core.errors import StoryError
from moviedreamer_core.story_files import read_story
from moviedreamer_core.workspace import (
    Draft,
    Revision,
    Row,
    StaleSaveError,
    Stories,
    StoryFolder,
    StoryGoneError,
    journal,
)
from moviedreamer_core.workspace.draft import story_file_of


def reopened(story: StoryFolder) -> StoryFolder:
    return StoryFolder(story.path)


# --- saving ------------------------------------------------------------------------------------------


def test_a_save_makes_the_next_revision_and_leaves_the_earlier_file_as_it_was(story: StoryFolder) -> None:
    before = (story.path / "revisions" / "00000002.json").read_bytes()
    saved = story.script.save(draft_of_plots("x"), base=2, label="Edit")
    assert (saved.number, saved.act, saved.label) == (3, "edit", "Edit")
    assert reopened(story).script.head() == saved
    assert (story.path / "revisions" / "00000002.json").read_bytes() == before


def test_the_story_file_follows_and_is_read_by_the_command_line_s_reader(story: StoryFolder) -> None:
    draft = draft_of_plots("Mara walks.", "", "Tom waves.")
    story.script.save(draft, base=2)
    assert read_story(story.path / "story.yaml") == story_file_of(draft)
    assert yaml.safe_load((story.path / "story.yaml").read_text("utf-8"))["title"] == "The Pier"


def test_saving_what_is_there_already_makes_no_revision(story: StoryFolder) -> None:
    head = story.script.head()
    assert story.script.save(head.draft, base=head.number) == head
    assert story.script.save(head.draft, base=1) == head  # not even from a tab that is behind


def test_a_save_from_a_tab_that_is_behind_is_refused_with_both_versions(story: StoryFolder) -> None:
    mine, theirs = draft_of_plots("mine"), draft_of_plots("theirs")
    story.script.save(theirs, base=2)
    files = sorted(story.path.rglob("*"))
    with pytest.raises(StaleSaveError) as caught:
        story.script.save(mine, base=2)
    refused = caught.value
    assert (refused.mine, refused.theirs.draft, refused.theirs.number, refused.base) == (mine, theirs, 3, 2)
    assert str(refused) == (
        "the script was changed in another tab meanwhile (yours follows revision 2, the newest is 3); "
        "keep yours as the newest, take the other, or keep both as two stories"
    )
    assert sorted(story.path.rglob("*")) == files


def test_each_answer_to_a_refused_save_keeps_what_it_says(stories: Stories, story: StoryFolder) -> None:
    mine, theirs = draft_of_plots("mine"), draft_of_plots("theirs")
    number = story.script.save(theirs, base=2).number
    both = stories.duplicate(story.id, draft=mine, title="Mine")
    assert plots(both.script.head().draft) == ["mine"]
    assert story.script.head().draft == theirs
    kept = story.script.save(mine, base=number)
    assert kept.draft == mine
    assert story.script.undo(base=kept.number).draft == theirs


def test_a_value_that_passed_the_checks_by_is_refused_before_it_is_written(story: StoryFolder) -> None:
    row = story.script.head().draft.rows[0].model_copy(update={"seconds": -1.0})
    draft = story.script.head().draft.model_copy(update={"rows": (row,)})
    with pytest.raises(StoryError, match=r"^row 1: seconds: must be more than 0"):
        story.script.save(draft, base=2)
    assert story.script.head().number == 2


def test_a_script_too_large_for_a_story_file_is_told_and_nothing_is_left(story: StoryFolder) -> None:
    files = sorted(story.path.rglob("*"))
    large = draft_of_plots(*(str(number) * 5000 for number in range(100, 250)))
    with pytest.raises(StoryError, match=r"^the script is larger than 2 MB; split the story into two$"):
        story.script.save(large, base=2)
    assert sorted(story.path.rglob("*")) == files
    assert story.script.head().number == 2


def test_a_change_that_needs_no_sight_of_the_script_applies_to_the_newest(story: StoryFolder) -> None:
    story.script.save(draft_of_plots("x"), base=2)
    renamed = story.script.change(lambda draft: draft.with_changes(title="New"), label="Rename")
    assert (renamed.draft.title, plots(renamed.draft), renamed.number) == ("New", ["x"], 4)


def test_a_story_that_is_gone_is_told_and_does_not_come_back_as_a_husk(story: StoryFolder) -> None:
    shutil.rmtree(story.path)
    for act in (
        lambda: story.script.save(draft_of_plots("x"), base=2),
        lambda: story.script.head(),
        lambda: story.decisions.lock([Row().id]),
        lambda: story.script.undo(base=2),
    ):
        with pytest.raises(StoryGoneError, match="restore it from the trash"):
            act()
    assert not story.path.exists()


# --- undo and redo -----------------------------------------------------------------------------------


def test_undo_of_a_tab_that_is_behind_is_refused(story: StoryFolder) -> None:
    story.script.save(draft_of_plots("x"), base=2)
    with pytest.raises(StaleSaveError) as caught:
        story.script.undo(base=2)
    assert caught.value.mine is None
    assert plots(story.script.head().draft) == ["x"]


def test_nothing_to_undo_or_redo_is_told(stories: Stories) -> None:
    new = stories.new()
    assert not new.script.head().can_undo
    with pytest.raises(StoryError, match=r"^there is nothing to undo$"):
        new.script.undo(base=1)
    with pytest.raises(StoryError, match=r"^there is nothing to redo$"):
        new.script.redo(base=1)


def test_what_was_typed_in_one_go_is_undone_in_one_go(story: StoryFolder) -> None:
    before = story.script.head()
    number = before.number
    for text in ("M", "Ma", "Mar"):
        number = story.script.save(draft_of_plots(text), base=number, step="plot of row 1").number
    number = story.script.save(draft_of_plots("Mar", "b"), base=number, step="plot of row 2").number
    once = story.script.undo(base=number)
    assert plots(once.draft) == ["Mar"]
    twice = story.script.undo(base=once.number)
    assert twice.draft == before.draft


def test_typing_on_after_an_undo_is_a_step_of_its_own(story: StoryFolder) -> None:
    for text in ("a", "ab"):
        story.script.save(draft_of_plots(text), base=story.script.head().number, step="s")
    story.script.undo(base=story.script.head().number)
    head = story.script.save(draft_of_plots("x"), base=story.script.head().number, step="s")
    assert plots(story.script.undo(base=head.number).draft) == plots(story.script.head().draft)
    assert len(story.script.head().draft.rows) == 4


def test_a_script_that_returns_after_undo_has_the_same_rows_with_the_same_ids(story: StoryFolder) -> None:
    before = story.script.head().draft
    deleted = story.script.save(before.without_rows([before.rows[1].id]), base=2)
    assert story.script.undo(base=deleted.number).draft.rows == before.rows


def test_the_journal_on_disk_holds_no_more_than_undo_and_redo_reach(
    story: StoryFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "MAX_UNDO", 5)
    for number in range(2, 30):
        story.script.save(draft_of_plots(str(number)), base=number)
    assert story.script.numbers() == list(range(25, 31))
    for number in range(30, 35):
        story.script.undo(base=number)
    assert plots(story.script.head().draft) == ["24"]
    with pytest.raises(StoryError, match="nothing to undo"):
        story.script.undo(base=35)
    assert len(story.script.numbers()) == 6


def test_the_journal_is_bounded_in_bytes(story: StoryFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "MAX_BYTES_FOR_UNDO", 50_000)
    for number in range(2, 20):
        story.script.save(draft_of_plots(str(number % 10) * 10_000), base=number)
    total = sum(path.stat().st_size for path in (story.path / "revisions").iterdir())
    assert 40_000 < total < 65_000
    assert len(story.script.head().undo) == 4


class UndoAgainstPlainLists(RuleBasedStateMachine):
    """Scripts as strings, with two lists for undo and redo, are what the journal is compared with."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.story = Stories(self.root / "stories").new()
        self.script, self.undone, self.redone = "", [], []
        self.step = ""
        self.count = 0

    def teardown(self) -> None:
        shutil.rmtree(self.root)

    def draft(self, text: str) -> Draft:
        return Draft(rows=(Row(id="row-aaaaaaaaaa", plot=text),)) if text else Draft()

    @rule(step=st.sampled_from(["", "typing", "moving"]))
    def save(self, step: str) -> None:
        self.count += 1
        text = f"{self.count}"
        self.story.script.save(self.draft(text), base=self.story.script.head().number, step=step)
        if step == "" or step != self.step:
            self.undone.append(self.script)
        self.script, self.redone, self.step = text, [], step

    @precondition(lambda self: self.undone)
    @rule()
    def undo(self) -> None:
        self.story.script.undo(base=self.story.script.head().number)
        self.redone.append(self.script)
        self.script, self.step = self.undone.pop(), ""

    @precondition(lambda self: self.redone)
    @rule()
    def redo(self) -> None:
        self.story.script.redo(base=self.story.script.head().number)
        self.undone.append(self.script)
        self.script, self.step = self.redone.pop(), ""

    @rule()
    def restart(self) -> None:
        self.story = Stories(self.root / "stories").open(self.story.id).story

    @invariant()
    def the_script_is_that_of_the_lists(self) -> None:
        head = self.story.script.head()
        assert head.draft == self.draft(self.script)
        assert (len(head.undo), len(head.redo)) == (len(self.undone), len(self.redone))


UndoAgainstPlainLists.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
test_undo_and_redo_behave_as_two_plain_lists_also_across_restarts = UndoAgainstPlainLists.TestCase


# --- two tabs, two processes -------------------------------------------------------------------------


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    acts=st.lists(
        st.tuples(st.sampled_from([0, 1]), st.sampled_from(["save", "reload", "undo"])),
        min_size=10,
        max_size=10,
    )
)
def test_no_save_of_two_tabs_overwrites_what_its_tab_has_not_seen(
    stories: Stories, acts: list[tuple[int, str]]
) -> None:
    story = stories.new()
    seen = [1, 1]  # the revision that each tab shows
    newest, scripts = 1, {1: Draft()}
    for count, (tab, act) in enumerate(acts):
        if act == "reload":
            head = story.script.head()
            assert head.draft == scripts[head.number] == scripts[newest]
            seen[tab] = head.number
            continue
        mine = draft_of_plots(f"tab {tab}, save {count}")
        before = story.script.head()
        revision, refused = None, None
        try:
            revision = story.script.save(mine, base=seen[tab]) if act == "save" else undone(story, seen[tab])
        except StaleSaveError as error:
            refused = error
        assert (refused is not None) == (seen[tab] < newest)  # its tab had not seen all there was
        if refused is not None:
            assert refused.theirs.draft == scripts[newest]
            assert story.script.head() == before
        elif revision is not None:
            assert revision.number == newest + 1
            assert act == "undo" or revision.draft == mine
            newest = seen[tab] = revision.number
            scripts[newest] = revision.draft


def undone(story: StoryFolder, base: int) -> Revision | None:
    """None where nothing is left to undo."""
    if base == story.script.head().number and not story.script.head().can_undo:
        return None
    return story.script.undo(base=base)


@pytest.mark.parametrize("kind", ["processes", "threads"])
def test_two_that_save_at_the_same_time_lose_no_row(stories: Stories, kind: str) -> None:
    story = stories.new()
    if kind == "processes":
        run_all(add_rows, *((story.path, name, 25) for name in "ab"))
    else:
        threads = [threading.Thread(target=add_rows, args=(story.path, name, 25)) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    head = reopened(story).script.head()
    assert sorted(plots(head.draft)) == sorted(f"{name} {number}" for name in "ab" for number in range(25))
    assert head.number == 51
    assert not stories.open(story.id).notices


def test_the_script_can_be_read_at_any_time_while_it_is_saved_and_pruned(
    story: StoryFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "MAX_UNDO", 1)
    saver = threading.Thread(target=add_rows, args=(story.path, "a", 60))
    saver.start()
    seen = []
    while saver.is_alive():
        head = reopened(story).script.head()
        seen.append(head.number)
        assert len(head.draft.rows) == 2 + head.number
    saver.join()
    assert seen == sorted(seen)
