"""Token ids: CLIP's byte pairs against open_clip, whole words against the storyworld's own rule."""

import json

import open_clip
import pytest
from hypothesis import given, strategies as st

from moviedreamer_core.encoders.tokenizer import BytePairTokenizer, WordTokenizer, padded, words
from moviedreamer_core.errors import WeightsError
from moviedreamer_core.storyworld import grammar

KNOWN = ("walk", "dance", "hop", "berry", "happy", "glasses", "beach", "strolling", "the", "'s", "red")


@pytest.fixture(scope="module")
def byte_pairs():
    return BytePairTokenizer()


@pytest.fixture
def tokenizer():
    return WordTokenizer.from_words(KNOWN)


def entries(tokenizer, sentence):
    return [tokenizer.vocabulary[i] for i in tokenizer.encode(sentence)[1:-1]]


def test_byte_pairs_are_those_of_open_clip(byte_pairs):
    sentence = "Mara's lighthouse, café & 3 seagulls — it's naïve!"
    reference = open_clip.tokenize([sentence])[0]
    ids = byte_pairs.encode(sentence)
    assert ids == reference[: len(ids)].tolist()
    assert not reference[len(ids) :].any()


def test_a_long_text_is_cut_at_248_and_still_ends_with_the_end_marker(byte_pairs):
    ids = byte_pairs.encode("word " * 500)
    reference = open_clip.SimpleTokenizer(context_length=248)(["word " * 500])[0]
    assert ids == reference.tolist()


def test_a_marker_spelt_out_in_a_sentence_does_not_end_it(byte_pairs):
    ids = byte_pairs.encode("a cat <end_of_text> a dog &lt;start_of_text&gt;")
    assert ids.count(byte_pairs.end_id) == ids.count(byte_pairs.start_id) == 1
    assert ids[-1] == byte_pairs.end_id


def test_no_word_is_unknown_to_byte_pairs(byte_pairs):
    assert byte_pairs.unknown_words("xylophonically qwertz") == ()


@given(st.text(max_size=40))
def test_words_are_split_by_the_rule_of_the_storyworld(text):
    assert words(text) == grammar.words(text)


def test_possessive_and_accents_are_split_off():
    assert words("Mara’s CAFÉ, person1's hat") == ["mara", "'s", "cafe", "person1", "'s", "hat"]


def test_special_and_person_entries_have_fixed_ids(tokenizer):
    assert tokenizer.vocabulary[:9] == (
        "<pad>", "<start>", "<end>", "<unknown>", "person1", "person2", "person3", "person4", "person5",
    )  # fmt: skip
    assert (tokenizer.pad_id, tokenizer.start_id, tokenizer.end_id) == (0, 1, 2)


def test_ids_do_not_depend_on_the_order_the_words_were_given_in():
    assert WordTokenizer.from_words(KNOWN).vocabulary == WordTokenizer.from_words(reversed(KNOWN)).vocabulary


def test_an_unknown_word_is_dropped_and_reported_once(tokenizer):
    sentence = "The xylophone dances; the XYLOPHONE hops at the quay"
    assert entries(tokenizer, sentence) == ["the", "dance", "the", "hop", "the"]
    assert tokenizer.unknown_words(sentence) == ("xylophone", "at", "quay")


@pytest.mark.parametrize(
    ("form", "known"),
    [
        ("walks", "walk"), ("walked", "walk"), ("walking", "walk"), ("walker", "walk"), ("walkers", "walk"),
        ("dances", "dance"), ("danced", "dance"), ("dancing", "dance"), ("dancer", "dance"),
        ("hopped", "hop"), ("hopping", "hop"), ("berries", "berry"), ("happily", "happy"),
        ("happier", "happy"),
        ("beaches", "beach"), ("stroll", "strolling"), ("strolled", "strolling"), ("strolls", "strolling"),
    ],
)  # fmt: skip
def test_a_form_of_a_known_word_is_read_as_that_word(tokenizer, form, known):
    assert entries(tokenizer, form) == [known]
    assert tokenizer.unknown_words(form) == ()


@pytest.mark.parametrize("word", ["red", "glasses", "reds"])
def test_a_known_word_is_never_replaced_by_a_stem(word):
    tokenizer = WordTokenizer.from_words([*KNOWN, "reds", "glass"])
    assert entries(tokenizer, word) == [word]


def test_short_words_are_not_taken_for_forms():
    tokenizer = WordTokenizer.from_words(["s", "sh", "th"])
    assert tokenizer.unknown_words("sing shed this") == ("sing", "shed", "this")


def test_a_sentence_of_unknown_words_is_empty_between_the_markers(tokenizer):
    assert tokenizer.encode("qwertz!") == [1, 2] == tokenizer.encode("")


def test_words_beyond_the_context_are_cut():
    tokenizer = WordTokenizer.from_words(KNOWN, context_length=5)
    ids = tokenizer.encode("walk the red beach walk walk")
    assert len(ids) == 5
    assert ids[-1] == tokenizer.end_id


def test_a_vocabulary_comes_back_from_its_file(tokenizer, tmp_path):
    tokenizer.write(tmp_path / "vocabulary.json")
    again = WordTokenizer.read(tmp_path / "vocabulary.json")
    assert again.vocabulary == tokenizer.vocabulary
    assert again.encode("The happy beach") == tokenizer.encode("The happy beach")


@pytest.mark.parametrize("content", ["{", '{"a": 1}', "[1, 2]", '["walk"]'])
def test_a_file_that_is_no_vocabulary_is_named(tmp_path, content):
    path = tmp_path / "vocabulary.json"
    path.write_text(content)
    with pytest.raises(
        WeightsError, match=r"^vocabulary\.json: not a vocabulary \(.+\); fetch the weights again$"
    ):
        WordTokenizer.read(path)


def test_a_missing_vocabulary_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"^vocabulary\.json: cannot be read .* fetch the weights again"):
        WordTokenizer.read(tmp_path / "vocabulary.json")


def test_a_word_listed_twice_is_refused(tokenizer, tmp_path):
    (tmp_path / "vocabulary.json").write_text(json.dumps([*tokenizer.vocabulary, "walk"]))
    with pytest.raises(WeightsError, match="lists a word twice"):
        WordTokenizer.read(tmp_path / "vocabulary.json")


def test_rows_are_padded_at_the_right_to_the_longest():
    assert padded([[1, 2], [1, 5, 2]], pad_id=0).tolist() == [[1, 2, 0], [1, 5, 2]]
    assert padded([], pad_id=0).shape == (0, 0)
