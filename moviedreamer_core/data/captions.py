"""The sentences of the storyworld's episodes as arrays: word ids, the facts they state, and whose they are.

U different sentences, L word positions, X fact slots ("place", "1.action", ...).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from moviedreamer_core.data.world_frames import FrameScript

Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Captions:
    """`texts` are anonymised (person1, person2, ... in frame order). `rows[f]` are the sentences of frame f in
    script order, as indices into `texts`, padded with -1; `facts[u, x]` indexes `values[x]`, -1 where unsaid."""

    texts: tuple[str, ...]
    rows: np.ndarray  # [frames, longest] int32
    slots: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    facts: np.ndarray  # [U, X] int8
    token_ids: np.ndarray  # [U, L] int16, 0 is padding

    def sentences_of(self, frame: int) -> np.ndarray:
        row = self.rows[frame]
        return row[row >= 0]


def collect(scripts: Iterable[FrameScript], tokenise: Callable[[Sequence[str]], np.ndarray]) -> Captions:
    """Gather every sentence of these frames; `tokenise` gives word ids [U, L], padded with 0."""
    index: dict[str, int] = {}
    facts: list[Facts] = []
    rows: list[list[int]] = []
    for script in scripts:
        for text, stated in zip(script.spoken, script.facts, strict=True):
            if text not in index:
                index[text] = len(index)
                facts.append(stated)
        rows.append([index[text] for text in script.spoken])
    slots, values = _fact_values(facts)
    padded = np.full((len(rows), max(map(len, rows))), -1, np.int32)
    for frame, row in enumerate(rows):
        padded[frame, : len(row)] = row
    texts = tuple(index)
    return Captions(texts, padded, slots, values, _fact_table(facts, slots, values), tokenise(texts))


def _fact_values(said_by: Sequence[Facts]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    found: dict[str, set[str]] = {}
    for facts in said_by:
        for slot, value in facts:
            found.setdefault(slot, set()).add(value)
    slots = tuple(sorted(found))
    return slots, tuple(tuple(sorted(found[slot])) for slot in slots)


def _fact_table(
    said_by: Sequence[Facts], slots: Sequence[str], values: Sequence[Sequence[str]]
) -> np.ndarray:
    table = np.full((len(said_by), len(slots)), -1, np.int8)
    column = {slot: x for x, slot in enumerate(slots)}
    number = [{value: i for i, value in enumerate(group)} for group in values]
    for u, facts in enumerate(said_by):
        for slot, value in facts:
            table[u, column[slot]] = number[column[slot]][value]
    return table
