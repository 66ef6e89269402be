import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from moviedreamer_core.autoencoder.coarse_decoder import CELL, CELL_CHANNELS, CoarseDecoder
from moviedreamer_core.autoencoder.conditioning import Conditioning, joined
from moviedreamer_core.config import RendererConfig, paper

GRID = (2, 3)
HEIGHT, WIDTH = GRID[0] * CELL, GRID[1] * CELL  # of the coarse latents, 8 x 12


@pytest.fixture
def config(tiny_config) -> RendererConfig:
    return dataclasses.replace(tiny_config, coarse_grid=GRID)


@pytest.fixture
def decoder(config) -> CoarseDecoder:
    torch.manual_seed(0)
    return CoarseDecoder(config)


@pytest.fixture
def conditioning(config) -> Conditioning:
    torch.manual_seed(0)
    return Conditioning(config)


def told(num: int) -> tuple[torch.Tensor, ...]:
    """visual, descriptions, description_given, faces, face_given."""
    generator = torch.Generator().manual_seed(1)
    shapes = ((2, 16), (15, 10), (5, 6))
    visual, descriptions, faces = (torch.randn(num, *shape, generator=generator) for shape in shapes)
    return visual, descriptions, torch.ones(num, 15).bool(), faces, torch.ones(num, 5).bool()


def cells_of(latents: np.ndarray) -> np.ndarray:
    """[B, L, h, w] -> [B, rows, columns, L * 4 * 4], cell by cell."""
    return np.stack(
        [
            np.stack(
                [
                    latents[:, :, CELL * r : CELL * (r + 1), CELL * c : CELL * (c + 1)].reshape(
                        len(latents), -1
                    )
                    for c in range(GRID[1])
                ],
                axis=1,
            )
            for r in range(GRID[0])
        ],
        axis=1,
    )


def test_the_coarse_latents_are_linear_in_the_tokens(decoder):
    one, two = torch.randn(2, 3, 2, 16)
    assert decoder(one).shape == (3, 4, HEIGHT, WIDTH)
    torch.testing.assert_close(decoder(0.25 * one + 0.75 * two), 0.25 * decoder(one) + 0.75 * decoder(two))


def test_a_linear_map_that_fits_is_set_exactly(decoder):
    generator = torch.Generator().manual_seed(0)
    basis = torch.randn(CELL_CHANNELS, 4 * CELL**2, generator=generator)
    weight, bias = (
        F.pixel_shuffle(
            (torch.randn(num, *GRID, CELL_CHANNELS, generator=generator) @ basis).movedim(3, 1), CELL
        )
        for num in (32, 1)
    )
    decoder.set_linear(weight.flatten(1), bias[0].flatten())
    visual = torch.randn(5, 2, 16)
    expected = (visual.flatten(1) @ weight.flatten(1) + bias[0].flatten()).view(5, 4, HEIGHT, WIDTH)
    torch.testing.assert_close(decoder(visual), expected, rtol=1e-3, atol=1e-3)


def test_a_linear_map_that_does_not_fit_is_set_as_near_as_one_basis_for_all_cells_allows(decoder):
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(32, 4 * HEIGHT * WIDTH, generator=generator)
    decoder.set_linear(weight, torch.zeros(4 * HEIGHT * WIDTH))
    constant = decoder(torch.zeros(1, 2, 16))[0]
    found = cells_of((decoder(torch.eye(32).view(32, 2, 16)) - constant).detach().numpy()).reshape(-1, 64)
    wanted = cells_of(weight.view(32, 4, HEIGHT, WIDTH).numpy()).reshape(-1, 64)
    values = np.linalg.svd(wanted, compute_uv=False)
    best = np.sqrt((values[CELL_CHANNELS:] ** 2).sum())  # Eckart and Young
    assert np.linalg.norm(found - wanted) == pytest.approx(best, rel=1e-4)


def test_without_a_grid_there_is_no_decoder(tiny_config):
    with pytest.raises(
        ValueError, match="has no coarse_grid; give one, \\(rows, columns\\), or build no decoder"
    ):
        CoarseDecoder(tiny_config)
    with torch.device("meta"):
        assert Conditioning(paper().renderer).coarse_decoder is None
    assert Conditioning(tiny_config)(*told(1)).coarse is None


def test_the_conditions_hold_what_is_decoded_from_the_tokens(conditioning):
    given = told(3)
    torch.testing.assert_close(conditioning(*given).coarse, conditioning.coarse_decoder(given[0]))


@pytest.mark.parametrize(
    ("options", "is_zero"),
    [
        ({"drop": torch.tensor([True, False])}, [True, False]),
        ({"no_visual": torch.tensor([False, True])}, [False, True]),
        ({"use": {"descriptions", "faces"}}, [True, True]),
        ({"slot_mask": True, "generator": torch.Generator().manual_seed(0)}, [False, False]),
    ],
)
def test_nothing_is_decoded_where_the_tokens_are_not_told(conditioning, options, is_zero):
    coarse = conditioning(*told(2), **options).coarse
    assert (coarse == 0).all(dim=(1, 2, 3)).tolist() == is_zero


def test_the_branches_of_guidance(conditioning):
    conditions = conditioning(*told(2))
    nothing, visual = conditions.unconditional(), conditions.visual_alone(2)
    assert (nothing.coarse == 0).all()
    assert torch.equal(visual.coarse, conditions.coarse)
    batch = joined([nothing, visual, conditions]).coarse
    assert torch.equal(batch, torch.cat([nothing.coarse, visual.coarse, conditions.coarse]))


def test_the_coarse_latents_stand_beside_the_noisy_ones_at_their_size(conditioning):
    conditions, noisy = conditioning(*told(1)), torch.randn(1, 4, HEIGHT, WIDTH)
    both = conditions.beside(noisy)
    assert torch.equal(both, torch.cat([noisy, conditions.coarse], dim=1))
    half = conditions.beside(torch.randn(1, 4, HEIGHT // 2, WIDTH // 2))
    assert half.shape == (1, 8, HEIGHT // 2, WIDTH // 2)
    flat = dataclasses.replace(conditions, coarse=torch.full_like(conditions.coarse, 3.0))
    assert (flat.beside(torch.randn(1, 4, 20, 30))[:, 4:] - 3).abs().max() < 1e-5


def test_the_coarse_latents_change_the_prediction(make_renderer, config):
    renderer = make_renderer(config)
    conditions, noisy, timesteps = (
        renderer.conditioning(*told(1)),
        torch.randn(1, 4, 8, 12),
        torch.tensor([400]),
    )
    changed = dataclasses.replace(conditions, coarse=conditions.coarse * 2)
    first, second = (renderer.predict(noisy, timesteps, given) for given in (conditions, changed))
    assert first.shape == noisy.shape
    assert (first - second).abs().max() > 1e-6


@pytest.mark.parametrize("size", [None, (32, 48)])
def test_frames_are_rendered_at_the_trained_size_and_at_another(make_renderer, config, size):
    renderer = make_renderer(config)
    *_, last = renderer.render(renderer.conditioning(*told(2)), seeds=[0, 1], steps=2, size=size)
    assert last.images.shape == (2, 3, *(size or (16, 24)))
    assert last.images.isfinite().all()


def test_a_unet_without_room_for_them_is_refused(make_renderer, config, tiny_config):
    with_room, without = make_renderer(config), make_renderer(tiny_config)
    with pytest.raises(ValueError, match="latent channels disagree: U-Net 4, VAE 4, config 8 and 4"):
        type(with_room)(config, unet=without.unet, conditioning=with_room.conditioning, vae=without.vae)
