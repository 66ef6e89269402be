"""What the browser tests share: Chromium, a served studio, and a tab of it."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright

from app.desk import Desk, DrawingDefaults
from app.pages.shell import studio_app
from app.queue.store import open_store
from app.server import listen
from moviedreamer_core.workspace import CastMember, Draft, PersonInRow, Row, Stories, StoryFolder

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
PATIENCE_MS = 300_000  # a busy machine is slow, not wrong
TABS = ("Stories", "Cast", "Script", "References", "Storyboard", "Movie", "Continuity")
PLOTS = ("Mara walks on the beach.", "Tom waves.", "The sea is calm.", "Mara sleeps.")


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium. Fails the test where there is none."""
    if not shutil.which(CHROMIUM):
        pytest.fail(f"{CHROMIUM} is missing, which these tests drive; apt-get install -y chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS], timeout=PATIENCE_MS)
        yield browser
        browser.close()


@contextlib.contextmanager
def served(desk: Desk) -> Iterator[str]:
    """The address of the page of `desk`, on a free port of this machine."""
    server = uvicorn.Server(
        uvicorn.Config(studio_app(desk), log_level="warning", timeout_graceful_shutdown=1)
    )
    with listen("127.0.0.1", 0) as connections:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [connections]})
        thread.start()
        try:
            yield "http://{}:{}/".format(*connections.getsockname())
        finally:
            server.should_exit = True
            thread.join()


def pier_desk(folder: Path) -> Desk:
    """A desk in `folder` with one story, The Pier, and weights that nobody loads."""
    made = Desk(
        stories=Stories(folder / "stories"),
        queue=open_store(folder / "jobs.sqlite"),
        weights_hash="f" * 64,
        settings=DrawingDefaults(width=48, height=32, frames_per_second=4, guidance_scale=3.0),
    )
    pier_of(made)
    return made


def pier_of(desk: Desk) -> StoryFolder:
    """A story of four shots, The Pier, with Mara and Tom."""
    story = desk.stories.new(title="The Pier")
    rows = tuple(
        Row(
            plot=plot,
            scene_elements=("A pier",),
            characters=(PersonInRow(name="Mara"),) if "Mara" in plot else (),
        )
        for plot in PLOTS
    )
    cast = (CastMember(name="Mara", description="Red hair."), CastMember(name="Tom", description="A cap."))
    story.script.save(Draft(title="The Pier", cast=cast, rows=rows), base=1, label="Write")
    return story


class Tab:
    """A browser tab with the studio open."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        page.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(address)
        expect(page.locator("#md-story-switcher")).to_be_visible()

    def go(self, name: str) -> Page:
        self.page.get_by_role("tab", name=name, exact=True).click()
        return self.page

    def saved(self, island: str = "script") -> None:
        """Wait until all that was typed is saved."""
        expect(self.page.locator(f".md-{island} .md-saved")).to_have_text("Saved")
