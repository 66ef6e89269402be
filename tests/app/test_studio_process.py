"""`python app.py` as a person starts it, with a page's streams open, and how it ends."""

import contextlib
import re
import signal
import subprocess
import threading

import httpx
import pytest
from gradio_client import Client
from studio_process import StudioProcess

pytest_plugins = ("weights",)
PASSWORD = "correct horse"
HARMLESS = re.compile(r"a login from 127\.0\.0\.1 was refused")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_ends_in_silence_with_a_page_open(tiny_weights, tmp_path, number):
    with StudioProcess(tmp_path, weights=tiny_weights) as studio:
        assert studio.lines == [
            "Reading the weights...",
            f"Studio at {studio.address} (Ctrl-C stops it)",
        ]
        client = Client(
            studio.address, verbose=False, httpx_kwargs={"timeout": 600}
        )  # its heartbeat is a stream, as a tab's
        waiting = client.submit(999, api_name="/job_status")
        opened, cut_off = threading.Event(), threading.Event()

        def listen():
            address = f"{studio.address}/gradio_api/heartbeat/another"
            with contextlib.suppress(httpx.HTTPError), httpx.stream("GET", address, timeout=600) as stream:
                opened.set()
                for _ in stream.iter_raw():
                    pass
            cut_off.set()

        thread = threading.Thread(target=listen)
        thread.start()
        assert opened.wait(600)
        assert waiting.exception(timeout=600) is not None
        assert not cut_off.is_set()
        status = studio.stop(number)
        thread.join()
    assert status == 0
    assert studio.complaints == ""
    assert studio.lines[2:] == ["Stopping; what was finished is kept, what waits goes on at the next start."]


def test_a_studio_with_passwords_tells_them_to_nobody(tiny_weights, tmp_path):
    with StudioProcess(
        tmp_path, weights=tiny_weights, accounts=f"ann:{PASSWORD}\n", host="0.0.0.0"
    ) as studio:
        commands = subprocess.run(
            ["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True
        ).stdout
        assert str(studio.port) in commands
        assert PASSWORD not in commands
        for host in ("127.0.0.1", "studio.lan"):
            answer = httpx.get(studio.address, headers={"host": f"{host}:{studio.port}"}, timeout=600)
            assert answer.status_code == 401
        wrong = httpx.post(
            f"{studio.address}/login", data={"username": "ann", "password": "hush"}, timeout=600
        )
        assert wrong.status_code == 401
        form = {"username": "ann", "password": PASSWORD}
        assert httpx.post(f"{studio.address}/login", data=form, timeout=600).status_code == 200
        foreign = {"origin": "http://evil.example"}
        assert (
            httpx.post(f"{studio.address}/login", data=form, headers=foreign, timeout=600).status_code == 403
        )
    said = "\n".join([*studio.lines, studio.complaints])
    assert studio.lines[1] == f"Studio at {studio.address} (Ctrl-C stops it)"
    assert [line for line in studio.complaints.splitlines() if not HARMLESS.fullmatch(line)] == []
    assert PASSWORD not in said
    assert "hush" not in said
