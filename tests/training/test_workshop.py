"""The workshop: first weights that repeat, shipped weights that fit, models and their inputs on one device."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from moviedreamer_core.training import workshop as workshop_module
from moviedreamer_core.training.workshop import Workshop, first_weights
from weights import tiny_config

pytest_plugins = ("weights",)
COMPONENTS = ("vision", "face", "vae", "compressor", "planner", "video")


def shop(folder, **changes) -> Workshop:
    tiny = tiny_config()
    text = dataclasses.replace(tiny.text, vocab_size=2048)
    return Workshop(folder, config=dataclasses.replace(tiny, text=text, **changes))


def same(one: nn.Module, other: nn.Module) -> bool:
    theirs = other.state_dict()
    return all(torch.equal(tensor, theirs[name]) for name, tensor in one.state_dict().items())


def test_components_begin_alike_whatever_was_built_or_drawn_before(tmp_path):
    torch.manual_seed(1)
    one, other = shop(tmp_path), shop(tmp_path)
    first = {name: getattr(one, name) for name in COMPONENTS}
    torch.manual_seed(2)
    assert all(same(first[name], getattr(other, name)) for name in reversed(COMPONENTS))
    assert same(one.renderer, other.renderer)
    assert same(one.text, other.text)


def test_components_of_one_size_begin_differently_and_random_numbers_go_on(tmp_path):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with first_weights("one"):
        one = nn.Linear(4, 4)
    with first_weights("other"):
        other = nn.Linear(4, 4)
    assert not same(one, other)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(
    ("part", "component", "change"),
    [
        ("autoregressive", "autoregressive", {"window_keyframes": 3, "window_positions": 99, "dropout": 0.3}),
        ("autoregressive", "autoregressive", {"hidden_token_probability": 0.5}),
        ("renderer", "renderer/conditioning", {"slot_mask_probability": 0.1}),
        ("autoencoder", "autoencoder", {"scaling_factor": 2.0}),
        ("video", "video/unet", {"num_frames": 5, "sigma_max": 9.0}),
    ],
)
def test_shipped_weights_fit_whatever_they_are_used_for(part, component, change, tiny_weights, tmp_path):
    changed = dataclasses.replace(getattr(tiny_config(), part), **change)
    ours = dataclasses.replace(shop(tmp_path, **{part: changed}), start=tiny_weights)
    assert component in ours.begins_from
    assert "text" not in ours.begins_from  # it knows other words


@pytest.mark.parametrize(
    ("part", "component", "change"),
    [
        ("autoregressive", "autoregressive", {"num_heads": 1, "num_key_value_heads": 1}),
        ("vision", "vision", {"mean": (0.1, 0.2, 0.3)}),
        ("renderer", "renderer/unet", {"zero_terminal_snr": False}),
    ],
)
def test_shipped_weights_of_another_meaning_do_not_fit(part, component, change, tiny_weights, tmp_path):
    changed = dataclasses.replace(getattr(tiny_config(), part), **change)
    assert (
        component
        not in dataclasses.replace(shop(tmp_path, **{part: changed}), start=tiny_weights).begins_from
    )


def test_the_sample_goes_where_the_vae_is(tmp_path, monkeypatch):
    ours, seen = shop(tmp_path), []
    ours.world.__dict__["frames"] = np.zeros(
        (ours.world.num_frames, 1, 1, 3), np.uint8
    )  # instead of from disk
    monkeypatch.setattr(workshop_module.loop, "load_final", lambda module, folder: True)
    monkeypatch.setattr(
        type(ours.vae), "measure_scaling_factor", lambda vae, images: seen.append(images.device) or 1.0
    )
    ours.vae.to("meta")
    ours.with_vae()
    assert [device.type for device in seen] == ["meta"]
