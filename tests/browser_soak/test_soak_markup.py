"""Markup in every field and every file name: shown as text on every tab, in menus, dialogs and messages; none runs."""

from __future__ import annotations

import io

import pytest
import soak
from colour_work import draw_take, working
from PIL import Image
from playwright.sync_api import Page, expect

from app.desk import Desk
from app.queue.jobs import Drawing
from moviedreamer_core.workspace import StoryFolder
from moviedreamer_core.workspace.readings import Drift, DriftPoint

PAYLOADS = (
    "<script>window.ran=1</script>",
    "<img src=x onerror=window.ran=2>",
    "\"><svg onload=window.ran=3>",
    "${window.ran=4}",
    "{{#each this}}${window.ran=5}{{/each}}",
    "{{constructor.constructor('window.ran=6')()}}",
    "javascript:window.ran=7",
    "[x](javascript:window.ran=8)",
    "' onmouseover='window.ran=9' x='",
    "`;window.ran=10;alert(10);`",
    "</textarea></script><img src=x onerror=alert(11)>",
    "<iframe srcdoc='<script>parent.ran=12</script>'></iframe>",
    "<a href=javascript:window.ran=13>a</a> & \"quotes\" < > &lt;b&gt;",
)  # fmt: skip
ALL = " ".join(PAYLOADS)
CASES = ("all", *(str(number) for number in range(len(PAYLOADS))))
PLANTED = "[onerror], [onload], [onmouseover], [srcdoc], a[href^='javascript'], script[data-ran]"


def png(name: str) -> dict[str, object]:
    """A picture as the browser uploads it, under any name."""
    buffer = io.BytesIO()
    Image.new("RGB", (96, 96), "tan").save(buffer, "PNG")
    return {"name": name, "mimeType": "image/png", "buffer": buffer.getvalue()}


def upload(page: Page, button, file: dict[str, object]) -> None:
    with page.expect_file_chooser() as chooser:
        button.click()
    chooser.value.set_files(file)


def saved(page: Page, island: str) -> None:
    expect(page.locator(f".md-{island} .md-saved")).to_have_text("Saved")


def fill_every_field(page: Page, tab, payload: str, file_name: str) -> None:
    """By hand, through the page."""
    tab.go("Stories")
    page.locator(".md-story.md-open .md-button").last.click()
    page.get_by_role("menuitem", name="Rename").click()
    page.locator("#md-asked").fill(payload[:200])
    page.keyboard.press("Enter")
    expect(page.locator("#md-story-switcher")).to_have_text(" ".join(payload[:200].split()))
    tab.go("Cast")
    card = page.locator(".md-person-card").first
    card.locator(".md-name").fill(payload[:200])
    card.locator(".md-name").press("Enter")
    card.locator("textarea").fill(payload)
    upload(page, card.locator(".md-add-face"), png(file_name))
    expect(card.locator(".md-strip img")).to_have_count(1)
    saved(page, "cast")
    tab.go("Script")
    page.locator(".md-entry").first.click()
    page.locator("#md-plot").fill(payload)
    page.locator("#md-elements").fill("\n".join(PAYLOADS) if payload == ALL else payload)
    page.locator(".md-person input").first.fill(payload)
    page.locator("#md-style").fill(payload)
    page.locator("#md-seconds").fill(payload)  # is refused, in a sentence with the text in it
    expect(page.locator(".md-form-pane .md-trouble")).to_contain_text("must be a number")
    page.locator("#md-seconds").fill("2")
    page.locator("#md-search").fill(payload[:80])
    page.locator("#md-search").fill("")
    saved(page, "script")
    tab.go("References")
    upload(page, page.locator("#md-add-reference"), png(file_name))
    expect(page.locator(".md-tile")).to_have_count(1)


def be_told_about_it(page: Page, tab, payload: str, file_name: str) -> None:
    """Messages, menus and dialogs with the text in them."""
    tab.go("Stories")
    bad = {"name": file_name, "mimeType": "image/png", "buffer": b"<html>"}
    upload(page, page.get_by_role("button", name="Import a file"), {**bad, "name": file_name + ".zip"})
    expect(page.locator(".md-toast.md-failed").last).to_be_visible()
    page.locator("#md-paste-story").click()
    page.locator("#md-paste-title").fill(payload[:200])
    page.locator("#md-paste-text").fill(f"keyframes: 7 {payload}")
    page.locator("#md-paste-format").select_option("yaml")
    page.get_by_role("button", name="Make a story").click()
    told = page.locator(".md-toast.md-failed", has_text="must be a list")
    expect(told).to_contain_text(" ".join(payload[:30].split()))
    page.keyboard.press("Escape")
    expect(page.locator(".md-veil")).to_have_count(0)
    tab.go("Cast")
    upload(page, page.locator(".md-person-card .md-add-face").first, bad)
    expect(page.locator(".md-toast.md-failed").last).to_be_visible()
    page.locator(".md-portrait").first.click()
    expect(page.locator(".md-dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("#md-story-switcher").click()
    expect(page.locator(".md-menu")).to_be_visible()
    page.keyboard.press("Escape")


def visible_text(page: Page) -> str:
    """What a person reads: text and the values of fields, with spaces as they fall."""
    said = page.evaluate(
        "() => document.body.innerText + ' ' + [...document.querySelectorAll('input, textarea')]"
        ".filter(one => one.offsetParent).map(one => one.value).join(' ')"
    )
    return " ".join(said.split())


def nothing_ran(tab) -> None:
    assert tab.page.evaluate("window.ran") is None
    assert tab.page.locator(PLANTED).count() == 0
    assert tab.dialogs == []
    assert tab.errors == []


@pytest.mark.parametrize("case", CASES[: max(2, round(len(CASES) * min(1.0, soak.SCALE)))])
def test_markup_anywhere_is_text_everywhere(desk: Desk, story: StoryFolder, address, open_at, case):
    payload = ALL if case == "all" else PAYLOADS[int(case)]
    file_name = payload.replace("/", "\u2215")[:120] + ".png"
    other = desk.shelf.new(payload[:200])
    desk.shelf.delete(desk.shelf.new(payload[:200]).id)
    rows = story.script.head().draft.rows
    for row in rows:
        take = draw_take(story, row.id, Drawing(steps=2, width=48, height=32))
    cast_id = story.script.head().draft.cast[0].id
    points = [
        DriftPoint(row_id=row.id, take_id=story.view().shot(row.id).take.id, cast_id=one, similarity=0.5)
        for row in rows
        for one in (cast_id, None)
    ]
    story.readings.write_drift(Drift(points=tuple(points), weights_hash=desk.weights_hash))
    assert take
    tab = open_at(f"{address}?story={story.id}")
    page = tab.page
    fill_every_field(page, tab, payload, file_name)
    nothing_ran(tab)
    words = " ".join(payload.split())
    with working(desk):
        desk.movie.export(other.id, "yaml")  # the queue names the other story
        for name in ("Stories", "Cast", "Script", "Storyboard", "Movie", "Continuity", "References"):
            tab.go(name)
            if name == "Storyboard":
                page.locator("#md-storyboard .md-shot").first.click()
                expect(page.locator(".md-panel .md-plot-whole")).to_have_text(words)
            if name == "Continuity":
                expect(page.locator(".md-legend-name").first).to_contain_text(words[:60])
                page.get_by_text("As a table").click()
            page.wait_for_timeout(700)
            assert words[:60] in visible_text(page), name
            nothing_ran(tab)
        be_told_about_it(page, tab, payload, file_name)
        page.get_by_role("button", name="All jobs").click()
        expect(page.locator(".md-queue-list")).to_contain_text(words[:60])
        page.reload()
        expect(page.locator("#md-story-switcher")).to_have_text(" ".join(payload[:200].split()))
        page.wait_for_timeout(700)
    nothing_ran(tab)
    row = story.script.head().draft.rows[0]
    assert row.plot == payload
    assert row.characters[0].description == payload
    soak.note(
        "markup in every field and file name, looked at on every tab: shown as text, none ran",
        case=payload[:60] if case != "all" else "all at once",
        ran=0,
    )
