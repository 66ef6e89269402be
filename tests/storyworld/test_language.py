"""The storyworld's language: many phrasings, exact facts, a closed vocabulary."""

from __future__ import annotations

import re
from collections import defaultdict

import numpy as np
import pytest

from moviedreamer_core.storyworld import facts, phrases_doing, phrases_people, phrases_setting
from moviedreamer_core.storyworld.casting import sample_appearance
from moviedreamer_core.storyworld.facts import Appearance, Figure, Scene
from moviedreamer_core.storyworld.language import (
    GENDER_NAMES,
    INCLUDABLE,
    NAMES,
    TRAITS,
    VOCABULARY,
    Said,
    say_appearance,
    say_doing,
    say_place,
    say_plot,
    say_setting,
    say_shot,
    say_time,
    say_weather,
    words,
)

MARA = Appearance(
    gender="woman",
    age="adult",
    skin="tan",
    hair_colour="red",
    hair_style="short",
    hat="cap",
    hat_colour="green",
    glasses=True,
    beard="none",
    outfit="coat",
    outfit_colour="yellow",
)
PERSON_VALUES = {
    "gender": facts.GENDERS,
    "age": facts.AGES,
    "skin": facts.SKINS,
    "hair_colour": facts.HAIR_COLOURS,
    "hair_style": facts.HAIR_STYLES,
    "glasses": (True, False),
    "hat": facts.HATS,
    "hat_colour": facts.COLOURS,
    "beard": facts.BEARDS,
    "outfit": facts.OUTFITS,
    "outfit_colour": facts.COLOURS,
}
TRAIT_OF = {"hair_colour": "hair", "hair_style": "hair", "hat_colour": "hat", "outfit_colour": "outfit"}


def figure(index: int, rng: np.random.Generator, person: Appearance | None = None) -> Figure:
    action, expression = rng.choice(facts.ACTIONS), rng.choice(facts.EXPRESSIONS)
    return Figure(
        character=index,
        appearance=person or sample_appearance(rng),
        action=str(action),
        expression=str(expression),
        x=0.5,
    )


def scene_with(figures: tuple[Figure, ...], rng: np.random.Generator) -> Scene:
    return Scene(
        place=str(rng.choice(facts.PLACES)),
        layout_seed=1,
        time=str(rng.choice(facts.TIMES)),
        weather=str(rng.choice(facts.WEATHERS)),
        shot=str(rng.choice(facts.SHOTS)),
        figures=figures,
    )


def some(rng: np.random.Generator, options: tuple[str, ...], *, at_least: int = 0) -> tuple[str, ...]:
    count = int(rng.integers(at_least, len(options) + 1))
    return tuple(str(option) for option in rng.permutation(options)[:count])


def sample_any(rng: np.random.Generator) -> list[Said]:
    """One sentence of every kind, about random facts."""
    figures = tuple(figure(index, rng) for index in range(rng.integers(0, 5)))
    scene, person = scene_with(figures, rng), sample_appearance(rng)
    setting = {
        fact: getattr(scene, fact) for fact in some(rng, ("place", "time", "weather", "shot"), at_least=1)
    }
    names = tuple(str(name) for name in rng.permutation(NAMES)[:4])
    expression = None if rng.random() < 0.5 else str(rng.choice(facts.EXPRESSIONS))
    return [
        say_place(rng, scene.place),
        say_time(rng, scene.time),
        say_weather(rng, scene.weather, bool(rng.random() < 0.5)),
        say_shot(rng, scene.shot),
        say_setting(rng, **setting),
        say_appearance(rng, names[0], person, some(rng, TRAITS, at_least=1)),
        say_doing(rng, names[0], str(rng.choice(facts.ACTIONS)), expression),
        say_plot(rng, names[: len(figures)], figures, scene, some(rng, INCLUDABLE)),
    ]


@pytest.fixture(scope="module")
def many_sentences() -> list[Said]:
    rng = np.random.default_rng(0)
    return [said for _ in range(2500) for said in sample_any(rng)]


def texts_of(say, count: int = 150) -> set[str]:
    rng = np.random.default_rng(1)
    return {re.sub(r"\W+", " ", say(rng).text.lower()).strip() for _ in range(count)}


@pytest.mark.parametrize(
    ("say", "values"),
    [(say_place, facts.PLACES), (say_time, facts.TIMES), (say_shot, facts.SHOTS)],
    ids=["place", "time", "shot"],
)
def test_every_setting_value_has_five_phrasings_and_says_only_itself(say, values):
    for value in values:
        assert len(texts_of(lambda rng, value=value: say(rng, value))) >= 5
        fact = say.__name__.removeprefix("say_")
        assert say(np.random.default_rng(0), value).facts == ((fact, value),)


@pytest.mark.parametrize("indoor", [False, True])
@pytest.mark.parametrize("weather", facts.WEATHERS)
def test_every_weather_has_five_phrasings_and_shows_through_windows_indoors(weather, indoor):
    texts = texts_of(lambda rng: say_weather(rng, weather, indoor))
    assert len(texts) >= 5
    if indoor:
        assert all("window" in text or "outside" in text for text in texts)


@pytest.mark.parametrize("action", facts.ACTIONS)
def test_every_action_has_five_verb_phrases(action):
    verb_phrases = {verb.base for pattern in phrases_doing.ACTIONS[action] for verb in pattern}
    assert len(verb_phrases) >= 5
    assert len(texts_of(lambda rng: say_doing(rng, "Mara", action, None))) >= 25


@pytest.mark.parametrize("expression", facts.EXPRESSIONS)
def test_every_expression_has_five_phrasings(expression):
    mood = phrases_doing.EXPRESSIONS[expression]
    assert len(mood.adjectives) >= 5
    assert len(texts_of(lambda rng: say_doing(rng, "Mara", "standing", expression))) >= 25


@pytest.mark.parametrize(
    ("fact", "value"), [(fact, value) for fact, values in PERSON_VALUES.items() for value in values]
)
def test_every_trait_value_has_five_phrasings(fact, value):
    person = Appearance(**{**vars(MARA), fact: value})
    trait = TRAIT_OF.get(fact, fact)
    assert len(texts_of(lambda rng: say_appearance(rng, "Mara", person, (trait,)))) >= 5


FACT_TABLES = {
    "place": phrases_setting.PLACES,
    "time": phrases_setting.TIMES,
    "weather": phrases_setting.WEATHERS,
    "shot": phrases_setting.SHOTS,
    "action": phrases_doing.ACTIONS,
    "expression": phrases_doing.EXPRESSIONS,
    "skin": phrases_people.SKINS,
    "colour": phrases_people.COLOURS,
    "hair_colour": phrases_people.HAIR_COLOURS,
    "hair_style": phrases_people.HAIR_STYLES,
    "hat": phrases_people.HATS,
    "outfit": phrases_people.OUTFITS,
    "age": phrases_people.AGES,
}
DEFAULTS = {
    "hat",
    "shirt",
    "sweater",
    "jumper",
}  # alone they mean one value; with "woolly" or "striped" another


def flat(table: object) -> set[str]:
    if isinstance(table, str):
        return {table}
    return set().union(*(flat(item) for item in table))


@pytest.mark.parametrize("fact", FACT_TABLES)
def test_every_phrase_holds_a_word_that_no_other_value_uses(fact):
    used = {
        value: {w for text in flat(table) for w in words(text)} for value, table in FACT_TABLES[fact].items()
    }
    for value, table in FACT_TABLES[fact].items():
        others = set().union(*(used[other] for other in used if other != value)) - DEFAULTS
        assert [text for text in flat(table) if not set(words(text)) - others] == []


def test_the_same_text_never_says_two_things(many_sentences):
    meanings = defaultdict(set)
    for said in many_sentences:
        text = re.sub("|".join(NAMES), "NAME", said.text)
        meanings[text.rstrip(".").lower()].add(frozenset(said.facts))
    assert {text: found for text, found in meanings.items() if len(found) > 1} == {}


def test_the_vocabulary_is_closed_and_large(many_sentences):
    assert len(many_sentences) >= 20_000
    assert {word for said in many_sentences for word in words(said.text)} <= VOCABULARY
    assert len(VOCABULARY) >= 900


def test_the_vocabulary_is_used(many_sentences):
    used = {word for said in many_sentences for word in words(said.text)}
    assert len(used) >= 0.9 * len(VOCABULARY)


def test_no_name_is_a_word_of_the_language():
    rng = np.random.default_rng(2)
    nameless = [say_place(rng, place).text for place in facts.PLACES for _ in range(50)]
    nameless += [
        say_plot(rng, ["Qq"], (figure(0, rng),), scene_with((), rng), INCLUDABLE).text for _ in range(600)
    ]
    nameless += [say_appearance(rng, "Qq", sample_appearance(rng), TRAITS).text for _ in range(600)]
    assert not {word for text in nameless for word in words(text)} & {name.lower() for name in NAMES}


def test_there_are_enough_names_and_each_belongs_to_one_gender():
    assert len(set(NAMES)) == len(NAMES) >= 120
    assert set(GENDER_NAMES) == set(facts.GENDERS)
    assert not set(GENDER_NAMES["woman"]) & set(GENDER_NAMES["man"])
    assert all(words(name) == [name.lower()] for name in NAMES)


@pytest.mark.parametrize(
    "text",
    [
        "A young woman with short red hair and a yellow coat.",
        "Mara walks along the beach and looks at the lighthouse.",
        "Sandy beach",
        "Sunset light",
        "Mara is walking and smiling.",
        "Tom waves while Mara eats an apple in the kitchen.",
        "The harbour is empty.",
        "A rainy night at the harbour.",
        "The grandmother in the crimson gown naps at the grotto; a kid in dungarees sprints at daybreak.",
        "They hurried through the woods, astonished, as snowflakes fall softly by moonlight.",
    ],
)
def test_ordinary_story_english_is_in_the_vocabulary(text):
    assert [word for word in words(text) if word not in VOCABULARY] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mara's hair is short, and red!", ["mara", "'s", "hair", "is", "short", "and", "red"]),
        ("It\u2019s a close-up \u2014 don't move.", ["it", "'s", "a", "close", "up", "don't", "move"]),
        ("The Café \u2018Noir\u2019", ["the", "cafe", "noir"]),
        ("the sailors' T-shirts, 1910", ["the", "sailors", "t", "shirts", "1910"]),
        (" \n", []),
    ],
)
def test_words_are_lower_case_without_punctuation_or_accents(text, expected):
    assert words(text) == expected


def test_sentences_are_tidy(many_sentences):
    for said in many_sentences:
        assert not re.search(r"  |[{}|]| [,.]|,,|\.\.|^[a-z]| $|\ba [aeio]\w", said.text), said.text
        assert len(re.findall(r"[.!?]", said.text)) <= 1, said.text


def test_the_same_generator_gives_the_same_sentences():
    one, same, other = (np.random.default_rng(seed) for seed in (3, 3, 4))
    first = [sample_any(one) for _ in range(20)]
    assert first == [sample_any(same) for _ in range(20)]
    assert first != [sample_any(other) for _ in range(20)]


def test_setting_says_every_given_fact_and_no_more():
    rng = np.random.default_rng(5)
    for _ in range(300):
        scene = scene_with((), rng)
        given = {
            fact: getattr(scene, fact) for fact in some(rng, ("place", "time", "weather", "shot"), at_least=1)
        }
        assert dict(say_setting(rng, **given).facts) == given


def test_setting_of_an_indoor_place_never_stands_people_in_the_rain():
    rng = np.random.default_rng(6)
    under = flat(phrases_setting.WEATHERS["rain"].under) | flat(phrases_setting.WEATHERS["snow"].under)
    for _ in range(500):
        weather = str(rng.choice(["rain", "snow"]))
        text = say_setting(rng, place="kitchen", time="night", weather=weather, shot="wide").text.lower()
        assert not any(phrase in text for phrase in under), text


def test_appearance_says_the_listed_traits_only():
    rng = np.random.default_rng(7)
    for _ in range(500):
        traits = some(rng, TRAITS, at_least=1)
        person = sample_appearance(rng)
        told = {fact.removeprefix("1.") for fact, _ in say_appearance(rng, "Mara", person, traits).facts}
        assert {TRAIT_OF.get(fact, fact) for fact in told} == set(traits)


def test_appearance_keeps_gender_to_itself_when_it_is_not_listed():
    rng = np.random.default_rng(8)
    without_gender = [trait for trait in TRAITS if trait != "gender"]
    gendered = {"she", "her", "he", "his", "him"} | {
        w for table in phrases_people.PERSONS.values() for t in flat(table) for w in words(t)
    }
    gendered -= {"old", "elderly", "young", "little", "small", "tiny", "grown"}
    for _ in range(400):
        text = say_appearance(
            rng, "Mara", sample_appearance(rng), some(rng, tuple(without_gender), at_least=1)
        ).text
        assert not gendered & set(words(text)), text


def test_a_bald_head_has_no_hair_colour_and_a_bare_one_no_hat_colour():
    person = Appearance(**{**vars(MARA), "hair_style": "bald", "hat": "none"})
    said = say_appearance(np.random.default_rng(0), "Mara", person, ("hair", "hat"))
    assert set(said.facts) == {("1.hair_style", "bald"), ("1.hat", "none")}


def test_plot_says_what_is_included_of_everybody_in_order():
    rng = np.random.default_rng(9)
    for _ in range(500):
        figures = tuple(figure(index, rng) for index in range(rng.integers(0, 4)))
        scene, include = scene_with(figures, rng), some(rng, INCLUDABLE)
        expected = {fact: getattr(scene, fact) for fact in include if fact in ("place", "time", "weather")}
        for number, person in enumerate(figures, start=1):
            expected |= {
                f"{number}.{fact}": getattr(person, fact)
                for fact in include
                if fact in ("action", "expression")
            }
        said = dict(say_plot(rng, NAMES[: len(figures)], figures, scene, include).facts)
        called = {fact: said.pop(fact) for fact in list(said) if fact.endswith((".gender", ".age"))}
        assert said == expected
        for fact, value in called.items():  # "she", "the old man"
            assert getattr(figures[int(fact[0]) - 1].appearance, fact[2:]) == value


def test_plot_names_people_in_the_order_of_their_numbers():
    rng = np.random.default_rng(10)
    for _ in range(300):
        figures = tuple(figure(index, rng) for index in range(3))
        text = say_plot(rng, ("Mara", "Tom", "Yuki"), figures, scene_with(figures, rng), ("action",)).text
        found = re.findall("Mara|Tom|Yuki", text)
        assert found == sorted(found, key=("Mara", "Tom", "Yuki").index)


def test_plot_may_look_at_a_place_without_being_there():
    rng = np.random.default_rng(11)
    person = figure(0, rng, MARA)
    scene = Scene(place="beach", layout_seed=1, time="day", weather="clear", shot="wide", figures=(person,))
    said = [say_plot(rng, ["Mara"], scene.figures, scene, ("place", "action")) for _ in range(500)]
    assert any("lighthouse" in one.text for one in said)
    assert all(("place", "beach") in one.facts for one in said)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda rng: say_setting(rng),
            "say_setting was given no fact; give at least one of place, time, weather, shot",
        ),
        (lambda rng: say_appearance(rng, "Mara", MARA, ()), "traits must be some of .*, got none"),
        (
            lambda rng: say_appearance(rng, "Mara", MARA, ("mood",)),
            "traits must be some of gender, .*, got mood",
        ),
        (
            lambda rng: say_plot(rng, [], (), scene_with((), rng), ("shot",)),
            "include must list some of place, .*, got shot",
        ),
        (
            lambda rng: say_plot(rng, ["Mara"], (), scene_with((), rng), ()),
            "every figure needs a name: got 1 names for 0 figures",
        ),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.random.default_rng(0))
