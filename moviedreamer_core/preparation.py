"""Story and pictures -> everything that planning and rendering read of them, encoded once.

R few-shot references, V visual tokens per keyframe, D token channels, F face channels.
Source: MovieDreamer, sections 3.3 (script) and 3.4 (few-shot references).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from moviedreamer_core.encoders.encoded import EncodedKeyframe
from moviedreamer_core.encoders.face_crop import Shares
from moviedreamer_core.encoders.keyframes import encode_keyframe, keyframe_names, unknown_words_of
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
class Portrayed:
    """A character's embedding, and the portraits on which no face was found."""

    embedding: Float[Tensor, " F"]
    without_face: tuple[Picture, ...]


class Preparation:
    """Encodes stories, and remembers the portraits it has seen: finding faces is the slow part.

    `models` may be replaced by a bundle of the same weights that has further parts.
    """

    def __init__(self, models: Models) -> None:
        self.models = models
        self._portrayed: dict[tuple[object, ...], Portrayed] = {}  # by the sha256 of the portraits

    def prepare(self, story: Story, pictures: Pictures) -> PreparedStory:
        """`story` must name its cast as `pictures` does; see `read_pictures`.

        Of the models, the face encoder is needed where there are portraits, vision encoder and compressor
        where there are references.
        """
        faces = self.portray(pictures)
        numbers = range(1, len(story.keyframes) + 1)
        return PreparedStory(
            story=story,
            keyframes=tuple(self.encode(story, number, faces) for number in numbers),
            seeds=tuple(keyframe_seed(story, number) for number in numbers),
            warnings=tuple(self.warnings(story, number, faces) for number in numbers),
            references=self.tokens_of(pictures.references) if pictures.references else None,
        )

    def portray(self, pictures: Pictures, boxes: Mapping[str, Shares] | None = None) -> dict[str, Portrayed]:
        """The faces of the cast members that have portraits, by their names.

        `boxes` says where the face is, in fractions of the picture, by the name of the picture's file; elsewhere
        the detector does.
        """
        return {
            name: self._portray(portraits, boxes or {})
            for name, portraits in pictures.faces.items()
            if portraits
        }

    @torch.no_grad()
    def encode(self, story: Story, number: int, faces: Mapping[str, Portrayed]) -> EncodedKeyframe:
        """Keyframe `number` (1-based) of `story`, whose cast looks like `faces`. Raises StoryError."""
        config = self.models.config
        return encode_keyframe(
            story,
            number,
            text=self.models.text,
            face_embeddings={name: face.embedding for name, face in faces.items()},
            face_channels=config.face.embed_dim,
            num_visual_tokens=config.compressor.num_visual_tokens,
        )

    def _portray(self, portraits: tuple[Picture, ...], boxes: Mapping[str, Shares]) -> Portrayed:
        by_hand = [boxes.get(portrait.path.name) for portrait in portraits]
        key = (*(portrait.sha256 for portrait in portraits), *filter(any, [tuple(by_hand)]))
        if key not in self._portrayed:
            images = [portrait.image for portrait in portraits]
            given = [by_hand] if any(by_hand) else []
            embedding, crops = self.models.face.encode_character(images, *given)
            without_face = [one for one, crop in zip(portraits, crops, strict=True) if not crop.face_found]
            self._portrayed[key] = Portrayed(embedding=embedding, without_face=tuple(without_face))
        return self._portrayed[key]

    @torch.no_grad()
    def tokens_of(self, frames: Sequence[Picture]) -> Float[Tensor, "R V D"]:
        """Visual tokens of reference frames, one at a time: none depends on which others there are."""
        return torch.stack([self.tokens_of_image(frame.image) for frame in frames])

    @torch.no_grad()
    def tokens_of_image(self, image: Image.Image) -> Float[Tensor, "V D"]:
        """The visual tokens of one picture, cropped to the shape of a keyframe."""
        size = (self.models.config.renderer.image_width, self.models.config.renderer.image_height)
        device = next(self.models.compressor.parameters()).device
        pixels = to_pixels(center_crop_resize(image, size))[None].to(device)
        tokens: Tensor = self.models.compressor(self.models.vision(pixels))
        return tokens[0].float()

    def warnings(self, story: Story, number: int, faces: Mapping[str, Portrayed]) -> tuple[str, ...]:
        """What the creator should know about keyframe `number` (1-based) though it can be drawn."""
        warnings = list(keyframe_warnings(story, number))
        unknown = unknown_words_of(story, number, self.models.text)
        if unknown:
            warnings.append(unknown_words_warning(number, unknown, vocabulary=self.models.config.preset))
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
