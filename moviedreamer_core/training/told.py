"""What is told of the people of a story besides their names: portraits and looks, or neither.

In the storyworld everyone has a portrait and a description; in a story told in plain text nobody has. So that planner
and renderer know both, the portrait of a character, or the description of the looks, is left out of some episodes,
and of some everything of everyone (ours).

E episodes, C cast members, P people of a keyframe, N sentences of its script.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from moviedreamer_core.data.captions import Facts
from moviedreamer_core.data.world_frames import FrameScript
from moviedreamer_core.script import Element, ElementKind, sentence_owners

NOTHING_PROBABILITY = 0.15  # of a whole cast
NO_FACE_PROBABILITY = NO_LOOKS_PROBABILITY = 0.15  # of a character, for a whole episode


def told_of_cast(rng: np.random.Generator, num_cast: int) -> Bool[np.ndarray, "C 2"]:
    """Whether an episode shows each cast member's portrait (0) and tells their looks (1)."""
    nothing = rng.random() < NOTHING_PROBABILITY
    return (rng.random((num_cast, 2)) >= (NO_FACE_PROBABILITY, NO_LOOKS_PROBABILITY)) & (not nothing)


def told_of_episodes(episodes: Sequence[int], num_cast: int) -> Bool[np.ndarray, "E C 2"]:
    """`told_of_cast` of these episodes, for each the same whenever it is asked."""
    return np.stack([told_of_cast(np.random.default_rng([7, int(e)]), num_cast) for e in episodes])


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
