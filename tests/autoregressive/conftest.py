"""Tiny planners and tiny stories, random but laid out by the real script."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from moviedreamer_core.autoregressive.model import AutoregressiveModel
from moviedreamer_core.autoregressive.sequence import identifier_ids, miniature_tokenizer
from moviedreamer_core.config import AutoregressiveConfig
from moviedreamer_core.encoders.encoded import EncodedKeyframe
from moviedreamer_core.script import (
    Character,
    CharacterInFrame,
    ElementKind,
    KeyframeScript,
    Story,
    keyframe_elements,
)

TEXT, FACE, TOKEN = 12, 10, 8  # channels

TINY = AutoregressiveConfig(
    vocab_size=16,
    hidden_size=32,
    num_layers=2,
    num_heads=4,
    num_key_value_heads=2,
    intermediate_size=48,
    text_channels=TEXT,
    face_channels=FACE,
    token_channels=TOKEN,
    num_components=3,
    window_keyframes=128,
    window_positions=4096,
    dropout=0.0,
    hidden_token_probability=0.0,
)

STORY = Story(
    style="Flat cartoon.",
    characters=(
        Character(name="Mara", description="A young woman. She wears a coat.", faces=("mara.png",)),
        Character(name="Tom", description="An old man."),
    ),
    keyframes=(
        KeyframeScript(
            plot="Mara walks.", scene_elements=("Beach",), characters=(CharacterInFrame(name="Mara"),)
        ),
        KeyframeScript(
            plot="Mara and Tom talk. It rains.",
            scene_elements=("Harbour", "Rain"),
            characters=(
                CharacterInFrame(name="Tom", description="Tom waves."),
                CharacterInFrame(name="Mara"),
            ),
        ),
        KeyframeScript(plot="The sea is calm."),
    ),
)


@pytest.fixture
def make_model() -> Callable[..., AutoregressiveModel]:
    """A tiny planner with weights so large that every part of the context matters, in evaluation mode."""

    def make(**changes: object) -> AutoregressiveModel:
        torch.manual_seed(0)
        model = AutoregressiveModel(replace(TINY, **changes))
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim > 1:
                    parameter.copy_(torch.randn_like(parameter) / parameter.shape[-1] ** 0.5)
            model.head.linear.weight.mul_(0.5)
        return model.eval()

    return make


@pytest.fixture
def make_keyframes() -> Callable[..., list[EncodedKeyframe]]:
    """The keyframes of STORY over and over, with random embeddings."""

    def make(number: int, *, seed: int = 0) -> list[EncodedKeyframe]:
        generator = torch.Generator().manual_seed(seed)
        keyframes = []
        for index in range(number):
            elements = keyframe_elements(STORY, index % len(STORY.keyframes) + 1)
            given = [bool(c.faces) for c in _cast(index)]
            num_sentences = sum(element.kind is ElementKind.SENTENCE for element in elements)
            keyframes.append(
                EncodedKeyframe(
                    elements=elements,
                    sentences=torch.randn(num_sentences, TEXT, generator=generator),
                    faces=torch.randn(len(given), FACE, generator=generator)
                    * torch.tensor(given, dtype=torch.float).reshape(-1, 1),
                    face_given=torch.tensor(given, dtype=torch.bool),
                )
            )
        return keyframes

    return make


def _cast(index: int) -> list[Character]:
    by_name = {character.name: character for character in STORY.characters}
    return [by_name[c.name] for c in STORY.keyframes[index % len(STORY.keyframes)].characters]


@pytest.fixture
def make_tokens() -> Callable[..., torch.Tensor]:
    """Random visual tokens [number, 2, D]."""

    def make(number: int, *, seed: int = 0) -> torch.Tensor:
        return torch.randn(number, 2, TOKEN, generator=torch.Generator().manual_seed(1000 + seed))

    return make


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    return miniature_tokenizer()


@pytest.fixture(scope="session")
def identifiers(tokenizer: PreTrainedTokenizerFast) -> dict[str, tuple[int, ...]]:
    return identifier_ids(tokenizer)
