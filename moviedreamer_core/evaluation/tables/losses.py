"""The planner's loss: mixture likelihood + l1 + l2, against either part of it, without and with references.

Source: MovieDreamer, table 4, and the row of table 1 without the mixture likelihood.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from moviedreamer_core.evaluation.tables.planner_figures import (
    DIVERSITY,
    ERROR,
    EXPLAINED,
    FACT_MEASURES,
    FRECHET,
    NLL,
    OTHER,
    READER_STORIES,
    SAME,
    SIMILAR,
    ST,
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
FULL, REGRESSION, MIXTURE = "full", "regression", "mixture"
VARIANTS: Mapping[str, str] = {
    FULL: "mixture + l1 + l2",
    REGRESSION: "l1 + l2",
    MIXTURE: "mixture",
}
WAYS = {"zero-shot": False, "few-shot": True}
TRUTH = "true tokens"
COLUMNS = (ERROR, NLL, SIMILAR, FRECHET, SAME, OTHER, ST, DIVERSITY, *FACT_MEASURES)
HAIR = "hair colour"


def run(
    models: Models, variants: Mapping[str, TrainedVariant], folder: Path, *, stories: int = STORIES,
    reader_stories: int = READER_STORIES,
) -> Iterator[str]:  # fmt: skip
    """Measure the planners on test stories, write the result; yields lines of progress.

    Raises WeightsError for planners of other tokens, OutputError.
    """
    budget = variants[FULL].budget
    reader = reader_for(models, variants, stories=reader_stories)
    told = [told_story(models, "test", n, num_keyframes=budget.num_keyframes) for n in range(stories)]
    rows: dict[str, Figures] = {}
    for way, few_shot in WAYS.items():
        for name, title in VARIANTS.items():
            rows[f"{title}, {way}"] = figures(
                variants[name], models.planner_tokenizer, told, reader, few_shot=few_shot
            )
            yield f"losses: {title}, {way}"
    rows[TRUTH] = figures_of_truth(told, reader)
    write_result(result_of(rows, models, str(budget)), folder)
    yield f"losses: written to {folder}"


def agreement(rows: Mapping[str, Figures]) -> bool | None:
    """Whether the planner with the mixture is better than the one without it by what stands for the paper's FID, ST
    and LT; None if they do not all say the same.

    ST counts by its nearness to that of the true tokens: plans that are means are more alike than true frames.
    """
    full, without = (rows[f"{VARIANTS[name]}, zero-shot"] for name in (FULL, REGRESSION))
    better = [full[FRECHET].value < without[FRECHET].value]
    if ST in rows[TRUTH]:
        true = rows[TRUTH][ST].value
        better.append(abs(full[ST].value - true) < abs(without[ST].value - true))
    if HAIR in full:
        better.append(full[HAIR].value > without[HAIR].value)
    return unanimous(better)


def result_of(rows: Mapping[str, Figures], models: Models, budget: str) -> Result:
    return Result(
        name="losses",
        title="Losses of the planner (tables 4 and 1)",
        question="Does the likelihood of a mixture, beside l1 and l2, make better plans?",
        paper="zero-shot with the mixture CLIP 19.584, IS 9.698, AS 6.093, FID 2.043, ST 0.646, LT 0.814; without it "
        "18.833, 8.609, 5.893, 2.714, 0.606, 0.755; few-shot with it 20.071, 9.842, 6.288, 1.912, 0.701, 0.893.",
        columns=COLUMNS,
        rows=of_columns(rows, COLUMNS),
        agrees=agreement(rows),
        note=f"Each planner: {budget}, the paper's losses alone. Where l1 and l2 alone were trained, the plan is the "
        "mixture's mean, which is all they speak of: nothing is sampled, so there is no diversity and no nll. Such a "
        "plan is near to the truth on average, and its keyframes are more alike than true ones: Frechet tells what it "
        "blurs. The verdict is zero-shot by Frechet (for FID), by how near ST comes to that of the true tokens, and by "
        f"hair colour (for LT). {EXPLAINED}",
        command="python -m moviedreamer_core evaluate --table losses",
        weights_hash=models.weights_hash,
    )
