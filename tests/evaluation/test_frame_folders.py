"""Numbered frames as generators leave them."""

from pathlib import Path

import pytest

from moviedreamer_core.errors import InputError
from moviedreamer_core.evaluation.frame_folders import keyframe_pictures, numbered_pictures


def folder_of(tmp_path, *names):
    for name in names:
        (tmp_path / name).write_bytes(b"")
    return tmp_path


@pytest.mark.parametrize(
    "names",
    [
        ("0001.png", "0002.png", "0010.png"),
        ("1.png", "2.png", "10.png"),  # not as text is sorted
        ("frame_03.jpg", "frame_20.jpg", "frame_100.jpg"),
        ("scene9_shot1.WEBP", "scene1_shot2.webp", "scene0_shot3.webp"),
        ("0-first.png", "1-x.jpeg", "7.tif"),
    ],
)
def test_pictures_come_in_the_order_of_their_last_number(tmp_path, names):
    folder = folder_of(tmp_path, *reversed(names))
    assert [path.name for path in numbered_pictures(folder)] == list(names)
    assert keyframe_pictures(folder, num_keyframes=3) == numbered_pictures(folder)


def test_other_files_are_passed_over(tmp_path):
    folder = folder_of(
        tmp_path, "1.png", "2.png", "storyboard.json", "3.txt", ".4.png", "cover.png", f"{'1' * 30}.png"
    )
    (folder / "5.png").mkdir()
    assert [path.name for path in numbered_pictures(folder)] == ["1.png", "2.png"]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(InputError, match="nowhere: there is no such folder of frames"):
        numbered_pictures(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"1\.png: there is no such folder"):
        numbered_pictures(folder_of(tmp_path, "1.png") / "1.png")


def test_a_name_that_is_no_folder_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(InputError, match=r"no such folder|cannot be read"):
        numbered_pictures(Path(f"{tmp_path}\0"))


def test_a_folder_without_numbers_says_how_to_name_pictures(tmp_path):
    with pytest.raises(InputError, match=r"no numbered pictures there; name them like 0001\.png"):
        numbered_pictures(folder_of(tmp_path, "cover.png", "1.txt"))


def test_two_pictures_of_one_number_are_named(tmp_path):
    with pytest.raises(InputError, match=r"0001\.png and 1\.jpg both have the number 1; keep one"):
        numbered_pictures(folder_of(tmp_path, "1.jpg", "0001.png", "2.png"))


@pytest.mark.parametrize(("count", "found"), [(1, "1 numbered picture for"), (3, "3 numbered pictures for")])
def test_a_wrong_count_says_both_numbers(tmp_path, count, found):
    folder = folder_of(tmp_path, *(f"{number}.png" for number in range(count)))
    with pytest.raises(InputError, match=f"{found} a story of 2 keyframes; give one picture per keyframe"):
        keyframe_pictures(folder, num_keyframes=2)
