"""The multimodal script: the story as a creator writes it, and the token layout the planner reads.

Source: MovieDreamer, section 3.3 ("multimodal script") and figure 4.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Annotated, NamedTuple

import pysbd
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from moviedreamer_core.errors import StoryError
from moviedreamer_core.names import mentioned_names, name_key
from moviedreamer_core.validation import explain, found, without_nulls

MAX_CHARACTERS = 5  # per keyframe: the renderer has five face slots
MAX_SENTENCES = 15  # per keyframe: the renderer has fifteen description slots
MAX_REFERENCES = 10  # few-shot frames of one story
MAX_SEED = 2**63 - 1  # what torch.Generator takes


def _not_a_truth_value(value: object) -> object:
    """Pydantic would read `seed: yes` as 1."""
    return str(value).lower() if isinstance(value, bool) else value


def _named(value: object) -> object:
    """A bare name stands for a character without a description: `characters: [Mara, Tom]`."""
    return {"name": value} if isinstance(value, str) else value


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


Text = Annotated[str, Field(min_length=1)]
Seed = Annotated[int, BeforeValidator(_not_a_truth_value), Field(ge=0, le=MAX_SEED)]
Seconds = Annotated[float, BeforeValidator(_not_a_truth_value), Field(gt=0, le=60)]


class Character(_Strict):
    """One member of the cast. `faces` are image paths relative to the story file."""

    name: Text
    description: str = ""
    faces: tuple[Text, ...] = ()


class CharacterInFrame(_Strict):
    """A cast member in one keyframe, with what they do or wear there only."""

    name: Text
    description: str = ""


class KeyframeScript(_Strict):
    """One row of the script table. `seconds` is the length of its clip."""

    plot: Text
    scene_elements: tuple[Text, ...] = ()
    characters: tuple[Annotated[CharacterInFrame, BeforeValidator(_named)], ...] = ()
    seed: Seed | None = None
    seconds: Seconds = 2.0


class Story(_Strict):
    """A whole story: cast, few-shot references, keyframes.

    The fields alone are valid in themselves; `check_story` tells whether they fit each other, so that
    an editor can hold a story that is still being written.
    """

    title: str = "Untitled"
    style: str = ""
    seed: Seed = 0
    characters: tuple[Character, ...] = ()
    references: tuple[Text, ...] = ()
    keyframes: tuple[KeyframeScript, ...] = ()


class ElementKind(Enum):
    IDENTIFIER = "identifier"  # goes through the language model's own tokenizer
    SENTENCE = "sentence"  # one token: text encoder, then MLP
    FACE = "face"  # one token: face encoder, then MLP
    VISUAL = "visual"  # one of the keyframe's visual tokens


class Element(NamedTuple):
    """One element of a keyframe's sequence.

    `text` is the identifier, the sentence, the character's name (FACE) or the index of the visual token
    ("0", "1").
    """

    kind: ElementKind
    text: str


START_OF_FRAME, END_OF_FRAME = "[START_OF_FRAME]", "[END_OF_FRAME]"
CHARACTERS, SCENE_ELEMENTS, PLOTS, ITEM = "Characters:", "Scene Elements:", "Plots:", "-"


# --- reading -----------------------------------------------------------------------------------------


def parse_story(mapping: object, *, source: str) -> Story:
    """A complete, consistent story from what a YAML or JSON file holds.

    Fields that are null count as left out. Raises StoryError: `source` (a file name), then the field and
    the 1-based keyframe number, what was found, what to do.
    """
    if not isinstance(mapping, dict):
        raise StoryError(
            f"{source}: a story is a mapping with the fields title, characters and keyframes, "
            f"found {found(mapping)}; start from an example story"
        )
    try:
        story = Story.model_validate(without_nulls(mapping))
        check_story(story)
    except ValidationError as error:
        raise StoryError(f"{source}: {explain(error, Story)}") from None
    except StoryError as error:
        raise StoryError(f"{source}: {error}") from None
    return story


def check_story(story: Story) -> None:
    """Raise StoryError unless the parts of `story` fit each other and the paper's limits."""
    if not story.keyframes:
        raise StoryError("story has no keyframes; add at least one under keyframes")
    if len(story.references) > MAX_REFERENCES:
        raise StoryError(
            f"references: more than {MAX_REFERENCES} (found {len(story.references)}); "
            f"keep the {MAX_REFERENCES} that show the cast and the places best"
        )
    twice = _first_repeated(character.name for character in story.characters)
    if twice:
        raise StoryError(f'characters: "{twice}" is in the cast twice; give each character their own name')
    cast = {name_key(character.name) for character in story.characters}
    for number, keyframe in enumerate(story.keyframes, start=1):
        _check_characters(keyframe, cast, where=f"keyframe {number}: characters")


def _check_characters(keyframe: KeyframeScript, cast: set[str], *, where: str) -> None:
    names = [character.name for character in keyframe.characters]
    if len(names) > MAX_CHARACTERS:
        raise StoryError(
            f"{where}: more than {MAX_CHARACTERS} (found {len(names)}); "
            "split the shot in two or leave someone out"
        )
    for name in names:
        if name_key(name) not in cast:
            raise StoryError(
                f'{where}: "{name}" is not in the cast; add them under characters or correct the name'
            )
    twice = _first_repeated(names)
    if twice:
        raise StoryError(f'{where}: "{twice}" is listed twice; join the two descriptions')


def _first_repeated(names: Iterator[str] | Sequence[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name_key(name) in seen:
            return name
        seen.add(name_key(name))
    return None


# --- the token layout --------------------------------------------------------------------------------


@functools.lru_cache(maxsize=8192)  # the same descriptions return in every keyframe
def sentences(text: str) -> tuple[str, ...]:
    """The sentences of `text`, without surrounding space; a noun phrase counts as one sentence."""
    # A segmenter keeps the text it works on, so threads must not share one; making one costs nothing.
    parts = pysbd.Segmenter(language="en", clean=False).segment(text)
    if "".join("".join(parts).split()) != "".join(text.split()):
        parts = text.splitlines()  # pysbd lost something: its own markers occur in the text
    return tuple(part.strip() for part in parts if part.strip())


def keyframe_elements(story: Story, number: int, *, num_visual_tokens: int = 2) -> tuple[Element, ...]:
    """The sequence of keyframe `number` (1-based) as the autoregressive model reads it.

    `[START_OF_FRAME] Characters: (- <face>? <sentence>*)* Scene Elements: (- <sentence>*)*
    Plots: - <sentence>* [END_OF_FRAME] <visual>*`. Sections without entries keep their heading; the story's
    style is the first scene element. Raises StoryError if there is no such keyframe. Source: section 3.3,
    figure 4.
    """
    keyframe = _keyframe(story, number)
    elements = [_identifier(START_OF_FRAME), _identifier(CHARACTERS)]
    for cast_member, in_frame in _people(story, keyframe):
        elements.append(_identifier(ITEM))
        if cast_member.faces:
            elements.append(Element(ElementKind.FACE, cast_member.name))
        elements += _sentence_elements(cast_member.description)
        elements += _sentence_elements(in_frame.description)
    elements.append(_identifier(SCENE_ELEMENTS))
    for scene_element in (story.style, *keyframe.scene_elements):
        if scene_element:
            elements += [_identifier(ITEM), *_sentence_elements(scene_element)]
    elements += [_identifier(PLOTS), _identifier(ITEM), *_sentence_elements(keyframe.plot)]
    elements.append(_identifier(END_OF_FRAME))
    elements += [Element(ElementKind.VISUAL, str(index)) for index in range(num_visual_tokens)]
    return tuple(elements)


def keyframe_warnings(story: Story, number: int) -> tuple[str, ...]:
    """What a creator should know about keyframe `number` (1-based) though it can be drawn."""
    keyframe = _keyframe(story, number)
    warnings: list[str] = []
    elements = keyframe_elements(story, number, num_visual_tokens=0)
    num_sentences = sum(element.kind is ElementKind.SENTENCE for element in elements)
    if num_sentences > MAX_SENTENCES:
        warnings.append(
            f"keyframe {number}: {num_sentences} sentences; the renderer sees the first {MAX_SENTENCES}, "
            "and the plot comes last: shorten the descriptions or the scene elements"
        )
    people = _people(story, keyframe)
    listed = {name_key(cast_member.name) for cast_member, _ in people}
    for name in mentioned_names(keyframe.plot, [character.name for character in story.characters]):
        if name_key(name) not in listed:
            warnings.append(
                f"keyframe {number}: the plot mentions {name}, who is not among its characters; "
                f"add {name} to the keyframe to be drawn"
            )
    for cast_member, _ in people:
        if not cast_member.faces:
            warnings.append(
                f"keyframe {number}: {cast_member.name} has no face image; "
                "add one under faces to keep the same person through the story"
            )
    return tuple(warnings)


def keyframe_seed(story: Story, number: int) -> int:
    """The seed of keyframe `number` (1-based), in [0, 2^63): its own, or one that follows from the story's.

    A derived seed depends on nothing but the story's seed and the number, on every machine.
    """
    seed = _keyframe(story, number).seed
    if seed is not None:
        return seed
    digest = hashlib.sha256(f"{story.seed}:{number}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def _keyframe(story: Story, number: int) -> KeyframeScript:
    if not 1 <= number <= len(story.keyframes):
        raise StoryError(
            f"keyframe {number}: the story has {len(story.keyframes)} keyframes; "
            "choose a number from 1 to that"
        )
    return story.keyframes[number - 1]


def _people(story: Story, keyframe: KeyframeScript) -> list[tuple[Character, CharacterInFrame]]:
    cast = {name_key(character.name): character for character in story.characters}
    try:
        return [(cast[name_key(in_frame.name)], in_frame) for in_frame in keyframe.characters]
    except KeyError:
        check_story(story)  # says which keyframe and which name
        raise


def _identifier(text: str) -> Element:
    return Element(ElementKind.IDENTIFIER, text)


def _sentence_elements(text: str) -> list[Element]:
    return [Element(ElementKind.SENTENCE, sentence) for sentence in sentences(text)]


def spoken_sentences(elements: Sequence[Element], names: Sequence[str]) -> tuple[str, ...]:
    """The texts of the SENTENCE elements as the text encoder reads them, in order.

    Every sentence becomes one token of its own, so it has to say by itself whom it describes: a sentence under
    a character that does not mention them ("She wears a coat.") is read with their name before it. `names` are
    the keyframe's characters in order.
    """
    texts = [element.text for element in elements if element.kind is ElementKind.SENTENCE]
    owners = [None if owner is None else names[owner] for owner in sentence_owners(elements)]
    return tuple(
        text if owner is None or mentioned_names(text, [owner]) else f"{owner}: {text}"
        for text, owner in zip(texts, owners, strict=True)
    )


def sentence_owners(elements: Sequence[Element]) -> tuple[int | None, ...]:
    """For each SENTENCE element, the 0-based position of the character under which it stands, or None."""
    owners: list[int | None] = []
    position, is_character = -1, False
    for element in elements:
        if element.kind is ElementKind.IDENTIFIER:
            is_character = element.text == CHARACTERS or (is_character and element.text == ITEM)
            position += is_character and element.text == ITEM
        elif element.kind is ElementKind.SENTENCE:
            owners.append(position if is_character else None)
    return tuple(owners)
