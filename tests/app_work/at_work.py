"""Pictures, jobs and looks at what the work left, for its tests."""

from __future__ import annotations

import wave
from collections.abc import Generator
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

from app.queue.jobs import Drawing
from app.queue.progress import Progress
from moviedreamer_core.storyworld.casting import sample_appearance
from moviedreamer_core.storyworld.portraits import draw_portrait
from moviedreamer_core.workspace import StoryFolder, Take

DRAWING = Drawing(steps=3, width=48, height=32)
PREVIEW = Drawing(steps=2, width=48, height=32)


def portrait(path: Path, *, seed: int) -> Path:
    """A drawn face."""
    rng = np.random.default_rng(seed)
    draw_portrait(sample_appearance(rng), rng=rng, size_px=240, varied=False).save(path)
    return path


def photo(path: Path) -> Path:
    """A real face, which the detector finds; it is above the centre of the picture."""
    Image.fromarray(skimage.data.astronaut()[:300, 60:400]).save(path)
    return path


def noise(path: Path, *, seed: int, size: tuple[int, int] = (48, 32)) -> Path:
    levels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(levels).save(path)
    return path


def pixels(take: Take) -> np.ndarray:
    with Image.open(take.folder / "image.png") as image:
        return np.asarray(image)


def tokens(take: Take) -> bytes:
    (found,) = take.folder.glob("tokens-*.safetensors")
    return found.read_bytes()


def shown(story: StoryFolder) -> list[Take | None]:
    return [shot.take for shot in story.view().shots]


def conditions(story: StoryFolder) -> list[str]:
    return [shot.condition for shot in story.view().shots]


def content_of(folder: Path) -> dict[str, bytes]:
    """Every file below `folder` but locks, by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def stop_after(work: Generator[Progress, None, None], num_events: int) -> bool:
    """Take so many events, then cancel; whether the work had an end before."""
    try:
        return any(next(work, None) is None for _ in range(num_events))
    finally:
        work.close()


def tone(path: Path) -> Path:
    """A second and a half of sound."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes((8000 * np.sin(np.arange(12000) / 5)).astype("<i2").tobytes())
    return path
