"""The vision encoder against open_clip's own model and preprocessing."""

import open_clip
import pytest
import torch
from PIL import Image
from torch.nn import functional as F
from torchvision.transforms import functional as TF

from moviedreamer_core.config import VisionEncoderConfig, paper
from moviedreamer_core.encoders.vision import VisionEncoder

WIDE = VisionEncoderConfig(
    image_height=16,
    image_width=32,
    patch_px=8,
    width=64,
    layers=2,
    heads=1,
    embed_dim=24,
    mean=(0.5,) * 3,
    std=(0.5,) * 3,
)
SQUARE = VisionEncoderConfig(
    image_height=32, image_width=32, patch_px=8, width=64, layers=2, heads=1, embed_dim=24
)


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return VisionEncoder(WIDE).eval()


def test_embeddings_and_tokens_are_those_of_open_clips_model():
    torch.manual_seed(0)
    clip = open_clip.CLIP(
        24,
        {"layers": 2, "width": 64, "image_size": 32, "patch_size": 8, "output_tokens": True},
        {"context_length": 8, "vocab_size": 10, "width": 64, "heads": 1, "layers": 1},
        quick_gelu=True,
    ).eval()
    encoder = VisionEncoder(SQUARE).eval()
    encoder.tower.load_state_dict(clip.visual.state_dict())
    images = torch.rand(2, 3, 32, 32)
    normalised = TF.normalize(images, open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD)
    with torch.no_grad():
        pooled, patches = clip.visual(normalised)
        tokens, embedding = encoder.both(images)
        raw = encoder.embed(images, unit_length=False)
    torch.testing.assert_close(embedding, F.normalize(pooled, dim=-1))
    torch.testing.assert_close(raw, pooled)
    torch.testing.assert_close(tokens[:, 1:], patches)
    torch.testing.assert_close(tokens[:, 0] @ encoder.tower.proj, pooled)  # the class token comes first


def test_both_is_spatial_tokens_and_embed_in_one_pass(encoder):
    images = torch.rand(3, 3, 16, 32)
    tokens, embedding = encoder.both(images)
    torch.testing.assert_close(tokens, encoder.spatial_tokens(images))
    torch.testing.assert_close(embedding, encoder.embed(images))
    torch.testing.assert_close(embedding.norm(dim=-1), torch.ones(3))


def test_a_wide_frame_has_one_token_per_patch_and_the_class_token(encoder):
    assert encoder(torch.rand(2, 3, 16, 32)).shape == (2, 1 + 2 * 4, 64)
    assert WIDE.num_spatial_tokens == 9


def test_tokens_are_in_reading_order(encoder):
    image = torch.full((1, 3, 16, 32), 0.5)
    changed = image.clone()
    changed[:, :, 8:, 24:] = 1.0  # the last patch of the last row
    first = encoder.tower.conv1(image - 0.5).flatten(2)
    second = encoder.tower.conv1(changed - 0.5).flatten(2)
    where = (first - second).abs().sum(dim=1).nonzero()[:, 1].tolist()
    assert where == [7]


def test_another_size_is_resized_as_pillow_does_it(encoder):
    image = Image.effect_noise((224, 128), 60).convert("RGB")
    resized = TF.to_tensor(image.resize((32, 16), Image.Resampling.BICUBIC))[None]
    given = encoder.spatial_tokens(TF.to_tensor(image)[None])
    torch.testing.assert_close(
        given, encoder.spatial_tokens(resized), atol=0.05, rtol=0
    )  # Pillow rounds to 1/255


def test_the_whole_of_a_wider_frame_is_seen(encoder):
    image = torch.zeros(1, 3, 16, 128)
    at_the_edge = image.clone()
    at_the_edge[..., 120:] = 1.0
    assert not torch.allclose(encoder.embed(image), encoder.embed(at_the_edge), atol=1e-3)


def test_half_precision_weights_take_float_images(encoder):
    images = torch.rand(1, 3, 16, 32)
    expected = encoder.embed(images)
    assert encoder.bfloat16().embed(images).dtype == torch.bfloat16
    torch.testing.assert_close(encoder.embed(images).float(), expected, atol=0.05, rtol=0)


def test_patches_that_do_not_tile_the_image_are_refused():
    config = VisionEncoderConfig(image_height=20, image_width=32, patch_px=8, width=64, layers=1, heads=1)
    with pytest.raises(ValueError, match="patches of 8 px do not tile 20 x 32 px"):
        VisionEncoder(config)


def _published_tower():
    sizes = open_clip.get_model_config("ViT-L-14")
    return open_clip.model._build_vision_tower(sizes["embed_dim"], sizes["vision_cfg"], quick_gelu=True)


def test_the_papers_tower_is_vit_l_14():
    with torch.device("meta"):
        encoder = VisionEncoder(paper().vision)
        reference = _published_tower()
    ours = {name: p.shape for name, p in encoder.tower.named_parameters()}
    assert ours == {name: p.shape for name, p in reference.named_parameters()}
    assert sum(p.numel() for p in encoder.parameters()) == 303_966_208
    assert paper().vision.num_spatial_tokens == 257
