"""A story of three keyframes with a portrait, and a studio that draws it without models."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_production import STORY, FakeProduction
from PIL import Image

from app.server import listen, server_for
from app.studio import Studio


@pytest.fixture
def story_file(tmp_path: Path) -> Path:
    path = tmp_path / "story" / "story.yaml"
    (path.parent / "faces").mkdir(parents=True)
    Image.new("RGB", (64, 64), "tan").save(path.parent / "faces" / "mara.png")
    path.write_text(STORY, encoding="utf-8")
    return path


@pytest.fixture
def production() -> FakeProduction:
    return FakeProduction()


@pytest.fixture
def studio(production: FakeProduction, story_file: Path, tmp_path: Path) -> Studio:
    return Studio(production, story_file=story_file, outputs=tmp_path / "outputs")


@pytest.fixture
def address(studio: Studio) -> Iterator[str]:
    """Where the studio's page is served while the test runs."""
    server = server_for(studio)
    with listen("127.0.0.1", 0) as connections:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [connections]})
        thread.start()
        yield "http://{}:{}/".format(*connections.getsockname())
        server.should_exit = True
        thread.join()
