"""Autoregressive model: teacher forcing over whole episodes, MovieDreamer section 3.4 and appendix A.

Against overfitting (all from the paper): episodes mirrored (see data/world_frames.py) and reversed in time; the face
embedding of a character taken from another picture; few-shot references put before the script, sometimes; dropout and
hidden tokens inside the model.

Of some people no portrait, or no looks, are told (training/told.py). What a keyframe shows must be read from the
tokens that the planner expects, too (`ReadPlanner`, ours).

V visual tokens of D channels per keyframe, X labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.func import functional_call
from transformers import PreTrainedTokenizerBase

from moviedreamer_core.autoencoder.coarse_decoder import CoarseDecoder
from moviedreamer_core.autoregressive.gaussian_mixture import mixture_mean, sample
from moviedreamer_core.autoregressive.model import AutoregressiveModel, LossTerms, planner_loss
from moviedreamer_core.autoregressive.sequence import TrainingInputs, collate, identifier_ids, training_inputs
from moviedreamer_core.data.encoded_world import EncodedWorld
from moviedreamer_core.encoders.encoded import EncodedKeyframe
from moviedreamer_core.script import MAX_REFERENCES
from moviedreamer_core.training.labels import label_loss
from moviedreamer_core.training.loop import Losses, device_of, on_device
from moviedreamer_core.training.told import told_of_cast, told_of_episodes, told_script

ALL_TERMS = LossTerms()
REVERSE_PROBABILITY = 0.3
REFERENCE_PROBABILITY = 0.3
NAMING_WEIGHT = 0.3
PICTURE_WEIGHT = 1.0


@dataclass(frozen=True, kw_only=True)
class Variety:
    """How an episode differs from one reading of it to the next. What is told of its cast varies besides."""

    reverse_probability: float = REVERSE_PROBABILITY  # in time
    reference_probability: float = REFERENCE_PROBABILITY
    mirrored: bool = True  # odd episodes, which are, are read too
    portraits: bool = True  # any picture of a character; else always the first
    faces: bool = True  # else nobody has a portrait


AS_IN_THE_PAPER = Variety()


@dataclass(frozen=True)
class PlannerBatch:
    """`labels[v]` are those of the keyframe that visual token v of the targets belongs to."""

    inputs: TrainingInputs
    labels: Int[Tensor, "V X"]


class PlainPlanner(nn.Module):
    """The planner and the paper's loss alone, or some terms of it."""

    def __init__(self, planner: AutoregressiveModel, *, terms: LossTerms = ALL_TERMS) -> None:
        super().__init__()
        self.planner, self.terms = planner, terms

    def forward(self, batch: PlannerBatch) -> Losses:
        loss = planner_loss(self.planner(batch.inputs), batch.inputs.targets, terms=self.terms)
        return {"loss": loss.total, "nll": loss.nll, "l1": loss.l1, "l2": loss.l2}


class ReadPlanner(nn.Module):
    """The planner, and a linear reader of each of a keyframe's visual tokens that names what the keyframe shows.

    The plain losses weigh every channel alike, and what an unsaid coat looks like is a few of 512: the planner that
    they alone trained carries it to later keyframes no oftener than by chance (README). The readers learn from the true
    tokens; what they then read in the expected ones counts for the planner alone. They are thrown away afterwards.

    With the renderer's coarse decoder, the picture that the expected tokens stand for counts, too: a planner trained
    without it foresaw 65 % of the variance of the tokens, but 29 % of that of the latents.
    """

    def __init__(
        self, planner: AutoregressiveModel, num_values: Sequence[int], *, terms: LossTerms = ALL_TERMS,
        coarse_decoder: CoarseDecoder | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self._coarse_decoder = [coarse_decoder]  # in a list: not ours to train or save
        config = planner.config
        self.planner, self.num_values, self.terms = planner, tuple(num_values), terms
        self.readers = nn.ModuleList(
            nn.Linear(config.token_channels, sum(num_values)) for _ in range(config.num_visual_tokens)
        )

    def forward(self, batch: PlannerBatch) -> Losses:
        mixtures, targets = self.planner(batch.inputs), batch.inputs.targets
        loss = planner_loss(mixtures, targets, terms=self.terms)
        reading = self._reading(targets, batch.labels)
        naming = self._reading(mixture_mean(mixtures), batch.labels, learning=False)
        picture = self._picture_error(mixture_mean(mixtures), targets)
        total = loss.total + reading + NAMING_WEIGHT * naming + PICTURE_WEIGHT * picture
        return {
            "loss": total, "nll": loss.nll, "l1": loss.l1, "l2": loss.l2,
            "reading": reading, "naming": naming, "picture": picture,
        }  # fmt: skip

    def _picture_error(self, expected: Float[Tensor, "N D"], true: Float[Tensor, "N D"]) -> Float[Tensor, ""]:
        """Squared error of the coarse latents of whole keyframes; zero without a decoder."""
        (decoder,) = self._coarse_decoder
        if decoder is None:
            return expected.new_zeros(())
        keyframes = (-1, len(self.readers))
        expected, true = (tokens.unflatten(0, keyframes) for tokens in (expected, true))  # (B, V, D)
        return (decoder(expected) - decoder(true)).square().mean()

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> ReadPlanner:
        """What `to(device)` and its like do to us, they do to the coarse decoder too."""
        super()._apply(fn, recurse)
        for decoder in self._coarse_decoder:
            if decoder is not None:
                decoder._apply(fn, recurse)
        return self

    def _reading(self, tokens: Tensor, labels: Tensor, *, learning: bool = True) -> Tensor:
        """The readers' loss; without `learning` their weights get no gradient."""
        losses = []
        for slot, reader in enumerate(self.readers):
            weights = {name: p if learning else p.detach() for name, p in reader.named_parameters()}
            rows = slice(slot, None, len(self.readers))
            read = functional_call(reader, weights, (tokens[rows],))
            losses.append(label_loss(read.split(self.num_values, dim=1), labels[rows]))
        return torch.stack(losses).mean()


def batches(
    data: EncodedWorld,
    tokenizer: PreTrainedTokenizerBase,
    num_episodes: int,
    *,
    variety: Variety = AS_IN_THE_PAPER,
) -> Callable[[int], PlannerBatch]:
    """Batches of whole episodes; needs the arrays `sentences`, `faces`, `tokens` and `labels` of `data`."""
    episodes, cast = Episodes(data, identifier_ids(tokenizer), variety), data.load("faces").shape[1]
    labels = np.asarray(data.load("labels"))
    apart = 1 if variety.mirrored else 2

    def batch_at(step: int) -> PlannerBatch:
        rng, told_rng = np.random.default_rng([5, step]), np.random.default_rng([5, step, 1])
        choice = -(-data.world.num_episodes // apart)
        picked = apart * rng.choice(choice, num_episodes, replace=False)
        told = [told_of_cast(told_rng, cast) for _ in picked]
        drawn = [episodes.varied(int(e), told[row], rng) for row, e in enumerate(picked)]
        inputs = collate([one for one, _ in drawn])
        frames = np.concatenate([frames for _, frames in drawn])
        per_frame = len(inputs.targets) // len(frames)
        return PlannerBatch(inputs, torch.from_numpy(labels[np.repeat(frames, per_frame)]).long())

    return batch_at


def foreseen(
    planner: AutoregressiveModel,
    data: EncodedWorld,
    tokenizer: PreTrainedTokenizerBase,
    picked: Sequence[int],
    *,
    seed: int,
) -> Float[Tensor, "E K V D"]:
    """What the planner expects of each keyframe of the picked episodes when it has seen the true ones before.

    It is told what `told_of_episodes` says. Sampled at temperature 1, on the planner's device. The renderer is
    trained on these too: they lack what the true tokens hold and no script says.
    """
    episodes = Episodes(data, identifier_ids(tokenizer))
    rng, told = np.random.default_rng([5, seed, 2]), told_of_episodes(picked, data.load("faces").shape[1])
    drawn = [episodes.plain(e, told[row], rng) for row, e in enumerate(picked)]
    batch = on_device(collate(drawn), device_of(planner))
    with torch.no_grad():
        tokens = sample(
            planner(batch), temperature=1.0, generator=torch.Generator().manual_seed(seed),
            spread=planner.config.spread,
        )  # fmt: skip
    return tokens.unflatten(0, (len(picked), data.world.num_keyframes, -1))


class Episodes:
    """Episodes of `data` as the planner reads them in training; needs `sentences`, `faces` and `tokens`."""

    def __init__(
        self,
        data: EncodedWorld,
        identifiers: Mapping[str, tuple[int, ...]],
        variety: Variety = AS_IN_THE_PAPER,
    ) -> None:
        self._data, self._identifiers, self._variety = data, identifiers, variety
        names = ("tokens", "sentences", "faces")
        self._tokens, self._sentences, self._faces = (np.asarray(data.load(name)) for name in names)

    def varied(
        self, episode: int, told: Bool[np.ndarray, "C 2"], rng: np.random.Generator
    ) -> tuple[TrainingInputs, Int[np.ndarray, " K"]]:
        """Sometimes reversed in time, sometimes with references; also the numbers of its frames, in order."""
        frames = self._frames(episode)
        if rng.random() < self._variety.reverse_probability:
            frames = frames[::-1]
        keyframes = [self._keyframe(int(frame), episode, told, rng) for frame in frames]
        true = self._true(frames)
        references: Tensor | None = None
        if rng.random() < self._variety.reference_probability:
            most = min(MAX_REFERENCES, len(frames))
            references = true[rng.choice(len(frames), int(rng.integers(1, most + 1)), replace=False)]
        return training_inputs(keyframes, true, self._identifiers, references=references), frames

    def plain(self, episode: int, told: Bool[np.ndarray, "C 2"], rng: np.random.Generator) -> TrainingInputs:
        """In order, without references."""
        frames = self._frames(episode)
        keyframes = [self._keyframe(int(frame), episode, told, rng) for frame in frames]
        return training_inputs(keyframes, self._true(frames), self._identifiers)

    def _frames(self, episode: int) -> np.ndarray:
        length = self._data.world.num_keyframes
        return episode * length + np.arange(length)

    def _true(self, frames: np.ndarray) -> Float[Tensor, "K V D"]:
        return torch.from_numpy(self._tokens[frames].astype(np.float32))

    def _keyframe(
        self, frame: int, episode: int, told: Bool[np.ndarray, "C 2"], rng: np.random.Generator
    ) -> EncodedKeyframe:
        script = self._data.world.scripts[frame]
        rows, cast = self._data.captions.sentences_of(frame), list(script.cast)
        views = rng.integers(0, self._faces.shape[2], len(cast)) * self._variety.portraits
        portraits = self._faces[episode, cast, views].astype(np.float32).reshape(-1, self._faces.shape[-1])
        face_given, looks_given = told[cast].T
        face_given = face_given & self._variety.faces
        elements, kept = told_script(script, face_given, looks_given)
        return EncodedKeyframe(
            elements,
            torch.from_numpy(self._sentences[rows[kept]].astype(np.float32)),
            torch.from_numpy(portraits * face_given[:, None]),
            torch.from_numpy(face_given.copy()),
        )


def planner_losses(module: nn.Module, batch: object, step: int) -> Losses:
    return module(batch)
