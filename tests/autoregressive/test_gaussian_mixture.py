"""The mixture head against torch.distributions, scipy, and the statistics of what it samples."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
import torch
from scipy.special import logsumexp
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from moviedreamer_core.autoregressive.gaussian_mixture import (
    MAX_LOG_STD,
    MIN_LOG_STD,
    Mixture,
    MixtureHead,
    mixture_mean,
    mixture_nll,
    sample,
)


def random_mixture(*batch: int, num_components: int, channels: int, seed: int = 0) -> Mixture:
    generator = torch.Generator().manual_seed(seed)
    return Mixture(
        log_weight=torch.randn(*batch, num_components, generator=generator).log_softmax(dim=-1),
        mean=torch.randn(*batch, num_components, channels, generator=generator),
        log_std=0.5 * torch.randn(*batch, num_components, channels, generator=generator),
    )


def as_distribution(mixture: Mixture, *, temperature: float = 1.0) -> MixtureSameFamily:
    """The same mixture by torch's own classes, in double precision."""
    std = temperature * mixture.log_std.double().exp()
    return MixtureSameFamily(
        Categorical(logits=mixture.log_weight.double() / temperature),
        Independent(Normal(mixture.mean.double(), std), 1),
    )


def repeated(mixture: Mixture, times: int) -> Mixture:
    return Mixture(
        log_weight=mixture.log_weight.expand(times, -1),
        mean=mixture.mean.expand(times, -1, -1),
        log_std=mixture.log_std.expand(times, -1, -1),
    )


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("batch", [(), (5,), (2, 3)])
def test_nll_equals_torch_mixture_same_family(batch: tuple[int, ...]) -> None:
    mixture = random_mixture(*batch, num_components=4, channels=7)
    token = torch.randn(*batch, 7)
    expected = -as_distribution(mixture).log_prob(token.double()) / 7
    torch.testing.assert_close(mixture_nll(token, mixture), expected.float())


def test_one_component_nll_equals_torch_normal() -> None:
    mixture = random_mixture(6, num_components=1, channels=5)
    token = torch.randn(6, 5)
    expected = -Normal(mixture.mean[:, 0], mixture.log_std[:, 0].exp()).log_prob(token).sum(-1) / 5
    torch.testing.assert_close(mixture_nll(token, mixture), expected)


def test_nll_equals_scipy_multivariate_normals() -> None:
    mixture = random_mixture(num_components=3, channels=4)
    token = torch.randn(4)
    log_densities = [
        scipy.stats.multivariate_normal(mean.numpy(), np.diag(np.exp(2 * log_std.numpy()))).logpdf(
            token.numpy()
        )
        for mean, log_std in zip(mixture.mean, mixture.log_std, strict=True)
    ]
    expected = -logsumexp(log_densities, b=mixture.log_weight.exp().numpy()) / 4
    assert mixture_nll(token, mixture).item() == pytest.approx(expected, rel=1e-5)


def test_nll_gradient_equals_a_finite_difference_of_torch_mixture_same_family() -> None:
    mixture = random_mixture(num_components=3, channels=4)
    token = torch.randn(4, generator=seeded(1))
    leaves = [mixture.log_weight.clone(), mixture.mean.clone(), mixture.log_std.clone()]
    for leaf in leaves:
        leaf.requires_grad_()
    # The weights are normalised here, as in the head, so that both sides move along the same mixtures.
    normalised = Mixture(log_weight=leaves[0].log_softmax(-1), mean=leaves[1], log_std=leaves[2])
    mixture_nll(token, normalised).backward()
    directions = [torch.randn(leaf.shape, generator=seeded(2)) for leaf in leaves]
    step = 1e-5

    def value(sign: int) -> float:
        moved = [
            leaf.detach().double() + sign * step * direction
            for leaf, direction in zip(leaves, directions, strict=True)
        ]
        by_torch = MixtureSameFamily(
            Categorical(logits=moved[0]), Independent(Normal(moved[1], moved[2].exp()), 1)
        )
        return -by_torch.log_prob(token.double()).item() / 4

    expected = (value(1) - value(-1)) / (2 * step)
    found = sum((leaf.grad * d).sum().item() for leaf, d in zip(leaves, directions, strict=True))
    assert found == pytest.approx(expected, rel=1e-4)


def test_nll_and_its_gradient_stay_finite_far_from_every_component() -> None:
    mixture = random_mixture(2, num_components=4, channels=2048)
    mean = mixture.mean.requires_grad_()
    nll = mixture_nll(
        torch.full((2, 2048), 1e4), Mixture(log_weight=mixture.log_weight, mean=mean, log_std=mixture.log_std)
    )
    nll.sum().backward()
    assert nll.isfinite().all()
    assert mean.grad.isfinite().all()


def test_nll_in_bf16_autocast_equals_float32() -> None:
    head = MixtureHead(16, num_components=16, token_channels=2048)
    hidden, token = torch.randn(3, 16), torch.randn(3, 2048)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        under_autocast = mixture_nll(token, head(hidden))
    assert under_autocast.dtype is torch.float32
    assert torch.equal(under_autocast, mixture_nll(token, head(hidden)))


def test_mean_equals_torch_mixture_same_family() -> None:
    mixture = random_mixture(5, num_components=4, channels=7)
    torch.testing.assert_close(mixture_mean(mixture), as_distribution(mixture).mean.float())


@pytest.mark.parametrize(("components", "channels"), [(1, 1), (3, 8), (16, 2048)])
def test_head_has_2kd_plus_k_outputs(components: int, channels: int) -> None:
    head = MixtureHead(4, num_components=components, token_channels=channels)
    assert head.linear.out_features == 2 * components * channels + components
    mixture = head(torch.randn(2, 4))
    assert mixture.log_weight.shape == (2, components)
    assert mixture.mean.shape == mixture.log_std.shape == (2, components, channels)


def test_head_weights_sum_to_one() -> None:
    mixture = MixtureHead(4, num_components=5, token_channels=3)(100 * torch.randn(7, 4))
    torch.testing.assert_close(mixture.log_weight.exp().sum(-1), torch.ones(7))


def test_head_reads_float32_from_bf16_weights() -> None:
    head = MixtureHead(4, num_components=2, token_channels=3).to(torch.bfloat16)
    mixture = head(torch.randn(2, 4, dtype=torch.bfloat16))
    assert mixture.mean.dtype is mixture.log_std.dtype is mixture.log_weight.dtype is torch.float32


@pytest.mark.parametrize("bias", [-1e4, -20.0, 20.0, 1e4])
def test_standard_deviations_stay_in_range_and_can_come_back(bias: float) -> None:
    head = MixtureHead(4, num_components=2, token_channels=3)
    torch.nn.init.constant_(head.linear.bias, bias)
    log_std = head(torch.zeros(4)).log_std
    assert ((log_std >= MIN_LOG_STD) & (log_std <= MAX_LOG_STD)).all()
    log_std.sum().backward()
    if abs(bias) < 100:
        assert (head.linear.bias.grad[6:12] > 0).all()


def test_ordinary_standard_deviations_are_nearly_linear_in_the_output() -> None:
    head = MixtureHead(1, num_components=1, token_channels=1)
    for raw in (-2.0, -1.0, 0.0):
        torch.nn.init.constant_(head.linear.bias, raw)
        assert head(torch.zeros(1)).log_std.item() == pytest.approx(raw, abs=0.02)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_samples_have_the_moments_of_the_tempered_mixture(temperature: float) -> None:
    mixture, times = random_mixture(num_components=3, channels=2), 40_000
    drawn = sample(repeated(mixture, times), temperature=temperature, generator=seeded(3)).double()
    expected = as_distribution(mixture, temperature=temperature)
    error_of_mean = (expected.variance / times).sqrt()
    assert ((drawn.mean(0) - expected.mean).abs() < 5 * error_of_mean).all()
    torch.testing.assert_close(drawn.var(0), expected.variance, rtol=0.05, atol=0)


def test_samples_of_one_component_are_normal_by_kolmogorov_smirnov() -> None:
    mixture = random_mixture(num_components=1, channels=1)
    drawn = sample(repeated(mixture, 5000), temperature=1.0, generator=seeded(4))[:, 0].numpy()
    loc, scale = mixture.mean.item(), mixture.log_std.exp().item()
    assert scipy.stats.kstest(drawn, "norm", args=(loc, scale)).pvalue > 0.01


def test_components_are_drawn_for_the_token_as_a_whole() -> None:
    apart = Mixture(
        log_weight=torch.tensor([0.3, 0.7]).log(),
        mean=torch.tensor([[-100.0, -100.0], [100.0, 100.0]]),
        log_std=torch.zeros(2, 2),
    )
    signs = sample(repeated(apart, 10_000), temperature=1.0, generator=seeded(5)).sign()
    assert torch.equal(signs[:, 0], signs[:, 1])
    share = (signs[:, 0] > 0).double().mean().item()
    assert share == pytest.approx(0.7, abs=5 * math.sqrt(0.21 / 10_000))


def test_temperature_zero_is_the_mean_of_the_heaviest_component() -> None:
    mixture = random_mixture(2, 3, num_components=4, channels=5)
    found = sample(mixture, temperature=0.0, generator=seeded(6))
    for i in range(2):
        for j in range(3):
            heaviest = int(mixture.log_weight[i, j].exp().numpy().argmax())
            assert torch.equal(found[i, j], mixture.mean[i, j, heaviest])


def test_with_less_spread_the_same_components_are_left_less_far() -> None:
    mixture = random_mixture(4000, num_components=3, channels=2)
    whole, half, none = (
        sample(mixture, temperature=0.8, generator=seeded(6), spread=spread) for spread in (1.0, 0.5, 0.0)
    )
    of_each = mixture.mean.movedim(-2, 0)  # (K, N, D)
    assert (none == of_each).all(dim=-1).any(dim=0).all()  # each a mean of one of its components
    torch.testing.assert_close(half - none, 0.5 * (whole - none))


def test_samples_follow_from_the_seed() -> None:
    mixture = random_mixture(4, num_components=3, channels=5)
    first, again, other = (sample(mixture, temperature=1.0, generator=seeded(seed)) for seed in (7, 7, 8))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("temperature", [-0.1, math.nan, math.inf])
def test_impossible_temperatures_are_refused(temperature: float) -> None:
    mixture = random_mixture(num_components=2, channels=2)
    with pytest.raises(ValueError, match=f"temperature must be zero or a positive number, got {temperature}"):
        sample(mixture, temperature=temperature, generator=seeded(0))


@pytest.mark.parametrize(("components", "channels"), [(0, 4), (4, 0)])
def test_an_empty_mixture_is_refused(components: int, channels: int) -> None:
    with pytest.raises(ValueError, match=f"got {components} components of {channels} channels"):
        MixtureHead(4, num_components=components, token_channels=channels)
