import dataclasses

import pytest
import torch

from moviedreamer_core.autoencoder.compressor import Block, Compressor
from moviedreamer_core.config import CompressorConfig, miniature, paper

TINY = CompressorConfig(num_spatial_tokens=7, spatial_channels=16, token_channels=24, num_blocks=1, heads=4)


def randomised(module: torch.nn.Module) -> torch.nn.Module:
    torch.manual_seed(1)
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return module


def test_every_visual_token_has_mean_zero_and_unit_variance_whatever_the_scale_of_the_input():
    tokens = randomised(Compressor(TINY))(1000 * torch.randn(5, 7, 16))
    assert tokens.shape == (5, 2, 24)
    torch.testing.assert_close(tokens.mean(-1), torch.zeros(5, 2), atol=1e-5, rtol=0)
    torch.testing.assert_close(tokens.var(-1, correction=0), torch.ones(5, 2), atol=1e-3, rtol=0)


def test_the_final_norm_has_no_parameters():
    assert list(Compressor(TINY).visual_norm.parameters()) == []


def test_a_block_equals_the_library_encoder_layer_with_the_same_weights():
    block = randomised(Block(16, 4))
    reference = torch.nn.TransformerEncoderLayer(
        16, 4, 64, dropout=0, activation="gelu", batch_first=True, norm_first=True
    )
    reference.load_state_dict(
        {
            "self_attn.in_proj_weight": block.query_key_value.weight,
            "self_attn.in_proj_bias": block.query_key_value.bias,
            "self_attn.out_proj.weight": block.attention_out.weight,
            "self_attn.out_proj.bias": block.attention_out.bias,
            "linear1.weight": block.mlp[0].weight,
            "linear1.bias": block.mlp[0].bias,
            "linear2.weight": block.mlp[2].weight,
            "linear2.bias": block.mlp[2].bias,
            "norm1.weight": block.attention_norm.weight,
            "norm1.bias": block.attention_norm.bias,
            "norm2.weight": block.mlp_norm.weight,
            "norm2.bias": block.mlp_norm.bias,
        }
    )
    tokens = torch.randn(3, 7, 16)
    torch.testing.assert_close(block(tokens), reference(tokens), atol=1e-5, rtol=1e-5)


def test_the_reduction_mixes_tokens_channel_by_channel_and_then_channels_token_by_token():
    compressor = randomised(Compressor(dataclasses.replace(TINY, num_blocks=0)))
    spatial = torch.randn(2, 7, 16)
    normed = torch.nn.functional.layer_norm(
        spatial + compressor.spatial_positions,
        (16,),
        compressor.spatial_norm.weight,
        compressor.spatial_norm.bias,
    )
    mixed = torch.einsum("btc,vt->bvc", normed, compressor.reduce_tokens.weight)
    mixed = mixed + compressor.reduce_tokens.bias[:, None]
    wide = torch.einsum("bvc,dc->bvd", mixed, compressor.widen_channels.weight)
    wide = wide + compressor.widen_channels.bias + compressor.visual_positions
    expected = (wide - wide.mean(-1, keepdim=True)) / (wide.var(-1, keepdim=True, correction=0) + 1e-5).sqrt()
    torch.testing.assert_close(compressor(spatial), expected, atol=1e-5, rtol=1e-4)


def test_widened_first_the_reduction_mixes_tokens_of_the_full_width():
    compressor = randomised(Compressor(dataclasses.replace(TINY, num_blocks=0, widen_first=True)))
    spatial = torch.randn(2, 7, 16)
    wide = torch.einsum("btc,dc->btd", spatial, compressor.widen_channels.weight)
    wide = wide + compressor.widen_channels.bias + compressor.spatial_positions
    norm = compressor.spatial_norm
    normed = torch.nn.functional.layer_norm(wide, (24,), norm.weight, norm.bias)
    mixed = torch.einsum("btd,vt->bvd", normed, compressor.reduce_tokens.weight)
    mixed = mixed + compressor.reduce_tokens.bias[:, None] + compressor.visual_positions
    expected = torch.nn.functional.layer_norm(mixed, (24,))
    torch.testing.assert_close(compressor(spatial), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("widen_first", [False, True])
def test_every_spatial_token_and_every_weight_has_an_influence(widen_first):
    compressor = Compressor(dataclasses.replace(TINY, widen_first=widen_first))
    spatial = torch.randn(1, 7, 16, requires_grad=True)
    (compressor(spatial) * torch.randn(1, 2, 24)).sum().backward()
    assert (spatial.grad.abs().sum(-1) > 0).all()
    assert all(parameter.grad.abs().sum() > 0 for parameter in compressor.parameters())


def test_where_a_patch_lies_matters():
    compressor, spatial = Compressor(TINY), torch.randn(1, 7, 16)
    torch.nn.init.constant_(compressor.reduce_tokens.weight, 0.1)  # else the reduction alone tells them apart
    torch.nn.init.normal_(compressor.spatial_positions)
    assert (compressor(spatial) - compressor(spatial.flip(1))).abs().max() > 1e-2
    torch.nn.init.zeros_(compressor.spatial_positions)
    torch.testing.assert_close(compressor(spatial), compressor(spatial.flip(1)), atol=1e-5, rtol=0)


def test_one_frame_does_not_depend_on_the_others_of_its_batch():
    compressor, spatial = Compressor(TINY), torch.randn(4, 7, 16)
    torch.testing.assert_close(compressor(spatial)[2:3], compressor(spatial[2:3]), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("preset", "shape"), [(paper, (2, 2048)), (miniature, (2, 256))])
def test_the_presets_give_two_tokens_of_the_planners_width(preset, shape):
    config = preset().compressor
    with torch.device("meta"):
        spatial = torch.empty(1, config.num_spatial_tokens, config.spatial_channels)
        assert Compressor(config)(spatial).shape[1:] == shape


def test_eight_visual_tokens_are_possible():
    compressor = Compressor(dataclasses.replace(TINY, num_visual_tokens=8))
    assert compressor(torch.randn(1, 7, 16)).shape == (1, 8, 24)


def test_tokens_of_another_vision_encoder_are_refused():
    with pytest.raises(ValueError, match=r"\[9, 16\] per frame.*built for \[7, 16\]; use the vision encoder"):
        Compressor(TINY)(torch.randn(1, 9, 16))


def test_channels_that_do_not_divide_into_heads_are_refused():
    with pytest.raises(ValueError, match="16 channels do not divide into 3 attention heads"):
        Compressor(dataclasses.replace(TINY, heads=3))
