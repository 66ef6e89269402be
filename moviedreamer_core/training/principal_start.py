"""Where the compressor begins: each visual token holds the principal components of one part of the frame (ours).

512 numbers, chosen by a principal component analysis of the latents, tell 92 % of the variance of unseen frames of the
storyworld. A compressor that began at random told 45 % of 64 frames after some thousand steps: a projection of its
own for every patch, which is what a principal component is, is hard to find for blocks whose weights are the same at
every patch. So it is written into them. A patch is known by a code that its position adds; each hidden unit of the
first blocks' MLPs opens at the code of one patch only and reads one direction of what lies there; the reduction adds
up what they say. Training goes on from there.

N frames, T spatial tokens of C channels (the first of all, then P patches row by row), L numbers of a patch's latents,
D token channels, V visual tokens.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from moviedreamer_core.autoencoder.compressor import Block, Compressor

CONTENT = (
    0.25  # scale of what a patch holds, beside a code of length CODE: the layer norms then change it little
)
CODE = 12.0
GATE, THRESHOLD = 17.0, 0.7  # a unit is open where the cosine of the codes is above the threshold
SPREADING_STEPS = 200
RIDGE = 1e-3  # of the mean variance


def fits(compressor: Compressor, num_patches: int) -> bool:
    """Whether there is room for the codes, and in each block a hidden unit for every patch."""
    config = compressor.config
    room = config.widen_first and config.token_channels > config.spatial_channels
    blocks = _blocks(compressor.spatial_blocks)
    return room and bool(blocks) and _layers(blocks[0])[0].out_features >= num_patches


@torch.no_grad()
def start_at_principal_components(
    compressor: Compressor, spatial: Float[Tensor, "N T C"], latents: Float[Tensor, "N P L"]
) -> None:
    """Set the weights of `compressor`; `latents` are those under each patch, see `by_patch`.

    Raises ValueError unless it `fits`.
    """
    if not fits(compressor, latents.shape[1]):
        raise ValueError(
            f"{latents.shape[1]} patches do not fit a compressor with {compressor.config}; "
            "widen it first, and to more channels"
        )
    content = spatial[:, 1:] - spatial[:, 1:].mean(dim=0)  # (N, P, C)
    lies = _regression(content, latents - latents.mean(dim=0))  # (C, L)
    generator = torch.Generator().manual_seed(0)
    width, channels = compressor.config.token_channels, compressor.config.spatial_channels
    axes = torch.linalg.qr(torch.randn(width, width, generator=generator)).Q
    codes = _spread_codes(spatial.shape[1], width - channels, generator) @ axes[:, channels:].T  # (T, D)
    _begin_quietly(compressor)
    compressor.widen_channels.weight.copy_(CONTENT * axes[:, :channels])
    compressor.spatial_positions.copy_(CODE * codes)
    writer = _UnitWriter(compressor, spatial, codes, axes[:, :channels])
    parts = _parts(latents.shape[1], compressor.config.num_visual_tokens)
    for token, patches in enumerate(parts):
        components = _components(content[:, patches] @ lies, width)  # (patches, L, D)
        for patch, of_patch in zip(patches.tolist(), components, strict=True):
            writer.write(patch, lies @ of_patch)
        compressor.reduce_tokens.weight[token, 1 + patches] = CODE / width**0.5
    tokens = torch.cat([_unnormed(compressor, chunk) for chunk in spatial.split(256)])
    compressor.visual_positions.copy_(compressor.visual_positions - tokens.mean(dim=0))


def by_patch(latents: Float[Tensor, "N l h w"], rows: int, columns: int) -> Float[Tensor, "N P L"]:
    """The latents under each patch of a grid."""
    cells = latents.unflatten(3, (columns, -1)).unflatten(2, (rows, -1))  # (N, l, rows, y, columns, x)
    return cells.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)


class _UnitWriter:
    """Hidden units that open at one patch only and read one direction of what lies there."""

    def __init__(
        self, compressor: Compressor, spatial: Float[Tensor, "N T C"], codes: Float[Tensor, "T D"],
        axes: Float[Tensor, "D C"],
    ) -> None:  # fmt: skip
        self._layers = [_layers(block) for block in _blocks(compressor.spatial_blocks)]
        self._per_block = self._layers[0][0].out_features // (spatial.shape[1] - 1)
        self._spatial, self._codes, self._axes = spatial, codes, axes

    def write(self, patch: int, projection: Float[Tensor, "C D"]) -> None:
        """What `projection` makes of the patch, by the units there are: the directions that tell most of it."""
        seen = self._spatial[:, 1 + patch]  # (N, C)
        mean, (root, inverse) = seen.mean(dim=0), _roots(seen - seen.mean(dim=0))
        left, values, right = torch.linalg.svd(root @ projection, full_matrices=False)
        code = self._codes[1 + patch]
        # What the layer norm divides by: nearly all of it is the code.
        scale = ((CODE**2 + (CONTENT * seen).square().sum(dim=-1).mean()) / len(code)).sqrt()
        for unit in range(min(len(values), self._per_block * len(self._layers))):
            first, second = self._layers[unit // self._per_block]
            row = patch * self._per_block + unit % self._per_block
            reading = inverse @ left[:, unit]  # (C,), of unit variance over the frames
            first.weight[row] = scale * (self._axes @ reading / CONTENT + GATE / CODE * code)
            first.bias[row] = -THRESHOLD * GATE - mean @ reading
            second.weight[:, row] = values[unit] * right[unit]


def _blocks(sequence: nn.Sequential) -> list[Block]:
    return [block for block in sequence if isinstance(block, Block)]


def _layers(block: Block) -> tuple[nn.Linear, nn.Linear]:
    """Of its MLP: into the hidden units, and out of them."""
    first, _, second = block.mlp
    assert isinstance(first, nn.Linear)
    assert isinstance(second, nn.Linear)
    return first, second


def _begin_quietly(compressor: Compressor) -> None:
    """Attention and the blocks after the reduction say little at first; the first blocks' MLPs nothing."""
    before, after = _blocks(compressor.spatial_blocks), _blocks(compressor.visual_blocks)
    for block in [*before, *after]:
        block.attention_out.weight.mul_(0.1)
        block.attention_out.bias.zero_()
    for block in after:
        _, second = _layers(block)
        second.weight.mul_(0.1)
        second.bias.zero_()
    for block in before:
        for layer in _layers(block):
            layer.weight.zero_()
            layer.bias.zero_()
        _layers(block)[0].bias.fill_(-5.0)  # units of no patch stay shut
    for parameter in (compressor.widen_channels.bias, *compressor.reduce_tokens.parameters()):
        parameter.zero_()


def _parts(num_patches: int, num_tokens: int) -> list[Int[Tensor, " patches"]]:
    """Which patches each visual token tells of: runs of them, of nearly equal length."""
    return list(torch.arange(num_patches).tensor_split(num_tokens))


def _components(latents: Float[Tensor, "N patches L"], width: int) -> Float[Tensor, "patches L D"]:
    """Projection to the first `width` principal components, each as strong as the fourth root of its variance.

    Not rotated: the planner's mixture has a variance for each channel, so what it can foresee had better not share
    a channel with what it cannot. Not all of one strength: errors in the first components cost more. Not as strong as
    they are: the layer norm at the end would let the first drown the others.
    """
    flat = latents.flatten(1)
    values, vectors = torch.linalg.eigh(flat.T @ flat / len(flat))  # ascending
    values, vectors = values[-width:], vectors[:, -width:]
    values = values.clamp(min=1e-4 * values[-1])
    strength = (values / values.mean()).pow(0.25)
    return (vectors * strength / values.sqrt()).unflatten(0, latents.shape[1:])


def _regression(seen: Float[Tensor, "N P C"], told: Float[Tensor, "N P L"]) -> Float[Tensor, "C L"]:
    """Ridge regression of a patch's latents on its spatial token, the same for every patch."""
    flat = seen.flatten(0, 1)
    gram = flat.T @ flat
    ridge = RIDGE * gram.diagonal().mean() * torch.eye(len(gram))
    return torch.linalg.solve(gram + ridge, flat.T @ told.flatten(0, 1))


def _roots(centred: Float[Tensor, "N C"]) -> tuple[Float[Tensor, "C C"], Float[Tensor, "C C"]]:
    """Square root of the covariance, and its inverse."""
    values, vectors = torch.linalg.eigh(centred.T @ centred / len(centred))
    roots = (values.clamp(min=0) + RIDGE * values.mean()).sqrt()
    return vectors * roots @ vectors.T, vectors / roots @ vectors.T


def _spread_codes(count: int, dimensions: int, generator: torch.Generator) -> Float[Tensor, "T dimensions"]:
    """Unit vectors far from each other: random ones, pushed apart."""
    codes = torch.randn(count, dimensions, generator=generator)
    with torch.enable_grad():
        codes.requires_grad_()
        optimizer = torch.optim.Adam([codes], lr=0.05)
        for loss in _crowding(codes):
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return F.normalize(codes.detach(), dim=1)


def _crowding(codes: Tensor) -> Iterator[Tensor]:
    for _ in range(SPREADING_STEPS):
        unit = F.normalize(codes, dim=1)
        yield (unit @ unit.T - torch.eye(len(unit))).abs().pow(6).sum()


def _unnormed(compressor: Compressor, spatial: Float[Tensor, "N T C"]) -> Float[Tensor, "N V D"]:
    """What the reduction gives, before the blocks after it."""
    tokens = compressor.widen_channels(spatial) + compressor.spatial_positions
    tokens = compressor.spatial_norm(compressor.spatial_blocks(tokens))
    return compressor.reduce_tokens(tokens.transpose(1, 2)).transpose(1, 2) + compressor.visual_positions
