"""Coarse decoder: a frame's visual tokens -> coarse latents, which the U-Net gets beside the noisy ones (ours).

Cross-attention adds the same values of a token everywhere in a picture, so what a token says of the upper left corner
has to be sorted out by layers that hardly know where they are. A large U-Net learns that in long training; the
miniature's did not. So the tokens are also decoded to the places that they tell of and concatenated, as latent
diffusion does with conditions that have places (Rombach et al. 2022, section 3.3) and SVD with its first frame.

B frames, V visual tokens, D token channels, L latent channels, h x w latent pixels.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from moviedreamer_core.config import RendererConfig

CELL = 4  # latent pixels along each side of a cell of the grid
CELL_CHANNELS = 32


class CoarseDecoder(nn.Module):
    """A linear map to a grid of cells, and one from a cell to its latents, the same for all: h = 4 rows, w = 4 columns.

    Raises ValueError for a config without grid.
    """

    def __init__(self, config: RendererConfig) -> None:
        super().__init__()
        if config.coarse_grid is None:
            raise ValueError("the config has no coarse_grid; give one, (rows, columns), or build no decoder")
        rows, columns = config.coarse_grid
        width = config.num_visual_slots * config.cross_attention_channels
        self.grid = (CELL_CHANNELS, rows, columns)
        self.to_grid = nn.Linear(width, CELL_CHANNELS * rows * columns)
        self.to_cell = nn.Conv2d(CELL_CHANNELS, config.latent_channels * CELL**2, kernel_size=1)
        self.unfold = nn.PixelShuffle(CELL)

    def forward(self, visual: Float[Tensor, "B V D"]) -> Float[Tensor, "B L h w"]:
        return self.unfold(self.to_cell(self.to_grid(visual.flatten(1)).unflatten(1, self.grid)))

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the coarse latents."""
        _, rows, columns = self.grid
        return rows * CELL, columns * CELL

    @torch.no_grad()
    def set_linear(self, weight: Float[Tensor, "VD Lhw"], bias: Float[Tensor, " Lhw"]) -> None:
        """Set the weights to the linear map nearest to tokens @ weight + bias of this form, for white tokens."""
        channels = self.grid[0]
        maps = torch.cat([weight, bias[None]]).unflatten(1, (-1, *self.size))  # (VD + 1, L, h, w)
        cells = nn.functional.pixel_unshuffle(maps, CELL).permute(2, 3, 0, 1)  # (rows, columns, VD + 1, cell)
        told, constant = cells[:, :, :-1].flatten(0, 2), cells[:, :, -1]
        basis = torch.linalg.eigh(told.T @ told).eigenvectors[:, -channels:]  # (cell, channels)
        self.to_cell.weight.copy_(basis[:, :, None, None])
        self.to_grid.weight.copy_((cells[:, :, :-1] @ basis).permute(3, 0, 1, 2).flatten(0, 2))
        mean = constant.mean(dim=(0, 1))
        assert self.to_cell.bias is not None
        self.to_cell.bias.copy_(mean)
        self.to_grid.bias.copy_(((constant - mean) @ basis).permute(2, 0, 1).flatten())
