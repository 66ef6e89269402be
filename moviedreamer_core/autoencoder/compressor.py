"""Compressor: the spatial tokens of one frame -> its visual tokens, the planner's unit of prediction.

B batch, T spatial tokens, C spatial channels, V visual tokens, D token channels.
Source: MovieDreamer, section 3.2: transformer blocks, token and channel axes swapped, linear T -> V, blocks.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from moviedreamer_core.config import CompressorConfig

MLP_RATIO = 4


class Block(nn.Module):
    """Pre-norm transformer block: self-attention, then a GELU MLP `mlp_ratio` times as wide."""

    def __init__(self, channels: int, heads: int, mlp_ratio: int = MLP_RATIO) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(f"{channels} channels do not divide into {heads} attention heads; change either")
        self.heads = heads
        self.attention_norm = nn.LayerNorm(channels)
        self.query_key_value = nn.Linear(channels, 3 * channels)
        self.attention_out = nn.Linear(channels, channels)
        self.mlp_norm = nn.LayerNorm(channels)
        self.mlp = nn.Sequential(
            nn.Linear(channels, mlp_ratio * channels), nn.GELU(), nn.Linear(mlp_ratio * channels, channels)
        )

    def forward(self, tokens: Float[Tensor, "B N C"]) -> Float[Tensor, "B N C"]:
        tokens = tokens + self._attend(self.attention_norm(tokens))
        return tokens + self.mlp(self.mlp_norm(tokens))

    def _attend(self, tokens: Float[Tensor, "B N C"]) -> Float[Tensor, "B N C"]:
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (B, heads, N, C / heads)
            for part in self.query_key_value(tokens).chunk(3, dim=-1)
        )
        attended = F.scaled_dot_product_attention(query, key, value)
        return self.attention_out(attended.transpose(1, 2).flatten(2))  # (B, N, C)


class Compressor(nn.Module):
    """Spatial tokens [B, T, C] -> visual tokens [B, V, D].

    Every visual token leaves with mean 0 and variance 1 over its channels (a layer norm without affine
    parameters): planner and renderer can rely on one fixed scale, and the planner's l1 and l2 terms
    cannot be made small by shrinking the tokens.
    """

    def __init__(self, config: CompressorConfig) -> None:
        super().__init__()
        visual = config.token_channels
        spatial = visual if config.widen_first else config.spatial_channels  # channels of the first blocks
        self.config = config
        self.spatial_positions = nn.Parameter(torch.randn(config.num_spatial_tokens, spatial) * 0.02)
        self.spatial_blocks = nn.Sequential(*(Block(spatial, config.heads) for _ in range(config.num_blocks)))
        self.spatial_norm = nn.LayerNorm(spatial)
        self.reduce_tokens = nn.Linear(config.num_spatial_tokens, config.num_visual_tokens)
        self.widen_channels = nn.Linear(config.spatial_channels, visual)
        self.visual_positions = nn.Parameter(torch.randn(config.num_visual_tokens, visual) * 0.02)
        self.visual_blocks = nn.Sequential(
            *(Block(visual, config.heads, config.visual_mlp_ratio) for _ in range(config.num_blocks))
        )
        self.visual_norm = nn.LayerNorm(visual, elementwise_affine=False)

    def forward(self, spatial: Float[Tensor, "B T C"]) -> Float[Tensor, "B V D"]:
        """The visual tokens of each frame. Raises ValueError unless T and C are the configured sizes."""
        expected = (self.config.num_spatial_tokens, self.config.spatial_channels)
        if tuple(spatial.shape[1:]) != expected:
            raise ValueError(
                f"spatial tokens are {list(spatial.shape[1:])} per frame, the compressor was built for "
                f"{list(expected)}; use the vision encoder it was trained with"
            )
        first = self.config.widen_first
        tokens = (
            self.widen_channels(spatial) if first else spatial
        ) + self.spatial_positions  # (B, T, C or D)
        tokens = self.spatial_norm(self.spatial_blocks(tokens))
        tokens = self.reduce_tokens(tokens.transpose(1, 2)).transpose(1, 2)  # (B, V, C or D)
        tokens = (tokens if first else self.widen_channels(tokens)) + self.visual_positions  # (B, V, D)
        return self.visual_norm(self.visual_blocks(tokens))
