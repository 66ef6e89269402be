from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from making import draw

from moviedreamer_core.errors import StoryError
from moviedreamer_core.workspace import StoryFolder
from moviedreamer_core.workspace.layout import (
    file_kind,
    is_temporary,
    new_id,
    parse_trashed_name,
    slug,
    story_folder_name,
    story_id_of,
    trashed_name,
)


@given(title=st.text(max_size=60))
def test_any_title_gives_a_plain_folder_name_with_its_id(title: str) -> None:
    name = story_folder_name(title, "abcdefg2")
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*-abcdefg2", name)
    assert len(name) <= 49
    assert story_id_of(name) == "abcdefg2"
    assert parse_trashed_name(trashed_name(name, "20260102T030405Z")) == ("20260102T030405Z", name)


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("The Lighthouse", "the-lighthouse"),
        ("Zoë & the   Café!", "zoe-the-cafe"),
        ("../../etc/passwd", "etc-passwd"),
        ("灯台", "story"),
        ("", "story"),
        ("x" * 100, "x" * 40),
        ("a" * 39 + " bcd", "a" * 39),
        ("CON\0\n", "con"),
    ],
)
def test_a_folder_s_words_are_readable(title: str, words: str) -> None:
    assert slug(title) == words


def test_ids_do_not_repeat() -> None:
    assert len({new_id(10) for _ in range(2000)}) == 2000


@pytest.mark.parametrize(
    "name", ["story", "the-lighthouse", "a-ABCDEFG2", "-abcdefg2", ".trash", "a-abcdefg1", "a--abcdefg2"]
)
def test_other_folders_are_not_stories(name: str) -> None:
    assert story_id_of(name) is None


@settings(max_examples=300)
@given(
    path=st.one_of(
        st.text(max_size=40),
        st.lists(
            st.sampled_from(
                [
                    "..",
                    ".",
                    "",
                    "takes",
                    "row-aaaaaaaaaa",
                    "0001-aaaaaa",
                    "image.png",
                    "faces",
                    "story.yaml",
                    "a" * 32,
                ]
            ),
            max_size=7,
        ).map("/".join),
    )
)
def test_no_path_of_a_known_kind_leads_anywhere_else(path: str) -> None:
    if file_kind(path) is not None:
        normal = os.path.normpath(os.path.join("/story", path))
        assert normal == f"/story/{path}"
        assert not re.search(r"[\x00-\x20\\:]", path)


def test_the_files_of_a_take_can_be_asked_for_and_nothing_else(story: StoryFolder, rows: list[str]) -> None:
    take = draw(story, rows[0])
    relative = f"takes/{rows[0]}/{take.id}/image.png"
    assert story.file(relative).read_bytes() == (take.folder / "image.png").read_bytes()
    (story.path.parent / "secret.png").write_bytes(b"secret")
    (story.path / "notes.txt").write_bytes(b"secret")
    for path in (
        "../secret.png",
        "notes.txt",
        ".lock",
        str(story.path.parent / "secret.png"),
        f"takes/{rows[0]}/{take.id}/../{take.id}/image.png",
        "",
        "story.yaml\0",
        f"./{relative}",
    ):
        with pytest.raises(StoryError, match=r"is not a file of this story; reload the page$"):
            story.file(path)
    with pytest.raises(StoryError, match="no longer there; reload the page"):
        story.file(f"takes/{rows[1]}/0001-aaaaaa/image.png")


@pytest.mark.parametrize("linked", ["file", "folder"])
def test_a_link_out_of_the_story_is_not_followed(
    story: StoryFolder, rows: list[str], tmp_path: Path, linked: str
) -> None:
    take = draw(story, rows[0])
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "image.png").write_bytes(b"secret")
    if linked == "file":
        (take.folder / "image.png").unlink()
        (take.folder / "image.png").symlink_to(tmp_path / "elsewhere" / "image.png")
    else:
        take.folder.rename(tmp_path / "was")
        take.folder.symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    with pytest.raises(StoryError, match="is not a file of this story"):
        story.file(f"takes/{rows[0]}/{take.id}/image.png")


def test_temporary_files_are_told_from_those_of_a_person() -> None:
    assert is_temporary(".0123456789abcdef.yaml")
    assert is_temporary(".0123456789abcdef")
    for name in (".lock", "story.yaml", ".0123456789abcde.yaml", ".gitignore", "0123456789abcdef"):
        assert not is_temporary(name)
