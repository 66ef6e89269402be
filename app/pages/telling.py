"""Messages to people: what went wrong is one sentence, whoever noticed it."""

from __future__ import annotations

import functools
import inspect
import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

import gradio as gr

from app.desk.jobs import duration
from moviedreamer_core.errors import MovieDreamerError

INTERNAL = "Internal failure, the server's log says more; nothing was lost, reload the page and try again."
MAX_SAID = 600  # characters of a message

Handler = TypeVar("Handler", bound=Callable[..., Any])
_log = logging.getLogger(__name__)


def sentence_of(error: BaseException) -> str:
    """What a person is told: with a capital and a full stop, so that it stands alone."""
    if not isinstance(error, MovieDreamerError):
        _log.error("a handler of the page failed", exc_info=error)
        return INTERNAL
    text = " ".join(str(error).split())[:MAX_SAID]
    return text[:1].upper() + text[1:] + ("" if text[-1:] in ".!?…" else ".")


def said(handler: Handler) -> Handler:
    """`handler` whose errors become a warning on the page; its outputs then stay as they are."""
    if inspect.isgeneratorfunction(handler):
        raise TypeError("a handler of the page returns at once; long work belongs in the queue")

    @functools.wraps(handler)
    def told(*args: Any, **kwargs: Any) -> Any:
        try:
            return handler(*args, **kwargs)
        except Exception as error:
            gr.Warning(plain(sentence_of(error)))
            return gr.skip()

    return told  # type: ignore[return-value]


def answered(handler: Callable[[dict[str, Any]], Any]) -> Callable[[Any], dict[str, Any]]:
    """`handler` for a script in the page: gives {"ok": what it returns} or {"error": a sentence}, never raises."""

    @functools.wraps(handler)
    def told(asked: Any) -> dict[str, Any]:
        try:
            if not isinstance(asked, dict):
                return {"error": INTERNAL}
            return {"ok": handler(asked)}
        except Exception as error:
            return {"error": sentence_of(error)}

    del told.__wrapped__  # Gradio reads the signature, and must see `asked` only
    return told


def plain(text: str) -> str:
    """`text` for a toast, which would take it for markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def ago(seconds_since_1970: float | None) -> str:
    """How long ago that was, in words; None is now."""
    seconds = 0.0 if seconds_since_1970 is None else time.time() - seconds_since_1970
    return "just now" if seconds < 60 else f"{duration(seconds)} ago"
