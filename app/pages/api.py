"""Public steps: what a program may ask of the studio by name."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import gradio as gr

from app.pages.telling import sentence_of


def told_to_callers(step: Callable[..., Any]) -> Callable[..., Any]:
    """`step` whose errors reach the caller as one sentence."""

    @functools.wraps(step)
    def told(*args: Any, **kwargs: Any) -> Any:
        try:
            return step(*args, **kwargs)
        except Exception as error:
            raise gr.Error(sentence_of(error), print_exception=False) from error

    return told
