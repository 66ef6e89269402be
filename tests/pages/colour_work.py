"""Work without models, for a real worker: takes are coloured pictures, clips and movies are a second of colour.

Steps take `step_seconds` each. A row whose plot has "broken" in it cannot be drawn.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import safetensors.numpy
from PIL import Image, ImageDraw

from app.desk import Desk
from app.queue.jobs import (
    AnimateKeyframes,
    Drawing,
    DrawMissing,
    EncodeReplacement,
    ExportStory,
    Job,
    MakeAnimatic,
    MakeMovie,
    MeasureDrift,
    PreviewArc,
    RedrawKeyframes,
    RegenerateKeyframe,
)
from app.queue.processes import WorkerCommand
from app.queue.progress import Progress
from app.queue.store import open_store
from app.queue.supervisor import Supervisor
from moviedreamer_core.errors import StoryError
from moviedreamer_core.workspace import (
    ClipRecipe,
    Stories,
    StoryFolder,
    Take,
    image_path,
    take_recipe,
    tokens_name,
)
from moviedreamer_core.workspace.readings import Drift, DriftPoint
from moviedreamer_core.workspace.takes import image_sha256

EXPORT_NAMES = {
    "mp4": "movie.mp4", "srt": "subtitles.srt", "otio": "timeline.otio", "contact-sheet": "contact-sheet.png",
    "pdf": "board.pdf", "keyframes": "keyframes.zip", "story": "story.zip", "csv": "script.csv", "yaml": "story.yaml",
}  # fmt: skip
Steps = Generator[Progress, None, None]


class ColourWork:
    """Does every job that the tabs ask for."""

    def __init__(self, stories: Path, step_seconds: float) -> None:
        self._stories = Stories(stories)
        self._step_seconds = step_seconds

    def __call__(self, job: Job) -> Steps:
        story = self._stories.get(job.story_id)
        yield Progress(done=0, total=len(job.workload.amounts), doing="reading the story")
        match job:
            case DrawMissing() | PreviewArc():
                yield from self._draw_rows(story, job)
            case RegenerateKeyframe():
                yield from self._regenerate(story, job)
            case RedrawKeyframes():
                yield from self._redraw(story, job)
            case EncodeReplacement():
                yield from self._encode(story, job)
            case AnimateKeyframes():
                yield from self._animate(story, job)
            case MakeMovie():
                yield from self._film(story, "movie.mp4", job.seconds)
            case MakeAnimatic():
                yield from self._film(story, "animatic.mp4", job.seconds)
            case ExportStory():
                yield from self._export(story, job)
            case MeasureDrift():
                yield from self._measure(story, job)

    def release(self) -> None:
        pass

    def _draw_rows(self, story: StoryFolder, job: DrawMissing | PreviewArc) -> Steps:
        is_preview = isinstance(job, PreviewArc)
        for done, row in enumerate(job.keyframes):
            yield from self._steps(job.drawing.steps, done, len(job.keyframes), row, "drawing")
            shot = story.view().shot(row)
            if shot.take is None or is_preview or shot.take.recipe.is_preview:
                draw_take(story, row, job.drawing, weights=job.weights, is_preview=is_preview)
            yield Progress(done=done + 1, total=len(job.keyframes), row=row)

    def _regenerate(self, story: StoryFolder, job: RegenerateKeyframe) -> Steps:
        for done, row in enumerate(job.rows):
            shot = story.view(weights_hash=job.weights).shot(row)
            yield from self._steps(job.drawing.steps, done, len(job.rows), row, "drawing")
            seed = job.seed if done == 0 else None
            take = draw_take(story, row, job.drawing, weights=job.weights, seed=seed)
            story.choose_in_place_of(
                row,
                take.id,
                shot.take.id if shot.take else None,
                keep_later=job.later == "keep",
                over_accepted=job.later != "keep" or bool(shot.stale_for),
            )
            yield Progress(done=done + 1, total=len(job.rows), row=row)

    def _redraw(self, story: StoryFolder, job: RedrawKeyframes) -> Steps:
        for done, (row, seed) in enumerate(zip(job.keyframes, job.seeds, strict=True)):
            shot = story.view(weights_hash=job.weights).shot(row)
            yield from self._steps(job.drawing.steps, done, len(job.rows), row, "drawing")
            take = draw_take(story, row, job.drawing, weights=job.weights, seed=seed)
            story.choose_in_place_of(
                row,
                take.id,
                shot.take.id if shot.take else None,
                keep_later=True,
                over_accepted=bool(shot.stale_for),
            )
            yield Progress(done=done + 1, total=len(job.rows), row=row)

    def _encode(self, story: StoryFolder, job: EncodeReplacement) -> Steps:
        yield from self._steps(1, 0, 1, job.row, "encoding")
        view = story.view()
        recipe = take_recipe(view.revision.draft, job.row, view.shown_takes, revision=view.revision.number)
        take = story.takes.upload(job.row, story.path / job.picture, recipe, size=(224, 128))
        story.choose(job.row, take.id)
        yield Progress(done=1, total=1, row=job.row)

    def _animate(self, story: StoryFolder, job: AnimateKeyframes) -> Steps:
        for done, order in enumerate(job.clips):
            yield from self._steps(job.filming.steps, done, len(job.clips), order.row, "animating")
            shot = story.view().shot(order.row)
            assert shot.take is not None
            recipe = ClipRecipe(
                take_id=shot.take.id,
                image_sha256=image_sha256(shot.take),
                seconds=shot.row.seconds,
                motion=shot.decisions.motion,
                frames_per_second=7,
                seed=order.seed or 1,
                weights_hash=job.weights,
                revision=1,
            )
            with story.clips.stage(order.row) as staged:
                write_movie(staged.folder / "clip.mp4", shot.row.seconds, image_path(shot.take))
                clip = staged.commit(recipe)
            story.choose_clip_in_place_of(
                order.row, clip.id, shot.decisions.clip, over_accepted=bool(shot.clip_stale_for)
            )
            yield Progress(done=done + 1, total=len(job.clips), row=order.row)

    def _film(self, story: StoryFolder, name: str, seconds: float) -> Steps:
        yield from self._steps(4, 0, 1, "", "joining the shots")
        with story.exporting(name) as path:
            write_movie(path, seconds, None)
        yield Progress(done=1, total=1, made=(f"exports/{name}",))

    def _export(self, story: StoryFolder, job: ExportStory) -> Steps:
        yield from self._steps(2, 0, 1, "", "writing")
        with story.exporting(EXPORT_NAMES[job.format]) as path:
            path.write_bytes(b"exported\n" * 200)
        yield Progress(done=1, total=1)

    def _measure(self, story: StoryFolder, job: MeasureDrift) -> Steps:
        view, points = story.view(), []
        for done, shot in enumerate(view.shots):
            yield from self._steps(
                1, min(done, job.num_keyframes - 1), job.num_keyframes, shot.row.id, "measuring"
            )
            if shot.take is None:
                continue
            names = {person.name for person in shot.row.characters}
            cast = [member for member in view.revision.draft.cast if member.name in names]
            for cast_id in [*(member.id for member in cast), None]:
                points.append(drift_point(shot.row.id, shot.take.id, cast_id, first=shot.number == 1))
        story.readings.write_drift(Drift(points=tuple(points), weights_hash=job.weights))
        yield Progress(done=job.num_keyframes, total=job.num_keyframes)

    def _steps(self, number: int, done: int, total: int, row: str, doing: str) -> Steps:
        for step in range(1, number + 1):
            time.sleep(self._step_seconds)
            yield Progress(done=done, total=total, step=step, num_steps=number, row=row, doing=doing)


def drift_point(row_id: str, take_id: str, cast_id: str | None, *, first: bool) -> DriftPoint:
    """Some similarity that follows from the ids."""
    share = hashlib.sha256(f"{row_id}{take_id}{cast_id}".encode()).digest()[0] / 255
    if cast_id is None:
        return DriftPoint(row_id=row_id, take_id=take_id, similarity=None if first else 0.6 + 0.35 * share)
    return DriftPoint(
        row_id=row_id,
        take_id=take_id,
        cast_id=cast_id,
        similarity=None if share > 0.9 else 0.35 + 0.6 * share,
        face_found=share <= 0.9,
    )


def draw_take(
    story: StoryFolder,
    row: str,
    drawing: Drawing,
    *,
    weights: str = "",
    seed: int | None = None,
    is_preview: bool = False,
) -> Take:
    """A take whose colours follow from its row and seed."""
    view = story.view()
    if "broken" in view.shot(row).row.plot:
        raise StoryError(f"shot {view.shot(row).number}: this row is broken; write it anew")
    seed = len(view.shot(row).takes) + 1 if seed is None else seed
    settings = {"steps": drawing.steps, "temperature": drawing.temperature, "preview": is_preview}
    recipe = take_recipe(
        view.revision.draft,
        row,
        view.shown_takes,
        revision=view.revision.number,
        seed=seed,
        weights_hash=weights or "f" * 64,
        settings=settings,
        seconds_taken=1.5,
    )
    with story.takes.stage(row) as staged:
        landscape(f"{row}{seed}", (drawing.width, drawing.height)).save(staged.folder / "image.png")
        tokens = np.random.default_rng(seed).standard_normal((2, 8)).astype(np.float32)
        name = tokens_name(weights or "f" * 64)
        safetensors.numpy.save_file({"visual_tokens": tokens}, staged.folder / name)
        return staged.commit(recipe)


def landscape(key: str, size: tuple[int, int]) -> Image.Image:
    """A sky, a sun and hills."""
    digest = hashlib.sha256(key.encode()).digest()
    width, height = size
    picture = Image.new("RGB", size, (120 + digest[0] // 3, 150 + digest[1] // 4, 180 + digest[2] // 4))
    brush = ImageDraw.Draw(picture)
    x, y, r = width * digest[3] // 255, height // 4, height // 8
    brush.ellipse((x - r, y - r, x + r, y + r), fill=(255, 220, 140))
    for layer in range(3):
        top = height // 2 + layer * height // 7
        shift = digest[4 + layer] % width
        colour = tuple(digest[8 + layer] // 3 + channel for channel in (20, 60 - layer * 15, 40))
        brush.ellipse((shift - width, top, shift + width // 2, top + height), fill=colour)
        brush.ellipse((shift, top + 8, shift + width, top + height), fill=colour)
    return picture


def write_movie(path: Path, seconds: float, still: Path | None, size: tuple[int, int] = (224, 128)) -> None:
    """H.264 that a browser plays."""
    writer = imageio_ffmpeg.write_frames(
        str(path), size, fps=8, codec="libx264", output_params=["-movflags", "+faststart"], macro_block_size=1
    )
    writer.send(None)
    base = np.asarray(
        (Image.open(still) if still else landscape(str(path), size)).convert("RGB").resize(size)
    )
    for frame in range(max(2, round(min(seconds, 12) * 8))):
        writer.send(np.ascontiguousarray(np.roll(base, frame * 2, axis=1)).tobytes())
    writer.close()


def make(stories: str, step_seconds: float = 0.01) -> ColourWork:
    return ColourWork(Path(stories), step_seconds)


@contextlib.contextmanager
def working(desk: Desk, *, step_seconds: float = 0.01) -> Iterator[Supervisor]:
    """In the block, a real worker process does the jobs of `desk` by this work."""
    folder = desk.queue.path.parent
    command = WorkerCommand(
        queue=desk.queue.path,
        device_lock=folder / "device.lock",
        work="colour_work:make",
        options={"stories": str(desk.stories.root), "step_seconds": step_seconds},
        environment={"PYTHONPATH": str(Path(__file__).resolve().parent), "OMP_NUM_THREADS": "1"},
    )
    store = open_store(desk.queue.path)
    supervisor = Supervisor(store, command, first_pause_seconds=0.01, longest_pause_seconds=0.05)
    supervisor.start()
    try:
        yield supervisor
    finally:
        supervisor.close("stop", seconds=2.0)
        store.close()
