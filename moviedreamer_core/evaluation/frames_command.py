"""`evaluate --frames`: score a folder of numbered frames on a story file and write the report.

<out>.json   every figure with the number of frames it rests on
<out>.md     the same as tables
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from moviedreamer_core.atomic import make_folder, write_json, write_text
from moviedreamer_core.evaluation.frame_metrics import Threshold
from moviedreamer_core.evaluation.gate import read_record
from moviedreamer_core.evaluation.presence import FaceSearch, Search, validation_threshold
from moviedreamer_core.evaluation.scoring import PARTS, StoryScore, has_portraits, read_folder, score_frames
from moviedreamer_core.pictures import read_pictures
from moviedreamer_core.pretrained import load_models
from moviedreamer_core.story_files import read_story

PAPER = {"CLIP score": 19.584, "IS": 9.698, "AS": 6.093, "FD": 2.043, "ST": 0.646, "LT": 0.814}
# MovieDreamer, table 1, zero-shot: on films, with ViT-L/14, InceptionV3 and FaRL, so for the direction only


@dataclass(frozen=True, kw_only=True)
class Truth:
    """How it is decided who is in a frame. `frames` are the true ones, None to believe the script.

    `threshold` of face similarity, None for the one in the weights' manifest or, without, one chosen now.
    """

    frames: Path | None = None
    search: Search = "everywhere"
    threshold: float | None = None


def run(
    frames: Path, story_file: Path, out: Path, weights: Path, truth: Truth | None = None
) -> Iterator[str]:
    """Score the folder `frames`; yields lines of progress, the last of them the tables.

    Raises StoryError, ImageError, WeightsError, OutputError, and InputError for a folder that does not hold one
    numbered picture per keyframe.
    """
    truth = truth or Truth()
    story = read_story(story_file)
    portraits = read_pictures(story, story_file.parent)
    make_folder(out.parent)
    models = load_models(weights, parts=PARTS)
    num_keyframes = len(story.keyframes)
    generated = read_folder(frames, num_keyframes=num_keyframes, models=models)
    true = None
    if truth.frames is not None:
        true = read_folder(truth.frames, num_keyframes=num_keyframes, models=models)
    faces = FaceSearch(models.face, truth.search)
    chosen = None
    if has_portraits(portraits):
        for said in _threshold(faces, weights, truth.threshold):
            if isinstance(said, str):
                yield said
            else:
                chosen = said
    score = score_frames(
        models, weights, story, portraits, generated, reference=true, search=faces, threshold=chosen
    )
    write_json(out, report_of(score))
    text = markdown_of(score, title=story.title, frames=frames, weights_hash=models.weights_hash)
    write_text(out.with_suffix(".md"), text)
    yield text


def _threshold(search: FaceSearch, weights: Path, given: float | None) -> Iterator[str | Threshold]:
    if given is not None:
        yield Threshold(value=given, balanced_accuracy=None, num_pairs=0)
        return
    record = read_record(weights)
    if record is not None and record.presence is not None and search.search == "everywhere":
        yield record.presence
        return
    yield from validation_threshold(search)


def report_of(score: StoryScore) -> dict[str, Any]:
    """`score` as JSON, its figures rounded to 6 decimals; what could not be measured is null."""

    def rounded(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: rounded(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [rounded(each) for each in value]
        return round(value, 6) if isinstance(value, float) else value

    report: dict[str, Any] = rounded(asdict(score))
    return report


def markdown_of(score: StoryScore, *, title: str, frames: Path, weights_hash: str) -> str:
    """The figures of the story with the paper's beside them, then ST and LT of every character."""
    lines = [
        "# Frames of a story",
        "",
        f"{score.num_frames} frames of {frames} on the story {title!r}; encoders of the weights "
        f"{weights_hash[:12]}. The paper's figures are of films and of larger encoders: other figures than "
        "these to be compared with, between generators on the same story and the same weights.",
        "",
        "| metric | value | counted on | paper (zero-shot) |",
        "|---|---|---|---|",
    ]
    lines += [f"| {' | '.join(row)} |" for row in _rows(score)]
    lines += ["", "| character | ST | pairs | LT | true frames |", "|---|---|---|---|---|"]
    lines += [
        f"| {_cell(one.name)} | {_figure(one.short_term)} | {one.num_pairs} | {_figure(one.long_term)} "
        f"| {one.num_true_frames} |"
        for one in score.characters
    ]
    if score.threshold is not None:
        lines += ["", _threshold_said(score.threshold)]
    for note in score.notes:
        lines += ["", note]
    return "\n".join(lines) + "\n"


def _rows(score: StoryScore) -> Iterator[tuple[str, str, str, str]]:
    frames = f"{score.num_frames} frames"
    distance = score.frechet
    yield "CLIP score", _figure(score.clip_score), frames, f"{PAPER['CLIP score']}"
    yield "ST", _figure(score.short_term), f"{score.num_pairs} pairs", f"{PAPER['ST']}"
    yield "LT", _figure(score.long_term), f"{score.num_true_frames} true frames", f"{PAPER['LT']}"
    if score.aesthetic is not None:
        yield "AS", _figure(score.aesthetic), frames, f"{PAPER['AS']}"
    yield "IS over the plots", _figure(score.inception), frames, f"{PAPER['IS']} (InceptionV3)"
    if score.clip_similarity is not None:
        yield "CLIP-sim to the true frames", _figure(score.clip_similarity), frames, ""
    if distance is not None:
        counted = (
            f"{distance.num_generated} and {distance.num_true} frames in {distance.num_features} features"
        )
        yield "FD of CLIP features", _figure(distance.value), counted, f"{PAPER['FD']} (InceptionV3)"


def _threshold_said(threshold: Threshold) -> str:
    said = f"A character is in a frame from a face similarity of {threshold.value:.3f} on"
    if threshold.balanced_accuracy is None:
        return f"{said}, as was asked for."
    return (
        f"{said}: on {threshold.num_pairs} pairs of a character and a true frame of validation episodes this "
        f"reaches a balanced accuracy of {threshold.balanced_accuracy:.2f} (0.5 is chance)."
    )


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "/").split())
