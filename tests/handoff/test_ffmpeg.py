from __future__ import annotations

import errno

import av
import numpy as np
import pytest

from moviedreamer_core.errors import InputError, OutputError
from moviedreamer_core.handoff import ffmpeg
from moviedreamer_core.video.movie import write_clip


@pytest.fixture
def clip(tmp_path):
    write_clip(np.zeros((5, 16, 32, 3), np.uint8), tmp_path / "a.mp4", frames_per_second=7)
    return tmp_path / "a.mp4"


def test_the_index_of_a_movie_is_what_decoding_finds(clip):
    with av.open(str(clip)) as container:
        num_frames = sum(1 for _ in container.decode(video=0))
    found = ffmpeg.movie_of(clip)
    assert (found.num_frames, found.frames_per_second, found.size, found.has_sound) == (
        num_frames,
        7,
        (32, 16),
        False,
    )
    assert found.seconds == pytest.approx(5 / 7)


def test_sound_alone_is_no_movie(make_tone, tmp_path):
    arguments = ["-i", str(make_tone(1.0, 0.5)), "-c:a", "aac", str(tmp_path / "a.mp4")]
    list(ffmpeg.run(arguments, seconds=1.0))
    with pytest.raises(InputError, match=r"a\.mp4: not an MP4 movie, or damaged \(.*\); make it again"):
        ffmpeg.movie_of(tmp_path / "a.mp4")


def test_a_movie_of_another_length_counts_as_a_failure(clip):
    ffmpeg.check_length(clip, num_frames=5)
    with pytest.raises(OSError, match=r"the video encoder has failed \(5 of 6 frames\)"):
        ffmpeg.check_length(clip, num_frames=6)


def test_how_much_is_done_rises_to_one(make_tone, tmp_path):
    arguments = ["-i", str(make_tone(3.0, 0.5)), "-f", "wav", str(tmp_path / "out.wav")]
    told = list(ffmpeg.run(arguments, seconds=3.0))
    assert told == sorted(told)
    assert told[-1] == 1.0


@pytest.mark.parametrize("call", [lambda arguments: list(ffmpeg.run(arguments, seconds=1.0)), ffmpeg.said])
def test_a_failure_is_told_with_its_reason_and_without_the_name_of_the_part(call, tmp_path):
    with pytest.raises(OSError, match=r"the video encoder has failed \(Error opening input") as error:
        call(["-i", str(tmp_path / "none.mp4"), "-f", "null", "-"])
    assert error.value.errno == errno.EIO
    assert "[" not in str(error.value).replace("[Errno", "")


def test_a_full_disk_keeps_its_number():
    failure = ffmpeg._failure(
        "[out#0/mp4 @ 0x1] Error writing trailer: No space left on device\nConversion failed!"
    )
    assert failure.errno == errno.ENOSPC


def test_no_room_for_temporary_files_is_told():
    with (
        pytest.raises(
            OutputError, match=r"cannot write temporary files in .* \(no space left on device\); free some"
        ),
        ffmpeg.scratch(),
    ):
        raise OSError(errno.ENOSPC, "No space left on device", "frame.jpg")


def test_no_scratch_folder_stays(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with ffmpeg.scratch() as folder:
        (folder / "a").write_text("b")
        assert folder.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_only_the_formats_that_are_asked_for_are_opened(make_tone):
    tone = make_tone(1.0, 0.5)
    ffmpeg.said([*ffmpeg.input_file(tone, formats="wav,mp3"), "-f", "null", "-"])
    with pytest.raises(OSError, match="the video encoder has failed"):
        ffmpeg.said([*ffmpeg.input_file(tone, formats="mp3"), "-f", "null", "-"])
