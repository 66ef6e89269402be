"""Published checkpoints -> the tensors of this project's modules.

A reader takes a file or folder as its authors publish it and returns names and values for one module;
`convert_published` makes a weights folder of all. Pickles are read without running what they contain, once:
a safetensors copy is left beside them.
Sources: OpenAI CLIP (`clip/model.py`), Long-CLIP (`model/model_longclip.py`), FaRL, LLaMA 2, SDXL and SVD, in
the layouts of their public repositories.
"""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLTemporalDecoder,
    ModelMixin,
    UNet2DConditionModel,
    UNetSpatioTemporalConditionModel,
)
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast

from moviedreamer_core.atomic import replacing
from moviedreamer_core.autoencoder.compressor import Compressor
from moviedreamer_core.autoencoder.conditioning import Conditioning
from moviedreamer_core.autoregressive.model import AutoregressiveModel
from moviedreamer_core.config import ModelConfig, VisionEncoderConfig, paper
from moviedreamer_core.encoders.face import FaceEncoder
from moviedreamer_core.encoders.text import TextEncoder
from moviedreamer_core.encoders.tokenizer import BytePairTokenizer
from moviedreamer_core.encoders.vision import VisionEncoder
from moviedreamer_core.errors import WeightsError
from moviedreamer_core.pretrained import save_component, save_config, save_tokenizer, write_manifest
from moviedreamer_core.weights_files import Manifest, check_tensors, read_json, read_tensors, save_tensors

Diffusers = TypeVar("Diffusers", bound=ModelMixin)

LONGCLIP_KEPT_POSITIONS = 20  # the first ones stay CLIP's; the others were stretched and trained
_TEXT_TOWER = ("token_embedding.", "transformer.", "ln_final.", "text_projection")
_TRANSFORMERS_EMBEDDING = {
    "class_embedding": "embeddings.class_embedding",
    "positional_embedding": "embeddings.position_embedding.weight",
    "ln_pre.weight": "pre_layrnorm.weight",  # spelt so
    "ln_pre.bias": "pre_layrnorm.bias",
    "ln_post.weight": "post_layernorm.weight",
    "ln_post.bias": "post_layernorm.bias",
}
_TRANSFORMERS_BLOCK = {
    "ln_1": "layer_norm1",
    "attn.out_proj": "self_attn.out_proj",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}
_LLAMA_INDEX = "model.safetensors.index.json"


def clip_image_tower(path: Path) -> dict[str, Tensor]:
    """For `VisionEncoder`: the image tower of a checkpoint with OpenAI CLIP's names (ViT-L/14)."""
    tower = {
        key.replace("visual.", "tower.", 1): tensor
        for key, tensor in read_checkpoint(path).items()
        if key.startswith("visual.")
    }
    if not tower:
        raise WeightsError(f"{path.name}: has no image tower (visual.*); give a checkpoint of CLIP or FaRL")
    return tower


def farl_face_tower(path: Path) -> dict[str, Tensor]:
    """For `FaceEncoder`: FaRL's image tower (ViT-B/16), with CLIP's names under "state_dict"."""
    return clip_image_tower(path)


def longclip_text_tower(path: Path) -> dict[str, Tensor]:
    """For `TextEncoder`: LongCLIP's text tower.

    Positions 0 to 19 come from `positional_embedding`, 20 to 247 from `positional_embedding_res`.
    """
    checkpoint = read_checkpoint(path)
    try:
        kept, stretched = checkpoint["positional_embedding"], checkpoint["positional_embedding_res"]
    except KeyError as error:
        raise WeightsError(
            f"{path.name}: {error} is missing; give LongCLIP's checkpoint, not CLIP's"
        ) from error
    tower = {f"tower.{key}": value for key, value in checkpoint.items() if key.startswith(_TEXT_TOWER)}
    positions = torch.cat([kept[:LONGCLIP_KEPT_POSITIONS], stretched[LONGCLIP_KEPT_POSITIONS:]])
    return {**tower, "tower.positional_embedding": positions}


def llama_backbone(folder: Path) -> dict[str, Tensor]:
    """For the `backbone` of `AutoregressiveModel`: a LLaMA in the layout of transformers, in shards or whole.

    The language head and the rotary frequencies, which the model computes itself, are left out.
    """
    if (folder / _LLAMA_INDEX).is_file():
        weight_map = read_json(folder / _LLAMA_INDEX, name=_LLAMA_INDEX).get("weight_map", {})
        shards = sorted(set(weight_map.values()))
    else:
        shards = ["model.safetensors"]
    tensors: dict[str, Tensor] = {}
    for shard in shards:
        if not (folder / shard).is_file():
            raise WeightsError(f"{shard}: missing in {folder}; fetch the checkpoint again")
        tensors.update(read_tensors(folder / shard, name=shard))
    return {
        f"backbone.{key.removeprefix('model.')}": tensor
        for key, tensor in tensors.items()
        if key.startswith("model.") and not key.endswith("rotary_emb.inv_freq")
    }


def transformers_image_tower(folder: Path) -> tuple[VisionEncoderConfig, dict[str, Tensor]]:
    """For `VisionEncoder`: a `CLIPVisionModelWithProjection` of transformers (SVD's ViT-H), and its sizes."""
    values = read_json(folder / "config.json", name=f"{folder.name}/config.json")
    config = VisionEncoderConfig(
        image_height=values["image_size"],
        image_width=values["image_size"],
        patch_px=values["patch_size"],
        width=values["hidden_size"],
        layers=values["num_hidden_layers"],
        heads=values["num_attention_heads"],
        embed_dim=values["projection_dim"],
        quick_gelu=values["hidden_act"] == "quick_gelu",
    )
    path = folder / "model.safetensors"
    if not path.is_file():
        raise WeightsError(f"{path.name}: missing in {folder}; fetch the checkpoint again")
    theirs = read_tensors(path, name=path.name)
    ours = {
        f"tower.{mine}": theirs[f"vision_model.{name}"].squeeze()
        for mine, name in _TRANSFORMERS_EMBEDDING.items()
    }
    ours["tower.conv1.weight"] = theirs["vision_model.embeddings.patch_embedding.weight"]
    ours["tower.proj"] = theirs["visual_projection.weight"].T.contiguous()
    for layer in range(config.layers):
        source, target = f"vision_model.encoder.layers.{layer}.", f"tower.transformer.resblocks.{layer}."
        for kind in ("weight", "bias"):
            for mine, name in _TRANSFORMERS_BLOCK.items():
                ours[f"{target}{mine}.{kind}"] = theirs[f"{source}{name}.{kind}"]
            parts = [theirs[f"{source}self_attn.{name}_proj.{kind}"] for name in "qkv"]
            ours[f"{target}attn.in_proj_{kind}"] = torch.cat(parts)
    return config, ours


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint file, unwrapped from "state_dict" or "model".

    A pickle is converted once to safetensors beside it.
    Raises WeightsError if the file is missing, damaged, or a pickle that holds anything but data.
    """
    if not path.is_file():
        raise WeightsError(f"{path.name}: missing in {path.parent}; fetch the checkpoint or correct the path")
    if path.suffix == ".safetensors":
        return read_tensors(path, name=path.name)
    converted = path.with_suffix(".safetensors")
    if converted.is_file() and converted.stat().st_mtime_ns >= path.stat().st_mtime_ns:
        return read_tensors(converted, name=converted.name)
    tensors = _tensors_in(_unpickled(path))
    if not tensors:
        raise WeightsError(f"{path.name}: holds no tensors; give the checkpoint's weights")
    with replacing(converted) as temporary:
        save_file(tensors, temporary)
    return tensors


def _unpickled(path: Path) -> object:
    if _is_torchscript(path):
        raise WeightsError(
            f"{path.name}: a TorchScript archive, which holds code, so it was not read; "
            "fetch a safetensors version of it"
        )
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{path.name}: a pickle that holds more than data and could run code, so it was not read; "
            "fetch a safetensors version of it"
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError) as error:
        raise WeightsError(
            f"{path.name}: damaged or cut off ({type(error).__name__}); fetch the checkpoint again"
        ) from error


def _is_torchscript(path: Path) -> bool:
    """OpenAI publishes CLIP so; `torch.load` would run such an archive's code if asked to read it."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def _tensors_in(checkpoint: object) -> dict[str, Tensor]:
    while isinstance(checkpoint, Mapping):
        inner = next((checkpoint[key] for key in ("state_dict", "model") if key in checkpoint), None)
        if not isinstance(inner, Mapping):
            # clone: tensors that share storage, or view a larger one, cannot be saved as they are
            return {k: v.detach().clone() for k, v in checkpoint.items() if isinstance(v, Tensor)}
        checkpoint = inner
    return {}


# --- a whole weights folder --------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class PublishedCheckpoints:
    """Where the checkpoints lie that the paper starts from."""

    clip: Path  # file: CLIP ViT-L/14
    longclip: Path  # file: LongCLIP-L
    farl: Path  # file: FaRL-Base-Patch16
    llama: Path  # folder: LLaMA-2-7B, with its tokenizer
    sdxl: Path  # folder: SDXL base 1.0, with unet/ and vae/
    svd: Path  # folder: SVD or SVD-XT, with unet/, vae/ and image_encoder/


def convert_published(
    checkpoints: PublishedCheckpoints,
    folder: Path,
    *,
    command: str,
    commit: str,
    config: ModelConfig | None = None,
) -> Manifest:
    """Write the weights folder that training of the paper's model starts from, one component at a time.

    What no one has published (compressor, conditioning, the planner's input MLPs and head) is random: seed
    torch for the same again.
    Raises WeightsError, naming the file, if a checkpoint is missing or of other sizes.
    """
    config = config or paper()
    save_config(config, folder)
    _convert_encoders(checkpoints, folder, config)
    _convert_planner(checkpoints.llama, folder, config)
    for name, source, kind in (
        ("renderer/unet", checkpoints.sdxl / "unet", UNet2DConditionModel),
        ("autoencoder", checkpoints.sdxl / "vae", AutoencoderKL),
        ("video/unet", checkpoints.svd / "unet", UNetSpatioTemporalConditionModel),
        ("video/vae", checkpoints.svd / "vae", AutoencoderKLTemporalDecoder),
    ):
        save_component(diffusers_component(source, kind), name, folder)
    save_component(Compressor(config.compressor), "compressor", folder)
    save_component(Conditioning(config.renderer), "renderer/conditioning", folder)
    return write_manifest(folder, command=command, commit=commit, metrics={})


def _convert_encoders(checkpoints: PublishedCheckpoints, folder: Path, config: ModelConfig) -> None:
    tokenizer = BytePairTokenizer(context_length=config.text.context_length)
    anchor, anchor_tensors = transformers_image_tower(checkpoints.svd / "image_encoder")
    with torch.device("meta"):
        towers: tuple[tuple[str, nn.Module, dict[str, Tensor]], ...] = (
            ("vision", VisionEncoder(config.vision), clip_image_tower(checkpoints.clip)),
            ("text", TextEncoder(config.text, tokenizer), longclip_text_tower(checkpoints.longclip)),
            ("face", FaceEncoder(config.face), farl_face_tower(checkpoints.farl)),
            ("video/anchor", VisionEncoder(anchor), anchor_tensors),
        )
    for name, module, tensors in towers:
        check_tensors(module, tensors, name=name)
        module.load_state_dict(tensors, assign=True)
        save_component(module, name, folder)


def _convert_planner(llama: Path, folder: Path, config: ModelConfig) -> None:
    """LLaMA's backbone beside new input MLPs and a new head; seven billion weights are never initialised."""
    shallow = AutoregressiveModel(replace(config.autoregressive, num_layers=1))
    new = {key: value for key, value in shallow.state_dict().items() if not key.startswith("backbone.")}
    with torch.device("meta"):
        planner = AutoregressiveModel(config.autoregressive)
    tensors = {**llama_backbone(llama), **new}
    check_tensors(planner, tensors, name=llama.name)
    save_tensors(tensors, folder / "autoregressive", stem="model")
    save_tokenizer(_llama_tokenizer(llama), folder)


def _llama_tokenizer(llama: Path) -> PreTrainedTokenizerFast:
    path = llama / "tokenizer.json"
    if not path.is_file():
        raise WeightsError(f"{path.name}: missing in {llama}; fetch the checkpoint with its tokenizer")
    return PreTrainedTokenizerFast(tokenizer_file=str(path))


def diffusers_component(folder: Path, kind: type[Diffusers]) -> Diffusers:
    """A model of diffusers from a local folder; the half-precision copy if there is no other.

    Raises WeightsError if the folder is missing or a tensor is.
    """
    has_full = any(".fp16." not in path.name for path in folder.glob("*.safetensors"))
    try:
        model, report = kind.from_pretrained(
            folder, local_files_only=True, output_loading_info=True, variant=None if has_full else "fp16"
        )
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsError(
            f"{folder.parent.name}/{folder.name}: cannot be read ({reason}); fetch the checkpoint again"
        ) from error
    if report["missing_keys"]:
        raise WeightsError(
            f"{folder.parent.name}/{folder.name}: tensor {report['missing_keys'][0]} is missing; "
            "fetch the checkpoint again"
        )
    return model
