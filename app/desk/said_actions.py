"""Which actions of the storyworld a sentence says: "Mara is walking" says walking, "The running water" nothing.

Only what is plain counts: a form of a verb that means one action alone, after "is", "are", "was" or "were".
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

from moviedreamer_core.storyworld.phrases_doing import ACTIONS

_DOING = re.compile(r"\b(?:is|are|was|were)\s+(?:\w+ly\s+)?(\w+ing)\b(?:\s+and\s+(\w+ing)\b)?", re.IGNORECASE)


def said_actions(text: str) -> frozenset[str]:
    """The names of the actions, out of storyworld.facts.ACTIONS."""
    known = _actions_by_form()
    words = {word.lower() for found in _DOING.findall(text) for word in found}
    return frozenset(known[word] for word in words if word in known)


@functools.cache
def _actions_by_form() -> Mapping[str, str]:
    """The action of every -ing form that stands for one alone: not "taking", which is a walk, a seat or a nap."""
    found: dict[str, set[str]] = {}
    for action, patterns in ACTIONS.items():
        plain = [verb for variants in patterns for verb in variants if " " not in verb.base]
        for verb in (patterns[0][0], *plain):
            found.setdefault(verb.ing.split()[0], set()).add(action)
    return {form: next(iter(actions)) for form, actions in found.items() if len(actions) == 1}
