from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings, strategies as st

from moviedreamer_core.errors import OutputError, StoryError
from moviedreamer_core.names import name_key
from moviedreamer_core.prose import proposed_names
from moviedreamer_core.script import MAX_SEED, Character, CharacterInFrame, KeyframeScript, Story
from moviedreamer_core.story_files import read_story, write_story


def read(tmp_path: Path, name: str, content: str | bytes, cast: tuple[Character, ...] = ()) -> Story:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return read_story(path, cast=cast)


def people(story: Story) -> list[list[str]]:
    return [[person.name for person in keyframe.characters] for keyframe in story.keyframes]


def plots(story: Story) -> list[str]:
    return [keyframe.plot for keyframe in story.keyframes]


# --- without loss ------------------------------------------------------------------------------------

# Text as an editor can give it: no half characters; surrounding space is not part of a field.
any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).map(str.strip)
tricky_text = st.sampled_from(
    ["no", "1", "2024-01-01", "- a", "a: b", "#x", "'", '"', "a\nb", "a | b; c: d\\", "~", "@x"]
)
some_text = st.one_of(any_text, tricky_text).filter(bool)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    names = draw(st.lists(some_text, max_size=4, unique_by=name_key))
    cast = tuple(
        Character(name=name, description=draw(any_text), faces=tuple(draw(st.lists(some_text, max_size=2))))
        for name in names
    )
    keyframes = []
    for _ in range(draw(st.integers(1, 3))):
        in_frame = draw(st.lists(st.sampled_from(names), max_size=3, unique=True)) if names else []
        keyframes.append(
            KeyframeScript(
                plot=draw(some_text),
                scene_elements=tuple(draw(st.lists(some_text, max_size=2))),
                characters=tuple(
                    CharacterInFrame(name=name, description=draw(any_text)) for name in in_frame
                ),
                seed=draw(st.none() | st.integers(0, MAX_SEED)),
                seconds=draw(st.floats(0, 60, exclude_min=True)),
            )
        )
    return Story(
        title=draw(any_text),
        style=draw(any_text),
        seed=draw(st.integers(0, MAX_SEED)),
        characters=cast,
        references=tuple(draw(st.lists(some_text, max_size=2))),
        keyframes=tuple(keyframes),
    )


@pytest.mark.parametrize("suffix", [".yaml", ".yml", ".json"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(story=stories())
def test_yaml_and_json_keep_every_field(tmp_path: Path, suffix: str, story: Story) -> None:
    path = tmp_path / f"story{suffix}"
    write_story(story, path)
    assert read_story(path) == story


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(story=stories().filter(lambda story: "\\u0000" not in story.model_dump_json()))  # not in a text file
def test_csv_keeps_the_keyframes(tmp_path: Path, story: Story) -> None:
    path = tmp_path / "story.csv"
    write_story(story, path)
    assert read_story(path, cast=story.characters).keyframes == story.keyframes


def test_written_yaml_is_read_by_any_yaml_reader_and_is_plain(tmp_path: Path) -> None:
    story = Story(title="Zoë", keyframes=(KeyframeScript(plot="Zoë walks.", scene_elements=("Beach",)),))
    write_story(story, tmp_path / "s.yaml")
    text = (tmp_path / "s.yaml").read_text("utf-8")
    assert yaml.safe_load(text) == {
        "title": "Zoë",
        "keyframes": [{"plot": "Zoë walks.", "scene_elements": ["Beach"]}],
    }
    assert text.startswith("title: Zoë\nkeyframes:\n  - plot: Zoë walks.\n")


def test_a_story_is_not_written_to_a_kind_of_file_that_cannot_hold_it(tmp_path: Path) -> None:
    for name in ("s.txt", "s"):
        with pytest.raises(OutputError, match=r"a story is written as \.yaml, \.yml, \.json, \.csv, not as"):
            write_story(Story(), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


# --- YAML and JSON as people write them --------------------------------------------------------------


def test_a_byte_order_mark_and_windows_line_ends_are_taken(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbftitle: T\r\nkeyframes:\r\n  - plot: Mara walks.\r\n"
    assert read(tmp_path, "s.yaml", content) == Story(
        title="T", keyframes=(KeyframeScript(plot="Mara walks."),)
    )
    assert read(tmp_path, "s.csv", b"\xef\xbb\xbfplot\r\nMara walks.\r\n").keyframes[0].plot == "Mara walks."


def test_bare_names_are_characters_of_a_keyframe(tmp_path: Path) -> None:
    story = read(tmp_path, "s.yaml", "characters: [{name: Mara}]\nkeyframes: [{plot: x, characters: [Mara]}]")
    assert story.keyframes[0].characters == (CharacterInFrame(name="Mara"),)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("s.yaml", "", "s.yaml: the file is empty; write a story or start from an example"),
        ("s.json", "\ufeff \n", "s.json: the file is empty"),
        ("s.yaml", b"title: caf\xe9\n", "s.yaml: line 1 is not UTF-8; save the file as UTF-8 text"),
        (
            "s.yaml",
            "title: x".encode("utf-16"),
            "s.yaml: this is not UTF-8 text but binary or UTF-16; save it",
        ),
        ("s.yaml", b"\x89PNG\0\0", "s.yaml: this is not UTF-8 text but binary"),
        ("s.yaml", b"#" * (2 * 2**20 + 1), "s.yaml: larger than 2 MB; a story is text, give one"),
        (
            "s.docx",
            "x",
            "s.docx: a story is a file that ends in .yaml, .yml, .json, .csv, .txt, .fountain, found .docx",
        ),
        ("story", "x", "story: a story is a file that ends in .yaml"),
        ("s.yaml", "title: x\nkeyframes: [\n", "s.yaml: line 3: not valid YAML (did not find expected node"),
        ("s.yaml", "title: x\n\tseed: 1", "s.yaml: line 2: not valid YAML (found a tab character that"),
        ("s.yaml", "title: é\nstyle: a\x07b", "s.yaml: line 2: a character that YAML forbids; delete it"),
        (
            "s.yaml",
            "title: a\nseed: 1\ntitle: b",
            's.yaml: line 3: field "title" is given twice in one place;',
        ),
        (
            "s.yaml",
            "title: &a x\nstyle: *a",
            "s.yaml: line 2: the alias *a is not allowed, write its text out;",
        ),
        (
            "s.yaml",
            "x: !!python/object/apply:os.system [ls]",
            "s.yaml: line 1: not valid YAML (could not determine",
        ),
        ("s.yaml", "? [a]\n: 1", "s.yaml: line 1: not valid YAML (found unhashable key)"),
        ("s.yaml", "a: 1\n--- \nb: 2", "s.yaml: line 2: not valid YAML (but found another document)"),
        ("s.yaml", "[" * 1_000_000, "s.yaml: line 1: nested too deep for a story; correct that line"),
        ("s.yaml", "title: 2024-13-45", "s.yaml: a value cannot be read (month must be in 1..12); compare"),
        ("s.yaml", "seed: " + "1" * 5000, "s.yaml: a value cannot be read (Exceeds the limit (4300 digits)"),
        ("s.yaml", "title: No\nkeyframes: [{plot: x}]", "s.yaml: title: must be text, found the value false"),
        (
            "s.yaml",
            "keyframes: [{plot: 2024-01-01}]",
            "s.yaml: keyframe 1: plot: must be text, found the date 2024-01-01; put it in quotes",
        ),
        (
            "s.yaml",
            "just text",
            "s.yaml: a story is a mapping with the fields title, characters and keyframes, found the",
        ),
        ("s.json", '{"title": "x",\n}', "s.json: line 2: not valid JSON (expecting property name"),
        ("s.json", '{"a": 1, "a": 2}', 's.json: field "a" is given twice in one place; remove one'),
        (
            "s.json",
            "[" * 100_000,
            "s.json: a value cannot be read (nested too deep); compare with an example",
        ),
        ("s.json", '{"seed": ' + "1" * 5000 + "}", "s.json: a value cannot be read (Exceeds the limit"),
        (
            "s.json",
            "[]",
            "s.json: a story is a mapping with the fields title, characters and keyframes, found an empty",
        ),
    ],
)
def test_a_file_that_is_no_story_is_told_in_one_sentence(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    with pytest.raises(StoryError) as caught:
        read(tmp_path, name, content)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_files_and_folders_are_told(tmp_path: Path) -> None:
    with pytest.raises(
        StoryError, match=r"^no\.yaml: there is no such story at .*no\.yaml; correct the path$"
    ):
        read_story(tmp_path / "no.yaml")
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(StoryError, match=r"^folder\.yaml: this is a folder; correct the path$"):
        read_story(tmp_path / "folder.yaml")


def test_an_alias_bomb_is_refused_at_its_first_alias(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
    # 2^40 entries: expanding them would not end.
    with pytest.raises(StoryError, match=r"line 2: the alias \*a0 is not allowed"):
        read(tmp_path, "s.yaml", "\n".join(lines))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    name=st.sampled_from(["s.yaml", "s.json", "s.csv", "s.txt", "s.fountain"]),
    content=st.binary(max_size=60)
    | st.text(max_size=60).map(str.encode)
    | st.text(st.sampled_from('plot,:;|-"[]{}&*!\n\\ aMT.'), max_size=60).map(
        lambda t: f"plot\n{t}".encode()
    ),
)
def test_any_bytes_are_a_story_or_a_story_error(tmp_path: Path, name: str, content: bytes) -> None:
    try:
        outcome = f"{name}: {len(read(tmp_path, name, content).keyframes)} keyframes"
    except StoryError as error:
        outcome = str(error)
    assert outcome.startswith(f"{name}: ")
    assert not outcome.endswith(": 0 keyframes")


# --- CSV ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_is_read_with_the_separator_of_its_first_row(tmp_path: Path, separator: str) -> None:
    content = (
        "Plot,Scene Elements,characters,seconds,seed\n"
        'Mara walks.,Sandy beach | Sunset,"Mara: is walking: fast; Tom",2.5,7\n'
        ",,,,\n"
        '"Tom says ""no"".\nTwice.",,Tom,,\n'
    ).replace(",", separator)
    story = read(tmp_path, "my_story.csv", content)
    assert story == Story(
        title="My story",
        characters=(Character(name="Mara"), Character(name="Tom")),
        keyframes=(
            KeyframeScript(
                plot="Mara walks.",
                scene_elements=("Sandy beach", "Sunset"),
                characters=(
                    CharacterInFrame(name="Mara", description="is walking: fast"),
                    CharacterInFrame(name="Tom"),
                ),
                seconds=2.5,
                seed=7,
            ),
            KeyframeScript(plot='Tom says "no".\nTwice.', characters=(CharacterInFrame(name="Tom"),)),
        ),
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "a,b\n1,2",
            "s.csv: the first row has no column plot; the columns are plot, scene_elements, characters",
        ),
        ("plot,Plot\n1,2", "s.csv: the first row repeats the column plot; the columns are"),
        ("plot\na,b", "s.csv: line 2: more cells than columns; put text that holds the separator in double"),
        ('plot\n"a', "s.csv: near line 2: not valid CSV (unexpected end of data); correct it"),
        ("plot,secs\na,1", 's.csv: keyframe 1: unknown field "secs"; did you mean "seconds"?'),
        ("plot,seed\nx,1\n,3", "s.csv: keyframe 2: plot: is empty; write something or remove it"),
        ("plot,seconds\nx,long", "s.csv: keyframe 1: seconds: must be a number, found the text"),
        ("plot,seed\nx,yes", "s.csv: keyframe 1: seed: must be a whole number, found the text"),
        ("plot,characters\nx,a;b;c;d;e;f", "s.csv: keyframe 1: characters: more than 5 (found 6); split"),
        ("plot,seed", "s.csv: story has no keyframes; add at least one under keyframes"),
    ],
)
def test_a_wrong_csv_is_told_in_one_sentence(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(StoryError) as caught:
        read(tmp_path, "s.csv", content)
    assert message in str(caught.value)


def test_csv_takes_the_looks_from_a_given_cast(tmp_path: Path) -> None:
    cast = (Character(name="Mara", description="Red hair."),)
    assert read(tmp_path, "s.csv", "plot,characters\nx,mara", cast).characters == cast
    with pytest.raises(StoryError, match='keyframe 1: characters: "Bob" is not in the cast'):
        read(tmp_path, "s.csv", "plot,characters\nx,Bob", cast)


# --- plain text --------------------------------------------------------------------------------------


def test_text_gives_one_keyframe_per_sentence_with_the_people_it_names(tmp_path: Path) -> None:
    text = (
        "Title: The light\nStyle: Flat cartoon.\nCast: Mara - A young woman.\nCast: Old Tom: An old man.\n\n"
        "Mara runs along\nthe beach. She waves to Tom! They smile. The sun sets.\n\n"
        "He sleeps. Tom and Mara eat."
    )
    story = read(tmp_path, "s.txt", text)
    assert (story.title, story.style) == ("The light", "Flat cartoon.")
    assert story.characters == (
        Character(name="Mara", description="A young woman."),
        Character(name="Old Tom", description="An old man."),
    )
    assert plots(story)[:2] == ["Mara runs along the beach.", "She waves to Tom!"]
    assert people(story) == [["Mara"], ["Old Tom"], ["Old Tom"], [], [], ["Old Tom", "Mara"]]


def test_a_pronoun_keeps_the_people_of_the_sentence_before(tmp_path: Path) -> None:
    cast = (Character(name="Mara"), Character(name="Tom"))
    story = read(tmp_path, "s.txt", "Mara and Tom meet. They laugh. It rains.", cast)
    assert people(story) == [["Mara", "Tom"], ["Mara", "Tom"], []]
    assert story.characters == cast


def test_a_cast_line_may_list_names_only(tmp_path: Path) -> None:
    story = read(tmp_path, "s.txt", "Cast: Mara, Tom\nMara sings.")
    assert [character.name for character in story.characters] == ["Mara", "Tom"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (["Mara walks.", "Then Mara sings.", "The sun sets.", "The rain falls."], ("Mara",)),
        (["Captain Ahab sails.", "The crew likes Captain Ahab's ship.", "It sinks."], ("Captain Ahab",)),
        (["When Tom comes, Old Tom is gone.", "Old Tom sleeps.", "Tom wakes."], ("Old Tom",)),
        (["Rain falls on Monday.", "On Monday the rain stops."], ()),
        (["Mara sees Tom.", "Tom sees a dog."], ("Tom",)),
        ([], ()),
    ],
)
def test_names_that_repeat_are_proposed(text: list[str], names: tuple[str, ...]) -> None:
    assert proposed_names(text) == names


def test_a_text_without_a_story_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoryError, match=r"^s\.txt: story has no keyframes; add at least one"):
        read(tmp_path, "s.txt", "Title: Nothing\n")


# --- Fountain ----------------------------------------------------------------------------------------

SCREENPLAY = """Title:
    _**The Light**_
Credit: Written by
Author: A. Writer

FADE IN:

EXT. BEACH - SUNSET #1#

MARA runs. She stops.
The sea is *wild*.

MARA (CONT'D)
(whispering)
Where is the light?
I must go. [[add thunder]]

OLD TOM (V.O.)
Help!

CUT TO:

# Act two
= Mara finds him.

INT./EXT. CAR - MOVING - NIGHT
/* not
this */
He sleeps.

@McTavish
Wake up!

.A DREAM

!LIGHT EVERYWHERE.

> THE END <
"""


def test_a_screenplay_becomes_keyframes_scene_elements_and_speakers(tmp_path: Path) -> None:
    story = read(tmp_path, "light.fountain", SCREENPLAY)
    assert story.title == "The Light"
    assert [character.name for character in story.characters] == ["Mara", "Old Tom", "McTavish"]
    told = [
        (row.plot, row.scene_elements, [person.name for person in row.characters]) for row in story.keyframes
    ]
    beach, car = ("Outdoors", "Beach", "Sunset"), ("Car", "Moving", "Night")
    assert told == [
        ("Mara runs.", beach, ["Mara"]),
        ("She stops.", beach, ["Mara"]),
        ("The sea is wild.", beach, []),
        ('Mara says "Where is the light? I must go."', beach, ["Mara"]),
        ('The voice of Old Tom says "Help!"', beach, []),
        ("He sleeps.", car, []),
        ('McTavish says "Wake up!"', car, ["McTavish"]),
        ("LIGHT EVERYWHERE.", ("A dream",), []),
    ]


def test_a_screenplay_may_start_with_a_scene_and_take_a_given_cast(tmp_path: Path) -> None:
    cast = (Character(name="Mara", description="Red hair."),)
    story = read(tmp_path, "the_light.fountain", "int. kitchen - day\n\nMara eats.\n\nMARA\nGood.\n", cast)
    assert (story.title, story.characters) == ("The light", cast)
    assert story.keyframes[0].scene_elements == ("Indoors", "Kitchen", "Day")
    assert people(story) == [["Mara"], ["Mara"]]


def test_a_speaker_who_is_not_in_the_given_cast_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoryError, match=r's\.fountain: keyframe 1: characters: "Bob" is not in the cast'):
        read(tmp_path, "s.fountain", "BOB\nHello.", (Character(name="Mara"),))
