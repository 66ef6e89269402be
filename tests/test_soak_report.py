"""The page about the long proofs says what they counted, whatever they counted."""

from __future__ import annotations

import json

import pytest
import soak
import soak_report


@pytest.fixture
def log(tmp_path, monkeypatch):
    path = tmp_path / "soak.jsonl"
    monkeypatch.setenv("MOVIEDREAMER_SOAK_LOG", str(path))
    monkeypatch.setattr(soak, "SCALE", 1.0)
    return path


def written(log) -> str:
    assert soak_report.main([str(log), "--out", str(log.with_suffix(".md"))]) == 0
    return log.with_suffix(".md").read_text()


def test_a_claim_is_a_row_with_its_figures(log):
    soak.note("Kills lose nothing", killed=1200, seconds_taken=0.1234, lost=0)
    text = written(log)
    assert "counts in full." in text
    assert "\n| Kills lose nothing | killed 1,200, seconds taken 0.123, lost 0 |\n" in text


def test_lines_of_one_claim_are_added_up_but_for_the_largest(log):
    for theme, peak in (("light", 7.5), ("dark", 3)):
        soak.note("axe", theme=theme, tabs=8, most_MiB=peak, bound_MiB=90)
    assert "\n| axe | theme light and dark, tabs 16, most MiB 7.5, bound MiB 90 |\n" in written(log)


def test_markup_cannot_break_the_table(log):
    for number in range(5):
        soak.note("<b>|</b>\n", case=f"<script>|{number}")
    assert "\n| &lt;b>\\|&lt;/b> | case of 5 kinds |\n" in written(log)


def test_smaller_counts_are_told(log):
    log.write_text(json.dumps({"claim": "Kills", "scale": 0.1, "killed": 20}) + "\n")
    assert "counts scaled by 0.1." in written(log)


def test_nothing_counted_is_no_page(log, capsys):
    assert soak_report.main([str(log), "--out", str(log.with_suffix(".md"))]) == 2
    assert "nothing was counted; run make soak" in capsys.readouterr().err
    assert not log.with_suffix(".md").exists()


def test_counts_scale_down_to_one_and_no_further(monkeypatch):
    monkeypatch.setattr(soak, "SCALE", 0.1)
    assert [soak.count(full) for full in (200, 15, 3)] == [20, 2, 1]


def test_without_a_log_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.delenv("MOVIEDREAMER_SOAK_LOG", raising=False)
    monkeypatch.chdir(tmp_path)
    soak.note("Kills", killed=1)
    assert list(tmp_path.iterdir()) == []
