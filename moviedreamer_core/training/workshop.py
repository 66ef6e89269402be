"""Where a miniature is made: one folder with the data, the runs of every component and what they need of each other."""

from __future__ import annotations

import contextlib
import dataclasses
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from diffusers import UNetSpatioTemporalConditionModel
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast

from moviedreamer_core.autoencoder.compressor import Compressor
from moviedreamer_core.autoencoder.conditioning import Conditioning
from moviedreamer_core.autoencoder.renderer import Renderer, build_unet
from moviedreamer_core.autoencoder.vae import ImageVAE, build_vae
from moviedreamer_core.autoregressive.model import AutoregressiveModel
from moviedreamer_core.autoregressive.sequence import miniature_tokenizer
from moviedreamer_core.config import ModelConfig, miniature
from moviedreamer_core.data import encoded_world
from moviedreamer_core.data.captions import Captions, collect
from moviedreamer_core.data.encoded_world import EncodedWorld
from moviedreamer_core.data.world_clips import WorldClips
from moviedreamer_core.data.world_frames import WorldFrames
from moviedreamer_core.encoders.face import FaceEncoder
from moviedreamer_core.encoders.text import TextEncoder
from moviedreamer_core.encoders.tokenizer import WordTokenizer
from moviedreamer_core.encoders.vision import VisionEncoder
from moviedreamer_core.errors import WeightsError
from moviedreamer_core.pretrained import load_models
from moviedreamer_core.storyworld.language import VOCABULARY
from moviedreamer_core.training import loop
from moviedreamer_core.training.loop import device_of
from moviedreamer_core.training.vae import images_at
from moviedreamer_core.video.anchored_svd import build_video_unet
from moviedreamer_core.video.objective import start_temporal_layers_at_identity

Component = TypeVar("Component", bound=nn.Module)

# Run -> the components that it trains, as `Models.components` calls them.
TRAINED_BY: Mapping[str, tuple[str, ...]] = {
    "vae": ("autoencoder",),
    "encoders": ("vision", "text"),
    "faces": ("face",),
    "compressor": ("compressor",),
    **{f"autoencoder-{n}": ("compressor", "renderer/unet", "renderer/conditioning") for n in (1, 2, 3)},
    "planner": ("autoregressive",),
    "video": ("video/unet",),
}


# Fields of a component's config that say how it is trained or used, not what its weights are.
NOT_OF_WEIGHTS: Mapping[str, frozenset[str]] = {
    "autoregressive": frozenset(
        {"window_keyframes", "window_positions", "dropout", "hidden_token_probability", "spread"}
    ),
    "autoencoder": frozenset({"scaling_factor"}),  # measured again, see `Workshop.with_vae`
    "renderer": frozenset({"slot_mask_probability", "guidance_scale", "script_guidance"}),
    "video": frozenset({"num_frames", "frames_per_second", "sigma_max", "start_sigma"}),
}


@contextlib.contextmanager
def first_weights(name: str) -> Iterator[None]:
    """What is built inside begins at the weights that belong to `name`: always the same, whatever was built before.

    The global random numbers go on afterwards as if nothing had been drawn.
    """
    with torch.random.fork_rng(devices=[]):  # components are built on the CPU
        torch.default_generator.manual_seed(zlib.crc32(name.encode()))
        yield


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much data; tests use a handful of episodes."""

    num_episodes: int = 4500
    num_keyframes: int = 16
    num_clips: int = 600


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How long a stage trains."""

    steps: int
    batch: int
    learning_rate: float


@dataclass(frozen=True)
class Workshop:
    """Components are built on first use and filled with the weights of their finished run, or its last checkpoint.

    `start` is a weights folder: its components are where training begins, and stand in for stages that were
    not run. A component whose sizes or words differ from that folder's begins at random.
    """

    folder: Path
    scale: Scale = field(default_factory=Scale)
    config: ModelConfig = field(default_factory=miniature)
    start: Path | None = None

    @property
    def frame_size(self) -> tuple[int, int]:
        """Width and height in px."""
        return self.config.renderer.image_width, self.config.renderer.image_height

    @property
    def device(self) -> torch.device:
        """Where a model is put that computes what is kept on disk."""
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")

    @cached_property
    def world(self) -> WorldFrames:
        return WorldFrames(
            folder=self.folder / "data", split="train",
            num_episodes=self.scale.num_episodes, num_keyframes=self.scale.num_keyframes,
            size=self.frame_size,
        )  # fmt: skip

    @cached_property
    def captions(self) -> Captions:
        return collect(self.world.scripts, self.word_ids)

    @cached_property
    def encoded(self) -> EncodedWorld:
        return EncodedWorld(self.world, self.captions, self.world.path / "encoded")

    @cached_property
    def clips(self) -> WorldClips:
        video = self.config.video
        return WorldClips(
            folder=self.folder / "data" / "clips", num_clips=self.scale.num_clips,
            num_frames=video.num_frames, frames_per_second=video.frames_per_second,
            size=self.frame_size,
        )  # fmt: skip

    def word_ids(self, texts: Sequence[str]) -> np.ndarray:
        ids = [self.words.encode(text) for text in texts]
        table = np.zeros((len(ids), max(map(len, ids))), np.int16)
        for row, sequence in zip(table, ids, strict=True):
            row[: len(sequence)] = sequence
        return table

    # --- components ---------------------------------------------------------------------------------

    @cached_property
    def words(self) -> WordTokenizer:
        return WordTokenizer.from_words(VOCABULARY, context_length=self.config.text.context_length)

    @cached_property
    def text(self) -> TextEncoder:
        return self._begun("text", lambda: TextEncoder(self.config.text, self.words))

    @cached_property
    def vision(self) -> VisionEncoder:
        return self._begun("vision", lambda: VisionEncoder(self.config.vision))

    @cached_property
    def face(self) -> FaceEncoder:
        return self._begun("face", lambda: FaceEncoder(self.config.face))

    @cached_property
    def vae(self) -> ImageVAE:
        return self._begun("autoencoder", lambda: build_vae(self.config.autoencoder))

    @cached_property
    def compressor(self) -> Compressor:
        return self._begun("compressor", lambda: Compressor(self.config.compressor))

    @cached_property
    def renderer(self) -> Renderer:
        config = self.config.renderer
        return Renderer(
            config,
            unet=self._begun("renderer/unet", lambda: build_unet(config)),
            conditioning=self._begun("renderer/conditioning", lambda: Conditioning(config)),
            vae=self.vae,
        )

    @cached_property
    def planner(self) -> AutoregressiveModel:
        return self._begun("autoregressive", lambda: AutoregressiveModel(self.config.autoregressive))

    @cached_property
    def identifiers(self) -> PreTrainedTokenizerFast:
        return miniature_tokenizer()

    @cached_property
    def video(self) -> UNetSpatioTemporalConditionModel:
        def built() -> UNetSpatioTemporalConditionModel:
            unet = build_video_unet(self.config.video)
            start_temporal_layers_at_identity(unet)
            return unet

        return self._begun("video/unet", built)

    @cached_property
    def begins_from(self) -> Mapping[str, nn.Module]:
        """The components of `start` that fit this workshop's config and words; empty without one."""
        if self.start is None:
            return {}
        models = load_models(self.start)
        same_words = self.words.vocabulary == getattr(models.text.tokenizer, "vocabulary", ())
        fitting = [
            name
            for name in sorted({name for names in TRAINED_BY.values() for name in names})
            if _same_weights(self.config, models.config, name) and (same_words or name != "text")
        ]
        return {name: models.components[name] for name in fitting}

    def _begun(self, name: str, build: Callable[[], Component]) -> Component:
        with first_weights(name):
            component = build()
        if name in self.begins_from:
            component.load_state_dict(self.begins_from[name].state_dict())
        return component

    # --- runs ---------------------------------------------------------------------------------------

    def run(
        self,
        name: str,
        module: nn.Module,
        schedule: loop.Schedule,
        batch_at: Callable[[int], Any],
        losses_of: Callable[[nn.Module, Any, int], loop.Losses],
    ) -> Iterator[loop.Progress]:
        yield from loop.run(module, schedule, self.folder / name, batch_at, losses_of)

    def require(self, name: str, module: nn.Module) -> None:
        """Fill `module` from the run `name`, or leave it at what `start` has of it.

        Raises WeightsError if that stage was never trained.
        """
        begun = all(component in self.begins_from for component in TRAINED_BY.get(name, (name,)))
        if not loop.load_final(module, self.folder / name) and not begun:
            raise WeightsError(f"{self.folder / name}: no checkpoint; train the stage {name} first")
        module.requires_grad_(False)

    def with_vae(self) -> ImageVAE:
        """The trained VAE with its latents scaled to unit variance."""
        self.require("vae", self.vae)
        sample = images_at(self.world.frames, np.linspace(0, self.world.num_frames - 1, 64).astype(int))
        self.vae.scaling_factor = self.vae.measure_scaling_factor(sample.to(device_of(self.vae)))
        return self.vae

    def keep(
        self, name: str, model: nn.Module, num_rows: int, batch_of: Callable[[int, int], Tensor],
        apply: Callable[[Tensor], Tensor],
    ) -> Iterator[tuple[int, int]]:  # fmt: skip
        """Compute one array of `encoded`; see `encoded_world.compute`."""
        model.to(self.device)
        yield from encoded_world.compute(name, self.encoded.folder, model, num_rows, batch_of, apply)


def _same_weights(ours: ModelConfig, theirs: ModelConfig, name: str) -> bool:
    """Whether a component's weights mean the same in both configs: equal but for what is not of the weights."""
    part = name.split("/")[0]
    one, other = (dataclasses.asdict(getattr(config, part)) for config in (ours, theirs))
    counting = one.keys() - NOT_OF_WEIGHTS.get(part, frozenset())
    return all(one[field] == other[field] for field in counting)
