"""A page that is reloaded or closed while jobs run: every job is done, and the next page shows where it stands."""

from __future__ import annotations

import random
import time

import soak
from colour_work import draw_take, working
from playwright.sync_api import Page, expect

from app.desk import Desk
from app.desk.jobs import JobLine
from app.queue.jobs import Drawing
from moviedreamer_core.workspace import StoryFolder

MOMENTS = 20
LONG_WORK = ("Storyboard", "Draw a new take")
OTHER_WORK = (LONG_WORK, ("Movie", "Make movie"), ("Cast", "Draw a test picture"), ("Continuity", "Measure"))
STEP_SECONDS = 0.2  # a take of 20 steps lasts long enough to be left in the middle
LOOK_SECONDS, MOST_LOOKS = 0.02, 30_000


def ask_for(page: Page, where: str, what: str, chance: random.Random) -> None:
    """Press a button that queues work."""
    page.get_by_role("tab", name=where, exact=True).click()
    if where == "Storyboard":
        page.locator("#md-storyboard .md-shot").nth(chance.randrange(4)).click()
    buttons = page.get_by_role("button", name=what).locator("visible=true")
    expect(buttons.first).to_be_enabled()
    buttons.first.click()


def new_job(desk: Desk, before: set[int]) -> int:
    """The job that the page has just asked for."""
    for _ in range(MOST_LOOKS):
        new = {job.id for job in desk.queue.snapshot().jobs} - before
        if new:
            return max(new)
        time.sleep(LOOK_SECONDS)
    raise AssertionError("the button queued nothing")


def at_a_moment(desk: Desk, job_id: int, share: float) -> JobLine:
    """Return when `share` of the job is done; what is then known of it."""
    for _ in range(MOST_LOOKS):
        line = desk.jobs.line(job_id)
        if not line.is_active or line.share >= share:
            return line
        time.sleep(LOOK_SECONDS)
    raise AssertionError(f"job {job_id} does not get on")


def test_reloads_and_closed_tabs_at_any_moment_lose_no_job(desk: Desk, story: StoryFolder, address, open_at):
    for row in story.script.head().draft.rows:
        draw_take(story, row.id, Drawing(steps=2, width=48, height=32))
    chance = random.Random(5)
    tab, asked = open_at(address), []
    num_closed = num_in_the_middle = 0
    with working(desk, step_seconds=STEP_SECONDS):
        for moment in range(soak.count(MOMENTS)):
            known = {job.id for job in desk.queue.snapshot().jobs}
            ask_for(tab.page, *(chance.choice(OTHER_WORK) if moment % 2 else LONG_WORK), chance)
            asked.append(new_job(desk, known))
            line = at_a_moment(desk, asked[-1], chance.uniform(0, 0.7))
            num_in_the_middle += line.is_active
            if moment % 2:
                tab.page.reload()
            else:
                num_closed += 1
                tab.page.close()
                assert tab.errors == []
                tab = open_at(address, beside=tab)
            expect(tab.page.locator("#md-story-switcher")).to_have_text("The Pier")
            expect(tab.page.locator(".md-queue-words")).not_to_contain_text("Nothing is running")
            tab.page.get_by_role("button", name="All jobs").click()
            expect(tab.page.locator(".md-queue-list li").filter(has_text=line.title).first).to_be_visible()
            tab.page.get_by_role("button", name="All jobs").click()
        words = tab.page.locator(".md-queue-words")  # of a job that an earlier page asked for
        expect(words).to_contain_text(": done")
        expect(tab.page.locator(".md-pulse.md-live")).to_have_count(0)
    assert {desk.jobs.line(job).state for job in asked} == {"done"}
    assert {job.state for job in desk.queue.snapshot().jobs} == {"done"}
    assert num_in_the_middle > 0
    assert tab.errors == []
    soak.note(
        "pages reloaded or closed at random moments of a run; every job done and shown by the next page",
        moments=len(asked),
        closed=num_closed,
        jobs_unfinished_at_that_moment=num_in_the_middle,
        jobs_lost=0,
    )
