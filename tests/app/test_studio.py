import pytest
from fake_production import STORY, FakeProduction
from PIL import Image

from app.runs import story_text
from app.studio import DRAWN_ALREADY, Draft, Studio
from moviedreamer_core.errors import ImageError, StoryError
from moviedreamer_core.story_files import read_story
from moviedreamer_core.storyboard import read_storyboard

SECONDS = 60


def generate(studio, draft):
    message = studio.generate(draft)
    studio.job.wait(SECONDS)
    return message


def test_generating_draws_every_keyframe_and_then_the_movie(studio):
    assert generate(studio, Draft(text=STORY)) == ""
    assert [one.number for one in studio.snapshot.keyframes] == [1, 2, 3]
    assert all(one.path.is_file() for one in studio.snapshot.keyframes)
    studio.make_movie()
    studio.job.wait(SECONDS)
    assert studio.snapshot.error == ""
    assert studio.snapshot.movie.path.read_bytes()[4:8] == b"ftyp"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("keyframes: [", "not valid YAML"),
        ("", "the file is empty"),
        ("title: x", "no keyframes"),
        (STORY.replace("[Tom]", "[Ann]"), '"Ann" is not in the cast'),
        (STORY.replace("faces/mara.png", "../../secret.png"), "lies outside the story's folder"),
        ("a: \ud800", "story.yaml"),
    ],
)
def test_a_bad_story_is_one_sentence_and_changes_nothing(studio, text, words):
    before = studio.snapshot, studio.draft
    with pytest.raises(StoryError, match=r"^[^\n]+$") as refused:
        studio.generate(Draft(text=text))
    assert words in str(refused.value)
    assert (studio.snapshot, studio.draft) == before


def test_a_portrait_that_is_not_there_is_told_before_any_work(studio):
    with pytest.raises(ImageError, match=r"nobody\.png"):
        studio.generate(Draft(text=STORY.replace("mara.png", "nobody.png")))
    assert studio.snapshot.phase == "idle"


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_out_of_range_is_refused(studio, seed):
    with pytest.raises(StoryError, match=r"seed: choose a whole number from 0 to"):
        studio.generate(Draft(text=STORY, seed=seed))


def test_a_movie_of_nothing_is_refused(studio):
    with pytest.raises(StoryError, match="press Generate first"):
        studio.make_movie()


def test_runs_that_differ_in_story_seed_quality_or_portrait_never_share_a_folder(studio, story_file):
    drafts = [
        Draft(text=STORY),
        Draft(text=STORY, seed=8),
        Draft(text=STORY, preview=True),
        Draft(text=STORY + "    seconds: 3"),
    ]
    folders = []
    for draft in drafts:
        generate(studio, draft)
        folders.append(studio.snapshot.folder)
    Image.new("RGB", (64, 64), "black").save(story_file.parent / "faces" / "mara.png")
    generate(studio, drafts[0])
    folders.append(studio.snapshot.folder)
    assert len(set(folders)) == 5
    assert read_storyboard(folders[1]).story.seed == 8


def test_asking_for_the_same_again_shows_it_and_draws_nothing(studio):
    generate(studio, Draft(text=STORY))
    first = studio.snapshot
    drawn_at = first.keyframes[0].path.stat().st_mtime_ns
    generate(studio, Draft(text=STORY, seed=8))
    assert generate(studio, Draft(text=STORY, seed=7)) == DRAWN_ALREADY
    assert studio.snapshot.keyframes == first.keyframes
    assert first.keyframes[0].path.stat().st_mtime_ns == drawn_at


def test_a_cancelled_run_goes_on_where_it_stopped(story_file, tmp_path):
    production = FakeProduction(stepwise=True)
    studio = Studio(production, story_file=story_file, outputs=tmp_path / "outputs")
    studio.generate(Draft(text=STORY))
    studio.job.cancel()
    production.allowed.release()
    studio.job.wait(SECONDS)
    num_kept = len(studio.snapshot.keyframes)
    assert studio.snapshot.phase == "stopped"
    assert num_kept < 3
    for _ in range(3):
        production.allowed.release()
    generate(studio, Draft(text=STORY))
    assert len(studio.snapshot.keyframes) == 3


def test_the_next_session_opens_with_what_the_last_one_drew(studio, story_file, tmp_path):
    def reopened():
        return Studio(FakeProduction(), story_file=story_file, outputs=tmp_path / "outputs")

    assert reopened().snapshot.keyframes == ()
    generate(studio, Draft(text=STORY, seed=9, preview=True))
    studio.make_movie()
    studio.job.wait(SECONDS)
    later = reopened()
    assert later.snapshot.keyframes == studio.snapshot.keyframes
    assert later.snapshot.movie == studio.snapshot.movie
    assert later.draft == Draft(text=STORY, seed=9, preview=True)
    story_file.write_text(STORY.replace("calm", "wild"), encoding="utf-8")
    assert reopened().snapshot.keyframes == ()


def test_damaged_runs_are_passed_over(studio, story_file, tmp_path):
    generate(studio, Draft(text=STORY))
    (studio.snapshot.folder / "storyboard.json").write_text("{", encoding="utf-8")
    reopened = Studio(FakeProduction(), story_file=story_file, outputs=tmp_path / "outputs")
    assert reopened.snapshot.keyframes == ()


def test_a_story_in_another_format_opens_as_yaml(story_file, tmp_path):
    path = tmp_path / "story.txt"
    path.write_text("Ann walks to the sea.\n\nAnn swims.\n", encoding="utf-8")
    again = tmp_path / "again.yaml"
    again.write_text(story_text(path), encoding="utf-8")
    assert read_story(again) == read_story(path)
