"""Why a job failed, as a sentence for whoever queued it, and whether its process can go on afterwards.

Source: the exception classes of torch 2.11 (`torch.OutOfMemoryError`, `torch.AcceleratorError`), recognised by
name because the queue must not import torch; signal(7) for the deaths of a process.
"""

from __future__ import annotations

import enum
import errno
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from moviedreamer_core.errors import InputError, MovieDreamerError

MAX_MESSAGE_CHARACTERS = 600
KEPT = "what was finished is kept"

FailureKind = Literal[
    "input",  # something a person gave
    "device memory",
    "device",
    "memory",
    "disk",
    "crash",  # the process died by itself
    "stopped",  # somebody ended the process
    "gone",  # the process is no more, and nobody saw how it ended
    "internal",
]


class QueueError(InputError):
    """The queue refuses a request, or its file cannot be used."""


class Exit(enum.IntEnum):
    """How the worker ends when it ends in order; everything else is a crash."""

    DONE = 0  # nothing left to do, or asked to stop
    DEVICE_TAKEN = 81  # another worker owns the device
    DEVICE_LOST = 82  # the job's failure is recorded; only a new process can use the device
    NO_WORK = 83  # what does the work cannot be had; the reason is recorded
    NO_QUEUE = 84  # the queue's file is gone or cannot be used


@dataclass(frozen=True, kw_only=True)
class Failure:
    """`message` is one sentence: what happened, and what to do about it."""

    kind: FailureKind
    message: str


def failure_of(error: BaseException, *, lighter: str) -> Failure:
    """What `error`, raised by the work, means to a person. `lighter` says how to ask for less memory."""
    kinds = (_kind_of(cause) for cause in _chain(error))
    kind: FailureKind = next((found for found in kinds if found is not None), "internal")
    if isinstance(error, MovieDreamerError):
        return Failure(kind="input" if kind == "internal" else kind, message=one_line(str(error)))
    detail = one_line(f"{type(error).__name__}: {error}".rstrip(": "))
    return Failure(kind=kind, message=one_line(_sentence(kind, detail, lighter)))


def needs_new_process(failure: Failure, *, earlier_in_a_row: int) -> bool:
    """Whether the device, or the process, cannot be trusted with another job.

    After an error of the device every later call may fail or be wrong. Out of its memory is recoverable once the
    memory is given back; the second time in a row (`earlier_in_a_row` > 0) it evidently was not.
    """
    if failure.kind == "device memory":
        return earlier_in_a_row > 0
    return failure.kind in ("device", "memory")


def failure_of_exit(status: int, *, log_file: str, last_words: str = "") -> Failure:
    """What the end of the worker's process means to the job that ran. `status` as `Popen.returncode` has it.

    `last_words` is the end of its log.
    """
    if status == Exit.DONE:
        return Failure(kind="gone", message=f"the worker ended before the job did; {KEPT}, retry to go on")
    if status > 0:
        line = one_line(last_words.strip().rpartition("\n")[2])
        said = f" ({line})" if line else ""
        advice = f"{KEPT}, retry, and see {log_file} if it happens again"
        message = one_line(f"the worker ended unexpectedly, status {status}{said}; {advice}")
        return Failure(kind="crash", message=message)
    return _failure_of_signal(-status, log_file=log_file, last_words=last_words)


def _failure_of_signal(number: int, *, log_file: str, last_words: str) -> Failure:
    if number == signal.SIGKILL:
        return Failure(
            kind="memory",
            message="the worker was killed (signal 9), most likely because the computer ran out of memory; "
            f"{KEPT}, close other programs or choose a smaller size, then retry",
        )
    if number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        return Failure(
            kind="stopped",
            message=f"the worker was stopped from outside ({_name(number)}); {KEPT}, retry to go on",
        )
    if _is_memory(last_words):
        cause = "its device or the computer ran out of memory"
        return Failure(
            kind="device memory",
            message=f"the worker crashed ({_name(number)}) because {cause}; "
            f"{KEPT}, close other programs or choose a smaller size, then retry",
        )
    return Failure(
        kind="crash",
        message=f"the worker crashed ({_name(number)}) inside a library or driver; "
        f"{KEPT}, retry, and see {log_file} if it happens again",
    )


GONE = Failure(
    kind="gone", message=f"the worker disappeared while no studio watched it; {KEPT}, retry to go on"
)
SILENT = Failure(
    kind="crash",
    message=f"the worker did not answer any more and was ended; {KEPT}, retry, with a smaller size if it happens again",
)

_DEVICE_MEMORY = re.compile(
    r"out of memory|CUBLAS_STATUS_ALLOC_FAILED|CUDNN_STATUS_ALLOC_FAILED|MPS backend out of memory",
    re.IGNORECASE,
)
_DEVICE = re.compile(
    r"\b(?:CUDA|HIP|ROCm|XPU|NCCL)\b.{0,20}\berror\b|\bCUBLAS_STATUS_|\bCUDNN_STATUS_|\bcuDNN error\b"
    r"|\bCUSOLVER_STATUS_|\bdevice-side assert\b|\bunspecified launch failure\b"
    r"|\bNo CUDA GPUs are available\b|\bMPS backend\b|\bMetal\b.{0,20}\berror\b",
    re.IGNORECASE,
)
_HOST_MEMORY = re.compile(
    r"DefaultCPUAllocator|not enough memory: you tried to allocate|Cannot allocate memory|bad_alloc",
    re.IGNORECASE,
)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """`error` and what it was raised from, the outermost first."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__


def _kind_of(error: BaseException) -> FailureKind | None:
    names = {f"{cls.__module__.partition('.')[0]}.{cls.__name__}" for cls in type(error).__mro__}
    text = str(error)
    if isinstance(error, MemoryError):
        return "memory"
    if isinstance(error, OSError):
        return _kind_of_refusal(error)
    if isinstance(error, RuntimeError):
        if _HOST_MEMORY.search(text):
            return "memory"
        if "torch.OutOfMemoryError" in names or _DEVICE_MEMORY.search(text):
            return "device memory"
        if "torch.AcceleratorError" in names or _DEVICE.search(text):
            return "device"
    return None


def _kind_of_refusal(error: OSError) -> FailureKind | None:
    if error.errno == errno.ENOMEM:
        return "memory"
    return "disk" if error.errno in (errno.ENOSPC, errno.EDQUOT) else None


def _sentence(kind: FailureKind, detail: str, lighter: str) -> str:
    match kind:
        case "device memory":
            return f"the device ran out of memory; {KEPT}, close other programs that use it or {lighter}, then retry"
        case "memory":
            return f"the computer ran out of memory; {KEPT}, close other programs or {lighter}, then retry"
        case "disk":
            return f"the disk is full; {KEPT}, free some space and retry"
        case "device":
            return (
                f"the device failed ({detail[:200]}); {KEPT} and the worker starts afresh, "
                "retry, and restart the computer if it goes on"
            )
    return f"internal failure, {detail}; {KEPT}, please report this"


def _is_memory(text: str) -> bool:
    return bool(_DEVICE_MEMORY.search(text) or _HOST_MEMORY.search(text))


def _name(number: int) -> str:
    try:
        return f"{signal.Signals(number).name}, signal {number}"
    except ValueError:
        return f"signal {number}"


def one_line(text: str, *, max_characters: int = MAX_MESSAGE_CHARACTERS) -> str:
    """`text` in one line that any file takes: names of files may hold half characters."""
    text = " ".join(text.encode("utf-8", "replace").decode().split())
    return text if len(text) <= max_characters else text[: max_characters - 1] + "…"
