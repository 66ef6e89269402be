"""The modules that stages train, built around a workshop's components and filled with what earlier stages made."""

from __future__ import annotations

import torch

from moviedreamer_core.autoencoder.vae import ImageVAE
from moviedreamer_core.data.encoded_world import fingerprint_of
from moviedreamer_core.data.frame_labels import LABELS
from moviedreamer_core.training import autoencoder, decoder, encoders, faces, likeness, planner
from moviedreamer_core.training.loop import has_weights
from moviedreamer_core.training.workshop import Workshop, first_weights

TRAINED_SHARE = 0.75  # of a renderer that was trained on, against the one it began at


def load_encoders(shop: Workshop) -> None:
    shop.require("encoders", joint_encoders(shop))
    shop.require("faces", identity_faces(shop))


def load_compressor(shop: Workshop) -> None:
    """From the last stage that has weights of it: a stage that was killed before its first checkpoint has none."""
    for number in (3, 2, 1):
        if has_weights(shop.folder / f"autoencoder-{number}"):
            shop.require(f"autoencoder-{number}", autoencoder_stages(shop, compressor_warm_up(shop), number))
            return
    shop.require("compressor", compressor_warm_up(shop))


def joint_encoders(shop: Workshop) -> encoders.JointEncoders:
    text, vision, num_values = shop.text, shop.vision, [len(values) for values in shop.captions.values]
    with first_weights("encoders"):
        return encoders.JointEncoders(text, vision, num_values)


def identity_faces(shop: Workshop) -> faces.IdentityFaces:
    face = shop.face
    with first_weights("faces"):
        return faces.IdentityFaces(face)


def decoder_game(vae_: ImageVAE) -> decoder.DecoderGame:
    with first_weights("decoder"):
        return decoder.DecoderGame(vae_)


def compressor_warm_up(shop: Workshop) -> autoencoder.CompressorWarmUp:
    config, factor = shop.config.renderer, shop.config.autoencoder.downsampling
    latent_shape = (config.latent_channels, config.image_height // factor, config.image_width // factor)
    compressor, num_values = shop.compressor, [len(values) for values in LABELS.values()]
    with first_weights("warm-up"):
        return autoencoder.CompressorWarmUp(compressor, latent_shape, num_values)


def looks_reader(shop: Workshop) -> likeness.LooksReader:
    with first_weights("looks"):
        return likeness.LooksReader(shop.config.renderer.latent_channels)


def read_planner(shop: Workshop) -> planner.ReadPlanner:
    """With the coarse decoder as it is now: `load_compressor` brings the trained one."""
    autoregressive, coarse_decoder = shop.planner, shop.renderer.conditioning.coarse_decoder
    num_values = [len(values) for values in LABELS.values()]
    with first_weights("planner"):
        return planner.ReadPlanner(autoregressive, num_values, coarse_decoder=coarse_decoder)


def autoencoder_stages(
    shop: Workshop,
    warm_up: autoencoder.CompressorWarmUp,
    number: int,
    looks_reader: likeness.LooksReader | None = None,
) -> autoencoder.AutoencoderStages:
    return autoencoder.AutoencoderStages(
        shop.compressor, shop.renderer, warm_up.label_reader, number,
        num_values=warm_up.num_values, looks_reader=looks_reader,
    )  # fmt: skip


def bring_near_start(shop: Workshop) -> None:
    """Average a renderer that was trained on from `start` with the one it began at, if both read the same tokens.

    Further training for likeness costs some of the certainty about places; between both lie weights that have
    nearly all of either. Source: Wortsman et al., "Robust fine-tuning of zero-shot models" (CVPR 2022).
    """
    begun = shop.begins_from
    names = ("renderer/unet", "renderer/conditioning")
    if not has_weights(shop.folder / "autoencoder-3") or not {"compressor", *names} <= set(begun):
        return
    if fingerprint_of(shop.compressor) != fingerprint_of(begun["compressor"]):
        return
    for name, trained in zip(names, (shop.renderer.unet, shop.renderer.conditioning), strict=True):
        first = begun[name].state_dict()
        averaged = {
            key: torch.lerp(first[key].to(value), value, TRAINED_SHARE)
            for key, value in trained.state_dict().items()
        }
        trained.load_state_dict(averaged)
