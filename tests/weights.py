"""A complete weights folder in the real layout, so small and random that a story is drawn in a moment.

A test module that wants it says `pytest_plugins = ("weights",)`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from moviedreamer_core.config import (
    AutoencoderConfig,
    AutoregressiveConfig,
    CompressorConfig,
    FaceEncoderConfig,
    ModelConfig,
    RendererConfig,
    TextEncoderConfig,
    VideoConfig,
    VisionEncoderConfig,
)
from moviedreamer_core.encoders.tokenizer import WordTokenizer
from moviedreamer_core.pretrained import load_models, save_models, untrained_models

KNOWN_WORDS = (
    "a", "and", "beach", "boat", "coat", "happy", "in", "is", "lighthouse", "man", "night", "old", "on",
    "rain", "red", "sandy", "sea", "smiling", "the", "to", "walking", "waving", "with", "woman", "yellow", "young",
)  # fmt: skip


def tiny_config() -> ModelConfig:
    """Frames of 48 x 32 px, two visual tokens of 16 channels, clips of 3 frames a segment at 4 a second."""
    return ModelConfig(
        preset="miniature",
        vision=VisionEncoderConfig(
            image_height=32, image_width=48, patch_px=16, width=16, layers=1, heads=2, embed_dim=12,
        ),
        text=TextEncoderConfig(
            context_length=32, vocab_size=64, width=16, layers=1, heads=2, embed_dim=12, person_tokens=True,
        ),
        face=FaceEncoderConfig(image_px=32, patch_px=16, width=16, layers=1, heads=2, embed_dim=8),
        compressor=CompressorConfig(
            num_spatial_tokens=7, spatial_channels=16, token_channels=16, num_blocks=1, heads=2
        ),
        autoregressive=AutoregressiveConfig(
            vocab_size=16, hidden_size=16, num_layers=1, num_heads=2, num_key_value_heads=2,
            intermediate_size=24, text_channels=12, face_channels=8, token_channels=16, num_components=2,
            window_keyframes=8, window_positions=512,
        ),
        autoencoder=AutoencoderConfig(
            pixel_unshuffle=4, latent_channels=4, block_out_channels=(32, 32), layers_per_block=1,
            mid_block_attention=False, scaling_factor=1.0,
        ),
        renderer=RendererConfig(
            image_height=32, image_width=48, latent_channels=4, block_out_channels=(8, 16),
            attention_at=(False, True), transformer_layers=(1, 1), layers_per_block=1, attention_heads=(1, 2),
            cross_attention_channels=16, pooled_channels=12, time_id_channels=8, norm_groups=4,
            text_channels=12, face_channels=8, prediction_type="v_prediction", zero_terminal_snr=True,
            coarse_grid=(1, 2),
        ),
        video=VideoConfig(
            num_frames=3, frames_per_second=4, latent_channels=4, block_out_channels=(32, 32),
            attention_at=(False, True), transformer_layers=(1, 1), layers_per_block=1, attention_heads=(1, 1),
            cross_attention_channels=12, time_id_channels=8, temporal_vae_decoder=False,
        ),
    )  # fmt: skip


def write_tiny_weights(folder: Path, *, seed: int = 0) -> Path:
    """Write the folder and return it; another `seed` is another set of weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        words = WordTokenizer.from_words(KNOWN_WORDS, context_length=tiny_config().text.context_length)
        models = untrained_models(tiny_config(), text_tokenizer=words)
    save_models(models, folder, command="none: random weights", commit="0" * 40, metrics={})
    return folder


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory) -> Path:
    return write_tiny_weights(tmp_path_factory.mktemp("weights") / "tiny")


@pytest.fixture(scope="session")
def other_weights(tmp_path_factory) -> Path:
    """Weights of the same sizes with other values."""
    return write_tiny_weights(tmp_path_factory.mktemp("weights") / "other", seed=1)


@pytest.fixture(scope="session")
def tiny_models(tiny_weights):
    return load_models(tiny_weights)
