"""The regression gate: a few test episodes at fixed seeds, against what the weights' manifest says they reached.

The manifest's key "evaluation" holds the figures:

    {"protocol": {"episodes": 8, "keyframes": 12, ...}, "figures": {"place": {"value": 0.9, "ci95": 0.05}, ...},
     "presence": {"value": 0.6, "balanced_accuracy": 0.8, "num_pairs": 150}}

It is no part of the weights' hash, and manifests without it are as good as ever. A figure fails if it lies below
the recorded one by more than half the 95% interval (bootstrap over episodes) of either, the wider one: the
interval of a figure that was perfect is empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import torch

from moviedreamer_core.atomic import write_json
from moviedreamer_core.drawing import render_settings
from moviedreamer_core.errors import WeightsError
from moviedreamer_core.evaluation.frame_metrics import Threshold, clip_scores, short_term_similarities
from moviedreamer_core.evaluation.metrics import half_width
from moviedreamer_core.evaluation.plots import embed_plots
from moviedreamer_core.evaluation.presence import FaceSearch, validation_threshold
from moviedreamer_core.evaluation.protocol import PARTS, Judged, judge, scores_of
from moviedreamer_core.evaluation.readers import FrameReader, load_reader
from moviedreamer_core.pretrained import Models, load_models
from moviedreamer_core.weights_files import MANIFEST, read_json, read_manifest

KEY = "evaluation"
GENERATED = "generated"  # the version of frames that is measured
EPISODES, KEYFRAMES = 4, 12  # 48 keyframes take about 2 minutes on 2 slow cores
DECIMALS = 4  # of recorded figures


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """What figures are comparable under. Episodes are the first ones of the test split."""

    episodes: int
    keyframes: int
    steps: int
    guidance_scale: float
    temperature: float

    def __str__(self) -> str:
        return ", ".join(f"{name} {value:g}" for name, value in asdict(self).items())


@dataclass(frozen=True, kw_only=True)
class Figure:
    """`value` is better when higher; `ci95` is half the width of its 95% interval."""

    value: float
    ci95: float


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`regressions` has a sentence per figure that is too low; none means that the gate is passed."""

    regressions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Record:
    """What a manifest holds under KEY. `presence` is the threshold for searching everywhere."""

    protocol: Protocol
    figures: Mapping[str, Figure]
    presence: Threshold | None = None


# --- the manifest ------------------------------------------------------------------------------------


def read_record(weights: Path) -> Record | None:
    """The figures in the manifest of a weights folder; None if none are recorded. Raises WeightsError."""
    read_manifest(weights)
    values = read_json(weights / MANIFEST, name=MANIFEST).get(KEY)
    if values is None:
        return None
    try:
        figures = {
            metric: Figure(value=float(figure["value"]), ci95=float(figure["ci95"]))
            for metric, figure in values["figures"].items()
        }
        presence = None if values.get("presence") is None else Threshold(**values["presence"])
        said = values["protocol"]
        protocol = Protocol(
            episodes=int(said["episodes"]),
            keyframes=int(said["keyframes"]),
            steps=int(said["steps"]),
            guidance_scale=float(said["guidance_scale"]),
            temperature=float(said["temperature"]),
        )
        return Record(protocol=protocol, figures=figures, presence=presence)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WeightsError(
            f"{MANIFEST}: the figures under {KEY} are incomplete ({error}); record them again with --record"
        ) from error


def write_record(weights: Path, record: Record) -> None:
    """Put the figures into the manifest of a weights folder; all else in it stays. Raises OutputError."""
    read_manifest(weights)
    values = read_json(weights / MANIFEST, name=MANIFEST)
    write_json(weights / MANIFEST, {**values, KEY: asdict(record)})


# --- measuring ---------------------------------------------------------------------------------------


def protocol_of(models: Models, *, episodes: int, keyframes: int) -> Protocol:
    """How keyframes are drawn by default, on so many episodes."""
    settings = render_settings(models.config)
    return Protocol(
        episodes=episodes,
        keyframes=keyframes,
        steps=settings.steps,
        guidance_scale=settings.guidance_scale,
        temperature=settings.temperature,
    )


def measure(models: Models, reader: FrameReader, protocol: Protocol) -> Iterator[str | dict[str, Figure]]:
    """Lines of progress, then the figures by metric."""
    judged: list[Judged] = []
    for index in range(protocol.episodes):
        judged.append(judge(models, reader, index, num_keyframes=protocol.keyframes, versions=(GENERATED,)))
        yield f"evaluate: episode {index + 1} of {protocol.episodes}"
    yield figures_of(models, judged)


def figures_of(models: Models, judged: Sequence[Judged]) -> dict[str, Figure]:
    """Every fact that is read from the generated frames, the CLIP score, and ST of all characters together."""
    figures = {
        metric: Figure(value=versions[GENERATED].value, ci95=versions[GENERATED].ci95)
        for metric, versions in scores_of(judged).items()
    }
    scores: list[tuple[int, float]] = []
    consistencies: list[tuple[int, float]] = []
    for one in judged:
        with torch.no_grad():
            embedded = models.vision.embed(one.frames[GENERATED])
        plots = embed_plots(one.episode.story, models.text)
        scores += [(one.index, score) for score in clip_scores(embedded, plots).tolist()]
        for character in range(len(one.episode.cast)):
            present = [character in (f.character for f in scene.figures) for scene in one.episode.scenes]
            consistencies += [(one.index, value) for value in short_term_similarities(embedded, present)]
    for metric, credits in {"clip_score": scores, "short_term_consistency": consistencies}.items():
        if credits:
            value = float(np.mean([credit for _, credit in credits]))
            figures[metric] = Figure(value=value, ci95=half_width(credits))
    return {
        metric: Figure(value=round(figure.value, DECIMALS), ci95=round(figure.ci95, DECIMALS))
        for metric, figure in figures.items()
    }


# --- judging -----------------------------------------------------------------------------------------


def regressions(recorded: Mapping[str, Figure], measured: Mapping[str, Figure]) -> list[str]:
    """One sentence per figure that fell below the recorded one by more than the interval, or is gone."""
    sentences = []
    for metric, before in recorded.items():
        now = measured.get(metric)
        name = metric.replace("_", " ")
        if now is None:
            sentences.append(f"{name}: was {before.value:g}, is no longer measured")
            continue
        fall, allowed = before.value - now.value, max(before.ci95, now.ci95)
        if fall > allowed + 10**-DECIMALS:  # both values are rounded
            sentences.append(
                f"{name}: {now.value:g} is {fall:.{DECIMALS}f} below the recorded {before.value:g}, "
                f"the interval allows {allowed:g}"
            )
    return sentences


# --- the commands ------------------------------------------------------------------------------------


def record(weights: Path, episodes: int = EPISODES, keyframes: int = KEYFRAMES) -> Iterator[str]:
    """`evaluate --record`: measure the weights and write the figures into their manifest; yields lines.

    Raises WeightsError; OutputError if the manifest cannot be written, and it stays as it was.
    """
    models, reader = load_models(weights, parts=PARTS), load_reader(weights)
    protocol = protocol_of(models, episodes=episodes, keyframes=keyframes)
    figures: dict[str, Figure] = {}
    presence: Threshold | None = None
    for said in chain(measure(models, reader, protocol), validation_threshold(FaceSearch(models.face))):
        if isinstance(said, str):
            yield said
        elif isinstance(said, Threshold):
            presence = said
        else:
            figures = said
    write_record(weights, Record(protocol=protocol, figures=figures, presence=presence))
    yield from _lines(figures)
    yield f"recorded {len(figures)} figures in {weights / MANIFEST}"


def check(weights: Path) -> Iterator[str | Verdict]:
    """`evaluate --gate`: lines of progress and figures, then the verdict.

    Raises WeightsError, also if keyframes are drawn with other settings by now than when figures were recorded.
    """
    recorded = read_record(weights)
    if recorded is None:
        yield (
            f"no figures are recorded for the weights in {weights}; "
            f"run python -m moviedreamer_core evaluate --record --weights {weights}"
        )
        yield Verdict(regressions=())
        return
    models, reader = load_models(weights, parts=PARTS), load_reader(weights)
    before = recorded.protocol
    now = protocol_of(models, episodes=before.episodes, keyframes=before.keyframes)
    if now != before:
        raise WeightsError(
            f"{MANIFEST}: its figures were recorded with {before}, keyframes are now drawn with {now}; "
            "record them again with --record"
        )
    for said in measure(models, reader, now):
        if isinstance(said, str):
            yield said
        else:
            yield from _lines(said, recorded.figures)
            yield Verdict(regressions=tuple(regressions(recorded.figures, said)))


def _lines(measured: Mapping[str, Figure], recorded: Mapping[str, Figure] | None = None) -> Iterator[str]:
    for metric, figure in measured.items():
        line = f"{metric.replace('_', ' '):32} {figure.value:8.4f} ± {figure.ci95:.4f}"
        before = (recorded or {}).get(metric)
        yield line if before is None else f"{line}   recorded {before.value:8.4f} ± {before.ci95:.4f}"
