"""Sizes of every component, in two presets of the same classes: `paper` and `miniature`.

A config is plain frozen data: it is stored as JSON beside the weights and builds the component again.
Sources: MovieDreamer, section 3 and appendix A; the published configs of CLIP ViT-L/14, LongCLIP-L, FaRL
ViT-B/16, LLaMA-2-7B, SDXL base 1.0 and SVD.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, TypeVar

from moviedreamer_core.errors import WeightsError

Config = TypeVar("Config")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


@dataclass(frozen=True, kw_only=True)
class VisionEncoderConfig:
    """Frame -> spatial tokens [1 + rows * columns, width] and one joint embedding [embed_dim]."""

    image_height: int = 224
    image_width: int = 224
    patch_px: int = 14
    width: int = 1024
    layers: int = 24
    heads: int = 16
    embed_dim: int = 768
    quick_gelu: bool = True
    mean: tuple[float, ...] = (0.48145466, 0.4578275, 0.40821073)
    std: tuple[float, ...] = (0.26862954, 0.26130258, 0.27577711)

    @property
    def num_spatial_tokens(self) -> int:
        return 1 + (self.image_height // self.patch_px) * (self.image_width // self.patch_px)


@dataclass(frozen=True, kw_only=True)
class TextEncoderConfig:
    """Sentence -> embedding [embed_dim]. `person_tokens`: cast names are read as person1, person2, ... in the
    order of the keyframe's characters, so that a small vocabulary covers every name."""

    context_length: int = 248
    vocab_size: int = 49408
    width: int = 768
    layers: int = 12
    heads: int = 12
    embed_dim: int = 768
    quick_gelu: bool = True
    person_tokens: bool = False


@dataclass(frozen=True, kw_only=True)
class FaceEncoderConfig:
    """Face crop -> embedding [embed_dim] (FaRL ViT-B/16)."""

    image_px: int = 224
    patch_px: int = 16
    width: int = 768
    layers: int = 12
    heads: int = 12
    embed_dim: int = 512
    quick_gelu: bool = True
    mean: tuple[float, ...] = (0.48145466, 0.4578275, 0.40821073)
    std: tuple[float, ...] = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, kw_only=True)
class CompressorConfig:
    """Spatial tokens [num_spatial_tokens, spatial_channels] -> visual tokens [num_visual_tokens, token_channels].

    `widen_first`: the spatial tokens get `token_channels` channels before the first block, not after the reduction,
    so that V * D numbers of a frame can pass it instead of V * C. The paper does not say where.
    `visual_mlp_ratio`: how many times as wide as a token the MLPs after the reduction are.
    """

    num_spatial_tokens: int = 257
    spatial_channels: int = 1024
    num_visual_tokens: int = 2
    token_channels: int = 2048
    num_blocks: int = 3  # before, and again after, the reduction
    heads: int = 16
    widen_first: bool = False
    visual_mlp_ratio: int = 4

    def __post_init__(self) -> None:
        _require(
            self.num_visual_tokens >= 1, f"num_visual_tokens must be at least 1, got {self.num_visual_tokens}"
        )


@dataclass(frozen=True, kw_only=True)
class AutoregressiveConfig:
    """LLaMA backbone, three input MLPs, mixture head.

    `spread`: how many times as far as the mixture says a sample lies from the mean of its component. The channels
    of a component vary independently of each other, those of tokens do not.
    """

    vocab_size: int = 32000
    hidden_size: int = 4096
    num_layers: int = 32
    num_heads: int = 32
    num_key_value_heads: int = 32
    intermediate_size: int = 11008
    rope_theta: float = 10000.0
    text_channels: int = 768
    face_channels: int = 512
    token_channels: int = 2048  # d of a visual token
    num_visual_tokens: int = 2
    num_components: int = 16  # k of the mixture
    window_keyframes: int = 128
    window_positions: int = 5120  # length of the static key-value cache
    dropout: float = 0.5
    hidden_token_probability: float = 0.15
    spread: float = 1.0

    def __post_init__(self) -> None:
        _require(self.num_components >= 1, f"num_components must be at least 1, got {self.num_components}")
        _require(
            self.window_keyframes >= 1, f"window_keyframes must be at least 1, got {self.window_keyframes}"
        )


@dataclass(frozen=True, kw_only=True)
class AutoencoderConfig:
    """The image VAE (`diffusers.AutoencoderKL`). `pixel_unshuffle` folds squares of that many pixels into
    channels before the encoder and unfolds them after the decoder; 1 is the plain SDXL VAE."""

    pixel_unshuffle: int = 1
    latent_channels: int = 4
    block_out_channels: tuple[int, ...] = (128, 256, 512, 512)
    layers_per_block: int = 2
    mid_block_attention: bool = True
    scaling_factor: float = 0.13025

    @property
    def downsampling(self) -> int:
        return self.pixel_unshuffle * 2 ** (len(self.block_out_channels) - 1)


@dataclass(frozen=True, kw_only=True)
class RendererConfig:
    """SDXL-class U-Net (`diffusers.UNet2DConditionModel`) on [2 visual ++ 15 description ++ 5 face] slots.

    `coarse_grid`: (rows, columns) of the coarse decoder, whose latents the U-Net gets beside the noisy ones (ours);
    None builds the paper's U-Net.
    """

    image_height: int = 512
    image_width: int = 896
    latent_channels: int = 4
    block_out_channels: tuple[int, ...] = (320, 640, 1280)
    attention_at: tuple[bool, ...] = (
        False,
        True,
        True,
    )  # which resolutions have cross-attention, from the top
    transformer_layers: tuple[int, ...] = (1, 2, 10)
    layers_per_block: int = 2
    attention_heads: tuple[int, ...] = (5, 10, 20)
    cross_attention_channels: int = 2048  # D of a slot
    pooled_channels: int = 1280  # linear of the concatenated visual tokens
    time_id_channels: int = 256
    norm_groups: int = 32
    num_visual_slots: int = 2
    num_description_slots: int = 15
    num_face_slots: int = 5
    text_channels: int = 768
    face_channels: int = 512
    slot_mask_probability: float = 0.2
    prediction_type: str = "epsilon"
    zero_terminal_snr: bool = False
    coarse_grid: tuple[int, int] | None = None
    guidance_scale: float = 3.0  # of classifier-free guidance, unless a person chooses otherwise
    script_guidance: float = 1.0  # how many times as much sentences and faces are guided to as visual tokens

    @property
    def num_slots(self) -> int:
        return self.num_visual_slots + self.num_description_slots + self.num_face_slots


@dataclass(frozen=True, kw_only=True)
class VideoConfig:
    """SVD-class image-to-video U-Net (`diffusers.UNetSpatioTemporalConditionModel`)."""

    num_frames: int = 14
    frames_per_second: int = 7
    latent_channels: int = 4
    block_out_channels: tuple[int, ...] = (320, 640, 1280, 1280)
    attention_at: tuple[bool, ...] = (True, True, True, False)
    transformer_layers: tuple[int, ...] = (1, 1, 1, 1)
    layers_per_block: int = 2
    attention_heads: tuple[int, ...] = (5, 10, 20, 20)
    cross_attention_channels: int = 1024  # the anchor: embedding of the first frame
    time_id_channels: int = 256
    sigma_max: float = 700.0  # highest noise level of the sampler
    start_sigma: float | None = None  # where sampling begins; None: at noise alone, see `SamplingSettings`
    temporal_vae_decoder: bool = True  # SVD decodes with AutoencoderKLTemporalDecoder; False: the image VAE


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Everything that one set of weights consists of."""

    preset: str
    vision: VisionEncoderConfig = field(default_factory=VisionEncoderConfig)
    text: TextEncoderConfig = field(default_factory=TextEncoderConfig)
    face: FaceEncoderConfig = field(default_factory=FaceEncoderConfig)
    compressor: CompressorConfig = field(default_factory=CompressorConfig)
    autoregressive: AutoregressiveConfig = field(default_factory=AutoregressiveConfig)
    autoencoder: AutoencoderConfig = field(default_factory=AutoencoderConfig)
    renderer: RendererConfig = field(default_factory=RendererConfig)
    video: VideoConfig = field(default_factory=VideoConfig)

    def __post_init__(self) -> None:
        c, a, r = self.compressor, self.autoregressive, self.renderer
        _require(
            c.num_spatial_tokens == self.vision.num_spatial_tokens,
            "compressor and vision tower disagree on tokens",
        )
        _require(c.spatial_channels == self.vision.width, "compressor and vision tower disagree on channels")
        _require(
            c.num_visual_tokens == a.num_visual_tokens == r.num_visual_slots,
            "compressor, planner and renderer disagree on the number of visual tokens",
        )
        _require(
            c.token_channels == a.token_channels == r.cross_attention_channels, "token channels disagree"
        )
        _require(self.text.embed_dim == a.text_channels == r.text_channels, "text channels disagree")
        _require(self.face.embed_dim == a.face_channels == r.face_channels, "face channels disagree")
        _require(
            self.autoencoder.latent_channels == r.latent_channels,
            "VAE and renderer disagree on latent channels",
        )


def paper() -> ModelConfig:
    """The sizes of the paper: ViT-L/14, LongCLIP-L, FaRL, LLaMA-2-7B, SDXL, SVD."""
    return ModelConfig(preset="paper")


def miniature() -> ModelConfig:
    """The same architecture, small enough to train and run on two CPU cores (224 x 128 frames)."""
    return ModelConfig(
        preset="miniature",
        vision=VisionEncoderConfig(
            image_height=128, image_width=224, patch_px=16, width=192, layers=4, heads=4, embed_dim=256,
            quick_gelu=False, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5),
        ),
        text=TextEncoderConfig(
            vocab_size=2048, width=192, layers=3, heads=4, embed_dim=256, quick_gelu=False, person_tokens=True
        ),
        face=FaceEncoderConfig(
            image_px=64, patch_px=8, width=128, layers=4, heads=4, embed_dim=128,
            quick_gelu=False, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5),
        ),
        compressor=CompressorConfig(
            num_spatial_tokens=113, spatial_channels=192, token_channels=256, heads=4, widen_first=True,
            visual_mlp_ratio=2,
        ),
        autoregressive=AutoregressiveConfig(
            vocab_size=64, hidden_size=256, num_layers=4, num_heads=4, num_key_value_heads=4, intermediate_size=704,
            text_channels=256, face_channels=128, token_channels=256, num_components=8, dropout=0.1,
            # Trained on episodes of 16 keyframes, and worse with more. Squared error of the mixture's mean under
            # teacher forcing, per block of 16 keyframes, with all earlier ones before it: 0.27, 0.28, 0.33, 0.39,
            # 0.36, 0.40; the same blocks read alone: 0.25 to 0.27.
            window_keyframes=16,
            # Variance of the latents that the coarse latents of sampled tokens explain: at 0, 0.29; 0.1, 0.28;
            # 0.2, 0.25; 0.3, 0.20; 0.5, 0.04; at 1, -0.83, less than the mean frame.
            spread=0.2,
        ),
        autoencoder=AutoencoderConfig(
            pixel_unshuffle=4, latent_channels=8, block_out_channels=(64, 96), layers_per_block=1,
            mid_block_attention=False, scaling_factor=1.0,
        ),
        renderer=RendererConfig(
            image_height=128, image_width=224, latent_channels=8, block_out_channels=(64, 128, 192),
            attention_at=(False, True, True), transformer_layers=(1, 1, 1), layers_per_block=1,
            attention_heads=(1, 2, 3), cross_attention_channels=256, pooled_channels=256, time_id_channels=32,
            text_channels=256, face_channels=128, prediction_type="v_prediction", zero_terminal_snr=True,
            coarse_grid=(4, 7), script_guidance=2.0,
        ),
        video=VideoConfig(
            latent_channels=8, block_out_channels=(32, 64, 64), attention_at=(False, True, True),
            transformer_layers=(1, 1, 1), layers_per_block=1, attention_heads=(1, 1, 1),
            cross_attention_channels=256, time_id_channels=32, temporal_vae_decoder=False, sigma_max=80.0,
            start_sigma=0.7,
        ),
    )  # fmt: skip


PRESETS = {"paper": paper, "miniature": miniature}


def to_dict(config: Any) -> dict[str, Any]:
    """Plain JSON-ready dictionary of a config."""
    return dataclasses.asdict(config)


def from_dict(kind: type[Config], values: dict[str, Any]) -> Config:
    """The config of that kind back from `to_dict`. Raises WeightsError for an unknown or missing entry."""
    fields = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise WeightsError(
            f"config has unknown entries {unknown} for {kind.__name__}; use weights of this version"
        )
    found: dict[str, Any] = {}
    for name, value in values.items():
        part = _PARTS.get(name) if kind is ModelConfig else None
        if part is not None:
            value = from_dict(part, value)
        found[name] = tuple(value) if isinstance(value, list) else value
    try:
        return kind(**found)
    except (TypeError, ValueError) as error:
        raise WeightsError(f"config of {kind.__name__} is not usable: {error}") from error


_PARTS: dict[str, type[Any]] = {
    "vision": VisionEncoderConfig,
    "text": TextEncoderConfig,
    "face": FaceEncoderConfig,
    "compressor": CompressorConfig,
    "autoregressive": AutoregressiveConfig,
    "autoencoder": AutoencoderConfig,
    "renderer": RendererConfig,
    "video": VideoConfig,
}
