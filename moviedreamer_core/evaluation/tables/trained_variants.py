"""Planners that `train-variant` trained for a comparison: one file each, with what is to be known of its training.

RUNS/variants/NAME/planner.safetensors   the weights, and the true visual tokens of one training story

K keyframes, V visual tokens of D channels, H hidden channels.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from moviedreamer_core.atomic import make_folder, replacing
from moviedreamer_core.autoregressive.gaussian_mixture import Mixture, MixtureHead, mixture_mean
from moviedreamer_core.autoregressive.model import AutoregressiveModel
from moviedreamer_core.config import AutoregressiveConfig, from_dict, to_dict
from moviedreamer_core.errors import WeightsError
from moviedreamer_core.weights_files import built, read_tensors

# In the file: the prefix of weights, and the tokens they were trained on.
PLANNER, WITNESS = "planner.", "witness"
# Cosine; of one compressor, in training arithmetic and in that of evaluation, it is 0.9999.
SAME_TOKENS = 0.98


class MissingVariants(WeightsError):
    """Some planner of a comparison was never trained."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What the planners of one comparison have in common."""

    steps: int
    batch: int
    num_stories: int
    num_keyframes: int
    begun_at: str | None  # a weights folder; None: at random

    def __str__(self) -> str:
        begun = f"the planner of {self.begun_at}" if self.begun_at else "the same random weights"
        return f"{self.steps:,} steps of {self.batch} episodes of {self.num_stories:,} stories, from {begun}"


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainedVariant:
    """`sampled` says whether its mixtures were trained as such; else only their mean was (loss l1 + l2)."""

    planner: AutoregressiveModel
    sampled: bool
    budget: Budget
    witness: Float[Tensor, "K V D"]  # of training story 0

    @property
    def temperature(self) -> float:
        """What `plan` is asked with."""
        return 1.0 if self.sampled else 0.0


def save_variant(folder: Path, variant: TrainedVariant) -> None:
    """Write the file whole or not at all. Raises OutputError."""
    about = {
        "config": to_dict(variant.planner.config),
        "sampled": variant.sampled,
        "budget": dataclasses.asdict(variant.budget),
    }
    weights = {PLANNER + key: value.detach().cpu() for key, value in variant.planner.state_dict().items()}
    make_folder(folder)
    with replacing(_file(folder)) as temporary:
        tensors = {**weights, WITNESS: variant.witness.contiguous()}
        save_file(tensors, temporary, metadata={"about": json.dumps(about)})


def read_variant(folder: Path) -> TrainedVariant:
    """Raises WeightsError if the file is not a whole one of this version. A mean-only planner plans its mean."""
    path = _file(folder)
    tensors = read_tensors(path, name=str(path))
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})["about"])
        config = from_dict(AutoregressiveConfig, about["config"])
        sampled, budget, witness = bool(about["sampled"]), Budget(**about["budget"]), tensors.pop(WITNESS)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{path}: not a planner of `train-variant` ({error}); train it again") from error
    weights = {key.removeprefix(PLANNER): value for key, value in tensors.items()}
    planner = built(lambda: AutoregressiveModel(config), weights, name=str(path), dtype=torch.float32)
    if not sampled:
        planner.head = MeanHead(planner.head)  # type: ignore[assignment]
    return TrainedVariant(planner=planner, sampled=sampled, budget=budget, witness=witness)


def read_variants(runs: Path, names: Sequence[str], *, table: str) -> dict[str, TrainedVariant]:
    """The planners of one comparison, by name.

    Raises MissingVariants, saying what trains them; WeightsError if they were not trained alike.
    """
    folder = runs / "variants"
    command = f"python -m moviedreamer_core train-variant {table} --runs {runs}"
    missing = [name for name in names if not _file(folder / name).is_file()]
    if missing:
        raise MissingVariants(f"{folder}: no planner of {', '.join(missing)}; train with: {command}")
    found = {name: read_variant(folder / name) for name in names}
    first, *others = found.items()
    for name, variant in others:
        if variant.budget != first[1].budget:
            raise WeightsError(
                f"{folder}: {first[0]} was trained {first[1].budget}, {name} {variant.budget}; "
                f"train all alike, with the same --steps: {command}"
            )
    return found


def check_tokens(variants: Mapping[str, TrainedVariant], true: Float[Tensor, "K V D"]) -> None:
    """`true` are the tokens of training story 0 by the weights at hand. Raises WeightsError if others were learned."""
    for name, variant in variants.items():
        if not same_tokens(variant.witness, true):
            raise WeightsError(
                f"variant {name} was trained on the visual tokens of other weights; "
                "give as --weights those whose encoders and compressor it was trained with"
            )


def same_tokens(one: Tensor, other: Tensor) -> bool:
    """Whether both are the tokens of the same frames [K, V, D] by the same compressor, in whatever precision."""
    if one.shape != other.shape:
        return False
    return float(torch.cosine_similarity(one.float(), other.float(), dim=-1).mean()) > SAME_TOKENS


class MeanHead(nn.Module):
    """One Gaussian at the mean of the mixture: what a planner predicts that was trained by l1 and l2 alone.

    Neither the weights nor the spreads of its components were trained to be sampled, nor any single component
    to be right.
    """

    def __init__(self, head: MixtureHead) -> None:
        super().__init__()
        self.head = head

    def forward(self, hidden: Float[Tensor, "*batch H"]) -> Mixture:
        mean = mixture_mean(self.head(hidden)).unsqueeze(-2)  # (*batch, 1, D)
        return Mixture(log_weight=mean.new_zeros(mean.shape[:-1]), mean=mean, log_std=torch.zeros_like(mean))


def _file(folder: Path) -> Path:
    return folder / "planner.safetensors"
