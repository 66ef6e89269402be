"""`evaluate`: judge the weights on held-out episodes and write the report.

evaluation.json   "<metric>" for generated frames, "<metric>/<version>" for the others
evaluation.md     the same as a table: which stage loses what
evaluation.png    true and generated keyframes beside each other
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
from PIL import Image

from moviedreamer_core.atomic import make_folder, replacing, write_json, write_text
from moviedreamer_core.autoencoder.renderer import to_image
from moviedreamer_core.drawing import render_settings
from moviedreamer_core.evaluation.metrics import Score
from moviedreamer_core.evaluation.protocol import (
    PARTS,
    SPLIT,
    VERSIONS,
    Judged,
    Split,
    goal_of,
    judge,
    scores_of,
)
from moviedreamer_core.evaluation.readers import load_reader
from moviedreamer_core.pretrained import load_models

EPISODES, KEYFRAMES = 16, 12
QUICK_EPISODES, QUICK_STEPS = 4, 8  # a first look: half the steps, wide intervals
TITLES = {
    "generated": "from the story",
    "true_tokens": "from the true tokens",
    "vae": "true, through the VAE",
    "reader": "true frames",
}
SHEET_EPISODES, SHEET_COLUMNS = 4, 12
SHEET_VERSIONS = ("reader", "true_tokens", "generated")  # from top to bottom
SHEET_GAP_PX, SHEET_GROUND = 4, "white"

Table = Mapping[str, Mapping[str, Score]]


def run(
    out: Path,
    weights: Path,
    episodes: int = EPISODES,
    keyframes: int = KEYFRAMES,
    quick: bool = False,
    split: Split = SPLIT,
) -> Iterator[str]:
    """Evaluate the weights folder; yields lines of progress, the last of them the table.

    `out` is the JSON file; table and contact sheet get its name with another suffix. Raises WeightsError,
    OutputError; ValueError without episodes or keyframes.
    """
    if episodes < 1 or keyframes < 1:
        raise ValueError(
            f"at least 1 episode of 1 keyframe is needed, got {episodes} of {keyframes}; ask for more"
        )
    make_folder(out.parent)
    models = load_models(weights, parts=PARTS)
    reader = load_reader(weights)
    settings = render_settings(models.config, steps=QUICK_STEPS if quick else None)
    num_episodes = min(episodes, QUICK_EPISODES) if quick else episodes
    judged: list[Judged] = []
    for index in range(num_episodes):
        judged.append(judge(models, reader, index, num_keyframes=keyframes, settings=settings, split=split))
        yield f"evaluate: episode {index + 1} of {num_episodes}"
    table = scores_of(judged)
    write_json(out, report_of(table))
    text = markdown_of(
        table,
        num_episodes=num_episodes,
        num_keyframes=keyframes,
        weights_hash=models.weights_hash,
        split=split,
    )
    write_text(out.with_suffix(".md"), text)
    with replacing(out.with_suffix(".png")) as temporary:
        contact_sheet(judged).save(temporary, "PNG")
    yield text


def report_of(table: Table) -> dict[str, dict[str, float | int | None]]:
    """Flat: "<metric>" is that of generated frames. Metrics without a goal have null for one."""
    return {
        metric if version == "generated" else f"{metric}/{version}": {
            "value": round(score.value, 4),
            "chance": round(score.chance, 4),
            "ci95": round(score.ci95, 4),
            "goal": goal_of(metric, version),
            "num_frames": score.num_frames,
        }
        for metric, scores in table.items()
        for version, score in scores.items()
    }


def markdown_of(
    table: Table, *, num_episodes: int, num_keyframes: int, weights_hash: str, split: Split = SPLIT
) -> str:
    """A row per metric, a column per version; values in percent with half the 95% interval."""
    columns = ["fact", "goal", *(TITLES[version] for version in VERSIONS), "chance", "frames"]
    lines = [
        "# Evaluation",
        "",
        f"{num_episodes} held-out episodes ({split} split) of {num_keyframes} keyframes, "
        f"weights {weights_hash[:12]}. Percent of frames in which a reader of true frames sees what is true, "
        "± half the 95% interval "
        "(bootstrap over episodes). Chance: always the most frequent answer; for what persists, another "
        "character's frames.",
        "",
        f"| {' | '.join(columns)} |",
        f"|{'---|' * len(columns)}",
    ]
    for metric, scores in table.items():
        first = next(iter(scores.values()))
        goal = goal_of(metric, "generated")
        cells = [metric.replace("_", " "), "" if goal is None else f"{100 * goal:.0f}"]
        cells += [_percent(scores.get(version)) for version in VERSIONS]
        cells += [f"{100 * first.chance:.1f}", str(first.num_frames)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _percent(score: Score | None) -> str:
    return "" if score is None else f"{100 * score.value:.1f} ± {100 * score.ci95:.1f}"


def contact_sheet(judged: Sequence[Judged]) -> Image.Image:
    """The first episodes at half size, each in three rows: true, re-rendered and generated frames."""
    shown = judged[:SHEET_EPISODES]
    rows = [one.frames[version][:SHEET_COLUMNS] for one in shown for version in SHEET_VERSIONS]
    height, width = (side // 2 for side in rows[0].shape[-2:])
    columns = max(map(len, rows))
    step_x, step_y = width + SHEET_GAP_PX, height + SHEET_GAP_PX
    gaps = (len(shown) - 1) * 2 * SHEET_GAP_PX
    sheet = Image.new("RGB", (columns * step_x, len(rows) * step_y + gaps), SHEET_GROUND)
    for number, row in enumerate(rows):
        y = number * step_y + number // len(SHEET_VERSIONS) * 2 * SHEET_GAP_PX
        for column, frame in enumerate(row):
            small = torch.nn.functional.avg_pool2d(frame[None], 2)[0]
            sheet.paste(to_image(small), (column * step_x, y))
    return sheet
