"""The decoder's game: each player is moved by its own losses only, and the encoder by none."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F

from moviedreamer_core.autoencoder.vae import build_vae
from moviedreamer_core.training import decoder
from moviedreamer_core.training.decoder import GAME_FROM, DecoderGame
from weights import tiny_config


@pytest.fixture
def game() -> DecoderGame:
    torch.manual_seed(0)
    return DecoderGame(build_vae(tiny_config().autoencoder))


def gradients(game: DecoderGame, step: int) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    game.zero_grad()
    game(torch.rand(2, 3, 32, 32), step)["loss"].backward()
    return {name: p.grad.clone() for name, p in game.named_parameters() if p.grad is not None}


def test_fooling_moves_the_decoder_but_not_the_discriminator(game, monkeypatch):
    plain = gradients(game, GAME_FROM)
    monkeypatch.setattr(decoder, "ADVERSARIAL_WEIGHT", 50.0)
    stronger = gradients(game, GAME_FROM)
    assert any(not torch.equal(plain[n], stronger[n]) for n in plain if n.startswith("decoder."))
    assert all(torch.equal(plain[n], stronger[n]) for n in plain if n.startswith("discriminator."))


def test_before_the_game_the_decoder_is_moved_by_rebuilding_alone(game, monkeypatch):
    plain = gradients(game, 0)
    monkeypatch.setattr(decoder, "ADVERSARIAL_WEIGHT", 50.0)
    monkeypatch.setattr(decoder, "MATCHING_WEIGHT", 50.0)
    stronger = gradients(game, 0)
    assert all(torch.equal(plain[n], stronger[n]) for n in plain)


def test_the_encoder_is_not_among_the_parameters_and_gets_no_gradient(game):
    vae = game._vae[0]
    gradients(game, GAME_FROM)
    assert all(p.grad is None for p in vae.kl.encoder.parameters())
    ours = {id(p) for p in game.parameters()}
    assert not ours & {id(p) for p in vae.kl.encoder.parameters()}


def test_the_encoder_goes_where_the_game_goes(game):
    vae = game._vae[0]
    game.to("meta")
    assert {p.device.type for p in vae.parameters()} == {"meta"}
    assert {p.device.type for p in game.parameters()} == {"meta"}


def test_a_copy_of_the_game_plays_with_a_decoder_of_its_own(game):
    copied = copy.deepcopy(game)
    assert copied._vae[0].kl.decoder is copied.decoder
    assert copied.decoder is not game.decoder


def test_the_discriminator_learns_to_tell_true_pictures_from_flat_ones(game):
    torch.manual_seed(2)
    optimizer = torch.optim.Adam(game.discriminator.parameters(), lr=2e-3)
    checks = (torch.arange(32)[:, None] // 4 + torch.arange(32)[None] // 4) % 2
    for _ in range(60):
        true, flat = (
            checks.expand(4, 3, 32, 32) * torch.rand(4, 3, 1, 1),
            torch.rand(4, 3, 1, 1).expand(4, 3, 32, 32),
        )
        loss = F.relu(1 - game.discriminator(true)[0]).mean() + F.relu(1 + game.discriminator(flat)[0]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert game.discriminator(checks.expand(1, 3, 32, 32) * 0.8)[0].mean() > 0
    assert game.discriminator(torch.full((1, 3, 32, 32), 0.4))[0].mean() < 0
