"""What a job shows where a person accepted a take or a clip, and what it keeps in order, whatever happens meanwhile."""

from __future__ import annotations

import pytest
from at_work import DRAWING, conditions, noise, shown

from app.queue.jobs import (
    AnimateKeyframes,
    ClipOrder,
    DrawMissing,
    EncodeReplacement,
    Filming,
    RedrawKeyframes,
    RegenerateKeyframe,
)
from moviedreamer_core.workspace import StoryFolder

pytest_plugins = ("weights",)

FILMING = Filming(steps=2, width=48, height=32, frames_per_second=4)


@pytest.fixture
def drawn(do, story: StoryFolder, rows: list[str]) -> StoryFolder:
    do(DrawMissing(story_id=story.id, keyframes=tuple(rows), drawing=DRAWING))
    return story


@pytest.fixture
def again(drawn, rows):
    """Another take of the first shot."""
    return RegenerateKeyframe(story_id=drawn.id, row=rows[0], drawing=DRAWING, seed=77)


def accept(story: StoryFolder, *numbers: int) -> None:
    for shot in story.view().shots:
        if shot.number in numbers:
            story.choose(shot.row.id, shot.take.id)


def waiting(story: StoryFolder) -> list[list[int]]:
    return [[take.recipe.seed for take in shot.waiting] for shot in story.view().shots]


def test_another_take_of_an_accepted_shot_waits_and_every_shot_stays(do, drawn, again):
    accept(drawn, 1)
    before = shown(drawn)
    do(again)
    assert shown(drawn) == before
    assert waiting(drawn) == [[77], [], []]
    assert conditions(drawn) == ["fresh"] * 3
    drawn.choose(again.row, drawn.view().shots[0].waiting[0].id, keep_later=True)
    assert (shown(drawn)[0].recipe.seed, waiting(drawn)) == (77, [[], [], []])
    assert conditions(drawn) == ["fresh"] * 3


def test_a_shot_that_was_accepted_while_it_was_drawn_keeps_its_take(studio, drawn, again):
    before, events = shown(drawn), studio(again)
    next(events), next(events)
    accept(drawn, 1)
    list(events)
    assert (shown(drawn), waiting(drawn)) == (before, [[77], [], []])


def test_a_new_take_that_is_interrupted_before_it_is_decided_about_waits_after_the_restart(
    studio, restarted, drawn, again, monkeypatch
):
    accept(drawn, 1)
    before = shown(drawn)
    monkeypatch.setattr(StoryFolder, "choose_in_place_of", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        list(studio(again))
    monkeypatch.undo()
    list(restarted(again))
    assert (shown(drawn), waiting(drawn)) == (before, [[77], [], []])
    assert len(drawn.takes.of(again.row)) == 2


def test_a_shot_that_later_shots_are_to_follow_is_shown_at_once(do, drawn, rows, again):
    accept(drawn, 1, 2)
    before = shown(drawn)
    do(again.model_copy(update={"later": "repredict", "later_rows": tuple(rows[1:])}))
    assert all(one != two for one, two in zip(before, shown(drawn), strict=True))
    assert waiting(drawn) == [[], [], []]
    assert conditions(drawn) == ["fresh"] * 3


def test_a_stale_shot_gives_way_whoever_chose_it(do, drawn, rows, again):
    accept(drawn, 1)
    drawn.script.change(
        lambda draft: draft.with_row(draft.rows[0].model_copy(update={"plot": "Mara is running."})), label=""
    )
    do(again)
    assert (shown(drawn)[0].recipe.seed, waiting(drawn)) == (77, [[], [], []])


def test_several_that_are_redrawn_show_or_wait_each_as_it_was_accepted_or_stale(do, drawn, rows):
    accept(drawn, 1, 2)
    drawn.script.change(
        lambda draft: draft.with_row(draft.rows[1].model_copy(update={"plot": "Tom is running."})), label=""
    )
    before = shown(drawn)
    do(RedrawKeyframes(story_id=drawn.id, keyframes=tuple(rows), seeds=(7, 8, 9), drawing=DRAWING))
    after = shown(drawn)
    assert after[0] == before[0]  # accepted
    assert [take.recipe.seed for take in after[1:]] == [
        8,
        9,
    ]  # accepted but stale; shown because it was drawn
    assert waiting(drawn) == [[7], [], []]
    assert conditions(drawn) == ["fresh"] * 3


def test_a_picture_of_one_s_own_takes_the_place_of_an_accepted_take_and_stays(
    do, drawn, rows, again, tmp_path
):
    accept(drawn, 1)
    picture = drawn.pictures.add(noise(tmp_path / "up.png", seed=3), "references")
    do(EncodeReplacement(story_id=drawn.id, row=rows[0], picture=picture))
    own = shown(drawn)[0]
    assert own.recipe.origin == "uploaded"
    do(again)
    assert (shown(drawn)[0], waiting(drawn)[0]) == (own, [77])


# --- until the place changes ---------------------------------------------------------------------------


@pytest.fixture
def in_place(again, rows):
    return again.model_copy(update={"later": "repredict-place", "later_rows": (rows[1],)})


def test_a_row_beyond_the_place_that_is_edited_meanwhile_is_stale(studio, drawn, in_place):
    events = studio(in_place)
    next(events), next(events)
    drawn.script.change(
        lambda draft: draft.with_row(draft.rows[2].model_copy(update={"plot": "A boat at night."})), label=""
    )
    list(events)
    assert [shot.stale_for for shot in drawn.view().shots] == [(), (), ("script",)]


def test_a_row_in_the_place_that_is_edited_meanwhile_is_stale(studio, drawn, rows, in_place):
    for event in (events := studio(in_place)):
        if event.row == rows[1] and event.step == 1:  # its script was read
            drawn.script.change(
                lambda draft: draft.with_row(draft.rows[1].model_copy(update={"plot": "Tom is running."})),
                label="",
            )
            break
    list(events)
    assert [shot.stale_for for shot in drawn.view().shots] == [(), ("script",), ()]


@pytest.mark.parametrize("num_writes", [1, 2])
def test_a_kill_after_any_decision_leaves_what_is_beyond_the_place_in_order(
    studio, restarted, drawn, rows, in_place, monkeypatch, num_writes
):
    from moviedreamer_core.workspace import decisions

    write, written = decisions.write_decisions, []

    def killed(*args):
        write(*args)
        written.append(args)
        if len(written) == num_writes:
            raise KeyboardInterrupt

    monkeypatch.setattr(decisions, "write_decisions", killed)
    with pytest.raises(KeyboardInterrupt):
        list(studio(in_place))
    monkeypatch.undo()
    assert conditions(drawn)[2] == "fresh"
    list(restarted(in_place))
    assert conditions(drawn) == ["fresh"] * 3
    assert [len(drawn.takes.of(row)) for row in rows] == [2, 2, 1]


def test_a_row_that_was_stale_beyond_the_place_is_stale_still(do, drawn, in_place):
    drawn.script.change(
        lambda draft: draft.with_row(draft.rows[2].model_copy(update={"plot": "A boat at night."})), label=""
    )
    do(in_place)
    assert [shot.stale_for for shot in drawn.view().shots] == [(), (), ("script",)]


# --- clips -----------------------------------------------------------------------------------------------


def animate(story: StoryFolder, *, seconds: float = 0.5, seed: int | None = None) -> AnimateKeyframes:
    row = story.view().shots[0].row.id
    return AnimateKeyframes(
        story_id=story.id, clips=(ClipOrder(row=row, seconds=seconds, seed=seed),), filming=FILMING
    )


@pytest.fixture
def short(drawn) -> StoryFolder:
    """Clips of the first row last half a second."""
    with_seconds(drawn, 0.5)
    return drawn


def with_seconds(story: StoryFolder, seconds: float) -> None:
    story.script.change(
        lambda draft: draft.with_row(draft.rows[0].model_copy(update={"seconds": seconds})), label=""
    )


def test_another_clip_shows_at_once_unless_the_one_that_is_shown_was_chosen(do, short):
    do(animate(short))
    do(animate(short, seed=5))
    shot = short.view().shots[0]
    assert (shot.clip.recipe.seed, shot.clip.number) == (5, 2)
    short.choose_clip(shot.row.id, shot.clip.id)
    for _ in range(2):  # asked again after it was made, it waits still
        do(animate(short, seed=6))
        shot = short.view().shots[0]
        assert (shot.clip.recipe.seed, [clip.recipe.seed for clip in shot.waiting_clips]) == (5, [6])
    with_seconds(short, 0.75)
    do(animate(short, seconds=0.75))  # what was chosen is stale
    shot = short.view().shots[0]
    assert (shot.clip.recipe.seconds, shot.clip_stale_for) == (0.75, ())


def test_a_clip_that_a_person_chose_while_another_was_made_stays(studio, short):
    list(studio(animate(short)))
    first = short.view().shots[0].clip
    events = studio(animate(short, seed=5))
    next(events), next(events)
    short.choose_clip(first.owner, first.id)
    list(events)
    shot = short.view().shots[0]
    assert (shot.clip, [clip.recipe.seed for clip in shot.waiting_clips]) == (first, [5])
