from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from queue_bench import is_alive, until

from app.queue.locks import (
    DeviceLock,
    Holder,
    anyone_present,
    device_holder,
    device_is_free,
    held,
    present,
)
from moviedreamer_core.errors import OutputError

ROOT = Path(__file__).resolve().parent.parent.parent
HOLDER = Holder(pid=os.getpid(), instance="me", queue="/queue.sqlite")

OWN = """
import os, sys, time
from pathlib import Path
from app.queue.locks import DeviceLock, Holder
lock = DeviceLock(Path(sys.argv[1]))
print(lock.acquire(Holder(pid=os.getpid(), instance="other", queue="q"), wait_seconds=0), flush=True)
time.sleep(600)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "device.lock"


def owner(path):
    process = subprocess.Popen(
        [sys.executable, "-c", OWN, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "True\n"
    return process


def test_a_device_has_one_owner_who_can_be_named(path):
    mine, other = DeviceLock(path), DeviceLock(path)
    assert device_is_free(path)
    assert mine.acquire(HOLDER, wait_seconds=0)
    assert not device_is_free(path)
    assert device_holder(path) == HOLDER
    assert not other.acquire(HOLDER, wait_seconds=0.05)
    mine.release()
    mine.release()
    assert other.acquire(HOLDER, wait_seconds=0)
    other.release()


def test_the_device_is_free_as_soon_as_its_owner_is_killed(path):
    process = owner(path)
    assert not device_is_free(path)
    assert device_holder(path).pid == process.pid
    process.kill()
    process.wait()
    assert device_is_free(path)
    process.stdout.close()


def test_who_waits_for_the_device_gets_it_when_its_owner_dies_or_gives_up_when_asked(path):
    process = owner(path)
    looks = iter([False, False, True])
    assert not DeviceLock(path).acquire(HOLDER, wait_seconds=60, give_up=lambda: next(looks))
    asked = []

    def kill_it_meanwhile():
        asked.append(process.kill())
        return False

    mine = DeviceLock(path)
    assert mine.acquire(HOLDER, wait_seconds=60, give_up=kill_it_meanwhile)
    assert asked
    until(lambda: not is_alive(process.pid))
    process.wait()
    process.stdout.close()
    mine.release()


def test_those_who_only_look_do_not_see_each_other(path):
    looking = os.open(path, os.O_RDWR | os.O_CREAT)
    import fcntl

    fcntl.flock(looking, fcntl.LOCK_SH)
    assert device_is_free(path)
    os.close(looking)


def test_a_lock_on_a_file_that_was_removed_does_not_count(path, monkeypatch):
    import fcntl

    real, removed = fcntl.flock, []

    def removing(descriptor, mode):
        if not removed:
            removed.append(path.unlink())
        return real(descriptor, mode)

    monkeypatch.setattr(fcntl, "flock", removing)
    lock = DeviceLock(path)
    assert lock.acquire(HOLDER, wait_seconds=5)
    assert device_holder(path) == HOLDER
    lock.release()


@pytest.mark.parametrize("text", ["", "x", "[]", "{}", '{"pid": "many", "instance": "i", "queue": "q"}'])
def test_a_holder_that_cannot_be_read_is_nobody(path, text):
    path.write_text(text)
    assert device_holder(path) is None
    assert device_holder(path.with_name("none")) is None


def test_presence_is_seen_by_others_while_it_lasts(path):
    assert not anyone_present(path)
    with present(path), present(path):
        assert anyone_present(path)
    assert not anyone_present(path)


def test_a_block_that_is_held_has_one_at_a_time(path):
    import fcntl

    with held(path):
        descriptor = os.open(path, os.O_RDWR)
        with pytest.raises(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(descriptor)


def test_a_lock_that_cannot_be_made_is_told(path):
    with pytest.raises(OutputError, match=r"cannot lock .*: no such file or directory; choose a folder"):
        device_is_free(path / "below" / "device.lock")
    path.symlink_to(path.with_name("elsewhere"))
    with pytest.raises(OutputError, match="cannot lock"):
        device_is_free(path)
    assert not path.with_name("elsewhere").exists()
