"""All trained parts as one bundle: read from, and written to, a weights folder.

    manifest.json  config.json
    vision/ text/ face/ compressor/ autoregressive/      model.safetensors (text also vocabulary.json,
                                                         autoregressive also tokenizer/)
    autoencoder/  renderer/unet/  video/unet/            diffusers' own layout (`from_pretrained` reads them)
    renderer/conditioning.safetensors

Weights are float16 on disk. Published checkpoints come in by `published`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLTemporalDecoder,
    ConfigMixin,
    UNet2DConditionModel,
    UNetSpatioTemporalConditionModel,
)
from jaxtyping import Float
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from moviedreamer_core.atomic import make_folder, write_json
from moviedreamer_core.autoencoder.compressor import Compressor
from moviedreamer_core.autoencoder.conditioning import Conditioning
from moviedreamer_core.autoencoder.renderer import Renderer, build_unet
from moviedreamer_core.autoencoder.vae import ImageVAE, build_vae
from moviedreamer_core.autoregressive.model import AutoregressiveModel
from moviedreamer_core.autoregressive.sequence import miniature_tokenizer
from moviedreamer_core.config import ModelConfig, VisionEncoderConfig, from_dict, to_dict
from moviedreamer_core.encoders.face import FaceEncoder
from moviedreamer_core.encoders.text import TextEncoder
from moviedreamer_core.encoders.tokenizer import BytePairTokenizer, Tokenizer, WordTokenizer
from moviedreamer_core.encoders.vision import VisionEncoder
from moviedreamer_core.errors import WeightsError
from moviedreamer_core.video.anchored_svd import AnchoredSVD, Decode, Encode, build_video_unet
from moviedreamer_core.weights_files import (
    Manifest,
    built,
    check_files,
    read_json,
    read_manifest,
    read_tensors,
    save_tensors,
    write_manifest as _write_manifest,
)

CONFIG = "config.json"
VOCABULARY = "text/vocabulary.json"
TOKENIZER = "autoregressive/tokenizer"

# Part -> its components; a component -> the beginning of its files' paths.
PARTS: Mapping[str, tuple[str, ...]] = {
    "vision": ("vision",),
    "text": ("text",),
    "face": ("face",),
    "compressor": ("compressor",),
    "autoregressive": ("autoregressive",),
    "autoencoder": ("autoencoder",),
    "renderer": ("autoencoder", "renderer/unet", "renderer/conditioning"),
    "video": ("video/unet",),
}
_SVD_ONLY = ("video/vae", "video/anchor")  # the miniature's clips share the image VAE and the vision encoder
_OWN_STEM, _DIFFUSERS_STEM = "model", "diffusion_pytorch_model"
_DIFFUSERS: Mapping[str, type[ConfigMixin]] = {
    "autoencoder": AutoencoderKL,
    "renderer/unet": UNet2DConditionModel,
    "video/unet": UNetSpatioTemporalConditionModel,
    "video/vae": AutoencoderKLTemporalDecoder,
}
# Only these are large; the VAE, besides, overflows in float16, and the small parts meet float32 tokens.
_IN_REQUESTED_DTYPE = frozenset({"autoregressive", "renderer/unet", "video/unet"})

Component = TypeVar("Component", bound=nn.Module)


@dataclass(frozen=True, kw_only=True, eq=False)
class Models:
    """The parts that were asked for; reading another one raises ValueError.

    `weights_hash` is the manifest's, empty for weights that were not read from a folder.
    """

    config: ModelConfig
    components: Mapping[str, nn.Module]
    tokenizer: PreTrainedTokenizerBase | None = None  # of the planner's identifiers
    weights_hash: str = ""

    @property
    def vision(self) -> VisionEncoder:
        return self._component("vision", VisionEncoder)

    @property
    def text(self) -> TextEncoder:
        return self._component("text", TextEncoder)

    @property
    def face(self) -> FaceEncoder:
        return self._component("face", FaceEncoder)

    @property
    def compressor(self) -> Compressor:
        return self._component("compressor", Compressor)

    @property
    def planner(self) -> AutoregressiveModel:
        return self._component("autoregressive", AutoregressiveModel)

    @property
    def planner_tokenizer(self) -> PreTrainedTokenizerBase:
        if self.tokenizer is None:
            raise ValueError("the planner's tokenizer was not loaded; load the part autoregressive")
        return self.tokenizer

    @property
    def autoencoder(self) -> ImageVAE:
        return self._component("autoencoder", ImageVAE)

    @property
    def renderer(self) -> Renderer:
        """U-Net, conditioning and VAE put together; they are shared with this bundle, not copied."""
        return Renderer(
            self.config.renderer,
            unet=self._component("renderer/unet", UNet2DConditionModel),
            conditioning=self._component("renderer/conditioning", Conditioning),
            vae=self.autoencoder,
        )

    @property
    def video(self) -> AnchoredSVD:
        """The video U-Net with what turns frames into its latents and back."""
        if self.config.video.temporal_vae_decoder:
            vae = self._component("video/vae", AutoencoderKLTemporalDecoder)
            encode_frame: Encode = partial(_svd_latent, vae)
            decode_frames: Decode = partial(_svd_frames, vae)
        else:
            encode_frame, decode_frames = self.autoencoder.encode, self.autoencoder.decode
        return AnchoredSVD(
            unet=self.video_unet,
            config=self.config.video,
            encode_frame=encode_frame,
            decode_frames=decode_frames,
            noise_on="pixels" if self.config.video.temporal_vae_decoder else "latents",
        )

    @torch.no_grad()
    def anchor(self, frame: Float[Tensor, "3 H W"]) -> Float[Tensor, "1 A"]:
        """What the video U-Net is told of a clip's first frame, in [0, 1]: its joint embedding.

        SVD was trained with embeddings of CLIP ViT-H as they leave the tower, the miniature with unit length.
        """
        if self.config.video.temporal_vae_decoder:
            return self._component("video/anchor", VisionEncoder).embed(frame[None], unit_length=False)
        return self.vision.embed(frame[None])

    @property
    def video_unet(self) -> UNetSpatioTemporalConditionModel:
        return self._component("video/unet", UNetSpatioTemporalConditionModel)

    def _component(self, name: str, kind: type[Component]) -> Component:
        component = self.components.get(name)
        if not isinstance(component, kind):
            raise ValueError(f"{name} was not loaded; add its part to `parts`")
        return component


def _svd_latent(
    vae: AutoencoderKLTemporalDecoder, images: Float[Tensor, "B 3 H W"]
) -> Float[Tensor, "B C h w"]:
    """SVD concatenates the mode of the posterior, not scaled."""
    return vae.encode(2 * images - 1).latent_dist.mode()


def _svd_frames(
    vae: AutoencoderKLTemporalDecoder, latents: Float[Tensor, "F C h w"]
) -> Float[Tensor, "F 3 H W"]:
    frames = vae.decode(latents / vae.config.scaling_factor, num_frames=len(latents)).sample
    return (frames / 2 + 0.5).clamp(0, 1)


def untrained_models(
    config: ModelConfig, *, text_tokenizer: Tokenizer, tokenizer: PreTrainedTokenizerBase | None = None
) -> Models:
    """All parts with random weights: where training starts. Seed torch for the same ones again."""
    vae = build_vae(config.autoencoder)
    components: dict[str, nn.Module] = {
        "vision": VisionEncoder(config.vision),
        "text": TextEncoder(config.text, text_tokenizer),
        "face": FaceEncoder(config.face),
        "compressor": Compressor(config.compressor),
        "autoregressive": AutoregressiveModel(config.autoregressive),
        "autoencoder": vae,
        "renderer/unet": build_unet(config.renderer),
        "renderer/conditioning": Conditioning(config.renderer),
        "video/unet": build_video_unet(config.video),
    }
    return Models(config=config, components=components, tokenizer=tokenizer or miniature_tokenizer())


# --- reading -----------------------------------------------------------------------------------------


def load_models(
    folder: Path,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype | None = None,
    parts: frozenset[str] | None = None,
) -> Models:
    """The parts named (by default all) from a weights folder, in evaluation mode.

    `dtype` is that of the planner and the U-Nets, by default float32 on the CPU and bfloat16 elsewhere; all
    else is float32. Every file is compared with the manifest before it is read.
    Raises WeightsError, naming the file, if anything is missing, damaged or of another shape; ValueError for
    an unknown part.
    """
    wanted = frozenset(PARTS) if parts is None else parts
    if not wanted <= set(PARTS):
        raise ValueError(f"parts must be among {', '.join(PARTS)}, got {', '.join(sorted(wanted))}")
    manifest = read_manifest(folder)
    check_files(folder, manifest, [CONFIG])
    config = from_dict(ModelConfig, read_json(folder / CONFIG, name=CONFIG))
    if dtype is None:
        dtype = torch.float32 if torch.device(device).type == "cpu" else torch.bfloat16
    components: dict[str, nn.Module] = {}
    for name in sorted({component for part in wanted for component in _components(part, config)}):
        component_dtype = dtype if name in _IN_REQUESTED_DTYPE else torch.float32
        components[name] = _load(folder, manifest, config, name, component_dtype).to(device)
    return Models(
        config=config,
        components=components,
        tokenizer=_load_tokenizer(folder, manifest) if "autoregressive" in wanted else None,
        weights_hash=manifest.weights_hash,
    )


def _components(part: str, config: ModelConfig) -> tuple[str, ...]:
    own = part == "video" and config.video.temporal_vae_decoder
    return PARTS[part] + (_SVD_ONLY if own else ())


def _load(folder: Path, manifest: Manifest, config: ModelConfig, name: str, dtype: torch.dtype) -> nn.Module:
    paths = [path for path in manifest.files if path.startswith(_prefix(name))]
    tensor_paths = [path for path in paths if path.endswith(".safetensors")]
    if not tensor_paths:
        raise WeightsError(
            f"{name}: the manifest lists no weights of this part; train it or fetch complete weights"
        )
    check_files(folder, manifest, paths)
    tensors = {}
    for path in tensor_paths:
        tensors.update(read_tensors(folder / path, name=path))
    module = built(_builder(folder, config, name), tensors, name=tensor_paths[0], dtype=dtype)
    return ImageVAE(module).eval() if isinstance(module, AutoencoderKL) else module


def _builder(folder: Path, config: ModelConfig, name: str) -> Callable[[], nn.Module]:
    if name in _DIFFUSERS:
        kind, path = _DIFFUSERS[name], f"{name}/{CONFIG}"
        values = read_json(folder / path, name=path)
        return lambda: kind.from_config(values)
    if name == "text":
        tokenizer = _text_tokenizer(folder, config)
        return lambda: TextEncoder(config.text, tokenizer)
    if name == "video/anchor":
        path = f"{name}/{CONFIG}"
        anchor = from_dict(VisionEncoderConfig, read_json(folder / path, name=path))
        return lambda: VisionEncoder(anchor)
    builders: dict[str, Callable[[], nn.Module]] = {
        "vision": lambda: VisionEncoder(config.vision),
        "face": lambda: FaceEncoder(config.face),
        "compressor": lambda: Compressor(config.compressor),
        "autoregressive": lambda: AutoregressiveModel(config.autoregressive),
        "renderer/conditioning": lambda: Conditioning(config.renderer),
    }
    return builders[name]


def _text_tokenizer(folder: Path, config: ModelConfig) -> Tokenizer:
    """Words where the folder holds a vocabulary, CLIP's byte pairs where it does not."""
    path, context_length = folder / VOCABULARY, config.text.context_length
    if not path.is_file():
        return BytePairTokenizer(context_length=context_length)
    words = WordTokenizer.read(path, context_length=context_length)
    if words.vocab_size > config.text.vocab_size:
        raise WeightsError(
            f"{VOCABULARY}: {words.vocab_size} entries, the text tower has {config.text.vocab_size}; "
            "fetch the weights again"
        )
    return words


def _load_tokenizer(folder: Path, manifest: Manifest) -> PreTrainedTokenizerBase:
    path = f"{TOKENIZER}/tokenizer.json"
    check_files(folder, manifest, [path])  # says so if there is none
    return PreTrainedTokenizerFast.from_pretrained(folder / TOKENIZER, local_files_only=True)


def _prefix(name: str) -> str:
    return name if name == "renderer/conditioning" else f"{name}/"


# --- writing -----------------------------------------------------------------------------------------


def save_models(
    models: Models, folder: Path, *, command: str, commit: str, metrics: Mapping[str, Any]
) -> Manifest:
    """Write every loaded part, the config and the manifest.

    Raises OutputError if the folder cannot be written, ValueError for weights beyond float16.
    """
    save_config(models.config, folder)
    for name, component in models.components.items():
        save_component(component, name, folder)
    if models.tokenizer is not None:
        save_tokenizer(models.tokenizer, folder)
    return write_manifest(folder, command=command, commit=commit, metrics=metrics)


def save_config(config: ModelConfig, folder: Path) -> None:
    make_folder(folder)
    write_json(folder / CONFIG, to_dict(config))


def save_component(component: nn.Module, name: str, folder: Path) -> None:
    """Write one component (a key of `Models.components`); the manifest has to be written after the last."""
    if isinstance(component, ImageVAE):
        component = component.kl
    if isinstance(component, ConfigMixin):
        component.save_config(folder / name)
        save_tensors(component.state_dict(), folder / name, stem=_DIFFUSERS_STEM)
        return
    subfolder, stem = ("renderer", "conditioning") if name == "renderer/conditioning" else (name, _OWN_STEM)
    save_tensors(component.state_dict(), folder / subfolder, stem=stem)
    if name == "video/anchor" and isinstance(component, VisionEncoder):
        write_json(folder / name / CONFIG, to_dict(component.config))
    if isinstance(component, TextEncoder) and isinstance(component.tokenizer, WordTokenizer):
        component.tokenizer.write(folder / VOCABULARY)


def save_tokenizer(tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Write the planner's tokenizer."""
    make_folder(folder / TOKENIZER)
    tokenizer.save_pretrained(folder / TOKENIZER)


def write_manifest(folder: Path, *, command: str, commit: str, metrics: Mapping[str, Any]) -> Manifest:
    """Vouch for all files of `folder` as they are now; `command` and `commit` trained them.

    Raises WeightsError if there is no config yet.
    """
    preset = from_dict(ModelConfig, read_json(folder / CONFIG, name=CONFIG)).preset
    return _write_manifest(folder, preset=preset, command=command, commit=commit, metrics=metrics)
