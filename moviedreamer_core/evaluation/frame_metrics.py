"""The paper's metrics of keyframes, on embeddings: CLIP score, CLIP-sim, ST, LT, aesthetic score, FD, IS.

They know nothing of the storyworld: `vision`, `text` and `face` embeddings of any CLIP serve, so that frames of
any generator can be scored. Tensors are on one device; values are plain numbers, and None where nothing counts.

K keyframes, E channels of the joint embedding, F channels of a face embedding, N images, C classes.
Source: MovieDreamer, table 1, whose columns these are.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.inception import InceptionScore

from moviedreamer_core.encoders.vision import VisionEncoder
from moviedreamer_core.weights_files import built, check_files, read_manifest, read_tensors

CLIP_SCALE = 100.0  # a CLIP score is a cosine in percent
NO_FACE = -1.0  # similarity of a frame in which no face was found: that of the opposite direction
AESTHETIC = "aesthetic/model.safetensors"  # in a weights folder that has the predictor
CLIP_TEMPERATURE = (
    100.0  # what CLIP multiplies cosines with before the softmax (Radford et al. 2021, section 2.3)
)
SHUFFLE_SEED = 0  # Inception scores over several splits depend on who is in which


# --- cosines -----------------------------------------------------------------------------------------


def clip_similarities(first: Float[Tensor, "K E"], second: Float[Tensor, "K E"]) -> Float[Tensor, " K"]:
    """CLIP-sim: the cosine of each pair of frames, such as a true frame and its reconstruction, in [-1, 1]."""
    return F.cosine_similarity(first.double(), second.double(), dim=-1)


def clip_scores(frames: Float[Tensor, "K E"], plots: Float[Tensor, "K E"]) -> Float[Tensor, " K"]:
    """The cosine of each frame with the text of its plot, x 100.

    Source: Hessel et al. 2021, equation 1, with the weight 100 that MovieDreamer's table 1 is on, and without
    the cut at 0, which would lift the mean of unrelated pairs.
    """
    return CLIP_SCALE * clip_similarities(frames, plots)


# --- consistency -------------------------------------------------------------------------------------


def short_term_similarities(frames: Float[Tensor, "K E"], present: Sequence[bool]) -> list[float]:
    """ST of one character, pair by pair: the cosines of keyframes t and t + 1 that both hold the character.

    `present[t]` tells whether keyframe t (in the story's order) holds the character. Empty without such a
    pair. The mean over all pairs of a story is its ST. Source: MovieDreamer, table 1.
    """
    if len(present) != len(frames):
        raise ValueError(f"{len(frames)} frames, but presence is said of {len(present)}")
    pairs = [t for t in range(len(frames) - 1) if present[t] and present[t + 1]]
    return clip_similarities(frames[pairs], frames[[t + 1 for t in pairs]]).tolist()


def long_term_consistency(generated: Sequence[bool], true: Sequence[bool]) -> float | None:
    """LT of one character: of the keyframes that should hold them, the share whose generated frame does.

    |generated and true| / |true|, in [0, 1]; None if the character is in no true frame.
    Source: MovieDreamer, table 1.
    """
    held = [found for found, meant in zip(generated, true, strict=True) if meant]
    return sum(held) / len(held) if held else None


def face_similarity(faces: Float[Tensor, "faces F"], portrait: Float[Tensor, " F"]) -> float:
    """The cosine of a character's embedding with the most similar of a frame's faces; NO_FACE without any."""
    if not len(faces):
        return NO_FACE
    return float(F.cosine_similarity(faces.double(), portrait[None].double(), dim=-1).max())


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """A character is in a frame if the face similarity is at least `value`.

    `balanced_accuracy` in [0.5, 1] is what that reached on the `num_pairs` of validation it was chosen on; None
    for one that a person gave.
    """

    value: float
    balanced_accuracy: float | None
    num_pairs: int

    def __call__(self, similarity: float) -> bool:
        return similarity >= self.value


def choose_threshold(similarities: Sequence[float], present: Sequence[bool]) -> Threshold:
    """The threshold of best balanced accuracy, (share of present found + share of absent not found) / 2.

    Candidates lie midway between neighbouring similarities; among equally good ones, where the gap is
    widest. To be given pairs of a character and a frame of validation episodes only, with the truth.
    Raises ValueError unless there are pairs of both kinds.
    """
    values, truth = np.asarray(similarities, dtype=float), np.asarray(present, dtype=bool)
    if values.shape != truth.shape or truth.all() or not truth.any():
        raise ValueError(
            "a threshold needs frames with the character and frames without, each with its truth"
        )
    levels = np.unique(values)  # ascending
    accuracies = [_balanced_accuracy(values >= level, truth) for level in levels]  # the first lets all pass
    below = np.concatenate([levels[:1] - 1, levels[:-1]])
    ranking = [(round(accuracy, 12), gap) for accuracy, gap in zip(accuracies, levels - below, strict=True)]
    best = max(range(1, len(levels)), key=ranking.__getitem__, default=0)
    return Threshold(
        value=float((levels[best] + below[best]) / 2),
        balanced_accuracy=float(accuracies[best]),
        num_pairs=len(values),
    )


def _balanced_accuracy(found: np.ndarray, truth: np.ndarray) -> float:
    return float((found[truth].mean() + (~found[~truth]).mean()) / 2)


# --- aesthetic score ---------------------------------------------------------------------------------


class AestheticPredictor(nn.Module):
    """LAION's first predictor in form: one linear layer on the CLIP embedding of unit length.

    Gives a mark on the scale of its training, 1 to 10 for the published one (of CLIP ViT-L/14).
    Source: LAION-AI/aesthetic-predictor (2022).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, channels))
        self.bias = nn.Parameter(torch.zeros(1))

    @torch.no_grad()
    def forward(self, frames: Float[Tensor, "K E"]) -> Float[Tensor, " K"]:
        """Embeddings of any length -> a mark per frame."""
        return F.linear(F.normalize(frames, dim=-1), self.weight, self.bias)[:, 0]


def load_aesthetic_predictor(weights: Path, *, channels: int) -> AestheticPredictor | None:
    """The predictor of a weights folder, for embeddings of `channels`; None if the folder has none.

    Its file has `weight` [1, E] and `bias` [1]. Raises WeightsError if it is damaged, of another size, or not
    what the manifest says.
    """
    if not (weights / AESTHETIC).is_file():
        return None
    check_files(weights, read_manifest(weights), [AESTHETIC])
    tensors = read_tensors(weights / AESTHETIC, name=AESTHETIC)
    return built(lambda: AestheticPredictor(channels), tensors, name=AESTHETIC, dtype=torch.float32)


# --- sets of images ----------------------------------------------------------------------------------


class VisionFeatures(nn.Module):
    """A CLIP image tower as the feature extractor of a Frechet distance: [N, 3, H, W] in [0, 1] -> [N, E]."""

    def __init__(self, vision: VisionEncoder) -> None:
        super().__init__()
        self.vision = vision
        self.num_features = vision.config.embed_dim  # torchmetrics asks for it

    @torch.no_grad()
    def forward(self, images: Float[Tensor, "N 3 H W"]) -> Float[Tensor, "N E"]:
        return self.vision.embed(images)


class ZeroShotClasses(nn.Module):
    """A CLIP image tower as the classifier of an Inception score: [N, 3, H, W] in [0, 1] -> logits [N, C].

    The classes are texts, such as the plots of a story. Source: Radford et al. 2021, section 3.1.2.
    """

    def __init__(self, vision: VisionEncoder, classes: Float[Tensor, "C E"]) -> None:
        super().__init__()
        self.vision = vision
        self.classes = F.normalize(classes, dim=-1)

    @torch.no_grad()
    def forward(self, images: Float[Tensor, "N 3 H W"]) -> Float[Tensor, "N C"]:
        return CLIP_TEMPERATURE * self.vision.embed(images) @ self.classes.T


@dataclass(frozen=True, kw_only=True)
class FrechetDistance:
    """`value` >= 0; with fewer images than `num_features` it is biased upward, so always show the numbers."""

    value: float
    num_true: int
    num_generated: int
    num_features: int


def frechet_distance(
    true: Iterable[Float[Tensor, "_ 3 H W"]],
    generated: Iterable[Float[Tensor, "_ 3 H W"]],
    extractor: nn.Module | int = 2048,
) -> FrechetDistance:
    """Between the Gaussians fitted to the features of both sets, given in batches of frames in [0, 1].

    `extractor` is a module like `VisionFeatures`, or the number of a layer of InceptionV3, whose weights
    torchmetrics then fetches through torch-fidelity (the FID of the paper). Raises ValueError for fewer than
    two images in a set. Source: Heusel et al. 2017; computed by torchmetrics.
    """
    metric = FrechetInceptionDistance(feature=extractor, normalize=True)
    counts = {True: 0, False: 0}
    for real, batches in ((True, true), (False, generated)):
        for images in batches:
            metric.update(images, real=real)
            counts[real] += len(images)
    if min(counts.values()) < 2:
        raise ValueError(f"a Frechet distance needs 2 images a set, got {counts[True]} and {counts[False]}")
    sums: Tensor = metric.metric_state["real_features_sum"]  # type: ignore[assignment]
    return FrechetDistance(
        value=max(0.0, float(metric.compute())),  # equal sets give rounding errors of either sign
        num_true=counts[True],
        num_generated=counts[False],
        num_features=len(sums),
    )


def inception_score(
    images: Iterable[Float[Tensor, "_ 3 H W"]],
    classifier: nn.Module | str = "logits_unbiased",
    *,
    splits: int = 1,
) -> float:
    """exp of the mean KL divergence of each image's classes from those of all, from 1 to the number of classes.

    `classifier` gives logits, as `ZeroShotClasses`; the default is InceptionV3, whose weights torchmetrics then
    fetches through torch-fidelity. Images come in batches, in [0, 1]; several `splits` are averaged, as is
    usual for tens of thousands of images. Raises ValueError for fewer images than splits.
    Source: Salimans et al. 2016; computed by torchmetrics.
    """
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore", UserWarning)  # of the memory for features; of one split's deviation
        torch.manual_seed(SHUFFLE_SEED)
        metric = InceptionScore(feature=classifier, splits=splits, normalize=isinstance(classifier, str))
        num_images = 0
        for batch in images:
            metric.update(batch)
            num_images += len(batch)
        if num_images < splits:
            raise ValueError(
                f"an Inception score over {splits} splits needs as many images, got {num_images}"
            )
        mean, _ = metric.compute()
    return float(mean)
