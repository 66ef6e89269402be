"""How long a keyframe and a movie take, and how much memory: measured on this machine, written as JSON.

    python benchmarks/bench.py --out outputs/bench.json [--weights DIR] [--only BENCH ...] [--threads N]

Each figure is measured in a process of its own, so that peaks of memory are its own, and after a first run that
does not count. Goals are those of a machine with 2 CPU cores. Memory is the resident set; where ffmpeg or another
process helps, the peak is that of the largest one.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the package, also where it is not installed

GIB = 2**30
REPEATS = 5
STORY_KEYFRAMES, CLIP_SECONDS = 12, 2.0
LONG_KEYFRAMES, HALF_WAY = 300, 150  # the miniature's window holds 16, the paper's 128
NAMES = ("Mara", "Tom")
PLACES = ("the beach", "the harbour", "the library", "the forest")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A measured value; it should be at most `goal`, where there is one."""

    value: float
    unit: str
    goal: float | None = None


# --- what is measured, each in its own process -----------------------------------------------------------


def bench_keyframe(weights: Path) -> dict[str, Figure]:
    """Script to picture for one keyframe: encode, plan, render, decode. Portraits are encoded beforehand."""
    models, prepared = _prepared(weights, num_keyframes=1)
    seconds = _median_seconds(lambda: _draw(models, prepared))
    return {"keyframe": Figure(value=seconds, unit="s", goal=3.0)}


def bench_planning(weights: Path) -> dict[str, Figure]:
    """Planning per keyframe over a story of 12, the first one's reading of the cast included."""
    models, prepared = _prepared(weights, num_keyframes=STORY_KEYFRAMES)
    seconds = _median_seconds(lambda: list(_plan(models, prepared))) / STORY_KEYFRAMES
    return {"planning_keyframe": Figure(value=1000 * seconds, unit="ms", goal=60.0)}


def bench_long_story(weights: Path) -> dict[str, Figure]:
    """300 keyframes planned in one story: memory must not grow once the window slides."""
    models, prepared = _prepared(weights, num_keyframes=LONG_KEYFRAMES)
    resident = {}
    started = time.perf_counter()
    for number, _ in enumerate(_plan(models, prepared), start=1):
        if number in (HALF_WAY, LONG_KEYFRAMES):
            resident[number] = _resident_bytes()
    seconds = time.perf_counter() - started
    return {
        f"long_story_memory_at_{HALF_WAY}": Figure(value=resident[HALF_WAY] / GIB, unit="GiB"),
        f"long_story_memory_at_{LONG_KEYFRAMES}": Figure(value=resident[LONG_KEYFRAMES] / GIB, unit="GiB"),
        "long_story_memory_ratio": Figure(
            value=resident[LONG_KEYFRAMES] / resident[HALF_WAY], unit="1", goal=1.05
        ),
        "long_story_planning_keyframe": Figure(value=1000 * seconds / LONG_KEYFRAMES, unit="ms"),
    }


def bench_movie(weights: Path) -> dict[str, Figure]:
    """The command itself on a story of 12 keyframes with a clip of 2 s each, from the start of the process.

    The two of the cast have a picture each, so finding and reading faces is part of it.
    """
    with tempfile.TemporaryDirectory() as folder:
        story = Path(folder) / "story.yaml"
        for name, portrait in _portraits().items():
            portrait.save(Path(folder) / f"{name}.png")
        mapping = _with_faces(_story(STORY_KEYFRAMES)).model_dump(mode="json")
        story.write_text(json.dumps(mapping), encoding="utf-8")  # JSON is YAML
        command = [sys.executable, "-m", "moviedreamer_core", "movie", str(story)]
        command += ["--out", str(Path(folder) / "movie"), "--weights", str(weights)]
        started = time.perf_counter()
        _checked(command, what="the movie")
        seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024  # Linux counts in KiB
    return {
        "movie": Figure(value=seconds, unit="s", goal=180.0),
        "peak_memory": Figure(value=peak / GIB, unit="GiB", goal=4.0),
    }


BENCHES: dict[str, Callable[[Path], dict[str, Figure]]] = {
    "keyframe": bench_keyframe,
    "planning": bench_planning,
    "long-story": bench_long_story,
    "movie": bench_movie,
}


# --- how -------------------------------------------------------------------------------------------------


def _story(num_keyframes: int):
    """A story of two people, as `parse_story` reads it; the same for the same length."""
    from moviedreamer_core.script import parse_story

    keyframes = [
        {
            "plot": f"{NAMES[number % 2]} walks through {PLACES[number // 3 % 4]}.",
            "scene_elements": ["Medium shot", "Day"],
            "characters": [{"name": NAMES[number % 2], "description": f"{NAMES[number % 2]} is happy."}],
            "seconds": CLIP_SECONDS,
        }
        for number in range(num_keyframes)
    ]
    cast = [
        {"name": "Mara", "description": "A young woman with short red hair and a yellow coat."},
        {"name": "Tom", "description": "An old man with grey hair and a blue shirt."},
    ]
    return parse_story({"title": "Bench", "characters": cast, "keyframes": keyframes}, source="bench")


def _with_faces(story):
    """The story with NAME.png for a face of each of the cast."""
    cast = tuple(c.model_copy(update={"faces": (f"{c.name}.png",)}) for c in story.characters)
    return story.model_copy(update={"characters": cast})


def _portraits() -> dict:
    """A drawn picture of each of NAMES, always the same."""
    import numpy as np

    from moviedreamer_core.storyworld.casting import sample_appearance
    from moviedreamer_core.storyworld.portraits import draw_portrait

    rngs = {name: np.random.default_rng(number) for number, name in enumerate(NAMES)}
    return {name: draw_portrait(sample_appearance(rng), rng=rng, size_px=96) for name, rng in rngs.items()}


def _prepared(weights: Path, *, num_keyframes: int):
    """(models, prepared story) with one drawn portrait for each of the cast."""
    from moviedreamer_core.pictures import Picture, Pictures
    from moviedreamer_core.preparation import Preparation
    from moviedreamer_core.pretrained import load_models

    models = load_models(weights, parts=frozenset({"text", "face", "autoregressive", "renderer"}))
    faces = {
        name: (Picture(path=Path(f"{name}.png"), image=portrait, sha256=name),)
        for name, portrait in _portraits().items()
    }
    pictures = Pictures(faces=faces, references=())
    return models, Preparation(models).prepare(_with_faces(_story(num_keyframes)), pictures)


def _plan(models, prepared) -> Iterator[object]:
    from moviedreamer_core.autoregressive.generation import plan

    return plan(
        models.planner, models.planner_tokenizer, prepared.keyframes, seeds=prepared.seeds, temperature=1.0
    )


def _draw(models, prepared) -> None:
    import torch

    from moviedreamer_core.drawing import render_settings
    from moviedreamer_core.encoders.keyframes import encode_keyframe

    settings = render_settings(models.config)
    names = [character.name for character in prepared.story.characters]
    channels = models.config.face.embed_dim
    with torch.no_grad():
        keyframe = encode_keyframe(
            prepared.story, 1, text=models.text, face_channels=channels,
            face_embeddings=dict.fromkeys(names, prepared.keyframes[0].faces[0]),
        )  # fmt: skip
        (tokens,) = _plan(models, prepared)
        conditions = models.renderer.conditioning.pack(tokens[None], [keyframe])
    for _ in models.renderer.render(
        conditions, seeds=prepared.seeds, steps=settings.steps, guidance_scale=settings.guidance_scale
    ):
        pass


def _median_seconds(work: Callable[[], object]) -> float:
    work()  # the first one allocates and compiles
    seconds = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _checked(command: list[str], *, what: str) -> str:
    """The standard output of `command`. Exits with its last line of errors if it fails."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise SystemExit(f"bench: {what} failed with status {done.returncode}: {lines[-1]}")
    return done.stdout


def measured(bench: str, weights: Path) -> dict[str, Figure]:
    """The figures of one bench, from a fresh process."""
    command = [sys.executable, str(Path(__file__).resolve()), "--measure", bench, "--weights", str(weights)]
    last_line = _checked(command, what=bench).strip().splitlines()[-1]
    return {name: Figure(**values) for name, values in json.loads(last_line).items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("outputs/bench.json"))
    parser.add_argument("--weights", type=Path, default=ROOT / "weights" / "miniature")
    parser.add_argument("--only", nargs="+", choices=BENCHES, default=list(BENCHES), metavar="BENCH")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="default: one for each core")
    parser.add_argument("--measure", choices=BENCHES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    weights = arguments.weights.resolve()
    if arguments.measure:
        figures = BENCHES[arguments.measure](weights)
        print(json.dumps({name: vars(figure) for name, figure in figures.items()}))
        return
    from moviedreamer_core.atomic import make_folder, write_json

    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)  # torch reads it as the measuring processes start
    report: dict[str, Figure] = {}
    print(f"{'figure':<34}{'value':>10} {'unit':<5}{'goal':>8}")
    for bench in arguments.only:
        figures = measured(bench, weights)
        for name, figure in figures.items():
            goal = "" if figure.goal is None else f"{figure.goal:g}"
            mark = "" if figure.goal is None or figure.value <= figure.goal else "  missed"
            print(f"{name:<34}{figure.value:>10.3f} {figure.unit:<5}{goal:>8}{mark}", flush=True)
        report |= figures
    make_folder(arguments.out.parent)
    write_json(
        arguments.out,
        {name: {**vars(figure), "value": round(figure.value, 4)} for name, figure in report.items()},
    )


if __name__ == "__main__":
    main()
