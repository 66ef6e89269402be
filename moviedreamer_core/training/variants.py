"""Planners for the paper's ablations: each differs from the first of its table in one thing, and in nothing else.

Of one table all begin at the same random weights and see the same episodes in the same order, for as many steps, on
the tokens of the same frozen encoders and compressor. They are trained by the paper's loss alone: that what a
keyframe shows must be read from the expected tokens (`ReadPlanner`, ours) pulls at the mixture's mean, which a
planner of the mixture's likelihood alone must not feel.

Table 3 (2 against 8 visual tokens) would be a `config` with more of them, and needs the stages before the planner's,
and a renderer, for that config too.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from moviedreamer_core.atomic import make_folder, write_json
from moviedreamer_core.autoregressive.model import AutoregressiveModel, LossTerms
from moviedreamer_core.config import ModelConfig
from moviedreamer_core.data.encoded_world import EncodedWorld, save_array
from moviedreamer_core.errors import WeightsError
from moviedreamer_core.evaluation.tables import faces, losses, protections
from moviedreamer_core.evaluation.tables.trained_variants import (
    Budget,
    TrainedVariant,
    same_tokens,
    save_variant,
)
from moviedreamer_core.training.few_stories import few_stories
from moviedreamer_core.training.loop import Schedule
from moviedreamer_core.training.planner import (
    ALL_TERMS,
    AS_IN_THE_PAPER,
    PlainPlanner,
    Variety,
    batches,
    planner_losses,
)
from moviedreamer_core.training.stages import compress_data
from moviedreamer_core.training.workshop import Effort, Workshop, first_weights

EFFORT = Effort(steps=2500, batch=6, learning_rate=6e-4)  # as much as the planner's own stage
FEW_STORIES = 200
UNTOUCHED = Variety(reverse_probability=0.0, reference_probability=0.0, mirrored=False, portraits=False)


def _unhidden(config: ModelConfig) -> ModelConfig:
    planner = dataclasses.replace(config.autoregressive, dropout=0.0, hidden_token_probability=0.0)
    return dataclasses.replace(config, autoregressive=planner)


def _as_it_is(config: ModelConfig) -> ModelConfig:
    return config


@dataclass(frozen=True, kw_only=True)
class Variant:
    """What differs in its training. `few`: of FEW_STORIES stories, each also mirrored; else of all there are."""

    terms: LossTerms = ALL_TERMS
    variety: Variety = AS_IN_THE_PAPER
    config: Callable[[ModelConfig], ModelConfig] = _as_it_is
    few: bool = False


VARIANTS: Mapping[str, Variant] = {
    "full": Variant(),
    "regression": Variant(terms=LossTerms(nll=False)),
    "mixture": Variant(terms=LossTerms(l1=False, l2=False)),
    "faceless": Variant(variety=Variety(faces=False)),
    "protected": Variant(few=True),
    "unmirrored": Variant(few=True, variety=Variety(mirrored=False)),
    "unreversed": Variant(few=True, variety=Variety(reverse_probability=0.0)),
    "one-portrait": Variant(few=True, variety=Variety(portraits=False)),
    "unhidden": Variant(few=True, config=_unhidden),
    "unreferenced": Variant(few=True, variety=Variety(reference_probability=0.0)),
    "unprotected": Variant(few=True, variety=UNTOUCHED, config=_unhidden),
}
OF_TABLE: Mapping[str, tuple[str, ...]] = {
    "losses": tuple(losses.VARIANTS),
    "faces": tuple(faces.VARIANTS),
    "protections": tuple(protections.VARIANTS),
    "all": tuple(VARIANTS),
}


def names_of(asked: str) -> tuple[str, ...]:
    """The variants of a table, or the one of that name. Raises ValueError for neither."""
    if asked in OF_TABLE:
        return OF_TABLE[asked]
    if asked in VARIANTS:
        return (asked,)
    raise ValueError(f'"{asked}" is no variant; choose {", ".join(OF_TABLE)} or one of {", ".join(VARIANTS)}')


def train_variant(
    shop: Workshop, name: str, effort: Effort = EFFORT, *, trained_on: bool = False
) -> Iterator[str]:
    """Train, resumably, in the run `variants/NAME` of the workshop, and write its planner; yields lines to show.

    `trained_on`: begin at the planner of the workshop's `start`, not at random. Raises WeightsError if the encoders,
    the compressor, or what they make of the data are missing, or if the run was begun otherwise.
    """
    variant = VARIANTS[name]
    data = yield from _data_of(shop, variant)
    budget = Budget(
        steps=effort.steps, batch=effort.batch, num_stories=data.world.num_episodes // (1 + variant.few),
        num_keyframes=data.world.num_keyframes, begun_at=str(shop.start) if trained_on else None,
    )  # fmt: skip
    witness = torch.from_numpy(np.asarray(data.load("tokens")[: data.world.num_keyframes], np.float32))
    run = f"variants/{name}"
    _begin_or_go_on(shop.folder / run, budget, witness)
    module = PlainPlanner(_first_planner(shop, variant, trained_on=trained_on), terms=variant.terms)
    batch_at = batches(data, shop.identifiers, effort.batch, variety=variant.variety)
    for p in shop.run(run, module, _schedule(effort), batch_at, planner_losses):
        said = "  ".join(f"{key} {value:.4f}" for key, value in p.losses.items())
        yield f"{name}: step {p.step} of {p.steps}, {p.seconds_per_step:.2f} s/step  {said}"
    trained = TrainedVariant(
        planner=module.planner, sampled=variant.terms.nll, budget=budget, witness=witness
    )
    save_variant(shop.folder / run, trained)
    yield f"{name}: written to {shop.folder / run}"


def _begin_or_go_on(folder: Path, budget: Budget, witness: Tensor) -> None:
    """Note what the run is begun with; only its steps may change. Raises WeightsError if all else is not the same."""
    alike = {key: value for key, value in dataclasses.asdict(budget).items() if key != "steps"}
    begun, tokens = folder / "begun.json", folder / "witness.npy"
    if not begun.exists():
        make_folder(folder)
        save_array(tokens, witness.numpy())
        write_json(begun, alike)
    elif json.loads(begun.read_text()) != alike or not same_tokens(
        torch.from_numpy(np.load(tokens)), witness
    ):
        raise WeightsError(f"{folder}: begun with other data, tokens or weights; delete it to train it again")


def _data_of(shop: Workshop, variant: Variant) -> Generator[str, None, EncodedWorld]:
    if variant.few:
        return (yield from few_stories(shop, min(FEW_STORIES, shop.scale.num_episodes)))
    yield from compress_data(shop)
    return shop.encoded


def _first_planner(shop: Workshop, variant: Variant, *, trained_on: bool) -> AutoregressiveModel:
    with first_weights("autoregressive"):
        planner = AutoregressiveModel(variant.config(shop.config).autoregressive)
    if trained_on:
        if "autoregressive" not in shop.begins_from:
            raise WeightsError(
                f"{shop.start or 'no --start'}: no planner of these sizes to train on; give one as --start"
            )
        planner.load_state_dict(shop.begins_from["autoregressive"].state_dict())
    return planner


def _schedule(effort: Effort) -> Schedule:
    return Schedule(
        steps=effort.steps, learning_rate=effort.learning_rate, final_learning_rate=1e-6,
        warmup_steps=min(100, max(1, effort.steps // 10)), ema_decay=0.998,
    )  # fmt: skip
