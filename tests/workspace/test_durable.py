from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import threading
from pathlib import Path

import pytest
from making import draft_of_plots, draw
from writers import FORKSERVER, hold

from moviedreamer_core.errors import OutputError
from moviedreamer_core.workspace import StoryBusyError, StoryFolder, StoryGoneError
from moviedreamer_core.workspace.durable import (
    FolderLock,
    is_staging_in_use,
    link_or_copy,
    make_subfolder,
    move,
    remove_tree,
    staged,
    sweep_staging,
    told,
)


@pytest.fixture
def lock(tmp_path: Path) -> FolderLock:
    return FolderLock(tmp_path / ".lock", wait_seconds=0.05)


# --- locks -------------------------------------------------------------------------------------------


def test_a_lock_keeps_other_processes_out_and_ends_when_its_process_is_killed(
    tmp_path: Path, lock: FolderLock
) -> None:
    ready, go_on = FORKSERVER.Event(), FORKSERVER.Event()
    process = FORKSERVER.Process(target=hold, args=(tmp_path, ready, go_on), daemon=True)
    process.start()
    ready.wait()
    with pytest.raises(StoryBusyError, match=r"another process has been busy with it for 0\.05 s; try again"):
        lock.held().__enter__()
    assert is_staging_in_use(tmp_path / "inner")
    assert sweep_staging(tmp_path / "inner") == 0
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with lock.held():
        assert not is_staging_in_use(tmp_path / "inner")
        assert sweep_staging(tmp_path / "inner") == 1
    assert list((tmp_path / "inner").iterdir()) == []


def test_a_lock_keeps_other_threads_out(tmp_path: Path) -> None:
    lock, inside, most = FolderLock(tmp_path / ".lock"), 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(50):
            with lock.held():
                inside += 1
                os.listdir(tmp_path)  # lets other threads run
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_lock_is_free_after_an_error_in_its_block(lock: FolderLock) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), lock.held():
            raise ZeroDivisionError
    with lock.held():
        pass


def test_whoever_waits_for_the_lock_of_a_folder_that_moves_away_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    lock, told_of = FolderLock(tmp_path / "a" / ".lock"), []

    def wait() -> None:
        try:
            with lock.held():
                told_of.append("got it")
        except StoryGoneError as error:
            told_of.append(str(error))

    with lock.held():
        waiting = threading.Thread(target=wait)
        waiting.start()
        (tmp_path / "a").rename(tmp_path / "b")
        (tmp_path / "a").mkdir()
        (tmp_path / "a").rmdir()
    waiting.join()
    assert told_of == [
        "a: this story was deleted or moved meanwhile; open it from the list of stories, "
        "or restore it from the trash"
    ]


def test_a_lock_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / ".lock").mkdir()
    with pytest.raises(OutputError, match=f"^cannot lock {tmp_path}: is a directory; check the folder"):
        FolderLock(tmp_path / ".lock").held().__enter__()


# --- staging -----------------------------------------------------------------------------------------


def test_what_is_not_moved_out_of_staging_vanishes_whatever_ends_the_block(
    tmp_path: Path, lock: FolderLock
) -> None:
    with staged(tmp_path / "s", lock) as folder:
        (folder / "a").write_text("a")
        (folder / "b").write_text("b")
        move(folder / "a", tmp_path / "a")
    assert (tmp_path / "a").read_text() == "a"
    with contextlib.suppress(KeyboardInterrupt), staged(tmp_path / "s", lock) as folder:
        (folder / "c").write_text("c")
        raise KeyboardInterrupt
    assert list((tmp_path / "s").iterdir()) == []


def test_a_sweep_leaves_alone_what_this_process_is_making(tmp_path: Path, lock: FolderLock) -> None:
    with staged(tmp_path / "s", lock) as folder:
        (tmp_path / "s" / "stray").write_text("x")
        with lock.held():
            assert sweep_staging(tmp_path / "s") == 1
        assert folder.is_dir()
        assert not (tmp_path / "s" / "stray").exists()
    with lock.held():
        assert sweep_staging(tmp_path / "none") == 0


def test_a_sweep_removes_a_link_and_not_what_it_points_to(tmp_path: Path, lock: FolderLock) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "x").write_text("x")
    (tmp_path / "s" / "link").symlink_to(tmp_path / "precious", target_is_directory=True)
    sweep_staging(tmp_path / "s")
    assert list((tmp_path / "s").iterdir()) == []
    assert (tmp_path / "precious" / "x").read_text() == "x"


# --- folders -----------------------------------------------------------------------------------------


def test_a_move_never_replaces_anything(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    with pytest.raises(FileExistsError):
        move(tmp_path / "a", tmp_path / "b")


def test_a_subfolder_is_made_once_and_never_with_its_parents(tmp_path: Path) -> None:
    make_subfolder(tmp_path / "a")
    make_subfolder(tmp_path / "a")
    with pytest.raises(FileNotFoundError):
        make_subfolder(tmp_path / "none" / "b")
    (tmp_path / "file").write_text("")
    with pytest.raises(FileExistsError):
        make_subfolder(tmp_path / "file")


def test_a_file_is_copied_where_the_disk_has_no_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("a")
    link_or_copy(tmp_path / "a", tmp_path / "b")
    assert os.path.samefile(tmp_path / "a", tmp_path / "b")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    link_or_copy(tmp_path / "a", tmp_path / "c")
    assert (tmp_path / "c").read_text() == "a"
    assert not os.path.samefile(tmp_path / "a", tmp_path / "c")


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.ENOSPC, "the disk is full; free some space and try again"),
        (errno.EROFS, "the disk is read-only; choose another folder with --stories"),
        (errno.EIO, "input/output error; check the folder and try again"),
    ],
)
def test_what_the_system_refuses_is_told_with_advice(code: int, advice: str) -> None:
    with pytest.raises(OutputError) as caught, told("keep the take"):
        raise OSError(code, os.strerror(code))
    assert str(caught.value) == f"cannot keep the take: {advice}"


def test_removing_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    remove_tree(tmp_path / "none")


# --- against a power cut -----------------------------------------------------------------------------


def test_everything_is_flushed_before_the_name_that_commits_it_appears(
    story: StoryFolder, rows: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[tuple[str, str]] = []

    def fsync(descriptor: int) -> None:
        log.append(("flush", Path(os.readlink(f"/proc/self/fd/{descriptor}")).name))

    def logging(real: object) -> object:
        def rename(source: Path, target: Path) -> None:
            log.append(("rename", Path(target).name))
            real(source, target)

        return rename

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "rename", logging(os.rename))
    monkeypatch.setattr(os, "replace", logging(os.replace))
    take = draw(story, rows[0])
    commit = log.index(("rename", take.id))
    flushed = {name for act, name in log[:commit] if act == "flush"}
    assert set(os.listdir(take.folder)) <= flushed
    assert ("flush", rows[0]) in log[commit:]
    log.clear()
    story.script.save(draft_of_plots("x"), base=2)
    commit = log.index(("rename", "00000003.json"))
    assert log[commit - 1][0] == "flush"  # of the temporary file
    assert log[commit + 1] == ("flush", "revisions")


def test_many_files_are_flushed_at_once(
    tmp_path: Path, stories: object, story: StoryFolder, rows: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for row in rows:
        take = draw(story, row)
        for number in range(70):
            shutil.copytree(take.folder, take.folder.parent / f"{number + 2:04}-aaaaaa")
    synced = []
    monkeypatch.setattr(os, "sync", lambda: synced.append(True))
    copy = stories.duplicate(story.id)
    assert synced == [True]
    assert all(len(copy.takes.of(row)) == 71 for row in rows)
