"""The rules of https://fountain.io/syntax, one after another, mostly with the page's own examples."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from moviedreamer_core.screenplay import (
    Action,
    Heading,
    Line,
    Lyric,
    PageBreak,
    Section,
    Speech,
    Synopsis,
    Transition,
    parse_fountain,
)


def elements(text: str) -> list[object]:
    return list(parse_fountain(text).elements)


# --- scene headings ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "EXT. BRICK'S POOL - DAY",
        "ext. brick's pool - day",
        "INT HOUSE",
        "EST. PARIS",
        "INT./EXT. CAR",
        "INT/EXT CAR",
        "I/E. CAR",
        "I/E CAR",
    ],
)
def test_a_line_that_begins_with_a_place_word_is_a_heading(line: str) -> None:
    assert elements(f"He waits.\n\n{line}\n\nHe waits.")[1] == Heading(text=line)


@pytest.mark.parametrize("line", ["INTERIOR HOUSE", "Extra. Extra.", "I/O. DEVICE", "INT."])
def test_other_words_that_begin_like_a_place_word_are_action(line: str) -> None:
    assert elements(f"\n{line}\n\n") == [Action(text=line)]


def test_a_dot_before_a_letter_forces_a_heading_and_an_ellipsis_does_not() -> None:
    assert elements(".SNIPER SCOPE POV\n\n...where the carnival is parked.\n") == [
        Heading(text="SNIPER SCOPE POV"),
        Action(text="...where the carnival is parked."),
    ]


@pytest.mark.parametrize("number", ["1", "1A", "1a", "A1", "I-1-A", "1.", "110A"])
def test_a_scene_number_is_told_apart(number: str) -> None:
    (heading,) = elements(f"INT. HOUSE - DAY - FLASHBACK (1944) #{number}#")
    assert heading == Heading(text="INT. HOUSE - DAY - FLASHBACK (1944)", scene_number=number)


def test_a_heading_in_lower_case_inside_a_paragraph_is_action() -> None:
    assert elements("He goes\nint. the house\nof his friend.") == [
        Action(text="He goes\nint. the house\nof his friend.")
    ]


def test_a_heading_in_capitals_needs_no_empty_lines() -> None:
    assert elements("EXT. BEACH - DAY\nMara runs.\nINT. HUT - DAY\nShe sits.") == [
        Heading(text="EXT. BEACH - DAY"),
        Action(text="Mara runs."),
        Heading(text="INT. HUT - DAY"),
        Action(text="She sits."),
    ]


# --- action ------------------------------------------------------------------------------------------


def test_action_keeps_every_line_break() -> None:
    text = "And then there's a long beat.\nLonger than is funny.\nLong enough to be depressing."
    assert elements(f"{text}\n\nThe men look.") == [Action(text=text), Action(text="The men look.")]


def test_an_exclamation_mark_makes_capitals_action() -> None:
    assert elements("!SCANNING THE AISLES...\nWhere is that pit boss?") == [
        Action(text="SCANNING THE AISLES...\nWhere is that pit boss?")
    ]


def test_an_exclamation_mark_makes_a_heading_action() -> None:
    assert elements("!INT. is Latin for nothing.\n") == [Action(text="INT. is Latin for nothing.")]


# --- characters and dialogue -------------------------------------------------------------------------


def test_capitals_before_a_line_are_a_cue() -> None:
    assert elements("STEEL\nThe man's a myth!") == [
        Speech(name="STEEL", lines=(Line(text="The man's a myth!"),))
    ]


def test_capitals_before_an_empty_line_are_action() -> None:
    assert elements("STEEL\n\nThe man's a myth!") == [
        Action(text="STEEL"),
        Action(text="The man's a myth!"),
    ]


def test_capitals_after_a_line_are_action() -> None:
    assert elements("He shouts.\nSTEEL\nThe man.") == [Action(text="He shouts.\nSTEEL\nThe man.")]


@pytest.mark.parametrize(
    ("cue", "name", "extensions"),
    [
        ("MOM (O. S.)", "MOM", ("O. S.",)),
        ("HANS (on the radio)", "HANS", ("on the radio",)),
        ("MOM (V.O.) (CONT'D)", "MOM", ("V.O.", "CONT'D")),
        ("R2D2", "R2D2", ()),
        ("ÉMILE", "ÉMILE", ()),
        ("@McCLANE", "McCLANE", ()),
        ("@玛拉", "玛拉", ()),
        ("@42", "42", ()),
    ],
)
def test_a_cue_is_a_name_and_its_extensions(cue: str, name: str, extensions: tuple[str, ...]) -> None:
    assert elements(f"{cue}\nHello.") == [
        Speech(name=name, extensions=extensions, lines=(Line(text="Hello."),))
    ]


@pytest.mark.parametrize("line", ["23", "玛拉", "(V.O.)", "..."])
def test_a_cue_needs_a_letter_that_is_a_capital(line: str) -> None:
    assert elements(f"{line}\nHello.") == [Action(text=f"{line}\nHello.")]


def test_parentheticals_and_line_breaks_stay_within_the_speech() -> None:
    text = "STEEL\n(starting the engine)\nSo much\nfor retirement!\n(he laughs)\n\nThey speed off."
    assert elements(text) == [
        Speech(
            name="STEEL",
            lines=(
                Line(text="starting the engine", is_parenthetical=True),
                Line(text="So much"),
                Line(text="for retirement!"),
                Line(text="he laughs", is_parenthetical=True),
            ),
        ),
        Action(text="They speed off."),
    ]


def test_two_spaces_on_an_empty_line_go_on_with_the_speech() -> None:
    assert elements("DEALER\nTen.\n  \nHit or stand?\n\nHe waits.") == [
        Speech(name="DEALER", lines=(Line(text="Ten."), Line(text="Hit or stand?"))),
        Action(text="He waits."),
    ]


@pytest.mark.parametrize("gap", ["", " ", "\t", "    "])
def test_any_other_empty_line_ends_the_speech(gap: str) -> None:
    assert elements(f"DEALER\nTen.\n{gap}\nHit or stand?")[1] == Action(text="Hit or stand?")


def test_dual_dialogue_is_marked_on_the_second_speech() -> None:
    first, second = elements("BRICK\nScrew retirement.\n\nSTEEL   ^\nScrew retirement.")
    assert first == Speech(name="BRICK", lines=(Line(text="Screw retirement."),))
    assert second == Speech(name="STEEL", lines=(Line(text="Screw retirement."),), is_dual=True)


def test_indentation_says_nothing_outside_action() -> None:
    text = "\t\t\t\tCUT TO:\n\n\tINT. GARAGE - DAY\n\n\t\t\tSTEEL\n\t\t(starting)\n\tSo much!\n"
    assert elements(text) == [
        Transition(text="CUT TO:"),
        Heading(text="INT. GARAGE - DAY"),
        Speech(name="STEEL", lines=(Line(text="starting", is_parenthetical=True), Line(text="So much!"))),
    ]


def test_a_tilde_is_a_lyric_alone_and_in_a_speech() -> None:
    assert elements("~Willy Wonka!\n~The chocolatier!\n\nOOMPA\n~Doompa-dee\nSpoken.") == [
        Lyric(text="Willy Wonka!"),
        Lyric(text="The chocolatier!"),
        Speech(name="OOMPA", lines=(Line(text="Doompa-dee", is_sung=True), Line(text="Spoken."))),
    ]


# --- transitions, title cards, page breaks, sections, synopses ---------------------------------------


def test_capitals_that_end_in_to_are_a_transition() -> None:
    assert elements("But mercifully we...\n\nCUT TO:\n\nEXT. POOL") == [
        Action(text="But mercifully we..."),
        Transition(text="CUT TO:"),
        Heading(text="EXT. POOL"),
    ]


@pytest.mark.parametrize("text", ["Jack\nCUT TO:\n", "Cut to:\n", "CUT TO: \n"])
def test_a_transition_has_an_empty_line_before_it_is_in_capitals_and_ends_at_the_colon(text: str) -> None:
    assert elements(text) == [Action(text=text.strip())]


def test_signs_force_a_transition_and_a_title_card() -> None:
    assert elements("> Burn to White.\n\n> THE END <\n\n>THE END<") == [
        Transition(text="Burn to White."),
        Action(text="THE END", is_centred=True),
        Action(text="THE END", is_centred=True),
    ]


@pytest.mark.parametrize("line", ["===", "======", "  ===  "])
def test_three_equals_signs_are_a_page_break(line: str) -> None:
    assert elements(f"One.\n\n{line}\n\nTwo.")[1] == PageBreak()


def test_sections_and_synopses_are_told_from_what_is_shown() -> None:
    assert elements("# Act\n## Sequence\n= Set up the story.\nEXT. PATIO - DAY\n= Warm sun.\nA day.") == [
        Section(text="Act", level=1),
        Section(text="Sequence", level=2),
        Synopsis(text="Set up the story."),
        Heading(text="EXT. PATIO - DAY"),
        Synopsis(text="Warm sun."),
        Action(text="A day."),
    ]


# --- notes and boneyard ------------------------------------------------------------------------------


def test_a_note_in_a_line_goes_and_the_line_stays() -> None:
    assert elements("DAN and JACK[[names?]] drink.") == [Action(text="DAN and JACK drink.")]


def test_a_note_on_lines_of_its_own_goes_with_them() -> None:
    assert elements("JACK\nHello.\n[[loud\nor not?]]\nThere.") == [
        Speech(name="JACK", lines=(Line(text="Hello."), Line(text="There.")))
    ]


def test_a_note_crosses_an_empty_line_with_two_spaces_only() -> None:
    connected = "A pause.[[This needs work.\n  \nDefinitely.]] He looks."
    assert elements(connected) == [Action(text="A pause. He looks.")]
    apart = "A pause.[[This needs work.\n\nDefinitely.]] He looks."
    assert elements(apart) == [
        Action(text="A pause.[[This needs work."),
        Action(text="Definitely.]] He looks."),
    ]


def test_the_boneyard_crosses_everything() -> None:
    text = "One.\n\nCUT TO:\n/*\nINT. GARAGE - DAY\n\nBRICK\nGone.\n*/\nEXT. MANSION - DAY\n\nTwo."
    assert elements(text) == [
        Action(text="One."),
        Transition(text="CUT TO:"),
        Heading(text="EXT. MANSION - DAY"),
        Action(text="Two."),
    ]


def test_a_boneyard_that_never_ends_is_text() -> None:
    assert elements("One /* two.") == [Action(text="One /* two.")]


# --- emphasis ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("*italics* **bold** ***both*** _under_", "italics bold both under"),
        (
            "_Steel's face FILLS the *Leupold Mark 4* scope_.",
            "Steel's face FILLS the Leupold Mark 4 scope.",
        ),
        (r"the keypad: **\*9765\***", "the keypad: *9765*"),
        ("He dialed *69 and then *23, and hung up.", "He dialed *69 and then *23, and hung up."),
        ("He dialed *69 and then 23*, and hung up.", "He dialed 69 and then 23, and hung up."),
        (r"He dialed *69 and then 23\*, and hung up.", "He dialed *69 and then 23*, and hung up."),
        ("two * three * four", "two * three * four"),
        ("a snake_case_name", "a snake_case_name"),
        ("**bold with *italics* inside**", "bold with italics inside"),
        ("***", "***"),
        (r"C:\new", r"C:\new"),
    ],
)
def test_emphasis_follows_markdown(written: str, shown: str) -> None:
    assert elements(f"He says: {written}") == [Action(text=f"He says: {shown}")]


def test_emphasis_is_not_carried_across_lines() -> None:
    assert elements("They *share a look.\n\nThis is BAD.*") == [
        Action(text="They *share a look."),
        Action(text="This is BAD.*"),
    ]


# --- title page --------------------------------------------------------------------------------------


def test_the_title_page_has_values_inline_and_indented() -> None:
    screenplay = parse_fountain(
        "Title:\n    _**BRICK & STEEL**_\n    _**FULL RETIRED**_\nCredit: Written by\nDraft date: 1/20/2012\n"
        "Contact:\n\tNext Level\n   Solvang, CA: 93463\nMood: http://a.example\n\nHe sits."
    )
    assert screenplay.title_page == {
        "title": "BRICK & STEEL\nFULL RETIRED",
        "credit": "Written by",
        "draft date": "1/20/2012",
        "contact": "Next Level\nSolvang, CA: 93463",
        "mood": "http://a.example",
    }
    assert screenplay.elements == (Action(text="He sits."),)


def test_one_known_field_is_a_title_page() -> None:
    assert parse_fountain("Draft date: 6/23/2012").title_page == {"draft date": "6/23/2012"}


@pytest.mark.parametrize(
    "text", ["FADE IN:\n\nA day.", "He says: no.", "Steel: what?\nTitle", "12:30 comes."]
)
def test_a_first_line_with_a_colon_is_not_yet_a_title_page(text: str) -> None:
    assert parse_fountain(text).title_page == {}
    assert elements(text)[0] == Action(text=text.partition("\n\n")[0])


# --- any text ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system_are_read(line_end: str) -> None:
    text = "\ufeffTitle: X\n\nBOB\nHello.\n\nHe sits.".replace("\n", line_end)
    assert elements(text) == [Speech(name="BOB", lines=(Line(text="Hello."),)), Action(text="He sits.")]


SCRAPS = st.sampled_from([
    "\n", "\n\n", "  \n", "\t", "MARA", "mara", "(", ")", "[[", "]]", "/*", "*/", "*", "**", "_", "\\", "~", "!",
    "@", "#", "=", "===", ">", "<", "^", ".", "...", ":", "TO:", "INT. ", "EXT", "I/E ", "Title: ", " - ", "#1#",
    "\0", "é", "玛拉", "\ud800", "\u2028", '"',
])  # fmt: skip


@settings(deadline=None)
@given(st.lists(SCRAPS | st.text(max_size=5), max_size=40).map("".join))
def test_any_text_is_a_screenplay_without_empty_lines_of_speech(text: str) -> None:
    for element in elements(text):
        if isinstance(element, Speech):
            assert element.name.strip()
            assert all(line.text for line in element.lines)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["a", "b ", " ", "*", "_", ".", "\\"]), max_size=30).map("".join))
def test_taking_emphasis_off_loses_nothing_but_marks(line: str) -> None:
    shown = "".join(element.text for element in elements(f"!{line}"))
    letters = str.maketrans("", "", "*_\\ ")
    assert shown.translate(letters) == line.translate(letters)


@pytest.mark.parametrize("scrap", ["/*", "[[", "[[ ]", "*", "A (", "INT. ", "a:", "="])
def test_a_megabyte_of_one_scrap_is_read(scrap: str) -> None:
    """A search whose time grew with the square of the length would keep this test for an hour."""
    assert elements(scrap * (2**20 // len(scrap)))


@pytest.mark.parametrize("scrap", ["a*b_", "**a ", "((\n", "~a\n", "[[a\n\n", "A\n  \n"])
def test_thousands_of_lines_and_marks_are_read(scrap: str) -> None:
    assert elements(scrap * 10_000)
