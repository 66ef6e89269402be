"""A folder that is replaced as a whole: the old files or the new ones, never some of each."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from moviedreamer_core.errors import OutputError
from moviedreamer_core.training.whole_folder import replacing_folder


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)


def killed(folder: Path, **files: str) -> None:
    """A replacement that gets as far as these files."""
    with pytest.raises(KeyboardInterrupt):
        _replaced_and_killed(folder, files)


def _replaced_and_killed(folder: Path, files: dict[str, str]) -> None:
    with replacing_folder(folder) as unfinished:
        assert not list(unfinished.iterdir())
        write(unfinished, **files)
        raise KeyboardInterrupt


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_a_new_folder_is_made_with_its_parents(tmp_path):
    with replacing_folder(tmp_path / "a" / "b") as unfinished:
        write(unfinished, one="1")
        assert not (tmp_path / "a" / "b").exists()
    assert contents(tmp_path / "a" / "b") == {"one": "1"}
    assert list((tmp_path / "a").iterdir()) == [tmp_path / "a" / "b"]


def test_nothing_of_the_old_folder_is_left(tmp_path):
    write(tmp_path / "b", one="old", two="old")
    with replacing_folder(tmp_path / "b") as unfinished:
        write(unfinished, one="new")
        assert contents(tmp_path / "b") == {"one": "old", "two": "old"}
    assert contents(tmp_path / "b") == {"one": "new"}


def test_a_failure_leaves_the_old_folder_and_nothing_beside_it(tmp_path):
    write(tmp_path / "b", one="old")
    killed(tmp_path / "b", one="half")
    assert contents(tmp_path / "b") == {"one": "old"}
    assert list(tmp_path.iterdir()) == [tmp_path / "b"]


def test_what_a_kill_between_the_renames_left_is_taken_back(tmp_path):
    write(tmp_path / ".b.old", one="old")
    write(tmp_path / ".b.new", one="new")
    killed(tmp_path / "b", two="half")
    assert contents(tmp_path / "b") == {"one": "old"}
    assert list(tmp_path.iterdir()) == [tmp_path / "b"]


def test_a_refused_rename_is_told_and_brings_the_old_folder_back(tmp_path, monkeypatch):
    write(tmp_path / "b", one="old")
    rename = os.rename

    def refusing(source: Path, target: Path) -> None:
        if source.name == ".b.new":
            raise OSError(5, "Input/output error")
        rename(source, target)

    monkeypatch.setattr(os, "rename", refusing)
    told = pytest.raises(OutputError, match=r"cannot write .*b: Input/output error")
    with told, replacing_folder(tmp_path / "b") as unfinished:
        write(unfinished, one="new")
    assert contents(tmp_path / "b") == {"one": "old"}


def test_a_link_stays_a_link(tmp_path):
    write(tmp_path / "real", one="old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with replacing_folder(tmp_path / "link") as unfinished:
        write(unfinished, one="new")
    assert (tmp_path / "link").is_symlink()
    assert contents(tmp_path / "real") == {"one": "new"}
