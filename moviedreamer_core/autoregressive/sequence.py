"""Encoded keyframes -> the positions that the language model reads, for planning and for training.

T positions, B episodes, K keyframes, V visual tokens per keyframe, D token channels, R few-shot references.
One keyframe is its script (identifiers, one position per face and per sentence) followed by its V visual
tokens; token 1 is predicted at [END_OF_FRAME], token v + 1 at token v. References come before the first
keyframe, each between [START_OF_FRAME] and [END_OF_FRAME]. Source: MovieDreamer, sections 3.3 and 3.4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import torch
from jaxtyping import Bool, Float, Int
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from moviedreamer_core.encoders.encoded import EncodedKeyframe
from moviedreamer_core.errors import WeightsError
from moviedreamer_core.script import (
    CHARACTERS,
    END_OF_FRAME,
    ITEM,
    MAX_REFERENCES,
    PLOTS,
    SCENE_ELEMENTS,
    START_OF_FRAME,
    ElementKind,
)

SPECIAL_IDS = {START_OF_FRAME: 0, END_OF_FRAME: 1}  # rows of the learned embedding, not of the tokenizer
UNKNOWN = "<unk>"


class PositionKind(IntEnum):
    """What stands at a position, hence what turns it into an input of the language model."""

    PADDING = 0
    IDENTIFIER = 1  # the language model's own embedding
    SPECIAL = 2  # [START_OF_FRAME] or [END_OF_FRAME]: a learned embedding
    SENTENCE = 3  # text embedding, then MLP
    FACE = 4  # face embedding, then MLP
    VISUAL = 5  # visual token, then MLP


_KIND_OF_ELEMENT = {ElementKind.SENTENCE: PositionKind.SENTENCE, ElementKind.FACE: PositionKind.FACE}


@dataclass(frozen=True, kw_only=True, eq=False)
class SequenceInputs:
    """A stretch of positions, of one episode (`*batch` empty) or of several padded to one length.

    `ids` is the vocabulary id of an IDENTIFIER, the row in `SPECIAL_IDS` of a SPECIAL, and 0 elsewhere.
    `rows` holds, for each of SENTENCE, FACE and VISUAL that occurs, the vectors of its positions in their
    order (episode by episode).
    """

    kinds: Int[Tensor, "*batch T"]
    ids: Int[Tensor, "*batch T"]
    rows: Mapping[PositionKind, Float[Tensor, "_ _"]]

    def __len__(self) -> int:
        return self.kinds.shape[-1]

    def to(self, device: torch.device | str) -> SequenceInputs:
        rows = {kind: vectors.to(device) for kind, vectors in self.rows.items()}
        return SequenceInputs(kinds=self.kinds.to(device), ids=self.ids.to(device), rows=rows)


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingInputs:
    """Teacher forcing over one episode (`*batch` empty), or over several once collated.

    `predicting` marks the V positions per keyframe whose hidden states predict a visual token; `targets` are
    these tokens, in the order of the positions (episode by episode).
    """

    inputs: SequenceInputs
    predicting: Bool[Tensor, "*batch T"]
    targets: Float[Tensor, "_ D"]

    def to(self, device: torch.device | str) -> TrainingInputs:
        return TrainingInputs(
            inputs=self.inputs.to(device),
            predicting=self.predicting.to(device),
            targets=self.targets.to(device),
        )


# --- identifiers -------------------------------------------------------------------------------------


def miniature_tokenizer() -> PreTrainedTokenizerFast:
    """The tokenizer of the miniature: one word per entry, just the words that identifiers consist of."""
    words = [word for text in (CHARACTERS, SCENE_ELEMENTS, PLOTS, ITEM) for word in text.split()]
    vocabulary = {word: index for index, word in enumerate([UNKNOWN, *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token=UNKNOWN)


def identifier_ids(tokenizer: PreTrainedTokenizerBase) -> dict[str, tuple[int, ...]]:
    """The vocabulary ids of every identifier, looked up once because there are four of them and they recur.

    Raises WeightsError if the tokenizer does not know one.
    """
    found: dict[str, tuple[int, ...]] = {}
    for text in (CHARACTERS, SCENE_ELEMENTS, PLOTS, ITEM):
        ids = tuple(tokenizer.encode(text, add_special_tokens=False))
        if not ids or tokenizer.unk_token_id in ids:
            raise WeightsError(
                f'tokenizer: the identifier "{text}" is not in its vocabulary (ids {list(ids)}); '
                "use the tokenizer that belongs to the planner's weights"
            )
        found[text] = ids
    return found


# --- stretches of positions --------------------------------------------------------------------------


def script_inputs(keyframe: EncodedKeyframe, identifiers: Mapping[str, tuple[int, ...]]) -> SequenceInputs:
    """The script of one keyframe from [START_OF_FRAME] to [END_OF_FRAME], without its visual tokens.

    Raises ValueError if the layout and the encoded rows do not fit each other.
    """
    kinds: list[int] = []
    ids: list[int] = []
    script = [element for element in keyframe.elements if element.kind is not ElementKind.VISUAL]
    for element in script:
        if element.kind is not ElementKind.IDENTIFIER:
            kinds.append(_KIND_OF_ELEMENT[element.kind])
            ids.append(0)
        elif element.text in SPECIAL_IDS:
            kinds.append(PositionKind.SPECIAL)
            ids.append(SPECIAL_IDS[element.text])
        else:
            kinds += [PositionKind.IDENTIFIER] * len(identifiers[element.text])
            ids += identifiers[element.text]
    if not script or script[-1].text != END_OF_FRAME:
        found = f'"{script[-1].text}"' if script else "nothing"
        raise ValueError(
            f"a keyframe's script ends with {END_OF_FRAME}, found {found}; take it from keyframe_elements"
        )
    given = {
        PositionKind.SENTENCE: keyframe.sentences,
        PositionKind.FACE: keyframe.faces[keyframe.face_given],
    }
    for kind, vectors in given.items():
        if kinds.count(kind) != len(vectors):
            raise ValueError(
                f"the layout has {kinds.count(kind)} {kind.name} positions for {len(vectors)} encoded rows; "
                "encode the keyframe that the layout describes"
            )
    return SequenceInputs(
        kinds=torch.tensor(kinds),
        ids=torch.tensor(ids),
        rows={kind: vectors for kind, vectors in given.items() if len(vectors)},
    )


def visual_inputs(tokens: Float[Tensor, "N D"]) -> SequenceInputs:
    """Visual tokens, one position each."""
    kinds = torch.full((len(tokens),), PositionKind.VISUAL, device=tokens.device)
    return SequenceInputs(kinds=kinds, ids=torch.zeros_like(kinds), rows={PositionKind.VISUAL: tokens})


def reference_inputs(references: Float[Tensor, "R V D"]) -> SequenceInputs:
    """Few-shot references: [START_OF_FRAME] <visual>* [END_OF_FRAME] each, without a script.

    Raises ValueError for no reference or more than `MAX_REFERENCES`.
    """
    if not 1 <= len(references) <= MAX_REFERENCES:
        raise ValueError(
            f"the planner takes 1 to {MAX_REFERENCES} references, got {len(references)}; choose or pass None"
        )
    num_tokens = references.shape[1]
    kinds = [PositionKind.SPECIAL, *[PositionKind.VISUAL] * num_tokens, PositionKind.SPECIAL]
    ids = [SPECIAL_IDS[START_OF_FRAME], *[0] * num_tokens, SPECIAL_IDS[END_OF_FRAME]]
    return SequenceInputs(
        kinds=torch.tensor(kinds * len(references), device=references.device),
        ids=torch.tensor(ids * len(references), device=references.device),
        rows={PositionKind.VISUAL: references.flatten(0, 1)},
    )


def join(parts: Sequence[SequenceInputs]) -> SequenceInputs:
    """One stretch from several that follow each other."""
    return SequenceInputs(
        kinds=torch.cat([part.kinds for part in parts]),
        ids=torch.cat([part.ids for part in parts]),
        rows=_joined_rows(parts),
    )


def _joined_rows(parts: Sequence[SequenceInputs]) -> dict[PositionKind, Tensor]:
    found = {kind: [part.rows[kind] for part in parts if kind in part.rows] for kind in PositionKind}
    return {kind: torch.cat(vectors) for kind, vectors in found.items() if vectors}


# --- training ----------------------------------------------------------------------------------------


def training_inputs(
    keyframes: Sequence[EncodedKeyframe],
    tokens: Float[Tensor, "K V D"],
    identifiers: Mapping[str, tuple[int, ...]],
    *,
    references: Float[Tensor, "R V D"] | None = None,
) -> TrainingInputs:
    """Teacher forcing over a whole episode: every script, every true visual token, one forward pass.

    An episode longer than the planner's window is for the caller to crop: planning never sees more either.
    Raises ValueError for an episode without keyframes, or if keyframes and tokens differ in number.
    """
    if not keyframes or len(keyframes) != len(tokens):
        raise ValueError(
            f"an episode needs visual tokens for each of its keyframes, "
            f"got {len(keyframes)} keyframes and the tokens of {len(tokens)}"
        )
    parts: list[SequenceInputs] = []
    predicting: list[bool] = []
    if references is not None:
        parts.append(reference_inputs(references))
        predicting += [False] * len(parts[0])
    num_tokens = tokens.shape[1]
    for keyframe, keyframe_tokens in zip(keyframes, tokens, strict=True):
        script = script_inputs(keyframe, identifiers)
        parts += [script, visual_inputs(keyframe_tokens)]
        predicting += [False] * (len(script) - 1) + [True] * num_tokens + [False]
    return TrainingInputs(
        inputs=join(parts), predicting=torch.tensor(predicting), targets=tokens.flatten(0, 1)
    )


def collate(episodes: Sequence[TrainingInputs]) -> TrainingInputs:
    """Episodes as one batch, padded at the end to the longest. Raises ValueError for none."""
    if not episodes:
        raise ValueError("a batch needs at least one episode, got none")

    def padded(rows: list[Tensor]) -> Tensor:
        return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)  # PADDING, id 0 and False are all zero

    parts = [episode.inputs for episode in episodes]
    return TrainingInputs(
        inputs=SequenceInputs(
            kinds=padded([part.kinds for part in parts]),  # (B, T)
            ids=padded([part.ids for part in parts]),  # (B, T)
            rows=_joined_rows(parts),
        ),
        predicting=padded([episode.predicting for episode in episodes]),  # (B, T)
        targets=torch.cat([episode.targets for episode in episodes]),
    )
