from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from moviedreamer_core.errors import StoryError
from moviedreamer_core.names import anonymise, mentioned_names
from moviedreamer_core.script import (
    MAX_SEED,
    Character,
    CharacterInFrame,
    Element,
    ElementKind,
    KeyframeScript,
    Story,
    check_story,
    keyframe_elements,
    keyframe_seed,
    keyframe_warnings,
    parse_story,
    sentence_owners,
    sentences,
    spoken_sentences,
)

MARA = Character(name="Mara", description="A young woman. She has red hair.", faces=("mara.png",))
TOM = Character(name="Old Tom", description="An old man.")


def story_of(*keyframes: KeyframeScript, **fields: Any) -> Story:
    return Story(characters=(MARA, TOM), keyframes=keyframes, **fields)


def rows(*changes: dict[str, Any]) -> dict[str, Any]:
    """A mapping with two good keyframes before the given ones, to see that numbers are counted from 1."""
    good = {"plot": "Mara walks."}
    return {"characters": [{"name": "Mara"}], "keyframes": [good, good, *changes]}


# --- validation --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        (None, "a story is a mapping with the fields title, characters and keyframes, found nothing; start"),
        ([{"plot": "x"}], "found a list; start from an example story"),
        ("Mara walks.", 'found the text "Mara walks."; start'),
        ({}, "story has no keyframes; add at least one under keyframes"),
        ({"keyframes": None}, "story has no keyframes; add at least one under keyframes"),
        (rows({"plotz": "x"}), 'keyframe 3: unknown field "plotz"; did you mean "plot"?'),
        (
            rows({"plot": "x", "mood": "y"}),
            'keyframe 3: unknown field "mood"; the fields here are plot, scene',
        ),
        (
            {"keyframes": [{"plot": "x"}], "zzz": 1},
            'story.yaml: unknown field "zzz"; the fields here are title',
        ),
        ({1: 2}, 'unknown field "1"; the fields here are title'),
        (
            {"characters": [{"name": "Mara", "face": []}], "keyframes": [{"plot": "x"}]},
            'character 1: unknown field "face"; did you mean "faces"?',
        ),
        (rows({}), "keyframe 3: plot: is missing; add it"),
        (rows({"plot": None}), "keyframe 3: plot: is missing; add it"),
        (rows({"plot": " "}), "keyframe 3: plot: is empty; write something or remove it"),
        (rows({"plot": 7}), "keyframe 3: plot: must be text, found the number 7; put it in quotes"),
        (rows({"plot": True}), "keyframe 3: plot: must be text, found the value true (unquoted yes, no,"),
        (rows({"plot": "\ud800"}), "keyframe 3: plot: holds characters that are not text; type it again"),
        (rows(None), "keyframe 3: is empty; write something or remove it"),  # type: ignore[arg-type]
        (rows("x"), 'keyframe 3: must be a mapping of fields, found the text "x"; write'),  # type: ignore[arg-type]
        ({"keyframes": "x"}, 'keyframes: must be a list, found the text "x"; write each entry'),
        (
            rows({"plot": "x", "scene_elements": "Beach"}),
            "keyframe 3: scene_elements: must be a list, found the",
        ),
        (rows({"plot": "x", "scene_elements": ["a", ""]}), "keyframe 3: scene_element 2: is empty; write"),
        (rows({"plot": "x", "seed": "seven"}), "keyframe 3: seed: must be a whole number, found the text"),
        (rows({"plot": "x", "seed": True}), "keyframe 3: seed: must be a whole number, found"),
        (rows({"plot": "x", "seed": 1.5}), "keyframe 3: seed: must be a whole number, found the number 1.5"),
        (rows({"plot": "x", "seed": -1}), "keyframe 3: seed: must be at least 0, found the number -1"),
        (rows({"plot": "x", "seed": 2**63}), "keyframe 3: seed: must be at most 9223372036854775807, found"),
        (rows({"plot": "x", "seconds": 0}), "keyframe 3: seconds: must be more than 0, found the number 0;"),
        (rows({"plot": "x", "seconds": 61}), "keyframe 3: seconds: must be at most 60, found the number 61"),
        (rows({"plot": "x", "seconds": float("nan")}), "keyframe 3: seconds: must be more than 0, found the"),
        (rows({"plot": "x", "seconds": "2,5"}), "keyframe 3: seconds: must be a number, found the text"),
        (
            rows({"plot": "x", "characters": ["Bob"]}),
            'keyframe 3: characters: "Bob" is not in the cast; add them under characters or correct the name',
        ),
        (
            rows({"plot": "x", "characters": [{"name": 3}]}),
            "keyframe 3: character 1: name: must be text, found",
        ),
        (
            rows({"plot": "x", "characters": list("abcdef")}),
            "keyframe 3: characters: more than 5 (found 6); split the shot in two or leave someone out",
        ),
        (
            rows({"plot": "x", "characters": ["Mara", "mara"]}),
            '3: characters: "mara" is listed twice; join the',
        ),
        (
            {"characters": [{"name": "Zoë"}, {"name": "ZOE\u0308"}], "keyframes": [{"plot": "x"}]},
            "is in the cast twice; give each character their own name",
        ),
        (
            {"references": ["a.png"] * 11, "keyframes": [{"plot": "x"}]},
            "references: more than 10 (found 11); keep the 10 that show the cast and the places best",
        ),
    ],
)
def test_a_wrong_story_is_refused_with_one_sentence(mapping: object, message: str) -> None:
    with pytest.raises(StoryError) as caught:
        parse_story(mapping, source="story.yaml")
    assert message in str(caught.value)
    assert str(caught.value).startswith("story.yaml: ")
    assert "\n" not in str(caught.value)


def test_the_limits_themselves_are_allowed() -> None:
    names = list("abcde")
    story = parse_story(
        {
            "characters": [{"name": name} for name in names],
            "references": ["a.png"] * 10,
            "seed": MAX_SEED,
            "keyframes": [{"plot": "x", "characters": names, "seconds": 60}],
        },
        source="s",
    )
    assert [character.name for character in story.keyframes[0].characters] == names


def test_a_field_that_is_null_counts_as_left_out() -> None:
    mapping = {"title": None, "keyframes": [{"plot": "x", "scene_elements": None, "seed": None}]}
    assert parse_story(mapping, source="s") == Story(keyframes=(KeyframeScript(plot="x"),))


def test_names_match_the_cast_whatever_their_case() -> None:
    check_story(story_of(KeyframeScript(plot="x", characters=(CharacterInFrame(name="old  TOM"),))))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["title", "keyframes", "plot", "characters", "name", "x"]), inner
            )
        ),
        max_leaves=8,
    )
)
def test_whatever_is_parsed_gives_a_consistent_story_or_a_story_error(mapping: object) -> None:
    try:
        story = parse_story(mapping, source="s")
    except StoryError:
        return
    check_story(story)


# --- layout ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("Sandy beach", ("Sandy beach",)),
        ("Mara runs. She smiles!  Dr. Smith waves.", ("Mara runs.", "She smiles!", "Dr. Smith waves.")),
        ("A tower 3.5 m high\nA boat", ("A tower 3.5 m high", "A boat")),
    ],
)
def test_sentences_follow_english_punctuation(text: str, expected: tuple[str, ...]) -> None:
    assert sentences(text) == expected


@given(st.text(max_size=80) | st.text(st.sampled_from("aA .!?\"'()…’\n∯ȸ"), max_size=40))
def test_sentences_keep_every_character_that_is_not_space(text: str) -> None:
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())


def test_elements_follow_the_layout_of_figure_4() -> None:
    story = story_of(
        KeyframeScript(plot="First."),
        KeyframeScript(
            plot="Mara waves. Tom sleeps.",
            scene_elements=("Sandy beach", "Sunset light"),
            characters=(
                CharacterInFrame(name="mara", description="She is waving."),
                CharacterInFrame(name="Old Tom"),
            ),
        ),
        style="Flat cartoon. Warm colours.",
    )
    expected = """identifier [START_OF_FRAME]
        identifier Characters:
        identifier -
        face Mara
        sentence A young woman.
        sentence She has red hair.
        sentence She is waving.
        identifier -
        sentence An old man.
        identifier Scene Elements:
        identifier -
        sentence Flat cartoon.
        sentence Warm colours.
        identifier -
        sentence Sandy beach
        identifier -
        sentence Sunset light
        identifier Plots:
        identifier -
        sentence Mara waves.
        sentence Tom sleeps.
        identifier [END_OF_FRAME]
        visual 0
        visual 1"""
    told = [f"{element.kind.value} {element.text}" for element in keyframe_elements(story, 2)]
    assert told == [line.strip() for line in expected.splitlines()]


def test_empty_sections_keep_their_heading_and_the_number_of_visual_tokens_is_a_choice() -> None:
    elements = keyframe_elements(story_of(KeyframeScript(plot="Rain.")), 1, num_visual_tokens=3)
    assert [element.text for element in elements] == [
        "[START_OF_FRAME]", "Characters:", "Scene Elements:", "Plots:", "-", "Rain.", "[END_OF_FRAME]",
        "0", "1", "2",
    ]  # fmt: skip
    assert elements[-1] == Element(ElementKind.VISUAL, "2")


@pytest.mark.parametrize("number", [0, 2, -1])
def test_a_keyframe_that_does_not_exist_is_named(number: int) -> None:
    story = story_of(KeyframeScript(plot="x"))
    with pytest.raises(StoryError, match=f"^keyframe {number}: the story has 1 keyframes; choose a number"):
        keyframe_elements(story, number)
    with pytest.raises(StoryError, match=f"^keyframe {number}: "):
        keyframe_seed(story, number)


def test_elements_of_an_inconsistent_story_name_the_missing_character() -> None:
    story = story_of(KeyframeScript(plot="x", characters=(CharacterInFrame(name="Bob"),)))
    with pytest.raises(StoryError, match='keyframe 1: characters: "Bob" is not in the cast'):
        keyframe_elements(story, 1)


# --- warnings and seeds ------------------------------------------------------------------------------


@pytest.mark.parametrize(("num_elements", "warns"), [(14, False), (15, True)])
def test_more_sentences_than_slots_are_warned_about(num_elements: int, warns: bool) -> None:
    story = story_of(KeyframeScript(plot="Rain falls.", scene_elements=("Rain",) * num_elements))
    warnings = keyframe_warnings(story, 1)
    assert bool(warnings) is warns
    if warns:
        assert warnings[0].startswith("keyframe 1: 16 sentences; the renderer sees the first 15, ")


def test_people_of_the_plot_who_are_not_listed_and_people_without_face_are_warned_about() -> None:
    people = (CharacterInFrame(name="Old Tom"),)
    story = story_of(KeyframeScript(plot="x"), KeyframeScript(plot="Tom looks for Mara.", characters=people))
    assert keyframe_warnings(story, 1) == ()
    assert keyframe_warnings(story, 2) == (
        "keyframe 2: the plot mentions Mara, who is not among its characters; "
        "add Mara to the keyframe to be drawn",
        "keyframe 2: Old Tom has no face image; "
        "add one under faces to keep the same person through the story",
    )


def test_an_explicit_seed_wins_and_a_derived_one_is_the_head_of_a_sha256() -> None:
    story = story_of(KeyframeScript(plot="x", seed=7), KeyframeScript(plot="x"), seed=3)
    assert keyframe_seed(story, 1) == 7
    assert keyframe_seed(story, 2) == int(hashlib.sha256(b"3:2").hexdigest()[:16], 16) // 2


def test_derived_seeds_differ_between_keyframes_and_stories() -> None:
    keyframes = [KeyframeScript(plot="x")] * 20
    seeds = {keyframe_seed(story_of(*keyframes, seed=seed), n) for seed in range(20) for n in range(1, 21)}
    assert len(seeds) == 400
    assert all(0 <= seed <= MAX_SEED for seed in seeds)


# --- names -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mara waves to Tom.", "person1 waves to person2."),
        ("MARA's hat, mara’s coat", "person1's hat, person1’s coat"),
        ("Tamara, Maras, O'Mara, Ann-Mara and Mara-Lou", "Tamara, Maras, O'Mara, Ann-Mara and Mara-Lou"),
        ("\"Mara!\" (Mara) 'Mara'", "\"person1!\" (person1) 'person1'"),
        ("Old Tom and old  tom see an old house", "person2 and person2 see an old house"),
        ("Will will wave. The will of WILL.", "person3 will wave. The will of person3."),
        ("Anna Smith meets Anna Berg and Anna.", "person4 meets person5 and Anna."),
        ("Zoë and zoe\u0308 sing", "person6 and person6 sing"),
        ("Dr. No+ counts", "person7 counts"),
        ("Nobody", "Nobody"),
    ],
)
def test_anonymise_replaces_whole_names_only(text: str, expected: str) -> None:
    cast = ["Mara", "Old Tom", "Will", "Anna Smith", "Anna Berg", "Zoë", "Dr. No+"]
    assert anonymise(text, cast) == expected


def test_the_longest_name_wins() -> None:
    assert anonymise("Mara Lind and Mara", ["Mara", "Mara Lind"]) == "person2 and person1"


@given(st.lists(st.text(max_size=8), max_size=5), st.text(max_size=40))
def test_any_names_and_any_text_can_be_anonymised(names: list[str], text: str) -> None:
    replaced = anonymise(text, names)
    assert set(re.findall(r"person(\d+)", replaced)) <= {str(n) for n in range(1, len(names) + 1)} | set(
        re.findall(r"person(\d+)", text)
    )
    if not any(name.strip() for name in names):
        assert replaced == text


@given(st.permutations(["Mara", "Old Tom", "Ines", "Bo"]))
def test_text_about_anybody_reads_the_same(names: list[str]) -> None:
    text = f"{names[0]} follows {names[1]}; {names[1]}'s dog likes {names[2]}."
    assert anonymise(text, names) == "person1 follows person2; person2's dog likes person3."


def test_mentioned_names_come_in_order_of_first_mention() -> None:
    assert mentioned_names("Tom sees Mara; tom waves.", ["Mara", "Old Tom", "Ann"]) == ("Old Tom", "Mara")


# --- the example story -------------------------------------------------------------------------------


def test_the_example_story_has_no_warnings_and_keeps_to_two_characters() -> None:
    from moviedreamer_core.story_files import read_story

    story = read_story(Path(__file__).parent.parent / "assets" / "stories" / "lighthouse" / "story.yaml")
    assert story.title == "The Lighthouse"
    assert 12 <= len(story.keyframes) <= 16
    assert {character.name for character in story.characters} == {"Mara", "Tom"}
    for number, keyframe in enumerate(story.keyframes, start=1):
        assert keyframe_warnings(story, number) == ()
        assert len(keyframe.scene_elements) == 3  # place, time, shot
        assert len(sentences(keyframe.plot)) == 1


def test_a_description_that_does_not_say_whom_it_describes_is_read_with_the_name() -> None:
    story = Story(
        characters=(
            Character(name="Mara", description="Mara has red hair. She wears a coat."),
            Character(name="Old Tom", description="Tom is old."),
        ),
        keyframes=(
            KeyframeScript(
                plot="They wave.",
                scene_elements=("A beach",),
                characters=(
                    CharacterInFrame(name="Old Tom"),
                    CharacterInFrame(name="Mara", description="Running."),
                ),
            ),
        ),
    )
    elements = keyframe_elements(story, 1)
    assert sentence_owners(elements) == (0, 1, 1, 1, None, None)
    assert spoken_sentences(elements, ["Old Tom", "Mara"]) == (
        "Tom is old.",
        "Mara has red hair.",
        "Mara: She wears a coat.",
        "Mara: Running.",
        "A beach",
        "They wave.",
    )
