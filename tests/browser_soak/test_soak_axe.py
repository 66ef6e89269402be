"""axe on every tab, in both themes, with the finished example open: nothing serious, nothing critical."""

from __future__ import annotations

import pytest
import soak
from axe_playwright_python.sync_playwright import Axe
from colour_work import working
from playwright.sync_api import Page, expect
from studio_page import TABS

HARD = ("serious", "critical")


def findings(page: Page, where: str) -> list[str]:
    """A line for each hard finding: where, which rule, which element, why."""
    page.wait_for_timeout(400)  # what fades in is there
    found = Axe().run(page, options={"resultTypes": ["violations", "passes"]}).response
    assert len(found["passes"]) > 10  # it has looked
    return [
        f"{where}: {violation['id']} at {node['target']}: {node['failureSummary']}"
        for violation in found["violations"]
        if violation["impact"] in HARD
        for node in violation["nodes"]
    ]


def open_things(page: Page) -> dict[str, tuple[str, object, object]]:
    """What opens over a tab: the tab, how it opens, how it closes."""

    def click(selector: str):
        return lambda: page.locator(selector).first.click()

    def escape() -> None:
        page.keyboard.press("Escape")

    return {
        "story menu": ("Stories", click(".md-story .md-button"), escape),
        "paste a text": ("Stories", click("#md-paste-story"), escape),
        "new story": ("Stories", click("#md-new-story"), escape),
        "face": ("Cast", click(".md-portrait"), escape),
        "several rows": (
            "Script",
            lambda: page.locator(".md-entry").nth(1).click(modifiers=["Control"]),
            None,
        ),
        "row menu": ("Script", click("#md-row-menu"), escape),
        "recipe": ("Storyboard", click(".md-take summary"), None),
        "a clip": ("Movie", click(".md-clip-picture"), None),
        "table": ("Continuity", click(".md-drift summary"), None),
        "queue": ("Continuity", lambda: page.get_by_role("button", name="All jobs").click(), None),
    }


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(example_desk, example_address, open_at, theme):
    story_id = example_desk.shelf.first_story()
    with working(example_desk, step_seconds=0.001):
        example_desk.movie.make_movie(story_id)
        example_desk.drift.measure(story_id)
        tab = open_at(example_address, theme=theme)
        page = tab.page
        assert page.evaluate("document.body.classList.contains('dark')") == (theme == "dark")
        expect(page.locator(".md-queue-words")).to_contain_text(": done")
        hard: list[str] = []
        for name in TABS:
            tab.go(name)
            page.wait_for_timeout(600)
            hard += findings(page, name)
        things = open_things(page)
        for what, (name, opens, closes) in things.items():
            tab.go(name)
            opens()
            hard += findings(page, f"{name}, {what}")
            if closes:
                closes()
    assert hard == []
    assert tab.errors == []
    soak.note(
        "axe on every tab with the finished example",
        theme=theme,
        tabs=len(TABS),
        opened=len(things),
        serious=0,
    )
