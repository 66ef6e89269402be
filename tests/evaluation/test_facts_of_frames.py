"""Labels say what the scenes say."""

import dataclasses

import numpy as np
import pytest

from moviedreamer_core.evaluation.facts_of_frames import BEFORE_THE_CHEST, FACTS, HIDDEN, PERSON, labels_of
from moviedreamer_core.storyworld.drawing import draw_frame
from moviedreamer_core.storyworld.episodes import sample_episode

SCENES = [
    scene for index in range(12) for scene in sample_episode("validation", index, num_keyframes=8).scenes
]
SINGLE = [scene for scene in SCENES if len(scene.figures) == 1]


def told(scene):
    """Fact -> value, by the labels."""
    labels = zip(FACTS, labels_of(scene), strict=True)
    return {fact: FACTS[fact][label] for fact, label in labels if label != HIDDEN}


def looking(scene, **traits):
    """The same frame with another appearance of its only person."""
    (figure,) = scene.figures
    appearance = dataclasses.replace(figure.appearance, **traits)
    return dataclasses.replace(scene, figures=(dataclasses.replace(figure, appearance=appearance),))


def num_changed(*scenes):
    """Pixels that clearly differ between two frames."""
    one, other = (np.asarray(draw_frame(scene), dtype=int) for scene in scenes)
    return (np.abs(one - other).max(axis=-1) > 40).sum()


@pytest.mark.parametrize("scene", SCENES[:40])
def test_labels_agree_with_the_scene(scene):
    facts = told(scene)
    assert facts["people"] == len(scene.figures)
    assert (facts["place"], facts["time"], facts["shot"]) == (scene.place, scene.time, scene.shot)
    assert facts.get("weather", scene.weather) == scene.weather
    if len(scene.figures) == 1:
        (figure,) = scene.figures
        assert (facts["action"], facts["expression"]) == (figure.action, figure.expression)
        for trait in ("outfit", "glasses", "hat"):
            assert facts[trait] == getattr(figure.appearance, trait)


def test_a_person_is_read_only_alone():
    for scene in SCENES:
        if len(scene.figures) != 1:
            assert not told(scene).keys() & PERSON.keys()


def test_a_bald_head_without_a_beard_hides_the_hair_colour():
    scene = SINGLE[0]
    assert "hair_colour" not in told(looking(scene, hair_style="bald", beard="none"))
    assert "hair_colour" in told(looking(scene, hair_style="bald", beard="beard"))
    assert "hair_colour" in told(looking(scene, hair_style="short", beard="none"))


@pytest.mark.parametrize(
    ("fact", "traits"), [("hair_colour", ("pink", "black")), ("outfit_colour", ("yellow", "purple"))]
)
def test_a_labelled_colour_shows_in_the_picture(fact, traits):
    for scene in [scene for scene in SINGLE if fact in told(scene)][:25]:
        assert num_changed(*(looking(scene, **{fact: value}) for value in traits)) >= 10


def test_arms_before_the_chest_can_hide_the_colour_of_overalls():
    for action in BEFORE_THE_CHEST:
        changed = []
        for scene in SINGLE[:6]:
            acting = dataclasses.replace(scene.figures[0], action=action)
            scene = looking(dataclasses.replace(scene, shot="close", figures=(acting,)), outfit="overalls")
            assert "outfit_colour" not in told(scene)
            assert "outfit_colour" in told(dataclasses.replace(scene, shot="medium"))
            changed.append(num_changed(*(looking(scene, outfit_colour=c) for c in ("yellow", "purple"))))
        assert min(changed) <= 5
