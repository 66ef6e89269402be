"""Drawing consecutive shots of a prepared story: plan the visual tokens, render, record, one after another.

V visual tokens per keyframe, D token channels. Source: MovieDreamer, sections 3.3 to 3.5.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from moviedreamer_core.autoencoder.renderer import RenderStep, to_image
from moviedreamer_core.autoregressive.generation import plan
from moviedreamer_core.config import ModelConfig
from moviedreamer_core.encoders.encoded import EncodedKeyframe
from moviedreamer_core.events import Event, KeyframeDone, KeyframePlanned, RenderProgress
from moviedreamer_core.preparation import PreparedStory
from moviedreamer_core.pretrained import Models
from moviedreamer_core.script import Story
from moviedreamer_core.storyboard import (
    KeyframeRecord,
    RenderSettings,
    Storyboard,
    keyframe_file,
    load_tokens,
    recipe_of,
    save_keyframe,
    save_tokens,
    tokens_file,
    write_storyboard,
)

STEPS, PREVIEW_STEPS = 20, 6  # unless asked otherwise


@dataclass(frozen=True, kw_only=True)
class Shot:
    """How one keyframe is to be drawn."""

    seed: int
    settings: RenderSettings
    rerolled: bool = False
    keeps_tokens: bool = False  # the visual tokens that lie there are drawn once more


def draw_shots(
    models: Models, storyboard: Storyboard, prepared: PreparedStory, shots: Mapping[int, Shot], out: Path
) -> Iterator[Event]:
    """Draw `shots` into `out`, where the tokens of all other keyframes up to the last of them lie.

    They are planned with the temperature of the first. Of each, the tokens, the image and `storyboard` with
    its record are written, in this order. Raises StoryError, OutputError.
    """
    if not shots:
        return
    num_keyframes = len(prepared.keyframes)
    started = time.perf_counter()
    for number, tokens in enumerate(_planned(models, storyboard, prepared, shots, out), start=1):
        if number not in shots:
            continue
        yield KeyframePlanned(number=number, num_keyframes=num_keyframes)
        image = yield from _rendered(models, tokens, prepared, shots[number], number=number)
        record = _record(prepared, number, shots[number], weights_hash=models.weights_hash)
        tokens_sha256 = save_tokens(tokens, out / record.tokens_file)
        record = record.model_copy(update={"tokens_sha256": tokens_sha256})
        sha256 = save_keyframe(image, out / record.image_file, recipe_of(record, storyboard))
        storyboard = storyboard.with_keyframe(record.model_copy(update={"image_sha256": sha256}))
        write_storyboard(storyboard, out)
        yield KeyframeDone(
            number=number,
            num_keyframes=num_keyframes,
            path=out / record.image_file,
            warnings=record.warnings,
            seconds=time.perf_counter() - started,
        )
        started = time.perf_counter()


def _planned(
    models: Models, storyboard: Storyboard, prepared: PreparedStory, shots: Mapping[int, Shot], out: Path
) -> Iterator[Float[Tensor, "V D"]]:
    """The tokens of every keyframe up to the last shot."""
    first, last = min(shots), max(shots)
    kept = [
        record
        for record in storyboard.keyframes
        if (shots[record.number].keeps_tokens if record.number in shots else record.number < last)
    ]
    return plan(
        models.planner,
        models.planner_tokenizer,
        prepared.keyframes[:last],
        seeds=[
            shots[n].seed if n in shots else 0 for n in range(1, last + 1)
        ],  # 0: unused, its tokens are given
        temperature=shots[first].settings.temperature,
        references=prepared.references,
        given={
            record.number - 1: load_tokens(out / record.tokens_file, sha256=record.tokens_sha256)
            for record in kept
        },
    )


def _rendered(
    models: Models, tokens: Float[Tensor, "V D"], prepared: PreparedStory, shot: Shot, *, number: int
) -> Generator[Event, None, Image.Image]:
    """Yield progress, return the picture."""
    steps = render_shot(models, tokens, prepared.keyframes[number - 1], shot)
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            image: Image.Image = end.value
            return image
        yield RenderProgress(
            number=number,
            num_keyframes=len(prepared.keyframes),
            step=step.index,
            num_steps=step.total,
            estimate=step.estimate[0],
        )


def render_shot(
    models: Models, tokens: Float[Tensor, "V D"], keyframe: EncodedKeyframe, shot: Shot
) -> Generator[RenderStep, None, Image.Image]:
    """Yield after every denoising step, return the picture of a keyframe that is planned as `tokens`."""
    renderer, settings = models.renderer, shot.settings
    with torch.no_grad():
        conditions = renderer.conditioning.pack(tokens[None], [keyframe])
    steps = renderer.render(
        conditions,
        seeds=[shot.seed],
        steps=settings.steps,
        guidance_scale=settings.guidance_scale,
        size=(settings.height, settings.width),
    )
    for step in steps:
        yield step
    assert step.images is not None  # the last step's
    return to_image(step.images[0])


def _record(prepared: PreparedStory, number: int, shot: Shot, *, weights_hash: str) -> KeyframeRecord:
    return KeyframeRecord(
        number=number,
        plot=prepared.story.keyframes[number - 1].plot,
        seed=shot.seed,
        rerolled=shot.rerolled,
        tokens_file=tokens_file(number),
        image_file=keyframe_file(number),
        weights_hash=weights_hash,
        settings=shot.settings,
        warnings=prepared.warnings[number - 1],
    )


def parts_to_draw(story: Story) -> frozenset[str]:
    """The parts of the weights that drawing `story` takes; see `load_models`."""
    parts = {"text", "autoregressive", "renderer"}
    if any(character.faces for character in story.characters):
        parts.add("face")
    if story.references:
        parts |= {"vision", "compressor"}
    return frozenset(parts)


def render_settings(
    config: ModelConfig, *, steps: int | None = None, preview: bool = False
) -> RenderSettings:
    """How keyframes are drawn unless someone chooses otherwise; a preview takes fewer steps."""
    return RenderSettings(
        steps=steps or (PREVIEW_STEPS if preview else STEPS),
        guidance_scale=config.renderer.guidance_scale,
        width=config.renderer.image_width,
        height=config.renderer.image_height,
        preview=preview,
    )


def next_seed(seed: int) -> int:
    """The seed to try after `seed`, in [0, 2^63): another picture, and the same one for everybody."""
    digest = hashlib.sha256(f"after:{seed}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
