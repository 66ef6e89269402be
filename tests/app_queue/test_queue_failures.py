from __future__ import annotations

import errno
import os
import signal

import pytest

from app.queue.failures import Exit, QueueError, failure_of, failure_of_exit, needs_new_process
from moviedreamer_core.errors import ImageError, MovieDreamerError

LIGHTER = "choose a smaller picture size"


def kind_of(error):
    return failure_of(error, lighter=LIGHTER).kind


def test_the_errors_that_torch_really_raises_are_recognised():
    torch = pytest.importorskip("torch")
    assert (
        kind_of(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")) == "device memory"
    )
    assert kind_of(torch.cuda.OutOfMemoryError("")) == "device memory"
    assert kind_of(torch.AcceleratorError("unspecified launch failure")) == "device"
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert kind_of(caught.value) == "memory"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RuntimeError("CUDA error: device-side assert triggered"), "device"),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), "device"),
        (RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"), "device"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), "device memory"),
        (RuntimeError("HIP error: invalid device ordinal"), "device"),
        (RuntimeError("MPS backend out of memory (MPS allocated: 5.00 GB)"), "device memory"),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: not enough memory"),
            "memory",
        ),
        (MemoryError(), "memory"),
        (OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)), "memory"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "disk"),
        (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)), "disk"),
        (ImageError("mara.png: not an image; choose another"), "input"),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), "internal"),
        (ValueError("a CUDA error is only mentioned"), "internal"),
        (SystemExit(0), "internal"),
        (FileNotFoundError(errno.ENOENT, "gone"), "internal"),
    ],
)
def test_an_error_is_told_by_what_a_person_can_do(error, kind):
    failure = failure_of(error, lighter=LIGHTER)
    assert failure.kind == kind
    assert "\n" not in failure.message
    assert ";" in failure.message  # what happened; what to do


def test_memory_advises_what_to_lower():
    for error in (MemoryError(), RuntimeError("CUDA out of memory")):
        assert LIGHTER in failure_of(error, lighter=LIGHTER).message


def test_an_error_for_people_is_shown_as_it_is_and_its_cause_still_counts():
    error = ImageError("mara.png: cannot be encoded;\n choose another")
    error.__cause__ = RuntimeError("CUDA error: unspecified launch failure")
    failure = failure_of(error, lighter=LIGHTER)
    assert (failure.kind, failure.message) == ("device", "mara.png: cannot be encoded; choose another")


def test_a_chain_of_causes_that_bites_its_tail_ends():
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    assert kind_of(first) == "internal"


def test_a_message_stays_short_whatever_a_library_says():
    failure = failure_of(RuntimeError("CUDA error: " + "x\n" * 10_000), lighter=LIGHTER)
    assert len(failure.message) <= 600
    assert "restart the computer" in failure.message


@pytest.mark.parametrize(
    ("status", "words", "kind", "expected"),
    [
        (-signal.SIGKILL, "", "memory", "signal 9), most likely because the computer ran out of memory"),
        (-signal.SIGSEGV, "", "crash", "SIGSEGV, signal 11"),
        (
            -signal.SIGABRT,
            "terminate called after throwing std::bad_alloc",
            "device memory",
            "ran out of memory",
        ),
        (-signal.SIGABRT, "", "crash", "inside a library or driver"),
        (-signal.SIGTERM, "", "stopped", "stopped from outside (SIGTERM, signal 15)"),
        (-63, "", "crash", "signal 63"),
        (1, "Traceback\nValueError: no\n", "crash", "status 1 (ValueError: no)"),
        (3, "", "crash", "status 3;"),
        (Exit.DONE, "", "gone", "ended before the job did"),
    ],
)
def test_the_death_of_the_process_is_told_with_its_cause(status, words, kind, expected):
    failure = failure_of_exit(status, log_file="queue.log", last_words=words)
    assert failure.kind == kind
    assert expected in failure.message
    assert "what was finished is kept" in failure.message
    assert "retry" in failure.message


def test_after_an_error_of_the_device_only_a_new_process_is_trusted():
    device = failure_of(RuntimeError("CUDA error: unknown error"), lighter=LIGHTER)
    memory = failure_of(RuntimeError("CUDA out of memory"), lighter=LIGHTER)
    assert needs_new_process(device, earlier_in_a_row=0)
    assert not needs_new_process(memory, earlier_in_a_row=0)
    assert needs_new_process(memory, earlier_in_a_row=1)
    assert needs_new_process(failure_of(MemoryError(), lighter=LIGHTER), earlier_in_a_row=0)
    assert not needs_new_process(failure_of(ValueError(), lighter=LIGHTER), earlier_in_a_row=5)


def test_the_queue_raises_what_the_command_line_understands():
    assert issubclass(QueueError, MovieDreamerError)


def test_orderly_ends_are_no_statuses_that_python_or_the_shell_use():
    assert not {status for status in Exit if status != Exit.DONE} & {1, 2, *range(126, 256)}
