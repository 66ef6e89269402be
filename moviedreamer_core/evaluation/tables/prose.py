"""Ordinary English: sentences that no grammar made. Are their facts understood, and are they in the picture?

S sentences, E text channels. Understood: of all values of a fact, the one whose sentences (as the storyworld says them)
lie nearest to this sentence, by cosine of the text encoder's embeddings. Drawn: read in the only keyframe of a story
that has this sentence for its plot, and a cast of which nothing is known but names. Ours; the paper has no such table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import yaml
from jaxtyping import Float
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from moviedreamer_core.autoregressive.generation import plan
from moviedreamer_core.data.world_frames import frame_script
from moviedreamer_core.drawing import Shot, render_settings, render_shot
from moviedreamer_core.encoders.text import TextEncoder
from moviedreamer_core.errors import InputError
from moviedreamer_core.evaluation.facts_of_frames import FACTS
from moviedreamer_core.evaluation.readers import FrameReader
from moviedreamer_core.evaluation.tables.result import Estimate, Result, estimate, write_result
from moviedreamer_core.pictures import Pictures
from moviedreamer_core.preparation import Preparation, to_pixels
from moviedreamer_core.pretrained import Models
from moviedreamer_core.script import Story, parse_story
from moviedreamer_core.storyworld.episodes import sample_episode

SENTENCES = Path("tests/prose/sentences.yaml")
GRAMMAR_STORIES = 60
UNDERSTOOD, DRAWN, GOAL = "understood", "drawn", 0.80
NEVER_SAID = ("people",)  # the number of people follows from the cast, no sentence states it
OF_A_PERSON = ("action", "expression")


@dataclass(frozen=True, kw_only=True)
class ProseSentence:
    """`facts` maps names of FACTS to what a picture of the sentence should show; `cast` are who is in it."""

    text: str
    cast: tuple[str, ...]
    facts: Mapping[str, object]


def read_sentences(path: Path) -> list[ProseSentence]:
    """The sentences of a YAML file. Raises InputError, naming the file, unless each has known facts and a cast."""
    try:
        rows = yaml.safe_load(path.read_text(encoding="utf-8"))
        found = [ProseSentence(text=r["text"], cast=tuple(r["cast"]), facts=dict(r["facts"])) for r in rows]
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not a list of sentences with text, cast and facts ({error})") from error
    for sentence in found:
        for fact, value in sentence.facts.items():
            if value not in FACTS.get(fact, ()):
                raise InputError(f"{path}: {fact} cannot be {value!r}, in: {sentence.text}")
    return found


def run(
    models: Models,
    reader: FrameReader,
    folder: Path,
    *,
    sentences: Path = SENTENCES,
    grammar_stories: int = GRAMMAR_STORIES,
) -> Iterator[str]:
    """Understand and draw every sentence, write the result; yields lines of progress.

    Raises InputError, OutputError.
    """
    prose = read_sentences(sentences)
    known = meanings(models.text, num_stories=grammar_stories)
    found: dict[tuple[str, str], list[tuple[int, float]]] = {}
    preparation = Preparation(models)
    for number, sentence in enumerate(prose):
        right = [(UNDERSTOOD, fact, ok) for fact, ok in understood(models.text, known, sentence)]
        right += [(DRAWN, fact, ok) for fact, ok in drawn(models, preparation, reader, sentence)]
        for measure, fact, ok in right:
            for row in (fact, "all"):
                found.setdefault((row, measure), []).append((number, float(ok)))
        if (number + 1) % 8 == 0 or number + 1 == len(prose):
            yield f"prose: sentence {number + 1} of {len(prose)}"
    result = result_of(
        {key: estimate(values) for key, values in found.items()}, models, num_sentences=len(prose)
    )
    write_result(result, folder)
    yield f"prose: written to {folder}"


# --- understood --------------------------------------------------------------------------------------


@torch.no_grad()
def meanings(
    text: TextEncoder, *, num_stories: int = GRAMMAR_STORIES
) -> dict[str, dict[str, Float[Tensor, " E"]]]:
    """Fact -> value -> the mean embedding of training sentences that say this and nothing else of their kind.

    Of people, sentences about the first person count, as the only one of a keyframe is.
    """
    said: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for index in range(num_stories):
        episode = sample_episode("train", index)
        for keyframe in range(len(episode.scenes)):
            script = frame_script(episode, keyframe)
            for sentence, facts in zip(script.spoken, script.facts, strict=True):
                for slot, value in facts:
                    if not slot.startswith(("2.", "3.")):
                        said[slot.removeprefix("1.")][value].add(sentence)
    return {
        fact: {value: text.encode(sorted(some)).mean(dim=0) for value, some in by_value.items()}
        for fact, by_value in said.items()
    }


def understood(
    text: TextEncoder, known: Mapping[str, Mapping[str, Float[Tensor, " E"]]], sentence: ProseSentence
) -> Iterator[tuple[str, bool]]:
    """(fact, whether the nearest meaning is the true one) of each fact that sentences can state."""
    (embedding,) = text.encode([sentence.text], sentence.cast)
    for fact, value in sentence.facts.items():
        if fact not in NEVER_SAID:
            similar = {one: float(F.cosine_similarity(embedding, m, dim=0)) for one, m in known[fact].items()}
            yield fact, max(similar, key=similar.__getitem__) == value


# --- drawn -------------------------------------------------------------------------------------------


@torch.no_grad()
def drawn(
    models: Models, preparation: Preparation, reader: FrameReader, sentence: ProseSentence
) -> Iterator[tuple[str, bool]]:
    """(fact, whether the keyframe shows it); a person's facts only where one person is meant."""
    image = picture_of(models, preparation, sentence)
    read = dict(zip(FACTS, reader.read(to_pixels(image)[None])[0].tolist(), strict=True))
    for fact, value in sentence.facts.items():
        if fact not in OF_A_PERSON or len(sentence.cast) == 1:
            yield fact, FACTS[fact][read[fact]] == value


def picture_of(models: Models, preparation: Preparation, sentence: ProseSentence) -> Image.Image:
    """The keyframe of a story that is this one sentence."""
    prepared = preparation.prepare(story_of(sentence), Pictures(faces={}, references=()))
    (tokens,) = plan(
        models.planner, models.planner_tokenizer, prepared.keyframes, seeds=prepared.seeds, temperature=1.0
    )
    shot = Shot(seed=prepared.seeds[0], settings=render_settings(models.config))
    steps = render_shot(models, tokens, prepared.keyframes[0], shot)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            image: Image.Image = end.value
            return image


def story_of(sentence: ProseSentence) -> Story:
    """A story of one keyframe: the sentence, and the names of its cast."""
    return parse_story(
        {
            "title": "Prose",
            "characters": [{"name": name} for name in sentence.cast],
            "keyframes": [{"plot": sentence.text, "characters": [{"name": name} for name in sentence.cast]}],
        },
        source="prose",
    )


def result_of(figures: Mapping[tuple[str, str], Estimate], models: Models, *, num_sentences: int) -> Result:
    rows: Sequence[str] = ["all", *(fact for fact in FACTS if any(key[0] == fact for key in figures))]
    reached = figures["all", UNDERSTOOD].value >= GOAL and figures["all", DRAWN].value >= GOAL
    return Result(
        name="prose",
        title="Ordinary English",
        question=f"Are the facts of {num_sentences} sentences that a novelist might write understood and drawn?",
        paper="no such table.",
        columns=(UNDERSTOOD, DRAWN),
        rows={row: {m: figures[row, m] for m in (UNDERSTOOD, DRAWN) if (row, m) in figures} for row in rows},
        agrees=None,
        note=f"The goal is {GOAL:.2f} for both and is {'reached' if reached else 'not reached'}. The sentences are in "
        "`tests/prose/sentences.yaml`. Each is drawn as a story of its own, with a cast of names alone.",
        command="python -m moviedreamer_core evaluate --table prose",
        weights_hash=models.weights_hash,
    )
