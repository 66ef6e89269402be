"""The file, read back by OpenTimelineIO itself, which computes where things lie."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import unquote

import opentimelineio as otio
import pytest

from moviedreamer_core.errors import OutputError
from moviedreamer_core.handoff.cut import placed
from moviedreamer_core.handoff.interchange import write_otio


def read(cut, path, **options):
    write_otio(cut, path, **options)
    return otio.adapters.read_from_file(str(path))


def frames(time):
    assert time.value == int(time.value)
    return int(time.value)


def test_hard_cuts_lie_where_the_movie_has_them(make_cut, tmp_path):
    timeline = read(make_cut(2.0, 0.5, 1.0), tmp_path / "movie.otio")
    (track,) = timeline.video_tracks()
    spans = [clip.range_in_parent() for clip in track.find_clips()]
    assert [(frames(one.start_time), frames(one.end_time_exclusive())) for one in spans] == [
        (0, 20),
        (20, 25),
        (25, 35),
    ]
    assert timeline.name == "The Light"
    assert timeline.duration() == otio.opentime.RationalTime(35, 10)


def test_a_crossfade_is_a_dissolve_over_the_same_frames(make_cut, tmp_path):
    cut = make_cut(2.0, 1.0, 1.0, crossfades=(0.5, 0.0))
    (track,) = read(cut, tmp_path / "movie.otio").video_tracks()
    (dissolve,) = [one for one in track if isinstance(one, otio.schema.Transition)]
    assert dissolve.transition_type == otio.schema.TransitionTypes.SMPTE_Dissolve
    assert track.index(dissolve) == 1
    place = placed(cut)[1]
    span = dissolve.range_in_parent()
    assert frames(span.start_time) == place.start_frame
    assert frames(span.duration) == place.fade_in_frames
    assert frames(track.duration()) == cut.num_frames


def test_no_dissolve_takes_frames_that_its_media_do_not_have(make_cut, tmp_path):
    cut = make_cut(0.9, 0.4, 0.3, 1.2, crossfades=(0.5, 0.3, 0.3))
    (track,) = read(cut, tmp_path / "movie.otio").video_tracks()
    for before, dissolve, after in zip(track, list(track)[1:], list(track)[2:]):
        if isinstance(dissolve, otio.schema.Transition):
            out = before.source_range.end_time_exclusive() + dissolve.out_offset
            assert out <= before.available_range().end_time_exclusive()
            assert after.source_range.start_time - dissolve.in_offset >= after.available_range().start_time


def test_every_clip_says_where_it_comes_from(make_cut, tmp_path):
    cut = make_cut(1.0, 1.0)
    clips = read(cut, tmp_path / "movie.otio").find_clips()
    told = [clip.metadata["moviedreamer"] for clip in clips]
    assert [(one["shot"], one["number"], one["seed"], one["take"]) for one in told] == [
        ("shot-1", 1, 2**63 - 1, 1),
        ("shot-2", 2, 2**63 - 2, 2),
    ]
    plain = json.loads((tmp_path / "movie.otio").read_text("utf-8"))
    metadata = plain["tracks"]["children"][0]["children"][0]["metadata"]["moviedreamer"]
    assert metadata["script"] == cut.shots[0].script
    assert told[0]["weights_hash"] == "ab" * 32


def test_markers_name_shots_and_scenes(make_cut, tmp_path):
    timeline = read(make_cut(1.0, 1.0, 1.0, crossfades=(0.4, 0.0)), tmp_path / "movie.otio")
    clips = timeline.find_clips()
    assert [clip.markers[0].name for clip in clips] == ["Shot 1", "Shot 2", "Shot 3"]
    assert [clip.markers[0].comment for clip in clips] == [f"Mara sees wave {n}." for n in (1, 2, 3)]
    for clip in clips:
        assert clip.markers[0].marked_range.start_time == clip.source_range.start_time
    scenes = [(one.name, frames(one.marked_range.start_time)) for one in timeline.tracks.markers]
    assert scenes == [("Beach", 0), ("Hut", 16)]


def test_media_are_relative_to_the_file(make_cut, tmp_path):
    clip, folder = tmp_path / "clips" / "take 2 #ü.mp4", tmp_path / "exports" / "today"
    folder.mkdir(parents=True)
    cut = make_cut(1.0, 1.0)
    cut = replace(cut, shots=(replace(cut.shots[0], clip=clip), cut.shots[1]))
    first, second = read(cut, folder / "movie.otio").find_clips()
    assert first.media_reference.target_url == "../../clips/take%202%20%23%C3%BC.mp4"
    assert unquote(first.media_references()["keyframe"].target_url) == "../../keyframes/0001.png"
    assert (folder / unquote(second.media_reference.target_url)).resolve() == cut.shots[1].keyframe
    assert frames(second.media_reference.available_range.duration) == 10


def test_music_is_a_track_of_its_own(make_cut, tmp_path):
    timeline = read(make_cut(1.0, 1.5), tmp_path / "movie.otio", music=tmp_path / "my song.mp3")
    (track,) = timeline.audio_tracks()
    (clip,) = track.find_clips()
    assert clip.media_reference.target_url == "my%20song.mp3"
    assert frames(clip.duration()) == 25


def test_any_text_is_kept(make_cut, tmp_path):
    plot = 'Zoë "ruft"\n{玛拉} \\ </x>\x07'
    (clip,) = read(make_cut(1.0, plots=(plot,)), tmp_path / "movie.otio").find_clips()
    assert clip.metadata["moviedreamer"]["plot"] == plot
    assert "\n" not in clip.name


def test_a_folder_that_is_not_there_is_told(make_cut, tmp_path):
    with pytest.raises(OutputError, match=r"cannot write .*no/movie\.otio: its folder does not exist"):
        write_otio(make_cut(1.0), tmp_path / "no" / "movie.otio")
