"""The VAE's decoder once more, against a discriminator; the encoder, and so every latent on disk, stays as it is.

Regression makes the median picture of a latent, which has no outlines where their place is uncertain. The game makes
one of the pictures that the latent may stand for. SDXL's own VAE was trained with such a term.
Source: Esser et al. 2021, section 3.1 (patch discriminator beside reconstruction); Lim & Ye 2017 (hinge losses);
Wang et al. 2018 (pix2pixHD), equation 4 (matching of the discriminator's features).

B images, H x W pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from moviedreamer_core.autoencoder.vae import ImageVAE
from moviedreamer_core.training.loop import Losses
from moviedreamer_core.training.vae import edges

ADVERSARIAL_WEIGHT = 0.1
MATCHING_WEIGHT = 2.0
GAME_FROM = 200  # steps, in which the decoder only gets used to noise
LATENT_NOISE = 0.15  # largest standard deviation; the renderer's latents are not exact
WIDTHS = (48, 96, 128)


class PatchDiscriminator(nn.Module):
    """Image -> one verdict for each of its overlapping patches, and the features on the way."""

    def __init__(self) -> None:
        super().__init__()
        first, second, third = WIDTHS
        self.layers = nn.ModuleList(
            [
                nn.Conv2d(12, first, 3, padding=1),
                nn.Sequential(nn.Conv2d(first, second, 4, stride=2, padding=1), nn.GroupNorm(8, second)),
                nn.Sequential(nn.Conv2d(second, third, 3, padding=1), nn.GroupNorm(8, third)),
            ]
        )
        self.verdict = nn.Conv2d(third, 1, 3, padding=1)

    def forward(self, images: Float[Tensor, "B 3 H W"]) -> tuple[Tensor, list[Tensor]]:
        hidden, features = F.pixel_unshuffle(2 * images - 1, 2), []
        for layer in self.layers:
            hidden = F.leaky_relu(layer(hidden), 0.2)
            features.append(hidden)
        return self.verdict(hidden), features


class DecoderGame(nn.Module):
    """Both players. One optimiser moves both: each player's losses see the other's weights detached."""

    def __init__(self, vae: ImageVAE) -> None:
        super().__init__()
        self.decoder, self.post_quant_conv = vae.kl.decoder, vae.kl.post_quant_conv
        self.discriminator = PatchDiscriminator()
        self._vae = [vae]  # in a list: its encoder is not ours to train or save

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> DecoderGame:
        """What `to(device)` and its like do to us, they do to the VAE's encoder too."""
        super()._apply(fn, recurse)
        self._vae[0]._apply(fn, recurse)
        return self

    def forward(self, images: Float[Tensor, "B 3 H W"], step: int) -> Losses:
        vae = self._vae[0]
        with torch.no_grad():
            latents = vae.encode(images).float()
        strength = LATENT_NOISE * torch.rand(len(latents), 1, 1, 1, device=latents.device)
        rebuilt = vae.decode(latents + strength * torch.randn_like(latents), clip=False).float()
        difference = rebuilt - images
        l1 = difference.abs().mean()
        rebuilding = l1 + 0.5 * edges(difference).mean()
        frozen: Mapping[str, Tensor] = {n: p.detach() for n, p in self.discriminator.named_parameters()}
        verdict, features = functional_call(self.discriminator, dict(frozen), (rebuilt,))
        real_verdict, real_features = self.discriminator(images)
        fake_verdict, _ = self.discriminator(rebuilt.detach())
        matching = torch.stack(
            [
                F.l1_loss(ours.float(), true.detach().float())
                for ours, true in zip(features, real_features, strict=True)
            ]
        ).mean()
        judging = 0.5 * (F.relu(1 - real_verdict.float()).mean() + F.relu(1 + fake_verdict.float()).mean())
        playing = float(step >= GAME_FROM)
        fooling = -verdict.float().mean()
        loss = rebuilding + playing * (ADVERSARIAL_WEIGHT * fooling + MATCHING_WEIGHT * matching) + judging
        psnr = -10 * torch.log10(difference.square().mean())
        return {
            "loss": loss, "l1": l1, "matching": matching, "fooling": fooling, "judging": judging, "psnr_db": psnr,
        }  # fmt: skip
