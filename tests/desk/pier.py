"""A desk on a story of six rows, and a worker whose every step a test takes by itself. No models."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import safetensors.numpy
from PIL import Image

from app.desk import Desk, DrawingDefaults
from app.queue.claims import Claim, Claims
from app.queue.database import Database
from app.queue.failures import Failure
from app.queue.progress import Meter, Progress
from app.queue.store import JobStore
from moviedreamer_core.workspace import (
    CastMember,
    Clip,
    ClipRecipe,
    Draft,
    PersonInRow,
    Row,
    Stories,
    StoryFolder,
    Take,
    image_path,
    take_recipe,
    tokens_name,
)
from moviedreamer_core.workspace.takes import image_sha256

WEIGHTS = "f" * 64
PLACES = ("A beach", "A beach", "", "the  BEACH.", "A kitchen", "A kitchen")
PLOTS = ("Mara walks.", "Tom waves.", "The sea is calm.", "Mara swims.", "Mara cooks.", "Tom eats.")


class Pier:
    """The story's rows 1 to 4 play on the beach, 5 and 6 in the kitchen."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(folder / "queue.sqlite")
        self.queue = JobStore(self.database)
        self.desk = Desk(
            stories=Stories(folder / "stories"),
            queue=self.queue,
            weights_hash=WEIGHTS,
            settings=DrawingDefaults(width=224, height=128, frames_per_second=7, guidance_scale=3.0),
        )
        self.story: StoryFolder = self.desk.stories.new(title="The Pier")
        rows = tuple(
            Row(plot=plot, scene_elements=(place,) if place else (), characters=_people(plot))
            for plot, place in zip(PLOTS, PLACES, strict=True)
        )
        cast = (CastMember(name="Mara"), CastMember(name="Tom"))
        self.story.script.save(Draft(title="The Pier", cast=cast, rows=rows), base=1, label="Write")
        self.rows = [row.id for row in rows]
        self.claims = Claims(self.database, instance="w", pid=1)
        self.claims.begin()

    @property
    def id(self) -> str:
        return self.story.id

    def draw(self, number: int, *, seed: int = 0, preview: bool = False) -> Take:
        """A take of a row, by its number."""
        view, row = self.story.view(), self.rows[number - 1]
        recipe = take_recipe(
            view.revision.draft,
            row,
            view.shown_takes,
            revision=view.revision.number,
            seed=seed,
            weights_hash=WEIGHTS,
            settings={"steps": 4, "temperature": 0.5, "preview": preview},
        )
        with self.story.takes.stage(row) as staged:
            colour = hashlib.sha256(f"{row}{seed}".encode()).hexdigest()[:6]
            Image.new("RGB", (48, 32), f"#{colour}").save(staged.folder / "image.png")
            tokens = np.random.default_rng(seed).standard_normal((2, 8)).astype(np.float32)
            safetensors.numpy.save_file({"visual_tokens": tokens}, staged.folder / tokens_name(WEIGHTS))
            return staged.commit(recipe)

    def draw_all(self) -> None:
        for number in range(1, len(self.rows) + 1):
            self.draw(number)

    def film(self, number: int, *, seconds: float = 2.0, motion: str | None = None) -> Clip:
        take = self.story.view().shots[number - 1].take
        assert take is not None
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
        with self.story.clips.stage(take.owner) as staged:
            (staged.folder / "clip.mp4").write_bytes(b"\0\0\0\x18ftypisom" + image_path(take).read_bytes())
            return staged.commit(recipe)

    def job(self, job_id: int) -> object:
        """What was queued."""
        return self.queue.status(job_id).job

    # --- the worker's side ---------------------------------------------------------------------------

    def take_job(self) -> Claim:
        claim = self.claims.take()
        assert claim is not None
        return claim

    def report(self, claim: Claim, **progress: object) -> None:
        meter = Meter(claim.job.workload, is_warm=True)
        meter.note(Progress(**progress))  # type: ignore[arg-type]
        self.claims.report(claim.id, meter.read())

    def end(self, claim: Claim, *, failure: str = "", row: str = "") -> None:
        meter = Meter(claim.job.workload, is_warm=True)
        if row:
            meter.note(Progress(done=0, total=1, step=1, num_steps=4, row=row))
            self.claims.report(claim.id, meter.read())
        found = Failure(kind="input", message=failure) if failure else None
        self.claims.end(claim.id, "failed" if failure else "done", meter.read(), found)

    def states(self) -> list[str]:
        return [card.state for card in self.desk.storyboard.view(self.id).cards]


def _people(plot: str) -> tuple[PersonInRow, ...]:
    return tuple(PersonInRow(name=name) for name in ("Mara", "Tom") if name in plot)
