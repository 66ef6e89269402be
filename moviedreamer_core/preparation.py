"""Story and pictures -> everything that planning and rendering read of them, encoded once.

R few-shot references, V visual tokens per keyframe, D token channels, F face channels.
Source: MovieDreamer, sections 3.3 (script) and 3.4 (few-shot references).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from moviedreamer_core.encoders.encoded import EncodedKeyframe
from moviedreamer_core.encoders.keyframes import encode_keyframe, keyframe_names, unknown_words_of
from moviedreamer_core.encoders.tokenizer import words
from moviedreamer_core.images import center_crop_resize
from moviedreamer_core.names import name_key
from moviedreamer_core.pictures import Picture, Pictures
from moviedreamer_core.pretrained import Models
from moviedreamer_core.script import Story, keyframe_seed, keyframe_warnings


@dataclass(frozen=True, kw_only=True, eq=False)
class PreparedStory:
    """`keyframes`, `seeds` and `warnings` have one entry per keyframe of `story`, in order."""

    story: Story
    keyframes: tuple[EncodedKeyframe, ...]
    seeds: tuple[int, ...]
    warnings: tuple[tuple[str, ...], ...]
    references: Float[Tensor, "R V D"] | None


@dataclass(frozen=True, kw_only=True, eq=False)
class _Portrayed:
    """A character's embedding, and the portraits on which no face was found."""

    embedding: Float[Tensor, " F"]
    without_face: tuple[Picture, ...]


class Preparation:
    """Encodes stories, and remembers the portraits it has seen: finding faces is the slow part."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self._portrayed: dict[tuple[str, ...], _Portrayed] = {}  # by the sha256 of the portraits

    @torch.no_grad()
    def prepare(self, story: Story, pictures: Pictures) -> PreparedStory:
        """`story` must name its cast as `pictures` does; see `read_pictures`.

        Of the models, the face encoder is needed where there are portraits, vision encoder and compressor
        where there are references.
        """
        config = self._models.config
        faces = {name: self._portray(portraits) for name, portraits in pictures.faces.items() if portraits}
        numbers = range(1, len(story.keyframes) + 1)
        keyframes = tuple(
            encode_keyframe(
                story,
                number,
                text=self._models.text,
                face_embeddings={name: face.embedding for name, face in faces.items()},
                face_channels=config.face.embed_dim,
                num_visual_tokens=config.compressor.num_visual_tokens,
            )
            for number in numbers
        )
        return PreparedStory(
            story=story,
            keyframes=keyframes,
            seeds=tuple(keyframe_seed(story, number) for number in numbers),
            warnings=tuple(self._warnings(story, number, faces) for number in numbers),
            references=self._tokens_of(pictures.references) if pictures.references else None,
        )

    def _portray(self, portraits: tuple[Picture, ...]) -> _Portrayed:
        key = tuple(portrait.sha256 for portrait in portraits)
        if key not in self._portrayed:
            embedding, crops = self._models.face.encode_character([portrait.image for portrait in portraits])
            without_face = [one for one, crop in zip(portraits, crops, strict=True) if not crop.face_found]
            self._portrayed[key] = _Portrayed(embedding=embedding, without_face=tuple(without_face))
        return self._portrayed[key]

    def _tokens_of(self, references: Sequence[Picture]) -> Float[Tensor, "R V D"]:
        """Visual tokens of reference frames, one at a time: none depends on which others there are."""
        size = (self._models.config.renderer.image_width, self._models.config.renderer.image_height)
        vision, device = self._models.vision, next(self._models.compressor.parameters()).device
        tokens = [
            self._models.compressor(vision(to_pixels(center_crop_resize(one.image, size))[None].to(device)))
            for one in references
        ]
        return torch.cat(tokens).float()

    def _warnings(self, story: Story, number: int, faces: dict[str, _Portrayed]) -> tuple[str, ...]:
        warnings = list(keyframe_warnings(story, number))
        named = {word for character in story.characters for word in words(character.name)}  # warned of above
        unknown = [w for w in unknown_words_of(story, number, self._models.text) if w not in named]
        if unknown:
            warnings.append(unknown_words_warning(number, unknown, vocabulary=self._models.config.preset))
        present = {name_key(name) for name in keyframe_names(story, number)}
        for name, face in faces.items():
            if name_key(name) in present:
                warnings += [no_face_warning(picture) for picture in face.without_face]
        return tuple(warnings)


def unknown_words_warning(number: int, unknown: Sequence[str], *, vocabulary: str) -> str:
    """What a creator is told about the words of keyframe `number` that mean nothing to the model."""
    quoted = ", ".join(f'"{word}"' for word in unknown)
    noun, verb = ("word", "is") if len(unknown) == 1 else ("words", "are")
    known = f"not in the {vocabulary}'s vocabulary"
    return f"keyframe {number}: the {noun} {quoted} {verb} {known} and {verb} ignored"


def no_face_warning(picture: Picture) -> str:
    return f"{picture.path.name}: no face found, the centre of the picture is used"


def to_pixels(image: Image.Image) -> Float[Tensor, "3 H W"]:
    """An RGB picture in [0, 1]."""
    levels = np.array(image.convert("RGB"), dtype=np.float32) / 255
    return torch.from_numpy(levels).permute(2, 0, 1).contiguous()
