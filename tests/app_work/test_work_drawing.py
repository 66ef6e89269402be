from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from at_work import DRAWING, PREVIEW, conditions, content_of, noise, pixels, shown, stop_after, tokens

from app.queue.jobs import (
    DrawMissing,
    EncodeReplacement,
    PreviewArc,
    RedrawKeyframes,
    RegenerateKeyframe,
)
from app.work.studio import Studio, studio_work
from moviedreamer_core.errors import ImageError, StoryError, WeightsError
from moviedreamer_core.handoff.recipes import ShotRecipe, recipe_of
from moviedreamer_core.storyboard import load_tokens
from moviedreamer_core.weights_files import read_manifest
from moviedreamer_core.workspace import StoryFolder, StoryGoneError, image_path, tokens_path

pytest_plugins = ("weights",)


@pytest.fixture
def draw_all(story, rows) -> DrawMissing:
    return DrawMissing(story_id=story.id, keyframes=tuple(rows), drawing=DRAWING)


def test_missing_keyframes_become_takes_with_tokens_and_recipes(do, story, rows, draw_all, tiny_weights):
    events = do(draw_all)
    weights_hash = read_manifest(tiny_weights).weights_hash
    assert conditions(story) == ["fresh"] * 3
    for number, (shot, row) in enumerate(zip(story.view(weights_hash=weights_hash).shots, rows), start=1):
        take = shot.take
        assert pixels(take).shape == (32, 48, 3)
        assert load_tokens(tokens_path(take, weights_hash)).shape == (2, 16)
        assert take.recipe.weights_hash == weights_hash
        assert take.recipe.settings["steps"] == 3
        assert take.recipe.row.id == row
        assert take.recipe.seconds_taken > 0
        stamp = recipe_of(image_path(take))
        assert isinstance(stamp, ShotRecipe)
        assert (stamp.number, stamp.seed, stamp.take) == (number, take.recipe.seed, 1)
        assert stamp.script.plot == shot.row.plot
        assert len(stamp.story.keyframes) == 3
        assert shot.stale_for == ()
    assert (events[0].done, events[0].total) == (0, 3)
    assert (events[-1].done, events[-1].total) == (3, 3)
    made = [path for event in events for path in event.made]
    assert made == [f"takes/{row}/{take.id}/image.png" for row, take in zip(rows, shown(story))]


def test_between_two_events_is_one_denoising_step_at_most(do, draw_all, monkeypatch, studio):
    counts, unet = [], 0

    events = studio(draw_all)
    next(events)
    unet = studio.weights.load({"renderer"}).models.renderer.unet
    calls = []
    unet.register_forward_hook(lambda *_: calls.append(1))
    for _ in events:
        counts.append(len(calls))
        calls.clear()
    assert sum(counts) == 9
    assert max(counts) == 1


def test_what_is_there_is_not_drawn_again(do, story, rows, draw_all):
    do(draw_all)
    before = content_of(story.path)
    events = do(draw_all)
    assert [(event.done, event.total) for event in events] == [(0, 0)]
    assert content_of(story.path) == before


def test_a_second_studio_draws_the_same_pictures(do, story, draw_all, stories, tiny_weights):
    do(draw_all)
    first = shown(story)
    copy = stories.duplicate(story.id)
    for take in shown(copy):
        copy.takes.discard(take.owner, take.id)
    other = studio_work(str(stories.root), str(tiny_weights))  # loads its models itself
    list(other(draw_all.model_copy(update={"story_id": copy.id})))
    for one, two in zip(first, shown(copy)):
        assert np.array_equal(pixels(one), pixels(two))
        assert tokens(one) == tokens(two)
        assert one.recipe.fingerprint == two.recipe.fingerprint


@pytest.mark.parametrize("num_events", [1, 2, 5, 6, 7, 10, 13, 16])
def test_drawing_that_is_cancelled_anywhere_goes_on_to_the_same_end(
    studio, story, rows, draw_all, stories, num_events
):
    copy = stories.duplicate(story.id)
    list(studio(draw_all.model_copy(update={"story_id": copy.id})))
    stop_after(studio(draw_all), num_events)
    finished = [take for take in shown(story) if take is not None]
    assert len(finished) == (num_events - 1) // 5  # reading, then planning, 3 steps and the end of each
    assert list(story.path.glob("staging/*")) == []
    list(studio(draw_all))
    assert [len(story.takes.of(row)) for row in rows] == [1, 1, 1]
    assert [tokens(take) for take in shown(story)] == [tokens(take) for take in shown(copy)]
    assert [take for take in shown(story) if take in finished] == finished


def test_what_was_drawn_before_a_failure_stays(studio, story, rows, draw_all, monkeypatch):
    events = studio(draw_all)
    for event in events:
        if event.made:
            monkeypatch.setattr("app.work.shots.render_shot", lambda *_: 1 / 0)
            break
    with pytest.raises(ZeroDivisionError):
        list(events)
    assert conditions(story) == ["fresh", "missing", "missing"]


def test_locked_rows_are_passed_over(do, story, rows, draw_all):
    story.decisions.lock([rows[0]])
    do(draw_all)
    assert [take is None for take in shown(story)] == [True, False, False]


def test_a_preview_shows_the_arc_and_never_stands_above_a_full_take(do, story, rows, draw_all):
    do(draw_all.model_copy(update={"keyframes": (rows[0],)}))
    full = shown(story)[0]
    do(PreviewArc(story_id=story.id, keyframes=tuple(rows), drawing=PREVIEW))
    takes = shown(story)
    assert takes[0] == full
    assert [take.recipe.is_preview for take in takes] == [False, True, True]
    assert takes[1].recipe.settings["steps"] == 2
    before = content_of(story.path)
    do(PreviewArc(story_id=story.id, keyframes=tuple(rows), drawing=PREVIEW))
    assert content_of(story.path) == before
    do(draw_all)
    assert [take.recipe.is_preview for take in shown(story)] == [False] * 3
    assert conditions(story) == ["fresh"] * 3


# --- one shot again ------------------------------------------------------------------------------------


def files_of(story: StoryFolder, rows: list[str]) -> dict[str, bytes]:
    return {path: data for path, data in content_of(story.path).items() if any(row in path for row in rows)}


def test_a_new_take_leaves_every_file_of_later_rows_and_their_order(do, story, rows, draw_all):
    do(draw_all)
    before, first = files_of(story, rows[1:]), shown(story)[0]
    do(RegenerateKeyframe(story_id=story.id, row=rows[0], drawing=DRAWING, seed=77))
    assert files_of(story, rows[1:]) == before
    new = shown(story)[0]
    assert new != first
    assert new.recipe.seed != first.recipe.seed
    assert not np.array_equal(pixels(new), pixels(first))
    assert conditions(story) == ["fresh"] * 3


def test_later_shots_that_are_predicted_anew_follow_the_new_take(do, story, rows, draw_all):
    do(draw_all)
    before = shown(story)
    job = RegenerateKeyframe(
        story_id=story.id, row=rows[0], drawing=DRAWING, later="repredict", later_rows=tuple(rows[1:]), seed=5
    )
    do(job)
    after = shown(story)
    assert after[0].recipe.seed == 5
    assert [take.recipe.seed for take in after[1:]] == [take.recipe.seed for take in before[1:]]
    assert all(tokens(one) != tokens(two) for one, two in zip(before, after))
    assert conditions(story) == ["fresh"] * 3


def test_until_the_place_changes_leaves_what_comes_after_in_order(do, story, rows, draw_all):
    do(draw_all)
    before = shown(story)
    do(
        RegenerateKeyframe(
            story_id=story.id,
            row=rows[0],
            drawing=DRAWING,
            later="repredict-place",
            later_rows=(rows[1],),
            seed=5,
        )
    )
    after = shown(story)
    assert [one == two for one, two in zip(before, after)] == [False, False, True]
    assert conditions(story) == ["fresh"] * 3


def test_the_seed_of_the_shown_take_gives_that_take(do, story, rows, draw_all):
    do(draw_all)
    first = shown(story)[0]
    do(RegenerateKeyframe(story_id=story.id, row=rows[0], drawing=DRAWING, seed=9))
    do(RegenerateKeyframe(story_id=story.id, row=rows[0], drawing=DRAWING, seed=first.recipe.seed))
    assert shown(story)[0] == first
    assert len(story.takes.of(rows[0])) == 2


@pytest.mark.parametrize("num_events", [2, 5, 6, 9, 12])
def test_a_new_take_that_is_interrupted_anywhere_goes_on(
    studio, restarted, story, rows, draw_all, num_events
):
    list(studio(draw_all))
    job = RegenerateKeyframe(
        story_id=story.id,
        row=rows[0],
        drawing=DRAWING,
        later="repredict",
        later_rows=tuple(rows[1:]),
        seed=5,
    )
    stop_after(studio(job), num_events)
    list(restarted(job))
    assert [len(story.takes.of(row)) for row in rows] == [2, 2, 2]
    assert conditions(story) == ["fresh"] * 3


def test_a_take_that_a_person_chose_meanwhile_stays(studio, story, rows, draw_all):
    list(studio(draw_all))
    first = shown(story)[0]
    list(studio(RegenerateKeyframe(story_id=story.id, row=rows[0], drawing=DRAWING, seed=1)))
    events = studio(RegenerateKeyframe(story_id=story.id, row=rows[0], drawing=DRAWING, seed=2))
    next(events)
    next(events)
    story.choose(rows[0], first.id)
    list(events)
    assert shown(story)[0] == first
    assert len(story.takes.of(rows[0])) == 3


def test_a_locked_shot_is_not_drawn_again(do, story, rows, draw_all):
    do(draw_all)
    story.decisions.lock([rows[1]])
    with pytest.raises(StoryError, match="shot 2 is locked; unlock it"):
        do(RegenerateKeyframe(story_id=story.id, row=rows[1], drawing=DRAWING, seed=77))
    before = shown(story)[1]
    do(
        RegenerateKeyframe(
            story_id=story.id,
            row=rows[0],
            drawing=DRAWING,
            later="repredict",
            later_rows=tuple(rows[1:]),
            seed=77,
        )
    )
    assert shown(story)[1] == before
    assert shown(story)[2].number == 2


def test_temperature_and_steps_are_those_of_the_job(do, story, rows):
    warm = DRAWING.model_copy(update={"temperature": 3.0})
    for drawing in (DRAWING, warm):
        do(RegenerateKeyframe(story_id=story.id, row=rows[0], drawing=drawing, seed=1))
    one, two = story.takes.of(rows[0])
    assert tokens(one) != tokens(two)
    assert two.recipe.settings["temperature"] == 3.0


# --- memory --------------------------------------------------------------------------------------------


def test_an_uploaded_picture_is_kept_encoded_and_steers_what_comes_later(
    do, story, rows, draw_all, tmp_path, tiny_weights
):
    do(draw_all)
    drawn = shown(story)
    picture = story.pictures.add(noise(tmp_path / "up.png", seed=3, size=(96, 64)), "references")
    job = EncodeReplacement(story_id=story.id, row=rows[0], picture=picture)
    do(job)
    uploaded = shown(story)[0]
    assert uploaded.recipe.origin == "uploaded"
    assert (uploaded.recipe.seed, uploaded.recipe.weights_hash, uploaded.recipe.settings) == (None, None, {})
    assert pixels(uploaded).shape == (32, 48, 3)
    assert conditions(story) == ["fresh", "stale", "stale"]
    do(job)
    assert len(story.takes.of(rows[0])) == 2
    again = RegenerateKeyframe(
        story_id=story.id, row=rows[1], drawing=DRAWING, seed=drawn[1].recipe.seed, later="keep"
    )
    do(again)
    follows = shown(story)[1]
    assert tokens(follows) != tokens(drawn[1])
    weights_hash = read_manifest(tiny_weights).weights_hash
    assert torch.isfinite(load_tokens(tokens_path(uploaded, weights_hash))).all()


def test_a_picture_that_is_a_take_already_gets_its_tokens(do, story, rows, tmp_path):
    from moviedreamer_core.workspace import take_recipe

    view = story.view()
    recipe = take_recipe(view.revision.draft, rows[0], {}, revision=view.revision.number)
    take = story.takes.upload(rows[0], noise(tmp_path / "up.png", seed=3), recipe)
    do(EncodeReplacement(story_id=story.id, row=rows[0], picture=f"takes/{rows[0]}/{take.id}/image.png"))
    assert tokens(take)
    assert shown(story)[0] == take


def test_takes_of_other_weights_are_read_by_these(do, story, rows, draw_all, stories, other_weights):
    do(draw_all.model_copy(update={"keyframes": (rows[0],)}))
    other = studio_work(str(stories.root), str(other_weights))
    list(other(draw_all))
    assert len(list(shown(story)[0].folder.glob("tokens-*"))) == 2
    assert conditions(story) == ["fresh"] * 3


def test_references_change_what_is_planned_only_while_they_are_switched_on(do, story, rows, tmp_path):
    reference = story.pictures.add(noise(tmp_path / "ref.png", seed=4), "references")
    for use in (None, True, False):
        if use is not None:
            story.script.change(
                lambda draft, use=use: draft.with_changes(references=(reference,), use_references=use),
                label="",
            )
        do(RegenerateKeyframe(story_id=story.id, row=rows[0], drawing=DRAWING, seed=1))
    without, with_references = story.takes.of(rows[0])  # switched off again, the first is found
    assert tokens(without) != tokens(with_references)
    assert shown(story)[0] == without


def test_several_are_redrawn_in_the_script_s_order_and_nothing_is_drawn_twice_after_an_interruption(
    studio, do, story, rows, draw_all
):
    do(draw_all)
    before = shown(story)
    job = RedrawKeyframes(story_id=story.id, keyframes=(rows[2], rows[0]), seeds=(9, 8), drawing=DRAWING)
    assert not stop_after(studio(job), 6)  # the first is drawn, the second begun
    # After a kill, nothing is remembered.
    again = studio_work(str(story.path.parent), str(studio.weights.folder))
    again.weights = studio.weights
    list(again(job))
    assert [take.recipe.seed for take in shown(story)] == [8, before[1].recipe.seed, 9]
    assert [len(story.takes.of(row)) for row in rows] == [2, 1, 2]
    assert shown(story)[1] == before[1]
    assert conditions(story) == ["fresh"] * 3
    story.decisions.lock([rows[0], rows[2]])
    assert [(one.done, one.total) for one in do(job)] == [(0, 0)]


def test_a_box_by_hand_changes_how_the_face_is_encoded(do, story, rows):
    face = story.script.head().draft.cast[0].faces[0]
    for box in (None, (0.0, 0.6, 0.4, 1.0)):
        story.readings.set_face_box(face, box)
        do(RegenerateKeyframe(story_id=story.id, row=rows[0], drawing=DRAWING, seed=1))
    by_detector, by_hand = story.takes.of(rows[0])
    assert tokens(by_detector) != tokens(by_hand)
    assert not np.array_equal(pixels(by_detector), pixels(by_hand))
    assert "face_boxes" not in by_detector.recipe.settings
    assert by_hand.recipe.settings["face_boxes"] == f'{{"{face}": [0.0, 0.6, 0.4, 1.0]}}'


def test_another_box_by_hand_outdates_the_takes_with_that_character_only(do, story, rows, draw_all):
    do(draw_all)
    face = story.script.head().draft.cast[0].faces[0]
    story.readings.set_face_box(face, (0.1, 0.1, 0.9, 0.9))
    assert [shot.stale_for for shot in story.view().shots] == [("cast",), ("cast",), ()]
    story.readings.set_face_box(face, None)  # the takes were made with what the detector says
    assert conditions(story) == ["fresh"] * 3
    story.readings.set_face_box(face, (0.1, 0.1, 0.9, 0.9))
    do(RegenerateKeyframe(story_id=story.id, row=rows[0], drawing=DRAWING, seed=1))
    assert conditions(story) == ["fresh", "stale", "fresh"]
    story.readings.set_face_box(face, (0.1, 0.1, 0.8, 0.9))
    assert conditions(story) == ["stale", "stale", "fresh"]


# --- what a person is told ---------------------------------------------------------------------------


def test_rows_that_were_deleted_meanwhile_are_told(do, story, rows, draw_all):
    story.script.change(lambda draft: draft.without_rows([rows[0]]), label="")
    do(draw_all)
    assert conditions(story) == ["fresh", "fresh"]
    with pytest.raises(StoryError, match="no longer in the script; reload the page"):
        do(draw_all.model_copy(update={"keyframes": (rows[0],)}))
    with pytest.raises(StoryError, match="no longer in the script; reload the page"):
        do(RegenerateKeyframe(story_id=story.id, row=rows[0], drawing=DRAWING, seed=77))


def test_a_row_that_is_deleted_while_it_waits_is_passed_over(studio, story, rows, draw_all):
    events = studio(draw_all)
    next(events)
    story.script.change(lambda draft: draft.without_rows([rows[1]]), label="")
    last = list(events)[-1]
    assert (last.done, last.total) == (3, 3)
    assert conditions(story) == ["fresh", "fresh"]


def test_an_unfinished_row_does_not_stop_the_others(do, story, rows, draw_all):
    story.script.change(
        lambda d: d.with_rows_edited([rows[2]], lambda row: row.model_copy(update={"plot": " "})), label=""
    )
    do(draw_all.model_copy(update={"keyframes": (rows[0], rows[1])}))
    assert conditions(story) == ["fresh", "fresh", "missing"]
    with pytest.raises(StoryError, match=r"keyframe 3.*plot"):
        do(draw_all)


def test_a_face_picture_that_is_gone_is_told(do, story, draw_all):
    (story.path / story.script.head().draft.cast[0].faces[0]).unlink()
    with pytest.raises(ImageError, match="a face picture of Mara is gone or damaged"):
        do(draw_all)


def test_other_weights_and_older_scripts_are_refused(do, story, draw_all):
    with pytest.raises(WeightsError, match=r"asked of weights abc, the studio has .* now; reload"):
        do(draw_all.model_copy(update={"weights": "abc"}))
    with pytest.raises(StoryError, match="is at revision 2, this was asked for revision 7; reload"):
        do(draw_all.model_copy(update={"revision": 7}))


def test_a_story_that_was_deleted_is_told(studio, stories, story, draw_all):
    stories.delete(story.id)
    with pytest.raises(StoryGoneError):
        list(studio(draw_all))


def test_an_upload_that_is_gone_is_told(do, story, rows):
    with pytest.raises(ImageError, match="the uploaded picture is gone or damaged; upload it again"):
        do(EncodeReplacement(story_id=story.id, row=rows[0], picture="references/" + "0" * 32 + ".png"))
    with pytest.raises(StoryError, match="not among those of this story"):
        do(EncodeReplacement(story_id=story.id, row=rows[0], picture="story.yaml"))


def test_memory_of_the_device_is_given_back(studio: Studio, story, draw_all):
    list(studio(draw_all))
    studio.release()
    list(
        studio(
            RegenerateKeyframe(
                story_id=story.id, row=story.script.head().draft.rows[0].id, drawing=DRAWING, seed=77
            )
        )
    )
    assert conditions(story) == ["fresh"] * 3


def test_nothing_is_loaded_before_the_first_job(tmp_path: Path):
    studio_work(str(tmp_path / "none"), str(tmp_path / "no weights"))
