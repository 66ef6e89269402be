"""Short clips of the storyworld as latents on disk: what the image-to-video model is trained on.

M clips, F frames, L latent channels, h x w latent pixels, A anchor channels.
"""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from moviedreamer_core.atomic import write_text
from moviedreamer_core.data.world_frames import training_episode
from moviedreamer_core.errors import WeightsError
from moviedreamer_core.storyworld.drawing import FRAME_SIZE, draw_clip
from moviedreamer_core.storyworld.facts import STILL, CameraMove, Scene

# (pan in frame widths per second, zoom factor per second, motion bucket 0-255): what a clip is told about its motion
CAMERA_MOVES: tuple[tuple[float, float, int], ...] = (
    (0.0, 1.0, 64),
    (0.04, 1.0, 128),
    (-0.04, 1.0, 128),
    (0.0, 1.06, 128),
)


@dataclass(frozen=True, kw_only=True)
class WorldClips:
    """`latents` float16 [M, F, L, h, w] and `anchors` float16 [M, A], encoded while they are drawn.

    Both can be read once `prepare` is through; before, reading raises WeightsError.
    """

    folder: Path
    num_clips: int
    num_frames: int
    frames_per_second: int
    size: tuple[int, int] = FRAME_SIZE  # width, height

    @cached_property
    def latents(self) -> np.ndarray:
        return np.load(self._whole("latents.npy"), mmap_mode="r")

    @cached_property
    def anchors(self) -> np.ndarray:
        return np.load(self._whole("anchors.npy"), mmap_mode="r")

    def motion_bucket(self, clip: int) -> int:
        return CAMERA_MOVES[clip % len(CAMERA_MOVES)][2]

    def prepare(
        self,
        encode: Callable[[Tensor], Tensor],
        embed: Callable[[Tensor], Tensor],
        *,
        fingerprint: str,
        device: torch.device | str = "cpu",
        processes: int = 2,
    ) -> Iterator[tuple[int, int]]:
        """Draw and encode what is missing, yielding (clips done, of total). `fingerprint` names the encoders: with
        other ones everything is made again. They are given images on `device`."""
        start = self._num_done(fingerprint)
        if start >= self.num_clips:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        if start == 0:
            self._state.unlink(missing_ok=True)  # it may speak of other encoders, or of arrays that are gone
        tasks = [
            (clip, self.num_frames, self.frames_per_second, self.size)
            for clip in range(start, self.num_clips)
        ]
        latents = anchors = None
        with multiprocessing.get_context("spawn").Pool(processes) as pool:
            for clip, frames in pool.imap(_draw, tasks, chunksize=2):
                images = (
                    torch.from_numpy(frames).to(device).permute(0, 3, 1, 2).float().div_(255)
                )  # (F, 3, H, W)
                with torch.no_grad():
                    encoded = encode(images).float().cpu().numpy()
                    anchor = embed(images[:1]).float().cpu().numpy()[0]
                if latents is None or anchors is None:
                    latents = self._open("latents.npy", (self.num_clips, *encoded.shape), fresh=start == 0)
                    anchors = self._open("anchors.npy", (self.num_clips, *anchor.shape), fresh=start == 0)
                latents[clip], anchors[clip] = encoded, anchor
                if (clip + 1) % 20 == 0 or clip + 1 == self.num_clips:
                    latents.flush()
                    anchors.flush()
                    write_text(self._state, json.dumps({"clips": clip + 1, "fingerprint": fingerprint}))
                    yield clip + 1, self.num_clips

    @property
    def _state(self) -> Path:
        return self.folder / "done.json"

    def _num_done(self, fingerprint: str | None = None) -> int:
        """How many clips the arrays hold, by the encoders of that fingerprint or by whichever they are."""
        if not all(
            (self.folder / name).exists() for name in ("latents.npy", "anchors.npy", self._state.name)
        ):
            return 0
        state = json.loads(self._state.read_text())
        return state["clips"] if fingerprint in (None, state["fingerprint"]) else 0

    def _whole(self, name: str) -> Path:
        """The path of that array. Raises WeightsError unless every clip is in it."""
        done = self._num_done()
        if done < self.num_clips:
            raise WeightsError(
                f"{self.folder / name}: {done} of {self.num_clips} clips; train the stage clips first"
            )
        return self.folder / name

    def _open(self, name: str, shape: tuple[int, ...], *, fresh: bool) -> np.memmap:
        path = self.folder / name
        if not fresh:
            return np.load(path, mmap_mode="r+")
        return np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape)


def clip_scene(clip: int) -> tuple[Scene, CameraMove]:
    """What clip number `clip` shows: a frame of a training episode, and how the camera moves."""
    episode = training_episode("train", clip, 4)
    pan, zoom, _ = CAMERA_MOVES[clip % len(CAMERA_MOVES)]
    move = CameraMove(pan_per_second=pan, zoom_per_second=zoom) if (pan, zoom) != (0.0, 1.0) else STILL
    return episode.scenes[clip // len(CAMERA_MOVES) % 4], move


def _draw(task: tuple[int, int, int, tuple[int, int]]) -> tuple[int, np.ndarray]:
    clip, num_frames, frames_per_second, size = task
    scene, move = clip_scene(clip)
    frames = draw_clip(
        scene, num_frames=num_frames, frames_per_second=frames_per_second, camera=move, size=size
    )
    return clip, np.stack([np.asarray(frame) for frame in frames])
