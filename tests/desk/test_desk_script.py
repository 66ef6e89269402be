"""Saves that never overwrite what somebody else wrote; rows; imports; warnings."""

from __future__ import annotations

import time

import pytest

from app.desk.row_warnings import KnownWords, row_warnings, unknown_words
from app.desk.script import plain_row
from moviedreamer_core.errors import StoryError
from moviedreamer_core.workspace import Draft, PersonInRow, Row, StaleSaveError


def plots(story):
    return [row.plot for row in story.script.head().draft.rows]


def row(story, row_id):
    return story.script.head().draft.row(row_id)


# --- saves --------------------------------------------------------------------------------------------


def test_a_save_changes_the_fields_it_names_and_no_other(desk, story, rows):
    desk.script.set_row(story.id, rows[0], {"plot": " Mara runs. ", "seconds": 3, "seed": "7"})
    changed = row(story, rows[0])
    assert (changed.plot, changed.seconds, changed.seed) == (" Mara runs. ", 3.0, 7)
    assert changed.characters == (PersonInRow(name="Mara"),)


def test_two_tabs_that_change_different_rows_both_count(desk, story, rows):
    seen = [plain_row(row(story, row_id)) for row_id in rows]
    desk.script.set_row(story.id, rows[0], {"plot": "One."}, seen=seen[0])
    desk.script.set_row(story.id, rows[3], {"plot": "Other."}, seen=seen[3])
    assert plots(story) == ["One.", "Tom waves.", "The sea is calm.", "Other."]


def test_a_field_that_changed_meanwhile_is_not_overwritten(desk, story, rows):
    seen = plain_row(row(story, rows[0]))
    desk.script.set_row(story.id, rows[0], {"plot": "Theirs."})
    with pytest.raises(StaleSaveError) as refused:
        desk.script.set_row(story.id, rows[0], {"plot": "Mine."}, seen=seen)
    assert plots(story)[0] == "Theirs."
    assert refused.value.mine is not None
    assert refused.value.mine.row(rows[0]).plot == "Mine."
    desk.script.set_row(story.id, rows[0], {"seconds": 5}, seen=seen)  # another field of it
    desk.script.set_row(story.id, rows[0], {"plot": "Theirs."}, seen=seen)  # and the same words
    assert row(story, rows[0]).seconds == 5


def test_200_interleaved_saves_of_two_tabs_lose_none(desk, story, rows):
    tabs = [{row_id: plain_row(row(story, row_id)) for row_id in rows} for _ in range(2)]
    refused = 0
    for number in range(200):
        tab, row_id, text = tabs[number % 2], rows[number % 3], f"Text {number}."
        try:
            desk.script.set_row(story.id, row_id, {"plot": text}, seen=tab[row_id])
        except StaleSaveError as error:
            refused += 1
            theirs = plain_row(error.theirs.draft.row(row_id))
            desk.script.set_row(story.id, row_id, {"plot": text}, seen=theirs)
        tab[row_id] = plain_row(row(story, row_id))
        assert row(story, row_id).plot == text
    assert refused > 100  # the tabs did get in each other's way


@pytest.fixture
def seen(story, rows):
    """What a page that shows the script now knows of the first row, and of the cast."""
    cast = {member.id: member.name for member in story.script.head().draft.cast}
    return {"seen": plain_row(row(story, rows[0])), "seen_cast": cast}


def rename(desk, story, name):
    desk.cast.set_member(story.id, story.script.head().draft.cast[0].id, {"name": name})


def test_what_was_typed_of_somebody_who_is_renamed_meanwhile_is_saved_under_the_new_name(
    desk, story, rows, seen
):
    rename(desk, story, "Mira")
    rename(desk, story, "Moira")
    typed = [{"name": "Mara", "description": "She waves."}, {"name": "Tom", "description": ""}]
    desk.script.set_row(story.id, rows[0], {"characters": typed}, **seen)
    mine = (PersonInRow(name="Moira", description="She waves."), PersonInRow(name="Tom"))
    assert row(story, rows[0]).characters == mine
    again = [{"name": "Mara", "description": "She waves back."}]  # the page still has the old name
    desk.script.set_row(story.id, rows[0], {"characters": again}, **seen | {"seen": {"characters": typed}})
    assert row(story, rows[0]).characters == (PersonInRow(name="Moira", description="She waves back."),)


@pytest.mark.parametrize("theirs", [PersonInRow(name="Mira", description="Sings."), PersonInRow(name="Tom")])
def test_a_rename_does_not_hide_what_else_was_changed_of_the_people(desk, story, rows, seen, theirs):
    rename(desk, story, "Mira")
    desk.script.set_row(story.id, rows[0], {"characters": [theirs.model_dump()]})
    with pytest.raises(StaleSaveError):
        desk.script.set_row(
            story.id, rows[0], {"characters": [{"name": "Mara", "description": "She waves."}]}, **seen
        )
    assert row(story, rows[0]).characters == (theirs,)


def test_names_that_change_places_are_not_guessed(desk, story, rows, seen):
    tom = desk.cast.add(story.id, "Tom")
    rename(desk, story, "Somebody")
    desk.cast.set_member(story.id, tom, {"name": "Mara"})
    rename(desk, story, "Tom")
    seen["seen_cast"][tom] = "Tom"
    with pytest.raises(StaleSaveError):
        desk.script.set_row(
            story.id, rows[0], {"characters": [{"name": "Mara", "description": "Who is it?"}]}, **seen
        )
    assert row(story, rows[0]).characters == (PersonInRow(name="Tom"),)


def test_a_save_that_comes_twice_is_no_other_tab(desk, story, rows):
    seen = plain_row(row(story, rows[0]))
    for _ in range(2):
        desk.script.set_row(story.id, rows[0], {"seed": "7", "seconds": "3"}, seen=seen)
        desk.script.set_story(story.id, {"seed": "7"}, seen={"seed": 0})
    assert (row(story, rows[0]).seed, story.script.head().draft.seed) == (7, 7)


def test_edits_of_one_visit_to_a_field_are_undone_together(desk, story, rows):
    for text in ("M", "Ma", "Mar"):
        desk.script.set_row(story.id, rows[0], {"plot": text}, step="visit")
    desk.script.undo(story.id, base=story.script.head().number)
    assert plots(story)[0] == "Mara walks."


def test_undo_of_a_script_that_changed_elsewhere_is_refused(desk, story, rows):
    base = desk.script.set_row(story.id, rows[0], {"plot": "Mine."}).number
    desk.script.set_row(story.id, rows[1], {"plot": "Theirs."})
    with pytest.raises(StaleSaveError):
        desk.script.undo(story.id, base=base)
    assert plots(story)[:2] == ["Mine.", "Theirs."]


@pytest.mark.parametrize(
    "fields",
    [{"plot": 3}, {"plot": "x" * 20_001}, {"seconds": "nine"}, {"seconds": 0}, {"seconds": 61}, {"seed": -1},
     {"scene_elements": "one"}, {"characters": [{"nam": "Mara"}]}, {"id": "row-aaaaaaaaaa"}, {"number": 1}],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_one_sentence_and_changes_nothing(desk, story, rows, fields):
    before = story.script.head()
    with pytest.raises(StoryError) as refused:
        desk.script.set_row(story.id, rows[0], fields)
    assert "\n" not in str(refused.value)
    assert story.script.head() == before


def test_an_undo_of_one_act_leaves_what_came_after_it(desk, story, rows):
    desk.script.delete(story.id, rows[:1])
    deleted = story.script.head().number
    desk.script.set_row(story.id, rows[1], {"plot": "Later."})
    with pytest.raises(StoryError, match="since"):
        desk.script.undo_only(story.id, deleted)
    assert plots(story)[0] == "Later."


def test_the_style_is_saved_like_a_row(desk, story):
    desk.script.set_story(story.id, {"style": "Flat cartoon"}, seen={"style": ""})
    with pytest.raises(StaleSaveError):
        desk.script.set_story(story.id, {"style": "Oil"}, seen={"style": ""})
    assert story.script.head().draft.style == "Flat cartoon"


# --- rows ---------------------------------------------------------------------------------------------


def test_rows_are_inserted_where_they_are_wanted(desk, story, rows):
    above = desk.script.insert(story.id, rows[0], "above")
    below = desk.script.insert(story.id, rows[0], "below")
    end = desk.script.insert(story.id)
    ids = [one.id for one in story.script.head().draft.rows]
    assert ids == [above, rows[0], below, *rows[1:], end]


def test_several_rows_move_together_and_stop_at_the_ends(desk, story, rows):
    def order():
        return [rows.index(one.id) for one in story.script.head().draft.rows]

    desk.script.move(story.id, [rows[0], rows[1]], 1)
    assert order() == [2, 0, 1, 3]
    desk.script.move(story.id, [rows[0], rows[1]], 5)
    assert order() == [2, 3, 0, 1]
    desk.script.move(story.id, [rows[2]], -3)
    assert order() == [2, 3, 0, 1]
    desk.script.place(story.id, [rows[1]], 0)
    assert order() == [1, 2, 3, 0]


def test_a_scene_element_is_added_and_replaced_in_several_rows(desk, story, rows):
    desk.script.add_element(story.id, rows[:2], " A  rainy night ")
    desk.script.add_element(story.id, rows[:3], "A rainy night")
    assert [one.scene_elements for one in story.script.head().draft.rows] == [("A rainy night",)] * 3 + [()]
    desk.script.replace_element(story.id, rows, "A rainy night", "Dawn")
    desk.script.replace_element(story.id, rows[:1], "Dawn", "")
    assert [one.scene_elements for one in story.script.head().draft.rows] == [(), ("Dawn",), ("Dawn",), ()]
    with pytest.raises(StoryError, match="such as"):
        desk.script.add_element(story.id, rows, "  ")


def test_a_lock_is_kept_beside_the_script(desk, story, rows):
    number = story.script.head().number
    desk.script.lock(story.id, rows[:2], locked=True)
    desk.script.lock(story.id, rows[:1], locked=False)
    assert [shot.locked for shot in desk.script.view(story.id).shots] == [False, True, False, False]
    assert story.script.head().number == number


def test_a_deleted_row_comes_back_with_undo(desk, story, rows):
    desk.script.delete(story.id, rows[1:3])
    assert plots(story) == ["Mara walks.", "Mara sleeps."]
    with pytest.raises(StoryError, match="no longer in the script"):
        desk.script.set_row(story.id, rows[1], {"plot": "Gone."})
    desk.script.undo(story.id, base=story.script.head().number)
    assert [one.id for one in story.script.head().draft.rows] == rows


# --- in and out ---------------------------------------------------------------------------------------


def test_pasted_rows_are_added_and_their_people_with_them(desk, story):
    made = desk.script.paste(story.id, "Mara sees a whale. Mara runs.", imported_as="append")
    assert (made.num_rows, made.new_characters) == (2, ())
    assert plots(story)[-2:] == ["Mara sees a whale.", "Mara runs."]
    last = story.script.head().draft.rows[-1]
    assert [person.name for person in last.characters] == ["Mara"]
    assert [member.name for member in story.script.head().draft.cast] == ["Mara"]
    assert story.script.head().draft.cast[0].description == "Red hair."


@pytest.mark.parametrize("imported_as", ["append", "replace"])
def test_a_pasted_text_says_whom_it_brought_into_the_cast(desk, imported_as):
    text = "Mira meets Tom. Tom waves to Mira. It rains."
    story = desk.shelf.new("Without a cast")
    made = desk.script.paste(story.id, text, imported_as=imported_as)
    assert (made.num_rows, made.new_characters) == (3, ("Mira", "Tom"))
    assert [member.name for member in story.script.head().draft.cast] == ["Mira", "Tom"]
    assert desk.script.paste(story.id, text, imported_as=imported_as).new_characters == ()


def test_a_screenplay_replaces_the_rows_and_brings_its_speakers(desk, story, tmp_path):
    path = tmp_path / "harbour.fountain"
    path.write_text("INT. HUT - NIGHT\n\nOld Ben opens the door.\n\nOLD BEN\nCome in!\n")
    desk.script.take_file(story.id, path, imported_as="replace")
    draft = story.script.head().draft
    assert draft.rows[0].plot == "Old Ben opens the door."
    assert "Old Ben" in [member.name for member in draft.cast]


@pytest.mark.parametrize("suffix", ["yaml", "csv"])
def test_an_exported_script_can_be_taken_in_again(desk, story, suffix):
    desk.script.set_row(story.id, story.script.head().draft.rows[0].id, {"scene_elements": ["A | B", "C; D"]})
    path = desk.script.export(story.id, suffix)
    before = story.script.head().draft
    desk.script.take_file(story.id, path, imported_as="replace")
    assert story.script.head().draft.rows == before.rows


# --- warnings -----------------------------------------------------------------------------------------


def warned(draft, **fields):
    found = row_warnings(draft, Row(**fields), KnownWords(None))
    return [(one.field, one.blocks) for one in found], " ".join(one.text for one in found)


@pytest.fixture
def draft(story) -> Draft:
    return story.script.head().draft


def test_a_row_in_order_is_not_warned_of(draft):
    assert warned(draft, plot="Mara walks.", characters=(PersonInRow(name="mara"),)) == ([], "")


def test_what_cannot_be_drawn_is_said(draft):
    assert warned(draft, plot=" ")[0] == [("plot", True)]
    found, text = warned(draft, plot="A dog.", characters=(PersonInRow(name="Rex"),))
    assert found == [("people", True)]
    assert "Rex is not in the cast" in text
    twice = (PersonInRow(name="Mara"), PersonInRow(name="MARA"))
    assert "listed twice" in warned(draft, plot="A dog.", characters=twice)[1]


def test_somebody_who_is_mentioned_and_not_in_the_frame_is_said(draft):
    assert "mentions Mara" in warned(draft, plot="Mara's boat is empty.")[1]


def test_more_sentences_than_slots_are_said(draft):
    assert warned(draft, plot="It rains. " * 16)[0] == [("elements", False)]
    assert warned(draft, plot="It rains. " * 15)[0] == []


def test_unknown_words_are_said_and_names_are_none(draft, tmp_path):
    from moviedreamer_core.encoders.tokenizer import WordTokenizer

    WordTokenizer.from_words(["a", "sees"]).write(tmp_path / "vocabulary.json")
    words = KnownWords(tmp_path / "vocabulary.json")
    for _ in range(600):
        if words.is_ready:
            break
        time.sleep(0.1)
    assert unknown_words("Mara sees a gargoyle.", draft.cast, words) == ("gargoyle",)
