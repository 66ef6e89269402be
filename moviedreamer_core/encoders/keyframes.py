"""One row of the script -> EncodedKeyframe: every sentence and face of it as an embedding, in script order.

N sentences, C characters in the frame, E text channels, F face channels. Source: MovieDreamer, section 3.3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from moviedreamer_core.encoders.encoded import EncodedKeyframe
from moviedreamer_core.encoders.text import TextEncoder
from moviedreamer_core.names import name_key
from moviedreamer_core.script import ElementKind, Story, keyframe_elements, spoken_sentences

_STANDS_FOR_A_NAME = re.compile(r"person[0-9]+")  # what names.anonymise writes


def encode_keyframe(
    story: Story,
    number: int,
    *,
    text: TextEncoder,
    face_embeddings: Mapping[str, Tensor],
    face_channels: int,
    num_visual_tokens: int = 2,
) -> EncodedKeyframe:
    """Keyframe `number` (1-based). `face_embeddings`: character's name -> [F], F = `face_channels`.

    A character whose cast entry lists no face stays without one, whatever the mapping holds.
    Raises StoryError if there is no such keyframe, ValueError if the embedding of a face is missing or has
    another size.
    """
    elements = keyframe_elements(story, number, num_visual_tokens=num_visual_tokens)
    names = keyframe_names(story, number)
    by_name = {name_key(name): embedding for name, embedding in face_embeddings.items()}
    with_face = {name_key(element.text) for element in elements if element.kind is ElementKind.FACE}
    sentences = text.encode(spoken_sentences(elements, names), names)
    faces = sentences.new_zeros(len(names), face_channels)  # (C, F)
    given = torch.zeros(len(names), dtype=torch.bool, device=sentences.device)  # (C,)
    for row, name in enumerate(names):
        if name_key(name) not in with_face:
            continue
        embedding = by_name.get(name_key(name))
        if embedding is None or embedding.shape != (face_channels,):
            seen = "none" if embedding is None else f"one of shape {tuple(embedding.shape)}"
            raise ValueError(
                f"keyframe {number}: {name} needs a face embedding [{face_channels}], found {seen}"
            )
        faces[row], given[row] = embedding, True
    return EncodedKeyframe(elements, sentences, faces, given)


def keyframe_names(story: Story, number: int) -> tuple[str, ...]:
    """The names in keyframe `number` (1-based), in script order: the i-th is read as person i."""
    return tuple(character.name for character in story.keyframes[number - 1].characters)


def unknown_words_of(story: Story, number: int, text: TextEncoder) -> tuple[str, ...]:
    """The words of keyframe `number` (1-based) that `text` does not know, each once, in order; no cast names."""
    elements = keyframe_elements(story, number, num_visual_tokens=0)  # says so if there is no such keyframe
    names = keyframe_names(story, number)
    spoken = spoken_sentences(elements, names)
    present = {name_key(name) for name in names}
    absent = [cast.name for cast in story.characters if name_key(cast.name) not in present]
    unknown = (word for sentence in spoken for word in text.unknown_words(sentence, (*names, *absent)))
    return tuple(dict.fromkeys(word for word in unknown if not _STANDS_FOR_A_NAME.fullmatch(word)))
