"""What to say instead of a word that the weights do not know."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from app.desk.near_words import MEANT, in_place_of
from app.desk.row_warnings import KnownWords, row_warnings, said_unknown
from moviedreamer_core.storyworld import phrases_doing, phrases_people, phrases_setting
from moviedreamer_core.storyworld.language import words as words_in
from moviedreamer_core.workspace import Draft, Row

VOCABULARY = Path(__file__).resolve().parents[2] / "weights" / "miniature" / "text" / "vocabulary.json"


@pytest.fixture(scope="module")
def shipped() -> KnownWords:
    words = KnownWords(VOCABULARY)
    for _ in range(3000):
        if words.is_ready:
            return words
        time.sleep(0.1)
    pytest.fail("the vocabulary was not read")


@pytest.fixture(scope="module")
def drawn() -> set[str]:
    """Every word in which the storyworld says what it draws."""
    tables = [
        *phrases_setting.PLACES.values(), *phrases_setting.TIMES.values(), *phrases_setting.WEATHERS.values(),
        phrases_people.PERSONS, phrases_doing.ACTIONS, phrases_doing.EXPRESSIONS,
    ]  # fmt: skip
    return {word for table in tables for word in words_in(str(table))}


def test_every_curated_word_is_unknown_and_what_stands_for_it_is_drawn(shipped, drawn):
    for word, instead in MEANT.items():
        assert shipped.unknown(word) == (word,)
        assert shipped.unknown(instead) == ()
        assert set(words_in(instead)) <= drawn, f"{word}: {instead}"
        assert shipped.near(word) == instead


@pytest.mark.parametrize(
    ("word", "instead"),
    [("villages", "street"), ("lighthose", "lighthouse"), ("kichen", "kitchen"), ("castel", "castle")],
)
def test_plurals_and_misspellings_are_found(shipped, word, instead):
    assert shipped.unknown(word) == (word,)
    assert shipped.near(word) == instead


@pytest.mark.parametrize("word", ["dragon", "spaceship", "gargoyle", "snake", "rocket", "elenaa", "xy"])
def test_nothing_is_made_up_where_nothing_is_near(shipped, word):
    assert shipped.near(word) == ""


def test_what_the_vocabulary_lacks_is_not_suggested():
    assert in_place_of("village", {"forest"}) == ""
    assert in_place_of("wizard", {"man"}) == ""  # the old man it needs is half known
    assert in_place_of("village", {"street"}) == "street"


def test_a_row_says_what_to_try_and_what_the_picture_will_not_show(shipped):
    (warning,) = row_warnings(Draft(), Row(plot="A dragon flies over the village."), shipped)
    assert warning.text == (
        'Unknown words, read past when drawing: "dragon", "flies", "village". Try "street" for "village". '
        'The picture will not show "dragon" or "flies": no word near it is known.'
    )
    (warning,) = row_warnings(Draft(), Row(plot="The village is quiet."), shipped)
    assert warning.text == 'Unknown word, read past when drawing: "village". Try "street" for "village".'


def test_of_many_words_some_are_told(shipped):
    found = tuple(f"qx{letter}" for letter in "abcdefgh")
    assert '"qxf" and 2 more.' in said_unknown(found, shipped)
