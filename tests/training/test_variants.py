"""Each variant of the planner differs from the first of its table in what it says, and in nothing else."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest
import torch

from moviedreamer_core.autoregressive.model import planner_loss
from moviedreamer_core.autoregressive.sequence import PositionKind
from moviedreamer_core.data.world_frames import training_episode
from moviedreamer_core.errors import WeightsError
from moviedreamer_core.evaluation.tables import faces, losses, planner_figures, protections
from moviedreamer_core.evaluation.tables.command import OF_VARIANTS
from moviedreamer_core.evaluation.tables.length import true_tokens
from moviedreamer_core.evaluation.tables.result import read_result
from moviedreamer_core.evaluation.tables.told_stories import told_story
from moviedreamer_core.evaluation.tables.trained_variants import (
    MissingVariants,
    read_variant,
    read_variants,
)
from moviedreamer_core.pretrained import load_models, save_models, untrained_models
from moviedreamer_core.storyworld.episodes import sample_episode
from moviedreamer_core.training import modules, planner, variants
from moviedreamer_core.training.few_stories import few_stories
from moviedreamer_core.training.planner import PlainPlanner, batches
from moviedreamer_core.training.stages import STAGES
from moviedreamer_core.training.variants import OF_TABLE, VARIANTS, names_of, train_variant
from moviedreamer_core.training.workshop import Effort, Scale, Workshop
from weights import tiny_config

SCALE = Scale(num_episodes=3, num_keyframes=4, num_clips=1)
TWO_STEPS = Effort(steps=2, batch=2, learning_rate=1e-3)


def config():
    tiny = tiny_config()
    return dataclasses.replace(tiny, text=dataclasses.replace(tiny.text, vocab_size=2048, context_length=64))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Weights, untrained, and the runs folder with all that the planner's stage reads."""
    folder = tmp_path_factory.mktemp("variants")
    words = Workshop(folder, SCALE, config()).words
    torch.manual_seed(0)
    models = untrained_models(config(), text_tokenizer=words)
    torch.nn.init.normal_(models.planner.head.linear.weight, std=0.3)  # else every mixture is alike
    save_models(models, folder / "weights", command="none", commit="0" * 40, metrics={})
    shop = Workshop(folder / "runs", SCALE, config(), start=folder / "weights")
    for name in ("data", "truth", "encode", "compress"):
        list(STAGES[name](shop, None))
    drawn = shop.folder / "data"
    assert drawn.is_dir()
    return folder


@pytest.fixture(scope="module")
def shop(prepared):
    return Workshop(prepared / "runs", SCALE, config(), start=prepared / "weights")


@pytest.fixture(scope="module")
def few(shop):
    lines = few_stories(shop, SCALE.num_episodes)
    while True:
        try:
            next(lines)
        except StopIteration as end:
            return end.value


@pytest.fixture(scope="module")
def trained(shop, few):
    """All variants, two steps each."""
    return {name: list(train_variant(shop, name, TWO_STEPS)) for name in VARIANTS}


@pytest.fixture(scope="module")
def models(prepared):
    return load_models(prepared / "weights")


def drawn(data, shop, name, step=0, size=2):
    return batches(data, shop.identifiers, size, variety=VARIANTS[name].variety)(step)


# --- what differs ------------------------------------------------------------------------------------


def test_every_table_names_variants_that_can_be_trained():
    for table, module in OF_VARIANTS.items():
        assert OF_TABLE[table] == tuple(module.VARIANTS)
        assert set(module.VARIANTS) <= set(VARIANTS)
    assert names_of("mixture") == ("mixture",)
    with pytest.raises(ValueError, match='"mist" is no variant; choose losses, faces'):
        names_of("mist")


def test_without_faces_no_batch_has_one_and_all_else_is_the_same(shop):
    seen = 0
    for step in range(4):
        whole, faceless = (
            drawn(shop.encoded, shop, name, step).inputs.inputs for name in ("full", "faceless")
        )
        seen += len(whole.rows.get(PositionKind.FACE, ()))
        assert PositionKind.FACE not in faceless.rows
        for kind in (PositionKind.SENTENCE, PositionKind.VISUAL):
            assert torch.equal(whole.rows[kind], faceless.rows[kind])
    assert seen


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("full", lambda loss: loss.nll + loss.l1 + loss.l2),
        ("regression", lambda loss: loss.l1 + loss.l2),
        ("mixture", lambda loss: loss.nll),
    ],
)
def test_the_loss_is_the_sum_of_the_terms_of_the_variant(shop, name, expected):
    module = PlainPlanner(shop.planner, terms=VARIANTS[name].terms).eval()
    batch = drawn(shop.encoded, shop, name)
    with torch.no_grad():
        found = module(batch)
        loss = planner_loss(shop.planner(batch.inputs), batch.inputs.targets)
    torch.testing.assert_close(found["loss"], expected(loss))
    assert "naming" not in found


def test_few_stories_come_as_they_are_and_mirrored_with_the_same_portraits(few):
    for story in range(SCALE.num_episodes):
        plain, mirrored = (
            training_episode("train", 2 * story + m, SCALE.num_keyframes, twice=True) for m in (0, 1)
        )
        assert plain == sample_episode("train", story, num_keyframes=SCALE.num_keyframes)
        assert [scene.mirrored for scene in mirrored.scenes] == [True] * SCALE.num_keyframes
        assert plain.cast == mirrored.cast
        assert np.array_equal(few.world.portraits[2 * story], few.world.portraits[2 * story + 1])


def test_without_mirroring_no_mirrored_episode_is_read(shop, few):
    tokens = few.load("tokens")
    episode_of = {row.tobytes(): frame // SCALE.num_keyframes for frame, row in enumerate(tokens)}
    seen = {"protected": set(), "unmirrored": set(), "unprotected": set()}
    for name, episodes in seen.items():
        for step in range(8):
            targets = drawn(few, shop, name, step).inputs.targets.numpy().astype(np.float16)
            episodes |= {episode_of[row.tobytes()] for row in targets.reshape(-1, *tokens.shape[1:])}
    assert any(episode % 2 for episode in seen["protected"])
    assert seen["unmirrored"] == seen["unprotected"] == {0, 2, 4}


@pytest.mark.parametrize("name", ["unreversed", "unprotected"])
def test_without_reversal_time_goes_forward(shop, few, name):
    number_of = {row.tobytes(): frame for frame, row in enumerate(few.load("tokens"))}

    def backward(name):
        shape = few.load("tokens").shape[1:]
        count = 0
        for step in range(10):
            targets = drawn(few, shop, name, step).inputs.targets.numpy().astype(np.float16)
            frames = np.array([number_of[row.tobytes()] for row in targets.reshape(-1, *shape)])
            count += int((np.diff(frames.reshape(-1, SCALE.num_keyframes)) == -1).all(axis=1).sum())
        return count

    assert backward("protected") > 0
    assert backward(name) == 0


@pytest.mark.parametrize("name", ["one-portrait", "unprotected"])
def test_with_one_portrait_every_face_is_the_first_of_its_character(shop, few, name):
    embedded = torch.from_numpy(few.load("faces").astype(np.float32))  # (E, C, P, F)

    def views(name):
        found = set()
        for step in range(6):
            rows = drawn(few, shop, name, step).inputs.inputs.rows.get(PositionKind.FACE, torch.zeros(0, 8))
            for row in rows:
                same = (embedded == row).all(dim=-1).nonzero()
                found.add(int(same[:, 2].min()))
        return found

    assert len(views("protected")) > 1
    assert views(name) == {0}


@pytest.mark.parametrize("name", ["unreferenced", "unprotected"])
def test_without_references_a_batch_holds_the_keyframes_tokens_only(shop, few, name):
    def more(name):
        batches_ = [drawn(few, shop, name, step).inputs for step in range(8)]
        return sum(len(b.inputs.rows[PositionKind.VISUAL]) - len(b.targets) for b in batches_)

    assert more("protected") > 0
    assert more(name) == 0


def test_nothing_is_dropped_or_hidden_where_it_should_not_be(shop, few):
    for name, variant in VARIANTS.items():
        model = variants._first_planner(shop, variant, trained_on=False).train()
        batch = drawn(few if variant.few else shop.encoded, shop, name).inputs
        with torch.no_grad():
            one, other = model(batch).mean, model(batch).mean
        assert torch.equal(one, other) == (name in ("unhidden", "unprotected")), name


def test_all_begin_at_the_same_weights(shop, models):
    first = variants._first_planner(shop, VARIANTS["full"], trained_on=False).state_dict()
    for variant in VARIANTS.values():
        other = variants._first_planner(shop, variant, trained_on=False).state_dict()
        assert all(torch.equal(value, other[key]) for key, value in first.items())
    on = variants._first_planner(shop, VARIANTS["unhidden"], trained_on=True)
    assert all(torch.equal(value, on.state_dict()[key]) for key, value in models.planner.state_dict().items())
    assert any(not torch.equal(value, first[key]) for key, value in on.state_dict().items())
    alone = dataclasses.replace(shop, start=None)
    with pytest.raises(WeightsError, match="no --start: no planner of these sizes"):
        variants._first_planner(alone, VARIANTS["full"], trained_on=True)


# --- what is written ---------------------------------------------------------------------------------


def test_the_file_holds_the_finished_planner_and_training_again_changes_nothing(trained, shop):
    for name, lines in trained.items():
        folder = shop.folder / "variants" / name
        assert any(line.startswith(f"{name}: step 2 of 2") for line in lines)
        final = torch.load(folder / "final.pt", weights_only=True)["weights"]
        found = read_variant(folder)
        state = found.planner.state_dict()
        if found.sampled:
            assert all(
                torch.equal(value, state[key.removeprefix("planner.")]) for key, value in final.items()
            )
        assert found.sampled == (name != "regression")
    before = (shop.folder / "variants/full/planner.safetensors").read_bytes()
    assert list(train_variant(shop, "full", TWO_STEPS))[-1].startswith("full: written to")
    assert (shop.folder / "variants/full/planner.safetensors").read_bytes() == before


def test_a_training_story_is_told_as_in_training(shop, models, few):
    """Whatever training reads of an unmirrored story from disk, evaluation makes anew."""
    episodes = planner.Episodes(
        few, planner.identifier_ids(shop.identifiers), VARIANTS["unprotected"].variety
    )
    told = np.ones((few.world.portraits.shape[1], 2), bool)
    for number in (0, 2):
        story = told_story(models, "train", number, num_keyframes=SCALE.num_keyframes)
        read = episodes.plain(2 * number, told, np.random.default_rng(0))
        kept = len(story.keyframes)
        assert (kept, len(story.references)) == (3, 1)
        targets = read.targets.unflatten(0, (SCALE.num_keyframes, -1))
        torch.testing.assert_close(torch.cat([story.tokens, story.references]), targets, atol=0.1, rtol=0)
        for kind, rows in (
            (PositionKind.FACE, [k.faces[k.face_given] for k in story.keyframes]),
            (PositionKind.SENTENCE, [k.sentences for k in story.keyframes]),
        ):
            ours = torch.cat(rows)
            torch.testing.assert_close(ours, read.inputs.rows[kind][: len(ours)], atol=0.02, rtol=0.02)


def test_the_tables_of_variants_are_written(trained, shop, models, tmp_path, monkeypatch):
    monkeypatch.setattr(planner_figures, "SAMPLES", 2)
    for name, module in OF_VARIANTS.items():
        found = read_variants(shop.folder, tuple(module.VARIANTS), table=name)
        *_, last = module.run(models, found, tmp_path, stories=1, reader_stories=2)
        assert last == f"{name}: written to {tmp_path}"
    rows = read_result(tmp_path / "losses.json").rows
    assert set(rows) == {f"{title}, {way}" for title in losses.VARIANTS.values() for way in losses.WAYS} | {
        losses.TRUTH
    }
    for row, figures in rows.items():
        assert ("nll" in figures) == ("mixture" in row), row
        if row != losses.TRUTH:
            assert (figures["diversity"].value == 0) == row.startswith("l1 + l2"), row
    rows = read_result(tmp_path / "protections.json").rows
    assert list(rows) == list(protections.VARIANTS.values())
    for row in rows.values():
        gap = row["squared error, test"].value - row["squared error, training"].value
        assert row["squared error, gap"].value == pytest.approx(gap)
    assert list(read_result(tmp_path / "faces.json").rows) == [*faces.VARIANTS.values(), faces.TRUTH]


def test_missing_or_unlike_variants_are_told_with_the_command(trained, shop, models, tmp_path):
    with pytest.raises(
        MissingVariants, match=r"no planner of full, faceless; train with: python -m .* train-variant faces"
    ):
        read_variants(tmp_path, tuple(faces.VARIANTS), table="faces")
    shutil.copytree(shop.folder / "variants/full", tmp_path / "variants/full")
    longer = dataclasses.replace(shop, folder=tmp_path)
    (tmp_path / "data").symlink_to(shop.folder / "data")
    list(train_variant(longer, "faceless", dataclasses.replace(TWO_STEPS, steps=3)))
    with pytest.raises(WeightsError, match=r"full was trained 2 steps .* faceless 3 steps"):
        read_variants(tmp_path, tuple(faces.VARIANTS), table="faces")
    (tmp_path / "variants/full/planner.safetensors").write_bytes(b"torn")
    with pytest.raises(WeightsError, match=r"planner\.safetensors: not a whole safetensors file"):
        read_variants(tmp_path, tuple(faces.VARIANTS), table="faces")


def test_a_run_goes_on_only_as_it_was_begun(trained, shop, few, tmp_path):
    shutil.copytree(shop.folder / "variants/full", tmp_path / "variants/full")
    (tmp_path / "data").symlink_to(shop.folder / "data")
    moved = dataclasses.replace(shop, folder=tmp_path)
    longer = list(train_variant(moved, "full", dataclasses.replace(TWO_STEPS, steps=3)))
    assert longer[-2].startswith("full: step 3 of 3")
    assert read_variant(tmp_path / "variants/full").budget.steps == 3
    for other, on in ((dataclasses.replace(TWO_STEPS, batch=1), False), (TWO_STEPS, True)):
        with pytest.raises(WeightsError, match="begun with other data, tokens or weights; delete it"):
            list(train_variant(moved, "full", other, trained_on=on))
    tokens = tmp_path / "variants/full/witness.npy"
    np.save(tokens, -np.load(tokens))
    with pytest.raises(WeightsError, match="begun with other data, tokens or weights; delete it"):
        list(train_variant(moved, "full", TWO_STEPS))


def test_weights_with_another_compressor_are_refused(trained, shop, models, tmp_path):
    found = read_variants(shop.folder, tuple(faces.VARIANTS), table="faces")
    torch.manual_seed(5)
    other = untrained_models(config(), text_tokenizer=models.text.tokenizer)
    changed = dataclasses.replace(models, components={**models.components, "compressor": other.compressor})
    with pytest.raises(WeightsError, match="other weights; give as --weights those"):
        list(faces.run(changed, found, tmp_path, stories=1, reader_stories=1))
    assert not list(tmp_path.iterdir())


def test_the_witness_is_the_first_training_story(trained, shop, models):
    expected = true_tokens(models, sample_episode("train", 0, num_keyframes=SCALE.num_keyframes))
    for name in ("full", "protected"):
        found = read_variant(shop.folder / "variants" / name)
        assert torch.cosine_similarity(found.witness.flatten(1), expected).min() > 0.99
    modules.load_compressor(shop)  # what the tokens were made by is what the weights hold
    for key, value in shop.compressor.state_dict().items():
        torch.testing.assert_close(value, models.compressor.state_dict()[key])
