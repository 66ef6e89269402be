"""What a job does, by the numbers that its shots have now: the queue knows rows, which keep no number."""

from __future__ import annotations

from collections.abc import Callable, Collection

from app.queue.jobs import (
    AnimateKeyframes,
    CharacterTest,
    DrawMissing,
    EncodeReplacement,
    Job,
    PreviewArc,
    RedrawKeyframes,
    RegenerateKeyframe,
)
from app.queue.settings import counted
from moviedreamer_core.workspace import Draft

MAX_LISTED_CHARACTERS = 24  # of the numbers; more shots are counted


def job_name(job: Job, draft: Draft | None) -> str:
    """`Shot 4: new take`; the job's own title where it makes no shots or none of them is in the script any more."""
    match job:
        case DrawMissing():
            return _of_shots(job, draft, lambda _: "draw in full")
        case PreviewArc():
            return _of_shots(job, draft, lambda number: "preview" if number == 1 else "previews")
        case RegenerateKeyframe():
            return _new_take(job, draft)
        case RedrawKeyframes():
            return _of_shots(job, draft, lambda number: "new take" if number == 1 else "new takes")
        case EncodeReplacement():
            return _of_shots(job, draft, lambda _: "your picture")
        case AnimateKeyframes():
            return _of_shots(job, draft, lambda number: "clip" if number == 1 else "clips")
        case CharacterTest():
            return _test_picture(job, draft)
    return job.title


def row_numbers(numbers: list[int]) -> str:
    """`3`, `3 and 4`, `3, 5 and 7-9`: the numbers of shots for a sentence."""
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    said = [str(first) if first == last else f"{first}-{last}" for first, last in ranges]
    return " and ".join(filter(None, [", ".join(said[:-1]), said[-1]])) if said else ""


def _of_shots(job: Job, draft: Draft | None, what: Callable[[int], str]) -> str:
    numbers = _numbers(job.rows, draft)
    return f"{_shots(numbers)}: {what(len(numbers))}" if numbers else job.title


def _new_take(job: RegenerateKeyframe, draft: Draft | None) -> str:
    first, later = _numbers([job.row], draft), _numbers(job.later_rows, draft)
    if not first:
        return job.title
    follow = f", {_shots(later).lower()} follow{'s' if len(later) == 1 else ''}" if later else ""
    return f"{_shots(first)}: new take{follow}"


def _test_picture(job: CharacterTest, draft: Draft | None) -> str:
    members = draft.cast if draft is not None else ()
    name = next((one.name.strip() for one in members if one.id == job.cast_id), "")
    return f"Test picture of {name}" if name else job.title


def _numbers(rows: Collection[str], draft: Draft | None) -> list[int]:
    wanted = set(rows)
    return [number for number, row in enumerate(draft.rows, 1) if row.id in wanted] if draft else []


def _shots(numbers: list[int]) -> str:
    listed = row_numbers(numbers)
    if len(listed) > MAX_LISTED_CHARACTERS:
        return counted(len(numbers), "shot")
    return f"Shot{'' if len(numbers) == 1 else 's'} {listed}"
