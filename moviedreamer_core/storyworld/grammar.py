"""The small grammar under the storyworld's language: patterns, picks, inflection, sentences, words.

A pattern such as "(a|the) (sandy|) beach" stands for its spelled-out variants. All are written out at import,
so that a pick is one random number and the vocabulary can be read off the tables.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import product
from typing import NamedTuple, TypeVar

import numpy as np

T = TypeVar("T")
Phrases = tuple[tuple[str, ...], ...]  # patterns, each with its variants

_IRREGULAR_VERBS = """
bear bears bearing bore, bite bites biting bit, bring brings bringing brought, come comes coming came,
eat eats eating ate, fall falls falling fell, feel feels feeling felt, find finds finding found,
get gets getting got, give gives giving gave, go goes going went, have has having had,
hear hears hearing heard, hold holds holding held, keep keeps keeping kept, know knows knowing knew,
leap leaps leaping leapt, leave leaves leaving left, lie lies lying lay, make makes making made,
meet meets meeting met, panic panics panicking panicked, read reads reading read, ring rings ringing rang,
run runs running ran, say says saying said,
kneel kneels kneeling knelt, see sees seeing saw, shake shakes shaking shook, show shows showing showed,
sing sings singing sang, sit sits sitting sat, sleep sleeps sleeping slept, speak speaks speaking spoke,
spin spins spinning spun, spring springs springing sprang, stand stands standing stood,
stride strides striding strode, take takes taking took, tell tells telling told,
think thinks thinking thought, throw throws throwing threw, weep weeps weeping wept
"""
_IRREGULAR = {
    base: (third, ing, past) for base, third, ing, past in map(str.split, _IRREGULAR_VERBS.split(","))
}
_DOUBLING = frozenset(
    {"hop", "nap", "squat", "jog", "skip", "grin", "sob", "lug", "drag", "stop", "chat", "tap", "hum", "plod"}
)


class Verb(NamedTuple):
    """A verb phrase in its four forms: "walk home", "walks home", "walking home", "walked home"."""

    base: str
    third: str
    ing: str
    past: str


def phrases(*patterns: str) -> Phrases:
    """Spell out every pattern; `(a|b|)` offers alternatives and does not nest."""
    return tuple(_variants(pattern) for pattern in patterns)


def verbs(*patterns: str) -> tuple[tuple[Verb, ...], ...]:
    """Spell out patterns whose first word is a verb in its base form, in all four forms."""
    return tuple(tuple(inflected(variant) for variant in _variants(pattern)) for pattern in patterns)


def inflected(phrase: str) -> Verb:
    """The forms of a verb phrase that starts with the verb's base form."""
    verb, _, rest = phrase.partition(" ")
    return Verb(*(f"{form} {rest}".strip() for form in (verb, *_forms(verb))))


def _forms(verb: str) -> tuple[str, str, str]:
    if verb in _IRREGULAR:
        return _IRREGULAR[verb]
    if verb in _DOUBLING:
        return verb + "s", verb + verb[-1] + "ing", verb + verb[-1] + "ed"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ies", verb + "ing", verb[:-1] + "ied"
    third = verb + ("es" if verb.endswith(("s", "x", "z", "ch", "sh")) else "s")
    if verb.endswith("e"):
        return third, verb[:-1] + "ing", verb + "d"
    return third, verb + "ing", verb + "ed"


def _variants(pattern: str) -> tuple[str, ...]:
    pieces = [piece.split("|") for piece in re.split(r"[()]", pattern)]
    return tuple(" ".join("".join(parts).split()) for parts in product(*pieces))


def pick(rng: np.random.Generator, patterns: Sequence[Sequence[T]]) -> T:
    """One variant: patterns are equally likely, and so are the variants of a pattern."""
    place = rng.random() * len(patterns)
    index = int(place)
    variants = patterns[index]
    return variants[int((place - index) * len(variants))]


def choose(rng: np.random.Generator, options: Sequence[T]) -> T:
    """One of `options`, all equally likely."""
    return options[int(rng.random() * len(options))]


def listed(items: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def finished(text: str, stop: str = ".") -> str:
    """`text` as a sentence: tidy spaces and commas, a or an, a capital first, `stop` last."""
    text = re.sub(
        r"\b([Aa]) (?=(?!uni|use|one\b)[aeiouAEIOU])", r"\1n ", " ".join(text.split()).replace(" ,", ",")
    )
    text = text.replace(",,", ",").rstrip(",")
    return text[0].upper() + text[1:] + stop


def words(text: str) -> list[str]:
    """The lower-case words of `text`, without punctuation and accents; "Mara's" is "mara", "'s"."""
    plain = unicodedata.normalize("NFKD", text.lower()) if not text.isascii() else text.lower()
    plain = plain.replace("\u2019", "'").replace("\u2018", "'")
    plain = (
        "".join(letter for letter in plain if not unicodedata.combining(letter))
        if not plain.isascii()
        else plain
    )
    return re.findall(r"'s\b|[^\W_]+(?:'(?!s\b)[^\W_]+)*", plain)
