from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from pathlib import Path

import pytest
import torch
from making import WEIGHTS, draft_of_plots, draw, film, picture, tokens_file
from PIL import Image
from writers import draw_many, run_all

from moviedreamer_core.errors import ImageError, OutputError, StoryError
from moviedreamer_core.storyboard import load_tokens, save_keyframe, save_tokens
from moviedreamer_core.workspace import (
    Revision,
    Row,
    StoryFolder,
    StoryGoneError,
    clip_path,
    image_path,
    journal,
    take_recipe,
    tokens_name,
    tokens_path,
)
from moviedreamer_core.workspace.durable import FolderLock, StoryBusyError
from moviedreamer_core.workspace.opening import open_story
from moviedreamer_core.workspace.takes import content_sha256, image_sha256


def recipe_for(story: StoryFolder, row_id: str) -> object:
    view = story.view()
    return take_recipe(view.revision.draft, row_id, {}, revision=2, seed=1, weights_hash=WEIGHTS)


# --- making ------------------------------------------------------------------------------------------


def test_a_take_is_its_files_and_the_recipe_it_was_made_by(story: StoryFolder, rows: list[str]) -> None:
    take = draw(story, rows[0], seed=5)
    record = json.loads((take.folder / "record.json").read_text())
    assert record["recipe"]["seed"] == 5
    assert record["recipe"]["row"]["plot"] == "Mara walks."
    assert record["recipe"]["cast"][0]["description"] == "Red hair."
    for name in ("image.png", tokens_name(WEIGHTS)):
        data = (take.folder / name).read_bytes()
        assert record["files"][name] == {"sha256": hashlib.sha256(data).hexdigest(), "num_bytes": len(data)}
    assert StoryFolder(story.path).takes.of(rows[0]) == (take,)
    assert take.recipe.made_at.tzinfo is not None


def test_takes_of_a_row_are_numbered_and_every_one_is_kept(story: StoryFolder, rows: list[str]) -> None:
    takes = [draw(story, rows[0], seed=seed) for seed in range(3)]
    other = draw(story, rows[1])
    assert [take.number for take in story.takes.of(rows[0])] == [1, 2, 3]
    assert story.takes.of(rows[0]) == tuple(takes)
    assert other.number == 1
    assert sorted(story.takes.owners()) == sorted(rows[:2])


def test_a_take_never_touches_the_script_or_the_decisions(story: StoryFolder, rows: list[str]) -> None:
    story.decisions.lock(rows[:1])
    paths = [path for path in story.path.rglob("*") if path.is_file() and "takes" not in path.parts]
    before = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in paths}
    draw(story, rows[1])
    assert {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in paths} == before


def test_what_the_storyboard_writes_is_taken_as_it_is(story: StoryFolder, rows: list[str]) -> None:
    tokens = torch.randn(2, 8, generator=torch.Generator().manual_seed(0))
    with story.takes.stage(rows[0]) as staged:
        sha256 = save_keyframe(Image.new("RGB", (32, 16)), staged.folder / "image.png", {"seed": 1})
        save_tokens(tokens, staged.folder / tokens_name(WEIGHTS))
        take = staged.commit(recipe_for(story, rows[0]))
    assert image_sha256(take) == sha256
    path = tokens_path(take, WEIGHTS)
    assert path is not None
    torch.testing.assert_close(load_tokens(path), tokens)
    assert tokens_path(take, "e" * 64) is None


def test_what_is_not_committed_vanishes(story: StoryFolder, rows: list[str]) -> None:
    with story.takes.stage(rows[0]) as staged:
        picture(staged.folder / "image.png")
    with contextlib.suppress(ZeroDivisionError), story.takes.stage(rows[0]) as staged:
        picture(staged.folder / "image.png")
        raise ZeroDivisionError
    assert story.takes.of(rows[0]) == ()
    assert list((story.path / "staging").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("other.png", b"x", "other.png: this does not belong to a take; leave it out"),
        (".0123456789abcdef.png", b"x", "this does not belong to a take"),
        ("image.png", b"", "image.png: the file is empty; write it before the commit"),
        (None, b"", "image.png: a take needs this file; write it before the commit"),
    ],
)
def test_a_take_with_a_wrong_or_missing_file_is_refused(
    story: StoryFolder, rows: list[str], name: str | None, content: bytes, message: str
) -> None:
    recipe = recipe_for(story, rows[0])
    with story.takes.stage(rows[0]) as staged:
        if name is not None:
            (staged.folder / name).write_bytes(content)
        with pytest.raises(StoryError) as caught:
            staged.commit(recipe)
    assert message in str(caught.value)
    assert story.takes.of(rows[0]) == ()


def test_a_link_is_not_taken_for_an_image(story: StoryFolder, rows: list[str], tmp_path: Path) -> None:
    recipe = recipe_for(story, rows[0])
    with story.takes.stage(rows[0]) as staged:
        (staged.folder / "image.png").symlink_to(picture(tmp_path / "a.png"))
        with pytest.raises(StoryError, match=r"image\.png: this does not belong to a take"):
            staged.commit(recipe)


def test_a_take_for_a_story_that_was_deleted_is_told_and_makes_no_husk(
    story: StoryFolder, rows: list[str]
) -> None:
    recipe = recipe_for(story, rows[0])
    with story.takes.stage(rows[0]) as staged:
        picture(staged.folder / "image.png")
        shutil.rmtree(story.path)
        with pytest.raises(OutputError, match=r"^cannot keep the take: its folder was deleted or moved mean"):
            staged.commit(recipe)
    assert not story.path.exists()
    with pytest.raises(StoryGoneError, match="deleted or moved meanwhile"), story.takes.stage(rows[0]):
        pass
    assert not story.path.exists()


def test_an_owner_that_is_no_row_is_a_mistake_of_the_program(story: StoryFolder) -> None:
    with pytest.raises(ValueError, match="owner must be the id of a row or cast member"):
        story.takes.stage("../x").__enter__()
    assert story.takes.of("../x") == ()
    with pytest.raises(StoryError, match="no longer there; reload the page"):
        story.takes.get("../x", "0001-aaaaaa")


def test_processes_that_draw_the_same_row_number_their_takes_without_gaps(
    story: StoryFolder, rows: list[str]
) -> None:
    run_all(draw_many, (story.path, rows[0], 0), (story.path, rows[0], 100))
    takes = story.takes.of(rows[0])
    assert [take.number for take in takes] == list(range(1, 13))
    assert sorted(take.recipe.seed for take in takes) == [*range(6), *range(100, 106)]


# --- test renders of the cast ------------------------------------------------------------------------


def test_a_test_render_of_a_character_is_kept_as_a_take_of_the_card(story: StoryFolder) -> None:
    draft = story.script.head().draft
    row = Row(plot="Mara stands.")
    recipe = take_recipe(draft.with_rows_inserted(0, [row]), row.id, {}, revision=2, weights_hash=WEIGHTS)
    with story.takes.stage(draft.cast[0].id) as staged:
        picture(staged.folder / "image.png")
        take = staged.commit(recipe)
    assert story.takes.of(draft.cast[0].id) == (take,)


# --- uploads and their tokens ------------------------------------------------------------------------


def test_an_upload_is_a_take_of_the_frame_s_size_that_waits_for_its_tokens(
    story: StoryFolder, rows: list[str], tmp_path: Path
) -> None:
    source = picture(tmp_path / "mine.jpg", "navy", (100, 100))
    take = story.takes.upload(rows[0], source, recipe_for(story, rows[0]), size=(48, 32))
    assert (take.recipe.origin, take.recipe.seed, take.recipe.weights_hash) == ("uploaded", None, None)
    with Image.open(image_path(take)) as image:
        assert (image.size, image.format, image.getpixel((3, 3))[2] > 100) == ((48, 32), "PNG", True)
    assert tokens_path(take, WEIGHTS) is None
    content = content_sha256(take)
    path = story.takes.add_tokens(take, WEIGHTS, tokens_file(tmp_path / "t.safetensors"))
    assert tokens_path(take, WEIGHTS) == path
    again = StoryFolder(story.path).takes.get(rows[0], take.id)
    assert content_sha256(again) == content  # later shots do not go stale because it was encoded


def test_tokens_that_are_there_are_never_replaced(
    story: StoryFolder, rows: list[str], tmp_path: Path
) -> None:
    take = draw(story, rows[0], seed=1)
    path = tokens_path(take, WEIGHTS)
    assert path is not None
    before = path.read_bytes()
    story.takes.add_tokens(take, WEIGHTS, tokens_file(tmp_path / "t.safetensors", seed=2))
    assert path.read_bytes() == before
    other = story.takes.add_tokens(take, "e" * 64, tokens_file(tmp_path / "t.safetensors", seed=2))
    assert {path, other} == set(take.folder.glob("tokens-*"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no tensors", "t.safetensors: the visual tokens are damaged; draw the keyframe again"),
        (b"", "the visual tokens are damaged"),
        (tokens_file, "expected visual_tokens of shape [V, D], found F32 [8]"),
        (None, "cannot be read (No such file or directory)"),
    ],
)
def test_a_file_that_holds_no_visual_tokens_is_refused(
    story: StoryFolder, rows: list[str], tmp_path: Path, content: object, message: str
) -> None:
    take, path = draw(story, rows[0]), tmp_path / "t.safetensors"
    if content is tokens_file:
        tokens_file(path, shape=(8,))
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(StoryError) as caught:
        story.takes.add_tokens(take, "e" * 64, path)
    assert message in str(caught.value)


def test_an_upload_that_is_no_picture_is_told_and_makes_no_take(
    story: StoryFolder, rows: list[str], tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(b"hello")
    with pytest.raises(ImageError, match=r"^a\.png: this is not an image"):
        story.takes.upload(rows[0], tmp_path / "a.png", recipe_for(story, rows[0]))
    assert story.takes.of(rows[0]) == ()


# --- clips -------------------------------------------------------------------------------------------


def test_clips_are_kept_as_takes_are(story: StoryFolder, rows: list[str]) -> None:
    take = draw(story, rows[0])
    clips = [film(story, take), film(story, take, seconds=3.0)]
    assert story.clips.of(rows[0]) == tuple(clips)
    assert clip_path(clips[1]).read_bytes()[4:8] == b"ftyp"
    assert clips[1].recipe.take_id == take.id


# --- discarding --------------------------------------------------------------------------------------


def test_a_discarded_take_is_gone_and_the_others_stay(story: StoryFolder, rows: list[str]) -> None:
    takes = [draw(story, rows[0], seed=seed) for seed in range(2)]
    story.takes.discard(rows[0], takes[0].id)
    assert story.takes.of(rows[0]) == (takes[1],)
    assert not takes[0].folder.exists()
    for kept_id in (takes[0].id, "nonsense"):
        with pytest.raises(StoryError, match="is no longer there; reload the page"):
            story.takes.discard(rows[0], kept_id)
    assert draw(story, rows[0]).id not in {take.id for take in takes}


def test_takes_of_deleted_rows_stay_until_no_undo_reaches_them(
    story: StoryFolder, rows: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    film(story, draw(story, rows[0]))
    draw(story, rows[1])
    draft = story.script.head().draft
    story.script.save(draft.without_rows(rows[:1]), base=2)
    assert open_story(story).notices == ()
    assert len(story.takes.of(rows[0])) == 1
    monkeypatch.setattr(journal, "MAX_UNDO", 1)
    story.script.save(draft_of_plots("x"), base=3)
    story.script.save(story.script.head().draft.with_rows_inserted(0, draft.rows[1:2]), base=4)
    (story.path / "story.yaml").write_text("keyframes: [")  # something to tell: nothing is deleted meanwhile
    assert open_story(story).notices != ()
    assert len(story.takes.of(rows[0])) == 1
    assert open_story(story).notices == ()
    assert story.takes.of(rows[0]) == story.clips.of(rows[0]) == ()
    assert len(story.takes.of(rows[1])) == 1


def test_a_row_that_a_redo_brings_back_while_the_story_is_opened_keeps_its_takes(
    story: StoryFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    inserted = Row(plot="A gull lands.")
    story.script.save(story.script.head().draft.with_rows_inserted(0, [inserted]), base=2)
    take = draw(story, inserted.id)
    story.script.undo(base=3)
    other = journal.Journal(story.path, FolderLock(story.path / ".lock", wait_seconds=0.0))
    read = journal.read_revision

    def read_after_a_redo(path: Path) -> Revision:
        monkeypatch.setattr(journal, "read_revision", read)
        try:
            other.redo(base=4)  # which puts away the revision that is about to be read
        except StoryBusyError:
            monkeypatch.setattr(journal, "read_revision", read_after_a_redo)
        return read(path)

    monkeypatch.setattr(journal, "read_revision", read_after_a_redo)
    open_story(story)
    monkeypatch.setattr(journal, "read_revision", read)
    if other.head().number == 4:
        other.redo(base=4)
    assert inserted in other.head().draft.rows
    assert StoryFolder(story.path).takes.of(inserted.id) == (take,)
