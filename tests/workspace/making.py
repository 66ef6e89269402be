"""Stories, takes and clips for the tests, made without models."""

from __future__ import annotations

import hashlib
import wave
from pathlib import Path

import numpy as np
import safetensors.numpy
from PIL import Image

from moviedreamer_core.workspace import (
    CastMember,
    Clip,
    ClipRecipe,
    Draft,
    PersonInRow,
    Row,
    StoryFolder,
    Take,
    image_path,
    take_recipe,
    tokens_name,
)
from moviedreamer_core.workspace.takes import image_sha256

WEIGHTS = "f" * 64
PLOTS = ("Mara walks.", "Tom waves.", "The sea is calm.", "Mara sleeps.")


def draft_of_plots(*plots: str, title: str = "The Pier") -> Draft:
    """Mara is in every row whose plot names her."""
    rows = tuple(
        Row(plot=plot, characters=(PersonInRow(name="Mara"),) if "Mara" in plot else ()) for plot in plots
    )
    return Draft(title=title, cast=(CastMember(name="Mara", description="Red hair."),), rows=rows)


def plots(draft: Draft) -> list[str]:
    return [row.plot for row in draft.rows]


def picture(path: Path, colour: str = "tan", size: tuple[int, int] = (48, 32)) -> Path:
    Image.new("RGB", size, colour).save(path)
    return path


def tokens_file(path: Path, *, seed: int = 0, shape: tuple[int, ...] = (2, 8)) -> Path:
    values = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    safetensors.numpy.save_file({"visual_tokens": values}, path)
    return path


def tone(path: Path) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(np.sin(np.arange(8000) / 5).astype("<f2").tobytes())
    return path


def draw(
    story: StoryFolder,
    row_id: str,
    *,
    seed: int = 0,
    preview: bool = False,
    shown: dict[str, Take] | None = None,
) -> Take:
    """A take as a worker makes it; its pixels and tokens follow from the seed."""
    view = story.view()
    recipe = take_recipe(
        view.revision.draft,
        row_id,
        view.shown_takes if shown is None else shown,
        revision=view.revision.number,
        seed=seed,
        weights_hash=WEIGHTS,
        settings={"steps": 4, "preview": preview},
    )
    with story.takes.stage(row_id) as staged:
        colour = hashlib.sha256(str(seed).encode()).hexdigest()[:6]
        picture(staged.folder / "image.png", f"#{colour}")
        tokens_file(staged.folder / tokens_name(WEIGHTS), seed=seed)
        return staged.commit(recipe)


def film(story: StoryFolder, take: Take, *, seconds: float = 2.0, motion: str | None = None) -> Clip:
    recipe = ClipRecipe(
        take_id=take.id,
        image_sha256=image_sha256(take),
        seconds=seconds,
        motion=motion,
        frames_per_second=7,
        seed=1,
        weights_hash=WEIGHTS,
        revision=1,
    )
    with story.clips.stage(take.owner) as staged:
        (staged.folder / "clip.mp4").write_bytes(b"\0\0\0\x18ftypisom" + image_path(take).read_bytes())
        return staged.commit(recipe)


def content_of(folder: Path) -> dict[str, bytes]:
    """Every file below `folder` but locks, by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }
