"""Is a character in a frame? The most similar face of the frame against the character's portraits.

Faces are found by MTCNN, or by looking everywhere: MTCNN was trained on photographs and sees a seventh of the
storyworld's cartoon faces, so for those every square of a few sizes is embedded, and the best one counts. What is
similar enough is chosen on validation episodes, with the same search. On 35 true frames of five of them looking
everywhere reached a balanced accuracy of 0.84 (0.78 with a threshold chosen on the other four); letting the cast
compete for each square, or a cohort of strangers, gave nothing more. Crops at the true heads reached 0.92.

F channels of a face embedding, n faces or squares of a frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor
from torchvision.ops import roi_align

from moviedreamer_core.encoders.face import FaceEncoder
from moviedreamer_core.evaluation.frame_metrics import Threshold, choose_threshold, face_similarity
from moviedreamer_core.evaluation.protocol import portraits_of
from moviedreamer_core.pictures import Pictures
from moviedreamer_core.preparation import to_pixels
from moviedreamer_core.storyworld.drawing import draw_frame
from moviedreamer_core.storyworld.episodes import sample_episode

Search = Literal["everywhere", "detector"]

SIDES = (
    0.20,
    0.31,
    0.48,
    0.75,
)  # of the squares, as shares of the frame's height; a portrait's head fills half
STEP = 0.27  # from one square to the next, as a share of its side
SAMPLES = 2  # per pixel of a square and axis
SQUARES_AT_ONCE = 256
VALIDATION_EPISODES, VALIDATION_KEYFRAMES = 6, 8


class FaceSearch:
    """Embeds the faces of frames with a face encoder; see the module on the two ways to find them."""

    def __init__(self, face: FaceEncoder, search: Search = "everywhere") -> None:
        self.face = face
        self.search = search

    @torch.no_grad()
    def faces(self, image: Image.Image) -> Float[Tensor, "n F"]:
        """Embeddings of unit length of what may be a face; none if the detector finds none."""
        if self.search == "detector":
            found = [self.face.encode_crop(crop) for crop in self.face.crop_faces(image)]
            return torch.stack(found) if found else torch.zeros(0, self.face.config.embed_dim)
        height = 2 * self.face.config.image_px  # squares are then scaled by 2.5 at most
        width = max(1, round(image.width * height / image.height))
        pixels = to_pixels(image.resize((width, height), Image.Resampling.BICUBIC))
        pixels = pixels.to(next(self.face.parameters()).device)
        boxes = torch.tensor(squares(width, height), dtype=torch.float32, device=pixels.device)
        embedded = [self._embed(pixels, some) for some in boxes.split(SQUARES_AT_ONCE)]
        return torch.cat(embedded)

    def portraits(self, pictures: Pictures) -> dict[str, Float[Tensor, " F"]]:
        """The embedding of every cast member with portraits, by name."""
        return {
            name: self.face.encode_character([portrait.image for portrait in portraits])[0]
            for name, portraits in pictures.faces.items()
            if portraits
        }

    def similarities(
        self, frames: Iterable[Image.Image], portraits: Mapping[str, Float[Tensor, " F"]]
    ) -> dict[str, list[float]]:
        """Name -> the similarity of every frame's most similar face."""
        by_name: dict[str, list[float]] = {name: [] for name in portraits}
        for frame in frames:
            faces = self.faces(frame)
            for name, portrait in portraits.items():
                by_name[name].append(face_similarity(faces, portrait))
        return by_name

    def _embed(self, pixels: Float[Tensor, "3 H W"], boxes: Float[Tensor, "n 4"]) -> Float[Tensor, "n F"]:
        side = self.face.config.image_px
        crops = roi_align(pixels[None], [boxes], output_size=side, sampling_ratio=SAMPLES, aligned=True)
        embedded: Tensor = self.face(crops)
        return embedded


def squares(width: int, height: int) -> list[tuple[float, float, float, float]]:
    """(left, top, right, bottom) in pixels of every square to look at, all inside the frame."""
    boxes = []
    for share in SIDES:
        side = min(share * height, float(width))
        for top in _starts(height, side):
            boxes += [(left, top, left + side, top + side) for left in _starts(width, side)]
    return boxes


def _starts(length: int, side: float) -> list[float]:
    """Where squares begin along one axis: evenly, from edge to edge, at most STEP apart."""
    number = 1 + int(np.ceil((length - side) / (STEP * side)))
    starts: list[float] = np.linspace(0, length - side, number).tolist()
    return starts


def validation_threshold(
    search: FaceSearch, *, episodes: int = VALIDATION_EPISODES, keyframes: int = VALIDATION_KEYFRAMES
) -> Iterator[str | Threshold]:
    """Lines of progress, then the threshold that tells best who is in the true frames of validation episodes."""
    similarities: list[float] = []
    present: list[bool] = []
    for index in range(episodes):
        episode = sample_episode("validation", index, num_keyframes=keyframes)
        portraits = search.portraits(portraits_of(episode))
        by_name = search.similarities((draw_frame(scene) for scene in episode.scenes), portraits)
        for character, name in enumerate(episode.names):
            similarities += by_name[name]
            present += [character in (f.character for f in scene.figures) for scene in episode.scenes]
        yield f"threshold: validation episode {index + 1} of {episodes}"
    yield choose_threshold(similarities, present)
