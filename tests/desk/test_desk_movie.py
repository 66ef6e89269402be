"""What the movie tab may ask, on a real story and a real queue."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest
from pier import WEIGHTS, Pier

from app.desk.clips import MOTIONS
from app.queue.jobs import AnimateKeyframes, ExportStory, MakeAnimatic, MakeMovie
from moviedreamer_core.errors import InputError, StoryError
from moviedreamer_core.workspace import MovieDecisions, StoryFolder
from moviedreamer_core.workspace.decisions import DecisionsFile


@pytest.fixture
def pier(tmp_path: Path) -> Pier:
    found = Pier(tmp_path)
    for number in (1, 2, 3):
        found.draw(number)
    return found


def test_the_words_for_motion_are_those_of_the_video_model():
    from moviedreamer_core.video.anchored_svd import MOTION_BUCKETS

    assert MOTIONS == MOTION_BUCKETS


def test_ticked_shots_with_a_picture_and_no_clip_are_animated(pier):
    movie = pier.desk.movie
    movie.tick(pier.id, [pier.rows[n] for n in (0, 1, 4)], animate=True)
    movie.set_motion(pier.id, pier.rows[1], "lively")
    movie.set_seconds(pier.id, pier.rows[1], 3.5)
    view = movie.view(pier.id)
    assert view.animate.num_shots == 2
    job = pier.job(movie.animate(pier.id))
    assert isinstance(job, AnimateKeyframes)
    assert [(clip.row, clip.seconds) for clip in job.clips] == [(pier.rows[0], 2.0), (pier.rows[1], 3.5)]
    assert [round(clip.motion * 127) for clip in job.clips] == [127, 200]
    assert (job.weights, job.filming.frames_per_second) == (WEIGHTS, 7)
    assert movie.view(pier.id).animate is None
    with pytest.raises(StoryError, match="animated already"):
        movie.animate(pier.id)


def test_a_clip_is_stale_once_its_picture_length_or_motion_is_another(pier):
    movie, row = pier.desk.movie, pier.rows[0]
    pier.film(1)
    movie.tick(pier.id, [row], animate=True)
    assert movie.view(pier.id).rows[0].state == "fresh"
    with pytest.raises(StoryError, match="up to date"):
        movie.animate(pier.id)
    movie.set_seconds(pier.id, row, 4)
    found = movie.view(pier.id).rows[0]
    assert (found.state, found.reason) == ("stale", "the length changed")
    movie.set_seconds(pier.id, row, 2)
    movie.set_motion(pier.id, row, "calm")
    assert movie.view(pier.id).rows[0].reason == "the motion changed"
    pier.film(1, motion="calm")
    assert movie.view(pier.id).rows[0].state == "fresh"
    pier.story.choose(row, pier.draw(1, seed=5).id)
    assert movie.view(pier.id).rows[0].reason == "the picture is another one now"
    assert [clip.row for clip in pier.job(movie.animate(pier.id)).clips] == [row]


def test_a_clip_of_a_preview_or_of_a_stale_picture_is_told_apart(pier):
    from app.pages.clip_list import PICTURE_WORDS

    pier.draw(4, preview=True)
    pier.story.script.change(
        lambda draft: draft.with_row(draft.rows[2].model_copy(update={"plot": "It rains."})), label="Edit"
    )
    rows = pier.desk.movie.view(pier.id).rows
    assert [row.picture_note for row in rows] == ["", "", "stale", "preview", "", ""]
    assert {row.picture_note for row in rows} == PICTURE_WORDS.keys()


def test_a_film_that_is_being_made_is_not_asked_for_again_by_the_empty_screen(pier):
    from app.pages.screen import _film

    assert "press Make movie" in str(_film(pier.desk.movie.view(pier.id), "movie"))
    pier.desk.movie.make_movie(pier.id)
    view = pier.desk.movie.view(pier.id)
    assert view.making == {"movie"}
    assert "The movie is being made and appears here." in str(_film(view, "movie"))
    assert "Make the animatic" in str(_film(view, "animatic"))
    pier.desk.movie.make_animatic(pier.id)
    view = pier.desk.movie.view(pier.id)
    assert view.making == {"movie", "animatic"}
    assert "make_animatic" not in str(_film(view, "animatic"))


def test_another_clip_has_a_seed_of_its_own_and_one_is_chosen(pier):
    movie, row = pier.desk.movie, pier.rows[0]
    first, second = pier.film(1), pier.film(1)
    job = pier.job(movie.animate_again(pier.id, row))
    assert [clip.row for clip in job.clips] == [row]
    assert job.clips[0].seed is not None
    assert movie.view(pier.id).rows[0].clip.id == second.id
    movie.choose_clip(pier.id, row, first.id)
    assert movie.view(pier.id).rows[0].clip.id == first.id
    with pytest.raises(StoryError, match="shot 4 has no picture"):
        movie.animate_again(pier.id, pier.rows[3])


def test_animating_by_numbers_leaves_the_ticks_as_they_are_whether_it_goes_well_or_not(pier):
    movie = pier.desk.movie
    pier.film(2)
    movie.tick(pier.id, [pier.rows[0]], animate=True)
    before = pier.story.decisions.read()
    for wrong, says in (([2, 7], "no shot 7"), ([4], "no pictures yet"), ([2], "up to date")):
        with pytest.raises(StoryError, match=says):
            movie.animate_numbers(pier.id, wrong)
        assert pier.desk.queue.snapshot().jobs == ()
    job = pier.job(movie.animate_numbers(pier.id, [3, 2, 1]))
    assert [clip.row for clip in job.clips] == [pier.rows[0], pier.rows[2]]  # 2 has a clip that is up to date
    assert pier.story.decisions.read() == before


def test_the_movie_is_made_as_it_was_decided(pier, tmp_path):
    movie = pier.desk.movie
    with wave.open(str(tmp_path / "song.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\1\0" * 8000)
    movie.set_movie(pier.id, transition="crossfade")
    movie.set_movie(pier.id, subtitles="burned")
    movie.set_music(pier.id, tmp_path / "song.wav")
    job = pier.job(movie.make_movie(pier.id))
    assert isinstance(job, MakeMovie)
    assert (job.transition, job.subtitles, job.seconds) == ("crossfade", "burned", 6.0)
    assert pier.story.file(job.music).read_bytes() == (tmp_path / "song.wav").read_bytes()
    movie.set_music(pier.id, None)
    assert pier.job(movie.make_movie(pier.id)).music is None
    assert isinstance(pier.job(movie.make_animatic(pier.id)), MakeAnimatic)
    (tmp_path / "song.mp3").write_bytes(b"no music")
    with pytest.raises(InputError, match=r"song\.mp3"):
        movie.set_music(pier.id, tmp_path / "song.mp3")


def test_without_a_picture_nothing_is_made_but_the_story_can_be_taken_away(tmp_path):
    pier = Pier(tmp_path)
    for ask in (pier.desk.movie.make_movie, pier.desk.movie.make_animatic):
        with pytest.raises(StoryError, match="draw the storyboard first"):
            ask(pier.id)
    with pytest.raises(StoryError, match="draw the storyboard first"):
        pier.desk.movie.export(pier.id, "pdf")
    assert pier.job(pier.desk.movie.export(pier.id, "story")).format == "story"


def test_exports_are_listed_and_those_older_than_a_picture_are_outdated(pier):
    job = pier.job(pier.desk.movie.export(pier.id, "srt"))
    assert isinstance(job, ExportStory)
    with pier.story.exporting("subtitles.srt") as path:
        path.write_text("1\n")
    file = pier.desk.movie.view(pier.id).export("subtitles.srt")
    assert (file.num_bytes, file.label, file.is_outdated) == (2, "Subtitles (SRT)", False)
    pier.draw(4)
    assert pier.desk.movie.view(pier.id).export("subtitles.srt").is_outdated
    assert pier.desk.movie.view(pier.id).export("movie.mp4") is None


def test_an_export_is_outdated_when_an_older_take_is_chosen_and_no_more_when_it_is_taken_back(pier):
    first, second = pier.draw(1), pier.draw(1, seed=2)
    movie, row = pier.desk.movie, pier.rows[0]
    pier.story.choose(row, second.id)
    for name in ("movie.mp4", "contact-sheet.png", "script.csv"):
        with pier.story.exporting(name, pier.story.view()) as path:
            path.write_bytes(b"made")

    def outdated():
        return {one.name for one in movie.view(pier.id).exports if one.is_outdated}

    assert outdated() == set()
    pier.story.choose(row, first.id)
    assert outdated() == {"movie.mp4", "contact-sheet.png"}
    pier.story.choose(row, second.id)
    assert outdated() == set()
    movie.set_movie(pier.id, transition="crossfade")
    assert outdated() == {"movie.mp4"}
    pier.desk.shelf.rename(pier.id, "The Quay")
    assert outdated() == {"movie.mp4", "contact-sheet.png", "script.csv"}


def test_an_export_of_an_older_studio_is_judged_by_its_time(pier):
    pier.draw(1)
    with pier.story.exporting("movie.mp4") as path:
        path.write_bytes(b"made")
    assert not movie_of(pier).is_outdated
    pier.draw(1, seed=3)
    pier.story.choose(pier.rows[0], pier.story.view().shots[0].takes[-1].id)
    assert movie_of(pier).is_outdated


def movie_of(pier):
    return pier.desk.movie.view(pier.id).export("movie.mp4")


@pytest.mark.parametrize("seconds", [0, -1, 61, float("nan"), float("inf")])
def test_a_length_out_of_range_is_refused(pier, seconds):
    with pytest.raises(InputError, match="a shot lasts from"):
        pier.desk.movie.set_seconds(pier.id, pier.rows[0], seconds)


def test_a_length_that_another_tab_has_changed_is_not_overwritten(pier):
    movie, row = pier.desk.movie, pier.rows[0]
    movie.set_seconds(pier.id, row, 5.0, seen=2.0)
    with pytest.raises(StoryError, match="another tab made this shot 5 s long meanwhile"):
        movie.set_seconds(pier.id, row, 3.0, seen=2.0)
    assert pier.story.script.head().draft.rows[0].seconds == 5.0
    movie.set_seconds(pier.id, row, 5.0, seen=2.0)  # what is there already
    movie.set_seconds(pier.id, row, 3.0, seen=5.0)
    assert pier.story.script.head().draft.rows[0].seconds == 3.0


def test_a_setting_of_the_movie_leaves_what_another_tab_set_just_before(pier, monkeypatch):
    apply, movie, theirs = DecisionsFile.apply, pier.desk.movie, []

    def overtaken(self, act):
        if theirs:
            fields = theirs.pop()
            StoryFolder(pier.story.path).decisions.set_movie(**fields)
        return apply(self, act)

    monkeypatch.setattr(DecisionsFile, "apply", overtaken)
    theirs.append({"subtitles": "burned"})
    movie.set_movie(pier.id, transition="crossfade")
    assert movie.view(pier.id).settings == MovieDecisions(transition="crossfade", subtitles="burned")
    theirs.append({"subtitles": "file"})
    movie.set_music(pier.id, None)
    assert movie.view(pier.id).settings == MovieDecisions(transition="crossfade", subtitles="file")


def test_unknown_words_are_refused(pier):
    movie = pier.desk.movie
    with pytest.raises(InputError, match="motion is one of"):
        movie.set_motion(pier.id, pier.rows[0], "wild")
    with pytest.raises(InputError, match="choose one of"):
        movie.export(pier.id, "exe")
    with pytest.raises(InputError, match="reload the page"):
        movie.set_movie(pier.id, transition="star wipe")
    with pytest.raises(StoryError, match="no longer in the script"):
        movie.tick(pier.id, ["row-aaaaaaaaaa"], animate=True)


def test_a_shot_shows_what_the_queue_does_to_its_clip(pier):
    movie = pier.desk.movie
    movie.tick(pier.id, pier.rows[:2], animate=True)
    movie.animate(pier.id)
    claim = pier.take_job()
    pier.report(claim, done=0, total=2, step=5, num_steps=10, row=pier.rows[0], doing="animating")
    rows = movie.view(pier.id).rows
    assert [(row.state, row.share) for row in rows[:3]] == [("running", 0.5), ("waiting", 0.0), ("none", 0.0)]
    pier.end(claim, failure="out of memory; choose shorter clips", row=pier.rows[0])
    assert movie.view(pier.id).rows[0].reason == "out of memory; choose shorter clips"
