"""A split of the storyworld as the frozen encoders see it: computed once, kept on disk, read by every later stage.

N frames, U sentences, T spatial tokens, C spatial channels, E text channels, L latent channels, F face channels,
P portraits per character.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from moviedreamer_core.atomic import replacing, write_text
from moviedreamer_core.data.captions import Captions
from moviedreamer_core.data.world_frames import WorldFrames
from moviedreamer_core.errors import WeightsError
from moviedreamer_core.precision import training_autocast

CHUNK = 64
STAGE_OF = {
    "labels": "truth",
    "boxes": "truth",
    "emphasis": "truth",
    "tokens": "compress",
    "planned": "foresee",
}  # array -> the training stage that computes it, if that is not `encode`


@dataclass(frozen=True)
class Kept:
    """One array on disk and the fingerprint of the model that made it, in a note beside it."""

    path: Path
    fingerprint: str

    @property
    def note(self) -> Path:
        return self.path.with_suffix(".json")

    @property
    def unfinished(self) -> Path:
        """Where the array lies until it is whole."""
        return self.path.with_name(f".{self.path.name}")

    def is_current(self) -> bool:
        return (
            self.path.exists()
            and self.note.exists()
            and json.loads(self.note.read_text()) == self.fingerprint
        )

    def forget(self) -> None:
        """Delete what is there. The note goes first: nothing may vouch for an array that it does not fit."""
        self.note.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)

    def finish(self) -> None:
        """Put the array in its place, then vouch for it."""
        os.replace(self.unfinished, self.path)
        write_text(self.note, json.dumps(self.fingerprint))


def fingerprint_of(module: nn.Module) -> str:
    """sha256 over every tensor of a model."""
    digest = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def compute(
    name: str,
    folder: Path,
    model: nn.Module,
    num_rows: int,
    batch_of: Callable[[int, int], Tensor],
    apply: Callable[[Tensor], Tensor],
) -> Iterator[tuple[int, int]]:
    """Write `apply(batch_of(start, stop))` for all rows to `folder/name.npy` as float16, unless the file is there
    and was made by this very model. Yields (rows done, of total). The file is there only once it is whole."""
    kept = Kept(folder / f"{name}.npy", fingerprint_of(model))
    if kept.is_current():
        return
    folder.mkdir(parents=True, exist_ok=True)
    kept.forget()
    array = None
    device = next(model.parameters()).device
    for start in range(0, num_rows, CHUNK):
        stop = min(num_rows, start + CHUNK)
        with torch.no_grad(), training_autocast(device.type):
            rows = apply(batch_of(start, stop).to(device)).float().cpu().numpy().astype(np.float16)
        if array is None:
            array = np.lib.format.open_memmap(
                kept.unfinished, mode="w+", dtype=np.float16, shape=(num_rows, *rows.shape[1:])
            )
        array[start:stop] = rows
        if stop == num_rows:
            array.flush()
            kept.finish()
        yield stop, num_rows


def save_array(path: Path, array: np.ndarray) -> None:
    """`array` as `path`, whole or not at all. Raises OutputError."""
    with replacing(path) as temporary:
        np.save(temporary, array)


@dataclass(frozen=True)
class EncodedWorld:
    """Arrays of one split, aligned: frame f = episode * K + keyframe."""

    world: WorldFrames
    captions: Captions
    folder: Path

    def load(self, name: str) -> np.ndarray:
        """One array, mapped from disk. Raises WeightsError, naming the stage that computes it, if it is missing."""
        path = self.folder / f"{name}.npy"
        if not path.exists():
            raise WeightsError(f"{path}: missing; train the stage {STAGE_OF.get(name, 'encode')} first")
        return np.load(path, mmap_mode="r")

    def rows(self, name: str, frames: np.ndarray) -> Tensor:
        """Rows `frames` of one array, in float32."""
        return torch.from_numpy(self.load(name)[frames].astype(np.float32))

    def planned(self, frames: np.ndarray) -> Tensor:
        """[B, V, D] the visual tokens that the planner expected of these frames."""
        episode, keyframe = np.divmod(frames, self.world.num_keyframes)
        return torch.from_numpy(self.load("planned")[episode, keyframe].astype(np.float32))

    @cached_property
    def cast_of_frame(self) -> np.ndarray:
        """[N, 3] index into the episode's cast of each person in the frame, in script order, or -1."""
        table = np.full((self.world.num_frames, 3), -1, np.int64)
        for frame, script in enumerate(self.world.scripts):
            table[frame, : len(script.cast)] = script.cast
        return table

    def descriptions(self, rows: np.ndarray, num_slots: int) -> tuple[Tensor, Tensor]:
        """Sentence embeddings [B, num_slots, E] and which are given [B, num_slots], of rows like `Captions.rows`."""
        rows = rows[:, :num_slots]
        if rows.shape[1] < num_slots:
            rows = np.pad(rows, ((0, 0), (0, num_slots - rows.shape[1])), constant_values=-1)
        given = rows >= 0
        embedded = self.load("sentences")[np.maximum(rows, 0)].astype(np.float32) * given[..., None]
        return torch.from_numpy(embedded), torch.from_numpy(given)

    def faces(self, frames: np.ndarray, num_slots: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Face embeddings [B, num_slots, F], each of a random portrait of the person, and which are given."""
        cast = self.cast_of_frame[frames]  # (B, 3)
        given = np.zeros((len(frames), num_slots), bool)
        given[:, : cast.shape[1]] = cast >= 0
        all_faces = self.load("faces")  # (episodes, cast, P, F)
        view = rng.integers(0, all_faces.shape[2], cast.shape)
        picked = all_faces[frames[:, None] // self.world.num_keyframes, np.maximum(cast, 0), view]
        embedded = np.zeros((len(frames), num_slots, all_faces.shape[-1]), np.float32)
        embedded[:, : cast.shape[1]] = picked * (cast >= 0)[..., None]
        return torch.from_numpy(embedded), torch.from_numpy(given)
