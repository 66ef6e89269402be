"""Shots as the storyboard shows them: what lies in the story's folder, and what the queue does to it just now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.queue.snapshots import JobStatus
from moviedreamer_core.workspace import Row, Shot, StoryView, Take, image_path, seed_of
from moviedreamer_core.workspace.draft import place_key, place_of

Pairs = tuple[tuple[str, str], ...]
ShotState = Literal["running", "waiting", "failed", "missing", "preview", "stale", "locked", "fresh"]
STATES: tuple[ShotState, ...] = (
    "missing", "preview", "stale", "fresh", "locked", "running", "waiting", "failed",
)  # fmt: skip

DRAWING_KINDS = frozenset({"draw-missing", "preview-arc", "regenerate", "redraw", "encode-replacement"})
FILMING_KINDS = frozenset({"animate"})

STALE_WORDS = {
    "script": "its row of the script changed",
    "style": "the style changed",
    "cast": "a character in it changed",
    "references": "the reference frames changed",
    "predecessors": "an earlier shot changed",
    "seed": "its seed changed",
    "weights": "other weights drew it",
}


@dataclass(frozen=True, kw_only=True)
class RowWork:
    """What the queue does to one row: `share` of its picture or clip is done, `message` is why it failed."""

    state: Literal["running", "waiting", "failed"]
    share: float = 0.0
    doing: str = ""
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class TakeCard:
    """One take of a shot. `recipe` says in pairs of words what it was made from; `is_new`: it waits for a decision."""

    id: str
    number: int
    image: Path
    is_shown: bool
    is_rejected: bool
    is_preview: bool
    is_uploaded: bool
    is_new: bool
    recipe: Pairs


@dataclass(frozen=True, kw_only=True)
class ShotCard:
    """One tile of the gallery. `reason` is a sentence's end for a shot that is stale, a sentence for "failed".

    `failure`: why the last try went wrong, whatever the shot shows; `num_waiting`: takes made beside the accepted one.
    """

    row_id: str
    number: int
    plot: str
    place: str
    names: tuple[str, ...]
    state: ShotState
    reason: str
    is_locked: bool
    is_stale: bool
    image: Path | None
    take_number: int
    num_takes: int
    num_waiting: int = 0
    failure: str = ""
    share: float = 0.0
    doing: str = ""


def card_of(shot: Shot, work: RowWork | None) -> ShotCard:
    """The tile of `shot`, to which the queue does `work`."""
    take = shot.take
    state, failure = _state(shot, work), work.message if work is not None and work.state == "failed" else ""
    stale = "; ".join(STALE_WORDS.get(reason, reason) for reason in shot.stale_for)
    return ShotCard(
        row_id=shot.row.id,
        number=shot.number,
        plot=shot.row.plot.strip(),
        place=place_of(shot.row),
        names=tuple(person.name.strip() for person in shot.row.characters if person.name.strip()),
        state=state,
        reason=failure if state == "failed" else stale,
        is_locked=shot.locked,
        is_stale=bool(shot.stale_for),
        image=None if take is None else image_path(take),
        take_number=0 if take is None else take.number,
        num_takes=len(shot.takes),
        num_waiting=len(shot.waiting),
        failure=failure,
        share=0.0 if work is None else work.share,
        doing="" if work is None else work.doing,
    )


def takes_of(shot: Shot) -> tuple[TakeCard, ...]:
    """The takes of `shot`, the newest first."""
    return tuple(_take_card(take, shot) for take in reversed(shot.takes))


def work_on_rows(statuses: Iterable[JobStatus], kinds: frozenset[str]) -> dict[str, RowWork]:
    """What the queue does to each row, by row id, of the jobs of some kinds of one story.

    A row in hand comes before one that waits, and that before one that failed; a failure counts until the row is
    asked for again.
    """
    found: dict[str, RowWork] = {}
    over: set[str] = set()
    for status in _newest_first(statuses, kinds):
        job = status.job
        if job is None:
            continue
        for row in job.rows:
            work = _work_of(status, row, job.rows)
            if status.is_active:
                if work is not None and (row not in found or work.state == "running"):
                    found[row] = work
            elif row not in over and work is not None:
                found.setdefault(row, work)
        over |= set(job.rows)
    return found


def is_asked_for(work: RowWork | None) -> bool:
    """Whether a job is about to do the row anyway."""
    return work is not None and work.state in ("running", "waiting")


def _newest_first(statuses: Iterable[JobStatus], kinds: frozenset[str]) -> list[JobStatus]:
    """Active ones first, then those that are over, the newest first."""
    chosen = [status for status in statuses if status.kind in kinds]
    return sorted(chosen, key=lambda one: (not one.is_active, -(one.finished_at or 0.0), -one.id))


def _work_of(status: JobStatus, row: str, rows: tuple[str, ...]) -> RowWork | None:
    if status.state == "failed":
        if status.row not in ("", row):
            return None
        return RowWork(state="failed", message=status.message)
    if status.state not in ("running", "stopping", "waiting"):
        return None
    if status.state == "waiting":
        return RowWork(state="waiting")
    if row == (status.row or rows[0]) and (status.num_steps or not status.done):
        share = status.step / status.num_steps if status.num_steps else 0.0
        return RowWork(state="running", share=share, doing=status.doing)
    if status.state == "stopping" or rows.index(row) <= _position(rows, status.row):
        return None
    return RowWork(state="waiting")


def _position(rows: tuple[str, ...], row: str) -> int:
    """Of the row in hand; -1 before the first."""
    return rows.index(row) if row in rows else -1


def _state(shot: Shot, work: RowWork | None) -> ShotState:
    if work is not None and work.state in ("running", "waiting"):
        return work.state
    if shot.take is None:
        return "failed" if work is not None else "missing"
    if shot.locked:
        return "locked"
    if shot.take.recipe.is_preview:
        return "preview"
    return "stale" if shot.stale_for else "fresh"


def same_place_after(rows: tuple[Row, ...], position: int) -> tuple[Row, ...]:
    """The rows after the 0-based `position` until the place changes. A row that names no place goes on in the same."""
    place, found = place_at(rows, position), []
    for row in rows[position + 1 :]:
        if place_key(row) not in ("", place):
            break
        found.append(row)
    return tuple(found)


def place_at(rows: tuple[Row, ...], position: int) -> str:
    """Where the row plays, in the terms of `place_key`: the place that was named last; "" if none was so far."""
    return next((place for row in reversed(rows[: position + 1]) if (place := place_key(row))), "")


def changeable_after(view: StoryView, position: int, *, within_place: bool) -> tuple[Shot, ...]:
    """The later shots that are drawn again when they follow a new take at the 0-based `position`.

    Those that have a picture which is neither locked nor a person's own.
    """
    rows = tuple(shot.row for shot in view.shots)
    later = same_place_after(rows, position) if within_place else rows[position + 1 :]
    ids = {row.id for row in later}
    return tuple(shot for shot in view.shots if shot.row.id in ids and _is_changeable(shot))


def _is_changeable(shot: Shot) -> bool:
    return shot.take is not None and not shot.locked and shot.take.recipe.origin == "drawn"


def _take_card(take: Take, shot: Shot) -> TakeCard:
    return TakeCard(
        id=take.id,
        number=take.number,
        image=image_path(take),
        is_shown=shot.take is not None and shot.take.id == take.id,
        is_rejected=take.id in shot.decisions.rejected,
        is_preview=take.recipe.is_preview,
        is_uploaded=take.recipe.origin == "uploaded",
        is_new=take in shot.waiting,
        recipe=recipe_words(take),
    )


def recipe_words(take: Take) -> Pairs:
    """What a take was made from, in pairs of words."""
    return tuple(_recipe_words(take))


def _recipe_words(take: Take) -> Iterable[tuple[str, str]]:
    recipe = take.recipe
    if recipe.origin == "uploaded":
        yield "Origin", "uploaded picture"
    if recipe.seed is not None:
        yield "Seed", str(recipe.seed)
    names = {
        "temperature": "Surprise", "steps": "Steps", "guidance_scale": "Guidance", "width": "Width", "height": "Height",
    }  # fmt: skip
    for name, label in names.items():
        if (number := _number(recipe.settings, name)) is not None:
            yield label, f"{number:g}"
    if recipe.weights_hash:
        yield "Weights", recipe.weights_hash[:8]
    yield "Script", f"revision {recipe.revision}"
    yield "Plot then", recipe.row.plot.strip()
    if recipe.cast:
        yield "Cast then", ", ".join(member.name for member in recipe.cast)
    yield "Made", recipe.made_at.astimezone().strftime("%d %b %Y, %H:%M")
    if recipe.seconds_taken is not None:
        yield "Took", f"{recipe.seconds_taken:.1f} s"
    if recipe.warnings:
        yield "Noticed", "; ".join(recipe.warnings)


def _number(settings: Mapping[str, object], name: str) -> float | None:
    value = settings.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def seed_now(shot: Shot, view: StoryView) -> int:
    """The seed of the take that is shown, else the one that a first take would have."""
    if shot.take is not None and shot.take.recipe.seed is not None:
        return shot.take.recipe.seed
    return seed_of(view.revision.draft, shot.row)
