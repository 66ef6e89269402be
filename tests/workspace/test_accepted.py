"""What a person accepted stays until they choose: takes and clips that jobs make beside it wait."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from making import draw, film, picture

from moviedreamer_core.workspace import Stories, StoryFolder, Take, image_path
from moviedreamer_core.workspace.freshness import Shot

EXAMPLE = Path(__file__).resolve().parents[2] / "assets" / "stories" / "lighthouse.zip"


@pytest.fixture
def drawn(story: StoryFolder, rows: list[str]) -> StoryFolder:
    """All rows drawn by a worker, in order."""
    for seed, row_id in enumerate(rows):
        story.choose_in_place_of(row_id, draw(story, row_id, seed=seed).id, None)
    return story


def shot(story: StoryFolder) -> Shot:
    return story.view().shots[0]


def asked(story: StoryFolder, *, seed: int, over_accepted: bool = False) -> Take:
    """A take of the first row that a worker was asked for."""
    row_id, earlier = shot(story).row.id, shot(story).take
    assert earlier is not None
    take = draw(story, row_id, seed=seed)
    story.choose_in_place_of(row_id, take.id, earlier.id, over_accepted=over_accepted)
    return take


def numbers(takes: tuple[Take, ...]) -> list[int]:
    return [take.number for take in takes]


def test_what_is_shown_only_because_it_was_drawn_gives_way(drawn: StoryFolder) -> None:
    for seed in (10, 11):
        assert not shot(drawn).is_accepted
        assert asked(drawn, seed=seed) == shot(drawn).take
    assert shot(drawn).waiting == ()


def test_a_take_that_was_chosen_by_hand_stays_and_the_new_ones_wait(drawn: StoryFolder) -> None:
    row_id, first = shot(drawn).row.id, shot(drawn).take
    drawn.choose(row_id, first.id)  # the one that is shown already: a person says that it is right
    for seed in (10, 11):
        asked(drawn, seed=seed)
        assert shot(drawn).take == first
    assert numbers(shot(drawn).waiting) == [2, 3]
    drawn.reject(row_id, shot(drawn).waiting[0].id)
    assert numbers(shot(drawn).waiting) == [3]
    drawn.accept_again(row_id, shot(drawn).takes[1].id)
    assert numbers(shot(drawn).waiting) == [3]  # looked at already
    assert drawn.decisions.read() == StoryFolder(drawn.path).decisions.read()
    drawn.choose(row_id, shot(drawn).waiting[0].id)
    assert (shot(drawn).take.number, shot(drawn).waiting) == (3, ())


def test_choosing_ends_the_waiting_of_all(drawn: StoryFolder) -> None:
    row_id, first = shot(drawn).row.id, shot(drawn).take
    drawn.choose(row_id, first.id)
    asked(drawn, seed=10), asked(drawn, seed=11)
    drawn.choose(row_id, first.id)
    assert (shot(drawn).take, shot(drawn).waiting) == (first, ())
    assert shot(drawn).is_accepted


def test_a_worker_that_asks_twice_changes_nothing(drawn: StoryFolder) -> None:
    row_id, first = shot(drawn).row.id, shot(drawn).take
    drawn.choose(row_id, first.id)
    take = asked(drawn, seed=10)
    before = drawn.decisions.read()
    assert not drawn.choose_in_place_of(row_id, take.id, first.id)
    assert drawn.decisions.read() == before


def test_a_locked_shot_and_an_uploaded_picture_stay(drawn: StoryFolder, tmp_path: Path) -> None:
    row_id, first = shot(drawn).row.id, shot(drawn).take
    drawn.decisions.lock([row_id])
    asked(drawn, seed=10, over_accepted=True)
    assert (shot(drawn).take, numbers(shot(drawn).waiting)) == (first, [2])
    drawn.decisions.unlock([row_id])
    own = drawn.takes.upload(row_id, picture(tmp_path / "own.png"), first.recipe)
    assert drawn.choose_in_place_of(row_id, own.id, first.id, over_accepted=True)
    assert shot(drawn).is_accepted
    asked(drawn, seed=11)
    assert (shot(drawn).take, numbers(shot(drawn).waiting)) == (own, [2, 4])


def test_what_was_asked_for_in_place_of_an_accepted_take_is_shown_and_not_itself_accepted(
    drawn: StoryFolder,
) -> None:
    drawn.choose(shot(drawn).row.id, shot(drawn).take.id)
    assert asked(drawn, seed=10, over_accepted=True) == shot(drawn).take
    assert not shot(drawn).is_accepted
    assert asked(drawn, seed=11) == shot(drawn).take


def test_a_choice_that_is_gone_or_rejected_holds_no_place(drawn: StoryFolder) -> None:
    row_id = shot(drawn).row.id
    second = asked(drawn, seed=10)
    drawn.choose(row_id, second.id)
    drawn.reject(row_id, second.id)
    assert not shot(drawn).is_accepted
    third = asked(drawn, seed=11)
    drawn.choose(row_id, third.id)
    drawn.takes.discard(row_id, third.id)
    assert not shot(drawn).is_accepted


def test_a_preview_is_never_meant_to_stay(story: StoryFolder, rows: list[str]) -> None:
    preview = draw(story, rows[0], preview=True)
    story.choose(rows[0], preview.id)
    assert not shot(story).is_accepted
    assert asked(story, seed=1) == shot(story).take


def test_later_shots_in_these_rows_stay_in_order_and_no_others(drawn: StoryFolder, rows: list[str]) -> None:
    first, new = shot(drawn).take, draw(drawn, rows[0], seed=10)
    drawn.choose_in_place_of(rows[0], new.id, first.id, keep_later=frozenset(rows[2:]))
    assert [one.condition for one in drawn.view().shots] == ["fresh", "stale", "fresh", "fresh"]


# --- clips -------------------------------------------------------------------------------------------


def test_a_clip_that_was_chosen_stays_and_the_new_one_waits(drawn: StoryFolder) -> None:
    row_id, take = shot(drawn).row.id, shot(drawn).take
    first = film(drawn, take)
    assert drawn.choose_clip_in_place_of(row_id, first.id, None)
    second = film(drawn, take)
    assert drawn.choose_clip_in_place_of(row_id, second.id, first.id)  # nobody had chosen the first
    drawn.choose_clip(row_id, second.id)
    third = film(drawn, take)
    assert not drawn.choose_clip_in_place_of(row_id, third.id, second.id)
    assert (shot(drawn).clip, shot(drawn).waiting_clips) == (second, (third,))
    assert drawn.choose_clip_in_place_of(row_id, third.id, second.id, over_accepted=True)
    assert (shot(drawn).clip, shot(drawn).waiting_clips) == (third, ())


def test_the_clip_of_a_locked_shot_stays_though_the_newest_shows_by_default(drawn: StoryFolder) -> None:
    row_id, take = shot(drawn).row.id, shot(drawn).take
    first = film(drawn, take)
    drawn.decisions.lock([row_id])
    second = film(drawn, take)
    assert not drawn.choose_clip_in_place_of(row_id, second.id, None)
    assert (shot(drawn).clip, shot(drawn).waiting_clips) == (first, (second,))
    drawn.choose_clip(row_id, second.id)
    assert (shot(drawn).clip, shot(drawn).waiting_clips) == (second, ())


def test_a_clip_chosen_meanwhile_stands(drawn: StoryFolder) -> None:
    row_id, take = shot(drawn).row.id, shot(drawn).take
    clips = [film(drawn, take) for _ in range(3)]
    drawn.choose_clip(row_id, clips[0].id)
    assert not drawn.choose_clip_in_place_of(row_id, clips[2].id, clips[1].id, over_accepted=True)
    assert (shot(drawn).clip, shot(drawn).waiting_clips) == (clips[0], (clips[2],))


# --- stories of the release before -------------------------------------------------------------------


def as_version_1(story: StoryFolder) -> None:
    """decisions.json as it was written before it told who chose."""
    path = story.path / "decisions.json"
    kept = json.loads(path.read_text())
    kept["version"] = 1
    for decided in kept["shots"].values():
        for name in ("take_by_hand", "clip_by_hand", "waiting", "waiting_clips"):
            del decided[name]
    path.write_text(json.dumps(kept))


def test_an_old_choice_counts_as_a_person_s_where_there_was_more_than_one(
    drawn: StoryFolder, rows: list[str]
) -> None:
    second = draw(drawn, rows[1], seed=10)
    drawn.choose(rows[1], second.id)
    as_version_1(drawn)
    assert [one.is_accepted for one in drawn.view().shots] == [False, True, False, False]
    assert asked(drawn, seed=11) == shot(drawn).take
    new = draw(drawn, rows[1], seed=12)
    assert not drawn.choose_in_place_of(rows[1], new.id, second.id)
    assert drawn.view().shots[1].take == second
    assert json.loads((drawn.path / "decisions.json").read_text())["version"] == 2


def test_the_finished_example_looks_as_it_did_and_its_shots_show_what_is_asked_for(stories: Stories) -> None:
    with zipfile.ZipFile(EXAMPLE) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("decisions.json"))
        decided = json.loads(archive.read(name))["shots"]
    story = stories.import_archive(EXAMPLE)
    shots = story.view().shots
    assert {one.row.id: (one.take.id, one.clip.id) for one in shots} == {
        row_id: (kept["take"], kept["clip"]) for row_id, kept in decided.items()
    }
    assert all(image_path(one.take).is_file() and one.condition == "fresh" for one in shots)
    assert not any(one.is_accepted or one.is_clip_accepted or one.waiting for one in shots)
    assert asked(story, seed=1) == shot(story).take
