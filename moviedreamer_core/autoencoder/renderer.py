"""Renderer: an SDXL U-Net that denoises latents under a keyframe's conditioning, and its training loss.

B keyframes, L latent channels, h x w latent pixels, H x W image pixels, S slots, D slot channels.
Source: MovieDreamer, sections 3.2 and 3.5; the architecture is SDXL's (Podell et al. 2023), guidance that of
Ho & Salimans 2022, its rescaling that of Lin et al. 2023, section 3.4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from diffusers import UNet2DConditionModel
from jaxtyping import Float, Int
from PIL import Image
from torch import Tensor, nn

from moviedreamer_core.autoencoder.conditioning import Conditioning, RenderConditions, joined
from moviedreamer_core.autoencoder.noise_schedule import NoiseSchedule
from moviedreamer_core.autoencoder.vae import ImageVAE
from moviedreamer_core.config import RendererConfig

Judge = Callable[[Tensor, Tensor], Tensor]
NUM_TIME_IDS = 6
ZERO_SNR_GUIDANCE_RESCALE = 0.7  # Lin et al., section 3.4


def build_unet(config: RendererConfig) -> UNet2DConditionModel:
    """SDXL's U-Net at the sizes of `config`, with random weights.

    Beware of one name of the library's: its `attention_head_dim` is the NUMBER of heads per resolution.
    """
    down = ["CrossAttnDownBlock2D" if attention else "DownBlock2D" for attention in config.attention_at]
    up = ["CrossAttnUpBlock2D" if attention else "UpBlock2D" for attention in reversed(config.attention_at)]
    return UNet2DConditionModel(
        in_channels=in_channels(config),
        out_channels=config.latent_channels,
        down_block_types=tuple(down),
        up_block_types=tuple(up),
        block_out_channels=config.block_out_channels,
        layers_per_block=config.layers_per_block,
        transformer_layers_per_block=config.transformer_layers,
        attention_head_dim=config.attention_heads,
        norm_num_groups=config.norm_groups,
        cross_attention_dim=config.cross_attention_channels,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=config.time_id_channels,
        projection_class_embeddings_input_dim=config.pooled_channels + NUM_TIME_IDS * config.time_id_channels,
    )


def in_channels(config: RendererConfig) -> int:
    """Of the U-Net: the noisy latents and, if there are any, the coarse ones beside them."""
    return config.latent_channels * (2 if config.coarse_grid else 1)


@dataclass(frozen=True, kw_only=True)
class RenderStep:
    """Where a rendering stands: step `index` of `total`, 1-based.

    `estimate` is the clean latent as the U-Net sees it now (`vae.decode` shows it); `images` in [0, 1] come
    with the last step only.
    """

    index: int
    total: int
    estimate: Float[Tensor, "B L h w"]
    images: Float[Tensor, "B 3 H W"] | None = None


class Renderer(nn.Module):
    """U-Net, conditioning and VAE that belong together."""

    def __init__(
        self, config: RendererConfig, *, unet: UNet2DConditionModel, conditioning: Conditioning, vae: ImageVAE
    ) -> None:
        super().__init__()
        if (unet.config.in_channels, vae.latent_channels) != (in_channels(config), config.latent_channels):
            raise ValueError(
                f"latent channels disagree: U-Net {unet.config.in_channels}, VAE {vae.latent_channels}, config "
                f"{in_channels(config)} and {config.latent_channels}; use parts that were trained together"
            )
        self.config = config
        self.unet = unet
        self.conditioning = conditioning
        self.vae = vae
        self.schedule = NoiseSchedule(config)

    def predict(
        self, noisy: Float[Tensor, "B L h w"], timesteps: Int[Tensor, " B"], conditions: RenderConditions
    ) -> Float[Tensor, "B L h w"]:
        """The U-Net's answer (noise or v), in float32 whatever it computes in."""
        dtype = self.unet.dtype
        answer = self.unet(
            conditions.beside(noisy).to(dtype),
            timesteps,
            encoder_hidden_states=conditions.slots.to(dtype),
            added_cond_kwargs={"text_embeds": conditions.pooled.to(dtype), "time_ids": conditions.time_ids},
        ).sample
        return answer.float()

    def noise_loss(
        self,
        latents: Float[Tensor, "B L h w"],
        conditions: RenderConditions,
        *,
        generator: torch.Generator,
        noise_offset: float = 0.05,
        timesteps: Int[Tensor, " B"] | None = None,
        emphasis: Float[Tensor, "B h w"] | None = None,
        judge: Judge | None = None,
    ) -> Float[Tensor, " B"]:
        """Mean squared error of the prediction, per keyframe, at `timesteps` or at random ones.

        `emphasis` weights the spots of a frame (mean 1). What `judge` says of the clean estimates [B, L, h, w] at
        `timesteps` is added to it.
        `noise_offset` adds noise that is constant over each channel's image, so that overall brightness is
        learned (0.05 in the paper's movie stages; zero terminal SNR serves the same end).
        """
        batch, channels = latents.shape[:2]
        if timesteps is None:
            num_timesteps = len(self.schedule.alpha_bar)
            timesteps = torch.randint(num_timesteps, (batch,), generator=generator, device=generator.device)
        timesteps = timesteps.to(latents.device)
        noise = _randn_like(latents, latents.shape, generator)
        if noise_offset:
            noise = noise + noise_offset * _randn_like(latents, (batch, channels, 1, 1), generator)
        noisy = self.schedule.noisy(latents, noise, timesteps)
        prediction = self.predict(noisy, timesteps, conditions)
        target = self.schedule.target(latents, noise, timesteps)
        error = (prediction - target).square()
        if emphasis is not None:
            error = error * emphasis[:, None]
        loss = error.mean(dim=(1, 2, 3))  # (B,)
        if judge is not None:
            loss = loss + judge(self.schedule.clean_estimate(noisy, prediction, timesteps), timesteps)
        return loss

    def render(
        self,
        conditions: RenderConditions,
        *,
        seeds: Sequence[int],
        steps: int = 20,
        guidance_scale: float = 3.0,
        guidance_rescale: float | None = None,
        size: tuple[int, int] | None = None,
    ) -> Iterator[RenderStep]:
        """Denoise a batch of keyframes, yielding after each step; the last item carries the images.

        Every keyframe starts from the noise of its own seed, drawn on the CPU: its picture depends neither on
        the device's random numbers nor on the other keyframes of the batch (up to rounding, about 1e-5:
        matrix products of another batch size add up in another order; the same batch repeats exactly).
        `guidance_scale` is that of classifier-free guidance; the config's `script_guidance` says how many times as
        much sentences and faces are guided to as visual tokens; with both 1, nothing is guided. `guidance_rescale`
        pulls the contrast of the guided prediction back (by default only where the terminal SNR is zero, which
        would over-expose). `size` is (height, width) in px, by default the configured one.
        Raises ValueError unless there is a seed per keyframe.
        """
        size = size or (self.config.image_height, self.config.image_width)
        if guidance_rescale is None:
            guidance_rescale = ZERO_SNR_GUIDANCE_RESCALE if self.config.zero_terminal_snr else 0.0
        latents = self.initial_noise(len(conditions), seeds, size).to(conditions.slots.device)
        conditions = conditions.resized(size)
        solver = self.schedule.solver(steps, latents.device)
        total = len(solver.timesteps)
        for index, timestep in enumerate(solver.timesteps, start=1):
            # Not around the whole loop: whoever iterates must find autograd as they left it.
            with torch.no_grad():
                prediction = self._guided_prediction(
                    latents, timestep, conditions, scale=guidance_scale, rescale=guidance_rescale
                )
            estimate = self.schedule.clean_estimate(latents, prediction, timestep.expand(len(latents)))
            latents = solver.step(prediction, timestep, latents).prev_sample
            with torch.no_grad():
                images = self.vae.decode(latents.to(self.vae.kl.dtype)).float() if index == total else None
            yield RenderStep(index=index, total=total, estimate=estimate, images=images)

    def _guided_prediction(
        self,
        latents: Float[Tensor, "B L h w"],
        timestep: Int[Tensor, ""],
        conditions: RenderConditions,
        *,
        scale: float,
        rescale: float,
    ) -> Float[Tensor, "B L h w"]:
        if scale == self.config.script_guidance == 1:
            return self.predict(latents, timestep.expand(len(latents)), conditions)
        branches = [conditions.unconditional(), conditions]
        if self.config.script_guidance != 1:  # otherwise the branch between them cancels out
            branches.insert(1, conditions.visual_alone(self.config.num_visual_slots))
        batch = joined(branches)
        predictions = self.predict(latents.repeat(len(branches), 1, 1, 1), timestep.expand(len(batch)), batch)
        unconditional, *between, conditional = predictions.chunk(len(branches))
        return guided(
            unconditional, conditional, scale=scale, rescale=rescale,
            visual=between[0] if between else None, script_scale=scale * self.config.script_guidance,
        )  # fmt: skip

    def initial_noise(
        self, num_keyframes: int, seeds: Sequence[int], size: tuple[int, int]
    ) -> Float[Tensor, "B L h w"]:
        """Standard normal latents for images of `size`, one generator for each seed."""
        if len(seeds) != num_keyframes:
            raise ValueError(f"{num_keyframes} keyframes for {len(seeds)} seeds; give one seed for each")
        shape = (self.config.latent_channels, self.vae.latent_height(size[0]), self.vae.latent_width(size[1]))
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        return torch.stack([torch.randn(shape, generator=generator) for generator in generators])


def guided(
    unconditional: Float[Tensor, "B L h w"],
    conditional: Float[Tensor, "B L h w"],
    *,
    scale: float,
    rescale: float,
    visual: Float[Tensor, "B L h w"] | None = None,
    script_scale: float = 1.0,
) -> Float[Tensor, "B L h w"]:
    """Classifier-free guidance, its contrast pulled back by the share `rescale` to the conditional one's.

    With `visual`, the prediction from the visual tokens alone, there are two scales: `scale` of what these add
    to nothing, `script_scale` of what sentences and faces add to them.
    Source: Ho & Salimans 2022, equation 6; two conditions: Brooks et al. 2023 (InstructPix2Pix), equation 3;
    contrast: Lin et al. 2023, section 3.4, equations 14 to 16.
    """
    if visual is None:
        answer = unconditional + scale * (conditional - unconditional)
    else:
        answer = unconditional + scale * (visual - unconditional) + script_scale * (conditional - visual)
    if rescale == 0:
        return answer
    axes = (1, 2, 3)
    matched = answer * (conditional.std(axes, keepdim=True) / answer.std(axes, keepdim=True))
    return rescale * matched + (1 - rescale) * answer


def to_image(image: Float[Tensor, "3 H W"]) -> Image.Image:
    """A PIL image of one frame in [0, 1]; values outside are clipped."""
    levels = (image.detach().float().clamp(0, 1) * 255).round().to(torch.uint8)
    return Image.fromarray(levels.permute(1, 2, 0).cpu().numpy())  # (H, W, 3)


def _randn_like(like: Tensor, shape: Sequence[int], generator: torch.Generator) -> Tensor:
    return torch.randn(tuple(shape), generator=generator, device=generator.device).to(like)
