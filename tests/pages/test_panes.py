"""The page is as high as the window: what is long scrolls in its pane, and a pane begins at its top."""

from __future__ import annotations

import pytest
from colour_work import draw_take
from playwright.sync_api import expect
from studio_page import TABS

from app.queue.jobs import Drawing
from moviedreamer_core.workspace import Row

DRAWING = Drawing(steps=2, width=56, height=32)
NUM_ROWS, NUM_TAKES = 24, 5
SCROLLED = """selector => {
  const pane = document.querySelector(selector);
  pane.scrollTop = pane.scrollHeight;
  return pane.scrollTop;
}"""


@pytest.fixture
def long_story(story):
    """Many rows, and many takes of the first two."""
    rows = [Row(plot=f"Mara walks to place {number}.") for number in range(NUM_ROWS)]
    story.script.change(lambda draft: draft.with_changes(rows=rows), label="Write")
    for row in rows[:2]:
        for seed in range(NUM_TAKES):
            draw_take(story, row.id, DRAWING, seed=seed)
    return story


def top_of(page, selector: str) -> float:
    return page.evaluate("selector => document.querySelector(selector).scrollTop", selector)


def test_the_page_itself_never_scrolls_and_long_panes_do(long_story, open_tab):
    tab = open_tab(1280, 800)
    for name in TABS:
        page = tab.go(name)
        page.wait_for_timeout(300)
        page.evaluate("window.scrollTo(0, 5000)")
        assert page.evaluate("document.documentElement.scrollHeight - innerHeight") <= 0, name
        assert page.evaluate("scrollY") == 0, name
    queue = page.locator(".md-queue-bar").bounding_box()["y"]
    panes = {"Storyboard": ".md-gallery", "Movie": ".md-clips", "Script": ".md-rows"}
    for name, pane in panes.items():
        page = tab.go(name)
        expect(page.locator(pane)).to_be_visible()
        box = page.locator(pane).bounding_box()
        assert box["y"] + box["height"] <= queue, name
        assert page.evaluate(SCROLLED, pane) > 0, name


@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080)])
def test_a_new_take_can_be_asked_for_without_scrolling(long_story, open_tab, size):
    page = open_tab(*size).go("Storyboard")
    draw = page.locator(".md-panel").get_by_role("button", name="Draw a new take")
    expect(draw).to_be_visible()
    box, queue = draw.bounding_box(), page.locator(".md-queue-bar").bounding_box()
    assert box["y"] > 0
    assert box["y"] + box["height"] <= queue["y"]
    takes = page.locator(".md-panel .md-take .md-picture").first.bounding_box()
    assert takes["y"] + takes["height"] <= box["y"]  # near the picture


def test_the_panel_of_another_shot_begins_at_its_top(long_story, open_tab):
    page = open_tab(1280, 800).go("Storyboard")
    body = ".md-panel-body"
    expect(page.locator(".md-take")).to_have_count(NUM_TAKES)
    assert page.evaluate(SCROLLED, body) > 0
    page.locator(".md-shot").nth(1).click()
    expect(page.locator(".md-panel h2")).to_have_text("Shot 2")
    assert top_of(page, body) == 0
    page.evaluate("document.querySelector('.md-panel-body').scrollTop = 60")
    page.get_by_role("button", name="Use take 3").dispatch_event("click")
    expect(page.get_by_role("button", name="Use take 5")).to_be_attached()
    assert top_of(page, body) == 60  # the same shot: nothing jumps


def test_another_clip_on_the_screen_is_looked_at_from_its_top(long_story, open_tab):
    page = open_tab(1280, 800).go("Movie")
    page.locator(".md-clip-picture").first.click()
    expect(page.get_by_role("button", name="Shot 1", exact=True)).to_be_visible()
    assert page.evaluate(SCROLLED, ".md-movie-side") > 0
    page.locator(".md-clip-picture").nth(1).click()
    expect(page.get_by_role("button", name="Shot 2", exact=True)).to_be_visible()
    assert top_of(page, ".md-movie-side") == 0
