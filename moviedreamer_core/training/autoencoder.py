"""Diffusion autoencoder, MovieDreamer section 3.2 and 3.5, in the paper's three stages and one before them.

The paper starts from a trained SDXL; the miniature starts from nothing, which costs it three changes, all here:
stage 0 teaches the compressor by two plain readers of its tokens, at a fraction of the U-Net's cost; the reader of
labels goes on through stages 1 and 2; and no stage freezes a U-Net that knows nothing yet.

stage 0  compressor + readers of latents and labels            (ours)
stage 1  compressor + U-Net on visual tokens, noise loss       (paper: U-Net frozen for the first 20k steps);
         on frames of half the size, three times as many a second (paper: 768 x 768 images before 896 x 512 frames)
stage 2  the same with noise offset 0.05                       (paper: movie frames; here all frames are)
stage 3  compressor frozen, 22 slots, each masked at 0.2       (paper);
         sometimes both visual tokens are missing, or the sentences and faces would hardly be used; often they are
         what the planner expects instead of the true ones; and the likeness counts, see likeness.py (all ours)

Where the renderer has a coarse decoder, the error of its coarse latents counts in stages 1 to 3 (ours).
In every stage the tokens get a little Gaussian noise (ours): the planner's tokens are not exact either. Errors count
more on people than on what is behind them (ours, data/frame_emphasis.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from moviedreamer_core.autoencoder.compressor import Compressor
from moviedreamer_core.autoencoder.conditioning import RenderConditions
from moviedreamer_core.autoencoder.noise_schedule import NUM_TIMESTEPS
from moviedreamer_core.autoencoder.renderer import Judge, Renderer
from moviedreamer_core.config import RendererConfig
from moviedreamer_core.data.encoded_world import EncodedWorld
from moviedreamer_core.data.frame_labels import MAX_PEOPLE
from moviedreamer_core.training.labels import label_loss
from moviedreamer_core.training.likeness import LooksReader, looks_loss, people_of
from moviedreamer_core.training.loop import Losses
from moviedreamer_core.training.told import told_of_episodes, told_script
from moviedreamer_core.training.vae import random_indices

NOISE_OFFSET = {1: 0.0, 2: 0.05, 3: 0.05}
HALF_SIZE_STAGES = frozenset({1})
DROP_PROBABILITY = 0.1  # all conditioning, for classifier-free guidance; the paper is silent
NO_VISUAL_PROBABILITY = 0.15  # stage 3
NO_SCRIPT_PROBABILITY = 0.05  # stage 3: visual tokens alone, the middle branch of guidance, see renderer.py
PLANNED_PROBABILITY = 0.8  # stage 3: of a frame's tokens being those that the planner expects
LIKENESS_WEIGHT = 0.5  # stage 3
COARSE_WEIGHT = 0.5  # of the error of the coarse latents themselves
TIMESTEP_POWER = 0.7  # below 1, noisy timesteps come more often: what a picture shows is decided there (ours)
NAMING_WEIGHT = 0.5
TOKEN_NOISE = 0.2  # largest standard deviation, in units of a token's own
SKETCH_RIDGE = 1e-3  # of the variance of a token's channel
SPATIAL_NOISE = 0.1  # stage 0: on the spatial tokens, against learning frames by heart


class CompressorWarmUp(nn.Module):
    """Stage 0: the compressor with two plain readers of its tokens, which are thrown away afterwards.

    One regresses the frame's latents, the other names what the storyworld knows of the frame (LABELS). Without the
    second, hundreds of steps go by in which the tokens hold little more than the palette: an effective rank of 3.5
    of 512 after 600 steps of regression alone.
    """

    def __init__(
        self, compressor: Compressor, latent_shape: Sequence[int], num_values: Sequence[int]
    ) -> None:
        super().__init__()
        width = compressor.config.num_visual_tokens * compressor.config.token_channels
        self.compressor = compressor
        self.num_values = tuple(num_values)
        self.sketch = Sketch(width, math.prod(latent_shape))
        self.label_reader = nn.Linear(width, sum(num_values))
        # What a reader that knows nothing asks for would spoil the start.
        nn.init.zeros_(self.label_reader.weight)

    def forward(self, batch: WarmUpBatch) -> Losses:
        tokens = _noised(self.compressor(_spoilt(batch.spatial))).flatten(1)  # (B, V D)
        sketched = self.sketch(tokens).float().view_as(batch.latents)
        regression = (batch.emphasis[:, None] * (sketched - batch.latents).square()).mean()
        naming = naming_loss(self.label_reader, tokens, batch.labels, self.num_values)
        return {"loss": regression + NAMING_WEIGHT * naming, "regression": regression, "naming": naming}


class Sketch(nn.Module):
    """A frame's visual tokens, one after the other -> its latents: a linear map, and a bend that is none at first."""

    def __init__(self, width: int, num_latents: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, num_latents)
        last = nn.Linear(2 * width, num_latents, bias=False)
        nn.init.zeros_(last.weight)
        self.bend = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), last)

    def forward(self, tokens: Float[Tensor, "B VD"]) -> Float[Tensor, "B latents"]:
        return self.linear(tokens) + self.bend(tokens)

    @torch.no_grad()
    def fit(self, tokens: Float[Tensor, "N VD"], latents: Float[Tensor, "N latents"]) -> None:
        """Set the linear map to the ridge regression of these."""
        weight, bias = ridge_regression(tokens, latents)
        self.linear.weight.copy_(weight.T)
        self.linear.bias.copy_(bias)


@torch.no_grad()
def ridge_regression(
    tokens: Float[Tensor, "N VD"], latents: Float[Tensor, "N latents"]
) -> tuple[Float[Tensor, "VD latents"], Float[Tensor, " latents"]]:
    """Weight and bias of the linear map that tells latents by tokens."""
    told = tokens - tokens.mean(dim=0)
    gram = told.T @ told + SKETCH_RIDGE * len(told) * torch.eye(told.shape[1])
    weight = torch.linalg.solve(gram, told.T @ (latents - latents.mean(dim=0)))
    return weight, latents.mean(dim=0) - tokens.mean(dim=0) @ weight


def naming_loss(
    reader: nn.Linear, tokens: Float[Tensor, "B VD"], labels: Int[Tensor, "B X"], num_values: Sequence[int]
) -> Float[Tensor, ""]:
    """`label_loss` of what a linear reader says of the tokens."""
    return label_loss(reader(tokens).split(tuple(num_values), dim=1), labels)


def _noised(tokens: Float[Tensor, "B V D"]) -> Float[Tensor, "B V D"]:
    """With Gaussian noise of another strength for each frame: the planner's tokens are not exact either."""
    strength = TOKEN_NOISE * torch.rand(len(tokens), 1, 1, device=tokens.device)
    return tokens + strength * torch.randn_like(tokens)


def _spoilt(spatial: Float[Tensor, "B T C"]) -> Float[Tensor, "B T C"]:
    """With noise."""
    return spatial + SPATIAL_NOISE * torch.randn_like(spatial)


class AutoencoderStages(nn.Module):
    """Stages 1 to 3 of one set of modules. `label_reader` is that of stage 0, thrown away after stage 2."""

    def __init__(
        self, compressor: Compressor, renderer: Renderer, label_reader: nn.Linear, stage: int,
        *, num_values: Sequence[int], looks_reader: LooksReader | None = None,
    ) -> None:  # fmt: skip
        """`looks_reader` judges the likeness in stage 3; it is trained already, and not changed here."""
        super().__init__()
        if stage not in NOISE_OFFSET:
            raise ValueError(f"stage must be 1, 2 or 3, got {stage}")
        self.compressor = compressor.requires_grad_(stage < 3)
        self.unet, self.conditioning = renderer.unet, renderer.conditioning
        self.label_reader, self.num_values = label_reader, tuple(num_values)
        # In lists: neither the VAE nor the reader is ours to train or save.
        self._renderer, self._looks_reader, self.stage = [renderer], [looks_reader], stage

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> AutoencoderStages:
        """What `to(device)` and its like do to us, they do to the reader too."""
        super()._apply(fn, recurse)
        for reader in self._looks_reader:
            if reader is not None:
                reader._apply(fn, recurse)
        return self

    def forward(self, batch: FrameBatch, step: int) -> Losses:
        renderer = self._renderer[0]
        tokens = _noised(batch.visual if self.stage == 3 else self.compressor(batch.visual))
        latents, emphasis, config = batch.latents, batch.emphasis, renderer.config
        size = (config.image_height, config.image_width)
        if self.stage in HALF_SIZE_STAGES:  # the VAE's latents shrink as pictures do, see training/vae.py
            latents, size = F.avg_pool2d(latents, 2), (size[0] // 2, size[1] // 2)
            emphasis = F.avg_pool2d(emphasis[:, None], 2)[:, 0]
        generator = torch.Generator().manual_seed(step)
        drop = torch.rand(len(tokens), generator=generator) < DROP_PROBABILITY
        no_visual = torch.rand(len(tokens), generator=generator) < NO_VISUAL_PROBABILITY * (self.stage == 3)
        no_script = torch.rand(len(tokens), generator=generator) < NO_SCRIPT_PROBABILITY * (self.stage == 3)
        share = torch.rand(len(tokens), generator=generator) ** TIMESTEP_POWER
        told = ~no_script[:, None].to(tokens.device)
        conditions = self.conditioning(
            tokens, batch.descriptions, batch.description_given & told, batch.faces, batch.face_given & told,
            slot_mask=self.stage == 3, generator=generator, drop=drop.to(tokens.device),
            no_visual=no_visual.to(tokens.device),
            use={"visual", "descriptions", "faces"} if self.stage == 3 else {"visual"}, size=size,
        )  # fmt: skip
        loss = renderer.noise_loss(
            latents, conditions, generator=generator, noise_offset=NOISE_OFFSET[self.stage],
            timesteps=(share * NUM_TIMESTEPS).long().clamp(max=NUM_TIMESTEPS - 1), emphasis=emphasis,
            judge=self._likeness(batch, told=~(drop | no_script).to(tokens.device)),
        )  # fmt: skip
        coarse = self._coarse_error(conditions, latents, emphasis, seen=~(drop | no_visual).to(tokens.device))
        noise, coarse = loss.mean(), coarse.mean()
        loss = noise + COARSE_WEIGHT * coarse
        if self.stage == 3:
            return {"loss": loss, "coarse": coarse}
        naming = naming_loss(self.label_reader, tokens.flatten(1), batch.labels, self.num_values)
        return {"loss": loss + NAMING_WEIGHT * naming, "noise": noise, "naming": naming, "coarse": coarse}

    def _coarse_error(
        self, conditions: RenderConditions, latents: Float[Tensor, "B L h w"], emphasis: Float[Tensor, "B h w"],
        *, seen: Bool[Tensor, " B"],
    ) -> Float[Tensor, " B"]:  # fmt: skip
        """Of the frames whose visual tokens are `seen`; zero without a coarse decoder."""
        if conditions.coarse is None:
            return torch.zeros(len(latents), device=latents.device)
        coarse = conditions.beside(latents)[:, latents.shape[1] :]
        return (emphasis[:, None] * (coarse - latents).square()).mean(dim=(1, 2, 3)) * seen

    def _likeness(self, batch: FrameBatch, *, told: Bool[Tensor, " B"]) -> Judge | None:
        """How unlike its people each clean estimate looks, LIKENESS_WEIGHT times; less, the noisier it was.

        People of whom nothing was told are not judged.
        """
        (reader,) = self._looks_reader
        if reader is None or self.stage != 3:
            return None
        judged = batch.known & people_of(batch.labels) & told[:, None]

        def judge(estimate: Tensor, timesteps: Tensor) -> Tensor:
            weight = LIKENESS_WEIGHT * (1 - timesteps / NUM_TIMESTEPS).pow(0.25)
            return weight * looks_loss(reader(estimate, batch.boxes), batch.labels, judged)

        return judge


@dataclass(frozen=True)
class WarmUpBatch:
    latents: Float[Tensor, "B L h w"]
    emphasis: Float[Tensor, "B h w"]
    spatial: Float[Tensor, "B T C"]
    labels: Int[Tensor, "B X"]


@dataclass(frozen=True)
class FrameBatch:
    """`visual` holds the spatial tokens in stages 1 and 2 and the visual tokens, already compressed, in stage 3."""

    latents: Float[Tensor, "B L h w"]
    emphasis: Float[Tensor, "B h w"]
    visual: Float[Tensor, "B tokens channels"]
    descriptions: Float[Tensor, "B N E"]
    description_given: Tensor
    faces: Float[Tensor, "B P F"]
    face_given: Tensor
    labels: Int[Tensor, "B X"]
    boxes: Float[Tensor, "B people 5"]
    known: Bool[Tensor, "B people"]  # those whose portrait or looks were told


def batches(
    data: EncodedWorld, renderer: RendererConfig, batch_size: int, *, stage: int
) -> Callable[[int], FrameBatch]:
    """Random frames for `stage`, with their sentences, labels and a random portrait of each person.

    What is told of people is what `told_of_episodes` says.
    """

    def visual(frames: np.ndarray, step: int) -> Tensor:
        if stage < 3:
            return data.rows("spatial", frames)
        planned = np.random.default_rng([10 + stage, step, 2]).random(len(frames)) < PLANNED_PROBABILITY
        chosen = torch.from_numpy(planned)[:, None, None]
        return torch.where(chosen, data.planned(frames), data.rows("tokens", frames))

    def batch_at(step: int) -> FrameBatch:
        frames = np.sort(random_indices(step, batch_size, data.world.num_frames, seed=10 + stage))
        sentences, told = _told(data, frames)
        descriptions, description_given = data.descriptions(sentences, renderer.num_description_slots)
        faces, face_given = data.faces(
            frames, renderer.num_face_slots, np.random.default_rng([10 + stage, step, 1])
        )
        face_given[:, :MAX_PEOPLE] &= told[..., 0]
        return FrameBatch(
            data.rows("latents", frames), data.rows("emphasis", frames),
            visual(frames, step),
            descriptions, description_given, faces * face_given[..., None], face_given,
            data.rows("labels", frames).long(), data.rows("boxes", frames), told.any(dim=-1),
        )  # fmt: skip

    return batch_at


def _told(data: EncodedWorld, frames: np.ndarray) -> tuple[np.ndarray, Bool[Tensor, "B P 2"]]:
    """The sentences of these frames that are told, as `Captions.rows` has them; of whom portrait and looks are."""
    episodes = frames // data.world.num_keyframes
    of_episodes = told_of_episodes(episodes.tolist(), data.load("faces").shape[1])
    rows, told = np.full_like(data.captions.rows[frames], -1), np.zeros((len(frames), MAX_PEOPLE, 2), bool)
    for row, frame in enumerate(frames.tolist()):
        script = data.world.scripts[frame]
        of_people = of_episodes[row][list(script.cast)]
        _, kept = told_script(script, of_people[:, 0], of_people[:, 1])
        stays = data.captions.sentences_of(frame)[kept]
        rows[row, : len(stays)] = stays
        told[row, : len(of_people)] = of_people
    return rows, torch.from_numpy(told)


def warm_up_batches(data: EncodedWorld, batch_size: int) -> Callable[[int], WarmUpBatch]:
    """Random frames for stage 0."""

    def batch_at(step: int) -> WarmUpBatch:
        frames = np.sort(random_indices(step, batch_size, data.world.num_frames, seed=4))
        latents, emphasis, spatial = (data.rows(name, frames) for name in ("latents", "emphasis", "spatial"))
        return WarmUpBatch(latents, emphasis, spatial, data.rows("labels", frames).long())

    return batch_at
