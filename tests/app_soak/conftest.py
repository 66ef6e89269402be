"""The studio's server and worker as real processes, without a browser: what they share with other tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / folder) for folder in ("pages", "app_queue", "workspace")]

from studio_bench import StudioBench  # noqa: E402


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """fsync guards against a power cut only, which no test can make; a killed process loses nothing it wrote."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[StudioBench]:
    bench = StudioBench(tmp_path)
    yield bench
    bench.close()
