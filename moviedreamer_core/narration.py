"""Telling a person at a terminal what a job is doing: results on stdout, warnings on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from moviedreamer_core.events import (
    ClipDone,
    ClipProgress,
    Event,
    KeyframeDone,
    MovieDone,
    RenderProgress,
    StoryPrepared,
)

_ERASE_LINE = "\r\x1b[K"


def narrate(events: Iterable[Event]) -> None:
    """Run the job to its end, one line per result; on a terminal a passing line also counts the steps.

    A warning that concerns the whole story is told with the first keyframe that has it, and not again.
    """
    told: set[str] = set()
    for event in events:
        match event:
            case StoryPrepared() if event.num_kept:
                _say(f"{event.num_kept} of {event.num_keyframes} keyframes are there already")
            case RenderProgress() | ClipProgress():
                _show_steps(event)
            case KeyframeDone():
                _say(f"keyframe {event.number} of {event.num_keyframes}  {event.seconds:.1f} s")
                for warning in dict.fromkeys(event.warnings):
                    if warning not in told:
                        print(f"warning: {warning}", file=sys.stderr, flush=True)
                told.update(event.warnings)
            case ClipDone():
                _say(f"clip {event.number} of {event.num_keyframes}  {event.seconds:.1f} s")
            case MovieDone():
                _say(str(event.path))


def _say(line: str) -> None:
    _erase()
    print(line, flush=True)


def _show_steps(event: RenderProgress | ClipProgress) -> None:
    if sys.stdout.isatty():
        what = "keyframe" if isinstance(event, RenderProgress) else "clip"
        place = f"{what} {event.number} of {event.num_keyframes}  step {event.step} of {event.num_steps}"
        print(f"{_ERASE_LINE}{place}", end="", flush=True)


def _erase() -> None:
    if sys.stdout.isatty():
        print(_ERASE_LINE, end="")
