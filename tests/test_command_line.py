from __future__ import annotations

import errno
import io
import json
import os
import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from moviedreamer_core import commands, filming, script
from moviedreamer_core.__main__ import main
from moviedreamer_core.commands import keyframe_ranges
from moviedreamer_core.director import Director
from moviedreamer_core.errors import InputError
from moviedreamer_core.storyboard import read_storyboard
from moviedreamer_core.video import movie
from moviedreamer_core.video.movie import read_clip

pytest_plugins = ("weights",)

STORY = {
    "title": "The Beach",
    "characters": [{"name": "Mara", "description": "A young woman.", "faces": ["faces/mara.png"]}],
    "keyframes": [
        {"plot": "Mara is walking on the beach.", "characters": ["Mara"], "seconds": 0.5},
        {"plot": "Mara is waving to the zeppelin.", "characters": ["Mara"], "seconds": 0.25},
    ],
}


@pytest.fixture(autouse=True)
def quick_clips(monkeypatch):
    monkeypatch.setattr(filming, "STEPS", 1)


@pytest.fixture
def story_file(tmp_path) -> Path:
    folder = tmp_path / "story"
    (folder / "faces").mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "faces" / "mara.png")
    return write_story(folder / "story.yaml")


def write_story(path: Path, **changes: Any) -> Path:
    path.write_text(json.dumps({**STORY, **changes}))  # which is YAML too
    return path


@pytest.fixture(scope="module")
def drawn(tiny_weights, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    story = write_story(folder / "story.yaml", characters=[{"name": "Mara"}])
    out = folder / "run"
    arguments = ["storyboard", story, "--out", out, "--weights", tiny_weights, "--steps", 1]
    assert main([str(argument) for argument in arguments]) == 0
    return out


@pytest.fixture
def out(drawn, tmp_path) -> Path:
    """A copy of a drawn storyboard that the test may change."""
    return Path(shutil.copytree(drawn, tmp_path / "run"))


def everything_in(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture
def run(capsys):
    """Runs a command; its status, and the lines on stdout and stderr."""

    def run(*arguments: object) -> tuple[int, list[str], list[str]]:
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return status, captured.out.splitlines(), captured.err.splitlines()

    return run


@pytest.fixture
def refused(run):
    """Runs a command that has to end with status 2 and one line; the line."""

    def refused(*arguments: object) -> str:
        status, _, complaints = run(*arguments)
        assert (status, len(complaints)) == (2, 1), complaints
        assert complaints[0].startswith("error: ")
        return complaints[0]

    return refused


# --- what works --------------------------------------------------------------------------------------


def test_movie_makes_keyframes_clips_and_a_movie(run, story_file, tiny_weights, tmp_path):
    out = tmp_path / "new" / "out"
    status, lines, complaints = run(
        "movie", story_file, "--out", out, "--weights", tiny_weights, "--seed", 5, "--steps", 1
    )
    assert status == 0
    assert sorted(path for path in everything_in(out) if not path.startswith(("tokens", "pictures"))) == [
        "clips/0001.mp4",
        "clips/0002.mp4",
        "keyframes/0001.png",
        "keyframes/0002.png",
        "movie.mp4",
        "storyboard.json",
    ]
    assert len(read_clip(out / "movie.mp4")) == 3  # 0.5 and 0.25 seconds at 4 frames a second
    assert lines[0].startswith("keyframe 1 of 2  ")
    assert lines[-1] == str(out / "movie.mp4")
    storyboard = read_storyboard(out)
    assert storyboard.story.seed == 5
    assert storyboard.keyframes[0].settings.steps == 1
    assert complaints == [
        "warning: mara.png: no face found, the centre of the picture is used",  # once, though it is in both
        'warning: keyframe 2: the word "zeppelin" is not in the miniature\'s vocabulary and is ignored',
    ]
    kept = everything_in(out)
    status, lines, _ = run(
        "movie", story_file, "--out", out, "--weights", tiny_weights, "--seed", 5, "--steps", 1
    )
    assert (status, lines[0]) == (0, "2 of 2 keyframes are there already")
    assert everything_in(out) == kept


def test_storyboard_draws_keyframes_only(drawn):
    assert (drawn / "keyframes/0002.png").is_file()
    assert not (drawn / "clips").exists()
    assert not (drawn / "movie.mp4").exists()


def test_regenerate_draws_one_shot(run, out, tiny_weights):
    before = everything_in(out)
    status, lines, _ = run("regenerate", out, "--keyframe", 1, "--seed", 8, "--weights", tiny_weights)
    assert (status, lines[-1]) == (0, str(out / "keyframes/0001.png"))
    after = everything_in(out)
    changed = {path for path in before if after[path] != before[path]}
    assert changed == {"keyframes/0001.png", "tokens/0001.safetensors", "storyboard.json"}


def test_regenerate_repredicts_on_request(run, out, tiny_weights):
    before = everything_in(out)
    arguments = ("--keyframe", 1, "--seed", 8, "--later", "repredict", "--weights", tiny_weights)
    assert run("regenerate", out, *arguments)[0] == 0
    assert everything_in(out)["keyframes/0002.png"] != before["keyframes/0002.png"]


def test_animate_makes_the_clips_asked_for_and_the_movie(run, out, tiny_weights):
    arguments = ("--keyframes", "2", "--seconds", "0.75", "--weights", tiny_weights)
    assert run("animate", out, *arguments)[0] == 0
    assert [path.name for path in (out / "clips").iterdir()] == ["0002.mp4"]
    assert len(read_clip(out / "movie.mp4")) == 2 + 3  # keyframe 1 stands still for its 0.5 seconds


def test_help_lists_the_commands(run):
    status, lines, complaints = run("--help")
    assert (status, complaints) == (0, [])
    for command in ("movie", "storyboard", "regenerate", "animate", "train", "evaluate"):
        assert any(line.split()[:1] == [command] for line in lines)
    assert run()[1] == lines


def test_the_default_weights_are_those_of_the_repository():
    repository = Path(__file__).resolve().parent.parent
    assert repository / "weights" / "miniature" == commands.DEFAULT_WEIGHTS


def test_the_limits_are_those_of_the_story():
    assert commands.MAX_SEED == script.MAX_SEED
    script.KeyframeScript(plot="Rain.", seconds=commands.MAX_SECONDS)
    with pytest.raises(ValueError, match="less than or equal to 60"):
        script.KeyframeScript(plot="Rain.", seconds=commands.MAX_SECONDS + 0.1)


@pytest.mark.parametrize(
    ("text", "ranges"), [("1", [(1, 1)]), ("1,3-5", [(1, 1), (3, 5)]), (" 2 - 2 , 1", [(2, 2), (1, 1)])]
)
def test_keyframes_are_written_as_numbers_and_ranges(text, ranges):
    assert keyframe_ranges(text) == ranges


@pytest.mark.parametrize("text", ["", ",", "1,", "a", "5-3", "1--2", "-1", "1.5", "١", "1-9999999999"])
def test_other_lists_of_keyframes_are_refused(text):
    with pytest.raises(InputError, match=r"--keyframes: .* is not a list of keyframes"):
        keyframe_ranges(text)


# --- bad input: the story ----------------------------------------------------------------------------

FRAME = {"plot": "Rain."}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"keyframes": []}, "story.yaml: story has no keyframes"),
        ({"author": "me"}, 'story.yaml: unknown field "author"'),
        ({"keyframes": [FRAME, {**FRAME, "plots": "x"}]}, 'story.yaml: keyframe 2: unknown field "plots"'),
        ({"keyframes": [FRAME, {}]}, "story.yaml: keyframe 2: plot: is missing"),
        (
            {"keyframes": [FRAME, FRAME, {**FRAME, "characters": ["Zoe"]}]},
            'story.yaml: keyframe 3: characters: "Zoe" is not in the cast',
        ),
        (
            {
                "characters": [{"name": name} for name in "ABCDEF"],
                "keyframes": [{**FRAME, "characters": list("ABCDEF")}],
            },
            "story.yaml: keyframe 1: characters: more than 5 (found 6)",
        ),
    ],
)
def test_a_wrong_story_is_explained(refused, story_file, tmp_path, changes, complaint):
    write_story(story_file, **changes)
    assert complaint in refused("movie", story_file, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("keyframes: [plot: {", "story.yaml: line 2: not valid YAML"), ("", "story.yaml: the file is empty")],
)
def test_a_file_that_is_no_story_is_explained(refused, story_file, tmp_path, text, complaint):
    story_file.write_text(text)
    assert complaint in refused("storyboard", story_file, "--out", tmp_path / "out")


def test_a_missing_story_is_named(refused, tmp_path):
    assert "none.yaml: there is no such story" in refused("movie", tmp_path / "none.yaml", "--out", tmp_path)


def huge_png(width_px: int, height_px: int) -> bytes:
    """A grey picture of few bytes: its rows are all zero."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width_px, height_px, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width_px // 8 + 1) * height_px), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def small_png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (None, "mara.png: there is no such image"),
        (b"", "mara.png: the file is empty"),
        (b"not an image", "mara.png: this is not an image"),
        (small_png(), "mara.png: the image is only 8 x 8 pixels"),
        (huge_png(10_000, 10_000), "mara.png: the image is 10000 x 10000 pixels, the limit is 40 megapixels"),
    ],
    ids=["missing", "empty", "text", "8 px", "100 megapixels"],
)
def test_a_wrong_face_file_is_explained(refused, story_file, tmp_path, data, complaint):
    face = story_file.parent / "faces" / "mara.png"
    face.unlink()
    if data is not None:
        face.write_bytes(data)
    assert complaint in refused("movie", story_file, "--out", tmp_path / "out")


# --- bad input: folders and weights ------------------------------------------------------------------


def test_a_file_in_place_of_the_output_folder_is_named(refused, story_file, tmp_path):
    (tmp_path / "out").write_text("mine")
    complaint = refused("movie", story_file, "--out", tmp_path / "out")
    assert f"cannot write {tmp_path / 'out'}: a file stands where a folder is needed" in complaint
    assert (tmp_path / "out").read_text() == "mine"


def test_a_folder_without_permission_is_told_before_the_work(refused, story_file, tmp_path, monkeypatch):
    def only_read(path: Path, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        if path.is_relative_to(tmp_path / "out") and set(mode) & set("wxa+"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return io.open(path, mode, *arguments, **options)  # noqa: UP020

    monkeypatch.setattr(Path, "open", only_read)
    complaint = refused("storyboard", story_file, "--out", tmp_path / "out")
    assert "no permission to write there; choose another folder" in complaint
    assert everything_in(tmp_path / "out") == {}


def test_missing_weights_are_named(refused, story_file, tmp_path):
    arguments = ("--out", tmp_path / "out", "--weights", tmp_path / "none")
    assert "none: there is no such weights folder" in refused("movie", story_file, *arguments)


def test_changed_weights_are_named_and_earlier_results_stay(refused, out, story_file, tiny_weights, tmp_path):
    weights = Path(shutil.copytree(tiny_weights, tmp_path / "weights"))
    changed = weights / "autoregressive" / "model.safetensors"
    changed.write_bytes(changed.read_bytes()[:-1] + b"\x7f")
    before = everything_in(out)
    complaint = refused("movie", story_file, "--out", out, "--weights", weights)
    assert "autoregressive/model.safetensors: sha256 " in complaint
    assert "the manifest says" in complaint
    assert everything_in(out) == before


def test_a_run_of_other_weights_is_refused(refused, out, other_weights):
    before = everything_in(out)
    assert "drawn with weights" in refused("regenerate", out, "--keyframe", 1, "--weights", other_weights)
    assert everything_in(out) == before


def test_a_full_disk_leaves_the_earlier_movie(refused, out, tiny_weights, monkeypatch):
    encoding = movie.encoding

    def full_at_the_movie(clip: Any, path: Path, **options: Any) -> Iterator[int]:
        if clip.w < movie.MIN_MOVIE_WIDTH_PX:
            yield from encoding(clip, path, **options)
            return
        path.write_bytes(b"half a movie")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(movie, "encoding", full_at_the_movie)
    (out / "movie.mp4").write_bytes(b"earlier")
    complaint = refused("animate", out, "--keyframes", "1", "--weights", tiny_weights)
    assert f"cannot write {out / 'movie.mp4'}: the disk is full" in complaint
    assert (out / "movie.mp4").read_bytes() == b"earlier"
    assert [path.name for path in out.iterdir() if path.name.startswith(".")] == []
    assert read_storyboard(out).keyframes[0].clip_file == "clips/0001.mp4"


def test_a_crossfade_overlaps_the_shots_of_the_movie(run, out, tiny_weights):
    lengths = {}
    for transition in ("cut", "crossfade"):
        status, _, complaints = run(
            "animate", out, "--keyframes", "1", "--transition", transition, "--weights", tiny_weights
        )
        assert status == 0, complaints
        lengths[transition] = len(movie.read_clip(out / "movie.mp4"))
    assert lengths["crossfade"] < lengths["cut"]


def test_music_that_is_not_there_is_named_and_the_earlier_movie_stays(refused, out, tiny_weights, tmp_path):
    (out / "movie.mp4").write_bytes(b"earlier")
    complaint = refused(
        "animate", out, "--keyframes", "1", "--music", tmp_path / "no.mp3", "--weights", tiny_weights
    )
    assert "no.mp3" in complaint
    assert (out / "movie.mp4").read_bytes() == b"earlier"


# --- bad input: a run's folder and options -----------------------------------------------------------


@pytest.mark.parametrize("number", [0, 3, -1])
def test_a_keyframe_out_of_range_is_refused(refused, out, number):
    complaint = refused("regenerate", out, "--keyframe", number)
    assert f"keyframe {number}: the story has 2 keyframes" in complaint
    assert "keyframe 3: the story has 2 keyframes" in refused("animate", out, "--keyframes", "1-3")


@pytest.mark.parametrize("command", [["animate"], ["regenerate", "--keyframe", "1"]])
def test_a_folder_without_a_usable_storyboard_is_explained(refused, out, command):
    (out / "storyboard.json").write_text('{"version": 1, "keyframes": 3}')
    assert "storyboard.json: the storyboard is damaged" in refused(*command, out)
    (out / "storyboard.json").unlink()
    assert "storyboard.json: there is no storyboard here" in refused(*command, out)


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "61", "1e400"])
def test_a_length_that_is_no_length_is_refused(refused, out, seconds):
    complaint = refused("animate", out, "--seconds", seconds)
    assert "--seconds: a clip lasts above 0 and up to 60 seconds" in complaint


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["movie"], "Missing argument 'STORY'"),
        (["movie", "story.yaml"], "Missing option '--out'"),
        (["movie", "story.yaml", "--out", "x", "--steps", "0"], "Invalid value for '--steps'"),
        (["movie", "story.yaml", "--out", "x", "--seed", "-1"], "Invalid value for '--seed'"),
        (["movie", "story.yaml", "--out", "x", "--quality", "1"], "No such option"),
        (["regenerate", "x"], "Missing option '--keyframe'"),
        (["regenerate", "x", "--keyframe", "one"], "Invalid value for '--keyframe'"),
        (["regenerate", "x", "--keyframe", "1", "--later", "drop"], "Invalid value for '--later'"),
        (["animate", "x", "--seconds", "two"], "Invalid value for '--seconds'"),
        (["animate", "x", "--keyframes", "1;2"], '--keyframes: "1;2" is not a list of keyframes'),
        (["paint"], "No such command"),
    ],
)
def test_wrong_options_are_explained(refused, arguments, complaint):
    assert complaint in refused(*arguments)


def test_an_unknown_stage_is_refused_and_makes_no_folder(refused, tmp_path):
    complaint = refused("train", "everything", "--runs", tmp_path / "runs")
    assert 'stage "everything" does not exist; choose miniature or one of data' in complaint
    assert not (tmp_path / "runs").exists()


# --- how it ends -------------------------------------------------------------------------------------


def fail_with(error: BaseException) -> Any:
    def regenerate(*arguments: Any, **options: Any) -> Any:
        raise error

    return regenerate


def test_an_internal_failure_is_one_line_and_status_1(run, out, tiny_weights, monkeypatch):
    monkeypatch.setattr(Director, "regenerate", fail_with(RuntimeError("shapes\ndiffer")))
    arguments = ("regenerate", out, "--keyframe", 1, "--weights", tiny_weights)
    status, _, complaints = run(*arguments)
    assert (status, complaints) == (
        1,
        [
            "error: internal failure, RuntimeError: shapes differ; "
            "run it again with --debug and report what it prints"
        ],
    )
    status, _, complaints = run(*arguments, "--debug")
    assert (status, complaints[0]) == (1, "Traceback (most recent call last):")


def test_an_interrupt_is_status_130(run, out, tiny_weights, monkeypatch):
    monkeypatch.setattr(Director, "regenerate", fail_with(KeyboardInterrupt()))
    status, _, complaints = run("regenerate", out, "--keyframe", 1, "--weights", tiny_weights)
    assert (status, complaints) == (130, ["stopped; what was finished is kept"])


def test_a_process_refuses_a_wrong_story_in_one_line_without_loading_torch(tmp_path):
    (tmp_path / "story.yaml").write_text("keyframes: []")
    program = (
        "import sys; from moviedreamer_core.__main__ import main; status = main(sys.argv[1:]); "
        "print('torch' in sys.modules); sys.exit(status)"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program, "movie", "story.yaml", "--out", "out"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 2
    assert finished.stdout == "False\n"
    assert finished.stderr == (
        "error: story.yaml: story has no keyframes; add at least one under keyframes\n"
    )


def test_a_table_is_made_by_name_and_an_unknown_one_is_told(
    run, refused, tiny_weights, tmp_path, monkeypatch
):
    from moviedreamer_core.evaluation.tables import command

    asked = []
    one = {
        name: lambda weights, folder, runs, name=name: iter([asked.append((name, folder)) or name])
        for name in "ab"
    }
    monkeypatch.setattr(command, "TABLES", one)
    status, lines, _ = run("evaluate", "--table", "all", "--weights", tiny_weights, "--results", tmp_path)
    assert (status, lines, asked) == (0, ["a", "b"], [("a", tmp_path), ("b", tmp_path)])
    assert 'table "c" does not exist; choose all or one of a, b' in refused("evaluate", "--table", "c")
    assert "exclude each other" in refused("evaluate", "--table", "a", "--gate")


def test_a_table_whose_planners_were_never_trained_says_what_trains_them(refused, tiny_weights, tmp_path):
    said = refused("evaluate", "--table", "losses", "--weights", tiny_weights, "--runs", tmp_path)
    assert "no planner of full, regression, mixture; train with: " in said
    assert f"train-variant losses --runs {tmp_path}" in said
    assert '"mist" is no variant; choose losses' in refused("train-variant", "mist", "--runs", tmp_path)
