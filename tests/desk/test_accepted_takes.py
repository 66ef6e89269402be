"""What the storyboard and the movie tab say of accepted takes, of those that wait, and of tries that failed."""

from __future__ import annotations

from pathlib import Path

import pytest
from pier import Pier

from moviedreamer_core.workspace import Take


@pytest.fixture
def pier(tmp_path: Path) -> Pier:
    found = Pier(tmp_path)
    found.draw_all()
    return found


def made(pier: Pier, *, seed: int) -> Take:
    """Another take of shot 1, as the worker ends it."""
    shot = pier.story.view().shots[0]
    take = pier.draw(1, seed=seed)
    pier.story.choose_in_place_of(shot.row.id, take.id, shot.take.id, keep_later=True)
    return take


def test_a_take_that_waits_is_told_at_the_shot_and_marked_until_a_person_decides(pier):
    board, row = pier.desk.storyboard, pier.rows[0]
    made(pier, seed=5)
    assert [(take.number, take.is_shown, take.is_new) for take in board.shot(pier.id, row).takes] == [
        (2, True, False), (1, False, False),
    ]  # fmt: skip
    board.choose_take_number(pier.id, 1, 1)
    made(pier, seed=6)
    panel = board.shot(pier.id, row)
    assert (panel.card.take_number, panel.card.num_waiting, panel.card.state) == (1, 1, "fresh")
    assert [take.number for take in panel.takes if take.is_new] == [3]
    board.choose_take_number(pier.id, 1, 3)
    panel = board.shot(pier.id, row)
    assert (panel.card.take_number, panel.card.num_waiting) == (3, 0)
    assert not any(take.is_new for take in panel.takes)


def test_the_cost_says_what_becomes_of_an_accepted_take(pier):
    board, row = pier.desk.storyboard, pier.rows[0]

    def said() -> dict[str, str]:
        return {one.later: one.sentence for one in board.shot(pier.id, row).choices}

    assert said()["keep"].startswith("changes only shot 1, about ")
    assert "you chose" not in said()["repredict"]
    board.choose_take_number(pier.id, 1, 1)
    assert said()["keep"].startswith("the new take waits beside the one you chose, about ")
    assert said()["keep"].endswith("; every shot stays")
    assert said()["repredict"].startswith("changes shots 1-6 with the takes you chose, about ")
    edited = pier.story.script.head().draft.rows[0].model_copy(update={"plot": "Mara runs."})
    pier.story.script.change(lambda draft: draft.with_row(edited), label="Edit")
    assert said()["keep"].startswith("changes only shot 1 with the takes you chose")  # a stale one gives way


def test_a_clip_that_waits_is_marked(pier):
    movie, row = pier.desk.movie, pier.rows[0]
    first = pier.film(1)
    movie.choose_clip(pier.id, row, first.id)
    second = pier.film(1)
    pier.story.choose_clip_in_place_of(row, second.id, first.id)
    line = movie.view(pier.id).rows[0]
    assert (line.clip.id, line.num_waiting) == (first.id, 1)
    assert [(clip.id, clip.is_new) for clip in line.clips] == [(second.id, True), (first.id, False)]
    movie.choose_clip(pier.id, row, second.id)
    assert movie.view(pier.id).rows[0].num_waiting == 0


# --- a try that failed --------------------------------------------------------------------------------


def fail(pier: Pier, job: int) -> None:
    assert pier.queue.status(job).state == "waiting"
    pier.end(pier.take_job(), failure="the device ran out of memory; close programs", row=pier.rows[0])


def test_a_failed_try_of_a_drawn_shot_is_told_beside_what_the_shot_shows(pier):
    board, row = pier.desk.storyboard, pier.rows[0]
    fail(pier, board.new_take(pier.id, row))
    card = board.view(pier.id).cards[0]
    assert (card.state, card.reason, card.failure) == (
        "fresh", "", "the device ran out of memory; close programs",
    )  # fmt: skip
    edited = pier.story.script.head().draft.rows[0].model_copy(update={"plot": "Mara runs."})
    pier.story.script.change(lambda draft: draft.with_row(edited), label="Edit")
    card = board.view(pier.id).cards[0]
    assert (card.state, card.reason) == ("stale", "its row of the script changed")
    assert card.failure == "the device ran out of memory; close programs"
    board.new_take(pier.id, row)
    assert board.view(pier.id).cards[0].failure == ""


def test_a_failed_try_of_a_clip_is_told_beside_the_clip_there_is(pier):
    pier.film(1)
    fail(pier, pier.desk.movie.animate_again(pier.id, pier.rows[0]))
    line = pier.desk.movie.view(pier.id).rows[0]
    assert (line.state, line.reason) == ("fresh", "")
    assert line.failure == "the device ran out of memory; close programs"


def test_the_page_marks_the_shot_and_the_take_that_waits(pier):
    from app.pages.storyboard import storyboard_html

    def html() -> str:
        return storyboard_html(pier.desk, pier.id, pier.rows[0], "")

    assert ">new</span>" not in html()
    pier.desk.storyboard.choose_take_number(pier.id, 1, 1)
    made(pier, seed=5)
    assert html().count(">new</span>") == 2  # at the tile and in the list
    assert "A new take waits below, because you had chosen the one that is shown." in html()
    assert "fresh, a new take waits: Mara walks." in html()
    pier.desk.storyboard.reject_take(pier.id, pier.rows[0], pier.story.view().shots[0].waiting[0].id)
    assert ">new</span>" not in html()


def test_the_panel_says_both_why_it_failed_and_why_the_picture_is_stale(pier):
    from app.pages.storyboard import storyboard_html

    fail(pier, pier.desk.storyboard.new_take(pier.id, pier.rows[0]))
    assert (
        "The last try went wrong: The device ran out of memory; close programs. The picture is as it was."
        in (storyboard_html(pier.desk, pier.id, pier.rows[0], ""))
    )
    edited = pier.story.script.head().draft.rows[0].model_copy(update={"plot": "Mara runs."})
    pier.story.script.change(lambda draft: draft.with_row(edited), label="Edit")
    html = storyboard_html(pier.desk, pier.id, pier.rows[0], "")
    assert "close programs. Drawn before its row of the script changed." in html
    assert "Keep as is" in html
