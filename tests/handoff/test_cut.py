"""Where shots lie, against the movie that `stitch` really makes of them."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from moviedreamer_core.errors import InputError
from moviedreamer_core.handoff.cut import (
    Cut,
    CutShot,
    crossfaded,
    placed,
    timecode,
    titles_of_scenes,
    with_measured_clips,
)
from moviedreamer_core.video.movie import Still, read_clip, stitch, write_clip


def spans(cut):
    return [(place.start_frame, place.end_frame) for place in placed(cut)]


def test_hard_cuts_follow_each_other(make_cut):
    cut = make_cut(2.0, 0.5, 1.0)
    assert spans(cut) == [(0, 20), (20, 25), (25, 35)]
    assert (cut.num_frames, cut.seconds) == (35, 3.5)


def test_crossfades_overlap_their_neighbours(make_cut):
    cut = make_cut(2.0, 1.0, 1.0, crossfades=(0.4, 0.3))
    assert spans(cut) == [(0, 20), (16, 26), (23, 33)]
    shown = [(place.first_shown, place.end_shown) for place in placed(cut)]
    assert shown == [(0, 18), (18, 24), (24, 33)]


@pytest.mark.parametrize("seconds", [(1.0, 0.5, 1.0), (0.04, 0.3, 0.1, 2.0), (0.26, 0.24, 0.1)])
@pytest.mark.parametrize("crossfade", [0.0, 0.3, 2.0])
def test_the_movie_that_is_stitched_has_these_frames(make_cut, tmp_path, seconds, crossfade):
    cut = crossfaded(make_cut(*seconds), crossfade)
    stitch(
        [Still(shot.keyframe, shot.seconds) for shot in cut.shots],
        tmp_path / "movie.mp4",
        frames_per_second=10,
        size=(64, 36),
        transition="crossfade",
        crossfade_seconds=crossfade,
    )
    assert len(read_clip(tmp_path / "movie.mp4")) == cut.num_frames


def test_clips_count_with_their_real_lengths(make_cut, tmp_path):
    cut = make_cut(1.0, 1.0)
    frames = read_frames(9)
    write_clip(frames, tmp_path / "clip.mp4", frames_per_second=14)
    cut = replace(cut, shots=(replace(cut.shots[0], clip=tmp_path / "clip.mp4"), cut.shots[1]))
    measured = with_measured_clips(cut)
    assert [shot.seconds for shot in measured.shots] == [Fraction(9, 14), 1.0]
    stitch(
        [tmp_path / "clip.mp4", Still(cut.shots[1].keyframe, 1.0)],
        tmp_path / "movie.mp4",
        frames_per_second=7,
        size=(64, 36),
    )
    at_7 = replace(measured, frames_per_second=7)  # 4.5 frames: a tie, which floats may break the other way
    assert len(read_clip(tmp_path / "movie.mp4")) == at_7.num_frames


def read_frames(num_frames):
    return np.full((num_frames, 36, 64, 3), 90, dtype=np.uint8)


def test_a_clip_that_is_missing_is_named(make_cut, tmp_path):
    cut = make_cut(1.0)
    cut = replace(cut, shots=(replace(cut.shots[0], clip=tmp_path / "0001.mp4"),))
    with pytest.raises(InputError, match=r"0001\.mp4: there is no such video at"):
        with_measured_clips(cut)


@settings(deadline=None)
@given(
    st.lists(st.floats(0.001, 3), min_size=1, max_size=8).flatmap(
        lambda lengths: st.tuples(
            st.just(lengths), st.lists(st.floats(0, 4), min_size=len(lengths) - 1, max_size=len(lengths) - 1)
        )
    ),
    st.integers(1, 60),
)
def test_shots_are_shown_one_after_another_without_gaps(tmp_path_factory, lengths_and_fades, rate):
    lengths, fades = lengths_and_fades
    shots = tuple(
        CutShot(
            id=str(number), number=number, plot="A.", seconds=seconds, keyframe=tmp_path_factory.getbasetemp(),
            seed=0, take=1, weights_hash="",
        )
        for number, seconds in enumerate(lengths, start=1)
    )  # fmt: skip
    cut = Cut(title="", shots=shots, frames_per_second=rate, size=(64, 36), crossfades=tuple(fades))
    places = placed(cut)
    assert places[0].first_shown == 0
    assert places[-1].end_shown == cut.num_frames
    for before, after in itertools.pairwise(places):
        assert before.end_shown == after.first_shown
        assert before.fade_out_frames == after.fade_in_frames == before.end_frame - after.start_frame
        assert before.fade_in_frames + before.fade_out_frames <= before.num_frames


@pytest.mark.parametrize(
    ("frame", "rate", "code"),
    [
        (0, 24, "00:00:00:00"),
        (23, 24, "00:00:00:23"),
        (24, 24, "00:00:01:00"),
        (7 * 3661 + 6, 7, "01:01:01:06"),
    ],
)
def test_timecodes_count_frames(frame, rate, code):
    assert timecode(frame, rate) == code


def test_a_scene_is_titled_where_it_begins(make_cut):
    assert titles_of_scenes(make_cut(1, 1, 1, 1).shots) == ("Beach", "", "Hut", "")


# --- mistakes ----------------------------------------------------------------------------------------


def test_a_movie_without_shots_is_told(make_cut):
    with pytest.raises(InputError) as error:
        make_cut()
    assert str(error.value) == "The Light: the movie has no shots; draw a keyframe first"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frames_per_second": 0}, "frames_per_second must be between 1 and 240, got 0"),
        ({"size": (64, 1)}, r"size must be between 2 x 2 and 8192 x 8192 pixels, got \(64, 1\)"),
        ({"crossfades": (0.1, 0.1)}, r"2 shots meet 1 times, got \(0.1, 0.1\)"),
        ({"crossfades": (-0.1,)}, r"crossfades must be between 0 and 60 seconds, got \(-0.1,\)"),
        ({"crossfades": (float("nan"),)}, "crossfades must be between 0 and 60 seconds"),
    ],
)
def test_a_cut_refuses_what_cannot_be_shown(make_cut, change, message):
    with pytest.raises(ValueError, match=message):
        make_cut(1.0, 1.0, **change)


@pytest.mark.parametrize("seconds", [0, -1.0, float("nan"), 3601])
def test_a_shot_refuses_a_length_out_of_range(make_cut, seconds):
    with pytest.raises(ValueError, match="shot 1: seconds must be above 0 and at most 3600, got"):
        make_cut(seconds)


@pytest.mark.parametrize("name", ["id", "number"])
def test_two_shots_cannot_be_the_same(make_cut, name):
    cut = make_cut(1.0, 1.0)
    twin = replace(cut.shots[1], **{name: getattr(cut.shots[0], name)})
    with pytest.raises(ValueError, match=f"two shots have the same {name}"):
        replace(cut, shots=(cut.shots[0], twin))


def test_far_too_many_shots_are_told(make_cut, monkeypatch):
    monkeypatch.setattr("moviedreamer_core.handoff.cut.MAX_SHOTS", 2)
    with pytest.raises(
        InputError, match="The Light: the movie has 3 shots, the limit is 2; export it in parts"
    ):
        make_cut(1.0, 1.0, 1.0)
