"""The commands of `python -m moviedreamer_core`, see `__main__` for how they end.

What reads models is imported inside the commands: help and complaints about a story must not wait for torch.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from moviedreamer_core.atomic import make_folder, replacing
from moviedreamer_core.errors import InputError

if TYPE_CHECKING:
    from moviedreamer_core.script import Story

DEFAULT_WEIGHTS = Path(__file__).resolve().parent.parent / "weights" / "miniature"
DEFAULT_RUNS = Path("runs/miniature")
MAX_SEED = 2**63 - 1  # as in script, which takes a while to import
MAX_SECONDS = 60.0  # of a clip, as in script
MAX_STEPS = 1000  # of the noise schedule

app = typer.Typer(
    name="moviedreamer_core",
    help="Stories to storyboards to movies (MovieDreamer).",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


StoryFile = Annotated[
    Path, typer.Argument(metavar="STORY", help="Story file: YAML, JSON, CSV, plain text or Fountain.")
]
RunFolder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder that `storyboard` or `movie` made.")]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the results.")]
Weights = Annotated[Path, typer.Option("--weights", metavar="DIR", help="Weights folder.")]
Runs = Annotated[Path, typer.Option("--runs", metavar="DIR", help="Data and checkpoints of training.")]
StorySeed = Annotated[
    int | None, typer.Option("--seed", min=0, max=MAX_SEED, help="In place of the story's seed.")
]
ShotSeed = Annotated[
    int | None, typer.Option("--seed", min=0, max=MAX_SEED, help="Of this shot; by default a new one.")
]
Steps = Annotated[
    int | None, typer.Option("--steps", min=1, max=MAX_STEPS, help="Denoising steps of a keyframe.")
]
Preview = Annotated[bool, typer.Option("--preview", help="Few steps: a quick look.")]
Joined = Annotated[Literal["cut", "crossfade"], typer.Option("--transition", help="Between clips.")]
Music = Annotated[Path | None, typer.Option("--music", metavar="FILE", help="A sound track for the movie.")]


@app.callback()
def common(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of a failure.")] = False,
) -> None:
    """Stories to storyboards to movies (MovieDreamer)."""


@app.command()
def movie(
    story_file: StoryFile,
    out: Out,
    weights: Weights = DEFAULT_WEIGHTS,
    seed: StorySeed = None,
    steps: Steps = None,
    preview: Preview = False,
    transition: Joined = "cut",
    music: Music = None,
) -> None:
    """Make a movie of a story: keyframes, clips, movie.mp4.

    A run that was interrupted goes on, and shots that were drawn again by `regenerate` stay.
    """
    story = _checked_story(story_file, out)

    from moviedreamer_core.director import open_director
    from moviedreamer_core.drawing import parts_to_draw, render_settings
    from moviedreamer_core.filming import PARTS_TO_ANIMATE, clip_settings
    from moviedreamer_core.narration import narrate
    from moviedreamer_core.storyboard import missing_clips, read_storyboard

    director = open_director(weights, parts_to_draw(story) | PARTS_TO_ANIMATE)
    config = director.models.config
    settings = render_settings(config, steps=steps, preview=preview)
    narrate(director.storyboard(story, story_file.parent, out, settings, seed=seed))
    sampling = clip_settings(config, preview=preview)
    missing = missing_clips(read_storyboard(out), out, steps=sampling.steps)
    narrate(director.animate(out, missing, settings=sampling))
    narrate(director.movie(out, transition=transition, music=music))


@app.command()
def storyboard(
    story_file: StoryFile,
    out: Out,
    weights: Weights = DEFAULT_WEIGHTS,
    seed: StorySeed = None,
    steps: Steps = None,
    preview: Preview = False,
) -> None:
    """Draw the keyframes of a story. A run that was interrupted goes on."""
    story = _checked_story(story_file, out)

    from moviedreamer_core.director import open_director
    from moviedreamer_core.drawing import parts_to_draw, render_settings
    from moviedreamer_core.narration import narrate
    from moviedreamer_core.storyboard import STORYBOARD_FILE

    director = open_director(weights, parts_to_draw(story))
    settings = render_settings(director.models.config, steps=steps, preview=preview)
    narrate(director.storyboard(story, story_file.parent, out, settings, seed=seed))
    typer.echo(out / STORYBOARD_FILE)


@app.command()
def regenerate(
    folder: RunFolder,
    keyframe: Annotated[int, typer.Option("--keyframe", metavar="N", help="Number of the shot, from 1.")],
    seed: ShotSeed = None,
    later: Annotated[
        Literal["keep", "repredict"], typer.Option("--later", help="What happens to the shots after it.")
    ] = "keep",
    weights: Weights = DEFAULT_WEIGHTS,
) -> None:
    """Draw one keyframe again. Later shots stay as they are, or are predicted again from what has become."""
    from moviedreamer_core.director import open_director, record_of
    from moviedreamer_core.drawing import parts_to_draw
    from moviedreamer_core.narration import narrate
    from moviedreamer_core.storyboard import read_storyboard

    drawn = read_storyboard(folder)
    record = record_of(drawn, keyframe)
    director = open_director(weights, parts_to_draw(drawn.story))
    narrate(director.regenerate(folder, keyframe, seed=seed, later=later))
    typer.echo(folder / record.image_file)
    if record.clip_file is not None:
        typer.echo(f"its clip is outdated; make it again with: animate {folder} --keyframes {keyframe}")


@app.command()
def animate(
    folder: RunFolder,
    keyframes: Annotated[
        str | None, typer.Option("--keyframes", metavar="LIST", help="Such as 1,3-5; by default all.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", metavar="S", help="Length of each clip.")
    ] = None,
    weights: Weights = DEFAULT_WEIGHTS,
    preview: Preview = False,
    transition: Joined = "cut",
    music: Music = None,
) -> None:
    """Make clips of keyframes, and the movie of all clips there are; other keyframes stand still in it."""
    if seconds is not None and not 0 < seconds <= MAX_SECONDS:
        raise InputError(
            f"--seconds: a clip lasts above 0 and up to {MAX_SECONDS:g} seconds, got {seconds:g}"
        )
    ranges = None if keyframes is None else keyframe_ranges(keyframes)

    from moviedreamer_core.director import open_director, record_of
    from moviedreamer_core.filming import PARTS_TO_ANIMATE, clip_settings
    from moviedreamer_core.narration import narrate
    from moviedreamer_core.storyboard import read_storyboard

    drawn = read_storyboard(folder)
    for first, last in ranges or ():
        record_of(drawn, first)
        record_of(drawn, last)
    numbers = None
    if ranges is not None:
        numbers = sorted({number for first, last in ranges for number in range(first, last + 1)})
    director = open_director(weights, PARTS_TO_ANIMATE)
    settings = clip_settings(director.models.config, preview=preview)
    narrate(director.animate(folder, numbers, seconds=seconds, settings=settings))
    narrate(director.movie(folder, transition=transition, music=music))


@app.command()
def train(
    stage: Annotated[str, typer.Argument(metavar="STAGE", help="A stage, or `miniature` for all in order.")],
    runs: Runs = DEFAULT_RUNS,
    steps: Annotated[int | None, typer.Option("--steps", min=1, help="In place of the stage's own.")] = None,
    start: Annotated[
        Path | None,
        typer.Option(
            "--start", metavar="DIR", help="Begin at these weights; they stand in for stages not run."
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIR", help="Where export writes the weights; by default RUNS/weights."),
    ] = None,
) -> None:
    """Train the miniature, or one stage of it. A stage that was interrupted is continued."""
    import dataclasses

    from moviedreamer_core.training.stages import EFFORTS, STAGES
    from moviedreamer_core.training.workshop import Workshop

    if stage not in (*STAGES, "miniature"):
        raise InputError(f'stage "{stage}" does not exist; choose miniature or one of {", ".join(STAGES)}')
    make_folder(runs)
    shop = Workshop(runs, start=start)
    if start is not None:
        typer.echo(f"begins at {start}: {', '.join(shop.begins_from) or 'nothing, all sizes differ'}")
    for name in STAGES if stage == "miniature" else (stage,):
        effort = EFFORTS.get(name)
        if effort is not None and steps is not None:
            effort = dataclasses.replace(effort, steps=steps)
        target = {"folder": to or runs / "weights"} if name == "export" else {}
        for line in STAGES[name](shop, effort, **target):
            typer.echo(line)


@app.command("train-variant")
def train_variant(
    asked: Annotated[
        str,
        typer.Argument(metavar="NAME", help="A variant, or losses, faces, protections or all for theirs."),
    ],
    runs: Runs = DEFAULT_RUNS,
    steps: Annotated[int | None, typer.Option("--steps", min=1, help="Alike for all of a table.")] = None,
    start: Annotated[
        Path | None,
        typer.Option("--start", metavar="DIR", help="Encoders and compressor, where RUNS has none."),
    ] = None,
    trained_on: Annotated[
        bool, typer.Option("--trained-on", help="Begin at the planner of --start, not at random.")
    ] = False,
) -> None:
    """Train planners for the paper's ablations, in RUNS/variants; see `evaluate --table`. Goes on if interrupted."""
    import dataclasses

    from moviedreamer_core.training import variants
    from moviedreamer_core.training.workshop import Workshop

    try:
        names = variants.names_of(asked)
    except ValueError as error:
        raise InputError(str(error)) from error
    make_folder(runs)
    shop = Workshop(runs, start=start)
    effort = variants.EFFORT if steps is None else dataclasses.replace(variants.EFFORT, steps=steps)
    for name in names:
        _echo(variants.train_variant(shop, name, effort, trained_on=trained_on))


@app.command()
def convert(
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The new weights folder.")],
    clip: Annotated[Path, typer.Option("--clip", metavar="FILE", help="CLIP ViT-L/14, OpenAI's names.")],
    longclip: Annotated[Path, typer.Option("--longclip", metavar="FILE", help="LongCLIP-L.")],
    farl: Annotated[Path, typer.Option("--farl", metavar="FILE", help="FaRL-Base-Patch16.")],
    llama: Annotated[Path, typer.Option("--llama", metavar="DIR", help="LLaMA-2-7B and its tokenizer.")],
    sdxl: Annotated[Path, typer.Option("--sdxl", metavar="DIR", help="SDXL base 1.0: unet/ and vae/.")],
    svd: Annotated[Path, typer.Option("--svd", metavar="DIR", help="SVD or SVD-XT.")],
) -> None:
    """Make weights of the paper's size out of published checkpoints, to train from; the rest is random."""
    from moviedreamer_core.published import PublishedCheckpoints, convert_published

    checkpoints = PublishedCheckpoints(
        clip=clip, longclip=longclip, farl=farl, llama=llama, sdxl=sdxl, svd=svd
    )
    make_folder(to)
    manifest = convert_published(
        checkpoints, to, command="python -m moviedreamer_core convert", commit="unknown"
    )
    typer.echo(
        f"{len(manifest.files)} files in {to}; compressor, conditioning and the planner's head are untrained"
    )


@app.command()
def evaluate(
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="JSON file for the metrics; its tables go beside it, as Markdown."
        ),
    ] = None,
    weights: Weights = DEFAULT_WEIGHTS,
    episodes: Annotated[int | None, typer.Option("--episodes", min=1, help="How many to judge.")] = None,
    keyframes: Annotated[int | None, typer.Option("--keyframes", min=1, help="Of each episode.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Few episodes and steps: a first look.")] = False,
    split: Annotated[
        Literal["test", "validation"],
        typer.Option("--split", help="Compare variants on validation; report on test."),
    ] = "test",
    frames: Annotated[
        Path | None,
        typer.Option("--frames", metavar="DIR", help="Score these numbered pictures instead, of --story."),
    ] = None,
    story_file: Annotated[
        Path | None, typer.Option("--story", metavar="FILE", help="The story that --frames tell.")
    ] = None,
    reference: Annotated[
        Path | None, typer.Option("--reference-frames", metavar="DIR", help="The true frames of --story.")
    ] = None,
    faces: Annotated[
        Literal["everywhere", "detector"],
        typer.Option("--faces", help="How faces are found in --frames; photographs: detector."),
    ] = "everywhere",
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", min=-1, max=1, help="Face similarity from which a character is there."),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option(
            "--table", metavar="NAME", help="One of the paper's comparisons, or all; a page in --results."
        ),
    ] = None,
    results: Annotated[
        Path, typer.Option("--results", metavar="DIR", help="Where the pages of --table go.")
    ] = Path("docs/results"),
    runs: Runs = DEFAULT_RUNS,
    gate: Annotated[
        bool, typer.Option("--gate", help="Fail if the weights are worse than their manifest says.")
    ] = False,
    record: Annotated[
        bool, typer.Option("--record", help="Write what --gate compares with into the manifest.")
    ] = False,
) -> None:
    """Measure the weights on held-out episodes of the storyworld, or the frames of any generator on a story."""
    if (frames is not None) + (table is not None) + gate + record > 1:
        raise InputError("--frames, --table, --gate and --record exclude each other; give one of them")
    if (frames is None) != (story_file is None) or (frames is None and reference is not None):
        raise InputError("--frames and --story belong together: a folder of pictures and the story they tell")

    if gate:
        _pass_or_fail(weights)
    elif record:
        from moviedreamer_core.evaluation import gate as figures

        _echo(figures.record(weights, episodes or figures.EPISODES, keyframes or figures.KEYFRAMES))
    elif table is not None:
        from moviedreamer_core.evaluation.tables import command as tables

        if table not in (*tables.TABLES, "all"):
            raise InputError(
                f'table "{table}" does not exist; choose all or one of {", ".join(tables.TABLES)}'
            )
        _echo(tables.run(table, weights, results, runs))
    elif frames is not None and story_file is not None:
        from moviedreamer_core.evaluation import frames_command

        written = out or Path("outputs/frames.json")
        truth = frames_command.Truth(frames=reference, search=faces, threshold=threshold)
        _echo(frames_command.run(frames, story_file, written, weights, truth), written)
    else:
        from moviedreamer_core.evaluation import command

        written = out or Path("outputs/evaluation.json")
        num_episodes, num_keyframes = episodes or command.EPISODES, keyframes or command.KEYFRAMES
        _echo(command.run(written, weights, num_episodes, num_keyframes, quick, split), written)


def _echo(lines: Iterable[str], written: Path | None = None) -> None:
    for line in lines:
        typer.echo(line)
    if written is not None:
        typer.echo(written)


def _pass_or_fail(weights: Path) -> None:
    """The regression gate; ends with status 1 and a sentence per figure that fell."""
    from moviedreamer_core.evaluation.gate import check

    for said in check(weights):
        if isinstance(said, str):
            typer.echo(said)
            continue
        for sentence in said.regressions:
            typer.echo(f"error: {sentence}", err=True)
        if said.regressions:
            raise typer.Exit(1)


def keyframe_ranges(text: str) -> list[tuple[int, int]]:
    """`1,3-5` -> [(1, 1), (3, 5)]. Raises InputError."""
    ranges = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,6})\s*(?:-\s*([0-9]{1,6})\s*)?", part)
        if match is None or int(match[1]) > int(match[2] or match[1]):
            raise InputError(f'--keyframes: "{text}" is not a list of keyframes; write it like 1,3-5')
        ranges.append((int(match[1]), int(match[2] or match[1])))
    return ranges


def _checked_story(story_file: Path, out: Path) -> Story:
    """The story, once everything that can be wrong without the models is found to be right."""
    from moviedreamer_core.pictures import read_pictures
    from moviedreamer_core.story_files import read_story

    story = read_story(story_file)
    read_pictures(story, story_file.parent)
    make_folder(out)
    with contextlib.suppress(_OnlyTrying), replacing(out / "trial"):
        raise _OnlyTrying
    return story


class _OnlyTrying(Exception):
    """Leaves the file unwritten: only whether it could be was the question."""
