"""The page as a web application, and the server for it.

Gradio's own `launch` is not used: it asks itself over HTTP whether it is there, which fails behind a proxy and
on a machine too busy to answer within its three seconds.
"""

from __future__ import annotations

import socket

import gradio as gr
import uvicorn
from fastapi import FastAPI
from starlette.middleware import Middleware

from app.guard import OwnPageOnly
from app.look import CSS, theme
from app.page import build_page
from app.studio import Studio
from moviedreamer_core.errors import InputError

SECONDS_FOR_OPEN_REQUESTS = 2


def web_app(studio: Studio) -> FastAPI:
    """The page of `studio`. Of this machine's files it serves those in the studio's outputs folder."""
    gr.set_static_paths(studio.outputs)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, middleware=[Middleware(OwnPageOnly)])
    return gr.mount_gradio_app(
        app,
        build_page(studio),
        path="/",
        theme=theme(),
        css=CSS,
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
    )


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections from now on; port 0 stands for a free one. Raises InputError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise InputError(
            f"port {port} at {host}: cannot be served ({error.strerror}); "
            "stop what uses it or choose another with --port"
        ) from error


def server_for(studio: Studio) -> uvicorn.Server:
    """To be run on sockets; it ends at Ctrl-C, or when its `should_exit` is set."""
    config = uvicorn.Config(
        web_app(studio), log_level="warning", timeout_graceful_shutdown=SECONDS_FOR_OPEN_REQUESTS
    )
    return uvicorn.Server(config)
