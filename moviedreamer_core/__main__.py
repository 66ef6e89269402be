"""`python -m moviedreamer_core`: runs a command and says how it ended.

Exit status: 0 done, 2 something given was wrong (one line on stderr says what), 1 an internal failure,
130 stopped by Ctrl-C.
"""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from collections.abc import Sequence

import typer

from moviedreamer_core.commands import app
from moviedreamer_core.errors import InputError

PROGRAM = "python -m moviedreamer_core"
FAILED, BAD_INPUT, STOPPED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status. `--debug` may stand anywhere and shows tracebacks."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    if not debug:
        _silence_libraries()
    try:
        status = app(arguments or ["--help"], prog_name=PROGRAM, standalone_mode=False)
    except typer.TyperException as error:
        return _complain(f"{error.format_message()} (`{PROGRAM} --help` shows how)", error.exit_code)
    except InputError as error:
        if debug:
            traceback.print_exc()
        return _complain(str(error), BAD_INPUT)
    except (KeyboardInterrupt, typer.Abort):
        return _stopped()
    except Exception as error:
        if debug:
            traceback.print_exc()
        advice = "run it again with --debug and report what it prints"
        return _complain(f"internal failure, {type(error).__name__}: {error}; {advice}", FAILED)
    return _stopped() if status == STOPPED else int(status or 0)


def _complain(message: str, status: int) -> int:
    print(f"error: {' '.join(message.splitlines())}", file=sys.stderr)
    return status


def _stopped() -> int:
    print("stopped; what was finished is kept", file=sys.stderr)
    return STOPPED


def _silence_libraries() -> None:
    """Their warnings are for programmers; a person at the terminal gets ours. No hub is asked for a file."""
    warnings.simplefilter("ignore")
    for name, value in {
        "TRANSFORMERS_VERBOSITY": "error",
        "DIFFUSERS_VERBOSITY": "error",
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }.items():
        os.environ.setdefault(name, value)


if __name__ == "__main__":
    sys.exit(main())
