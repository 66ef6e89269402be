"""Episodes: deterministic, splits apart, told truthfully, staged like a simple film."""

from __future__ import annotations

import dataclasses
from collections import Counter
from itertools import combinations, pairwise

import numpy as np
import pytest

from moviedreamer_core.script import MAX_CHARACTERS, MAX_SENTENCES, Story
from moviedreamer_core.storyworld import facts
from moviedreamer_core.storyworld.episodes import SPLITS, Episode, sample_appearance, sample_episode

VALUES = {
    "gender": facts.GENDERS,
    "age": facts.AGES,
    "skin": facts.SKINS,
    "hair_colour": facts.HAIR_COLOURS,
    "hair_style": facts.HAIR_STYLES,
    "hat": facts.HATS,
    "hat_colour": facts.COLOURS,
    "beard": facts.BEARDS,
    "outfit": facts.OUTFITS,
    "outfit_colour": facts.COLOURS,
}


@pytest.fixture(scope="module")
def episodes() -> list[Episode]:
    straight = [sample_episode(split, index) for split in SPLITS for index in range(40)]
    return straight + [sample_episode("train", index, mirrored=True) for index in range(40, 50)]


def frames(episodes):
    return [(episode, k) for episode in episodes for k in range(len(episode.scenes))]


def sentences(description: str) -> list[str]:
    return [part + "." for part in description.rstrip(".").split(". ")] if description else []


def test_an_episode_is_the_same_every_time_and_unlike_every_other(episodes):
    assert sample_episode("validation", 7) == sample_episode("validation", 7)
    assert len({(episode.names, episode.cast) for episode in episodes}) == len(episodes)
    assert len({episode.seed for episode in episodes}) == len(episodes)


def test_a_mirrored_episode_shows_the_same_people_in_the_same_places():
    for index in range(10):
        straight, mirrored = (sample_episode("train", index, mirrored=flip) for flip in (False, True))
        assert straight.cast == mirrored.cast
        for one, other in zip(straight.scenes, mirrored.scenes, strict=True):
            assert one.figures == other.figures[::-1]
            assert dataclasses.replace(one, figures=()) == dataclasses.replace(
                other, figures=(), mirrored=False
            )


def test_splits_share_no_episode():
    train = {sample_episode("train", index, num_keyframes=1).cast for index in range(60)}
    held_out = {
        sample_episode(split, index, num_keyframes=1).cast for split in SPLITS[1:] for index in range(30)
    }
    assert not train & held_out


@pytest.mark.parametrize("num_keyframes", [1, 5, 40])
def test_an_episode_has_the_keyframes_that_were_asked_for(num_keyframes):
    episode = sample_episode("train", 3, num_keyframes=num_keyframes)
    assert len(episode.scenes) == len(episode.said) == len(episode.story.keyframes) == num_keyframes


def test_said_lists_exactly_the_sentences_of_the_script_in_order(episodes):
    for episode, k in frames(episodes):
        row, bank = episode.story.keyframes[k], {c.name: c.description for c in episode.story.characters}
        expected = [
            s for c in row.characters for text in (bank[c.name], c.description) for s in sentences(text)
        ]
        expected += [*row.scene_elements, row.plot]
        assert [said.text for said in episode.said[k]] == expected
        assert [c.name for c in row.characters] == [
            episode.names[f.character] for f in episode.scenes[k].figures
        ]
        assert len(row.characters) <= MAX_CHARACTERS
        assert len(expected) <= MAX_SENTENCES
        assert 1 <= len(row.scene_elements) <= 3


def truth(scene: facts.Scene, figures: list[facts.Figure]) -> dict[str, str]:
    known = {fact: getattr(scene, fact) for fact in ("place", "time", "weather", "shot")}
    for number, figure in enumerate(figures, start=1):
        known |= {f"{number}.action": figure.action, f"{number}.expression": figure.expression}
        known |= {f"{number}.{trait}": getattr(figure.appearance, trait) for trait in VALUES}
        known[f"{number}.glasses"] = "yes" if figure.appearance.glasses else "no"
    return known


def told_of_each_frame(episode, k):
    """Per frame: (sentence, the figures that its numbers 1, 2, ... mean)."""
    scene, bank = episode.scenes[k], {c.name: c.description for c in episode.story.characters}
    left = list(episode.said[k])
    for figure, row in zip(scene.figures, episode.story.keyframes[k].characters, strict=True):
        for _ in sentences(bank[row.name]) + sentences(row.description):
            yield left.pop(0), [figure]
    for said in left:
        yield said, list(scene.figures)


def test_every_said_fact_is_true_of_its_frame(episodes):
    for episode, k in frames(episodes):
        for said, figures in told_of_each_frame(episode, k):
            known = truth(episode.scenes[k], figures)
            assert all(known[fact] == value for fact, value in said.facts), said


def share(outcomes) -> float:
    return float(np.mean(list(outcomes)))


def test_the_script_says_as_much_as_it_should(episodes):
    told = [
        (episode.scenes[k], {fact for said in episode.said[k] for fact, _ in said.facts})
        for episode, k in frames(episodes)
    ]
    assert all("place" in facts_said for _, facts_said in told)
    assert 0.86 < share("time" in facts_said for _, facts_said in told) < 0.94
    assert 0.80 < share("shot" in facts_said for _, facts_said in told) < 0.90
    assert 0.85 < share("weather" in said for scene, said in told if scene.weather != "clear") < 0.95
    assert 0.34 < share("weather" in said for scene, said in told if scene.weather == "clear") < 0.46


@pytest.mark.parametrize("fact", ["action", "expression"])
def test_what_people_do_and_feel_is_nearly_always_said(episodes, fact):
    outcomes = []
    for episode, k in frames(episodes):
        said_of = Counter()
        for said, figures in told_of_each_frame(episode, k):
            for number, figure in enumerate(figures, start=1):
                said_of[figure.character] += any(name == f"{number}.{fact}" for name, _ in said.facts)
        outcomes += [said_of[figure.character] > 0 for figure in episode.scenes[k].figures]
    assert 0.93 < share(outcomes) < 1


def test_said_outfit_tells_whether_the_cast_list_tells_the_outfit(episodes):
    told = []
    for episode, k in frames(episodes):
        for said, figures in told_of_each_frame(episode, k):
            if len(figures) == 1 and any(fact.endswith(".outfit") for fact, _ in said.facts):
                assert episode.said_outfit[figures[0].character]
    told = [said for episode in episodes for said in episode.said_outfit]
    assert 0.43 < share(told) < 0.57


def test_the_number_of_people_in_frame_follows_the_plan(episodes):
    counts = Counter(len(episode.scenes[k].figures) for episode, k in frames(episodes))
    total = sum(counts.values())
    for present, expected in {0: 0.05, 1: 0.45, 2: 0.35, 3: 0.15}.items():
        assert abs(counts[present] / total - expected) < 0.04


def test_a_place_keeps_its_layout_and_people_keep_their_looks(episodes):
    for episode in episodes:
        layouts = {(scene.place, scene.layout_seed) for scene in episode.scenes}
        assert len(layouts) == len({place for place, _ in layouts}) <= 4
        for scene in episode.scenes:
            assert all(figure.appearance == episode.cast[figure.character] for figure in scene.figures)


def test_people_stand_from_left_to_right_in_script_order(episodes):
    for episode, k in frames(episodes):
        scene = episode.scenes[k]
        xs = [1 - figure.x if scene.mirrored else figure.x for figure in scene.figures]  # in the picture
        assert xs == sorted(xs)
        assert all(0 <= x <= 1 for x in xs)
        assert all(right - left > 0.1 for left, right in pairwise(xs))


def test_runs_share_place_and_time_and_time_moves_on_between_them(episodes):
    for episode in episodes:
        for before, after in pairwise(episode.scenes):
            step = (facts.TIMES.index(after.time) - facts.TIMES.index(before.time)) % len(facts.TIMES)
            assert step in ((0, 1) if after.place != before.place else (0,))


def test_every_cast_can_be_told_apart(episodes):
    for episode in episodes:
        assert 2 <= len(episode.cast) <= 4
        assert len(set(episode.names)) == len(episode.cast)
        for one, other in combinations(episode.cast, 2):
            assert sum(getattr(one, trait) != getattr(other, trait) for trait in (*VALUES, "glasses")) >= 3


def test_appearances_are_sensible_and_cover_every_value():
    rng = np.random.default_rng(0)
    people = [sample_appearance(rng) for _ in range(1500)]
    for trait, values in VALUES.items():
        assert {getattr(person, trait) for person in people} == set(values)
    for person in people:
        if person.gender == "woman" or person.age == "child":
            assert person.beard == "none"
            assert person.hair_style != "bald"


def test_the_story_survives_its_file_format_and_points_to_the_faces(episodes):
    for episode in episodes[:20]:
        assert Story.model_validate_json(episode.story.model_dump_json()) == episode.story
        assert [c.faces for c in episode.story.characters] == [
            (f"faces/{n.lower()}.png",) for n in episode.names
        ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("holdout", 0, 16), "split must be one of train, validation, test, got 'holdout'"),
        (("train", -1, 16), "index must be 0 or more, got -1"),
        (("train", 0, 0), "num_keyframes must be at least 1, got 0"),
    ],
)
def test_bad_input_is_refused(arguments, message):
    split, index, num_keyframes = arguments
    with pytest.raises(ValueError, match=message):
        sample_episode(split, index, num_keyframes=num_keyframes)
