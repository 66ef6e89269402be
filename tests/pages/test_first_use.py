"""What a person meets who never saw the studio: help, words to click, explanations, and an address that leads back."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect
from studio_page import Tab

SHIPPED_WORDS = Path(__file__).resolve().parents[2] / "weights" / "miniature" / "text" / "vocabulary.json"


def rows_of(story):
    return story.script.head().draft.rows


def open_tab_name(page):
    return page.locator("#md-tabs [role=tab][aria-selected=true]")


def test_how_to_begin_leads_to_every_tab_and_explains_the_words(open_tab):
    page = open_tab().page
    page.locator("#md-help").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("li")).to_have_count(7)
    for word in ("Stale", "Locked", "Take", "Seed", "Faithful to surprising"):
        expect(dialog.locator("dt", has_text=re.compile(f"^{word}$"))).to_be_visible()
    dialog.get_by_role("button", name="Script", exact=True).click()
    expect(dialog).to_have_count(0)
    expect(open_tab_name(page)).to_have_text("Script")


def test_words_that_can_be_drawn_are_written_by_a_click(open_tab, desk, story):
    desk.vocabulary = SHIPPED_WORDS
    tab = open_tab()
    page = tab.go("Script")
    page.locator("#md-words-script").click()
    panel = page.locator(".md-script .md-words-panel")
    for word in ("The forest", "A rainy night", "The harbour", "is running", "looks afraid", "is waving"):
        panel.get_by_role("button", name=word, exact=True).click()
    expect(page.locator("#md-elements")).to_have_value(
        "A pier\nThe harbour\nA rainy night"
    )  # one place, the last
    expect(page.locator(".md-person input").first).to_have_value("Mara is waving and looks afraid.")
    tab.saved()
    row = rows_of(story)[0]
    assert row.scene_elements == ("A pier", "The harbour", "A rainy night")
    assert row.characters[0].description == "Mara is waving and looks afraid."
    page = tab.go("Cast")
    page.locator("#md-words-cast").click()
    looks = page.locator(f"#md-{story.script.head().draft.cast[1].id} textarea")
    looks.focus()
    page.keyboard.press("Control+End")
    page.locator(".md-cast .md-words-panel").get_by_role("button", name="a striped shirt", exact=True).click()
    expect(looks).to_have_value("A cap. a striped shirt")
    assert tab.errors == []


def test_a_reload_and_a_link_lead_to_the_same_tab_and_shot(open_tab, story, address):
    tab = open_tab()
    page = tab.go("Script")
    third = rows_of(story)[2].id
    page.locator(f"#md-{third}").click()
    expect(page).to_have_url(re.compile(f"#{story.id}/script/{third}$"))
    page.reload()
    expect(open_tab_name(page)).to_have_text("Script")
    expect(page.locator(".md-form-pane h2")).to_have_text("Shot 3")
    linked = Tab(page.context.new_page(), f"{address}#{story.id}/storyboard/{rows_of(story)[1].id}")
    expect(linked.page.locator(".md-panel h2")).to_have_text("Shot 2")
    expect(open_tab_name(linked.page)).to_have_text("Storyboard")


def test_back_and_forward_go_from_tab_to_tab(open_tab):
    tab = open_tab()
    page = tab.page
    expect(page).to_have_url(re.compile("/storyboard$"))
    for name, part in (("Cast", "cast"), ("Movie", "movie")):
        tab.go(name)
        expect(page).to_have_url(re.compile(f"/{part}$"))
    page.go_back()
    expect(open_tab_name(page)).to_have_text("Cast")
    page.go_back()
    expect(open_tab_name(page)).to_have_text("Storyboard")
    page.go_forward()
    expect(open_tab_name(page)).to_have_text("Cast")


def test_an_address_that_names_nothing_opens_what_there_is(browser, address, story):
    context = browser.new_context()
    page = Tab(context.new_page(), f"{address}#nowhere2/../<b>%2").page
    expect(page.locator("#md-story-switcher")).to_have_text("The Pier")
    expect(open_tab_name(page)).to_have_text("Storyboard")
    context.close()


def test_a_tab_holds_its_place_until_the_first_answer_and_nothing_jumps(browser, address):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    held, is_held = [], True
    page.route(
        "**/gradio_api/queue/join*", lambda route: held.append(route) if is_held else route.continue_()
    )
    page.goto(address)
    bones = page.locator(".md-bones-storyboard")
    expect(bones).to_be_visible(timeout=120_000)
    before = [bones.locator("> *").nth(number).bounding_box() for number in (0, 1)]
    is_held = False
    for route in held:
        route.continue_()
    expect(page.locator(".md-panel")).to_be_visible(timeout=120_000)
    expect(bones).to_have_count(0)
    after = [page.locator(part).bounding_box() for part in (".md-gallery", ".md-panel")]
    for was, now in zip(before, after, strict=True):
        assert abs(was["x"] - now["x"]) <= 2
        assert abs(was["y"] - now["y"]) <= 4
        assert abs(was["width"] - now["width"]) <= 2
    context.close()


def test_a_state_is_explained_to_the_pointer_and_to_the_keyboard(open_tab):
    page = open_tab().page
    chip = page.get_by_role("button", name="Not drawn 4", exact=True)
    chip.hover()
    expect(page.get_by_role("tooltip")).to_contain_text("No picture yet")
    page.mouse.move(5, 5)
    expect(page.get_by_role("tooltip")).to_have_count(0)
    page.locator(".md-filter").first.focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("tooltip")).to_contain_text("No picture yet")
    expect(chip).to_have_attribute("aria-describedby", "md-tip")
    page.keyboard.press("Escape")
    expect(page.get_by_role("tooltip")).to_have_count(0)


def test_without_a_story_every_tab_says_what_to_do(browser, address, desk, story):
    desk.shelf.delete(story.id)
    context = browser.new_context()
    page = context.new_page()
    page.goto(address)
    for name in ("Storyboard", "Cast", "Script", "References", "Movie", "Continuity"):
        page.get_by_role("tab", name=name, exact=True).click(timeout=120_000)
        expect(page.get_by_role("heading", name="No story is open").locator("visible=true")).to_be_visible(
            timeout=120_000
        )
    context.close()
