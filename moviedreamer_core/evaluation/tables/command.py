"""`evaluate --table NAME`: make one comparison and its page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType

from moviedreamer_core.evaluation.protocol import PARTS
from moviedreamer_core.evaluation.readers import load_reader
from moviedreamer_core.evaluation.tables import (
    conditioning,
    faces,
    length,
    losses,
    prose,
    protections,
    references,
    told_stories,
    video_drift,
)
from moviedreamer_core.evaluation.tables.trained_variants import MissingVariants, read_variants
from moviedreamer_core.pretrained import load_models

Table = Callable[
    [Path, Path, Path], Iterator[str]
]  # weights, where the page goes, runs with trained variants

# Comparisons of planners that were trained for them, see `training/variants.py`.
OF_VARIANTS: Mapping[str, ModuleType] = {"losses": losses, "faces": faces, "protections": protections}


def run(table: str, weights: Path, folder: Path, runs: Path) -> Iterator[str]:
    """Make that table, or `all`; of all, those whose planners were never trained are left out, which is said.

    Raises MissingVariants, a WeightsError, for such a table by itself; WeightsError, OutputError.
    """
    if table != "all":
        yield from TABLES[table](weights, folder, runs)
        return
    for name, make in TABLES.items():
        try:
            yield from make(weights, folder, runs)
        except MissingVariants as missing:
            yield f"{name}: left out, {missing}"


def _drift(weights: Path, folder: Path, runs: Path) -> Iterator[str]:
    yield from video_drift.run(load_models(weights, parts=video_drift.PARTS), folder)


def _length(weights: Path, folder: Path, runs: Path) -> Iterator[str]:
    yield from length.run(load_models(weights, parts=length.PARTS), folder)


def _conditioning(weights: Path, folder: Path, runs: Path) -> Iterator[str]:
    yield from conditioning.run(load_models(weights, parts=PARTS), load_reader(weights), folder)


def _prose(weights: Path, folder: Path, runs: Path) -> Iterator[str]:
    yield from prose.run(load_models(weights, parts=PARTS), load_reader(weights), folder)


def _references(weights: Path, folder: Path, runs: Path) -> Iterator[str]:
    yield from references.run(load_models(weights, parts=PARTS), load_reader(weights), folder)


def _of_variants(name: str) -> Table:
    table = OF_VARIANTS[name]

    def make(weights: Path, folder: Path, runs: Path) -> Iterator[str]:
        variants = read_variants(runs, tuple(table.VARIANTS), table=name)
        yield from table.run(load_models(weights, parts=told_stories.PARTS), variants, folder)

    return make


TABLES: Mapping[str, Table] = {
    "conditioning": _conditioning,
    "drift": _drift,
    "length": _length,
    "prose": _prose,
    "references": _references,
    **{name: _of_variants(name) for name in OF_VARIANTS},
}
