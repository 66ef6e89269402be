"""`python app.py`: flags, then the server until Ctrl-C.

Exit status: 0 stopped by Ctrl-C, 2 something given was wrong (one line on stderr says what).
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from moviedreamer_core.errors import InputError

if TYPE_CHECKING:
    from gradio import Blocks

    from app.studio import Studio

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
    )
    defaults = argparse.ArgumentDefaultsHelpFormatter
    parser.formatter_class = defaults
    parser.add_argument("--host", default="127.0.0.1", help="address to serve at; of this machine only")
    parser.add_argument("--port", type=int, default=7860, help="port to serve at")
    add = parser.add_argument
    add("--weights", type=Path, metavar="DIR", default=ROOT / "weights" / "miniature", help="weights folder")
    add("--outputs", type=Path, metavar="DIR", default=ROOT / "outputs" / "studio", help="folder for results")
    story = ROOT / "assets" / "stories" / "lighthouse" / "story.yaml"
    add("--story", type=Path, metavar="FILE", default=story, help="story to open with")
    return parser.parse_args(arguments)


def _serve(options: argparse.Namespace) -> None:
    """Raises InputError before the page is up, never after."""
    _check_address(options.host, options.port)
    from moviedreamer_core.weights_files import read_manifest

    weights_hash = read_manifest(options.weights).weights_hash

    from app.production import LocalProduction
    from app.studio import Studio

    production = LocalProduction(options.weights, weights_hash)
    studio = Studio(production, story_file=options.story, outputs=options.outputs)
    page = launch(studio, host=options.host, port=options.port)
    print(f"MovieDreamer Studio: {page.local_url}  (Ctrl-C stops it)", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        print("\nstopping; what was finished is kept", file=sys.stderr)
    studio.job.cancel()
    studio.job.wait(SECONDS_TO_STOP)
    page.close()


def launch(studio: Studio, *, host: str, port: int) -> Blocks:
    """Serve the page of `studio` from threads in the background. Raises InputError if the port is taken."""
    import gradio as gr
    from starlette.middleware import Middleware

    from app.guard import OwnPageOnly
    from app.look import CSS, theme
    from app.page import build_page

    gr.set_static_paths(studio.outputs)
    page = build_page(studio)
    try:
        page.launch(
            server_name=host,
            server_port=port,
            prevent_thread_lock=True,
            quiet=True,
            share=False,
            ssr_mode=False,
            theme=theme(),
            css=CSS,
            footer_links=[],
            app_kwargs={"middleware": [Middleware(OwnPageOnly)]},
        )
    except OSError as error:
        raise InputError(
            f"port {port}: cannot be served ({error}); stop what uses it or choose another --port"
        ) from error
    return page


def _check_address(host: str, port: int) -> None:
    from app.guard import is_loopback

    if not is_loopback(host):
        raise InputError(
            f"--host {host}: the studio has no passwords and answers this machine only; use 127.0.0.1"
        )
    if not 1 <= port <= 65535:
        raise InputError(f"--port {port}: a port is a number from 1 to 65535; choose one such as 7860")
