"""What the worker needs of whoever does the work, and how it gets hold of it.

The queue never names code: neither its file nor a page can make the worker import anything. Which factory to call
is said on the worker's command line, by the program that starts it.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Generator, Mapping
from typing import Protocol

from app.queue.failures import QueueError
from app.queue.jobs import Job
from app.queue.progress import Progress
from moviedreamer_core.errors import MovieDreamerError

_REFERENCE = re.compile(r"(?P<module>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):(?P<factory>[A-Za-z_]\w*)", re.ASCII)


class Work(Protocol):
    """Does jobs, one at a time, in the worker's main thread.

    The factory that makes it is quick: what takes time (weights) is loaded by the first job that needs it.
    """

    def __call__(self, job: Job) -> Generator[Progress, None, None]:
        """Do `job` as it is iterated, at most one denoising step at a time.

        Closing the generator is a cancellation: what is finished stays, nothing half-done does. The same job may be
        asked for again later (retry, a closed studio), and then goes on from what is there. A MovieDreamerError is
        shown to the person as it is.
        """

    def release(self) -> None:
        """Give back all memory of the device; called after it ran out."""


def load_work(reference: str, options: Mapping[str, object]) -> Work:
    """Call the factory at `reference`, "package.module:name", with `options` as keywords. Raises QueueError."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise QueueError(f'--work {reference!a}: must look like "package.module:factory"; correct it')
    try:
        factory = getattr(importlib.import_module(match["module"]), match["factory"])
        return factory(**options)
    except MovieDreamerError as error:
        raise QueueError(str(error)) from error
    except Exception as error:
        detail = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise QueueError(
            f"the worker cannot load what does the work, {reference} ({detail}); see its log"
        ) from error
