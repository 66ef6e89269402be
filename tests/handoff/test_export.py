"""Movies as they leave, decoded by PyAV and measured from their samples."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import resource
import signal
import struct
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from moviedreamer_core.errors import ImageError, InputError, OutputError
from moviedreamer_core.handoff import ffmpeg
from moviedreamer_core.handoff.cut import crossfaded
from moviedreamer_core.handoff.export import Finish, finish_movie, write_animatic
from moviedreamer_core.handoff.recipes import MovieRecipe, movie_recipe, recipe_of
from moviedreamer_core.video.movie import Still, stitch

FPS = 10


def frames_of(path):
    """[F, H, W, 3] read as BT.709, and the times of the frames."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    pictures = [frame.to_ndarray(format="rgb24", src_colorspace="ITU709") for frame in frames]
    return np.stack(pictures).astype(int), [frame.pts * frame.time_base for frame in frames]


def sound_of(path):
    """[samples, channels] between -1 and 1, and their rate."""
    with av.open(str(path)) as container:
        blocks = [frame.to_ndarray() for frame in container.decode(audio=0)]
        return np.concatenate(blocks, axis=1).T, container.streams.audio[0].rate


def decibels(samples):
    return 20 * np.log10(max(1e-9, np.sqrt(np.mean(samples**2))))


def colours_of(cut):
    return [np.array(Image.open(shot.keyframe).getpixel((0, 0))) for shot in cut.shots]


def made(generator):
    """Run it to its end; how much was done, as it was told."""
    told = list(generator)
    assert told[-1] == 1.0
    assert all(before <= after for before, after in itertools.pairwise(told))
    return told


def atoms(path):
    data, names, position = path.read_bytes(), [], 0
    while position < len(data):
        size, name = struct.unpack(">I4s", data[position : position + 8])
        names.append(name.decode())
        position += size
    return names


@pytest.fixture
def movie(make_cut, tmp_path):
    """A silent movie of two shots of a second each, and its cut."""
    cut = make_cut(1.0, 1.0, size=(320, 180))
    stitch(
        [Still(shot.keyframe, 1.0) for shot in cut.shots],
        tmp_path / "movie.mp4",
        frames_per_second=FPS,
        size=cut.size,
    )
    return tmp_path / "movie.mp4", cut


# --- animatic ----------------------------------------------------------------------------------------


def test_every_keyframe_stands_for_exactly_its_frames(make_cut, tmp_path):
    cut = make_cut(0.5, 0.1, 1.24, 0.04)
    made(write_animatic(cut, tmp_path / "animatic.mp4"))
    frames, times = frames_of(tmp_path / "animatic.mp4")
    assert times == [Fraction(number, FPS) for number in range(5 + 1 + 12 + 1)]
    shown = [int(np.argmin([np.abs(frame - c).mean() for c in colours_of(cut)])) for frame in frames]
    assert shown == [0] * 5 + [1] + [2] * 12 + [3]
    for frame, shot in zip(frames, shown, strict=True):
        assert np.abs(frame - colours_of(cut)[shot]).max() <= 3


@pytest.mark.parametrize("rate", [1, 7, 24, 30, 60])
def test_no_rate_shifts_a_cut(make_cut, tmp_path, rate):
    cut = make_cut(*[1.0, 0.37, 1.2] * 2, frames_per_second=rate)
    made(write_animatic(cut, tmp_path / "animatic.mp4"))
    frames, times = frames_of(tmp_path / "animatic.mp4")
    assert times == [Fraction(number, rate) for number in range(cut.num_frames)]
    changes = np.flatnonzero(np.abs(np.diff(frames[:, 18, 32], axis=0)).max(axis=1) > 20) + 1
    lengths = [max(1, round(shot.seconds * rate)) for shot in cut.shots]
    assert changes.tolist() == list(itertools.accumulate(lengths))[:-1]


@pytest.mark.parametrize("crossfade", [0.0, 0.4])
def test_it_shows_what_stitch_shows(make_cut, tmp_path, crossfade):
    cut = crossfaded(make_cut(1.0, 0.3, 0.8), crossfade)
    made(write_animatic(cut, tmp_path / "animatic.mp4"))
    stitch(
        [Still(shot.keyframe, shot.seconds) for shot in cut.shots],
        tmp_path / "movie.mp4",
        frames_per_second=FPS,
        size=cut.size,
        transition="crossfade",
        crossfade_seconds=crossfade,
    )
    fast, plain_way = frames_of(tmp_path / "animatic.mp4")[0], frames_of(tmp_path / "movie.mp4")[0]
    assert fast.shape == plain_way.shape
    assert np.abs(fast - plain_way).mean() < 2


def test_it_plays_in_a_browser(make_cut, tmp_path):
    made(write_animatic(make_cut(1.0, size=(65, 37)), tmp_path / "animatic.mp4"))
    with av.open(str(tmp_path / "animatic.mp4")) as container:
        (stream,) = container.streams
        codec = stream.codec_context
        assert (codec.name, codec.pix_fmt, stream.width, stream.height) == ("h264", "yuv420p", 66, 38)
        assert (codec.colorspace, codec.color_primaries, codec.color_trc, codec.color_range) == (1, 1, 1, 1)
        assert container.metadata["title"] == "The Light"
    names = atoms(tmp_path / "animatic.mp4")
    assert names.index("moov") < names.index("mdat")


def test_pictures_of_other_shapes_get_black_bars(make_cut, tmp_path):
    cut = make_cut(0.5)
    Image.new("RGB", (30, 30), "white").save(cut.shots[0].keyframe)
    made(write_animatic(cut, tmp_path / "animatic.mp4"))
    frame = frames_of(tmp_path / "animatic.mp4")[0][0]
    assert frame[18, 2].max() < 10
    assert frame[18, 61].max() < 10
    assert frame[18, 32].min() > 245


# --- subtitles ---------------------------------------------------------------------------------------


def subtitle_texts(path):
    with av.open(str(path)) as container:
        (stream,) = container.streams.subtitles
        assert stream.codec_context.name == "mov_text"
        packets = [packet for packet in container.demux(stream) if packet.size > 2]
        return [
            (
                float(packet.pts * packet.time_base),
                float(packet.duration * packet.time_base),
                bytes(packet)[2:],
            )
            for packet in packets
        ]


def test_soft_subtitles_are_a_track(make_cut, tmp_path):
    cut = make_cut(1.5, 2.0, plots=("Mara runs.", "Zoë ruft."))
    made(write_animatic(cut, tmp_path / "animatic.mp4", Finish(subtitles="soft")))
    found = subtitle_texts(tmp_path / "animatic.mp4")
    assert [text.decode() for _, _, text in found] == ["Mara runs.", "Zoë ruft."]
    assert [start for start, _, _ in found] == [0.0, 1.5]
    assert [length for _, length, _ in found] == pytest.approx([1.5, 2.0])


def lit(frame):
    """How much of the lower third is nearly white."""
    return (frame[frame.shape[0] * 2 // 3 :].min(axis=2) > 200).mean()


def test_burned_subtitles_are_seen_while_their_shot_is(make_cut, tmp_path):
    cut = make_cut(1.0, 1.0, 1.0, plots=("Mara runs.", "\0", "Zoë ruft und ruft."), size=(640, 360))
    made(write_animatic(cut, tmp_path / "animatic.mp4", Finish(subtitles="burned")))
    frames, times = frames_of(tmp_path / "animatic.mp4")
    assert len(times) == 30
    brightness = [lit(frame) for frame in frames]
    assert min(brightness[:10]) > 0.001
    assert max(brightness[10:20]) == 0
    assert min(brightness[20:]) > brightness[0] * 1.2  # the longer text
    upper = frames[:, : 360 * 2 // 3]
    assert np.abs(upper[0] - colours_of(cut)[0]).max() <= 3


def test_burned_letters_come_from_our_font(make_cut, tmp_path, monkeypatch):
    """Without a font of that name, libass would draw none or another."""
    cut = make_cut(1.0, plots=("Mara runs.",), size=(640, 360))
    made(write_animatic(cut, tmp_path / "a.mp4", Finish(subtitles="burned")))
    monkeypatch.setenv("FONTCONFIG_FILE", str(tmp_path / "no-fonts.conf"))
    made(write_animatic(cut, tmp_path / "b.mp4", Finish(subtitles="burned")))
    assert np.array_equal(frames_of(tmp_path / "a.mp4")[0], frames_of(tmp_path / "b.mp4")[0])


def test_a_finished_movie_gets_the_same_subtitles(movie, tmp_path):
    path, cut = movie
    made(finish_movie(path, cut, tmp_path / "burned.mp4", Finish(subtitles="burned")))
    made(finish_movie(path, cut, tmp_path / "soft.mp4", Finish(subtitles="soft")))
    frames, times = frames_of(tmp_path / "burned.mp4")
    assert times == frames_of(path)[1]
    assert min(lit(frame) for frame in frames) > 0.0005
    assert [text.decode() for _, _, text in subtitle_texts(tmp_path / "soft.mp4")] == [
        shot.plot for shot in cut.shots
    ]


# --- music -------------------------------------------------------------------------------------------


def packets(path, kind):
    with av.open(str(path)) as container:
        stream = next(stream for stream in container.streams if stream.type == kind)
        return [
            (packet.pts, packet.dts, hashlib.sha256(bytes(packet)).hexdigest())
            for packet in container.demux(stream)
            if packet.size
        ]


def test_music_leaves_the_pictures_as_they_are(movie, make_tone, tmp_path):
    path, cut = movie
    made(finish_movie(path, cut, tmp_path / "out.mp4", Finish(music=make_tone(3.0, 0.1))))
    assert packets(tmp_path / "out.mp4", "video") == packets(path, "video")


@pytest.mark.parametrize("seconds", [0.6, 2.0, 5.0])
def test_music_is_repeated_or_cut_to_the_movie(movie, make_tone, tmp_path, seconds):
    path, cut = movie
    made(finish_movie(path, cut, tmp_path / "out.mp4", Finish(music=make_tone(seconds, 0.1))))
    samples, rate = sound_of(tmp_path / "out.mp4")
    assert rate == 48_000
    assert len(samples) / rate == pytest.approx(2.0, abs=0.03)
    assert decibels(samples[int(0.7 * rate) : int(0.9 * rate)]) > -30  # sounds after its first end, too


@pytest.mark.parametrize("amplitude", [0.01, 0.1, 0.9])
def test_music_is_brought_to_one_loudness(make_cut, make_tone, tmp_path, amplitude):
    cut = make_cut(6.0)
    made(write_animatic(cut, tmp_path / "out.mp4", Finish(music=make_tone(6.0, amplitude))))
    samples, rate = sound_of(tmp_path / "out.mp4")
    # A sine in both channels reads its peak (see test_music), 3.01 dB above its root mean square.
    before_the_fade = decibels(samples[rate : 3 * rate]) + 3.01
    assert before_the_fade == pytest.approx(-16, abs=1.5)


def test_music_fades_out_at_the_end(make_cut, make_tone, tmp_path):
    cut = make_cut(6.0)
    made(write_animatic(cut, tmp_path / "out.mp4", Finish(music=make_tone(2.0, 0.3))))
    samples, rate = sound_of(tmp_path / "out.mp4")
    level = [decibels(samples[int(t * rate) : int((t + 0.2) * rate)]) for t in (3.5, 4.5, 5.2, 5.75)]
    assert level == sorted(level, reverse=True)
    assert level[0] - level[3] > 15


def test_music_goes_under_the_sound_that_a_movie_has(movie, make_tone, tmp_path):
    path, cut = movie
    voice = make_tone(2.0, 0.3, name="voice.wav", hertz=1000.0)
    made(finish_movie(path, cut, tmp_path / "voice.mp4", Finish(music=voice)))
    music = make_tone(2.0, 0.3, name="music.wav", hertz=250.0)
    made(finish_movie(tmp_path / "voice.mp4", cut, tmp_path / "both.mp4", Finish(music=music)))
    samples, rate = sound_of(tmp_path / "both.mp4")
    spectrum = np.abs(np.fft.rfft(samples[: rate // 2, 0]))
    hertz = np.fft.rfftfreq(rate // 2, 1 / rate)
    strength = {tone: spectrum[np.abs(hertz - tone) < 20].max() for tone in (250, 1000)}
    below = 20 * np.log10(strength[1000] / strength[250])
    assert 6 < below < 16
    assert np.abs(samples).max() < 1


def test_sound_without_new_music_is_kept_byte_for_byte(movie, make_tone, tmp_path):
    path, cut = movie
    made(finish_movie(path, cut, tmp_path / "a.mp4", Finish(music=make_tone(2.0, 0.3))))
    made(finish_movie(tmp_path / "a.mp4", cut, tmp_path / "b.mp4", Finish(subtitles="burned")))
    assert packets(tmp_path / "a.mp4", "audio") == packets(tmp_path / "b.mp4", "audio")


# --- recipes -----------------------------------------------------------------------------------------


def test_a_movie_carries_its_recipe(movie, tmp_path):
    path, cut = movie
    made(finish_movie(path, cut, tmp_path / "a.mp4", Finish()))
    assert recipe_of(tmp_path / "a.mp4") == movie_recipe(cut)
    other = MovieRecipe(title="Other", weights_hash="x")
    made(write_animatic(cut, tmp_path / "b.mp4", Finish(recipe=other)))
    assert recipe_of(tmp_path / "b.mp4") == other


def test_a_movie_may_be_finished_in_place(movie):
    path, cut = movie
    before = packets(path, "video")
    made(finish_movie(path, cut, path, Finish(subtitles="soft")))
    assert packets(path, "video") == before
    assert recipe_of(path) == movie_recipe(cut)


# --- mistakes and accidents --------------------------------------------------------------------------


def test_a_missing_keyframe_is_told_and_the_old_movie_stays(make_cut, tmp_path):
    cut = make_cut(1.0, 1.0)
    cut.shots[1].keyframe.unlink()
    (tmp_path / "a.mp4").write_bytes(b"old")
    with pytest.raises(ImageError, match=r"0002\.png: there is no such image at"):
        list(write_animatic(cut, tmp_path / "a.mp4"))
    assert (tmp_path / "a.mp4").read_bytes() == b"old"


def test_what_is_no_movie_is_told(movie, tmp_path):
    _, cut = movie
    with pytest.raises(InputError, match=r"no\.mp4: there is no such movie at .*; make it first or correct"):
        list(finish_movie(tmp_path / "no.mp4", cut, tmp_path / "a.mp4", Finish()))
    (tmp_path / "list.mp4").write_bytes(b"#EXTM3U\n#EXTINF:9,\nmovie.mp4\n")
    with pytest.raises(InputError, match=r"list\.mp4: not an MP4 movie, or damaged \("):
        list(finish_movie(tmp_path / "list.mp4", cut, tmp_path / "a.mp4", Finish()))


def test_a_movie_of_another_cut_is_told(movie, tmp_path):
    path, cut = movie
    longer = replace(cut, shots=(replace(cut.shots[0], seconds=4.0), cut.shots[1]))
    with pytest.raises(InputError) as error:
        list(finish_movie(path, longer, tmp_path / "a.mp4", Finish(subtitles="soft")))
    assert str(error.value) == (
        "movie.mp4: the movie lasts 2.00 s, its shots 5.00 s; make the movie again before its subtitles"
    )


def test_music_that_is_none_is_told_before_any_work(movie, tmp_path):
    path, cut = movie
    (tmp_path / "song.mp3").write_bytes(b"hello")
    with pytest.raises(InputError, match=r"song\.mp3: not music of a known kind, or damaged; use MP3"):
        next(finish_movie(path, cut, tmp_path / "a.mp4", Finish(music=tmp_path / "song.mp3")))
    assert not (tmp_path / "a.mp4").exists()


def test_a_folder_that_is_not_there_is_told(make_cut, tmp_path):
    with pytest.raises(OutputError, match=r"cannot write .*no/a\.mp4: its folder does not exist"):
        list(write_animatic(make_cut(1.0), tmp_path / "no" / "a.mp4"))


@pytest.mark.parametrize(
    "name", ["-y.mp4", "concat:a|b.mp4", "100%d.mp4", "Leuchtturm ü 灯台.mp4", "a'b\"[c].mp4"]
)
def test_any_file_name_is_written_and_read(make_cut, make_tone, tmp_path, name):
    cut = make_cut(1.0)
    out, music = tmp_path / name, make_tone(1.0, 0.3, name=f"{name}.wav")
    made(write_animatic(cut, out, Finish(music=music, subtitles="burned")))
    made(finish_movie(out, cut, tmp_path / f"2{name}", Finish(subtitles="soft")))
    assert len(frames_of(tmp_path / f"2{name}")[1]) == 10


def children_of(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid):
    with contextlib.suppress(OSError):
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    return False


def test_stopping_ends_ffmpeg_and_leaves_the_old_movie(make_cut, tmp_path, monkeypatch):
    started = []
    popen = subprocess.Popen
    monkeypatch.setattr(
        ffmpeg.subprocess,
        "Popen",
        lambda *args, **options: started.append(popen(*args, **options)) or started[-1],
    )
    cut = make_cut(*[60.0] * 8, size=(1280, 720))
    (tmp_path / "a.mp4").write_bytes(b"old")
    work = write_animatic(cut, tmp_path / "a.mp4")
    assert next(work) < 1
    (program,) = children_of(started[0].pid)
    assert is_running(program)
    work.close()
    assert not is_running(program)
    assert (tmp_path / "a.mp4").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "keyframes"]


def test_a_full_disk_is_told_and_the_old_movie_stays(movie, tmp_path):
    """A limit on the size of files stands in for the disk; ffmpeg inherits it."""
    path, cut = movie
    size = path.stat().st_size
    (tmp_path / "a.mp4").write_bytes(b"old")
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, old[1]))
    try:
        with pytest.raises(
            OutputError, match=r"cannot write .*a\.mp4: the video encoder has failed \(|the file would"
        ):
            list(finish_movie(path, cut, tmp_path / "a.mp4", Finish()))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, handler)
    assert (tmp_path / "a.mp4").read_bytes() == b"old"


def test_a_killed_process_leaves_the_whole_old_movie_and_no_ffmpeg_at_work(movie, tmp_path):
    path, _ = movie
    before = path.read_bytes()
    program = textwrap.dedent(
        """
        import os, signal, sys
        from pathlib import Path
        from moviedreamer_core.handoff.cut import Cut, CutShot
        from moviedreamer_core.handoff.export import write_animatic
        shot = CutShot(id="a", number=1, plot="A.", seconds=3000.0, keyframe=Path(sys.argv[2]), seed=1, take=1,
                       weights_hash="")
        cut = Cut(title="A", shots=(shot,), frames_per_second=60, size=(1280, 720))
        for done in write_animatic(cut, Path(sys.argv[1])):
            (guard,) = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
            print(Path(f"/proc/{guard}/task/{guard}/children").read_text(), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    picture = tmp_path / "keyframes" / "0001.png"
    done = subprocess.run([sys.executable, "-c", program, str(path), str(picture)], stdout=subprocess.PIPE)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == before
    while is_running(
        int(done.stdout)
    ):  # without the guard: for minutes, and the file would be written to its end
        time.sleep(0.05)
    (left,) = tmp_path.glob(".*.mp4")
    with pytest.raises(InputError, match="not an MP4 movie, or damaged"):
        ffmpeg.movie_of(left)


def test_a_missing_ffmpeg_is_told(make_cut, tmp_path, monkeypatch):
    def none():
        raise RuntimeError("No ffmpeg exe could be found.")

    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", none)
    with pytest.raises(
        OutputError, match="there is no ffmpeg program; install the requirements again or name one in"
    ):
        list(write_animatic(make_cut(1.0), tmp_path / "a.mp4"))
    assert [path.name for path in Path(tmp_path).iterdir()] == ["keyframes"]
