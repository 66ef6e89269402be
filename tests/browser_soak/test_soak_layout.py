"""Every tab at 1280 and at 1920 pixels: nothing scrolls sideways, nothing lies over another's text."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import soak
from colour_work import working
from playwright.sync_api import Page, expect
from studio_page import TABS

FAULTS = (Path(__file__).resolve().parent / "layout_faults.js").read_text(encoding="utf-8")
MIN_TEXTS = 8  # that a look at a tab must have found
TITLE = "A very long title of a story that somebody wrote without ever thinking of the width of a page"
WORD = "Unbreakable" * 12
# Where something can be scrolled: the page itself, and the parts of it that scroll for themselves.
SCROLL = """share => {
  const parts = [document.scrollingElement, ...document.querySelectorAll(".md-island *")];
  for (const one of parts) one.scrollTop = share * (one.scrollHeight - one.clientHeight);
}"""


def faults(page: Page, where: str) -> list[str]:
    """A line for each, at the top of everything, in the middle and at its end."""
    found = []
    for share in (0, 0.5, 1):
        page.evaluate(SCROLL, share)
        page.wait_for_timeout(150)
        look = page.evaluate(FAULTS)
        assert look["numTexts"] >= MIN_TEXTS, where
        found += [f"{where}, scrolled {share:.0%}: {fault}" for fault in look["faults"]]
    page.evaluate(SCROLL, 0)
    picture_of(page, where)
    return found


def picture_of(page: Page, where: str) -> None:
    """To look at, where the environment names a folder."""
    if folder := os.environ.get("MOVIEDREAMER_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{where.replace(' ', '-').replace(',', '')}.png")


def looks(tab: object, width: int) -> Iterator[str]:
    """Every tab, and what opens in one, each with its name while it is shown."""
    page: Page = tab.page  # type: ignore[attr-defined]
    for name in TABS:
        tab.go(name)  # type: ignore[attr-defined]
        page.wait_for_timeout(500)
        yield f"{name} {width}"
        if name == "Script":
            page.locator(".md-entry").nth(1).click(modifiers=["Control"])
            page.locator("#md-words-script").click()
            page.wait_for_timeout(300)
            yield f"{name}, picked and words {width}"
        if name == "Storyboard":
            page.locator(".md-shot").nth(2).click()
            page.locator(".md-take summary").first.click()
            yield f"{name}, recipe {width}"
        if name == "Movie":
            page.locator(".md-clip-picture").first.click()
            expect(page.locator(".md-beside")).to_be_visible()
            yield f"{name}, a clip {width}"
        if name == "Continuity":
            page.get_by_role("button", name="All jobs").click()
            yield f"{name}, queue {width}"
            page.get_by_role("button", name="All jobs").click()


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (1920, "dark")])
def test_nothing_scrolls_sideways_or_lies_over_a_text(example_desk, example_address, open_at, width, theme):
    story_id = example_desk.shelf.first_story()
    with working(example_desk, step_seconds=0.001):
        example_desk.movie.make_movie(story_id)
        example_desk.drift.measure(story_id)
        tab = open_at(example_address, theme=theme, width=width)
        expect(tab.page.locator(".md-queue-words")).to_contain_text(": done")
        found = [fault for where in looks(tab, width) for fault in faults(tab.page, f"{theme} {where}")]
    assert found == []
    assert tab.errors == []
    soak.note("layout of every tab with the finished example", theme=theme, width=width, faults=0)


def test_long_texts_and_words_break_no_layout(example_desk, example_address, open_at):
    story = example_desk.story(example_desk.shelf.first_story())
    rows = story.script.head().draft.rows
    example_desk.shelf.rename(story.id, TITLE)
    for row in rows[:2]:
        fields = {"plot": f"{WORD} {TITLE}", "scene_elements": [WORD, TITLE]}
        example_desk.script.set_row(story.id, row.id, fields)
    example_desk.cast.add(story.id, WORD, f"{WORD} {TITLE}")
    example_desk.script.set_story(story.id, {"style": f"{WORD} {TITLE}"})
    tab = open_at(example_address)
    found = [fault for where in looks(tab, 1280) for fault in faults(tab.page, f"long {where}")]
    assert found == []
    assert tab.errors == []


def test_the_look_finds_what_is_wrong(example_address, open_at):
    page = open_at(example_address).go("Stories")
    assert faults(page, "Stories") == []
    page.evaluate("document.querySelector('.md-story-text h3').style.cssText = 'margin-bottom: -20px'")
    (fault, *_) = faults(page, "Stories")
    assert "lies over" in fault
    page.evaluate("document.querySelector('.md-toolbar').style.width = '3000px'")
    assert any("beyond the window" in fault for fault in faults(page, "Stories"))
