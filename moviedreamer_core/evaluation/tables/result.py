"""What one comparison found, and the page about it: figures, the paper's claim beside them, and a plot.

docs/results/<name>.json   every figure     <name>.png  the plot     README.md  one section per result
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from moviedreamer_core.atomic import make_folder, replacing, write_json, write_text
from moviedreamer_core.errors import OutputError
from moviedreamer_core.evaluation.metrics import half_width

PAGE = "README.md"
VERDICTS = {
    True: " The miniature **agrees with the paper**.",
    False: " The miniature **does not agree with the paper**.",
    None: "",  # the paper has no such comparison, or the figures do not decide
}


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean over `num_stories` independent stories, and half the width of its 95% interval."""

    value: float
    ci95: float
    num_stories: int

    def __str__(self) -> str:
        digits = 3 if abs(self.value) < 10 else 1
        return f"{self.value:.{digits}f} ± {self.ci95:.{digits}f}"


@dataclass(frozen=True, kw_only=True)
class Result:
    """One comparison. `rows` map what is compared to its figures by column; `agrees` is about the direction."""

    name: str
    title: str
    question: str
    paper: str
    columns: Sequence[str]
    rows: Mapping[str, Mapping[str, Estimate]]
    agrees: bool | None
    note: str
    command: str
    weights_hash: str


def estimate(values: Sequence[tuple[int, float]]) -> Estimate:
    """Of (story, value) pairs; several values of one story are resampled together. ValueError without any."""
    if not values:
        raise ValueError("an estimate needs at least one value")
    mean = float(np.mean([value for _, value in values]))
    return Estimate(value=mean, ci95=half_width(values), num_stories=len({story for story, _ in values}))


def write_result(result: Result, folder: Path, draw: Callable[[Path], None] | None = None) -> None:
    """Write the result's files and the page of all results in `folder`. `draw` saves the plot as PNG at a path.

    Raises OutputError.
    """
    make_folder(folder)
    if draw is not None:
        with replacing(folder / f"{result.name}.png") as temporary:
            draw(temporary)
    write_json(folder / f"{result.name}.json", asdict(result))
    found = [read_result(path) for path in sorted(folder.glob("*.json"))]
    plotted = [one for one in found if (folder / f"{one.name}.png").is_file()]
    write_text(folder / PAGE, page(found, plotted={one.name for one in plotted}))


def read_result(path: Path) -> Result:
    """One result from its JSON file. Raises OutputError, naming it, if it cannot be understood."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        rows = {
            row: {column: Estimate(**figure) for column, figure in figures.items()}
            for row, figures in values.pop("rows").items()
        }
        return Result(**{**values, "rows": rows})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutputError(f"{path}: not a result of `evaluate --table` ({error}); delete it") from error


def page(results: Sequence[Result], *, plotted: set[str]) -> str:
    """Markdown: how to read the figures, then a section per result."""
    lines = [
        "# The paper's comparisons, in miniature",
        "",
        "Each section asks one question of the method, answers it with the shipped miniature on held-out stories, and "
        "says whether the direction is that of the paper (Zhao et al., ICLR 2025). The absolute figures cannot be "
        "compared: theirs are of films at 896 x 512, ours of a drawn world at 224 x 128. "
        "± is half the 95% interval, from resampling whole stories.",
    ]
    for result in results:
        lines += ["", *section(result, plotted=result.name in plotted)]
    return "\n".join(lines) + "\n"


def section(result: Result, *, plotted: bool) -> list[str]:
    """The lines about one result."""
    table = [
        f"| | {' | '.join(result.columns)} |",
        f"|{'---|' * (len(result.columns) + 1)}",
        *(
            f"| {row} | {' | '.join(str(figures[c]) if c in figures else '' for c in result.columns)} |"
            for row, figures in result.rows.items()
        ),
    ]
    return [
        f"## {result.title}",
        "",
        result.question + VERDICTS[result.agrees],
        "",
        *table,
        "",
        *([f"![{result.title}]({result.name}.png)", ""] if plotted else []),
        f"Paper: {result.paper}",
        "",
        result.note,
        "",
        f"`{result.command}`, weights {result.weights_hash[:12]}.",
    ]
