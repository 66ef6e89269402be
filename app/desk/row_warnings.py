"""What a creator should know of a row: nothing here stops them from drawing, but for what the models refuse."""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.desk.near_words import in_place_of
from app.desk.said_actions import said_actions
from moviedreamer_core.names import anonymise, mentioned_names, name_key
from moviedreamer_core.script import MAX_CHARACTERS, MAX_SENTENCES, sentences
from moviedreamer_core.workspace import CastMember, Draft, Row

MAX_WORDS_TOLD = 6
_PERSON = re.compile(r"person\d+")

Words = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RowWarning:
    """`blocks`: the row cannot be drawn until this is put right. `field` is where it shows."""

    field: Literal["plot", "elements", "people"]
    text: str
    blocks: bool = False


class KnownWords:
    """The words that a closed vocabulary knows, loaded beside: its reader takes seconds to import."""

    def __init__(self, vocabulary: Path | None) -> None:
        self._tokenizer: Callable[[str], Words] | None = None
        self._near: Callable[[str], str] | None = None
        self.is_ready = vocabulary is None
        if vocabulary is not None:
            threading.Thread(target=self._load, args=(vocabulary,), daemon=True, name="vocabulary").start()

    def unknown(self, text: str) -> Words:
        """The words of `text` that the models do not know; none while the vocabulary is still being loaded."""
        return self._tokenizer(text) if self._tokenizer else ()

    def near(self, word: str) -> str:
        """What the models know that is nearest to an unknown word; "" where nothing is near."""
        return self._near(word) if self._near else ""

    def _load(self, vocabulary: Path) -> None:
        from moviedreamer_core.encoders.tokenizer import WordTokenizer
        from moviedreamer_core.errors import WeightsError
        from moviedreamer_core.storyworld.names import NAMES

        try:
            tokenizer = WordTokenizer.read(vocabulary)
        except WeightsError:  # the worker, which needs it, says what is wrong with the weights
            self.is_ready = True
            return
        known, names = frozenset(tokenizer.vocabulary), frozenset(name.lower() for name in NAMES)
        self._near = functools.lru_cache(maxsize=8192)(lambda word: in_place_of(word, known, names=names))
        self._tokenizer = functools.lru_cache(maxsize=8192)(tokenizer.unknown_words)
        self.is_ready = True


def row_warnings(draft: Draft, row: Row, words: KnownWords) -> tuple[RowWarning, ...]:
    """In the order in which they should be told."""
    return (
        *_plot_warnings(row, draft.cast),
        *_people_warnings(row, draft.cast),
        *_contradictions(row),
        *_length_warnings(draft, row),
        *_word_warnings(row, draft.cast, words),
    )


def style_warnings(draft: Draft, words: KnownWords) -> tuple[str, ...]:
    """Of the style, which is a sentence of every shot."""
    found = unknown_words(draft.style, draft.cast, words)
    return (said_unknown(found, words),) if found else ()


def unknown_words(text: str, cast: tuple[CastMember, ...], words: KnownWords) -> Words:
    """Those of `text` that the models do not know, leaving out names of the cast."""
    names = [member.name for member in cast if member.name.strip()]
    found = [word for sentence in sentences(text) for word in words.unknown(anonymise(sentence, names))]
    return tuple(dict.fromkeys(word for word in found if not _PERSON.fullmatch(word)))


def said_unknown(found: Words, words: KnownWords) -> str:
    """Which words of a text are read past, what to say instead of them, and which the picture will not show."""
    quoted = [f'"{word}"' for word in found[:MAX_WORDS_TOLD]]
    more = len(found) - len(quoted)
    listed = ", ".join(quoted) + (f" and {more} more" if more else "")
    noun = "words" if len(found) > 1 else "word"
    told = found[:MAX_WORDS_TOLD]
    instead = [f'"{near}" for "{word}"' for word in told if (near := words.near(word))]
    lost = [f'"{word}"' for word in told if not words.near(word)]
    tries = f" Try {', '.join(instead)}." if instead else ""
    shows = f" The picture will not show {_either(lost)}: no word near it is known." if lost else ""
    return f"Unknown {noun}, read past when drawing: {listed}.{tries}{shows}"


def _either(quoted: list[str]) -> str:
    return " or ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))


def _plot_warnings(row: Row, cast: tuple[CastMember, ...]) -> Iterator[RowWarning]:
    if not row.plot.strip():
        yield RowWarning(
            field="plot", text="There is no plot yet; write what happens in this shot.", blocks=True
        )
    in_frame = {name_key(person.name) for person in row.characters}
    names = [member.name for member in cast if member.name.strip()]
    for name in mentioned_names(row.plot, names):
        if name_key(name) not in in_frame:
            yield RowWarning(
                field="people", text=f"The plot mentions {name}, who is not in the frame and is not drawn."
            )


def _people_warnings(row: Row, cast: tuple[CastMember, ...]) -> Iterator[RowWarning]:
    known = {name_key(member.name) for member in cast}
    people = [person for person in row.characters if person.name.strip()]
    seen: set[str] = set()
    for person in people:
        key = name_key(person.name)
        if key not in known:
            text = f"{person.name} is not in the cast; add them there or choose another name."
            yield RowWarning(field="people", text=text, blocks=True)
        elif key in seen:
            text = f"{person.name} is listed twice; join the two descriptions."
            yield RowWarning(field="people", text=text, blocks=True)
        seen.add(key)
    if len(people) > MAX_CHARACTERS:
        text = f"{len(people)} people are in the frame; at most {MAX_CHARACTERS} can be drawn, split the shot in two."
        yield RowWarning(field="people", text=text, blocks=True)


def _contradictions(row: Row) -> Iterator[RowWarning]:
    """Where one person is in the frame: an action that their line says and the plot does not, which says another.

    With several people it is not plain who does what, so that nothing is said.
    """
    people = [person for person in row.characters if person.name.strip()]
    if len(people) != 1:
        return
    in_plot, in_line = said_actions(row.plot), said_actions(people[0].description)
    if in_plot and in_line and not in_plot & in_line:
        yield RowWarning(
            field="people",
            text=f"The plot says {_listed(in_plot)}, the line of {people[0].name.strip()} says {_listed(in_line)}; "
            "let both say the same.",
        )


def _listed(actions: frozenset[str]) -> str:
    return " and ".join(sorted(actions))


def _length_warnings(draft: Draft, row: Row) -> Iterator[RowWarning]:
    looks = {name_key(member.name): member.description for member in draft.cast}
    texts = [draft.style, *row.scene_elements, row.plot]
    for person in row.characters:
        texts += [looks.get(name_key(person.name), ""), person.description]
    number = sum(len(sentences(text)) for text in texts if text.strip())
    if number > MAX_SENTENCES:
        text = (
            f"{number} sentences describe this shot and {MAX_SENTENCES} fit; the plot comes last and is cut first: "
            "shorten descriptions or scene elements."
        )
        yield RowWarning(field="elements", text=text)


def _word_warnings(row: Row, cast: tuple[CastMember, ...], words: KnownWords) -> Iterator[RowWarning]:
    people = " ".join(person.description for person in row.characters)
    fields: tuple[tuple[Literal["plot", "elements", "people"], str], ...] = (
        ("plot", row.plot),
        ("elements", "\n".join(row.scene_elements)),
        ("people", people),
    )
    for field, text in fields:
        if found := unknown_words(text, cast, words):
            yield RowWarning(field=field, text=said_unknown(found, words))
