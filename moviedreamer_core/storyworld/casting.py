"""Who plays: appearances, casts whose members can be told apart, and what the story says of their looks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np

from moviedreamer_core.storyworld.facts import (
    BEARDS,
    COLOURS,
    HAIR_COLOURS,
    HAIR_STYLES,
    HATS,
    OUTFITS,
    SKINS,
    Appearance,
)
from moviedreamer_core.storyworld.grammar import choose
from moviedreamer_core.storyworld.names import GENDER_NAMES

K = TypeVar("K")

MIN_VISIBLE_DIFFERENCES = 3
CAST_SIZES = {2: 0.2, 3: 0.4, 4: 0.4}

_AGES = {"child": 0.3, "adult": 0.45, "old": 0.25}
_HAIR_COLOUR_WEIGHTS = dict(zip(HAIR_COLOURS, (0.2, 0.2, 0.18, 0.18, 0.04, 0.1, 0.1), strict=True))
_OLD_HAIR_COLOUR_WEIGHTS = dict(zip(HAIR_COLOURS, (0.1, 0.1, 0.08, 0.08, 0.52, 0.06, 0.06), strict=True))
_HAIR_STYLE_WEIGHTS = {
    "woman": dict(zip(HAIR_STYLES, (0.2, 0.23, 0.2, 0.14, 0.15, 0.08, 0.0), strict=True)),
    "man": dict(zip(HAIR_STYLES, (0.38, 0.14, 0.18, 0.03, 0.05, 0.22, 0.0), strict=True)),
}
_BALD_PROBABILITY = {"child": 0.0, "adult": 0.15, "old": 0.3}  # of men
_HAT_WEIGHTS = dict(zip(HATS, (0.46, 0.18, 0.18, 0.18), strict=True))
_BEARD_WEIGHTS = dict(zip(BEARDS, (0.4, 0.28, 0.32), strict=True))
_OUTFIT_WEIGHTS = {
    "woman": dict(zip(OUTFITS, (0.18, 0.18, 0.2, 0.26, 0.18), strict=True)),
    "man": dict(zip(OUTFITS, (0.25, 0.25, 0.25, 0.0, 0.25), strict=True)),
}
_GLASSES_PROBABILITY = 0.35
_VISIBLE = ("gender", "age", "skin", "hair_style", "hat", "glasses", "beard", "outfit", "outfit_colour")


def weighted(rng: np.random.Generator, weights: Mapping[K, float]) -> K:
    """A key of `weights`, which sum to 1, by its weight."""
    left = rng.random()
    for key, weight in weights.items():
        left -= weight
        if left < 0:
            return key
    return key  # rounding left a little over


def sample_appearance(rng: np.random.Generator) -> Appearance:
    """A person. Traits are independent, but age and gender decide on beards, baldness, grey hair and
    dresses."""
    gender = choose(rng, ("woman", "man"))
    age = weighted(rng, _AGES)
    is_bald = gender == "man" and rng.random() < _BALD_PROBABILITY[age]
    may_have_beard = gender == "man" and age != "child"
    return Appearance(
        gender=gender,
        age=age,
        skin=choose(rng, SKINS),
        hair_colour=weighted(rng, _OLD_HAIR_COLOUR_WEIGHTS if age == "old" else _HAIR_COLOUR_WEIGHTS),
        hair_style="bald" if is_bald else weighted(rng, _HAIR_STYLE_WEIGHTS[gender]),
        hat=weighted(rng, _HAT_WEIGHTS),
        hat_colour=choose(rng, COLOURS),
        glasses=bool(rng.random() < _GLASSES_PROBABILITY),
        beard=weighted(rng, _BEARD_WEIGHTS) if may_have_beard else "none",
        outfit=weighted(rng, _OUTFIT_WEIGHTS[gender]),
        outfit_colour=choose(rng, COLOURS),
    )


def visible_differences(one: Appearance, other: Appearance) -> int:
    """The number of traits in which two people look different; a bald head shows no hair colour."""
    differences = sum(getattr(one, trait) != getattr(other, trait) for trait in _VISIBLE)
    if "bald" not in (one.hair_style, other.hair_style):
        differences += one.hair_colour != other.hair_colour
    if "none" not in (one.hat, other.hat):
        differences += one.hat_colour != other.hat_colour
    return differences


def sample_cast(
    rng: np.random.Generator, *, size: int | None = None
) -> tuple[tuple[str, ...], tuple[Appearance, ...]]:
    """Names and appearances of 2 to 4 people, each two of whom differ in at least MIN_VISIBLE_DIFFERENCES
    traits."""
    size = weighted(rng, CAST_SIZES) if size is None else size
    cast: list[Appearance] = []
    names: list[str] = []
    while len(cast) < size:
        person = sample_appearance(rng)
        name = choose(rng, GENDER_NAMES[person.gender])
        if name in names or any(
            visible_differences(person, other) < MIN_VISIBLE_DIFFERENCES for other in cast
        ):
            continue
        cast.append(person)
        names.append(name)
    return tuple(names), tuple(cast)


def sample_said_traits(rng: np.random.Generator, appearance: Appearance) -> tuple[str, ...]:
    """What the story tells of a person's looks; the rest is left to the frames and must persist."""
    has_beard, may_have_beard = (
        appearance.beard != "none",
        appearance.gender == "man" and appearance.age != "child",
    )
    probability = {
        "gender": 0.9,
        "age": 0.85,
        "skin": 0.35,
        "hair": 0.95,
        "hat": 0.12 if appearance.hat == "none" else 0.85,
        "glasses": 0.85 if appearance.glasses else 0.12,
        "beard": 0.9 if has_beard else 0.2 if may_have_beard else 0.0,
        "outfit": 0.5,
    }
    traits = tuple(trait for trait, chance in probability.items() if rng.random() < chance)
    return traits or ("hair",)
