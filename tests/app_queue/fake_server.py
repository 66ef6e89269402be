"""A studio without pages, to be killed: `python fake_server.py FOLDER STEP_SECONDS`. It prints a line once it is up."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

if __name__ == "__main__":
    from queue_bench import Bench

    bench = Bench(Path(sys.argv[1]))
    bench.supervise(bench.command(step_seconds=float(sys.argv[2])))
    print("up", flush=True)
    threading.Event().wait()
