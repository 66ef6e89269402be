"""A studio without models, served on a free port, and a browser to meet it with."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser
from studio_page import Tab, chromium, pier_desk, served

from app.desk import Desk
from moviedreamer_core.workspace import StoryFolder


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """fsync guards against a power cut only, which no test can make."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk with one story, The Pier, of four shots."""
    return pier_desk(tmp_path)


@pytest.fixture
def story(desk: Desk) -> StoryFolder:
    return desk.story(desk.shelf.first_story())


@pytest.fixture
def address(desk: Desk) -> Iterator[str]:
    """Where the page is served while the test runs."""
    with served(desk) as where:
        yield where


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


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
