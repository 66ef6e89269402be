"""What the storyboard tab may ask, on a real story and a real queue."""

from __future__ import annotations

from pathlib import Path

import pytest
from pier import WEIGHTS, Pier
from PIL import Image

from app.desk.origins import load_into_row, origin_of
from app.queue.jobs import (
    DrawMissing,
    EncodeReplacement,
    PreviewArc,
    RedrawKeyframes,
    RegenerateKeyframe,
)
from moviedreamer_core.errors import ImageError, InputError, StoryError
from moviedreamer_core.handoff.recipes import ShotRecipe
from moviedreamer_core.handoff.stamping import save_png
from moviedreamer_core.script import Character, KeyframeScript
from moviedreamer_core.workspace import image_path


@pytest.fixture
def pier(tmp_path: Path) -> Pier:
    return Pier(tmp_path)


# --- drawing what is missing ---------------------------------------------------------------------------


def test_drawing_what_is_missing_queues_the_rows_without_a_full_picture_that_are_not_locked(pier):
    pier.draw(1)
    pier.draw(2, preview=True)
    pier.story.decisions.lock([pier.rows[2]])
    view = pier.desk.storyboard.view(pier.id)
    assert pier.states() == ["fresh", "preview", "missing", "missing", "missing", "missing"]
    assert view.missing.num_shots == 4
    job = pier.job(pier.desk.storyboard.draw_missing(pier.id))
    assert isinstance(job, DrawMissing)
    assert job.keyframes == tuple(pier.rows[n] for n in (1, 3, 4, 5))
    assert (job.drawing.steps, job.weights) == (20, WEIGHTS)


def test_asking_twice_draws_nothing_twice(pier):
    pier.desk.storyboard.draw_missing(pier.id)
    assert pier.desk.storyboard.view(pier.id).missing is None
    with pytest.raises(StoryError, match="drawn already"):
        pier.desk.storyboard.draw_missing(pier.id)


def test_with_every_picture_there_is_nothing_to_draw_or_preview(pier):
    pier.draw_all()
    view = pier.desk.storyboard.view(pier.id)
    assert (view.missing, view.preview) == (None, None)
    with pytest.raises(StoryError, match="ask for a new take"):
        pier.desk.storyboard.draw_missing(pier.id)


def test_a_row_without_a_plot_is_named_before_anything_is_queued(pier):
    draft = pier.story.script.head().draft
    row = draft.rows[3].model_copy(update={"plot": " "})
    pier.story.script.change(lambda before: before.with_row(row), label="Empty")
    with pytest.raises(StoryError, match="keyframe 4"):
        pier.desk.storyboard.draw_missing(pier.id)
    assert pier.desk.queue.snapshot().jobs == ()


def test_a_preview_takes_few_steps_and_never_the_place_of_a_full_picture(pier):
    full = pier.draw(1)
    job = pier.job(pier.desk.storyboard.preview_arc(pier.id))
    assert isinstance(job, PreviewArc)
    assert (job.keyframes, job.drawing.steps) == (tuple(pier.rows[1:]), 6)
    pier.draw(1, seed=9, preview=True)
    card = pier.desk.storyboard.view(pier.id).cards[0]
    assert (card.state, card.image) == ("fresh", image_path(full))


def test_a_shot_shows_what_the_queue_does_to_it(pier):
    pier.desk.storyboard.draw_missing(pier.id)
    assert pier.states() == ["waiting"] * 6
    claim = pier.take_job()
    assert pier.states() == ["running", *["waiting"] * 5]
    pier.draw(1)
    pier.report(claim, done=1, total=6, row=pier.rows[0])  # finished, the next one is not in hand yet
    assert pier.states() == ["fresh", *["waiting"] * 5]
    pier.report(claim, done=1, total=6, step=5, num_steps=20, row=pier.rows[1], doing="drawing")
    card = pier.desk.storyboard.view(pier.id).cards[1]
    assert (card.state, card.share, card.doing) == ("running", 0.25, "drawing")
    pier.desk.jobs.cancel(claim.id)
    assert pier.states() == ["fresh", "running", *["missing"] * 4]


def test_a_failure_is_told_at_the_shot_until_it_is_asked_for_again(pier):
    pier.desk.storyboard.draw_missing(pier.id)
    pier.end(pier.take_job(), failure="the device ran out of memory; close programs", row=pier.rows[1])
    card = pier.desk.storyboard.view(pier.id).cards[1]
    assert (card.state, card.reason) == ("failed", "the device ran out of memory; close programs")
    assert pier.states()[0] == "missing"
    pier.desk.storyboard.draw_missing(pier.id)
    assert pier.states()[1] == "waiting"
    pier.end(pier.take_job())
    assert pier.states()[1] == "missing"


def test_a_stale_shot_says_why_and_counts_as_fresh_once_it_is_kept(pier):
    pier.draw_all()
    row = pier.story.script.head().draft.rows[0].model_copy(update={"plot": "Mara runs."})
    pier.story.script.change(lambda draft: draft.with_row(row), label="Edit")
    card = pier.desk.storyboard.view(pier.id).cards[0]
    assert (card.state, card.reason) == ("stale", "its row of the script changed")
    assert card.image is not None
    pier.desk.storyboard.keep_as_is(pier.id, [pier.rows[0]])
    assert pier.states() == ["fresh"] * 6


# --- one shot ------------------------------------------------------------------------------------------


def test_each_way_to_treat_later_shots_says_which_change_and_what_stays(pier):
    pier.draw_all()
    pier.desk.storyboard.set_locked(pier.id, pier.rows[3], locked=True)
    choices = {one.later: one for one in pier.desk.storyboard.shot(pier.id, pier.rows[1]).choices}
    assert choices["keep"].rows == (pier.rows[1],)
    assert choices["repredict-place"].rows == tuple(pier.rows[n] for n in (1, 2))  # 4 is locked, 5 elsewhere
    assert choices["repredict"].rows == tuple(pier.rows[n] for n in (1, 2, 4, 5))
    assert choices["keep"].sentence.startswith("changes only shot 2, about ")
    assert choices["keep"].sentence.endswith("; 5 shots stay")
    assert choices["repredict"].sentence.startswith("changes shots 2-3 and 5-6, about ")
    assert choices["repredict"].sentence.endswith("; 2 shots stay")
    assert (
        choices["keep"].cost.seconds
        < choices["repredict-place"].cost.seconds
        < choices["repredict"].cost.seconds
    )


def sentence_until_the_place_changes(pier, number: int) -> str:
    choices = {one.later: one for one in pier.desk.storyboard.shot(pier.id, pier.rows[number - 1]).choices}
    return choices["repredict-place"].sentence


def place_all(pier, *places: str) -> None:
    """Give the rows these places, from the first; the others none."""
    rows = pier.story.script.head().draft.rows
    named = [*places, *[""] * (len(rows) - len(places))]
    moved = [
        row.model_copy(update={"scene_elements": (place,) if place else ()})
        for row, place in zip(rows, named, strict=True)
    ]
    pier.story.script.change(lambda draft: draft.with_changes(rows=moved), label="Move")


def test_without_any_place_it_is_said_that_all_later_shots_follow(pier):
    place_all(pier)
    pier.draw_all()
    assert sentence_until_the_place_changes(pier, 1).startswith(
        "No place is set, so that is all 5 later shots: changes shots 1-6, about "
    )
    assert sentence_until_the_place_changes(pier, 5).startswith(
        "No place is set, so that is 1 later shot: changes shots 5-6, about "
    )
    pier.desk.storyboard.set_locked(pier.id, pier.rows[3], locked=True)
    assert sentence_until_the_place_changes(pier, 1).startswith(
        "No place is set, so that is all 4 later shots that can change (1 shot cannot): changes shots 1-3 and 5-6, "
    )
    assert "No place" not in sentence_until_the_place_changes(pier, 6)  # no later shot follows at all


def test_a_place_that_comes_later_says_how_far_it_goes(pier):
    place_all(pier, "", "", "", "A kitchen")
    pier.draw_all()
    assert sentence_until_the_place_changes(pier, 1).startswith(
        "No place is set before shot 4, so that is up to shot 3: changes shots 1-3, about "
    )
    assert sentence_until_the_place_changes(pier, 4).startswith("changes shots 4-6, about ")


def test_a_row_without_a_place_goes_on_in_the_one_before_it(pier):
    pier.draw_all()  # rows 1 to 4 play on the beach, of which the third does not say so
    assert sentence_until_the_place_changes(pier, 3).startswith("changes shots 3-4, about ")


def test_what_is_queued_is_what_was_told(pier):
    pier.draw_all()
    for later in ("keep", "repredict-place", "repredict"):
        choices = {one.later: one for one in pier.desk.storyboard.shot(pier.id, pier.rows[1]).choices}
        job = pier.job(pier.desk.storyboard.new_take(pier.id, pier.rows[1], later=later))
        assert isinstance(job, RegenerateKeyframe)
        assert (job.later, job.rows) == (later, choices[later].rows)


def test_later_shots_with_a_persons_own_picture_are_not_drawn_over(pier, tmp_path):
    pier.draw_all()
    Image.new("RGB", (64, 64), "red").save(tmp_path / "own.png")
    view = pier.story.view()
    recipe = view.shots[3].take.recipe
    take = pier.story.takes.upload(pier.rows[3], tmp_path / "own.png", recipe)
    pier.story.choose(pier.rows[3], take.id)
    job = pier.job(pier.desk.storyboard.new_take(pier.id, pier.rows[0], later="repredict"))
    assert pier.rows[3] not in job.later_rows
    assert pier.rows[4] in job.later_rows


def test_the_seed_is_new_the_same_or_a_given_one(pier):
    pier.draw(1, seed=77)
    ask = pier.desk.storyboard.new_take
    drawn = {
        pier.job(ask(pier.id, pier.rows[0])).seed for _ in range(3)
    }  # when it is asked for, not when it is done
    assert len(drawn - {77, None}) == 3
    assert pier.job(ask(pier.id, pier.rows[0], seed="same", temperature=1.6)).seed == 77
    job = pier.job(ask(pier.id, pier.rows[0], seed="number", number=5, temperature=0.0))
    assert (job.seed, job.drawing.temperature) == (5, 0.0)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"seed": "number", "number": -1}, "a seed is"),
        ({"seed": "number", "number": 2**63}, "a seed is"),
        ({"temperature": 2.5}, "surprise goes"),
        ({"temperature": float("nan")}, "surprise goes"),
        ({"later": "all"}, "reload the page"),
    ],
)
def test_values_out_of_range_end_in_a_sentence_and_queue_nothing(pier, wrong, says):
    with pytest.raises(InputError, match=says):
        pier.desk.storyboard.new_take(pier.id, pier.rows[0], **wrong)
    assert pier.desk.queue.snapshot().jobs == ()


def test_a_locked_shot_refuses_everything_that_would_change_it(pier, tmp_path):
    pier.draw(1)
    other = pier.draw(1, seed=2)
    board, row = pier.desk.storyboard, pier.rows[0]
    board.set_locked(pier.id, row, locked=True)
    Image.new("RGB", (64, 64)).save(tmp_path / "own.png")
    acts = [
        lambda: board.new_take(pier.id, row),
        lambda: board.replace(pier.id, row, tmp_path / "own.png"),
        lambda: board.choose_take(pier.id, row, other.id),
        lambda: board.reject_take(pier.id, row, pier.story.view().shots[0].take.id),
        lambda: board.keep_as_is(pier.id, [row]),
        lambda: pier.desk.redraws.redraw(pier.id, [row]),
    ]
    before = pier.story.view()
    for act in acts:
        with pytest.raises(StoryError, match="locked"):
            act()
    assert pier.story.view() == before
    assert pier.desk.queue.snapshot().jobs == ()
    board.set_locked(pier.id, row, locked=False)
    board.choose_take(pier.id, row, other.id)
    assert pier.story.view().shots[0].take == other


def test_takes_are_chosen_rejected_and_taken_back(pier):
    first, second = pier.draw(1), pier.draw(1, seed=2)
    board, row = pier.desk.storyboard, pier.rows[0]
    assert [take.number for take in board.shot(pier.id, row).takes] == [2, 1]
    board.choose_take_number(pier.id, 1, 2)
    assert board.shot(pier.id, row).card.take_number == second.number
    board.reject_take(pier.id, row, second.id)
    panel = board.shot(pier.id, row)
    assert panel.card.take_number == first.number
    assert panel.takes[0].is_rejected
    board.accept_take_again(pier.id, row, second.id)
    assert not board.shot(pier.id, row).takes[0].is_rejected
    with pytest.raises(StoryError, match="has no take 7"):
        board.choose_take_number(pier.id, 1, 7)
    with pytest.raises(StoryError, match="no shot 9"):
        board.row_of(pier.id, 9)


def test_choosing_a_take_keeps_the_later_shots_in_order_unless_they_are_to_follow(pier):
    pier.draw_all()
    first, second = pier.story.view().shots[0].take, pier.draw(1, seed=2)
    pier.desk.storyboard.choose_take(pier.id, pier.rows[0], second.id)
    assert pier.states() == ["fresh"] * 6
    pier.desk.storyboard.choose_take(pier.id, pier.rows[0], first.id, keep_later=False)
    pier.desk.storyboard.choose_take(pier.id, pier.rows[0], pier.draw(1, seed=3).id, keep_later=False)
    assert pier.states() == ["fresh", *["stale"] * 5]


def test_a_takes_recipe_is_told(pier):
    pier.draw(1, seed=42)
    take = pier.desk.storyboard.shot(pier.id, pier.rows[0]).takes[0]
    said = dict(take.recipe)
    assert (said["Seed"], said["Steps"], said["Surprise"], said["Plot then"]) == (
        "42",
        "4",
        "0.5",
        "Mara walks.",
    )


def test_an_uploaded_picture_is_kept_in_the_story_and_queued(pier, tmp_path):
    Image.new("RGB", (640, 360), "navy").save(tmp_path / "own.jpg")
    job = pier.job(pier.desk.storyboard.replace(pier.id, pier.rows[2], tmp_path / "own.jpg"))
    assert isinstance(job, EncodeReplacement)
    assert job.row == pier.rows[2]
    assert pier.story.file(job.picture).is_file()
    assert pier.story.script.head().draft.references == ()
    (tmp_path / "no.png").write_bytes(b"<svg onload=alert(1)>")
    with pytest.raises(ImageError, match=r"no\.png"):
        pier.desk.storyboard.replace(pier.id, pier.rows[2], tmp_path / "no.png")


def test_redrawing_several_is_one_job_with_new_seeds_and_costs_as_told(pier):
    pier.draw_all()
    pier.desk.storyboard.set_locked(pier.id, pier.rows[1], locked=True)
    rows = pier.rows[2::-1]
    cost = pier.desk.redraws.cost(pier.id, rows)
    job = pier.job(pier.desk.redraws.redraw(pier.id, rows))
    assert isinstance(job, RedrawKeyframes)
    assert job.keyframes == (pier.rows[0], pier.rows[2])
    assert len({0, *job.seeds}) == 3  # the takes there are have seed 0
    assert (cost.num_shots, cost.seconds) == (2, pier.desk.jobs.cost(job).seconds)


def test_the_stale_shots_are_redrawn_with_their_own_seeds_and_no_others(pier):
    for number in range(1, 7):
        pier.draw(number, seed=10 * number)
    assert pier.desk.storyboard.view(pier.id).stale is None
    with pytest.raises(StoryError, match="no shot is stale"):
        pier.desk.redraws.redraw_stale(pier.id)
    for number, update in ((2, {"plot": "Tom sings."}), (4, {"seed": 5}), (5, {"plot": "Mara runs."})):
        row = pier.story.script.head().draft.rows[number - 1].model_copy(update=update)
        pier.story.script.change(lambda draft, row=row: draft.with_row(row), label="Edit")
    pier.desk.storyboard.set_locked(pier.id, pier.rows[4], locked=True)
    cost = pier.desk.storyboard.view(pier.id).stale
    job = pier.job(pier.desk.redraws.redraw_stale(pier.id))
    assert (job.keyframes, job.seeds) == ((pier.rows[1], pier.rows[3]), (20, 5))
    assert (cost.num_shots, cost.seconds) == (2, pier.desk.jobs.cost(job).seconds)
    assert pier.desk.storyboard.view(pier.id).stale is None  # asked for already
    assert pier.states() == ["fresh", "waiting", "fresh", "waiting", "locked", "fresh"]


# --- where a picture came from -------------------------------------------------------------------------


@pytest.fixture
def stamped(tmp_path: Path) -> Path:
    recipe = ShotRecipe(
        number=3,
        seed=2**60 + 1,
        take=2,
        script=KeyframeScript.model_validate(
            {
                "plot": "Ada flies.",
                "scene_elements": ["A sky"],
                "characters": [{"name": "Ada"}],
                "seconds": 3.5,
            }
        ),
        cast=(Character(name="Ada", description="A pilot."),),
        settings={"steps": 20},
    )
    path = tmp_path / "shot.png"
    save_png(Image.new("RGB", (32, 32)), path, recipe)
    return path


def test_a_picture_says_where_it_came_from_and_its_row_can_be_loaded(pier, stamped):
    origin = origin_of(stamped)
    assert (origin.kind, origin.can_load) == ("keyframe", True)
    assert dict(origin.facts)["Plot"] == "Ada flies."
    assert dict(origin.facts)["Seed"] == str(2**60 + 1)
    load_into_row(pier.story, pier.rows[1], stamped)
    draft = pier.story.script.head().draft
    row = draft.rows[1]
    assert (row.id, row.plot, row.seed, row.seconds) == (pier.rows[1], "Ada flies.", 2**60 + 1, 3.5)
    assert [member.name for member in draft.cast] == ["Mara", "Tom", "Ada"]
    load_into_row(pier.story, pier.rows[2], stamped)
    assert len(pier.story.script.head().draft.cast) == 3


def test_a_picture_without_a_recipe_and_a_locked_row_are_refused(pier, stamped, tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "plain.png")
    with pytest.raises(InputError, match=r"plain\.png: the file carries no recipe"):
        origin_of(tmp_path / "plain.png")
    pier.draw(2)
    pier.desk.storyboard.set_locked(pier.id, pier.rows[1], locked=True)
    with pytest.raises(StoryError, match="locked"):
        load_into_row(pier.story, pier.rows[1], stamped)
