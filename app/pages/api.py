"""Public steps: what a program may ask of the studio by name, with types and docstrings that /?view=api shows.

The names, parameters and results are a promise; the README has an example, tests/app_api holds them fixed.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, get_type_hints

import gradio as gr
from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from app.desk import Desk
from app.pages import media
from app.pages.telling import sentence_of
from moviedreamer_core.errors import InputError
from moviedreamer_core.validation import found


class _Mark(TypedDict):
    _type: Literal["gradio.FileData"]


class File(TypedDict):
    """A file on its way: `handle_file("mara.png")` as an argument, a path on the caller's disk as a result."""

    path: str
    meta: _Mark


def uploaded_file(file: File) -> Path:
    """What the caller has just sent. Raises InputError for any other file of this machine, and for an address."""
    return media.uploaded({"path": file["path"]})


def file_of_story(path: Path) -> File:
    """A file of a story, which the caller then downloads."""
    return {"path": path.as_posix(), "meta": {"_type": "gradio.FileData"}}


def publish(desk: Desk) -> None:
    """Make every public step callable; called once, while the page is built."""
    from app.pages.shot_steps import shot_steps
    from app.pages.story_steps import story_steps

    for step in (*story_steps(desk), *shot_steps(desk)):
        gr.api(told_to_callers(step), api_name=step.__name__, concurrency_limit=None)


def told_to_callers(step: Callable[..., Any]) -> Callable[..., Any]:
    """`step` whose arguments are checked, and whose errors reach the caller as one sentence."""
    hints = get_type_hints(step)
    adapters = {name: TypeAdapter(hint) for name, hint in hints.items() if name != "return"}
    signature = inspect.signature(step)

    def bound(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        return {name: _argument(adapters[name], name, value) for name, value in given.arguments.items()}

    @functools.wraps(step)
    def told(*args: Any, **kwargs: Any) -> Any:
        try:
            return step(**bound(args, kwargs))
        except Exception as error:
            raise _told(error) from error

    @functools.wraps(step)
    async def told_later(*args: Any, **kwargs: Any) -> Any:
        try:
            return await step(**bound(args, kwargs))
        except Exception as error:
            raise _told(error) from error

    chosen: Any = told_later if inspect.iscoroutinefunction(step) else told
    chosen.__signature__ = signature.replace(return_annotation=hints["return"])  # Gradio does not resolve it
    return chosen


def _told(error: Exception) -> gr.Error:
    return gr.Error(sentence_of(error), print_exception=False)


def _argument(adapter: TypeAdapter[Any], name: str, value: Any) -> Any:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        finding = error.errors(include_url=False)[0]
        where = ".".join([name, *(str(part) for part in finding["loc"])])
        wanted = finding["msg"][:1].lower() + finding["msg"][1:]
        raise InputError(
            f"{where}: {wanted}, found {found(finding['input'])}; correct the argument"
        ) from None
