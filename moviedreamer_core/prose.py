"""Stories out of running text: one keyframe per sentence."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from moviedreamer_core.errors import StoryError
from moviedreamer_core.names import mentioned_names
from moviedreamer_core.script import (
    Character,
    CharacterInFrame,
    KeyframeScript,
    Story,
    check_story,
    sentences,
)

_HEADER = re.compile(r"\s*(title|style|cast)\s*:\s*(.*)", re.IGNORECASE)
_PRONOUN = re.compile(r"\b(he|she|they|him|her|hers|his|them|their|we|us|our|i|me|my|both)\b", re.IGNORECASE)
# Capitalised at the start of a sentence, or always, without being anybody's name.
NOT_A_NAME = frozenset((
    "a", "an", "the", "this", "that", "these", "those", "there", "here", "it", "its", "he", "she", "they",
    "we", "you", "i", "his", "her", "hers", "him", "their", "them", "our", "my", "me", "us", "your", "who",
    "and", "but", "or", "so", "then", "now", "when", "while", "where", "what", "why", "how", "if", "as",
    "after", "before", "later", "soon", "once", "again", "still", "suddenly", "finally", "meanwhile", "at",
    "in", "on", "by", "for", "from", "to", "of", "with", "over", "under", "behind", "inside", "outside",
    "near", "through", "up", "down", "all", "both", "each", "every", "everyone", "everybody", "nobody",
    "someone", "something", "nothing", "no", "not", "yes", "one", "two", "three", "only", "even", "just",
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "january", "february",
    "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
    "morning", "evening", "night", "day", "dawn", "sunset", "end", "int", "ext", "oh", "ok", "okay",
))  # fmt: skip


def title_of(stem: str) -> str:
    """A title from a file's name without its suffix: `the_light-house` -> `The light house`."""
    words = re.sub(r"[\s_-]+", " ", stem).strip()
    return words[:1].upper() + words[1:] or "Untitled"


def story_from_text(text: str, cast: Sequence[Character], *, source: str) -> Story:
    """One keyframe per sentence; a character is in it who is named in it.

    A sentence that has a pronoun and no name keeps the people of the sentence before. Lines `Title: ...`,
    `Style: ...` and `Cast: Mara - A young woman.` may come first; without any cast, the names that the text
    repeats are proposed. Raises StoryError as `check_story` does.
    """
    lines = text.splitlines()
    header: dict[str, str] = {}
    listed: list[Character] = []
    while lines and (not lines[0].strip() or _HEADER.match(lines[0])):
        if entry := _HEADER.match(lines.pop(0)):
            field, value = entry[1].lower(), entry[2].strip()
            if field == "cast":
                listed += _cast_from_line(value)
            else:
                header[field] = value
    paragraphs = re.split(r"\n\s*\n", "\n".join(lines))
    plots = [plot for paragraph in paragraphs for plot in sentences(" ".join(paragraph.split()))]
    people = [*cast, *listed] or [Character(name=name) for name in proposed_names(plots)]
    names = [person.name for person in people]
    keyframes: list[KeyframeScript] = []
    present: tuple[str, ...] = ()
    for plot in plots:
        in_frame = present = people_in(plot, names, present)
        keyframes.append(_keyframe(plot, in_frame))
    return _checked(
        Story(
            title=header.get("title") or title_of(_stem(source)),
            style=header.get("style", ""),
            characters=tuple(people),
            keyframes=tuple(keyframes),
        ),
        source=source,
    )


def proposed_names(plots: Sequence[str]) -> tuple[str, ...]:
    """Words that are always capitalised and occur twice or more, in order of first mention.

    Neighbours that are capitalised together ("Captain Ahab") are one name.
    """
    whole = " ".join(plots)
    lower_case = {word for word in re.findall(r"\w+", whole) if word == word.lower()}
    counts: Counter[str] = Counter()
    for run in re.findall(r"\b[^\W\d_a-z][\w’'-]*(?: [^\W\d_a-z][\w’'-]*)*", whole):
        words = [re.sub(r"['’]s$", "", word).strip("'’-") for word in run.split()]
        while words and (words[0].lower() in NOT_A_NAME or words[0].lower() in lower_case):
            words.pop(0)
        known = [word for word in words if word.lower() not in NOT_A_NAME]
        if known and len(known) == len(words):
            counts[" ".join(words)] += 1
    names = [name for name, count in counts.items() if count > 1]
    return tuple(name for name in names if not any(name in other.split() for other in names if other != name))


def people_in(plot: str, names: Sequence[str], before: tuple[str, ...]) -> tuple[str, ...]:
    """The names said in `plot`; where it says only he, she or they, those who were there `before`."""
    named = mentioned_names(plot, names)
    if named:
        return named
    return before if _PRONOUN.search(plot) else ()


def _cast_from_line(value: str) -> list[Character]:
    """`Mara - A young woman.` is one character; `Mara, Tom` are two without description."""
    parts = re.split(r"\s+[-–—]\s+|:\s+", value, maxsplit=1)
    if len(parts) == 2:
        return [Character(name=parts[0], description=parts[1])] if parts[0].strip() else []
    return [Character(name=name) for name in value.split(",") if name.strip()]


def _keyframe(plot: str, people: Sequence[str], scene: tuple[str, ...] = ()) -> KeyframeScript:
    in_frame = tuple(CharacterInFrame(name=name) for name in people)
    return KeyframeScript(plot=plot, scene_elements=scene, characters=in_frame)


def _checked(story: Story, *, source: str) -> Story:
    try:
        check_story(story)
    except StoryError as error:
        raise StoryError(f"{source}: {error}") from None
    return story


def _stem(source: str) -> str:
    return source.rpartition(".")[0] or source
