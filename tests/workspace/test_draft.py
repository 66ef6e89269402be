from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st
from making import draft_of_plots, plots

from moviedreamer_core.errors import StoryError
from moviedreamer_core.script import Character, CharacterInFrame, KeyframeScript, Story, keyframe_elements
from moviedreamer_core.workspace.draft import (
    MAX_ROWS,
    CastMember,
    Draft,
    PersonInRow,
    Row,
    draft_of,
    place_key,
    place_of,
    rows_of,
    seed_of,
    story_file_of,
    story_of,
    with_script_of,
)

FACE, OTHER_FACE = f"faces/{'a' * 32}.png", f"faces/{'b' * 32}.png"


def ids(draft: Draft) -> list[str]:
    return [row.id for row in draft.rows]


# --- rows --------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_rows_keep_their_ids_through_any_edits_as_entries_of_a_plain_list_do(data: st.DataObject) -> None:
    draft = draft_of_plots("a", "b", "c")
    plain = [(row.id, row.plot) for row in draft.rows]
    for step in range(data.draw(st.integers(0, 8))):
        place = data.draw(st.integers(0, len(plain)))
        some = data.draw(st.lists(st.sampled_from(plain), unique=True)) if plain else []
        some_ids = {row_id for row_id, _ in some}
        match data.draw(st.sampled_from(["insert", "duplicate", "delete", "move", "edit"])):
            case "insert":
                row = Row(plot=f"new {step}")
                draft = draft.with_rows_inserted(place, [row])
                plain.insert(place, (row.id, row.plot))
            case "duplicate" if place < len(plain):
                draft = draft.with_row_duplicated(plain[place][0])
                plain.insert(place + 1, (draft.rows[place + 1].id, plain[place][1]))
            case "delete":
                draft = draft.without_rows(some_ids)
                plain = [one for one in plain if one not in some]
            case "move":
                draft = draft.with_rows_moved(some_ids, place)
                rest = [one for one in plain[:place] if one not in some]
                moved = [one for one in plain if one in some]
                plain = rest + moved + [one for one in plain[place:] if one not in some]
            case "edit":
                draft = draft.with_rows_edited(
                    some_ids, lambda row: row.model_copy(update={"plot": row.plot + "!"})
                )
                plain = [(one[0], one[1] + "!") if one in some else one for one in plain]
    assert [(row.id, row.plot) for row in draft.rows] == plain
    assert len(set(ids(draft))) == len(plain)


def test_an_edited_row_takes_the_place_of_the_one_with_its_id() -> None:
    draft = draft_of_plots("a", "b")
    edited = draft.with_row(Row(id=draft.rows[1].id, plot="x", seconds=3.0))
    assert plots(edited) == ["a", "x"]
    assert ids(edited) == ids(draft)


@pytest.mark.parametrize(
    "edit",
    [
        lambda draft, gone: draft.with_row(Row(id=gone)),
        lambda draft, gone: draft.without_rows([gone]),
        lambda draft, gone: draft.with_rows_moved([gone], 0),
        lambda draft, gone: draft.with_row_duplicated(gone),
        lambda draft, gone: draft.with_rows_edited([gone], lambda row: row),
        lambda draft, gone: draft.row(gone),
    ],
)
def test_a_row_that_another_tab_deleted_is_told(edit: object) -> None:
    with pytest.raises(StoryError, match=r"^this row is no longer in the script; reload the page$"):
        edit(draft_of_plots("a"), Row().id)


def test_what_was_typed_stays_to_the_last_space() -> None:
    row = Row(plot="  Mara walks \n", scene_elements=("", " a "))
    assert Draft.model_validate_json(Draft(rows=(row,)).model_dump_json()).rows == (row,)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"seed": -1}, "seed: must be at least 0"),
        ({"title": "x" * 20_001}, "title: string should have at most 20000 characters"),
        ({"rows": (Row(),) * 2}, "rows and cast members must have ids of their own"),
        ({"rows": tuple(Row() for _ in range(MAX_ROWS + 1))}, "at most 2000 items"),
        ({"references": ["../secret.png"]}, "reference 1: string should match pattern"),
    ],
)
def test_a_value_that_a_script_cannot_have_is_told(fields: dict[str, object], message: str) -> None:
    with pytest.raises(StoryError) as caught:
        Draft().with_changes(**fields)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


# --- the cast ----------------------------------------------------------------------------------------


def test_a_renamed_character_is_renamed_in_the_rows_that_name_them() -> None:
    draft = draft_of_plots("Mara walks.", "Tom waves.")
    draft = draft.with_row(
        draft.rows[1].model_copy(
            update={"characters": (PersonInRow(name="MARA", description="runs"), PersonInRow(name="Tom"))}
        )
    )
    renamed = draft.with_member(draft.cast[0].model_copy(update={"name": "Maria"}))
    assert [[person.name for person in row.characters] for row in renamed.rows] == [
        ["Maria"],
        ["Maria", "Tom"],
    ]
    assert renamed.rows[1].characters[0].description == "runs"
    assert renamed.cast[0].id == draft.cast[0].id


def test_a_card_that_is_new_is_added_and_a_deleted_one_leaves_the_rows_alone() -> None:
    draft = draft_of_plots("Mara walks.").with_member(CastMember(name="Tom"))
    assert [member.name for member in draft.cast] == ["Mara", "Tom"]
    without = draft.without_member(draft.cast[0].id)
    assert [member.name for member in without.cast] == ["Tom"]
    assert without.rows == draft.rows
    with pytest.raises(StoryError, match="this character is no longer in the cast"):
        without.without_member(draft.cast[0].id)


# --- as a story --------------------------------------------------------------------------------------


def test_a_finished_draft_is_the_story_that_it_shows() -> None:
    draft = draft_of_plots("Mara walks.").with_changes(style=" cartoon ", references=[])
    draft = draft.with_row(draft.rows[0].model_copy(update={"scene_elements": ("Beach ", " "), "seed": 4}))
    assert story_of(draft) == Story(
        title="The Pier",
        style="cartoon",
        characters=(Character(name="Mara", description="Red hair."),),
        keyframes=(
            KeyframeScript(
                plot="Mara walks.",
                scene_elements=("Beach",),
                characters=(CharacterInFrame(name="Mara"),),
                seed=4,
            ),
        ),
    )


@pytest.mark.parametrize(
    ("draft", "message"),
    [
        (draft_of_plots("a", "", "c"), "keyframe 2: plot: is empty; write something or remove it"),
        (draft_of_plots("a", " "), "keyframe 2: plot: is empty"),
        (Draft(), "story has no keyframes; add at least one"),
        (
            draft_of_plots("Mara walks.").with_changes(cast=[]),
            'keyframe 1: characters: "Mara" is not in the cast',
        ),
    ],
)
def test_an_unfinished_draft_is_told_by_keyframe_and_field(draft: Draft, message: str) -> None:
    with pytest.raises(StoryError, match=f"^{message}"):
        story_of(draft)


def test_a_draft_without_rows_or_names_yet_has_a_story_file_all_the_same() -> None:
    draft = draft_of_plots("a", " ", "c").with_changes(cast=[CastMember(), CastMember(name="Tom")])
    written = story_file_of(draft)
    assert [keyframe.plot for keyframe in written.keyframes] == ["a", "c"]
    assert [character.name for character in written.characters] == ["Tom"]
    assert story_file_of(Draft()).keyframes == ()


def test_references_that_are_switched_off_are_kept_and_not_drawn_with() -> None:
    reference = f"references/{'c' * 32}.png"
    draft = draft_of_plots("a").with_changes(references=[reference], use_references=False)
    assert story_of(draft).references == ()
    assert story_file_of(draft).references == (reference,)
    assert story_of(draft.with_changes(use_references=True)).references == (reference,)


def test_a_row_keeps_its_seed_when_it_moves_and_the_story_s_seed_changes_it() -> None:
    draft = draft_of_plots("a", "b", "c")
    moved = draft.with_rows_moved([draft.rows[2].id], 0)
    assert {row.id: seed_of(draft, row) for row in draft.rows} == {
        row.id: seed_of(moved, row) for row in moved.rows
    }
    seeds = {seed_of(draft.with_changes(seed=seed), row) for seed in range(4) for row in draft.rows}
    assert len(seeds) == 12
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert [keyframe.seed for keyframe in story_of(draft).keyframes] == [
        seed_of(draft, row) for row in draft.rows
    ]


def test_the_planner_reads_the_same_from_a_draft_as_from_the_story_it_came_from() -> None:
    story = Story(
        title="T",
        style="Flat.",
        characters=(Character(name="Mara", description="Red hair. A coat.", faces=("m.png",)),),
        keyframes=(
            KeyframeScript(
                plot="Mara walks. It rains.",
                scene_elements=("Beach",),
                characters=(CharacterInFrame(name="Mara", description="She smiles."),),
            ),
        ),
    )
    draft = draft_of(story, {("faces", "m.png"): FACE})
    assert draft.cast[0].faces == (FACE,)
    assert keyframe_elements(story_of(draft), 1) == keyframe_elements(story, 1)


# --- from a story ------------------------------------------------------------------------------------


def story_of_plots(*plots: str) -> Story:
    return Story(keyframes=tuple(KeyframeScript(plot=plot) for plot in plots))


@pytest.mark.parametrize(
    ("after", "kept"),
    [
        (("a", "b", "c"), [0, 1, 2]),
        (("new", "a", "b", "c"), [None, 0, 1, 2]),
        (("a", "c"), [0, 2]),
        (("a", "edited", "c"), [0, 1, 2]),
        (("a", "edited", "new", "c"), [0, 1, None, 2]),
        ((), []),
    ],
)
def test_imported_rows_keep_the_ids_of_those_they_equal_or_replace(
    after: tuple[str, ...], kept: list[int | None]
) -> None:
    draft = draft_of_plots("a", "b", "c")
    imported = with_script_of(draft, story_of_plots(*after))
    assert plots(imported) == list(after)
    known = {row_id: position for position, row_id in enumerate(ids(draft))}
    assert [known.get(row_id) for row_id in ids(imported)] == kept


def test_an_imported_script_adds_its_new_characters_and_leaves_the_cast_as_it_is() -> None:
    draft = draft_of_plots("Mara walks.").with_changes(title="Mine")
    story = story_of_plots("x").model_copy(
        update={"title": "Other", "characters": (Character(name="MARA"), Character(name="Tom"))}
    )
    imported = with_script_of(draft, story)
    assert imported.title == "Mine"
    assert [member.name for member in imported.cast] == ["Mara", "Tom"]
    assert imported.cast[0] == draft.cast[0]


def test_a_story_read_again_keeps_the_ids_of_its_cast_and_replaces_all_else() -> None:
    before = draft_of_plots("Mara walks.").with_changes(use_references=False)
    story = Story(title="New", characters=(Character(name="mara", faces=("x.png",)), Character(name="Tom")))
    after = draft_of(story, {("faces", "x.png"): OTHER_FACE}, before=before)
    assert [(member.name, member.faces) for member in after.cast] == [("mara", (OTHER_FACE,)), ("Tom", ())]
    assert after.cast[0].id == before.cast[0].id
    assert (after.title, after.rows, after.use_references) == ("New", (), False)


def test_rows_to_be_inserted_get_ids_of_their_own() -> None:
    story = story_of_plots("a", "a")
    assert len({row.id for _ in range(2) for row in rows_of(story)}) == 4


def test_a_story_with_more_than_an_editor_takes_is_told() -> None:
    long = story_of_plots("x" * 20_001)
    with pytest.raises(StoryError, match=r'^"x{40}": plot: string should have at most 20000'):
        rows_of(long)
    faces = tuple(f"{number}.png" for number in range(21))
    many = Story(characters=(Character(name="M", faces=faces),))
    held = {("faces", face): f"faces/{number:032}.png" for number, face in enumerate(faces)}
    with pytest.raises(StoryError, match=r"^cast 1: faces: tuple should have at most 20 items"):
        draft_of(many, held)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        (("A beach", "Night"), ("the  BEACH.", "Day"), True),
        (("An old pier",), ("The old pier .",), True),
        (("", " ", "A beach"), ("beach",), True),
        (("A beach",), ("A beach house",), False),
        (("Theatre",), ("atre",), False),
        ((), ("A beach",), False),
        ((), (" ",), True),
    ],
)
def test_places_are_the_same_however_they_are_written(one, other, is_same) -> None:
    keys = [place_key(Row(scene_elements=elements)) for elements in (one, other)]
    assert (keys[0] == keys[1]) == is_same
    assert place_of(Row(scene_elements=("", " A beach. "))) == "A beach."
