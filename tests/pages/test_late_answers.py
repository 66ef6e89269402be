"""Saves that take long: what a person does meanwhile counts, and nothing jumps back."""

from __future__ import annotations

from held_requests import Held
from playwright.sync_api import expect


def rows_of(story):
    return story.script.head().draft.rows


def open_story(page, title: str) -> None:
    page.locator("#md-story-switcher").click()
    page.get_by_role("menuitem", name=title).click()
    expect(page.locator("#md-story-switcher")).to_have_text(title)


def test_a_late_save_does_not_bring_the_former_story_back(open_tab, story, desk):
    second = desk.shelf.new("Second")
    desk.script.set_row(second.id, rows_of(second)[0].id, {"plot": "Of the second."})
    tab = open_tab()
    page = tab.page
    open_story(page, "The Pier")
    tab.go("Script")
    held = Held(page, "save_row")
    expect(page.locator("#md-plot")).to_have_value("Mara walks on the beach.")
    page.locator("#md-plot").fill("Typed late.")
    held.wait()
    open_story(page, "Second")
    expect(page.locator("#md-plot")).to_have_value("Of the second.")
    held.let_go()
    tab.saved()
    page.wait_for_timeout(500)  # the other tabs hear of it after 900
    expect(page.locator("#md-plot")).to_have_value("Of the second.", timeout=1)
    assert rows_of(story)[0].plot == "Typed late."
    assert rows_of(second)[0].plot == "Of the second."
    assert tab.errors == []


def test_a_late_save_of_a_card_does_not_bring_the_former_cast_back(open_tab, story, desk):
    second = desk.shelf.new("Second")
    desk.cast.add(second.id, "Ben", "A beard.")
    tab = open_tab()
    page = tab.page
    open_story(page, "The Pier")
    tab.go("Cast")
    held = Held(page, "save_card")
    mara = story.script.head().draft.cast[0].id
    page.locator(f"#md-{mara} textarea").fill("Grey hair.")
    held.wait()
    open_story(page, "Second")
    expect(page.locator(".md-person-card")).to_have_count(1)
    held.let_go()
    tab.saved("cast")
    page.wait_for_timeout(500)
    expect(page.locator(".md-person-card")).to_have_count(1, timeout=1)
    assert story.script.head().draft.cast[0].description == "Grey hair."
    assert tab.errors == []


def type_on_while_a_save_is_held(page, held):
    page.locator("#md-plot").fill("Mara runs.")
    held.wait()
    page.locator("#md-plot").fill("Mara runs home.")


def check_all_that_was_typed_is_kept(tab, story):
    expect(tab.page.locator("#md-plot")).to_have_value("Mara runs home.")
    assert rows_of(story)[0].plot == "Mara runs home."
    assert tab.errors == []


def test_a_save_whose_answer_is_lost_is_not_taken_for_one_of_another_tab(open_tab, story):
    tab = open_tab()
    page = tab.go("Script")
    held = Held(page, "save_row")
    type_on_while_a_save_is_held(page, held)
    held.done_unanswered().abort()
    assert held.wait()["fields"] == {"plot": "Mara runs."}
    held.let_go()
    assert held.wait()["fields"] == {"plot": "Mara runs home."}
    held.let_go()
    tab.saved()
    check_all_that_was_typed_is_kept(tab, story)


def test_what_is_typed_while_a_save_is_on_its_way_survives_a_reload(open_tab, story):
    tab = open_tab()
    page = tab.go("Script")
    held = Held(page, "save_row")
    type_on_while_a_save_is_held(page, held)
    held.done_unanswered()
    page.reload()
    tab.go("Script")
    assert held.wait()["fields"] == {"plot": "Mara runs."}
    held.let_go()
    held.let_go()
    tab.saved()
    check_all_that_was_typed_is_kept(tab, story)


def test_an_act_waits_for_the_last_characters_that_were_typed(open_tab, story):
    tab = open_tab()
    page = tab.go("Script")
    held = Held(page, "save_row")
    page.locator("#md-plot").fill("Mara walks.")
    assert held.wait()["fields"] == {"plot": "Mara walks."}
    page.locator("#md-plot").fill("Mara walks home.")
    page.locator("#md-insert").click()
    held.let_go()
    assert held.wait()["fields"] == {"plot": "Mara walks home."}  # which came while the first was on its way
    page.wait_for_timeout(600)
    assert "insert_row" not in held.asked
    held.let_go()
    expect(page.locator(".md-form-pane h2")).to_have_text("Shot 2")
    assert held.asked.index("insert_row") > max(
        at for at, name in enumerate(held.asked) if name == "save_row"
    )
    assert [row.plot for row in rows_of(story)][:2] == ["Mara walks home.", ""]
    assert tab.errors == []


def test_undo_right_after_typing_takes_back_what_was_typed(open_tab, story):
    tab = open_tab()
    page = tab.go("Script")
    held = Held(page, "save_row")
    page.locator("#md-plot").fill("One.")
    held.wait()
    page.locator("#md-plot").fill("One, two.")
    page.locator("#md-undo").evaluate("button => { button.disabled = false; button.click(); }")
    held.let_go()
    held.let_go()
    expect(page.locator("#md-plot")).to_have_value("Mara walks on the beach.")
    expect(page.locator(".md-toast")).to_have_count(0)  # "changed since" would be untrue
    assert rows_of(story)[0].plot == "Mara walks on the beach."


def test_an_undo_of_another_story_undoes_there(open_tab, story, desk):
    second = desk.shelf.new("Second")
    while second.script.head().number <= story.script.head().number:
        desk.script.insert(second.id)
    tab = open_tab()
    page = tab.page
    open_story(page, "The Pier")
    tab.go("Script")
    page.locator("#md-row-menu").click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(page.locator(".md-entry")).to_have_count(3)
    open_story(page, "Second")
    num_rows = len(rows_of(second))
    expect(page.locator(".md-entry")).to_have_count(num_rows)
    page.locator(".md-toast button", has_text="Undo").click()
    tab.saved()
    page.wait_for_timeout(500)
    assert (len(rows_of(story)), len(rows_of(second))) == (4, num_rows)
    expect(page.locator(".md-entry")).to_have_count(num_rows)
    assert tab.errors == []
