"""A served studio with a worker that makes coloured pictures, and tabs that notice every script that runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Dialog
from studio_page import Tab, chromium, pier_desk, served

from app.desk import Desk
from app.queue.store import open_store
from moviedreamer_core.weights_files import read_manifest
from moviedreamer_core.workspace import Stories, StoryFolder

ROOT = Path(__file__).resolve().parent.parent.parent
WEIGHTS = ROOT / "weights" / "miniature"
EXAMPLE = ROOT / "assets" / "stories" / "lighthouse.zip"
sys.path.append(str(ROOT / "tests" / "pages"))  # colour_work

OpenTab = Callable[..., "WatchedTab"]


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """fsync guards against a power cut only, which no test can make."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


class WatchedTab(Tab):
    """A tab that keeps the dialogs that scripts open; `ran` is set by the payloads of the markup tests."""

    def __init__(self, page, address: str) -> None:
        self.dialogs: list[str] = []
        page.on("dialog", self._heard)
        super().__init__(page, address)

    def _heard(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk with one story, The Pier, of four shots."""
    return pier_desk(tmp_path)


@pytest.fixture
def story(desk: Desk) -> StoryFolder:
    return desk.story(desk.shelf.first_story())


@pytest.fixture
def example_desk(tmp_path: Path) -> Desk:
    """A desk on the shipped weights with the finished example story."""
    made = Desk.on_weights(
        WEIGHTS,
        read_manifest(WEIGHTS).weights_hash,
        stories=Stories(tmp_path / "example"),
        queue=open_store(tmp_path / "example.sqlite"),
    )
    made.shelf.put_example(EXAMPLE)
    return made


@pytest.fixture
def address(desk: Desk) -> Iterator[str]:
    with served(desk) as where:
        yield where


@pytest.fixture
def example_address(example_desk: Desk) -> Iterator[str]:
    with served(example_desk) as where:
        yield where


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def open_at(browser: Browser) -> Iterator[OpenTab]:
    """Opens a tab at an address, each in a browser profile of its own unless `beside` another."""
    contexts = []

    def opened(
        address: str, *, theme: str = "light", width: int = 1280, beside: WatchedTab | None = None
    ) -> WatchedTab:
        if beside is not None:
            return WatchedTab(beside.page.context.new_page(), address)
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
        contexts.append(context)
        return WatchedTab(context.new_page(), address)

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "mara.png"
    Image.new("RGB", (120, 90), "tan").save(path)
    return path
