"""Stories and the folders they are drawn into: reading the text of the editor, finding what is there already.

A run's folder is named after everything its pictures follow from, so no run overwrites another, and asking
for the same again finds it.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from app.jobs import DrawnKeyframe, Snapshot, movie_at
from moviedreamer_core.errors import StoryError
from moviedreamer_core.pictures import read_pictures, with_kept_pictures
from moviedreamer_core.script import Story
from moviedreamer_core.story_files import read_story, write_story
from moviedreamer_core.storyboard import MOVIE_FILE, STORYBOARD_FILE, read_storyboard

YAML_SUFFIXES = (".yaml", ".yml")


def story_text(path: Path) -> str:
    """The story file as YAML: as it stands if it is YAML. Raises StoryError."""
    story = read_story(path)
    if path.suffix.lower() in YAML_SUFFIXES:
        return path.read_text(encoding="utf-8-sig")
    with tempfile.TemporaryDirectory() as folder:
        write_story(story, Path(folder, "story.yaml"))
        return Path(folder, "story.yaml").read_text(encoding="utf-8")


def read_text(text: str, base: Path) -> Story:
    """The story in YAML `text`, whose pictures lie below `base`. Raises StoryError, ImageError."""
    with tempfile.TemporaryDirectory() as folder:  # the reader takes files; its messages name them
        path = Path(folder, "story.yaml")
        path.write_bytes(text.encode("utf-8", "replace"))
        story = read_story(path)
    _refuse_pictures_elsewhere(story, base)
    read_pictures(story, base)
    return story


def _refuse_pictures_elsewhere(story: Story, base: Path) -> None:
    """The page shows what a run holds, and a run holds its pictures: text must not fetch any file there."""
    pictures = [face for character in story.characters for face in character.faces] + [*story.references]
    for picture in pictures:
        if not (base / picture).resolve().is_relative_to(base.resolve()):
            raise StoryError(f'"{picture}" lies outside the story\'s folder {base}; copy the image there')


def run_folder(story: Story, base: Path, outputs: Path, *, preview: bool, weights_hash: str) -> Path:
    """Where `story` is drawn, with its own seed. Raises ImageError for a picture that cannot be read."""
    kept = with_kept_pictures(story, read_pictures(story, base))
    identity = [kept.model_dump(mode="json"), preview, weights_hash]
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    name = re.sub(r"[^a-z0-9]+", "-", story.title.lower()).strip("-")[:40]
    return outputs / f"{name or 'story'}-{digest[:12]}"


def show_run(folder: Path) -> Snapshot | None:
    """What `folder` holds, or None if no keyframe of it can be shown."""
    try:
        storyboard = read_storyboard(folder)
    except StoryError:
        return None
    drawn = [record for record in storyboard.keyframes if (folder / record.image_file).is_file()]
    if not drawn:
        return None
    return Snapshot(
        folder=folder,
        preview=drawn[0].settings.preview,
        plots=tuple(keyframe.plot for keyframe in storyboard.story.keyframes),
        keyframes=tuple(
            DrawnKeyframe(number=record.number, plot=record.plot, path=folder / record.image_file)
            for record in drawn
        ),
        warnings=tuple(dict.fromkeys(warning for record in drawn for warning in record.warnings)),
        movie=movie_at(folder / MOVIE_FILE) if _movie_is_current(folder) else None,
    )


def _movie_is_current(folder: Path) -> bool:
    """Whether nothing was drawn or filmed since; the storyboard is written after every keyframe and clip."""
    try:
        return (folder / MOVIE_FILE).stat().st_mtime_ns >= (folder / STORYBOARD_FILE).stat().st_mtime_ns
    except OSError:
        return False


def latest_run(story: Story, base: Path, outputs: Path) -> tuple[Snapshot, int] | None:
    """The run of `story`, whatever its seed, that was worked on last; and its seed."""
    wanted = with_kept_pictures(story, read_pictures(story, base))
    for folder in _newest_first(outputs):
        try:
            found = read_storyboard(folder).story
        except StoryError:
            continue
        if found.model_copy(update={"seed": story.seed}) == wanted and (snapshot := show_run(folder)):
            return snapshot, found.seed
    return None


def _newest_first(outputs: Path) -> Iterator[Path]:
    boards = [path for path in outputs.glob(f"*/{STORYBOARD_FILE}") if path.is_file()]
    for board in sorted(boards, key=lambda path: path.stat().st_mtime_ns, reverse=True):
        yield board.parent
