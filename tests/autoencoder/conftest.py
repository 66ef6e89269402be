"""A renderer small enough to sample from in a test: the same classes at two resolutions."""

import pytest
import torch

from moviedreamer_core.autoencoder.conditioning import Conditioning
from moviedreamer_core.autoencoder.renderer import Renderer, build_unet
from moviedreamer_core.autoencoder.vae import build_vae
from moviedreamer_core.config import AutoencoderConfig, RendererConfig


@pytest.fixture
def tiny_config() -> RendererConfig:
    return RendererConfig(
        image_height=16, image_width=24, latent_channels=4, block_out_channels=(8, 16),
        attention_at=(False, True), transformer_layers=(1, 2), layers_per_block=1, attention_heads=(1, 2),
        cross_attention_channels=16, pooled_channels=12, time_id_channels=8, norm_groups=4,
        text_channels=10, face_channels=6, prediction_type="v_prediction", zero_terminal_snr=True,
    )  # fmt: skip


@pytest.fixture
def tiny_vae_config() -> AutoencoderConfig:
    return AutoencoderConfig(
        pixel_unshuffle=1,
        latent_channels=4,
        block_out_channels=(32, 32),
        layers_per_block=1,
        scaling_factor=0.5,
    )


@pytest.fixture
def make_renderer(tiny_vae_config):
    """Builds a random renderer of a config; the same weights each time."""

    def make(config: RendererConfig) -> Renderer:
        torch.manual_seed(0)
        unet, conditioning = build_unet(config), Conditioning(config)
        return Renderer(config, unet=unet, conditioning=conditioning, vae=build_vae(tiny_vae_config)).eval()

    return make


@pytest.fixture
def tiny_renderer(make_renderer, tiny_config) -> Renderer:
    return make_renderer(tiny_config)
