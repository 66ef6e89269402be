"""What a sentence says, and how a template becomes one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from moviedreamer_core.storyworld.grammar import finished, pick

Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Said:
    """A sentence and exactly the facts that it says, as (fact, value) pairs in a fixed order.

    A person's facts are numbered from 1 in the order in which the sentence names people: ("2.action",
    "waving").
    """

    text: str
    facts: Facts


class Slots(dict[str, str]):
    """Fillers of a template's `{slot}`s: given words, or phrasings from which one is picked when it is
    needed."""

    def __init__(self, rng: np.random.Generator, phrasings: dict, **given: str) -> None:
        super().__init__(given)
        self._rng, self._phrasings = rng, phrasings

    def __missing__(self, slot: str) -> str:
        return pick(self._rng, self._phrasings[slot])


def sentence(template: str, slots: dict[str, str], stop: str = ".") -> str:
    """`template` with its slots filled, as a finished sentence."""
    return finished(template.format_map(slots), stop)
