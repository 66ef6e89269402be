"""A served studio without models, a worker process that makes coloured pictures, and clients of its API."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client import Client
from PIL import Image
from studio_page import pier_of, served

from app.desk import Desk, DrawingDefaults
from app.queue.store import open_store
from moviedreamer_core.workspace import Stories, StoryFolder

sys.path.append(str(Path(__file__).resolve().parent.parent / "pages"))  # colour_work


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """fsync guards against a power cut only, which no test can make."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    folder = tmp_path_factory.mktemp("studio")
    return Desk(
        stories=Stories(folder / "stories"),
        queue=open_store(folder / "jobs.sqlite"),
        weights_hash="f" * 64,
        settings=DrawingDefaults(width=48, height=32, frames_per_second=4, guidance_scale=3.0),
    )


@pytest.fixture(scope="module")
def address(desk: Desk) -> Iterator[str]:
    with served(desk) as where:
        yield where


@pytest.fixture(scope="module")
def client(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    downloads = str(tmp_path_factory.mktemp("downloads"))
    found = Client(address, verbose=False, download_files=downloads, httpx_kwargs={"timeout": 600})
    yield found
    found.close()


@pytest.fixture
def story(desk: Desk) -> StoryFolder:
    """The Pier, of four shots, for one test."""
    return pier_of(desk)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "mara.png"
    Image.new("RGB", (120, 90), "tan").save(path)
    return path
