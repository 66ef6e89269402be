"""Names of the cast in running text: who is mentioned, and text that is the same whatever they are called."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

# Words that open a name but do not stand for it: "Old Tom" is also "Tom", never "old".
_NOT_A_SHORT_NAME = frozenset((
    "a", "an", "the", "mr", "mrs", "ms", "miss", "dr", "sir", "lady", "lord", "king", "queen", "prince",
    "princess", "captain", "old", "young", "big", "little", "tiny", "great", "good", "poor", "dear",
    "uncle", "aunt", "grandma", "grandpa", "saint", "st", "red", "blue", "green", "black", "white", "grey",
    "brown",
))  # fmt: skip
# Given names that are everyday words too: only their capitalised form is the name.
_ALSO_A_WORD = frozenset((
    "will", "may", "rose", "grace", "hope", "mark", "bill", "art", "sky", "dawn", "summer", "autumn", "joy",
    "faith", "grant", "chase", "hunter", "june", "april", "august", "dale", "glen", "cliff", "lily", "ivy",
    "violet", "daisy", "ruby", "pearl", "amber", "olive", "ginger", "melody", "harmony", "star", "storm",
    "rain", "river", "forest", "brook", "robin", "penny", "sunny", "misty", "red", "blue", "green", "black",
    "white", "grey", "brown",
))  # fmt: skip


def name_key(name: str) -> str:
    """Names are the same when they differ only in case, spacing or Unicode composition."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def anonymise(text: str, names: Sequence[str]) -> str:
    """`text` with the i-th of `names` (and its short form) replaced by `person{i+1}`.

    Whole words in any case ("MARA's hat" -> "person1's hat"), the longest name first; not inside other
    words or names ("O'Mara", "Tom-Ann"). A name of several words is also known by its first that can stand
    alone ("Old Tom" by "Tom"), unless somebody else is called so. Lower-case "will" is not the person Will.
    """
    pattern = _names_pattern(tuple(names))
    if pattern is None:
        return text
    return pattern.sub(lambda match: f"person{_index(match) + 1}", unicodedata.normalize("NFC", text))


def mentioned_names(text: str, names: Sequence[str]) -> tuple[str, ...]:
    """Those of `names` that `text` mentions, as `anonymise` finds them, in order of first mention."""
    pattern = _names_pattern(tuple(names))
    if pattern is None:
        return ()
    found_in_order = dict.fromkeys(
        _index(match) for match in pattern.finditer(unicodedata.normalize("NFC", text))
    )
    return tuple(names[index] for index in found_in_order)


def _index(match: re.Match[str]) -> int:
    return int((match.lastgroup or "").removeprefix("name").split("_")[0])


@functools.lru_cache(maxsize=256)
def _names_pattern(names: tuple[str, ...]) -> re.Pattern[str] | None:
    """One alternative per name and short form; the group `name{i}_{form}` tells whose it is."""
    forms = [
        (form, f"name{index}_{kind}")
        for index, name in enumerate(names)
        for kind, form in enumerate([name, *_short_form(name, names)])
        if form.split()
    ]
    if not forms:
        return None
    forms.sort(key=lambda form: -len(form[0]))
    alternatives = "|".join(f"(?P<{group}>{_form_pattern(form)})" for form, group in forms)
    return re.compile(rf"(?<!\w)(?<!\w-)(?<!\w['’])(?:{alternatives})(?!\w)(?!-\w)")


def _form_pattern(form: str) -> str:
    form = unicodedata.normalize("NFC", form)
    words = r"\s+".join(re.escape(word) for word in form.split())
    if form.casefold() in _ALSO_A_WORD:
        return f"{words}|{re.escape(form.capitalize())}|{re.escape(form.upper())}"
    return f"(?i:{words})"


def _short_form(name: str, names: Sequence[str]) -> list[str]:
    def first_word(full: str) -> str | None:
        words = (word for word in full.split() if word.casefold().strip(".") not in _NOT_A_SHORT_NAME)
        return next(words, None)

    short = first_word(name)
    if short is None or len(name.split()) == 1:
        return []
    claims = Counter(name_key(first_word(other) or other) for other in names)
    return [short] if claims[name_key(short)] == 1 else []
