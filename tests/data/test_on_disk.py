"""Data on disk: nothing is touched that is whole, nothing is read that is not, and a kill leaves no half of it."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from torch import nn

from moviedreamer_core.data import encoded_world, world_clips, world_frames
from moviedreamer_core.data.captions import Captions
from moviedreamer_core.data.encoded_world import CHUNK, EncodedWorld, compute, save_array
from moviedreamer_core.data.world_clips import WorldClips
from moviedreamer_core.data.world_frames import WorldFrames
from moviedreamer_core.errors import WeightsError

NO_CAPTIONS = Captions(
    (), np.zeros((0, 1), np.int32), (), (), np.zeros((0, 0), np.int8), np.zeros((0, 1), np.int16)
)
READERS = ("frames", "portraits", "scripts", "casts")


def world(folder) -> WorldFrames:
    return WorldFrames(folder=folder, split="train", num_episodes=2, num_keyframes=2, size=(56, 32))


def clips(folder) -> WorldClips:
    return WorldClips(folder=folder, num_clips=2, num_frames=2, frames_per_second=4, size=(56, 32))


class NoProcesses:
    def get_context(self, kind: str) -> None:
        raise AssertionError("processes were started")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    assert list(world(folder).prepare(processes=1)) == [(2, 2)]
    return folder


def test_a_complete_world_is_left_alone(drawn, monkeypatch):
    files = {path: path.stat().st_mtime_ns for path in world(drawn).path.iterdir()}
    monkeypatch.setattr(world_frames, "multiprocessing", NoProcesses())
    assert list(world(drawn).prepare()) == []
    assert {path: path.stat().st_mtime_ns for path in world(drawn).path.iterdir()} == files
    assert len(files) == 5


@pytest.mark.parametrize("change", ["frames", "scripts"])
def test_a_world_of_another_storyworld_is_neither_read_nor_gone_on_with(drawn, tmp_path, change):
    other = world(tmp_path)
    shutil.copytree(world(drawn).path, other.path)
    if change == "frames":
        np.load(other.path / "frames.npy", mmap_mode="r+")[-1, 0, 0, 0] ^= 1
    else:
        path = other.path / "scripts.jsonl"
        lines = path.read_text().splitlines()
        rows = json.loads(lines[-1])
        rows[-1][1][0] += " Indeed."
        path.write_text("\n".join([*lines[:-1], json.dumps(rows)]) + "\n")
    for name in READERS:
        with pytest.raises(WeightsError, match="another version of the storyworld; delete it"):
            getattr(world(tmp_path), name)
    with pytest.raises(WeightsError, match="another version of the storyworld"):
        list(world(tmp_path).prepare())


def test_a_world_that_lost_a_file_is_drawn_again(drawn, tmp_path):
    lost = world(tmp_path)
    lost.path.mkdir()
    for path in world(drawn).path.iterdir():
        if path.name != "casts.jsonl":
            (lost.path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(WeightsError, match=r"frames\.npy: 0 of 2 episodes; train the stage data first"):
        _ = lost.frames
    assert list(lost.prepare(processes=1)) == [(2, 2)]
    assert world(tmp_path).scripts == world(drawn).scripts
    assert world(tmp_path).casts == world(drawn).casts


@pytest.mark.parametrize("what", READERS)
def test_a_world_that_is_not_there_or_not_whole_names_the_stage_that_draws_it(what, drawn, tmp_path):
    with pytest.raises(WeightsError, match=r"0 of 2 episodes; train the stage data first"):
        getattr(world(tmp_path), what)
    half = world(tmp_path)
    half.path.mkdir()
    for path in world(drawn).path.iterdir():
        (half.path / path.name).write_bytes(path.read_bytes())
    (half.path / "done.json").write_text(json.dumps({"episodes": 1}))
    with pytest.raises(WeightsError, match=r"1 of 2 episodes; train the stage data first"):
        getattr(half, what)


def test_clips_are_encoded_on_the_device_and_kept_on_the_cpu(tmp_path, monkeypatch):
    seen = []

    def encode(images: torch.Tensor) -> torch.Tensor:
        seen.append(images.device.type)
        return torch.ones(len(images), 4, 2, 3)

    list(
        clips(tmp_path).prepare(
            encode, lambda images: encode(images)[:, 0, 0], fingerprint="a", device="meta"
        )
    )
    assert seen == ["meta"] * 4
    assert clips(tmp_path).latents.shape == (2, 2, 4, 2, 3)
    monkeypatch.setattr(world_clips, "multiprocessing", NoProcesses())
    assert list(clips(tmp_path).prepare(encode, encode, fingerprint="a")) == []
    with pytest.raises(AssertionError, match="processes were started"):
        list(clips(tmp_path).prepare(encode, encode, fingerprint="b"))
    with pytest.raises(WeightsError, match=r"0 of 2 clips; train the stage clips first"):
        _ = clips(tmp_path).latents  # they are being made again


def test_clips_that_are_not_there_name_their_stage(tmp_path):
    for what in ("latents", "anchors"):
        with pytest.raises(WeightsError, match=rf"{what}\.npy: 0 of 2 clips; train the stage clips first"):
            getattr(clips(tmp_path), what)


def rows(start: int, stop: int) -> torch.Tensor:
    return torch.arange(start, stop).float()[:, None]


def test_a_killed_computation_leaves_neither_the_array_nor_a_note_that_vouches_for_it(tmp_path):
    one, other = nn.Linear(1, 1), nn.Linear(1, 1)
    total = 2 * CHUNK + 3
    assert list(compute("kept", tmp_path, one, total, rows, one))[-1] == (total, total)
    assert list(compute("kept", tmp_path, one, total, rows, one)) == []
    killed = compute("kept", tmp_path, other, total, rows, other)
    next(killed)
    killed.close()
    world_ = EncodedWorld(world(tmp_path), NO_CAPTIONS, tmp_path)
    with pytest.raises(WeightsError, match=r"kept\.npy: missing; train the stage encode first"):
        world_.load("kept")
    assert len(list(compute("kept", tmp_path, one, total, rows, one))) == 3  # not taken for the old one
    with torch.no_grad():
        expected = one(rows(0, total)).numpy()
    np.testing.assert_allclose(world_.load("kept"), expected, rtol=0.02, atol=0.02)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.json", "kept.npy"]


def test_missing_tokens_name_the_stage_that_compresses(tmp_path):
    with pytest.raises(WeightsError, match=r"tokens\.npy: missing; train the stage compress first"):
        EncodedWorld(world(tmp_path), NO_CAPTIONS, tmp_path).load("tokens")


def test_an_array_is_saved_whole_or_not_at_all(tmp_path, monkeypatch):
    save_array(tmp_path / "a.npy", np.arange(3))

    def killed(file, array):
        file.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(encoded_world.np, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        save_array(tmp_path / "a.npy", np.arange(4))
    assert np.array_equal(np.load(tmp_path / "a.npy"), np.arange(3))
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]
