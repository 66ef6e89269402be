"""The whole evaluation on tiny random weights: four versions, one report."""

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from moviedreamer_core.drawing import render_settings
from moviedreamer_core.errors import WeightsError
from moviedreamer_core.evaluation.command import run
from moviedreamer_core.evaluation.facts_of_frames import FACTS, HIDDEN, labels_of
from moviedreamer_core.evaluation.protocol import (
    GOALS,
    READER_GOALS,
    VERSIONS,
    Judged,
    goal_of,
    judge,
    portraits_of,
    scores_of,
)
from moviedreamer_core.evaluation.readers import FrameReader, save_reader
from moviedreamer_core.pretrained import write_manifest
from moviedreamer_core.storyworld.drawing import draw_frame
from moviedreamer_core.storyworld.episodes import sample_episode

pytest_plugins = ("weights",)


@pytest.fixture(scope="module")
def judged(tiny_models):
    torch.manual_seed(0)
    settings = render_settings(tiny_models.config, steps=2)
    return judge(tiny_models, FrameReader().eval(), 0, num_keyframes=3, settings=settings)


def perfect(index, *, num_keyframes=12, wrong=()):
    """An episode that is read without a mistake, but for the facts in `wrong`, which are read as class 0."""
    episode = sample_episode("test", index, num_keyframes=num_keyframes)
    read = np.array([labels_of(scene) for scene in episode.scenes])
    read[:, [list(FACTS).index(fact) for fact in wrong]] = 0
    return Judged(index=index, episode=episode, frames={}, read=dict.fromkeys(VERSIONS, read))


def test_every_version_has_a_frame_and_a_reading_per_keyframe(judged):
    assert tuple(judged.frames) == VERSIONS
    for version in VERSIONS:
        assert judged.frames[version].shape == (3, 3, 32, 48)
        assert judged.read[version].shape == (3, len(FACTS))


def test_variants_are_compared_on_validation_episodes(tiny_models):
    settings = render_settings(tiny_models.config, steps=1)
    one = judge(
        tiny_models, FrameReader().eval(), 0,
        num_keyframes=2, settings=settings, versions=["reader"], split="validation",
    )  # fmt: skip
    assert one.episode == sample_episode("validation", 0, num_keyframes=2)


def test_the_true_frames_are_those_of_held_out_episodes(judged):
    assert judged.episode.split == "test"
    for frame, scene in zip(judged.frames["reader"], judged.episode.scenes, strict=True):
        expected = np.asarray(draw_frame(scene, size=(48, 32))) / 255
        np.testing.assert_allclose(frame.permute(1, 2, 0).numpy(), expected, atol=1e-6)


def test_judging_again_gives_the_same_frames(tiny_models, judged):
    settings = render_settings(tiny_models.config, steps=2)
    again = judge(tiny_models, FrameReader().eval(), 0, num_keyframes=3, settings=settings)
    assert all(torch.equal(again.frames[version], judged.frames[version]) for version in VERSIONS)


def test_each_cast_member_gives_one_portrait_of_their_own():
    episode = sample_episode("test", 1, num_keyframes=2)
    faces = portraits_of(episode).faces
    assert set(faces) == {character.name for character in episode.story.characters}
    assert len({picture.image.tobytes() for (picture,) in faces.values()}) == len(faces)


def test_perfect_readings_score_one_everywhere():
    table = scores_of([perfect(index) for index in range(6)])
    assert set(GOALS) | set(READER_GOALS) <= set(table)
    assert {score.value for scores in table.values() for score in scores.values()} == {1.0}


def test_a_fact_that_is_always_read_as_one_class_scores_its_frequency():
    judged = [perfect(index, wrong=["place"]) for index in range(6)]
    places = [scene.place for one in judged for scene in one.episode.scenes]
    score = scores_of(judged)["place"]["generated"]
    assert score.value == pytest.approx(places.count("beach") / len(places))
    assert score.chance == pytest.approx(max(map(places.count, places)) / len(places))


def test_named_and_unnamed_outfits_share_out_all_visible_ones():
    judged = [perfect(index) for index in range(6)]
    column = list(FACTS).index("outfit_colour")
    named = unnamed = 0
    for one in judged:
        per_character = {}
        for scene in one.episode.scenes:
            if labels_of(scene)[column] == HIDDEN:
                continue
            character = scene.figures[0].character
            named += one.episode.said_outfit[character]
            per_character.setdefault(character, []).append(not one.episode.said_outfit[character])
        unnamed += sum(len(frames) for frames in per_character.values() if all(frames) and len(frames) > 1)
    table = scores_of(judged)
    assert table["outfit_colour_named"]["generated"].num_frames == named
    assert table["outfit_colour_unnamed_persists"]["generated"].num_frames == unnamed


def test_only_generated_frames_and_the_reader_have_goals():
    assert (goal_of("place", "generated"), goal_of("place", "reader")) == (0.85, 0.97)
    assert goal_of("place", "vae") is None


def test_the_command_writes_report_table_and_sheet(tiny_weights, tmp_path, monkeypatch):
    weights = shutil.copytree(tiny_weights, tmp_path / "weights")
    save_reader(FrameReader(), weights)
    write_manifest(weights, command="test", commit="none", metrics={})
    out = tmp_path / "new" / "evaluation.json"
    monkeypatch.setattr("moviedreamer_core.evaluation.command.QUICK_STEPS", 1)
    lines = list(run(out, weights, episodes=2, keyframes=3, quick=True))
    assert lines[:2] == ["evaluate: episode 1 of 2", "evaluate: episode 2 of 2"]
    report = json.loads(out.read_text())
    assert {"place", "place/true_tokens", "place/vae", "place/reader"} <= set(report)
    for values in report.values():
        assert set(values) == {"value", "chance", "ci95", "goal", "num_frames"}
        assert all(0 <= values[key] <= 1 for key in ("value", "chance", "ci95"))
    assert out.with_suffix(".md").read_text() == lines[-1]
    assert "| place | 85 |" in lines[-1]
    with Image.open(out.with_suffix(".png")) as sheet:
        assert sheet.size[0] == 3 * (24 + 4)


@pytest.mark.parametrize(("episodes", "keyframes"), [(0, 12), (16, 0)])
def test_nothing_to_judge_is_refused(tiny_weights, tmp_path, episodes, keyframes):
    with pytest.raises(ValueError, match=f"got {episodes} of {keyframes}"):
        list(run(tmp_path / "evaluation.json", tiny_weights, episodes=episodes, keyframes=keyframes))


def test_missing_weights_are_named_before_anything_is_written(tmp_path):
    with pytest.raises(WeightsError, match="no such weights folder"):
        list(run(tmp_path / "evaluation.json", tmp_path / "nowhere"))
    assert not (tmp_path / "evaluation.json").exists()
