"""`python -m moviedreamer_core train export`: from runs to a weights folder, on parts of two steps."""

from __future__ import annotations

import dataclasses
import functools

import pytest

from moviedreamer_core.__main__ import main
from moviedreamer_core.pretrained import load_models
from moviedreamer_core.training import workshop
from moviedreamer_core.training.stages import EFFORTS, STAGES
from moviedreamer_core.training.workshop import Scale, Workshop
from moviedreamer_core.weights_files import read_manifest
from weights import tiny_config

SCALE = Scale(num_episodes=3, num_keyframes=4, num_clips=2)


def tiny_workshop(folder, **options):
    tiny = tiny_config()
    text = dataclasses.replace(tiny.text, vocab_size=2048, context_length=64)
    return Workshop(folder, SCALE, dataclasses.replace(tiny, text=text), **options)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Every stage but the export."""
    folder = tmp_path_factory.mktemp("runs")
    for name, stage in STAGES.items():
        if name != "export":
            effort = EFFORTS.get(name)
            few = dataclasses.replace(effort, steps=1, batch=2) if effort else None
            list(stage(tiny_workshop(folder), few))
    return folder


@pytest.fixture
def small(monkeypatch):
    """The command works on the sizes of the runs."""
    monkeypatch.setattr(workshop, "Workshop", functools.partial(tiny_workshop))


def content_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest.json"  # which has the time
    }


def test_export_writes_where_it_is_told(small, runs, tmp_path, capsys):
    to = tmp_path / "mine" / "weights"
    assert main(["train", "export", "--runs", str(runs), "--to", str(to)]) == 0
    captured = capsys.readouterr()
    manifest = read_manifest(to)
    assert captured.out.startswith(f"export: {len(manifest.files)} files, ")
    assert captured.out.rstrip().endswith(f"in {to}")
    assert len(load_models(to).planner.state_dict()) > 0
    assert not (runs / "weights").exists()
    assert sorted(path.name for path in to.parent.iterdir()) == ["weights"]  # nothing unfinished is left


def test_without_a_place_it_writes_beside_the_runs_and_again_the_same(small, runs, tmp_path):
    to = tmp_path / "weights"
    assert main(["train", "export", "--runs", str(runs), "--to", str(to)]) == 0
    assert main(["train", "export", "--runs", str(runs)]) == 0
    assert content_of(runs / "weights") == content_of(to) != {}
    (to / "left-over.txt").write_text("of an earlier export")
    assert main(["train", "export", "--runs", str(runs), "--to", str(to)]) == 0
    assert content_of(runs / "weights") == content_of(to)


def test_a_place_that_cannot_be_written_is_told_in_one_sentence(small, runs, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    assert main(["train", "export", "--runs", str(runs), "--to", str(tmp_path / "file" / "weights")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "file" in captured.err
    assert (tmp_path / "file").read_text() == "in the way"


def test_runs_without_a_trained_part_export_nothing(small, tmp_path, capsys):
    to = tmp_path / "weights"
    assert main(["train", "export", "--runs", str(tmp_path / "new"), "--to", str(to)]) == 2
    assert "train the stage data first" in capsys.readouterr().err
    assert not to.exists()
