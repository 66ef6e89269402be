"""What is not told in some episodes: a character's portrait, their looks, or anything of anyone."""

from __future__ import annotations

import numpy as np
import pytest

from moviedreamer_core.data.world_frames import FrameScript, frame_script, training_episode
from moviedreamer_core.script import ElementKind, Story, keyframe_elements
from moviedreamer_core.training.told import told_of_cast, told_of_episodes, told_script

EPISODES = [training_episode("train", index, 4) for index in range(12)]
KEYFRAMES = [(episode, keyframe) for episode in EPISODES for keyframe in range(4)]


def elements_of(story: Story, number: int, *, bare: set[str], nameless: set[str]) -> list[tuple]:
    """The layout of that keyframe had the story been written without those portraits and descriptions."""
    cast = tuple(
        person.model_copy(
            update={
                "faces": () if person.name in bare else person.faces,
                "description": "" if person.name in nameless else person.description,
            }
        )
        for person in story.characters
    )
    return list(keyframe_elements(story.model_copy(update={"characters": cast}), number))


@pytest.mark.parametrize("first", [(True, True), (False, True), (True, False), (False, False)])
def test_a_script_reads_as_if_the_story_had_been_written_without_them(first):
    people = 0
    for episode, keyframe in KEYFRAMES:
        script = frame_script(episode, keyframe)
        names = [episode.names[member] for member in script.cast]
        told = np.ones((len(names), 2), bool)
        told[:1] = first
        elements, kept = told_script(script, told[:, 0], told[:, 1])
        bare, silent = ({name for name, given in zip(names, told[:, x]) if not given} for x in (0, 1))
        assert list(elements) == elements_of(episode.story, keyframe + 1, bare=bare, nameless=silent)
        left = [text for text, stays in zip(spoken(script), kept, strict=True) if stays]
        assert left == [e.text for e in elements if e.kind is ElementKind.SENTENCE]
        people += len(names)
    assert people > 20


def spoken(script: FrameScript) -> list[str]:
    return [element.text for element in script.elements if element.kind is ElementKind.SENTENCE]


def test_portraits_and_looks_are_left_out_at_their_rates_and_independently():
    rng = np.random.default_rng(0)
    told = np.stack([told_of_cast(rng, 4) for _ in range(4000)])
    nothing = ~told.any(axis=(1, 2))
    assert nothing.mean() == pytest.approx(0.15, abs=0.02)  # by chance alone 0.0225 ** 4
    missing = ~told[~nothing].reshape(-1, 2)
    np.testing.assert_allclose(missing.mean(axis=0), 0.15, atol=0.015)
    assert missing.all(axis=1).mean() == pytest.approx(0.15**2, abs=0.01)


def test_what_is_told_of_an_episode_depends_on_its_number_alone():
    some, more = told_of_episodes([3, 9], 4), told_of_episodes(range(20), 4)
    assert np.array_equal(some, more[[3, 9]])
    assert len(np.unique(more, axis=0)) > 5
