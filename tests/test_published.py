"""Checkpoints in exactly the layouts their authors publish, at small sizes with random values."""

import dataclasses
import json
import os
import pickle

import open_clip
import pytest
import torch
from diffusers import AutoencoderKL, AutoencoderKLTemporalDecoder
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from torch.nn import functional as F
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection, LlamaConfig, LlamaForCausalLM
from typer.testing import CliRunner

from moviedreamer_core import commands, published
from moviedreamer_core.autoencoder.renderer import build_unet
from moviedreamer_core.autoregressive.model import AutoregressiveModel
from moviedreamer_core.autoregressive.sequence import identifier_ids
from moviedreamer_core.config import (
    AutoencoderConfig,
    AutoregressiveConfig,
    CompressorConfig,
    FaceEncoderConfig,
    ModelConfig,
    RendererConfig,
    TextEncoderConfig,
    VideoConfig,
    VisionEncoderConfig,
)
from moviedreamer_core.encoders.face import FaceEncoder
from moviedreamer_core.encoders.text import TextEncoder
from moviedreamer_core.encoders.tokenizer import BytePairTokenizer
from moviedreamer_core.encoders.vision import VisionEncoder
from moviedreamer_core.errors import WeightsError
from moviedreamer_core.pretrained import load_models
from moviedreamer_core.published import (
    PublishedCheckpoints,
    clip_image_tower,
    convert_published,
    farl_face_tower,
    llama_backbone,
    longclip_text_tower,
    read_checkpoint,
    transformers_image_tower,
)
from moviedreamer_core.video.anchored_svd import build_video_unet

TOWER = {"width": 64, "layers": 2, "heads": 1, "embed_dim": 16}
VISION = VisionEncoderConfig(image_height=28, image_width=28, patch_px=14, **TOWER)
FACE = FaceEncoderConfig(image_px=32, patch_px=16, **TOWER)
TEXT = TextEncoderConfig(**TOWER)
PLANNER = AutoregressiveConfig(
    vocab_size=32, hidden_size=16, num_layers=3, num_heads=2, num_key_value_heads=2, intermediate_size=24,
    text_channels=16, face_channels=16, token_channels=24, num_components=2,
)  # fmt: skip
CONFIG = ModelConfig(
    preset="paper",
    vision=VISION,
    text=TEXT,
    face=FACE,
    compressor=CompressorConfig(
        num_spatial_tokens=5, spatial_channels=64, token_channels=24, heads=2, num_blocks=1
    ),
    autoregressive=PLANNER,
    autoencoder=AutoencoderConfig(block_out_channels=(32, 32), layers_per_block=1),
    renderer=RendererConfig(
        block_out_channels=(32, 32), attention_at=(False, True), transformer_layers=(1, 1),
        layers_per_block=1, attention_heads=(1, 1), cross_attention_channels=24, pooled_channels=16,
        time_id_channels=8, text_channels=16, face_channels=16,
    ),
    video=VideoConfig(
        num_frames=3, block_out_channels=(32, 32), attention_at=(True, False), transformer_layers=(1, 1),
        layers_per_block=1, attention_heads=(1, 1), cross_attention_channels=24, time_id_channels=8,
    ),
)  # fmt: skip


def openai_clip(image_px, patch_px, seed):
    """open_clip's model, whose tensors carry the names of OpenAI's `clip/model.py`."""
    torch.manual_seed(seed)
    clip = open_clip.CLIP(
        16,
        {"layers": 2, "width": 64, "image_size": image_px, "patch_size": patch_px},
        {"context_length": 248, "width": 64, "heads": 1, "layers": 2},
        quick_gelu=True,
    ).eval()
    for (
        parameter
    ) in clip.parameters():  # layer norms and biases start at ones and zeros: mix-ups would not show
        parameter.data.add_(0.1 * torch.randn_like(parameter))
    return clip


def openai_checkpoint(clip):
    """OpenAI's state dict also holds three plain numbers."""
    extra = {
        "input_resolution": torch.tensor(28),
        "context_length": torch.tensor(77),
        "vocab_size": torch.tensor(49408),
    }
    return clip.state_dict() | extra


def longclip_checkpoint(clip):
    """Both tables have 248 rows; of each only a part is in use, the rest would spoil the result."""
    positions = clip.positional_embedding.detach()
    used = (torch.arange(248) < 20)[:, None]
    garbage = torch.full_like(positions, 99.0)
    return clip.state_dict() | {
        "positional_embedding": torch.where(used, positions, garbage),
        "positional_embedding_res": torch.where(used, garbage, positions),
    }


def llama_folder(folder, *, shards):
    torch.manual_seed(3)
    llama = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=32, hidden_size=16, num_hidden_layers=3, num_attention_heads=2, num_key_value_heads=2,
            intermediate_size=24, rms_norm_eps=1e-5,
        )
    ).eval()  # fmt: skip
    state = {key: value.clone() for key, value in llama.state_dict().items()}
    for layer in range(3):
        state[f"model.layers.{layer}.self_attn.rotary_emb.inv_freq"] = torch.ones(4)  # in the published files
    folder.mkdir()
    keys = sorted(state)
    names = (
        [f"model-{n + 1:05d}-of-{shards:05d}.safetensors" for n in range(shards)]
        if shards > 1
        else ["model.safetensors"]
    )
    where = {key: names[index % len(names)] for index, key in enumerate(keys)}
    for name in names:
        save_file({key: state[key] for key in keys if where[key] == name}, folder / name)
    if shards > 1:
        (folder / "model.safetensors.index.json").write_text(
            json.dumps({"metadata": {}, "weight_map": where})
        )
    words = ["<unk>", "Characters:", "Scene", "Elements:", "Plots:", "-"]
    tokenizer = Tokenizer(
        models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="<unk>")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.save(str(folder / "tokenizer.json"))
    return llama


def svd_image_encoder(folder):
    torch.manual_seed(4)
    config = CLIPVisionConfig(
        hidden_size=64, intermediate_size=256, num_hidden_layers=2, num_attention_heads=4, image_size=28,
        patch_size=14, projection_dim=24, hidden_act="gelu",
    )  # fmt: skip
    encoder = CLIPVisionModelWithProjection(config).eval()
    for parameter in encoder.parameters():
        parameter.data.add_(0.1 * torch.randn_like(parameter))
    encoder.save_pretrained(folder)
    return encoder


def test_a_clip_checkpoint_gives_the_embeddings_of_clip(tmp_path):
    clip = openai_clip(28, 14, seed=0)
    torch.save(openai_checkpoint(clip), tmp_path / "ViT-L-14.pt")
    encoder = VisionEncoder(VISION).eval()
    encoder.load_state_dict(clip_image_tower(tmp_path / "ViT-L-14.pt"))
    images = torch.rand(2, 3, 28, 28)
    mean, std = (
        torch.tensor(v)[:, None, None] for v in (open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD)
    )
    with torch.no_grad():
        expected = F.normalize(clip.encode_image((images - mean) / std), dim=-1)
        torch.testing.assert_close(encoder.embed(images), expected)


def test_a_longclip_checkpoint_gives_the_embeddings_of_its_two_position_tables(tmp_path):
    clip = openai_clip(28, 14, seed=1)
    torch.save(longclip_checkpoint(clip), tmp_path / "longclip-L.pt")
    encoder = TextEncoder(TEXT, BytePairTokenizer()).eval()
    encoder.load_state_dict(longclip_text_tower(tmp_path / "longclip-L.pt"))
    assert torch.equal(encoder.tower.positional_embedding, clip.positional_embedding)
    sentences = ["A cat.", "A sentence of more than twenty words " + "that goes on and on " * 20]
    ids = open_clip.tokenize(sentences, context_length=248)
    assert (ids[1] != 0).sum() > 77
    with torch.no_grad():
        expected = F.normalize(clip.encode_text(ids), dim=-1)
    torch.testing.assert_close(encoder.encode(sentences), expected)


def test_plain_clip_is_not_taken_for_longclip(tmp_path):
    torch.save(openai_checkpoint(openai_clip(28, 14, seed=1)), tmp_path / "ViT-L-14.pt")
    with pytest.raises(
        WeightsError, match=r"ViT-L-14\.pt: 'positional_embedding_res' is missing; give LongCLIP's"
    ):
        longclip_text_tower(tmp_path / "ViT-L-14.pt")


def test_a_farl_checkpoint_gives_its_image_tower(tmp_path):
    clip = openai_clip(32, 16, seed=2)
    torch.save(
        {"state_dict": clip.state_dict(), "epoch": 64}, tmp_path / "FaRL-Base-Patch16-LAIONFace20M-ep64.pth"
    )
    encoder = FaceEncoder(FACE).eval()
    encoder.load_state_dict(farl_face_tower(tmp_path / "FaRL-Base-Patch16-LAIONFace20M-ep64.pth"))
    for name, parameter in clip.visual.named_parameters():
        assert torch.equal(encoder.tower.get_parameter(name), parameter)


def test_a_checkpoint_without_an_image_tower_is_named(tmp_path):
    save_file({"text_projection": torch.zeros(2)}, tmp_path / "text.safetensors")
    with pytest.raises(WeightsError, match=r"^text\.safetensors: has no image tower"):
        clip_image_tower(tmp_path / "text.safetensors")


@pytest.mark.parametrize("shards", [1, 3])
def test_a_llama_in_any_number_of_shards_becomes_the_backbone(tmp_path, shards):
    llama = llama_folder(tmp_path / "llama", shards=shards)
    planner = AutoregressiveModel(PLANNER).eval()
    report = planner.load_state_dict(llama_backbone(tmp_path / "llama"), strict=False)
    assert not report.unexpected_keys
    assert not [key for key in report.missing_keys if key.startswith("backbone.")]
    embedded = torch.randn(1, 6, 16)
    with torch.no_grad():
        expected = llama.model(inputs_embeds=embedded).last_hidden_state
        torch.testing.assert_close(planner.backbone(inputs_embeds=embedded).last_hidden_state, expected)


def test_a_missing_shard_is_named(tmp_path):
    llama_folder(tmp_path / "llama", shards=3)
    (tmp_path / "llama/model-00002-of-00003.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"^model-00002-of-00003\.safetensors: missing in "):
        llama_backbone(tmp_path / "llama")


def test_svds_image_encoder_becomes_our_tower_with_the_same_embeddings(tmp_path):
    reference = svd_image_encoder(tmp_path / "image_encoder")
    config, tensors = transformers_image_tower(tmp_path / "image_encoder")
    encoder = VisionEncoder(config).eval()
    encoder.load_state_dict(tensors)
    images = torch.rand(2, 3, 28, 28)
    mean, std = (
        torch.tensor(v)[:, None, None] for v in (open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD)
    )
    with torch.no_grad():
        expected = reference(pixel_values=(images - mean) / std).image_embeds
        torch.testing.assert_close(encoder.embed(images, unit_length=False), expected, atol=1e-4, rtol=1e-4)


# --- pickles -----------------------------------------------------------------------------------------


class _RunsCode:
    def __reduce__(self):
        return (open, ("it_ran", "w"))


def test_a_pickle_with_code_is_refused_and_does_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": {"visual.proj": torch.zeros(2)}, "trap": _RunsCode()}, "trap.pt")
    with pytest.raises(
        WeightsError, match=r"^trap\.pt: a pickle that holds more than data and could run code"
    ):
        read_checkpoint(tmp_path / "trap.pt")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["trap.pt"]


def test_a_plain_pickle_of_an_object_is_refused(tmp_path):
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(_RunsCode()))
    with pytest.raises(WeightsError, match=r"^plain\.pt: "):
        read_checkpoint(tmp_path / "plain.pt")


def test_a_damaged_pickle_is_named(tmp_path):
    torch.save({"a": torch.zeros(100)}, tmp_path / "cut.pt")
    data = (tmp_path / "cut.pt").read_bytes()
    (tmp_path / "cut.pt").write_bytes(data[: len(data) // 2])
    with pytest.raises(WeightsError, match=r"^cut\.pt: damaged"):
        read_checkpoint(tmp_path / "cut.pt")


def test_a_torchscript_archive_is_refused(tmp_path):
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), tmp_path / "ViT-L-14.pt")
    with pytest.raises(
        WeightsError, match=r"^ViT-L-14\.pt: a TorchScript archive, which holds code, so it was not read"
    ):
        read_checkpoint(tmp_path / "ViT-L-14.pt")


def test_a_pickle_is_converted_once_and_again_when_it_is_newer(tmp_path):
    path, converted = tmp_path / "a.pt", tmp_path / "a.safetensors"
    torch.save({"model": {"w": torch.ones(2), "step": 3}}, path)
    assert read_checkpoint(path)["w"].tolist() == [1, 1]
    assert load_file(converted)["w"].tolist() == [1, 1]
    save_file({"w": torch.zeros(2)}, converted)
    assert read_checkpoint(path)["w"].tolist() == [0, 0]  # the pickle is not opened again
    os.utime(path, ns=(converted.stat().st_mtime_ns + 10**9,) * 2)
    assert read_checkpoint(path)["w"].tolist() == [1, 1]


def test_tensors_that_share_storage_are_converted_whole(tmp_path):
    base = torch.arange(6.0)
    torch.save({"a": base[:3], "b": base[1:4], "c": base}, tmp_path / "shared.pt")
    assert read_checkpoint(tmp_path / "shared.pt")["b"].tolist() == [1, 2, 3]


@pytest.mark.parametrize("content", [{}, [1, 2], {"epoch": 3}])
def test_a_pickle_without_tensors_is_named(tmp_path, content):
    torch.save(content, tmp_path / "empty.pt")
    with pytest.raises(WeightsError, match=r"^empty\.pt: holds no tensors"):
        read_checkpoint(tmp_path / "empty.pt")


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(
        WeightsError, match=r"^nowhere\.pt: missing in .*; fetch the checkpoint or correct the path$"
    ):
        read_checkpoint(tmp_path / "nowhere.pt")


# --- a whole folder ----------------------------------------------------------------------------------


def temporal_vae():
    return AutoencoderKLTemporalDecoder(
        block_out_channels=(32, 32), down_block_types=("DownEncoderBlock2D",) * 2, layers_per_block=1
    )


@pytest.fixture
def checkpoints(tmp_path):
    torch.manual_seed(5)
    torch.save(openai_checkpoint(openai_clip(28, 14, seed=0)), tmp_path / "clip.pt")
    torch.save(longclip_checkpoint(openai_clip(28, 14, seed=1)), tmp_path / "longclip.pt")
    torch.save({"state_dict": openai_clip(32, 16, seed=2).state_dict()}, tmp_path / "farl.pth")
    llama_folder(tmp_path / "llama", shards=2)
    build_unet(CONFIG.renderer).save_pretrained(tmp_path / "sdxl/unet")
    AutoencoderKL(
        block_out_channels=(32, 32), down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2, scaling_factor=0.13025,
    ).save_pretrained(tmp_path / "sdxl/vae")  # fmt: skip
    build_video_unet(CONFIG.video).save_pretrained(tmp_path / "svd/unet")
    temporal_vae().half().save_pretrained(tmp_path / "svd/vae", variant="fp16")
    svd_image_encoder(tmp_path / "svd/image_encoder")
    return PublishedCheckpoints(
        clip=tmp_path / "clip.pt",
        longclip=tmp_path / "longclip.pt",
        farl=tmp_path / "farl.pth",
        llama=tmp_path / "llama",
        sdxl=tmp_path / "sdxl",
        svd=tmp_path / "svd",
    )


def test_published_checkpoints_become_a_weights_folder_that_loads(checkpoints, tmp_path):
    convert_published(checkpoints, tmp_path / "paper", command="convert", commit="0123abc", config=CONFIG)
    loaded = load_models(tmp_path / "paper")
    clip, farl = openai_clip(28, 14, seed=0), openai_clip(32, 16, seed=2)
    assert torch.equal(loaded.vision.tower.proj, clip.visual.proj.half().float())
    assert torch.equal(loaded.face.tower.proj, farl.visual.proj.half().float())
    words = "backbone.embed_tokens.weight"
    assert torch.equal(
        loaded.planner.state_dict()[words], llama_backbone(checkpoints.llama)[words].half().float()
    )
    assert identifier_ids(loaded.planner_tokenizer)["Scene Elements:"] == (2, 3)
    assert loaded.autoencoder.scaling_factor == 0.13025
    assert loaded.anchor(torch.rand(3, 16, 32)).shape == (1, 24)
    latents = loaded.video.encode_frame(torch.rand(1, 3, 16, 32))
    assert loaded.video.decode_frames(latents.repeat(3, 1, 1, 1)).shape == (3, 3, 16, 32)
    assert loaded.video.noise_on == "pixels"


def test_a_checkpoint_of_another_size_is_named(checkpoints, tmp_path):
    wrong = dataclasses.replace(checkpoints, farl=checkpoints.clip)
    with pytest.raises(WeightsError, match=r"^face: tensor tower\.\S+ is \[.*\], its place is \["):
        convert_published(wrong, tmp_path / "paper", command="", commit="", config=CONFIG)


def convert(checkpoints, to):
    paths = {field.name: getattr(checkpoints, field.name) for field in dataclasses.fields(checkpoints)}
    return [f"--{name}={path}" for name, path in paths.items()] + [f"--to={to}"]


def test_the_command_makes_the_weights_folder(checkpoints, tmp_path, monkeypatch):
    monkeypatch.setattr(published, "paper", lambda: CONFIG)
    done = CliRunner().invoke(commands.app, ["convert", *convert(checkpoints, tmp_path / "by command")])
    assert done.exit_code == 0
    assert done.output.endswith("compressor, conditioning and the planner's head are untrained\n")
    assert load_models(tmp_path / "by command").config == CONFIG
    wrong = dataclasses.replace(checkpoints, clip=tmp_path / "nowhere.safetensors")
    refused = CliRunner().invoke(commands.app, ["convert", *convert(wrong, tmp_path / "none")])
    assert isinstance(refused.exception, WeightsError)
    assert str(refused.exception).startswith("nowhere.safetensors: missing in")


def test_a_folder_of_diffusers_that_lacks_a_tensor_is_named(checkpoints, tmp_path):
    path = checkpoints.sdxl / "unet/diffusion_pytorch_model.safetensors"
    tensors = load_file(path)
    del tensors["conv_in.weight"]
    save_file(tensors, path, metadata={"format": "pt"})
    with pytest.raises(WeightsError, match=r"^sdxl/unet: tensor conv_in\.weight is missing"):
        convert_published(checkpoints, tmp_path / "paper", command="", commit="", config=CONFIG)


def test_a_missing_folder_of_diffusers_is_named(checkpoints, tmp_path):
    wrong = dataclasses.replace(checkpoints, sdxl=tmp_path / "nowhere")
    with pytest.raises(WeightsError, match=r"^nowhere/unet: cannot be read"):
        convert_published(wrong, tmp_path / "paper", command="", commit="", config=CONFIG)


def test_a_llama_without_its_tokenizer_is_named(checkpoints, tmp_path):
    (checkpoints.llama / "tokenizer.json").unlink()
    with pytest.raises(
        WeightsError, match=r"^tokenizer\.json: missing in .*; fetch the checkpoint with its tokenizer"
    ):
        convert_published(checkpoints, tmp_path / "paper", command="", commit="", config=CONFIG)
