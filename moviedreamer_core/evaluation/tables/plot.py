"""Curves with their intervals, as PNG files of the same look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np

from moviedreamer_core.evaluation.tables.result import Estimate

matplotlib.use("Agg")  # no display, and no window where there is one

import matplotlib.pyplot as plt

PANEL_INCHES, DPI = (4.6, 3.4), 110


def save_curves(
    path: Path,
    *,
    x: Sequence[int],
    x_label: str,
    panels: Mapping[str, Mapping[str, Sequence[Estimate]]],
    x_scale: str = "linear",
) -> None:
    """One panel per measure, in it one line per variant with its 95% interval; saved as PNG at `path`."""
    width, height = PANEL_INCHES
    figure, axes = plt.subplots(1, len(panels), figsize=(width * len(panels), height), squeeze=False)
    for axis, (label, variants) in zip(axes[0], panels.items(), strict=True):
        for variant, estimates in variants.items():
            values = np.array([one.value for one in estimates])
            half = np.array([one.ci95 for one in estimates])
            (line,) = axis.plot(x, values, marker="o", markersize=3, label=variant)
            axis.fill_between(
                x, values - half, values + half, color=line.get_color(), alpha=0.15, linewidth=0
            )
        axis.set(xlabel=x_label, ylabel=label, xscale=x_scale)
        axis.grid(alpha=0.25)
        axis.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path, format="png", dpi=DPI)
    plt.close(figure)
