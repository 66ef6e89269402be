import wave
from pathlib import Path

import pytest
from colour_work import working
from gradio_client import handle_file
from gradio_client.exceptions import AppError
from PIL import Image

PUBLIC = {
    "list_stories", "new_story", "new_story_from_text", "import_story", "duplicate_story", "rename_story",
    "delete_story", "restore_story",
    "get_cast", "add_character", "add_face", "set_character", "remove_character", "test_character",
    "get_script", "insert_row", "set_row", "delete_rows", "move_rows", "lock_rows", "paste_rows",
    "set_style", "undo", "redo",
    "add_reference", "use_references", "remove_reference",
    "get_storyboard", "draw_missing", "preview_arc", "redraw_stale", "redraw", "new_take", "choose_take",
    "replace_picture", "get_picture", "get_clip",
    "animate", "set_motion", "choose_clip", "set_music", "set_movie", "make_animatic", "make_movie", "export",
    "get_export",
    "job_status", "wait_for_job", "cancel_job", "retry_job",
}  # fmt: skip


def wait(client, job):
    return client.predict(job, 60, api_name="/wait_for_job")


def test_the_public_steps_are_these_and_no_other_handler_can_be_called(client):
    info = client.view_api(return_format="dict", print_info=False, all_endpoints=True)
    assert {name.strip("/") for name in info["named_endpoints"]} == PUBLIC
    assert not info["unnamed_endpoints"]
    callable_ones = {
        one["api_name"] for one in client.config["dependencies"] if one["api_visibility"] != "private"
    }
    assert callable_ones == PUBLIC
    assert len(client.config["dependencies"]) > len(PUBLIC)  # the page has handlers of its own


def test_the_readme_counts_them():
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    assert f"lists all {len(PUBLIC)} with their types" in readme


def test_every_step_says_what_it_does_and_has_types(client):
    steps = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    for name, step in steps.items():
        assert len(step["description"]) > 15, name
        assert step["description"][0].isupper(), name
        assert step["description"].rstrip().endswith("."), name
        assert len(step["returns"]) == 1, name
        for value in (*step["parameters"], *step["returns"]):
            assert value["type"] != {}, (name, value)


def test_defaults_are_told(client):
    steps = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    parameters = {one["parameter_name"]: one for one in steps["/new_take"]["parameters"]}
    assert list(parameters) == ["story_id", "shot", "seed", "temperature", "later"]
    assert not parameters["shot"]["parameter_has_default"]
    assert (parameters["temperature"]["parameter_default"], parameters["later"]["parameter_default"]) == (
        1.0,
        "keep",
    )
    assert parameters["later"]["type"] == {"enum": ["keep", "repredict", "repredict-place"]}
    assert steps["/add_face"]["parameters"][2]["python_type"]["type"] == "filepath"


def test_stories_are_made_listed_renamed_copied_and_deleted(client, desk):
    story = client.predict("By name", api_name="/new_story")
    other = client.predict(
        "keyframes:\n  - plot: A boat.\n  - plot: The sea.\n", "Boats", api_name="/new_story_from_text"
    )
    assert client.predict(other, "Two boats", api_name="/rename_story") == "Two boats"
    copy = client.predict(other, api_name="/duplicate_story")
    lines = {one["id"]: one for one in client.predict(api_name="/list_stories")}
    assert (lines[story]["title"], lines[story]["num_shots"]) == ("By name", 1)
    assert (lines[other]["title"], lines[other]["num_shots"], lines[other]["num_drawn"]) == (
        "Two boats",
        2,
        0,
    )
    assert lines[copy]["num_shots"] == 2
    trashed = client.predict(copy, api_name="/delete_story")
    assert copy not in {one["id"] for one in client.predict(api_name="/list_stories")}
    assert client.predict(trashed, api_name="/restore_story") == copy


def test_a_story_is_imported_from_a_file(client, desk, tmp_path):
    (tmp_path / "sea.csv").write_text("plot,seconds\nThe sea.,3\n")
    story = client.predict(handle_file(str(tmp_path / "sea.csv")), api_name="/import_story")
    assert client.predict(story, api_name="/get_script")["rows"][0]["seconds"] == 3


def test_the_cast_is_written_with_pictures(client, desk, story, picture):
    cast_id = client.predict(
        story.id, "Ben", "A red cap.", [handle_file(str(picture))], api_name="/add_character"
    )
    Image.new("RGB", (90, 90), "navy").save(picture)
    second = client.predict(story.id, cast_id, handle_file(str(picture)), api_name="/add_face")
    card = client.predict(story.id, api_name="/get_cast")[-1]
    assert (card["name"], card["description"], card["faces_found"]) == ("Ben", "A red cap.", [None, None])
    assert card["pictures"][1] == second
    assert all((story.path / one).is_file() for one in card["pictures"])
    client.predict(story.id, cast_id, "Benno", "A cap.", api_name="/set_character")
    assert story.script.head().draft.member(cast_id).name == "Benno"
    client.predict(story.id, cast_id, api_name="/remove_character")
    assert len(story.script.head().draft.cast) == 2


def test_a_character_whose_picture_is_none_is_not_kept_half(client, story, tmp_path):
    (tmp_path / "mara.png").write_text("no picture")
    with pytest.raises(AppError, match=r"(?i)mara\.png"):
        client.predict(
            story.id, "Ben", "", [handle_file(str(tmp_path / "mara.png"))], api_name="/add_character"
        )
    assert [one["name"] for one in client.predict(story.id, api_name="/get_cast")] == ["Mara", "Tom"]


def test_the_script_is_written_row_by_row(client, story):
    row = client.predict(story.id, api_name="/insert_row")
    client.predict(story.id, row, {"plot": "Ben rows.", "seconds": 3}, api_name="/set_row")
    client.predict(story.id, [row], -1, api_name="/move_rows")
    assert client.predict(story.id, [row], api_name="/lock_rows") == 1
    script = client.predict(story.id, api_name="/get_script")
    moved = script["rows"][3]
    assert (moved["id"], moved["number"], moved["plot"], moved["seconds"]) == (row, 4, "Ben rows.", 3)
    assert (moved["is_locked"], moved["seed"], moved["condition"]) == (True, None, "missing")
    client.predict(story.id, [row], api_name="/delete_rows")
    assert client.predict(story.id, "A gull cries. It rains.", api_name="/paste_rows") == 2
    assert [one["plot"] for one in client.predict(story.id, api_name="/get_script")["rows"]][4:] == [
        "A gull cries.",
        "It rains.",
    ]


def test_references_are_added_and_switched_off(client, story, picture):
    path = client.predict(story.id, handle_file(str(picture)), api_name="/add_reference")
    assert (story.path / path).is_file()
    assert client.predict(story.id, False, api_name="/use_references") is False
    draft = story.script.head().draft
    assert (draft.references, draft.use_references) == ((path,), False)


def test_from_shots_to_a_movie(client, desk, story):
    with working(desk):
        assert wait(client, client.predict(story.id, api_name="/preview_arc"))["state"] == "done"
        assert {one["state"] for one in client.predict(story.id, api_name="/get_storyboard")} == {"preview"}
        drawn = wait(client, client.predict(story.id, api_name="/draw_missing"))
        assert (drawn["state"], drawn["share"], drawn["story_id"]) == ("done", 1, story.id)
        again = client.predict(story.id, 2, 77, temperature=0.4, later="keep", api_name="/new_take")
        assert wait(client, again)["state"] == "done"
        assert wait(client, client.predict(story.id, [1, 3], api_name="/animate"))["state"] == "done"
        client.predict(story.id, transition="crossfade", api_name="/set_movie")
        assert wait(client, client.predict(story.id, api_name="/make_animatic"))["state"] == "done"
        assert wait(client, client.predict(story.id, api_name="/make_movie"))["state"] == "done"
        assert wait(client, client.predict(story.id, "srt", api_name="/export"))["state"] == "done"
    view = story.view()
    assert view.shots[1].take.recipe.seed == 77
    assert view.decisions.movie.transition == "crossfade"
    board = client.predict(story.id, api_name="/get_storyboard")
    assert [one["has_clip"] for one in board] == [True, False, True, False]
    number = client.predict(story.id, 2, 1, api_name="/choose_take")
    assert number == "take 1 of shot 2 is shown"
    assert client.predict(story.id, api_name="/get_storyboard")[1]["take"] == 1


def test_stale_shots_are_drawn_again_with_their_seeds_and_picked_ones_with_new_seeds(client, desk, story):
    row = story.script.head().draft.rows[1]
    with working(desk):
        wait(client, client.predict(story.id, api_name="/draw_missing"))
        before = story.view().shots
        client.predict(story.id, row.id, {"plot": "Mara is laughing on the pier."}, api_name="/set_row")
        stale = [shot.number for shot in story.view().shots if shot.condition == "stale"]
        assert 2 in stale
        assert wait(client, client.predict(story.id, api_name="/redraw_stale"))["state"] == "done"
        for shot, old in zip(story.view().shots, before, strict=True):
            assert shot.condition == "fresh"
            assert (shot.take != old.take) == (shot.number in stale)
            assert shot.take.recipe.seed == old.take.recipe.seed
        assert wait(client, client.predict(story.id, [1, 4], api_name="/redraw"))["state"] == "done"
    seeds = zip(story.view().shots, before, strict=True)
    assert [shot.take.recipe.seed != old.take.recipe.seed for shot, old in seeds] == [
        True,
        False,
        False,
        True,
    ]


def test_the_style_is_set_taken_back_and_made_again(client, story):
    before = story.script.head().number
    made = client.predict(story.id, "A pencil drawing.", api_name="/set_style")
    assert (made, story.script.head().draft.style) == (before + 1, "A pencil drawing.")
    assert client.predict(story.id, api_name="/get_script")["style"] == "A pencil drawing."
    with pytest.raises(AppError, match="was changed"):
        client.predict(story.id, before, api_name="/undo")  # something was done since
    assert story.script.head().draft.style == "A pencil drawing."
    after = client.predict(story.id, made, api_name="/undo")
    assert story.script.head().draft.style == ""
    assert client.predict(story.id, api_name="/redo") == after + 1
    assert story.script.head().draft.style == "A pencil drawing."
    client.predict(story.id, api_name="/undo")
    assert story.script.head().draft.style == ""


def test_references_are_added_and_removed(client, story, picture):
    kept = client.predict(story.id, handle_file(str(picture)), api_name="/add_reference")
    Image.new("RGB", (90, 90), "navy").save(picture)
    gone = client.predict(story.id, handle_file(str(picture)), api_name="/add_reference")
    assert client.predict(story.id, gone, api_name="/remove_reference") == gone
    assert story.script.head().draft.references == (kept,)


def test_a_picture_is_replaced_and_clips_are_chosen(client, desk, story, picture):
    with working(desk):
        wait(client, client.predict(story.id, api_name="/draw_missing"))
        job = client.predict(story.id, 2, handle_file(str(picture)), api_name="/replace_picture")
        assert wait(client, job)["state"] == "done"
        for motion in ("calm", "lively"):
            assert client.predict(story.id, 1, motion, api_name="/set_motion") == motion
            assert wait(client, client.predict(story.id, [1], api_name="/animate"))["state"] == "done"
    view = story.view()
    assert "uploaded" in {take.recipe.origin for take in view.shots[1].takes}
    assert view.shots[0].decisions.motion == "lively"
    assert [clip.recipe.motion for clip in view.shots[0].clips] == ["calm", "lively"]
    for number in (2, 1):
        said = client.predict(story.id, 1, number, api_name="/choose_clip")
        assert said == f"clip {number} of shot 1 is shown"
        assert story.view().shots[0].clip.number == number


def test_music_is_put_under_the_movie_and_taken_off(client, story, tmp_path):
    with wave.open(str(tmp_path / "sea.wav"), "wb") as track:
        track.setparams((1, 2, 8000, 0, "NONE", ""))
        track.writeframes(bytes(16000))
    client.predict(story.id, handle_file(str(tmp_path / "sea.wav")), api_name="/set_music")
    music = story.decisions.read().movie.music
    assert (story.path / music).read_bytes() == (tmp_path / "sea.wav").read_bytes()
    client.predict(story.id, api_name="/set_music")
    assert story.decisions.read().movie.music is None


def test_a_picture_that_is_none_and_a_track_that_is_none_are_refused(client, story, tmp_path):
    (tmp_path / "fake.png").write_text("no picture")
    (tmp_path / "fake.mp3").write_text("no music")
    for step, given in (
        ("replace_picture", (1, handle_file(str(tmp_path / "fake.png")))),
        ("set_music", (handle_file(str(tmp_path / "fake.mp3")),)),
        ("add_reference", (handle_file(str(tmp_path / "fake.png")),)),
    ):
        with pytest.raises(AppError, match=r"(?i)fake\.(png|mp3)"):
            client.predict(story.id, *given, api_name=f"/{step}")
    assert story.decisions.read().movie.music is None
    assert not any(shot.takes for shot in story.view().shots)


def test_unknown_words_of_the_style_are_told(client, desk, story, monkeypatch):
    monkeypatch.setattr(desk.script.words, "_tokenizer", lambda text: ("gargoyle",) * ("gargoyle" in text))
    client.predict(story.id, "A gargoyle.", api_name="/set_style")
    (warning,) = client.predict(story.id, api_name="/get_script")["style_warnings"]
    assert '"gargoyle"' in warning


def test_files_arrive_as_they_lie_in_the_story(client, desk, story):
    with working(desk):
        wait(client, client.predict(story.id, api_name="/draw_missing"))
        wait(client, client.predict(story.id, [1], api_name="/animate"))
        wait(client, client.predict(story.id, api_name="/make_movie"))
    view = story.view()
    for got, kept in (
        (client.predict(story.id, 1, api_name="/get_picture"), view.shots[0].take.folder / "image.png"),
        (client.predict(story.id, 2, 1, api_name="/get_picture"), view.shots[1].take.folder / "image.png"),
        (client.predict(story.id, 1, api_name="/get_clip"), view.shots[0].clip.folder / "clip.mp4"),
        (client.predict(story.id, api_name="/get_export"), story.file("exports/movie.mp4")),
    ):
        assert Path(got) != kept
        assert Path(got).name == kept.name
        assert Path(got).read_bytes() == kept.read_bytes()


def test_jobs_are_called_off_and_tried_again(client, story):
    job = client.predict(story.id, 1, api_name="/new_take")
    assert client.predict(job, api_name="/job_status")["state"] == "waiting"
    assert client.predict(job, api_name="/cancel_job") == "cancelled"
    assert wait(client, job)["state"] == "cancelled"
    assert client.predict(job, api_name="/retry_job")["state"] == "waiting"
    client.predict(job, api_name="/cancel_job")


def test_a_failed_job_says_why(client, desk, story):
    row = story.script.head().draft.rows[0]
    client.predict(story.id, row.id, {"plot": "The pier is broken."}, api_name="/set_row")
    with working(desk):
        state = wait(client, client.predict(story.id, 1, api_name="/new_take"))
    assert state["state"] == "failed"
    assert "this row is broken; write it anew" in state["message"]


def test_many_may_wait_while_others_ask(client, story):
    job = client.predict(story.id, 1, api_name="/new_take")  # nobody works: it waits
    waiting = [client.submit(job, 600, api_name="/wait_for_job") for _ in range(8)]
    assert client.predict(job, 0, api_name="/wait_for_job")["state"] == "waiting"
    assert client.predict(story.id, api_name="/get_cast")
    assert not any(one.done() for one in waiting)
    client.predict(job, api_name="/cancel_job")
    assert {one.result(timeout=60)["state"] for one in waiting} == {"cancelled"}


NOWHERE = "open one from the list of stories"
WRONG = [
    ("get_script", ("nowhere2",), NOWHERE),
    ("draw_missing", ("nowhere2",), NOWHERE),
    ("preview_arc", ("../../etc",), NOWHERE),
    ("new_take", ("nowhere2", 1), NOWHERE),
    ("redraw_stale", ("nowhere2",), NOWHERE),
    ("redraw", ("nowhere2", [1]), NOWHERE),
    ("redraw_stale", ("STORY",), "No shot is stale"),
    ("redraw", ("STORY", [1, 9]), "There is no shot 9"),
    ("redraw", ("STORY", []), "No shot is picked"),
    ("animate", ("nowhere2", [1]), NOWHERE),
    ("make_movie", ("nowhere2",), NOWHERE),
    ("export", ("nowhere2", "mp4"), NOWHERE),
    ("get_export", ("nowhere2",), NOWHERE),
    ("add_character", ("nowhere2", "Ben"), NOWHERE),
    ("add_character", ("STORY", "Mara"), "Mara is in the cast already"),
    ("add_character", ("STORY", {"a": 1}), "Name: input should be a valid string"),
    ("new_take", ("STORY", 9), "There is no shot 9; the story has 4 shots"),
    ("new_take", ("STORY", 0), "There is no shot 0; the story has 4 shots"),
    ("new_take", ("STORY", "two"), "Shot: input should be a valid integer"),
    ("new_take", ("STORY", 1, -1), "A seed is a whole number from 0"),
    ("new_take", ("STORY", 1, None, 3.0), "Surprise goes from 0"),
    ("new_take", ("STORY", 1, None, 1.0, "all"), "Later: input should be 'keep'"),
    ("choose_take", ("STORY", 1, 7), "Shot 1 has no take 7"),
    ("get_picture", ("STORY", 1), "Shot 1 has no picture yet"),
    ("get_picture", ("STORY", 1, 3), "Shot 1 has no take 3"),
    ("get_clip", ("STORY", 1), "Shot 1 has no clip yet"),
    ("animate", ("STORY", [9]), "There is no shot 9"),
    ("animate", ("STORY", []), "No shot is ticked"),
    ("animate", ("STORY", [1]), "have no pictures yet"),
    ("make_movie", ("STORY",), "No shot has a picture yet"),
    ("export", ("STORY", "avi"), "Format: input should be 'mp4'"),
    ("export", ("STORY", "pdf"), "No shot has a picture yet"),
    ("get_export", ("STORY", "mp4"), "There is no movie.mp4 of this story yet"),
    ("set_movie", ("STORY", "wipe"), "Transition: input should be 'cut'"),
    ("set_row", ("STORY", "row-aaaaaaaaaa", {"plot": "x"}), "no longer in the script"),
    ("set_row", ("STORY", "ROW", {"plott": "x"}), "plott"),
    ("set_row", ("STORY", "ROW", {"seconds": "long"}), "econds"),
    ("delete_rows", ("STORY", ["row-aaaaaaaaaa"]), "no longer in the script"),
    ("test_character", ("STORY", "cast-aaaaaaaaaa"), "no longer in the cast"),
    ("new_story_from_text", ("",), "There is no text to make a story of"),
    ("new_story_from_text", ("keyframes: 3", "", "yaml"), "keyframes"),
    ("new_story_from_text", ("A boat.", "", "latex"), "Written_as: input should be 'guess'"),
    ("set_style", ("nowhere2", "Ink."), NOWHERE),
    ("set_style", ("STORY", 3), "Style: input should be a valid string"),
    ("undo", ("nowhere2",), NOWHERE),
    ("undo", ("STORY", 99), "The script was changed"),
    ("redo", ("nowhere2",), NOWHERE),
    ("redo", ("STORY",), "othing"),
    ("remove_reference", ("nowhere2", "references/a.png"), NOWHERE),
    ("remove_reference", ("STORY", "../../etc/passwd"), "is no reference of this story"),
    ("replace_picture", ("nowhere2", 1, "FILE"), NOWHERE),
    ("replace_picture", ("STORY", 9, "FILE"), "There is no shot 9"),
    ("replace_picture", ("STORY", 1, "sea.png"), "Picture"),
    ("set_motion", ("nowhere2", 1, "calm"), NOWHERE),
    ("set_motion", ("STORY", 9, "calm"), "There is no shot 9"),
    ("set_motion", ("STORY", 1, "wild"), "Motion: input should be 'calm'"),
    ("choose_clip", ("nowhere2", 1, 1), NOWHERE),
    ("choose_clip", ("STORY", 1, 1), "Shot 1 has no clip 1; it has none"),
    ("choose_clip", ("STORY", 9, 1), "There is no shot 9"),
    ("set_music", ("nowhere2",), NOWHERE),
    ("set_music", ("STORY", "sea.mp3"), "Track"),
    ("job_status", (99999,), "There is no job 99999"),
    ("wait_for_job", (99999,), "There is no job 99999"),
    ("wait_for_job", (1, -5), "Seconds goes from 0"),
    ("cancel_job", (99999,), "There is no job 99999"),
    ("retry_job", (99999,), "There is no job 99999"),
]  # fmt: skip


@pytest.mark.parametrize(("step", "arguments", "sentence"), WRONG)
def test_what_cannot_be_done_is_told_in_a_sentence_and_changes_nothing(
    client, desk, story, picture, step, arguments, sentence
):
    story.decisions.tick([story.script.head().draft.rows[0].id], animate=True)
    before = story.script.head().number, story.decisions.read(), desk.queue.snapshot().jobs
    row = story.script.head().draft.rows[0].id
    meant = {"STORY": story.id, "ROW": row, "FILE": handle_file(str(picture))}
    given = [meant.get(str(one), one) for one in arguments]
    with pytest.raises(AppError) as error:
        client.predict(*given, api_name=f"/{step}")
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)
    assert "nternal failure" not in str(error.value)
    assert (story.script.head().number, story.decisions.read(), desk.queue.snapshot().jobs) == before


def test_a_script_that_was_changed_since_it_was_read_is_not_overwritten(client, story):
    read = client.predict(story.id, api_name="/get_script")
    row, revision = read["rows"][0]["id"], read["revision"]
    saved = client.predict(story.id, row, {"plot": "Mara runs."}, revision, api_name="/set_row")
    assert saved == revision + 1
    cast = client.predict(story.id, api_name="/get_cast")[0]["id"]
    stale = [
        ("set_row", (row, {"plot": "Overwritten."})),
        ("delete_rows", ([row],)),
        ("move_rows", ([row], 1)),
        ("insert_row", (row, "below")),
        ("paste_rows", ("Overwritten.", True)),
        ("set_style", ("Overwritten.",)),
        ("set_character", (cast, "Mara", "Overwritten.")),
        ("remove_character", (cast,)),
    ]
    before = story.script.head()
    for step, given in stale:
        with pytest.raises(AppError, match=f"is at revision {saved}, this follows {revision}; read it again"):
            client.predict(story.id, *given, revision, api_name=f"/{step}")
        assert story.script.head() == before
    for step, given in stale:  # each follows the one before
        client.predict(story.id, *given, story.script.head().number, api_name=f"/{step}")
        if step == "delete_rows":
            client.predict(story.id, api_name="/undo")
    assert [one.name for one in story.script.head().draft.cast] == ["Tom"]
    assert [one.plot for one in story.script.head().draft.rows] == ["Overwritten."]
    assert story.script.head().draft.style == "Overwritten."
