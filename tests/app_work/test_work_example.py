"""The finished example: everything of a story is there, and fresh, in a studio that imports it."""

from __future__ import annotations

from app.work.example import make_example
from moviedreamer_core.weights_files import read_manifest
from moviedreamer_core.workspace import Stories

pytest_plugins = ("weights",)

STORY = """
title: The Pier
seed: 5
keyframes:
  - {plot: Mara walks on the beach., scene_elements: [A sandy beach], characters: [{name: Mara}], seconds: 0.5}
  - {plot: Mara sleeps., scene_elements: [A sandy beach], characters: [{name: Mara}], seconds: 0.5}
characters:
  - {name: Mara, description: A young woman.}
"""


def test_an_imported_example_has_fresh_shots_and_clips_and_its_measurements(tiny_weights, tmp_path):
    (tmp_path / "story.yaml").write_text(STORY)
    out = tmp_path / "pier.zip"
    lines = list(make_example(tmp_path / "story.yaml", tiny_weights, out, tmp_path / "workspace"))
    assert len(lines) == 4
    story = Stories(tmp_path / "other").import_archive(out)
    view = story.view(weights_hash=read_manifest(tiny_weights).weights_hash)
    assert [shot.condition for shot in view.shots] == ["fresh", "fresh"]
    assert all(shot.clip is not None and not shot.clip_stale_for for shot in view.shots)
    assert {point.row_id for point in story.readings.drift().points} == {shot.row.id for shot in view.shots}
