"""The zip, read back by zipfile, and its story by the reader of stories."""

from __future__ import annotations

import zipfile

import pytest
from PIL import Image

from moviedreamer_core.errors import ImageError, OutputError
from moviedreamer_core.handoff.keyframes_zip import write_keyframes_zip
from moviedreamer_core.script import Character, CharacterInFrame, KeyframeScript, Story
from moviedreamer_core.story_files import read_story


@pytest.fixture
def story(tmp_path):
    (tmp_path / "faces").mkdir()
    Image.new("RGB", (32, 32), "orange").save(tmp_path / "faces" / "mara.png")
    row = KeyframeScript(plot="Mara runs.", characters=(CharacterInFrame(name="Mara"),))
    cast = (Character(name="Mara", description="Red hair.", faces=("faces/mara.png",)),)
    return Story(title="Zoë", characters=cast, references=("faces/mara.png",), keyframes=(row, row))


def test_pictures_are_numbered_and_kept_byte_for_byte(make_cut, story, tmp_path):
    cut = make_cut(1.0, 1.0)
    write_keyframes_zip(cut, tmp_path / "keyframes.zip", story=story, base=tmp_path)
    with zipfile.ZipFile(tmp_path / "keyframes.zip") as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names[:3] == ["story.yaml", "keyframes/0001.png", "keyframes/0002.png"]
        assert len(names) == 4
        for shot in cut.shots:
            assert archive.read(f"keyframes/{shot.number:04}.png") == shot.keyframe.read_bytes()


def test_the_story_reads_back_with_its_pictures(make_cut, story, tmp_path):
    write_keyframes_zip(make_cut(1.0), tmp_path / "keyframes.zip", story=story, base=tmp_path)
    with zipfile.ZipFile(tmp_path / "keyframes.zip") as archive:
        archive.extractall(tmp_path / "elsewhere")
    found = read_story(tmp_path / "elsewhere" / "story.yaml")
    (face,) = found.characters[0].faces
    assert found.references == (face,)
    kept = (tmp_path / "elsewhere" / face).read_bytes()
    assert kept == (tmp_path / "faces" / "mara.png").read_bytes()
    assert (found.title, found.keyframes) == (story.title, story.keyframes)


def test_the_same_content_gives_the_same_bytes(make_cut, story, tmp_path):
    cut = make_cut(1.0)
    write_keyframes_zip(cut, tmp_path / "a.zip", story=story, base=tmp_path)
    cut.shots[0].keyframe.touch()
    write_keyframes_zip(cut, tmp_path / "b.zip", story=story, base=tmp_path)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_a_missing_keyframe_is_told_and_the_old_zip_stays(make_cut, story, tmp_path):
    cut = make_cut(1.0, 1.0)
    (tmp_path / "a.zip").write_bytes(b"old")
    cut.shots[1].keyframe.unlink()
    with pytest.raises(ImageError, match=r"0002\.png: there is no such image at .*; draw keyframe 2 again"):
        write_keyframes_zip(cut, tmp_path / "a.zip", story=story, base=tmp_path)
    assert (tmp_path / "a.zip").read_bytes() == b"old"


def test_a_missing_face_is_told(make_cut, story, tmp_path):
    (tmp_path / "faces" / "mara.png").unlink()
    with pytest.raises(ImageError, match=r"mara\.png: there is no such image at"):
        write_keyframes_zip(make_cut(1.0), tmp_path / "a.zip", story=story, base=tmp_path)


def test_a_folder_that_is_not_there_is_told(make_cut, story, tmp_path):
    with pytest.raises(OutputError, match=r"cannot write .*no/a\.zip: its folder does not exist"):
        write_keyframes_zip(make_cut(1.0), tmp_path / "no" / "a.zip", story=story, base=tmp_path)
