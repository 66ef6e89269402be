"""The movie tab as a person meets it, with a worker that films coloured pictures."""

from __future__ import annotations

from pathlib import Path

from colour_work import draw_take, working
from playwright.sync_api import expect

from app.queue.jobs import Drawing

DRAWING = Drawing(steps=2, width=56, height=32)


def drawn(story) -> list[str]:
    rows = [row.id for row in story.script.head().draft.rows]
    for row in rows:
        draw_take(story, row, DRAWING)
    return rows


def plays(page, selector: str) -> None:
    page.locator(selector).evaluate("video => { video.muted = true; return video.play(); }")
    page.wait_for_function("one => document.querySelector(one).readyState >= 2", arg=selector)
    page.wait_for_function("one => document.querySelector(one).currentTime > 0", arg=selector)


def line(page, number: int):
    return page.locator(".md-clip").nth(number - 1)


def test_two_shots_are_animated_and_the_movie_plays_in_the_page(desk, story, open_tab):
    drawn(story)
    tab = open_tab()
    page = tab.go("Movie")
    expect(page.get_by_role("button", name="Animate", exact=True)).to_be_disabled()
    for number in (1, 2):
        page.get_by_label(f"Animate shot {number}", exact=True).check()
        expect(page.get_by_text(f"{number} of 4 shots ticked")).to_be_visible()
    button = page.get_by_role("button", name="Animate 2 shots")
    expect(button).to_contain_text("about")
    with working(desk):
        button.click()
        for number in (1, 2):
            expect(line(page, number)).to_contain_text("Fresh")
        expect(line(page, 3)).to_contain_text("No clip")
        page.get_by_label("Look at shot 2").click()
        expect(page.locator(".md-beside figure img")).to_be_visible()
        plays(page, ".md-beside video")
        page.get_by_text("Where did this come from?").click()
        take, clip = story.view().shots[1].take, story.view().shots[1].clip
        of_picture, of_clip = page.locator(".md-came-from dl").all()
        expect(of_picture).to_contain_text(f"Seed{take.recipe.seed}")
        expect(of_picture).to_contain_text(f"Plot then{take.recipe.row.plot}")
        expect(of_clip).to_contain_text(f"Fromtake {take.number}")
        expect(of_clip).to_contain_text(f"Seed{clip.recipe.seed}")
        page.get_by_role("button", name="Make movie").click()
        expect(page.locator(".md-player video")).to_be_visible()
        plays(page, ".md-player video")
        with page.expect_download() as download:
            page.get_by_role("link", name="Download Movie (MP4)").first.click()
    assert Path(download.value.path()).read_bytes() == (story.path / "exports/movie.mp4").read_bytes()
    assert download.value.suggested_filename == "movie.mp4"
    assert len([shot for shot in story.view().shots if shot.clip]) == 2
    assert tab.errors == []


def test_length_and_motion_are_kept_and_make_the_clip_stale(desk, story, open_tab):
    rows = drawn(story)
    with working(desk):
        desk.movie.tick(story.id, [rows[0]], animate=True)
        desk.movie.animate(story.id)
        tab = open_tab()
        page = tab.go("Movie")
        expect(line(page, 1)).to_contain_text("Fresh")
    page.get_by_label("Seconds of shot 1").fill("3.5")
    page.get_by_label("Seconds of shot 1").press("Enter")
    expect(line(page, 1)).to_contain_text("Stale: the length changed")
    page.get_by_label("Motion of shot 1").select_option("lively")
    expect(line(page, 1)).to_contain_text("the motion changed")
    view = story.view()
    assert (view.shots[0].row.seconds, view.shots[0].decisions.motion) == (3.5, "lively")
    page.reload()
    tab.go("Movie")
    expect(page.get_by_label("Seconds of shot 1")).to_have_value("3.5")
    expect(page.get_by_label("Motion of shot 1")).to_have_value("lively")


def test_the_animatic_plays_at_once_without_a_clip(desk, story, open_tab):
    drawn(story)
    page = open_tab().go("Movie")
    page.get_by_role("button", name="Animatic", exact=True).click()
    with working(desk):
        page.get_by_role("button", name="Make the animatic").click()
        expect(page.locator(".md-player video")).to_be_visible()
        plays(page, ".md-player video")


def test_how_the_movie_is_put_together_is_decided_here(desk, story, open_tab):
    drawn(story)
    page = open_tab().go("Movie")
    page.get_by_role("button", name="Crossfade").click()
    expect(page.get_by_role("button", name="Crossfade")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Burned in").click()
    expect(page.get_by_role("button", name="Burned in")).to_have_attribute("aria-pressed", "true")
    movie = story.decisions.read().movie
    assert (movie.transition, movie.subtitles) == ("crossfade", "burned")


def test_an_export_is_listed_with_its_size_and_can_be_downloaded(desk, story, open_tab):
    drawn(story)
    page = open_tab().go("Movie")
    with working(desk):
        page.get_by_role("button", name="Export Contact sheet (PNG)").click()
        link = page.get_by_role("link", name="Download Contact sheet (PNG)")
        expect(link).to_be_visible()
        with page.expect_download() as download:
            link.click()
    assert Path(download.value.path()).read_bytes() == b"exported\n" * 200
    expect(page.locator(".md-exports")).to_contain_text("2 kB")
