"""Screenplays as stories: what a keyframe is, who is in it, where and when."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from moviedreamer_core import fountain
from moviedreamer_core.errors import StoryError
from moviedreamer_core.fountain import MAX_CAST, MAX_CHARACTERS_OF_TEXT, MAX_KEYFRAMES, story_from_fountain
from moviedreamer_core.script import Character, Story, check_story, parse_story


def read(text: str, cast: tuple[Character, ...] = ()) -> Story:
    return story_from_fountain(text, cast, source="the_light.fountain")


def plots(text: str) -> list[str]:
    return [keyframe.plot for keyframe in read(text).keyframes]


def people(text: str) -> list[list[tuple[str, str]]]:
    return [[(one.name, one.description) for one in frame.characters] for frame in read(text).keyframes]


def scene(text: str) -> tuple[str, ...]:
    return read(text).keyframes[-1].scene_elements


# --- title -------------------------------------------------------------------------------------------


def test_the_title_page_names_the_story() -> None:
    assert (
        read("Title:\n\t_**BRICK & STEEL**_\n\tFULL RETIRED\n\nHe sits.").title
        == "BRICK & STEEL FULL RETIRED"
    )


@pytest.mark.parametrize("text", ["He sits.", "Title:\nCredit: Written by\n\nHe sits."])
def test_without_a_title_the_file_names_the_story(text: str) -> None:
    assert read(text).title == "The light"


# --- scenes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heading", "elements"),
    [
        ("EXT. BEACH - SUNSET #1#", ("Outdoors", "Beach", "Sunset")),
        ("int. brick's kitchen -- day", ("Indoors", "Brick's kitchen", "Day")),
        ("INT./EXT. CAR - MOVING - NIGHT", ("Car", "Moving", "Night")),
        ("EST. PARIS — LATE AFTERNOON", ("Outdoors", "Paris", "Late afternoon")),
        (".A DREAM", ("A dream",)),
        ("INT. MARA'S HOUSE - DAY", ("Indoors", "Mara's house", "Day")),
    ],
)
def test_a_heading_is_said_as_place_and_time(heading: str, elements: tuple[str, ...]) -> None:
    assert scene(f"{heading}\n\nMARA\nHere.") == elements


@pytest.mark.parametrize(
    "same", ["CONTINUOUS", "SAME", "SAME TIME", "LATER", "MOMENTS LATER", "a moment later"]
)
def test_a_heading_without_a_time_of_its_own_keeps_that_of_the_scene_before(same: str) -> None:
    assert scene(f"EXT. BEACH - NIGHT\n\nShe runs.\n\nINT. HUT - {same}\n\nShe sits.") == (
        "Indoors",
        "Hut",
        "Night",
    )


def test_the_same_time_goes_on_through_several_scenes_and_ends_with_a_heading_that_says_none() -> None:
    night = "EXT. BEACH - NIGHT\n\nA.\n\nINT. HUT - CONTINUOUS\n\nB.\n\nINT. CELLAR - CONTINUOUS\n\nC."
    assert scene(night)[-1] == "Night"
    assert scene("EXT. BEACH - NIGHT\n\nA.\n\nINT. HUT\n\nB.\n\nINT. CELLAR - SAME\n\nC.") == (
        "Indoors",
        "Cellar",
    )


def test_a_scene_lasts_until_the_next_heading() -> None:
    story = read("One.\n\nEXT. SEA - DAY\n\nTwo. Three.\n\nBOB\nFour.\n\nINT. HUT - DAY\n\nFive.")
    assert [keyframe.scene_elements[1:2] for keyframe in story.keyframes] == [(), *[("Sea",)] * 3, ("Hut",)]


# --- action ------------------------------------------------------------------------------------------


def test_every_sentence_of_the_action_is_a_keyframe() -> None:
    assert plots("Mara runs. She stops.\nThe sea is *wild*, and\nthe sky dark.") == [
        "Mara runs.",
        "She stops.",
        "The sea is wild, and the sky dark.",
    ]


def test_people_stay_while_pronouns_speak_of_them_and_leave_with_the_scene() -> None:
    text = "EXT. SEA - DAY\n\nMARA runs. She stops. Waves.\n\nMARA\nOh.\n\nShe sits.\n\nINT. HUT - DAY\n\nShe sits."
    names = [[name for name, _ in one] for one in people(text)]
    assert names == [["Mara"], ["Mara"], [], ["Mara"], ["Mara"], []]


def test_a_name_in_capitals_is_told_as_the_cast_spells_it() -> None:
    cast = (Character(name="McTavish"), Character(name="Old Tom"))
    story = read("EXT. OLD TOM'S HUT - DAY\n\nMCTAVISH waves. OLD TOM'S dog BARKS.", cast)
    assert [keyframe.plot for keyframe in story.keyframes] == ["McTavish waves.", "Old Tom's dog BARKS."]
    assert story.keyframes[0].scene_elements[1] == "Old Tom's hut"


@pytest.mark.parametrize(
    "text",
    [
        "CUT TO:",
        "> Burn to White.",
        "FADE IN:",
        "FADE TO BLACK.",
        "> THE END <",
        "===",
        "# Act",
        "= He.",
        "[[a]]",
        "/*a*/",
    ],
)
def test_what_is_no_picture_is_not_drawn(text: str) -> None:
    assert plots(f"Mara runs.\n\n{text}\n\nShe stops.") == ["Mara runs.", "She stops."]


# --- speech ------------------------------------------------------------------------------------------


def test_a_speech_is_a_keyframe_in_which_the_speaker_does_what_the_parentheticals_say() -> None:
    text = 'STEEL (wearily)\n(starting the engine)\nSo "much"\n(beat)\n(he laughs.)\nfor retirement!'
    assert plots(text) == ["Steel says \"So 'much' for retirement!\""]
    assert people(text) == [[("Steel", "Wearily. Starting the engine. He laughs.")]]


@pytest.mark.parametrize("aside", ["(beat)", "(a long pause)", "(then)", "(cont'd)", "(continuing)"])
def test_parentheticals_about_time_are_nothing_to_draw(aside: str) -> None:
    assert people(f"STEEL (CONT'D)\n{aside}\nNo.") == [[("Steel", "")]]


@pytest.mark.parametrize(
    "extension",
    ["V.O.", "v.o.", "VO", "O. S.", "O.S.", "OS", "O.C.", "off", "on the radio", "over phone", "O.S./CONT'D"],
)
def test_who_is_heard_and_not_seen_is_not_in_the_frame(extension: str) -> None:
    text = f"MOM ({extension})\nLuke! Come down.\n\nLUKE\nYes."
    assert plots(text)[0] == 'The voice of Mom says "Luke! Come down."'
    assert people(text) == [[], [("Luke", "")]]


def test_dual_dialogue_is_one_keyframe_with_both() -> None:
    text = "BRICK\nScrew it.\n\nSTEEL ^\n(smiling)\nScrew it.\n\nThey sit."
    assert plots(text) == ['Brick says "Screw it." and Steel says "Screw it."', "They sit."]
    assert people(text)[0] == [("Brick", ""), ("Steel", "Smiling.")]
    assert [name for name, _ in people(text)[1]] == ["Brick", "Steel"]


def test_a_caret_without_a_speech_before_is_a_speech() -> None:
    assert plots("He sits.\n\nSTEEL ^\nNo.") == ["He sits.", 'Steel says "No."']


def test_lyrics_are_sung() -> None:
    text = "OOMPA\n~Doompa-dee\n\n~Willy Wonka!\n~The chocolatier!"
    assert plots(text) == ['Oompa sings "Doompa-dee"', 'A voice sings "Willy Wonka! The chocolatier!"']


def test_a_speaker_without_words_speaks() -> None:
    text = "MARA\n(waving)\n"
    assert (plots(text), people(text)) == (["Mara speaks"], [[("Mara", "Waving.")]])


# --- cast --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cue", "name"),
    [
        ("OLD TOM", "Old Tom"),
        ("DR. O'NEIL", "Dr. O'Neil"),
        ("MARA'S MUM", "Mara's Mum"),
        ("MARY-ANN", "Mary-Ann"),
        ("R2D2", "R2D2"),
        ("@McCLANE", "McCLANE"),
        ("GUARD #2", "Guard #2"),
        ("ZOË", "Zoë"),
    ],
)
def test_a_speaker_joins_the_cast_under_a_name_in_small_letters(cue: str, name: str) -> None:
    assert [person.name for person in read(f"{cue}\nHello.\n\n{cue} (V.O.)\nBye.").characters] == [name]


def test_who_is_introduced_in_capitals_and_named_again_joins_the_cast() -> None:
    text = "REX barks. Rex runs. The DOOR opens. Door after door. A BELL RINGS."
    text += "\n\nMARA\nRex!\n\nMARA BLACK sits. Mara Black."
    assert [person.name for person in read(text).characters] == ["Mara", "Rex"]


def test_a_given_cast_is_kept() -> None:
    cast = (Character(name="Mara", description="Red hair."),)
    story = read("REX barks. Rex runs.\n\nmara\nHi.\n\nMARA\nHello.", cast)
    assert story.characters == cast
    assert story.keyframes[-1].characters[0].name == "Mara"


# --- mistakes ----------------------------------------------------------------------------------------


def test_a_speaker_who_is_not_in_the_given_cast_is_told() -> None:
    with pytest.raises(StoryError) as error:
        read("BOB\nHello.", (Character(name="Mara"),))
    assert str(error.value) == (
        'the_light.fountain: keyframe 1: characters: "Bob" is not in the cast; '
        "add them under characters or correct the name"
    )


def test_more_than_five_characters_in_a_keyframe_are_told_with_its_number() -> None:
    names = ["ANN", "BOB", "CARL", "DORA", "EVE", "FAY"]
    speeches = "\n\n".join(f"{name}\nHello." for name in names)
    with pytest.raises(StoryError) as error:
        read(f"{speeches}\n\nAnn, Bob, Carl, Dora, Eve and Fay dance.")
    assert str(error.value) == (
        "the_light.fountain: keyframe 7: characters: more than 5 (found 6); "
        "split the shot in two or leave someone out"
    )


@pytest.mark.parametrize(
    "text", ["", " \n\n", "Title: X", "EXT. SEA - DAY", "# Act\n\nCUT TO:\n", "> THE END <"]
)
def test_a_screenplay_without_anything_to_draw_is_told(text: str) -> None:
    with pytest.raises(StoryError) as error:
        read(text)
    assert str(error.value) == (
        "the_light.fountain: the screenplay has no action and no dialogue; "
        "write below a scene heading what is seen, or open plain prose as .txt"
    )


def test_a_text_that_is_far_too_long_is_told() -> None:
    with pytest.raises(
        StoryError, match=r"the screenplay has 1,048,577 characters, the limit is 1,048,576; import"
    ):
        read("a" * (MAX_CHARACTERS_OF_TEXT + 1))


def test_too_many_keyframes_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fountain, "MAX_KEYFRAMES", 3)
    assert len(read("BOB\nA.\n\nBOB\nB.\n\nHe sits.").keyframes) == 3
    with pytest.raises(
        StoryError, match="more than 3 sentences and speeches, each of which becomes a keyframe; import"
    ):
        read("BOB\nA.\n\nBOB\nB.\n\nHe sits. He runs.")


def test_too_many_speakers_are_told() -> None:
    names = [f"N{chr(65 + number // 26)}{chr(65 + number % 26)}" for number in range(MAX_CAST + 1)]
    assert MAX_CAST < MAX_KEYFRAMES
    with pytest.raises(
        StoryError, match=rf"{MAX_CAST + 1} different names speak or are introduced, the limit is"
    ):
        read("\n\n".join(f"{name}\nHello." for name in names))


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    told = [f"Mara sees wave {'and wave ' * (number % 9)}again." for number in range(200)]
    assert plots(" ".join(told)) == told


# --- any text ----------------------------------------------------------------------------------------

SCRAPS = st.sampled_from([
    "\n", "\n\n", "  \n", "\t", "MARA", "TOM", "Mara runs. ", "(", ")", "(V.O.)", "[[", "]]", "/*", "*/", "*", "_",
    "\\", "~", "!", "@", "#", "=", ">", "<", " ^", ".", "...", "TO:", "INT. ", "EXT. SEA", "Title: ", " - ", "DAY",
    "\0", "\x1f", "\x85", "é", "玛拉", "\ud800", "\u2028", '"', "CONTINUOUS", "Ann Bob ",
])  # fmt: skip


@settings(deadline=None)
@given(st.lists(SCRAPS | st.text(max_size=5), max_size=40).map("".join))
def test_any_text_is_a_consistent_story_or_one_sentence(text: str) -> None:
    try:
        story = read(text)
        check_story(story)
        outcome = f"the_light.fountain: {parse_story(story.model_dump(mode='json'), source='s') == story}"
    except StoryError as error:
        outcome = str(error)
    assert outcome.startswith("the_light.fountain: ")
    assert not outcome.endswith("False")
    assert "\n" not in outcome
