"""Stories with their true visual tokens, encoded as planners see them in training: for figures without rendering.

K keyframes of a story, R references after them, V visual tokens of D channels, F face channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from moviedreamer_core.data.world_frames import training_portraits
from moviedreamer_core.encoders.encoded import EncodedKeyframe
from moviedreamer_core.encoders.keyframes import encode_keyframe
from moviedreamer_core.evaluation.facts_of_frames import labels_of
from moviedreamer_core.evaluation.tables.length import true_tokens
from moviedreamer_core.evaluation.tables.references import beginning
from moviedreamer_core.pretrained import Models
from moviedreamer_core.script import ElementKind, keyframe_seed
from moviedreamer_core.storyworld.episodes import Episode, sample_episode

PARTS = frozenset({"vision", "text", "face", "compressor", "autoregressive"})  # the last for its tokenizer


@dataclass(frozen=True, kw_only=True, eq=False)
class ToldStory:
    """`facts[k]` is what `labels_of` says of keyframe k; `references` are true frames that come later."""

    number: int
    episode: Episode
    keyframes: tuple[EncodedKeyframe, ...]
    seeds: tuple[int, ...]
    tokens: Float[Tensor, "K V D"]
    facts: Int[np.ndarray, "K facts"]
    references: Float[Tensor, "R V D"]


@torch.no_grad()
def told_story(
    models: Models, split: str, number: int, *, num_keyframes: int, faces: bool = True
) -> ToldStory:
    """Story `number` of `split`, not mirrored: three quarters of its keyframes, the others as references.

    Of the train split and with as many keyframes as in training, these are the very sentences, portraits (of each
    character the first) and frames that planners were trained on, if `number` is even: odd stories were mirrored.
    """
    whole = sample_episode(split, number, num_keyframes=num_keyframes)
    tokens = tokens_of(models, whole)
    kept = num_keyframes - num_keyframes // 4
    episode = beginning(whole, kept)
    portraits = torch.from_numpy(training_portraits(whole, number)[:, 0]).permute(0, 3, 1, 2).float() / 255
    embedded = dict(zip(whole.names, models.face(portraits), strict=True))  # name -> (F)
    keyframes = [
        encode_keyframe(
            episode.story, k + 1, text=models.text, face_embeddings=embedded,
            face_channels=models.config.face.embed_dim,
            num_visual_tokens=models.config.compressor.num_visual_tokens,
        )
        for k in range(kept)
    ]  # fmt: skip
    return ToldStory(
        number=number,
        episode=episode,
        keyframes=tuple(one if faces else without_faces(one) for one in keyframes),
        seeds=tuple(keyframe_seed(episode.story, k + 1) for k in range(kept)),
        tokens=tokens[:kept],
        facts=np.array([labels_of(scene) for scene in episode.scenes]),
        references=tokens[kept:],
    )


@torch.no_grad()
def tokens_of(models: Models, episode: Episode) -> Float[Tensor, "K V D"]:
    """The true visual tokens of an episode's frames."""
    return true_tokens(models, episode).unflatten(1, (models.config.compressor.num_visual_tokens, -1))


def without_faces(keyframe: EncodedKeyframe) -> EncodedKeyframe:
    """The same script of people without a portrait."""
    return EncodedKeyframe(
        tuple(element for element in keyframe.elements if element.kind is not ElementKind.FACE),
        keyframe.sentences,
        torch.zeros_like(keyframe.faces),
        torch.zeros_like(keyframe.face_given),
    )
