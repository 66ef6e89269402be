"""Cards in the browser: names, looks, faces and their frame."""

from __future__ import annotations

import random
import re

from playwright.sync_api import expect

from moviedreamer_core.workspace.readings import CastReadings, FaceReading


def cast_of(story):
    return story.script.head().draft.cast


def test_typing_into_cards_loses_nothing(open_tab, story, desk):
    tab = open_tab()
    page = tab.go("Cast")
    chance = random.Random(3)
    typed = {member.id: member.description for member in cast_of(story)}
    for number in range(12):
        cast_id = chance.choice(list(typed))
        page.locator(f"#md-{cast_id} textarea").click()
        page.keyboard.press("Control+End")
        text = "".join(chance.choices("abcdefgh", k=6))
        page.keyboard.type(text, delay=chance.choice((0, 15, 60)))
        typed[cast_id] += text
        if number % 4 == 2:
            desk.script.set_story(story.id, {"style": f"style {number}"})
    tab.saved("cast")
    assert {member.id: member.description for member in cast_of(story)} == typed
    assert tab.errors == []


def test_a_name_counts_when_it_is_finished(open_tab, story):
    tab = open_tab()
    page = tab.go("Cast")
    name = page.locator(f"#md-{cast_of(story)[0].id} .md-name")
    name.fill("Tom")  # is somebody else
    name.press("Enter")
    expect(page.locator(".md-trouble:visible")).to_contain_text("in the cast already")
    expect(name).to_have_value("Tom")
    assert cast_of(story)[0].name == "Mara"
    name.fill("Tomasa")
    name.press("Enter")
    tab.saved("cast")
    assert cast_of(story)[0].name == "Tomasa"
    assert story.script.head().draft.rows[0].characters[0].name == "Tomasa"


def test_a_picture_without_a_face_is_said_and_framed_by_hand(open_tab, story, picture):
    tab = open_tab()
    page = tab.go("Cast")
    card = page.locator(f"#md-{cast_of(story)[0].id}")
    with page.expect_file_chooser() as chooser:
        card.locator(".md-add-face").click()
    chooser.value.set_files(picture)
    expect(card.locator(".md-face img")).to_have_count(1)
    (face,) = cast_of(story)[0].faces
    found = FaceReading(picture=face, face_found=False, box=(0.125, 0.0, 0.875, 1.0))
    story.readings.write_cast(CastReadings(faces=(found,)))
    page.reload()
    tab.go("Cast")
    expect(card.locator(".md-face .md-badge")).to_have_text("Middle")
    expect(card.locator(".md-notes")).to_contain_text(
        "the middle square is used. Adjust the box if it misses"
    )
    card.locator(".md-portrait").click()
    page.locator(".md-face-frame").focus()
    for _ in range(5):
        page.keyboard.press("-")
    page.get_by_role("button", name="Use this frame").click()
    expect(page.locator(".md-veil")).to_have_count(0)
    reading = story.readings.cast().of(face)
    assert reading is not None
    left, top, right, bottom = reading.box
    assert reading.by_hand
    assert abs((right - left) * 120 - (bottom - top) * 90) < 0.5  # a square of the picture's pixels
    assert bottom - top < 0.95


def test_the_frame_says_what_it_is_for_and_has_handles_and_named_sliders(open_tab, story, picture):
    face = story.pictures.add(picture, "faces")
    member = cast_of(story)[0].model_copy(update={"faces": (face,)})
    story.script.change(lambda draft: draft.with_member(member), label="Add a face")
    box = (0.4, 0.3, 0.7, 0.7)  # a square of 36 pixels in the picture of 120 x 90
    story.readings.write_cast(CastReadings(faces=(FaceReading(picture=face, face_found=True, box=box),)))
    tab = open_tab()
    page = tab.go("Cast")
    page.locator(f"#md-{member.id} .md-portrait").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The studio looks at what is inside this frame")
    expect(dialog.locator(".md-face-frame i:visible")).to_have_count(4)
    stage = dialog.locator(".md-face-stage").bounding_box()
    handle = dialog.locator(".md-handle-nw").bounding_box()
    page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    page.mouse.down()
    by = stage["height"] * 0.1
    page.mouse.move(handle["x"] + handle["width"] / 2 - by, handle["y"] + handle["height"] / 2 - by, steps=4)
    page.mouse.up()
    expect(dialog.get_by_label("Size", exact=True)).to_have_value("50")  # of 90 pixels: 36 and 9 more
    dialog.get_by_label("Left to right", exact=True).fill("100")
    dialog.get_by_label("Top to bottom", exact=True).fill("0")
    page.get_by_role("button", name="Use this frame").click()
    expect(page.locator(".md-veil")).to_have_count(0)
    found = story.readings.cast().of(face)
    assert found.by_hand
    assert [round(edge, 2) for edge in found.box] == [0.62, 0.0, 1.0, 0.5]  # 45 of 120 pixels, 45 of 90
    assert tab.errors == []


def test_a_file_that_is_no_picture_is_refused_in_one_sentence(open_tab, story, tmp_path):
    fake = tmp_path / "fake.png"
    fake.write_bytes(b"<html>")
    page = open_tab().go("Cast")
    with page.expect_file_chooser() as chooser:
        page.locator(f"#md-{cast_of(story)[0].id} .md-add-face").click()
    chooser.value.set_files(fake)
    expect(page.locator(".md-toast.md-failed")).to_contain_text("not an image")
    assert cast_of(story)[0].faces == ()


def test_a_test_picture_is_queued_and_the_card_says_so(open_tab, story, desk):
    page = open_tab().go("Cast")
    card = page.locator(f"#md-{cast_of(story)[0].id}")
    card.get_by_role("button", name="Draw a test picture").click()
    expect(card.get_by_role("button", name="Drawing…")).to_be_visible()
    assert [job.kind for job in desk.queue.snapshot().jobs] == ["character-test"]


def test_references_are_added_ordered_and_switched_off(open_tab, story, picture, tmp_path):
    from PIL import Image

    other = tmp_path / "other.png"
    Image.new("RGB", (64, 64), "navy").save(other)
    page = open_tab().go("References")
    with page.expect_file_chooser() as chooser:
        page.locator("#md-add-reference").click()
    chooser.value.set_files([picture, other])
    expect(page.locator(".md-tile")).to_have_count(2)
    before = story.script.head().draft.references
    page.locator(".md-tile").first.hover()
    page.get_by_role("button", name="Later").first.click()
    expect(page.locator(".md-tile img").first).to_have_attribute("src", re.compile(re.escape(before[1])))
    assert story.script.head().draft.references == before[::-1]
    page.get_by_text("Draw with these references").click()
    expect(page.locator(".md-tiles.md-off")).to_be_visible()
    assert not story.script.head().draft.use_references
