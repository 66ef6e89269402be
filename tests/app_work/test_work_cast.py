from __future__ import annotations

import numpy as np
import pytest
import torch
from at_work import DRAWING, noise, photo, pixels, portrait, shown
from PIL import Image
from torch.nn import functional

from app.queue.jobs import CharacterTest, DrawMissing, MeasureDrift, ReadCast
from app.work.face_search import matches, searched_spots
from moviedreamer_core.errors import ImageError, StoryError
from moviedreamer_core.images import read_image
from moviedreamer_core.preparation import to_pixels
from moviedreamer_core.workspace import StoryFolder, take_recipe

pytest_plugins = ("weights",)


def with_faces(story: StoryFolder, *, mara: list[str], tom: list[str]) -> StoryFolder:
    def edit(draft):
        one, two = draft.cast
        draft = draft.with_member(one.model_copy(update={"faces": tuple(mara)}))
        return draft.with_member(two.model_copy(update={"faces": tuple(tom)}))

    story.script.change(edit, label="Faces")
    return story


@pytest.fixture
def faces(story, tmp_path) -> tuple[str, str]:
    """A portrait, and a picture without a face."""
    return (
        story.pictures.add(photo(tmp_path / "face.png"), "faces"),
        story.pictures.add(noise(tmp_path / "none.png", seed=2, size=(300, 200)), "faces"),
    )


def test_faces_are_found_or_said_to_be_missing(do, story, faces):
    with_faces(story, mara=[faces[0]], tom=[faces[1]])
    events = do(ReadCast(story_id=story.id, num_faces=2))
    assert (events[0].total, events[-1].done) == (2, 2)
    found, missing = story.readings.cast().faces
    assert (found.picture, found.face_found, found.by_hand) == (faces[0], True, False)
    left, top, right, bottom = found.box
    assert left < 0.5 < right
    assert top < 0.5 < bottom
    assert (missing.picture, missing.face_found) == (faces[1], False)
    assert missing.box == pytest.approx(
        (1 / 6, 0.0, 5 / 6, 1.0), abs=0.01
    )  # the largest square in the centre


def test_the_same_face_on_two_cards_is_pointed_out(do, story, faces):
    with_faces(story, mara=[faces[0]], tom=[faces[0]])
    do(ReadCast(story_id=story.id))
    (pair,) = story.readings.cast().look_alikes
    assert {pair.one, pair.other} == {member.id for member in story.script.head().draft.cast}
    assert pair.similarity == pytest.approx(1.0, abs=1e-3)
    assert len(story.readings.cast().faces) == 1


def test_people_who_differ_are_not_pointed_out(do, story, faces, studio, monkeypatch):
    with_faces(story, mara=[faces[0]], tom=[faces[1]])
    monkeypatch.setattr("app.work.casting.LOOK_ALIKE_SIMILARITY", 0.9999)
    do(ReadCast(story_id=story.id))
    assert story.readings.cast().look_alikes == ()


def test_a_box_by_hand_is_read_in_place_of_the_detector_s(do, story, faces):
    with_faces(story, mara=[faces[0]], tom=[faces[0]])
    story.readings.set_face_box(faces[0], (0.1, 0.1, 0.5, 0.6))
    do(ReadCast(story_id=story.id))
    (reading,) = story.readings.cast().faces
    assert (reading.by_hand, reading.box) == (True, (0.1, 0.1, 0.5, 0.6))
    story.readings.set_face_box(faces[0], None)
    (reading,) = story.readings.cast().faces
    assert (reading.by_hand, reading.face_found) == (False, True)


def test_reading_a_cast_without_pictures_is_quick_and_empty(do, story):
    with_faces(story, mara=[], tom=[])
    assert [(event.done, event.total) for event in do(ReadCast(story_id=story.id))] == [(0, 0)]
    assert story.readings.cast().faces == ()


def test_a_face_that_is_gone_is_told(do, story, faces):
    with_faces(story, mara=[faces[0]], tom=[])
    (story.path / faces[0]).unlink()
    with pytest.raises(ImageError, match="a face picture of Mara is gone or damaged"):
        do(ReadCast(story_id=story.id))


# --- a test of a character -----------------------------------------------------------------------------


def test_test_pictures_of_a_character_are_kept_apart_from_the_story(do, story, rows):
    mara = story.script.head().draft.cast[0]
    job = CharacterTest(story_id=story.id, cast_id=mara.id, drawing=DRAWING)
    do(job)
    do(job)
    one, two = story.takes.of(mara.id)
    assert one.recipe.seed != two.recipe.seed
    assert not np.array_equal(pixels(one), pixels(two))
    assert [member.id for member in one.recipe.cast] == [mara.id]
    assert story.decisions.read().of(mara.id).take == two.id
    assert shown(story) == [None] * 3
    do(job.model_copy(update={"seed": one.recipe.seed}))
    assert len(story.takes.of(mara.id)) == 2
    assert story.decisions.read().of(mara.id).take == one.id


def test_a_character_who_is_gone_or_nameless_is_told(do, story):
    mara = story.script.head().draft.cast[0]
    story.script.change(lambda draft: draft.with_member(mara.model_copy(update={"name": " "})), label="")
    with pytest.raises(StoryError, match="no name yet; name them first"):
        do(CharacterTest(story_id=story.id, cast_id=mara.id, drawing=DRAWING))
    story.script.change(lambda draft: draft.without_member(mara.id), label="")
    with pytest.raises(StoryError, match="no longer in the cast"):
        do(CharacterTest(story_id=story.id, cast_id=mara.id, drawing=DRAWING))


# --- drift -----------------------------------------------------------------------------------------------


def show(story: StoryFolder, row: str, picture) -> None:
    view = story.view()
    recipe = take_recipe(view.revision.draft, row, {}, revision=view.revision.number)
    story.takes.upload(row, picture, recipe)


def test_drift_compares_faces_with_the_cast_and_scenes_within_a_place(
    do, story, rows, faces, tmp_path, studio, monkeypatch
):
    monkeypatch.setattr("app.work.face_search.FOUND_SIMILARITY", 1.5)  # the detector alone counts
    her_picture = faces[0]
    with_faces(story, mara=[her_picture], tom=[])
    show(story, rows[0], photo(tmp_path / "same.png"))
    show(story, rows[1], noise(tmp_path / "noise.png", seed=5, size=(200, 120)))
    show(story, rows[2], noise(tmp_path / "sea.png", seed=6))
    events = do(MeasureDrift(story_id=story.id, num_keyframes=3))
    assert events[-1].done == 3
    drift = story.readings.drift()
    assert drift.weights_hash == studio.weights.hash
    mara = story.script.head().draft.cast[0].id
    faces = {point.row_id: point for point in drift.points if point.cast_id is not None}
    assert faces[rows[0]].face_found
    assert set(faces) == {rows[0], rows[1]}  # Tom has no picture, and nobody is at sea
    assert {point.cast_id for point in faces.values()} == {mara}
    assert faces[rows[0]].similarity == pytest.approx(1.0, abs=0.05)  # her own picture, enlarged
    assert not faces[rows[1]].face_found
    assert faces[rows[1]].similarity < faces[rows[0]].similarity
    scenes = {point.row_id: point.similarity for point in drift.points if point.cast_id is None}
    assert (scenes[rows[0]], scenes[rows[2]]) == (None, None)
    vision = studio.weights.load({"vision"}).models.vision
    with torch.no_grad():
        one, two = (
            vision.embed(to_pixels(read_image(take.folder / "image.png"))[None])[0]
            for take in shown(story)[:2]
        )
    assert scenes[rows[1]] == pytest.approx(float(one @ two), abs=1e-3)
    with torch.no_grad():
        sea = vision.embed(to_pixels(read_image(shown(story)[2].folder / "image.png"))[None])[0]
        encoder = studio.weights.load({"face"}).models.face
        spots = searched_spots(encoder, read_image(shown(story)[2].folder / "image.png"))
        her = encoder.encode_crop(encoder.crop_face(read_image(story.path / her_picture)))
        stranger = max(float(functional.normalize(her, dim=-1) @ spot.embedding) for spot in spots)
    assert drift.other_places == pytest.approx(float(one @ sea + two @ sea) / 2, abs=1e-3)
    assert drift.strangers == pytest.approx(stranger, abs=1e-3)  # of Mara, at sea, where she is not


def test_drift_of_an_empty_storyboard_is_empty(do, story):
    assert [(event.done, event.total) for event in do(MeasureDrift(story_id=story.id))] == [(0, 0)]
    assert story.readings.drift().points == ()


def test_drift_says_which_picture_is_gone(do, story, rows):
    do(DrawMissing(story_id=story.id, keyframes=(rows[2],), drawing=DRAWING))
    (shown(story)[2].folder / "image.png").write_bytes(b"x" * shown(story)[2].files["image.png"].num_bytes)
    with pytest.raises(ImageError, match="the picture of shot 3 is gone or damaged; draw it again"):
        do(MeasureDrift(story_id=story.id))


def test_a_face_that_the_detector_does_not_know_is_searched_for(studio, tmp_path):
    encoder = studio.weights.load({"face"}).models.face
    rng = np.random.default_rng(7)
    frame = Image.fromarray(rng.integers(0, 256, (100, 180, 3), dtype=np.uint8)).resize((180, 100))
    face = Image.open(portrait(tmp_path / "face.png", seed=3)).resize((30, 30))
    frame.paste(face, (75, 30))  # a square that the search looks at: 0.3 heights wide, in steps of 15 pixels
    with torch.no_grad():
        wanted = encoder(to_pixels(face)[None])[0]
    best = max(searched_spots(encoder, frame), key=lambda spot: float(spot.embedding @ wanted))
    assert (best.x, best.y, best.side) == pytest.approx((0.9, 0.45, 0.3), abs=0.01)
    other = encoder(torch.rand(1, 3, 30, 30, generator=torch.Generator().manual_seed(1)))[0].detach()
    found = matches(encoder, frame, {"mara": wanted, "tom": other})
    assert found["mara"] == (pytest.approx(1.0, abs=1e-3), True)
    assert set(found) == {"mara", "tom"}  # elsewhere
