"""The real work in a real worker process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from at_work import DRAWING, shown

from app.queue.jobs import DrawMissing
from app.queue.store import open_store

pytest_plugins = ("weights",)

WAIT_SECONDS = 240.0


def test_a_worker_process_draws_what_is_missing(story, stories, rows, tiny_weights, tmp_path):
    story.script.change(lambda draft: draft.without_rows([rows[2]]), label="Two rows")
    queue = tmp_path / "queue.sqlite"
    store = open_store(queue)
    job_id = store.enqueue(DrawMissing(story_id=story.id, keyframes=tuple(rows[:2]), drawing=DRAWING))
    options = {"stories": str(stories.root), "weights": str(tiny_weights)}
    worker = subprocess.run(
        [
            *(sys.executable, "-m", "app.queue.worker"),
            *("--queue", str(queue), "--device-lock", str(tmp_path / "device.lock")),
            *("--work", "app.work:studio_work", "--work-options", json.dumps(options)),
        ],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=Path(__file__).parents[2],
        timeout=WAIT_SECONDS,
        capture_output=True,
        text=True,
    )
    status = store.status(job_id)
    store.close()
    assert (worker.returncode, status.state, status.message) == (0, "done", ""), worker.stderr
    assert (status.done, status.total) == (2, 2)
    assert status.made == tuple(f"takes/{take.owner}/{take.id}/image.png" for take in shown(story))
    assert all(take is not None for take in shown(story))
