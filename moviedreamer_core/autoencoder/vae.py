"""Image VAE: pixels <-> the latents that the renderer denoises.

B batch, H x W pixels, L latent channels, h x w latent pixels. The plain SDXL autoencoder, or the same class
behind a pixel unshuffle: squares of pixels become channels first, so that its convolutions run at a fraction
of the resolution. Source: diffusers `AutoencoderKL`; Podell et al., SDXL, section 2.4.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from jaxtyping import Float
from torch import Tensor, nn

from moviedreamer_core.config import AutoencoderConfig

RGB = 3


def build_vae(config: AutoencoderConfig) -> ImageVAE:
    """A VAE of that size with random weights."""
    num_resolutions = len(config.block_out_channels)
    channels = RGB * config.pixel_unshuffle**2
    kl = AutoencoderKL(
        in_channels=channels,
        out_channels=channels,
        down_block_types=("DownEncoderBlock2D",) * num_resolutions,
        up_block_types=("UpDecoderBlock2D",) * num_resolutions,
        block_out_channels=config.block_out_channels,
        layers_per_block=config.layers_per_block,
        latent_channels=config.latent_channels,
        scaling_factor=config.scaling_factor,
        mid_block_add_attention=config.mid_block_attention,
    )
    return ImageVAE(kl)


class ImageVAE(nn.Module):
    """`AutoencoderKL` with images in [0, 1] on one side and latents of about unit variance on the other.

    `kl` is the library's own model and is what gets saved; the pixel unshuffle follows from its number of
    input channels, the scale of the latents from its `config.scaling_factor`.
    """

    def __init__(self, kl: AutoencoderKL) -> None:
        super().__init__()
        self.kl = kl
        self.pixel_unshuffle = math.isqrt(kl.config.in_channels // RGB)
        if RGB * self.pixel_unshuffle**2 != kl.config.in_channels:
            raise ValueError(
                f"the VAE has {kl.config.in_channels} input channels, which is not 3 times a square; "
                "use one for RGB images with or without pixel unshuffle"
            )
        self.downsampling = self.pixel_unshuffle * 2 ** (len(kl.config.block_out_channels) - 1)

    @property
    def latent_channels(self) -> int:
        return self.kl.config.latent_channels

    @property
    def scaling_factor(self) -> float:
        """What latents are multiplied by so that their standard deviation is about 1."""
        return self.kl.config.scaling_factor

    @scaling_factor.setter
    def scaling_factor(self, value: float) -> None:
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"scaling_factor must be a positive number, got {value}")
        self.kl.register_to_config(scaling_factor=float(value))

    def latent_height(self, image_height: int) -> int:
        """Rows of the latents of an image of that height. Raises ValueError if it does not divide."""
        return self._latent_side(image_height, "height")

    def latent_width(self, image_width: int) -> int:
        """Columns of the latents of an image of that width. Raises ValueError if it does not divide."""
        return self._latent_side(image_width, "width")

    def _latent_side(self, pixels: int, side: str) -> int:
        if pixels < 1 or pixels % self.downsampling:
            raise ValueError(
                f"image {side} is {pixels} px, the VAE needs a multiple of {self.downsampling}; "
                "resize the image"
            )
        return pixels // self.downsampling

    def posterior(self, images: Float[Tensor, "B 3 H W"]) -> DiagonalGaussianDistribution:
        """The distribution of the UNSCALED latents; its `.kl()` is the regulariser of VAE training."""
        self.latent_height(images.shape[-2])
        self.latent_width(images.shape[-1])
        folded = F.pixel_unshuffle(2 * images - 1, self.pixel_unshuffle)  # (B, 3 f^2, H / f, W / f)
        return self.kl.encode(folded).latent_dist

    def encode(
        self, images: Float[Tensor, "B 3 H W"], *, generator: torch.Generator | None = None
    ) -> Float[Tensor, "B L h w"]:
        """Scaled latents of images in [0, 1]: the mean, or with a `generator` a sample.

        Raises ValueError unless height and width are multiples of `downsampling`.
        """
        posterior = self.posterior(images)
        latents = posterior.mode() if generator is None else posterior.sample(generator)
        return latents * self.scaling_factor

    def decode(self, latents: Float[Tensor, "B L h w"], *, clip: bool = True) -> Float[Tensor, "B 3 H W"]:
        """Images in [0, 1] of scaled latents. A loss wants `clip=False`: clipped pixels have no gradient."""
        folded = self.kl.decode(latents / self.scaling_factor).sample
        images = F.pixel_shuffle(folded, self.pixel_unshuffle) / 2 + 0.5  # (B, 3, H, W)
        return images.clamp(0, 1) if clip else images

    @torch.no_grad()
    def measure_scaling_factor(self, images: Float[Tensor, "B 3 H W"]) -> float:
        """1 / standard deviation of the unscaled latents over a batch (Rombach et al., appendix D.1)."""
        return 1 / float(self.posterior(images).mode().std())
