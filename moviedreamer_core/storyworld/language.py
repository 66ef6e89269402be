"""The storyworld's language, gathered: facts -> English sentences in many phrasings, and every word they can
use.

Every `say_*` takes its random generator first, is deterministic given it, and returns the sentence with
exactly the facts that it says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from moviedreamer_core.storyworld import (
    phrases_doing,
    phrases_people,
    phrases_setting,
    phrases_story,
    sentences_people,
    sentences_plot,
    sentences_setting,
)
from moviedreamer_core.storyworld.grammar import words
from moviedreamer_core.storyworld.names import GENDER_NAMES, NAMES
from moviedreamer_core.storyworld.said import Facts, Said
from moviedreamer_core.storyworld.sentences_people import TRAITS, say_appearance, say_doing, trait_facts
from moviedreamer_core.storyworld.sentences_plot import INCLUDABLE, say_plot
from moviedreamer_core.storyworld.sentences_setting import (
    say_place,
    say_setting,
    say_shot,
    say_time,
    say_weather,
)

__all__ = [
    "GENDER_NAMES", "INCLUDABLE", "NAMES", "TRAITS", "VOCABULARY", "Facts", "Said", "say_appearance",
    "say_doing", "say_place",
    "say_plot", "say_setting", "say_shot", "say_time", "say_weather", "trait_facts", "words",
]  # fmt: skip

_TABLES = (
    phrases_doing,
    phrases_people,
    phrases_setting,
    phrases_story,
    sentences_people,
    sentences_plot,
    sentences_setting,
)


def _strings(table: object) -> Iterator[str]:
    if isinstance(table, str):
        yield table
    elif isinstance(table, dict):
        yield from (text for value in table.values() for text in _strings(value))
    elif isinstance(table, tuple | frozenset):
        yield from (text for value in table for text in _strings(value))


def _is_table(constant: object) -> bool:
    """Whether a constant holds phrases; a plain tuple of strings lists options, such as TRAITS."""
    if isinstance(constant, tuple):
        return not any(isinstance(item, str) for item in constant)
    return isinstance(constant, dict)


def _vocabulary() -> frozenset[str]:
    """Every word of every phrase table of the language's modules, and the names."""
    tables = [
        table
        for module in _TABLES
        for name, table in vars(module).items()
        if name.isupper() and _is_table(table)
    ]
    texts = [re.sub(r"\{\w+\}", " ", text) for table in tables for text in _strings(table)]
    return frozenset(word for text in (*texts, *NAMES, "a an and with wearing in") for word in words(text))


VOCABULARY: frozenset[str] = _vocabulary()
