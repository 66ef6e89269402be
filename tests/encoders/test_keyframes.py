"""Encoding of script rows against the script's own layout."""

import pytest
import torch

from moviedreamer_core.config import TextEncoderConfig
from moviedreamer_core.encoders.keyframes import encode_keyframe, unknown_words_of
from moviedreamer_core.encoders.text import TextEncoder
from moviedreamer_core.encoders.tokenizer import WordTokenizer
from moviedreamer_core.errors import StoryError
from moviedreamer_core.script import (
    Character,
    CharacterInFrame,
    ElementKind,
    KeyframeScript,
    Story,
    keyframe_elements,
    parse_story,
)

WORDS = [
    "a", "the", "woman", "man", "waves", "at", "on", "beach", "sunset",
    "old", "red", "hair", "and", "is", "happy",
]  # fmt: skip
MARA, TOM = torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0])


@pytest.fixture(scope="module")
def text():
    torch.manual_seed(0)
    config = TextEncoderConfig(
        vocab_size=64, width=32, layers=1, heads=1, embed_dim=16, person_tokens=True, context_length=32
    )
    return TextEncoder(config, WordTokenizer.from_words(WORDS)).eval()


@pytest.fixture
def story():
    return Story(
        style="A red sunset",
        characters=(
            Character(name="Mara", description="A woman. Red hair.", faces=("mara.png",)),
            Character(name="Old Tom", description="An old man."),
            Character(name="Ben", faces=("ben.png",)),
        ),
        keyframes=(
            KeyframeScript(plot="Nobody is on the beach."),
            KeyframeScript(
                plot="Tom waves at Mara. A zeppelin waves.",
                scene_elements=("beach",),
                characters=(
                    CharacterInFrame(name="old tom", description="Tom is happy"),
                    CharacterInFrame(name="Mara"),
                ),
            ),
        ),
    )


def encoded(story, text, number=2, faces=None):
    faces = {"Mara": MARA} if faces is None else faces
    return encode_keyframe(story, number, text=text, face_embeddings=faces, face_channels=3)


def test_the_layout_is_the_scripts(story, text):
    assert encoded(story, text).elements == keyframe_elements(story, 2)


def test_sentence_rows_follow_the_sentence_elements(story, text):
    keyframe = encoded(story, text)
    written = [e.text for e in keyframe.elements if e.kind is ElementKind.SENTENCE]
    assert written[:2] == ["An old man.", "Tom is happy"]
    # Some do not say whom they describe: they are read with the name of the character they stand under.
    owned = {"An old man.": "Old Tom", "A woman.": "Mara", "Red hair.": "Mara"}
    spoken = [f"{owned[one]}: {one}" if one in owned else one for one in written]
    torch.testing.assert_close(keyframe.sentences, text.encode(spoken, ["Old Tom", "Mara"]), atol=0, rtol=0)


def test_names_are_numbered_in_the_order_of_this_keyframe(story, text):
    keyframe = encoded(story, text)
    plot = [e.text for e in keyframe.elements if e.kind is ElementKind.SENTENCE].index("Tom waves at Mara.")
    torch.testing.assert_close(
        keyframe.sentences[plot], text.encode(["person1 waves at person2."])[0], atol=0, rtol=0
    )


def test_a_face_row_per_character_and_zero_without_a_picture(story, text):
    keyframe = encoded(story, text)
    assert keyframe.face_given.tolist() == [False, True]
    assert torch.equal(keyframe.faces, torch.stack([torch.zeros(3), MARA]))
    assert [e.text for e in keyframe.elements if e.kind is ElementKind.FACE] == ["Mara"]


def test_an_embedding_for_a_character_without_faces_is_not_used(story, text):
    keyframe = encoded(story, text, faces={"MARA": MARA, "Old Tom": TOM})
    assert keyframe.face_given.tolist() == [False, True]


def test_a_keyframe_without_characters_has_no_face_rows(story, text):
    keyframe = encoded(story, text, number=1, faces={})
    assert keyframe.faces.shape == (0, 3)
    assert keyframe.face_given.shape == (0,)


@pytest.mark.parametrize(
    ("faces", "seen"), [({}, "found none"), ({"Mara": torch.ones(4)}, r"found one of shape \(4,\)")]
)
def test_a_missing_or_wrong_face_embedding_is_named(story, text, faces, seen):
    with pytest.raises(ValueError, match=rf"keyframe 2: Mara needs a face embedding \[3\], {seen}"):
        encoded(story, text, faces=faces)


def test_the_number_of_visual_tokens_can_be_chosen(story, text):
    keyframe = encode_keyframe(story, 1, text=text, face_embeddings={}, face_channels=3, num_visual_tokens=8)
    assert sum(e.kind is ElementKind.VISUAL for e in keyframe.elements) == 8


@pytest.mark.parametrize("number", [0, 3])
def test_a_keyframe_that_is_not_there_is_refused(story, text, number):
    with pytest.raises(StoryError, match=f"keyframe {number}: "):
        encoded(story, text, number=number)
    with pytest.raises(StoryError, match=f"keyframe {number}: "):
        unknown_words_of(story, number, text)


def test_a_word_of_a_name_is_unknown_where_it_is_no_name(text):
    mara = {"name": "Mara"}

    def unknown(cast: list[dict[str, str]], plot: str) -> tuple[str, ...]:
        keyframe = {"plot": plot, "characters": [mara]}
        return unknown_words_of(
            parse_story({"title": "T", "characters": cast, "keyframes": [keyframe]}, source="t"), 1, text
        )

    both = unknown([{"name": "Tom Zeppelin"}, mara], "Tom Zeppelin sees a zeppelin. Mara sees it.")
    assert "zeppelin" in both
    assert both == unknown([mara], "Mara sees a zeppelin. Mara sees it.")


def test_unknown_words_are_listed_once_without_the_cast(story, text):
    assert unknown_words_of(story, 2, text) == ("an", "zeppelin")
