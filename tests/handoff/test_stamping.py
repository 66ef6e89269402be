"""Stamping changes the recipe of a file and nothing else in it."""

from __future__ import annotations

import hashlib
import signal
import struct
import subprocess
import sys
import textwrap
from pathlib import Path

import av
import pytest
from PIL import Image, PngImagePlugin

from moviedreamer_core.errors import InputError, OutputError
from moviedreamer_core.handoff.export import Finish, finish_movie
from moviedreamer_core.handoff.recipes import MovieRecipe, recipe_of
from moviedreamer_core.handoff.stamping import stamp
from moviedreamer_core.video.movie import write_clip

RECIPE = MovieRecipe(title='A = "b"; #c \\ d\nZoë', weights_hash="ab")
OTHER = MovieRecipe(title="Other", weights_hash="cd")


def packets(path: Path) -> list[tuple[str, int | None, int | None, str]]:
    """Kind, times and content of every packet."""
    with av.open(str(path)) as container:
        return [
            (packet.stream.type, packet.pts, packet.dts, hashlib.sha256(bytes(packet)).hexdigest())
            for packet in container.demux()
            if packet.size
        ]


def atoms(path: Path) -> list[str]:
    data, names, position = path.read_bytes(), [], 0
    while position < len(data):
        size, name = struct.unpack(">I4s", data[position : position + 8])
        names.append(name.decode())
        position += size
    return names


@pytest.fixture
def movie(make_cut, make_tone, tmp_path) -> Path:
    """With sound and a subtitle track."""
    cut = make_cut(1.0, 1.0)
    pictures = [Image.open(shot.keyframe) for shot in cut.shots for _ in range(10)]
    write_clip(pictures, tmp_path / "plain.mp4", frames_per_second=10)
    finish = Finish(subtitles="soft", music=make_tone(1.0, 0.3), recipe=OTHER)
    list(finish_movie(tmp_path / "plain.mp4", cut, tmp_path / "movie.mp4", finish))
    return tmp_path / "movie.mp4"


def test_a_movie_keeps_every_packet_and_its_index_in_front(movie, tmp_path):
    before = packets(movie)
    assert {kind for kind, *_ in before} == {"video", "audio", "subtitle"}
    stamp(movie, RECIPE, out=tmp_path / "stamped.mp4")
    assert packets(tmp_path / "stamped.mp4") == before
    names = atoms(tmp_path / "stamped.mp4")
    assert names.index("moov") < names.index("mdat")


def test_the_recipe_replaces_the_one_before(movie):
    stamp(movie, RECIPE)
    assert recipe_of(movie) == RECIPE
    with av.open(str(movie)) as container:
        assert container.metadata["title"] == 'A = "b"; #c \\ d Zoë'


def test_a_long_recipe_does_not_fit_into_a_command_and_is_written_nevertheless(movie):
    long = RECIPE.model_copy(update={"title": "x" * 1_500_000})
    stamp(movie, long)
    assert recipe_of(movie) == long


def test_a_picture_keeps_every_other_chunk(tmp_path):
    info = PngImagePlugin.PngInfo()
    info.add_text("Software", "paint")
    info.add_text("moviedreamer", "old")
    info.add_itxt("moviedreamer", "older")
    path = tmp_path / "a.png"
    Image.effect_noise((40, 30), 60).save(path, pnginfo=info, dpi=(72, 72))
    pixels, data = Image.open(path).tobytes(), path.read_bytes()
    stamp(path, RECIPE)
    with Image.open(path) as image:
        image.load()
        assert image.tobytes() == pixels
        assert image.info["dpi"] == pytest.approx((72, 72), abs=0.1)
        assert list(image.text) == ["moviedreamer", "Software"]
    idat = data[data.index(b"IDAT") :]
    assert path.read_bytes().endswith(idat)
    assert recipe_of(path) == RECIPE


# --- mistakes ----------------------------------------------------------------------------------------


def refused(path: Path) -> str:
    with pytest.raises(InputError) as error:
        stamp(path, RECIPE)
    return str(error.value)


def test_a_missing_file_is_told(tmp_path):
    path = tmp_path / "a.mp4"
    assert refused(path) == f"a.mp4: there is no such file at {path}; correct the path"


def test_files_of_other_kinds_are_told(tmp_path):
    (tmp_path / "a.txt").write_text("hello")
    assert refused(tmp_path / "a.txt").startswith("a.txt: not an MP4 movie, or damaged (")
    assert (tmp_path / "a.txt").read_text() == "hello"


def test_a_damaged_picture_stays_as_it_is(tmp_path):
    path = tmp_path / "a.png"
    Image.new("RGB", (9, 9)).save(path)
    path.write_bytes(path.read_bytes()[:-6])
    before = path.read_bytes()
    assert refused(path) == "a.png: the file is cut off; make it again"
    assert path.read_bytes() == before


def test_a_folder_that_is_not_there_is_told(movie, tmp_path):
    with pytest.raises(OutputError, match=r"cannot write .*no/movie\.mp4: its folder does not exist"):
        stamp(movie, RECIPE, out=tmp_path / "no" / "movie.mp4")


def test_a_killed_process_leaves_the_whole_old_file(movie):
    before = movie.read_bytes()
    program = textwrap.dedent(
        """
        import os, signal, sys
        from pathlib import Path
        from moviedreamer_core.handoff import ffmpeg, stamping
        from moviedreamer_core.handoff.recipes import MovieRecipe
        check = ffmpeg.check_length
        def killed(path, *, num_frames):
            check(path, num_frames=num_frames)  # the new file is whole but has not its name yet
            os.kill(os.getpid(), signal.SIGKILL)
        ffmpeg.check_length = killed
        stamping.stamp(Path(sys.argv[1]), MovieRecipe(title="New", weights_hash=""))
        """
    )
    done = subprocess.run([sys.executable, "-c", program, str(movie)], capture_output=True)
    assert done.returncode == -signal.SIGKILL
    assert movie.read_bytes() == before
