"""The drift chart's numbers beside the story as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from pier import WEIGHTS, Pier

from app.queue.jobs import MeasureDrift, RedrawKeyframes
from moviedreamer_core.errors import StoryError
from moviedreamer_core.workspace.readings import Drift, DriftPoint


@pytest.fixture
def pier(tmp_path: Path) -> Pier:
    found = Pier(tmp_path)
    found.draw_all()
    return found


def measured(pier: Pier, similarities: dict[int, float | None], **lines: float) -> None:
    """Mara's similarity per shot number, and the scene's 0.9 in each; with the `lines` of strangers and places."""
    view = pier.story.view()
    mara = view.revision.draft.cast[0].id
    points = []
    for number, similarity in similarities.items():
        take = view.shots[number - 1].take
        about = {"row_id": pier.rows[number - 1], "take_id": take.id}
        points.append(
            DriftPoint(**about, cast_id=mara, similarity=similarity, face_found=similarity is not None)
        )
        points.append(DriftPoint(**about, similarity=0.9))
    pier.story.readings.write_drift(Drift(points=tuple(points), weights_hash=WEIGHTS, **lines))


def test_measuring_is_queued_once_with_its_cost_told_before(pier):
    assert pier.desk.drift.view(pier.id).cost.seconds > 0
    job = pier.job(pier.desk.drift.measure(pier.id))
    assert isinstance(job, MeasureDrift)
    assert (job.num_keyframes, job.weights) == (6, WEIGHTS)
    assert pier.desk.drift.view(pier.id).is_measuring
    with pytest.raises(StoryError, match="measured already"):
        pier.desk.drift.measure(pier.id)


def test_a_story_without_pictures_cannot_be_measured(tmp_path):
    pier = Pier(tmp_path)
    assert pier.desk.drift.view(pier.id).cost is None
    with pytest.raises(StoryError, match="draw the storyboard first"):
        pier.desk.drift.measure(pier.id)


def test_there_is_a_line_per_character_and_one_for_the_scene(pier):
    measured(pier, {4: 0.8, 1: 0.7, 5: None})
    view = pier.desk.drift.view(pier.id)
    assert [series.name for series in view.series] == ["Mara", "Scene"]
    assert [(point.number, point.similarity) for point in view.series[0].points] == [
        (1, 0.7),
        (4, 0.8),
        (5, None),
    ]
    assert view.series[0].points[2].face_found is False
    assert view.series[1].is_scene


def test_the_worst_shots_are_those_with_the_lowest_point(pier):
    measured(pier, {1: 0.7, 2: 0.3, 4: 0.95, 5: None})
    assert [(point.number, point.similarity) for point in pier.desk.drift.view(pier.id).worst] == [
        (2, 0.3), (1, 0.7), (4, 0.9), (5, 0.9),
    ]  # fmt: skip


def test_faces_and_scenes_are_the_worst_by_how_they_stand_to_the_line_of_their_kind(pier):
    """0.7 is below what strangers reach; a lower 0.6 would be far above what other places reach."""
    measured(pier, {1: 0.7, 2: 0.95, 4: 0.76}, strangers=0.75, other_places=0.2)
    worst = pier.desk.drift.view(pier.id).worst
    assert [(point.number, point.similarity) for point in worst] == [(1, 0.7), (4, 0.76), (2, 0.95)]
    measured(pier, {1: 0.7, 2: 0.95}, strangers=0.2, other_places=0.85)
    worst = pier.desk.drift.view(pier.id).worst
    assert [(point.number, point.similarity) for point in worst] == [(1, 0.9), (2, 0.9)]


def test_redrawing_the_worst_leaves_locked_ones_and_keeps_all_others(pier):
    measured(pier, {1: 0.7, 2: 0.3, 4: 0.8})
    pier.desk.storyboard.set_locked(pier.id, pier.rows[1], locked=True)
    view = pier.desk.drift.view(pier.id, num_worst=5)
    assert view.worst_rows(1) == (pier.rows[0],)
    assert view.worst_cost.num_shots == 2
    job = pier.job(pier.desk.drift.redraw_worst(pier.id, 5))
    assert isinstance(job, RedrawKeyframes)
    assert job.keyframes == (pier.rows[0], pier.rows[3])


def test_points_of_other_pictures_are_told_apart_and_never_the_worst(pier):
    measured(pier, {1: 0.2, 2: 0.5})
    pier.story.choose(pier.rows[0], pier.draw(1, seed=4).id, keep_later=True)
    view = pier.desk.drift.view(pier.id)
    assert [point.is_current for point in view.series[0].points] == [False, True]
    assert [point.number for point in view.worst] == [2]
    assert view.num_outdated == 5  # four were never measured


def test_rows_that_are_gone_are_left_out(pier):
    measured(pier, {1: 0.2, 2: 0.5})
    pier.story.script.change(lambda draft: draft.without_rows([pier.rows[0]]), label="Delete")
    view = pier.desk.drift.view(pier.id)
    assert [(point.number, point.row_id) for point in view.series[0].points] == [(1, pier.rows[1])]


def test_without_a_measurement_nothing_is_redrawn(pier):
    with pytest.raises(StoryError, match="measure the drift first"):
        pier.desk.drift.redraw_worst(pier.id, 5)


def test_the_tab_looks_at_the_story_once(pier, monkeypatch):
    from app.pages.drift import drift_html

    measured(pier, {1: 0.7, 2: 0.3})
    look, looks = type(pier.story).view, []

    def counted(self, **options):
        looks.append(self)
        return look(self, **options)

    monkeypatch.setattr(type(pier.story), "view", counted)
    assert "Redraw the worst" in drift_html(pier.desk, pier.id)
    assert len(looks) == 1
