"""The protocol: held-out episodes, four versions of each of their frames, and what is read from them.

    generated     the story's text and drawn portraits -> planner -> renderer
    true_tokens   the true frame -> compressor -> renderer: what the renderer loses
    vae           the true frame -> image VAE and back: what the latents lose
    reader        the true frame itself: where the reader is wrong

E episodes, K keyframes each, H x W pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from moviedreamer_core.autoregressive.generation import plan
from moviedreamer_core.drawing import render_settings
from moviedreamer_core.evaluation.facts_of_frames import FACTS, HIDDEN, labels_of
from moviedreamer_core.evaluation.metrics import Reading, Score, accuracy, persistence
from moviedreamer_core.evaluation.readers import FrameReader
from moviedreamer_core.pictures import Picture, Pictures
from moviedreamer_core.preparation import Preparation, PreparedStory, to_pixels
from moviedreamer_core.pretrained import Models
from moviedreamer_core.storyboard import RenderSettings
from moviedreamer_core.storyworld.drawing import draw_frame
from moviedreamer_core.storyworld.episodes import Episode, sample_episode
from moviedreamer_core.storyworld.facts import SHOTS
from moviedreamer_core.storyworld.portraits import draw_portrait

VERSIONS = ("generated", "true_tokens", "vae", "reader")
Split = Literal["test", "validation"]
SPLIT: Split = "test"  # the other one is for choosing between variants
PORTRAIT_PX = 96
PARTS = frozenset({"vision", "text", "face", "compressor", "autoregressive", "autoencoder", "renderer"})

GOALS: Mapping[str, float] = {
    "place": 0.85, "time": 0.90, "people": 0.85, "shot": 0.80, "hair_colour": 0.75,
    "outfit_colour_named": 0.75, "outfit_colour_unnamed_persists": 0.60,
}  # fmt: skip
READER_GOALS = dict.fromkeys(("place", "time", "people", "shot", "hair_colour", "outfit_colour"), 0.97)
BY_SHOT = ("hair_colour", "outfit_colour")
WHERE_SAID = ("time", "weather", "shot")  # facts that a script may leave open


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """One episode: the frames of every version in [0, 1], and the facts [K, number of facts] read there."""

    index: int
    episode: Episode
    frames: Mapping[str, Float[Tensor, "K 3 H W"]]
    read: Mapping[str, np.ndarray]


def judge(
    models: Models,
    reader: FrameReader,
    index: int,
    *,
    num_keyframes: int,
    settings: RenderSettings | None = None,
    versions: Sequence[str] = VERSIONS,
    split: Split = SPLIT,
) -> Judged:
    """Make and read the `versions` of episode `index` of `split`. Renders all keyframes of a version at once."""
    episode = sample_episode(split, index, num_keyframes=num_keyframes)
    settings = settings or render_settings(models.config)
    frames = versions_of(models, episode, settings, versions)
    read = {version: reader.read(images).numpy() for version, images in frames.items()}
    return Judged(index=index, episode=episode, frames=frames, read=read)


@torch.no_grad()
def versions_of(
    models: Models, episode: Episode, settings: RenderSettings, versions: Sequence[str] = VERSIONS
) -> dict[str, Float[Tensor, "K 3 H W"]]:
    """The frames of the episode in each of `versions`, which are among VERSIONS."""
    size = (settings.width, settings.height)
    true = torch.stack([to_pixels(draw_frame(scene, size=size)) for scene in episode.scenes])
    prepared = Preparation(models).prepare(episode.story, portraits_of(episode))

    def generated() -> Tensor:
        planned = plan(
            models.planner, models.planner_tokenizer, prepared.keyframes,
            seeds=prepared.seeds, temperature=settings.temperature,
        )  # fmt: skip
        return render_keyframes(models, torch.stack(list(planned)), prepared, settings)

    def from_true_tokens() -> Tensor:
        true_tokens = models.compressor(models.vision.spatial_tokens(true))
        return render_keyframes(models, true_tokens, prepared, settings)

    made = {
        "generated": generated,
        "true_tokens": from_true_tokens,
        "vae": lambda: models.autoencoder.decode(models.autoencoder.encode(true)),
        "reader": lambda: true,
    }
    return {version: made[version]() for version in versions}


def portraits_of(episode: Episode) -> Pictures:
    """One portrait of each cast member, in a mood and light of its own, as a creator would give them."""
    faces = {}
    for member, (name, person) in enumerate(zip(episode.names, episode.cast, strict=True)):
        rng = np.random.default_rng([episode.seed, member])
        image = draw_portrait(person, rng=rng, size_px=PORTRAIT_PX)
        faces[name] = (Picture(path=Path(f"{name}.png"), image=image, sha256=f"{episode.seed}/{member}"),)
    return Pictures(faces=faces, references=())


def render_keyframes(
    models: Models, tokens: Float[Tensor, "K V D"], prepared: PreparedStory, settings: RenderSettings
) -> Float[Tensor, "K 3 H W"]:
    """Pictures in [0, 1] of keyframes that are planned as `tokens`, all at once, each from its seed's noise."""
    renderer = models.renderer
    *_, last = renderer.render(
        renderer.conditioning.pack(tokens, prepared.keyframes),
        seeds=prepared.seeds,
        steps=settings.steps,
        guidance_scale=settings.guidance_scale,
        size=(settings.height, settings.width),
    )
    assert last.images is not None  # the last step's
    return last.images


# --- scores ------------------------------------------------------------------------------------------


def scores_of(judged: Sequence[Judged]) -> dict[str, dict[str, Score]]:
    """Metric -> version (those that were judged) -> score; a metric that no frame allows is left out.

    Besides the facts: `<fact>_said` where the script of that keyframe says it, `outfit_colour_named` where the
    cast list says it, `outfit_colour_unnamed_persists`, and `<fact>_<shot>` for the small ones.
    """
    table: dict[str, dict[str, Score]] = {}
    for version in judged[0].read if judged else ():
        for metric, readings in _readings(judged, version).items():
            persists = metric.endswith("_persists")
            score = persistence(readings) if persists else accuracy(readings)
            if score is not None:
                table.setdefault(metric, {})[version] = score
    return table


def _readings(judged: Sequence[Judged], version: str) -> dict[str, list[Reading]]:
    readings: dict[str, list[Reading]] = {metric: [] for metric in _metrics()}
    for one in judged:
        for keyframe in range(len(one.episode.scenes)):
            for metric, reading in _of_frame(one, keyframe, version):
                readings[metric].append(reading)
    return readings


def _metrics() -> Iterator[str]:
    for fact in FACTS:
        yield fact
        if fact in WHERE_SAID:
            yield f"{fact}_said"
        if fact == "outfit_colour":
            yield from ("outfit_colour_named", "outfit_colour_unnamed_persists")
        if fact in BY_SHOT:
            yield from (f"{fact}_{shot}" for shot in SHOTS)


def _of_frame(judged: Judged, keyframe: int, version: str) -> Iterator[tuple[str, Reading]]:
    """Every (metric, reading) that one keyframe contributes."""
    episode, scene = judged.episode, judged.episode.scenes[keyframe]
    said = {fact for sentence in episode.said[keyframe] for fact, _ in sentence.facts}
    character = scene.figures[0].character if len(scene.figures) == 1 else -1
    for column, (fact, truth) in enumerate(zip(FACTS, labels_of(scene), strict=True)):
        if truth == HIDDEN:
            continue
        read = int(judged.read[version][keyframe, column])
        reading = Reading(episode=judged.index, character=character, truth=truth, read=read)
        yield fact, reading
        if fact in WHERE_SAID and fact in said:
            yield f"{fact}_said", reading
        if fact == "outfit_colour":
            named = episode.said_outfit[character]
            yield "outfit_colour_named" if named else "outfit_colour_unnamed_persists", reading
        if fact in BY_SHOT:
            yield f"{fact}_{scene.shot}", reading


def goal_of(metric: str, version: str) -> float | None:
    """What is to be reached: by generated frames, and by the reader on true ones."""
    return {"generated": GOALS, "reader": READER_GOALS}.get(version, {}).get(metric)
