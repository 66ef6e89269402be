from __future__ import annotations

import contextlib
import errno
import json
import os
import resource
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from moviedreamer_core.atomic import make_folder, replacing, write_bytes, write_json, write_text
from moviedreamer_core.errors import OutputError


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "movie.json"
    path.write_text("earlier")
    return path


def only_earlier_content(target: Path) -> bool:
    return target.read_text() == "earlier" and list(target.parent.iterdir()) == [target]


@contextlib.contextmanager
def files_of_at_most_1000_bytes() -> Iterator[None]:
    """Only around the write itself: the limit also holds for the file that the test report goes to."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_written_content_replaces_the_earlier_one_and_nothing_else_stays(target: Path) -> None:
    write_bytes(target, b"\x00\xff\r\n")
    assert target.read_bytes() == b"\x00\xff\r\n"
    write_text(target, "Zoë\r\n")
    assert target.read_bytes() == "Zoë\r\n".encode()
    write_json(target, {"b": "Zoë", "a": [1.5]})
    assert json.loads(target.read_text("utf-8")) == {"b": "Zoë", "a": [1.5]}
    assert target.read_text("utf-8").index("b") < target.read_text("utf-8").index("a")
    assert list(target.parent.iterdir()) == [target]


def test_a_new_file_gets_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("x")
    write_text(tmp_path / "atomic", "x")
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "atomic")}
    assert len(modes) == 1


def test_the_temporary_file_has_the_suffix_and_the_target_changes_at_the_end_only(target: Path) -> None:
    with replacing(target) as temporary:
        assert temporary.suffix == ".json"
        assert temporary.parent == target.parent
        temporary.write_text("half")
        assert target.read_text() == "earlier"
    assert target.read_text() == "half"


@pytest.mark.parametrize("exception", [ZeroDivisionError, KeyboardInterrupt, GeneratorExit, ValueError])
def test_an_interrupted_write_keeps_the_earlier_content(target: Path, exception: type[BaseException]) -> None:
    def interrupted() -> None:
        with replacing(target) as temporary:
            temporary.write_text("half")
            raise exception

    with pytest.raises(exception):
        interrupted()
    assert only_earlier_content(target)


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.ENOSPC, "the disk is full; free some space and try again"),
        (errno.EDQUOT, "the disk quota is used up; free some space and try again"),
        (errno.EIO, "input/output error; choose another folder"),
    ],
)
def test_a_disk_that_refuses_is_named_and_keeps_the_earlier_content(
    target: Path, monkeypatch: pytest.MonkeyPatch, code: int, advice: str
) -> None:
    def refuse(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OutputError) as caught:
        write_text(target, "new")
    assert str(caught.value) == f"cannot write {target}: {advice}"
    assert only_earlier_content(target)


def test_a_write_that_the_system_cuts_off_keeps_the_earlier_content(target: Path) -> None:
    message = "the file would be too large for this disk; choose another folder"
    with files_of_at_most_1000_bytes(), pytest.raises(OutputError, match=message):
        write_bytes(target, b"x" * 2000)
    assert only_earlier_content(target)


def test_a_failed_replace_keeps_the_earlier_content(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: Path, _: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(source))

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OutputError, match=r"movie\.json: no permission to write there; choose another"):
        write_text(target, "new")
    assert only_earlier_content(target)


def test_an_error_about_another_file_is_not_told_as_one_of_the_output(target: Path) -> None:
    with pytest.raises(FileNotFoundError, match="elsewhere"), replacing(target):
        (target.parent / "elsewhere").read_bytes()
    assert only_earlier_content(target)


def test_a_block_that_removes_its_file_is_told(target: Path) -> None:
    with pytest.raises(OutputError, match="cannot write"), replacing(target) as temporary:
        temporary.unlink()
    assert only_earlier_content(target)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("none/movie.mp4", "its folder does not exist; create it or correct the path"),
        ("file/movie.mp4", "a file stands where a folder is needed; choose another path"),
        ("folder", "a folder stands there; choose another name"),
        ("x" * 300, "the name is too long; choose a shorter one"),
        ("pipe", "no permission to write there; choose another folder"),
        ("a\0b", "this is not a file name; choose another"),
        ("a\ud800", "this is not a file name; choose another"),
    ],
)
def test_a_path_that_cannot_be_written_is_told_with_advice(tmp_path: Path, name: str, advice: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError) as caught:
        write_text(tmp_path / name, "x")
    assert str(caught.value).startswith("cannot write ")
    assert str(caught.value).endswith(f": {advice}")
    assert {path.name for path in tmp_path.iterdir()} == {"file", "folder", "pipe"}


def test_the_longest_name_that_the_system_takes_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 251 + ".mp4")
    write_text(path, "x")
    assert path.read_text() == "x"


def test_a_folder_is_made_with_its_parents_and_may_exist(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("file", "a file stands where a folder is needed"),
        ("file/below", "a file stands where a folder is needed"),
        ("x" * 300, "the name is too long"),
        ("a\0b", "this is not a file name"),
    ],
)
def test_a_folder_that_cannot_be_made_is_told_with_advice(tmp_path: Path, name: str, advice: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=advice):
        make_folder(tmp_path / name)


def test_json_that_no_other_reader_takes_is_refused(target: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(target, float("nan"))
    assert only_earlier_content(target)
