import os
import stat
import time

import pytest
from studio_process import free_port

from app import command, uploads
from app.uploads import KEPT_SECONDS, VARIABLE, sweep, uploads_in
from moviedreamer_core.errors import OutputError

pytest_plugins = ("weights",)


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)


def sent(folder, name, *, age):
    """An upload as Gradio keeps it, that came so many seconds ago."""
    path = folder / name / f"{name}.png"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"picture")
    for entry in (path, path.parent):
        os.utime(entry, (time.time() - age,) * 2)
    return path


def test_uploads_arrive_in_a_folder_of_this_user_alone(tmp_path):
    folder = tmp_path / "stories.queue" / "uploads"
    with uploads_in(folder) as found:
        assert (found, os.environ[VARIABLE]) == (folder, str(folder))
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert VARIABLE not in os.environ
    folder.chmod(0o777)
    with uploads_in(folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_that_was_said_is_used_and_never_swept(tmp_path, monkeypatch):
    old = sent(tmp_path / "mine", "old", age=2 * KEPT_SECONDS)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "mine"))
    with uploads_in(tmp_path / "uploads") as found:
        assert found == tmp_path / "mine"
    assert old.is_file()
    assert os.environ[VARIABLE] == str(tmp_path / "mine")


def test_what_nobody_came_back_for_in_a_day_is_swept(tmp_path):
    old, new = sent(tmp_path, "old", age=KEPT_SECONDS + 60), sent(tmp_path, "new", age=KEPT_SECONDS - 60)
    again = sent(tmp_path, "again", age=KEPT_SECONDS + 60)
    again.write_bytes(b"sent once more")
    outside = sent(tmp_path.parent / f"{tmp_path.name}-outside", "kept", age=2 * KEPT_SECONDS)
    (tmp_path / "link").symlink_to(outside.parent)
    assert sweep(tmp_path, now=time.time()) == 1
    assert (old.parent.exists(), new.is_file(), again.is_file()) == (False, True, True)
    assert sweep(tmp_path, now=time.time() + 2 * KEPT_SECONDS) == 3
    assert list(tmp_path.iterdir()) == []
    assert outside.is_file()


def test_it_is_swept_at_the_start_and_then_from_time_to_time(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "PAUSE_SECONDS", 0.01)
    sent(tmp_path / "uploads", "first", age=2 * KEPT_SECONDS)
    with uploads_in(tmp_path / "uploads") as folder:
        for name in ("first", "second"):
            while (folder / name).exists():
                time.sleep(0.01)
            sent(folder, "second", age=2 * KEPT_SECONDS) if name == "first" else None
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "stories.queue").write_text("a file")
    with pytest.raises(OutputError), uploads_in(tmp_path / "stories.queue" / "uploads"):
        pass


def test_the_studio_keeps_uploads_beside_its_queue(tiny_weights, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(command, "_serve_stories", lambda *_: seen.append(os.environ[VARIABLE]))
    flags = ["--weights", str(tiny_weights), "--stories", str(tmp_path / "mine"), "--port", str(free_port())]
    assert command.main(flags) == 0
    assert seen == [str(tmp_path / "mine.queue" / "uploads")]
