"""The desk as a whole: what it takes from the weights, and that it starts without them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from app.desk import Desk, DrawingDefaults
from moviedreamer_core import drawing, filming
from moviedreamer_core.config import miniature, to_dict
from moviedreamer_core.errors import WeightsError
from moviedreamer_core.workspace import StoryGoneError


def test_drawing_defaults_are_those_of_the_director():
    defaults = DrawingDefaults(width=8, height=8, frames_per_second=1, guidance_scale=1.0)
    assert (defaults.steps, defaults.preview_steps) == (drawing.STEPS, drawing.PREVIEW_STEPS)
    assert (defaults.clip_steps, defaults.preview_clip_steps) == (filming.STEPS, filming.PREVIEW_STEPS)


def test_sizes_and_guidance_come_from_the_config_of_the_weights(tmp_path):
    full = miniature()
    config = replace(full, renderer=replace(full.renderer, guidance_scale=4.5))
    (tmp_path / "config.json").write_text(json.dumps(to_dict(config)))
    found = DrawingDefaults.of_weights(tmp_path)
    assert (found.width, found.height, found.frames_per_second) == (224, 128, 7)
    assert found.guidance_scale == 4.5 == drawing.render_settings(config).guidance_scale


@pytest.mark.parametrize("text", [None, "{", "[]", '{"preset": 3}'])
def test_weights_without_a_config_that_can_be_read_are_refused(tmp_path, text):
    if text is not None:
        (tmp_path / "config.json").write_text(text)
    with pytest.raises(WeightsError):
        DrawingDefaults.of_weights(tmp_path)


def test_an_unknown_story_is_a_sentence(desk: Desk):
    with pytest.raises(StoryGoneError, match="open one from the list"):
        desk.story("nowhere2")


def test_the_desk_is_imported_without_gradio_and_torch():
    code = (
        "import sys, app.desk, app.desk.script, app.desk.cast, app.desk.shelf, app.desk.references; "
        "print(sorted({'gradio', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
