"""What other processes do to a workspace in the tests: server and worker that edit, draw, and are killed."""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from making import content_of, draw, film, picture, tokens_file
from soak import SCALE, count

from moviedreamer_core.workspace import Row, StaleSaveError, Stories, StoryFolder, take_recipe
from moviedreamer_core.workspace.durable import FolderLock, staged
from moviedreamer_core.workspace.layout import file_kind

FORKSERVER = multiprocessing.get_context("forkserver")
FORKSERVER.set_forkserver_preload(["moviedreamer_core.workspace", "numpy", "pytest", "safetensors.numpy"])
COMPLETED, KILLED = 0, -signal.SIGKILL
NUM_KILLS = count(200)  # of server and worker together
EVERY = 1 if SCALE >= 1 else 7  # of the points at which an act can be interrupted


def points() -> Iterator[int]:
    """Where to interrupt an act: its first steps, then some of the others; every one in the soak run."""
    return itertools.chain(range(1, 9), itertools.count(9, EVERY))


def run_all(target: Callable[..., None], *arguments: tuple[object, ...]) -> None:
    """Run `target` in a process per tuple of arguments, at the same time, to their ends."""
    processes = [FORKSERVER.Process(target=target, args=some, daemon=True) for some in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == COMPLETED


# --- steady writers ----------------------------------------------------------------------------------


def add_rows(path: Path, name: str, num_rows: int) -> None:
    """Insert rows one by one, each time into the newest script, as a tab does that takes the other's first."""
    story = StoryFolder(path)
    head = story.script.head()
    for number in range(num_rows):
        while True:
            draft = head.draft.with_rows_inserted(0, [Row(plot=f"{name} {number}")])
            try:
                head = story.script.save(draft, base=head.number)
                break
            except StaleSaveError as refused:
                head = refused.theirs


def draw_many(path: Path, row_id: str, first_seed: int) -> None:
    for seed in range(first_seed, first_seed + 6):
        draw(StoryFolder(path), row_id, seed=seed)


def lock_all(path: Path, row_ids: list[str]) -> None:
    for row_id in row_ids:
        StoryFolder(path).decisions.lock([row_id])


def hold(path: Path, ready: object, go_on: object) -> None:
    """Have a lock, and something half-made, until `go_on`."""
    with FolderLock(path / ".lock").held(), staged(path / "inner", FolderLock(path / ".inner")) as folder:
        (folder / "half").write_text("half")
        ready.set()
        go_on.wait()


# --- acts that are killed at a given point -----------------------------------------------------------

_EVENTS = ("open", "os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir", "os.truncate")
_CALLS = ("write", "flush", "close", "__exit__")  # of files that are written


def die_before(number: int, act: str, root: Path) -> None:
    """Do `act` of ACTS, and be killed right before the given one (1-based) of its steps that touch the disk."""
    count = 0

    def step() -> None:
        nonlocal count
        count += 1
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(event: str, _: object) -> None:
        if event in _EVENTS:
            step()

    def profile(_: object, event: str, called: object) -> None:
        owner = getattr(called, "__self__", None)
        if event == "c_call" and called.__name__ in _CALLS and is_written(owner):
            step()

    def is_written(owner: object) -> bool:
        return isinstance(owner, io.IOBase) and not owner.closed and owner.writable()

    os.fsync = lambda _: None  # a killed process loses nothing that it has written
    prepared = ACTS[act](Stories(root))
    sys.addaudithook(hook)
    sys.setprofile(profile)
    prepared()
    os._exit(COMPLETED)


def the_story(stories: Stories) -> StoryFolder:
    return stories.get(next(one.id for one in stories.summaries() if one.title == "The Pier"))


def _save(stories: Stories) -> Callable[[], object]:
    story = the_story(stories)
    head = story.script.head()
    draft = head.draft.with_rows_inserted(0, [Row(id="row-newnewnewn", plot="New.")])
    return lambda: story.script.save(draft, base=head.number)


def _undo(stories: Stories) -> Callable[[], object]:
    story = the_story(stories)
    number = story.script.head().number
    return lambda: story.script.undo(base=number)


def _draw(stories: Stories) -> Callable[[], object]:
    story = the_story(stories)
    row_id = story.script.head().draft.rows[0].id
    return lambda: draw(story, row_id, seed=77)


def _film(stories: Stories) -> Callable[[], object]:
    story = the_story(stories)
    take = story.takes.of(story.script.head().draft.rows[0].id)[0]
    return lambda: film(story, take)


def _tokens(stories: Stories) -> Callable[[], object]:
    story = the_story(stories)
    take = story.takes.of(story.script.head().draft.rows[0].id)[0]
    source = tokens_file(stories.root.parent / "tokens.safetensors")
    return lambda: story.takes.add_tokens(take, "e" * 64, source)


def _discard(stories: Stories) -> Callable[[], object]:
    story = the_story(stories)
    take = story.takes.of(story.script.head().draft.rows[0].id)[1]
    return lambda: story.takes.discard(take.owner, take.id)


def _choose(stories: Stories) -> Callable[[], object]:
    story = the_story(stories)
    take = story.takes.of(story.script.head().draft.rows[0].id)[1]
    return lambda: story.choose(take.owner, take.id, keep_later=True)


def _picture(stories: Stories) -> Callable[[], object]:
    source = picture(stories.root.parent / "upload.png", "olive")
    return lambda: the_story(stories).pictures.add(source, "faces")


def _export(stories: Stories) -> Callable[[], object]:
    story = the_story(stories)

    def act() -> None:
        with story.exporting("movie.mp4") as path:
            path.write_bytes(b"movie")

    return act


def _by_hand(stories: Stories) -> Callable[[], object]:
    story = the_story(stories)
    text = (story.path / "story.yaml").read_text("utf-8")
    (story.path / "story.yaml").write_text(text.replace("Tom waves.", "Tom shouts."), "utf-8")
    return lambda: stories.open(story.id)


def _archive(stories: Stories) -> Callable[[], object]:
    return lambda: stories.export_archive(the_story(stories).id, stories.root.parent / "new.zip")


def _empty_trash(stories: Stories) -> Callable[[], object]:
    return lambda: stories.empty_trash()


ACTS: dict[str, Callable[[Stories], Callable[[], object]]] = {
    "save": _save,
    "undo": _undo,
    "draw": _draw,
    "film": _film,
    "add tokens": _tokens,
    "discard": _discard,
    "choose": _choose,
    "upload": _picture,
    "export": _export,
    "edit by hand": _by_hand,
    "new": lambda stories: lambda: stories.new(title="Another"),
    "duplicate": lambda stories: lambda: stories.duplicate(the_story(stories).id),
    "delete": lambda stories: lambda: stories.delete(the_story(stories).id),
    "restore": lambda stories: lambda: stories.restore(stories.trash()[0].id),
    "empty trash": _empty_trash,
    "archive": _archive,
    "import": lambda stories: lambda: stories.import_archive(stories.root.parent / "story.zip"),
}


def check_nothing_is_left(root: Path) -> None:
    """Only files of known kinds, and empty staging folders."""
    for name in os.listdir(root):
        folder = root / name
        if not folder.is_dir() or name == ".trash":
            continue
        if name == ".staging":
            assert os.listdir(folder) == []
            continue
        left = {path for path in content_of(folder) if file_kind(path) is None}
        assert left <= {"exports/made-from.json"}  # it says what exports were made of, and is never handed on
        assert not (folder / "staging").exists() or os.listdir(folder / "staging") == []


# --- server and worker that are killed at any moment -------------------------------------------------


def sha256_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def serve(root: Path, story_id: str, seed: int, pipe: object) -> None:
    """Edit, choose, upload, copy, delete, for ever; say into `pipe` what is committed, after it is."""
    chance, stories = random.Random(seed), Stories(root)
    story = stories.open(story_id).story
    folder = Path(tempfile.mkdtemp(dir=root.parent))
    while True:
        head = story.script.head()
        row = chance.choice(head.draft.rows)
        match chance.choice(["edit", "edit", "insert", "undo", "choose", "lock", "upload", "copy"]):
            case "edit":
                draft = head.draft.with_row(row.model_copy(update={"plot": f"Edited {chance.random()}"}))
                _say_script(pipe, story.script.save(draft, base=head.number))
            case "insert":
                draft = head.draft.with_rows_inserted(1, [Row(plot=f"New {chance.random()}")])
                _say_script(pipe, story.script.save(draft, base=head.number))
            case "undo" if head.can_undo and len(head.undo) > 1:
                _say_script(pipe, story.script.undo(base=head.number))
            case "choose" if takes := story.takes.of(row.id):
                take = chance.choice(takes)
                with contextlib.suppress(Exception):  # locked
                    decisions = story.choose(row.id, take.id, keep_later=chance.random() < 0.5)
                    _say(pipe, kind="decisions", number=decisions.number)
            case "lock":
                flip = story.decisions.unlock if chance.random() < 0.7 else story.decisions.lock
                _say(pipe, kind="decisions", number=flip([row.id]).number)
            case "upload":
                source = picture(folder / "u.png", f"#{chance.randrange(2**24):06x}")
                path = story.pictures.add(source, "faces")
                _say(pipe, kind="file", path=path)
            case "copy":
                copy = stories.duplicate(story.id, title=f"Copy {chance.random()}")
                _say(pipe, kind="story", id=copy.id, num_rows=len(copy.script.head().draft.rows))
                stories.delete(copy.id)
                _say(pipe, kind="deleted", id=copy.id)
                if chance.random() < 0.3:
                    stories.discard(copy.id)
                    _say(pipe, kind="discarded", id=copy.id)


def work(root: Path, story_id: str, seed: int, pipe: object) -> None:
    """Draw, film, upload, export, for ever; say into `pipe` what is committed, after it is."""
    chance = random.Random(seed)
    story = Stories(root).open(story_id).story
    folder = Path(tempfile.mkdtemp(dir=root.parent))
    while True:
        view = story.view()
        row = chance.choice(view.shots).row
        takes = story.takes.of(row.id)
        match chance.choice(["draw", "draw", "film", "tokens", "upload", "export"]):
            case "film" if takes:
                _say_kept(pipe, "clips", film(story, chance.choice(takes)))
            case "tokens" if takes:
                weights = f"{chance.randrange(16**8):08x}"
                path = story.takes.add_tokens(chance.choice(takes), weights, tokens_file(folder / "t"))
                _say(pipe, kind="file", owner=row.id, path=path.relative_to(story.path).as_posix())
            case "upload":
                recipe = take_recipe(view.revision.draft, row.id, view.shown_takes, revision=1)
                _say_kept(pipe, "takes", story.takes.upload(row.id, picture(folder / "u.png"), recipe))
            case "export":
                with story.exporting("movie.mp4") as path:
                    path.write_bytes(b"m" * chance.randrange(1, 100_000))
                _say(pipe, kind="file", path="exports/movie.mp4")
            case _:
                take = draw(story, row.id, seed=chance.randrange(1000))
                _say_kept(pipe, "takes", take)


def _say(pipe: object, **what: object) -> None:
    os.write(pipe.fileno(), json.dumps(what).encode() + b"\n")


def _say_script(pipe: object, revision: object) -> None:
    _say(pipe, kind="script", number=revision.number, sha256=sha256_of(revision.draft.model_dump_json()))


def _say_kept(pipe: object, shelf: str, kept: object) -> None:
    files = {name: facts.sha256 for name, facts in kept.files.items()}
    _say(pipe, kind=shelf, owner=kept.owner, id=kept.id, files=files)
