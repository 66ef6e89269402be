"""Character cards, their faces and test pictures."""

from __future__ import annotations

import pytest

from app.queue.jobs import CharacterTest, ReadCast
from moviedreamer_core.errors import ImageError, StoryError
from moviedreamer_core.workspace import StaleSaveError
from moviedreamer_core.workspace.readings import CastReadings, FaceReading, LookAlike


@pytest.fixture
def mara(story) -> str:
    return story.script.head().draft.cast[0].id


def member(story, cast_id):
    return story.script.head().draft.member(cast_id)


def queued(desk, kind):
    return [job.job for job in desk.queue.snapshot().jobs if isinstance(job.job, kind)]


def test_rows_follow_a_new_name(desk, story, mara):
    desk.cast.set_member(story.id, mara, {"name": "  Mara   Lund "})
    assert member(story, mara).name == "Mara Lund"
    assert story.script.head().draft.rows[0].characters[0].name == "Mara Lund"


def test_a_name_that_somebody_has_is_refused(desk, story, mara):
    tom = desk.cast.add(story.id, "Tom")
    with pytest.raises(StoryError, match="in the cast already"):
        desk.cast.set_member(story.id, tom, {"name": "MARA"})
    with pytest.raises(StoryError, match="in the cast already"):
        desk.cast.add(story.id, "tom")
    with pytest.raises(StoryError, match="needs a name"):
        desk.cast.set_member(story.id, mara, {"name": " "})


def test_a_description_that_changed_meanwhile_is_not_overwritten(desk, story, mara):
    seen = {"name": "Mara", "description": "Red hair."}
    desk.cast.set_member(story.id, mara, {"description": "Theirs."}, seen=seen)
    with pytest.raises(StaleSaveError):
        desk.cast.set_member(story.id, mara, {"description": "Mine."}, seen=seen)
    assert member(story, mara).description == "Theirs."


def test_a_face_is_kept_and_looked_at_once(desk, story, mara, picture):
    path = desk.cast.add_face(story.id, mara, picture)
    assert desk.cast.add_face(story.id, mara, picture) == path
    assert member(story, mara).faces == (path,)
    assert len(queued(desk, ReadCast)) == 1
    card = desk.cast.view(story.id).cards[0]
    assert card.faces[0].reading is None
    assert desk.cast.view(story.id).is_reading


def test_what_is_no_picture_is_refused_and_nothing_is_queued(desk, story, mara, tmp_path):
    fake = tmp_path / "mara.png"
    fake.write_bytes(b"<svg onload=alert(1)>")
    with pytest.raises(ImageError):
        desk.cast.add_face(story.id, mara, fake)
    assert member(story, mara).faces == ()
    assert desk.queue.snapshot().jobs == ()


def test_readings_reach_the_card(desk, story, mara, picture):
    tom = desk.cast.add(story.id, "Tom")
    path = desk.cast.add_face(story.id, mara, picture)
    found = FaceReading(picture=path, face_found=False, box=(0.1, 0.0, 0.9, 1.0))
    alike = LookAlike(one=tom, other=mara, similarity=0.97)
    story.readings.write_cast(CastReadings(faces=(found,), look_alikes=(alike,)))
    cards = desk.cast.view(story.id).cards
    assert cards[0].faces[0].reading == found
    assert [card.alike for card in cards] == [("Tom",), ("Mara",)]


def test_a_box_set_by_hand_counts_until_it_is_taken_back(desk, story, mara, picture):
    path = desk.cast.add_face(story.id, mara, picture)
    desk.cast.set_box(story.id, path, (0.2, 0.2, 0.6, 0.7))
    reading = desk.cast.view(story.id).cards[0].faces[0].reading
    assert reading is not None
    assert (reading.by_hand, reading.box) == (True, (0.2, 0.2, 0.6, 0.7))
    desk.cast.set_box(story.id, path, None)
    assert desk.cast.view(story.id).cards[0].faces[0].reading is None


@pytest.mark.parametrize(
    "box", [(0.5, 0.5, 0.4, 0.9), (0.0, 0.0, 2.0, 1.0), (float("nan"), 0.0, 1.0, 1.0), (0.0, 0.0, 0.001, 1.0)]
)
def test_an_impossible_box_is_one_sentence(desk, story, mara, picture, box):
    path = desk.cast.add_face(story.id, mara, picture)
    with pytest.raises(StoryError):
        desk.cast.set_box(story.id, path, box)


def test_faces_are_removed_and_reordered(desk, story, mara, picture, tmp_path):
    from PIL import Image

    other = tmp_path / "other.png"
    Image.new("RGB", (64, 64), "navy").save(other)
    first, second = (desk.cast.add_face(story.id, mara, one) for one in (picture, other))
    desk.cast.put_face_first(story.id, mara, second)
    assert member(story, mara).faces == (second, first)
    desk.cast.remove_face(story.id, mara, second)
    assert member(story, mara).faces == (first,)


def test_a_test_picture_is_queued_with_the_defaults_of_the_weights(desk, story, mara):
    desk.cast.test(story.id, mara, seed=3)
    (job,) = queued(desk, CharacterTest)
    assert (job.cast_id, job.seed, job.drawing.width, job.weights) == (mara, 3, 48, "f" * 64)
    assert desk.cast.view(story.id).cards[0].test_job is not None


def test_a_test_picture_of_nobody_is_refused(desk, story):
    nobody = desk.cast.add(story.id)
    with pytest.raises(StoryError, match="name first"):
        desk.cast.test(story.id, nobody)


def test_unseen_faces_of_an_opened_story_are_looked_at_once(desk, story, mara, picture):
    path = story.pictures.add(picture, "faces")
    story.script.change(
        lambda draft: draft.with_member(draft.member(mara).model_copy(update={"faces": (path,)})), label="x"
    )
    desk.cast.ensure_looked_at(story.id)
    desk.cast.ensure_looked_at(story.id)
    assert len(queued(desk, ReadCast)) == 1


def test_a_removed_character_comes_back_with_undo(desk, story, mara):
    desk.cast.remove(story.id, mara)
    assert desk.cast.view(story.id).cards == ()
    desk.script.undo(story.id, base=story.script.head().number)
    assert desk.cast.view(story.id).cards[0].num_rows == 2
