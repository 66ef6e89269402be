"""What the encoders hand to the planner and to the renderer: one keyframe's script as tensors.

N sentences, C characters in the frame, E text channels, F face channels.
"""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Bool, Float
from torch import Tensor

from moviedreamer_core.script import Element


@dataclass(frozen=True)
class EncodedKeyframe:
    """`elements` is the layout of `script.keyframe_elements` (visual tokens included); its SENTENCE elements
    correspond, in order, to the rows of `sentences`; its FACE elements, in order, to the rows of `faces` whose
    `face_given` is true (a character without a picture has a zero row and no FACE element)."""

    elements: tuple[Element, ...]
    sentences: Float[Tensor, "N E"]
    faces: Float[Tensor, "C F"]
    face_given: Bool[Tensor, " C"]
