"""The loss against a plain EDM, and the start of a video U-Net from an image U-Net."""

import re

import pytest
import torch
from diffusers import UNet2DConditionModel
from torch import nn

from moviedreamer_core.config import VideoConfig
from moviedreamer_core.video.anchored_svd import build_video_unet
from moviedreamer_core.video.objective import (
    denoised_video,
    spatial_weights_from_image_unet,
    start_temporal_layers_at_identity,
    video_loss,
)

B, F, C, SIDE, A = 3, 4, 2, 8, 32
TINY = VideoConfig(
    num_frames=F,
    latent_channels=C,
    block_out_channels=(32, 64),
    attention_at=(False, True),
    transformer_layers=(1, 1),
    layers_per_block=1,
    attention_heads=(2, 4),
    cross_attention_channels=A,
    time_id_channels=32,
)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def video():
    generator = seeded(0)
    return {
        "latents": torch.randn(B, F, C, SIDE, SIDE, generator=generator),
        "first_latent": torch.randn(B, C, SIDE, SIDE, generator=generator),
        "anchor": torch.randn(B, A, generator=generator),
        "ids": torch.tensor([[6.0, 127.0]] * B),
    }


class Network(nn.Module):
    """Has the U-Net's call; its answer is a function of all it is given, and it remembers what that was."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.3))
        self.calls = []

    def forward(self, sample, timestep, encoder_hidden_states, added_time_ids):
        self.calls.append((sample, timestep, encoder_hidden_states, added_time_ids))
        shift = timestep + encoder_hidden_states.mean((1, 2)) + 1e-3 * added_time_ids.sum(1)
        noisy, first = sample.chunk(2, dim=2)
        out = self.weight * (noisy - 0.5 * first) + 0.1 * shift[:, None, None, None, None]
        return type("Output", (), {"sample": out})


# --- the loss ----------------------------------------------------------------------------------------


def karras_denoiser(network, noisy, sigma, first, anchor, time_ids, sigma_data=1.0):
    """D(x; sigma) of Karras et al. 2022, equation 7, one video at a time.

    Their F predicts -v where SVD's predicts v: c_out has the other sign.
    """
    c_skip = sigma_data**2 / (sigma**2 + sigma_data**2)
    c_out = -sigma * sigma_data / (sigma_data**2 + sigma**2) ** 0.5
    c_in = 1 / (sigma**2 + sigma_data**2) ** 0.5
    c_noise = torch.log(sigma) / 4
    stacked = torch.stack([torch.cat([c_in * frame, first]) for frame in noisy])
    network_out = network(stacked[None], c_noise[None], anchor[None, None], time_ids[None]).sample[0]
    return c_skip * noisy + c_out * network_out


def test_loss_equals_a_plain_edm(video):
    found = video_loss(Network(), **video, generator=seeded(7), condition_dropout=0.0)
    generator = seeded(7)
    sigma = torch.exp(0.7 + 1.6 * torch.randn(B, generator=generator))
    strength = torch.exp(-3.0 + 0.5 * torch.randn(B, generator=generator))
    noise = torch.randn(B, F, C, SIDE, SIDE, generator=generator)
    frame_noise = torch.randn(B, C, SIDE, SIDE, generator=generator)
    losses = []
    for b in range(B):
        clean = video["latents"][b]
        first = video["first_latent"][b] + strength[b] * frame_noise[b]
        time_ids = torch.tensor([6.0, 127.0, strength[b]])
        noisy = clean + sigma[b] * noise[b]
        denoised = karras_denoiser(Network(), noisy, sigma[b], first, video["anchor"][b], time_ids)
        weight = (sigma[b] ** 2 + 1.0) / (sigma[b] * 1.0) ** 2  # lambda of table 1
        losses.append(weight * ((denoised - clean) ** 2).mean())
    torch.testing.assert_close(found, torch.stack(losses).mean())


def test_loss_is_the_error_of_the_velocity(video):
    """With EDM's weight, it does not blow up at either end of the noise levels."""
    for log_sigma in (-6.0, 6.0):
        network = Network()
        found = video_loss(
            network,
            **video,
            generator=seeded(7),
            sigma_log_mean=log_sigma,
            sigma_log_std=0.0,
            condition_dropout=0.0,
        )
        generator = seeded(7)
        torch.randn(2 * B, generator=generator)
        noise = torch.randn(B, F, C, SIDE, SIDE, generator=generator)
        sigma = torch.tensor(log_sigma).exp()
        velocity = (noise - sigma * video["latents"]) / (sigma**2 + 1).sqrt()
        predicted = network(*network.calls[0]).sample
        torch.testing.assert_close(found, (predicted - velocity).square().mean(), rtol=1e-3, atol=0)


def test_perfect_denoiser_has_no_loss(video):
    class Oracle(nn.Module):
        def forward(self, sample, timestep, encoder_hidden_states, added_time_ids):
            sigma = (4 * timestep).exp()[:, None, None, None, None]
            noisy = sample[:, :, :C] * (sigma**2 + 1).sqrt()
            clean = video["latents"]
            velocity = (noisy / (sigma**2 + 1) - clean) * (sigma**2 + 1).sqrt() / sigma
            return type("Output", (), {"sample": velocity})

    loss = video_loss(Oracle(), **video, generator=seeded(1), sigma_log_std=0.5)
    assert loss.item() == pytest.approx(0, abs=1e-8)


def test_noise_levels_follow_their_log_normal_distributions():
    many, network = 4000, Network()
    video_loss(
        network,
        torch.zeros(many, 1, 1, 1, 1),
        torch.zeros(many, 1, 1, 1),
        torch.zeros(many, 1),
        torch.zeros(many, 2),
        generator=seeded(0),
    )
    _, timestep, _, time_ids = network.calls[0]
    log_sigma, log_strength = 4 * timestep, time_ids[:, 2].log()
    assert log_sigma.mean().item() == pytest.approx(0.7, abs=0.1)
    assert log_sigma.std().item() == pytest.approx(1.6, abs=0.1)
    assert log_strength.mean().item() == pytest.approx(-3.0, abs=0.05)
    assert log_strength.std().item() == pytest.approx(0.5, abs=0.05)
    assert abs(torch.corrcoef(torch.stack([log_sigma, log_strength]))[0, 1]) < 0.06


def test_conditions_are_dropped_alone_and_together_at_the_stated_rate():
    many, network = 6000, Network()
    video_loss(
        network,
        torch.zeros(many, 1, 1, 1, 1),
        torch.ones(many, 1, 1, 1),
        torch.ones(many, 1),
        torch.zeros(many, 2),
        generator=seeded(0),
        condition_dropout=0.1,
    )
    sample, _, anchor, _ = network.calls[0]
    no_frame, no_anchor = sample[:, 0, 1, 0, 0] == 0, anchor[:, 0, 0] == 0
    for dropped in (no_anchor & ~no_frame, no_frame & ~no_anchor, no_frame & no_anchor):
        assert dropped.float().mean().item() == pytest.approx(0.1, abs=0.015)


def test_loss_is_a_function_of_the_generator_and_reaches_the_weights(video):
    network = Network()
    losses = [video_loss(network, **video, generator=seeded(seed)) for seed in (1, 1, 2)]
    assert torch.equal(losses[0], losses[1])
    assert not torch.equal(losses[0], losses[2])
    losses[0].backward()
    assert network.weight.grad.abs() > 0


def test_every_parameter_of_the_unet_learns(video):
    torch.manual_seed(0)
    unet = build_video_unet(TINY)
    video_loss(unet, **video, generator=seeded(1), condition_dropout=0.0).backward()
    idle = {name for name, weight in unet.named_parameters() if weight.grad is None or not weight.grad.any()}
    # Attention to the anchor, a single token, is 1 whatever the query and the key: those stay as they are.
    assert {name for name in idle if not re.search(r"\.(attn2\.to_[qk]|norm2)\.", name)} == set()


# --- from an image U-Net -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def image_unet():
    torch.manual_seed(1)
    return UNet2DConditionModel(
        in_channels=C,
        out_channels=C,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(32, 64),
        layers_per_block=1,
        cross_attention_dim=A,
        attention_head_dim=(2, 4),
        use_linear_projection=True,
    ).eval()


@pytest.fixture
def video_unet():
    torch.manual_seed(2)
    return build_video_unet(TINY).eval()


def test_every_tensor_of_a_fitting_image_unet_is_taken(image_unet, video_unet):
    taken = spatial_weights_from_image_unet(image_unet.state_dict(), video_unet)
    assert len(taken) == len(image_unet.state_dict())
    names = set(video_unet.state_dict())
    assert set(taken) <= names
    left = {name for name in names - set(taken) if "temporal" not in name and "time_" not in name}
    assert {name.split(".")[0] for name in left} == {"add_embedding"}


def test_video_unet_begins_as_the_image_unet_frame_by_frame(image_unet, video_unet):
    video_unet.load_state_dict(
        spatial_weights_from_image_unet(image_unet.state_dict(), video_unet), strict=False
    )
    start_temporal_layers_at_identity(video_unet)
    nn.init.zeros_(video_unet.add_embedding.linear_2.weight)  # the image model has no such conditioning
    nn.init.zeros_(video_unet.add_embedding.linear_2.bias)
    generator = seeded(3)
    frames = torch.randn(2, F, C, SIDE, SIDE, generator=generator)
    first = torch.randn(2, F, C, SIDE, SIDE, generator=generator)
    anchor = torch.randn(2, 1, A, generator=generator)
    with torch.no_grad():
        found = video_unet(
            torch.cat([frames, first], dim=2),
            0.4,
            encoder_hidden_states=anchor,
            added_time_ids=torch.ones(2, 3),
        ).sample
        expected = torch.stack(
            [image_unet(video, 0.4, anchor[b].expand(F, 1, A)).sample for b, video in enumerate(frames)]
        )
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_frames_mix_again_once_temporal_layers_have_learned(video_unet):
    """The identity is a start, not an end: zeroed layers still receive gradients."""
    start_temporal_layers_at_identity(video_unet)
    video = torch.randn(1, F, 2 * C, SIDE, SIDE, generator=seeded(4))
    out = video_unet(
        video, 0.4, encoder_hidden_states=torch.ones(1, 1, A), added_time_ids=torch.ones(1, 3)
    ).sample
    out.square().mean().backward()
    zeroed = [
        weight
        for name, weight in video_unet.named_parameters()
        if "temporal" in name and name.endswith("weight") and not weight.any()
    ]
    assert len(zeroed) >= 10
    assert all(weight.grad.any() for weight in zeroed)


def test_tensors_of_another_shape_are_left_out(image_unet):
    wider = VideoConfig(**{**TINY.__dict__, "block_out_channels": (32, 96), "attention_heads": (2, 6)})
    video_unet = build_video_unet(wider)
    taken = spatial_weights_from_image_unet(image_unet.state_dict(), video_unet)
    assert 0 < len(taken) < len(image_unet.state_dict())
    places = video_unet.state_dict()
    assert all(places[name].shape == tensor.shape for name, tensor in taken.items())
    assert "down_blocks.0.resnets.0.spatial_res_block.conv1.weight" in taken
    assert "mid_block.resnets.0.spatial_res_block.conv1.weight" not in taken


def test_first_convolution_starts_blind_to_the_first_frame(image_unet, video_unet):
    taken = spatial_weights_from_image_unet(image_unet.state_dict(), video_unet)
    noisy, first = taken["conv_in.weight"].chunk(2, dim=1)
    assert torch.equal(noisy, image_unet.conv_in.weight)
    assert not first.any()


def test_denoised_video_keeps_what_has_no_noise(video):
    """At noise level 0 the skip connection passes the input through (EDM, section 5)."""
    sigma = torch.full((B,), 1e-6)
    found = denoised_video(
        Network(), video["latents"], sigma, video["first_latent"], video["anchor"], torch.zeros(B, 3)
    )
    torch.testing.assert_close(found, video["latents"], atol=1e-4, rtol=0)
