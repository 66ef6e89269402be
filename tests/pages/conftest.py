"""A studio without models, served on a free port, and a browser to meet it with."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from PIL import Image
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
PATIENCE_MS = 120_000
PLOTS = ("Mara walks on the beach.", "Tom waves.", "The sea is calm.", "Mara sleeps.")


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """fsync guards against a power cut only, which no test can make."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk with one story, The Pier, of four shots."""
    made = Desk(
        stories=Stories(tmp_path / "stories"),
        queue=open_store(tmp_path / "jobs.sqlite"),
        weights_hash="f" * 64,
        settings=DrawingDefaults(width=48, height=32, frames_per_second=4),
    )
    pier_of(made)
    return made


def pier_of(desk: Desk) -> StoryFolder:
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


@pytest.fixture
def story(desk: Desk) -> StoryFolder:
    return desk.story(desk.shelf.first_story())


@pytest.fixture
def address(desk: Desk) -> Iterator[str]:
    """Where the page is served while the test runs."""
    server = uvicorn.Server(
        uvicorn.Config(studio_app(desk), log_level="warning", timeout_graceful_shutdown=1)
    )
    with listen("127.0.0.1", 0) as connections:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [connections]})
        thread.start()
        yield "http://{}:{}/".format(*connections.getsockname())
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not shutil.which(CHROMIUM):
        pytest.fail(f"{CHROMIUM} is missing, which these tests drive; apt-get install -y chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS], timeout=PATIENCE_MS)
        yield chromium
        chromium.close()


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


@pytest.fixture
def open_tab(browser: Browser, address: str) -> Iterator[object]:
    contexts = []

    def opened(width: int = 1280, height: int = 900) -> Tab:
        context = browser.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        return Tab(context.new_page(), address)

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "mara.png"
    Image.new("RGB", (120, 90), "tan").save(path)
    return path


def vocabulary_of(folder: Path, *words: str) -> Path:
    from moviedreamer_core.encoders.tokenizer import WordTokenizer

    path = folder / "vocabulary.json"
    WordTokenizer.from_words(words).write(path)
    assert json.loads(path.read_text())
    return path
