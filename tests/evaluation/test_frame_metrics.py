"""The paper's metrics against numpy, scipy and slow loops."""

import math
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy import linalg

from moviedreamer_core.errors import WeightsError
from moviedreamer_core.evaluation.frame_metrics import (
    NO_FACE,
    VisionFeatures,
    ZeroShotClasses,
    choose_threshold,
    clip_scores,
    clip_similarities,
    face_similarity,
    frechet_distance,
    inception_score,
    load_aesthetic_predictor,
    long_term_consistency,
    short_term_similarities,
)
from moviedreamer_core.pretrained import write_manifest

pytest_plugins = ("weights",)


def cosine(a, b):
    """By hand, in plain Python."""
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / math.sqrt(sum(x * x for x in a)) / math.sqrt(sum(y * y for y in b))


def embeddings(count, channels=6, *, seed=0):
    return torch.randn(count, channels, generator=torch.Generator().manual_seed(seed))


class Pixels(torch.nn.Module):
    """Features that anyone can compute: the mean of each channel in each half of the image, [N, 6]."""

    num_features = 6

    def forward(self, images):
        halves = images.chunk(2, dim=-1)
        return torch.cat([half.mean(dim=(2, 3)) for half in halves], dim=1)


# --- cosines -----------------------------------------------------------------------------------------


def test_similarity_is_the_cosine_whatever_the_lengths():
    first, second = embeddings(5), 3.7 * embeddings(5, seed=1)
    expected = [cosine(a, b) for a, b in zip(first.tolist(), second.tolist(), strict=True)]
    assert clip_similarities(first, second).tolist() == pytest.approx(expected)
    assert clip_similarities(first, first).tolist() == pytest.approx([1] * 5)


def test_the_clip_score_is_the_cosine_in_percent_below_zero_too():
    frames, plots = embeddings(9), embeddings(9, seed=1)
    expected = [100 * cosine(a, b) for a, b in zip(frames.tolist(), plots.tolist(), strict=True)]
    assert min(expected) < 0 < max(expected)
    assert clip_scores(frames, plots).tolist() == pytest.approx(expected)


# --- consistency -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_short_term_pairs_are_those_of_a_plain_loop(seed):
    frames = embeddings(12, seed=seed)
    present = np.random.default_rng(seed).random(12) < 0.8
    expected = []
    for t in range(11):
        if present[t] and present[t + 1]:
            expected.append(cosine(frames[t].tolist(), frames[t + 1].tolist()))
    assert expected
    assert short_term_similarities(frames, present.tolist()) == pytest.approx(expected)


def test_a_character_who_never_stays_has_no_short_term():
    assert short_term_similarities(embeddings(5), [True, False, True, False, True]) == []
    assert short_term_similarities(embeddings(1), [True]) == []


def test_presence_must_be_said_of_every_frame():
    with pytest.raises(ValueError, match="5 frames, but presence is said of 4"):
        short_term_similarities(embeddings(5), [True] * 4)


@pytest.mark.parametrize("seed", range(6))
def test_long_term_is_the_share_of_true_frames_that_are_found(seed):
    rng = np.random.default_rng(seed)
    generated, true = rng.random(40) < 0.5, rng.random(40) < 0.5
    both = {t for t in range(40) if generated[t]} & {t for t in range(40) if true[t]}
    assert 0 < len(both) < true.sum()
    assert long_term_consistency(generated.tolist(), true.tolist()) == pytest.approx(len(both) / true.sum())


def test_a_frame_too_many_costs_nothing_and_nobody_has_no_long_term():
    assert long_term_consistency([True, True], [True, False]) == 1
    assert long_term_consistency([True, True], [False, False]) is None


def test_of_several_faces_the_most_similar_counts():
    faces, portrait = embeddings(4), embeddings(1, seed=1)[0]
    expected = max(cosine(face, portrait.tolist()) for face in faces.tolist())
    assert face_similarity(faces, portrait) == pytest.approx(expected)
    assert face_similarity(faces[:0], portrait) == NO_FACE


# --- threshold ---------------------------------------------------------------------------------------


def balanced_accuracy(similarities, present, threshold):
    found = missed = passed = refused = 0
    for similarity, here in zip(similarities, present, strict=True):
        found += here and similarity >= threshold
        missed += here and similarity < threshold
        passed += not here and similarity >= threshold
        refused += not here and similarity < threshold
    return (found / (found + missed) + refused / (passed + refused)) / 2


@pytest.mark.parametrize("seed", range(20))
def test_no_threshold_is_better_than_the_chosen_one(seed):
    rng = np.random.default_rng(seed)
    present = np.append(rng.random(30) < 0.4, [True, False])
    similarities = np.round(rng.normal(0.3 * present, 0.25), 2)  # rounded: with ties
    chosen = choose_threshold(similarities.tolist(), present.tolist())
    tried = [balanced_accuracy(similarities, present, t) for t in np.arange(-1.5, 1.5, 0.005)]
    assert chosen.balanced_accuracy == pytest.approx(max(tried))
    assert balanced_accuracy(similarities, present, chosen.value) == pytest.approx(max(tried))
    assert chosen.num_pairs == 32


def test_the_threshold_lies_in_the_middle_of_the_widest_gap_that_separates():
    chosen = choose_threshold([0.1, 0.2, 0.8, 0.9], [False, False, True, True])
    assert (chosen.value, chosen.balanced_accuracy) == (pytest.approx(0.5), 1)
    assert [chosen(similarity) for similarity in (0.49, 0.51, NO_FACE)] == [False, True, False]
    # below 0.0 and below 0.6 are equally good; the second gap is wider
    equal = choose_threshold([-0.1, 0.0, 0.1, 0.6], [False, True, False, True])
    assert (equal.value, equal.balanced_accuracy) == (pytest.approx(0.35), 0.75)


def test_equal_similarities_tell_nothing_apart():
    assert choose_threshold([0.4, 0.4], [True, False]).balanced_accuracy == 0.5


@pytest.mark.parametrize("present", [[True, True], [False, False], [True]])
def test_a_threshold_needs_both_kinds(present):
    with pytest.raises(ValueError, match="frames with the character and frames without"):
        choose_threshold([0.1, 0.2], present)


# --- aesthetic score ---------------------------------------------------------------------------------


@pytest.fixture
def weights_with_taste(tiny_weights, tmp_path):
    weights = shutil.copytree(tiny_weights, tmp_path / "weights")
    (weights / "aesthetic").mkdir()
    save_file(
        {"weight": embeddings(1, 12, seed=3), "bias": torch.tensor([5.5])},
        weights / "aesthetic" / "model.safetensors",
    )
    write_manifest(weights, command="test", commit="none", metrics={})
    return weights


def test_the_aesthetic_score_is_a_line_on_the_unit_sphere(weights_with_taste):
    predictor = load_aesthetic_predictor(weights_with_taste, channels=12)
    frames = 4 * embeddings(7, 12)
    line = embeddings(1, 12, seed=3)[0].tolist()
    expected = [cosine(frame, line) * math.hypot(*line) + 5.5 for frame in frames.tolist()]
    assert predictor(frames).tolist() == pytest.approx(expected, rel=1e-5)


def test_without_the_file_there_is_no_aesthetic_score(tiny_weights):
    assert load_aesthetic_predictor(tiny_weights, channels=12) is None


def test_a_predictor_of_other_embeddings_or_unvouched_for_is_refused(weights_with_taste, tiny_weights):
    with pytest.raises(WeightsError, match=r"tensor weight is \[1, 12\], its place is \[1, 768\]"):
        load_aesthetic_predictor(weights_with_taste, channels=768)
    shutil.copy(tiny_weights / "manifest.json", weights_with_taste / "manifest.json")
    with pytest.raises(WeightsError, match="not in the manifest"):
        load_aesthetic_predictor(weights_with_taste, channels=12)


# --- sets of images ----------------------------------------------------------------------------------


def images(count, *, seed, tint=0.0):
    noise = torch.rand(count, 3, 8, 12, generator=torch.Generator().manual_seed(seed))
    levels = torch.rand(count, 3, 1, 2, generator=torch.Generator().manual_seed(seed + 1))
    return (0.5 * noise + 0.4 * levels.repeat_interleave(6, dim=3) + tint).clamp(0, 1)


def frechet_by_hand(true, generated):
    """Heusel et al. 2017, equation 6, with scipy's matrix square root."""
    one, other = (Pixels()(each).double().numpy() for each in (true, generated))
    covariances = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    root = linalg.sqrtm(covariances[0] @ covariances[1]).real
    shift = ((one.mean(axis=0) - other.mean(axis=0)) ** 2).sum()
    return shift + np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * np.trace(root)


@pytest.mark.parametrize("tint", [0.0, 0.1])
def test_the_frechet_distance_is_that_of_scipy(tint):
    true, generated = images(40, seed=0), images(25, seed=10, tint=tint)
    expected = frechet_by_hand(true, generated)
    assert expected > 1e-3
    found = frechet_distance(true.split(16), generated.split(7), Pixels())
    assert found.value == pytest.approx(expected, rel=1e-4)
    assert (found.num_true, found.num_generated, found.num_features) == (40, 25, 6)


def test_a_set_is_at_no_distance_from_itself():
    true = images(30, seed=0)
    assert frechet_distance([true], true.split(11), Pixels()).value == pytest.approx(0, abs=1e-5)


def test_a_frechet_distance_of_one_image_is_refused():
    with pytest.raises(ValueError, match="got 1 and 5"):
        frechet_distance([images(1, seed=0)], [images(5, seed=0)], Pixels())


class Sharper(torch.nn.Module):
    def forward(self, images):
        return 40 * Pixels()(images)


def test_the_inception_score_is_that_of_numpy():
    generated = images(32, seed=4)
    logits = 40 * Pixels()(generated).double().numpy()
    classes = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    divergence = (classes * (np.log(classes) - np.log(classes.mean(axis=0)))).sum(axis=1)
    expected = np.exp(divergence.mean())
    assert 1.5 < expected < 6
    assert inception_score(generated.split(9), Sharper()) == pytest.approx(expected, rel=1e-4)


def test_splits_are_the_same_every_time_and_leave_the_generator_alone():
    generated = images(32, seed=4)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = inception_score([generated], Sharper(), splits=4)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    assert inception_score([generated], Sharper(), splits=4) == first
    with pytest.raises(ValueError, match="over 4 splits needs as many images, got 3"):
        inception_score([generated[:3]], Sharper(), splits=4)


def test_equal_images_score_one():
    assert inception_score([images(1, seed=4).expand(5, -1, -1, -1)], Sharper()) == pytest.approx(1)


def test_the_vision_tower_serves_as_extractor_and_as_classifier(tiny_models):
    frames = torch.rand(5, 3, 32, 48, generator=torch.Generator().manual_seed(0))
    embedded = tiny_models.vision.embed(frames)
    features = VisionFeatures(tiny_models.vision)
    torch.testing.assert_close(features(frames), embedded)
    classes = 2 * embeddings(4, 12)
    expected = [[100 * cosine(a, b) for b in classes.tolist()] for a in embedded.tolist()]
    logits = ZeroShotClasses(tiny_models.vision, classes)(frames)
    np.testing.assert_allclose(logits.numpy(), expected, rtol=1e-3, atol=1e-3)
    found = frechet_distance([frames], [frames[:3]], features)
    assert found.num_features == 12
    assert next(tiny_models.vision.parameters()).dtype == torch.float32
