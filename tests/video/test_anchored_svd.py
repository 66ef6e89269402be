"""The sampler against diffusers' own SVD pipeline, and what each segment of a long clip is given to see."""

import dataclasses
import math
from types import SimpleNamespace
from typing import NamedTuple

import pytest
import torch
from diffusers import AutoencoderKLTemporalDecoder, StableVideoDiffusionPipeline
from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModelWithProjection

from moviedreamer_core.config import VideoConfig, miniature, paper
from moviedreamer_core.video.anchored_svd import (
    MOTION_BUCKETS,
    AnchoredSVD,
    SamplingSettings,
    SamplingStep,
    build_scheduler,
    build_video_unet,
    count_segments,
    segment_seed,
)

NUM_FRAMES, SIDE_PX = 4, 16
TINY = VideoConfig(
    num_frames=NUM_FRAMES,
    block_out_channels=(32, 64),
    attention_at=(False, True),
    transformer_layers=(1, 1),
    layers_per_block=1,
    attention_heads=(2, 4),
    cross_attention_channels=32,
    time_id_channels=32,
)
FAST = SamplingSettings(steps=2, max_guidance_scale=1.0)


@pytest.fixture(scope="module")
def unet():
    torch.manual_seed(0)
    return build_video_unet(TINY).eval()


@pytest.fixture(scope="module")
def first_frame():
    return torch.rand(3, SIDE_PX, SIDE_PX, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def anchor():
    return torch.randn(1, 32, generator=torch.Generator().manual_seed(2))


def plain_encode(images):
    """A stand-in for the VAE that keeps frames apart: pixels and their mean as four channels."""
    return torch.cat([images, images.mean(1, keepdim=True)], dim=1)


def plain_decode(latents):
    return (0.2 * latents[:, :3] + 0.5).clamp(0, 1)


def plain_svd(unet, config=TINY, noise_on="latents", encode=plain_encode, decode=plain_decode):
    return AnchoredSVD(unet=unet, config=config, encode_frame=encode, decode_frames=decode, noise_on=noise_on)


def frames_of(events):
    return torch.cat([event for event in events if isinstance(event, torch.Tensor)])


@pytest.fixture
def calls(unet, monkeypatch):
    """What the U-Net is given, call by call; its prediction is replaced by a cheap one that mixes frames."""
    recorded = []

    def forward(sample, timestep, encoder_hidden_states, added_time_ids):
        recorded.append(Call(sample.clone(), encoder_hidden_states.clone(), added_time_ids.clone()))
        channels = sample.shape[2] // 2
        return SimpleNamespace(sample=0.1 * sample[:, :, :channels].roll(1, dims=1))

    monkeypatch.setattr(unet, "forward", forward)
    return recorded


class Call(NamedTuple):
    sample: torch.Tensor
    anchor: torch.Tensor
    time_ids: torch.Tensor


# --- the U-Net ---------------------------------------------------------------------------------------


def test_paper_unet_is_the_published_svd_unet():
    with torch.device("meta"):
        video_unet = build_video_unet(paper().video)
    assert sum(parameter.numel() for parameter in video_unet.parameters()) == 1_524_623_082
    published = {
        "in_channels": 8,
        "out_channels": 4,
        "down_block_types": ("CrossAttnDownBlockSpatioTemporal",) * 3 + ("DownBlockSpatioTemporal",),
        "up_block_types": ("UpBlockSpatioTemporal",) + ("CrossAttnUpBlockSpatioTemporal",) * 3,
        "block_out_channels": (320, 640, 1280, 1280),
        "layers_per_block": 2,
        "cross_attention_dim": 1024,
        "num_attention_heads": (5, 10, 20, 20),
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 768,
        "num_frames": 14,
    }
    assert {name: video_unet.config[name] for name in published} == published


def test_miniature_unet_takes_and_gives_latents_of_its_frames():
    config = miniature().video
    channels = config.latent_channels
    with torch.device("meta"):
        video_unet = build_video_unet(config).to("meta")  # diffusers makes its mixing factors on the CPU
    out = video_unet(
        torch.empty(2, config.num_frames, 2 * channels, 16, 28, device="meta"),
        torch.empty(2, device="meta"),
        encoder_hidden_states=torch.empty(2, 1, config.cross_attention_channels, device="meta"),
        added_time_ids=torch.empty(2, 3, device="meta"),
    ).sample
    assert out.shape == (2, config.num_frames, channels, 16, 28)


def test_scheduler_is_the_published_svd_scheduler():
    config = build_scheduler().config
    published = {
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "beta_start": 0.00085,
        "interpolation_type": "linear",
        "num_train_timesteps": 1000,
        "prediction_type": "v_prediction",
        "sigma_max": 700.0,
        "sigma_min": 0.002,
        "steps_offset": 1,
        "timestep_spacing": "leading",
        "timestep_type": "continuous",
        "trained_betas": None,
        "use_karras_sigmas": True,
    }
    assert {name: config[name] for name in published} == published


# --- one segment against the library -----------------------------------------------------------------


@pytest.fixture(scope="module")
def pipeline(unet):
    torch.manual_seed(3)
    vae = AutoencoderKLTemporalDecoder(
        block_out_channels=(32, 64),
        down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D"),
        latent_channels=4,
        layers_per_block=1,
        force_upcast=False,
    )
    image_encoder = CLIPVisionModelWithProjection(
        CLIPVisionConfig(
            hidden_size=32,
            projection_dim=32,
            num_hidden_layers=1,
            num_attention_heads=4,
            image_size=SIDE_PX,
            intermediate_size=37,
            patch_size=4,
        )
    )
    pipe = StableVideoDiffusionPipeline(
        vae=vae,
        image_encoder=image_encoder,
        unet=unet,
        scheduler=build_scheduler(),
        feature_extractor=CLIPImageProcessor(crop_size=SIDE_PX, size=SIDE_PX),
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.mark.parametrize(
    "settings",
    [
        SamplingSettings(steps=3),
        SamplingSettings(steps=4, max_guidance_scale=1.0, motion="lively"),
        SamplingSettings(steps=3, frames_per_second=12, motion=3, noise_aug_strength=0.3),
    ],
    ids=["guided", "unguided", "other_conditioning"],
)
def test_segment_equals_the_library_pipeline(pipeline, unet, first_frame, settings):
    arguments = {
        "height": SIDE_PX,
        "width": SIDE_PX,
        "num_frames": NUM_FRAMES,
        "num_inference_steps": settings.steps,
        "min_guidance_scale": settings.min_guidance_scale,
        "max_guidance_scale": settings.max_guidance_scale,
        "fps": settings.frames_per_second,
        "motion_bucket_id": MOTION_BUCKETS.get(settings.motion, settings.motion),
        "noise_aug_strength": settings.noise_aug_strength,
    }
    image = first_frame[None]
    latents = pipeline(image, output_type="latent", generator=torch.Generator().manual_seed(5), **arguments)
    frames = pipeline(image, output_type="pt", generator=torch.Generator().manual_seed(5), **arguments)

    seen = []

    def encode(images):
        return pipeline.vae.encode(2 * images - 1).latent_dist.mode()

    def decode(latents):
        seen.append(latents)
        scaled = latents / pipeline.vae.config.scaling_factor
        return pipeline.vae.decode(scaled, num_frames=len(latents)).sample / 2 + 0.5

    with torch.no_grad():
        embedding = pipeline._encode_image(image, "cpu", 1, False)[0]
    svd = plain_svd(unet, noise_on="pixels", encode=encode, decode=decode)
    segment = svd.generate_segment(
        first_frame, embedding, generator=torch.Generator().manual_seed(5), settings=settings
    )
    result = None
    while result is None:
        try:
            next(segment)
        except StopIteration as finished:
            result = finished.value
    torch.testing.assert_close(seen[0], latents.frames[0], atol=1e-4, rtol=0)
    torch.testing.assert_close(result, frames.frames[0], atol=1e-4, rtol=0)


def test_guidance_of_one_equals_guidance_switched_off(unet, first_frame, anchor):
    """Scales that are almost 1 take the doubled batch; exactly 1 takes the single one."""
    almost = dataclasses.replace(FAST, min_guidance_scale=1.0 + 1e-7, max_guidance_scale=1.0 + 1e-7)
    assert almost.guided
    assert not FAST.guided
    svd = plain_svd(unet)
    expected = frames_of(svd.animate(first_frame, anchor, num_frames=4, seed=1, settings=almost))
    found = frames_of(svd.animate(first_frame, anchor, num_frames=4, seed=1, settings=FAST))
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_guidance_switched_off_halves_the_batch(unet, calls, first_frame, anchor):
    for settings, batch in ((FAST, 1), (SamplingSettings(steps=2), 2)):
        calls.clear()
        list(plain_svd(unet).animate(first_frame, anchor, num_frames=4, seed=1, settings=settings))
        assert [len(call.sample) for call in calls] == [batch, batch]


def test_negative_half_sees_zeros(unet, calls, first_frame, anchor):
    settings = SamplingSettings(steps=1)
    list(plain_svd(unet).animate(first_frame, anchor, num_frames=4, seed=1, settings=settings))
    (call,) = calls
    assert not call.sample[0, :, 4:].any()
    assert not call.anchor[0].any()
    assert call.sample[1, :, 4:].any()
    torch.testing.assert_close(call.anchor[1], anchor)


def test_unet_is_told_frame_rate_less_one_motion_and_noise(unet, calls, first_frame, anchor):
    settings = SamplingSettings(
        steps=1, max_guidance_scale=1.0, frames_per_second=9, motion="calm", noise_aug_strength=0.25
    )
    list(plain_svd(unet).animate(first_frame, anchor, num_frames=4, seed=1, settings=settings))
    torch.testing.assert_close(calls[0].time_ids, torch.tensor([[8.0, MOTION_BUCKETS["calm"], 0.25]]))


@pytest.mark.parametrize(("noise_on", "deviation"), [("pixels", 0.1), ("latents", 0.2)])
def test_conditioning_noise_has_the_stated_strength(unet, calls, anchor, noise_on, deviation):
    """Of 0.2: on pixels in [-1, 1], which are 0.1 in [0, 1]; or on the latent as it is."""
    frame = torch.full((3, 64, 64), 0.5)
    svd = plain_svd(unet, noise_on=noise_on)
    settings = dataclasses.replace(FAST, noise_aug_strength=0.2)
    list(svd.animate(frame, anchor, num_frames=4, seed=1, settings=settings))
    noise = calls[0].sample[0, 0, 4:7] - 0.5
    assert noise.std().item() == pytest.approx(deviation, rel=0.05)
    assert noise.mean().item() == pytest.approx(0, abs=0.01)


# --- segments of a longer clip -----------------------------------------------------------------------


def without_noise(**changes):
    return dataclasses.replace(FAST, noise_aug_strength=0.0, **changes)


def test_every_segment_starts_at_the_last_frame_and_keeps_the_first_anchor(unet, calls, first_frame, anchor):
    events = plain_svd(unet).animate(first_frame, anchor, num_frames=10, seed=1, settings=without_noise())
    parts = [event for event in events if isinstance(event, torch.Tensor)]
    starts = [first_frame, parts[0][-1], parts[1][-1]]
    assert len(calls) == 3 * FAST.steps
    for number, call in enumerate(calls):
        start = plain_encode(starts[number // FAST.steps][None])[0]
        torch.testing.assert_close(call.sample[0, :, 4:], start.expand(NUM_FRAMES, -1, -1, -1))
        torch.testing.assert_close(call.anchor[0], anchor)


def test_last_frame_chaining_embeds_the_frame_a_segment_starts_at(unet, calls, first_frame, anchor):
    embedded = []

    def embed(frame):
        embedded.append(frame)
        return torch.full((1, 32), float(len(embedded)))

    events = plain_svd(unet).animate(
        first_frame,
        anchor,
        num_frames=10,
        seed=1,
        settings=without_noise(),
        chaining="last_frame",
        embed=embed,
    )
    parts = [event for event in events if isinstance(event, torch.Tensor)]
    torch.testing.assert_close(embedded, [parts[0][-1], parts[1][-1]])
    seen = [call.anchor[0] for call in calls[:: FAST.steps]]
    torch.testing.assert_close(seen, [anchor, torch.full((1, 32), 1.0), torch.full((1, 32), 2.0)])


def test_repeated_frame_of_an_extension_is_dropped(unet, first_frame, anchor):
    decoded = []

    def decode(latents):
        decoded.append(plain_decode(latents))
        return decoded[-1]

    svd = plain_svd(unet, decode=decode)
    found = frames_of(svd.animate(first_frame, anchor, num_frames=10, seed=1, settings=FAST))
    torch.testing.assert_close(found, torch.cat([decoded[0], decoded[1][1:], decoded[2][1:]]))


@pytest.mark.parametrize(
    ("num_frames", "segments"), [(1, 1), (3, 1), (4, 1), (5, 2), (7, 2), (8, 3), (10, 3), (11, 4)]
)
def test_clip_has_exactly_the_frames_asked_for(unet, calls, first_frame, anchor, num_frames, segments):
    settings = dataclasses.replace(FAST, steps=1)
    events = list(
        plain_svd(unet).animate(first_frame, anchor, num_frames=num_frames, seed=1, settings=settings)
    )
    assert len(frames_of(events)) == num_frames
    assert len(calls) == segments == count_segments(num_frames, NUM_FRAMES)


def test_shorter_clip_is_the_start_of_the_longer_one(unet, first_frame, anchor):
    svd = plain_svd(unet)
    long = frames_of(svd.animate(first_frame, anchor, num_frames=7, seed=4, settings=FAST))
    short = frames_of(svd.animate(first_frame, anchor, num_frames=5, seed=4, settings=FAST))
    assert torch.equal(short, long[:5])


def test_progress_counts_steps_within_segments(unet, first_frame, anchor):
    events = plain_svd(unet).animate(first_frame, anchor, num_frames=6, seed=1, settings=FAST)
    told = [event for event in events if isinstance(event, SamplingStep)]
    expected = [
        SamplingStep(segment=segment, num_segments=2, step=step, num_steps=2)
        for segment in (1, 2)
        for step in (1, 2)
    ]
    assert told == expected


def test_a_cancelled_clip_computes_nothing_more(unet, calls, first_frame, anchor):
    events = plain_svd(unet).animate(first_frame, anchor, num_frames=10, seed=1, settings=FAST)
    next(events)
    events.close()
    assert len(calls) == 1


def test_frames_follow_from_the_seed_alone(unet, first_frame, anchor):
    def clip(seed):
        torch.manual_seed(torch.seed())  # the global generator must not matter
        return frames_of(plain_svd(unet).animate(first_frame, anchor, num_frames=6, seed=seed, settings=FAST))

    assert torch.equal(clip(1), clip(1))
    assert not torch.equal(clip(1), clip(2))


def test_a_later_start_is_a_plain_euler_integration_from_the_noised_first_frame(unet, first_frame, anchor):
    """Source: Karras et al. 2022, algorithm 1 with v-prediction, written out; SDEdit's start."""
    settings = dataclasses.replace(
        FAST, steps=6, sigma_max=80.0, start_sigma=3.0, noise_aug_strength=0.0, max_guidance_scale=1.0
    )
    ramp = torch.linspace(0, 1, settings.steps, dtype=torch.float64)
    low, high = 0.002 ** (1 / 7), 80.0 ** (1 / 7)
    sigmas = [*((high + ramp * (low - high)) ** 7).tolist(), 0.0]
    begin = next(i for i, sigma in enumerate(sigmas) if sigma <= 3.0)
    generator = torch.Generator().manual_seed(segment_seed(5, 1))
    condition = plain_encode(first_frame[None])
    torch.randn(condition.shape, generator=generator)  # the noise on the first frame, of strength 0
    noise = torch.randn((1, NUM_FRAMES, *condition.shape[1:]), generator=generator)
    x = condition[:, None] + sigmas[begin] * noise
    with torch.no_grad():
        for sigma, following in zip(sigmas[begin:], sigmas[begin + 1 :], strict=False):
            seen = torch.cat([x / (sigma**2 + 1) ** 0.5, condition[:, None].expand_as(x)], dim=2)
            v = unet(
                seen, torch.tensor(0.25 * math.log(sigma)), encoder_hidden_states=anchor[None],
                added_time_ids=torch.tensor([settings.time_ids]),
            ).sample  # fmt: skip
            clean = x / (sigma**2 + 1) - v * sigma / (sigma**2 + 1) ** 0.5
            x = x + (x - clean) / sigma * (following - sigma)
    events = list(
        plain_svd(unet).animate(first_frame, anchor, num_frames=NUM_FRAMES, seed=5, settings=settings)
    )
    torch.testing.assert_close(frames_of(events), plain_decode(x[0]), atol=1e-4, rtol=1e-3)
    steps = [event for event in events if isinstance(event, SamplingStep)]
    assert [step.step for step in steps] == list(range(1, settings.steps - begin + 1))
    assert {step.num_steps for step in steps} == {settings.steps - begin}
    assert begin >= 2


def test_no_two_segments_share_their_noise():
    seeds = [segment_seed(seed, segment) for seed in range(20) for segment in range(1, 20)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_frames_stay_in_range_and_carry_no_gradient(unet, first_frame, anchor):
    svd = plain_svd(unet, decode=lambda latents: 100 * latents[:, :3])
    found = frames_of(svd.animate(first_frame, anchor, num_frames=4, seed=1, settings=FAST))
    assert found.min() == 0
    assert found.max() == 1
    assert not found.requires_grad


# --- bad input ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_frames": 0}, "num_frames must be at least 1, got 0"),
        ({"chaining": "looped"}, "chaining must be one of anchored, last_frame, got 'looped'"),
        ({"chaining": "last_frame"}, "chaining last_frame embeds the frame a segment starts at; pass embed"),
    ],
)
def test_animate_refuses(unet, first_frame, anchor, arguments, message):
    # __wrapped__: without the shape checker, which would refuse an unknown word in its own way
    animate = getattr(AnchoredSVD.animate, "__wrapped__", AnchoredSVD.animate)
    arguments = {"num_frames": 4, "seed": 1, "settings": FAST, **arguments}
    with pytest.raises(ValueError, match=f"^{message}$"):
        list(animate(plain_svd(unet), first_frame, anchor, **arguments))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"frames_per_second": 0}, "frames_per_second must be at least 1, got 0"),
        ({"noise_aug_strength": 1.5}, "noise_aug_strength must be between 0 and 1, got 1.5"),
        ({"sigma_max": 0.5}, "sigma_max must be above 1, the deviation of the latents, got 0.5"),
        ({"sigma_max": float("nan")}, "sigma_max must be above 1, the deviation of the latents, got nan"),
        ({"start_sigma": 0.0}, "start_sigma must be above 0 and at most sigma_max, got 0.0"),
        ({"start_sigma": 701.0}, "start_sigma must be above 0 and at most sigma_max, got 701.0"),
        ({"motion": 256}, "motion must be between 0 and 255, got 256"),
        ({"motion": -1}, "motion must be between 0 and 255, got -1"),
        ({"motion": "wild"}, "motion must be one of calm, gentle, natural, lively, got 'wild'"),
    ],
)
def test_settings_refuse(arguments, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        SamplingSettings(**arguments)


def test_a_single_frame_segment_cannot_be_extended():
    assert count_segments(1, 1) == 1
    with pytest.raises(ValueError, match=r"^a segment of 1 frame cannot be extended; use at least 2 frames$"):
        count_segments(2, 1)
