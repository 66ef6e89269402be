"""Everything behind a sign-in page: pages, files, uploads, the queue's streams, the API.

The page posts to /login, as gradio_client does with its `auth`; /sign-out ends the session.
"""

from __future__ import annotations

import html
import logging
import math
import re
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.auth import Accounts, Brakes, Sessions

STATIC = Path(__file__).resolve().parent / "pages" / "static"
MAX_FORM_BYTES = 16 * 1024
POLICY_VIOLATION = 1008  # RFC 6455, section 7.4.1
BAD = "Name and password do not match."

_log = logging.getLogger(__name__)


class SignIn:
    """ASGI middleware: who is not signed in gets the sign-in page, a program 401, and a websocket is closed."""

    def __init__(
        self,
        app: ASGIApp,
        accounts: Accounts,
        brakes: Brakes | None = None,
        sessions: Sessions | None = None,
    ) -> None:
        self._app = app
        self._accounts = accounts
        self._brakes = brakes or Brakes()
        self._sessions = sessions or Sessions()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        token = _cookie(scope)
        path = scope["path"].rstrip("/")
        if scope["type"] == "http" and path == "/login" and scope["method"] == "POST":
            response = self._login(scope, await _form(receive))
        elif scope["type"] == "http" and path == "/sign-out" and scope["method"] == "POST":
            response = self._sign_out(scope, token)
        elif self._sessions.name_of(token) is not None:
            await self._app(scope, receive, send)
            return
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return
        else:
            response = _please_sign_in(scope)
        await response(scope, receive, send)

    def _login(self, scope: Scope, form: dict[str, str]) -> Response:
        """No await in here: of many logins at once each is counted before the next is looked at."""
        client = (scope.get("client") or ("", 0))[0]
        wait = self._brakes.seconds_to_wait(client)
        if wait > 0:
            return _refusal(scope, form, 429, f"Too many tries. Wait {_seconds(wait)}, then try again.", wait)
        name = form.get("username", "").strip()
        if not self._accounts.matches(name, form.get("password", "")):
            self._brakes.failed(client)
            _log.warning("a login from %s was refused", client)
            wait = self._brakes.seconds_to_wait(client)
            hint = f" The next try counts in {_seconds(wait)}." if wait else ""
            return _refusal(scope, form, 401, BAD + hint, wait)
        self._brakes.passed(client)
        response: Response = JSONResponse({"success": True})
        if _is_browser(scope):
            response = RedirectResponse(_own_path(form.get("next", "")), status_code=303)
        token = self._sessions.open(name)
        response.set_cookie(_cookie_name(scope), token, **_cookie_marks(scope))
        return response

    def _sign_out(self, scope: Scope, token: str) -> Response:
        self._sessions.close(token)
        response = RedirectResponse("/", status_code=303)
        response.delete_cookie(_cookie_name(scope), **_cookie_marks(scope))
        return response


def sign_in_page(message: str = "", name: str = "", next_path: str = "/") -> str:
    """The page as HTML; it needs no other file. Whatever is put into it is escaped."""
    base = (STATIC / "base.css").read_text(encoding="utf-8")
    found = re.findall(r"(?:^:root|^\.dark) \{(.*?)\}", base, re.MULTILINE | re.DOTALL)
    filled = {"light": found[0], "dark": found[1]}
    filled |= {"message": html.escape(message), "name": html.escape(name), "next": html.escape(next_path)}
    filled |= {"name_first": "" if name else "autofocus", "password_first": "autofocus" if name else ""}
    page = (STATIC / "sign_in.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda field: filled[field[1]], page)


def _please_sign_in(scope: Scope) -> Response:
    if scope["method"] == "GET" and _is_browser(scope):
        query = scope["query_string"].decode("latin-1")
        return _page("", "", _own_path(scope["path"] + (f"?{query}" if query else "")), 401)
    return JSONResponse({"error": "Not authenticated", "detail": "Sign in first."}, status_code=401)


def _refusal(scope: Scope, form: dict[str, str], status: int, message: str, wait: float) -> Response:
    if _is_browser(scope):
        response: Response = _page(message, form.get("username", ""), form.get("next", ""), status)
    else:
        response = JSONResponse({"detail": message}, status_code=status)
    if wait > 0:
        response.headers["Retry-After"] = str(math.ceil(wait))
    return response


def _page(message: str, name: str, next_path: str, status: int) -> Response:
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'",
    }
    return HTMLResponse(sign_in_page(message, name[:200], _own_path(next_path)), status, headers)


def _is_browser(scope: Scope) -> bool:
    return "text/html" in Headers(scope=scope).get("accept", "")


def _own_path(path: str) -> str:
    """`path` if it is one of this studio, so that nobody is sent elsewhere after they have signed in; else /."""
    is_own = re.fullmatch(r"/(?![/\\])[!-~]*", path) is not None and not path.startswith(
        ("/login", "/sign-out")
    )
    return path if is_own else "/"


def _cookie_name(scope: Scope) -> str:
    """With the port: browsers send cookies to every port of a machine, and there may be two studios."""
    return f"moviedreamer-{(scope.get('server') or ('', 0))[1]}"


def _cookie_marks(scope: Scope) -> dict[str, Any]:
    return {
        "httponly": True,
        "samesite": "strict",
        "path": "/",
        "secure": scope["scheme"] in ("https", "wss"),
    }


def _cookie(scope: Scope) -> str:
    try:
        cookies = SimpleCookie(Headers(scope=scope).get("cookie", ""))
    except CookieError:
        return ""
    found = cookies.get(_cookie_name(scope))
    return found.value if found else ""


async def _form(receive: Receive) -> dict[str, str]:
    """The fields of a form; none if it is too large or not a form."""
    body, more = b"", True
    while more and len(body) <= MAX_FORM_BYTES:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if more or len(body) > MAX_FORM_BYTES:
        return {}
    try:
        fields = parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=10)
    except ValueError:  # UnicodeDecodeError among them
        return {}
    return {name: values[0] for name, values in fields.items()}


def _seconds(wait: float) -> str:
    return f"{max(1, math.ceil(wait))} s"
