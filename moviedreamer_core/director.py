"""The whole chain as verbs: prepare, storyboard, regenerate, animate, movie.

Every verb is a generator of events that does its work as it is iterated. It records each result as soon as it
is whole, so stopping, or being killed, between any two events leaves a folder that is valid as far as it got.
Source: MovieDreamer, figure 2.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import torch
from PIL import Image

from moviedreamer_core.atomic import make_folder
from moviedreamer_core.autoencoder.renderer import to_image
from moviedreamer_core.drawing import Shot, draw_shots, next_seed
from moviedreamer_core.errors import StoryError, WeightsError
from moviedreamer_core.events import ClipDone, Event, MovieDone, RenderProgress, StoryPrepared
from moviedreamer_core.filming import clip_settings, film, movie_items
from moviedreamer_core.pictures import keep_pictures, read_pictures, with_kept_pictures
from moviedreamer_core.preparation import Preparation, PreparedStory
from moviedreamer_core.pretrained import Models, load_models
from moviedreamer_core.script import Story
from moviedreamer_core.storyboard import (
    MOVIE_FILE,
    KeyframeRecord,
    RenderSettings,
    Storyboard,
    clip_file,
    load_tokens,
    read_storyboard,
    write_storyboard,
)
from moviedreamer_core.video.anchored_svd import SamplingSettings
from moviedreamer_core.video.movie import Still, Transition, stitch, write_clip

LaterShots = Literal["keep", "repredict"]


class Director:
    """Needs only the parts that its verbs use: `drawing.parts_to_draw`, `filming.PARTS_TO_ANIMATE`."""

    def __init__(self, models: Models) -> None:
        self.models = models
        self._preparation = Preparation(models)

    def prepare(self, story: Story, base: Path) -> PreparedStory:
        """Read the pictures, relative to `base`, and encode everything. Raises ImageError, StoryError."""
        pictures = read_pictures(story, base)
        return self._preparation.prepare(with_kept_pictures(story, pictures), pictures)

    def storyboard(
        self, story: Story, base: Path, out: Path, settings: RenderSettings, *, seed: int | None = None
    ) -> Iterator[Event]:
        """Draw every keyframe of `story` into the folder `out`. `seed` replaces that of the story.

        The same story, seed, settings and weights give the same PNG files, so those that `out` holds already
        are kept, up to the first that is not whole: an interrupted run goes on. So are all whole shots that were
        drawn again on request, and what a preview would replace. Anything else is replaced.
        Raises ImageError, StoryError, OutputError.
        """
        if seed is not None:
            story = story.model_copy(update={"seed": seed})
        pictures = read_pictures(story, base)
        story = with_kept_pictures(story, pictures)
        prepared = self._preparation.prepare(story, pictures)
        keep_pictures(pictures, out)
        shots = {n: Shot(seed=seed, settings=settings) for n, seed in enumerate(prepared.seeds, start=1)}
        drawn = self._kept(story, shots, out)
        yield StoryPrepared(num_keyframes=len(shots), num_kept=len(drawn))
        storyboard = Storyboard(
            title=story.title, story=story, weights_hash=self.models.weights_hash, keyframes=drawn
        )
        known = {record.number for record in drawn}
        missing = {number: shot for number, shot in shots.items() if number not in known}
        yield from draw_shots(self.models, storyboard, prepared, missing, out)

    def regenerate(
        self,
        out: Path,
        number: int,
        *,
        seed: int | None = None,
        later: LaterShots = "keep",
        settings: RenderSettings | None = None,
    ) -> Iterator[Event]:
        """Draw keyframe `number` of the run in `out` again, with `seed` or else one it did not have before.

        `keep` leaves every later shot's file as it is; `repredict` plans and draws them again, each with its
        seed, from what the story has become. The seed that a shot already has gives the same bytes again,
        whatever became of the shots before it.
        `settings` are those of the shot itself unless given. Its clip, and theirs, count as outdated.
        Raises StoryError for a keyframe that is not drawn, WeightsError for a run of other weights.
        """
        storyboard = read_storyboard(out)
        record = record_of(storyboard, number)
        self._check_weights(storyboard)
        settings = settings or record.settings
        seed = next_seed(record.seed) if seed is None else seed
        same_plan = (seed, settings.temperature) == (record.seed, record.settings.temperature)
        rerolled = record.rerolled or (seed, settings) != (record.seed, record.settings)
        shots = {number: Shot(seed=seed, settings=settings, rerolled=rerolled, keeps_tokens=same_plan)}
        for old in storyboard.keyframes[number:] if later == "repredict" else ():
            # One temperature plans them all, so the later shots take over this one's.
            own = dataclasses.replace(old.settings, temperature=settings.temperature)
            shots[old.number] = Shot(seed=old.seed, settings=own, rerolled=old.rerolled)
        prepared = self.prepare(storyboard.story, out)
        yield StoryPrepared(num_keyframes=len(prepared.keyframes))
        yield from draw_shots(self.models, storyboard, prepared, shots, out)

    def animate(
        self,
        out: Path,
        numbers: Sequence[int] | None = None,
        *,
        seconds: float | None = None,
        settings: SamplingSettings | None = None,
    ) -> Iterator[Event]:
        """Make the clips of these keyframes, by default of all that are drawn.

        A clip lasts `seconds`, by default what the story says of its keyframe, and has the keyframe's seed.
        Raises StoryError for a keyframe that is not drawn, ImageError if its picture is gone, OutputError.
        """
        storyboard = read_storyboard(out)
        num_keyframes = len(storyboard.story.keyframes)
        if numbers is None:
            numbers = [record.number for record in storyboard.keyframes]
        records = [record_of(storyboard, number) for number in numbers]
        settings = settings or clip_settings(self.models.config)
        make_folder((out / clip_file(1)).parent)
        for record in records:
            started = time.perf_counter()
            length = storyboard.story.keyframes[record.number - 1].seconds if seconds is None else seconds
            frames = yield from film(
                self.models, record, out, seconds=length, settings=settings, num_keyframes=num_keyframes
            )
            path = clip_file(record.number)
            write_clip(frames, out / path, frames_per_second=settings.frames_per_second)
            storyboard = storyboard.with_keyframe(
                record.model_copy(update={"clip_file": path, "clip_steps": settings.steps})
            )
            write_storyboard(storyboard, out)
            yield ClipDone(
                number=record.number,
                num_keyframes=num_keyframes,
                path=out / path,
                seconds=time.perf_counter() - started,
            )

    def movie(
        self, out: Path, *, transition: Transition = "cut", music: Path | None = None
    ) -> Iterator[Event]:
        """Join the clips in order into movie.mp4; a keyframe without a clip stands still for its seconds.

        The earlier movie.mp4 stays until the new one is whole. Raises StoryError for a storyboard without
        keyframes, InputError naming a clip or picture that is missing or damaged, OutputError.
        """
        storyboard = read_storyboard(out)
        items = movie_items(storyboard, out)
        if not items:
            raise StoryError(f"{out}: no keyframe of this storyboard is drawn yet; run `storyboard` again")
        stitch(
            items,
            out / MOVIE_FILE,
            frames_per_second=self.models.config.video.frames_per_second,
            transition=transition,
            music=music,
            comment=json.dumps({"title": storyboard.title, "weights_hash": storyboard.weights_hash}),
        )
        num_stills = sum(isinstance(item, Still) for item in items)
        yield MovieDone(path=out / MOVIE_FILE, num_clips=len(items) - num_stills, num_stills=num_stills)

    @torch.no_grad()
    def show(self, progress: RenderProgress) -> Image.Image:
        """What the unfinished keyframe looks like by now."""
        vae = self.models.autoencoder
        return to_image(vae.decode(progress.estimate[None].to(vae.kl.dtype))[0].float())

    def _kept(self, story: Story, shots: dict[int, Shot], out: Path) -> tuple[KeyframeRecord, ...]:
        """Of the keyframes in `out` that are whole and of this very run, the first without a gap and the re-rolled."""
        try:
            found = read_storyboard(out)
        except StoryError:  # none, or damaged: it is replaced
            return ()
        if found.story != story or found.weights_hash != self.models.weights_hash:
            return ()
        whole = [record for record in found.keyframes if _drawn_as(record, shots, out)]
        return tuple(
            record for place, record in enumerate(whole, start=1) if record.number == place or record.rerolled
        )

    def _check_weights(self, storyboard: Storyboard) -> None:
        if storyboard.weights_hash != self.models.weights_hash:
            raise WeightsError(
                f"the storyboard was drawn with weights {storyboard.weights_hash[:8]}, these are "
                f"{self.models.weights_hash[:8]}; choose the same weights or make the storyboard again"
            )


def open_director(weights: Path, parts: Iterable[str]) -> Director:
    """A director with these parts of a weights folder, on the GPU if there is one. Raises WeightsError."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return Director(load_models(weights, device=device, parts=frozenset(parts)))


def record_of(storyboard: Storyboard, number: int) -> KeyframeRecord:
    """The record of keyframe `number` (1-based). Raises StoryError if it, or one before it, is not drawn."""
    num_drawn, num_keyframes = len(storyboard.keyframes), len(storyboard.story.keyframes)
    if not 1 <= number <= num_keyframes:
        raise StoryError(
            f"keyframe {number}: the story has {num_keyframes} keyframes; choose a number from 1 to that"
        )
    if number > num_drawn or storyboard.keyframes[number - 1].number != number:
        raise StoryError(
            f"keyframe {number}: not drawn yet, {num_drawn} of {num_keyframes} are; "
            "make the storyboard again, it continues where it stopped"
        )
    return storyboard.keyframes[number - 1]


def _drawn_as(record: KeyframeRecord, shots: dict[int, Shot], out: Path) -> bool:
    """Whether `record` may stand for its shot and its files are whole."""
    shot = shots[record.number]
    asked_for = record.rerolled or (record.seed == shot.seed and record.settings == shot.settings)
    better = record.seed == shot.seed and shot.settings.preview and not record.settings.preview
    if not (asked_for or better):
        return False
    try:
        load_tokens(out / record.tokens_file, sha256=record.tokens_sha256)
        data = (out / record.image_file).read_bytes()
    except (StoryError, OSError):
        return False
    return hashlib.sha256(data).hexdigest() == record.image_sha256
