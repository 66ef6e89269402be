from __future__ import annotations

import textwrap

import pytest
from hypothesis import given, settings, strategies as st

from moviedreamer_core.handoff.wrapping import MAX_CHARACTERS, balanced, columns, plain, shortened, wrapped

WORDS = st.lists(st.text("abcdef", min_size=1, max_size=12), max_size=30).map(" ".join)


@settings(deadline=None)
@given(WORDS, st.integers(12, 40))
def test_plain_words_are_wrapped_as_textwrap_does(text, limit):
    assert wrapped(text, limit) == textwrap.wrap(text, limit, break_on_hyphens=False)


@settings(deadline=None)
@given(st.text(max_size=80), st.integers(1, 20))
def test_nothing_is_lost_and_no_line_is_too_long(text, limit):
    lines = wrapped(text, limit)
    assert "".join(lines).replace(" ", "") == plain(text).replace(" ", "")
    assert all(line == line.strip() and line for line in lines)
    for line in lines:
        assert columns(line) <= limit or len([char for char in line if columns(char)]) <= 1


def test_east_asian_text_breaks_between_characters_and_not_before_a_full_stop():
    assert wrapped("玛拉跑向灯塔。", 6) == ["玛拉跑", "向灯", "塔。"]
    assert wrapped("她说「你好」", 6) == ["她说", "「你", "好」"]


@pytest.mark.parametrize("mark", ["\u0301", "\ufe00", "\ufe0f", "\u093e", "\u20dd"])
def test_marks_take_no_column_and_stay_with_their_letters(mark):
    assert columns("a" + mark) == 1
    assert wrapped(f"a{mark}b{mark}", 1) == [f"a{mark}", f"b{mark}"]


def test_accents_stay_with_their_letters():
    assert wrapped("e\u0301e\u0301e\u0301", 2) == ["e\u0301e\u0301", "e\u0301"]


@settings(deadline=None, max_examples=40)
@given(WORDS, st.integers(8, 40))
def test_balanced_lines_are_as_many_and_no_longer(text, limit):
    lines = balanced(text, limit)
    greedy = wrapped(text, limit)
    assert len(lines) == len(greedy)
    assert " ".join(lines).split() == " ".join(greedy).split() or any(len(word) > 8 for word in text.split())
    assert max(map(columns, lines), default=0) <= max(map(columns, greedy), default=0)


def test_balanced_lines_are_of_about_equal_length():
    assert balanced("Mara walks along the beach and looks up.", 36) == [
        "Mara walks along the",
        "beach and looks up.",
    ]


def test_what_is_cut_off_ends_in_an_ellipsis_that_fits():
    lines = wrapped("one two three four five", 9)
    assert shortened(lines, 2, 9) == ["one two", "three…"]
    assert shortened(["one two", "three", "f"], 1, 7) == ["one tw…"]
    assert shortened(lines, 9, 9) == lines


@pytest.mark.parametrize(
    ("text", "line"),
    [("a\r\n\tb  c", "a b c"), ("a\u2028b\u202e\0c\x1b[0m", "a b c [0m"), ("", ""), (" \n", "")],
)
def test_plain_text_is_one_line_without_control_characters(text, line):
    assert plain(text) == line


def test_very_long_text_is_cut_off():
    assert plain("a" * 10**6) == "a" * (MAX_CHARACTERS - 1) + "…"
