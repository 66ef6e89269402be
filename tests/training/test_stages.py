"""Every stage of a miniature runs, on a handful of frames, and what they export is a weights folder that loads."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from moviedreamer_core.autoregressive.model import planner_loss
from moviedreamer_core.autoregressive.sequence import (
    PositionKind,
    TrainingInputs,
    collate,
    identifier_ids,
)
from moviedreamer_core.data.frame_emphasis import emphasis_of
from moviedreamer_core.data.frame_labels import LABELS, boxes_of, labels_of
from moviedreamer_core.data.world_frames import WorldFrames
from moviedreamer_core.errors import WeightsError
from moviedreamer_core.pretrained import load_models
from moviedreamer_core.storyworld.drawing import draw_frame
from moviedreamer_core.training import autoencoder, modules, planner, stages, told
from moviedreamer_core.training.autoencoder import AutoencoderStages, batches
from moviedreamer_core.training.labels import label_loss
from moviedreamer_core.training.modules import load_compressor
from moviedreamer_core.training.stages import EFFORTS, STAGES, export
from moviedreamer_core.training.told import told_of_episodes, told_script
from moviedreamer_core.training.vae import random_indices
from moviedreamer_core.training.workshop import Effort, Scale, Workshop
from moviedreamer_core.weights_files import read_manifest
from weights import tiny_config

SCALE = Scale(num_episodes=3, num_keyframes=4, num_clips=2)


def workshop(folder) -> Workshop:
    """As a new process would find it: nothing in memory."""
    tiny = tiny_config()
    config = dataclasses.replace(
        tiny, text=dataclasses.replace(tiny.text, vocab_size=2048, context_length=64)
    )
    return Workshop(folder, SCALE, config)


def two_steps(name: str) -> Effort | None:
    effort = EFFORTS.get(name)
    return dataclasses.replace(effort, steps=2, batch=2) if effort else None


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """All stages, two steps each, every stage in a workshop of its own."""
    folder = tmp_path_factory.mktemp("runs")
    said = {}
    for name, stage in STAGES.items():
        if name != "export":
            said[name] = list(stage(workshop(folder), two_steps(name)))
    return folder, said


def test_every_stage_says_what_it_did(trained):
    _, said = trained
    assert all(said.values())
    for name in EFFORTS:
        assert said[name][-1].startswith(f"{name}: step 2 of 2")


def test_all_stages_in_one_workshop_end_at_the_same_weights(trained, tmp_path):
    folder, _ = trained
    shop = workshop(tmp_path)
    for name, stage in STAGES.items():
        if name != "export":
            list(stage(shop, two_steps(name)))
    for name in EFFORTS:
        one, other = (
            torch.load(runs / name / "final.pt", weights_only=True)["weights"] for runs in (folder, tmp_path)
        )
        assert one.keys() == other.keys()
        for key, tensor in one.items():
            assert torch.equal(tensor, other[key]), (name, key)


def test_the_exported_weights_load_and_hold_what_was_trained(trained, tmp_path):
    folder, _ = trained
    shop = workshop(folder)
    (line,) = export(shop, folder=tmp_path / "weights")
    assert "MB" in line
    models = load_models(tmp_path / "weights")
    loaded, own = models.renderer.unet.state_dict(), shop.renderer.unet.state_dict()
    for name, tensor in own.items():
        torch.testing.assert_close(loaded[name], tensor, atol=1e-3, rtol=1e-3)  # float16 on disk
    assert models.autoencoder.scaling_factor == pytest.approx(shop.vae.scaling_factor)


def test_latents_on_disk_are_those_of_the_frames(trained):
    folder, _ = trained
    shop = workshop(folder)
    shop.with_vae()
    scene = shop.world.episode(1).scenes[2]
    size = (shop.config.renderer.image_width, shop.config.renderer.image_height)
    image = torch.from_numpy(np.asarray(draw_frame(scene, size=size)).copy()).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        expected = shop.vae.encode(image)[0]
    stored = torch.from_numpy(shop.encoded.load("latents")[1 * SCALE.num_keyframes + 2].astype(np.float32))
    torch.testing.assert_close(stored, expected, atol=0.05, rtol=0.05)  # bfloat16 arithmetic, float16 on disk


def test_the_latents_have_about_unit_variance(trained):
    folder, _ = trained
    assert np.std(workshop(folder).encoded.load("latents").astype(np.float32)) == pytest.approx(1.0, abs=0.1)


def test_the_truth_on_disk_is_that_of_the_frames(trained):
    folder, _ = trained
    encoded = workshop(folder).encoded
    scene = workshop(folder).world.episode(2).scenes[1]
    row = 2 * SCALE.num_keyframes + 1
    assert tuple(encoded.load("labels")[row]) == labels_of(scene)
    np.testing.assert_allclose(encoded.load("boxes")[row], boxes_of(scene), rtol=1e-2, atol=1e-3)  # float16
    height, width = encoded.load("latents").shape[-2:]
    expected = emphasis_of(scene, height=height, width=width)
    np.testing.assert_allclose(encoded.load("emphasis")[row], expected, rtol=1e-3)


@pytest.mark.parametrize("planned", [0.0, 1.0])
def test_stage_three_takes_tokens_of_the_compressor_or_of_the_planner(trained, monkeypatch, planned):
    folder, _ = trained
    shop = workshop(folder)
    monkeypatch.setattr(autoencoder, "PLANNED_PROBABILITY", planned)
    batch = batches(shop.encoded, shop.config.renderer, 2, stage=3)(0)
    spatial = torch.from_numpy(shop.encoded.load("spatial").astype(np.float32))
    load_compressor(shop)
    with torch.no_grad():
        tokens = shop.compressor(spatial)
    nearest = torch.cdist(batch.visual.flatten(1), tokens.flatten(1)).amin(dim=1)
    # Within bfloat16 arithmetic and float16 on disk, of two tokens of 2 x 8 channels; the planner knows nothing.
    assert nearest.max() < 0.5 if planned == 0 else nearest.min() > 0.5


def test_what_the_planner_expects_is_sampled_from_its_mixtures_after_the_true_keyframes(trained):
    folder, _ = trained
    shop = workshop(folder)
    load_compressor(shop)
    shop.require("planner", modules.read_planner(shop))
    stored = shop.encoded.planned(np.arange(4, 8)).double()  # episode 1
    of_cast = told_of_episodes((0, 1, 2), shop.encoded.load("faces").shape[1])
    rng = np.random.default_rng([5, 0, 2])
    episodes = planner.Episodes(shop.encoded, identifier_ids(shop.identifiers))
    mixtures = []
    for episode in (0, 1, 2):  # one by one, instead of as one padded batch
        with torch.no_grad():
            mixtures.append(shop.planner(collate([episodes.plain(episode, of_cast[episode], rng)])))
    means, stds = (getattr(mixtures[1], name).double() for name in ("mean", "log_std"))
    z = (stored.flatten(0, 1)[:, None] - means) / stds.exp()  # (keyframes * V, K, D)
    assert z.square().mean(dim=-1).amin(dim=1).max() < 4  # each token fits one of its components


def test_likeness_counts_in_stage_three_where_something_was_told(trained, monkeypatch):
    folder, _ = trained
    shop = workshop(folder)
    monkeypatch.setattr(autoencoder, "DROP_PROBABILITY", 0.0)
    monkeypatch.setattr(autoencoder, "NO_SCRIPT_PROBABILITY", 0.0)
    batch = batches(shop.encoded, shop.config.renderer, 12, stage=3)(0)
    values = [len(v) for v in LABELS.values()]
    label_reader = torch.nn.Linear(2 * shop.config.compressor.token_channels, sum(values))
    reader = modules.looks_reader(shop)
    plain, judged = (
        AutoencoderStages(
            shop.compressor, shop.renderer, label_reader, 3, num_values=values, looks_reader=one
        )(batch, 0)["loss"].item()
        for one in (None, reader)
    )
    assert judged > plain
    monkeypatch.setattr(autoencoder, "NO_SCRIPT_PROBABILITY", 1.0)
    stage = AutoencoderStages(
        shop.compressor, shop.renderer, label_reader, 3, num_values=values, looks_reader=reader
    )
    judge = stage._likeness(batch, told=torch.zeros(12, dtype=torch.bool))
    assert judge is not None
    assert not judge(batch.latents, torch.full((12,), 10)).any()
    judge = stage._likeness(
        dataclasses.replace(batch, known=torch.zeros_like(batch.known)), told=torch.ones(12).bool()
    )
    assert judge is not None
    assert not judge(batch.latents, torch.full((12,), 10)).any()
    stage.to("meta")  # the judge goes where the stage goes, and is not among what is trained
    assert {p.device.type for p in reader.parameters()} == {"meta"}
    assert not {id(p) for p in stage.parameters()} & {id(p) for p in reader.parameters()}


def test_leaving_out_portraits_or_looks_changes_nothing_else_of_a_planner_batch(trained, monkeypatch):
    folder, _ = trained
    shop = workshop(folder)
    batch_at = planner.batches(shop.encoded, shop.identifiers, 2)

    def batch(step: int, *, no_face: float, no_looks: float) -> TrainingInputs:
        monkeypatch.setattr(told, "NOTHING_PROBABILITY", 0)
        monkeypatch.setattr(told, "NO_FACE_PROBABILITY", no_face)
        monkeypatch.setattr(told, "NO_LOOKS_PROBABILITY", no_looks)
        return batch_at(step).inputs

    for step in range(5):
        whole = batch(step, no_face=0, no_looks=0)
        faceless, silent = batch(step, no_face=1, no_looks=0), batch(step, no_face=0, no_looks=1)
        rows = whole.inputs.rows
        assert PositionKind.FACE not in faceless.inputs.rows
        assert torch.equal(faceless.inputs.rows[PositionKind.SENTENCE], rows[PositionKind.SENTENCE])
        assert torch.equal(silent.inputs.rows[PositionKind.FACE], rows[PositionKind.FACE])
        assert len(silent.inputs.rows[PositionKind.SENTENCE]) < len(rows[PositionKind.SENTENCE])
        for other in (faceless, silent):
            assert torch.equal(other.targets, whole.targets)
            assert torch.equal(other.inputs.rows[PositionKind.VISUAL], rows[PositionKind.VISUAL])
            assert int(other.predicting.sum()) == int(whole.predicting.sum())


def test_the_labels_of_a_planner_batch_are_those_of_the_frames_of_its_targets(trained):
    folder, _ = trained
    shop = workshop(folder)
    tokens, labels = shop.encoded.load("tokens"), shop.encoded.load("labels")
    known = {token.tobytes(): row for frame, row in zip(tokens, labels, strict=True) for token in frame}
    for step in range(4):
        batch = planner.batches(shop.encoded, shop.identifiers, 2)(step)
        for target, row in zip(batch.inputs.targets.numpy().astype(np.float16), batch.labels, strict=True):
            assert row.tolist() == known[target.tobytes()].tolist()


def test_the_planner_is_asked_what_it_expects_and_its_readers_learn_from_true_tokens_only(trained):
    folder, _ = trained
    shop = workshop(folder)
    module = modules.read_planner(shop).eval()
    batch = planner.batches(shop.encoded, shop.identifiers, 2)(0)
    found = module(batch)
    mixtures = module.planner(batch.inputs)
    expected = (mixtures.log_weight.exp()[..., None] * mixtures.mean).sum(dim=-2)
    for name, tokens in (("reading", batch.inputs.targets), ("naming", expected)):
        per_slot = []
        for slot in (0, 1):
            read = module.readers[slot](tokens[slot::2]).split(module.num_values, dim=1)
            per_slot.append(label_loss(read, batch.labels[slot::2]))
        torch.testing.assert_close(found[name], torch.stack(per_slot).mean())
    plain = planner_loss(mixtures, batch.inputs.targets, terms=planner.ALL_TERMS).total
    decode = shop.renderer.conditioning.coarse_decoder
    errors = [
        (decode(expected[n : n + 2][None]) - decode(batch.inputs.targets[n : n + 2][None])).square().mean()
        for n in range(0, len(expected), 2)
    ]
    torch.testing.assert_close(found["picture"], torch.stack(errors).mean())
    torch.testing.assert_close(
        found["loss"], plain + found["reading"] + 0.3 * found["naming"] + found["picture"]
    )
    assert not any(name.startswith("_coarse") for name, _ in module.named_parameters())
    found["naming"].backward()
    assert all(p.grad is None for p in module.readers.parameters())
    assert any(p.grad is not None and p.grad.any() for p in module.planner.parameters())


def test_the_coarse_decoder_is_fitted_before_the_first_stage_that_renders(trained):
    _, said = trained
    fitted = "coarse decoder fitted"
    assert fitted in said["autoencoder-1"][0]
    assert not any(fitted in line for name in ("autoencoder-2", "autoencoder-3") for line in said[name])


def test_coarse_latents_are_held_against_the_true_ones_where_the_tokens_are_seen(trained):
    folder, _ = trained
    shop = workshop(folder)
    stages = modules.autoencoder_stages(shop, modules.compressor_warm_up(shop), 3)
    batch = batches(shop.encoded, shop.config.renderer, 3, stage=3)(0)
    conditions = shop.renderer.conditioning(
        batch.visual, batch.descriptions, batch.description_given, batch.faces, batch.face_given
    )
    seen = torch.tensor([True, False, True])
    found = stages._coarse_error(conditions, batch.latents, batch.emphasis, seen=seen)
    shown = F.interpolate(
        conditions.coarse, batch.latents.shape[-2:], mode="bilinear", antialias=True, align_corners=False
    )
    for row, error in enumerate(found):
        channels = [
            (batch.emphasis[row] * (ours - true) ** 2).mean()
            for ours, true in zip(shown[row], batch.latents[row], strict=True)
        ]
        torch.testing.assert_close(error, torch.stack(channels).mean() * float(seen[row]))


def test_the_renderer_is_told_what_the_planner_was_told_when_it_foresaw(trained):
    folder, _ = trained
    shop = workshop(folder)
    config, cast = shop.config.renderer, shop.encoded.load("faces").shape[1]
    batch_at = batches(shop.encoded, config, 12, stage=3)
    for step in range(3):
        batch = batch_at(step)
        frames = np.sort(random_indices(step, 12, shop.encoded.world.num_frames, seed=13))
        for row, frame in enumerate(frames.tolist()):
            script = shop.encoded.world.scripts[frame]
            of_cast = told_of_episodes([frame // shop.encoded.world.num_keyframes], cast)[0]
            of_people = of_cast[list(script.cast)]
            _, kept = told_script(script, of_people[:, 0], of_people[:, 1])
            stays = shop.encoded.captions.sentences_of(frame)[kept][: config.num_description_slots]
            sentences = torch.from_numpy(shop.encoded.load("sentences")[stays].astype(np.float32))
            assert int(batch.description_given[row].sum()) == len(stays)
            torch.testing.assert_close(batch.descriptions[row, : len(stays)], sentences)
            assert not batch.descriptions[row, len(stays) :].any()
            given = batch.face_given[row, : len(of_people)].numpy()
            assert np.array_equal(given, of_people[:, 0])
            assert batch.known[row, : len(of_people)].tolist() == of_people.any(axis=1).tolist()
            assert not batch.faces[row][~batch.face_given[row]].any()


def test_stage_three_leaves_the_compressor_as_stage_two_left_it(trained):
    folder, _ = trained
    states = [
        torch.load(folder / f"autoencoder-{n}" / "final.pt", weights_only=True)["weights"] for n in (2, 3)
    ]
    for name, tensor in states[0].items():
        same = torch.equal(tensor, states[1][name])
        assert same or not name.startswith("compressor."), name


def test_the_decoder_stage_leaves_every_latent_as_it_was(trained):
    folder, _ = trained
    played = torch.load(folder / "decoder" / "final.pt", weights_only=True)["weights"]
    trained_vae = torch.load(folder / "vae" / "final.pt", weights_only=True)["weights"]
    names = {name.removeprefix("decoder.") for name in played if name.startswith("decoder.")}
    assert names == {
        name.removeprefix("kl.decoder.") for name in trained_vae if name.startswith("kl.decoder.")
    }
    moved = [n for n in names if not torch.equal(played[f"decoder.{n}"], trained_vae[f"kl.decoder.{n}"])]
    assert moved


def test_a_stage_whose_predecessor_is_missing_says_which(tmp_path):
    shop = workshop(tmp_path)
    list(STAGES["data"](shop, None))
    with pytest.raises(WeightsError, match="train the stage encoders first"):
        list(STAGES["encode"](shop, None))


@pytest.mark.parametrize(
    ("stage", "missing"),
    [
        ("vae", "data"), ("encoders", "data"), ("faces", "data"), ("compressor", "data"), ("planner", "data"),
        ("decoder", "vae"), ("video", "data"), ("export", "data"),
    ],
)  # fmt: skip
def test_a_stage_without_anything_before_it_says_what_to_begin_with(stage, missing, tmp_path):
    with pytest.raises(WeightsError, match=f"train the stage {missing} first"):
        list(STAGES[stage](workshop(tmp_path / "new"), two_steps(stage)))


@pytest.mark.parametrize(
    ("stage", "missing"), [("encoders", "truth"), ("compressor", "encode"), ("planner", "encode")]
)
def test_a_stage_without_its_arrays_says_which_stage_computes_them(trained, stage, missing, tmp_path):
    folder, _ = trained
    data = workshop(folder).world.path.relative_to(folder)
    shutil.copytree(folder / data, tmp_path / data, ignore=shutil.ignore_patterns("encoded"))
    with pytest.raises(WeightsError, match=f"train the stage {missing} first"):
        list(STAGES[stage](workshop(tmp_path), two_steps(stage)))


def test_the_compressor_comes_from_the_last_stage_that_got_as_far_as_a_checkpoint(trained, tmp_path):
    folder, _ = trained
    for name in ("data", "vae", "compressor", "autoencoder-1", "autoencoder-2"):
        (tmp_path / name).symlink_to(folder / name)
    (tmp_path / "autoencoder-3").mkdir()  # killed in its first seconds
    shop = workshop(tmp_path)
    load_compressor(shop)
    second = torch.load(folder / "autoencoder-2" / "final.pt", weights_only=True)["weights"]
    for name, tensor in shop.renderer.unet.state_dict().items():
        assert torch.equal(tensor, second[f"unet.{name}"]), name


def test_runs_that_were_killed_in_their_first_seconds_leave_what_was_shipped(trained, tmp_path):
    folder, _ = trained
    list(export(workshop(folder), folder=tmp_path / "weights"))
    shop = dataclasses.replace(workshop(tmp_path / "runs"), start=tmp_path / "weights")
    for name in ("autoencoder-3", "decoder", "readers"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    (tmp_path / "runs" / "data").symlink_to(folder / "data")
    list(export(shop, folder=tmp_path / "weights"))  # into the very folder that it began at
    assert len(list(tmp_path.iterdir())) == 2
    again = load_models(tmp_path / "weights")
    assert all(
        torch.equal(tensor, shop.begins_from["compressor"].state_dict()[name])
        for name, tensor in again.compressor.state_dict().items()
    )


def test_the_manifest_keeps_what_was_said_of_stages_that_were_not_run_again(trained, tmp_path):
    folder, _ = trained
    list(export(workshop(folder), folder=tmp_path / "weights"))
    first = read_manifest(tmp_path / "weights").metrics
    assert {name: figures["step"] for name, figures in first.items()} == dict.fromkeys(EFFORTS, 2)
    fresh = dataclasses.replace(workshop(tmp_path / "runs"), start=tmp_path / "weights")
    few = dataclasses.replace(EFFORTS["faces"], steps=1, batch=2)
    for name in ("data", "truth", "faces"):
        list(STAGES[name](fresh, few if name == "faces" else None))
    list(export(fresh, folder=tmp_path / "again"))
    second = read_manifest(tmp_path / "again").metrics
    assert second["faces"]["step"] == 1
    assert {name: one for name, one in second.items() if name != "faces"} == {
        name: one for name, one in first.items() if name != "faces"
    }


def test_an_export_that_fails_leaves_the_weights_that_were_there(trained, tmp_path, monkeypatch):
    folder, _ = trained
    weights = tmp_path / "weights"
    list(export(workshop(folder), folder=weights))
    before = {path: path.read_bytes() for path in weights.rglob("*") if path.is_file()}

    def killed(models, unfinished, **_):
        (unfinished / "config.json").write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(stages, "save_models", killed)
    with pytest.raises(KeyboardInterrupt):
        list(export(workshop(folder), folder=weights))
    assert {path: path.read_bytes() for path in weights.rglob("*") if path.is_file()} == before
    assert list(tmp_path.iterdir()) == [weights]


def test_an_interrupted_drawing_goes_on_and_gives_the_same_frames(tmp_path):
    def world(name: str) -> WorldFrames:
        return WorldFrames(
            folder=tmp_path / name, split="train", num_episodes=2, num_keyframes=2, size=(56, 32)
        )

    assert list(world("whole").prepare(processes=1)) == [(2, 2)]
    broken = world("broken")
    list(broken.prepare(processes=1))
    (broken.path / "done.json").write_text('{"episodes": 1}')
    list(world("broken").prepare(processes=1))
    one, other = world("whole"), world("broken")
    assert np.array_equal(one.frames, other.frames)
    assert np.array_equal(one.portraits, other.portraits)
    assert one.scripts == other.scripts
    assert len(one.scripts) == 4


def test_training_can_begin_at_shipped_weights_instead_of_at_earlier_stages(trained, tmp_path):
    folder, _ = trained
    list(export(workshop(folder), folder=tmp_path / "weights"))
    fresh = dataclasses.replace(workshop(tmp_path / "runs"), start=tmp_path / "weights")
    assert [list(STAGES[name](fresh, None)) for name in ("data", "truth")]
    assert list(STAGES["encode"](fresh, None))  # its encoders and VAE were not trained here
    few = dataclasses.replace(EFFORTS["autoencoder-3"], steps=1, batch=2)
    assert list(STAGES["looks"](fresh, few))  # judges the likeness, and is not shipped
    assert list(STAGES["autoencoder-3"](fresh, few))  # its predecessors were not run either
    trained_on = torch.load(tmp_path / "runs/autoencoder-3/final.pt", weights_only=True)["weights"]
    list(export(fresh, folder=tmp_path / "again"))  # what was not trained is what was shipped
    first, second = (load_models(tmp_path / name).renderer.unet.state_dict() for name in ("weights", "again"))
    for name, tensor in second.items():  # and the renderer lies between both
        expected = 0.25 * first[name] + 0.75 * trained_on[f"unet.{name}"]
        torch.testing.assert_close(tensor, expected, atol=2e-3, rtol=2e-3)  # float16 on disk
    assert (tmp_path / "again/readers/model.safetensors").read_bytes() == (
        tmp_path / "weights/readers/model.safetensors"
    ).read_bytes()
    started, shipped = fresh.planner.state_dict(), load_models(tmp_path / "weights").planner.state_dict()
    assert all(torch.equal(tensor, shipped[name]) for name, tensor in started.items())


def test_a_component_of_another_size_begins_at_random_and_its_stage_is_still_asked_for(trained, tmp_path):
    folder, _ = trained
    list(export(workshop(folder), folder=tmp_path / "weights"))
    shop = workshop(tmp_path / "runs")
    wider = dataclasses.replace(
        shop.config.autoregressive, hidden_size=2 * shop.config.autoregressive.hidden_size
    )
    other = dataclasses.replace(
        shop, config=dataclasses.replace(shop.config, autoregressive=wider), start=tmp_path / "weights"
    )
    assert "autoregressive" not in other.begins_from
    assert {"text", "autoencoder", "renderer/unet"} <= set(other.begins_from)
    with pytest.raises(WeightsError, match="train the stage planner first"):
        other.require("planner", other.planner)


def test_stage_one_sees_frames_of_half_the_size_and_stage_three_whole_ones(trained, monkeypatch):
    folder, _ = trained
    shop = workshop(folder)
    sizes = {}
    whole = shop.encoded.load("latents").shape[-2:]
    for number in (1, 3):
        values = [len(v) for v in LABELS.values()]
        reader = torch.nn.Linear(2 * shop.config.compressor.token_channels, sum(values))
        stage = AutoencoderStages(shop.compressor, shop.renderer, reader, number, num_values=values)
        batch = batches(shop.encoded, shop.config.renderer, 2, stage=number)(0)
        monkeypatch.setattr(
            type(shop.renderer), "noise_loss",
            lambda self, latents, conditions, number=number, **_: sizes.setdefault(
                number, (latents.shape[-2:], conditions.time_ids[0, :2].tolist())
            )[0] and latents.mean(dim=(1, 2, 3)),
        )  # fmt: skip
        stage(batch, 0)
    config = shop.config.renderer
    assert sizes[3] == (whole, [config.image_height, config.image_width])
    assert sizes[1] == ((whole[0] // 2, whole[1] // 2), [config.image_height / 2, config.image_width / 2])
