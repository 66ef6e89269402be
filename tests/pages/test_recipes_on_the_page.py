"""What files say of where they came from, loaded back as far as it goes; and what was noticed while drawing."""

from __future__ import annotations

from pathlib import Path

import pytest
from colour_work import draw_take
from PIL import Image
from playwright.sync_api import Page, expect

from app.desk.origins import origin_of, story_of_file
from app.queue.jobs import Drawing
from moviedreamer_core.errors import InputError
from moviedreamer_core.handoff.recipes import MovieRecipe, ShotRecipe
from moviedreamer_core.handoff.stamping import save_png
from moviedreamer_core.script import Character, KeyframeScript, Story
from moviedreamer_core.workspace import take_recipe

DRAWING = Drawing(steps=2, width=56, height=32)
KITE = KeyframeScript(plot="Mara flies a kite.", scene_elements=("A hill",), seed=41)
KITES = Story(
    title="Kites",
    style="A pencil drawing.",
    seed=3,
    characters=(Character(name="Ada", description="A pilot."),),
    keyframes=(KITE, KeyframeScript(plot="The kite is gone.")),
)
SHOT = ShotRecipe(
    number=1, seed=2**60 + 1, script=KITE, settings={"temperature": 1.8, "steps": 33}, story=KITES
)


@pytest.fixture
def file_of(tmp_path: Path):
    def made(recipe: ShotRecipe | MovieRecipe) -> Path:
        save_png(Image.new("RGB", (32, 32)), tmp_path / "kite.png", recipe)
        return tmp_path / "kite.png"

    return made


def look_at(page: Page, path: Path):
    with page.expect_file_chooser() as chooser:
        page.locator(".md-panel").get_by_role("button", name="Recipe of a file").click()
    chooser.value.set_files(path)
    box = page.locator(".md-origin")
    expect(box).to_contain_text("kite.png")
    return box


def test_a_loaded_shot_fills_in_seed_and_surprise_of_the_new_take(desk, story, open_tab, file_of):
    tab = open_tab()
    page = tab.go("Storyboard")
    box = look_at(page, file_of(SHOT))
    slider = page.get_by_label("From faithful to surprising")
    expect(slider).to_have_value("1")  # only looked at
    expect(box).to_contain_text("33")
    expect(box).to_contain_text(
        "It was drawn in the style “A pencil drawing.”; the style of this story is empty and stays."
    )
    box.get_by_role("button", name="Load its script and seed into shot 1").click()
    expect(slider).to_have_value("1.8")
    expect(page.locator(".md-ends output")).to_have_text("most surprising")
    expect(page.locator(".md-panel").get_by_label("Seed", exact=True)).to_have_value(str(2**60 + 1))
    assert story.script.head().draft.style == ""
    box.get_by_role("button", name="Use its style").click()
    expect(box.get_by_role("button", name="Use its style")).to_have_count(0)
    assert story.script.head().draft.style == "A pencil drawing."
    page.get_by_role("button", name="Draw a new take").click()
    expect(page.locator(".md-shot .md-state").first).to_have_text("Queued")
    (job,) = (one.job for one in desk.queue.snapshot().jobs)
    assert (job.seed, job.drawing.temperature) == (2**60 + 1, 1.8)
    box.get_by_role("button", name="Close").click()
    expect(box).to_be_hidden()
    expect(slider).to_have_value("1")
    assert tab.errors == []


@pytest.mark.parametrize("recipe", [SHOT, MovieRecipe(title="Kites", story=KITES)])
def test_a_story_is_made_of_a_file_that_carries_it(desk, story, open_tab, file_of, recipe):
    tab = open_tab()
    page = tab.go("Storyboard")
    box = look_at(page, file_of(recipe))
    box.get_by_role("button", name="Make a story of it").click()
    expect(page.locator("#md-story-switcher")).to_have_text("Kites")
    expect(page.locator("#md-plot")).to_have_value("Mara flies a kite.")
    expect(page.locator("#md-style")).to_have_value("A pencil drawing.")
    made = desk.story(next(one.id for one in desk.shelf.summaries() if one.title == "Kites"))
    draft = made.script.head().draft
    assert [row.seed for row in draft.rows] == [41, None]
    assert [member.name for member in draft.cast] == ["Ada"]
    assert story.script.head().draft.title == "The Pier"
    assert tab.errors == []


def test_a_file_without_its_story_makes_none(desk, file_of):
    path = file_of(MovieRecipe(title="Kites"))
    assert not origin_of(path).has_story
    with pytest.raises(InputError, match="carries no whole story"):
        story_of_file(desk.stories, path)
    assert not desk.shelf.summaries()[1:]


def test_what_was_noticed_while_drawing_stands_in_the_recipe(desk, story, open_tab):
    row, view = story.script.head().draft.rows[0].id, story.view()
    noticed = ("mara.png: no face found", "keyframe 1: the word gargoyle is ignored")
    recipe = take_recipe(
        view.revision.draft, row, {}, revision=view.revision.number, seed=1, warnings=noticed
    )
    with story.takes.stage(row) as staged:
        Image.new("RGB", (56, 32)).save(staged.folder / "image.png")
        staged.commit(recipe)
    draw_take(story, row, DRAWING)
    page = open_tab().go("Storyboard")
    shown = page.locator(".md-take", has=page.locator("strong", has_text="Take 1"))
    shown.get_by_text("Recipe").click()
    expect(shown.locator("dl")).to_contain_text(f"Noticed{'; '.join(noticed)}")
    other = page.locator(".md-take", has=page.locator("strong", has_text="Take 2"))
    expect(other.locator("dl")).not_to_contain_text("Noticed")


def test_unknown_words_of_the_style_are_told_beside_it(desk, story, open_tab, monkeypatch):
    monkeypatch.setattr(desk.script.words, "_tokenizer", lambda text: ("gargoyle",) * ("gargoyle" in text))
    tab = open_tab()
    page = tab.go("Script")
    style = page.locator(".md-every")
    expect(style).not_to_contain_text("Unknown word")
    page.locator("#md-style").fill("Like a gargoyle.")
    expect(style).to_contain_text('Unknown word, read past when drawing: "gargoyle".')
    page.locator("#md-style").fill("Like a drawing.")
    expect(style).not_to_contain_text("Unknown word")
    assert tab.errors == []
