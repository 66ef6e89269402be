"""New stories from nothing, texts and files; copies, names, the trash."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.desk.shelf import guessed_format
from app.queue.claims import Claims
from app.queue.database import Database
from moviedreamer_core.errors import InputError, StoryError
from moviedreamer_core.workspace import StoryBusyError, StoryGoneError

EXAMPLE = Path(__file__).resolve().parents[2] / "assets" / "stories" / "lighthouse" / "story.yaml"
FOUNTAIN = "EXT. BEACH - SUNSET\n\nMara runs.\n\nMARA\nWait!\n"
CSV = "plot,characters\nMara runs.,Mara: She runs.\n"


def plots(story):
    return [row.plot for row in story.script.head().draft.rows]


def test_the_example_comes_to_an_empty_workspace_once(desk):
    story = desk.shelf.put_example(EXAMPLE)
    assert story is not None
    draft = story.script.head().draft
    assert len(draft.rows) == 14
    assert all(member.faces for member in draft.cast)
    assert desk.shelf.put_example(EXAMPLE) is None
    desk.shelf.delete(story.id)
    assert desk.shelf.put_example(EXAMPLE) is None  # whoever threw it away does not want it back


def test_a_new_story_has_a_row_to_write_into(desk):
    story = desk.shelf.new("  My   story ")
    assert desk.shelf.title_of(story.id) == "My story"
    assert plots(story) == [""]


@pytest.mark.parametrize(
    ("text", "written_as"),
    [("Mara runs. She waves.", "prose"), (FOUNTAIN, "fountain"), (CSV, "csv"),
     ("title: A\nkeyframes:\n  - plot: Mara runs.\n", "yaml"), ('{"keyframes": [{"plot": "Mara runs."}]}', "json")],
)  # fmt: skip
def test_a_pasted_text_is_read_as_what_it_is(desk, text, written_as):
    assert guessed_format(text) == written_as
    assert "Mara runs." in plots(desk.shelf.from_text(text, title="Pasted"))


def test_prose_becomes_a_row_per_sentence(desk):
    story = desk.shelf.from_text("Mara runs on the beach. She waves. Mara sleeps.", title="Short")
    assert plots(story) == ["Mara runs on the beach.", "She waves.", "Mara sleeps."]
    assert desk.shelf.title_of(story.id) == "Short"


@pytest.mark.parametrize("text", ["", "  \n ", "\ud800", "x" * (2**21 + 1)])
def test_a_text_that_is_no_story_makes_none(desk, text):
    with pytest.raises(StoryError):
        desk.shelf.from_text(text)
    assert desk.shelf.summaries() == ()


def test_a_file_of_another_kind_is_refused_with_the_kinds_that_are_taken(desk, picture):
    with pytest.raises(InputError, match=r"\.zip, \.yaml"):
        desk.shelf.from_file(picture)


def test_a_zip_brings_the_story_back_with_its_pictures(desk, story, picture):
    cast_id = story.script.head().draft.cast[0].id
    desk.cast.add_face(story.id, cast_id, picture)
    copy = desk.shelf.from_file(desk.shelf.export_zip(story.id))
    assert plots(copy) == plots(story)
    face = copy.script.head().draft.cast[0].faces[0]
    assert copy.file(face).read_bytes() == story.file(face).read_bytes()


def test_duplicate_rename_delete_restore(desk, story):
    copy = desk.shelf.duplicate(story.id)
    assert desk.shelf.title_of(copy.id) == "The Pier (copy)"
    desk.shelf.rename(copy.id, "Another\n pier")
    assert desk.shelf.title_of(copy.id) == "Another pier"
    desk.shelf.delete(copy.id)
    assert [one.id for one in desk.shelf.summaries()] == [story.id]
    assert [one.id for one in desk.shelf.trash()] == [copy.id]
    desk.shelf.restore(copy.id)
    assert desk.shelf.trash() == ()
    desk.shelf.delete(copy.id)
    desk.shelf.discard(copy.id)
    assert desk.shelf.trash() == ()


def test_deleting_a_story_calls_off_what_was_queued_for_it_and_nothing_else(desk, story):
    other = desk.shelf.duplicate(story.id)
    mine = [desk.movie.export(story.id, "yaml"), desk.movie.export(story.id, "csv")]
    kept = desk.movie.export(other.id, "yaml")
    desk.shelf.delete(story.id)
    assert [desk.queue.status(job).state for job in mine] == ["cancelled"] * 2
    assert desk.queue.status(kept).state == "waiting"
    with pytest.raises(StoryGoneError):
        desk.shelf.delete(story.id)


def test_deleting_waits_for_the_step_that_runs_to_end(desk, story, rows):
    job = desk.movie.export(story.id, "yaml")
    claims = Claims(Database(desk.queue.path), instance="w", pid=1)
    claims.begin()
    assert claims.take().id == job
    with ThreadPoolExecutor() as pool, contextlib.ExitStack() as writing:
        writing.enter_context(story.takes.stage(rows[0]))
        deleting = pool.submit(desk.shelf.delete, story.id)
        while claims.standing(job) != "cancel":
            time.sleep(0.01)
        assert not deleting.done()
        writing.close()
        assert deleting.result().id == story.id


def test_a_story_that_is_written_on_and_on_is_not_deleted(desk, story, rows, monkeypatch):
    monkeypatch.setattr("app.desk.shelf.SECONDS_TO_STOP", 0.2)
    with story.takes.stage(rows[0]), pytest.raises(StoryBusyError, match="wait until it is done"):
        desk.shelf.delete(story.id)
    assert [one.id for one in desk.shelf.summaries()] == [story.id]


def test_a_title_that_is_too_long_is_refused(desk, story):
    with pytest.raises(StoryError, match="at most 200"):
        desk.shelf.rename(story.id, "x" * 201)


def test_the_story_to_open_is_the_wanted_one_if_it_is_there(desk, story):
    newer = desk.shelf.new("Newer")
    assert desk.shelf.first_story(story.id) == story.id
    assert desk.shelf.first_story("nowhere2") == newer.id
    desk.shelf.delete(newer.id)
    desk.shelf.delete(story.id)
    assert desk.shelf.first_story(story.id) == ""
