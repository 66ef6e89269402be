"""Reference pictures: added, ordered, removed, switched off."""

from __future__ import annotations

import pytest
from PIL import Image

from moviedreamer_core.errors import ImageError, StoryError


def pictures(tmp_path, number):
    for index in range(number):
        path = tmp_path / f"{index}.png"
        Image.new("RGB", (64, 48), (index * 20, 90, 90)).save(path)
        yield path


def test_ten_fit_and_the_eleventh_is_refused(desk, story, tmp_path):
    *ten, eleventh = pictures(tmp_path, 11)
    for path in ten:
        desk.references.add(story.id, path)
    with pytest.raises(StoryError, match="at most 10"):
        desk.references.add(story.id, eleventh)
    assert len(desk.references.view(story.id).pictures) == 10


def test_they_are_ordered_and_removed(desk, story, tmp_path):
    one, two, three = (desk.references.add(story.id, path) for path in pictures(tmp_path, 3))
    desk.references.move(story.id, three, 0)
    assert desk.references.view(story.id).pictures == (three, one, two)
    desk.references.move(story.id, three, 99)
    desk.references.remove(story.id, one)
    assert desk.references.view(story.id).pictures == (two, three)
    with pytest.raises(StoryError, match="no longer there"):
        desk.references.move(story.id, one, 0)


def test_switched_off_they_are_kept(desk, story, tmp_path):
    (path,) = pictures(tmp_path, 1)
    desk.references.add(story.id, path)
    desk.references.use(story.id, False)
    view = desk.references.view(story.id)
    assert (view.in_use, len(view.pictures)) == (False, 1)


def test_what_is_no_picture_is_refused(desk, story, tmp_path):
    fake = tmp_path / "fake.png"
    fake.write_bytes(b"GIF89a")
    with pytest.raises(ImageError):
        desk.references.add(story.id, fake)
    assert desk.references.view(story.id).pictures == ()
