"""What the planner remembers of a story: the visual tokens of the takes that are shown in earlier rows.

Whoever made those takes: drawn by these weights, drawn by others, or uploaded; what lacks tokens is encoded.
V visual tokens per keyframe, D token channels. Source: MovieDreamer, section 3.3.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from app.work.weights import Weights
from moviedreamer_core.errors import ImageError
from moviedreamer_core.images import read_image
from moviedreamer_core.storyboard import load_tokens, save_tokens
from moviedreamer_core.workspace import (
    Shot,
    StoryFolder,
    StoryView,
    Take,
    image_path,
    tokens_name,
    tokens_path,
)

PARTS_TO_REMEMBER = frozenset({"vision", "compressor"})  # of the weights, for takes without tokens


def earlier_shots(view: StoryView, row_id: str) -> tuple[Shot, ...]:
    """The shots before a row that have a take: what its keyframe follows. Raises StoryError if the row is gone."""
    return tuple(shot for shot in view.shots[: view.revision.draft.position(row_id)] if shot.take is not None)


def is_remembered(take: Take, weights_hash: str) -> bool:
    """Whether the take has visual tokens for these weights."""
    return tokens_path(take, weights_hash) is not None


def remembered(story: StoryFolder, take: Take, weights: Weights) -> Float[Tensor, "V D"]:
    """The take's visual tokens in the space of `weights`; encoded from its picture, and kept, if it has none.

    Raises StoryError, or ImageError if the picture is gone.
    """
    path = tokens_path(take, weights.hash)
    return load_tokens(path) if path is not None else encode_take(story, take, weights)


def encode_take(story: StoryFolder, take: Take, weights: Weights) -> Float[Tensor, "V D"]:
    """Encode a take's picture and keep the tokens beside it. Raises ImageError, StoryError, OutputError."""
    weights_hash = weights.hash
    preparation = weights.load(PARTS_TO_REMEMBER)
    try:
        image = read_image(image_path(take))
    except ImageError as error:
        raise ImageError(
            f"the picture of take {take.number} is gone or damaged; choose another take"
        ) from error
    tokens = preparation.tokens_of_image(image)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / tokens_name(weights_hash)
        save_tokens(tokens, source)
        story.takes.add_tokens(take, weights_hash, source)
    return tokens
