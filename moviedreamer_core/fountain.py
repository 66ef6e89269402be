"""A screenplay as a story: one keyframe per sentence of the action and one per speech.

Source of the format: https://fountain.io/syntax (version 1.1).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from moviedreamer_core.errors import StoryError
from moviedreamer_core.names import name_key
from moviedreamer_core.prose import NOT_A_NAME, people_in, title_of
from moviedreamer_core.screenplay import HEADING, Action, Element, Heading, Lyric, Speech, parse_fountain
from moviedreamer_core.script import (
    Character,
    CharacterInFrame,
    KeyframeScript,
    Story,
    check_story,
    sentences,
)

MAX_CHARACTERS_OF_TEXT = 2**20  # a feature film has a quarter of that
MAX_KEYFRAMES = 5000  # a feature film has about 3,000 sentences and speeches
MAX_CAST = 200
MAX_SEGMENT = 1000  # characters given to the sentence segmenter at once: its time grows with their square

_INSIDE = {"int": "Indoors", "ext": "Outdoors", "est": "Outdoors"}
_DASH = re.compile(r"\s+[-–—]+\s+")
_TIME_OF_DAY = re.compile(
    r"\b(day|night|morning|afternoon|evening|dawn|dusk|sunset|sunrise|sundown|noon|midday|midnight|twilight)\b",
    re.IGNORECASE,
)
_SAME_TIME = re.compile(r"continuous|continuing|same( time)?|(a )?(moments? |seconds? )?later", re.IGNORECASE)
_UNSEEN = re.compile(
    r"v\.? ?o\.?|o\.? ?s\.?|o\.? ?c\.?|off|off[- ]screen|off[- ]camera|voice[- ]?over|pre-?lap|"
    r"(on|over|through|from)( the)? (radio|tv|television|intercom|speakers?|tape|tele)?(phone|recorder)?",
    re.IGNORECASE,
)
_NOT_DONE = re.compile(r"(a )?(long |short )?(beat|pause)|cont(inued|inuing|['’]d|d)?\.?|then", re.IGNORECASE)
_CARD = re.compile(r"(fade|iris|cut)\s+(in|out|to|from)( (to|from))?( black| white)?\s*[:.]*", re.IGNORECASE)
_CAPITALS = re.compile(r"\b[^\W\d_a-z][^\W_a-z]+(?: [^\W\d_a-z][^\W_a-z]+)?\b")  # one word or two
_WORD = re.compile(r"[^\W\d_]+")
_LIST = re.compile(r"[,;/]")


def story_from_fountain(text: str, cast: Sequence[Character], *, source: str) -> Story:
    """A screenplay as a story: each sentence of the action is a keyframe, and so is each speech.

    A heading `EXT. BEACH - SUNSET` is said as the scene elements `Outdoors`, `Beach`, `Sunset` of the keyframes
    that follow; a speech as the plot `Mara says "..."`, its parentheticals as what Mara does there. Who is heard
    but not seen (V.O., O.S.) is not in the frame; of dual dialogue, both are. Transitions, title cards,
    sections, synopses, notes and the boneyard are not drawn. Without a `cast`, the speakers are it, and those
    whom the action introduces in capitals and names again.
    Raises StoryError: `source` (a file name), the keyframe if it is one, what was found, what to do.
    """
    if len(text) > MAX_CHARACTERS_OF_TEXT:
        raise StoryError(
            f"{source}: the screenplay has {len(text):,} characters, the limit is {MAX_CHARACTERS_OF_TEXT:,}; "
            "import it act by act"
        )
    screenplay = parse_fountain(text)
    people = list(cast) or [Character(name=name) for name in _cast_of(screenplay.elements, source=source)]
    keyframes: list[KeyframeScript] = []
    for keyframe in _keyframes(screenplay.elements, [person.name for person in people]):
        keyframes.append(keyframe)
        if len(keyframes) > MAX_KEYFRAMES:
            raise StoryError(
                f"{source}: the screenplay has more than {MAX_KEYFRAMES:,} sentences and speeches, "
                "each of which becomes a keyframe; import it act by act"
            )
    if not keyframes:
        raise StoryError(
            f"{source}: the screenplay has no action and no dialogue; "
            "write below a scene heading what is seen, or open plain prose as .txt"
        )
    title = " ".join(screenplay.title_page.get("title", "").split()) or title_of(
        source.rpartition(".")[0] or source
    )
    story = Story(title=title, characters=tuple(people), keyframes=tuple(keyframes))
    try:
        check_story(story)
    except StoryError as error:
        raise StoryError(f"{source}: {error}") from None
    return story


def _cast_of(elements: Sequence[Element], *, source: str) -> list[str]:
    """The speakers, then who is introduced in capitals and named again in the action."""
    names = {
        name_key(name): name for name in (_as_name(one.name) for one in elements if isinstance(one, Speech))
    }
    known = {word for key in names for word in key.split()}
    for name in _introduced(elements):
        if not known & set(name_key(name).split()):
            names.setdefault(name_key(name), name)
    if len(names) > MAX_CAST:
        raise StoryError(
            f"{source}: {len(names):,} different names speak or are introduced, the limit is {MAX_CAST}; "
            "put an exclamation mark before lines in capitals that are action, or import it act by act"
        )
    return list(names.values())


def _introduced(elements: Sequence[Element]) -> Iterator[str]:
    """Names of one word or two that the action has first in capitals, also as a name, never in lower case."""
    words = [word for one in elements if isinstance(one, Action) for word in _WORD.findall(one.text)]
    written = {(word,) for word in words} | set(itertools.pairwise(words))
    for one in elements:
        if not isinstance(one, Action) or one.is_centred:
            continue
        for capitals in _CAPITALS.findall(one.text):
            parts = tuple(capitals.split())
            name = tuple(part.capitalize() for part in parts)
            is_word = any((part.lower(),) in written or part.lower() in NOT_A_NAME for part in parts)
            if name in written and not is_word:
                yield " ".join(name)


def _keyframes(elements: Sequence[Element], names: Sequence[str]) -> Iterator[KeyframeScript]:
    spelled = _Spelling(names)
    scene = _Scene()
    present: tuple[str, ...] = ()
    for number, element in enumerate(elements):
        match element:
            case Heading():
                scene, present = scene.after(element, spelled), ()
            case Speech():
                following = elements[number + 1] if number + 1 < len(elements) else None
                if element.is_dual and number and isinstance(elements[number - 1], Speech):
                    continue  # told with the speech before
                both = [element]
                if isinstance(following, Speech) and following.is_dual:
                    both.append(following)
                keyframe = _spoken_keyframe(both, spelled, scene.elements)
                present = tuple(person.name for person in keyframe.characters) or present
                yield keyframe
            case Lyric():
                if not number or not isinstance(elements[number - 1], Lyric):
                    yield KeyframeScript(plot=_song(elements[number:]), scene_elements=scene.elements)
            case Action() if not element.is_centred and not _CARD.fullmatch(element.text):
                for plot in _sentences(spelled.in_text(" ".join(element.text.split()))):
                    present = people_in(plot, names, present)
                    people = tuple(CharacterInFrame(name=name) for name in present)
                    yield KeyframeScript(plot=plot, scene_elements=scene.elements, characters=people)


def _spoken_keyframe(
    speeches: Sequence[Speech], spelled: _Spelling, scene: tuple[str, ...]
) -> KeyframeScript:
    plots: list[str] = []
    people: dict[str, CharacterInFrame] = {}
    for speech in speeches:
        name = spelled.of_cue(speech.name)
        asides = [line.text for line in speech.lines if line.is_parenthetical]
        notes = [part.strip() for extension in speech.extensions for part in _LIST.split(extension)]
        seen = not any(_UNSEEN.fullmatch(note) for note in notes)
        if seen:
            asides = [*notes, *asides]
            people.setdefault(name_key(name), CharacterInFrame(name=name, description=_done(asides, spelled)))
        plots.append(_said(speech, name if seen else f"The voice of {name}"))
    plot = " and ".join([plots[0], *(_lower_article(plot) for plot in plots[1:])])
    return KeyframeScript(plot=plot, scene_elements=scene, characters=tuple(people.values()))


def _said(speech: Speech, who: str) -> str:
    """`Mara says "..."`, or sings; one who says nothing just speaks."""
    words = [line for line in speech.lines if not line.is_parenthetical]
    if not words:
        return f"{who} speaks"
    verb = "sings" if all(line.is_sung for line in words) else "says"
    return f'{who} {verb} "{_quoted([line.text for line in words])}"'


def _song(elements: Sequence[Element]) -> str:
    lines: list[str] = []
    for element in elements:
        if not isinstance(element, Lyric):
            break
        lines.append(element.text)
    return f'A voice sings "{_quoted(lines)}"'


def _quoted(lines: Sequence[str]) -> str:
    return " ".join(" ".join(lines).split()).replace('"', "'")


def _lower_article(plot: str) -> str:
    return f"the voice{plot.removeprefix('The voice')}" if plot.startswith("The voice of ") else plot


def _done(asides: Sequence[str], spelled: _Spelling) -> str:
    """`("whispering", "beat")` is `Whispering.`: a sentence each, without those that are about time only."""
    told = dict.fromkeys(
        " ".join(aside.split()) for aside in asides if not _NOT_DONE.fullmatch(aside.strip())
    )
    return " ".join(
        spelled.in_text(f"{aside[:1].upper()}{aside[1:]}{'' if aside[-1] in '.!?' else '.'}")
        for aside in told
        if aside
    )


def _sentences(text: str) -> Iterator[str]:
    """The sentences of `text`, which the segmenter gets in parts that end where a sentence may end."""
    start = 0
    while start < len(text):
        end = len(text)
        if end - start > MAX_SEGMENT:
            cuts = (text.rfind(mark, start, start + MAX_SEGMENT) for mark in (". ", "! ", "? "))
            end = max(cuts) + 1 or text.rfind(" ", start, start + MAX_SEGMENT) + 1 or start + MAX_SEGMENT
        yield from sentences(text[start:end])
        start = end


@dataclass(frozen=True, kw_only=True)
class _Scene:
    elements: tuple[str, ...] = ()
    time: str = ""  # of day, as long as headings say that it has not changed

    def after(self, heading: Heading, spelled: _Spelling) -> _Scene:
        """`INT. KITCHEN - CONTINUOUS` is at the time of the scene before, and says nothing else."""
        match = HEADING.fullmatch(heading.text)
        inside = _INSIDE.get(match["place"].lower(), "") if match else ""
        parts = [part.strip(" .") for part in _DASH.split(match["rest"] if match else heading.text)]
        is_same_time = any(_SAME_TIME.fullmatch(part) for part in parts)
        parts = [spelled.of_place(part) for part in parts if part and not _SAME_TIME.fullmatch(part)]
        time = next((part for part in reversed(parts[1:]) if _TIME_OF_DAY.search(part)), "")
        if is_same_time and not time:
            time = self.time
            parts.append(time)
        return _Scene(elements=tuple(part for part in (inside, *parts) if part), time=time)


class _Spelling:
    """The names as the cast has them, where a screenplay writes them in capitals."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = {name_key(name): name for name in names}
        self._words = set(re.findall(r"\w+", " ".join(names)))
        capitals = sorted((re.escape(name.upper()) for name in names if name.strip()), key=len, reverse=True)
        self._capitals = re.compile(rf"(?<!\w)({'|'.join(capitals)})(['’]S)?(?!\w)") if capitals else None

    def of_cue(self, name: str) -> str:
        return self._names.get(name_key(name)) or _as_name(name)

    def in_text(self, text: str) -> str:
        if self._capitals is None:
            return text
        return self._capitals.sub(
            lambda match: self._names.get(name_key(match[1]), match[1]) + (match[2] or "").lower(), text
        )

    def of_place(self, part: str) -> str:
        """`OLD TOM'S HUT` is `Old Tom's hut`."""
        if not part.isupper():
            return part[:1].upper() + part[1:]
        spelled = self.in_text(part)
        lowered = re.sub(r"\w+", lambda word: word[0] if word[0] in self._words else word[0].lower(), spelled)
        return lowered[:1].upper() + lowered[1:]


def _as_name(cue: str) -> str:
    """`DR. O'NEIL` is `Dr. O'Neil`; a name that has lower-case letters is kept."""
    if not cue.isupper():
        return " ".join(cue.split())
    words = re.sub(r"[^\W\d_]+", lambda word: word[0].capitalize(), cue)
    return " ".join(re.sub(r"(?<=\w)(['’])([A-Z])(?!\w)", lambda end: end[1] + end[2].lower(), words).split())
