"""Gaussian-mixture head: hidden state -> distribution of the next visual token.

H hidden channels, K components, D token channels. A component is a Gaussian with a diagonal covariance; its
one weight counts for the token as a whole. Source: MovieDreamer, section 3.4 and appendix A, equations 7 and
9.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

# Standard deviations stay within e^-7 .. e^5 of a token's unit: a component that collapses onto one training
# token would have unbounded likelihood, and a huge one would overflow in half precision.
MIN_LOG_STD, MAX_LOG_STD = -7.0, 5.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Mixture:
    """Mixture of diagonal Gaussians over one token, in float32; `log_weight` sums to one after `exp`."""

    log_weight: Float[Tensor, "*batch K"]
    mean: Float[Tensor, "*batch K D"]
    log_std: Float[Tensor, "*batch K D"]


class MixtureHead(nn.Module):
    """One linear layer of 2 K D + K outputs: means, log standard deviations, component logits.

    Raises ValueError for fewer than one component or channel. Source: appendix A.
    """

    def __init__(self, hidden_size: int, *, num_components: int, token_channels: int) -> None:
        super().__init__()
        if num_components < 1 or token_channels < 1:
            raise ValueError(
                f"a mixture needs at least one component and one channel, "
                f"got {num_components} components of {token_channels} channels"
            )
        self.num_components, self.token_channels = num_components, token_channels
        self.linear = nn.Linear(hidden_size, 2 * num_components * token_channels + num_components)

    def forward(self, hidden: Float[Tensor, "*batch H"]) -> Mixture:
        """The mixture at each hidden state, in the precision of the weights whatever autocast says."""
        with torch.autocast(hidden.device.type, enabled=False):
            out = self.linear(hidden.to(self.linear.weight.dtype)).float()  # (*batch, 2 K D + K)
        num_values = self.num_components * self.token_channels
        mean, log_std, logits = out.split([num_values, num_values, self.num_components], dim=-1)
        shape = (self.num_components, self.token_channels)
        return Mixture(
            log_weight=F.log_softmax(logits, dim=-1),  # (*batch, K)
            mean=mean.unflatten(-1, shape),  # (*batch, K, D)
            log_std=_bounded(log_std.unflatten(-1, shape)),  # (*batch, K, D)
        )


def _bounded(log_std: Tensor) -> Tensor:
    """Smoothly into the allowed range: unlike a hard clamp, it leaves a gradient to come back by."""
    middle, half = (MAX_LOG_STD + MIN_LOG_STD) / 2, (MAX_LOG_STD - MIN_LOG_STD) / 2
    return middle + half * torch.tanh((log_std - middle) / half)


def mixture_nll(token: Float[Tensor, "*batch D"], mixture: Mixture) -> Float[Tensor, "*batch"]:
    """Negative log-likelihood of `token` in nats per channel (summed over D, divided by D), in float32.

    Source: equation 9.
    """
    # In float32: a sum over thousands of channels in half precision would lose the difference of components.
    z = (token.float().unsqueeze(-2) - mixture.mean) * torch.exp(-mixture.log_std)  # (*batch, K, D)
    log_density = -0.5 * (z.square() + math.log(2 * math.pi)) - mixture.log_std  # (*batch, K, D)
    log_joint = mixture.log_weight + log_density.sum(dim=-1)  # (*batch, K)
    return -torch.logsumexp(log_joint, dim=-1) / token.shape[-1]  # (*batch)


def mixture_mean(mixture: Mixture) -> Float[Tensor, "*batch D"]:
    """The expected token: the differentiable choice of "the predicted token" for the l1 and l2 losses."""
    return (mixture.log_weight.exp().unsqueeze(-1) * mixture.mean).sum(dim=-2)  # (*batch, D)


def sample(
    mixture: Mixture, *, temperature: float, generator: torch.Generator, spread: float = 1.0
) -> Float[Tensor, "*batch D"]:
    """One token per mixture.

    `temperature` T divides the logits of the components and multiplies their standard deviations: 1 samples
    the mixture itself, 0 gives the mean of its heaviest component (and draws nothing). `spread` multiplies the
    standard deviations besides: below 1 the components are chosen as before, and left less far. The draws happen on
    the generator's device, so a CPU generator gives the same noise whatever device the model runs on.
    Raises ValueError for a temperature that is negative or not finite.
    """
    if not 0 <= temperature < math.inf:
        raise ValueError(f"temperature must be zero or a positive number, got {temperature}")
    if temperature == 0:
        return _component(mixture.mean, mixture.log_weight.argmax(dim=-1))
    weight = torch.softmax(mixture.log_weight / temperature, dim=-1)  # (*batch, K)
    rows = weight.reshape(-1, weight.shape[-1]).to(generator.device)  # (N, K)
    drawn = torch.multinomial(rows, num_samples=1, generator=generator)  # (N, 1)
    chosen = drawn.to(weight.device).reshape(weight.shape[:-1])  # (*batch)
    mean, log_std = _component(mixture.mean, chosen), _component(mixture.log_std, chosen)  # (*batch, D)
    noise = torch.randn(mean.shape, generator=generator, device=generator.device).to(mean.device)
    return mean + spread * temperature * log_std.exp() * noise


def _component(of_all: Tensor, chosen: Tensor) -> Tensor:
    """The values (*batch, D) of the component chosen (*batch) out of those of all (*batch, K, D)."""
    index = chosen[..., None, None].expand(*chosen.shape, 1, of_all.shape[-1])  # (*batch, 1, D)
    return of_all.gather(-2, index).squeeze(-2)
