from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from making import picture, tone
from PIL import Image

from moviedreamer_core.errors import ImageError, InputError, StoryError
from moviedreamer_core.images import read_image
from moviedreamer_core.script import Character, Story
from moviedreamer_core.workspace import StoryFolder, pictures


def noise(size: tuple[int, int]) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (*size[::-1], 3), dtype=np.uint8))


def test_a_picture_is_kept_by_its_pixels_and_named_by_them(story: StoryFolder, tmp_path: Path) -> None:
    image = noise((40, 30))
    image.save(tmp_path / "My Photo (1).png")
    image.save(tmp_path / "other.bmp")
    path = story.pictures.add(tmp_path / "My Photo (1).png", "faces")
    assert path == story.pictures.add(tmp_path / "other.bmp", "faces")
    np.testing.assert_array_equal(np.asarray(read_image(story.path / path)), np.asarray(image))
    reference = story.pictures.add(tmp_path / "other.bmp", "references")
    assert reference.partition("/")[2] == path.partition("/")[2]
    draft = story.script.head().draft
    face = draft.cast[0].model_copy(update={"faces": (path,)})
    saved = story.script.save(draft.with_member(face).with_changes(references=[reference]), base=2)
    assert saved.draft.cast[0].faces == (path,)


def test_no_byte_of_an_upload_but_its_pixels_is_kept(story: StoryFolder, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    exif[0x0112] = 6  # turned by 90 degrees
    noise((40, 30)).save(tmp_path / "a.jpg", exif=exif)
    with (tmp_path / "a.jpg").open("ab") as file:
        file.write(b"<script>alert(1)</script>")
    kept = story.path / story.pictures.add(tmp_path / "a.jpg", "faces")
    assert kept.suffix == ".png"
    assert not any(word in kept.read_bytes() for word in (b"home", b"script", b"Exif"))
    with Image.open(kept) as image:
        assert image.size == (30, 40)
        assert image.info == {}


def test_a_large_photo_is_kept_at_the_size_that_encoders_need(story: StoryFolder, tmp_path: Path) -> None:
    picture(tmp_path / "a.png", "navy", (4096, 1024))
    with Image.open(story.path / story.pictures.add(tmp_path / "a.png", "faces")) as image:
        assert image.size == (2048, 512)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "a.png: the file is empty"), (b"GIF89a", "a.png: "), (b"%PDF-1.4", "a.png: this is not an image")],
)
def test_an_upload_that_is_no_picture_is_told_and_nothing_is_kept(
    story: StoryFolder, tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageError, match=f"^{message}"):
        story.pictures.add(tmp_path / "a.png", "faces")
    assert not (story.path / "faces").exists()


# --- the pictures of a story file --------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["../secret.png", "/etc/passwd", "a/../../secret.png", "link.png", "a\0.png"]
)
def test_a_story_file_cannot_name_pictures_of_other_folders(
    stories: object, tmp_path: Path, name: str
) -> None:
    picture(tmp_path / "secret.png")
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "link.png").symlink_to(tmp_path / "secret.png")
    told = Story(characters=(Character(name="Mara", faces=(name,)),))
    with pytest.raises(StoryError, match="lies outside the story's folder; copy the image there and name"):
        stories.new(told, base=tmp_path / "base")
    assert stories.summaries() == ()


def test_a_missing_or_broken_picture_of_a_story_file_is_named(stories: object, tmp_path: Path) -> None:
    story = Story(characters=(Character(name="Mara", faces=("faces/mara.png",)),))
    with pytest.raises(ImageError, match=r'^"faces/mara\.png": there is no such image'):
        stories.new(story, base=tmp_path)
    (tmp_path / "faces").mkdir()
    (tmp_path / "faces" / "mara.png").write_bytes(b"x")
    with pytest.raises(ImageError, match=r'^"faces/mara\.png": this is not an image of a known kind'):
        stories.new(story, base=tmp_path)
    picture(tmp_path / "faces" / "mara.png")
    made = stories.new(story, base=tmp_path)
    face = made.script.head().draft.cast[0].faces[0]
    np.testing.assert_array_equal(
        np.asarray(read_image(made.path / face)), np.asarray(read_image(tmp_path / "faces" / "mara.png"))
    )


def test_without_a_base_the_pictures_are_left_out(stories: object) -> None:
    story = Story(characters=(Character(name="Mara", faces=("mara.png",)),), references=("r.png",))
    draft = stories.new(story).script.head().draft
    assert (draft.cast[0].faces, draft.references) == ((), ())


# --- music -------------------------------------------------------------------------------------------


def test_music_is_kept_as_it_is_and_can_be_chosen(story: StoryFolder, tmp_path: Path) -> None:
    path = story.pictures.add_music(tone(tmp_path / "My Song.WAV"))
    assert (story.path / path).read_bytes() == (tmp_path / "My Song.WAV").read_bytes()
    assert path == story.pictures.add_music(tmp_path / "My Song.WAV")
    story.decisions.set_movie(music=path)
    assert story.view().decisions.movie.music == path


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.exe", b"MZ", "a.exe: music is a file that ends in .mp3, .wav, .ogg, .flac, .m4a; convert it"),
        ("a.mp3", b"", "a.mp3: not music, or damaged"),
        ("a.mp3", b"hello" * 100, "a.mp3: not music, or damaged"),
        ("a.mp3", None, "a.mp3: there is no such music"),
    ],
)
def test_a_file_that_is_no_music_is_told(
    story: StoryFolder, tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        story.pictures.add_music(tmp_path / name)
    assert str(caught.value).startswith(message)
    assert not (story.path / "music").exists()


def test_music_over_the_limit_is_told(
    story: StoryFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "MAX_MUSIC_BYTES", 1000)
    with pytest.raises(
        InputError, match=r"^a\.wav: the file is 0 MB, the limit is 0 MB; cut it or save it as"
    ):
        story.pictures.add_music(tone(tmp_path / "a.wav"))
