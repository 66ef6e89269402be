"""Labels of frames: what the storyworld knows of a scene, as class numbers that name it again."""

from __future__ import annotations

import numpy as np
import pytest

from moviedreamer_core.data.frame_labels import ABSENT, LABELS, MAX_PEOPLE, PERSON, boxes_of, labels_of
from moviedreamer_core.storyworld.drawing import figure_boxes
from moviedreamer_core.storyworld.episodes import sample_episode

SCENES = [
    scene for index in range(40) for scene in sample_episode("train", index, mirrored=index % 2 == 1).scenes
]


def named(scene) -> dict[str, object]:
    """What the labels say, in words; without the absent ones."""
    pairs = zip(LABELS.items(), labels_of(scene), strict=True)
    return {name: values[number] for (name, values), number in pairs if number != ABSENT}


@pytest.mark.parametrize("fact", ["place", "time", "shot"])
def test_labels_name_the_setting(fact):
    assert all(named(scene)[fact] == getattr(scene, fact) for scene in SCENES)


def test_the_weather_is_named_where_it_can_be_seen():
    caves = [scene for scene in SCENES if scene.place == "cave"]
    others = [scene for scene in SCENES if scene.place != "cave"]
    assert caves
    assert others
    assert not any("weather" in named(scene) for scene in caves)
    assert all(named(scene)["weather"] == scene.weather for scene in others)


def test_person_one_is_the_leftmost_in_the_picture():
    for scene in SCENES:
        order = sorted(scene.figures, key=lambda figure: 1 - figure.x if scene.mirrored else figure.x)
        for person, figure in enumerate(order, start=1):
            assert named(scene)[f"{person}.action"] == figure.action
            assert named(scene)[f"{person}.outfit_colour"] == figure.appearance.outfit_colour


def test_who_is_not_there_has_no_labels():
    for scene in SCENES:
        count = len(scene.figures)
        assert named(scene)["people"] == count
        present = {name.split(".")[0] for name in named(scene) if "." in name}
        assert present == {str(person) for person in range(1, count + 1)} <= set("123")


def test_what_does_not_show_is_absent():
    found = {"bare": 0, "bald": 0}
    for scene in SCENES:
        for person, figure in enumerate(scene.figures, start=1):
            looks, said = figure.appearance, named(scene)
            if looks.hat == "none":
                found["bare"] += 1
                assert f"{person}.hat_colour" not in said
            if looks.hair_style == "bald" and looks.beard == "none":
                found["bald"] += 1
                assert f"{person}.hair_colour" not in said
    assert min(found.values()) > 0


def test_mirroring_swaps_an_arrangement_with_its_mirror_image():
    for index in range(10):
        straight, mirrored = (sample_episode("train", index, mirrored=flip) for flip in (False, True))
        for one, other in zip(straight.scenes, mirrored.scenes, strict=True):
            pair = {int(named(one)["arrangement"]), int(named(other)["arrangement"])}
            assert pair in ({0, 1}, {2, 3})


def test_every_person_has_the_same_labels():
    assert len([name for name in LABELS if "." in name]) == MAX_PEOPLE * len(PERSON)


def test_boxes_are_those_of_the_labelled_people_and_nothing_beyond_them():
    for scene in SCENES:
        boxes, truth = boxes_of(scene), figure_boxes(scene)
        assert boxes.shape == (MAX_PEOPLE, 5)
        assert not boxes[len(truth) :].any()
        for row, box in zip(boxes, truth, strict=False):
            np.testing.assert_allclose(row, (box.left, box.top, box.right, box.bottom, box.chin), rtol=1e-6)
        middles = boxes[: len(truth), [0, 2]].mean(axis=1)
        assert (np.diff(middles) > 0).all()  # from left to right, as the labels count
