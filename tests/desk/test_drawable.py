"""What can be drawn, and what contradicts itself: in the storyworld's own words."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from app.desk.drawable import drawable
from app.desk.row_warnings import KnownWords, row_warnings
from app.desk.said_actions import said_actions
from moviedreamer_core.encoders.tokenizer import WordTokenizer
from moviedreamer_core.story_files import read_story
from moviedreamer_core.storyworld import facts
from moviedreamer_core.storyworld.language import VOCABULARY, words as words_in
from moviedreamer_core.workspace import CastMember, Draft, PersonInRow, Row, with_script_of

ROOT = Path(__file__).resolve().parents[2]
EVERY_WORD = KnownWords(None)


@pytest.fixture(scope="module")
def shipped() -> KnownWords:
    return loaded(ROOT / "weights" / "miniature" / "text" / "vocabulary.json")


def loaded(vocabulary: Path) -> KnownWords:
    words = KnownWords(vocabulary)
    for _ in range(3000):
        if words.is_ready:
            return words
        time.sleep(0.1)
    pytest.fail("the vocabulary was not read")


def test_every_fact_that_can_be_drawn_is_offered_in_known_words():
    groups = {group.title: group.phrases for group in drawable(EVERY_WORD)}
    sizes = {title: len(phrases) for title, phrases in groups.items()}
    assert sizes["Places"] == len(facts.PLACES)
    assert sizes["Time and weather"] == len(facts.TIMES) * len(facts.WEATHERS)
    assert sizes["Shot sizes"] == len(facts.SHOTS)
    assert sizes["Actions"] == len(facts.ACTIONS)
    assert sizes["Expressions"] == len(facts.EXPRESSIONS)
    assert sizes["Outfits"] == len(facts.OUTFITS)
    assert sizes["Colours of outfits and hats"] == len(facts.COLOURS)
    assert "The lighthouse" in groups["Places"]
    assert "A rainy night" in groups["Time and weather"]
    assert "a striped shirt" in groups["Outfits"]
    said = {word for phrases in groups.values() for phrase in phrases for word in words_in(phrase)}
    assert said <= VOCABULARY | {"is", "looks"}


def test_only_what_these_weights_know_is_offered(shipped, tmp_path):
    assert drawable(shipped) == drawable(EVERY_WORD)  # the shipped weights know all of it
    WordTokenizer.from_words(("the", "beach", "is", "walking")).write(tmp_path / "few.json")
    few = loaded(tmp_path / "few.json")
    assert [(group.title, group.phrases) for group in drawable(few)] == [
        ("Places", ("The beach",)),
        ("Actions", ("is walking",)),
    ]


def test_the_example_uses_known_words_only_and_contradicts_itself_nowhere(shipped):
    story = read_story(ROOT / "assets" / "stories" / "lighthouse" / "story.yaml")
    draft = with_script_of(Draft(title=story.title), story)
    assert len(draft.rows) >= 12
    assert {row.scene_elements[0] for row in draft.rows} >= {"A sandy beach", "The lighthouse", "The harbour"}
    assert [row_warnings(draft, row, shipped) for row in draft.rows] == [()] * len(draft.rows)
    assert all(not shipped.unknown(member.description) for member in draft.cast)


@pytest.mark.parametrize(
    ("text", "actions"),
    [
        ("Mara is walking on the beach.", {"walking"}),
        ("Tom is standing at the lighthouse and is waving.", {"standing", "waving"}),
        ("They are sitting and reading.", {"sitting", "reading"}),
        ("She was slowly strolling.", {"walking"}),
        ("He is carrying a box.", {"carrying"}),
        ("The running water, a sleeping bag.", set()),
        ("The waves are taking turns; rain is falling.", set()),
        ("", set()),
    ],
)
def test_the_actions_of_a_sentence_are_those_that_are_plain(text, actions):
    assert said_actions(text) == actions


def told(plot: str, *people: tuple[str, str]) -> list[str]:
    cast = (CastMember(name="Mara"), CastMember(name="Tom"))
    characters = tuple(PersonInRow(name=name, description=line) for name, line in people)
    row = Row(plot=plot, characters=characters)
    return [one.text for one in row_warnings(Draft(cast=cast, rows=(row,)), row, EVERY_WORD)]


def test_a_plot_that_was_changed_and_a_line_that_was_not_are_pointed_out():
    (warning,) = told("Mara is running home.", ("Mara", "She is sleeping and looks calm."))
    assert warning.startswith("The plot says running, the line of Mara says sleeping")
    assert told("Mara is running home.", ("Mara", "She is rushing.")) == []  # another word for the same
    assert told("Mara goes home.", ("Mara", "She is sleeping.")) == []
    assert told("Mara is running.", ("Mara", "")) == []
    both = ("Mara", "She is sleeping."), ("Tom", "He is reading.")
    assert told("Mara is running and Tom is reading.", *both) == []  # who does what is not plain
    (absent,) = told("Mara and Tom are dancing.", ("Mara", "She is dancing."))
    assert "mentions Tom, who is not in the frame" in absent
