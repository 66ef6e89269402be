"""How often the long proofs repeat themselves, and what they counted.

MOVIEDREAMER_SOAK scales the full counts: 1 in `make soak`, by default a tenth. MOVIEDREAMER_SOAK_LOG names a file
that gets one JSON line of each proof's figures; `make soak` makes docs/soak.md of it.
"""

from __future__ import annotations

import json
import math
import os

SCALE = float(os.environ.get("MOVIEDREAMER_SOAK", "0.1"))


def count(full: int) -> int:
    """`full` repetitions, scaled; never fewer than 1."""
    return max(1, math.ceil(full * SCALE))


def note(claim: str, **figures: float | str) -> None:
    """Append what a proof counted to the log, if there is one."""
    path = os.environ.get("MOVIEDREAMER_SOAK_LOG")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"claim": claim, "scale": SCALE, **figures}, ensure_ascii=False) + "\n")
