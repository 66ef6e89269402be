"""`evaluate --frames`: frames of any generator on a story, with tiny random encoders."""

import json
import math
from functools import partial

import numpy as np
import pytest
import yaml
from PIL import Image

from moviedreamer_core.__main__ import main
from moviedreamer_core.evaluation.frame_metrics import face_similarity
from moviedreamer_core.evaluation.plots import embed_plots
from moviedreamer_core.evaluation.presence import FaceSearch, validation_threshold
from moviedreamer_core.pictures import read_pictures
from moviedreamer_core.preparation import to_pixels
from moviedreamer_core.story_files import read_story

pytest_plugins = ("weights",)

PRESENT = ([0], [0, 1], [1], [0, 1], [])  # who is in which keyframe
NAMES = ("Mara", "Tom")


def picture(seed, *, size=(48, 32)):
    levels = np.random.default_rng(seed).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    return Image.fromarray(levels).resize(size, Image.Resampling.BILINEAR)


@pytest.fixture
def told(tmp_path):
    """A story of five keyframes with two faces, frames and true frames."""
    for folder, first in (("frames", 10), ("true", 20)):
        (tmp_path / folder).mkdir()
        for number in range(5):
            picture(first + number).save(tmp_path / folder / f"shot_{number + 1}.png")
    for number, name in enumerate(NAMES):
        picture(number, size=(64, 64)).save(tmp_path / f"{name}.png")
    story = {
        "title": "The Lighthouse",
        "characters": [{"name": name, "faces": [f"{name}.png"]} for name in NAMES],
        "keyframes": [
            {"plot": f"The old man is walking to the sea {number}. Mara is happy.", "characters": who}
            for number, who in enumerate([NAMES[i] for i in present] for present in PRESENT)
        ],
    }
    (tmp_path / "story.yaml").write_text(yaml.safe_dump(story))
    return tmp_path


@pytest.fixture
def evaluate(told, tiny_weights, capsys):
    def run(*options, frames="frames", threshold=0.5):
        status = main(
            ["evaluate", "--frames", str(told / frames), "--story", str(told / "story.yaml"), "--weights",
             str(tiny_weights), "--out", str(told / "new" / "score.json"),
             *([] if threshold is None else ["--threshold", str(threshold)]), *map(str, options)]
        )  # fmt: skip
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_the_figures_are_those_of_plain_loops(evaluate, told, tiny_models):
    models = tiny_models
    search = FaceSearch(models.face)
    story = read_story(told / "story.yaml")
    portraits = search.portraits(read_pictures(story, told))
    paths = [told / "frames" / f"shot_{number}.png" for number in range(1, 6)]
    similarities = {
        name: [face_similarity(search.faces(Image.open(path)), portraits[name]) for path in paths]
        for name in NAMES
    }
    threshold = float(np.median([value for values in similarities.values() for value in values]))

    status, said, errors = evaluate(threshold=threshold)
    assert (status, errors) == (0, "")
    report = json.loads((told / "new" / "score.json").read_text())
    embedded = [models.vision.embed(to_pixels(Image.open(path))[None])[0].detach().numpy() for path in paths]
    plots = embed_plots(story, models.text).detach().numpy()
    scores = [100 * float(frame @ plot) for frame, plot in zip(embedded, plots, strict=True)]
    assert report["clip_score"] == pytest.approx(np.mean(scores), abs=1e-3)
    pairs, held = [], []
    for number, name in enumerate(NAMES):
        for t in range(5):
            if number in PRESENT[t]:
                held.append(similarities[name][t] >= threshold)
                if t < 4 and number in PRESENT[t + 1]:
                    pairs.append(float(embedded[t] @ embedded[t + 1]))
    assert 0 < sum(held) < len(held) == 6
    assert (report["num_pairs"], report["num_true_frames"]) == (len(pairs), 6)
    assert report["short_term"] == pytest.approx(np.mean(pairs), abs=1e-4)
    assert report["long_term"] == pytest.approx(sum(held) / 6)
    assert (report["clip_similarity"], report["frechet"], report["aesthetic"]) == (None, None, None)
    logits = np.exp(100 * np.stack(embedded) @ plots.T)
    classes = logits / logits.sum(axis=1, keepdims=True)
    divergence = (classes * np.log(classes / classes.mean(axis=0))).sum(axis=1).mean()
    assert report["inception"] == pytest.approx(math.exp(divergence), rel=1e-2)
    table = (told / "new" / "score.md").read_text()
    assert table in said
    assert f"| CLIP score | {report['clip_score']:.3f} | 5 frames | 19.584 |" in table
    assert "LT takes for true who the script says is in frame" in table
    assert "no aesthetic predictor" in table


def test_true_frames_give_similarity_distance_and_the_truth_of_presence(evaluate, told):
    status, said, _ = evaluate("--reference-frames", told / "frames")
    report = json.loads((told / "new" / "score.json").read_text())
    assert status == 0
    assert report["clip_similarity"] == pytest.approx(1)
    assert report["frechet"]["value"] == pytest.approx(0, abs=1e-5)
    assert (report["frechet"]["num_true"], report["frechet"]["num_features"]) == (5, 12)
    assert report["long_term"] in (1, None)  # what is seen in a frame is seen in the same frame
    assert "| FD of CLIP features | 0.000 | 5 and 5 frames in 12 features |" in said

    evaluate("--reference-frames", told / "true", threshold=-1)  # everybody is everywhere
    report = json.loads((told / "new" / "score.json").read_text())
    assert report["clip_similarity"] < 0.999
    assert report["frechet"]["value"] > 0
    assert (report["long_term"], report["num_true_frames"]) == (1, 10)


def test_without_a_threshold_one_is_chosen_on_validation_episodes(evaluate, monkeypatch):
    chosen = partial(validation_threshold, episodes=1, keyframes=3)
    monkeypatch.setattr("moviedreamer_core.evaluation.frames_command.validation_threshold", chosen)
    status, said, _ = evaluate(threshold=None)
    assert status == 0
    assert "threshold: validation episode 1 of 1" in said
    assert "of validation episodes this reaches a balanced accuracy of" in said


def test_a_story_without_faces_is_scored_but_for_long_term(evaluate, told):
    story = yaml.safe_load((told / "story.yaml").read_text())
    story["characters"] = list(NAMES)
    (told / "story.yaml").write_text(yaml.safe_dump({**story, "characters": [{"name": n} for n in NAMES]}))
    status, said, _ = evaluate(threshold=None)
    report = json.loads((told / "new" / "score.json").read_text())
    assert (status, report["long_term"], report["num_pairs"]) == (0, None, 3)
    assert "LT is not measured: no character of the story has a face picture; add some under faces." in said


def test_frames_of_other_sizes_and_kinds_are_scored(evaluate, told):
    for number, path in enumerate(sorted((told / "frames").iterdir()), start=1):
        path.unlink()
        picture(number, size=(100 + number, 80)).save(told / "frames" / f"{number:02}.jpg")
    assert evaluate()[0] == 0


def spoil_nothing(folder):
    for path in folder.iterdir():
        path.rename(path.with_suffix(".txt"))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: folder.rename(folder.with_name("elsewhere")), "no such folder of frames"),
        (spoil_nothing, "no numbered pictures there"),
        (lambda folder: picture(0).save(folder / "01.png"), "both have the number 1"),
        (lambda folder: (folder / "shot_5.png").unlink(), "4 numbered pictures for a story of 5 keyframes"),
        (lambda folder: (folder / "shot_3.png").write_bytes(b"\x89PNG\r\n"), "shot_3.png: "),
        (lambda folder: (folder / "shot_3.png").write_bytes(b""), "shot_3.png: the file is empty"),
    ],
)
def test_bad_folders_end_in_one_sentence_and_write_nothing(evaluate, told, spoil, message):
    spoil(told / "frames")
    status, _, errors = evaluate()
    assert status == 2
    assert message in errors
    assert len(errors.splitlines()) == 1
    assert not list((told / "new").glob("*"))


def test_a_bad_folder_of_true_frames_is_named(evaluate, told):
    status, _, errors = evaluate("--reference-frames", told / "nowhere")
    assert (status, "nowhere: there is no such folder of frames" in errors) == (2, True)


def test_a_plot_is_the_mean_direction_of_its_sentences(tiny_models, told):
    story = read_story(told / "story.yaml")
    plots = embed_plots(story, tiny_models.text)
    assert plots.shape == (5, 12)
    names = ["Mara", "Tom"]
    sentences = [f"The old man is walking to the sea {1}.", "Mara is happy."]
    both = tiny_models.text.encode(sentences, names).numpy().mean(axis=0)
    np.testing.assert_allclose(plots[1].numpy(), both / np.linalg.norm(both), rtol=1e-5, atol=1e-6)
