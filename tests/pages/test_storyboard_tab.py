"""The storyboard tab as a person meets it, with a worker that draws coloured pictures."""

from __future__ import annotations

from pathlib import Path

import pytest
from colour_work import draw_take, working
from gradio_client import Client
from PIL import Image
from playwright.sync_api import expect

from app.queue.jobs import Drawing
from moviedreamer_core.handoff.recipes import ShotRecipe
from moviedreamer_core.handoff.stamping import save_png
from moviedreamer_core.script import KeyframeScript
from moviedreamer_core.workspace import image_path

DRAWING = Drawing(steps=2, width=56, height=32)
PAYLOADS = (
    "<img src=x onerror=\"window.injected='img'\">",
    "${window.injected='template'}",
    "{{constructor.constructor('window.injected=1')()}}",
    "`+(window.injected='tick')+`</script><script>window.injected='script'</script>",
)


def rows_of(story) -> list[str]:
    return [row.id for row in story.script.head().draft.rows]


def drawn(story) -> None:
    for row in rows_of(story):
        draw_take(story, row, DRAWING)


def files(story) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(story.path.glob("takes/*/*/*"))}


def shot(page, number):
    return page.locator(".md-shot").nth(number - 1)


def state(page, number):
    return shot(page, number).locator(".md-state")


def panel(page):
    return page.locator(".md-panel")


def test_what_is_missing_is_drawn_and_a_reload_in_between_loses_nothing(desk, story, open_tab):
    tab = open_tab()
    page = tab.go("Storyboard")
    button = page.locator("[data-act=draw_missing]")
    expect(button).to_contain_text("4 shots, about")
    expect(state(page, 1)).to_have_text("Not drawn")
    with working(desk, step_seconds=0.03):
        button.click()
        expect(button).to_be_disabled()
        expect(state(page, 1)).to_have_text("Fresh")
        page.reload()
        tab.go("Storyboard")
        for number in (2, 3, 4):
            expect(state(page, number)).to_have_text("Fresh")
        page.wait_for_function(
            "[...document.querySelectorAll('.md-shot img')].filter(one => one.naturalWidth > 0).length === 4"
        )
    assert len(story.view().shown_takes) == 4
    assert tab.errors == []


def test_a_new_take_that_keeps_the_later_shots_leaves_their_files_byte_for_byte(desk, story, open_tab):
    drawn(story)
    before = files(story)
    page = open_tab().go("Storyboard")
    shot(page, 2).click()
    expect(panel(page).get_by_role("heading", name="Shot 2")).to_be_visible()
    expect(panel(page)).to_contain_text("changes only shot 2, about")
    expect(panel(page)).to_contain_text("3 shots stay")
    with working(desk):
        panel(page).get_by_role("button", name="Draw a new take").click()
        expect(panel(page).get_by_role("heading", name="Takes (2)")).to_be_visible()
        expect(state(page, 2)).to_have_text("Fresh")
    after = files(story)
    assert {path: after[path] for path in before} == before
    assert len(after) > len(before)
    for number in (1, 3, 4):
        expect(state(page, number)).to_have_text("Fresh")


def test_takes_stand_side_by_side_and_one_is_chosen(desk, story, open_tab):
    drawn(story)
    row = rows_of(story)[0]
    second = draw_take(story, row, DRAWING, seed=9)
    page = open_tab().go("Storyboard")
    expect(panel(page).locator(".md-take")).to_have_count(2)
    first = shot(page, 1).locator("img").get_attribute("src")
    panel(page).get_by_role("button", name="Use take 2").click()
    expect(panel(page).get_by_role("button", name="Use take 1")).to_be_visible()
    assert story.view().shots[0].take == second
    assert shot(page, 1).locator("img").get_attribute("src") != first
    expect(state(page, 2)).to_have_text("Fresh")
    with page.expect_download() as download:
        panel(page).get_by_role("link", name="PNG").click()
    assert Path(download.value.path()).read_bytes() == image_path(second).read_bytes()
    assert download.value.suggested_filename == "The Pier - shot 01 take 2.png"
    panel(page).locator(".md-take").first.get_by_text("Recipe").click()
    expect(panel(page).locator(".md-take").first.locator("dl")).to_contain_text("Seed")
    panel(page).get_by_role("button", name="Reject take 2").click()
    expect(panel(page).get_by_role("button", name="Take back")).to_be_visible()
    expect(panel(page).locator(".md-take").first.locator("dl")).to_be_visible()  # it stays open


def test_a_locked_shot_offers_nothing_that_changes_it(desk, story, open_tab):
    drawn(story)
    page = open_tab().go("Storyboard")
    panel(page).get_by_role("button", name="Lock").click()
    expect(state(page, 1)).to_have_text("Locked")
    expect(panel(page).locator("[data-act=new_take]")).to_be_disabled()
    expect(panel(page).locator("[data-act=replace]")).to_be_disabled()
    assert story.view().shots[0].locked
    panel(page).get_by_role("button", name="Unlock").click()
    expect(state(page, 1)).to_have_text("Fresh")


@pytest.mark.parametrize("number", [1, 3], ids=["of the shot at hand", "of another shot"])
def test_a_half_filled_form_survives_the_updates_of_a_running_job(desk, story, open_tab, number):
    drawn(story)
    page = open_tab().go("Storyboard")
    panel(page).get_by_label("This seed").check()
    panel(page).get_by_label("Seed", exact=True).fill("123456789")
    panel(page).get_by_label("Redraw all later shots").check()
    panel(page).get_by_label("From faithful to surprising").fill("1.8")
    with working(desk):
        desk.storyboard.new_take(story.id, rows_of(story)[number - 1])
        expect(shot(page, number)).to_contain_text("2 takes")
    expect(panel(page).get_by_label("Seed", exact=True)).to_have_value("123456789")
    panel(page).get_by_role("button", name="Draw a new take").click()
    expect(state(page, 1)).to_have_text("Queued")
    job = desk.jobs.active(story.id)[-1].job
    assert (job.seed, job.drawing.temperature, job.later) == (123456789, 1.8, "repredict")


def test_a_seed_that_nobody_typed_is_that_of_the_shot_as_it_is_now(desk, story, open_tab):
    drawn(story)
    page = open_tab().go("Storyboard")
    panel(page).get_by_label("This seed").check()
    field = panel(page).get_by_label("Seed", exact=True)
    shots = story.view().shots
    expect(field).to_have_value(str(shots[0].take.recipe.seed))
    shot(page, 2).click()
    panel(page).get_by_label("This seed").check()
    expect(field).to_have_value(str(shots[1].take.recipe.seed))
    with working(desk):
        desk.storyboard.new_take(story.id, rows_of(story)[1])
        expect(shot(page, 2)).to_contain_text("2 takes")
    newest = story.view().shots[1].take.recipe.seed
    assert newest != shots[1].take.recipe.seed
    expect(field).to_have_value(str(newest))


def test_a_preview_is_neither_drawn_nor_not_drawn_wherever_it_is_counted(desk, story, open_tab):
    rows = rows_of(story)
    draw_take(story, rows[0], DRAWING)
    draw_take(story, rows[1], DRAWING, is_preview=True)
    page = open_tab().go("Storyboard")
    words = page.locator(".md-shot .md-state").all_inner_texts()
    assert words == ["Fresh", "Preview", "Not drawn", "Not drawn"]
    filters = [" ".join(one.split()) for one in page.locator(".md-filter").all_inner_texts()]
    assert filters == ["All 4", "Not drawn 2", "Preview 1", "Fresh 1"]
    expect(page.locator("[data-act=draw_missing]")).to_contain_text("3 shots, about")
    page.get_by_role("tab", name="Stories", exact=True).click()
    expect(page.locator(".md-story-text").first).to_contain_text("1 of 4 shots drawn, 1 preview")


def test_filters_show_only_shots_in_one_state(desk, story, open_tab):
    draw_take(story, rows_of(story)[1], DRAWING)
    page = open_tab().go("Storyboard")
    page.get_by_role("button", name="Not drawn 3").click()
    expect(page.locator(".md-shot:visible")).to_have_count(3)
    page.get_by_role("button", name="All 4").click()
    expect(page.locator(".md-shot:visible")).to_have_count(4)


def test_a_stale_shot_is_told_apart_and_kept_as_it_is(desk, story, open_tab):
    drawn(story)
    row = story.script.head().draft.rows[0].model_copy(update={"plot": "Mara runs."})
    story.script.change(lambda draft: draft.with_row(row), label="Edit")
    page = open_tab().go("Storyboard")
    expect(state(page, 1)).to_have_text("Stale")
    expect(panel(page)).to_contain_text("Drawn before its row of the script changed.")
    panel(page).get_by_role("button", name="Keep as is").click()
    expect(state(page, 1)).to_have_text("Fresh")


def test_a_picture_is_replaced_by_an_uploaded_one(desk, story, open_tab, picture):
    drawn(story)
    page = open_tab().go("Storyboard")
    with working(desk):
        with page.expect_file_chooser() as chooser:
            panel(page).get_by_role("button", name="Replace").click()
        chooser.value.set_files(picture)
        expect(panel(page).locator(".md-take").first).to_contain_text("Uploaded")
    take = story.view().shots[0].take
    assert take.recipe.origin == "uploaded"
    assert Image.open(image_path(take)).convert("RGB").getpixel((5, 5)) == (210, 180, 140)


def test_a_picture_tells_where_it_came_from_and_gives_its_script_back(desk, story, open_tab, tmp_path: Path):
    script = KeyframeScript.model_validate({"plot": "Mara flies a kite.", "scene_elements": ["A hill"]})
    save_png(
        Image.new("RGB", (32, 32)), tmp_path / "kite.png", ShotRecipe(number=9, seed=2**61, script=script)
    )
    page = open_tab().go("Storyboard")
    shot(page, 3).click()
    with page.expect_file_chooser() as chooser:
        panel(page).get_by_role("button", name="Recipe of a file").click()
    chooser.value.set_files(tmp_path / "kite.png")
    expect(panel(page).locator(".md-origin")).to_contain_text("Mara flies a kite.")
    expect(panel(page).locator(".md-origin")).to_contain_text(str(2**61))
    panel(page).get_by_role("button", name="Load its script and seed into shot 3").click()
    expect(shot(page, 3)).to_contain_text("Mara flies a kite.")
    row = story.script.head().draft.rows[2]
    assert (row.plot, row.seed, row.scene_elements) == ("Mara flies a kite.", 2**61, ("A hill",))


def test_an_error_is_one_sentence_and_nothing_changes(desk, story, open_tab, tmp_path: Path):
    Image.new("RGB", (8, 8)).save(tmp_path / "plain.png")
    page = open_tab().go("Storyboard")
    with page.expect_file_chooser() as chooser:
        panel(page).get_by_role("button", name="Recipe of a file").click()
    chooser.value.set_files(tmp_path / "plain.png")
    expect(page.get_by_text("plain.png: the file carries no recipe", exact=False)).to_be_visible()
    expect(panel(page).locator(".md-origin")).to_be_hidden()


@pytest.mark.parametrize("payload", PAYLOADS)
def test_markup_in_a_plot_is_shown_and_never_runs(desk, story, open_tab, payload):
    draft = story.script.head().draft
    row = draft.rows[0].model_copy(update={"plot": f"broken {payload}", "scene_elements": (payload,)})
    member = draft.cast[0].model_copy(update={"name": payload})
    story.script.change(
        lambda before: before.with_row(row).with_member(member).with_changes(title=payload), label="Edit"
    )
    with working(desk):
        tab = open_tab()
        page = tab.go("Storyboard")
        expect(shot(page, 1)).to_contain_text(payload)
        expect(panel(page)).to_contain_text(payload)
        page.locator("[data-act=draw_missing]").click()
        expect(state(page, 1)).to_have_text("Failed")
        for name in ("Movie", "Continuity"):
            tab.go(name)
        expect(page.locator(".md-clips")).to_contain_text(payload)
    assert page.evaluate("window.injected") is None
    assert tab.errors == []


def test_the_public_steps_draw_choose_and_call_off(desk, story, address):
    client = Client(address, verbose=False)
    with working(desk):
        job = client.predict(story.id, api_name="/draw_missing")
        while client.predict(job, api_name="/job_status")["state"] not in ("done", "failed"):
            pass
        assert client.predict(job, api_name="/job_status")["share"] == 1
        job = client.predict(story.id, 2, 77, 0.4, "keep", api_name="/new_take")
        while client.predict(job, api_name="/job_status")["state"] not in ("done", "failed"):
            pass
    assert story.view().shots[1].take.recipe.seed == 77
    client.predict(story.id, 2, 1, api_name="/choose_take")
    assert story.view().shots[1].take.number == 1
    job = client.predict(story.id, 1, api_name="/new_take")
    assert client.predict(job, api_name="/cancel_job") == "cancelled"
    with pytest.raises(Exception, match="There is no shot 9; the story has 4 shots"):
        client.predict(story.id, 9, api_name="/new_take")


def test_all_stale_shots_are_redrawn_at_once_with_the_cost_said_before(desk, story, open_tab):
    drawn(story)
    before = files(story)
    for number in (1, 3):
        row = story.script.head().draft.rows[number - 1].model_copy(update={"plot": "Mara runs."})
        story.script.change(lambda draft, row=row: draft.with_row(row), label="Edit")
    page = open_tab().go("Storyboard")
    button = page.get_by_role("button", name="Redraw what is stale")
    expect(button).to_contain_text("2 shots, about")
    with working(desk):
        button.click()
        expect(page.locator(".md-shot .md-state", has_text="Fresh")).to_have_count(4)
        expect(button).to_have_count(0)
    after = files(story)
    assert {path: after[path] for path in before} == before
    assert [len(story.takes.of(row)) for row in rows_of(story)] == [2, 1, 2, 1]
