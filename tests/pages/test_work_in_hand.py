"""What is being done, what it costs, and that a tab hears when it is over."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest
from colour_work import draw_take, working
from held_requests import Held
from playwright.sync_api import Page, Route, expect

from app.queue.jobs import Drawing

DRAWING = Drawing(steps=2, width=56, height=32)
DOING = ".md-toast.md-doing"


def rows_of(story):
    return story.script.head().draft.rows


def choose(page: Page, button, path: Path) -> None:
    with page.expect_file_chooser() as chooser:
        button.click()
    chooser.value.set_files(path)


# --- what the queue has made ------------------------------------------------------------------------------


def test_the_script_and_the_shelf_hear_of_what_was_drawn(open_tab, story, desk):
    with working(desk, step_seconds=0.02):
        tab = open_tab()
        page = tab.go("Script")
        expect(page.locator(".md-entry")).to_have_count(4)
        expect(page.locator(".md-thumb img")).to_have_count(0)
        desk.storyboard.draw_missing(story.id)
        expect(page.locator(".md-thumb img")).to_have_count(4)
        desk.script.set_row(story.id, rows_of(story)[0].id, {"plot": "Mara runs."})
        desk.redraws.redraw_stale(story.id)
        page.wait_for_function("document.querySelector('.md-queue-bar').textContent.includes(': done')")
        expect(page.locator(".md-entry-dot")).to_have_count(0)
        expect(page.locator(".md-entry-plot").first).to_have_text("Mara runs.")
        tab.go("Stories")
        expect(page.locator(".md-story-text p")).to_contain_text("4 of 4 shots drawn")
        expect(page.locator(".md-cover img")).to_have_count(1)
    assert tab.errors == []


def test_the_shelf_hears_of_a_story_that_is_not_open(open_tab, story, desk):
    second = desk.shelf.new("Second")
    desk.script.set_row(second.id, rows_of(second)[0].id, {"plot": "A boat."})
    tab = open_tab()
    page = tab.page
    page.locator("#md-story-switcher").click()
    page.get_by_role("menuitem", name="The Pier").click()
    expect(page.locator("#md-story-switcher")).to_have_text("The Pier")
    tab.go("Stories")
    card = page.locator(".md-story", has_text="Second")
    expect(card).to_contain_text("1 shot")
    with working(desk):
        desk.storyboard.draw_missing(second.id)
        expect(card).to_contain_text("1 of 1 shot drawn")


# --- acts that take long ----------------------------------------------------------------------------------


def test_an_upload_says_that_it_is_under_way(open_tab, story, picture):
    tab = open_tab()
    page = tab.go("Cast")
    held: list[Route] = []
    page.route("**/gradio_api/upload*", lambda route: held.append(route))
    choose(page, page.locator(".md-add-face").first, picture)
    expect(page.locator(DOING)).to_have_text("Uploading mara.png")
    expect(page.locator(f"{DOING} [role=progressbar]")).to_be_visible()
    expect(page.locator(".md-island.md-cast")).to_have_attribute("aria-busy", "true")
    held.pop().continue_()
    expect(page.locator(".md-face img").first).to_be_visible()
    expect(page.locator(DOING)).to_have_count(0)
    expect(page.locator(".md-island.md-cast")).not_to_have_attribute("aria-busy", "true")
    assert tab.errors == []


def test_the_bar_of_an_upload_fills(open_tab, story, tmp_path):
    with wave.open(str(tmp_path / "sea.wav"), "wb") as track:
        track.setparams((1, 2, 8000, 0, "NONE", ""))
        track.writeframes(bytes(4_000_000))
    for row in rows_of(story):
        draw_take(story, row.id, DRAWING)
    page = open_tab().go("Movie")
    line = page.context.new_cdp_session(page)
    button = page.get_by_role("button", name="Upload a track")
    expect(button).to_be_visible()
    slow = {"offline": False, "latency": 20, "downloadThroughput": -1, "uploadThroughput": 1_000_000}
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", slow)
    choose(page, button, tmp_path / "sea.wav")
    bar = page.locator(f"{DOING} [role=progressbar]")
    expect(bar).to_be_visible()
    page.wait_for_function(
        "() => { const now = document.querySelector('.md-doing [aria-valuenow]')?.getAttribute('aria-valuenow');"
        " return now > 5 && now < 100; }"
    )
    line.send("Network.emulateNetworkConditions", {**slow, "uploadThroughput": -1})
    expect(page.get_by_text("A WAV track plays under it")).to_be_visible()
    expect(page.locator(DOING)).to_have_count(0)


def test_an_upload_that_fails_says_so_and_no_bar_is_left(open_tab, story, picture):
    page = open_tab().go("Cast")
    page.route("**/gradio_api/upload*", lambda route: route.fulfill(status=413, body="too large"))
    choose(page, page.locator(".md-add-face").first, picture)
    expect(page.locator(".md-toast.md-failed")).to_contain_text("mara.png was not taken")
    expect(page.locator(DOING)).to_have_count(0)
    assert story.script.head().draft.cast[0].faces == ()


@pytest.mark.parametrize(
    ("entry", "step", "says"),
    [
        ("Download as zip", "download_story", "Making the zip of “The Pier”"),
        ("Duplicate", "duplicate_story", "Copying “The Pier”"),
    ],
)
def test_a_long_act_on_a_story_says_that_it_is_under_way(open_tab, story, entry, step, says):
    tab = open_tab()
    page = tab.go("Stories")
    held = Held(page, step)
    page.get_by_role("button", name="More for The Pier").click()
    page.get_by_role("menuitem", name=entry).click()
    held.wait()
    expect(page.locator(DOING)).to_have_text(says)
    held.let_go()
    expect(page.locator(DOING)).to_have_count(0)
    assert tab.errors == []


def test_an_import_says_that_it_is_under_way(open_tab, story, tmp_path):
    (tmp_path / "boats.txt").write_text("Ben rows. Ben sings.")
    tab = open_tab()
    page = tab.go("Stories")
    held = Held(page, "import_story")
    choose(page, page.get_by_role("button", name="Import a file"), tmp_path / "boats.txt")
    held.wait()
    expect(page.locator(DOING)).to_have_text("Importing boats.txt")
    held.let_go()
    expect(page.locator(".md-entry")).to_have_count(2)
    expect(page.locator(DOING)).to_have_count(0)


# --- the cost before the act ------------------------------------------------------------------------------


def test_the_cost_stands_on_the_animatic_the_next_clip_and_the_test_picture(open_tab, story, desk):
    for row in rows_of(story):
        draw_take(story, row.id, DRAWING)
    page = open_tab().go("Movie")
    page.get_by_role("button", name="Animatic", exact=True).click()
    expect(page.get_by_role("button", name="Make the animatic")).to_contain_text("about")
    page.get_by_label("Look at shot 1").click()
    expect(page.locator("[data-act=animate_again]")).to_contain_text("about")
    cost = desk.movie.cost_of_another(story.id, rows_of(story)[0].id)
    expect(page.locator("[data-act=animate_again] .md-cost")).to_have_text(cost.about)
    page.get_by_role("tab", name="Cast", exact=True).click()
    mara = story.script.head().draft.cast[0].id
    button = page.get_by_role("button", name="Draw a test picture").first
    expect(button.locator(".md-cost")).to_have_text(desk.cast.cost_of_test(story.id, mara).about)
    assert desk.queue.snapshot().jobs == ()
