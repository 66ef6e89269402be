"""What protects the planner against overfitting, each left out in turn: the gap from training to test stories, and how
different its plans of one script are.

Source: MovieDreamer, figure 7 and the part of section 3.4 on overfitting.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from moviedreamer_core.evaluation.tables.planner_figures import (
    DIVERSITY,
    ERROR,
    EXPLAINED,
    FACT_MEASURES,
    FRECHET,
    NLL,
    READER_STORIES,
    SIMILAR,
    Figures,
    figures,
    of_columns,
    reader_for,
    unanimous,
)
from moviedreamer_core.evaluation.tables.result import Estimate, Result, write_result
from moviedreamer_core.evaluation.tables.told_stories import told_story
from moviedreamer_core.evaluation.tables.trained_variants import TrainedVariant
from moviedreamer_core.pretrained import Models

STORIES = 16
PROTECTED, UNPROTECTED = "protected", "unprotected"
VARIANTS: Mapping[str, str] = {
    PROTECTED: "all protections",
    "unmirrored": "no mirroring",
    "unreversed": "no reversal in time",
    "one-portrait": "the same portrait always",
    "unhidden": "no dropout, nothing hidden",
    "unreferenced": "no references",
    UNPROTECTED: "none of them",
}
GAPS = (ERROR, NLL, FRECHET)  # of these, training, test and their difference
COLUMNS = (
    *(f"{measure}, {of}" for measure in GAPS for of in ("training", "test", "gap")),
    DIVERSITY,
    SIMILAR,
    *FACT_MEASURES,
)


def run(
    models: Models, variants: Mapping[str, TrainedVariant], folder: Path, *, stories: int = STORIES,
    reader_stories: int = READER_STORIES,
) -> Iterator[str]:  # fmt: skip
    """Measure every planner on training and on test stories, write the result; yields lines of progress.

    Raises WeightsError for planners of other tokens, OutputError.
    """
    budget = variants[PROTECTED].budget
    length = budget.num_keyframes
    reader = reader_for(models, variants, stories=reader_stories)
    learned = range(0, budget.num_stories, 2)[:stories]  # odd ones may have been seen mirrored only
    told = {
        split: [told_story(models, split, number, num_keyframes=length) for number in numbers]
        for split, numbers in (("train", learned), ("test", range(stories)))
    }
    rows: dict[str, Figures] = {}
    for name, title in VARIANTS.items():
        training, test = (
            figures(variants[name], models.planner_tokenizer, told[split], reader)
            for split in ("train", "test")
        )
        rows[title] = with_gaps(training, test)
        yield f"protections: {title}"
    write_result(result_of(rows, models, str(budget)), folder)
    yield f"protections: written to {folder}"


def with_gaps(training: Figures, test: Figures) -> dict[str, Estimate]:
    """The figures on test stories; of GAPS also those on training stories, and test - training."""
    found = {measure: one for measure, one in test.items() if measure not in GAPS}
    for measure in GAPS:
        if measure in training and measure in test:
            found[f"{measure}, training"], found[f"{measure}, test"] = training[measure], test[measure]
            found[f"{measure}, gap"] = difference(test[measure], training[measure])
    return found


def difference(one: Estimate, other: Estimate) -> Estimate:
    """one - other, of independent stories: the variances add."""
    return Estimate(
        value=one.value - other.value,
        ci95=math.hypot(one.ci95, other.ci95),
        num_stories=min(one.num_stories, other.num_stories),
    )


def agreement(rows: Mapping[str, Figures]) -> bool | None:
    """Whether with all protections the gap is smaller, and plans differ more, than without any; None if only one."""
    with_all, without = rows[VARIANTS[PROTECTED]], rows[VARIANTS[UNPROTECTED]]
    gap = f"{ERROR}, gap"
    better = [
        with_all[gap].value < without[gap].value,
        with_all[DIVERSITY].value > without[DIVERSITY].value,
    ]
    return unanimous(better)


def result_of(rows: Mapping[str, Figures], models: Models, budget: str) -> Result:
    return Result(
        name="protections",
        title="Protections against overfitting (figure 7)",
        question="Do they keep the planner from learning its training stories by heart?",
        paper="without them the planner overfits (section 3.4, figure 7; we know of no figures).",
        columns=COLUMNS,
        rows=of_columns(rows, COLUMNS),
        agrees=agreement(rows),
        note=f"Each planner: {budget}, the paper's losses alone; so few stories that there is something to learn by "
        "heart. The gap is test - training. All but the columns of training are of test stories. That portraits or "
        "looks of some characters go unsaid (ours) stays in all rows. The verdict is by the gap of the squared error "
        f"and the diversity, all against none. {EXPLAINED}",
        command="python -m moviedreamer_core evaluate --table protections",
        weights_hash=models.weights_hash,
    )
