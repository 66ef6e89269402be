"""Sentence -> token ids: CLIP's byte pairs (paper), or whole words of a closed vocabulary (miniature).

B sentences, S positions. Sources: CLIP, section 2.4 (byte pairs); LongCLIP, section 3 (248 positions).
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import open_clip
import torch
from jaxtyping import Int
from torch import Tensor

from moviedreamer_core.errors import WeightsError
from moviedreamer_core.script import MAX_CHARACTERS

PAD, START, END, UNKNOWN = SPECIALS = ("<pad>", "<start>", "<end>", "<unknown>")
PERSONS = tuple(f"person{number}" for number in range(1, MAX_CHARACTERS + 1))  # what names.anonymise writes
MIN_STEM_LETTERS = 3  # "sing" is not a form of "s"

_WORD = re.compile(r"'s\b|[^\W_]+(?:'(?!s\b)[^\W_]+)*")
_ENDINGS = ("s", "es", "ed", "d", "ing", "ly", "er", "r", "ers", "est", "st")


@runtime_checkable
class Tokenizer(Protocol):
    """What the text encoder needs of a tokenizer."""

    pad_id: int
    end_id: int
    vocab_size: int

    def encode(self, sentence: str) -> list[int]:
        """Ids from the start marker to the end marker, at most the context length."""

    def unknown_words(self, sentence: str) -> tuple[str, ...]:
        """The words that `encode` leaves out, each once, in order."""


def padded(sequences: Sequence[Sequence[int]], *, pad_id: int) -> Int[Tensor, "B S"]:
    """One row per sequence, padded at the right to the longest."""
    rows = [torch.tensor(sequence, dtype=torch.long) for sequence in sequences]
    if not rows:
        return torch.zeros(0, 0, dtype=torch.long)
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=pad_id)


def words(text: str) -> list[str]:
    """The lower-case words of `text`, without punctuation and accents; "Mara's" is "mara", "'s".

    The same rule as the storyworld's, whose sentences a closed vocabulary is trained on.
    """
    plain = unicodedata.normalize("NFKD", text.lower()).replace("\u2019", "'").replace("\u2018", "'")
    return _WORD.findall("".join(letter for letter in plain if not unicodedata.combining(letter)))


class BytePairTokenizer:
    """CLIP's tokenizer: every text has ids, so no word is unknown."""

    def __init__(self, *, context_length: int = 248) -> None:
        self._pairs = open_clip.SimpleTokenizer(context_length=context_length)
        self.context_length = context_length
        self.vocab_size: int = self._pairs.vocab_size
        self.pad_id = 0  # CLIP pads with an ordinary id; the causal mask hides what follows the end marker
        self.start_id: int = self._pairs.sot_token_id
        self.end_id: int = self._pairs.eot_token_id

    def encode(self, sentence: str) -> list[int]:
        # A sentence may spell out a marker ("<end_of_text>"): it is text and must not end the sentence.
        markers = (self.start_id, self.end_id)
        pairs = [pair for pair in self._pairs.encode(sentence) if pair not in markers]
        return [self.start_id, *pairs[: self.context_length - 2], self.end_id]

    def unknown_words(self, sentence: str) -> tuple[str, ...]:
        return ()


class WordTokenizer:
    """One id per known word. A word that is not in the vocabulary counts as a form of one that is
    ("strolled" as "stroll"), or else is left out and reported by `unknown_words`.

    `vocabulary` lists all entries in the order of their ids: the four SPECIALS, the PERSONS, the words.
    """

    def __init__(self, vocabulary: Sequence[str], *, context_length: int = 248) -> None:
        self.vocabulary = tuple(vocabulary)
        self.context_length = context_length
        self._ids = {entry: number for number, entry in enumerate(self.vocabulary)}
        head = SPECIALS + PERSONS
        if self.vocabulary[: len(head)] != head:
            raise ValueError(
                f"a vocabulary starts with {', '.join(head)}; found {', '.join(self.vocabulary[: len(head)])}"
            )
        if len(self._ids) != len(self.vocabulary):
            raise ValueError("the vocabulary lists a word twice")
        self.vocab_size = len(self.vocabulary)
        self.pad_id, self.start_id, self.end_id = (self._ids[entry] for entry in (PAD, START, END))
        self._by_stem = _shortest_by_stem(self.vocabulary[len(head) :])

    @classmethod
    def from_words(cls, known: Iterable[str], *, context_length: int = 248) -> WordTokenizer:
        """The tokenizer of these words, in alphabetical order."""
        return cls((*SPECIALS, *PERSONS, *sorted(set(known) - set(PERSONS))), context_length=context_length)

    @classmethod
    def read(cls, path: Path, *, context_length: int = 248) -> WordTokenizer:
        """The tokenizer of a JSON list. Raises WeightsError if the file does not hold a vocabulary."""
        try:
            vocabulary = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(vocabulary, list) or not all(isinstance(entry, str) for entry in vocabulary):
                raise ValueError("it is not a list of words")
            return cls(vocabulary, context_length=context_length)
        except OSError as error:
            raise WeightsError(
                f"{path.name}: cannot be read ({error.strerror}); fetch the weights again"
            ) from error
        except ValueError as error:
            raise WeightsError(f"{path.name}: not a vocabulary ({error}); fetch the weights again") from error

    def write(self, path: Path) -> None:
        """The JSON list that `read` takes."""
        path.write_text(json.dumps(self.vocabulary, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")

    def encode(self, sentence: str) -> list[int]:
        known = [self._ids[entry] for word in words(sentence) if (entry := self._entry(word)) is not None]
        return [self.start_id, *known[: self.context_length - 2], self.end_id]

    def unknown_words(self, sentence: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(word for word in words(sentence) if self._entry(word) is None))

    def _entry(self, word: str) -> str | None:
        """The vocabulary's word for `word`: itself, its stem, or another form of the same stem."""
        if word in self._ids:
            return word
        stems = tuple(_stems(word))
        known = next((stem for stem in stems if stem in self._ids), None)
        return known or next((self._by_stem[s] for s in (word, *stems) if s in self._by_stem), None)


def _stems(word: str) -> Iterator[str]:
    """What `word` may be a form of, the longest first; most of these are not words."""
    for ending in sorted(_ENDINGS, key=len):
        stem = word.removesuffix(ending)
        if stem == word or len(stem) < MIN_STEM_LETTERS:
            continue
        if stem.endswith("i"):
            yield stem[:-1] + "y"  # berr-ies, happ-ily
        yield stem
        if ending not in ("s", "es"):
            yield stem + "e"  # danc-ing
            if stem[-1] == stem[-2]:
                yield stem[:-1]  # hopp-ing


def _shortest_by_stem(vocabulary: Sequence[str]) -> dict[str, str]:
    by_stem: dict[str, str] = {}
    for word in sorted(vocabulary, key=len):
        for stem in _stems(word):
            by_stem.setdefault(stem, word)
    return by_stem
