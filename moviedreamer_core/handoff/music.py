"""An uploaded music track under a movie: as long as the movie, at a sane loudness, fading out at the end.

Loudness is measured over the part that is heard, and set by one gain for all of it, so that the music's own
dynamics stay. Source: EBU R 128 and ITU-R BS.1770 (integrated loudness, true peak), by ffmpeg's filter ebur128.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import av

from moviedreamer_core.errors import InputError
from moviedreamer_core.handoff import ffmpeg
from moviedreamer_core.video.video_files import check_music

MAX_BYTES = 512 * 2**20
MIN_SECONDS = 0.5
LOUDNESS_LUFS = -16.0  # what most places that show movies online bring theirs to
UNDER_SOUND_LUFS = -26.0  # below the movie's own sound
MAX_PEAK_DBTP = -1.5
MAX_GAIN_DB = 24.0  # more would be amplifying noise
SILENCE_LUFS = -69.0  # the measure ends at -70
FADE_OUT_SECONDS = 2.0
# What people have music in; a playlist (m3u8, concat) is none of these, nor is anything that fetches.
FORMATS = "aac,aiff,flac,mp3,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,ogg,wav,w64,caf,ac3,wv,ape,asf"


@dataclass(frozen=True, kw_only=True)
class Loudness:
    integrated_lufs: float
    true_peak_dbtp: float


def check_track(music: Path) -> None:
    """Raise InputError, naming the file, unless `music` is a sound file that can be repeated."""
    if not music.is_file():
        raise InputError(f"{music.name}: there is no such music at {music}; correct the path")
    if music.stat().st_size > MAX_BYTES:
        raise InputError(
            f"{music.name}: larger than {MAX_BYTES // 2**20} MB; save it as MP3 or M4A, or a shorter part of it"
        )
    try:
        only = {"protocol_whitelist": "file", "format_whitelist": FORMATS}
        av.open(f"file:{music.absolute()}", options=only, metadata_errors="replace").close()
    except (av.FFmpegError, ValueError) as error:
        raise InputError(
            f"{music.name}: not music of a known kind, or damaged; use MP3, M4A, OGG, FLAC or WAV"
        ) from error
    seconds = check_music(music, first_seconds=2 * MIN_SECONDS)
    if seconds < MIN_SECONDS:
        raise InputError(f"{music.name}: only {seconds:.2f} s of music; use at least {MIN_SECONDS:g} s")


def track_input(music: Path) -> list[str]:
    """ffmpeg's arguments to read `music` again and again."""
    return ffmpeg.input_file(music, "-stream_loop", "-1", formats=FORMATS)


def measured(music: Path, *, seconds: float) -> Loudness:
    """The loudness of the first `seconds` of `music`, repeated. Raises InputError if it is not music."""
    check_track(music)
    meter = f"atrim=end={seconds:.6f},ebur128=peak=true:framelog=verbose"
    try:
        report = ffmpeg.said([*track_input(music), "-map", "0:a:0", "-af", meter, "-f", "null", "-"])
    except OSError as error:
        raise InputError(
            f"{music.name}: the music is damaged ({error.strerror}); choose another file"
        ) from None
    summary = report.rpartition("Summary:")[2]
    integrated = re.search(r"\bI:\s+(-?[\d.]+|-?inf|nan) LUFS", summary)
    peak = re.search(r"\bPeak:\s+(-?[\d.]+|-?inf|nan) dBFS", summary)
    if not integrated or not peak:
        raise InputError(f"{music.name}: its loudness cannot be measured; choose another file")
    return Loudness(integrated_lufs=float(integrated[1]), true_peak_dbtp=float(peak[1]))


def gain_db(loudness: Loudness, *, target_lufs: float = LOUDNESS_LUFS) -> float:
    """What brings `loudness` to the target without a peak over the limit; 0 for silence."""
    if not loudness.integrated_lufs > SILENCE_LUFS:
        return 0.0
    gain = target_lufs - loudness.integrated_lufs
    return max(-60.0, min(gain, MAX_PEAK_DBTP - loudness.true_peak_dbtp, MAX_GAIN_DB))


def track_filter(music_input: int, *, seconds: float, gain: float, under_sound: bool) -> str:
    """ffmpeg's filters from the stream `music_input` (and the movie's own sound) to the one called [sound]."""
    layout = f"aresample={ffmpeg.AUDIO_RATE_HZ},aformat=sample_fmts=fltp:channel_layouts=stereo"
    fade = min(FADE_OUT_SECONDS, seconds / 2)
    track = (
        f"[{music_input}:a:0]{layout},volume={gain:.3f}dB,atrim=end={seconds:.6f},"
        f"afade=t=out:st={seconds - fade:.6f}:d={fade:.6f}"
    )
    if not under_sound:
        return f"{track}[sound]"
    limit = 10 ** (MAX_PEAK_DBTP / 20)
    return (
        f"{track}[music];[0:a:0]{layout},apad,atrim=end={seconds:.6f}[own];"
        f"[own][music]amix=inputs=2:duration=first:normalize=0,alimiter=limit={limit:.4f}:level=disabled[sound]"
    )
