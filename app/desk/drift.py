"""The drift tab: how like their cast pictures the characters stay, and how like itself a place stays, shot by shot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.desk.jobs import Cost
from app.desk.shot_cards import DRAWING_KINDS, ShotCard, card_of, work_on_rows
from app.queue.jobs import MeasureDrift
from moviedreamer_core.errors import StoryError
from moviedreamer_core.workspace import Shot, StoryView
from moviedreamer_core.workspace.readings import DriftPoint

if TYPE_CHECKING:
    from app.desk.desk import Desk

SCENE = "Scene"
MAX_WORST = 20


@dataclass(frozen=True, kw_only=True)
class ChartPoint:
    """`similarity` in [0, 1], None where there was nothing to compare; `is_current`: of the take that is shown now."""

    row_id: str
    number: int
    of: str  # the character, or SCENE
    similarity: float | None
    face_found: bool | None
    is_current: bool


@dataclass(frozen=True, kw_only=True)
class Series:
    """One line of the chart: a character, or the scene. `colour` counts from 0."""

    name: str
    is_scene: bool
    colour: int
    points: tuple[ChartPoint, ...]


@dataclass(frozen=True, kw_only=True)
class DriftView:
    """`num_outdated` shots have other pictures than those that were measured; `cost` is that of measuring again,
    `worst_cost` that of redrawing as many of the worst as were asked for. `cards`: every shot, by row id.

    A character who is as alike as `strangers` are, or a place as `other_places`, is not recognised at all.
    """

    series: tuple[Series, ...]
    num_shots: int
    num_drawn: int
    num_outdated: int
    is_measured: bool
    strangers: float | None
    other_places: float | None
    cost: Cost | None
    is_measuring: bool
    locked: frozenset[str]
    cards: Mapping[str, ShotCard]
    worst_cost: Cost

    @property
    def worst(self) -> tuple[ChartPoint, ...]:
        """Of every shot its worst point, the worst shot first; pictures that changed since are left out.

        Worst is farthest below, or least above, the line of its kind: faces and scenes are alike on other scales.
        """
        return _worst(self.series, self.strangers, self.other_places)

    def worst_rows(self, number: int) -> tuple[str, ...]:
        """The rows of the worst shots that may be changed, the worst first."""
        return _changeable(self.worst, self.locked, number)


class DriftChart:
    """What the drift tab may ask."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def view(self, story_id: str, *, num_worst: int = 0) -> DriftView:
        """The last measurement beside the story as it is. Raises StoryError, QueueError."""
        jobs = self._desk.queue.snapshot().of_story(story_id)
        folder = self._desk.story(story_id)
        view, drift = folder.view(weights_hash=self._desk.weights_hash), folder.readings.drift()
        shown = {row_id: take.id for row_id, take in view.shown_takes.items()}
        measured = {point.row_id: point.take_id for point in drift.points}
        series = _series(view, drift.points)
        locked = frozenset(shot.row.id for shot in view.shots if shot.locked)
        work = work_on_rows(jobs, DRAWING_KINDS)
        worst = _changeable(_worst(series, drift.strangers, drift.other_places), locked, num_worst)
        return DriftView(
            series=series,
            num_shots=len(view.shots),
            num_drawn=len(shown),
            num_outdated=sum(measured.get(row_id) != take_id for row_id, take_id in shown.items()),
            is_measured=bool(drift.points),
            strangers=drift.strangers,
            other_places=drift.other_places,
            cost=self._desk.jobs.cost(self._job(story_id, len(shown))) if shown else None,
            is_measuring=any(status.kind == "drift" and status.is_active for status in jobs),
            locked=locked,
            cards={shot.row.id: card_of(shot, work.get(shot.row.id)) for shot in view.shots},
            worst_cost=self._desk.redraws.cost_in(view, story_id, worst),
        )

    def measure(self, story_id: str) -> int:
        """Queue a measurement; the job's id. Raises StoryError without a picture or if one is under way, QueueError."""
        view = self.view(story_id)
        if not view.num_drawn:
            raise StoryError("no shot has a picture yet; draw the storyboard first")
        if view.is_measuring:
            raise StoryError("the drift is being measured already; see the queue")
        return self._desk.jobs.enqueue(self._job(story_id, view.num_drawn))

    def redraw_worst(self, story_id: str, number: int) -> int:
        """Queue new takes of the worst shots, keeping all others; the job's id. Raises StoryError, QueueError."""
        rows = self.view(story_id).worst_rows(number)
        if not rows:
            raise StoryError("there is no measured shot that may be changed; measure the drift first")
        return self._desk.redraws.redraw(story_id, rows)

    def _job(self, story_id: str, num_keyframes: int) -> MeasureDrift:
        return MeasureDrift(story_id=story_id, num_keyframes=num_keyframes, weights=self._desk.weights_hash)


def _worst(
    series: tuple[Series, ...], strangers: float | None, other_places: float | None
) -> tuple[ChartPoint, ...]:
    """`strangers` and `other_places` are the lines of faces and scenes; 0 where there is none."""
    lowest: dict[str, tuple[float, ChartPoint]] = {}
    for one in series:
        line = (other_places if one.is_scene else strangers) or 0.0
        for point in one.points:
            if point.similarity is None or not point.is_current:
                continue
            margin = point.similarity - line
            known = lowest.get(point.row_id)
            if known is None or margin < known[0]:
                lowest[point.row_id] = (margin, point)
    ranked = sorted(lowest.values(), key=lambda found: (found[0], found[1].number))
    return tuple(point for _, point in ranked)


def _changeable(worst: tuple[ChartPoint, ...], locked: frozenset[str], number: int) -> tuple[str, ...]:
    rows = [point.row_id for point in worst if point.row_id not in locked]
    return tuple(rows[: max(0, min(number, MAX_WORST))])


def _series(view: StoryView, points: tuple[DriftPoint, ...]) -> tuple[Series, ...]:
    """In the cast's order, the scene last; without rows and characters that are gone."""
    shots = {shot.row.id: shot for shot in view.shots}
    names: list[tuple[str | None, str]] = [(member.id, member.name) for member in view.revision.draft.cast]
    found = []
    for colour, (cast_id, name) in enumerate([*names, (None, SCENE)]):
        named = name.strip() or "No name"
        own = [
            _point(shots[point.row_id], point, of=named)
            for point in points
            if point.cast_id == cast_id and point.row_id in shots
        ]
        if own:
            own.sort(key=lambda point: point.number)
            found.append(Series(name=named, is_scene=cast_id is None, colour=colour, points=tuple(own)))
    return tuple(found)


def _point(shot: Shot, point: DriftPoint, *, of: str) -> ChartPoint:
    return ChartPoint(
        row_id=shot.row.id,
        number=shot.number,
        of=of,
        similarity=None if point.similarity is None else max(0.0, min(1.0, point.similarity)),
        face_found=point.face_found,
        is_current=shot.take is not None and shot.take.id == point.take_id,
    )
