from __future__ import annotations

import pytest
from making import WEIGHTS, Draft, draft_of_plots, draw, film, picture

from moviedreamer_core.errors import StoryError
from moviedreamer_core.workspace import CastMember, Row, StoryFolder, fingerprint, take_recipe

FACE = f"faces/{'a' * 32}.png"
REFERENCE = f"references/{'b' * 32}.png"


def save(story: StoryFolder, draft: Draft) -> None:
    story.script.save(draft, base=story.script.head().number)


def conditions(story: StoryFolder, **options: str) -> list[str]:
    return [shot.condition for shot in story.view(**options).shots]


def stale_for(story: StoryFolder, **options: str) -> list[tuple[str, ...]]:
    return [shot.stale_for for shot in story.view(**options).shots]


def draw_all(story: StoryFolder, rows: list[str], first_seed: int = 0) -> None:
    for seed, row_id in enumerate(rows, start=first_seed):
        draw(story, row_id, seed=seed)


@pytest.fixture
def drawn(story: StoryFolder, rows: list[str]) -> StoryFolder:
    """All rows drawn in order, one seed each."""
    draw_all(story, rows)
    return story


# --- what the table shows ----------------------------------------------------------------------------


def test_a_row_is_missing_then_fresh_then_stale_or_locked(story: StoryFolder, rows: list[str]) -> None:
    assert conditions(story) == ["missing"] * 4
    draw_all(story, rows[:2])
    assert conditions(story) == ["fresh", "fresh", "missing", "missing"]
    draft = story.script.head().draft
    save(story, draft.with_rows_edited(rows[:3], lambda row: row.model_copy(update={"plot": "Changed."})))
    assert conditions(story) == ["stale", "stale", "missing", "missing"]
    story.decisions.lock([rows[1], rows[3]])
    assert conditions(story) == ["stale", "locked", "missing", "missing"]
    assert stale_for(story)[1] == ("script",)  # still told
    assert story.view().to_draw == (rows[2],)


def edited(draft: Draft, **fields: object) -> Draft:
    return draft.with_row(draft.rows[1].model_copy(update=fields))


@pytest.mark.parametrize(
    ("edit", "reasons"),
    [
        (lambda d: edited(d, plot="Tom runs."), [(), ("script",), (), ()]),
        (lambda d: edited(d, scene_elements=("Rain",)), [(), ("script",), (), ()]),
        (lambda d: edited(d, plot=" Tom waves. \n", scene_elements=("", " ")), [(), (), (), ()]),
        (lambda d: edited(d, seconds=9.0), [(), (), (), ()]),
        (lambda d: edited(d, seed=99), [(), ("seed",), (), ()]),
        (lambda d: edited(d, seed=1), [(), (), (), ()]),  # the seed it was drawn with
        (lambda d: d.with_changes(title="Other", seed=5), [(), (), (), ()]),
        (lambda d: d.with_changes(style="Cartoon."), [("style",)] * 4),
        (lambda d: d.with_changes(references=[REFERENCE]), [("references",)] * 4),
        (lambda d: d.with_changes(references=[REFERENCE], use_references=False), [()] * 4),
        (
            lambda d: d.with_member(d.cast[0].model_copy(update={"description": "Blue hair."})),
            [("cast",), (), (), ("cast",)],
        ),
        (
            lambda d: d.with_member(d.cast[0].model_copy(update={"faces": (FACE,)})),
            [("cast",), (), (), ("cast",)],
        ),
        (lambda d: d.with_member(CastMember(name="Ann")), [(), (), (), ()]),
        (lambda d: d.with_rows_moved([d.rows[3].id], 2), [(), (), ("predecessors",), ("predecessors",)]),
        (lambda d: d.without_rows([d.rows[0].id]), [("predecessors",)] * 3),
        (lambda d: d.with_rows_inserted(1, [Row(plot="New.")]), [(), (), (), (), ()]),  # until it is drawn
    ],
)
def test_a_take_is_stale_for_what_it_follows_from_and_nothing_else(
    drawn: StoryFolder, edit: object, reasons: list[tuple[str, ...]]
) -> None:
    save(drawn, edit(drawn.script.head().draft))
    assert stale_for(drawn) == reasons
    drawn.script.undo(base=drawn.script.head().number)
    assert conditions(drawn) == ["fresh"] * 4  # computed, never stored


def test_other_weights_make_stale_only_for_whom_asks(drawn: StoryFolder) -> None:
    assert stale_for(drawn, weights_hash=WEIGHTS) == [()] * 4
    assert stale_for(drawn, weights_hash="e" * 64) == [("weights",)] * 4
    assert stale_for(drawn) == [()] * 4


def test_a_row_edited_while_it_is_drawn_comes_out_stale(story: StoryFolder, rows: list[str]) -> None:
    draft = story.script.head().draft
    recipe = take_recipe(draft, rows[0], {}, revision=2, seed=1, weights_hash=WEIGHTS)
    save(story, draft.with_row(draft.rows[0].model_copy(update={"plot": "Edited meanwhile."})))
    with story.takes.stage(rows[0]) as staged:
        picture(staged.folder / "image.png")
        staged.commit(recipe)
    assert stale_for(story)[0] == ("script",)


# --- takes before it ---------------------------------------------------------------------------------


def test_another_take_makes_the_later_shots_stale_and_the_same_tokens_do_not(
    drawn: StoryFolder, rows: list[str]
) -> None:
    same = draw(drawn, rows[1], seed=1)
    drawn.choose(rows[1], same.id)
    assert stale_for(drawn) == [()] * 4
    other = draw(drawn, rows[1], seed=50)
    drawn.choose(rows[1], other.id)
    assert stale_for(drawn) == [(), (), ("predecessors",), ("predecessors",)]
    drawn.choose(rows[1], same.id)
    assert stale_for(drawn) == [()] * 4


def test_later_shots_drawn_again_after_a_new_take_are_fresh(drawn: StoryFolder, rows: list[str]) -> None:
    drawn.choose(rows[1], draw(drawn, rows[1], seed=50).id)
    for row_id in rows[2:]:
        drawn.choose(row_id, draw(drawn, row_id, seed=60).id)
    assert conditions(drawn) == ["fresh"] * 4


def test_takes_that_are_not_shown_yet_can_be_drawn_upon(drawn: StoryFolder, rows: list[str]) -> None:
    """As a worker re-predicts later shots before a person has chosen any of them."""
    shown = drawn.view().shown_takes
    new = []
    for row_id in rows[1:]:
        take = draw(drawn, row_id, seed=70, shown=shown)
        shown[row_id] = take
        new.append(take)
    assert conditions(drawn) == ["fresh"] * 4
    for take in new:
        drawn.choose(take.owner, take.id)
    assert conditions(drawn) == ["fresh"] * 4


def test_an_upload_changes_what_follows_and_never_goes_stale_itself(
    drawn: StoryFolder, rows: list[str], tmp_path: object
) -> None:
    draft = drawn.script.head().draft
    recipe = take_recipe(draft, rows[1], {}, revision=2)
    upload = drawn.takes.upload(rows[1], picture(tmp_path / "u.png", "red"), recipe)
    drawn.choose(rows[1], upload.id)
    save(drawn, edited(draft.with_changes(style="Cartoon."), plot="Other.", seed=3))
    assert stale_for(drawn, weights_hash=WEIGHTS) == [
        ("style",), (), ("style", "predecessors"), ("style", "predecessors")
    ]  # fmt: skip


# --- choosing ----------------------------------------------------------------------------------------


def test_a_new_take_does_not_take_the_place_of_the_shown_one(drawn: StoryFolder, rows: list[str]) -> None:
    first = drawn.view().shots[0].take
    new = draw(drawn, rows[0], seed=50)
    assert drawn.view().shots[0].take == first
    drawn.choose(rows[0], new.id)
    assert drawn.view().shots[0].take == new


def test_full_quality_takes_the_place_of_a_preview_and_a_later_preview_that_of_an_earlier(
    story: StoryFolder, rows: list[str]
) -> None:
    draw(story, rows[0], seed=1, preview=True)
    second = draw(story, rows[0], seed=2, preview=True)
    assert story.view().shots[0].take == second
    assert rows[0] in story.view().to_draw
    full = draw(story, rows[0], seed=3)
    draw(story, rows[0], seed=4, preview=True)
    assert story.view().shots[0].take == full
    assert rows[0] not in story.view().to_draw


def test_a_rejected_take_is_kept_and_not_shown(drawn: StoryFolder, rows: list[str]) -> None:
    first, second = drawn.takes.of(rows[0])[0], draw(drawn, rows[0], seed=9)
    drawn.choose(rows[0], first.id)
    drawn.reject(rows[0], first.id)
    assert drawn.view().shots[0].take == second
    assert drawn.view().shots[0].takes == (first, second)
    drawn.reject(rows[0], second.id)
    assert conditions(drawn)[0] == "missing"
    drawn.accept_again(rows[0], first.id)
    assert drawn.view().shots[0].take == first
    drawn.choose(rows[0], second.id)  # choosing takes a rejection back
    assert drawn.view().shots[0].take == second


def test_a_chosen_take_that_was_discarded_gives_way_to_the_default(
    drawn: StoryFolder, rows: list[str]
) -> None:
    new = draw(drawn, rows[0], seed=9)
    drawn.choose(rows[0], new.id)
    drawn.takes.discard(rows[0], new.id)
    shot = drawn.view().shots[0]
    assert shot.take == shot.takes[0]
    with pytest.raises(StoryError, match="no longer there"):
        drawn.choose(rows[0], new.id)


def test_a_locked_shot_keeps_its_take(drawn: StoryFolder, rows: list[str]) -> None:
    first, new = drawn.takes.of(rows[0])[0], draw(drawn, rows[0], seed=9)
    drawn.decisions.lock(rows[:1])
    for act in (
        lambda: drawn.choose(rows[0], new.id),
        lambda: drawn.reject(rows[0], first.id),
    ):
        with pytest.raises(StoryError, match="this shot is locked; unlock it to"):
            act()
    assert not drawn.choose_in_place_of(rows[0], new.id, first.id)
    assert drawn.view().shots[0].take == first
    drawn.reject(rows[0], new.id)
    drawn.decisions.unlock(rows[:1])
    drawn.choose(rows[0], new.id)


def test_a_worker_s_take_is_shown_unless_the_person_chose_otherwise_meanwhile(
    drawn: StoryFolder, rows: list[str]
) -> None:
    first = drawn.takes.of(rows[0])[0]
    second, third = draw(drawn, rows[0], seed=9), draw(drawn, rows[0], seed=10)
    assert drawn.choose_in_place_of(rows[0], second.id, first.id)
    assert drawn.view().shots[0].take == second
    assert drawn.choose_in_place_of(rows[0], second.id, first.id)  # asked again: it is shown
    assert not drawn.choose_in_place_of(rows[0], third.id, first.id)
    assert drawn.view().shots[0].take == second


def test_a_worker_s_first_take_of_a_row_is_shown(story: StoryFolder, rows: list[str]) -> None:
    take = draw(story, rows[0])
    assert story.choose_in_place_of(rows[0], take.id, None)
    assert story.view().shots[0].take == take


# --- keeping what is there ---------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["person", "worker"])
def test_keeping_later_shots_leaves_them_fresh_and_what_was_outdated_outdated(
    drawn: StoryFolder, rows: list[str], by: str
) -> None:
    draft = drawn.script.head().draft
    save(drawn, draft.with_row(draft.rows[3].model_copy(update={"plot": "Changed."})))
    first, new = drawn.takes.of(rows[0])[0], draw(drawn, rows[0], seed=9)
    if by == "person":
        drawn.choose(rows[0], new.id, keep_later=True)
    else:
        assert drawn.choose_in_place_of(rows[0], new.id, first.id, keep_later=True)
    assert stale_for(drawn) == [(), (), (), ("script",)]
    drawn.choose(rows[0], first.id)
    assert stale_for(drawn) == [(), (), (), ("script",)]  # for this one they were made
    third = draw(drawn, rows[0], seed=10)
    drawn.choose(rows[0], third.id)
    assert stale_for(drawn)[1:3] == [("predecessors",)] * 2


def test_a_row_drawn_into_a_finished_story_can_leave_the_later_shots_as_they_are(
    drawn: StoryFolder, rows: list[str]
) -> None:
    new_row = Row(plot="New.")
    save(drawn, drawn.script.head().draft.with_rows_inserted(1, [new_row]))
    take = draw(drawn, new_row.id, seed=20)
    assert drawn.choose_in_place_of(new_row.id, take.id, None, keep_later=True)
    assert conditions(drawn) == ["fresh"] * 5


def test_what_was_outdated_by_an_earlier_choice_is_not_accepted_by_a_later_one(
    drawn: StoryFolder, rows: list[str]
) -> None:
    drawn.choose(rows[0], draw(drawn, rows[0], seed=9).id)
    drawn.choose(rows[0], draw(drawn, rows[0], seed=10).id, keep_later=True)
    assert stale_for(drawn) == [(), *[("predecessors",)] * 3]


def test_an_accepted_take_is_stale_no_more_until_something_else_changes(
    drawn: StoryFolder, rows: list[str]
) -> None:
    save(drawn, edited(drawn.script.head().draft, plot="Tom runs."))
    drawn.keep_as_is(rows)
    assert conditions(drawn) == ["fresh"] * 4
    number = drawn.decisions.read().number
    drawn.keep_as_is(rows)
    assert drawn.decisions.read().number == number  # nothing new
    save(drawn, edited(drawn.script.head().draft, plot="Tom sleeps."))
    assert stale_for(drawn)[1] == ("script",)
    save(drawn, edited(drawn.script.head().draft, plot="Tom waves."))
    assert stale_for(drawn)[1] == ()  # what it was drawn for
    new = draw(drawn, rows[1], seed=1)
    save(drawn, edited(drawn.script.head().draft, plot="Tom runs."))
    drawn.choose(rows[1], new.id)
    assert stale_for(drawn)[1] == ("script",)  # another take was accepted, not this one


# --- clips -------------------------------------------------------------------------------------------


def test_a_clip_is_stale_when_its_keyframe_length_or_motion_changed(
    drawn: StoryFolder, rows: list[str]
) -> None:
    def stale() -> tuple[str, ...]:
        return drawn.view().shots[0].clip_stale_for

    take = drawn.takes.of(rows[0])[0]
    assert drawn.view().shots[0].clip is None
    clip = film(drawn, take)
    assert (drawn.view().shots[0].clip, stale()) == (clip, ())
    assert drawn.view(weights_hash="e" * 64).shots[0].clip_stale_for == ("weights",)
    draft = drawn.script.head().draft
    save(drawn, draft.with_row(draft.rows[0].model_copy(update={"seconds": 3.0})))
    drawn.decisions.set_motion(rows[:1], "calm")
    drawn.choose(rows[0], draw(drawn, rows[0], seed=9).id)
    assert stale() == ("keyframe", "seconds", "motion")


def test_the_clip_that_is_shown_fits_the_take_unless_one_was_chosen(
    drawn: StoryFolder, rows: list[str]
) -> None:
    first, second = drawn.takes.of(rows[0])[0], draw(drawn, rows[0], seed=9)
    clips = [film(drawn, first), film(drawn, first), film(drawn, second)]
    assert drawn.view().shots[0].clip == clips[1]
    drawn.choose(rows[0], second.id)
    assert drawn.view().shots[0].clip == clips[2]
    drawn.choose_clip(rows[0], clips[0].id)
    assert drawn.view().shots[0].clip == clips[0]
    assert drawn.view().shots[0].clip_stale_for == ("keyframe",)


# --- fingerprints ------------------------------------------------------------------------------------


def test_a_fingerprint_ignores_case_of_names_and_takes_of_later_rows(
    drawn: StoryFolder, rows: list[str]
) -> None:
    draft, shown = drawn.script.head().draft, drawn.view().shown_takes
    now = fingerprint(draft, rows[1], shown)
    assert now == fingerprint(draft, rows[1], {rows[0]: shown[rows[0]]})
    assert now != fingerprint(draft, rows[1], {})
    louder = draft.with_changes(cast=[draft.cast[0].model_copy(update={"name": "MARA"})])
    assert fingerprint(louder, rows[0], shown) == fingerprint(draft, rows[0], shown)
    with pytest.raises(StoryError, match="this row is no longer in the script"):
        fingerprint(draft_of_plots("x"), rows[0], {})
