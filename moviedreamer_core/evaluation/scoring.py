"""A folder of numbered frames, of any generator, scored on the story that they tell.

K keyframes, E channels of the joint embedding, H x W pixels of a keyframe.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from moviedreamer_core.evaluation.frame_folders import keyframe_pictures
from moviedreamer_core.evaluation.frame_metrics import (
    FrechetDistance,
    Threshold,
    VisionFeatures,
    ZeroShotClasses,
    clip_scores,
    clip_similarities,
    frechet_distance,
    inception_score,
    load_aesthetic_predictor,
    long_term_consistency,
    short_term_similarities,
)
from moviedreamer_core.evaluation.plots import embed_plots
from moviedreamer_core.evaluation.presence import FaceSearch
from moviedreamer_core.images import center_crop_resize
from moviedreamer_core.names import name_key
from moviedreamer_core.pictures import Pictures, read_picture
from moviedreamer_core.preparation import to_pixels
from moviedreamer_core.pretrained import Models
from moviedreamer_core.script import Story

PARTS = frozenset({"vision", "text", "face"})
FRAMES_AT_ONCE = 16


@dataclass(frozen=True, kw_only=True, eq=False)
class Folder:
    """The frames of one folder, read again whenever they are needed: a film of frames does not fit into memory.

    `size` is that of a keyframe, (width, height) in pixels.
    """

    paths: tuple[Path, ...]
    size: tuple[int, int]
    embedded: Float[Tensor, "K E"]

    def pictures(self) -> Iterator[Image.Image]:
        """As they are, at most 2048 px."""
        return (read_picture(path).image for path in self.paths)

    def batches(self) -> Iterator[Float[Tensor, "_ 3 H W"]]:
        """Cropped and resized as keyframes."""
        return pixels_of(self.paths, self.size)


def pixels_of(paths: Sequence[Path], size: tuple[int, int]) -> Iterator[Float[Tensor, "_ 3 H W"]]:
    """Batches of pictures, cropped about the centre and resized to `size`. Raises ImageError."""
    for start in range(0, len(paths), FRAMES_AT_ONCE):
        pictures = (read_picture(path).image for path in paths[start : start + FRAMES_AT_ONCE])
        yield torch.stack([to_pixels(center_crop_resize(picture, size)) for picture in pictures])


@dataclass(frozen=True, kw_only=True)
class CharacterScore:
    """None where nothing counts: never in consecutive keyframes; no portrait, or in no true frame."""

    name: str
    short_term: float | None
    num_pairs: int
    long_term: float | None
    num_true_frames: int


@dataclass(frozen=True, kw_only=True)
class StoryScore:
    """None where a metric cannot be measured; `notes` says why, a sentence each."""

    num_frames: int
    clip_score: float
    short_term: float | None
    num_pairs: int
    long_term: float | None
    num_true_frames: int
    aesthetic: float | None
    inception: float
    clip_similarity: float | None
    frechet: FrechetDistance | None
    threshold: Threshold | None
    characters: tuple[CharacterScore, ...]
    notes: tuple[str, ...]


def read_folder(folder: Path, *, num_keyframes: int, models: Models) -> Folder:
    """Raises InputError unless the folder holds one numbered picture per keyframe, ImageError for a bad one."""
    renderer = models.config.renderer
    size = (renderer.image_width, renderer.image_height)
    paths = keyframe_pictures(folder, num_keyframes=num_keyframes)
    with torch.no_grad():
        embedded = torch.cat([models.vision.embed(batch) for batch in pixels_of(paths, size)])
    return Folder(paths=paths, size=size, embedded=embedded)


def score_frames(
    models: Models,
    weights: Path,
    story: Story,
    portraits: Pictures,
    frames: Folder,
    *,
    reference: Folder | None = None,
    search: FaceSearch,
    threshold: Threshold | None,
) -> StoryScore:
    """`reference` holds the true frames; without them, what the script says is true of who is in frame.

    `threshold` may be None only where no character has portraits.
    """
    plots = embed_plots(story, models.text)
    predictor = load_aesthetic_predictor(weights, channels=frames.embedded.shape[1])
    characters = tuple(_characters(story, portraits, frames, reference, search, threshold))
    pairs = [(score.short_term, score.num_pairs) for score in characters]
    found = [(score.long_term, score.num_true_frames) for score in characters]
    several = len(story.keyframes) > 1
    return StoryScore(
        num_frames=len(frames.paths),
        clip_score=float(clip_scores(frames.embedded, plots).mean()),
        short_term=_weighted(pairs),
        num_pairs=sum(number for value, number in pairs if value is not None),
        long_term=_weighted(found),
        num_true_frames=sum(number for value, number in found if value is not None),
        aesthetic=None if predictor is None else float(predictor(frames.embedded).mean()),
        inception=inception_score(frames.batches(), ZeroShotClasses(models.vision, plots)),
        clip_similarity=None
        if reference is None
        else float(clip_similarities(frames.embedded, reference.embedded).mean()),
        frechet=frechet_distance(reference.batches(), frames.batches(), VisionFeatures(models.vision))
        if reference is not None and several
        else None,
        threshold=threshold,
        characters=characters,
        notes=tuple(
            _notes(characters, portraits, reference, several=several, aesthetic=predictor is not None)
        ),
    )


def has_portraits(portraits: Pictures) -> bool:
    """Whether any cast member has a picture: without one there is nobody to look for."""
    return any(portraits.faces.values())


def _characters(
    story: Story,
    portraits: Pictures,
    frames: Folder,
    reference: Folder | None,
    search: FaceSearch,
    threshold: Threshold | None,
) -> Iterator[CharacterScore]:
    embedded = search.portraits(portraits)
    generated = search.similarities(frames.pictures(), embedded)
    true = None if reference is None else search.similarities(reference.pictures(), embedded)
    for character in story.characters:
        said = _said_in_frame(story, character.name)
        similarities = short_term_similarities(frames.embedded, said)
        long_term, num_true = None, 0
        if character.name in generated and threshold is not None:
            held = said if true is None else [threshold(value) for value in true[character.name]]
            found = [threshold(value) for value in generated[character.name]]
            long_term, num_true = long_term_consistency(found, held), sum(held)
        yield CharacterScore(
            name=character.name,
            short_term=float(np.mean(similarities)) if similarities else None,
            num_pairs=len(similarities),
            long_term=long_term,
            num_true_frames=num_true,
        )


def _said_in_frame(story: Story, name: str) -> list[bool]:
    return [
        name_key(name) in (name_key(character.name) for character in keyframe.characters)
        for keyframe in story.keyframes
    ]


def _weighted(values: Sequence[tuple[float | None, int]]) -> float | None:
    """The mean over everything that was counted, not over characters: one in 2 frames counts less than one in 20."""
    counted = [(value, number) for value, number in values if value is not None]
    total = sum(number for _, number in counted)
    return sum(value * number for value, number in counted) / total if total else None


def _notes(
    characters: Sequence[CharacterScore],
    portraits: Pictures,
    reference: Folder | None,
    *,
    several: bool,
    aesthetic: bool,
) -> Iterator[str]:
    if not has_portraits(portraits):
        yield "LT is not measured: no character of the story has a face picture; add some under faces."
    elif reference is None:
        yield "LT takes for true who the script says is in frame; give true frames with --reference-frames."
    if all(score.short_term is None for score in characters):
        yield "ST is not measured: nobody is in two consecutive keyframes."
    if not aesthetic:
        yield "The aesthetic score is not measured: these weights have no aesthetic predictor."
    if reference is not None and not several:
        yield "The Frechet distance is not measured: it takes two frames at least."
