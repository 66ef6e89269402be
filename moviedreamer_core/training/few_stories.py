"""A small world of few stories, each as it is and mirrored, encoded for the planner: few enough to learn by heart.

In the large world every second story is mirrored, which is as good as another story; the paper mirrors the ones it
has. F frames, C cast members, P portraits of each.
"""

from __future__ import annotations

from collections.abc import Callable, Generator

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from moviedreamer_core.autoencoder.compressor import Compressor
from moviedreamer_core.data import encoded_world
from moviedreamer_core.data.captions import collect
from moviedreamer_core.data.encoded_world import EncodedWorld, save_array
from moviedreamer_core.data.frame_labels import labels_of
from moviedreamer_core.data.world_frames import WorldFrames
from moviedreamer_core.encoders.vision import VisionEncoder
from moviedreamer_core.training import modules
from moviedreamer_core.training.vae import images_at
from moviedreamer_core.training.workshop import Workshop


class FrameTokens(nn.Module):
    """A frame's true visual tokens in one go."""

    def __init__(self, vision: VisionEncoder, compressor: Compressor) -> None:
        super().__init__()
        self.vision, self.compressor = vision, compressor

    def forward(self, images: Float[Tensor, "F 3 H W"]) -> Float[Tensor, "F V D"]:
        tokens: Tensor = self.compressor(self.vision.spatial_tokens(images))
        return tokens


def few_stories(shop: Workshop, num_stories: int) -> Generator[str, None, EncodedWorld]:
    """Draw and encode the first training stories, or go on with it; yields lines to show.

    The encoders and the compressor are the workshop's. Raises WeightsError if they were never trained.
    """
    world = WorldFrames(
        folder=shop.folder / "data", split="train", num_episodes=2 * num_stories,
        num_keyframes=shop.scale.num_keyframes, size=shop.frame_size, twice=True,
    )  # fmt: skip
    for done, total in world.prepare():
        yield f"few stories: {done} of {total} episodes drawn"
    modules.load_encoders(shop)
    modules.load_compressor(shop)
    data = EncodedWorld(world, collect(world.scripts, shop.word_ids), world.path / "encoded")
    yield from _encode(shop, data)
    return data


def _encode(shop: Workshop, data: EncodedWorld) -> Generator[str, None, None]:
    """The arrays that `planner.batches` needs."""
    world, words = data.world, data.captions.token_ids
    portraits = world.portraits.reshape(-1, *world.portraits.shape[3:])  # (E C P, 64, 64, 3)
    jobs: list[tuple[str, nn.Module, int, Callable[[int, int], Tensor]]] = [
        ("tokens", FrameTokens(shop.vision, shop.compressor), len(world.frames),
         lambda start, stop: images_at(world.frames, np.arange(start, stop))),
        ("sentences", shop.text, len(words),
         lambda start, stop: torch.from_numpy(words[start:stop].astype(np.int64))),
        ("portraits", shop.face, len(portraits),
         lambda start, stop: images_at(portraits, np.arange(start, stop))),
    ]  # fmt: skip
    for name, model, rows, batch_of in jobs:
        model.to(shop.device)
        for done, total in encoded_world.compute(name, data.folder, model, rows, batch_of, model):
            if done == total:
                yield f"few stories: {total} rows of {name}"
    shape = world.portraits.shape[:3]  # (E, C, P)
    save_array(data.folder / "faces.npy", data.load("portraits").reshape(*shape, -1))
    scenes = (scene for index in range(world.num_episodes) for scene in world.episode(index).scenes)
    save_array(data.folder / "labels.npy", np.array([labels_of(scene) for scene in scenes], np.int8))
