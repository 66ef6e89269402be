"""Frame -> spatial tokens and one joint embedding: the image tower of CLIP (ViT-L/14 in the paper).

B frames, T spatial tokens (class token first, then rows of patches), C tower channels, E embedding channels.
Source: MovieDreamer, section 3.2 (frozen CLIP encoder of the diffusion autoencoder).
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from moviedreamer_core.config import VisionEncoderConfig
from moviedreamer_core.encoders.image_tower import build_tower, prepared


class VisionEncoder(nn.Module):
    """Takes frames in [0, 1] of any size."""

    def __init__(self, config: VisionEncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.tower = build_tower(config, image_height=config.image_height, image_width=config.image_width)

    def spatial_tokens(self, images: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B T C"]:
        """The last layer's output after the final layer norm, before the projection; class token first."""
        return self.both(images)[0]

    def embed(self, images: Float[Tensor, "B 3 H W"], *, unit_length: bool = True) -> Float[Tensor, "B E"]:
        """Embeddings in the space shared with the text encoder, of unit length or as the tower gives them."""
        embedding = self.tower(prepared(images, self.tower, self.config))
        return F.normalize(embedding, dim=-1) if unit_length else embedding

    def both(self, images: Float[Tensor, "B 3 H W"]) -> tuple[Float[Tensor, "B T C"], Float[Tensor, "B E"]]:
        """`spatial_tokens` and `embed` in one pass."""
        outputs = self.tower.forward_intermediates(
            prepared(images, self.tower, self.config),
            indices=1,
            normalize_intermediates=True,  # CLIP's final layer norm
            output_fmt="NLC",
            output_extra_tokens=True,
        )
        class_token, patches = outputs["image_intermediates_prefix"][0], outputs["image_intermediates"][0]
        tokens = torch.cat([class_token, patches], dim=1)  # (B, 1, C) ++ (B, rows * columns, C)
        return tokens, F.normalize(outputs["image_features"], dim=-1)

    def forward(self, images: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B T C"]:
        return self.spatial_tokens(images)
