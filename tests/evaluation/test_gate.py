"""The regression gate: what it records, what it lets pass, what it stops."""

import json
import shutil

import numpy as np
import pytest
import torch

from moviedreamer_core.__main__ import main
from moviedreamer_core.errors import WeightsError
from moviedreamer_core.evaluation import gate
from moviedreamer_core.evaluation.facts_of_frames import FACTS, labels_of
from moviedreamer_core.evaluation.frame_metrics import Threshold
from moviedreamer_core.evaluation.gate import (
    Figure,
    Protocol,
    Record,
    Verdict,
    check,
    figures_of,
    read_record,
    regressions,
    write_record,
)
from moviedreamer_core.evaluation.protocol import Judged
from moviedreamer_core.evaluation.readers import FrameReader, save_reader
from moviedreamer_core.pretrained import load_models, write_manifest
from moviedreamer_core.storyworld.episodes import sample_episode
from moviedreamer_core.weights_files import read_manifest

pytest_plugins = ("weights",)

PROTOCOL = Protocol(episodes=2, keyframes=3, steps=9, guidance_scale=2.5, temperature=1.0)
RECORD = Record(
    protocol=PROTOCOL,
    figures={"place": Figure(value=0.9, ci95=0.05), "clip_score": Figure(value=21.5, ci95=0.75)},
    presence=Threshold(value=0.6, balanced_accuracy=0.8, num_pairs=40),
)


@pytest.fixture
def weights(tiny_weights, tmp_path):
    """Tiny weights with a reader."""
    folder = shutil.copytree(tiny_weights, tmp_path / "weights")
    save_reader(FrameReader(), folder)
    write_manifest(folder, command="test", commit="none", metrics={"loss": 1})
    return folder


@pytest.fixture
def few_steps(monkeypatch):
    """Two denoising steps, and one validation episode of one keyframe for the threshold."""
    monkeypatch.setattr("moviedreamer_core.drawing.STEPS", 2)
    threshold = Threshold(value=0.5, balanced_accuracy=0.75, num_pairs=12)
    monkeypatch.setattr(gate, "validation_threshold", lambda search: iter(["threshold: chosen", threshold]))


# --- the manifest ------------------------------------------------------------------------------------


def test_a_record_comes_back_and_changes_nothing_else(weights):
    before, models = json.loads((weights / "manifest.json").read_text()), load_models(weights)
    assert read_record(weights) is None
    write_record(weights, RECORD)
    after = json.loads((weights / "manifest.json").read_text())
    assert read_record(weights) == RECORD
    assert after.pop("evaluation")["figures"]["place"] == {"value": 0.9, "ci95": 0.05}
    assert after == before
    assert read_manifest(weights).weights_hash == models.weights_hash == load_models(weights).weights_hash


def test_weights_that_are_exported_anew_have_no_record(weights):
    write_record(weights, RECORD)
    write_manifest(weights, command="test", commit="none", metrics={})
    assert read_record(weights) is None


@pytest.mark.parametrize(
    "damaged",
    [
        [],
        {"figures": {}},
        {"protocol": {"episodes": 2}, "figures": {}},
        {"protocol": {}, "figures": {"place": {"value": 1}}},
        {"protocol": {}, "figures": {"place": {"value": "high", "ci95": 0}}},
    ],
)
def test_a_damaged_record_is_refused_in_one_sentence(weights, damaged):
    values = json.loads((weights / "manifest.json").read_text())
    (weights / "manifest.json").write_text(json.dumps({**values, "evaluation": damaged}))
    with pytest.raises(WeightsError, match=r"^manifest\.json: the figures under evaluation are incomplete"):
        read_record(weights)


# --- judging -----------------------------------------------------------------------------------------


def figures(**values):
    return {name: Figure(value=value, ci95=ci95) for name, (value, ci95) in values.items()}


@pytest.mark.parametrize(
    ("before", "now", "fails"),
    [
        ((0.9, 0.05), (0.9, 0.05), False),
        ((0.9, 0.05), (0.86, 0.01), False),  # within the recorded interval
        ((0.9, 0.05), (0.84, 0.01), True),
        ((1.0, 0.0), (0.99, 0.02), False),  # a perfect figure has no interval of its own
        ((1.0, 0.0), (0.9, 0.02), True),
        ((0.5, 0.1), (0.9, 0.1), False),  # better is welcome
        ((21.5, 0.75), (20.0, 0.5), True),
    ],
)
def test_a_figure_fails_below_its_interval_only(before, now, fails):
    found = regressions(figures(hair_colour=before), figures(hair_colour=now))
    assert bool(found) is fails
    if fails:
        (sentence,) = found
        assert sentence.startswith(f"hair colour: {now[0]:g} is ")
        assert f"below the recorded {before[0]:g}" in sentence


def test_every_figure_that_fell_or_is_gone_has_a_sentence():
    recorded = figures(place=(0.9, 0.01), time=(0.9, 0.01), hat=(0.9, 0.01))
    found = regressions(recorded, figures(place=(0.5, 0.01), time=(0.9, 0.01), glasses=(0.1, 0.0)))
    assert [sentence.split(":")[0] for sentence in found] == ["place", "hat"]


def test_figures_are_facts_clip_score_and_consistency_of_generated_frames(tiny_models):
    frames = np.random.default_rng(0).random((2, 6, 3, 32, 48), dtype=np.float32)
    judged = []
    for index in range(2):
        episode = sample_episode("test", index, num_keyframes=6)
        read = np.array([labels_of(scene) for scene in episode.scenes])
        read[:, list(FACTS).index("place")] = 0
        images = torch.from_numpy(frames[index])
        judged.append(
            Judged(index=index, episode=episode, frames={"generated": images}, read={"generated": read})
        )
    found = figures_of(tiny_models, judged)
    places = [scene.place == "beach" for one in judged for scene in one.episode.scenes]
    assert found["place"].value == pytest.approx(np.mean(places), abs=1e-4)
    assert found["time"] == Figure(value=1.0, ci95=0.0)
    pairs = []
    for one in judged:
        embedded = tiny_models.vision.embed(one.frames["generated"]).detach().double().numpy()
        for t in range(5):
            here, there = ({f.character for f in one.episode.scenes[k].figures} for k in (t, t + 1))
            pairs += [embedded[t] @ embedded[t + 1]] * len(here & there)
    assert pairs
    assert found["short_term_consistency"].value == pytest.approx(np.mean(pairs), abs=1e-3)
    assert -100 <= found["clip_score"].value <= 100


# --- the commands ------------------------------------------------------------------------------------


def run(capsys, *arguments):
    status = main(["evaluate", *map(str, arguments)])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_without_a_record_the_gate_says_so_and_passes(weights, capsys):
    status, said, errors = run(capsys, "--gate", "--weights", weights)
    assert (status, errors) == (0, "")
    assert f"no figures are recorded for the weights in {weights}" in said
    assert "evaluate --record" in said


def test_recorded_weights_pass_and_worse_ones_fail_with_a_sentence_each(weights, few_steps, capsys):
    options = ["--weights", weights]
    status, said, _ = run(capsys, "--record", "--episodes", 2, "--keyframes", 3, *options)
    assert status == 0
    recorded = read_record(weights)
    assert (recorded.protocol.episodes, recorded.protocol.keyframes) == (2, 3)
    assert recorded.presence.balanced_accuracy == 0.75
    assert {"place", "people", "clip_score"} <= set(recorded.figures)
    assert f"recorded {len(recorded.figures)} figures" in said

    status, said, errors = run(capsys, "--gate", *options)
    assert (status, errors) == (0, "")
    assert "episode 2 of 2" in said

    better = {**recorded.figures, "place": Figure(value=3.0, ci95=0.1), "wit": Figure(value=1.0, ci95=0.1)}
    write_record(weights, Record(protocol=recorded.protocol, figures=better))
    status, said, errors = run(capsys, "--gate", *options)
    assert status == 1
    assert [line.split(":")[1].strip() for line in errors.splitlines()] == ["place", "wit"]


def test_figures_of_other_settings_are_not_compared(weights, few_steps):
    write_record(weights, RECORD)
    with pytest.raises(WeightsError, match=r"recorded with episodes 2, keyframes 3, steps 9.*now drawn with"):
        list(check(weights))


def test_the_verdict_comes_last_and_only_once(weights):
    verdicts = [said for said in check(weights) if isinstance(said, Verdict)]
    assert verdicts == [Verdict(regressions=())]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--gate", "--record"), "exclude each other"),
        (("--gate", "--frames", "x", "--story", "y"), "exclude each other"),
        (("--frames", "x"), "belong together"),
        (("--story", "y"), "belong together"),
        (("--reference-frames", "x"), "belong together"),
    ],
)
def test_options_that_contradict_each_other_are_refused(capsys, arguments, message):
    status, _, errors = run(capsys, *arguments)
    assert status == 2
    assert message in errors
    assert len(errors.splitlines()) == 1
