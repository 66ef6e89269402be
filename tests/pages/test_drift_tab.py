"""The continuity tab as a person meets it."""

from __future__ import annotations

from colour_work import draw_take, working
from playwright.sync_api import expect

from app.queue.jobs import Drawing

DRAWING = Drawing(steps=2, width=56, height=32)


def test_a_point_of_the_chart_opens_its_shot_and_the_worst_are_drawn_again(desk, story, open_tab):
    rows = [row.id for row in story.script.head().draft.rows]
    for row in rows:
        draw_take(story, row, DRAWING)
    tab = open_tab()
    page = tab.go("Continuity")
    expect(page.get_by_text("Not measured yet")).to_be_visible()
    with working(desk):
        page.get_by_role("button", name="Measure").click()
        expect(page.locator(".md-chart svg")).to_be_visible()
        points = page.get_by_role("button", name="Scene, shot 3:")
        expect(points).to_have_count(1)

        page.get_by_text("As a table").click()
        expect(page.locator("tbody tr")).to_have_count(4)
        points.focus()
        page.keyboard.press("Enter")
        expect(page.locator(".md-panel").get_by_role("heading", name="Shot 3")).to_be_visible()

        tab.go("Continuity")
        button = page.get_by_role("button", name="Redraw the worst")
        expect(button).to_contain_text("about")
        number = len(desk.drift.view(story.id).worst_rows(5))
        assert number >= 3
        before = {row: len(story.takes.of(row)) for row in rows}
        button.click()
        expect(page.get_by_text("changed since")).to_contain_text(str(number))
    redrawn = [row for row in rows if len(story.takes.of(row)) == before[row] + 1]
    assert len(redrawn) == number
    assert tab.errors == []
