"""The movie, and the animatic that shows how it will run before anything is animated."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

from app.queue.jobs import MakeAnimatic, MakeMovie
from app.queue.progress import Progress
from app.queue.settings import EXPORT_FILES
from app.work.cutting import cut_of
from app.work.scripts import whole_script_of
from app.work.studio import Studio
from app.work.units import Step, Units
from moviedreamer_core.errors import InputError
from moviedreamer_core.handoff.cut import Cut
from moviedreamer_core.handoff.export import Finish, SubtitleMode, finish_movie, write_animatic
from moviedreamer_core.handoff.music import check_track
from moviedreamer_core.handoff.recipes import movie_recipe
from moviedreamer_core.handoff.subtitles import write_srt
from moviedreamer_core.video.movie import Still, Transition, stitching
from moviedreamer_core.workspace import StoryFolder, StoryView
from moviedreamer_core.workspace.layout import EXPORTS, file_kind

MOVIE, ANIMATIC, SUBTITLES = EXPORT_FILES["mp4"], EXPORT_FILES["animatic"], EXPORT_FILES["srt"]
_PERMILLE, _STITCHED = 1000, 800  # of the work, how much is the pictures


def make_movie(studio: Studio, job: MakeMovie) -> Generator[Progress, None, None]:
    """Join the shots into exports/movie.mp4. Raises InputError naming what is missing or damaged, OutputError."""
    story = studio.story_of(job)
    music = music_of(story, job.music)
    view = story.view()
    cut = cut_of(studio, view, with_clips=True, transition=job.transition)
    units = Units(1)
    yield units.ready("reading the shots")
    yield from units.of(
        movie_steps(
            story, view, cut, transition=job.transition, music=music, burned=job.subtitles == "burned"
        )
    )
    made = [f"{EXPORTS}/{MOVIE}"]
    if job.subtitles == "file":
        with story.exporting(SUBTITLES, view) as path:
            write_srt(cut, path)
        made.append(f"{EXPORTS}/{SUBTITLES}")
    yield units.finished(doing="the movie is made", made=tuple(made))


def movie_steps(
    story: StoryFolder, view: StoryView, cut: Cut, *, transition: Transition, music: Path | None, burned: bool
) -> Generator[Step, None, None]:
    """Yield after each frame; close it, and the earlier movie stays."""
    finish = Finish(
        subtitles="burned" if burned else "none",
        music=music,
        recipe=movie_recipe(cut, whole_script_of(view.revision.draft)),
    )
    items = [
        Still(shot.keyframe, float(shot.seconds)) if shot.clip is None else shot.clip for shot in cut.shots
    ]
    with story.exporting(MOVIE, view) as path:
        silent = path.with_name("pictures.mp4")
        joining = stitching(
            items, silent, frames_per_second=cut.frames_per_second, size=cut.size, transition=transition
        )
        for number, total in joining:
            yield Step(_STITCHED * number // total, _PERMILLE, "joining the shots")
        for share in finish_movie(silent, cut, path, finish):
            yield Step(_STITCHED + round((_PERMILLE - _STITCHED) * share), _PERMILLE, "finishing the movie")


def make_animatic(studio: Studio, job: MakeAnimatic) -> Generator[Progress, None, None]:
    """Show the keyframes for their seconds: exports/animatic.mp4. Raises InputError, ImageError, OutputError."""
    story = studio.story_of(job)
    view = story.view()
    cut = cut_of(studio, view, with_clips=False)
    units = Units(1)
    yield units.ready("reading the keyframes")
    yield from units.of(_animatic_steps(story, view, cut, "burned" if job.subtitles else "none"))
    yield units.finished(doing="the animatic is made", made=(f"{EXPORTS}/{ANIMATIC}",))


def _animatic_steps(
    story: StoryFolder, view: StoryView, cut: Cut, subtitles: SubtitleMode
) -> Generator[Step, None, None]:
    recipe = movie_recipe(cut, whole_script_of(view.revision.draft))
    with story.exporting(ANIMATIC, view) as path:
        for share in write_animatic(cut, path, Finish(subtitles=subtitles, recipe=recipe)):
            yield Step(round(_PERMILLE * share), _PERMILLE, "showing the keyframes")


def music_of(story: StoryFolder, relative_path: str | None) -> Path | None:
    """The music track of that name. Raises InputError if it is gone or damaged."""
    if relative_path is None:
        return None
    path = story.path / relative_path
    if file_kind(relative_path) != "music" or not path.is_file():
        raise InputError("the music of the movie is gone; choose another track or none")
    check_track(path)
    return path
