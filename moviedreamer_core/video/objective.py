"""Training objective of the image-to-video U-Net, and its start from an image U-Net.

B batch, F frames, C latent channels, h w latent rows and columns, A anchor channels.
Sources: EDM, Karras et al. 2022, table 1 and section 5; Stable Video Diffusion (SVD), Blattmann et al. 2023,
appendix D; InstructPix2Pix, Brooks et al. 2023, section 3.2.1 (dropping two conditions).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from diffusers.models.attention import TemporalBasicTransformerBlock
from diffusers.models.resnet import TemporalResnetBlock
from diffusers.models.transformers.transformer_temporal import TransformerSpatioTemporalModel
from diffusers.models.unets.unet_spatio_temporal_condition import UNetSpatioTemporalConditionModel
from jaxtyping import Float
from torch import Tensor, nn

SIGMA_LOG_MEAN, SIGMA_LOG_STD = 0.7, 1.6  # noise level of a training video
AUGMENTATION_LOG_MEAN, AUGMENTATION_LOG_STD = -3.0, 0.5  # noise level of its conditioning latent
CONDITION_DROPOUT = 0.05  # of the anchor alone, of the first frame alone, and of both


def video_loss(
    unet: nn.Module,
    latents: Float[Tensor, "B F C h w"],
    first_latent: Float[Tensor, "B C h w"],
    anchor: Float[Tensor, "B A"],
    ids: Float[Tensor, "B 2"],
    *,
    generator: torch.Generator,
    sigma_log_mean: float = SIGMA_LOG_MEAN,
    sigma_log_std: float = SIGMA_LOG_STD,
    condition_dropout: float = CONDITION_DROPOUT,
) -> Float[Tensor, ""]:
    """EDM-weighted squared error of the denoised videos, one noise level per video.

    `latents` and `first_latent` are clean, of about unit variance; `ids` are (frames per second - 1, motion
    bucket id), to which the strength of the noise on `first_latent` is added. Sources: EDM, equations 7 and 8
    with the v-prediction scalings of SVD (data deviation 1), appendix D of SVD for the distributions.
    """
    batch = len(latents)
    sigma = _log_normal(batch, sigma_log_mean, sigma_log_std, generator).to(latents.device)
    strength = _log_normal(batch, AUGMENTATION_LOG_MEAN, AUGMENTATION_LOG_STD, generator).to(latents.device)
    noisy = latents + sigma[:, None, None, None, None] * _noise_like(latents, generator)
    condition = first_latent + strength[:, None, None, None] * _noise_like(first_latent, generator)
    condition, anchor = _drop_conditions(condition, anchor, condition_dropout, generator)
    time_ids = torch.cat([ids, strength[:, None]], dim=1)
    denoised = denoised_video(unet, noisy, sigma, condition, anchor, time_ids)
    weight = (sigma.square() + 1) / sigma.square()
    error = (denoised - latents).square().mean(dim=(1, 2, 3, 4))  # (B,)
    return (weight * error).mean()


def denoised_video(
    unet: nn.Module,
    noisy: Float[Tensor, "B F C h w"],
    sigma: Float[Tensor, " B"],
    condition: Float[Tensor, "B C h w"],
    anchor: Float[Tensor, "B A"],
    time_ids: Float[Tensor, "B 3"],
) -> Float[Tensor, "B F C h w"]:
    """The U-Net's estimate of the clean latents. Source: EDM, equation 7, with SVD's v-scalings."""
    wide = sigma[:, None, None, None, None]
    repeated = condition[:, None].expand(-1, noisy.shape[1], -1, -1, -1)
    scaled = noisy / (wide.square() + 1).sqrt()
    velocity = unet(
        torch.cat([scaled, repeated], dim=2),  # (B, F, 2C, h, w)
        0.25 * sigma.log(),
        encoder_hidden_states=anchor[:, None],  # (B, 1, A)
        added_time_ids=time_ids,
    ).sample.float()
    return noisy / (wide.square() + 1) - velocity * wide / (wide.square() + 1).sqrt()


def spatial_weights_from_image_unet(
    image_unet_state: Mapping[str, Tensor], video_unet: UNetSpatioTemporalConditionModel
) -> dict[str, Tensor]:
    """The tensors of a `UNet2DConditionModel` under the names of `video_unet`'s spatial layers.

    Only those whose place exists and whose shape fits; `len` of the result counts them. The first convolution
    also sees the first frame's latent: its weights for that half are zero. Load with `strict=False`, and call
    `start_temporal_layers_at_identity` to begin as that image model, frame by frame.
    Source: SVD, section 3 (an image model first, temporal layers inserted into it).
    """
    places = video_unet.state_dict()
    taken: dict[str, Tensor] = {}
    for name, tensor in image_unet_state.items():
        place = _video_name(name)
        target = places.get(place)
        if target is None:
            continue
        if place == "conv_in.weight" and target.shape[1] == 2 * tensor.shape[1]:
            tensor = torch.cat([tensor, torch.zeros_like(tensor)], dim=1)
        if target.shape == tensor.shape:
            taken[place] = tensor
    return taken


def start_temporal_layers_at_identity(video_unet: UNetSpatioTemporalConditionModel) -> None:
    """Zero the last linear map of every temporal branch, so that frames do not mix until training wants it.

    Source: `VideoResBlock` and `zero_module` of the SVD authors' generative-models repository.
    """
    for module in video_unet.modules():
        if isinstance(module, TemporalResnetBlock):
            _zero(module.conv2)
        elif isinstance(module, TransformerSpatioTemporalModel):
            _zero(module.time_pos_embed.linear_2)
        elif isinstance(module, TemporalBasicTransformerBlock):
            _zero(module.ff_in.net[-1])
            _zero(module.attn1.to_out[0])
            _zero(module.attn2.to_out[0])
            _zero(module.ff.net[-1])


def _zero(layer: nn.Module) -> None:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


def _video_name(image_name: str) -> str:
    """`mid_block.resnets.1.conv1.weight` lies at `mid_block.resnets.1.spatial_res_block.conv1.weight`."""
    parts = image_name.split(".")
    if "resnets" in parts:
        parts.insert(parts.index("resnets") + 2, "spatial_res_block")
    return ".".join(parts)


def _drop_conditions(
    condition: Float[Tensor, "B C h w"],
    anchor: Float[Tensor, "B A"],
    probability: float,
    generator: torch.Generator,
) -> tuple[Float[Tensor, "B C h w"], Float[Tensor, "B A"]]:
    """Zero the anchor, the first frame, or both, each with `probability`: guidance samples without both."""
    draw = torch.rand(len(anchor), generator=generator, device=generator.device).to(anchor.device)
    keep_anchor = (draw >= 2 * probability).to(anchor.dtype)
    keep_frame = ((draw < probability) | (draw >= 3 * probability)).to(condition.dtype)
    return condition * keep_frame[:, None, None, None], anchor * keep_anchor[:, None]


def _log_normal(batch: int, mean: float, std: float, generator: torch.Generator) -> Float[Tensor, " B"]:
    return (mean + std * torch.randn(batch, generator=generator, device=generator.device)).exp()


def _noise_like(tensor: Tensor, generator: torch.Generator) -> Tensor:
    noise = torch.randn(tensor.shape, generator=generator, device=generator.device)
    return noise.to(tensor.device, tensor.dtype)
