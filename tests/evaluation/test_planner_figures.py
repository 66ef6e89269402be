"""Figures of planners against plain loops, and how `evaluate --table` deals with planners that are not there."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
import torch

from moviedreamer_core.autoregressive.gaussian_mixture import sample
from moviedreamer_core.autoregressive.generation import plan
from moviedreamer_core.autoregressive.sequence import collate, identifier_ids, training_inputs
from moviedreamer_core.encoders.encoded import EncodedKeyframe
from moviedreamer_core.evaluation.facts_of_frames import FACTS, HIDDEN, labels_of
from moviedreamer_core.evaluation.tables import command, losses, planner_figures, protections
from moviedreamer_core.evaluation.tables.planner_figures import fit_reader
from moviedreamer_core.evaluation.tables.result import Estimate
from moviedreamer_core.evaluation.tables.told_stories import ToldStory, told_story, without_faces
from moviedreamer_core.evaluation.tables.trained_variants import Budget, MeanHead, TrainedVariant
from moviedreamer_core.script import ElementKind

pytest_plugins = ("weights",)

BUDGET = Budget(steps=1, batch=1, num_stories=4, num_keyframes=8, begun_at=None)


def variant(models, *, sampled: bool = True) -> TrainedVariant:
    return TrainedVariant(
        planner=models.planner, sampled=sampled, budget=BUDGET, witness=torch.zeros(8, 2, 16)
    )


@pytest.fixture(scope="module")
def story(tiny_models) -> ToldStory:
    return told_story(tiny_models, "test", 1, num_keyframes=8)


def collected(measured) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for measure, value in measured:
        found.setdefault(measure, []).append(value)
    return found


def cosine(one, other) -> float:
    one, other = (np.asarray(t, np.float64).ravel() for t in (one, other))
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def test_teacher_forced_figures_are_those_of_a_plain_mixture(tiny_models, story):
    tokenizer = tiny_models.planner_tokenizer
    for few_shot in (False, True):
        inputs = training_inputs(
            story.keyframes, story.tokens, identifier_ids(tokenizer),
            references=story.references if few_shot else None,
        )  # fmt: skip
        with torch.no_grad():
            mixture = tiny_models.planner(collate([inputs]))
        errors, nlls = [], []
        for row, target in enumerate(story.tokens.flatten(0, 1).double()):
            weights, means = mixture.log_weight[row].exp().double(), mixture.mean[row].double()
            expected = sum(w * m for w, m in zip(weights, means))
            errors.append(float(((expected - target) ** 2).mean()))
            normal = torch.distributions.Normal(means, mixture.log_std[row].double().exp())
            joint = weights.log() + normal.log_prob(target).sum(dim=-1)
            nlls.append(-float(joint.logsumexp(0)) / target.numel())
        found = dict(
            planner_figures.teacher_forced(variant(tiny_models), tokenizer, story, few_shot=few_shot)
        )
        assert found["squared error"] == pytest.approx(np.mean(errors), rel=1e-4)
        assert found["nll"] == pytest.approx(np.mean(nlls), rel=1e-4)
    mean_only = dict(planner_figures.teacher_forced(variant(tiny_models, sampled=False), tokenizer, story))
    assert mean_only.keys() == {"squared error"}


def test_samples_differ_and_the_mean_does_not(tiny_models, story):
    tokenizer = tiny_models.planner_tokenizer
    drawn = planner_figures.planned(variant(tiny_models), tokenizer, story, samples=2)
    assert drawn.shape == (2, 6, 2, 16)
    assert not torch.equal(drawn[0], drawn[1])
    again = plan(
        tiny_models.planner, tokenizer, story.keyframes,
        seeds=[seed // 2 + 1 for seed in story.seeds], temperature=1.0,
    )  # fmt: skip
    assert torch.equal(drawn[1], torch.stack(list(again)))
    few = planner_figures.planned(variant(tiny_models), tokenizer, story, few_shot=True, samples=1)
    assert not torch.equal(few[0], drawn[0])


def test_a_planner_of_l1_and_l2_plans_the_mean_of_its_mixture(tiny_models):
    hidden = torch.randn(5, 16, generator=torch.Generator().manual_seed(0))
    head = tiny_models.planner.head
    with torch.no_grad():
        mixture = head(hidden)
        planned = sample(MeanHead(head)(hidden), temperature=0.0, generator=torch.Generator())
    for row in range(5):
        expected = sum(w * m for w, m in zip(mixture.log_weight[row].exp(), mixture.mean[row]))
        torch.testing.assert_close(planned[row], expected)


def test_figures_of_tokens_are_those_of_plain_loops(story):
    generator = torch.Generator().manual_seed(3)
    tokens, scenes = torch.randn(6, 2, 16, generator=generator), story.episode.scenes
    facts = np.array([labels_of(scene) for scene in scenes])
    reader = fit_reader(torch.randn(40, 2, 16, generator=generator), facts[np.arange(40) % 6])
    found = collected(planner_figures.of_tokens(tokens, story, reader))
    same, other = [], []
    for i, j in combinations(range(6), 2):
        one, two = scenes[i], scenes[j]
        if (one.place, one.layout_seed) != (two.place, two.layout_seed):
            other.append(cosine(tokens[i], tokens[j]))
        elif (one.time, one.shot) == (two.time, two.shot):
            same.append(cosine(tokens[i], tokens[j]))
    for measure, expected in (("same place", same), ("other places", other)):
        assert found.get(measure, []) == pytest.approx([np.mean(expected)] if expected else [])
    expected = [
        cosine(tokens[k], tokens[k + 1])
        for who in range(len(story.episode.cast))
        for k in range(5)
        if all(who in {f.character for f in scene.figures} for scene in scenes[k : k + 2])
    ]
    assert found.get("ST", []) == pytest.approx(expected, abs=1e-5)
    read = reader.read(tokens)
    alone = [k for k in range(6) if len(scenes[k].figures) == 1]
    assert found["place"] == [
        float(read["place"][k] == facts[k, list(FACTS).index("place")]) for k in range(6)
    ]
    assert len(found.get("hair colour", [])) <= len(alone)
    unsaid = [
        k for k in alone
        if facts[k, list(FACTS).index("outfit_colour")] != HIDDEN
        and not story.episode.said_outfit[scenes[k].figures[0].character]
    ]  # fmt: skip
    assert len(found.get("unsaid outfit colour", [])) == len(unsaid)


def test_nearness_and_diversity_are_those_of_plain_loops(story):
    plans = torch.randn(3, 6, 2, 16, generator=torch.Generator().manual_seed(4))
    found = collected(planner_figures.against_truth(plans, story))
    expected = [cosine(one[k], story.tokens[k]) for one in plans for k in range(6)]
    assert found["cosine to truth"] == pytest.approx(expected, abs=1e-5)
    spread = [
        math.sqrt(np.mean([(float(a) - float(b)) ** 2 for a, b in zip(one.flatten(), two.flatten())]))
        for one, two in combinations(plans, 2)
    ]
    assert found["diversity"] == pytest.approx(spread)
    for one, value in zip(plans, found["Frechet"], strict=True):
        total = 0.0
        for channel in range(32):
            a, b = (t.flatten(1)[:, channel].double().numpy() for t in (one, story.tokens))
            total += (a.mean() - b.mean()) ** 2 + (a.std() - b.std()) ** 2
        assert value == pytest.approx(math.sqrt(total / 32))
    assert planner_figures.frechet(plans[0].flatten(1), plans[0].flatten(1)) == 0


def test_the_reader_reads_what_is_linear_and_its_weights_solve_the_ridge_problem():
    rng = np.random.default_rng(0)
    facts = np.stack([rng.integers(0, len(values), 300) for values in FACTS.values()], axis=1)
    column = {fact: list(FACTS).index(fact) for fact in planner_figures.READ}
    facts[::3, column["hair_colour"]] = HIDDEN
    codes = np.concatenate(
        [np.eye(len(FACTS[f]))[np.maximum(facts[:, c], 0)] for f, c in column.items()], axis=1
    )
    tokens = torch.from_numpy(codes @ rng.normal(size=(codes.shape[1], 64))).unflatten(1, (2, 32))
    reader = fit_reader(tokens, facts)
    read = reader.read(tokens)
    for fact, c in column.items():
        shown = facts[:, c] != HIDDEN
        assert (read[fact] == facts[:, c])[shown].mean() > 0.95, fact
    shown = facts[:, column["time"]]
    x = torch.cat([tokens.flatten(1), torch.ones(300, 1)], dim=1).double()
    weight = reader.weights["time"]
    y = torch.from_numpy(np.eye(len(FACTS["time"]))[shown])
    gradient = x.T @ (x @ weight - y)
    gradient[:-1] += planner_figures.RIDGE * 300 * weight[:-1]
    assert gradient.abs().max() < 1e-6


def test_without_faces_a_keyframe_keeps_its_sentences_only(story):
    for keyframe in story.keyframes:
        faceless = without_faces(keyframe)
        assert isinstance(faceless, EncodedKeyframe)
        assert not [e for e in faceless.elements if e.kind is ElementKind.FACE]
        assert torch.equal(faceless.sentences, keyframe.sentences)
        assert not faceless.face_given.any()
        assert not faceless.faces.any()


# --- verdicts ----------------------------------------------------------------------------------------


def one(value: float, ci95: float = 0.1) -> Estimate:
    return Estimate(value=value, ci95=ci95, num_stories=4)


@pytest.mark.parametrize(
    ("without", "expected"),
    [((0.5, 0.9, 0.2), True), ((0.3, 0.62, 0.4), False), ((0.5, 0.9, 0.4), None)],
)
def test_the_mixture_is_better_only_if_all_three_figures_say_so(without, expected):
    def row(frechet, st, hair):
        return {"Frechet": one(frechet), "ST": one(st), "hair colour": one(hair)}

    rows = {
        "mixture + l1 + l2, zero-shot": row(0.4, 0.7, 0.3),
        "l1 + l2, zero-shot": row(*without),
        "true tokens": {"ST": one(0.6)},
    }
    assert losses.agreement(rows) is expected


def test_a_gap_is_test_minus_training_and_its_interval_holds_both():
    found = protections.with_gaps({"nll": one(0.5, 0.3)}, {"nll": one(0.7, 0.4), "diversity": one(1.0)})
    assert found.keys() == {"nll, training", "nll, test", "nll, gap", "diversity"}
    gap = found["nll, gap"]
    assert (gap.value, gap.ci95) == (pytest.approx(0.2), pytest.approx(0.5))
    rows = {
        "all protections": {"squared error, gap": one(0.1), "diversity": one(0.9)},
        "none of them": {"squared error, gap": one(0.3), "diversity": one(0.5)},
    }
    assert protections.agreement(rows) is True
    rows["none of them"]["diversity"] = one(0.95)
    assert protections.agreement(rows) is None


# --- planners that are not there ---------------------------------------------------------------------


def test_of_all_tables_those_without_planners_are_left_out_and_it_is_said(
    tiny_weights, tmp_path, monkeypatch
):
    only = {name: make for name, make in command.TABLES.items() if name in command.OF_VARIANTS}
    monkeypatch.setattr(command, "TABLES", only)
    lines = list(command.run("all", tiny_weights, tmp_path / "results", tmp_path / "runs"))
    assert [line.split(":")[0] for line in lines] == ["losses", "faces", "protections"]
    for name, line in zip(only, lines, strict=True):
        assert (
            f"train with: python -m moviedreamer_core train-variant {name} --runs {tmp_path / 'runs'}" in line
        )
    assert not (tmp_path / "results").exists()
