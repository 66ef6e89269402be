"""Plots of a story -> embeddings beside those of its frames: what a CLIP score compares.

K keyframes, E channels of the joint embedding.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from moviedreamer_core.encoders.keyframes import keyframe_names
from moviedreamer_core.encoders.text import TextEncoder
from moviedreamer_core.script import Story, sentences


def embed_plots(story: Story, text: TextEncoder) -> Float[Tensor, "K E"]:
    """One embedding of unit length per keyframe: the mean direction of its plot's sentences.

    The text encoders read sentence by sentence (MovieDreamer, section 3.3), here too; names in frame stand for
    persons as they do in the script.
    """
    rows = []
    for number, keyframe in enumerate(story.keyframes, start=1):
        embedded = text.encode(sentences(keyframe.plot), keyframe_names(story, number))
        rows.append(F.normalize(embedded.mean(dim=0), dim=0))
    return torch.stack(rows)
