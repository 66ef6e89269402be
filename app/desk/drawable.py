"""What the weights can draw, in words that they know: the facts of the storyworld as its language says them.

Every phrase is the first plain variant of a table of `moviedreamer_core.storyworld`; what the vocabulary of the weights
lacks is left out, so that nothing is offered that would be read past.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from app.desk.row_warnings import KnownWords
from moviedreamer_core.storyworld import facts
from moviedreamer_core.storyworld.grammar import Phrases, finished
from moviedreamer_core.storyworld.phrases_doing import ACTIONS, EXPRESSIONS
from moviedreamer_core.storyworld.phrases_people import (
    BEARDS,
    COLOURS,
    GLASSES,
    HAIR_COLOURS,
    HAIR_STYLES,
    HATS,
    OUTFITS,
    PERSONS,
)
from moviedreamer_core.storyworld.phrases_setting import PLACES, SHOTS, TIMES, WEATHERS

Field = Literal["elements", "people", "looks"]


@dataclass(frozen=True, kw_only=True)
class Drawable:
    """A group of phrases, and where they belong: scene elements, what a person does, what a character looks like."""

    title: str
    field: Field
    phrases: tuple[str, ...]


def drawable(words: KnownWords) -> tuple[Drawable, ...]:
    """All groups, in the order in which a shot is written. Groups of which no phrase is known are left out."""
    groups = [
        _group("Places", "elements", (_element(f"the {_plain(PLACES[one].nouns)}") for one in facts.PLACES)),
        _group("Time and weather", "elements", _times_in_weathers()),
        _group("Shot sizes", "elements", (_element(f"a {_plain(SHOTS[one].nouns)}") for one in facts.SHOTS)),
        _group("Actions", "people", (f"is {ACTIONS[one][0][0].ing}" for one in facts.ACTIONS)),
        _group("Expressions", "people", (f"looks {_mood(one)}" for one in facts.EXPRESSIONS)),
        _group("People", "looks", (_with_article(_plain(noun)) for noun in PERSONS.values())),
        _group("Hair", "looks", (_plain(HAIR_STYLES[one]) for one in facts.HAIR_STYLES)),
        _group("Hair colours", "looks", (HAIR_COLOURS[one][0][0] for one in facts.HAIR_COLOURS)),
        _group("Outfits", "looks", (_plain(OUTFITS[one]) for one in facts.OUTFITS)),
        _group("Hats, glasses, beards", "looks", _extras()),
        _group("Colours of outfits and hats", "looks", (COLOURS[one][0][0] for one in facts.COLOURS)),
    ]
    known = [
        Drawable(
            title=one.title,
            field=one.field,
            phrases=tuple(phrase for phrase in one.phrases if not words.unknown(phrase)),
        )
        for one in groups
    ]
    return tuple(one for one in known if one.phrases)


def _group(title: str, field: Field, phrases: Iterable[str]) -> Drawable:
    return Drawable(title=title, field=field, phrases=tuple(dict.fromkeys(phrases)))


def _times_in_weathers() -> Iterable[str]:
    for weather in facts.WEATHERS:
        adjective = WEATHERS[weather].adjectives[0][0]
        yield from (_element(f"a {adjective} {_plain(TIMES[time].nouns)}") for time in facts.TIMES)


def _extras() -> Iterable[str]:
    yield from (_plain(HATS[hat]) for hat in facts.HATS if hat != "none")
    yield _plain(GLASSES[True])
    yield from (_plain(BEARDS[beard]) for beard in facts.BEARDS if beard != "none")


def _plain(phrases: Phrases) -> str:
    """The first pattern with as few of its optional words as it goes, and without a colour."""
    shortest = min(phrases[0], key=lambda variant: len(variant.split()))
    return " ".join(shortest.replace("{colour}", "").split())


def _mood(expression: str) -> str:
    return _plain(EXPRESSIONS[expression].adjectives)


def _with_article(noun: str) -> str:
    return finished(f"a {noun}", stop="")[0].lower() + finished(f"a {noun}", stop="")[1:]


def _element(text: str) -> str:
    return finished(text, stop="")
