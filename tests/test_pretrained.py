"""Weights folders: what is written comes back, and whatever is wrong with a file is said by its name."""

import hashlib
import json
import shutil
from dataclasses import replace

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel, UNetSpatioTemporalConditionModel
from safetensors.torch import load_file, save_file

from moviedreamer_core import pretrained
from moviedreamer_core.autoregressive.sequence import identifier_ids
from moviedreamer_core.config import ModelConfig, miniature
from moviedreamer_core.encoders.tokenizer import WordTokenizer
from moviedreamer_core.errors import WeightsError
from moviedreamer_core.pretrained import (
    load_models,
    save_component,
    save_models,
    untrained_models,
    write_manifest,
)

SOURCE = {"command": "python -m moviedreamer_core train all", "commit": "0123abc"}


def tiny_config() -> ModelConfig:
    """The miniature, thinner still."""
    full = miniature()
    small = {"width": 32, "layers": 1, "heads": 1, "embed_dim": 16}
    return ModelConfig(
        preset="tiny",
        vision=replace(full.vision, image_height=32, image_width=64, **small),
        text=replace(full.text, vocab_size=32, context_length=16, **small),
        face=replace(full.face, image_px=16, **small),
        compressor=replace(
            full.compressor, num_spatial_tokens=9, spatial_channels=32, token_channels=24, heads=2,
            num_blocks=1,
        ),
        autoregressive=replace(
            full.autoregressive, hidden_size=16, num_layers=1, num_heads=2, num_key_value_heads=2,
            intermediate_size=32, text_channels=16, face_channels=16, token_channels=24, num_components=2,
        ),
        autoencoder=replace(
            full.autoencoder, latent_channels=4, block_out_channels=(32, 32), layers_per_block=1
        ),
        renderer=replace(
            full.renderer, latent_channels=4, block_out_channels=(32, 32), attention_at=(False, True),
            transformer_layers=(1, 1), attention_heads=(1, 1), cross_attention_channels=24,
            pooled_channels=16, time_id_channels=8, text_channels=16, face_channels=16,
        ),
        video=replace(
            full.video, latent_channels=4, num_frames=3, block_out_channels=(32, 32),
            attention_at=(False, True), transformer_layers=(1, 1), attention_heads=(1, 1),
            cross_attention_channels=16, time_id_channels=8,
        ),
    )  # fmt: skip


@pytest.fixture(scope="module")
def models():
    torch.manual_seed(0)
    return untrained_models(tiny_config(), text_tokenizer=WordTokenizer.from_words(["walks", "beach", "the"]))


@pytest.fixture(scope="module")
def saved(models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    models.autoencoder.scaling_factor = 0.75
    save_models(models, folder, metrics={"lt": 0.5}, **SOURCE)
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    """A copy that may be damaged."""
    return shutil.copytree(saved, tmp_path / "tiny")


def vouch(folder):
    write_manifest(folder, metrics={}, **SOURCE)


def rewrite(folder, path, change):
    tensors = load_file(folder / path)
    change(tensors)
    save_file(tensors, folder / path)
    vouch(folder)


def test_every_tensor_comes_back_rounded_to_float16(models, saved):
    loaded = load_models(saved)
    assert set(loaded.components) == set(models.components)
    for name, component in models.components.items():
        expected = {key: value.half().float() for key, value in component.state_dict().items()}
        found = loaded.components[name].state_dict()
        assert set(found) == set(expected)
        for key, value in expected.items():
            assert found[key].dtype == torch.float32
            assert torch.equal(found[key], value), f"{name} {key}"


def test_nothing_is_left_on_the_meta_device_and_nothing_trains(saved):
    for component in load_models(saved).components.values():
        assert not component.training
        assert not any(t.is_meta for t in (*component.parameters(), *component.buffers()))


def test_config_tokenizers_and_scaling_come_back(models, saved):
    loaded = load_models(saved)
    assert loaded.config == models.config
    assert loaded.autoencoder.scaling_factor == 0.75
    assert loaded.text.tokenizer.encode("the beach") == models.text.tokenizer.encode("the beach")
    assert identifier_ids(loaded.planner_tokenizer) == identifier_ids(models.planner_tokenizer)


def test_loaded_parts_work_together(saved):
    loaded = load_models(saved)
    frame = torch.rand(1, 3, 32, 64)
    assert loaded.compressor(loaded.vision.spatial_tokens(frame)).shape == (1, 2, 24)
    assert loaded.renderer.unet is loaded.components["renderer/unet"]
    assert loaded.text.encode(["the beach"]).shape == (1, 16)
    assert loaded.anchor(frame[0]).shape == (1, 16)
    latents = loaded.video.encode_frame(frame)
    assert loaded.video.decode_frames(latents).shape == frame.shape
    assert loaded.video.noise_on == "latents"


@pytest.mark.parametrize(
    ("path", "kind", "name"),
    [
        ("autoencoder", AutoencoderKL, "autoencoder"),
        ("renderer/unet", UNet2DConditionModel, "renderer/unet"),
        ("video/unet", UNetSpatioTemporalConditionModel, "video/unet"),
    ],
)
def test_the_librarys_own_loader_reads_the_same_tensors(models, saved, path, kind, name):
    theirs = kind.from_pretrained(saved / path, local_files_only=True).state_dict()
    component = models.components[name]
    ours = (component.kl if name == "autoencoder" else component).state_dict()
    assert set(theirs) == set(ours)
    for key, value in ours.items():
        assert torch.equal(theirs[key], value.half().float())


def test_files_are_float16(saved):
    for path in saved.rglob("*.safetensors"):
        assert {tensor.dtype for tensor in load_file(path).values()} == {torch.float16}


def test_the_requested_precision_is_that_of_planner_and_u_nets_only(saved):
    loaded = load_models(saved, dtype=torch.bfloat16)
    low = {"autoregressive", "renderer/unet", "video/unet"}
    for name, component in loaded.components.items():
        expected = torch.bfloat16 if name in low else torch.float32
        assert {p.dtype for p in component.parameters()} == {expected}, name


def test_the_manifest_says_what_trained_the_weights_and_vouches_for_every_file(saved):
    manifest = json.loads((saved / "manifest.json").read_text())
    assert (manifest["format"], manifest["preset"]) == (1, "tiny")
    assert manifest["trained_with"] == SOURCE
    assert manifest["metrics"] == {"lt": 0.5}
    on_disk = {p.relative_to(saved).as_posix(): p for p in saved.rglob("*") if p.is_file()}
    assert set(manifest["files"]) == set(on_disk) - {"manifest.json"}
    for path, record in manifest["files"].items():
        data = on_disk[path].read_bytes()
        assert record == {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def test_the_weights_hash_follows_the_files_not_the_folder(saved, folder):
    loaded = load_models(folder, parts=frozenset({"vision"}))
    assert loaded.weights_hash == load_models(saved, parts=frozenset({"text"})).weights_hash
    rewrite(folder, "face/model.safetensors", lambda tensors: tensors["tower.proj"].add_(1))
    assert load_models(folder, parts=frozenset({"vision"})).weights_hash != loaded.weights_hash


def test_saving_the_same_weights_twice_gives_the_same_hash(models, saved, tmp_path):
    again = save_models(models, tmp_path / "again", command="other", commit="other", metrics={})
    assert again.weights_hash == load_models(saved, parts=frozenset()).weights_hash


def test_parts_can_be_loaded_alone(folder):
    shutil.rmtree(folder / "video")
    loaded = load_models(folder, parts=frozenset({"renderer"}))
    assert set(loaded.components) == {"autoencoder", "renderer/unet", "renderer/conditioning"}
    with pytest.raises(ValueError, match="text was not loaded; add its part to `parts`"):
        _ = loaded.text
    with pytest.raises(ValueError, match="tokenizer was not loaded; load the part autoregressive"):
        _ = loaded.planner_tokenizer


def test_an_unknown_part_is_refused(folder):
    with pytest.raises(ValueError, match=r"parts must be among vision, .* got vae"):
        load_models(folder, parts=frozenset({"vae"}))


# --- what can be wrong with a folder -----------------------------------------------------------------


def test_a_changed_file_is_named_with_both_hashes(folder):
    path = folder / "vision/model.safetensors"
    data = bytearray(path.read_bytes())
    expected = hashlib.sha256(data).hexdigest()[:8]
    data[-1] ^= 1
    path.write_bytes(data)
    found = hashlib.sha256(data).hexdigest()[:8]
    with pytest.raises(WeightsError) as error:
        load_models(folder)
    assert str(error.value) == (
        f"vision/model.safetensors: sha256 {found}, the manifest says {expected}; "
        "delete the file and fetch it again"
    )


@pytest.mark.parametrize(
    "path", ["face/model.safetensors", "config.json", "text/vocabulary.json", "video/unet/config.json"]
)
def test_a_missing_file_is_named(folder, path):
    (folder / path).unlink()
    with pytest.raises(WeightsError, match=rf"^{path}: missing in .*; fetch the weights again$"):
        load_models(folder)


def test_a_missing_folder_and_a_missing_manifest_are_said(folder, tmp_path):
    with pytest.raises(WeightsError, match="there is no such weights folder; correct the path"):
        load_models(tmp_path / "nowhere")
    (folder / "manifest.json").unlink()
    with pytest.raises(WeightsError, match=r"^manifest\.json: missing in .*; fetch the weights again$"):
        load_models(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not readable as JSON"),
        ("[]", "holds no JSON object"),
        ('{"format": 2}', "format 2, this version reads format 1"),
        ('{"format": 1, "preset": "tiny"}', "incomplete"),
        (
            '{"format": 1, "preset": "tiny", "files": {"a": {}}, "trained_with": {}, "metrics": {}}',
            "incomplete",
        ),
    ],
)
def test_an_unusable_manifest_is_named(folder, content, message):
    (folder / "manifest.json").write_text(content)
    with pytest.raises(WeightsError, match=rf"^manifest\.json: {message}"):
        load_models(folder)


def test_a_part_that_was_never_trained_is_named(folder):
    shutil.rmtree(folder / "video")
    vouch(folder)
    with pytest.raises(
        WeightsError, match="video/unet: the manifest lists no weights of this part; train it"
    ):
        load_models(folder)


def test_a_missing_tokenizer_is_named(folder):
    shutil.rmtree(folder / "autoregressive/tokenizer")
    vouch(folder)
    with pytest.raises(WeightsError, match=r"autoregressive/tokenizer/tokenizer\.json: not in the manifest"):
        load_models(folder)


def _drop(tensors):
    del tensors["tower.proj"]


def _add(tensors):
    tensors["tower.extra"] = torch.zeros(1)


def _reshape(tensors):
    tensors["tower.proj"] = torch.zeros(32, 17)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_drop, "tensor tower.proj is missing; use weights of this version"),
        (_add, "tensor tower.extra is unknown; use weights of this version"),
        (_reshape, r"tensor tower.proj is \[32, 17\], its place is \[32, 16\]; use weights of these sizes"),
    ],
)
def test_tensors_that_do_not_fit_are_named(folder, change, message):
    rewrite(folder, "face/model.safetensors", change)
    with pytest.raises(WeightsError, match=rf"^face/model\.safetensors: {message}"):
        load_models(folder, parts=frozenset({"face"}))


def test_a_file_that_is_not_safetensors_is_named(folder):
    (folder / "face/model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    vouch(folder)
    with pytest.raises(WeightsError, match=r"^face/model\.safetensors: not a whole safetensors file"):
        load_models(folder, parts=frozenset({"face"}))


def test_a_config_of_another_version_is_refused(folder):
    config = json.loads((folder / "config.json").read_text())
    config["face"]["colour"] = 3
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match=r"^config has unknown entries \['colour'\] for FaceEncoderConfig"):
        vouch(folder)


def test_a_vocabulary_larger_than_the_tower_is_refused(folder):
    WordTokenizer.from_words([f"word{number}" for number in range(30)]).write(folder / "text/vocabulary.json")
    vouch(folder)
    with pytest.raises(WeightsError, match=r"^text/vocabulary\.json: 39 entries, the text tower has 32"):
        load_models(folder, parts=frozenset({"text"}))


@pytest.mark.parametrize("value", [1e6, float("nan")])
def test_weights_that_float16_cannot_hold_are_not_saved(tmp_path, value):
    broken = torch.nn.Linear(2, 2)
    broken.bias.data[0] = value
    with pytest.raises(
        ValueError, match="bias has values that float16 cannot hold; the training has diverged"
    ):
        save_component(broken, "compressor", tmp_path)


def test_every_component_belongs_to_a_part(models):
    assert set(models.components) == {name for names in pretrained.PARTS.values() for name in names}
