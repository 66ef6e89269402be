"""The image tower that frames and faces share: open_clip's VisionTransformer behind its input convention.

B images, H x W pixels. Source: CLIP, section 2.4 (ViT) and its published preprocessing.
"""

from __future__ import annotations

from jaxtyping import Float
from open_clip.transformer import QuickGELU, VisionTransformer
from torch import Tensor, nn
from torch.nn import functional as F

from moviedreamer_core.config import FaceEncoderConfig, VisionEncoderConfig


def build_tower(
    config: VisionEncoderConfig | FaceEncoderConfig, *, image_height: int, image_width: int
) -> VisionTransformer:
    """The tower of that size. Raises ValueError if the patches do not tile the image."""
    if image_height % config.patch_px or image_width % config.patch_px:
        raise ValueError(f"patches of {config.patch_px} px do not tile {image_height} x {image_width} px")
    return VisionTransformer(
        image_size=(image_height, image_width),
        patch_size=config.patch_px,
        width=config.width,
        layers=config.layers,
        heads=config.heads,
        mlp_ratio=4.0,
        output_dim=config.embed_dim,
        act_layer=QuickGELU if config.quick_gelu else nn.GELU,
    )


def prepared(
    images: Float[Tensor, "B 3 H W"],
    tower: VisionTransformer,
    config: VisionEncoderConfig | FaceEncoderConfig,
) -> Float[Tensor, "B 3 h w"]:
    """Images in [0, 1] of any size -> the tower's size, normalised, in the tower's precision and device.

    The whole image is fitted, not a crop of it: what stands at the edges of a wide frame is part of it.
    """
    images = images.to(tower.proj.device).float()
    if tuple(images.shape[-2:]) != tuple(tower.image_size):
        images = F.interpolate(images, size=tower.image_size, mode="bicubic", antialias=True).clamp(0, 1)
    mean, std = (images.new_tensor(rgb)[:, None, None] for rgb in (config.mean, config.std))  # (3, 1, 1)
    return ((images - mean) / std).to(tower.proj.dtype)
