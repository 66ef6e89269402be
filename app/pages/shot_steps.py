"""Public steps that draw, animate, export, and follow jobs. Shots and takes are named by their numbers, from 1."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Literal

from typing_extensions import TypedDict

from app.desk import Desk
from app.desk.jobs import JobLine
from app.pages.api import File, file_of_story, uploaded_file
from app.queue.jobs import ExportFormat, LaterShots
from app.queue.settings import EXPORT_FILES
from moviedreamer_core.errors import InputError, StoryError
from moviedreamer_core.workspace import Shot, clip_path, image_path

POLL_SECONDS = 0.2
MAX_WAIT_SECONDS = 24 * 3600.0
Exported = Literal[
    "mp4", "animatic", "srt", "otio", "contact-sheet", "pdf", "keyframes", "story", "csv", "yaml"
]
Step = Callable[..., Any]


class ShotLine(TypedDict):
    """A shot: missing, preview, stale, fresh, locked, running, waiting or failed; `reason` says why stale or failed.

    `take` is the number of the one that is shown, 0 for none.
    """

    number: int
    row_id: str
    plot: str
    state: str
    reason: str
    take: int
    num_takes: int
    has_clip: bool


class JobState(TypedDict):
    """`state`: waiting, running, stopping, done, cancelled or failed; `share` of the work is done, from 0 to 1;
    `message` says why it failed."""

    id: int
    story_id: str
    title: str
    state: str
    share: float
    doing: str
    elapsed_seconds: float
    seconds_left: float | None
    message: str


def shot_steps(desk: Desk) -> tuple[Step, ...]:
    """All of them."""
    return (*_storyboard_steps(desk), *_take_steps(desk), *_movie_steps(desk), *_job_steps(desk))


def _storyboard_steps(desk: Desk) -> tuple[Step, ...]:
    def get_storyboard(story_id: str) -> list[ShotLine]:
        """Every shot and how it stands."""
        shots = {shot.row.id: shot for shot in desk.story(story_id).view().shots}
        return [
            {
                "number": card.number,
                "row_id": card.row_id,
                "plot": card.plot,
                "state": card.state,
                "reason": card.reason,
                "take": card.take_number,
                "num_takes": card.num_takes,
                "has_clip": card.row_id in shots and shots[card.row_id].clip is not None,
            }
            for card in desk.storyboard.view(story_id).cards
        ]

    def draw_missing(story_id: str) -> int:
        """Draw every shot that has no full picture; the job's number."""
        return desk.storyboard.draw_missing(story_id)

    def preview_arc(story_id: str) -> int:
        """Draw few-step pictures of the shots without a full one; the job's number."""
        return desk.storyboard.preview_arc(story_id)

    def redraw_stale(story_id: str) -> int:
        """Draw the shots that no longer show what their script says, each with its seed; the job's number."""
        return desk.redraws.redraw_stale(story_id)

    def redraw(story_id: str, shots: list[int]) -> int:
        """Another variation of each of these shots, while all others stay; the job's number."""
        return desk.redraws.redraw(story_id, [desk.storyboard.row_of(story_id, shot) for shot in shots])

    return get_storyboard, draw_missing, preview_arc, redraw_stale, redraw


def _take_steps(desk: Desk) -> tuple[Step, ...]:
    def new_take(
        story_id: str,
        shot: int,
        seed: int | None = None,
        temperature: float = 1.0,
        later: LaterShots = "keep",
    ) -> int:
        """Draw a shot once more; the job's number.

        Without a seed it is another variation; temperature goes from 0 (faithful) to 2 (surprising); later says
        what becomes of the later shots: keep, repredict-place (until the place changes) or repredict. With keep, a shot
        whose take somebody chose goes on showing it: the new one waits for choose_take.
        """
        return desk.storyboard.new_take(
            story_id,
            desk.storyboard.row_of(story_id, shot),
            seed="random" if seed is None else "number",
            number=seed,
            temperature=temperature,
            later=later,
        )

    def choose_take(story_id: str, shot: int, take: int) -> str:
        """Show this take of a shot, keeping the later ones; what was done."""
        desk.storyboard.choose_take_number(story_id, shot, take)
        return f"take {take} of shot {shot} is shown"

    def replace_picture(story_id: str, shot: int, picture: File) -> int:
        """Put a picture of yours into a shot, as a take that the models read so that later shots follow it; the
        job's number."""
        row = desk.storyboard.row_of(story_id, shot)
        return desk.storyboard.replace(story_id, row, uploaded_file(picture))

    def get_picture(story_id: str, shot: int, take: int | None = None) -> File:
        """The picture of a shot as a PNG with its recipe inside: of the take that is shown, or of another."""
        one = _shot(desk, story_id, shot)
        takes = {one.number: one for one in one.takes}
        if take is not None and take not in takes:
            raise StoryError(f"shot {shot} has no take {take}; it has {sorted(takes) or 'none'}")
        chosen = one.take if take is None else takes[take]
        if chosen is None:
            raise StoryError(f"shot {shot} has no picture yet; draw it first")
        return file_of_story(image_path(chosen))

    def get_clip(story_id: str, shot: int) -> File:
        """The clip of a shot that is shown, as an MP4."""
        clip = _shot(desk, story_id, shot).clip
        if clip is None:
            raise StoryError(f"shot {shot} has no clip yet; animate it first")
        return file_of_story(clip_path(clip))

    return new_take, choose_take, replace_picture, get_picture, get_clip


def _movie_steps(desk: Desk) -> tuple[Step, ...]:
    def animate(story_id: str, shots: list[int]) -> int:
        """Animate those of these shots that need a clip, whatever is ticked on the page; the job's number."""
        return desk.movie.animate_numbers(story_id, shots)

    def set_motion(story_id: str, shot: int, motion: Literal["calm", "gentle", "natural", "lively"]) -> str:
        """How much moves in a shot; a clip that was made otherwise is then stale. The word."""
        desk.movie.set_motion(story_id, desk.storyboard.row_of(story_id, shot), motion)
        return motion

    def choose_clip(story_id: str, shot: int, clip: int) -> str:
        """Show this clip of a shot, counted from 1; what was done."""
        one = _shot(desk, story_id, shot)
        clips = {clip.number: clip.id for clip in one.clips}
        if clip not in clips:
            raise StoryError(f"shot {shot} has no clip {clip}; it has {sorted(clips) or 'none'}")
        desk.movie.choose_clip(story_id, one.row.id, clips[clip])
        return f"clip {clip} of shot {shot} is shown"

    def set_music(story_id: str, track: File | None = None) -> str:
        """Put a track (MP3, WAV, OGG, FLAC, M4A) under the movie; without one, take the music off. The story's id."""
        desk.movie.set_music(story_id, None if track is None else uploaded_file(track))
        return story_id

    def set_movie(
        story_id: str,
        transition: Literal["cut", "crossfade"] | None = None,
        subtitles: Literal["none", "file", "burned"] | None = None,
    ) -> str:
        """How shots meet, and the subtitles; what is left out stays. The story's id."""
        desk.movie.set_movie(story_id, transition=transition, subtitles=subtitles)
        return story_id

    def make_animatic(story_id: str) -> int:
        """Show the pictures for their seconds, without animating; the job's number."""
        return desk.movie.make_animatic(story_id)

    def make_movie(story_id: str) -> int:
        """Join clips, and pictures where there is no clip, to the movie; the job's number."""
        return desk.movie.make_movie(story_id)

    def export(story_id: str, format: ExportFormat) -> int:
        """Write one file to take away; the job's number. get_export has it when the job is done."""
        return desk.movie.export(story_id, format)

    def get_export(story_id: str, format: Exported = "mp4") -> File:
        """A file that make_movie, make_animatic or export made."""
        folder = desk.story(story_id)
        wanted = EXPORT_FILES[format]
        path = next((path for path in folder.exports() if path.name == wanted), None)
        if path is None:
            raise StoryError(f"there is no {wanted} of this story yet; make it first and wait for its job")
        return file_of_story(path)

    return (
        animate, set_motion, choose_clip, set_music, set_movie, make_animatic, make_movie, export, get_export,
    )  # fmt: skip


def _job_steps(desk: Desk) -> tuple[Step, ...]:
    def job_status(job_id: int) -> JobState:
        """How a job stands."""
        return _state(desk.jobs.line(job_id))

    async def wait_for_job(job_id: int, seconds: float = 3600.0) -> JobState:
        """How a job stands when it is over, or after so many seconds if it is not over by then."""
        if not 0 <= seconds <= MAX_WAIT_SECONDS:
            raise InputError(f"seconds goes from 0 to {MAX_WAIT_SECONDS:.0f}, got {seconds:g}")
        deadline = time.monotonic() + seconds
        while (line := await asyncio.to_thread(desk.jobs.line, job_id)).is_active:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            await asyncio.sleep(min(POLL_SECONDS, left))
        return _state(line)

    def cancel_job(job_id: int) -> str:
        """Call a job off, at the latest one step later; its state after that."""
        return desk.jobs.cancel(job_id)

    def retry_job(job_id: int) -> JobState:
        """Queue a failed or cancelled job again; it goes on from what is there."""
        desk.jobs.retry(job_id)
        return _state(desk.jobs.line(job_id))

    return job_status, wait_for_job, cancel_job, retry_job


def _shot(desk: Desk, story_id: str, number: int) -> Shot:
    return desk.story(story_id).view().shot(desk.storyboard.row_of(story_id, number))


def _state(line: JobLine) -> JobState:
    return {
        "id": line.id,
        "story_id": line.story_id,
        "title": line.title,
        "state": line.state,
        "share": round(line.share, 4),
        "doing": line.doing,
        "elapsed_seconds": round(line.elapsed_seconds, 2),
        "seconds_left": None if line.seconds_left is None else round(line.seconds_left, 2),
        "message": line.message,
    }
