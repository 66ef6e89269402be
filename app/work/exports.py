"""Files to take away: each is written aside and then takes its name in exports/, in one step."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from pathlib import Path

from app.queue.jobs import ExportStory
from app.queue.progress import Progress
from app.queue.settings import EXPORT_FILES
from app.work.cutting import cut_of
from app.work.movies import MOVIE, movie_steps, music_of
from app.work.scripts import whole_script_of
from app.work.studio import Studio
from app.work.units import Units
from moviedreamer_core.atomic import write_text
from moviedreamer_core.errors import StoryError
from moviedreamer_core.handoff.board import board_steps
from moviedreamer_core.handoff.contact_sheet import contact_sheet_steps
from moviedreamer_core.handoff.interchange import timeline
from moviedreamer_core.handoff.keyframes_zip import keyframes_zip_steps
from moviedreamer_core.handoff.recipes import movie_recipe
from moviedreamer_core.handoff.subtitles import write_srt
from moviedreamer_core.story_files import write_story
from moviedreamer_core.workspace import StoryFolder, StoryView
from moviedreamer_core.workspace.archive import archive_steps
from moviedreamer_core.workspace.draft import story_file_of
from moviedreamer_core.workspace.layout import EXPORTS


def export_story(studio: Studio, job: ExportStory) -> Generator[Progress, None, None]:
    """Write the file that the job names. Raises InputError, ImageError, StoryError, OutputError."""
    story = studio.story_of(job)
    view = story.view()
    units = Units(1)
    if job.format == "mp4":
        yield from _export_movie(studio, story, view, units)
        return
    name = EXPORT_FILES[job.format]
    yield units.ready("reading the story")
    with (
        story.exporting(name, view) as path,
        contextlib.closing(_written(studio, story, view, job.format, path)) as steps,
    ):
        for number, total in steps:
            yield units.at(number, total, "writing the file")
    yield units.finished(doing="exported", made=(f"{EXPORTS}/{name}",))


def _written(
    studio: Studio, story: StoryFolder, view: StoryView, format: str, path: Path
) -> Generator[tuple[int, int], None, None]:
    """Write the file; yields how much of it is, where that takes long."""
    match format:
        case "srt" | "otio":
            _write_timed(studio, story, view, format, path)
        case "contact-sheet":
            cut = cut_of(studio, view, with_clips=False)
            recipe = movie_recipe(cut, whole_script_of(view.revision.draft))
            yield from contact_sheet_steps(cut, path, recipe=recipe)
        case "pdf":
            yield from board_steps(cut_of(studio, view, with_clips=False), path)
        case "keyframes":
            cut = cut_of(studio, view, with_clips=False)
            script = story_file_of(view.revision.draft)
            yield from keyframes_zip_steps(cut, path, story=script, base=story.path)
        case "story":
            yield from archive_steps(story, path)
        case _:
            script = story_file_of(view.revision.draft)
            if not script.keyframes:
                raise StoryError("the script has no row with a plot yet; write one first")
            write_story(script, path)


def _write_timed(studio: Studio, story: StoryFolder, view: StoryView, format: str, path: Path) -> None:
    """What follows the movie's lengths. Media are named as seen from exports/, where the file will lie."""
    decided = view.decisions.movie
    cut = cut_of(studio, view, with_clips=True, transition=decided.transition)
    if format == "srt":
        write_srt(cut, path)
    else:
        found = timeline(cut, story.path / EXPORTS, music=music_of(story, decided.music))
        write_text(path, found.to_json_string(indent=2) + "\n")


def _export_movie(
    studio: Studio, story: StoryFolder, view: StoryView, units: Units
) -> Generator[Progress, None, None]:
    """The movie as it was decided to be put together."""
    decided = view.decisions.movie
    music = music_of(story, decided.music)
    cut = cut_of(studio, view, with_clips=True, transition=decided.transition)
    yield units.ready("reading the shots")
    burned = decided.subtitles == "burned"
    yield from units.of(
        movie_steps(story, view, cut, transition=decided.transition, music=music, burned=burned)
    )
    yield units.finished(doing="exported", made=(f"{EXPORTS}/{MOVIE}",))
