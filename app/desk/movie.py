"""The movie tab's acts: which shots move, how long and how much, and what is made and taken away of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from app.desk.clips import ClipRow, ExportFile, clip_row, export_files, motion_scale, motion_value
from app.desk.jobs import Cost
from app.desk.saving import save_fields
from app.desk.shot_cards import FILMING_KINDS, Pairs, RowWork, is_asked_for, recipe_words, work_on_rows
from app.queue.jobs import (
    AnimateKeyframes,
    ClipOrder,
    ExportFormat,
    ExportStory,
    Filming,
    MakeAnimatic,
    MakeMovie,
)
from app.queue.settings import new_seed
from moviedreamer_core.errors import InputError, StoryError
from moviedreamer_core.workspace import Draft, MovieDecisions, Shot, StaleSaveError, StoryView

if TYPE_CHECKING:
    from app.desk.desk import Desk

MAX_CLIP_SECONDS = 60.0
MIN_CLIP_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True)
class MovieView:
    """The movie tab at one moment. `animate` is what the ticked shots cost that need a clip; None if none does.

    `making`: the kinds of films, "movie" and "animatic", that the queue makes or will make.
    """

    rows: tuple[ClipRow, ...]
    settings: MovieDecisions
    animate: Cost | None
    num_drawn: int
    num_clips: int
    seconds: float
    movie_cost: Cost | None
    animatic_cost: Cost | None
    exports: tuple[ExportFile, ...]
    making: frozenset[str] = frozenset()

    def export(self, name: str) -> ExportFile | None:
        """What was exported under this name; None if nothing was."""
        return next((one for one in self.exports if one.name == name), None)


class Movie:
    """What the movie tab may ask."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def view(self, story_id: str) -> MovieView:
        """Raises StoryError, StoryGoneError, QueueError."""
        view, work = self._read(story_id)
        folder = self._desk.story(story_id)
        cost, to_film = self._desk.jobs.cost, self._to_animate(view, work)
        drawn = [shot for shot in view.shots if shot.take is not None]
        seconds = sum(shot.row.seconds for shot in drawn)
        return MovieView(
            rows=tuple(clip_row(shot, work.get(shot.row.id)) for shot in view.shots),
            settings=view.decisions.movie,
            animate=cost(self._animate_job(story_id, view, to_film)) if to_film else None,
            num_drawn=len(drawn),
            num_clips=sum(shot.clip is not None for shot in view.shots),
            seconds=seconds,
            movie_cost=cost(self._movie_job(story_id, view)) if drawn else None,
            animatic_cost=cost(MakeAnimatic(story_id=story_id, seconds=seconds)) if drawn else None,
            exports=export_files(folder, view),
            making=frozenset(job.kind for job in self._desk.jobs.active(story_id)) & {"movie", "animatic"},
        )

    def recipe_of_picture(self, story_id: str, row_id: str) -> Pairs:
        """What the picture that moves in a shot was made from; nothing without one."""
        take = self._desk.story(story_id).view().shot(row_id).take
        return () if take is None else recipe_words(take)

    # --- per shot ------------------------------------------------------------------------------------

    def tick(self, story_id: str, row_ids: Collection[str], *, animate: bool) -> None:
        """Choose whether shots are to become clips. Raises StoryError for a row that is gone."""
        folder = self._desk.story(story_id)
        draft = folder.script.head().draft
        for row_id in row_ids:
            draft.position(row_id)
        folder.decisions.tick(row_ids, animate=animate)

    def tick_all(self, story_id: str, *, animate: bool) -> None:
        """Tick every shot, or none."""
        rows = self._desk.story(story_id).script.head().draft.rows
        self.tick(story_id, [row.id for row in rows], animate=animate)

    def set_seconds(self, story_id: str, row_id: str, seconds: float, *, seen: float | None = None) -> None:
        """How long the shot lasts.

        Raises InputError for a length out of range, StoryError if it is not as `seen` any more: another tab changed it.
        """
        if not MIN_CLIP_SECONDS <= seconds <= MAX_CLIP_SECONDS:
            raise InputError(
                f"a shot lasts from {MIN_CLIP_SECONDS:g} to {MAX_CLIP_SECONDS:g} seconds, got {seconds:g}"
            )

        def edit(draft: Draft) -> Draft:
            return draft.with_row(draft.row(row_id).model_copy(update={"seconds": float(seconds)}))

        try:
            save_fields(
                self._desk.story(story_id),
                edit,
                lambda draft: {"seconds": draft.row(row_id).seconds},
                {"seconds": float(seconds)},
                seen=None if seen is None else {"seconds": seen},
                label="Change how long a shot lasts",
            )
        except StaleSaveError as error:
            theirs = error.theirs.draft.row(row_id).seconds
            raise StoryError(
                f"another tab made this shot {theirs:g} s long meanwhile; type your length again to replace that"
            ) from None

    def set_motion(self, story_id: str, row_id: str, word: str) -> None:
        """How much moves in the shot's clip, as a word of MOTIONS. Raises InputError for another word."""
        folder = self._desk.story(story_id)
        folder.script.head().draft.position(row_id)
        folder.decisions.set_motion([row_id], motion_value(word))

    def choose_clip(self, story_id: str, row_id: str, clip_id: str) -> None:
        """Use this clip. Raises StoryError for one that is gone."""
        self._desk.story(story_id).choose_clip(row_id, clip_id)

    # --- making --------------------------------------------------------------------------------------

    def animate(self, story_id: str) -> int:
        """Queue a clip of every ticked shot that has none which is up to date; the job's id.

        Raises StoryError if there is nothing to animate, QueueError.
        """
        view, work = self._read(story_id)
        shots = self._to_animate(view, work)
        if not shots:
            ticked = [shot for shot in view.shots if shot.decisions.animate]
            raise StoryError(_nothing_to_animate(ticked, work))
        return self._desk.jobs.enqueue(self._animate_job(story_id, view, shots))

    def animate_numbers(self, story_id: str, numbers: Collection[int]) -> int:
        """Queue clips of those shots, by numbers from 1, that need one, whatever is ticked; the job's id.

        Raises StoryError for a number that no shot has or if there is nothing to animate, QueueError.
        """
        rows = {self._desk.storyboard.row_of(story_id, number) for number in numbers}
        view, work = self._read(story_id)
        named = [shot for shot in view.shots if shot.row.id in rows]
        shots = [shot for shot in named if _needs_clip(shot) and not is_asked_for(work.get(shot.row.id))]
        if not shots:
            raise StoryError(_nothing_to_animate(named, work))
        return self._desk.jobs.enqueue(self._animate_job(story_id, view, shots))

    def animate_again(self, story_id: str, row_id: str) -> int:
        """Queue one more clip of a shot, with a seed of its own; the job's id. Raises StoryError, QueueError."""
        view, _ = self._read(story_id)
        shot = view.shot(row_id)
        if shot.take is None:
            raise StoryError(f"shot {shot.number} has no picture yet; draw it first")
        return self._desk.jobs.enqueue(self._animate_job(story_id, view, [shot], again=True))

    def cost_of_another(self, story_id: str, row_id: str) -> Cost:
        """What `animate_again` would take."""
        view, _ = self._read(story_id)
        return self._desk.jobs.cost(self._animate_job(story_id, view, [view.shot(row_id)], again=True))

    def make_animatic(self, story_id: str, *, subtitles: bool = True) -> int:
        """Queue the animatic of the pictures that there are; the job's id. Raises StoryError, QueueError."""
        view, _ = self._read(story_id)
        seconds = _drawn_seconds(view)
        return self._desk.jobs.enqueue(MakeAnimatic(story_id=story_id, seconds=seconds, subtitles=subtitles))

    def make_movie(self, story_id: str) -> int:
        """Queue the movie as it is decided; the job's id. Raises StoryError without a picture, QueueError."""
        view, _ = self._read(story_id)
        _drawn_seconds(view)
        return self._desk.jobs.enqueue(self._movie_job(story_id, view))

    def export(self, story_id: str, format: str) -> int:
        """Queue one file to take away; the job's id. Raises InputError for an unknown format, StoryError."""
        if format not in get_args(ExportFormat):
            raise InputError(f"{format!a}: choose one of {', '.join(get_args(ExportFormat))}")
        view, _ = self._read(story_id)
        if format not in ("story", "csv", "yaml"):
            _drawn_seconds(view)
        wanted = cast(ExportFormat, format)
        job = ExportStory(story_id=story_id, format=wanted, num_keyframes=len(view.shots))
        return self._desk.jobs.enqueue(job)

    # --- the movie's settings ------------------------------------------------------------------------

    def set_movie(
        self, story_id: str, *, transition: str | None = None, subtitles: str | None = None
    ) -> None:
        """Change how shots meet, or the subtitles; None leaves one as it is. Raises InputError for an unknown word."""
        wanted = {"transition": transition, "subtitles": subtitles}
        fields = {name: value for name, value in wanted.items() if value is not None}
        try:
            MovieDecisions.model_validate(fields)
        except ValueError:
            raise InputError("this transition or kind of subtitles is unknown; reload the page") from None
        self._desk.story(story_id).decisions.set_movie(**fields)

    def set_music(self, story_id: str, track: Path | None) -> None:
        """Keep an uploaded track and put it under the movie; None takes the music off. Raises InputError."""
        folder = self._desk.story(story_id)
        music = None if track is None else folder.pictures.add_music(track)
        folder.decisions.set_movie(music=music)

    # --- inside --------------------------------------------------------------------------------------

    def _read(self, story_id: str) -> tuple[StoryView, dict[str, RowWork]]:
        snapshot = self._desk.queue.snapshot()
        work = work_on_rows(snapshot.of_story(story_id), FILMING_KINDS)
        return self._desk.story(story_id).view(weights_hash=self._desk.weights_hash), work

    def _to_animate(self, view: StoryView, work: dict[str, RowWork]) -> list[Shot]:
        ticked = [shot for shot in view.shots if shot.decisions.animate]
        return [shot for shot in ticked if _needs_clip(shot) and not is_asked_for(work.get(shot.row.id))]

    def _animate_job(
        self, story_id: str, view: StoryView, shots: Collection[Shot], *, again: bool = False
    ) -> AnimateKeyframes:
        settings = self._desk.settings
        return AnimateKeyframes(
            story_id=story_id,
            clips=tuple(_order(shot, again=again) for shot in shots),
            filming=Filming(
                steps=settings.clip_steps,
                width=settings.width,
                height=settings.height,
                frames_per_second=settings.frames_per_second,
            ),
            weights=self._desk.weights_hash,
        )

    def _movie_job(self, story_id: str, view: StoryView) -> MakeMovie:
        movie = view.decisions.movie
        return MakeMovie(
            story_id=story_id,
            seconds=_drawn_seconds(view),
            transition=movie.transition,
            music=movie.music,
            subtitles=movie.subtitles,
        )


def _order(shot: Shot, *, again: bool) -> ClipOrder:
    return ClipOrder(
        row=shot.row.id,
        seconds=min(MAX_CLIP_SECONDS, float(shot.row.seconds)),
        motion=motion_scale(shot.decisions.motion),
        seed=new_seed() if again else None,
    )


def _needs_clip(shot: Shot) -> bool:
    return shot.take is not None and (shot.clip is None or bool(shot.clip_stale_for))


def _nothing_to_animate(shots: Collection[Shot], work: dict[str, RowWork]) -> str:
    """Why none of these shots, ticked or named, is to be animated."""
    if not shots:
        return "no shot is ticked; tick those that are to move"
    if any(is_asked_for(work.get(shot.row.id)) for shot in shots):
        return "these shots are being animated already; see the queue"
    if all(shot.take is None for shot in shots):
        return "these shots have no pictures yet; draw them on the storyboard first"
    return "every one of these shots has a clip that is up to date; ask for another clip of one instead"


def _drawn_seconds(view: StoryView) -> float:
    seconds = sum(shot.row.seconds for shot in view.shots if shot.take is not None)
    if not seconds:
        raise StoryError("no shot has a picture yet; draw the storyboard first")
    return float(seconds)
