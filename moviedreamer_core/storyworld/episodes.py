"""Episodes: a cast, the places they go, keyframe after keyframe, and the story that tells of it.

Places, times and people change as in a simple film (see staging.py). What the story leaves unsaid, such as
an outfit or a place's layout, stays the same through the episode all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from moviedreamer_core.script import Story
from moviedreamer_core.storyworld.casting import sample_appearance, sample_cast, sample_said_traits
from moviedreamer_core.storyworld.facts import Appearance, Scene
from moviedreamer_core.storyworld.said import Said
from moviedreamer_core.storyworld.staging import sample_scenes
from moviedreamer_core.storyworld.telling import story_of

__all__ = ["SPLITS", "Episode", "sample_appearance", "sample_episode", "story_of"]

SPLITS = ("train", "validation", "test")
_ENTROPY = 0x4D6F7669  # one family of random streams, of which (split, index) names a member


@dataclass(frozen=True, kw_only=True)
class Episode:
    """One episode with its ground truth: `scenes[k]` is what keyframe k of `story` shows.

    `said[k]` holds what the script of keyframe k says, in script order: per person in frame the sentences of
    the cast list, then those of this keyframe; the scene elements; the plot. In a person's own sentence
    number 1 means that person, in a plot the numbers count the people in frame. `said_outfit[c]`
    tells whether the cast list tells cast member c's outfit.
    """

    seed: int
    split: str  # one of SPLITS
    names: tuple[str, ...]
    cast: tuple[Appearance, ...]
    said_outfit: tuple[bool, ...]
    scenes: tuple[Scene, ...]
    story: Story
    said: tuple[tuple[Said, ...], ...]


def sample_episode(split: str, index: int, *, num_keyframes: int = 16, mirrored: bool = False) -> Episode:
    """The episode number `index` of `split`: always the same, and different from every other one.

    `mirrored` flips every frame from left to right; the script still lists people from the left of the picture.

    Raises ValueError for an unknown split, a negative index or no keyframes.
    """
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
    if index < 0:
        raise ValueError(f"index must be 0 or more, got {index}")
    if num_keyframes < 1:
        raise ValueError(f"num_keyframes must be at least 1, got {num_keyframes}")
    sequence = np.random.SeedSequence(_ENTROPY, spawn_key=(SPLITS.index(split), index))
    seed = int(sequence.generate_state(1)[0])
    rng = np.random.Generator(np.random.PCG64(sequence))
    names, cast = sample_cast(rng)
    scenes = sample_scenes(rng, cast, num_keyframes=num_keyframes)
    if mirrored:
        scenes = tuple(replace(scene, mirrored=True, figures=scene.figures[::-1]) for scene in scenes)
    traits = [sample_said_traits(rng, person) for person in cast]
    story, said = story_of(rng, names, cast, traits, scenes, seed=seed)
    return Episode(
        seed=seed,
        split=split,
        names=names,
        cast=cast,
        said_outfit=tuple("outfit" in told for told in traits),
        scenes=scenes,
        story=story,
        said=said,
    )
