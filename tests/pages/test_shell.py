"""The page as a whole: stories, markup in every field, steps by name, requests from elsewhere."""

from __future__ import annotations

import re
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from gradio_client import Client, handle_file
from playwright.sync_api import expect

PAYLOADS = (
    "<img src=x onerror=window.ran=1>",
    "<script>window.ran=1</script>",
    "${window.ran=1}",
    "{{#each this}}${window.ran=1}{{/each}}",
    "\"><svg onload=window.ran=1>",
    "`;window.ran=1;`",
    "</textarea><img src=x onerror=window.ran=1>",
)  # fmt: skip


def test_a_new_story_is_made_opened_renamed_and_thrown_away(open_tab, desk):
    tab = open_tab()
    page = tab.go("Stories")
    page.locator("#md-new-story").click()
    page.keyboard.type("Second")
    page.keyboard.press("Enter")
    expect(page.locator("#md-story-switcher")).to_have_text("Second")
    expect(page.locator(".md-form-pane h2")).to_have_text("Shot 1")
    tab.go("Stories")
    page.get_by_role("button", name="More for Second").click()
    page.get_by_role("menuitem", name="Rename").click()
    page.keyboard.type("Renamed")
    page.keyboard.press("Enter")
    expect(page.locator("#md-story-switcher")).to_have_text("Renamed")
    page.get_by_role("button", name="More for Renamed").click()
    page.get_by_role("menuitem", name="Move to trash").click()
    expect(page.locator("#md-story-switcher")).to_have_text("The Pier")
    page.locator(".md-toast button", has_text="Undo").click()
    expect(page.locator("#md-story-switcher")).to_have_text("Renamed")
    assert {one.title for one in desk.shelf.summaries()} == {"The Pier", "Renamed"}
    assert tab.errors == []


def test_a_pasted_text_becomes_a_story(open_tab):
    page = open_tab().go("Stories")
    page.locator("#md-paste-story").click()
    page.locator("#md-paste-title").fill("Pasted")
    page.locator("#md-paste-text").fill("Ben rows. Ben sings. Ben sleeps.")
    page.get_by_role("button", name="Make a story").click()
    expect(page.locator("#md-story-switcher")).to_have_text("Pasted")
    expect(page.locator(".md-toast")).to_contain_text("Made 3 shots and 1 character: Ben.")
    expect(page.locator(".md-entry")).to_have_count(3)


def test_pasted_shots_say_which_characters_came_with_them(open_tab, desk):
    desk.shelf.new("Empty")
    page = open_tab().go("Script")
    expect(page.locator("#md-story-switcher")).to_have_text("Empty")
    for said in ("Added 2 shots and 2 characters: Mira, Tom.", "Added 2 shots."):
        page.get_by_role("button", name="Paste a story").first.click()
        page.locator("#md-rows-text").fill("Mira meets Tom. Tom waves to Mira.")
        page.get_by_role("button", name="Add the shots").click()
        expect(page.locator(".md-toast").last).to_contain_text(said)


def test_the_open_story_stays_open_after_a_reload(open_tab, desk):
    tab = open_tab()
    newer = desk.shelf.new("Newer")
    assert newer.id
    tab.page.reload()
    expect(tab.page.locator("#md-story-switcher")).to_have_text("The Pier")


def test_markup_in_any_field_is_text(open_tab, desk, story):
    every = " ".join(PAYLOADS)
    desk.shelf.rename(story.id, every[:200])
    row = story.script.head().draft.rows[0]
    fields = {
        "plot": every,
        "scene_elements": list(PAYLOADS),
        "characters": [{"name": one} for one in PAYLOADS],
    }
    desk.script.set_row(story.id, row.id, fields)
    desk.script.set_story(story.id, {"style": every})
    for payload in PAYLOADS[:4]:
        desk.cast.add(story.id, payload, every)
    desk.shelf.delete(desk.shelf.new(every[:200]).id)
    tab = open_tab()
    for name in ("Cast", "Script", "References", "Storyboard", "Movie", "Stories"):
        tab.go(name)
        tab.page.wait_for_timeout(700)
    page = tab.go("Script")
    expect(page.locator("#md-plot")).to_have_value(every)
    page.locator("#md-plot").fill(every * 2)
    tab.saved()
    page.locator("#md-story-switcher").click()
    page.keyboard.press("Escape")
    assert page.evaluate("window.ran") is None
    assert tab.errors == []


def test_what_went_wrong_is_said_as_text(open_tab):
    tab = open_tab()
    page = tab.go("Stories")
    page.locator("#md-paste-story").click()
    page.locator("#md-paste-text").fill("keyframes:\n  - <img src=x onerror=window.ran=1>: 1\n")
    page.get_by_role("button", name="Make a story").click()
    expect(page.locator(".md-toast.md-failed")).to_contain_text("<img")
    assert page.evaluate("window.ran") is None
    expect(page.locator("#md-paste-text")).to_have_value(re.compile("keyframes"))  # nothing typed is lost


@pytest.fixture
def client(address):
    return Client(address, verbose=False)


def test_the_public_steps_are_called_by_name(client, desk, picture):
    story_id = client.predict("By name", api_name="/new_story")
    row_id = client.predict(story_id, api_name="/insert_row")
    client.predict(story_id, row_id, {"plot": "Ben rows.", "seconds": 3}, api_name="/set_row")
    cast_id = client.predict(story_id, "Ben", "A red cap.", api_name="/add_character")
    face = client.predict(story_id, cast_id, handle_file(str(picture)), api_name="/add_face")
    reference = client.predict(story_id, handle_file(str(picture)), api_name="/add_reference")
    draft = desk.story(story_id).script.head().draft
    assert (draft.title, draft.rows[-1].plot, draft.rows[-1].seconds) == ("By name", "Ben rows.", 3.0)
    assert (draft.cast[0].faces, draft.references) == ((face,), (reference,))


def test_a_step_that_cannot_be_done_says_why(client):
    with pytest.raises(Exception, match="open one from the list of stories"):
        client.predict("nowhere2", api_name="/get_script")


def test_nothing_but_the_public_steps_has_a_name(client):
    names = {
        name.strip("/") for name in client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    }
    assert {"new_story", "set_row", "add_character", "add_face", "use_references"} <= names
    assert not [
        name for name in names if "lambda" in name or name.endswith(tuple("_" + d for d in "0123456789"))
    ]


def test_an_island_takes_no_file_that_was_not_uploaded(address, desk, story):
    from app.pages.media import uploaded
    from moviedreamer_core.errors import InputError

    for path in ("/etc/passwd", "../../etc/passwd", str(story.path / "story.yaml"), "", "a\0b"):
        with pytest.raises(InputError):
            uploaded({"path": path})


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Host": "evil.example"}])
def test_requests_of_other_sites_are_refused(address, headers):
    with pytest.raises(HTTPError) as refused:
        urlopen(Request(address, headers=headers))
    assert refused.value.code == 403


def test_files_outside_the_stories_are_not_served(address, story, tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    with urlopen(f"{address}gradio_api/file={story.path}/story.yaml") as answer:
        assert b"The Pier" in answer.read()
    for path in (tmp_path / "secret.txt", f"{story.path}/../../secret.txt", "/etc/passwd"):
        with pytest.raises(HTTPError):
            urlopen(f"{address}gradio_api/file={path}")
