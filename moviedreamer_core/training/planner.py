"""Autoregressive model: teacher forcing over whole episodes, MovieDreamer section 3.4 and appendix A.

Against overfitting (all from the paper): episodes mirrored (see data/world_frames.py) and reversed in time; the face
embedding of a character taken from another picture; few-shot references put before the script, sometimes; dropout and
hidden tokens inside the model.

In the storyworld everyone has a portrait and a description; in a story told in plain text nobody has. So that the
planner knows both, the portrait of a character, or the description of the looks, is left out of some episodes (ours).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from moviedreamer_core.autoregressive.gaussian_mixture import sample
from moviedreamer_core.autoregressive.model import AutoregressiveModel, LossTerms, planner_loss
from moviedreamer_core.autoregressive.sequence import TrainingInputs, collate, identifier_ids, training_inputs
from moviedreamer_core.data.captions import Facts
from moviedreamer_core.data.encoded_world import EncodedWorld
from moviedreamer_core.data.world_frames import FrameScript
from moviedreamer_core.encoders.encoded import EncodedKeyframe
from moviedreamer_core.script import MAX_REFERENCES, Element, ElementKind, sentence_owners
from moviedreamer_core.training.loop import Losses, device_of, on_device

ALL_TERMS = LossTerms()
REVERSE_PROBABILITY = 0.3
REFERENCE_PROBABILITY = 0.3
NO_FACE_PROBABILITY = NO_LOOKS_PROBABILITY = 0.15  # of a character, for a whole episode


def batches(
    data: EncodedWorld, tokenizer: PreTrainedTokenizerBase, num_episodes: int
) -> Callable[[int], TrainingInputs]:
    """Batches of whole episodes; needs the arrays `sentences`, `faces` and `tokens` of `data`."""
    episodes = Episodes(data, identifier_ids(tokenizer))

    def batch_at(step: int) -> TrainingInputs:
        rng = np.random.default_rng([5, step])
        picked = rng.choice(data.world.num_episodes, num_episodes, replace=False)
        told = told_of_cast(step, num_episodes, data.load("faces").shape[1])
        return collate([episodes.varied(int(e), told[row], rng) for row, e in enumerate(picked)])

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

    Sampled at temperature 1, on the planner's device. The renderer is trained on these too: they lack what the
    true tokens hold and no script says.
    """
    episodes, cast = Episodes(data, identifier_ids(tokenizer)), data.load("faces").shape[1]
    rng, told = np.random.default_rng([5, seed, 2]), np.ones((cast, 2), bool)
    batch = on_device(collate([episodes.plain(e, told, rng) for e in picked]), device_of(planner))
    with torch.no_grad():
        tokens = sample(planner(batch), temperature=1.0, generator=torch.Generator().manual_seed(seed))
    return tokens.unflatten(0, (len(picked), data.world.num_keyframes, -1))


class Episodes:
    """Episodes of `data` as the planner reads them in training; needs `sentences`, `faces` and `tokens`."""

    def __init__(self, data: EncodedWorld, identifiers: Mapping[str, tuple[int, ...]]) -> None:
        self._data, self._identifiers = data, identifiers
        names = ("tokens", "sentences", "faces")
        self._tokens, self._sentences, self._faces = (np.asarray(data.load(name)) for name in names)

    def varied(self, episode: int, told: Bool[np.ndarray, "C 2"], rng: np.random.Generator) -> TrainingInputs:
        """Sometimes reversed in time, sometimes with references."""
        frames = self._frames(episode)
        if rng.random() < REVERSE_PROBABILITY:
            frames = frames[::-1]
        keyframes = [self._keyframe(int(frame), episode, told, rng) for frame in frames]
        true = self._true(frames)
        references: Tensor | None = None
        if rng.random() < REFERENCE_PROBABILITY:
            most = min(MAX_REFERENCES, len(frames))
            references = true[rng.choice(len(frames), int(rng.integers(1, most + 1)), replace=False)]
        return training_inputs(keyframes, true, self._identifiers, references=references)

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
        views = rng.integers(0, self._faces.shape[2], len(cast))
        portraits = self._faces[episode, cast, views].astype(np.float32).reshape(-1, self._faces.shape[-1])
        face_given, looks_given = told[cast].T
        elements, kept = told_script(script, face_given, looks_given)
        return EncodedKeyframe(
            elements,
            torch.from_numpy(self._sentences[rows[kept]].astype(np.float32)),
            torch.from_numpy(portraits * face_given[:, None]),
            torch.from_numpy(face_given.copy()),
        )


def told_of_cast(step: int, num_episodes: int, num_cast: int) -> Bool[np.ndarray, "E C 2"]:
    """Whether the episodes of a step show each cast member's portrait (0) and tell their looks (1).

    From random numbers of its own: which episodes a step has, and how, does not depend on it.
    """
    chance = np.random.default_rng([5, step, 1]).random((num_episodes, num_cast, 2))
    return chance >= (NO_FACE_PROBABILITY, NO_LOOKS_PROBABILITY)


def told_script(
    script: FrameScript, face_given: Bool[np.ndarray, " P"], looks_given: Bool[np.ndarray, " P"]
) -> tuple[tuple[Element, ...], Bool[np.ndarray, " N"]]:
    """The elements of a script of P people as if some had no portrait, or nothing were said of their looks.

    Also which of its N sentences are still there. What people do in this keyframe stays.
    """
    owners = sentence_owners(script.elements)
    kept = np.array(
        [
            owner is None or bool(looks_given[owner]) or _is_of_the_keyframe(stated)
            for owner, stated in zip(owners, script.facts, strict=True)
        ]
    )
    people, sentences = iter(face_given), iter(kept)
    drawn_from = {ElementKind.FACE: people, ElementKind.SENTENCE: sentences}
    elements = tuple(e for e in script.elements if e.kind not in drawn_from or next(drawn_from[e.kind]))
    return elements, kept


def _is_of_the_keyframe(stated: Facts) -> bool:
    """Whether a person's sentence tells what they do there, not how they always look."""
    return any(slot.split(".")[-1] in ("action", "expression") for slot, _ in stated)


def planner_losses(module: nn.Module, batch: object, step: int, *, terms: LossTerms = ALL_TERMS) -> Losses:
    assert isinstance(module, AutoregressiveModel)
    assert isinstance(batch, TrainingInputs)
    loss = planner_loss(module(batch), batch.targets, terms=terms)
    return {"loss": loss.total, "nll": loss.nll, "l1": loss.l1, "l2": loss.l2}
