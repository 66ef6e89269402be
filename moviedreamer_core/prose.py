"""Stories out of running text: one keyframe per sentence, and Fountain screenplays.

Source of the screenplay format: https://fountain.io/syntax
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from moviedreamer_core.errors import StoryError
from moviedreamer_core.names import mentioned_names, name_key
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
_NOT_A_NAME = frozenset((
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
        in_frame = present = _people_in(plot, names, present)
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
        while words and (words[0].lower() in _NOT_A_NAME or words[0].lower() in lower_case):
            words.pop(0)
        known = [word for word in words if word.lower() not in _NOT_A_NAME]
        if known and len(known) == len(words):
            counts[" ".join(words)] += 1
    names = [name for name, count in counts.items() if count > 1]
    return tuple(name for name in names if not any(name in other.split() for other in names if other != name))


def _people_in(plot: str, names: Sequence[str], before: tuple[str, ...]) -> tuple[str, ...]:
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


# --- Fountain ----------------------------------------------------------------------------------------

_HEADING = re.compile(r"(?P<inside>int\.?/ext|i/e|int|ext|est)[. ]\s*(?P<rest>.+)", re.IGNORECASE)
_INSIDE = {"int": "Indoors", "ext": "Outdoors", "est": "Outdoors"}
_NOT_SHOWN = re.compile(r"/\*.*?\*/|\[\[.*?\]\]", re.DOTALL)  # boneyard and notes
_TITLE_PAGE = re.compile(
    r"(title|credit|authors?|source|draft date|contact|notes|copyright)\s*:", re.IGNORECASE
)
_TRANSITION = re.compile(r"[^a-z]*TO:|FADE (IN|OUT)[:.]?")
_UNSEEN_SPEAKER = re.compile(r"\((v\.?o\.?|o\.?s\.?|o\.?c\.?)\)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class _Speech:
    name: str
    words: str
    seen: bool  # not a voice over or off screen


def story_from_fountain(text: str, cast: Sequence[Character], *, source: str) -> Story:
    """A screenplay as a story: action sentences and speeches are keyframes, scene headings scene elements.

    `EXT. BEACH - SUNSET` is said as `Outdoors`, `Beach`, `Sunset`; a cue with its dialogue as
    `Mara says "..."`. Without a cast, the speakers are it. Raises StoryError as `check_story` does.
    """
    title_page, blocks = _blocks(text)
    parsed = [_speech(block) or block for block in blocks]
    people = list(cast) or [
        Character(name=name)
        for name in {name_key(part.name): part.name for part in parsed if isinstance(part, _Speech)}.values()
    ]
    names = [person.name for person in people]
    scene: tuple[str, ...] = ()
    present: tuple[str, ...] = ()
    keyframes: list[KeyframeScript] = []
    for part in parsed:
        if isinstance(part, _Speech):
            name = next((one for one in names if name_key(one) == name_key(part.name)), part.name)
            speaker = (name,) if part.seen else ()
            plot = f'{name} says "{part.words}"'
            keyframes.append(_keyframe(plot if part.seen else f"The voice of {plot}", speaker, scene))
            present = speaker or present
        elif heading := _scene_elements(part):
            scene, present = heading, ()
        else:
            for plot in sentences(_with_names_as_cast(" ".join(line.lstrip("!") for line in part), names)):
                present = _people_in(plot, names, present)
                keyframes.append(_keyframe(plot, present, scene))
    title = title_page.get("title") or title_of(_stem(source))
    story = Story(title=title, characters=tuple(people), keyframes=tuple(keyframes))
    return _checked(story, source=source)


def _with_names_as_cast(action: str, names: Sequence[str]) -> str:
    """Screenplays write a name in capitals when its bearer first appears; the cast's spelling is kept."""
    for name in names:
        action = re.sub(rf"\b{re.escape(name.upper())}\b", lambda _, name=name: name, action)
    return action


def _blocks(text: str) -> tuple[dict[str, str], list[list[str]]]:
    """The title page's fields, then the groups of lines between blank lines that are shown or said."""
    text = "\n".join(line.rstrip() for line in _NOT_SHOWN.sub("", text).splitlines()).strip("\n")
    title_page: dict[str, str] = {}
    groups = [group.splitlines() or [""] for group in re.split(r"\n{2,}", text)]
    if _TITLE_PAGE.match(groups[0][0]):
        title_page = _title_page(groups.pop(0))
    return title_page, [block for group in groups for block in _shown(group)]


def _title_page(lines: Sequence[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    field = ""
    for line in lines:
        if not line.startswith((" ", "\t")) and ":" in line:
            field, _, value = line.partition(":")
            fields[field.strip().lower()] = _plain(value)
        elif field:
            fields[field.strip().lower()] = f"{fields[field.strip().lower()]} {_plain(line)}".strip()
    return fields


def _shown(group: Sequence[str]) -> Iterator[list[str]]:
    """`group` without transitions, sections, synopses and page breaks; a heading is a block of its own."""
    block: list[str] = []
    for raw in group:
        line = raw.strip()
        if not line or line.startswith(("#", "=", ">")) or _TRANSITION.fullmatch(line):
            continue
        line = _plain(line)
        if _scene_elements([line]):
            if block:
                yield block
            yield [line]
            block = []
        else:
            block.append(line)
    if block:
        yield block


def _plain(line: str) -> str:
    """`line` without the marks of emphasis, lyrics and underlining."""
    return (
        re.sub(r"(?<!\\)[*_]+", "", line).replace("\\*", "*").replace("\\_", "_").strip().lstrip("~").strip()
    )


def _scene_elements(block: Sequence[str]) -> tuple[str, ...]:
    """What a scene heading says, or nothing if `block` is none. A leading dot forces a heading."""
    line = re.sub(r"#[^#]*#\s*$", "", block[0]).strip()
    forced = line.startswith(".") and not line.startswith("..")
    match = _HEADING.fullmatch(line.lstrip(".") if forced else line)
    if len(block) != 1 or not (match or forced):
        return ()
    rest = match["rest"] if match else line.lstrip(".")
    parts = [part.strip(" .") for part in re.split(r"\s+[-–—]+\s+", rest)]
    inside = _INSIDE.get(match["inside"].lower()) if match else None
    return tuple(part for part in (inside, *(part.capitalize() for part in parts)) if part)


def _speech(block: Sequence[str]) -> _Speech | None:
    """The cue and its dialogue, or None if `block` is none. A leading @ forces a cue."""
    cue = block[0]
    forced = cue.startswith("@")
    bare = re.sub(r"\([^)]*\)", "", cue.lstrip("@")).rstrip("^ ").strip()
    is_cue = forced or (bare.upper() == bare and bare.lower() != bare and not cue.startswith("!"))
    words = " ".join(line for line in block[1:] if not re.fullmatch(r"\(.*\)", line))
    if not is_cue or not words or not bare:
        return None
    name = bare if forced else " ".join(word.capitalize() for word in bare.split())
    return _Speech(name=name, words=words.replace('"', "'"), seen=not _UNSEEN_SPEAKER.search(cue))
