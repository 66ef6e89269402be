"""Zero-shot against few-shot: the same stories without, and with, true frames of them put before the script.

K keyframes of a story, H x W pixels. Source: MovieDreamer, table 1 and section 3.4 (few-shot personalisation).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from moviedreamer_core.autoregressive.generation import plan
from moviedreamer_core.drawing import render_settings
from moviedreamer_core.evaluation.facts_of_frames import FACTS, HIDDEN, labels_of
from moviedreamer_core.evaluation.frame_metrics import clip_scores, clip_similarities, short_term_similarities
from moviedreamer_core.evaluation.plots import embed_plots
from moviedreamer_core.evaluation.protocol import portraits_of, render_keyframes
from moviedreamer_core.evaluation.readers import FrameReader
from moviedreamer_core.evaluation.tables.result import Estimate, Result, estimate, write_result
from moviedreamer_core.pictures import Picture, Pictures
from moviedreamer_core.preparation import Preparation, to_pixels
from moviedreamer_core.pretrained import Models
from moviedreamer_core.storyworld.drawing import draw_frame
from moviedreamer_core.storyworld.episodes import Episode, sample_episode

STORIES, KEYFRAMES, REFERENCES = 16, 12, 4
ZERO_SHOT, FEW_SHOT = "zero-shot", "few-shot"
CLIP, SIMILAR, ST, HAIR, UNSAID = (
    "CLIP score",
    "CLIP-sim to truth",
    "ST",
    "hair colour",
    "unsaid outfit colour",
)
MEASURES = (CLIP, SIMILAR, ST, HAIR, UNSAID)


def run(
    models: Models, reader: FrameReader, folder: Path, *, stories: int = STORIES, keyframes: int = KEYFRAMES
) -> Iterator[str]:
    """Make every test story both ways, score it, write the result; yields lines of progress. Raises OutputError.

    The references are true frames of further keyframes of the same story, which are not made.
    """
    found: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for number in range(stories):
        whole = sample_episode("test", number, num_keyframes=keyframes + REFERENCES)
        episode = beginning(whole, keyframes)
        shown = true_frames(models, whole)
        pictures = {ZERO_SHOT: (), FEW_SHOT: tuple(_picture(frame, k) for k, frame in shown[keyframes:])}
        true = torch.stack([to_pixels(frame) for _, frame in shown[:keyframes]])
        for way, references in pictures.items():
            frames = made(models, episode, references)
            for measure, value in scores(models, reader, episode, frames, true):
                found.setdefault((way, measure), []).append((number, value))
        yield f"references: story {number + 1} of {stories}"
    write_result(result_of({key: estimate(values) for key, values in found.items()}, models), folder)
    yield f"references: written to {folder}"


def beginning(episode: Episode, keyframes: int) -> Episode:
    """The first keyframes of an episode, as an episode of its own with the same cast."""
    story = episode.story.model_copy(update={"keyframes": episode.story.keyframes[:keyframes]})
    return dataclasses.replace(
        episode, story=story, scenes=episode.scenes[:keyframes], said=episode.said[:keyframes]
    )


def true_frames(models: Models, episode: Episode) -> list[tuple[int, Image.Image]]:
    size = (models.config.renderer.image_width, models.config.renderer.image_height)
    return [(k, draw_frame(scene, size=size)) for k, scene in enumerate(episode.scenes)]


def _picture(image: Image.Image, keyframe: int) -> Picture:
    return Picture(path=Path(f"{keyframe}.png"), image=image, sha256=f"reference {keyframe}")


@torch.no_grad()
def made(models: Models, episode: Episode, references: tuple[Picture, ...]) -> Float[Tensor, "K 3 H W"]:
    """The story's keyframes, planned after the references."""
    pictures = Pictures(faces=portraits_of(episode).faces, references=references)
    prepared = Preparation(models).prepare(episode.story, pictures)
    settings = render_settings(models.config)
    planned = plan(
        models.planner, models.planner_tokenizer, prepared.keyframes,
        seeds=prepared.seeds, temperature=settings.temperature, references=prepared.references,
    )  # fmt: skip
    return render_keyframes(models, torch.stack(list(planned)), prepared, settings)


@torch.no_grad()
def scores(
    models: Models,
    reader: FrameReader,
    episode: Episode,
    frames: Float[Tensor, "K 3 H W"],
    true: Float[Tensor, "K 3 H W"],
) -> Iterator[tuple[str, float]]:
    """(measure, value) of every keyframe, or pair of keyframes, in which it can be asked."""
    embedded = models.vision.embed(frames)
    yield from (
        (CLIP, value) for value in clip_scores(embedded, embed_plots(episode.story, models.text)).tolist()
    )
    yield from ((SIMILAR, value) for value in clip_similarities(embedded, models.vision.embed(true)).tolist())
    for character in range(len(episode.cast)):
        present = [character in (f.character for f in scene.figures) for scene in episode.scenes]
        yield from ((ST, value) for value in short_term_similarities(embedded, present))
    read = reader.read(frames).numpy()
    for keyframe, scene in enumerate(episode.scenes):
        truth = dict(zip(FACTS, labels_of(scene), strict=True))
        for fact, measure in (("hair_colour", HAIR), ("outfit_colour", UNSAID)):
            asked = truth[fact] != HIDDEN and not (
                measure == UNSAID and episode.said_outfit[scene.figures[0].character]
            )
            if asked:
                yield measure, float(read[keyframe, list(FACTS).index(fact)] == truth[fact])


def result_of(figures: Mapping[tuple[str, str], Estimate], models: Models) -> Result:
    better = [figures[FEW_SHOT, m].value > figures[ZERO_SHOT, m].value for m in (CLIP, ST)]
    return Result(
        name="references",
        title="Zero-shot against few-shot (table 1)",
        question=f"Do {REFERENCES} true frames of the story, put before its script, make the rest of it better?",
        paper="CLIP score 19.584 to 20.071, ST 0.646 to 0.701, LT 0.814 to 0.893 with references.",
        columns=MEASURES,
        rows={
            way: {m: figures[way, m] for m in MEASURES if (way, m) in figures}
            for way in (ZERO_SHOT, FEW_SHOT)
        },
        agrees=all(better) if all(better) or not any(better) else None,
        note="CLIP score: cosine of plot and frame, x 100. ST: cosine of consecutive frames that hold a character. "
        "Both by the miniature's own encoders. Colours: read by the classifiers of `evaluate`, keyframes with one "
        "person; an unsaid outfit is one that no sentence names, so only a reference can show it.",
        command="python -m moviedreamer_core evaluate --table references",
        weights_hash=models.weights_hash,
    )
