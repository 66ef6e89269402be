"""Portrait -> identity embedding: an MTCNN crop, then an image tower (FaRL ViT-B/16 in the paper).

B crops, F channels of an embedding.
Sources: Zheng et al. 2022 (FaRL); MovieDreamer, section 3.3 (face tokens).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from moviedreamer_core.config import FaceEncoderConfig
from moviedreamer_core.encoders.face_crop import (
    FaceCrop,
    FaceDetector,
    Shares,
    crop_by_hand,
    crop_face,
    crop_faces,
)
from moviedreamer_core.encoders.image_tower import build_tower, prepared


class FaceEncoder(nn.Module):
    """`forward` for training on batches of crops, `encode_character` for portraits as people give them."""

    def __init__(self, config: FaceEncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.tower = build_tower(config, image_height=config.image_px, image_width=config.image_px)
        self._detector = FaceDetector()  # not a module: its weights belong to its package

    def forward(self, crops: Float[Tensor, "B 3 h w"]) -> Float[Tensor, "B F"]:
        """Crops in [0, 1] of any size -> embeddings of unit length."""
        return F.normalize(self.tower(prepared(crops, self.tower, self.config)), dim=-1)

    def crop_face(self, image: Image.Image) -> FaceCrop:
        """The square around the largest face; the image's centre, and `face_found` False, without."""
        return crop_face(image, self._detector)

    @torch.no_grad()
    def encode_character(
        self, images: Sequence[Image.Image], boxes: Sequence[Shares | None] | None = None
    ) -> tuple[Float[Tensor, " F"], tuple[FaceCrop, ...]]:
        """One embedding of unit length from all portraits of a character, and how each was cropped.

        `boxes` says where the face of each is, in fractions of the image; None leaves it to the detector.
        Raises ValueError if there is no portrait.
        """
        if not images:
            raise ValueError("a character without portraits has no face embedding; give at least one image")
        crops = tuple(
            self.crop_face(image) if box is None else crop_by_hand(image, box)
            for image, box in zip(images, boxes or [None] * len(images), strict=True)
        )
        # One crop at a time: its embedding must not depend on which other portraits share the batch.
        embeddings = [self.encode_crop(crop) for crop in crops]
        return F.normalize(torch.stack(embeddings).mean(dim=0), dim=-1), crops

    @torch.no_grad()
    def encode_crop(self, crop: FaceCrop) -> Float[Tensor, " F"]:
        """The embedding of one face, of unit length."""
        embedded: Tensor = self(_pixels(crop.image, size=(self.config.image_px, self.config.image_px)))
        return embedded[0]

    def crop_faces(self, image: Image.Image) -> tuple[FaceCrop, ...]:
        """The squares around all faces of `image`, the largest first; none without."""
        return crop_faces(image, self._detector)


def _pixels(image: Image.Image, *, size: tuple[int, int]) -> Float[Tensor, "1 3 h w"]:
    """RGB -> [0, 1], brought to `size` by Pillow, which does not alias however large a photo is."""
    resized = np.array(image.resize(size, Image.Resampling.BICUBIC), dtype=np.float32) / 255
    return torch.from_numpy(resized).permute(2, 0, 1)[None]
