"""`python app.py`: flags, then the server until Ctrl-C.

Exit status: 0 stopped by Ctrl-C, 2 something given was wrong (one line on stderr says what).
"""

from __future__ import annotations

import argparse
import contextlib
import getpass
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from moviedreamer_core.errors import InputError

if TYPE_CHECKING:
    import socket

    from app.auth import Accounts
    from app.desk import Desk
    from app.queue.processes import WorkerCommand

ROOT = Path(__file__).resolve().parent.parent
BAD_INPUT = 2
SECONDS_TO_STOP = 10.0  # given to a step that is running

_SETTINGS = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "DIFFUSERS_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "false",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the page; the exit status."""
    options = _options(arguments)
    os.environ.update(_SETTINGS)  # before gradio and the model libraries are imported
    try:
        with _terminated_as_by_ctrl_c():
            _serve(options)
    except KeyboardInterrupt:
        return 0
    except InputError as error:
        print(f"error: {' '.join(str(error).splitlines())}", file=sys.stderr)
        return BAD_INPUT
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python app.py",
        description="MovieDreamer Studio: a page in your browser, for you at this machine.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    example, weights = ROOT / "assets" / "stories" / "lighthouse.zip", ROOT / "weights" / "miniature"
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to serve at; one that others can reach needs --auth"
    )
    parser.add_argument("--port", type=int, default=7860, help="port to serve at")
    parser.add_argument(
        "--auth", metavar="FILE",
        help="let people in by name and password: a file with lines name:password, or NAME:PASSWORD itself, which "
        "others on this machine can see; or set MOVIEDREAMER_AUTH",
    )  # fmt: skip
    parser.add_argument("--weights", type=Path, metavar="DIR", default=weights, help="weights folder")
    parser.add_argument("--stories", type=Path, metavar="DIR", default=ROOT / "stories", help="your stories")
    parser.add_argument(
        "--example", type=Path, metavar="FILE", default=example,
        help="the story that an empty folder of stories begins with: a story file or a zip",
    )  # fmt: skip
    return parser.parse_args(arguments)


def _serve(options: argparse.Namespace) -> None:
    """Raises InputError before the page is up, never after; KeyboardInterrupt if it is stopped before that."""
    from app.auth import accounts_from

    accounts = accounts_from(options.auth, os.environ, warn=_warn)
    _check_address(options.host, options.port, accounts)
    from app.server import listen
    from moviedreamer_core.weights_files import read_manifest

    with listen(options.host, options.port) as connections:
        print("Reading the weights...", flush=True)
        weights_hash = read_manifest(options.weights).weights_hash

        from app.uploads import uploads_in

        command = worker_command(options.stories, options.weights)
        with uploads_in(command.queue.with_name("uploads")):
            _serve_stories(options, weights_hash, command, accounts, connections)


def _serve_stories(
    options: argparse.Namespace,
    weights_hash: str,
    command: WorkerCommand,
    accounts: Accounts,
    connections: socket.socket,
) -> None:
    """The page and its worker, until Ctrl-C. Raises InputError before the page is up."""
    from app.desk import Desk
    from app.pages.shell import studio_app
    from app.queue.store import open_store
    from app.queue.supervisor import Supervisor
    from app.server import server_for
    from moviedreamer_core.workspace import Stories

    queue = open_store(command.queue)
    desk = Desk.on_weights(options.weights, weights_hash, stories=Stories(options.stories), queue=queue)
    put_example(desk, options.example)
    supervisor = Supervisor(queue, command)
    supervisor.start()
    try:
        address = _address(options.host, options.port)
        server = server_for(studio_app(desk, accounts), lambda: _say_where(address))
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[connections])
        print("Stopping; what was finished is kept, what waits goes on at the next start.", flush=True)
    finally:
        supervisor.close("stop", seconds=SECONDS_TO_STOP)


def _say_where(address: str) -> None:
    print(f"Studio at {address} (Ctrl-C stops it)", flush=True)


def _address(host: str, port: int) -> str:
    """What to open in a browser on this machine."""
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{here}]:{port}" if ":" in here else f"http://{here}:{port}"


def _warn(sentence: str) -> None:
    print(f"warning: {sentence}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def _terminated_as_by_ctrl_c() -> Iterator[None]:
    """In the block, SIGTERM ends the studio as Ctrl-C does, with its worker."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def put_example(desk: Desk, example: Path) -> None:
    """On a workspace where no story ever was, the finished example; its movie is joined at once. Raises InputError."""
    story = desk.shelf.put_example(example)
    if story is not None and story.view().shown_takes:
        desk.movie.make_movie(story.id)


def worker_command(stories: Path, weights: Path) -> WorkerCommand:
    """How the worker for these stories is started. Its queue lies beside them, where the page serves no files.

    Raises OutputError.
    """
    from app.queue.processes import WorkerCommand
    from moviedreamer_core.atomic import make_folder

    stories = stories.resolve()
    beside = stories.with_name(f"{stories.name}.queue")
    device = (
        Path(tempfile.gettempdir()) / f"moviedreamer-{getpass.getuser()}"
    )  # one for all studios of a person
    make_folder(beside)
    make_folder(device)
    return WorkerCommand(
        queue=beside / "jobs.sqlite",
        device_lock=device / "device.lock",
        work="app.work:studio_work",
        options={"stories": str(stories), "weights": str(weights.resolve())},
    )


def _check_address(host: str, port: int, accounts: Accounts) -> None:
    from app.guard import is_loopback

    if not accounts and not is_loopback(host):
        raise InputError(
            f"--host {host}: others could reach the studio there, and it has no passwords yet; "
            "give it some with --auth FILE, lines name:password, or use 127.0.0.1"
        )
    if not 1 <= port <= 65535:
        raise InputError(f"--port {port}: a port is a number from 1 to 65535; choose one such as 7860")
