"""A production without models: flat colours for keyframes, stills for a movie, one step at a time if asked."""

from __future__ import annotations

import textwrap
import threading
from pathlib import Path

import torch
from PIL import Image

from app.jobs import Events
from moviedreamer_core.events import (
    ClipDone,
    ClipProgress,
    KeyframeDone,
    KeyframePlanned,
    MovieDone,
    RenderProgress,
    StoryPrepared,
)
from moviedreamer_core.pictures import read_pictures, with_kept_pictures
from moviedreamer_core.script import Story, keyframe_warnings
from moviedreamer_core.storyboard import (
    MOVIE_FILE,
    KeyframeRecord,
    RenderSettings,
    Storyboard,
    keyframe_file,
    read_storyboard,
    save_keyframe,
    tokens_file,
    write_storyboard,
)
from moviedreamer_core.video.movie import Still, stitch

WEIGHTS_HASH = "f" * 64
WAIT_SECONDS = 120  # for the test to allow the next step; only a broken test waits so long

# The markup must show as text, and never run.
STORY = textwrap.dedent(
    """\
    title: The Pier
    seed: 7
    characters:
      - name: Mara
        faces: [faces/mara.png]
      - name: Tom
    keyframes:
      - plot: Mara walks along <img src=x onerror="window.injected=1"> the pier.
        characters: [Mara]
      - plot: Tom waves to Mara.
        characters: [Tom]
      - plot: The sea is calm ${window.injected=1}.
    """
)


class FakeProduction:
    """With `stepwise`, every keyframe and clip waits for one `allowed.release()`."""

    weights_hash = WEIGHTS_HASH

    def __init__(self, *, stepwise: bool = False) -> None:
        self.allowed = threading.Semaphore(0)
        self._stepwise = stepwise

    def draw(self, story: Story, base: Path, folder: Path, *, preview: bool) -> Events:
        settings = RenderSettings(steps=2, guidance_scale=1.0, width=224, height=128, preview=preview)
        total = len(story.keyframes)
        story = with_kept_pictures(story, read_pictures(story, base))
        storyboard = Storyboard(title=story.title, story=story, weights_hash=WEIGHTS_HASH)
        if (folder / "storyboard.json").is_file():
            storyboard = read_storyboard(folder)
        kept = len(storyboard.keyframes)
        yield StoryPrepared(num_keyframes=total, num_kept=kept)
        for number in range(kept + 1, total + 1):
            yield KeyframePlanned(number=number, num_keyframes=total)
            yield RenderProgress(
                number=number, num_keyframes=total, step=1, num_steps=2, estimate=torch.zeros(4, 2, 2)
            )
            self._wait()
            record = KeyframeRecord(
                number=number,
                plot=story.keyframes[number - 1].plot,
                seed=number,
                tokens_file=tokens_file(number),
                image_file=keyframe_file(number),
                weights_hash=WEIGHTS_HASH,
                settings=settings,
                warnings=keyframe_warnings(story, number),
            )
            picture = (
                Image.linear_gradient("L").resize((224, 128)).point(lambda v, n=number: (v + 31 * n) % 256)
            )
            save_keyframe(
                Image.merge("RGB", (picture, picture.rotate(180), picture)), folder / record.image_file, {}
            )
            storyboard = storyboard.with_keyframe(record)
            write_storyboard(storyboard, folder)
            yield KeyframeDone(
                number=number,
                num_keyframes=total,
                path=folder / record.image_file,
                warnings=record.warnings,
                seconds=0.1,
            )

    def film(self, folder: Path, *, preview: bool) -> Events:
        storyboard = read_storyboard(folder)
        total = len(storyboard.keyframes)
        for number in range(1, total + 1):
            yield ClipProgress(number=number, num_keyframes=total, step=1, num_steps=2)
            self._wait()
            yield ClipDone(number=number, num_keyframes=total, path=folder / "unused.mp4", seconds=0.1)
        stills = [Still(folder / record.image_file, 1.0) for record in storyboard.keyframes]
        stitch(stills, folder / MOVIE_FILE, frames_per_second=4)
        yield MovieDone(path=folder / MOVIE_FILE, num_clips=0, num_stills=total)

    def _wait(self) -> None:
        if self._stepwise and not self.allowed.acquire(timeout=WAIT_SECONDS):
            raise TimeoutError("no test allowed the next step")
