"""Files to take away: each is written aside and then takes its name in exports/, in one step."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path

from app.queue.jobs import ExportStory
from app.queue.progress import Progress
from app.work.cutting import cut_of
from app.work.movies import MOVIE, SUBTITLES, movie_steps, music_of
from app.work.scripts import whole_script_of
from app.work.studio import Studio
from app.work.units import Units
from moviedreamer_core.atomic import write_text
from moviedreamer_core.errors import StoryError
from moviedreamer_core.handoff.board import write_board
from moviedreamer_core.handoff.contact_sheet import write_contact_sheet
from moviedreamer_core.handoff.interchange import timeline
from moviedreamer_core.handoff.keyframes_zip import write_keyframes_zip
from moviedreamer_core.handoff.recipes import movie_recipe
from moviedreamer_core.handoff.subtitles import write_srt
from moviedreamer_core.story_files import write_story
from moviedreamer_core.workspace import StoryFolder, StoryView
from moviedreamer_core.workspace.draft import story_file_of
from moviedreamer_core.workspace.layout import EXPORTS

Write = Callable[[Studio, StoryFolder, StoryView, Path], None]


def export_story(studio: Studio, job: ExportStory) -> Generator[Progress, None, None]:
    """Write the file that the job names. Raises InputError, ImageError, StoryError, OutputError."""
    story = studio.story_of(job)
    view = story.view()
    units = Units(1)
    if job.format == "mp4":
        yield from _export_movie(studio, story, view, units)
        return
    name, write = _FORMATS[job.format]
    yield units.ready("reading the story")
    with story.exporting(name, view) as path:
        write(studio, story, view, path)
    yield units.finished(doing="exported", made=(f"{EXPORTS}/{name}",))


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


def _subtitles(studio: Studio, story: StoryFolder, view: StoryView, path: Path) -> None:
    transition = view.decisions.movie.transition
    write_srt(cut_of(studio, view, with_clips=True, transition=transition), path)


def _timeline(studio: Studio, story: StoryFolder, view: StoryView, path: Path) -> None:
    """Media are named as seen from exports/, where the file will lie."""
    decided = view.decisions.movie
    cut = cut_of(studio, view, with_clips=True, transition=decided.transition)
    found = timeline(cut, story.path / EXPORTS, music=music_of(story, decided.music))
    write_text(path, found.to_json_string(indent=2) + "\n")


def _contact_sheet(studio: Studio, story: StoryFolder, view: StoryView, path: Path) -> None:
    cut = cut_of(studio, view, with_clips=False)
    write_contact_sheet(cut, path, recipe=movie_recipe(cut, whole_script_of(view.revision.draft)))


def _board(studio: Studio, story: StoryFolder, view: StoryView, path: Path) -> None:
    write_board(cut_of(studio, view, with_clips=False), path)


def _keyframes(studio: Studio, story: StoryFolder, view: StoryView, path: Path) -> None:
    script = story_file_of(view.revision.draft)
    write_keyframes_zip(cut_of(studio, view, with_clips=False), path, story=script, base=story.path)


def _archive(studio: Studio, story: StoryFolder, view: StoryView, path: Path) -> None:
    studio.stories.export_archive(story.id, path)


def _story_file(studio: Studio, story: StoryFolder, view: StoryView, path: Path) -> None:
    script = story_file_of(view.revision.draft)
    if not script.keyframes:
        raise StoryError("the script has no row with a plot yet; write one first")
    write_story(script, path)


_FORMATS: dict[str, tuple[str, Write]] = {
    "srt": (SUBTITLES, _subtitles),
    "otio": ("timeline.otio", _timeline),
    "contact-sheet": ("contact-sheet.png", _contact_sheet),
    "pdf": ("board.pdf", _board),
    "keyframes": ("keyframes.zip", _keyframes),
    "story": ("story.zip", _archive),
    "csv": ("script.csv", _story_file),
    "yaml": ("story.yaml", _story_file),
}
