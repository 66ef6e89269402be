"""From what the long proofs counted to a page about it: `python tests/soak_report.py LOG --out docs/soak.md`.

LOG has a JSON line per proof, see soak.py. Lines of the same claim, of a test that runs in several ways, become one
row: their figures are added up, or the largest is taken of those that are called so.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

Figure = float | str
LARGEST = ("most_", "latest_", "largest_", "bound_")  # how figures are called that are not added up
MAX_WORDS = 4  # different words of a figure that are spelled out


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page; 2 if there is nothing to write about."""
    parser = argparse.ArgumentParser(description="Make a page of what the long proofs counted.")
    parser.add_argument("log", type=Path, help="what MOVIEDREAMER_SOAK_LOG named")
    parser.add_argument("--out", type=Path, required=True, help="the page, in Markdown")
    options = parser.parse_args(arguments)
    lines = options.log.read_text(encoding="utf-8").splitlines() if options.log.is_file() else []
    if not lines:
        print(f"error: {options.log}: nothing was counted; run make soak", file=sys.stderr)
        return 2
    options.out.write_text(page([json.loads(line) for line in lines]), encoding="utf-8")
    return 0


def page(notes: list[dict[str, Figure]]) -> str:
    """Date, machine and a row per claim, in Markdown."""
    today = datetime.datetime.now(datetime.UTC).date()
    scales = {float(note.pop("scale")) for note in notes}
    counts = (
        "in full" if scales == {1.0} else f"scaled by {', '.join(f'{scale:g}' for scale in sorted(scales))}"
    )
    rows = "\n".join(f"| {plain(claim)} | {said(figures)} |" for claim, figures in merged(notes).items())
    return f"""# What `make soak` counted

{today}, counts {counts}. Machine: {machine()}.

Every row is a test that passed; the figures are what it really did. `make test` runs the same tests at a tenth of the
counts.

| claim | counted |
|---|---|
{rows}
"""


def merged(notes: list[dict[str, Figure]]) -> dict[str, dict[str, list[Figure]]]:
    """All values of each figure, by claim and the figure's name, in the order of the log."""
    found: dict[str, dict[str, list[Figure]]] = {}
    for note in notes:
        figures = found.setdefault(str(note.pop("claim")), {})
        for name, value in note.items():
            figures.setdefault(name, []).append(value)
    return found


def said(figures: dict[str, list[Figure]]) -> str:
    """`killed 200, lost 0`."""
    return ", ".join(
        f"{name.replace('_', ' ')} {one_value(name, values)}" for name, values in figures.items()
    )


def one_value(name: str, values: list[Figure]) -> str:
    words = list(dict.fromkeys(plain(str(value)) for value in values if isinstance(value, str)))
    if words:
        return " and ".join(words) if len(words) <= MAX_WORDS else f"of {len(words)} kinds"
    numbers = [float(value) for value in values]
    number = max(numbers) if name.startswith(LARGEST) else sum(numbers)
    return f"{number:,.0f}" if number == int(number) else f"{number:,.3g}"


def plain(text: str) -> str:
    """`text` as a cell of a table, whatever is in it."""
    text = " ".join(text.split())
    for mark, written in (("&", "&amp;"), ("<", "&lt;"), ("|", "\\|")):
        text = text.replace(mark, written)
    return text


def machine() -> str:
    """Cores that may be used, processor, memory, system and Python, in words."""
    cores = len(os.sched_getaffinity(0))
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()} {platform.release().partition('-')[0]}"
    return (
        f"{cores} {'core' if cores == 1 else 'cores'} of {processor()}, {gib:.0f} GiB of memory, {system}, "
        f"Python {platform.python_version()}"
    )


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2] for line in lines if line.startswith("model name")]
    return " ".join((names[0] if names else platform.machine()).replace("(R)", "").split())


if __name__ == "__main__":
    sys.exit(main())
