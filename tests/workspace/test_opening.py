from __future__ import annotations

import os
from pathlib import Path

import pytest
from making import content_of, draft_of_plots, draw, film, picture, plots

from moviedreamer_core.errors import OutputError, StoryError
from moviedreamer_core.images import read_image
from moviedreamer_core.story_files import read_story, write_story
from moviedreamer_core.workspace import Stories, StoryFolder
from moviedreamer_core.workspace.revision import NewerReleaseError


def rewrite(story: StoryFolder, old: str, new: str) -> None:
    """Edit story.yaml as a person does."""
    path = story.path / "story.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


# --- leftovers ---------------------------------------------------------------------------------------


def test_opening_sweeps_temporary_files_and_half_takes_and_nothing_else(
    stories: Stories, story: StoryFolder, rows: list[str], tmp_path: Path
) -> None:
    take = draw(story, rows[0])
    film(story, take)
    story.pictures.add(picture(tmp_path / "a.png"), "faces")
    with story.exporting("movie.mp4") as path:
        path.write_bytes(b"movie")
    (story.path / "notes.txt").write_text("mine")
    before = content_of(story.path)
    for folder in ("", "revisions", "faces", "exports", f"takes/{rows[0]}/{take.id}"):
        (story.path / folder / ".0123456789abcdef.png").write_bytes(b"half")
    half = story.path / "staging" / "0123456789abcdef"
    half.mkdir()
    picture(half / "image.png")
    assert stories.open(story.id).notices == ()
    assert content_of(story.path) == before
    assert os.listdir(story.path / "staging") == []


def test_opening_leaves_alone_what_another_is_making(
    stories: Stories, story: StoryFolder, rows: list[str]
) -> None:
    with story.takes.stage(rows[0]) as staged:
        picture(staged.folder / "image.png")
        Stories(stories.root).open(story.id)
        assert (staged.folder / "image.png").is_file()


def test_half_made_stories_are_swept_when_the_workspace_opens(stories: Stories) -> None:
    half = stories.root / ".staging" / "0123456789abcdef"
    half.mkdir(parents=True, exist_ok=True)
    (half / "story.yaml").write_text("title: x")
    Stories(stories.root)
    assert not half.exists()


# --- damage ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_story_file_whole", [True, False])
def test_a_damaged_revision_comes_back_from_the_story_file_or_the_one_before_it_does(
    stories: Stories, story: StoryFolder, is_story_file_whole: bool
) -> None:
    story.script.save(draft_of_plots("good"), base=2)
    story.script.save(draft_of_plots("latest"), base=3)
    (story.path / "revisions" / "00000004.json").write_bytes(b"\0" * 100)
    if not is_story_file_whole:
        (story.path / "story.yaml").unlink()
    fresh = Stories(stories.root)
    opened = fresh.open(story.id)
    came_back = "script was restored from story.yaml" if is_story_file_whole else "one before it is shown"
    lost = "revision 4 of the script was damaged and lies in damaged/"
    assert opened.notices == (f"{lost}; the {came_back}",)
    expected = "latest" if is_story_file_whole else "good"
    assert plots(opened.story.script.head().draft) == [expected]
    assert (story.path / "damaged" / "00000004.json").read_bytes() == b"\0" * 100
    assert read_story(story.path / "story.yaml").keyframes[0].plot == expected
    assert fresh.open(story.id).notices == ()


def test_the_number_of_a_damaged_revision_is_never_given_again(stories: Stories, story: StoryFolder) -> None:
    (story.path / "revisions" / "00000002.json").write_bytes(b"")
    (story.path / "story.yaml").unlink()
    opened = Stories(stories.root).open(story.id)
    assert opened.story.script.head().number == 1
    # A tab that has seen revision 2 must not take the next one for it.
    assert opened.story.script.save(draft_of_plots("new"), base=1).number == 3


def test_a_story_without_any_revision_that_can_be_read_is_told_and_left_as_it_is(
    stories: Stories, story: StoryFolder
) -> None:
    for path in (story.path / "revisions").iterdir():
        path.write_text("{")
    before = content_of(story.path)
    with pytest.raises(StoryError, match=r"no revision of its script can be read \(00000001\.json: the rev"):
        Stories(stories.root).open(story.id)
    assert content_of(story.path) == before


@pytest.mark.parametrize("name", ["revisions/00000003.json", "decisions.json"])
def test_a_file_of_a_newer_release_is_told_and_left_as_it_is(
    stories: Stories, story: StoryFolder, name: str
) -> None:
    (story.path / name).write_text('{"version": 9, "number": 3}')
    before = content_of(story.path)
    with pytest.raises(NewerReleaseError, match=r"written by a newer release \(version 9\); update this one"):
        Stories(stories.root).open(story.id)
    assert content_of(story.path) == before


def test_damaged_decisions_are_put_aside(stories: Stories, story: StoryFolder, rows: list[str]) -> None:
    story.decisions.lock(rows)
    (story.path / "decisions.json").write_text("{")
    (notice,) = stories.open(story.id).notices
    assert notice.startswith("decisions.json: the decisions are damaged")
    assert notice.endswith("back at their defaults, the file lies in damaged/")
    assert not story.view().shots[0].locked
    assert len(os.listdir(story.path / "damaged")) == 1
    assert stories.open(story.id).notices == ()


@pytest.mark.parametrize("damage", ["no record", "half a record", "no image", "cut image", "no clip"])
def test_a_damaged_take_is_put_aside_and_the_others_stay(
    stories: Stories, story: StoryFolder, rows: list[str], damage: str
) -> None:
    whole, broken = draw(story, rows[0], seed=1), draw(story, rows[0], seed=2)
    clip = film(story, whole)
    match damage:
        case "no record":
            (broken.folder / "record.json").unlink()
        case "half a record":
            data = (broken.folder / "record.json").read_bytes()
            (broken.folder / "record.json").write_bytes(data[: len(data) // 2])
        case "no image":
            (broken.folder / "image.png").unlink()
        case "cut image":
            os.truncate(broken.folder / "image.png", 10)
        case "no clip":
            (clip.folder / "clip.mp4").unlink()
    fresh = Stories(stories.root)
    opened = fresh.open(story.id)
    (notice,) = opened.notices
    assert notice.startswith(f"{(clip if damage == 'no clip' else broken).id}/")
    assert notice.endswith("; what is left of it lies in damaged/")
    assert opened.story.takes.of(rows[0]) == ((whole, broken) if damage == "no clip" else (whole,))
    assert fresh.open(story.id).notices == ()


# --- story.yaml edited by hand -----------------------------------------------------------------------


def test_a_story_file_that_was_edited_by_hand_is_the_newest_script(
    stories: Stories, story: StoryFolder, rows: list[str]
) -> None:
    draw(story, rows[1])
    rewrite(story, "Tom waves.", "Tom shouts.")
    (notice,) = stories.open(story.id).notices
    assert "was edited by hand and is now the newest script; undo goes back" in notice
    head = story.script.head()
    assert plots(head.draft)[1] == "Tom shouts."
    assert [row.id for row in head.draft.rows] == rows  # so its takes are still its own
    assert story.view().shots[1].stale_for == ("script",)
    assert plots(story.script.undo(base=head.number).draft)[1] == "Tom waves."
    assert stories.open(story.id).notices == ()


def test_a_picture_that_a_person_put_beside_the_story_file_is_taken_in(
    stories: Stories, story: StoryFolder, tmp_path: Path
) -> None:
    picture(story.path / "my mara.jpg", "navy")
    rewrite(story, "description: Red hair.", "description: Red hair.\n    faces: [my mara.jpg]")
    stories.open(story.id)
    (face,) = story.script.head().draft.cast[0].faces
    assert read_image(story.path / face).size == (48, 32)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("title:", "title: [", "story.yaml: line "),
        ("plot: Tom waves.", "plot: 7", "keyframe 2: plot: must be text"),
        (
            "description: Red hair.",
            "description: x\n    faces: [../../secret.png]",
            "lies outside the story's folder",
        ),
        ("description: Red hair.", "description: x\n    faces: [no.png]", "there is no such image"),
    ],
)
def test_a_story_file_that_cannot_be_read_is_put_aside_and_not_lost(
    stories: Stories, story: StoryFolder, old: str, new: str, problem: str
) -> None:
    head = story.script.head()
    rewrite(story, old, new)
    text = (story.path / "story.yaml").read_text("utf-8")
    (notice,) = stories.open(story.id).notices
    assert notice.startswith("story.yaml was edited by hand and cannot be read, so it was renamed ")
    assert problem in notice
    assert (story.path / "story-by-hand-1.yaml").read_text("utf-8") == text
    assert story.script.head() == head
    assert read_story(story.path / "story.yaml").title == "The Pier"


def test_a_comment_in_the_story_file_is_left_until_the_next_save_and_then_kept_aside(
    stories: Stories, story: StoryFolder
) -> None:
    rewrite(story, "title:", "# mine\ntitle:")
    assert stories.open(story.id).notices == ()
    assert (story.path / "story.yaml").read_text("utf-8").startswith("# mine")
    story.script.save(draft_of_plots("x"), base=2)
    assert (story.path / "story-by-hand-1.yaml").read_text("utf-8").startswith("# mine")
    assert read_story(story.path / "story.yaml").keyframes[0].plot == "x"


def test_an_edit_by_hand_while_the_studio_saves_is_kept_aside(story: StoryFolder) -> None:
    rewrite(story, "Tom waves.", "Tom shouts.")
    story.script.save(draft_of_plots("x"), base=2)
    rewrite(story, "plot: x", "plot: y")
    story.script.save(draft_of_plots("z"), base=3)
    assert "Tom shouts." in (story.path / "story-by-hand-1.yaml").read_text("utf-8")
    assert "plot: y" in (story.path / "story-by-hand-2.yaml").read_text("utf-8")


@pytest.mark.parametrize("was", ["missing", "of an earlier revision"])
def test_a_story_file_that_a_crash_left_behind_is_brought_up_to_date(
    stories: Stories, story: StoryFolder, was: str
) -> None:
    earlier = (story.path / "story.yaml").read_bytes()
    story.script.save(draft_of_plots("x"), base=2)
    if was == "missing":
        (story.path / "story.yaml").unlink()
    else:
        (story.path / "story.yaml").write_bytes(earlier)
    assert stories.open(story.id).notices == ()
    assert story.script.head().number == 3
    assert read_story(story.path / "story.yaml").keyframes[0].plot == "x"


def test_a_disk_that_is_full_does_not_put_an_edit_by_hand_aside(
    stories: Stories, story: StoryFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewrite(story, "Tom waves.", "Tom shouts.")
    before = content_of(story.path)

    def refuse(*_: object) -> None:
        raise OutputError("cannot write: the disk is full")

    monkeypatch.setattr("moviedreamer_core.workspace.journal.write_revision", refuse)
    with pytest.raises(OutputError, match="the disk is full"):
        stories.open(story.id)
    monkeypatch.undo()
    assert content_of(story.path) == before
    stories.open(story.id)
    assert plots(story.script.head().draft)[1] == "Tom shouts."


def test_a_story_file_from_elsewhere_takes_the_place_of_the_script(
    stories: Stories, story: StoryFolder, rows: list[str]
) -> None:
    other = read_story(story.path / "story.yaml")
    write_story(other.model_copy(update={"keyframes": other.keyframes[::-1]}), story.path / "story.yaml")
    stories.open(story.id)
    assert plots(story.script.head().draft) == [one.plot for one in other.keyframes[::-1]]
    assert len({row.id for row in story.script.head().draft.rows} & set(rows)) >= 1
