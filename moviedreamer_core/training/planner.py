"""Autoregressive model: teacher forcing over whole episodes, MovieDreamer section 3.4 and appendix A.

Against overfitting (all from the paper): episodes mirrored (see data/world_frames.py) and reversed in time; the face
embedding of a character taken from another picture; few-shot references put before the script, sometimes; dropout and
hidden tokens inside the model.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from moviedreamer_core.autoregressive.model import AutoregressiveModel, LossTerms, planner_loss
from moviedreamer_core.autoregressive.sequence import TrainingInputs, collate, identifier_ids, training_inputs
from moviedreamer_core.data.encoded_world import EncodedWorld
from moviedreamer_core.encoders.encoded import EncodedKeyframe
from moviedreamer_core.script import MAX_REFERENCES
from moviedreamer_core.training.loop import Losses

ALL_TERMS = LossTerms()
REVERSE_PROBABILITY = 0.3
REFERENCE_PROBABILITY = 0.3


def batches(
    data: EncodedWorld, tokenizer: PreTrainedTokenizerBase, num_episodes: int
) -> Callable[[int], TrainingInputs]:
    """Batches of whole episodes; needs the arrays `sentences`, `faces` and `tokens` of `data`."""
    identifiers = identifier_ids(tokenizer)
    tokens, sentences, faces = (np.asarray(data.load(name)) for name in ("tokens", "sentences", "faces"))

    def batch_at(step: int) -> TrainingInputs:
        rng = np.random.default_rng([5, step])
        picked = rng.choice(data.world.num_episodes, num_episodes, replace=False)
        return collate([_episode(int(e), rng) for e in picked])

    def _episode(episode: int, rng: np.random.Generator) -> TrainingInputs:
        length = data.world.num_keyframes
        frames = episode * length + np.arange(length)
        if rng.random() < REVERSE_PROBABILITY:
            frames = frames[::-1]
        keyframes = [_keyframe(int(frame), episode, rng) for frame in frames]
        true = torch.from_numpy(tokens[frames].astype(np.float32))  # (K, V, D)
        references: Tensor | None = None
        if rng.random() < REFERENCE_PROBABILITY:
            shown = rng.choice(length, int(rng.integers(1, min(MAX_REFERENCES, length) + 1)), replace=False)
            references = true[shown]
        return training_inputs(keyframes, true, identifiers, references=references)

    def _keyframe(frame: int, episode: int, rng: np.random.Generator) -> EncodedKeyframe:
        script = data.world.scripts[frame]
        rows = data.captions.sentences_of(frame)
        views = rng.integers(0, faces.shape[2], len(script.cast))
        portraits = faces[episode, list(script.cast), views].astype(np.float32).reshape(-1, faces.shape[-1])
        return EncodedKeyframe(
            script.elements,
            torch.from_numpy(sentences[rows].astype(np.float32)),
            torch.from_numpy(portraits),
            torch.ones(len(script.cast), dtype=torch.bool),
        )

    return batch_at


def planner_losses(module: nn.Module, batch: object, step: int, *, terms: LossTerms = ALL_TERMS) -> Losses:
    assert isinstance(module, AutoregressiveModel)
    assert isinstance(batch, TrainingInputs)
    loss = planner_loss(module(batch), batch.targets, terms=terms)
    return {"loss": loss.total, "nll": loss.nll, "l1": loss.l1, "l2": loss.l2}
