"""Reader: one frame -> what it shows, as logits over the storyworld's facts.

A small residual network with one head per fact. Facts of the setting fill the frame and are read from averages
and maxima over it; facts of a person may sit in a few pixels, so each of these heads looks for itself where to
read (attention pooling: Ilse et al. 2018). Trained on true frames only; generated ones are judged by it.

B frames, H x W pixels, h x w positions of the fine map, C its channels, G glimpses of all person facts.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from moviedreamer_core.errors import WeightsError
from moviedreamer_core.evaluation.facts_of_frames import FACTS, PERSON, SETTING
from moviedreamer_core.weights_files import built, check_files, read_manifest, read_tensors, save_tensors

FOLDER, STEM = "readers", "model"
FOLD = 4  # squares of that many pixels become channels at once
WIDTHS = (56, 112, 176)  # at strides 4, 8 and 16
FINE_CHANNELS = 128
GLIMPSES = 2  # per fact of a person
STRIDE = FOLD * 4


class FrameReader(nn.Module):
    """Frames in [0, 1] -> logits of every fact of FACTS."""

    def __init__(self) -> None:
        super().__init__()
        low, middle, high = WIDTHS
        self.stem = _convolution(3 * FOLD**2, low)
        self.low = _Residual(low)
        self.middle = nn.Sequential(_convolution(low, middle, stride=2), _Residual(middle))
        self.high = nn.Sequential(_convolution(middle, high, stride=2), _Residual(high))
        self.fine = _convolution(middle + high, FINE_CHANNELS, kernel=1)
        self.where = nn.Conv2d(FINE_CHANNELS, len(PERSON) * GLIMPSES, 1)
        self.setting = nn.ModuleDict({name: nn.Linear(2 * high, len(SETTING[name])) for name in SETTING})
        person_channels = GLIMPSES * FINE_CHANNELS + high
        self.person = nn.ModuleDict({name: nn.Linear(person_channels, len(PERSON[name])) for name in PERSON})

    def forward(self, images: Float[Tensor, "B 3 H W"]) -> dict[str, Float[Tensor, "B classes"]]:
        """Raises ValueError unless height and width are multiples of 16."""
        if images.shape[-2] % STRIDE or images.shape[-1] % STRIDE:
            raise ValueError(
                f"frames are {images.shape[-1]} x {images.shape[-2]} px, the reader takes "
                f"multiples of {STRIDE}; resize them"
            )
        folded = F.pixel_unshuffle(2 * images - 1, FOLD).contiguous(memory_format=torch.channels_last)
        middle = self.middle(self.low(self.stem(folded)))
        high = self.high(middle)
        fine = self.fine(torch.cat([middle, F.interpolate(high, scale_factor=2.0)], dim=1))  # (B, C, h, w)
        average, maximum = high.mean(dim=(2, 3)), high.amax(dim=(2, 3))
        whole = torch.cat([average, maximum], dim=1)
        seen = self._glimpses(fine).chunk(len(PERSON), dim=1)  # of (B, GLIMPSES, C) each
        logits = {name: head(whole) for name, head in self.setting.items()}
        for glimpses, (name, head) in zip(seen, self.person.items(), strict=True):
            logits[name] = head(torch.cat([glimpses.flatten(1), maximum], dim=1))
        return logits

    def _glimpses(self, fine: Float[Tensor, "B C h w"]) -> Float[Tensor, "B G C"]:
        weights = self.where(fine).flatten(2).float().softmax(dim=-1)  # (B, G, h w)
        return weights.to(fine.dtype) @ fine.flatten(2).transpose(1, 2)

    @torch.no_grad()
    def read(self, images: Float[Tensor, "B 3 H W"]) -> Int[Tensor, "B facts"]:
        """The most likely class of every fact of FACTS, in order."""
        logits = self(images)
        return torch.stack([logits[name].argmax(dim=1) for name in FACTS], dim=1)


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels)
        self.second = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        )
        nn.init.zeros_(self.second[1].weight)  # type: ignore[arg-type]  # starts as the identity

    def forward(self, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C h w"]:
        return F.relu(x + self.second(self.first(x)))


def _convolution(in_channels: int, out_channels: int, *, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel, stride=stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )


def save_reader(reader: FrameReader, weights: Path) -> Path:
    """Write `readers/model.safetensors` into a weights folder, in float16; its manifest comes afterwards."""
    save_tensors(reader.state_dict(), weights / FOLDER, stem=STEM)
    return weights / FOLDER / f"{STEM}.safetensors"


def load_reader(weights: Path) -> FrameReader:
    """The reader of a weights folder, in float32. Raises WeightsError if it is missing or damaged."""
    name = f"{FOLDER}/{STEM}.safetensors"
    if not (weights / name).is_file():
        raise WeightsError(
            f"{name}: missing in {weights}; train the stage readers or fetch the weights again"
        )
    check_files(weights, read_manifest(weights), [name])
    return built(FrameReader, read_tensors(weights / name, name=name), name=name, dtype=torch.float32)
