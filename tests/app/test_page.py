import dataclasses
from pathlib import Path

import gradio as gr
import pytest
from fake_production import STORY

from app.jobs import DrawnKeyframe, Movie, Snapshot
from app.page import (
    FULL,
    PREVIEW,
    VIEW,
    Handlers,
    build_page,
    gallery_items,
    movie_html,
    progress_html,
    progress_line,
)

SECONDS = 60
DRAWN = Snapshot(
    plots=("a", "b"), keyframes=(DrawnKeyframe(number=1, plot="a", path=Path("1.png")),), folder=Path()
)


def is_skipped(update):
    return update == gr.skip()


def test_the_page_builds_and_only_the_two_verbs_are_public(studio):
    config = build_page(studio).get_config_file()
    public = [one["api_name"] for one in config["dependencies"] if one["api_visibility"] == "public"]
    assert sorted(public) == ["generate", "make_movie"]
    assert not [one for one in config["dependencies"] if "lambda" in str(one["api_name"])]


def test_bad_yaml_gives_a_sentence(studio):
    message = Handlers(studio).generate("keyframes: [", FULL, 7)
    assert message.startswith("story.yaml: line ")
    assert "\n" not in message


@pytest.mark.parametrize("text", [None, ""])
def test_an_empty_editor_gives_a_sentence(studio, text):
    assert "the file is empty" in Handlers(studio).generate(text, FULL, None)


def test_a_movie_of_nothing_gives_a_sentence(studio):
    assert Handlers(studio).make_movie() == "there are no keyframes to make a movie of; press Generate first"


def test_quality_and_seed_reach_the_studio(studio):
    assert Handlers(studio).generate(STORY, PREVIEW, 11) == ""
    studio.job.wait(SECONDS)
    assert (studio.draft.preview, studio.draft.seed) == (True, 11)
    assert studio.snapshot.preview


def test_a_page_that_opens_shows_the_draft_and_everything_drawn(studio):
    handlers = Handlers(studio)
    handlers.generate(STORY, PREVIEW, 11)
    studio.job.wait(SECONDS)
    text, quality, seed, shown, *view = handlers.attach()
    assert (text, quality, seed) == (STORY, PREVIEW, 11)
    assert shown == studio.snapshot
    assert len(view) == len(VIEW)
    assert not any(is_skipped(update) for update in view)
    assert len(view[0]) == 3


def test_nothing_is_sent_when_nothing_changed(studio):
    handlers = Handlers(studio)
    shown = handlers.show(None)[0]
    updates = handlers.show(shown)
    assert len(updates) == 1 + len(VIEW)
    assert all(is_skipped(update) for update in updates)


def test_only_what_changed_is_sent(studio):
    handlers = Handlers(studio)
    shown = handlers.show(None)[0]
    studio.job.show(dataclasses.replace(shown, error="bad"))
    _, *view = handlers.show(shown)
    sent = {name: update for name, update in zip(VIEW, view, strict=True) if not is_skipped(update)}
    assert sent == {"message": "bad"}


def test_buttons_offer_what_can_be_done():
    def offered(snapshot):
        return {name for name in ("generate", "cancel", "make_movie") if VIEW[name](snapshot)["interactive"]}

    assert offered(Snapshot()) == {"generate"}
    assert offered(DRAWN) == {"generate", "make_movie"}
    assert offered(dataclasses.replace(DRAWN, phase="working")) == {"cancel"}
    assert offered(dataclasses.replace(DRAWN, phase="stopping")) == set()


@pytest.mark.parametrize(
    ("snapshot", "line"),
    [
        (Snapshot(), "nothing drawn yet; press Generate"),
        (Snapshot(phase="working", doing="keyframe 3 of 14"), "keyframe 3 of 14"),
        (
            Snapshot(phase="working", doing="keyframe 3 of 14", seconds_left=21.0),
            "keyframe 3 of 14, about 20 s left",
        ),
        (Snapshot(phase="working", doing="x", seconds_left=0.2), "x, about 1 s left"),
        (Snapshot(phase="working", doing="x", seconds_left=150.0), "x, about 2 min left"),
        (Snapshot(phase="stopping", doing="x"), "x; stopping"),
        (dataclasses.replace(DRAWN, phase="stopped"), "stopped; 1 of 2 keyframes are kept"),
        (DRAWN, "1 of 2 keyframes drawn"),
        (
            dataclasses.replace(DRAWN, movie=Movie(path=Path("m.mp4"), version=1)),
            "1 of 2 keyframes drawn, the movie is ready",
        ),
    ],
)
def test_the_progress_line_says_what_is_going_on(snapshot, line):
    assert progress_line(snapshot) == line


def test_the_bar_is_as_long_as_the_share_that_is_done_and_gone_when_nothing_runs():
    assert "width: 34%" in progress_html(Snapshot(phase="working", share=0.34))
    assert "idle" not in progress_html(Snapshot(phase="stopping"))
    assert "idle" in progress_html(Snapshot(phase="done", share=1.0))


def test_captions_carry_number_and_plot():
    assert gallery_items(DRAWN) == [("1.png", "1. a")]


def test_the_address_of_a_movie_changes_with_its_version_and_is_quoted():
    one, two = (
        movie_html(Snapshot(movie=Movie(path=Path('/a "b"/movie.mp4'), version=version)))
        for version in (1, 2)
    )
    assert one != two
    assert 'src="/gradio_api/file=/a%20%22b%22/movie.mp4?version=1"' in one
    assert "<video" not in movie_html(Snapshot())
