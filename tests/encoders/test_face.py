"""Face crops on one real portrait and on hostile images; embeddings against open_clip's tower."""

import io

import numpy as np
import open_clip
import pytest
import skimage.data
import torch
from PIL import Image
from torch.nn import functional as F

from moviedreamer_core.config import FaceEncoderConfig, paper
from moviedreamer_core.encoders.face import FaceEncoder

# Eyes and mouth of the portrait, marked by hand on the 512 x 512 image: (x, y).
LEFT_EYE, RIGHT_EYE, MOUTH = (203, 97), (246, 98), (223, 144)


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    config = FaceEncoderConfig(image_px=32, patch_px=8, width=64, layers=2, heads=1, embed_dim=24)
    return FaceEncoder(config).eval()


@pytest.fixture(scope="module")
def portrait():
    return Image.fromarray(skimage.data.astronaut())


def contains(box, point):
    return box[0] < point[0] < box[2] and box[1] < point[1] < box[3]


def with_orientation(image, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    image.save(file, "PNG", exif=exif)
    return Image.open(file)


def test_the_face_of_a_real_portrait_is_found_and_cut_out(encoder, portrait):
    crop = encoder.crop_face(portrait)
    assert crop.face_found
    assert crop.probability > 0.99
    assert all(contains(crop.box, point) for point in (LEFT_EYE, RIGHT_EYE, MOUTH))
    assert crop.box[2] - crop.box[0] < 256  # the face, not the person
    assert crop.image.size == (crop.box[2] - crop.box[0],) * 2
    assert np.array_equal(np.asarray(crop.image), np.asarray(portrait.crop(crop.box)))


@pytest.mark.parametrize(
    ("orientation", "stored"),
    [(6, Image.Transpose.ROTATE_90), (3, Image.Transpose.ROTATE_180), (8, Image.Transpose.ROTATE_270)],
)
def test_a_photo_that_lies_on_its_side_is_turned_first(encoder, portrait, orientation, stored):
    photo = with_orientation(portrait.transpose(stored), orientation)
    crop, upright = encoder.crop_face(photo), encoder.crop_face(portrait)
    assert crop.box == upright.box
    assert np.array_equal(np.asarray(crop.image), np.asarray(upright.image))


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "LA", "1"])
def test_other_colour_modes_are_read(encoder, portrait, mode):
    crop = encoder.crop_face(portrait.convert(mode))
    assert crop.image.mode == "RGB"
    assert crop.face_found or mode == "1"  # a one-bit picture may hide a face


def test_transparent_parts_are_white(encoder):
    crop = encoder.crop_face(Image.new("RGBA", (40, 40), (200, 0, 0, 0)))
    assert crop.image.getpixel((5, 5)) == (255, 255, 255)


def test_sixteen_bit_grey_keeps_its_contrast(encoder):
    deep = Image.fromarray(np.array([[0, 32768], [65535, 256]], dtype=np.uint16))
    assert np.asarray(encoder.crop_face(deep).image)[..., 0].tolist() == [[0, 128], [255, 1]]


def test_a_large_photo_has_the_same_crop_scaled(encoder, portrait):
    large = encoder.crop_face(portrait.resize((1280, 1280)))
    small = encoder.crop_face(portrait)
    assert large.face_found
    np.testing.assert_allclose(large.box, 2.5 * np.array(small.box), atol=20)


def test_the_largest_of_several_faces_is_taken(encoder, portrait):
    sheet = Image.new("RGB", (900, 512), "grey")
    sheet.paste(portrait.resize((256, 256)), (600, 200))
    sheet.paste(portrait, (0, 0))
    assert encoder.crop_face(sheet).box == pytest.approx(encoder.crop_face(portrait).box, abs=12)


def test_a_face_at_the_edge_is_filled_up_with_the_edges_colours(encoder, portrait):
    cut = portrait.crop((0, 60, 512, 512))
    crop = encoder.crop_face(cut)
    assert crop.face_found
    assert crop.box[1] < 0
    pixels = np.asarray(crop.image)
    missing = int(-crop.box[1])
    assert pixels.shape[0] == pixels.shape[1]
    assert (pixels[:missing] == pixels[missing]).all()


@pytest.mark.parametrize(
    ("size", "box"),
    [
        ((1, 1), (0, 0, 1, 1)),
        ((3, 2), (0, 0, 2, 2)),
        ((19, 40), (0, 10, 19, 29)),
        ((4000, 8), (1996, 0, 2004, 8)),
    ],
)
def test_images_of_a_few_pixels_have_no_face(encoder, size, box):
    crop = encoder.crop_face(Image.new("RGB", size, "teal"))
    assert (crop.face_found, crop.probability) == (False, 0.0)
    assert crop.box == box
    assert crop.image.size == (box[2] - box[0], box[3] - box[1])


def test_without_a_face_the_centre_square_is_taken(encoder):
    photo = Image.fromarray(skimage.data.coffee())  # 600 x 400
    crop = encoder.crop_face(photo)
    assert not crop.face_found
    assert crop.box == (100, 0, 500, 400)


def test_noise_is_survived(encoder):
    rng = np.random.default_rng(0)
    for side in (20, 21, 37, 64):
        noise = Image.fromarray(rng.integers(0, 256, (side, side, 3), dtype=np.uint8))
        assert encoder.crop_face(noise).image.size[0] >= 1


def test_an_exception_of_the_detector_counts_as_no_face(encoder, monkeypatch, portrait):
    encoder.crop_face(portrait)  # builds the detector

    def nothing_left(image):
        raise RuntimeError("torch.cat(): expected a non-empty list of Tensors")

    monkeypatch.setattr(encoder._detector._network, "detect", nothing_left)
    assert not encoder.crop_face(portrait).face_found


def test_the_detector_is_not_part_of_the_weights(encoder, portrait):
    encoder.crop_face(portrait)
    assert all(key.startswith("tower.") for key in encoder.state_dict())


def test_embeddings_are_those_of_open_clips_tower(encoder):
    torch.manual_seed(1)
    clip = open_clip.CLIP(
        24,
        {"layers": 2, "width": 64, "image_size": 32, "patch_size": 8},
        {"context_length": 8, "vocab_size": 10, "width": 64, "heads": 1, "layers": 1},
        quick_gelu=True,
    ).eval()
    ours = FaceEncoder(encoder.config).eval()
    ours.tower.load_state_dict(clip.visual.state_dict())
    crops = torch.rand(2, 3, 32, 32)
    mean, std = (
        torch.tensor(v)[:, None, None] for v in (open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD)
    )
    with torch.no_grad():
        torch.testing.assert_close(ours(crops), F.normalize(clip.encode_image((crops - mean) / std), dim=-1))


def test_a_character_is_the_mean_of_its_portraits(encoder, portrait):
    other = Image.fromarray(skimage.data.cat())
    one, _ = encoder.encode_character([portrait])
    two, _ = encoder.encode_character([other])
    both, crops = encoder.encode_character([portrait, other])
    torch.testing.assert_close(both, (one + two) / (one + two).norm())
    assert next(crop.face_found for crop in crops)
    torch.testing.assert_close(one.norm(), torch.tensor(1.0))


def test_a_character_is_the_same_in_any_order_of_portraits(encoder, portrait):
    other = portrait.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    forth, _ = encoder.encode_character([portrait, other])
    back, _ = encoder.encode_character([other, portrait])
    torch.testing.assert_close(forth, back)


def test_a_character_without_portraits_is_refused(encoder):
    with pytest.raises(ValueError, match="a character without portraits has no face embedding"):
        encoder.encode_character([])


def _published_tower():
    sizes = open_clip.get_model_config("ViT-B-16")
    return open_clip.model._build_vision_tower(sizes["embed_dim"], sizes["vision_cfg"], quick_gelu=True)


def test_the_papers_tower_is_vit_b_16():
    with torch.device("meta"):
        encoder = FaceEncoder(paper().face)
        reference = _published_tower()
    assert {n: p.shape for n, p in encoder.tower.named_parameters()} == {
        n: p.shape for n, p in reference.named_parameters()
    }
