import dataclasses
import functools

import numpy as np
import pytest
import torch
from diffusers import DDPMScheduler, DPMSolverMultistepScheduler, StableDiffusionXLPipeline
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import rescale_noise_cfg

from moviedreamer_core.autoencoder.conditioning import RenderConditions, joined
from moviedreamer_core.autoencoder.renderer import Renderer, build_unet, guided, to_image
from moviedreamer_core.autoencoder.vae import build_vae
from moviedreamer_core.config import miniature, paper

EPSILON = {"prediction_type": "epsilon", "zero_terminal_snr": False}
ZERO_SNR_V = {"prediction_type": "v_prediction", "zero_terminal_snr": True}


def conditions_of(num: int, seed: int = 0) -> RenderConditions:
    generator = torch.Generator().manual_seed(seed)
    return RenderConditions(
        slots=torch.randn(num, 22, 16, generator=generator),
        pooled=torch.randn(num, 12, generator=generator),
        time_ids=torch.tensor([[16.0, 24, 0, 0, 16, 24]]).repeat(num, 1),
    )


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def render(renderer: Renderer, conditions: RenderConditions, **options) -> torch.Tensor:
    *_, last = renderer.render(conditions, **{"steps": 4, **options})
    return last.images


# --- architecture ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def meta_unet():
    """Of a preset, without memory for its weights."""

    @functools.cache
    def build(preset):
        with torch.device("meta"):
            return build_unet(preset().renderer)

    return build


def test_the_paper_unet_has_the_parameters_of_the_published_sdxl_unet(meta_unet):
    unet = meta_unet(paper)
    assert sum(parameter.numel() for parameter in unet.parameters()) == 2_567_463_684
    assert unet.config.projection_class_embeddings_input_dim == 2816


def cross_attentions(unet) -> list[torch.nn.Module]:
    return [module for name, module in unet.named_modules() if name.endswith("attn2")]


def test_the_paper_unet_has_70_cross_attention_layers(meta_unet):
    assert len(cross_attentions(meta_unet(paper))) == 70


@pytest.mark.parametrize("preset", [paper, miniature])
def test_the_22_slots_reach_every_cross_attention_layer(meta_unet, preset):
    unet, config, seen = meta_unet(preset), preset().renderer, []
    for layer in cross_attentions(unet):
        layer.register_forward_pre_hook(
            lambda _, __, options: seen.append(tuple(options["encoder_hidden_states"].shape)),
            with_kwargs=True,
        )
    with torch.device("meta"):
        slots = torch.empty(1, config.num_slots, config.cross_attention_channels)
        latents = torch.empty(1, unet.config.in_channels, 8, 12)
        added = {"text_embeds": torch.empty(1, config.pooled_channels), "time_ids": torch.empty(1, 6)}
        answer = unet(latents, 5, encoder_hidden_states=slots, added_cond_kwargs=added).sample
    assert answer.shape == (1, config.latent_channels, 8, 12)
    assert seen == [(1, 22, config.cross_attention_channels)] * len(cross_attentions(unet))


@pytest.mark.parametrize("part", ["slots", "pooled", "time_ids"])
def test_each_part_of_the_conditions_changes_the_prediction(tiny_renderer, part):
    conditions, noisy, timesteps = conditions_of(1), torch.randn(1, 4, 8, 12), torch.tensor([400])
    changed = dataclasses.replace(conditions, **{part: getattr(conditions, part) * 2})
    first, second = (tiny_renderer.predict(noisy, timesteps, given) for given in (conditions, changed))
    assert (first - second).abs().max() > 1e-6


def test_parts_of_different_models_are_refused(tiny_renderer, tiny_config):
    other = build_unet(dataclasses.replace(tiny_config, latent_channels=8))
    with pytest.raises(ValueError, match="latent channels disagree: U-Net 8, VAE 4, config 4 and 4"):
        Renderer(tiny_config, unet=other, conditioning=tiny_renderer.conditioning, vae=tiny_renderer.vae)


# --- training loss -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [EPSILON, ZERO_SNR_V])
def test_the_loss_is_the_squared_error_to_the_librarys_target(make_renderer, tiny_config, monkeypatch, kind):
    renderer = make_renderer(dataclasses.replace(tiny_config, **kind))
    latents, timesteps, seen = torch.randn(5, 4, 8, 12), torch.tensor([0, 10, 500, 998, 999]), []
    answer = torch.randn(5, 4, 8, 12)
    monkeypatch.setattr(renderer, "predict", lambda noisy, *_: seen.append(noisy) or answer)
    loss = renderer.noise_loss(
        latents, conditions_of(5), generator=seeded(1), noise_offset=0.0, timesteps=timesteps
    )
    noise = torch.randn(5, 4, 8, 12, generator=seeded(1))
    library = DDPMScheduler(**renderer.schedule.library_options)
    torch.testing.assert_close(seen[0], library.add_noise(latents, noise, timesteps))
    target = noise if kind is EPSILON else library.get_velocity(latents, noise, timesteps)
    expected = torch.stack([torch.nn.functional.mse_loss(a, t) for a, t in zip(answer, target)])
    torch.testing.assert_close(loss, expected)


def test_the_noise_offset_adds_its_variance_to_the_mean_of_each_channel_only(tiny_renderer, monkeypatch):
    seen = []
    monkeypatch.setattr(tiny_renderer, "predict", lambda noisy, *_: seen.append(noisy) or noisy)
    num = 4000
    for offset in (0.0, 0.5):
        tiny_renderer.noise_loss(
            torch.zeros(num, 4, 4, 4), conditions_of(num), generator=seeded(0), noise_offset=offset,
            timesteps=torch.full((num,), 999),
        )  # fmt: skip
    for noise, offset in zip(seen, (0.0, 0.5)):
        means = noise.mean((2, 3))
        expected = 1 / 16 + offset**2
        assert abs(means.var().item() - expected) < 5 * expected * (2 / means.numel()) ** 0.5
        within = (noise - means[..., None, None]).square().sum() / (means.numel() * 15)
        assert abs(within.item() - 1) < 0.01
        assert torch.corrcoef(means.T).sub(torch.eye(4)).abs().max() < 5 / num**0.5


def test_random_timesteps_cover_the_whole_schedule_evenly(tiny_renderer, monkeypatch):
    seen = []
    monkeypatch.setattr(tiny_renderer, "predict", lambda noisy, timesteps, _: seen.append(timesteps) or noisy)
    tiny_renderer.noise_loss(torch.zeros(20_000, 4, 1, 1), conditions_of(1), generator=seeded(0))
    counts = torch.bincount(seen[0], minlength=1000)
    assert len(counts) == 1000
    chi_square = ((counts - 20.0) ** 2 / 20).sum().item()
    assert abs(chi_square - 999) < 5 * (2 * 999) ** 0.5


def test_the_loss_repeats_with_its_generator_and_trains_the_unet(tiny_renderer):
    latents, conditions = torch.randn(3, 4, 8, 12), conditions_of(3)
    first, again, other = (
        tiny_renderer.noise_loss(latents, conditions, generator=seeded(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    first.mean().backward()
    assert all(parameter.grad.isfinite().all() for parameter in tiny_renderer.unet.parameters())
    assert tiny_renderer.unet.conv_in.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("kind", [EPSILON, ZERO_SNR_V])
def test_a_judge_sees_the_librarys_clean_estimate_and_adds_to_the_loss(make_renderer, tiny_config, kind):
    renderer = make_renderer(dataclasses.replace(tiny_config, **kind))
    latents, conditions, timesteps = torch.randn(3, 4, 8, 12), conditions_of(3), torch.tensor([3, 400, 900])
    seen, answers = [], []
    predict = renderer.predict
    renderer.predict = lambda noisy, *rest: answers.append((noisy, predict(noisy, *rest))) or answers[-1][1]

    def judge(estimate, at):
        seen.append((estimate, at))
        return torch.tensor([1.0, 2.0, 3.0])

    plain, judged = (
        renderer.noise_loss(latents, conditions, generator=seeded(1), timesteps=timesteps, judge=one)
        for one in (None, judge)
    )
    torch.testing.assert_close(judged - plain, torch.tensor([1.0, 2.0, 3.0]))
    ((estimate, at),) = seen
    assert torch.equal(at, timesteps)
    library = DDPMScheduler(**renderer.schedule.library_options, clip_sample=False)
    noisy, answer = answers[1]
    for row, timestep in enumerate(timesteps):
        expected = library.step(answer[row], int(timestep), noisy[row]).pred_original_sample
        torch.testing.assert_close(estimate[row], expected, atol=1e-4, rtol=1e-4)


def test_emphasis_weights_the_spots_of_a_frame(tiny_renderer):
    latents, conditions, timesteps = torch.randn(2, 4, 8, 12), conditions_of(2), torch.tensor([3, 900])
    spots = torch.zeros(2, 8, 12)
    spots[0, 2, 3], spots[1] = 96.0, 1.0  # mean 1 in both
    errors = {}
    for name, emphasis in (("plain", None), ("weighted", spots)):
        errors[name] = tiny_renderer.noise_loss(
            latents, conditions, generator=seeded(1), timesteps=timesteps, emphasis=emphasis
        )
    torch.testing.assert_close(errors["weighted"][1], errors["plain"][1])
    moved = latents.clone()
    assert not torch.isclose(errors["weighted"][0], errors["plain"][0])
    gradient = torch.autograd.grad(
        tiny_renderer.noise_loss(
            moved.requires_grad_(), conditions, generator=seeded(1), timesteps=timesteps, emphasis=0 * spots
        ).sum(),
        moved,
    )[0]
    assert not gradient.any()  # where nothing counts, nothing is asked for


def test_a_unet_in_half_precision_answers_in_float32(tiny_renderer):
    tiny_renderer.unet.bfloat16()
    answer = tiny_renderer.predict(torch.randn(1, 4, 8, 12), torch.tensor([3]), conditions_of(1))
    assert answer.dtype == torch.float32


# --- sampling ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [EPSILON, ZERO_SNR_V])
@pytest.mark.parametrize(("guidance_scale", "guidance_rescale"), [(1.0, 0.0), (4.0, 0.0), (4.0, 0.7)])
def test_images_equal_those_of_the_librarys_sdxl_pipeline(
    make_renderer, tiny_config, kind, guidance_scale, guidance_rescale
):
    renderer, conditions = make_renderer(dataclasses.replace(tiny_config, **kind)), conditions_of(2)
    scheduler = DPMSolverMultistepScheduler(**renderer.schedule.library_options, timestep_spacing="trailing")
    pipeline = StableDiffusionXLPipeline(
        vae=renderer.vae.kl, unet=renderer.unet, scheduler=scheduler, text_encoder=None, text_encoder_2=None,
        tokenizer=None, tokenizer_2=None, add_watermarker=False,
    )  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    noise = torch.stack([torch.randn(4, 8, 12, generator=seeded(seed)) for seed in (5, 6)])
    expected = pipeline(
        prompt_embeds=conditions.slots,
        pooled_prompt_embeds=conditions.pooled,
        negative_prompt_embeds=torch.zeros(2, 22, 16),
        negative_pooled_prompt_embeds=torch.zeros(2, 12),
        height=16, width=24, latents=noise, num_inference_steps=8, output_type="pt",
        guidance_scale=guidance_scale, guidance_rescale=guidance_rescale,
    ).images  # fmt: skip
    images = render(
        renderer, conditions, seeds=[5, 6], steps=8,
        guidance_scale=guidance_scale, guidance_rescale=guidance_rescale,
    )  # fmt: skip
    assert expected.std() > 0.01
    torch.testing.assert_close(images, expected, atol=1e-4, rtol=0)


def test_rendering_counts_its_steps_and_hands_over_images_with_the_last(tiny_renderer):
    steps = list(tiny_renderer.render(conditions_of(2), seeds=[1, 2], steps=5))
    assert [(step.index, step.total) for step in steps] == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]
    assert [step.images is None for step in steps] == [True, True, True, True, False]
    assert all(step.estimate.shape == (2, 4, 8, 12) for step in steps)
    assert steps[-1].images.shape == (2, 3, 16, 24)
    assert not steps[-1].images.requires_grad


@pytest.mark.parametrize("kind", [EPSILON, ZERO_SNR_V])
def test_the_last_estimate_is_the_image_and_all_are_the_solvers_own(
    make_renderer, tiny_config, monkeypatch, kind
):
    renderer, solvers = make_renderer(dataclasses.replace(tiny_config, **kind)), []
    make_solver = renderer.schedule.solver
    monkeypatch.setattr(renderer.schedule, "solver", lambda *a: solvers.append(make_solver(*a)) or solvers[0])
    for step in renderer.render(conditions_of(1), seeds=[1], steps=5):
        torch.testing.assert_close(step.estimate, solvers[0].model_outputs[-1], atol=2e-3, rtol=1e-3)
    torch.testing.assert_close(step.images, renderer.vae.decode(step.estimate), atol=1e-3, rtol=0)


def test_the_same_seeds_give_the_same_images_and_other_seeds_others(tiny_renderer):
    conditions = conditions_of(2)
    seeds = ([1, 2], [1, 2], [1, 3])
    first, again, other = (render(tiny_renderer, conditions, seeds=pair) for pair in seeds)
    assert torch.equal(first, again)
    torch.testing.assert_close(first[0], other[0], atol=1e-5, rtol=0)
    assert (first[1] - other[1]).abs().max() > 1e-3


def test_a_keyframe_looks_the_same_alone_and_in_any_company(tiny_renderer):
    parts = [conditions_of(1, seed=row) for row in range(3)]
    together = render(tiny_renderer, joined(parts), seeds=[7, 8, 9])
    swapped = render(tiny_renderer, joined(parts[::-1]), seeds=[9, 8, 7])
    torch.testing.assert_close(swapped.flip(0), together, atol=1e-5, rtol=0)
    for row, part in enumerate(parts):
        alone = render(tiny_renderer, part, seeds=[7 + row])
        torch.testing.assert_close(alone[0], together[row], atol=1e-5, rtol=0)


def test_rendering_leaves_the_global_random_numbers_alone(tiny_renderer):
    torch.manual_seed(4)
    expected = torch.rand(3)
    torch.manual_seed(4)
    render(tiny_renderer, conditions_of(1), seeds=[1])
    assert torch.equal(torch.rand(3), expected)


def test_guidance_is_continuous_at_one_where_the_script_has_a_scale_of_its_own(make_renderer, tiny_config):
    renderer = make_renderer(dataclasses.replace(tiny_config, script_guidance=2.0))
    one, just_above = (
        render(renderer, conditions_of(1), seeds=[1], guidance_scale=scale) for scale in (1.0, 1.0 + 1e-6)
    )
    torch.testing.assert_close(one, just_above, atol=1e-4, rtol=0)
    plain = render(make_renderer(tiny_config), conditions_of(1), seeds=[1], guidance_scale=1.0)
    assert (one - plain).abs().max() > 1e-3


def test_guidance_one_asks_the_unet_for_the_conditional_branch_only(tiny_renderer, monkeypatch):
    batches, predict = [], tiny_renderer.predict
    monkeypatch.setattr(tiny_renderer, "predict", lambda *a: batches.append(a[2]) or predict(*a))
    conditions = conditions_of(2)
    render(tiny_renderer, conditions, seeds=[1, 2], guidance_scale=1.0, steps=1)
    assert torch.equal(batches[0].slots, conditions.slots)
    render(tiny_renderer, conditions, seeds=[1, 2], guidance_scale=3.0, steps=1)
    assert torch.equal(batches[1].slots, torch.cat([torch.zeros_like(conditions.slots), conditions.slots]))
    assert torch.equal(batches[1].pooled, torch.cat([torch.zeros_like(conditions.pooled), conditions.pooled]))


def test_guidance_toward_nothing_said_is_no_guidance(tiny_renderer):
    nothing = conditions_of(1).unconditional()
    images = [render(tiny_renderer, nothing, seeds=[1], guidance_scale=scale) for scale in (1.0, 8.0)]
    torch.testing.assert_close(images[0], images[1], atol=1e-5, rtol=0)


@pytest.mark.parametrize(("kind", "default"), [(EPSILON, 0.0), (ZERO_SNR_V, 0.7)])
def test_contrast_is_pulled_back_by_default_with_zero_terminal_snr_only(
    make_renderer, tiny_config, kind, default
):
    renderer = make_renderer(dataclasses.replace(tiny_config, **kind))
    options = {"seeds": [1], "guidance_scale": 6.0}
    images = render(renderer, conditions_of(1), **options)
    assert torch.equal(images, render(renderer, conditions_of(1), **options, guidance_rescale=default))
    assert not torch.equal(images, render(renderer, conditions_of(1), **options, guidance_rescale=0.35))


@pytest.mark.parametrize("rescale", [0.0, 0.7, 1.0])
def test_guidance_equals_the_librarys(rescale):
    unconditional, conditional = torch.randn(3, 4, 8, 12), 2 * torch.randn(3, 4, 8, 12)
    answer = unconditional + 5 * (conditional - unconditional)
    expected = rescale_noise_cfg(answer, conditional, guidance_rescale=rescale)
    torch.testing.assert_close(guided(unconditional, conditional, scale=5.0, rescale=rescale), expected)


def test_the_script_is_guided_to_on_its_own_scale(make_renderer, tiny_config, monkeypatch):
    config = dataclasses.replace(tiny_config, script_guidance=4.0)
    renderer, conditions = make_renderer(config), conditions_of(2)
    alone = conditions.visual_alone(2)
    assert torch.equal(alone.slots[:, :2], conditions.slots[:, :2])
    assert not alone.slots[:, 2:].any()
    assert torch.equal(alone.pooled, conditions.pooled)
    latents, timestep = torch.randn(2, 4, 8, 12), torch.tensor(700)
    with torch.no_grad():
        nothing, visual, whole = (  # one branch at a time, where the renderer takes one batch of three
            renderer.predict(latents, timestep.expand(2), part)
            for part in (conditions.unconditional(), alone, conditions)
        )
        found = renderer._guided_prediction(latents, timestep, conditions, scale=2.0, rescale=0.0)
    expected = nothing + 2.0 * (visual - nothing) + 8.0 * (whole - visual)
    assert (expected - (nothing + 2.0 * (whole - nothing))).abs().max() > 1e-3
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    weighted = guided(nothing, whole, scale=2.0, rescale=0.7, visual=visual, script_scale=8.0)
    torch.testing.assert_close(
        weighted, 0.3 * expected + 0.7 * rescale_noise_cfg(expected, whole, guidance_rescale=1.0)
    )


def test_equal_scales_are_plain_guidance(make_renderer, tiny_config):
    nothing, visual, whole = torch.randn(3, 2, 4, 8, 12)
    plain = guided(nothing, whole, scale=3.0, rescale=0.7)
    torch.testing.assert_close(
        guided(nothing, whole, scale=3.0, rescale=0.7, visual=visual, script_scale=3.0), plain
    )


def test_an_unguided_constant_prediction_stays_finite():
    """An untrained model that answers zero everywhere has no contrast to match."""
    zeros = torch.zeros(1, 4, 2, 2)
    assert torch.equal(guided(zeros, zeros, scale=3.0, rescale=0.0), zeros)


@pytest.mark.parametrize("size", [(8, 8), (32, 24), (18, 22), (6, 40)])
def test_other_sizes_than_the_configured_one_render_and_the_unet_is_told(tiny_renderer, monkeypatch, size):
    seen, predict = [], tiny_renderer.predict
    monkeypatch.setattr(tiny_renderer, "predict", lambda *a: seen.append(a[2].time_ids) or predict(*a))
    images = render(tiny_renderer, conditions_of(1), seeds=[1], size=size)
    assert images.shape == (1, 3, *size)
    assert seen[0].tolist() == [[*size, 0, 0, *size]] * 2


def test_initial_noise_is_standard_normal_and_belongs_to_its_seed(tiny_renderer):
    noise = tiny_renderer.initial_noise(2, [3, 4], (200, 200))
    assert noise.shape == (2, 4, 100, 100)
    assert torch.equal(noise[1], torch.randn(4, 100, 100, generator=seeded(4)))
    assert abs(noise.std().item() - 1) < 0.01


def test_another_number_of_seeds_than_keyframes_is_refused(tiny_renderer):
    with pytest.raises(ValueError, match="2 keyframes for 1 seeds; give one seed for each"):
        next(tiny_renderer.render(conditions_of(2), seeds=[1]))


def test_a_size_the_vae_cannot_make_is_refused(tiny_renderer):
    with pytest.raises(ValueError, match="image width is 23 px, the VAE needs a multiple of 2"):
        next(tiny_renderer.render(conditions_of(1), seeds=[1], size=(16, 23)))


def test_the_image_has_the_tensors_pixels_rounded_and_clipped():
    frame = torch.zeros(3, 2, 3)
    frame[:, 1, 2] = torch.tensor([1.5, 0.5, -1.0])
    frame[:, 0, 1] = torch.tensor([0.2 / 255, 0.6 / 255, 254.4 / 255])
    image = to_image(frame)
    assert (image.mode, image.size) == ("RGB", (3, 2))
    pixels = np.asarray(image)
    assert pixels[1, 2].tolist() == [255, 128, 0]
    assert pixels[0, 1].tolist() == [0, 1, 254]


def test_the_miniature_parts_fit_each_other():
    config = miniature()
    vae = build_vae(config.autoencoder)
    size = config.renderer.image_height, config.renderer.image_width
    latents = vae.encode(torch.rand(1, 3, *size))
    down = config.autoencoder.downsampling
    assert latents.shape == (1, config.renderer.latent_channels, size[0] // down, size[1] // down)
    assert vae.decode(latents).shape == (1, 3, *size)
