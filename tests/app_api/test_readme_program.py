"""The program in the README, run as it stands against `python app.py` with small random weights."""

import re
import subprocess
import sys
from pathlib import Path

import imageio_ffmpeg
import pytest
from PIL import Image
from studio_process import StudioProcess

pytest_plugins = ("weights",)
README = Path(__file__).resolve().parents[2] / "README.md"


def program() -> str:
    section = README.read_text(encoding="utf-8").partition("\n## From a program\n")[2].partition("\n## ")[0]
    (found,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    return found


@pytest.fixture
def folder(tmp_path):
    """Where the program runs, with the picture that it takes."""
    made = tmp_path / "program"
    made.mkdir()
    Image.new("RGB", (120, 120), "tan").save(made / "mara.png")
    return made


def run(text, folder):
    """The program, patient with a busy machine."""
    text = re.sub(r"(Client\(.*)\)  #", r'\1, httpx_kwargs={"timeout": 600})  #', text)
    assert "httpx_kwargs" in text
    return subprocess.run(
        [sys.executable, "-c", text], cwd=folder, capture_output=True, text=True, env={"TMPDIR": str(folder)}
    )


def test_the_program_makes_a_movie_from_a_text(folder, tiny_weights, tmp_path):
    with StudioProcess(tmp_path, weights=tiny_weights) as studio:
        ended = run(program().replace("http://127.0.0.1:7860", studio.address), folder)
    assert ended.returncode == 0, ended.stderr
    movie, board = (Path(line) for line in ended.stdout.splitlines()[-2:])
    frames, seconds = imageio_ffmpeg.count_frames_and_secs(str(movie))
    assert frames > 10
    assert seconds == pytest.approx(6.0, abs=0.7)  # three shots of 2 s
    assert board.read_bytes().startswith(b"%PDF-")
    (summary,) = [one for one in studio.stories().summaries() if one.title == "The Beach"]
    shots = studio.stories().get(summary.id).view().shots
    assert [shot.row.plot for shot in shots] == [
        "Mara is walking along the beach.",
        "The sea is calm.",
        "Mara is running to the lighthouse.",
    ]
    assert [bool(shot.take and not shot.take.recipe.is_preview) for shot in shots] == [True] * 3
    assert [bool(shot.clip) for shot in shots] == [True, False, True]
    assert shots[1].take.recipe.seed == 7
    assert len(shots[1].takes) > 1


def test_the_program_signs_in_where_there_are_passwords(folder, tiny_weights, tmp_path):
    only_listing = program().partition("story = ")[0] + 'print(studio.predict(api_name="/list_stories"))\n'
    with StudioProcess(tmp_path, weights=tiny_weights, accounts="ann:a long password\n") as studio:
        text = only_listing.replace("http://127.0.0.1:7860", studio.address)
        refused = run(text, folder)
        signed_in = run(text.replace('")  # where', '", auth=("ann", "a long password"))  # where'), folder)
    assert refused.returncode != 0
    assert "Please login" in refused.stderr
    assert signed_in.returncode == 0, signed_in.stderr
    assert signed_in.stdout.splitlines()[-1] == "[]"
