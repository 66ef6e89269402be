"""The finished example: everything of a story is there, and fresh, in a studio that imports it."""

from __future__ import annotations

import numpy as np
from PIL import Image

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
  - {name: Mara, description: A young woman., faces: [mara.png]}
"""


def faceless(path):
    """A picture in which the detector finds nobody."""
    levels = np.random.default_rng(1).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    Image.fromarray(levels).save(path)


def test_an_imported_example_has_fresh_shots_and_clips_and_its_measurements(tiny_weights, tmp_path):
    (tmp_path / "story.yaml").write_text(STORY)
    faceless(tmp_path / "mara.png")
    out = tmp_path / "pier.zip"
    lines = list(make_example(tmp_path / "story.yaml", tiny_weights, out, tmp_path / "workspace"))
    assert len(lines) == 4
    story = Stories(tmp_path / "other").import_archive(out)
    view = story.view(weights_hash=read_manifest(tiny_weights).weights_hash)
    assert [shot.condition for shot in view.shots] == ["fresh", "fresh"]
    assert all(shot.clip is not None and not shot.clip_stale_for for shot in view.shots)
    assert {point.row_id for point in story.readings.drift().points} == {shot.row.id for shot in view.shots}


def test_a_portrait_without_a_found_face_is_framed_by_hand_and_so_are_its_takes(tiny_weights, tmp_path):
    (tmp_path / "story.yaml").write_text(STORY)
    faceless(tmp_path / "mara.png")
    out = tmp_path / "pier.zip"
    list(make_example(tmp_path / "story.yaml", tiny_weights, out, tmp_path / "workspace"))
    story = Stories(tmp_path / "other").import_archive(out)
    (reading,) = story.readings.cast().faces
    assert (reading.by_hand, reading.face_found, reading.box) == (True, True, (0.0, 0.0, 1.0, 1.0))
    assert story.readings.face_boxes() == {reading.picture: reading.box}
    assert all(reading.picture in shot.take.recipe.settings["face_boxes"] for shot in story.view().shots)
    story.readings.set_face_box(reading.picture, (0.2, 0.2, 0.8, 0.8))
    assert [shot.stale_for for shot in story.view().shots] == [("cast",), ("cast",)]
