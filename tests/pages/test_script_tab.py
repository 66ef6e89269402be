"""The script's editor as a person meets it: nothing that is typed is lost, whatever else happens."""

from __future__ import annotations

import random

from playwright.sync_api import expect

LETTERS = "abcdefghijklmnopqrstuvwxyz"
FIELDS = ("#md-plot", "#md-elements", ".md-person input")


def rows_of(story):
    return story.script.head().draft.rows


def test_fifty_edits_at_any_speed_lose_nothing_while_the_page_updates(open_tab, story, desk):
    tab = open_tab()
    page = tab.go("Script")
    chance = random.Random(7)
    ids = [row.id for row in rows_of(story)]
    typed = {(row.id, field): "" for row in rows_of(story) for field in FIELDS}
    for number in range(50):
        row_id, field = chance.choice(ids), chance.choice(FIELDS)
        page.locator(f"#md-{row_id}").click()
        if field == ".md-person input" and not page.locator(field).count():
            page.locator(".md-chip").first.click()
        box = page.locator(field).first
        box.click()
        page.keyboard.press("Control+End")
        text = "".join(chance.choices(LETTERS, k=chance.randint(3, 12)))
        page.keyboard.type(text, delay=chance.choice((0, 5, 20, 60)))
        typed[row_id, field] += text
        if number % 10 == 5:  # another tab works on the same story
            desk.script.lock(story.id, [chance.choice(ids)], locked=bool(chance.getrandbits(1)))
            desk.script.set_story(story.id, {"style": f"style {number}"})
    tab.saved()
    for row in rows_of(story):
        assert row.plot.endswith(typed[row.id, "#md-plot"])
        assert "\n".join(row.scene_elements).endswith(typed[row.id, "#md-elements"])
        said = row.characters[0].description if row.characters else ""
        assert said == typed[row.id, ".md-person input"]
    assert tab.errors == []


def test_rows_can_be_switched_in_the_middle_of_a_word(open_tab, story):
    tab = open_tab()
    page = tab.go("Script")
    for number, row in enumerate(rows_of(story)):
        page.locator(f"#md-{row.id}").click()
        page.locator("#md-plot").fill(f"plot number {number}")
    tab.saved()
    assert [row.plot for row in rows_of(story)] == [f"plot number {number}" for number in range(4)]


def test_what_is_typed_just_before_a_reload_is_saved_after_it(open_tab, story):
    tab = open_tab()
    page = tab.go("Script")
    page.locator("#md-plot").click()
    page.keyboard.press("Control+End")
    page.keyboard.type(" And then she runs.")
    page.reload()
    expect(page.locator("#md-story-switcher")).to_be_visible()
    tab.go("Script")
    expect(page.locator("#md-plot")).to_have_value("Mara walks on the beach. And then she runs.")
    tab.saved()
    assert rows_of(story)[0].plot == "Mara walks on the beach. And then she runs."


def test_the_same_field_changed_in_two_tabs_is_a_choice_and_never_overwritten(open_tab, story, desk):
    tab = open_tab()
    page = tab.go("Script")
    expect(page.locator("#md-plot")).to_have_value("Mara walks on the beach.")
    page.route("**/component_server/**", lambda route: route.abort())  # this tab hears of nothing for a while
    page.locator("#md-plot").fill("Mine.")
    expect(page.locator(".md-script .md-saved")).to_have_text("Not saved, trying again…")
    desk.script.set_row(story.id, rows_of(story)[0].id, {"plot": "Theirs."})
    page.unroute("**/component_server/**")
    expect(page.locator(".md-trouble blockquote")).to_have_text("Theirs.")
    expect(page.locator("#md-plot")).to_have_value("Mine.")
    assert rows_of(story)[0].plot == "Theirs."
    page.locator("#md-keep-mine").click()
    tab.saved()
    assert rows_of(story)[0].plot == "Mine."


def test_what_is_typed_of_somebody_who_is_being_renamed_is_saved_under_the_new_name(open_tab, story, desk):
    tab = open_tab()
    page = tab.go("Script")
    does = page.locator(".md-person input")
    expect(does).to_have_value("")
    mara = story.script.head().draft.cast[0]
    desk.cast.set_member(story.id, mara.id, {"name": "Mira"})  # of which the editor has not heard yet
    does.fill("She waves.")
    tab.saved()
    expect(page.locator(".md-trouble:visible")).to_have_count(0)
    expect(page.locator(".md-person select")).to_have_value("Mira")
    expect(does).to_have_value("She waves.")
    (person,) = rows_of(story)[0].characters
    assert (person.name, person.description) == ("Mira", "She waves.")
    assert tab.errors == []


def test_different_rows_changed_in_two_tabs_both_count(open_tab, story):
    one, other = open_tab(), open_tab()
    first, last = rows_of(story)[0].id, rows_of(story)[3].id
    for tab, row_id, text in ((one, first, "One."), (other, last, "Other."), (one, first, "One again.")):
        tab.go("Script").locator(f"#md-{row_id}").click()
        tab.page.locator("#md-plot").fill(text)
        tab.saved()
    assert rows_of(story)[0].plot == "One again."
    assert rows_of(story)[3].plot == "Other."


def test_a_value_that_does_not_fit_stays_in_the_field_and_says_why(open_tab, story):
    tab = open_tab()
    page = tab.go("Script")
    page.locator("#md-seconds").fill("nine")
    expect(page.locator(".md-trouble")).to_contain_text("must be a number")
    expect(page.locator("#md-seconds")).to_have_value("nine")
    page.locator("#md-seconds").fill("9")
    tab.saved()
    assert rows_of(story)[0].seconds == 9


def test_rows_are_inserted_moved_deleted_and_brought_back(open_tab, story):
    tab = open_tab()
    page = tab.go("Script")
    page.locator(f"#md-{rows_of(story)[1].id}").click()
    page.locator("#md-insert").click()
    expect(page.locator(".md-form-pane h2")).to_have_text("Shot 3")
    page.keyboard.type("A gull lands.")
    tab.saved()
    assert [row.plot for row in rows_of(story)][1:3] == ["Tom waves.", "A gull lands."]
    page.get_by_role("button", name="Move up").first.click()
    expect(page.locator(".md-form-pane h2")).to_have_text("Shot 2")
    page.locator("#md-row-menu").click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(page.locator(".md-entry")).to_have_count(4)
    page.locator(".md-toast button", has_text="Undo").click()
    expect(page.locator(".md-entry")).to_have_count(5)
    assert rows_of(story)[1].plot == "A gull lands."


def test_several_rows_get_a_scene_element_at_once(open_tab, story):
    tab = open_tab()
    page = tab.go("Script")
    for row in rows_of(story)[:2]:
        page.locator(f"#md-{row.id}").click(modifiers=["Control"])
    page.get_by_role("button", name="Add a scene element").click()
    page.keyboard.type("A rainy night")
    page.keyboard.press("Enter")
    expect(page.locator(".md-veil")).to_have_count(0)
    assert [row.scene_elements for row in rows_of(story)] == [("A pier", "A rainy night")] * 2 + [
        ("A pier",)
    ] * 2


def test_search_shows_what_it_finds(open_tab, story):
    page = open_tab().go("Script")
    page.locator("#md-search").fill("calm sea")
    expect(page.locator(".md-entry:visible")).to_have_count(1)
    expect(page.locator(".md-entry:visible")).to_contain_text("The sea is calm.")


def test_editing_queues_no_job(open_tab, story, desk):
    tab = open_tab()
    tab.go("Script").locator("#md-plot").fill("Something else entirely.")
    tab.saved()
    assert desk.queue.snapshot().jobs == ()


def test_picked_rows_are_redrawn_after_the_cost_is_said(open_tab, story, desk):
    tab = open_tab()
    page = tab.go("Script")
    desk.script.lock(story.id, [rows_of(story)[0].id], locked=True)
    for row in rows_of(story)[:3]:
        page.locator(f"#md-{row.id}").click(modifiers=["Control"])
    page.get_by_role("button", name="Redraw", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("A new take of each, about")
    expect(dialog).to_contain_text("1 locked shot left out")
    assert desk.queue.snapshot().jobs == ()
    dialog.get_by_role("button", name="Redraw", exact=True).click()
    expect(dialog).to_have_count(0)
    (job,) = desk.queue.snapshot().jobs
    assert job.job.keyframes == tuple(row.id for row in rows_of(story)[1:3])
