from __future__ import annotations

import dataclasses
import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from moviedreamer_core.director import Director
from moviedreamer_core.drawing import next_seed, parts_to_draw, render_settings
from moviedreamer_core.errors import InputError, StoryError, WeightsError
from moviedreamer_core.events import (
    ClipDone,
    ClipProgress,
    KeyframeDone,
    MovieDone,
    RenderProgress,
    StoryPrepared,
)
from moviedreamer_core.pretrained import load_models
from moviedreamer_core.script import Story, keyframe_seed, parse_story
from moviedreamer_core.storyboard import (
    load_tokens,
    missing_clips,
    read_recipe,
    read_storyboard,
    write_storyboard,
)
from moviedreamer_core.video.anchored_svd import SamplingSettings
from moviedreamer_core.video.movie import read_clip

pytest_plugins = ("weights",)

ONE_STEP = SamplingSettings(steps=1, frames_per_second=4)
STORY = {
    "title": "The Beach",
    "seed": 3,
    "characters": [
        {"name": "Mara", "description": "A young woman with a yellow coat.", "faces": ["faces/mara.png"]},
        {"name": "Tom", "description": "An old man."},
    ],
    "keyframes": [
        {"plot": "Mara is walking on the beach.", "characters": ["Mara"], "seconds": 1.0},
        {"plot": "Tom is waving.", "scene_elements": ["The sea"], "characters": ["Tom"], "seconds": 0.5},
        {"plot": "Mara and Tom are happy.", "characters": ["Mara", "Tom"], "seed": 11, "seconds": 0.5},
    ],
}


def story_of(**changes: Any) -> Story:
    return parse_story({**STORY, **changes}, source="story.yaml")


def write_noise(path: Path, *, seed: int = 0, size: tuple[int, int] = (32, 32)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (*size, 3), dtype=np.uint8)).save(path)


def run(events: Iterable[Any], kind: type[Any] = object) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def files_in(folder: Path) -> dict[str, str]:
    """sha256 of every file but the storyboard, by its relative path."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "storyboard.json"
    }


@pytest.fixture(scope="module")
def director(tiny_models) -> Director:
    return Director(tiny_models)


@pytest.fixture(scope="module")
def settings(director):
    return render_settings(director.models.config, steps=2)


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("story")
    write_noise(folder / "faces" / "mara.png")
    return folder


@pytest.fixture(scope="module")
def drawn(director, settings, base, tmp_path_factory) -> tuple[Path, list[Any]]:
    out = tmp_path_factory.mktemp("drawn") / "run"
    return out, run(director.storyboard(story_of(), base, out, settings))


@pytest.fixture
def out(drawn, tmp_path) -> Path:
    """A copy of the drawn storyboard that the test may change."""
    return Path(shutil.copytree(drawn[0], tmp_path / "run"))


# --- storyboard --------------------------------------------------------------------------------------


def test_a_storyboard_records_what_each_keyframe_was_drawn_from(director, drawn, settings):
    folder, _ = drawn
    storyboard = read_storyboard(folder)
    assert [record.number for record in storyboard.keyframes] == [1, 2, 3]
    for record in storyboard.keyframes:
        image = folder / record.image_file
        assert record.image_sha256 == hashlib.sha256(image.read_bytes()).hexdigest()
        assert Image.open(image).size == (settings.width, settings.height)
        assert load_tokens(folder / record.tokens_file).shape == (2, 16)
        assert record.seed == keyframe_seed(storyboard.story, record.number)
        assert record.weights_hash == director.models.weights_hash
        assert record.settings == settings
        assert read_recipe(image)["seed"] == record.seed
    assert storyboard.keyframes[2].seed == 11


def test_events_tell_every_step_and_every_keyframe(drawn, settings):
    folder, events = drawn
    assert run(events, StoryPrepared) == [StoryPrepared(num_keyframes=3)]
    steps = [(event.number, event.step, event.num_steps) for event in run(events, RenderProgress)]
    assert steps == [(number, step, settings.steps) for number in (1, 2, 3) for step in (1, 2)]
    assert [event.path for event in run(events, KeyframeDone)] == [
        folder / f"keyframes/000{number}.png" for number in (1, 2, 3)
    ]


def test_the_same_story_gives_the_same_files_wherever_it_lies(director, drawn, settings, tmp_path):
    write_noise(tmp_path / "elsewhere" / "portraits" / "m.png")
    cast = [{**STORY["characters"][0], "faces": ["portraits/m.png"]}, STORY["characters"][1]]
    again = tmp_path / "again"
    run(director.storyboard(story_of(characters=cast), tmp_path / "elsewhere", again, settings))
    assert files_in(again) == files_in(drawn[0])


def test_the_seed_that_is_passed_replaces_that_of_the_story(director, drawn, settings, base, tmp_path):
    run(director.storyboard(story_of(), base, tmp_path, settings, seed=4))
    records, before = read_storyboard(tmp_path).keyframes, read_storyboard(drawn[0]).keyframes
    assert [record.seed for record in records] == [
        keyframe_seed(story_of(seed=4), number) for number in (1, 2, 3)
    ]
    assert records[0].image_sha256 != before[0].image_sha256
    assert records[2].seed == 11  # its own


def test_an_interrupted_storyboard_is_valid_and_continued(director, drawn, settings, base, tmp_path):
    events = director.storyboard(story_of(), base, tmp_path, settings)
    next(event for event in events if isinstance(event, RenderProgress) and event.number == 3)
    events.close()
    assert [record.number for record in read_storyboard(tmp_path).keyframes] == [1, 2]
    written = (tmp_path / "keyframes/0001.png").stat().st_mtime_ns
    events = run(director.storyboard(story_of(), base, tmp_path, settings))
    assert run(events, StoryPrepared) == [StoryPrepared(num_keyframes=3, num_kept=2)]
    assert [event.number for event in run(events, KeyframeDone)] == [3]
    assert (tmp_path / "keyframes/0001.png").stat().st_mtime_ns == written
    assert files_in(tmp_path) == files_in(drawn[0])


def test_a_finished_storyboard_is_kept(director, drawn, settings, base):
    assert run(director.storyboard(story_of(), base, drawn[0], settings)) == [
        StoryPrepared(num_keyframes=3, num_kept=3)
    ]


def test_a_damaged_picture_and_all_after_it_are_drawn_again(director, drawn, out, settings, base):
    write_noise(out / "keyframes/0002.png")
    events = run(director.storyboard(story_of(), base, out, settings))
    assert [event.number for event in run(events, KeyframeDone)] == [2, 3]
    assert files_in(out) == files_in(drawn[0])


@pytest.mark.parametrize("change", [{"seed": 5}, {"title": "Other"}, {"keyframes": STORY["keyframes"][:2]}])
def test_what_was_drawn_for_another_story_is_not_kept(director, out, settings, base, change):
    assert next(director.storyboard(story_of(**change), base, out, settings)).num_kept == 0


def test_what_was_drawn_with_other_settings_is_not_kept(director, out, settings, base):
    fewer = render_settings(director.models.config, steps=1)
    assert next(director.storyboard(story_of(), base, out, fewer)).num_kept == 0


def test_a_damaged_storyboard_is_replaced(director, drawn, out, settings, base):
    (out / "storyboard.json").write_text("{")
    assert len(run(director.storyboard(story_of(), base, out, settings), KeyframeDone)) == 3
    assert read_storyboard(out) == read_storyboard(drawn[0])


def test_nothing_is_touched_until_the_first_keyframe_is_drawn(director, out, settings, base):
    before, storyboard = files_in(out), (out / "storyboard.json").read_bytes()
    next(director.storyboard(story_of(title="Other"), base, out, settings))
    assert files_in(out) == before
    assert (out / "storyboard.json").read_bytes() == storyboard


def test_unknown_words_are_reported_by_keyframe(director, base):
    plots = ["Mara is walking with a zeppelin to the barnacle.", "Mara is waving to Tom.", "A Zeppelin!"]
    story = story_of(keyframes=[{"plot": plot, "characters": ["Mara"]} for plot in plots])
    first, second, third = director.prepare(story, base).warnings
    ignored = "not in the miniature's vocabulary and"
    assert f'keyframe 1: the words "zeppelin", "barnacle" are {ignored} are ignored' in first
    assert f'keyframe 3: the word "zeppelin" is {ignored} is ignored' in third
    assert not any("vocabulary" in warning for warning in second)  # Tom is a name, with a warning of its own
    assert any("the plot mentions Tom" in warning for warning in second)


def test_a_portrait_without_a_face_is_reported_where_the_character_appears(director, drawn):
    # Portraits are kept under other names; a person knows them by theirs.
    warnings = [event.warnings for event in run(drawn[1], KeyframeDone)]
    told = "mara.png: no face found, the centre of the picture is used"
    assert [told in one for one in warnings] == [True, False, True]
    assert any("Tom has no face image" in warning for warning in warnings[1])


def test_faces_are_looked_for_once(director, base, monkeypatch):
    director.prepare(story_of(), base)
    monkeypatch.setattr(
        director.models.face, "encode_character", lambda images: pytest.fail("looked for again")
    )
    director.prepare(story_of(), base)


def test_references_become_visual_tokens_and_change_the_plan(director, drawn, settings, base, tmp_path):
    write_noise(base / "frame.png", size=(64, 96))
    story = story_of(references=["frame.png"])
    prepared = director.prepare(story, base)
    reduced = Image.open(base / "frame.png").resize((48, 32), Image.Resampling.LANCZOS)
    pixels = torch.from_numpy(np.asarray(reduced, dtype=np.float32) / 255).permute(2, 0, 1)[None]
    with torch.no_grad():
        expected = director.models.compressor(director.models.vision(pixels))
    torch.testing.assert_close(prepared.references, expected)
    events = director.storyboard(story, base, tmp_path, settings)
    next(event for event in events if isinstance(event, KeyframeDone))
    assert not torch.equal(
        load_tokens(tmp_path / "tokens/0001.safetensors"), load_tokens(drawn[0] / "tokens/0001.safetensors")
    )


def test_a_progress_event_can_be_shown(director, drawn, settings):
    last = run(drawn[1], RenderProgress)[-1]
    shown = director.show(last)
    assert shown.size == (settings.width, settings.height)
    drawn_image = np.asarray(Image.open(drawn[0] / "keyframes/0003.png"), dtype=int)
    assert np.abs(np.asarray(shown, dtype=int) - drawn_image).max() <= 1  # the last estimate is the result


def test_only_the_parts_that_a_story_needs_are_loaded(tiny_weights, settings, tmp_path):
    story = story_of(characters=[], keyframes=[{"plot": "The sea."}])
    assert parts_to_draw(story) == {"text", "autoregressive", "renderer"}
    director = Director(load_models(tiny_weights, parts=parts_to_draw(story)))
    assert len(run(director.storyboard(story, tmp_path, tmp_path, settings), KeyframeDone)) == 1


# --- regenerate --------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("later", ["keep", "repredict"])
def test_the_same_seed_gives_the_same_bytes(director, drawn, out, number, later):
    record = read_storyboard(out).keyframes[number - 1]
    run(director.regenerate(out, number, seed=record.seed, later=later))
    assert files_in(out) == files_in(drawn[0])
    assert read_storyboard(out) == read_storyboard(drawn[0])


def test_keep_leaves_every_other_file_as_it_is(director, drawn, out):
    run(director.regenerate(out, 2, seed=99))
    before, after = files_in(drawn[0]), files_in(out)
    assert {path for path in before if before[path] != after[path]} == {
        "keyframes/0002.png",
        "tokens/0002.safetensors",
    }
    old, new = read_storyboard(drawn[0]).keyframes, read_storyboard(out).keyframes
    assert (new[0], new[2]) == (old[0], old[2])
    assert new[1].seed == 99


def test_the_same_seed_gives_the_same_bytes_whatever_became_of_the_shots_before(director, drawn, out):
    run(director.regenerate(out, 1, seed=99))
    record = read_storyboard(out).keyframes[2]
    run(director.regenerate(out, 3, seed=record.seed))
    assert read_storyboard(out).keyframes[2] == record
    assert files_in(out)["keyframes/0003.png"] == files_in(drawn[0])["keyframes/0003.png"]


def test_a_storyboard_that_goes_on_keeps_what_was_drawn_again(director, out, settings, base):
    run(director.regenerate(out, 2, seed=99))
    before = files_in(out)
    (prepared,) = run(director.storyboard(story_of(), base, out, settings))
    assert prepared.num_kept == 3
    assert files_in(out) == before


def test_a_damaged_shot_is_drawn_anew_and_later_ones_that_were_drawn_again_stay(
    director, drawn, out, settings, base
):
    """As after a kill while shot 1 was drawn again."""
    run(director.regenerate(out, 3, seed=99))
    before = files_in(out)
    (out / "keyframes/0001.png").write_bytes(b"half of a new picture")
    (prepared, *_) = run(director.storyboard(story_of(), base, out, settings))
    assert prepared.num_kept == 1
    assert files_in(out) == before  # shots 1 and 2 have their seeds, and come out as they were
    assert [record.number for record in read_storyboard(out).keyframes] == [1, 2, 3]


def test_a_shot_between_kept_ones_is_planned_after_those_before_it(director, drawn, out, settings, base):
    run(director.regenerate(out, 1, seed=98))
    run(director.regenerate(out, 3, seed=99))
    (out / "tokens/0002.safetensors").unlink()
    before = files_in(out)
    run(director.storyboard(story_of(), base, out, settings))
    after = files_in(out)
    assert {path for path in after if after[path] != before.get(path)} == {
        "keyframes/0002.png", "tokens/0002.safetensors",
    }  # fmt: skip
    predicted = Path(shutil.copytree(drawn[0], out.parent / "predicted"))
    run(director.regenerate(predicted, 1, seed=98, later="repredict"))
    assert after["tokens/0002.safetensors"] == files_in(predicted)["tokens/0002.safetensors"]


def test_a_preview_does_not_replace_what_is_drawn_in_full(director, out, settings, base):
    before = files_in(out)
    preview = dataclasses.replace(settings, steps=1, preview=True)
    (prepared,) = run(director.storyboard(story_of(), base, out, preview))
    assert prepared.num_kept == 3
    assert files_in(out) == before


def test_tokens_that_are_not_those_of_the_picture_are_not_planned_from(director, drawn, out, settings, base):
    """As after a kill between the two files."""
    (out / "tokens/0001.safetensors").write_bytes((out / "tokens/0002.safetensors").read_bytes())
    with pytest.raises(
        StoryError, match="not the visual tokens of the keyframe's picture; draw the keyframe"
    ):
        run(director.regenerate(out, 2))
    run(director.storyboard(story_of(), base, out, settings))
    assert files_in(out) == files_in(drawn[0])


def test_repredict_draws_later_shots_from_the_new_one_with_their_own_seeds(director, drawn, out):
    run(director.regenerate(out, 2, seed=99, later="repredict"))
    before, after = files_in(drawn[0]), files_in(out)
    assert {path for path in before if before[path] != after[path]} == {
        f"{kind}/000{number}.{suffix}"
        for kind, suffix in (("keyframes", "png"), ("tokens", "safetensors"))
        for number in (2, 3)
    }
    assert [record.seed for record in read_storyboard(out).keyframes[1:]] == [99, 11]


def test_repredict_equals_a_storyboard_that_had_the_seed_from_the_start(
    director, out, settings, base, tmp_path
):
    run(director.regenerate(out, 1, seed=99, later="repredict"))
    keyframes = [{**STORY["keyframes"][0], "seed": 99}, *STORY["keyframes"][1:]]
    run(director.storyboard(story_of(keyframes=keyframes), base, tmp_path / "fresh", settings))
    for number in (1, 2, 3):
        file = f"keyframes/000{number}.png"  # their recipes differ: the stories do
        assert Image.open(out / file).tobytes() == Image.open(tmp_path / "fresh" / file).tobytes()


def test_without_a_seed_a_shot_gets_one_it_did_not_have(director, out):
    old = read_storyboard(out).keyframes[0]
    run(director.regenerate(out, 1))
    new = read_storyboard(out).keyframes[0]
    assert new.seed == next_seed(old.seed) != old.seed
    assert new.image_sha256 != old.image_sha256


def test_a_run_stands_for_itself(director, drawn, out, base):
    faces = base / "faces"
    hidden = faces.rename(base / "gone")
    try:
        run(director.regenerate(out, 1, seed=read_storyboard(out).keyframes[0].seed))
    finally:
        hidden.rename(faces)
    assert files_in(out) == files_in(drawn[0])


@pytest.mark.parametrize(
    ("number", "found"), [(0, "has 3 keyframes"), (4, "has 3 keyframes"), (3, "not drawn yet")]
)
def test_a_keyframe_that_is_not_there_cannot_be_drawn_again(director, out, number, found):
    storyboard = read_storyboard(out)
    write_storyboard(storyboard.model_copy(update={"keyframes": storyboard.keyframes[:2]}), out)
    with pytest.raises(StoryError, match=f"keyframe {number}: .*{found}"):
        next(director.regenerate(out, number))


def test_a_run_of_other_weights_is_refused(out, other_weights):
    other = Director(load_models(other_weights))
    with pytest.raises(
        WeightsError, match=r"drawn with weights \w{8}, these are \w{8}; choose the same weights"
    ):
        next(other.regenerate(out, 1))


# --- clips and movie ---------------------------------------------------------------------------------


def test_a_clip_lasts_what_the_story_says_and_is_recorded(director, out):
    events = run(director.animate(out, [1, 3], settings=ONE_STEP))
    assert [event.number for event in run(events, ClipDone)] == [1, 3]
    assert [len(read_clip(out / f"clips/000{number}.mp4")) for number in (1, 3)] == [4, 2]
    clips = [record.clip_file for record in read_storyboard(out).keyframes]
    assert clips == ["clips/0001.mp4", None, "clips/0003.mp4"]
    # 4 frames take two segments of 3, whose steps count through.
    steps = [(event.step, event.num_steps) for event in run(events, ClipProgress) if event.number == 1]
    assert steps == [(1, 2), (2, 2)]


def test_a_clip_is_the_anchored_animation_of_the_picture(director, out):
    run(director.animate(out, [2], settings=ONE_STEP))
    picture = np.asarray(Image.open(out / "keyframes/0002.png").convert("RGB"), dtype=np.float32) / 255
    first_frame = torch.from_numpy(picture).permute(2, 0, 1)
    with torch.no_grad():
        anchor = director.models.vision.embed(first_frame[None])
    seed = read_storyboard(out).keyframes[1].seed
    sampled = director.models.video.animate(first_frame, anchor, num_frames=2, seed=seed, settings=ONE_STEP)
    expected = torch.cat([item for item in sampled if isinstance(item, torch.Tensor)])
    found = read_clip(out / "clips/0002.mp4").astype(np.float32) / 255
    difference = np.abs(found - expected.permute(0, 2, 3, 1).numpy())
    assert found.shape == (2, 32, 48, 3)
    assert difference.mean() < 0.1  # what the video codec costs on such noisy pictures


def test_seconds_override_the_story(director, out):
    run(director.animate(out, [1], seconds=0.25, settings=ONE_STEP))
    assert len(read_clip(out / "clips/0001.mp4")) == 1


def test_a_redrawn_keyframe_has_no_clip_any_more(director, out):
    run(director.animate(out, [1, 2], seconds=0.25, settings=ONE_STEP))
    run(director.regenerate(out, 1))
    assert [record.clip_file for record in read_storyboard(out).keyframes] == [None, "clips/0002.mp4", None]


def test_a_movie_joins_clips_and_stills_at_the_papers_size(director, out):
    run(director.animate(out, [1], settings=ONE_STEP))
    assert run(director.movie(out)) == [MovieDone(path=out / "movie.mp4", num_clips=1, num_stills=2)]
    frames = read_clip(out / "movie.mp4")
    assert len(frames) == 4 + 2 + 2  # 1.0, 0.5 and 0.5 seconds at 4 frames a second
    assert frames.shape[1] >= 512
    assert frames.shape[2] >= 896
    assert frames.shape[1] * 48 == frames.shape[2] * 32


def test_a_clip_that_is_gone_is_named_and_the_earlier_movie_stays(director, out):
    run(director.animate(out, [1], seconds=0.25, settings=ONE_STEP))
    (out / "movie.mp4").write_bytes(b"earlier")
    (out / "clips/0001.mp4").unlink()
    with pytest.raises(InputError, match=r"0001\.mp4"):
        run(director.movie(out))
    assert (out / "movie.mp4").read_bytes() == b"earlier"


def test_clips_are_missing_where_none_was_made_or_the_file_is_gone(director, out):
    run(director.animate(out, [1, 2], seconds=0.25, settings=ONE_STEP))
    (out / "clips/0002.mp4").unlink()
    assert missing_clips(read_storyboard(out), out, steps=1) == [2, 3]


def test_a_clip_of_fewer_steps_is_missing_where_more_are_asked_for(director, out):
    run(director.animate(out, [1, 2, 3], seconds=0.25, settings=ONE_STEP))
    run(director.animate(out, [2], seconds=0.25, settings=dataclasses.replace(ONE_STEP, steps=3)))
    board = read_storyboard(out)
    assert [missing_clips(board, out, steps=steps) for steps in (1, 2, 3, 4)] == [
        [],
        [1, 3],
        [1, 3],
        [1, 2, 3],
    ]
    old = board.keyframes[0].model_copy(update={"clip_steps": None})  # as earlier releases recorded it
    assert missing_clips(board.with_keyframe(old), out, steps=9) == [2, 3]


def test_a_storyboard_without_keyframes_makes_no_movie(director, out):
    write_storyboard(read_storyboard(out).model_copy(update={"keyframes": ()}), out)
    with pytest.raises(StoryError, match="no keyframe of this storyboard is drawn yet"):
        run(director.movie(out))
