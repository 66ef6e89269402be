"""Screenplays in Fountain: text -> the elements of its syntax.

Every step takes time in proportion to the text's length, whatever the text.
Source: https://fountain.io/syntax (version 1.1), whose rules the comments quote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# --- the elements ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Heading:
    """`text` without the forcing dot and the scene number, as it is written: `EXT. BEACH - DAY`."""

    text: str
    scene_number: str = ""


@dataclass(frozen=True, kw_only=True)
class Action:
    """A paragraph with its line breaks. Centred text is a title card (`> THE END <`)."""

    text: str
    is_centred: bool = False


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of a speech. A parenthetical is without its parentheses."""

    text: str
    is_parenthetical: bool = False
    is_sung: bool = False


@dataclass(frozen=True, kw_only=True)
class Speech:
    """A cue and what follows it. `is_dual`: spoken at the same time as the speech before."""

    name: str
    extensions: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    is_dual: bool = False


@dataclass(frozen=True, kw_only=True)
class Lyric:
    """A line that is sung, outside a speech."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Transition:
    text: str


@dataclass(frozen=True, kw_only=True)
class Section:
    text: str
    level: int


@dataclass(frozen=True, kw_only=True)
class Synopsis:
    text: str


@dataclass(frozen=True, kw_only=True)
class PageBreak:
    pass


Element = Heading | Action | Speech | Lyric | Transition | Section | Synopsis | PageBreak


@dataclass(frozen=True, kw_only=True)
class Screenplay:
    """`title_page` has the fields in lower case; several lines of one are joined by line breaks."""

    title_page: dict[str, str]
    elements: tuple[Element, ...]


# --- reading -----------------------------------------------------------------------------------------

_KNOWN_FIELDS = frozenset((
    "title", "credit", "author", "authors", "source", "draft date", "date", "contact", "copyright", "notes",
    "revision",
))  # fmt: skip
_FIELD = re.compile(r"([^\W\d_][^:]{0,60}?)\s*:(?!\S*//)\s*(.*)")
_INDENTED = re.compile(r" {3}|\t| {0,2}\t")
HEADING = re.compile(r"(?P<place>int\.?/ext|i/e|int|ext|est)(?:\.\s*|\s+)(?P<rest>\S.*)", re.IGNORECASE)
_FORCED_HEADING = re.compile(r"\.[^\W_]")  # "only a single leading period followed by an alphanumeric"
_SCENE_NUMBER = re.compile(r"#([\w.-]+)#$")
_EXTENSION = re.compile(r"\(([^()]*)\)$")
_CONNECTOR = "  "  # "two spaces on your blank line", and it does not separate
_EMPTY_LINE = re.compile(rf"\n(?!{_CONNECTOR}\n)[ \t]*(?=\n)")


def parse_fountain(text: str) -> Screenplay:
    """The elements of a screenplay in order, without boneyard, notes and marks of emphasis.

    Any text is a screenplay: what fits no rule is action ("when in doubt, Fountain returns text as Action").
    """
    text = text.encode("utf-8", "replace").decode().removeprefix("\ufeff")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = _without_notes(_without_boneyard(text)).split("\n")
    title_page, start = _title_page(lines)
    return Screenplay(title_page=title_page, elements=tuple(_elements(lines[start:])))


def _without_boneyard(text: str) -> str:
    """`/* ... */` "can span as much of your screenplay as you like"; one that never ends is text."""
    kept, position = [], 0
    while (opening := text.find("/*", position)) >= 0 and (closing := text.find("*/", opening + 2)) >= 0:
        kept.append(text[position:opening])
        position = closing + 2
    return "".join([*kept, text[position:]])


def _without_notes(text: str) -> str:
    """`[[ ... ]]` does not cross an empty line. Lines that held nothing else go with it."""
    kept, position = [], 0
    for gap in [*_EMPTY_LINE.finditer(text), None]:
        end = gap.start() if gap else len(text)
        kept.append(_block_without_notes(text[position:end]))
        if gap:
            kept.append(gap[0])
            position = gap.end()
    return "".join(kept)


def _block_without_notes(block: str) -> str:
    kept, position = "", 0
    pieces: list[str] = []
    while (opening := block.find("[[", position)) >= 0 and (closing := block.find("]]", opening + 2)) >= 0:
        pieces.append(block[position:opening] + "\0")  # marks where a note was
        position = closing + 2
    if not pieces:
        return block
    kept = "".join([*pieces, block[position:]])
    lines = [line for line in kept.split("\n") if "\0" not in line or line.replace("\0", "").strip()]
    return "\n".join(lines).replace("\0", "")


def _title_page(lines: Sequence[str]) -> tuple[dict[str, str], int]:
    """The fields of the title page and the number of lines it takes; none if there is no title page.

    A first line with a colon may also be action or `FADE IN:`, so that one known field is asked for.
    """
    first = next((number for number, line in enumerate(lines) if line.strip()), len(lines))
    fields: dict[str, list[str]] = {}
    field = ""
    number = first
    for number in range(first, len(lines) + 1):
        line = lines[number] if number < len(lines) else ""
        if not line.strip():
            break
        match = None if _INDENTED.match(line) else _FIELD.fullmatch(line.strip())
        if match:
            field = " ".join(match[1].lower().split())
            fields.setdefault(field, []).append(match[2])
        elif field:
            fields[field].append(line)
        else:
            return {}, 0
    if not _KNOWN_FIELDS & fields.keys():
        return {}, 0
    plain = {field: [_plain(value.strip()) for value in values] for field, values in fields.items()}
    return {field: "\n".join(value for value in values if value) for field, values in plain.items()}, number


def _elements(lines: Sequence[str]) -> Iterator[Element]:
    number, after_gap = 0, True
    while number < len(lines):
        if not lines[number].strip():
            number, after_gap = number + 1, True
            continue
        element, end = _element_at(lines, number, after_gap=after_gap)
        yield element
        # What is not shown does not separate either: a heading may follow its section directly.
        after_gap = not isinstance(element, Action | Speech | Lyric)
        number = end


def _element_at(lines: Sequence[str], number: int, *, after_gap: bool) -> tuple[Element, int]:
    """The element that starts at line `number`, which is not empty, and the number of the line after it."""
    if special := _one_line_element(lines, number, after_gap=after_gap):
        return special, number + 1
    line = lines[number].strip()
    if after_gap and not line.startswith("!") and number + 1 < len(lines) and lines[number + 1].strip():
        cue = _cue(line)
        if cue:
            spoken, end = _spoken(lines, number + 1)
            return Speech(name=cue.name, extensions=cue.extensions, lines=spoken, is_dual=cue.is_dual), end
    end = number + 1
    while end < len(lines) and lines[end].strip() and not lines[end].lstrip().startswith("!"):
        if _one_line_element(lines, end, after_gap=False):
            break
        end += 1
    shown = (_plain(line.strip().removeprefix("!")).strip() for line in lines[number:end])
    return Action(text="\n".join(line for line in shown if line)), end


def _one_line_element(lines: Sequence[str], number: int, *, after_gap: bool) -> Element | None:
    line = lines[number].strip()
    match line[0]:
        case "=" if len(line) >= 3 and not line.strip("="):
            return PageBreak()
        case "=":
            return Synopsis(text=_plain(line[1:].strip()))
        case "#":
            text = line.lstrip("#")
            return Section(text=_plain(text.strip()), level=len(line) - len(text))
        case ">" if line.endswith("<") and len(line) > 1:
            return Action(text=_plain(line[1:-1].strip()), is_centred=True)
        case ">":
            return Transition(text=_plain(line[1:].strip()))
        case "~":
            return Lyric(text=_plain(line[1:].strip()))
        case "!":
            return None
    before_gap = (
        number + 1 == len(lines) or not lines[number + 1].strip() or lines[number + 1].strip()[0] in "#="
    )
    if _FORCED_HEADING.match(line):
        return _heading(line[1:])
    plain = _plain(line)
    # "preceded by and followed by an empty line"; spaces after the colon make it action.
    if after_gap and plain.isupper() and plain.endswith("TO:") and lines[number].endswith(line):
        return Transition(text=plain)
    # The rules ask for empty lines around a heading; one in capitals cannot be meant as anything else.
    if HEADING.fullmatch(plain) and ((after_gap and before_gap) or plain.isupper()):
        return _heading(line)
    return None


def _heading(line: str) -> Heading:
    number = _SCENE_NUMBER.search(line)
    text = line[: number.start()] if number else line
    return Heading(text=_plain(text.strip()), scene_number=number[1] if number else "")


def _cue(line: str) -> Speech | None:
    """The speaker, "any line entirely in uppercase"; extensions "may be in uppercase or lowercase"."""
    forced = line.startswith("@")
    rest = _plain(line.removeprefix("@").strip())
    dual = rest.endswith("^")
    rest = rest.rstrip("^ ").rstrip()
    extensions: list[str] = []
    while match := _EXTENSION.search(rest):
        extensions.insert(0, match[1].strip())
        rest = rest[: match.start()].rstrip()
    # Scripts without capitals need the @: isupper wants one letter that has a case.
    if not rest or not (forced or rest.isupper()):
        return None
    return Speech(name=rest, extensions=tuple(extensions), is_dual=dual)


def _spoken(lines: Sequence[str], number: int) -> tuple[tuple[Line, ...], int]:
    """The lines of a speech from line `number` on, and the number of the line after it."""
    spoken: list[Line] = []
    for end in range(number, len(lines)):
        line = lines[end].strip()
        if (not line and lines[end] != _CONNECTOR) or line.startswith(("!", ">")):
            return tuple(spoken), end
        if not line or line.startswith("="):
            continue  # "They can be located anywhere within the screenplay."
        sung = line.startswith("~")
        text = _plain(line.removeprefix("~").strip())
        inside = not sung and text.startswith("(") and text.endswith(")")
        text = text[1:-1].strip() if inside else text
        if text:
            spoken.append(Line(text=text, is_parenthetical=inside, is_sung=sung))
    return tuple(spoken), len(lines)


# --- emphasis ----------------------------------------------------------------------------------------

_MARK = re.compile(r"\\[*_]|\*+|_+")


def _plain(line: str) -> str:
    """`line` without its marks of emphasis, by Markdown's rules: only pairs count, and spaces matter.

    A run of marks opens before a character that is no space and closes after one; underscores inside a word
    are text.
    """
    if "*" not in line and "_" not in line:
        return line
    pieces: list[str] = []
    openers: dict[str, list[int]] = {"*": [], "_": []}  # where in `pieces` the runs that may open stand
    position = 0
    for match in _MARK.finditer(line):
        pieces += [line[position : match.start()], match[0].removeprefix("\\")]
        position = match.end()
        mark, before, after = (
            match[0][0],
            line[match.start() - 1 : match.start()],
            line[position : position + 1],
        )
        if mark == "\\":
            continue
        inside_word = mark == "_" and before.isalnum() and after.isalnum()
        if before.strip() and not inside_word:
            _close(pieces, openers[mark])
        if after.strip() and not inside_word and pieces[-1]:
            openers[mark].append(len(pieces) - 1)
    return "".join([*pieces, line[position:]])


def _close(pieces: list[str], openers: list[int]) -> None:
    """Take as many marks off the last piece as there are open ones, and those off too."""
    while pieces[-1] and openers:
        pairs = min(len(pieces[-1]), len(pieces[openers[-1]]))
        pieces[-1] = pieces[-1][pairs:]
        pieces[openers[-1]] = pieces[openers[-1]][pairs:]
        if not pieces[openers[-1]]:
            openers.pop()
