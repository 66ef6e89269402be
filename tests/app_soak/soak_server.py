"""The studio's server without pages, as a process: it supervises a worker, and closes at SIGTERM as `python app.py`
does at Ctrl-C.
"""

from __future__ import annotations

import os
import random
import signal
import tempfile
import threading
from pathlib import Path

from studio_bench import desk_of, photo, say, worker_command

from app.desk import Desk
from app.queue.store import open_store
from app.queue.supervisor import Supervisor
from moviedreamer_core.errors import StoryError
from moviedreamer_core.workspace import Revision, StoryFolder

ACTS = (
    "edit",
    "edit",
    "duplicate",
    "undo",
    "upload",
    "draw",
    "draw",
    "draw",
    "choose",
    "lock",
    "replace",
    "export",
)
MAX_WAITING = 6


class Creators:
    """Change the stories at random, and say what was saved after it was."""

    def __init__(self, folder: Path, desk: Desk, chance: random.Random) -> None:
        self._folder, self._desk, self._chance = folder, desk, chance
        self._photos = Path(tempfile.mkdtemp(dir=folder))

    def act(self) -> None:
        story = self._desk.story(self._chance.choice(sorted(one.id for one in self._desk.shelf.summaries())))
        row = self._chance.choice(story.script.head().draft.rows)
        match self._chance.choice(ACTS):
            case "edit":
                fields = {"plot": f"Mara waves {self._chance.random()}."}
                self._say_script(story, self._desk.script.set_row(story.id, row.id, fields))
            case "duplicate" if len(story.script.head().draft.rows) < 9:
                self._desk.script.duplicate(story.id, row.id)
                self._say_script(story, story.script.head())
            case "undo" if len(story.script.head().undo) > 1:
                base = story.script.head().number
                self._say_script(story, self._desk.script.undo(story.id, base=base))
            case "upload":
                self._upload(story)
            case "choose" if takes := story.takes.of(row.id):
                self._desk.storyboard.choose_take(story.id, row.id, self._chance.choice(takes).id)
                self._say_decisions(story)
            case "lock":
                locked = self._chance.random() < 0.2
                self._desk.storyboard.set_locked(story.id, row.id, locked=locked)
                self._say_decisions(story)
            case act if self._desk.queue.snapshot().num_waiting < MAX_WAITING:
                self._queue(act, story, row.id)

    def _upload(self, story: StoryFolder) -> None:
        source = photo(self._photos / "photo.png", str(self._chance.random()))
        member = self._chance.choice(story.script.head().draft.cast)
        if len(member.faces) >= 3:
            self._desk.cast.remove_face(story.id, member.id, member.faces[0])
        path = self._desk.cast.add_face(story.id, member.id, source)
        say(self._folder, kind="file", story=story.id, path=path)
        self._say_script(story, story.script.head())

    def _queue(self, act: str, story: StoryFolder, row_id: str) -> None:
        storyboard = self._desk.storyboard
        if act == "replace":
            job = storyboard.replace(
                story.id, row_id, photo(self._photos / "r.png", str(self._chance.random()))
            )
        elif act == "export":
            job = self._desk.movie.export(story.id, "csv")
        else:
            later = self._chance.choice(["keep", "repredict", "repredict-place"])
            job = storyboard.new_take(story.id, row_id, later=later)
        say(self._folder, kind="job", id=job)

    def _say_script(self, story: StoryFolder, revision: Revision) -> None:
        say(self._folder, kind="script", story=story.id, number=revision.number, plots=plots_of(revision))

    def _say_decisions(self, story: StoryFolder) -> None:
        number = story.decisions.read().number
        say(self._folder, kind="decisions", story=story.id, number=number)


def plots_of(revision: Revision) -> list[str]:
    return [row.plot for row in revision.draft.rows]


def serve(folder: Path, seed: int, step_seconds: float, edits: bool, is_up: object) -> None:
    """Until SIGTERM; with `edits`, change the stories and queue pictures all the time, as creators would."""
    os.fsync = lambda _: None
    closing = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: closing.set())
    desk = desk_of(folder)
    for summary in desk.shelf.summaries():
        for notice in desk.shelf.open(summary.id).notices:
            say(folder, kind="notice", text=notice)
    command = worker_command(folder, step_seconds=step_seconds)
    supervisor = Supervisor(
        open_store(command.queue), command, first_pause_seconds=0.01, longest_pause_seconds=0.05
    )
    supervisor.start()
    creators = Creators(folder, desk, random.Random(seed))
    is_up.set()
    while not closing.wait(0.002 if edits else 0.05):
        if edits:
            try:
                creators.act()
            except StoryError as error:
                if "locked" not in str(error):
                    raise
    supervisor.close("stop", seconds=10.0)
