"""The finished story that a new studio opens with: drawn, animated and measured by these weights.

The movie is not in it: joining the clips takes seconds, and the studio does so at its first start.

    python -m app.work.example assets/stories/lighthouse/story.yaml --out assets/stories/lighthouse.zip

To be made again whenever the weights change, or its shots count as outdated.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

from app.desk.desk import DrawingDefaults
from app.queue.jobs import (
    AnimateKeyframes,
    ClipOrder,
    Drawing,
    DrawMissing,
    Filming,
    Job,
    MeasureDrift,
    ReadCast,
)
from app.work.studio import studio_work
from moviedreamer_core.story_files import read_story
from moviedreamer_core.workspace import Draft, Stories, StoryFolder

ROOT = Path(__file__).resolve().parent.parent.parent


def make_example(story_file: Path, weights: Path, out: Path, workspace: Path) -> Iterator[str]:
    """Write the story of `story_file`, finished, as the zip `out`; yields a line for every job that is done.

    Raises MovieDreamerErrors.
    """
    stories = Stories(workspace)
    story = stories.new(read_story(story_file), base=story_file.parent)
    work = studio_work(str(workspace), str(weights))
    for job in jobs_for(story.id, story.script.head().draft, DrawingDefaults.of_weights(weights)):
        for _ in work(job):
            pass
        if isinstance(job, ReadCast):
            confirm_middle_squares(story)
        yield job.title
    stories.export_archive(story.id, out)


def confirm_middle_squares(story: StoryFolder) -> None:
    """Frame by hand, with the middle square, every portrait in which the detector finds no face.

    It knows photographs, and misses many a drawn face; the drawn portraits of the example fill their pictures.
    """
    for reading in story.readings.cast().faces:
        if not reading.face_found:
            story.readings.set_face_box(reading.picture, reading.box)


def jobs_for(story_id: str, draft: Draft, defaults: DrawingDefaults) -> tuple[Job, ...]:
    """Everything that the studio can do for a story, once."""
    rows = tuple(row.id for row in draft.rows)
    size = {"width": defaults.width, "height": defaults.height}
    drawing = Drawing(steps=defaults.steps, guidance_scale=defaults.guidance_scale, **size)
    filming = Filming(steps=defaults.clip_steps, frames_per_second=defaults.frames_per_second, **size)
    clips = tuple(ClipOrder(row=row.id, seconds=row.seconds) for row in draft.rows)
    return (
        ReadCast(story_id=story_id),
        DrawMissing(story_id=story_id, keyframes=rows, drawing=drawing),
        AnimateKeyframes(story_id=story_id, clips=clips, filming=filming),
        MeasureDrift(story_id=story_id),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the finished story that a new studio opens with.")
    parser.add_argument("story", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--weights", type=Path, default=ROOT / "weights" / "miniature")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as workspace:
        for line in make_example(options.story, options.weights, options.out, Path(workspace) / "stories"):
            print(line, flush=True)
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
