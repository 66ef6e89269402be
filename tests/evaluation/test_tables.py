"""The paper's comparisons on tiny random weights: what is measured, against plain computations, and what is written."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

from moviedreamer_core.errors import InputError, OutputError
from moviedreamer_core.evaluation.readers import FrameReader
from moviedreamer_core.evaluation.tables import conditioning, length, prose, references, video_drift
from moviedreamer_core.evaluation.tables.result import Estimate, Result, estimate, read_result, write_result
from moviedreamer_core.filming import clip_settings
from moviedreamer_core.storyworld.drawing import draw_frame, figure_boxes
from moviedreamer_core.storyworld.episodes import sample_episode

pytest_plugins = ("weights",)


def result(**changes) -> Result:
    values = {
        "name": "one", "title": "One", "question": "Is it so?", "paper": "it is.", "columns": ("a", "b"),
        "rows": {"first": {"a": Estimate(value=0.5, ci95=0.1, num_stories=3)}}, "agrees": True, "note": "A note.",
        "command": "do it", "weights_hash": "0123456789abcdef",
    }  # fmt: skip
    return Result(**(values | changes))


def test_an_estimate_is_the_mean_with_an_interval_over_stories():
    assert estimate([(0, 1.0), (0, 0.0), (1, 0.5)]) == Estimate(
        value=0.5, ci95=estimate([(0, 1.0), (0, 0.0), (1, 0.5)]).ci95, num_stories=2
    )
    assert estimate([(0, 1.0), (0, 0.0)]).ci95 == 0  # one story tells nothing of others
    spread = estimate([(story, float(story % 2)) for story in range(40)])
    assert spread.ci95 == pytest.approx(1.96 * 0.5 / 40**0.5, rel=0.1)
    with pytest.raises(ValueError, match="at least one value"):
        estimate([])


def test_a_page_has_a_section_per_result_and_reads_back_what_was_written(tmp_path):
    plotted = []
    write_result(
        result(), tmp_path, lambda path: plotted.append(path) or Image.new("RGB", (2, 2)).save(path, "PNG")
    )
    write_result(result(name="two", title="Two", agrees=False), tmp_path)
    assert read_result(tmp_path / "one.json") == result(columns=["a", "b"])
    page = (tmp_path / "README.md").read_text()
    assert page.count("\n## ") == 2
    assert "| first | 0.500 ± 0.100 |  |" in page
    assert "**agrees with the paper**" in page
    assert "**does not agree with the paper**" in page
    assert "![One](one.png)" in page
    assert "![Two]" not in page
    (tmp_path / "three.json").write_text("[]")
    with pytest.raises(OutputError, match=r"three\.json: not a result of `evaluate --table`"):
        write_result(result(), tmp_path)


# --- drift -------------------------------------------------------------------------------------------


def test_colour_distance_is_that_of_gaussians_per_channel():
    rng = np.random.default_rng(0)
    one, two = rng.random((3, 3, 4, 5)), rng.random((2, 3, 4, 5)) * 0.5
    expected = 0.0
    for channel in range(3):
        a, b = one[:, channel].ravel(), two[:, channel].ravel()
        expected += (a.mean() - b.mean()) ** 2 + (a.std() - b.std()) ** 2
    found = video_drift.colour_distance(torch.from_numpy(one).float(), torch.from_numpy(two).float())
    assert found.item() == pytest.approx(expected**0.5, rel=1e-5)
    assert video_drift.colour_distance(*[torch.from_numpy(one).float()] * 2) == 0


def test_both_ways_of_chaining_share_their_first_segment_only(tiny_models):
    settings = clip_settings(tiny_models.config, preview=True)
    anchored, last = (
        video_drift.long_clip(tiny_models, 0, segments=3, chaining=chaining, settings=settings)
        for chaining in ("anchored", "last_frame")
    )
    frames = tiny_models.config.video.num_frames
    assert [len(segment) for segment in anchored] == [frames, frames - 1, frames - 1]
    assert torch.equal(anchored[0], last[0])
    assert not torch.equal(anchored[1], last[1])


@pytest.mark.parametrize(
    ("far", "near", "expected"),
    [((0.1, 0.2), (0.9, 0.8), True), ((0.2, 0.1), (0.8, 0.9), False), ((0.1, 0.2), (0.8, 0.9), None)],
)
def test_the_anchor_wins_only_if_both_figures_say_so(far, near, expected):
    def curves(pair):
        return {
            (chaining, 2): Estimate(value=value, ci95=0.0, num_stories=1)
            for chaining, value in zip(("anchored", "last_frame"), pair)
        }

    assert video_drift.agreement(curves(far), curves(near), last=2) is expected


def test_the_drift_table_is_written(tiny_models, tmp_path):
    lines = list(video_drift.run(tiny_models, tmp_path, clips=2, segments=2))
    assert lines == ["drift: clip 1 of 2", "drift: clip 2 of 2", f"drift: written to {tmp_path}"]
    values = json.loads((tmp_path / "drift.json").read_text())
    assert values["rows"]["segment 1"]["colours, anchored"] == {"value": 0.0, "ci95": 0.0, "num_stories": 2}
    assert Image.open(tmp_path / "drift.png").width > 600


# --- length ------------------------------------------------------------------------------------------


def test_pairs_are_averaged_by_how_far_they_are_apart():
    torch.manual_seed(0)
    tokens = torch.randn(9, 6)
    pairs = np.random.default_rng(0).random((9, 9)) < 0.5
    pairs |= pairs.T
    found = length.by_distance(tokens, pairs, [(1, 3), (3, 8), (8, 20)])
    for low, high in ((1, 3), (3, 8), (8, 20)):
        expected = [
            float(torch.cosine_similarity(tokens[i], tokens[j], dim=0))
            for i in range(9)
            for j in range(i)
            if low <= i - j < high and pairs[i, j]
        ]
        assert (low in found) == bool(expected)
        if expected:
            assert found[low] == pytest.approx(np.mean(expected), abs=1e-6)


def test_a_place_is_the_same_by_place_layout_time_and_shot():
    scenes = sample_episode("test", 0, num_keyframes=40).scenes
    same = length.same_place(scenes)
    for i, one in enumerate(scenes):
        for j, other in enumerate(scenes):
            alike = all(
                getattr(one, f) == getattr(other, f) for f in ("place", "layout_seed", "time", "shot")
            )
            assert same[i, j] == alike


def test_the_length_table_is_written_beyond_the_window(tiny_models, tmp_path):
    keyframes = tiny_models.config.autoregressive.window_keyframes + 4
    *_, last = length.run(tiny_models, tmp_path, stories=1, keyframes=keyframes)
    assert last == f"length: written to {tmp_path}"
    found = read_result(tmp_path / "length.json")
    assert f"{keyframes:,} keyframes" in found.title
    assert all(-1 <= figure.value <= 1 for row in found.rows.values() for figure in row.values())


# --- conditioning ------------------------------------------------------------------------------------


def test_the_head_is_cut_out_around_the_true_head():
    scene = next(
        s
        for s in sample_episode("test", 1, num_keyframes=40).scenes
        if len(s.figures) == 1 and s.shot == "close"
    )
    (box,) = figure_boxes(scene)
    left, top, side = conditioning.head_square(box, height=128, width=224)
    assert left + side / 2 == pytest.approx((box.left + box.right) / 2 * 224, abs=1)
    assert top + side / 2 == pytest.approx((box.top + box.chin) / 2 * 128, abs=1)
    assert side == pytest.approx(1.5 * (box.chin - box.top) * 128, abs=1)
    frame = torch.from_numpy(np.asarray(draw_frame(scene, size=(224, 128))).copy()).permute(2, 0, 1) / 255
    cut = conditioning.head(frame, scene, 64)
    assert cut.shape == (3, 64, 64)
    assert cut.std() > 0.05


def test_the_conditioning_table_is_written(tiny_models, tmp_path):
    torch.manual_seed(0)
    lines = list(conditioning.run(tiny_models, FrameReader().eval(), tmp_path, stories=2, keyframes=6))
    assert lines[-1] == f"conditioning: written to {tmp_path}"
    found = read_result(tmp_path / "conditioning.json")
    assert list(found.rows) == list(conditioning.TOLD)
    for row in found.rows.values():
        assert row["hair colour"].num_stories >= 1
        assert all(0 <= figure.value <= 1 for figure in row.values())


# --- prose -------------------------------------------------------------------------------------------


def test_the_prose_is_sixty_sentences_that_the_grammar_did_not_make():
    sentences = prose.read_sentences(prose.SENTENCES)
    assert len(sentences) >= 60
    assert len({sentence.text for sentence in sentences}) == len(sentences)
    assert sum(len(sentence.facts) for sentence in sentences) >= 120
    for sentence in sentences:
        assert sentence.facts
        assert len(prose.story_of(sentence).keyframes[0].characters) == len(sentence.cast)
        people = sentence.facts.get("people")
        assert people is None or people == len(sentence.cast)


@pytest.mark.parametrize(
    ("text", "words"),
    [("- text: Hello\n", "not a list of sentences"), ("[", "not a list of sentences"),
     ("- {text: Hm, cast: [], facts: {place: moon}}", "place cannot be 'moon', in: Hm")],
)  # fmt: skip
def test_a_wrong_file_of_prose_is_named(tmp_path, text, words):
    path = tmp_path / "prose.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        prose.read_sentences(path)
    with pytest.raises(InputError, match=r"prose\.yaml"):
        prose.read_sentences(tmp_path / "no/prose.yaml")


def test_a_fact_is_understood_where_its_own_sentences_are_nearest(tiny_models):
    known = prose.meanings(tiny_models.text, num_stories=2)
    assert {"place", "time", "action", "expression"} <= known.keys()
    sentence = prose.ProseSentence(text="Mara walks on the beach.", cast=("Mara",), facts={"place": "beach"})
    embedding = tiny_models.text.encode(["person1 walks on the beach."])[0]
    known["place"]["beach"] = embedding
    assert list(prose.understood(tiny_models.text, known, sentence)) == [("place", True)]
    known["place"]["beach"] = -embedding
    assert list(prose.understood(tiny_models.text, known, sentence)) == [("place", False)]


def test_the_prose_table_is_written(tiny_models, tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "prose.yaml"
    path.write_text(
        "- {text: Mara walks., cast: [Mara], facts: {action: walking, people: 1}}\n"
        "- {text: Mara and Tom sit on the beach., cast: [Mara, Tom], facts: {action: sitting, place: beach}}\n"
    )
    lines = list(
        prose.run(tiny_models, FrameReader().eval(), tmp_path / "results", sentences=path, grammar_stories=2)
    )
    assert lines[-1] == f"prose: written to {tmp_path / 'results'}"
    rows = read_result(tmp_path / "results/prose.json").rows
    assert rows["all"].keys() == {"understood", "drawn"}
    assert rows["people"].keys() == {"drawn"}
    assert rows["action"]["drawn"].num_stories == 1  # of two people, a reader cannot say who does what
    assert rows["action"]["understood"].num_stories == 2


# --- references --------------------------------------------------------------------------------------


def test_the_story_is_the_same_with_and_without_references(tiny_models):
    whole = sample_episode("test", 0, num_keyframes=7)
    short = references.beginning(whole, 4)
    assert short.story.keyframes == whole.story.keyframes[:4]
    assert (len(short.scenes), len(short.said)) == (4, 4)
    shown = references.true_frames(tiny_models, whole)
    after = tuple(references._picture(frame, k) for k, frame in shown[4:])
    plain, again, few = (references.made(tiny_models, short, given) for given in ((), (), after))
    assert plain.shape == (4, 3, 32, 48)
    assert torch.equal(plain, again)
    assert not torch.equal(plain[0], few[0])


def test_scores_of_true_frames_are_as_similar_to_the_truth_as_can_be(tiny_models):
    episode = sample_episode("test", 3, num_keyframes=6)
    true = torch.stack([torch.from_numpy(np.asarray(f).copy()).permute(2, 0, 1) / 255
                        for _, f in references.true_frames(tiny_models, episode)])  # fmt: skip
    torch.manual_seed(0)
    found = list(references.scores(tiny_models, FrameReader().eval(), episode, true, true))
    similar = [value for measure, value in found if measure == references.SIMILAR]
    assert similar == pytest.approx([1.0] * 6)
    pairs = sum(
        character in {f.character for f in one.figures} & {f.character for f in two.figures}
        for character in range(len(episode.cast))
        for one, two in zip(episode.scenes, episode.scenes[1:])
    )
    assert sum(measure == references.ST for measure, _ in found) == pairs


def test_the_references_table_is_written(tiny_models, tmp_path):
    torch.manual_seed(0)
    *_, last = references.run(tiny_models, FrameReader().eval(), tmp_path, stories=2, keyframes=5)
    assert last == f"references: written to {tmp_path}"
    rows = read_result(tmp_path / "references.json").rows
    assert list(rows) == ["zero-shot", "few-shot"]
    assert rows["zero-shot"]["CLIP score"].num_stories == 2
