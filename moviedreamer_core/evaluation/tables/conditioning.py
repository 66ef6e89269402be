"""What the renderer is told: visual tokens alone, with sentences, with sentences and faces.

K keyframes of a story, H x W pixels. Source: MovieDreamer, figure 3 and section 3.5 (ID-preserving rendering).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torchvision.transforms.functional import resized_crop

from moviedreamer_core.autoencoder.conditioning import DESCRIPTIONS, FACES, VISUAL
from moviedreamer_core.autoregressive.generation import plan
from moviedreamer_core.drawing import render_settings
from moviedreamer_core.evaluation.facts_of_frames import FACTS, HIDDEN, labels_of
from moviedreamer_core.evaluation.protocol import portraits_of
from moviedreamer_core.evaluation.readers import FrameReader
from moviedreamer_core.evaluation.tables.result import Estimate, Result, estimate, write_result
from moviedreamer_core.preparation import Preparation
from moviedreamer_core.pretrained import Models
from moviedreamer_core.storyboard import RenderSettings
from moviedreamer_core.storyworld.drawing import FigureBox, figure_boxes
from moviedreamer_core.storyworld.episodes import Episode, sample_episode
from moviedreamer_core.storyworld.facts import Scene

STORIES, KEYFRAMES, CANDIDATES = 16, 8, 16
TOLD: Mapping[str, frozenset[str]] = {
    "visual tokens": frozenset({VISUAL}),
    "+ descriptions": frozenset({VISUAL, DESCRIPTIONS}),
    "+ faces": frozenset({VISUAL, DESCRIPTIONS, FACES}),
}
READ = ("hair_colour", "outfit_colour")
PERSON = "right person of 16"
CLOSE = ("medium", "close")  # shots in which a face can be told
HEAD_MARGIN = 0.25  # around a head, as a share of its height: a portrait shows as much


def run(
    models: Models, reader: FrameReader, folder: Path, *, stories: int = STORIES, keyframes: int = KEYFRAMES
) -> Iterator[str]:
    """Render test stories told three ways, read who is there, write the result; yields lines of progress.

    Raises OutputError.
    """
    settings = render_settings(models.config)
    crowd = strangers(models)
    found: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for story in range(stories):
        episode = sample_episode("test", story, num_keyframes=keyframes)
        alone = [k for k, scene in enumerate(episode.scenes) if len(scene.figures) == 1]
        for told, frames in rendered(models, episode, alone, settings).items():
            for measure, value in read(models, reader, crowd, episode, alone, frames):
                found.setdefault((told, measure), []).append((story, value))
        yield f"conditioning: story {story + 1} of {stories}"
    figures = {key: estimate(values) for key, values in found.items()}
    write_result(result_of(figures, models), folder)
    yield f"conditioning: written to {folder}"


@torch.no_grad()
def rendered(
    models: Models, episode: Episode, keyframes: list[int], settings: RenderSettings
) -> dict[str, Float[Tensor, "K 3 H W"]]:
    """Those keyframes of the planned story, told in each way of TOLD, from the same noise."""
    if not keyframes:
        return {}
    prepared = Preparation(models).prepare(episode.story, portraits_of(episode))
    planned = plan(
        models.planner, models.planner_tokenizer, prepared.keyframes,
        seeds=prepared.seeds, temperature=settings.temperature,
    )  # fmt: skip
    tokens = torch.stack(list(planned))[keyframes]
    frames = {}
    for told, use in TOLD.items():
        pack = models.renderer.conditioning.pack(tokens, [prepared.keyframes[k] for k in keyframes], use=use)
        *_, last = models.renderer.render(
            pack, seeds=[prepared.seeds[k] for k in keyframes], steps=settings.steps,
            guidance_scale=settings.guidance_scale, size=(settings.height, settings.width),
        )  # fmt: skip
        assert last.images is not None
        frames[told] = last.images
    return frames


@torch.no_grad()
def read(
    models: Models,
    reader: FrameReader,
    crowd: Float[Tensor, "others F"],
    episode: Episode,
    keyframes: list[int],
    frames: Float[Tensor, "K 3 H W"],
) -> Iterator[tuple[str, float]]:
    """(measure, 1 right or 0 wrong) of every keyframe in which it can be asked; each holds one person."""
    facts = reader.read(frames).numpy()
    portraits = portraits_of(episode)
    for row, keyframe in enumerate(keyframes):
        scene = episode.scenes[keyframe]
        truth = dict(zip(FACTS, labels_of(scene), strict=True))
        for fact in READ:
            if truth[fact] != HIDDEN:
                yield fact.replace("_", " "), float(facts[row, list(FACTS).index(fact)] == truth[fact])
        if scene.shot in CLOSE:
            name = episode.names[scene.figures[0].character]
            own, _ = models.face.encode_character([p.image for p in portraits.faces[name]])
            seen = models.face(head(frames[row], scene, models.face.config.image_px)[None])[0]
            similar = torch.cosine_similarity(torch.cat([own[None], crowd]), seen[None])
            yield PERSON, float(similar.argmax() == 0)


@torch.no_grad()
def strangers(models: Models) -> Float[Tensor, "others F"]:
    """The embeddings of the portraits of CANDIDATES - 1 people, each the first of the cast of another test story."""
    embedded = []
    for number in range(CANDIDATES - 1):
        pictures = portraits_of(sample_episode("test", 1000 + number, num_keyframes=1))
        portrait = next(iter(pictures.faces.values()))[0]
        embedded.append(models.face.encode_character([portrait.image])[0])
    return torch.stack(embedded)


def head(frame: Float[Tensor, "3 H W"], scene: Scene, side_px: int) -> Float[Tensor, "3 side side"]:
    """The square around the head of the only person, where the storyworld would have drawn it."""
    (box,) = figure_boxes(scene)
    left, top, side = head_square(box, height=frame.shape[-2], width=frame.shape[-1])
    return resized_crop(frame, top, left, side, side, [side_px, side_px], antialias=True).clamp(0, 1)


def head_square(box: FigureBox, *, height: int, width: int) -> tuple[int, int, int]:
    """Left, top and side in pixels; it may reach out of the frame, which is then black there."""
    tall = (box.chin - box.top) * height
    side = max(1, round(tall * (1 + 2 * HEAD_MARGIN)))
    middle = (box.left + box.right) / 2 * width, (box.top + box.chin) / 2 * height
    return round(middle[0] - side / 2), round(middle[1] - side / 2), side


def result_of(figures: Mapping[tuple[str, str], Estimate], models: Models) -> Result:
    measures = [PERSON, *(fact.replace("_", " ") for fact in READ)]
    rows = {told: {m: figures[told, m] for m in measures if (told, m) in figures} for told in TOLD}
    order = [figures.get((told, PERSON)) for told in TOLD]
    known = [one.value for one in order if one is not None]
    rising = bool(np.all(np.diff(known) >= 0) and known[-1] > known[0]) if len(known) == len(TOLD) else None
    return Result(
        name="conditioning",
        title="What the renderer is told (figure 3)",
        question="Do sentences and faces beside the visual tokens keep people who they are?",
        paper="visual tokens alone lose the identity; descriptions, then faces, bring it back (figure 3).",
        columns=measures,
        rows=rows,
        agrees=rising,
        note=f"Planned test stories, keyframes with one person, the same tokens and noise in each row. {PERSON}: the "
        "portrait nearest to the drawn head (cosine of face embeddings, head cut out where the world would draw it; "
        "medium and close shots) is that person's, among 15 strangers; chance 0.06. Colours: read by the "
        "classifiers of `evaluate`.",
        command="python -m moviedreamer_core evaluate --table conditioning",
        weights_hash=models.weights_hash,
    )
