"""Conditioning: visual tokens, sentences and faces -> what the renderer's U-Net attends to.

B keyframes, V visual tokens, D slot channels, S slots (V visual ++ N description ++ C face), E text channels,
F face channels, P pooled channels. Source: MovieDreamer, section 3.5 (ID-preserving rendering); the pooled
vector and the time ids as in SDXL (Podell et al., section 2.2).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from moviedreamer_core.autoencoder.coarse_decoder import CoarseDecoder
from moviedreamer_core.config import RendererConfig
from moviedreamer_core.encoders.encoded import EncodedKeyframe

VISUAL, DESCRIPTIONS, FACES = "visual", "descriptions", "faces"
EVERYTHING = frozenset({VISUAL, DESCRIPTIONS, FACES})


@dataclass(frozen=True, kw_only=True)
class RenderConditions:
    """Everything a batch of keyframes is rendered from.

    `slots` go into every cross-attention layer; `pooled` and `time_ids` (original height and width, crop top
    and left, target height and width, in px) into the time embedding; `coarse`, if there is a coarse decoder, beside
    the noisy latents.
    """

    slots: Float[Tensor, "B S D"]
    pooled: Float[Tensor, "B P"]
    time_ids: Float[Tensor, "B 6"]
    coarse: Float[Tensor, "B L h w"] | None = None

    def __len__(self) -> int:
        return self.slots.shape[0]

    def unconditional(self) -> RenderConditions:
        """The same frames with nothing said about them: the other branch of classifier-free guidance."""
        coarse = None if self.coarse is None else torch.zeros_like(self.coarse)
        return replace(
            self, slots=torch.zeros_like(self.slots), pooled=torch.zeros_like(self.pooled), coarse=coarse
        )

    def visual_alone(self, num_visual_slots: int) -> RenderConditions:
        """The same frames with nothing said about them but their visual tokens."""
        slots = self.slots.clone()
        slots[:, num_visual_slots:] = 0
        return replace(self, slots=slots)

    def resized(self, size: tuple[int, int]) -> RenderConditions:
        """The same conditions for uncropped frames of `size` (height, width) in px."""
        return replace(self, time_ids=_time_ids(self.slots, size))

    def beside(self, noisy: Float[Tensor, "B L h w"]) -> Float[Tensor, "B both h w"]:
        """The noisy latents with the coarse ones, if there are any, at the same size."""
        if self.coarse is None:
            return noisy
        coarse = self.coarse
        if coarse.shape[-2:] != noisy.shape[-2:]:
            coarse = F.interpolate(
                coarse.float(), noisy.shape[-2:], mode="bilinear", antialias=True, align_corners=False
            )
        return torch.cat([noisy, coarse.to(noisy)], dim=1)


def joined(parts: Sequence[RenderConditions]) -> RenderConditions:
    """One batch of several."""
    coarse = [part.coarse for part in parts if part.coarse is not None]
    return RenderConditions(
        slots=torch.cat([part.slots for part in parts]),
        pooled=torch.cat([part.pooled for part in parts]),
        time_ids=torch.cat([part.time_ids for part in parts]),
        coarse=torch.cat(coarse) if coarse else None,
    )


class ScriptSlots(NamedTuple):
    """The scripts of a batch as padded tensors; rows that are not given hold zeros."""

    descriptions: Float[Tensor, "B N E"]
    description_given: Bool[Tensor, "B N"]
    faces: Float[Tensor, "B C F"]
    face_given: Bool[Tensor, "B C"]


class Conditioning(nn.Module):
    """Two 2-layer GELU MLPs (text -> D, face -> D), the pooled linear (V D -> P), and an embedding per slot.

    Cross-attention does not see the order of its slots, so nothing in the paper's description tells the first
    person's face from the second's. The slot embedding (ours, zero at first) does.
    """

    def __init__(self, config: RendererConfig) -> None:
        super().__init__()
        channels = config.cross_attention_channels
        self.config = config
        self.text_mlp = _mlp(config.text_channels, channels)
        self.face_mlp = _mlp(config.face_channels, channels)
        self.pooled_linear = nn.Linear(config.num_visual_slots * channels, config.pooled_channels)
        self.slot_embedding = nn.Parameter(torch.zeros(config.num_slots, channels))
        self.coarse_decoder = CoarseDecoder(config) if config.coarse_grid else None

    def forward(
        self,
        visual: Float[Tensor, "B V D"],
        descriptions: Float[Tensor, "B N E"],
        description_given: Bool[Tensor, "B N"],
        faces: Float[Tensor, "B C F"],
        face_given: Bool[Tensor, "B C"],
        *,
        slot_mask: bool = False,
        generator: torch.Generator | None = None,
        drop: Bool[Tensor, " B"] | None = None,
        no_visual: Bool[Tensor, " B"] | None = None,
        use: Collection[str] = EVERYTHING,
        size: tuple[int, int] | None = None,
    ) -> RenderConditions:
        """Conditions of a batch; slots that are not given, not used, masked or dropped are zero.

        `slot_mask` zeroes each slot with `slot_mask_probability` (training, section 3.5; needs `generator`);
        the pooled vector and the coarse latents keep both visual tokens. `drop` zeroes all slots AND these two of
        a keyframe: the unconditional branch of classifier-free guidance has to be trained somehow, and the
        paper does not say how. `no_visual` zeroes the visual tokens of a keyframe and what is made of
        them. `use` leaves whole kinds out (the ablation of figure 3); without the visual tokens pooled vector and
        coarse latents are zero too. `size` is (height, width) in px, by default the configured one.
        Raises ValueError for an unknown kind or a mask without generator.
        """
        if not EVERYTHING.issuperset(use):
            raise ValueError(f"use must be among {sorted(EVERYTHING)}, got {sorted(use)}; correct the names")
        kept = torch.cat(
            [
                torch.full(visual.shape[:2], VISUAL in use, device=visual.device),
                description_given if DESCRIPTIONS in use else torch.zeros_like(description_given),
                face_given if FACES in use else torch.zeros_like(face_given),
            ],
            dim=1,
        )  # (B, S)
        if slot_mask:
            kept = kept & self._unmasked(kept.shape, generator).to(kept.device)
        pooled_kept = torch.full(visual.shape[:1], VISUAL in use, device=visual.device)  # (B,)
        if drop is not None:
            kept, pooled_kept = kept & ~drop[:, None], pooled_kept & ~drop
        if no_visual is not None:
            kept[:, : visual.shape[1]] &= ~no_visual[:, None]
            pooled_kept = pooled_kept & ~no_visual
        slots = torch.cat([visual, self.text_mlp(descriptions), self.face_mlp(faces)], dim=1)  # (B, S, D)
        slots = slots + self.slot_embedding
        pooled = self.pooled_linear(visual.flatten(1))  # (B, P)
        coarse = None
        if self.coarse_decoder is not None:
            coarse = self.coarse_decoder(visual) * pooled_kept[:, None, None, None]
        return RenderConditions(
            slots=slots * kept[..., None],
            pooled=pooled * pooled_kept[:, None],
            time_ids=_time_ids(visual, size or (self.config.image_height, self.config.image_width)),
            coarse=coarse,
        )

    def pack(
        self,
        visual: Float[Tensor, "B V D"],
        keyframes: Sequence[EncodedKeyframe],
        *,
        use: Collection[str] = EVERYTHING,
        size: tuple[int, int] | None = None,
    ) -> RenderConditions:
        """Conditions of whole keyframes, nothing masked; see `forward` and `script_slots`.

        Raises ValueError unless there is one keyframe for each row of `visual`.
        """
        if len(keyframes) != visual.shape[0]:
            raise ValueError(
                f"{visual.shape[0]} rows of visual tokens for {len(keyframes)} keyframes; give each one row"
            )
        return self(visual, *self.script_slots(keyframes), use=use, size=size)

    def script_slots(self, keyframes: Sequence[EncodedKeyframe]) -> ScriptSlots:
        """The first 15 sentences in script order; the faces of the first 5 characters, each at its index."""
        config, weight = self.config, self.pooled_linear.weight
        num_sentences, num_faces = config.num_description_slots, config.num_face_slots
        batch = len(keyframes)
        descriptions = weight.new_zeros(batch, num_sentences, config.text_channels)
        description_given = weight.new_zeros(batch, num_sentences, dtype=torch.bool)
        faces = weight.new_zeros(batch, num_faces, config.face_channels)
        face_given = weight.new_zeros(batch, num_faces, dtype=torch.bool)
        for row, keyframe in enumerate(keyframes):
            sentences = keyframe.sentences[:num_sentences]
            descriptions[row, : len(sentences)] = sentences.to(descriptions)
            description_given[row, : len(sentences)] = True
            given = keyframe.face_given[:num_faces].to(face_given)
            faces[row, : len(given)] = keyframe.faces[:num_faces].to(faces) * given[:, None]
            face_given[row, : len(given)] = given
        return ScriptSlots(descriptions, description_given, faces, face_given)

    def _unmasked(self, shape: torch.Size, generator: torch.Generator | None) -> Bool[Tensor, "B S"]:
        if generator is None:
            raise ValueError("slot_mask needs a generator; pass one to make the mask repeatable")
        chance = torch.rand(shape, generator=generator, device=generator.device)
        return chance >= self.config.slot_mask_probability


def _mlp(in_channels: int, out_channels: int) -> nn.Sequential:
    hidden = out_channels
    return nn.Sequential(nn.Linear(in_channels, hidden), nn.GELU(), nn.Linear(hidden, out_channels))


def _time_ids(like: Tensor, size: tuple[int, int]) -> Float[Tensor, "B 6"]:
    """SDXL's micro-conditioning of uncropped frames, in the order of diffusers' pipeline."""
    original, crop_top_left, target = size, (0, 0), size
    # Never in half precision: bfloat16 has no 893.
    ids = torch.tensor((*original, *crop_top_left, *target), dtype=torch.float32, device=like.device)
    return ids.repeat(like.shape[0], 1)
