"""Subtitles, read back by hand: SubRip is numbers, times and lines between empty lines."""

from __future__ import annotations

import itertools
import re

import pysubs2
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from moviedreamer_core.handoff.subtitles import (
    MAX_COLUMNS,
    MIN_MS,
    ass_document,
    srt_document,
    subtitles,
    write_srt,
)
from moviedreamer_core.handoff.wrapping import columns

LONG = (
    "Old Tom waits by the sea for three days and three nights, and the tide comes in, and the boat is gone, and "
    "then it rains until nobody comes."
)


def read_srt(text):
    """(start, end, lines) in milliseconds, as the format says and nothing more."""
    entries = []
    for number, block in enumerate(text.strip("\n").split("\n\n"), start=1):
        first, times, *lines = block.split("\n")
        assert first == str(number)
        match = re.fullmatch(r"(\d\d):(\d\d):(\d\d),(\d{3}) --> (\d\d):(\d\d):(\d\d),(\d{3})", times)
        h1, m1, s1, ms1, h2, m2, s2, ms2 = map(int, match.groups())
        start, end = ((h1 * 60 + m1) * 60 + s1) * 1000 + ms1, ((h2 * 60 + m2) * 60 + s2) * 1000 + ms2
        entries.append((start, end, lines))
    return entries


def test_each_plot_is_read_while_its_shot_is_shown(make_cut, tmp_path):
    cut = make_cut(2.0, 1.5, 3.0, plots=("Mara runs.", "Zoë ruft.", "玛拉跑向灯塔。"))
    write_srt(cut, tmp_path / "movie.srt")
    assert read_srt((tmp_path / "movie.srt").read_text("utf-8")) == [
        (0, 2000, ["Mara runs."]),
        (2000, 3500, ["Zoë ruft."]),
        (3500, 6500, ["玛拉跑向灯塔。"]),
    ]


def test_another_reader_agrees(make_cut, tmp_path):
    write_srt(make_cut(2.0, 8.0, plots=("Mara runs.", LONG)), tmp_path / "movie.srt")
    by_hand = read_srt((tmp_path / "movie.srt").read_text("utf-8"))
    by_library = pysubs2.load(str(tmp_path / "movie.srt"))
    assert [(one.start, one.end, one.plaintext.split("\n")) for one in by_library] == by_hand


def test_a_crossfade_is_cut_in_its_middle(make_cut):
    cut = make_cut(2.0, 2.0, crossfades=(0.4,))
    assert [(one.start_ms, one.end_ms) for one in subtitles(cut)] == [(0, 1800), (1800, 3600)]


def test_a_long_plot_is_read_in_parts_of_two_lines(make_cut):
    parts = subtitles(make_cut(12.0, plots=(LONG,)))
    assert len(parts) == 2
    assert all(len(part.lines) == 2 for part in parts)
    assert " ".join(line for part in parts for line in part.lines) == LONG
    assert max(columns(line) for part in parts for line in part.lines) <= MAX_COLUMNS
    assert parts[0].end_ms == parts[1].start_ms
    assert parts[0].end_ms == pytest.approx(6000, abs=600)  # as long as its share of the text


def test_a_long_plot_in_a_short_shot_is_read_at_once(make_cut):
    (whole,) = subtitles(make_cut(1.5, plots=(LONG,)))
    assert (whole.start_ms, whole.end_ms, len(whole.lines)) == (0, 1500, 4)


def test_a_short_shot_is_read_for_a_second_and_the_next_begins_later(make_cut):
    cut = make_cut(2.0, 0.3, 3.0)
    assert [(one.start_ms, one.end_ms) for one in subtitles(cut)] == [(0, 2000), (2000, 3000), (3000, 5300)]


def test_at_the_end_the_one_before_gives_way(make_cut):
    cut = make_cut(3.0, 0.3)
    assert [(one.start_ms, one.end_ms) for one in subtitles(cut)] == [(0, 2300), (2300, 3300)]


def test_a_movie_that_is_too_short_shares_its_time(make_cut):
    cut = make_cut(0.2, 0.3, 0.7)
    assert [(one.start_ms, one.end_ms) for one in subtitles(cut)] == [(0, 400), (400, 800), (800, 1200)]


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shots=st.lists(st.tuples(st.floats(0.04, 6), st.text(max_size=120)), min_size=1, max_size=12),
    rate=st.integers(1, 60),
    crossfade=st.sampled_from([0.0, 0.25, 1.0]),
)
def test_subtitles_never_overlap_or_end_after_the_movie(make_cut, shots, rate, crossfade):
    lengths, plots = zip(*shots)
    cut = make_cut(*lengths, plots=plots, frames_per_second=rate, crossfades=(crossfade,) * (len(shots) - 1))
    found = subtitles(cut)
    total_ms = 1000 * cut.num_frames / rate
    for one in found:
        assert one.start_ms >= 0
        assert one.end_ms <= total_ms
        assert one.end_ms - one.start_ms >= min(MIN_MS, int(total_ms) // len(found))
        assert all(line.strip() and columns(line) <= MAX_COLUMNS for line in one.lines)
    assert all(before.end_ms <= after.start_ms for before, after in itertools.pairwise(found))


@pytest.mark.parametrize(
    ("plot", "line"),
    [
        ("{\\an8}Up <b>bold</b>", "(∖an8)Up ‹b›bold‹/b›"),
        ("a --> b", "a → b"),
        ("1\n2\n\n00:00:01,000 --> 00:00:02,000", "1 2 00:00:01,000 → 00:00:02,000"),
        ("C:\\Nelly & {Tom}", "C:∖Nelly & (Tom)"),
    ],
)
def test_what_players_take_for_markup_is_shown(make_cut, plot, line):
    cut = make_cut(4.0, plots=(plot,))
    ((_, _, lines),) = read_srt(srt_document(cut))
    assert " ".join(lines) == line
    (event,) = pysubs2.SSAFile.from_string(ass_document(cut))
    assert event.plaintext.replace("\n", " ") == line


def test_a_plot_of_nothing_visible_has_no_subtitle(make_cut):
    assert [one.lines for one in subtitles(make_cut(1.0, 1.0, plots=("\0", "Mara runs.")))] == [
        ("Mara runs.",)
    ]


@pytest.mark.parametrize("size", [(896, 512), (64, 36), (512, 896), (1920, 1080)])
def test_a_full_line_fits_the_picture(make_cut, size):
    from PIL import ImageFont

    from moviedreamer_core.handoff.typography import REGULAR

    document = pysubs2.SSAFile.from_string(ass_document(make_cut(1.0, size=size)))
    style = document.styles["Default"]
    assert (document.info["PlayResX"], document.info["PlayResY"]) == tuple(map(str, size))
    # libass takes the size as the whole height of the letters, which is more than Pillow's em.
    font = ImageFont.truetype(str(REGULAR), 100)
    line = "Mara walks along the beach and looks at it"
    assert len(line) == MAX_COLUMNS
    assert min(size) < 200 or font.getlength(line) * style.fontsize / 100 <= size[0] * 0.92
