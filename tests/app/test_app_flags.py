import runpy
import socket
import sys
from pathlib import Path

import pytest
from studio_process import free_port

from app.auth import Accounts, accounts_from
from app.command import _address, _check_address, _options, main, put_example, worker_command
from app.desk import Desk
from app.queue.store import open_store
from moviedreamer_core.weights_files import read_manifest
from moviedreamer_core.workspace import Stories

pytest_plugins = ("weights",)
APP = Path(__file__).resolve().parents[2] / "app.py"


def complaint(capsys, *arguments):
    """Run the command, which must refuse: status 2 and one line on stderr, which is returned."""
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out in ("", "Reading the weights...\n")
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    return captured.err


def test_missing_weights_are_told_in_one_sentence(capsys, tmp_path):
    message = complaint(capsys, "--port", str(free_port()), "--weights", str(tmp_path / "none"))
    assert f"{tmp_path / 'none'}: there is no such weights folder; correct the path" in message


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.org", "::"])
def test_a_host_that_others_can_reach_is_refused(capsys, host):
    message = complaint(capsys, "--host", host)
    assert f"--host {host}: others could reach the studio there, and it has no passwords" in message
    assert "--auth FILE" in message
    assert "use 127.0.0.1" in message


def test_with_passwords_any_host_is_served(tmp_path):
    (tmp_path / "people.txt").write_text("ann:secret\n")
    accounts = accounts_from(str(tmp_path / "people.txt"), {}, warn=lambda _: None)
    for host in ("0.0.0.0", "::", "127.0.0.1"):
        _check_address(host, 7860, accounts)
    _check_address("127.0.0.1", 7860, Accounts.of(()))


def test_a_wrong_file_of_passwords_is_told_before_anything_is_served(capsys, tmp_path):
    (tmp_path / "people.txt").write_text("ann:secret\nben\n")
    (tmp_path / "people.txt").chmod(0o600)
    message = complaint(capsys, "--host", "0.0.0.0", "--auth", str(tmp_path / "people.txt"))
    assert "people.txt, line 2: write name:password" in message
    assert "secret" not in message


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:7860"),
        ("0.0.0.0", "http://127.0.0.1:7860"),
        ("::1", "http://[::1]:7860"),
    ],
)
def test_the_address_is_one_to_open_here(host, address):
    assert _address(host, 7860) == address


@pytest.mark.parametrize("port", ["0", "70000", "-1"])
def test_a_port_out_of_range_is_refused(capsys, port):
    assert f"--port {port}: a port is a number from 1 to 65535" in complaint(capsys, "--port", port)


def test_a_port_in_use_is_told_in_one_sentence(capsys, tiny_weights, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        folders = ("--weights", str(tiny_weights), "--stories", str(tmp_path / "stories"))
        message = complaint(capsys, "--port", port, *folders)
    assert f"port {port} at 127.0.0.1: cannot be served (address already in use)" in message
    assert "choose another with --port" in message


def test_defaults_are_what_make_app_uses():
    options = _options([])
    assert (options.host, options.port) == ("127.0.0.1", 7860)
    assert options.weights == APP.parent / "weights" / "miniature"
    assert options.stories == APP.parent / "stories"
    assert options.example == APP.parent / "assets" / "stories" / "lighthouse.zip"
    assert options.example.is_file()


def test_the_queue_lies_beside_the_stories_where_the_page_serves_no_files(tmp_path):
    command = worker_command(tmp_path / "mine", tmp_path / "weights")
    assert not command.queue.is_relative_to(tmp_path / "mine")
    assert command.queue.parent.is_dir()
    assert command.options == {"stories": str(tmp_path / "mine"), "weights": str(tmp_path / "weights")}
    assert worker_command(tmp_path / "other", tmp_path / "weights").device_lock == command.device_lock


def test_the_script_ends_with_the_status_of_the_command(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [str(APP), "--host", "0.0.0.0"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(APP), run_name="__main__")
    assert ended.value.code == 2
    assert "0.0.0.0" in capsys.readouterr().err


def test_a_new_studio_begins_with_the_example_finished_by_these_weights(tmp_path):
    options = _options(["--stories", str(tmp_path / "stories")])
    weights_hash = read_manifest(options.weights).weights_hash
    queue = open_store(tmp_path / "jobs.sqlite")
    desk = Desk.on_weights(options.weights, weights_hash, stories=Stories(options.stories), queue=queue)
    put_example(desk, options.example)
    (summary,) = desk.stories.summaries()
    shots = desk.story(summary.id).view(weights_hash=weights_hash).shots
    assert len(shots) >= 12
    assert {shot.condition for shot in shots} == {"fresh"}
    assert all(shot.clip is not None and not shot.clip_stale_for for shot in shots)
    assert [job.job.kind for job in queue.snapshot().jobs] == ["movie"]  # what a zip would be too large with
    put_example(desk, options.example)  # only where no story ever was
    assert len(desk.stories.summaries()) == 1
