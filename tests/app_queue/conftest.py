"""A queue in a temporary folder for every test that asks for one; nothing of it outlives the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from queue_bench import Bench, until


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    found = Bench(tmp_path)
    yield found
    found.close()
    until(lambda: found.device_is_free, of="the end of the last worker")
