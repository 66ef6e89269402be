"""A web application on a port of this machine.

Gradio's own `launch` is not used: it asks itself over HTTP whether it is there, which fails behind a proxy and
on a machine too busy to answer within its three seconds.
"""

from __future__ import annotations

import socket

import uvicorn
from fastapi import FastAPI

from moviedreamer_core.errors import InputError

SECONDS_FOR_OPEN_REQUESTS = 2


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


def server_for(app: FastAPI) -> uvicorn.Server:
    """To be run on sockets; it ends at Ctrl-C, or when its `should_exit` is set."""
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=SECONDS_FOR_OPEN_REQUESTS)
    return uvicorn.Server(config)
