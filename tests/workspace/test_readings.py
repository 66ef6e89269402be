from __future__ import annotations

from pathlib import Path

import pytest

from moviedreamer_core.errors import StoryError
from moviedreamer_core.workspace import (
    ArchiveError,
    CastReadings,
    Drift,
    DriftPoint,
    FaceReading,
    LookAlike,
    Stories,
    StoryFolder,
)
from moviedreamer_core.workspace.revision import NewerReleaseError

ONE, TWO = (f"faces/{letter * 32}.png" for letter in "ab")
READINGS = CastReadings(
    faces=(
        FaceReading(picture=ONE, face_found=True, box=(0.2, -0.1, 0.8, 0.7)),
        FaceReading(picture=TWO, face_found=False, box=(0.0, 0.0, 1.0, 1.0)),
    ),
    look_alikes=(LookAlike(one="cast-aaaaaaaaaa", other="cast-bbbbbbbbbb", similarity=0.9),),
)


def test_nothing_is_known_at_first(story: StoryFolder) -> None:
    assert story.readings.cast() == CastReadings()
    assert story.readings.drift() == Drift()
    assert story.readings.face_boxes() == {}


def test_what_was_read_is_there_for_everybody(story: StoryFolder, rows: list[str]) -> None:
    drift = Drift(
        points=(DriftPoint(row_id=rows[0], take_id="0001-aaaaaa", similarity=0.5),), weights_hash="ab"
    )
    story.readings.write_cast(READINGS)
    story.readings.write_drift(drift)
    other = StoryFolder(story.path)
    assert other.readings.cast() == READINGS
    assert other.readings.drift() == drift
    assert other.readings.cast().of(TWO) == READINGS.faces[1]


def test_a_box_by_hand_stands_above_what_was_found_until_it_is_taken_back(story: StoryFolder) -> None:
    by_hand = FaceReading(picture=TWO, face_found=True, box=(0.1, 0.2, 0.5, 0.6), by_hand=True)
    assert story.readings.set_face_box(TWO, by_hand.box).faces == (by_hand,)
    story.readings.write_cast(READINGS)
    assert story.readings.cast().faces == (READINGS.faces[0], by_hand)
    story.readings.write_cast(story.readings.cast())  # it is not taken for something that was found
    assert story.readings.set_face_box(TWO, None).faces == (READINGS.faces[0],)


@pytest.mark.parametrize(
    "box",
    [
        (0.5, 0.1, 0.5, 0.6),
        (0.6, 0.1, 0.5, 0.6),
        (-0.1, 0.0, 1.0, 1.0),
        (0.0, 0.0, 1.1, 1.0),
        (0.0, 0.0, 0.01, 1.0),
    ],
)
def test_a_box_that_is_no_part_of_the_picture_is_refused(story: StoryFolder, box) -> None:
    with pytest.raises(StoryError, match="must lie inside the picture and have a size; draw it again"):
        story.readings.set_face_box(ONE, box)
    assert story.readings.face_boxes() == {}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"faces": 3}', '{"unheard": 1}'])
def test_a_damaged_file_counts_as_none(story: StoryFolder, content: str) -> None:
    story.readings.write_cast(READINGS)
    (story.path / "readings/cast.json").write_text(content)
    assert story.readings.cast() == CastReadings()


def test_a_newer_release_s_file_is_not_read_over(story: StoryFolder) -> None:
    story.readings.set_face_box(ONE, (0.0, 0.0, 1.0, 1.0))
    (story.path / "readings/boxes.json").write_text('{"version": 2}')
    with pytest.raises(NewerReleaseError):
        story.readings.set_face_box(TWO, (0.0, 0.0, 1.0, 1.0))


def test_readings_go_with_a_copy_and_an_archive(stories: Stories, story: StoryFolder, tmp_path: Path) -> None:
    story.readings.write_cast(READINGS)
    story.readings.set_face_box(ONE, (0.1, 0.1, 0.6, 0.6))
    stories.export_archive(story.id, tmp_path / "a.zip")
    for copy in (stories.duplicate(story.id), stories.import_archive(tmp_path / "a.zip")):
        assert copy.readings.cast() == story.readings.cast()
    (story.path / "readings/boxes.json").write_text('{"boxes": 1}')
    stories.export_archive(story.id, tmp_path / "b.zip")
    with pytest.raises(ArchiveError, match=r"boxes.json: the readings are damaged"):
        stories.import_archive(tmp_path / "b.zip")
