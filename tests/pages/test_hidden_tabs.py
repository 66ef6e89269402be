"""Only the tab that is open is made anew while a job reports; a hidden one catches up when it is opened."""

from __future__ import annotations

import pytest
from colour_work import working
from playwright.sync_api import expect

from app.pages import movie, storyboard


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How often each of two tabs was made."""
    counts = {"storyboard": 0, "movie": 0}

    def counted(module, name: str) -> None:
        whole = getattr(module, f"{name}_html")

        def html(*args):
            counts[name] += 1
            return whole(*args)

        monkeypatch.setattr(module, f"{name}_html", html)

    counted(storyboard, "storyboard")
    counted(movie, "movie")
    return counts


def test_a_job_makes_only_the_open_tab_anew_and_the_others_catch_up(desk, story, made, open_tab):
    tab = open_tab()
    page = tab.go("Movie")
    expect(page.locator(".md-clip")).to_have_count(4)
    page = tab.go("Storyboard")
    expect(page.locator(".md-shot")).to_have_count(4)
    page.wait_for_timeout(2500)  # two ticks: what was under way is over
    before = dict(made)
    with working(desk, step_seconds=0.5):
        desk.storyboard.draw_missing(story.id)
        expect(page.locator(".md-shot .md-state", has_text="Fresh")).to_have_count(4)
    assert made["storyboard"] >= before["storyboard"] + 3
    assert made["movie"] == before["movie"]
    tab.go("Movie")
    expect(page.locator(".md-clip .md-state", has_text="No clip")).to_have_count(4)
    assert made["movie"] > before["movie"]
    expect(page.locator(".md-clip img")).to_have_count(4)
    assert tab.errors == []
