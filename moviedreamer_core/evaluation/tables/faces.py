"""The planner with and without face embeddings in its script, in training as in planning.

Source: MovieDreamer, figure 5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from moviedreamer_core.evaluation.tables.planner_figures import (
    ERROR,
    EXPLAINED,
    FACT_MEASURES,
    FRECHET,
    NLL,
    READER_STORIES,
    SIMILAR,
    ST,
    UNSAID,
    Figures,
    figures,
    figures_of_truth,
    of_columns,
    reader_for,
    unanimous,
)
from moviedreamer_core.evaluation.tables.result import Result, write_result
from moviedreamer_core.evaluation.tables.told_stories import told_story
from moviedreamer_core.evaluation.tables.trained_variants import TrainedVariant
from moviedreamer_core.pretrained import Models

STORIES = 16
FULL, FACELESS = "full", "faceless"
VARIANTS: Mapping[str, str] = {FULL: "with faces", FACELESS: "without faces"}
TRUTH = "true tokens"
COLUMNS = (ERROR, NLL, SIMILAR, FRECHET, ST, *FACT_MEASURES, UNSAID)
HAIR = "hair colour"


def run(
    models: Models, variants: Mapping[str, TrainedVariant], folder: Path, *, stories: int = STORIES,
    reader_stories: int = READER_STORIES,
) -> Iterator[str]:  # fmt: skip
    """Measure both planners on the same test stories, write the result; yields lines of progress.

    Raises WeightsError for planners of other tokens, OutputError.
    """
    length = variants[FULL].budget.num_keyframes
    reader = reader_for(models, variants, stories=reader_stories)
    rows: dict[str, Figures] = {}
    for name, title in VARIANTS.items():
        told = [
            told_story(models, "test", number, num_keyframes=length, faces=name == FULL)
            for number in range(stories)
        ]
        rows[title] = figures(variants[name], models.planner_tokenizer, told, reader)
        rows.setdefault(TRUTH, figures_of_truth(told, reader))
        yield f"faces: {title}"
    rows[TRUTH] = rows.pop(TRUTH)  # last
    write_result(result_of(rows, models, str(variants[FULL].budget)), folder)
    yield f"faces: written to {folder}"


def agreement(rows: Mapping[str, Figures]) -> bool | None:
    """Whether both hair colour and nearness to the true tokens are better with faces; None if only one is."""
    told, untold = rows[VARIANTS[FULL]], rows[VARIANTS[FACELESS]]
    better = [told[m].value > untold[m].value for m in (HAIR, SIMILAR) if m in told and m in untold]
    return unanimous(better)


def result_of(rows: Mapping[str, Figures], models: Models, budget: str) -> Result:
    return Result(
        name="faces",
        title="Face embeddings in the planner's script (figure 5)",
        question="Are the plans nearer to who the characters are if the script shows their faces?",
        paper="with face embeddings characters keep their looks (figure 5; we know of no figures).",
        columns=COLUMNS,
        rows=of_columns(rows, COLUMNS),
        agrees=agreement(rows),
        note=f"Each planner: {budget}, the paper's losses alone. With faces, 15 % of the casts and of the others 15 % "
        "of the characters were shown without one in training; here everyone is shown. The verdict is by hair colour "
        f"and cosine to truth. {EXPLAINED}",
        command="python -m moviedreamer_core evaluate --table faces",
        weights_hash=models.weights_hash,
    )
