"""The page as a person meets it: in Debian's Chromium, on a server with a production without models."""

import re
import shutil
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import urlopen

import pytest
from fake_production import FakeProduction
from playwright.sync_api import expect, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 120_000


@pytest.fixture(scope="module")
def browser():
    if not shutil.which(CHROMIUM):
        pytest.fail(f"{CHROMIUM} is missing, which these tests drive; apt-get install -y chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS], timeout=PATIENCE_MS)
        yield chromium
        chromium.close()


@pytest.fixture
def production():
    return FakeProduction(stepwise=True)


@pytest.fixture
def tab(browser, address):
    context = browser.new_context(viewport={"width": 1280, "height": 1200})
    tab = context.new_page()
    tab.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    tab.asked = []
    tab.on("request", lambda request: tab.asked.append(request.url))
    tab.goto(address)
    expect(tab.locator("#story")).to_contain_text("The Pier")
    yield tab
    context.close()


def thumbnails(tab):
    return tab.locator("#keyframes .thumbnail-item")


def where_things_are(tab):
    return {
        name: tab.locator(f"#{name}").bounding_box()
        for name in ("generate", "keyframes", "movie", "warnings")
    }


def test_a_story_becomes_keyframes_one_by_one_and_then_a_movie_that_plays(tab, production, address):
    places = where_things_are(tab)
    tab.locator("#generate").click()
    for number in (1, 2):
        production.allowed.release()
        expect(thumbnails(tab)).to_have_count(number)
    expect(tab.locator("#progress .says")).to_contain_text("Keyframe 3 of 3")
    expect(tab.locator("#generate")).to_be_disabled()

    tab.reload()  # the job does not notice, and the page finds it again
    expect(thumbnails(tab)).to_have_count(2)
    production.allowed.release()
    expect(thumbnails(tab)).to_have_count(3)
    expect(thumbnails(tab).nth(0)).to_contain_text("1. Mara walks along <img src=x")
    expect(tab.locator("#warnings textarea")).to_have_value(re.compile("keyframe 2: .*Tom has no face image"))

    tab.locator("#make_movie").click()
    for _ in range(3):
        production.allowed.release()
    video = tab.locator("#movie video")
    expect(video).to_be_visible()
    video.evaluate("video => { video.muted = true; return video.play(); }")
    tab.wait_for_function("document.querySelector('#movie video').readyState >= 2")
    tab.wait_for_function("document.querySelector('#movie video').currentTime > 0")
    with tab.expect_download() as download:
        tab.get_by_text("Download the movie").click()
    assert Path(download.value.path()).read_bytes()[4:8] == b"ftyp"

    assert where_things_are(tab) == places
    assert tab.evaluate("window.injected") is None
    assert [url for url in tab.asked if not url.startswith((address, "data:", "blob:"))] == []


def test_a_bad_story_is_told_beside_the_editor_and_nothing_typed_is_lost(tab):
    tab.locator("#story .cm-content").click()
    tab.keyboard.press("Control+Home")
    tab.keyboard.type("nonsense: [")
    tab.locator("#generate").click()
    expect(tab.locator("#message textarea")).to_have_value(re.compile("^story.yaml: line [0-9]+: "))
    expect(tab.locator("#story")).to_contain_text("nonsense: [")
    expect(tab.locator("#story")).to_contain_text("The Pier")


def test_files_outside_the_outputs_are_not_served(address, studio, story_file):
    inside = studio.outputs / "seen.txt"
    inside.write_text("seen", encoding="utf-8")
    assert urlopen(f"{address}gradio_api/file={quote(str(inside))}").read() == b"seen"
    for path in (story_file, Path(__file__), studio.outputs / ".." / "story" / "story.yaml"):
        with pytest.raises(HTTPError) as refused:
            urlopen(f"{address}gradio_api/file={quote(str(path))}")
        assert refused.value.code == 403
