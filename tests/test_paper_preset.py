"""The `paper` preset, whole, on the meta device: nothing is allocated, every size is the published one."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from moviedreamer_core.autoencoder.compressor import Compressor
from moviedreamer_core.autoencoder.conditioning import Conditioning
from moviedreamer_core.autoencoder.renderer import build_unet
from moviedreamer_core.autoencoder.vae import build_vae
from moviedreamer_core.autoregressive.model import AutoregressiveModel
from moviedreamer_core.config import paper
from moviedreamer_core.encoders.vision import VisionEncoder
from moviedreamer_core.video.anchored_svd import build_video_unet

PAPER = paper()


def num_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.fixture(scope="module")
def planner() -> AutoregressiveModel:
    with torch.device("meta"):
        return AutoregressiveModel(PAPER.autoregressive)


@pytest.mark.parametrize(
    ("build", "published"),
    [
        (lambda: build_unet(PAPER.renderer), 2_567_463_684),  # stabilityai/stable-diffusion-xl-base-1.0
        (lambda: build_vae(PAPER.autoencoder), 83_653_863),  # its VAE
        (lambda: build_video_unet(PAPER.video), 1_524_623_082),  # stable-video-diffusion-img2vid
        (lambda: VisionEncoder(PAPER.vision).tower, 303_966_208),  # CLIP ViT-L/14, visual
    ],
    ids=["SDXL U-Net", "SDXL VAE", "SVD U-Net", "ViT-L/14"],
)
def test_a_component_has_as_many_parameters_as_the_published_one(build, published):
    with torch.device("meta"):
        assert num_parameters(build()) == published


def test_the_backbone_is_llama_2_7b_without_its_language_head(planner):
    assert num_parameters(planner.backbone) == 6_607_343_616


def test_the_mixture_head_has_two_k_d_plus_k_outputs(planner):
    k, d = 16, 2048
    outputs = {layer.out_features for layer in planner.head.modules() if isinstance(layer, nn.Linear)}
    assert outputs == {2 * k * d + k}


def test_all_22_slots_reach_every_cross_attention_layer_of_the_sdxl_unet():
    with torch.device("meta"):
        unet, conditioning = build_unet(PAPER.renderer), Conditioning(PAPER.renderer)
        seen: list[tuple[int, ...]] = []
        for name, module in unet.named_modules():
            if name.endswith("attn2"):
                module.register_forward_pre_hook(
                    lambda _, args, kwargs: seen.append(tuple(kwargs["encoder_hidden_states"].shape)),
                    with_kwargs=True,
                )
        given = torch.ones(1, 15, dtype=torch.bool), torch.ones(1, 5, dtype=torch.bool)
        conditions = conditioning(
            torch.zeros(1, 2, 2048), torch.zeros(1, 15, 768), given[0], torch.zeros(1, 5, 512), given[1]
        )
        unet(
            torch.zeros(1, 4, 64, 112),  # 896 x 512 px
            torch.zeros(1),
            encoder_hidden_states=conditions.slots,
            added_cond_kwargs={"text_embeds": conditions.pooled, "time_ids": conditions.time_ids},
        )
    assert (
        len(seen) == 70
    )  # transformer blocks of SDXL: 2 * 2 + 2 * 10 down, 10 in the middle, 3 * 10 + 3 * 2 up
    assert set(seen) == {(1, 22, 2048)}


def test_two_tokens_of_2048_leave_the_compressor():
    with torch.device("meta"):
        compressor = Compressor(PAPER.compressor)
        assert compressor(torch.zeros(1, 257, 1024)).shape == (1, 2, 2048)
