"""Loudness against the standard's own definition, on signals whose loudness is known."""

from __future__ import annotations

import math
import wave

import pytest

from moviedreamer_core.errors import InputError
from moviedreamer_core.handoff import ffmpeg, music
from moviedreamer_core.handoff.music import (
    LOUDNESS_LUFS,
    MAX_GAIN_DB,
    MAX_PEAK_DBTP,
    Loudness,
    check_track,
    gain_db,
    measured,
)


def decibels(amplitude):
    return 20 * math.log10(amplitude)


@pytest.mark.parametrize("amplitude", [0.5, 0.05])
def test_a_sine_of_997_hertz_is_as_loud_as_the_standard_says(make_tone, amplitude):
    """ITU-R BS.1770: a full-scale sine of 997 Hz in one front channel reads -3.01 LKFS; in both, 3.01 more."""
    found = measured(make_tone(3.0, amplitude, hertz=997.0), seconds=3.0)
    assert found.integrated_lufs == pytest.approx(decibels(amplitude), abs=0.15)
    assert found.true_peak_dbtp == pytest.approx(decibels(amplitude), abs=0.15)


def test_only_the_part_that_is_heard_is_measured(make_tone, tmp_path):
    quiet, loud = make_tone(2.0, 0.02, name="quiet.wav"), make_tone(2.0, 0.8, name="loud.wav")
    with wave.open(str(tmp_path / "both.wav"), "wb") as both:
        both.setnchannels(2)
        both.setsampwidth(2)
        both.setframerate(48_000)
        for path in (quiet, loud):
            with wave.open(str(path)) as part:
                both.writeframes(part.readframes(part.getnframes()))
    assert measured(tmp_path / "both.wav", seconds=2.0).integrated_lufs < -30
    assert measured(tmp_path / "both.wav", seconds=4.0).integrated_lufs > -10


def test_a_short_track_is_measured_as_it_is_repeated(make_tone):
    assert measured(make_tone(0.6, 0.5), seconds=3.0).integrated_lufs == pytest.approx(-6.2, abs=0.5)


@pytest.mark.parametrize(
    ("integrated", "peak", "gain"),
    [
        (-26.0, -20.0, 10.0),  # to the target
        (-10.0, 0.0, -6.0),
        (-26.0, -5.0, 3.5),  # as far as the peaks allow
        (-16.0, 2.0, -3.5),
        (-60.0, -50.0, MAX_GAIN_DB),  # not up to the hiss
        (-70.0, -math.inf, 0.0),  # silence stays silence
        (-math.inf, -math.inf, 0.0),
        (math.nan, -math.inf, 0.0),
    ],
)
def test_one_gain_brings_music_to_the_target(integrated, peak, gain):
    loudness = Loudness(integrated_lufs=integrated, true_peak_dbtp=peak)
    assert gain_db(loudness) == pytest.approx(gain)
    if gain not in (0.0, MAX_GAIN_DB):
        assert integrated + gain <= LOUDNESS_LUFS
        assert peak + gain <= MAX_PEAK_DBTP


@pytest.mark.parametrize(
    "ending", ["mp3", "m4a", "ogg", "opus", "flac", "aiff", "wav", "wma", "webm", "mka", "caf", "ac3", "aac"]
)
def test_what_people_have_music_in_is_read(make_tone, tmp_path, ending):
    path = tmp_path / f"song.{ending}"
    encoder = {"wma": ["-c:a", "wmav2"], "ogg": ["-c:a", "libvorbis"]}.get(ending, [])
    list(ffmpeg.run(["-i", str(make_tone(2.0, 0.5, hertz=997.0)), *encoder, str(path)], seconds=2.0))
    assert measured(path, seconds=3.0).integrated_lufs == pytest.approx(decibels(0.5), abs=1.0)


def test_silence_is_measured_as_silence(make_tone):
    assert gain_db(measured(make_tone(1.0, 0.0), seconds=2.0)) == 0.0


# --- mistakes ----------------------------------------------------------------------------------------


def message(path):
    with pytest.raises(InputError) as error:
        check_track(path)
    return str(error.value)


def test_a_missing_track_is_told(tmp_path):
    path = tmp_path / "a.mp3"
    assert message(path) == f"a.mp3: there is no such music at {path}; correct the path"


UNKNOWN = "a.mp3: not music of a known kind, or damaged; use MP3, M4A, OGG, FLAC or WAV"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"\x89PNG\r\n\x1a\n",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        b"#EXTM3U\n#EXTINF:9,\nhttp://127.0.0.1:1/a.ts\n",
        b"ffconcat version 1.0\nfile tone.wav\n",
        b"[playlist]\nFile1=tone.wav\n",
        b"RIFF\x00\x00\x00\x00WAVE",
    ],
)
def test_what_is_no_music_is_told_and_a_playlist_opens_nothing(tmp_path, make_tone, content):
    make_tone(1.0, 0.5)
    (tmp_path / "a.mp3").write_bytes(content)
    assert message(tmp_path / "a.mp3") in (
        UNKNOWN,
        "a.mp3: not music, or damaged (it has no stream of that kind); choose another file",
    )


def test_a_movie_without_sound_is_no_music(tmp_path):
    import numpy as np

    from moviedreamer_core.video.movie import write_clip

    write_clip(np.zeros((3, 16, 16, 3), np.uint8), tmp_path / "a.mp4", frames_per_second=5)
    assert message(tmp_path / "a.mp4").startswith("a.mp4: not music, or damaged (")


def test_a_blip_is_too_short_to_be_repeated(make_tone):
    assert message(make_tone(0.2, 0.5)) == "tone.wav: only 0.20 s of music; use at least 0.5 s"


def test_a_huge_file_is_told(make_tone, monkeypatch):
    monkeypatch.setattr(music, "MAX_BYTES", 1000)
    assert message(make_tone(1.0, 0.5)) == (
        "tone.wav: larger than 0 MB; save it as MP3 or M4A, or a shorter part of it"
    )
