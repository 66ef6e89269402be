"""Keyframe -> clip: Stable Video Diffusion whose later segments keep looking at the original first frame.

B batch, F frames of a segment, C latent channels, h w latent rows and columns, H W pixels, A anchor channels.
Sources: MovieDreamer, section 3.5 (the anchor); Stable Video Diffusion, Blattmann et al. 2023, appendix D,
and its published img2vid configs; EDM, Karras et al. 2022 (noise levels, preconditioning).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from diffusers.models.unets.unet_spatio_temporal_condition import UNetSpatioTemporalConditionModel
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from jaxtyping import Float
from torch import Tensor

from moviedreamer_core.config import VideoConfig

Encode = Callable[[Float[Tensor, "B 3 H W"]], Float[Tensor, "B C h w"]]
Decode = Callable[[Float[Tensor, "F C h w"]], Float[Tensor, "F 3 H W"]]
Embed = Callable[[Float[Tensor, "3 H W"]], Float[Tensor, "1 A"]]
Chaining = Literal["anchored", "last_frame"]

MOTION_BUCKETS = {"calm": 32, "gentle": 80, "natural": 127, "lively": 200}  # natural: the default of SVD
MAX_MOTION_BUCKET = 255
NUM_TIME_IDS = 3  # frames per second - 1, motion bucket, strength of the noise on the first frame


def build_video_unet(config: VideoConfig) -> UNetSpatioTemporalConditionModel:
    """The spatio-temporal U-Net of those sizes, randomly initialised.

    Channels must be multiples of 32, the groups of its norms. Source: `unet/config.json` of SVD.
    """
    kinds = ["CrossAttn" if attention else "" for attention in config.attention_at]
    return UNetSpatioTemporalConditionModel(
        in_channels=2 * config.latent_channels,  # noisy frame ++ first frame
        out_channels=config.latent_channels,
        down_block_types=tuple(f"{kind}DownBlockSpatioTemporal" for kind in kinds),
        up_block_types=tuple(f"{kind}UpBlockSpatioTemporal" for kind in reversed(kinds)),
        block_out_channels=config.block_out_channels,
        addition_time_embed_dim=config.time_id_channels,
        projection_class_embeddings_input_dim=NUM_TIME_IDS * config.time_id_channels,
        layers_per_block=config.layers_per_block,
        cross_attention_dim=config.cross_attention_channels,
        transformer_layers_per_block=config.transformer_layers,
        num_attention_heads=config.attention_heads,
        num_frames=config.num_frames,
    )


def build_scheduler(sigma_max: float = 700.0) -> EulerDiscreteScheduler:
    """The published SVD sampler: Euler steps over Karras noise levels, v-prediction."""
    return EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        use_karras_sigmas=True,
        sigma_min=0.002,
        sigma_max=sigma_max,
        timestep_spacing="leading",
        timestep_type="continuous",  # the U-Net is told ln(sigma) / 4
        steps_offset=1,
    )


def motion_bucket(motion: str | int) -> int:
    """The bucket id 0 (still) to 255 that the U-Net is told. Raises ValueError for another word or number."""
    if isinstance(motion, str):
        if motion not in MOTION_BUCKETS:
            raise ValueError(f"motion must be one of {', '.join(MOTION_BUCKETS)}, got {motion!r}")
        return MOTION_BUCKETS[motion]
    if not 0 <= motion <= MAX_MOTION_BUCKET:
        raise ValueError(f"motion must be between 0 and {MAX_MOTION_BUCKET}, got {motion}")
    return motion


@dataclass(frozen=True, kw_only=True)
class SamplingSettings:
    """How a clip is sampled; the defaults are SVD's. Guidance rises linearly over the frames of a segment.

    `noise_aug_strength` is the deviation of the noise on the first frame's pixels in [-1, 1] or latent.
    `start_sigma` begins at the first noise level not above it, with the first frame in every frame's place
    (SDEdit, Meng et al. 2022), for weights that denoise well only where little is missing: less moves, and
    what moves stays the keyframe. None begins with noise alone, as SVD does.
    """

    steps: int = 25
    motion: str | int = "natural"  # a word of MOTION_BUCKETS, or a bucket id
    frames_per_second: int = 7
    min_guidance_scale: float = 1.0
    max_guidance_scale: float = 3.0
    noise_aug_strength: float = 0.02
    sigma_max: float = 700.0
    start_sigma: float | None = None

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, got {self.steps}")
        if self.frames_per_second < 1:
            raise ValueError(f"frames_per_second must be at least 1, got {self.frames_per_second}")
        if not 0 <= self.noise_aug_strength <= 1:
            raise ValueError(f"noise_aug_strength must be between 0 and 1, got {self.noise_aug_strength}")
        if not self.sigma_max > 1:
            raise ValueError(f"sigma_max must be above 1, the deviation of the latents, got {self.sigma_max}")
        if self.start_sigma is not None and not 0 < self.start_sigma <= self.sigma_max:
            raise ValueError(f"start_sigma must be above 0 and at most sigma_max, got {self.start_sigma}")
        motion_bucket(self.motion)

    @property
    def first_step(self) -> int:
        """How many steps of the schedule `start_sigma` leaves out."""
        if self.start_sigma is None:
            return 0
        scheduler = build_scheduler(self.sigma_max)
        scheduler.set_timesteps(self.steps)
        return min(self.steps - 1, int((scheduler.sigmas[:-1] > self.start_sigma).sum()))

    @property
    def guided(self) -> bool:
        """False where both scales are 1: then the unconditional half of the batch is not computed."""
        return not self.min_guidance_scale == self.max_guidance_scale == 1

    @property
    def time_ids(self) -> tuple[float, float, float]:
        """The micro-conditioning: SVD was trained on frames per second less one."""
        return float(self.frames_per_second - 1), float(motion_bucket(self.motion)), self.noise_aug_strength


SVD_SETTINGS = SamplingSettings()


@dataclass(frozen=True, kw_only=True)
class SamplingStep:
    """Progress: `step` of `num_steps` in `segment` of `num_segments` is done; both count from 1."""

    segment: int
    num_segments: int
    step: int
    num_steps: int


@dataclass(frozen=True, kw_only=True)
class AnchoredSVD:
    """SVD with its VAE and image encoder left to the caller.

    `encode_frame` takes images in [0, 1] and gives the latents that are concatenated (SVD: the mode, not
    scaled); `decode_frames` turns the sampled latents of one segment into images in [0, 1]. `noise_on` says
    what the first frame's noise is added to: `pixels` for published SVD weights, `latents` for those trained
    with `objective.video_loss`.
    """

    unet: UNetSpatioTemporalConditionModel
    config: VideoConfig
    encode_frame: Encode
    decode_frames: Decode
    noise_on: Literal["pixels", "latents"]

    def animate(
        self,
        first_frame: Float[Tensor, "3 H W"],
        anchor: Float[Tensor, "1 A"],
        *,
        num_frames: int,
        seed: int,
        settings: SamplingSettings = SVD_SETTINGS,
        chaining: Chaining = "anchored",
        embed: Embed | None = None,
    ) -> Iterator[SamplingStep | Float[Tensor, "N 3 H W"]]:
        """Yield progress and, at the end of each segment, its new frames; in all `num_frames` of them.

        `first_frame` is in [0, 1], as the frames are, and `anchor` is its embedding. Every further segment
        starts at the last frame of the one before; it repeats that frame, which is dropped. With `anchored`
        chaining it keeps `anchor`; `last_frame` chaining embeds the frame it starts at, which drifts and is
        there for comparison. Source: section 3.5.
        Raises ValueError for no frames, unknown chaining, or `last_frame` without `embed`.
        """
        if num_frames < 1:
            raise ValueError(f"num_frames must be at least 1, got {num_frames}")
        if chaining not in get_args(Chaining):
            raise ValueError(f"chaining must be one of {', '.join(get_args(Chaining))}, got {chaining!r}")
        if chaining == "last_frame" and embed is None:
            raise ValueError("chaining last_frame embeds the frame a segment starts at; pass embed")
        num_segments = count_segments(num_frames, self.config.num_frames)
        num_left = num_frames
        for segment in range(1, num_segments + 1):
            if segment > 1 and chaining == "last_frame" and embed is not None:
                anchor = embed(first_frame)
            frames = yield from self.generate_segment(
                first_frame,
                anchor,
                generator=torch.Generator().manual_seed(segment_seed(seed, segment)),
                settings=settings,
                place=(segment, num_segments),
            )
            new = (frames if segment == 1 else frames[1:])[:num_left]
            yield new
            num_left -= len(new)
            first_frame = frames[-1]

    def generate_segment(
        self,
        first_frame: Float[Tensor, "3 H W"],
        anchor: Float[Tensor, "1 A"],
        *,
        generator: torch.Generator,
        settings: SamplingSettings = SVD_SETTINGS,
        place: tuple[int, int] = (1, 1),
    ) -> Generator[SamplingStep, None, Float[Tensor, "F 3 H W"]]:
        """Yield a `SamplingStep` after each step; return F frames in [0, 1], the first repeats `first_frame`.

        `place` is (segment, segments of the clip). Noise is drawn on the generator's device: a seed means the
        same noise on whatever runs the U-Net.
        """
        device = next(self.unet.parameters()).device
        first_latent = self._first_latent(first_frame, settings.noise_aug_strength, generator)
        condition = _Condition(
            first_latent=first_latent.to(device),
            anchor=anchor.to(device)[None],
            time_ids=torch.tensor([settings.time_ids], device=device),
        )
        shape = (1, self.config.num_frames, *first_latent.shape[1:])
        noise = torch.randn(shape, generator=generator, device=generator.device)
        sampling = denoise(self.unet, noise.to(device), condition, settings)
        num_steps = settings.steps - settings.first_step
        for step in range(1, num_steps + 1):
            latents = next(sampling)
            yield SamplingStep(segment=place[0], num_segments=place[1], step=step, num_steps=num_steps)
        with torch.no_grad():
            return self.decode_frames(latents[0]).float().clamp(0, 1)

    @torch.no_grad()
    def _first_latent(
        self, frame: Float[Tensor, "3 H W"], strength: float, generator: torch.Generator
    ) -> Float[Tensor, "1 C h w"]:
        """The latent that every frame of the segment sees, slightly noised."""
        frame = frame[None]
        if self.noise_on == "latents":
            latent = self.encode_frame(frame)
            return latent + strength * _noise_like(latent, generator)
        return self.encode_frame(frame + 0.5 * strength * _noise_like(frame, generator))  # [-1, 1] is 2 wide


@dataclass(frozen=True, kw_only=True)
class _Condition:
    first_latent: Float[Tensor, "B C h w"]
    anchor: Float[Tensor, "B 1 A"]
    time_ids: Float[Tensor, "B 3"]

    def with_negative(self) -> _Condition:
        """Zero latent and zero anchor first, then this one: both halves of classifier-free guidance."""
        return _Condition(
            first_latent=torch.cat([torch.zeros_like(self.first_latent), self.first_latent]),
            anchor=torch.cat([torch.zeros_like(self.anchor), self.anchor]),
            time_ids=torch.cat([self.time_ids, self.time_ids]),
        )


def denoise(
    unet: UNetSpatioTemporalConditionModel,
    noise: Float[Tensor, "B F C h w"],
    condition: _Condition,
    settings: SamplingSettings,
) -> Iterator[Float[Tensor, "B F C h w"]]:
    """Yield the latents after each Euler step, from unit `noise` to the sample.

    With `start_sigma` the first frame's latent must be scaled as the samples are (not so in published SVD weights).
    """
    scheduler, begin = build_scheduler(settings.sigma_max), settings.first_step
    scheduler.set_timesteps(settings.steps, device=noise.device)
    scheduler.set_begin_index(begin)
    latents = noise * scheduler.init_noise_sigma
    if begin:
        latents = condition.first_latent[:, None] + scheduler.sigmas[begin].to(noise) * noise
    if settings.guided:
        condition = condition.with_negative()
    scales = torch.linspace(settings.min_guidance_scale, settings.max_guidance_scale, noise.shape[1])
    scales = scales.to(noise.device)[:, None, None, None]  # (F, 1, 1, 1)
    for timestep in scheduler.timesteps[begin:]:
        scaled = scheduler.scale_model_input(latents, timestep)
        if settings.guided:
            negative, positive = _predict(unet, torch.cat([scaled, scaled]), timestep, condition).chunk(2)
            prediction = negative + scales * (positive - negative)
        else:
            prediction = _predict(unet, scaled, timestep, condition)
        latents = scheduler.step(prediction, timestep, latents, return_dict=False)[0]
        yield latents


@torch.no_grad()
def _predict(
    unet: UNetSpatioTemporalConditionModel,
    scaled: Float[Tensor, "B F C h w"],
    timestep: Float[Tensor, ""],
    condition: _Condition,
) -> Float[Tensor, "B F C h w"]:
    dtype = next(unet.parameters()).dtype
    first_latents = condition.first_latent[:, None].expand(-1, scaled.shape[1], -1, -1, -1)
    return unet(
        torch.cat([scaled, first_latents], dim=2).to(dtype),  # (B, F, 2C, h, w)
        timestep,
        encoder_hidden_states=condition.anchor.to(dtype),
        added_time_ids=condition.time_ids,
    ).sample.float()


def count_segments(num_frames: int, frames_per_segment: int) -> int:
    """Segments for `num_frames`, each further one adding all but its first frame."""
    if num_frames <= frames_per_segment:
        return 1
    if frames_per_segment < 2:
        raise ValueError(f"a segment of {frames_per_segment} frame cannot be extended; use at least 2 frames")
    return 1 + math.ceil((num_frames - frames_per_segment) / (frames_per_segment - 1))


def segment_seed(seed: int, segment: int) -> int:
    """Seed of `segment` (1-based), in [0, 2^63), so that no two segments share their noise."""
    digest = hashlib.sha256(f"{seed}:segment:{segment}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def _noise_like(tensor: Tensor, generator: torch.Generator) -> Tensor:
    noise = torch.randn(tensor.shape, generator=generator, device=generator.device, dtype=torch.float32)
    return noise.to(tensor.device, tensor.dtype)
