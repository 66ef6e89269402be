"""The files that MoviePy wrote, read back by PyAV and atom by atom."""

import json
import resource
import stat
import struct
import subprocess
import tracemalloc
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from moviepy import VideoFileClip
from moviepy.config import FFMPEG_BINARY
from PIL import Image

from moviedreamer_core.errors import ImageError, InputError, OutputError
from moviedreamer_core.video.movie import (
    MAX_COMMENT_BYTES,
    Still,
    enlarged,
    read_clip,
    stitch,
    write_clip,
)

RED, GREEN, BLUE = (200, 30, 30), (30, 160, 60), (40, 60, 190)
WIDTH_PX, HEIGHT_PX, FPS = 56, 32, 7


def plain(colour, num_frames=14, size=(WIDTH_PX, HEIGHT_PX)):
    return np.full((num_frames, size[1], size[0], 3), colour, dtype=np.uint8)


def clip_file(folder, name, colour, num_frames=14, size=(WIDTH_PX, HEIGHT_PX)):
    path = folder / name
    write_clip(plain(colour, num_frames, size), path, frames_per_second=FPS)
    return path


@pytest.fixture
def three_clips(tmp_path):
    return [
        clip_file(tmp_path, "0001.mp4", RED),
        clip_file(tmp_path, "0002.mp4", GREEN, num_frames=7),
        clip_file(tmp_path, "0003.mp4", BLUE),
    ]


def decoded(path):
    """Frames [F, H, W, 3] by PyAV, read as BT.709 as browsers do."""
    with av.open(str(path)) as container:
        pictures = [
            frame.to_ndarray(format="rgb24", src_colorspace="ITU709") for frame in container.decode(video=0)
        ]
    return np.stack(pictures)


def colour_of(frame):
    """Name of the nearest of the test colours at the frame's centre."""
    centre = frame[frame.shape[0] // 2, frame.shape[1] // 2].astype(int)
    named = {"R": RED, "G": GREEN, "B": BLUE, "black": (0, 0, 0)}
    return min(named, key=lambda name: sum(abs(centre - np.array(named[name]))))


def atoms(path):
    """Names of the top-level boxes of an MP4, in order."""
    data, names, position = path.read_bytes(), [], 0
    while position < len(data):
        size, name = struct.unpack(">I4s", data[position : position + 8])
        names.append(name.decode())
        position += size
    return names


def leftovers(folder, *expected):
    """Names of what lies in `folder` beside the expected files."""
    return sorted(entry.name for entry in folder.iterdir() if entry not in expected)


# --- one clip ----------------------------------------------------------------------------------------


def test_clip_is_h264_that_browsers_play(tmp_path):
    path = clip_file(tmp_path, "a.mp4", RED)
    with av.open(str(path)) as container:
        (stream,) = container.streams
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        codec = stream.codec_context
        assert (codec.colorspace, codec.color_primaries, codec.color_trc) == (1, 1, 1)  # BT.709
        assert stream.frames == 14
        assert stream.average_rate == FPS
        assert float(stream.duration * stream.time_base) == pytest.approx(2.0)
        assert (stream.width, stream.height) == (WIDTH_PX, HEIGHT_PX)
        times = [frame.pts * stream.time_base for frame in container.decode(stream)]
    assert np.diff(times).tolist() == [Fraction(1, FPS)] * 13


def test_index_comes_before_the_data(tmp_path):
    names = atoms(clip_file(tmp_path, "a.mp4", RED))
    assert names[0] == "ftyp"
    assert names.index("moov") < names.index("mdat")


def test_clip_keeps_order_and_colours_of_its_frames(tmp_path):
    ramp = np.arange(0, 256, 16, dtype=np.uint8)
    frames = np.broadcast_to(ramp[:, None, None, None], (16, HEIGHT_PX, WIDTH_PX, 3)).copy()
    frames[..., 2] = 120
    write_clip(frames, tmp_path / "a.mp4", frames_per_second=FPS)
    found = decoded(tmp_path / "a.mp4")
    assert np.abs(found.astype(int) - frames).mean() < 3
    assert np.abs(found.astype(int) - frames).max() < 12


def test_read_clip_equals_another_decoder(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (5, 4, 7, 3), dtype=np.uint8)
    frames = noise.repeat(8, axis=1).repeat(8, axis=2)
    write_clip(frames, tmp_path / "a.mp4", frames_per_second=FPS)
    found = read_clip(tmp_path / "a.mp4")
    with VideoFileClip(str(tmp_path / "a.mp4")) as clip:  # the ffmpeg program, not PyAV
        reference = np.stack([clip.get_frame((number + 0.5) / FPS) for number in range(5)])
    assert found.shape == reference.shape == (5, 32, 56, 3)
    assert np.abs(found.astype(int) - reference).mean() < 1.5


def test_pictures_are_written_like_arrays(tmp_path):
    pictures = [Image.new("RGBA", (WIDTH_PX, HEIGHT_PX), (*RED, 255)) for _ in range(3)]
    write_clip(pictures, tmp_path / "pictures.mp4", frames_per_second=FPS)
    write_clip(plain(RED, 3), tmp_path / "arrays.mp4", frames_per_second=FPS)
    assert (tmp_path / "pictures.mp4").read_bytes() == (tmp_path / "arrays.mp4").read_bytes()


def test_odd_sides_grow_by_a_pixel(tmp_path):
    write_clip(plain(GREEN, 3, size=(33, 17)), tmp_path / "a.mp4", frames_per_second=FPS)
    found = decoded(tmp_path / "a.mp4")
    assert found.shape == (3, 18, 34, 3)
    assert np.abs(found.astype(int) - GREEN).max() < 8  # no black line


def test_one_frame_is_a_clip(tmp_path):
    assert len(decoded(clip_file(tmp_path, "a.mp4", RED, num_frames=1))) == 1


@pytest.mark.parametrize(
    "name", ["-y.mp4", "concat:a|b.mp4", "100%d.mp4", "Leuchtturm ü 灯台.mp4", "a'b\".mp4"]
)
def test_any_file_name_is_written_and_read(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    path = clip_file(Path(), name, RED, num_frames=2)
    assert leftovers(tmp_path) == [name]
    assert read_clip(path).shape == (2, HEIGHT_PX, WIDTH_PX, 3)


def test_comment_comes_back_as_it_was(tmp_path):
    recipe = json.dumps({"seed": 7, "text": 'Mara = "Möwe"; #1\n\\ and 灯台'}, ensure_ascii=False)
    write_clip(plain(RED, 2), tmp_path / "a.mp4", frames_per_second=FPS, comment=recipe)
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert container.metadata["comment"] == recipe


def test_same_frames_give_the_same_file(tmp_path):
    first = clip_file(tmp_path, "a.mp4", RED).read_bytes()
    assert clip_file(tmp_path, "b.mp4", RED).read_bytes() == first


@pytest.mark.parametrize(
    ("frames", "arguments", "message"),
    [
        (plain(RED, 0), {}, "a video needs at least one frame"),
        (plain(RED, 1), {"frames_per_second": 0}, "frames_per_second must be at least 1, got 0"),
        (
            [Image.new("RGB", (8, 8)), Image.new("RGB", (8, 10))],
            {},
            r"frame 2 is \(10, 8, 3\), the first is \(8, 8, 3\)",
        ),
        (
            plain(RED, 1),
            {"comment": "x" * (MAX_COMMENT_BYTES + 1)},
            "comment has 100001 bytes, the limit is 100000",
        ),
    ],
)
def test_write_clip_refuses(tmp_path, frames, arguments, message):
    (tmp_path / "a.mp4").write_bytes(b"earlier")
    with pytest.raises(ValueError, match=f"^{message}$"):
        write_clip(frames, tmp_path / "a.mp4", **{"frames_per_second": FPS, **arguments})
    assert (tmp_path / "a.mp4").read_bytes() == b"earlier"
    assert leftovers(tmp_path) == ["a.mp4"]


# --- the movie ---------------------------------------------------------------------------------------


def test_movie_has_the_clips_in_order_one_after_the_other(tmp_path, three_clips):
    stitch(three_clips, tmp_path / "movie.mp4", frames_per_second=FPS)
    order = "".join(colour_of(frame) for frame in decoded(tmp_path / "movie.mp4"))
    assert order == "R" * 14 + "G" * 7 + "B" * 14
    names = atoms(tmp_path / "movie.mp4")
    assert names.index("moov") < names.index("mdat")


def test_small_clips_are_enlarged_by_a_whole_number(tmp_path, three_clips):
    assert enlarged((224, 128)) == (896, 512)
    assert enlarged((100, 100)) == (900, 900)
    assert enlarged((1920, 1080)) == (1920, 1080)
    stitch(three_clips[:1], tmp_path / "movie.mp4", frames_per_second=FPS)
    assert decoded(tmp_path / "movie.mp4").shape == (14, 512, 896, 3)


def test_enlarging_is_lanczos(tmp_path):
    coarse = np.random.default_rng(2).integers(0, 256, (1, 8, 14, 1), dtype=np.uint8)
    write_clip(
        coarse.repeat(3, axis=3).repeat(4, axis=1).repeat(4, axis=2),
        tmp_path / "a.mp4",
        frames_per_second=FPS,
    )
    stitch([tmp_path / "a.mp4"], tmp_path / "movie.mp4", frames_per_second=FPS)
    found = decoded(tmp_path / "movie.mp4")[0].astype(int)
    small = Image.fromarray(decoded(tmp_path / "a.mp4")[0])
    ways = ("NEAREST", "BILINEAR", "BICUBIC", "LANCZOS")
    error = {way: np.abs(found - small.resize((896, 512), Image.Resampling[way])).mean() for way in ways}
    assert min(error, key=error.get) == "LANCZOS"
    assert error["LANCZOS"] < 3


def test_movie_rate_is_constant_and_clips_keep_their_length(tmp_path, three_clips):
    stitch(three_clips, tmp_path / "movie.mp4", frames_per_second=28, size=(WIDTH_PX, HEIGHT_PX))
    with av.open(str(tmp_path / "movie.mp4")) as container:
        (stream,) = container.streams
        assert stream.average_rate == 28
        frames = list(container.decode(stream))
        times = [frame.pts * stream.time_base for frame in frames]
    assert np.diff(times).tolist() == [Fraction(1, 28)] * (len(frames) - 1)
    order = "".join(colour_of(frame.to_ndarray(format="rgb24")) for frame in frames)
    assert order == "R" * 56 + "G" * 28 + "B" * 56


def test_crossfade_overlaps_and_blends(tmp_path, three_clips):
    arguments = {"frames_per_second": FPS, "size": (WIDTH_PX, HEIGHT_PX)}
    stitch(
        three_clips, tmp_path / "movie.mp4", transition="crossfade", crossfade_seconds=3 / FPS, **arguments
    )
    found = decoded(tmp_path / "movie.mp4")
    assert len(found) == 14 + 7 + 14 - 2 * 3
    middle = found[11 + 1, HEIGHT_PX // 2, WIDTH_PX // 2].astype(int)  # second of three blended frames
    assert np.abs(middle - (np.array(RED) + GREEN) / 2).max() < 10
    assert colour_of(found[10]) == "R"
    assert colour_of(found[14]) == "G"
    assert colour_of(found[-1]) == "B"


def greys_after_crossfade(folder, lengths_and_greys):
    clips = [
        clip_file(folder, f"{number}.mp4", (grey, grey, grey), num_frames)
        for number, (num_frames, grey) in enumerate(lengths_and_greys)
    ]
    arguments = {"frames_per_second": FPS, "size": (WIDTH_PX, HEIGHT_PX), "transition": "crossfade"}
    stitch(clips, folder / "movie.mp4", crossfade_seconds=3 / FPS, **arguments)
    return decoded(folder / "movie.mp4").mean(axis=(1, 2, 3))


def test_crossfade_weights_rise_evenly_about_its_middle(tmp_path):
    found = greys_after_crossfade(tmp_path, [(4, 40), (4, 220)])
    weights = np.array([0, 1 / 6, 3 / 6, 5 / 6, 1])
    np.testing.assert_allclose(found, 40 + 180 * weights, atol=3)


def test_crossfade_with_a_short_clip_blends_each_frame_once(tmp_path):
    found = greys_after_crossfade(tmp_path, [(4, 100), (1, 200), (4, 20)])
    np.testing.assert_allclose(found, [100, 100, 100, 150, 20, 20, 20, 20], atol=3)


def test_stills_stand_for_their_seconds(tmp_path, three_clips):
    picture = tmp_path / "keyframe.png"
    Image.new("RGB", (WIDTH_PX, HEIGHT_PX), BLUE).save(picture)
    items = [Still(picture, 0.5), three_clips[0], Still(picture, 0.01)]
    stitch(items, tmp_path / "movie.mp4", frames_per_second=10, size=(WIDTH_PX, HEIGHT_PX))
    order = "".join(colour_of(frame) for frame in decoded(tmp_path / "movie.mp4"))
    assert order == "B" * 5 + "R" * 20 + "B"


def test_other_shapes_are_fitted_in_with_black_bars(tmp_path):
    tall = clip_file(tmp_path, "tall.mp4", RED, num_frames=2, size=(16, 32))
    picture = tmp_path / "tall.png"
    Image.new("RGB", (16, 32), BLUE).save(picture)
    stitch([tall, Still(picture, 0.2)], tmp_path / "movie.mp4", frames_per_second=10, size=(64, 32))
    for frame in decoded(tmp_path / "movie.mp4"):
        assert colour_of(frame) in "RB"
        assert frame[:, :20].max() < 20
        assert frame[:, -20:].max() < 20


def test_movie_comment_and_earlier_movie_replaced(tmp_path, three_clips):
    movie = tmp_path / "movie.mp4"
    movie.write_bytes(b"earlier")
    stitch(three_clips[1:2], movie, frames_per_second=FPS, size=(WIDTH_PX, HEIGHT_PX), comment='{"seed": 7}')
    with av.open(str(movie)) as container:
        assert container.metadata["comment"] == '{"seed": 7}'
    assert leftovers(tmp_path, *three_clips) == ["movie.mp4"]


def test_an_item_may_be_the_movie_itself(tmp_path, three_clips):
    stitch(
        [three_clips[0], three_clips[1]], three_clips[0], frames_per_second=FPS, size=(WIDTH_PX, HEIGHT_PX)
    )
    assert len(decoded(three_clips[0])) == 21


# --- music -------------------------------------------------------------------------------------------


def tone(path, seconds):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=44100, layout="mono")
        samples = (12000 * np.sin(np.arange(int(44100 * seconds)) * 0.06)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("music_seconds", [1.2, 9.0], ids=["repeated", "cut"])
def test_music_lasts_as_long_as_the_movie_and_fades_out(tmp_path, three_clips, music_seconds):
    movie = tmp_path / "movie.mp4"
    arguments = {"frames_per_second": FPS, "size": (WIDTH_PX, HEIGHT_PX), "comment": "a recipe"}
    stitch(three_clips, movie, music=tone(tmp_path / "tone.wav", music_seconds), **arguments)
    with av.open(str(movie)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert container.metadata["comment"] == "a recipe"
        assert audio.codec_context.name == "aac"
        assert video.frames == 35
        assert float(audio.duration * audio.time_base) == pytest.approx(5.0, abs=0.1)
        sound = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio)])
    loudness = [np.abs(part).mean() for part in np.array_split(sound, 10)]
    assert min(loudness[:6]) > 0.1
    assert loudness[-1] < 0.5 * loudness[0]
    names = atoms(movie)
    assert names.index("moov") < names.index("mdat")
    assert leftovers(tmp_path, *three_clips) == ["movie.mp4", "tone.wav"]


# --- what goes wrong ---------------------------------------------------------------------------------


@pytest.fixture
def earlier_movie(tmp_path):
    path = tmp_path / "movie.mp4"
    path.write_bytes(b"earlier")
    return path


def assert_untouched(movie, *others):
    assert movie.read_bytes() == b"earlier"
    assert leftovers(movie.parent, *others) == ["movie.mp4"]


def pretend_ffmpeg(monkeypatch, folder, script):
    """Put a shell script in the encoder's place; "$FFMPEG" in it is the real one."""
    folder.mkdir()
    program = folder / "ffmpeg"
    program.write_text(f"#!/bin/bash\nFFMPEG='{FFMPEG_BINARY}'\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    for module in ("video.io.ffmpeg_writer", "audio.io.ffmpeg_audiowriter"):
        monkeypatch.setattr(f"moviepy.{module}.FFMPEG_BINARY", str(program))


def test_a_full_disk_leaves_the_earlier_movie(
    tmp_path, three_clips, earlier_movie, monkeypatch, tmp_path_factory
):
    script = 'ln -sf /dev/full "${@: -1}"; exec "$FFMPEG" "$@"'
    pretend_ffmpeg(monkeypatch, tmp_path_factory.mktemp("bin") / "here", script)
    with pytest.raises(OutputError) as caught:
        stitch(three_clips, earlier_movie, frames_per_second=FPS)
    message = f"cannot write {earlier_movie}: the disk is full; free some space and try again"
    assert str(caught.value) == message
    assert_untouched(earlier_movie, *three_clips)
    with pytest.raises(OutputError, match="the disk is full"):
        write_clip(plain(RED), earlier_movie, frames_per_second=FPS)
    assert_untouched(earlier_movie, *three_clips)


def test_a_killed_encoder_on_a_disk_that_takes_no_more_is_told(earlier_movie):
    """The system kills ffmpeg at this limit before it can say why."""
    noise = np.random.default_rng(3).integers(0, 256, (40, HEIGHT_PX, WIDTH_PX, 3), dtype=np.uint8)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(OutputError, match=r"movie.mp4: the file would be too large for this disk;"):
            write_clip(noise, earlier_movie, frames_per_second=FPS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert_untouched(earlier_movie)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exec 0<&-; sleep 0.2; echo '[x @ 0x1] Cannot do that' >&2; exit 3", "cannot do that"),
        ("exit 1", "no reason given"),
        ("cat > /dev/null; kill -9 $$", "no reason given"),
    ],
    ids=["stops_reading", "silent", "killed"],
)
def test_a_failing_encoder_leaves_the_earlier_clip(
    earlier_movie, monkeypatch, tmp_path_factory, script, reason
):
    pretend_ffmpeg(monkeypatch, tmp_path_factory.mktemp("bin") / "here", script)
    many = plain(RED, 40, size=(400, 200))  # more than a pipe holds
    with pytest.raises(OutputError, match=rf"movie.mp4: the video encoder has failed \({reason}\);"):
        write_clip(many, earlier_movie, frames_per_second=FPS)
    assert_untouched(earlier_movie)


def test_music_that_breaks_off_leaves_the_earlier_movie(
    tmp_path, three_clips, earlier_movie, monkeypatch, tmp_path_factory
):
    music = tone(tmp_path / "tone.wav", 1.2)
    script = """
        if [[ ${@: -1} == *.mp4 ]]; then exec "$FFMPEG" "$@"; fi
        cat > /dev/null
        exec "$FFMPEG" -loglevel error -y -f lavfi -i sine=d=1 -c:a aac "${@: -1}"
    """
    pretend_ffmpeg(monkeypatch, tmp_path_factory.mktemp("bin") / "here", script)
    with pytest.raises(OutputError, match=r"the video encoder has failed \(no reason given\);"):
        stitch(three_clips, earlier_movie, frames_per_second=FPS, size=(WIDTH_PX, HEIGHT_PX), music=music)
    assert_untouched(earlier_movie, music, *three_clips)


def test_an_encoder_that_complains_without_end_does_not_hang(earlier_movie, monkeypatch, tmp_path_factory):
    script = "yes 'a warning of some length' | head -c 1000000 >&2; cat > /dev/null; exit 1"
    pretend_ffmpeg(monkeypatch, tmp_path_factory.mktemp("bin") / "here", script)
    with pytest.raises(OutputError, match=r"a warning of some length"):
        write_clip(plain(RED), earlier_movie, frames_per_second=FPS)
    assert_untouched(earlier_movie)


def test_a_folder_that_is_not_there_is_told(tmp_path, three_clips):
    with pytest.raises(OutputError, match=r"nowhere/movie.mp4: its folder does not exist; create it"):
        stitch(three_clips, tmp_path / "nowhere" / "movie.mp4", frames_per_second=FPS)


def cut_off(path):
    """The last fifth is missing."""
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 4 // 5])


def overwritten(path):
    """The pictures are noise; the index is whole."""
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 4
    data[start:] = np.random.default_rng(0).bytes(len(data) - start)
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [cut_off, overwritten])
def test_a_damaged_clip_is_named_and_leaves_the_earlier_movie(tmp_path, earlier_movie, damage):
    noise = np.random.default_rng(1).integers(0, 256, (14, HEIGHT_PX, WIDTH_PX, 3), dtype=np.uint8)
    clips = [tmp_path / "0001.mp4", tmp_path / "0002.mp4"]
    for clip in clips:
        write_clip(noise, clip, frames_per_second=FPS)
    damage(clips[1])
    with pytest.raises(
        InputError, match=r"^0002.mp4: the video is damaged or cut off \(.+\); make it again$"
    ):
        stitch(clips, earlier_movie, frames_per_second=FPS)
    assert_untouched(earlier_movie, *clips)
    with pytest.raises(InputError, match=r"^0002.mp4: "):
        read_clip(clips[1])


def test_what_is_not_a_video_is_named(tmp_path, three_clips, earlier_movie):
    text = tmp_path / "notes.mp4"
    text.write_text("not a video")
    with pytest.raises(InputError, match=r"^notes.mp4: not a video, or damaged \(.+\); make it again$"):
        stitch([text], earlier_movie, frames_per_second=FPS)
    with pytest.raises(InputError, match=r"^notes.mp4: not a video, or damaged"):
        stitch([three_clips[0], text], earlier_movie, frames_per_second=FPS)
    text.write_bytes(b"")
    with pytest.raises(InputError, match=r"^notes.mp4: the video is empty; make it again$"):
        stitch([three_clips[0], text], earlier_movie, frames_per_second=FPS)
    assert_untouched(earlier_movie, text, *three_clips)


def test_a_clip_whose_comment_moviepy_cannot_parse_is_named(tmp_path, earlier_movie):
    clip = tmp_path / "0001.mp4"
    write_clip(plain(RED, 2), clip, frames_per_second=FPS, comment="two\u2028\u2028lines")
    with pytest.raises(InputError, match=r"^0001.mp4: MoviePy cannot read it \([^\n]+\); make it again$"):
        stitch([clip], earlier_movie, frames_per_second=FPS)
    assert len(read_clip(clip)) == 2
    assert_untouched(earlier_movie, clip)


def test_a_missing_item_is_named_before_the_work(tmp_path, three_clips, monkeypatch, earlier_movie):
    def never(*args, **kwargs):
        raise AssertionError("encoding began")

    monkeypatch.setattr("moviedreamer_core.video.movie.encode", never)
    missing = tmp_path / "0004.mp4"
    message = f"^0004.mp4: there is no such video at {missing}; make it first or correct the path$"
    with pytest.raises(InputError, match=message):
        stitch([*three_clips, missing], earlier_movie, frames_per_second=FPS)
    with pytest.raises(ImageError, match=r"^0004.png: there is no such image at .+; correct the path$"):
        stitch([*three_clips, Still(tmp_path / "0004.png", 1.0)], earlier_movie, frames_per_second=FPS)
    with pytest.raises(InputError, match=r"^no.mp3: there is no such music at .+; correct the path$"):
        stitch(three_clips, earlier_movie, frames_per_second=FPS, music=tmp_path / "no.mp3")
    with pytest.raises(InputError, match=r"^0001.mp4: not music, or damaged \(.+\); choose another file$"):
        stitch(three_clips, earlier_movie, frames_per_second=FPS, music=three_clips[0])


def test_a_damaged_still_is_named(tmp_path, three_clips, earlier_movie):
    picture = tmp_path / "0002.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n damaged")
    with pytest.raises(ImageError, match=r"^0002.png: "):
        stitch([three_clips[0], Still(picture, 1.0)], earlier_movie, frames_per_second=FPS)
    assert_untouched(earlier_movie, picture, *three_clips)


def test_a_movie_of_nothing_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"^movie.mp4: the movie has no clips; animate a keyframe"):
        stitch([], tmp_path / "movie.mp4", frames_per_second=FPS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"transition": "wipe"}, "transition must be one of cut, crossfade, got 'wipe'"),
        ({"crossfade_seconds": -1.0}, "crossfade_seconds must not be negative, got -1.0"),
        ({"size": (0, 10)}, "size must be at least 1 x 1 pixels, got 0 x 10"),
        ({"frames_per_second": 0}, "frames_per_second must be at least 1, got 0"),
    ],
)
def test_stitch_refuses(tmp_path, three_clips, arguments, message):
    unchecked = getattr(stitch, "__wrapped__", stitch)  # the shape checker refuses words in its own way
    with pytest.raises(ValueError, match=f"^{message}$"):
        unchecked(three_clips, tmp_path / "movie.mp4", **{"frames_per_second": FPS, **arguments})


def test_a_still_without_duration_is_refused(tmp_path):
    Image.new("RGB", (16, 16)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"^a.png: a still needs a duration above 0 seconds, got 0.0$"):
        stitch([Still(tmp_path / "a.png", 0.0)], tmp_path / "movie.mp4", frames_per_second=FPS)


# --- memory and processes ----------------------------------------------------------------------------


@pytest.fixture
def num_open(monkeypatch):
    """How many clips are open, after each opening and closing."""
    counts = [0]

    class Counted(VideoFileClip):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            counts.append(counts[-1] + 1)

        def close(self):
            super().close()
            counts.append(counts[-1] - 1)

    monkeypatch.setattr("moviedreamer_core.video.movie.VideoFileClip", Counted)
    return counts


@pytest.mark.parametrize(("transition", "most"), [("cut", 1), ("crossfade", 2)])
def test_only_the_clips_on_screen_are_open(tmp_path, three_clips, num_open, transition, most):
    arguments = {"frames_per_second": FPS, "size": (WIDTH_PX, HEIGHT_PX), "transition": transition}
    stitch(three_clips * 2, tmp_path / "movie.mp4", **arguments)
    assert len(num_open) == 1 + 2 * 6
    assert max(num_open) == most
    assert num_open[-1] == 0


def test_a_long_movie_takes_the_memory_of_a_few_frames(tmp_path, three_clips):
    num_bytes_of_frame = 3 * 448 * 256
    tracemalloc.start()
    try:
        arguments = {"frames_per_second": FPS, "size": (448, 256), "transition": "crossfade"}
        stitch(three_clips * 3, tmp_path / "movie.mp4", **arguments)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 24 * num_bytes_of_frame  # of about 100; a mask of floats takes three


def test_ffmpeg_does_not_outlive_a_cancelled_movie(three_clips, earlier_movie, monkeypatch):
    """Whoever cancels raises inside the loop; no process of ours may stay."""
    started = []

    class Recorded(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            started.append(self)

    class Cancelled(VideoFileClip):
        def get_frame(self, t):
            if t > 1:
                raise KeyboardInterrupt
            return super().get_frame(t)

    monkeypatch.setattr("moviedreamer_core.video.movie.VideoFileClip", Cancelled)
    monkeypatch.setattr(subprocess, "Popen", Recorded)
    with pytest.raises(KeyboardInterrupt):
        stitch(three_clips, earlier_movie, frames_per_second=FPS)
    assert len(started) == 3  # encoder, the first clip's header, the first clip
    assert all(process.poll() is not None for process in started)
    assert_untouched(earlier_movie, *three_clips)
