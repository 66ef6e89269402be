"""A new user's walk through the real studio: `python app.py` as it is shipped, its weights, its worker, its example."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soak
from playwright.sync_api import Page, expect

from moviedreamer_core.storyworld.facts import Appearance
from moviedreamer_core.storyworld.portraits import draw_portrait

ROOT = Path(__file__).resolve().parent.parent.parent
ADA = Appearance(
    gender="woman", age="adult", skin="light", hair_colour="red", hair_style="long", hat="none",
    hat_colour="red", glasses=False, beard="none", outfit="coat", outfit_colour="yellow",
)  # fmt: skip
JOB_MS = 600_000  # for one job of the real models on a busy core
CLIP_SECONDS = "0.5"
FRAME_WIDTH = 224  # of the miniature; a movie has it or a multiple of it


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of a studio that was started as a person starts it, and the folder of its stories."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    stories = tmp_path / "stories"
    process = subprocess.Popen(
        [sys.executable, "app.py", "--port", str(port), "--stories", str(stories)],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"},  # with a device lock of its own
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = ""
        for said in process.stdout:
            if "http://" in said:
                break
        assert f"http://127.0.0.1:{port}" in said
        yield f"http://127.0.0.1:{port}/", stories
    finally:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(60)
        process.kill()
        process.wait()


def hashes(stories: Path) -> dict[str, str]:
    """The sha256 of every file of every take and clip."""
    files = [path for kind in ("takes", "clips") for path in stories.glob(f"*/{kind}/*/*/*")]
    return {
        str(path.relative_to(stories)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(files)
    }


def shot(page: Page, number: int):
    return page.locator("#md-storyboard .md-shot").nth(number - 1)


def state(page: Page, number: int, word: str) -> None:
    expect(shot(page, number).locator(".md-state")).to_have_text(word, timeout=JOB_MS)


def changes_a_line(page: Page, tab) -> None:
    tab.go("Script")
    page.locator(".md-entry").nth(2).click()
    page.locator("#md-plot").click()
    page.keyboard.press("Control+a")
    page.keyboard.type("Mara is waving at the lighthouse and is happy.", delay=15)
    expect(page.locator(".md-script .md-saved")).to_have_text("Saved")
    tab.go("Storyboard")
    state(page, 3, "Stale")


def adds_a_character(page: Page, tab, photo: Path) -> None:
    tab.go("Cast")
    before = page.locator(".md-person-card").count()
    page.locator("#md-add-character").click()
    card = page.locator(".md-person-card").nth(before)
    expect(card.locator(".md-name")).to_be_focused()
    page.keyboard.type("Ada", delay=15)
    card.locator("textarea").fill("A young woman with long red hair and a yellow coat.")
    with page.expect_file_chooser() as chooser:
        card.locator(".md-add-face").click()
    chooser.value.set_files(photo)
    expect(card.locator(".md-strip img")).to_have_count(1)
    expect(page.locator(".md-cast .md-saved")).to_have_text("Saved")
    face = card.locator(".md-strip .md-face").first
    expect(face).to_have_attribute("title", re.compile("face found", re.IGNORECASE), timeout=JOB_MS)


def writes_a_shot(page: Page, tab) -> None:
    tab.go("Script")
    page.locator(".md-entry").last.click()
    page.locator("#md-insert").click()
    expect(page.locator("#md-plot")).to_be_focused()
    page.keyboard.type("Ada is standing on the beach and is happy.", delay=15)
    page.locator("#md-elements").fill("The beach\nA clear day\nA medium shot")
    page.locator(".md-chip", has_text="Ada").click()
    page.keyboard.type("She is standing and looks happy.", delay=15)
    expect(page.locator(".md-script .md-saved")).to_have_text("Saved")


def plays(page: Page) -> float:
    """Play the movie of the screen; the second that it has come to."""
    video = "#md-movie .md-player video"
    expect(page.locator(video)).to_be_visible(timeout=JOB_MS)
    page.locator(video).evaluate("video => { video.muted = true; return video.play(); }")
    page.wait_for_function("one => document.querySelector(one).readyState >= 3", arg=video)
    page.wait_for_function("one => document.querySelector(one).currentTime > 0.2", arg=video)
    assert page.locator(video).evaluate("video => video.videoWidth") >= FRAME_WIDTH
    return page.locator(video).evaluate("video => video.currentTime")


def takes_a_shot_again(page: Page, stories: Path, again: int, number: int) -> dict[str, str]:
    """A new take of shot `again` of `number` shots that keeps the later ones; the files of before, unchanged."""

    def later() -> list[str | None]:
        return [shot(page, one).locator("img").get_attribute("src") for one in range(again + 1, number + 1)]

    shot(page, again).click()
    expect(page.locator(".md-panel").get_by_role("heading", name=f"Shot {again}")).to_be_visible()
    before, shown = hashes(stories), later()
    expect(page.get_by_label("Keep the later shots")).to_be_checked()
    page.get_by_role("button", name="Draw a new take").click()
    expect(page.locator(".md-panel").get_by_role("heading", name="Takes (2)")).to_be_visible(timeout=JOB_MS)
    state(page, again, "Fresh")
    after = hashes(stories)
    assert {path: after.get(path) for path in before} == before
    assert len(after) > len(before)
    assert later() == shown
    return before


def animates(page: Page, numbers: tuple[int, int]) -> None:
    for one in numbers:
        seconds = page.get_by_label(f"Seconds of shot {one}", exact=True)
        seconds.fill(CLIP_SECONDS)
        page.keyboard.press("Enter")
        expect(seconds).to_have_attribute("value", CLIP_SECONDS)
        page.get_by_label(f"Animate shot {one}", exact=True).check()
    page.get_by_role("button", name="Animate 2 shots").click()
    for one in numbers:
        line = page.locator(".md-clip").nth(one - 1)
        expect(line.locator(".md-state")).to_have_text(re.compile("^Fresh"), timeout=JOB_MS)


def makes_the_movie(page: Page, stories: Path) -> tuple[bytes, float]:
    """The MP4 as it is downloaded, and the second that it has played to."""
    page.get_by_role("button", name="Make movie").click()
    expect(page.locator(".md-queue-words")).to_contain_text(re.compile("[Mm]ovie.*: done"), timeout=JOB_MS)
    expect(page.locator("#md-movie .md-on-screen .md-badge")).to_have_count(0)  # it is not that of before
    played = plays(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download Movie (MP4)").first.click()
    movie = Path(download.value.path()).read_bytes()
    assert movie == next(stories.glob("*/exports/movie.mp4")).read_bytes()
    assert b"ftyp" in movie[:16]
    return movie, played


def test_a_new_user_walks_from_the_example_to_a_movie(studio, open_at, tmp_path):
    address, stories = studio
    began = time.monotonic()
    photo = tmp_path / "ada.png"
    draw_portrait(ADA, rng=np.random.default_rng(0), size_px=256, varied=False).save(photo)
    tab = open_at(address)
    page = tab.page
    expect(shot(page, 1).locator("img")).to_be_visible()  # the finished example is what one sees first
    number = page.locator("#md-storyboard .md-shot").count() + 1

    changes_a_line(page, tab)
    adds_a_character(page, tab, photo)
    writes_a_shot(page, tab)
    tab.go("Storyboard")
    state(page, number, "Not drawn")
    page.locator("[data-act=draw_missing]").click()
    state(page, number, "Fresh")
    before = takes_a_shot_again(page, stories, number - 3, number)
    tab.go("Movie")
    animates(page, (number - 3, number))
    movie, played = makes_the_movie(page, stories)
    after = hashes(stories)
    assert {path: after.get(path) for path in before} == before
    assert tab.errors == []
    assert tab.dialogs == []
    soak.note(
        "a new user's walk on the shipped weights: line, character, generate, new take, two clips, movie plays",
        minutes=round((time.monotonic() - began) / 60, 1),
        files_unchanged_byte_for_byte=len(before),
        movie_bytes=len(movie),
        played_to_seconds=round(played, 2),
    )
