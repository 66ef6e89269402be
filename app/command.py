"""`python app.py`: flags, then the server until Ctrl-C.

Exit status: 0 stopped by Ctrl-C, 2 something given was wrong (one line on stderr says what).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from moviedreamer_core.errors import InputError

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
        _serve(options)
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
    story = ROOT / "assets" / "stories" / "lighthouse" / "story.yaml"
    weights, outputs = ROOT / "weights" / "miniature", ROOT / "outputs" / "studio"
    parser.add_argument("--host", default="127.0.0.1", help="address to serve at; of this machine only")
    parser.add_argument("--port", type=int, default=7860, help="port to serve at")
    parser.add_argument("--weights", type=Path, metavar="DIR", default=weights, help="weights folder")
    parser.add_argument("--outputs", type=Path, metavar="DIR", default=outputs, help="folder for results")
    parser.add_argument("--story", type=Path, metavar="FILE", default=story, help="story to open with")
    return parser.parse_args(arguments)


def _serve(options: argparse.Namespace) -> None:
    """Raises InputError before the page is up, never after."""
    _check_address(options.host, options.port)
    from moviedreamer_core.weights_files import read_manifest

    weights_hash = read_manifest(options.weights).weights_hash

    from app.production import LocalProduction
    from app.server import listen, server_for
    from app.studio import Studio

    production = LocalProduction(options.weights, weights_hash)
    with listen(options.host, options.port) as connections:
        studio = Studio(production, story_file=options.story, outputs=options.outputs)
        server = server_for(studio)
        host = f"[{options.host}]" if ":" in options.host else options.host
        print(f"MovieDreamer Studio: http://{host}:{options.port}  (Ctrl-C stops it)", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[connections])
        print("stopping; what was finished is kept", file=sys.stderr)
        studio.job.cancel()
        studio.job.wait(SECONDS_TO_STOP)


def _check_address(host: str, port: int) -> None:
    from app.guard import is_loopback

    if not is_loopback(host):
        raise InputError(
            f"--host {host}: the studio has no passwords and answers this machine only; use 127.0.0.1"
        )
    if not 1 <= port <= 65535:
        raise InputError(f"--port {port}: a port is a number from 1 to 65535; choose one such as 7860")
