from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import opentimelineio as otio
import pytest
from at_work import DRAWING, content_of, noise, shown, stop_after, tone

from app.queue.jobs import (
    AnimateKeyframes,
    ClipOrder,
    DrawMissing,
    ExportStory,
    Filming,
    MakeAnimatic,
    MakeMovie,
)
from app.work.cutting import cut_of
from moviedreamer_core.errors import ImageError, InputError, StoryError
from moviedreamer_core.handoff.recipes import MovieRecipe, ShotRecipe, recipe_of
from moviedreamer_core.story_files import read_story
from moviedreamer_core.video.movie import read_clip
from moviedreamer_core.video.video_files import check_video
from moviedreamer_core.workspace import (
    Stories,
    StoryFolder,
    clip_path,
    image_path,
    take_recipe,
)

pytest_plugins = ("weights",)

FILMING = Filming(steps=2, width=48, height=32, frames_per_second=4)


@pytest.fixture
def with_pictures(story: StoryFolder, rows: list[str], tmp_path: Path) -> StoryFolder:
    """Every row shows a picture; that needs no model."""
    view = story.view()
    for seed, row in enumerate(rows):
        recipe = take_recipe(view.revision.draft, row, {}, revision=view.revision.number)
        story.takes.upload(row, noise(tmp_path / f"{seed}.png", seed=seed), recipe)
    return story


def animate(story: StoryFolder, *clips: ClipOrder) -> AnimateKeyframes:
    return AnimateKeyframes(story_id=story.id, clips=clips, filming=FILMING)


def test_clips_start_at_the_pictures_and_last_as_long_as_asked(do, with_pictures, rows):
    story = with_pictures
    first, second = (
        ClipOrder(row=rows[0], seconds=2.0),
        ClipOrder(row=rows[1], seconds=0.5, motion=2.0, seed=4),
    )
    events = do(animate(story, first, second))
    one, two = (shot.clip for shot in story.view().shots[:2])
    assert read_clip(clip_path(one)).shape == (8, 32, 48, 3)
    assert read_clip(clip_path(two)).shape == (2, 32, 48, 3)
    assert (two.recipe.seed, two.recipe.motion, one.recipe.motion) == (4, 254, None)
    assert story.view().shots[0].clip_stale_for == ()
    assert one.recipe.take_id == shown(story)[0].id
    stamp = recipe_of(clip_path(one))
    assert isinstance(stamp, ShotRecipe)
    assert (stamp.kind, stamp.number, stamp.settings["seconds"]) == ("clip", 1, 2.0)
    assert (events[0].done, events[0].total, events[-1].done) == (0, 2, 2)
    assert max(event.num_steps for event in events) == 8  # four segments of two steps
    before = content_of(story.path)
    assert [event.total for event in do(animate(story, first, second))] == [0]
    assert content_of(story.path) == before


def test_a_movie_shows_the_picture_that_is_chosen_not_a_clip_of_another(
    do, studio, with_pictures, rows, tmp_path
):
    story = with_pictures
    do(animate(story, ClipOrder(row=rows[0], seconds=0.5)))
    first = shown(story)[0]
    assert cut_of(studio, story.view(), with_clips=True).shots[0].clip is not None
    recipe = take_recipe(story.view().revision.draft, rows[0], {}, revision=1)
    other = story.takes.upload(rows[0], noise(tmp_path / "other.png", seed=99), recipe)
    story.choose(rows[0], other.id)
    shot = cut_of(studio, story.view(), with_clips=True).shots[0]
    assert (shot.clip, shot.keyframe, shot.take) == (None, image_path(other), other.number)
    story.choose(rows[0], first.id)
    assert cut_of(studio, story.view(), with_clips=True).shots[0].clip is not None


def test_motion_in_the_creator_s_words_is_not_outdated(do, with_pictures, rows):
    story = with_pictures
    story.decisions.set_motion([rows[0]], "lively")
    do(animate(story, ClipOrder(row=rows[0], seconds=2.0, motion=200 / 127)))
    shot = story.view().shots[0]
    assert (shot.clip.recipe.motion, shot.clip.recipe.settings["motion_bucket"]) == ("lively", 200)
    assert shot.clip_stale_for == ()


@pytest.mark.parametrize("num_events", [1, 2, 4, 5, 6])
def test_filming_that_is_cancelled_leaves_whole_clips_and_goes_on(studio, with_pictures, rows, num_events):
    story = with_pictures
    job = animate(story, *(ClipOrder(row=row, seconds=0.5) for row in rows[:2]))
    stop_after(studio(job), num_events)
    assert list(story.path.glob("staging/*")) == []
    assert len(story.clips.of(rows[0])) == (num_events >= 4)
    list(studio(job))
    assert [len(story.clips.of(row)) for row in rows] == [1, 1, 0]


def test_a_row_without_a_picture_cannot_be_animated(do, story, rows):
    with pytest.raises(StoryError, match="shot 2 has no picture to animate; draw it first"):
        do(animate(story, ClipOrder(row=rows[1], seconds=1.0)))


def movie(story: StoryFolder, **fields: object) -> MakeMovie:
    return MakeMovie(story_id=story.id, seconds=5.0, **fields)


def test_the_movie_shows_clips_and_stills_in_order(do, with_pictures, rows):
    story = with_pictures
    do(animate(story, ClipOrder(row=rows[1], seconds=1.0)))
    events = do(movie(story, subtitles="file"))
    path = story.path / "exports/movie.mp4"
    assert check_video(path).num_frames == 4 * (2 + 1 + 1)  # the last row stands for a second
    assert check_video(path).size == (912, 608)
    recipe = recipe_of(path)
    assert isinstance(recipe, MovieRecipe)
    assert [shot.id for shot in recipe.shots] == rows
    assert recipe.story.title == "The Pier"
    assert events[-1].made == ("exports/movie.mp4", "exports/subtitles.srt")
    assert "Tom is waving." in (story.path / "exports/subtitles.srt").read_text()
    assert events[-1].done == events[-1].total == 1
    steps = [event.step for event in events[:-1]]
    assert steps == sorted(steps)


def test_a_movie_with_crossfades_music_and_burned_subtitles(do, with_pictures, rows, tmp_path):
    story = with_pictures
    music = story.pictures.add_music(tone(tmp_path / "a.wav"))
    do(movie(story, transition="crossfade", music=music, subtitles="burned"))
    burned = story.path / "exports/movie.mp4"
    assert check_video(burned).num_frames == 4 * (2 + 2 + 1) - 2
    assert has_sound(burned)
    pictures = read_clip(burned)
    do(movie(story, transition="crossfade"))
    assert not has_sound(burned)
    plain = read_clip(burned)
    low = np.abs(pictures.astype(int) - plain)[:, 480:].mean()
    assert low > 5 * np.abs(pictures.astype(int) - plain)[:, :300].mean()  # text stands at the bottom


def has_sound(path: Path) -> bool:
    from moviedreamer_core.handoff.ffmpeg import movie_of

    return movie_of(path).has_sound


@pytest.mark.parametrize("num_events", [1, 2, 9, 20, 21, 22])
def test_a_cancelled_movie_leaves_the_earlier_one(studio, with_pictures, num_events):
    story = with_pictures
    with story.exporting("movie.mp4") as path:
        path.write_bytes(b"earlier")
    assert not stop_after(studio(movie(story)), num_events)
    assert (story.path / "exports/movie.mp4").read_bytes() == b"earlier"
    assert list((story.path / "staging").iterdir()) == []


def test_a_movie_says_what_it_lacks(do, story, with_pictures, rows):
    with pytest.raises(InputError, match="the music of the movie is gone; choose another track or none"):
        do(movie(story, music="music/" + "0" * 32 + ".mp3"))
    take = shown(story)[1]
    (take.folder / "image.png").write_bytes(b"x" * take.files["image.png"].num_bytes)
    with pytest.raises(ImageError, match="the picture of shot 2 is gone or damaged; draw it again"):
        do(movie(story))


def test_a_story_without_pictures_has_no_movie(do, story):
    for job in (movie(story), MakeAnimatic(story_id=story.id, seconds=1.0)):
        with pytest.raises(InputError, match="there is no keyframe to show yet; draw one first"):
            do(job)


@pytest.mark.parametrize("subtitles", [True, False])
def test_the_animatic_shows_every_keyframe_for_its_seconds(do, with_pictures, rows, subtitles):
    story = with_pictures
    events = do(MakeAnimatic(story_id=story.id, seconds=5.0, subtitles=subtitles))
    path = story.path / "exports/animatic.mp4"
    assert check_video(path).num_frames == 4 * 5
    assert isinstance(recipe_of(path), MovieRecipe)
    assert events[-1].made == ("exports/animatic.mp4",)


def test_a_cancelled_animatic_leaves_nothing(studio, with_pictures):
    stop_after(studio(MakeAnimatic(story_id=with_pictures.id, seconds=5.0)), 2)
    assert with_pictures.exports() == ()
    assert list((with_pictures.path / "staging").iterdir()) == []


# --- exports ---------------------------------------------------------------------------------------------


def check_srt(path: Path, story: StoryFolder, stories: Stories) -> None:
    assert "Mara is walking." in path.read_text()


def check_otio(path: Path, story: StoryFolder, stories: Stories) -> None:
    (video,) = otio.adapters.read_from_file(str(path)).video_tracks()
    clips = video.find_clips()
    assert len(clips) == 3
    for clip, row in zip(clips, story.script.head().draft.rows):
        assert clip.metadata["moviedreamer"]["shot"] == row.id
        still = clip.media_references()[otio.schema.Clip.DEFAULT_MEDIA_KEY]
        assert (path.parent / still.target_url).resolve().name == "image.png"
        assert (path.parent / still.target_url).resolve().is_file()


def check_png(path: Path, story: StoryFolder, stories: Stories) -> None:
    recipe = recipe_of(path)
    assert isinstance(recipe, MovieRecipe)
    assert len(recipe.shots) == 3


def check_pdf(path: Path, story: StoryFolder, stories: Stories) -> None:
    assert path.read_bytes().startswith(b"%PDF")


def check_keyframes(path: Path, story: StoryFolder, stories: Stories) -> None:
    with zipfile.ZipFile(path) as archive:
        assert {"keyframes/0001.png", "keyframes/0003.png", "story.yaml"} <= set(archive.namelist())


def check_story(path: Path, story: StoryFolder, stories: Stories) -> None:
    copy = stories.import_archive(path)
    assert copy.script.head().draft.rows == story.script.head().draft.rows
    assert len(shown(copy)) == 3


def check_script(path: Path, story: StoryFolder, stories: Stories) -> None:
    assert read_story(path).keyframes[0].plot == "Mara is walking."


def check_mp4(path: Path, story: StoryFolder, stories: Stories) -> None:
    assert check_video(path).num_frames == 4 * 5 - 2  # as decided: with crossfades


EXPORTS: dict[str, tuple[str, Callable[[Path, StoryFolder, Stories], None]]] = {
    "srt": ("subtitles.srt", check_srt),
    "otio": ("timeline.otio", check_otio),
    "contact-sheet": ("contact-sheet.png", check_png),
    "pdf": ("board.pdf", check_pdf),
    "keyframes": ("keyframes.zip", check_keyframes),
    "story": ("story.zip", check_story),
    "csv": ("script.csv", check_script),
    "yaml": ("story.yaml", check_script),
    "mp4": ("movie.mp4", check_mp4),
}


@pytest.mark.parametrize("format", EXPORTS)
def test_exports_can_be_read_by_others(do, with_pictures, stories, format):
    name, check = EXPORTS[format]
    with_pictures.decisions.set_movie(transition="crossfade")
    events = do(ExportStory(story_id=with_pictures.id, format=format, num_keyframes=3))
    assert events[-1].made == (f"exports/{name}",)
    assert [path.name for path in with_pictures.exports()] == [name]
    check(with_pictures.path / "exports" / name, with_pictures, stories)


def test_every_format_is_tested_here():
    from typing import get_args

    from app.queue.jobs import ExportFormat

    assert set(EXPORTS) == set(get_args(ExportFormat))


def test_drawn_clips_have_the_seed_of_their_keyframe(do, story, rows):
    do(DrawMissing(story_id=story.id, keyframes=(rows[2],), drawing=DRAWING))
    do(animate(story, ClipOrder(row=rows[2], seconds=0.5)))
    shot = story.view().shots[2]
    assert shot.clip.recipe.seed == shot.take.recipe.seed
