"""The stages of a miniature, in order. Each is a generator of lines to show, resumable, and skipped once finished."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from moviedreamer_core.autoencoder.compressor import Compressor
from moviedreamer_core.data.encoded_world import fingerprint_of, save_array
from moviedreamer_core.data.frame_emphasis import emphasis_of
from moviedreamer_core.data.frame_labels import boxes_of, labels_of
from moviedreamer_core.evaluation.readers import save_reader
from moviedreamer_core.pretrained import Models, save_models
from moviedreamer_core.training import (
    autoencoder,
    encoders,
    faces,
    likeness,
    modules,
    planner,
    principal_start,
    readers,
    vae,
    video,
)
from moviedreamer_core.training.loop import Progress, Schedule, has_weights, last_losses
from moviedreamer_core.training.whole_folder import replacing_folder
from moviedreamer_core.training.workshop import Effort, Workshop
from moviedreamer_core.weights_files import read_manifest

START_FRAMES = 6000  # that the compressor's principal components are taken from
EFFORTS = {
    "vae": Effort(steps=12000, batch=16, learning_rate=1.5e-3),
    "encoders": Effort(steps=2000, batch=32, learning_rate=1e-3),
    "faces": Effort(steps=500, batch=48, learning_rate=1e-3),
    "looks": Effort(steps=2500, batch=32, learning_rate=2e-3),
    "compressor": Effort(steps=1500, batch=64, learning_rate=3e-4),
    "autoencoder-1": Effort(steps=3500, batch=24, learning_rate=7e-4),
    "autoencoder-2": Effort(steps=300, batch=24, learning_rate=7e-4),
    "autoencoder-3": Effort(steps=8000, batch=24, learning_rate=7e-4),
    "planner": Effort(steps=2500, batch=6, learning_rate=6e-4),
    "video": Effort(steps=2000, batch=2, learning_rate=5e-4),
    "decoder": Effort(steps=3500, batch=16, learning_rate=4e-4),
    "readers": Effort(steps=3000, batch=32, learning_rate=2e-3),
}


def draw_data(shop: Workshop, effort: Effort | None = None) -> Iterator[str]:
    for done, total in shop.world.prepare():
        yield f"data: {done} of {total} episodes drawn"


def train_vae(shop: Workshop, effort: Effort) -> Iterator[str]:
    schedule = _schedule(effort, final=1e-5)
    batch_at = vae.batches(shop.world.frames, effort.batch, steps=effort.steps)
    yield from _show("vae", shop.run("vae", shop.vae, schedule, batch_at, vae.vae_losses))


def train_encoders(shop: Workshop, effort: Effort) -> Iterator[str]:
    batch_at = encoders.batches(shop.encoded, effort.batch)
    yield from _show(
        "encoders",
        shop.run(
            "encoders", modules.joint_encoders(shop), _schedule(effort), batch_at, encoders.encoder_losses
        ),
    )


def train_faces(shop: Workshop, effort: Effort) -> Iterator[str]:
    batch_at = faces.batches(shop.world, effort.batch)
    yield from _show(
        "faces",
        shop.run("faces", modules.identity_faces(shop), _schedule(effort), batch_at, faces.face_losses),
    )


def encode_data(shop: Workshop, effort: Effort | None = None) -> Iterator[str]:
    """Latents, spatial tokens, sentences and faces of the whole split: computed once, read by every later stage."""
    modules.load_encoders(shop)
    frames, captions, portraits = shop.world.frames, shop.captions, shop.world.portraits
    flat = portraits.reshape(-1, *portraits.shape[3:])

    def images(start: int, stop: int) -> Tensor:
        return vae.images_at(frames, np.arange(start, stop))

    def words(start: int, stop: int) -> Tensor:
        return torch.from_numpy(captions.token_ids[start:stop].astype(np.int64))

    def people(start: int, stop: int) -> Tensor:
        return vae.images_at(flat, np.arange(start, stop))

    jobs: list[tuple[str, nn.Module, int, Callable[[int, int], Tensor], Callable[[Tensor], Tensor]]] = [
        ("latents", shop.with_vae(), len(frames), images, shop.vae.encode),
        ("spatial", shop.vision, len(frames), images, shop.vision.spatial_tokens),
        ("sentences", shop.text, len(captions.texts), words, shop.text),
        ("portraits", shop.face, len(flat), people, shop.face),
    ]
    for name, model, rows, batch_of, apply in jobs:
        for done, total in shop.keep(name, model, rows, batch_of, apply):
            if done == total:
                yield f"encode: {total} rows of {name}"
    folder = shop.encoded.folder
    embedded = shop.encoded.load("portraits")
    save_array(folder / "faces.npy", embedded.reshape(*portraits.shape[:3], -1))


def note_the_truth(shop: Workshop, effort: Effort | None = None) -> Iterator[str]:
    """What the storyworld knows of every frame: its labels, and where its people are on the grid of the latents."""
    downsampling = shop.config.autoencoder.downsampling
    width, height = (px // downsampling for px in shop.frame_size)
    scenes = (s for index in range(shop.world.num_episodes) for s in shop.world.episode(index).scenes)
    truth = [(labels_of(s), boxes_of(s), emphasis_of(s, height=height, width=width)) for s in scenes]
    shop.encoded.folder.mkdir(parents=True, exist_ok=True)
    for name, rows, kind in zip(
        ("labels", "boxes", "emphasis"), zip(*truth), (np.int8, np.float16, np.float16), strict=True
    ):
        save_array(shop.encoded.folder / f"{name}.npy", np.stack([np.asarray(row, kind) for row in rows]))
    yield f"truth: labels of {len(truth)} frames"


def warm_up_compressor(shop: Workshop, effort: Effort) -> Iterator[str]:
    warm_up = modules.compressor_warm_up(shop)
    if "compressor" not in shop.begins_from and not has_weights(shop.folder / "compressor"):
        yield from _begin_compressor(shop, warm_up)
    batch_at = autoencoder.warm_up_batches(shop.encoded, effort.batch)
    yield from _show(
        "compressor",
        shop.run(
            "compressor", warm_up, _schedule(effort), batch_at, lambda module, batch, step: module(batch)
        ),
    )


def _begin_compressor(shop: Workshop, warm_up: autoencoder.CompressorWarmUp) -> Iterator[str]:
    """Start at the principal components of some frames, if there is room for them, and the sketch at what they tell."""
    vision = shop.config.vision
    rows, columns = (side // vision.patch_px for side in (vision.image_height, vision.image_width))
    if not principal_start.fits(warm_up.compressor, rows * columns):
        return
    spatial, latents = _some_frames(shop)
    principal_start.start_at_principal_components(
        warm_up.compressor, spatial, principal_start.by_patch(latents, rows, columns)
    )
    warm_up.sketch.fit(_compressed(warm_up.compressor, spatial), latents.flatten(1))
    yield f"compressor: begins at the principal components of {len(latents)} frames"


def _begin_coarse_decoder(shop: Workshop) -> Iterator[str]:
    """Fit it to the tokens of stage 0, unless it was trained on such already."""
    decoder, begun = shop.renderer.conditioning.coarse_decoder, shop.begins_from.keys()
    if decoder is None or has_weights(shop.folder / "autoencoder-1"):
        return
    if {"compressor", "renderer/conditioning"} <= begun:
        return
    spatial, latents = _some_frames(shop)
    latents = F.interpolate(latents, decoder.size, mode="bilinear", antialias=True)
    decoder.set_linear(
        *autoencoder.ridge_regression(_compressed(shop.compressor, spatial), latents.flatten(1))
    )
    yield f"autoencoder-1: coarse decoder fitted to {len(latents)} frames"


def _some_frames(shop: Workshop) -> tuple[Tensor, Tensor]:
    """Spatial tokens and latents of START_FRAMES frames, or of all."""
    count = min(START_FRAMES, shop.world.num_frames)
    frames = np.sort(np.random.default_rng(3).choice(shop.world.num_frames, count, replace=False))
    return shop.encoded.rows("spatial", frames), shop.encoded.rows("latents", frames)


@torch.no_grad()
def _compressed(compressor: Compressor, spatial: Float[Tensor, "N T C"]) -> Float[Tensor, "N VD"]:
    return torch.cat([compressor(chunk) for chunk in spatial.split(256)]).flatten(1)


def autoencoder_stage(number: int) -> Callable[[Workshop, Effort], Iterator[str]]:
    def train(shop: Workshop, effort: Effort) -> Iterator[str]:
        shop.with_vae()
        looks_reader = None
        if number == 3:
            yield from compress_data(shop)
            yield from foresee(shop)
            looks_reader = modules.looks_reader(shop)
            shop.require("looks", looks_reader)
        warm_up = modules.compressor_warm_up(shop)
        stages = modules.autoencoder_stages(shop, warm_up, number, looks_reader)
        if number == 1:
            shop.require("compressor", warm_up)
            yield from _begin_coarse_decoder(shop)
        else:
            shop.require(f"autoencoder-{number - 1}", stages)
        stages.requires_grad_(True)
        shop.compressor.requires_grad_(number < 3)
        batch_at = autoencoder.batches(shop.encoded, shop.config.renderer, effort.batch, stage=number)
        schedule = _schedule(effort, final=1e-5, cooldown=0.75 if number == 3 else 0.0)
        name = f"autoencoder-{number}"
        yield from _show(
            name, shop.run(name, stages, schedule, batch_at, lambda m, batch, step: m(batch, step))
        )

    return train


def compress_data(shop: Workshop, effort: Effort | None = None) -> Iterator[str]:
    """The visual tokens of every frame, by the compressor that the renderer was trained with."""
    spatial = shop.encoded.load("spatial")
    modules.load_compressor(shop)

    def rows(start: int, stop: int) -> Tensor:
        return torch.from_numpy(spatial[start:stop].astype(np.float32))

    for done, total in shop.keep("tokens", shop.compressor, len(spatial), rows, shop.compressor):
        if done == total:
            yield f"compress: {total} frames"


def train_looks_reader(shop: Workshop, effort: Effort) -> Iterator[str]:
    batch_at = likeness.batches(shop.encoded, effort.batch)
    schedule = _schedule(effort, cooldown=0.6)
    yield from _show(
        "looks", shop.run("looks", modules.looks_reader(shop), schedule, batch_at, likeness.reader_losses)
    )


def foresee(shop: Workshop, effort: Effort | None = None) -> Iterator[str]:
    """The visual tokens that the planner expects of every frame of the split, after the true ones before it."""
    modules.load_compressor(shop)
    shop.require("planner", modules.read_planner(shop))
    shop.planner.eval()  # as weights to begin from are not
    both = nn.ModuleList([shop.planner, shop.compressor])  # the tokens it reads are the compressor's

    def expected(picked: Tensor) -> Tensor:
        numbers = picked.tolist()
        return planner.foreseen(shop.planner, shop.encoded, shop.identifiers, numbers, seed=numbers[0])

    for done, total in shop.keep("planned", both, shop.world.num_episodes, torch.arange, expected):
        if done == total:
            yield f"foresee: {total} episodes"


def train_planner(shop: Workshop, effort: Effort) -> Iterator[str]:
    yield from compress_data(shop)
    batch_at = planner.batches(shop.encoded, shop.identifiers, effort.batch)
    schedule = _schedule(effort)
    module = modules.read_planner(shop)
    yield from _show("planner", shop.run("planner", module, schedule, batch_at, planner.planner_losses))


def draw_clips(shop: Workshop, effort: Effort | None = None) -> Iterator[str]:
    modules.load_encoders(shop)
    models = shop.with_vae().to(shop.device), shop.vision.to(shop.device)
    fingerprint = " ".join(fingerprint_of(model) for model in models)
    for done, total in shop.clips.prepare(
        shop.vae.encode, shop.vision.embed, fingerprint=fingerprint, device=shop.device
    ):
        if done % 100 == 0 or done == total:
            yield f"clips: {done} of {total}"


def train_video(shop: Workshop, effort: Effort) -> Iterator[str]:
    yield from draw_clips(shop)
    batch_at = video.batches(shop.clips, effort.batch)
    yield from _show("video", shop.run("video", shop.video, _schedule(effort), batch_at, video.losses))


def train_decoder(shop: Workshop, effort: Effort) -> Iterator[str]:
    vae_, batch_at = shop.with_vae(), vae.batches(shop.world.frames, effort.batch, steps=effort.steps)
    vae_.requires_grad_(True)
    yield from _show(
        "decoder",
        shop.run(
            "decoder", modules.decoder_game(vae_), _schedule(effort, final=1e-5), batch_at,
            lambda game, images, step: game(images, step),
        ),
    )  # fmt: skip


def export(
    shop: Workshop, effort: Effort | None = None, *, folder: Path = Path("weights/miniature")
) -> Iterator[str]:
    """Make `folder` the weights folder of the trained parts, with its manifest, in one step.

    What was in it is replaced as a whole, and only once everything new is written. Raises WeightsError for a part
    that was never trained, OutputError if the folder cannot be written.
    """
    models, reader = _trained(shop), readers.trained_reader(shop)
    metrics = _figures(shop)
    with replacing_folder(folder) as unfinished:
        save_reader(reader, unfinished)  # before the manifest, which lists it
        manifest = save_models(
            models,
            unfinished,
            command="python -m moviedreamer_core train miniature"
            + (f" --start {shop.start}" if shop.start else ""),
            commit=_commit(),
            metrics=metrics,
        )
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    yield f"export: {len(manifest.files)} files, {size / 1e6:.1f} MB in {folder}"


def _trained(shop: Workshop) -> Models:
    """Every part at the weights of the last stage that trained it."""
    modules.load_encoders(shop)
    vae_ = shop.with_vae()
    if has_weights(shop.folder / "decoder"):
        shop.require("decoder", modules.decoder_game(vae_))
    modules.load_compressor(shop)
    modules.bring_near_start(shop)
    shop.require("planner", modules.read_planner(shop))
    shop.require("video", shop.video)
    components = {
        "vision": shop.vision, "text": shop.text, "face": shop.face, "compressor": shop.compressor,
        "autoregressive": shop.planner, "autoencoder": shop.vae, "renderer/unet": shop.renderer.unet,
        "renderer/conditioning": shop.renderer.conditioning, "video/unet": shop.video,
    }  # fmt: skip
    return Models(config=shop.config, components=components, tokenizer=shop.identifiers)


def _figures(shop: Workshop) -> dict[str, Any]:
    """The last losses and number of steps of every run; of stages that were not run, what `start` says of them."""
    begun = dict(read_manifest(shop.start).metrics) if shop.start else {}
    return begun | {name: last for name in EFFORTS if (last := last_losses(shop.folder / name))}


def _commit() -> str:
    """The commit of this code, marked if files differ from it; "unknown" outside a checkout."""

    def git(*arguments: str) -> str:
        here = ["git", "-C", str(Path(__file__).parent), *arguments]
        return subprocess.run(here, capture_output=True, text=True, check=False).stdout.strip()

    commit = git("rev-parse", "HEAD") or "unknown"
    return commit + " with changes" if git("status", "--porcelain", "--", "..") else commit


def _schedule(effort: Effort, *, final: float = 1e-6, cooldown: float = 0.3) -> Schedule:
    return Schedule(
        steps=effort.steps, learning_rate=effort.learning_rate, final_learning_rate=final,
        warmup_steps=min(100, max(1, effort.steps // 10)), cooldown=cooldown, ema_decay=0.998,
    )  # fmt: skip


def _show(name: str, progress: Iterator[Progress]) -> Iterator[str]:
    for p in progress:
        losses = "  ".join(f"{key} {value:.4f}" for key, value in p.losses.items())
        yield f"{name}: step {p.step} of {p.steps}, {p.seconds_per_step:.2f} s/step  {losses}"


STAGES: dict[str, Callable[..., Iterator[str]]] = {
    "data": draw_data,
    "truth": note_the_truth,
    "vae": train_vae,
    "encoders": train_encoders,
    "faces": train_faces,
    "encode": encode_data,
    "compressor": warm_up_compressor,
    "autoencoder-1": autoencoder_stage(1),
    "autoencoder-2": autoencoder_stage(2),
    "compress": compress_data,
    "planner": train_planner,
    "foresee": foresee,
    "looks": train_looks_reader,
    "autoencoder-3": autoencoder_stage(3),
    "clips": draw_clips,
    "video": train_video,
    "decoder": train_decoder,
    "readers": readers.train_readers,
    "export": export,
}
