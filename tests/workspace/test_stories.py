from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

import pytest
from making import content_of, draft_of_plots, draw, film, picture, plots

from moviedreamer_core.errors import OutputError, StoryError
from moviedreamer_core.story_files import read_story
from moviedreamer_core.workspace import (
    Stories,
    StoryBusyError,
    StoryFolder,
    StoryGoneError,
    image_path,
)
from moviedreamer_core.workspace.layout import file_kind

EXAMPLE = Path(__file__).resolve().parents[2] / "assets" / "stories" / "lighthouse"


# --- new, open, list ---------------------------------------------------------------------------------


def test_a_new_story_has_a_folder_of_its_own_with_a_readable_name(stories: Stories) -> None:
    made = [stories.new(title=title) for title in ("The Lighthouse", "The Lighthouse", "../../etc", "")]
    assert len({story.id for story in made}) == 4
    assert [story.path.name.removesuffix(f"-{story.id}") for story in made] == [
        "the-lighthouse", "the-lighthouse", "etc", "story",
    ]  # fmt: skip
    assert all(story.path.parent == stories.root for story in made)
    assert made[2].script.head().draft.title == "../../etc"


def test_the_example_story_becomes_a_story_with_its_pictures(stories: Stories) -> None:
    story = stories.new(read_story(EXAMPLE / "story.yaml"), base=EXAMPLE)
    written = read_story(story.path / "story.yaml")
    original = read_story(EXAMPLE / "story.yaml")
    assert written.keyframes == original.keyframes
    assert all((story.path / face).is_file() for one in written.characters for face in one.faces)
    assert {file_kind(path) for path in content_of(story.path)} == {"story", "revision", "picture"}


def test_a_story_is_found_by_its_id_in_another_process_s_eyes(stories: Stories, story: StoryFolder) -> None:
    opened = Stories(stories.root).open(story.id)
    assert opened.notices == ()
    assert opened.story.path == story.path
    assert opened.story.script.head() == story.script.head()


@pytest.mark.parametrize("story_id", ["aaaaaaaa", "../x", "", "the-pier"])
def test_a_story_that_is_not_there_is_told(stories: Stories, story: StoryFolder, story_id: str) -> None:
    for act in (stories.open, stories.get, stories.delete, stories.duplicate):
        with pytest.raises(StoryGoneError, match=r"is not there; open one from the list of stories$"):
            act(story_id)


def test_the_list_shows_what_is_drawn_and_the_latest_change_first(
    stories: Stories, story: StoryFolder, rows: list[str]
) -> None:
    other = stories.new(title="Other")
    take = draw(story, rows[1])
    assert [one.id for one in stories.summaries()] == [other.id, story.id]
    story.script.save(draft_of_plots("x", title="Changed"), base=2)
    story.script.undo(base=3)
    first, second = stories.summaries()
    assert (first.id, first.title, first.num_rows, first.num_drawn) == (story.id, "The Pier", 4, 1)
    assert first.cover == image_path(take)
    assert (second.title, second.num_rows, second.cover, second.problem) == ("Other", 0, None, "")


def test_a_previewed_shot_counts_as_a_preview_and_not_as_drawn(
    stories: Stories, story: StoryFolder, rows: list[str]
) -> None:
    draw(story, rows[0])
    preview = draw(story, rows[2], preview=True)
    draw(story, rows[3], preview=True)
    (found,) = stories.summaries()
    assert (found.num_rows, found.num_drawn, found.num_previews) == (4, 1, 2)
    draw(story, rows[2])
    (found,) = stories.summaries()
    assert (found.num_drawn, found.num_previews) == (2, 1)
    assert preview.recipe.is_preview


def test_a_story_that_cannot_be_read_is_listed_with_its_problem_and_hides_no_other(
    stories: Stories, story: StoryFolder
) -> None:
    broken = stories.new(title="Broken")
    (broken.path / "revisions" / "00000001.json").write_text("{")
    good, bad = Stories(stories.root).summaries()
    assert (good.id, good.problem) == (story.id, "")
    assert bad.id == broken.id
    assert bad.problem.startswith("00000001.json: the revision is damaged")


def test_other_files_and_folders_beside_the_stories_are_left_alone(
    stories: Stories, story: StoryFolder
) -> None:
    (stories.root / "notes").mkdir()
    (stories.root / "notes" / "a.txt").write_text("mine")
    (stories.root / "readme.txt").write_text("mine")
    (stories.root / "husk-aaaaaaaa").mkdir()
    assert [one.id for one in Stories(stories.root).summaries()] == [story.id]
    assert (stories.root / "notes" / "a.txt").read_text() == "mine"


def test_a_stories_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="a file stands where a folder is needed"):
        Stories(tmp_path / "file")


# --- rename, duplicate -------------------------------------------------------------------------------


def test_a_renamed_story_keeps_its_folder_so_that_addresses_hold(
    stories: Stories, story: StoryFolder
) -> None:
    stories.rename(story.id, "Another <b>Pier</b>")
    assert stories.summaries()[0].title == "Another <b>Pier</b>"
    assert stories.get(story.id).path == story.path
    assert read_story(story.path / "story.yaml").title == "Another <b>Pier</b>"
    story.script.undo(base=3)
    assert stories.summaries()[0].title == "The Pier"


def test_a_duplicate_has_everything_but_history_and_exports_and_goes_its_own_way(
    stories: Stories, story: StoryFolder, rows: list[str], tmp_path: Path
) -> None:
    take = draw(story, rows[0])
    clip = film(story, take)
    story.decisions.lock(rows[:1])
    face = story.pictures.add(picture(tmp_path / "a.png"), "faces")
    with story.exporting("movie.mp4") as path:
        path.write_bytes(b"movie")
    before = content_of(story.path)
    copy = stories.duplicate(story.id)
    assert copy.script.head().draft == story.script.head().draft.with_changes(title="The Pier (copy)")
    assert not copy.script.head().can_undo
    shot = copy.view().shots[0]
    assert (shot.condition, shot.take.id, shot.clip.id) == ("locked", take.id, clip.id)
    assert (copy.path / face).is_file()
    assert copy.exports() == ()
    draw(copy, rows[0], seed=9)
    copy.takes.discard(rows[0], take.id)
    copy.decisions.unlock(rows[:1])
    copy.script.save(draft_of_plots("other"), base=copy.script.head().number)
    assert content_of(story.path) == before


# --- the trash ---------------------------------------------------------------------------------------


def test_a_deleted_story_comes_back_from_the_trash_as_it_was(
    stories: Stories, story: StoryFolder, rows: list[str]
) -> None:
    draw(story, rows[0])
    before = content_of(story.path)
    trashed = stories.delete(story.id)
    assert (trashed.title, trashed.id) == ("The Pier", story.id)
    assert stories.summaries() == ()
    assert stories.trash() == (trashed,)
    with pytest.raises(StoryGoneError, match="is in the trash; restore it first"):
        stories.open(story.id)
    with pytest.raises(StoryGoneError, match="restore it from the trash"):
        story.script.save(draft_of_plots("x"), base=2)
    assert stories.restore(story.id).path == story.path
    assert content_of(story.path) == before
    assert story.script.head().number == 2  # a tab that had it open goes on
    assert stories.trash() == ()
    with pytest.raises(StoryGoneError, match="is not in the trash"):
        stories.restore(story.id)


def test_a_story_is_not_deleted_while_something_is_written_to_it(
    stories: Stories, story: StoryFolder, rows: list[str]
) -> None:
    with (
        story.takes.stage(rows[0]),
        pytest.raises(StoryBusyError, match="is being written; wait until it is done, or cancel it first"),
    ):
        stories.delete(story.id)
    assert stories.summaries()[0].id == story.id
    stories.delete(story.id)


def test_emptying_the_trash_deletes_for_good_and_only_what_is_in_it(
    stories: Stories, story: StoryFolder
) -> None:
    for title in ("a", "b"):
        stories.delete(stories.new(title=title).id)
    assert {one.title for one in stories.trash()} == {"a", "b"}
    assert stories.empty_trash() == 2
    assert stories.trash() == ()
    assert [one.id for one in stories.summaries()] == [story.id]
    assert sorted(os.listdir(stories.root / ".staging")) == []


def test_a_copy_of_a_deleted_story_survives_the_emptying_of_the_trash(
    stories: Stories, story: StoryFolder, rows: list[str]
) -> None:
    take = draw(story, rows[0])
    data = image_path(take).read_bytes()
    copy = stories.duplicate(story.id)
    stories.delete(story.id)
    stories.empty_trash()
    assert image_path(copy.takes.of(rows[0])[0]).read_bytes() == data


# --- exports -----------------------------------------------------------------------------------------


def test_an_export_takes_its_name_when_it_is_whole(story: StoryFolder) -> None:
    for content in (b"one", b"two"):
        with story.exporting("movie.mp4") as path:
            path.write_bytes(content)
            assert path not in story.exports()
    assert [path.name for path in story.exports()] == ["movie.mp4"]
    assert story.file("exports/movie.mp4").read_bytes() == b"two"
    with contextlib.suppress(ZeroDivisionError), story.exporting("movie.mp4") as path:
        path.write_bytes(b"half")
        raise ZeroDivisionError
    with (
        pytest.raises(StoryError, match="nothing was written; export it again"),
        story.exporting("movie.mp4"),
    ):
        pass
    assert story.file("exports/movie.mp4").read_bytes() == b"two"


@pytest.mark.parametrize("name", ["../movie.mp4", "movie.exe", ".mp4", "a/b.mp4", "Movie.mp4"])
def test_an_export_of_another_name_is_a_mistake_of_the_program(story: StoryFolder, name: str) -> None:
    with pytest.raises(ValueError, match=r"an export is called like movie\.mp4"):
        story.exporting(name).__enter__()


# --- several at a time -------------------------------------------------------------------------------


def test_each_take_lands_in_its_own_story_whoever_else_draws(stories: Stories) -> None:
    made = [stories.new(title=f"Story {number}") for number in range(4)]
    for story in made:
        story.script.save(draft_of_plots("a", "b"), base=1)

    def work(story: StoryFolder, seed: int) -> None:
        for row in story.script.head().draft.rows:
            for offset in range(5):
                draw(story, row.id, seed=seed + offset)

    threads = [threading.Thread(target=work, args=(story, 100 * number)) for number, story in enumerate(made)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, story in enumerate(made):
        for row in story.script.head().draft.rows:
            seeds = [take.recipe.seed for take in story.takes.of(row.id)]
            assert seeds == list(range(100 * number, 100 * number + 5))
        assert plots(story.script.head().draft) == ["a", "b"]


def test_settings_of_the_movie_are_copied_with_the_story(stories: Stories, story: StoryFolder) -> None:
    story.decisions.set_movie(transition="crossfade")
    assert stories.duplicate(story.id).view().decisions.movie.transition == "crossfade"
