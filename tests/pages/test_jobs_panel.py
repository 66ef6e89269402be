"""The queue panel as a person meets it."""

from __future__ import annotations

from colour_work import working
from playwright.sync_api import expect


def bar(page):
    return page.locator(".md-queue-bar")


def test_the_panel_finds_a_running_job_after_a_reload_and_calls_it_off(desk, story, open_tab):
    tab = open_tab()
    page = tab.page
    expect(bar(page)).to_contain_text("Nothing is running")
    waiting = desk.movie.export(story.id, "story")
    with working(desk, step_seconds=2.0):
        running = desk.storyboard.draw_missing(story.id)
        last = desk.movie.export(story.id, "yaml")
        expect(bar(page)).to_contain_text("Shots 1-4: draw in full")
        page.reload()
        expect(bar(page)).to_contain_text("Shots 1-4: draw in full")
        expect(bar(page)).to_contain_text("left")
        page.get_by_role("button", name="All jobs").click()
        entries = page.locator(".md-queue-list li")
        expect(entries.filter(has_text="Export as yaml")).to_contain_text("starts in about")
        entries.filter(has_text="Shots 1-4: draw in full").get_by_role("button", name="Cancel").click()
        expect(entries.filter(has_text="Shots 1-4: draw in full")).to_contain_text(
            "cancelled; what was finished is kept"
        )
        expect(entries.filter(has_text="Export as yaml").locator(".md-done-sign")).to_be_visible()
    assert {desk.jobs.line(job).state for job in (waiting, last)} == {"done"}
    assert desk.jobs.line(running).state == "cancelled"
    assert len(story.view().shown_takes) < 4
    assert tab.errors == []


def test_a_failure_is_told_in_its_sentence_and_tried_again(desk, story, open_tab):
    row = story.script.head().draft.rows[0].model_copy(update={"plot": "broken"})
    story.script.change(lambda draft: draft.with_row(row), label="Break")
    page = open_tab().page
    with working(desk):
        desk.storyboard.draw_missing(story.id)
        expect(bar(page)).to_contain_text("Shots 1-4: draw in full failed")
        expect(bar(page)).to_contain_text("shot 1: this row is broken; write it anew")
        whole = row.model_copy(update={"plot": "Mara walks."})
        story.script.change(lambda draft: draft.with_row(whole), label="Mend")
        page.get_by_role("button", name="All jobs").click()
        page.get_by_role("button", name="Try again: Shots 1-4: draw in full").click()
        expect(bar(page)).to_contain_text("Shots 1-4: draw in full: done")
    assert len(story.view().shown_takes) == 4
    page.get_by_role("button", name="Clear what is over").click()
    expect(bar(page)).to_contain_text("Nothing is running")


def test_the_panel_does_not_cover_the_end_of_the_page_and_opens_by_keyboard(open_tab):
    page = open_tab().page
    toggle = page.get_by_role("button", name="All jobs")
    expect(toggle).to_have_attribute("aria-expanded", "false")
    toggle.focus()
    page.keyboard.press("Enter")
    expect(toggle).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("region", name="All jobs")).to_be_visible()
    page.wait_for_timeout(2500)  # the ticks of the clock leave it open
    expect(page.get_by_role("region", name="All jobs")).to_be_visible()
    end = page.evaluate("getComputedStyle(document.querySelector('.gradio-container')).paddingBottom")
    assert int(end.removesuffix("px")) >= bar(page).bounding_box()["height"]
