"""Figures of a planner on told stories, from its visual tokens alone: nothing is rendered.

K keyframes of a story, S samples of a plan, V visual tokens of D channels per keyframe, N frames, P predictions.
Source of what is asked: MovieDreamer, tables 1 and 4; the figures on tokens stand in for those on pictures (ours).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from moviedreamer_core.autoregressive.gaussian_mixture import mixture_mean, mixture_nll
from moviedreamer_core.autoregressive.generation import plan
from moviedreamer_core.autoregressive.sequence import collate, identifier_ids, training_inputs
from moviedreamer_core.evaluation.facts_of_frames import FACTS, HIDDEN, labels_of
from moviedreamer_core.evaluation.frame_metrics import short_term_similarities
from moviedreamer_core.evaluation.tables.length import by_distance, same_place
from moviedreamer_core.evaluation.tables.result import Estimate, estimate
from moviedreamer_core.evaluation.tables.told_stories import ToldStory, tokens_of
from moviedreamer_core.evaluation.tables.trained_variants import TrainedVariant, check_tokens
from moviedreamer_core.pretrained import Models
from moviedreamer_core.storyworld.episodes import sample_episode

ERROR, NLL = "squared error", "nll"  # after the true keyframes before
SIMILAR, FRECHET, DIVERSITY = "cosine to truth", "Frechet", "diversity"
SAME, OTHER, ST = "same place", "other places", "ST"
READ = ("place", "time", "hair_colour", "outfit_colour")
UNSAID = "unsaid outfit colour"
FACT_MEASURES = tuple(fact.replace("_", " ") for fact in READ)
SAMPLES = 3  # of each story
READER_STORIES = 256
RIDGE = 0.1  # of a channel's variance, which is about 1; chosen on validation stories
EXPLAINED = (
    "squared error and nll (nats), per channel: each keyframe after the true ones before it. All else: of stories "
    "planned freely, "
    f"{SAMPLES} samples each. cosine to truth: of the visual tokens of a keyframe. Frechet: distance of a story's "
    "planned to its true tokens, per channel (the place of FID). same place, other places: cosine of two keyframes "
    "of a story, the same place, time and shot size against another. ST: cosine of consecutive keyframes that hold a "
    "character. diversity: root mean square difference of samples of the same keyframe, per channel. Colours, place, "
    f"time: read from the tokens by ridge regression on the true tokens of {READER_STORIES} training stories; people "
    "in keyframes of one person; an unsaid outfit is one that no sentence names."
)

Figures = Mapping[str, Estimate]


# --- a linear reader ---------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class TokenReader:
    """Names facts of a frame from its visual tokens: the largest of one linear regression per value."""

    weights: Mapping[str, Float[Tensor, "VD1 values"]]  # fact -> weights, the last row is the constant

    def read(self, tokens: Float[Tensor, "N V D"]) -> dict[str, Int[np.ndarray, " N"]]:
        rows = _with_constant(tokens)
        return {fact: (rows @ weight).argmax(dim=1).numpy() for fact, weight in self.weights.items()}


def fit_reader(tokens: Float[Tensor, "N V D"], facts: Int[np.ndarray, "N facts"]) -> TokenReader:
    """Closed-form ridge regression of one-hot values, from the frames in which the fact shows; all but the constant
    is held small."""
    rows, weights = _with_constant(tokens), {}
    for fact in READ:
        known = torch.from_numpy(facts[:, list(FACTS).index(fact)]).long()
        x = rows[known != HIDDEN]  # (n, VD + 1)
        y = torch.nn.functional.one_hot(known[known != HIDDEN], len(FACTS[fact])).double()  # (n, values)
        penalty = torch.full((x.shape[1],), RIDGE * max(1, len(x)), dtype=torch.double)
        penalty[-1] = 1e-9
        weights[fact] = torch.linalg.solve(x.T @ x + penalty.diag(), x.T @ y)
    return TokenReader(weights)


@torch.no_grad()
def reader_for(
    models: Models, variants: Mapping[str, TrainedVariant], *, stories: int = READER_STORIES
) -> TokenReader:
    """A reader of the true tokens of the first training stories.

    Raises WeightsError if the variants were trained on other tokens than these.
    """
    length = next(iter(variants.values())).budget.num_keyframes
    episodes = [sample_episode("train", number, num_keyframes=length) for number in range(stories)]
    tokens = [tokens_of(models, episode) for episode in episodes]
    check_tokens(variants, tokens[0])
    facts = np.array([labels_of(scene) for episode in episodes for scene in episode.scenes])
    return fit_reader(torch.cat(tokens), facts)


def _with_constant(tokens: Float[Tensor, "N V D"]) -> Float[Tensor, "N VD1"]:
    flat = tokens.flatten(1).double()
    return torch.cat([flat, flat.new_ones(len(flat), 1)], dim=1)


# --- of one story ------------------------------------------------------------------------------------

Measured = Iterator[tuple[str, float]]


def teacher_forced(
    variant: TrainedVariant, tokenizer: PreTrainedTokenizerBase, story: ToldStory, *, few_shot: bool = False
) -> Measured:
    """ERROR and NLL of the true tokens, each after the true ones before; NLL of a trained mixture only."""
    inputs = training_inputs(
        story.keyframes, story.tokens, identifier_ids(tokenizer), references=_references(story, few_shot)
    )
    with torch.no_grad():
        mixtures = variant.planner(collate([inputs]))
    yield ERROR, float((mixture_mean(mixtures) - inputs.targets).square().mean())
    if variant.sampled:
        yield NLL, float(mixture_nll(inputs.targets, mixtures).mean())


def planned(
    variant: TrainedVariant,
    tokenizer: PreTrainedTokenizerBase,
    story: ToldStory,
    *,
    few_shot: bool = False,
    samples: int,
) -> Float[Tensor, "S K V D"]:
    """The story's visual tokens planned freely, several times with other seeds."""
    plans = [
        plan(
            variant.planner, tokenizer, story.keyframes, seeds=[seed // 2 + sample for seed in story.seeds],
            temperature=variant.temperature, references=_references(story, few_shot),
        )
        for sample in range(samples)
    ]  # fmt: skip
    return torch.stack([torch.stack(list(one)) for one in plans])


def _references(story: ToldStory, few_shot: bool) -> Tensor | None:
    return story.references if few_shot and len(story.references) else None


def of_tokens(tokens: Float[Tensor, "K V D"], story: ToldStory, reader: TokenReader) -> Measured:
    """How a story's tokens agree with each other, and what is read from them: of planned or of true ones."""
    flat, scenes = tokens.flatten(1), story.episode.scenes
    same = same_place(scenes)
    places = np.array([f"{scene.place} {scene.layout_seed}" for scene in scenes])
    for measure, pairs in ((SAME, same), (OTHER, places[:, None] != places[None])):
        yield from ((measure, value) for value in by_distance(flat, pairs, [(1, len(scenes))]).values())
    for character in range(len(story.episode.cast)):
        present = [character in (f.character for f in scene.figures) for scene in scenes]
        yield from ((ST, value) for value in short_term_similarities(flat, present))
    for fact, read in reader.read(tokens).items():
        true = story.facts[:, list(FACTS).index(fact)]
        for k in np.flatnonzero(true != HIDDEN):
            right = float(read[k] == true[k])
            yield fact.replace("_", " "), right
            if fact == "outfit_colour" and not story.episode.said_outfit[scenes[k].figures[0].character]:
                yield UNSAID, right


def against_truth(tokens: Float[Tensor, "S K V D"], story: ToldStory) -> Measured:
    """How near several plans of a story are to its true tokens, and how far from each other."""
    true = story.tokens.flatten(1)  # (K, VD)
    for one in tokens.flatten(2):
        yield from ((SIMILAR, value) for value in torch.cosine_similarity(one, true, dim=-1).tolist())
        yield FRECHET, frechet(one, true)
    for one, other in combinations(tokens, 2):
        yield DIVERSITY, float((one - other).square().mean().sqrt())


def frechet(one: Float[Tensor, "K VD"], other: Float[Tensor, "L VD"]) -> float:
    """Distance of two sets of tokens, each as a Gaussian per channel; root mean square over channels.

    Source: Dowson & Landau 1982, for diagonal covariances.
    """
    moments = [
        torch.stack([tokens.double().mean(0), tokens.double().std(0, correction=0)])
        for tokens in (one, other)
    ]
    return float((moments[0] - moments[1]).square().sum(0).mean().sqrt())


# --- of many -----------------------------------------------------------------------------------------


def figures(
    variant: TrainedVariant,
    tokenizer: PreTrainedTokenizerBase,
    stories: Sequence[ToldStory],
    reader: TokenReader,
    *,
    few_shot: bool = False,
) -> dict[str, Estimate]:
    """Every measure of a planner, over the stories."""

    def measured(story: ToldStory) -> Measured:
        yield from teacher_forced(variant, tokenizer, story, few_shot=few_shot)
        plans = planned(variant, tokenizer, story, few_shot=few_shot, samples=SAMPLES)
        yield from against_truth(plans, story)
        for tokens in plans:
            yield from of_tokens(tokens, story, reader)

    return _estimates((story.number, one) for story in stories for one in measured(story))


def figures_of_truth(stories: Sequence[ToldStory], reader: TokenReader) -> dict[str, Estimate]:
    """The measures that the true tokens have: the most that a plan can hold."""
    return _estimates(
        (story.number, one) for story in stories for one in of_tokens(story.tokens, story, reader)
    )


def _estimates(measured: Iterator[tuple[int, tuple[str, float]]]) -> dict[str, Estimate]:
    found: dict[str, list[tuple[int, float]]] = {}
    for number, (measure, value) in measured:
        found.setdefault(measure, []).append((number, value))
    return {measure: estimate(values) for measure, values in found.items()}


def of_columns(rows: Mapping[str, Figures], columns: Sequence[str]) -> dict[str, Figures]:
    """The rows with what they have of `columns`, in that order."""
    return {
        row: {column: found[column] for column in columns if column in found} for row, found in rows.items()
    }


def unanimous(better: Sequence[bool]) -> bool | None:
    """What all of them say; None if they differ, or there is none."""
    return better[0] if len(set(better)) == 1 else None
