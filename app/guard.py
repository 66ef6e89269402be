"""What a request must look like to be answered: of the studio's own page, for a path that the studio uses.

Gradio answers more than this application needs: any file that it may read, addresses elsewhere, recordings to convert.
Only what the page and gradio_client ask for is let through, and of files only those that a story shows.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.auth import Accounts
from app.sign_in import POLICY_VIOLATION, SignIn
from moviedreamer_core.errors import StoryError
from moviedreamer_core.workspace.layout import file_kind, known_file, story_id_of

FILE_ROUTE = "/gradio_api/file="
SHOWN_KINDS = frozenset({"story", "picture", "music", "image", "clip", "export"})
GRADIO_STEPS = frozenset({
    "api", "app_id", "call", "cancel", "component_server", "heartbeat", "info", "login_check", "queue", "reset",
    "run", "startup-events", "theme.css", "token", "upload", "upload_progress", "user",
})  # fmt: skip
GRADIO_PAGES = re.compile(
    r"/|/(config|theme\.css|favicon\.ico|robots\.txt|manifest\.json|login_check)/?"
    r"|/(assets|static|svelte|pwa_icon)(/.*)?"
)
ASKING = re.compile(
    r"/gradio_api/(queue/join|run/.*|api/.*|call/.*|component_server)/?"
)  # whose bodies name files
MAX_ASKED_BYTES = 64 * 2**20
HEADERS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}  # fmt: skip


def guards(stories: Path, uploads: Path, accounts: Accounts | None = None) -> list[Middleware]:
    """All checks in their order, for a studio whose stories and uploads lie in these folders; with accounts, people
    sign in."""
    found = [Middleware(OwnPageOnly, any_host=bool(accounts))]
    if accounts:
        found.append(Middleware(SignIn, accounts=accounts))
    return [*found, Middleware(KnownPathsOnly, stories=stories), Middleware(SentFilesOnly, uploads=uploads)]


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach `host`, a name or an address."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class OwnPageOnly:
    """ASGI middleware: Host must be this machine, against names that are made to point here, and Origin, if
    the browser sends one, must be the page itself.

    With `any_host`, Host is free: people have to sign in, and a browser has no session for another name.
    """

    def __init__(self, app: ASGIApp, any_host: bool = False) -> None:
        self._app = app
        self._any_host = any_host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or _is_own(scope, self._any_host):
            await self._app(scope, receive, _with_headers(send))
        else:
            await _refuse(scope, receive, send, "This studio answers its own page only.", 403)


class KnownPathsOnly:
    """ASGI middleware: what the studio does not use is not there, and no file but those that a story shows."""

    def __init__(self, app: ASGIApp, stories: Path) -> None:
        self._app = app
        self._stories = stories.resolve()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["path"].startswith(FILE_ROUTE):
            if is_shown(self._stories, scope["path"].removeprefix(FILE_ROUTE)):
                await self._app(scope, receive, send)
            else:
                await _refuse(scope, receive, send, "This is not a file of a story.", 403)
        elif _is_used(scope["path"]):
            await self._app(scope, receive, send)
        else:
            await _refuse(scope, receive, send, "The studio has no such page.", 404)


class SentFilesOnly:
    """ASGI middleware: a file that a step is asked to take must be one that was uploaded.

    Gradio would copy any file of this machine that a request names, or fetch it from an address: it trusts paths
    until `launch` was called, which this application never does.
    """

    def __init__(self, app: ASGIApp, uploads: Path) -> None:
        self._app = app
        self._uploads = uploads.resolve()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not ASKING.fullmatch(scope["path"]) or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        body = await _body(receive)
        if body is None:
            await _refuse(scope, receive, send, "The request is too large; send files as uploads.", 413)
        elif not all(self._is_sent(path) for path in named_files(body)):
            await _refuse(scope, receive, send, "The file did not arrive; choose it again.", 400)
        else:
            await self._app(scope, _again(body, receive), send)

    def _is_sent(self, path: object) -> bool:
        try:
            found = Path(str(path)).resolve()
            return found.is_relative_to(self._uploads) and found.is_file()
        except (OSError, ValueError):  # a null byte, links in a circle
            return False


def named_files(body: bytes) -> Iterator[object]:
    """The path in everything that Gradio takes for a file in a JSON text; nothing in what is no JSON."""
    try:
        waiting: list[Any] = [json.loads(body)]
    except (ValueError, RecursionError):  # which Gradio cannot read either
        return
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if isinstance(value.get("meta"), dict) and value["meta"].get("_type") == "gradio.FileData":
                yield value.get("path")
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None if it is too large."""
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
        if size > MAX_ASKED_BYTES:
            return None
    return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """As `receive` was before `body` was read."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> Message:
        return messages.pop() if messages else await receive()

    return received


def is_shown(stories: Path, path: str) -> bool:
    """Whether `path`, as a request has it, is a file of a story in the folder `stories` that pages show.

    Only the one way to write it counts: no "..", no link that leads elsewhere, nothing of the workspace's own.
    """
    inside = path.removeprefix(f"{stories.as_posix()}/")
    folder, _, relative = inside.partition("/")
    if inside == path or story_id_of(folder) is None or file_kind(relative) not in SHOWN_KINDS:
        return False
    try:
        known_file(stories / folder, relative)
    except (StoryError, OSError, ValueError):
        return False
    return True


def _is_used(path: str) -> bool:
    if path.startswith("/gradio_api/"):
        return path.split("/")[2] in GRADIO_STEPS
    return GRADIO_PAGES.fullmatch(path) is not None


def _is_own(scope: Scope, any_host: bool) -> bool:
    headers = Headers(scope=scope)
    host, origin = headers.get("host", ""), headers.get("origin")
    try:
        name = urlsplit(f"//{host}").hostname or ""
        if not (is_loopback(name) or (any_host and name)):
            return False
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return False
    except ValueError:  # not an address at all
        return False
    return headers.get("sec-fetch-site", "none") in ("none", "same-origin") or _is_link(scope, headers)


def _is_link(scope: Scope, headers: Headers) -> bool:
    """A link on another site that a person followed, which that site cannot look into."""
    return (
        scope.get("method") == "GET"
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )


async def _refuse(scope: Scope, receive: Receive, send: Send, sentence: str, status: int) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": POLICY_VIOLATION})
    else:
        await PlainTextResponse(sentence, status_code=status, headers=HEADERS)(scope, receive, send)


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sent
