from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from PIL import Image

from moviedreamer_core.errors import ImageError, OutputError
from moviedreamer_core.pictures import MAX_SIDE_PX, keep_pictures, read_pictures, with_kept_pictures
from moviedreamer_core.script import Character, KeyframeScript, Story

STORY = Story(
    characters=(Character(name="Mara", faces=("a/face.png", "b/face.PNG")), Character(name="Tom")),
    references=("frame.jpg",),
    keyframes=(KeyframeScript(plot="Rain."),),
)


@pytest.fixture
def base(tmp_path) -> Path:
    for number, name in enumerate(["a/face.png", "b/face.PNG", "frame.jpg"]):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (32, 24), (40 * number, 0, 0)).save(tmp_path / name)
    return tmp_path


def test_pictures_are_read_by_character(base):
    pictures = read_pictures(STORY, base)
    assert [picture.path.name for picture in pictures.faces["Mara"]] == ["face.png", "face.PNG"]
    assert pictures.faces["Tom"] == ()
    assert pictures.references[0].image.size == (32, 24)


def test_large_pictures_are_reduced_in_memory(base):
    Image.new("L", (2 * MAX_SIDE_PX, 100)).save(base / "frame.jpg")
    assert read_pictures(STORY, base).references[0].image.size == (MAX_SIDE_PX, 50)


def test_kept_files_are_named_by_their_content(base, tmp_path):
    pictures = read_pictures(STORY, base)
    kept = with_kept_pictures(STORY, pictures)
    keep_pictures(pictures, tmp_path / "run")
    digest = hashlib.sha256((base / "b/face.PNG").read_bytes()).hexdigest()
    assert kept.characters[0].faces[1] == f"pictures/{digest[:16]}.png"
    for original, copy in zip(STORY.characters[0].faces, kept.characters[0].faces, strict=True):
        assert (tmp_path / "run" / copy).read_bytes() == (base / original).read_bytes()
    assert len(list((tmp_path / "run/pictures").iterdir())) == 3


def test_keeping_what_is_kept_changes_nothing(base, tmp_path):
    keep_pictures(read_pictures(STORY, base), tmp_path / "run")
    kept = with_kept_pictures(STORY, read_pictures(STORY, base))
    again = read_pictures(kept, tmp_path / "run")
    keep_pictures(again, tmp_path / "run")
    assert with_kept_pictures(kept, again) == kept


def test_a_missing_picture_is_named(base):
    (base / "b/face.PNG").unlink()
    with pytest.raises(ImageError, match=r"face\.PNG: there is no such image"):
        read_pictures(STORY, base)


def test_a_folder_that_cannot_be_made_is_named(base, tmp_path):
    (tmp_path / "run").write_text("a file")
    with pytest.raises(OutputError, match="run"):
        keep_pictures(read_pictures(STORY, base), tmp_path / "run")
