"""The one job of the studio: work in a thread of its own, seen from outside as frozen snapshots.

A page never runs the work; it asks for the snapshot as often as it likes, so reloading or closing it changes
nothing. Whoever moves the work to another process keeps `Snapshot` and replaces `Job`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from moviedreamer_core.errors import InputError, MovieDreamerError
from moviedreamer_core.events import (
    ClipDone,
    ClipProgress,
    Event,
    KeyframeDone,
    KeyframePlanned,
    MovieDone,
    RenderProgress,
    StoryPrepared,
)

Phase = Literal["idle", "working", "stopping", "done", "stopped", "failed"]
Events = Generator[Event, None, None]
MIN_SHARE = 0.02  # of the work, before the time left is worth a guess


class BusyError(InputError):
    """There is one device, so there is one job at a time."""


@dataclass(frozen=True, kw_only=True)
class DrawnKeyframe:
    number: int
    plot: str
    path: Path


@dataclass(frozen=True, kw_only=True)
class Movie:
    """`version` differs whenever the file does."""

    path: Path
    version: int


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """All that a page shows of a run and of the job that works on it. `plots` has one entry per keyframe."""

    phase: Phase = "idle"
    doing: str = ""
    share: float = 0.0  # of the job's work that is done
    seconds_left: float | None = None
    error: str = ""
    folder: Path | None = None
    preview: bool = False
    plots: tuple[str, ...] = ()
    keyframes: tuple[DrawnKeyframe, ...] = ()
    warnings: tuple[str, ...] = ()
    movie: Movie | None = None
    num_parts: int = 0  # keyframes or clips that this job makes
    parts_done: int = 0

    @property
    def busy(self) -> bool:
        return self.phase in ("working", "stopping")


def movie_at(path: Path) -> Movie | None:
    """The movie there, if there is one."""
    try:
        return Movie(path=path, version=path.stat().st_mtime_ns)
    except OSError:
        return None


def after(before: Snapshot, event: Event) -> Snapshot:
    """The snapshot once `event` has happened."""
    match event:
        case StoryPrepared(num_keyframes=total, num_kept=kept):
            shown = tuple(one for one in before.keyframes if one.number <= kept)
            return dataclasses.replace(
                before, doing=f"keyframe {kept + 1} of {total}", num_parts=total - kept, keyframes=shown
            )
        case KeyframePlanned(number=number, num_keyframes=total):
            return dataclasses.replace(before, doing=f"keyframe {number} of {total}")
        case RenderProgress() | ClipProgress():
            kind = "keyframe" if isinstance(event, RenderProgress) else "clip"
            share = (before.parts_done + event.step / event.num_steps) / max(1, before.num_parts)
            doing = f"{kind} {event.number} of {event.num_keyframes}"
            return dataclasses.replace(before, doing=doing, share=min(1.0, share))
        case KeyframeDone():
            return _with_part_done(_with_keyframe(before, event))
        case ClipDone():
            return _with_part_done(before)
        case MovieDone():
            return dataclasses.replace(before, movie=movie_at(event.path))


def _with_keyframe(before: Snapshot, event: KeyframeDone) -> Snapshot:
    """A new keyframe outdates the movie."""
    drawn = DrawnKeyframe(number=event.number, plot=before.plots[event.number - 1], path=event.path)
    others = [one for one in before.keyframes if one.number != event.number]
    return dataclasses.replace(
        before,
        keyframes=tuple(sorted([*others, drawn], key=lambda one: one.number)),
        warnings=tuple(dict.fromkeys([*before.warnings, *event.warnings])),
        movie=None,
    )


def _with_part_done(before: Snapshot) -> Snapshot:
    done = before.parts_done + 1
    return dataclasses.replace(before, parts_done=done, share=min(1.0, done / max(1, before.num_parts)))


class Job:
    """Runs one stream of events at a time; `snapshot` may be read from any thread."""

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._snapshot = snapshot or Snapshot()

    @property
    def snapshot(self) -> Snapshot:
        with self._lock:
            return self._snapshot

    def show(self, snapshot: Snapshot) -> None:
        """Let pages see another run. Raises BusyError while there is work."""
        with self._lock:
            self._refuse_if_busy()
            self._snapshot = snapshot

    def start(self, work: Callable[[], Events], beginning: Snapshot) -> None:
        """Iterate `work()` to its end in the background, from `beginning` on. Raises BusyError."""
        with self._lock:
            self._refuse_if_busy()
            self._stop.clear()
            self._snapshot = dataclasses.replace(
                beginning, phase="working", error="", share=0.0, seconds_left=None, parts_done=0
            )
            self._thread = threading.Thread(target=self._run, args=(work,), name="job", daemon=True)
            self._thread.start()

    def cancel(self) -> None:
        """Stop after the step that is running; what was finished is kept. Without work, nothing happens."""
        with self._lock:
            if self._snapshot.phase == "working":
                self._stop.set()
                self._snapshot = dataclasses.replace(self._snapshot, phase="stopping", seconds_left=None)

    def wait(self, seconds: float | None = None) -> None:
        """Return when the work has ended, or after that time."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _refuse_if_busy(self) -> None:
        if self._snapshot.busy:
            raise BusyError("the studio is at work already; wait until it is done, or cancel it first")

    def _run(self, work: Callable[[], Events]) -> None:
        try:
            with contextlib.closing(work()) as events:
                self._follow(events)
        except MovieDreamerError as error:
            self._end("failed", " ".join(str(error).splitlines()))
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            detail = f"{type(error).__name__}: {error}".rstrip(": ")
            self._end("failed", f"internal failure, {detail}; what was finished is kept, please report this")
        else:
            self._end("stopped" if self._stop.is_set() else "done")

    def _follow(self, events: Events) -> None:
        started = share_then = None  # of the first event that tells anything about the pace
        for event in events:
            now = time.perf_counter()
            with self._lock:
                snapshot = after(self._snapshot, event)
                if started is None or share_then is None:
                    started, share_then = now, snapshot.share
                left = seconds_left(now - started, snapshot.share - share_then, 1 - snapshot.share)
                if not self._stop.is_set():
                    snapshot = dataclasses.replace(snapshot, seconds_left=left)
                self._snapshot = snapshot
            if self._stop.is_set():
                return

    def _end(self, phase: Phase, error: str = "") -> None:
        with self._lock:
            self._snapshot = dataclasses.replace(
                self._snapshot, phase=phase, error=error, doing="", seconds_left=None
            )


def seconds_left(elapsed: float, share_done: float, share_left: float) -> float | None:
    """At the pace so far; None while too little is done for a guess."""
    return None if share_done < MIN_SHARE else elapsed * share_left / share_done
