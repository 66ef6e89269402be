from fake_production import STORY

from app.production import LocalProduction
from app.studio import Draft, Studio
from moviedreamer_core.storyboard import read_storyboard
from moviedreamer_core.weights_files import read_manifest

pytest_plugins = ("weights",)
SECONDS = 300
TEXT = STORY.replace("    faces: [faces/mara.png]\n", "")


def test_models_draw_and_film_a_story_as_a_preview(tiny_weights, story_file, tmp_path):
    story_file.write_text(TEXT, encoding="utf-8")
    production = LocalProduction(tiny_weights, read_manifest(tiny_weights).weights_hash)
    studio = Studio(production, story_file=story_file, outputs=tmp_path / "outputs")
    studio.generate(Draft(text=TEXT, preview=True))
    studio.job.wait(SECONDS)
    assert (studio.snapshot.phase, studio.snapshot.error) == ("done", "")
    assert len(studio.snapshot.keyframes) == 3
    studio.make_movie()
    studio.job.wait(SECONDS)
    assert (studio.snapshot.phase, studio.snapshot.error) == ("done", "")
    drawn = read_storyboard(studio.snapshot.folder)
    assert all(record.settings.preview and record.clip_file for record in drawn.keyframes)
    assert studio.snapshot.movie.path.stat().st_size > 0
