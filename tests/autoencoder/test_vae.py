import dataclasses
import math

import pytest
import torch
from diffusers import AutoencoderKL

from moviedreamer_core.autoencoder.vae import ImageVAE, build_vae
from moviedreamer_core.config import AutoencoderConfig, miniature, paper


@pytest.fixture
def folding_config() -> AutoencoderConfig:
    return AutoencoderConfig(
        pixel_unshuffle=4, latent_channels=4, block_out_channels=(32, 32), layers_per_block=1,
        mid_block_attention=False, scaling_factor=0.5,
    )  # fmt: skip


def test_the_paper_vae_has_the_parameters_of_the_published_sdxl_vae():
    with torch.device("meta"):
        vae = build_vae(paper().autoencoder)
    assert sum(parameter.numel() for parameter in vae.parameters()) == 83_653_863
    assert (vae.pixel_unshuffle, vae.downsampling, vae.scaling_factor) == (1, 8, 0.13025)


def test_without_pixel_unshuffle_it_is_the_plain_library_vae_on_images_in_minus_one_to_one(tiny_vae_config):
    vae, images = build_vae(tiny_vae_config), torch.rand(2, 3, 16, 24)
    with torch.no_grad():
        mean = vae.kl.encode(images * 2 - 1).latent_dist.mean
        torch.testing.assert_close(vae.encode(images), mean * 0.5)
        pixels = vae.kl.decode(mean).sample
        torch.testing.assert_close(vae.decode(mean * 0.5, clip=False), (pixels + 1) / 2)


@pytest.mark.parametrize("size", [(16, 24), (8, 8), (40, 16)])
def test_images_of_any_divisible_size_come_back_in_their_size_and_in_range(folding_config, size):
    vae, images = build_vae(folding_config), torch.rand(2, 3, *size)
    latents = vae.encode(images)
    assert latents.shape == (2, 4, size[0] // 8, size[1] // 8)
    assert latents.shape[2:] == (vae.latent_height(size[0]), vae.latent_width(size[1]))
    decoded = vae.decode(50 * latents)
    assert decoded.shape == images.shape
    assert decoded.min() >= 0
    assert decoded.max() <= 1


def test_pixel_unshuffle_keeps_every_pixel_in_place(folding_config):
    """With an identity for a network, what goes in comes out."""
    vae, images = build_vae(folding_config), torch.rand(1, 3, 16, 24)
    seen = []
    vae.kl.encoder.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0]))
    vae.kl.decoder.register_forward_hook(lambda *_: seen[0])
    torch.testing.assert_close(vae.decode(vae.encode(images)), images)
    # channel = colour * 16 + row in the square * 4 + column in the square
    assert seen[0][0, 1 * 16 + 2 * 4 + 3, 1, 2] == images[0, 1, 1 * 4 + 2, 2 * 4 + 3] * 2 - 1


def test_encoding_is_deterministic_unless_a_generator_asks_for_a_sample(tiny_vae_config):
    vae, images = build_vae(tiny_vae_config), torch.rand(1, 3, 8, 8)
    assert torch.equal(vae.encode(images), vae.encode(images))
    first, again, other = (vae.encode(images, generator=torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first, vae.encode(images))


def test_samples_scatter_around_the_mean_as_the_posterior_says(tiny_vae_config):
    vae, image = build_vae(tiny_vae_config), torch.rand(1, 3, 4, 4)
    many = image.expand(4000, -1, -1, -1)
    with torch.no_grad():
        scatter = vae.encode(many, generator=torch.Generator().manual_seed(0)) - vae.encode(many)
        expected = vae.posterior(image).std[0] * 0.5
    torch.testing.assert_close(scatter.std(0), expected, rtol=0.06, atol=0)


def test_clipping_can_be_left_out_for_training(tiny_vae_config):
    vae, latents = build_vae(tiny_vae_config), 50 * torch.randn(1, 4, 8, 8)
    unclipped = vae.decode(latents, clip=False)
    assert unclipped.min() < 0 or unclipped.max() > 1
    torch.testing.assert_close(vae.decode(latents), unclipped.clamp(0, 1))


def test_the_measured_scaling_factor_gives_latents_of_unit_variance(tiny_vae_config):
    vae, images = build_vae(tiny_vae_config), torch.rand(4, 3, 16, 16)
    vae.scaling_factor = vae.measure_scaling_factor(images)
    assert math.isclose(vae.encode(images).std().item(), 1, rel_tol=1e-4)


def test_the_scaling_factor_is_saved_and_loaded_with_the_library_model(folding_config, tmp_path):
    vae, images = build_vae(folding_config), torch.rand(1, 3, 16, 16)
    vae.scaling_factor = 1.75
    vae.kl.save_pretrained(tmp_path)
    loaded = ImageVAE(AutoencoderKL.from_pretrained(tmp_path))
    assert (loaded.scaling_factor, loaded.pixel_unshuffle, loaded.downsampling) == (1.75, 4, 8)
    assert torch.equal(loaded.encode(images), vae.eval().encode(images))


def test_mid_block_attention_follows_the_config(folding_config):
    def has_attention(vae: ImageVAE) -> bool:
        return any("attentions.0.to_q" in name for name, _ in vae.named_parameters())

    assert not has_attention(build_vae(folding_config))
    assert has_attention(build_vae(dataclasses.replace(folding_config, mid_block_attention=True)))


@pytest.mark.parametrize("preset", [paper, miniature])
def test_the_latents_shrink_as_the_config_says(preset):
    config = preset().autoencoder
    with torch.device("meta"):
        vae = build_vae(config)
    side = 6 * config.downsampling
    assert (vae.latent_height(side), vae.latent_width(side)) == (6, 6)
    assert vae.latent_channels == config.latent_channels


@pytest.mark.parametrize(("size", "side", "pixels"), [((12, 16), "height", 12), ((16, 20), "width", 20)])
def test_a_size_that_does_not_divide_is_refused(folding_config, size, side, pixels):
    with pytest.raises(ValueError, match=f"image {side} is {pixels} px, .* a multiple of 8; resize"):
        build_vae(folding_config).encode(torch.rand(1, 3, *size))


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_a_scaling_factor_that_is_not_a_positive_number_is_refused(tiny_vae_config, value):
    with pytest.raises(ValueError, match="scaling_factor must be a positive number"):
        build_vae(tiny_vae_config).scaling_factor = value


def test_a_library_vae_for_other_than_rgb_images_is_refused():
    kl = AutoencoderKL(in_channels=6, out_channels=6, block_out_channels=(32,))
    with pytest.raises(ValueError, match="6 input channels, which is not 3 times a square"):
        ImageVAE(kl)
