"""Looking for characters in frames: every square, the most similar one, a threshold of validation episodes."""

import numpy as np
import pytest
import torch
from PIL import Image

from moviedreamer_core.encoders.face_crop import FaceCrop
from moviedreamer_core.evaluation import presence
from moviedreamer_core.evaluation.frame_metrics import NO_FACE, Threshold
from moviedreamer_core.evaluation.presence import SIDES, STEP, FaceSearch, squares, validation_threshold
from moviedreamer_core.pictures import Pictures

pytest_plugins = ("weights",)


def noise(width, height, *, seed=0):
    levels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(levels)


@pytest.mark.parametrize(("width", "height"), [(224, 128), (128, 224), (64, 64), (40, 400)])
def test_squares_cover_the_frame_without_leaving_it(width, height):
    boxes = np.array(squares(width, height))
    sides = boxes[:, 2] - boxes[:, 0]
    np.testing.assert_allclose(sides, boxes[:, 3] - boxes[:, 1])
    assert boxes.min() >= 0
    assert boxes[:, 2].max() == pytest.approx(width)
    assert boxes[:, 3].max() == pytest.approx(height)
    for share in SIDES:
        some = boxes[np.isclose(sides, min(share * height, width))]
        for axis in (0, 1):
            starts = np.unique(np.round(some[:, axis], 6))
            assert np.diff(starts).max(initial=0) <= STEP * sides.max() + 1e-6


def test_a_square_is_what_pillow_cuts_out(tiny_models):
    """A smooth picture, so that two ways to interpolate agree."""
    size = 2 * tiny_models.config.face.image_px
    rows, columns = np.mgrid[0:size, 0 : 2 * size] / size
    levels = np.stack([rows, columns / 2, 1 - rows], axis=-1)
    image = Image.fromarray((255 * levels).astype(np.uint8))
    search = FaceSearch(tiny_models.face)
    found = search.faces(image)
    boxes = squares(2 * size, size)
    assert len(found) == len(boxes)
    for number in range(0, len(boxes), 97):
        left, top, right, bottom = boxes[number]
        side = tiny_models.config.face.image_px
        cut = image.resize((side, side), Image.Resampling.BILINEAR, box=(left, top, right, bottom))
        crop = FaceCrop(image=cut, box=(0, 0, side, side), face_found=True, probability=1.0)
        expected = tiny_models.face.encode_crop(crop)
        assert float(found[number] @ expected) > 0.999


def test_the_detector_finds_nothing_in_noise(tiny_models):
    search = FaceSearch(tiny_models.face, "detector")
    portrait = torch.nn.functional.normalize(torch.ones(8), dim=0)
    assert search.faces(noise(48, 32)).shape == (0, 8)
    assert search.similarities([noise(48, 32)], {"Mara": portrait}) == {"Mara": [NO_FACE]}


def test_the_similarity_is_that_of_the_best_square(tiny_models):
    search = FaceSearch(tiny_models.face)
    frames = [noise(48, 32, seed=1), noise(96, 64, seed=2)]
    portraits = {
        name: torch.nn.functional.normalize(
            torch.randn(8, generator=torch.Generator().manual_seed(seed)), dim=0
        )
        for seed, name in enumerate(["Mara", "Tom"])
    }
    found = search.similarities(frames, portraits)
    for name, portrait in portraits.items():
        for frame, similarity in zip(frames, found[name], strict=True):
            best = max(float(face.double() @ portrait.double()) for face in search.faces(frame))
            assert similarity == pytest.approx(best, abs=1e-5)


def test_who_has_no_portrait_is_not_looked_for(tiny_models):
    search = FaceSearch(tiny_models.face)
    assert search.portraits(Pictures(faces={"Mara": ()}, references=())) == {}


def test_the_threshold_is_chosen_on_validation_episodes_only(tiny_models, monkeypatch):
    asked = []
    sample = presence.sample_episode

    def sample_and_tell(split, index, **options):
        asked.append((split, index))
        return sample(split, index, **options)

    monkeypatch.setattr(presence, "sample_episode", sample_and_tell)
    *progress, threshold = validation_threshold(FaceSearch(tiny_models.face), episodes=2, keyframes=3)
    assert asked == [("validation", 0), ("validation", 1)]
    assert progress == [f"threshold: validation episode {number} of 2" for number in (1, 2)]
    assert isinstance(threshold, Threshold)
    cast = sum(len(sample("validation", index, num_keyframes=3).cast) for index in range(2))
    assert threshold.num_pairs == 3 * cast
    assert 0.5 <= threshold.balanced_accuracy <= 1
