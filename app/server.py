"""A web application on a port of this machine.

Gradio's own `launch` is not used: it asks itself over HTTP whether it is there, which fails behind a proxy and
on a machine too busy to answer within its three seconds.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable

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
        why = os.strerror(error.errno).lower() if error.errno and error.errno > 0 else error.strerror
        raise InputError(
            f"port {port} at {host}: cannot be served ({why}); "
            "stop what uses it or choose another with --port"
        ) from error


class StudioServer(uvicorn.Server):
    """Tells when it answers, and ends in silence: an open tab's streams are cut off at Ctrl-C, which is no failure."""

    def __init__(self, config: uvicorn.Config, on_start: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_start = on_start

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        loggers = [logging.getLogger(name) for name in ("uvicorn.error", "asyncio")]
        for logger in loggers:
            logger.addFilter(self._is_worth_saying)
        try:
            super().run(sockets)
        finally:
            for logger in loggers:
                logger.removeFilter(self._is_worth_saying)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_start()

    def _is_worth_saying(self, record: logging.LogRecord) -> bool:
        return not self.should_exit


def server_for(app: FastAPI, on_start: Callable[[], None] = lambda: None) -> StudioServer:
    """To be run on sockets; it ends at Ctrl-C, or when its `should_exit` is set."""
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=SECONDS_FOR_OPEN_REQUESTS)
    return StudioServer(config, on_start)
