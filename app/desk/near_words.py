"""A word of the weights' vocabulary in place of one that they do not know: near in meaning, or in its spelling."""

from __future__ import annotations

import difflib
from collections.abc import Collection

MIN_LIKENESS = 0.85  # from 0 to 1; below, a "snake" would be a misspelt "shake"
MIN_LETTERS = 4  # shorter words are like too many others

# Words of stories, and what the cartoon world has that is nearest. A word that nothing is near to is left out: to be
# told that the picture will not show a church is better than to be sent to a castle.
MEANT = {
    "airport": "station", "alleyway": "alley", "apartment": "bedroom", "astounded": "surprised",
    "attic": "bedroom", "aunt": "woman", "bakery": "cafe", "bay": "harbour", "bloke": "man",
    "bookshop": "library", "bookstore": "library", "boulevard": "avenue", "canoe": "boat",
    "canyon": "desert", "chateau": "castle", "classroom": "library", "cliff": "mountain", "coast": "beach",
    "coastline": "beach", "copse": "woods", "cottage": "farm", "countryside": "meadow", "cowboy": "man",
    "dad": "man", "daughter": "girl", "devour": "eat", "downpour": "rain",
    "downtown": "street", "eatery": "cafe", "ferry": "ship", "fled": "ran", "flee": "run",
    "galleon": "ship", "gallop": "run", "grandma": "grandmother", "grove": "forest",
    "hamlet": "street", "husband": "man", "hut": "barn", "inn": "cafe", "joyous": "happy",
    "jungle": "forest", "knight": "man", "lane": "street", "manor": "castle", "mansion": "castle",
    "marina": "harbour", "metropolis": "street", "mom": "woman", "mum": "woman", "nightfall": "night",
    "orchard": "park", "pasture": "meadow", "pirate": "man", "plaza": "market", "prairie": "meadow",
    "prince": "boy", "princess": "girl", "pub": "cafe", "rainforest": "forest", "ranch": "farm",
    "shack": "barn", "shoreline": "shore", "soldier": "man", "son": "boy", "stable": "barn",
    "stumble": "walk", "subway": "station", "sunup": "dawn", "tavern": "cafe", "tunnel": "cave",
    "uncle": "man", "upset": "sad", "valley": "hills", "village": "street", "wife": "woman",
    "witch": "old woman", "wizard": "old man", "yacht": "boat",
}  # fmt: skip


def in_place_of(word: str, known: Collection[str], *, names: Collection[str] = ()) -> str:
    """What to say instead of `word`, in words of `known`; "" where nothing is near. All are in small letters.

    No misspelling is taken for one of `names`, which the vocabulary holds only to tell people apart, for a word with
    another first letter, or for a longer or shorter form of the word.
    """
    meant = next((MEANT[one] for one in _singulars(word) if one in MEANT), "")
    if meant and all(part in known for part in meant.split()):
        return meant
    if len(word) < MIN_LETTERS:
        return ""
    close = [
        one
        for one in difflib.get_close_matches(word, known, n=5, cutoff=MIN_LIKENESS)
        if one not in names and one[0] == word[0] and not _is_form(one, word)
    ]
    swapped = [one for one in _swapped(word) if one in known and one not in names]
    return next(iter([*swapped, *close]), "")


def _singulars(word: str) -> tuple[str, ...]:
    """The word itself, and what it may be the plural of."""
    endings = (("ies", "y"), ("es", ""), ("s", ""))
    return (word, *(word.removesuffix(many) + one for many, one in endings if word.endswith(many)))


def _is_form(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _swapped(word: str) -> list[str]:
    """The word with any two neighbouring letters the other way round."""
    return [word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1)]
