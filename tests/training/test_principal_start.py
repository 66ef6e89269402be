"""The compressor's start: what a linear map reads from its tokens is what principal components would tell."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from moviedreamer_core.autoencoder.compressor import Compressor
from moviedreamer_core.config import CompressorConfig, miniature
from moviedreamer_core.training.autoencoder import Sketch
from moviedreamer_core.training.principal_start import by_patch, fits, start_at_principal_components

ROWS, COLUMNS, CHANNELS, CELL = 3, 4, 10, 6
PATCHES = ROWS * COLUMNS
CONFIG = CompressorConfig(
    num_spatial_tokens=1 + PATCHES, spatial_channels=CHANNELS, num_visual_tokens=2, token_channels=32,
    num_blocks=2, heads=2, widen_first=True,
)  # fmt: skip


def world(num_frames: int, *, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Spatial tokens, and latents under each patch that they tell up to a little noise; few things vary."""
    fixed, drawn = np.random.default_rng(0), np.random.default_rng(seed)
    causes = drawn.normal(size=(num_frames, 40)) * np.geomspace(1, 0.05, 40)
    latents = (causes @ fixed.normal(size=(40, PATCHES * CELL))).reshape(num_frames, PATCHES, CELL)
    seen = latents @ fixed.normal(size=(CELL, CHANNELS)) + 0.05 * drawn.normal(
        size=(num_frames, PATCHES, CHANNELS)
    )
    seen = seen / 6 + fixed.normal(size=(PATCHES, CHANNELS))  # each place has a mean of its own
    whole = np.concatenate([drawn.normal(size=(num_frames, 1, CHANNELS)), seen], axis=1)
    return torch.from_numpy(whole).float(), torch.from_numpy(latents).float()


def explained(told: np.ndarray, latents: np.ndarray, new_told: np.ndarray, new_latents: np.ndarray) -> float:
    """Share of the new latents' variance that the least squares of the old ones tell."""
    design, new_design = (np.column_stack([x, np.ones(len(x))]) for x in (told, new_told))
    weights = np.linalg.lstsq(design, latents, rcond=None)[0]
    error = ((new_design @ weights - new_latents) ** 2).sum()
    return 1 - error / ((new_latents - latents.mean(axis=0)) ** 2).sum()


@torch.no_grad()
def tokens_of(compressor: Compressor, spatial: torch.Tensor) -> np.ndarray:
    return compressor(spatial).flatten(1).double().numpy()


def test_the_tokens_tell_nearly_what_principal_components_of_each_half_would_and_more_than_at_random():
    torch.manual_seed(0)
    (spatial, latents), (new_spatial, new_latents) = world(2000, seed=1), world(500, seed=2)
    flat, new_flat = latents.flatten(1).double().numpy(), new_latents.flatten(1).double().numpy()
    compressor = Compressor(CONFIG)
    at_random = explained(tokens_of(compressor, spatial), flat, tokens_of(compressor, new_spatial), new_flat)
    start_at_principal_components(compressor, spatial, latents)
    started = explained(tokens_of(compressor, spatial), flat, tokens_of(compressor, new_spatial), new_flat)
    halves = flat.reshape(len(flat), 2, -1)
    bases = [
        np.linalg.svd(h - h.mean(axis=0), full_matrices=False)[2][:32] for h in halves.transpose(1, 0, 2)
    ]

    def components(rows: np.ndarray) -> np.ndarray:
        parts = rows.reshape(len(rows), 2, -1).transpose(1, 0, 2)
        return np.concatenate([part @ basis.T for part, basis in zip(parts, bases, strict=True)], axis=1)

    best = explained(components(flat), flat, components(new_flat), new_flat)
    assert best > 0.97
    assert started > 0.85 * best
    assert started > at_random + 0.1


def test_the_same_frames_give_the_same_start():
    spatial, latents = world(300, seed=1)
    first, second = Compressor(CONFIG), Compressor(CONFIG)
    second.load_state_dict(first.state_dict())
    for compressor in (first, second):
        start_at_principal_components(compressor, spatial, latents)
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name
        assert value.isfinite().all()


def test_the_latents_under_a_patch_are_those_of_its_cell():
    latents = torch.arange(2 * 3 * 6 * 8).view(2, 3, 6, 8).float()
    cells = by_patch(latents, 3, 4)
    assert cells.shape == (2, 12, 12)
    for row in range(3):
        for column in range(4):
            cell = latents[:, :, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            assert torch.equal(cells[:, 4 * row + column].sort().values, cell.flatten(1).sort().values)


@pytest.mark.parametrize(
    "change",
    [{"widen_first": False}, {"token_channels": CHANNELS}, {"num_blocks": 0}, {"token_channels": 12}],
)
def test_a_compressor_without_room_begins_as_it_is(change):
    patches = 60 if change == {"token_channels": 12} else PATCHES  # 48 hidden units in a block
    compressor = Compressor(dataclasses.replace(CONFIG, num_spatial_tokens=1 + patches, **change))
    assert not fits(compressor, patches)
    with pytest.raises(ValueError, match="widen it first, and to more channels"):
        start_at_principal_components(
            compressor, torch.randn(8, 1 + patches, CHANNELS), torch.randn(8, patches, CELL)
        )


def test_the_miniature_has_room():
    config = miniature()
    assert fits(Compressor(config.compressor), config.vision.num_spatial_tokens - 1)


def test_a_sketch_begins_at_the_ridge_regression():
    torch.manual_seed(0)
    tokens, latents = torch.randn(200, 8), torch.randn(200, 5)
    sketch = Sketch(8, 5)
    sketch.fit(tokens, latents)
    centred = (tokens - tokens.mean(dim=0)).double().numpy()
    padded = np.vstack([centred, np.sqrt(1e-3 * 200) * np.eye(8)])  # ridge as more rows of least squares
    targets = np.vstack([(latents - latents.mean(dim=0)).double().numpy(), np.zeros((8, 5))])
    expected = centred @ np.linalg.lstsq(padded, targets, rcond=None)[0] + latents.mean(dim=0).numpy()
    np.testing.assert_allclose(sketch(tokens).detach().numpy(), expected, atol=1e-4)
