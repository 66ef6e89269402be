"""`evaluate --table NAME`: make one comparison and its page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from moviedreamer_core.evaluation.protocol import PARTS
from moviedreamer_core.evaluation.readers import load_reader
from moviedreamer_core.evaluation.tables import conditioning, length, prose, references, video_drift
from moviedreamer_core.pretrained import load_models


def _drift(weights: Path, folder: Path) -> Iterator[str]:
    yield from video_drift.run(load_models(weights, parts=video_drift.PARTS), folder)


def _length(weights: Path, folder: Path) -> Iterator[str]:
    yield from length.run(load_models(weights, parts=length.PARTS), folder)


def _conditioning(weights: Path, folder: Path) -> Iterator[str]:
    yield from conditioning.run(load_models(weights, parts=PARTS), load_reader(weights), folder)


def _prose(weights: Path, folder: Path) -> Iterator[str]:
    yield from prose.run(load_models(weights, parts=PARTS), load_reader(weights), folder)


def _references(weights: Path, folder: Path) -> Iterator[str]:
    yield from references.run(load_models(weights, parts=PARTS), load_reader(weights), folder)


TABLES: Mapping[str, Callable[[Path, Path], Iterator[str]]] = {
    "conditioning": _conditioning,
    "drift": _drift,
    "length": _length,
    "prose": _prose,
    "references": _references,
}
