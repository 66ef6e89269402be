"""Planning: the scripts of a story's keyframes -> their visual tokens, keyframe by keyframe.

T positions, V visual tokens per keyframe, D token channels, H hidden channels, R few-shot references.

**What a keyframe sees.** Its context is the references and the latest keyframes, scripts and tokens, read
from position 0 as in training, where an episode never exceeds the window. While the story fits the window,
that is the whole story. When the next keyframe would not fit, the window slides: the oldest keyframes go
until at most two thirds of it are used, and what is left is read again from position 0. So each prediction is
that of a model which reads its context from scratch, at positions it was trained on. Keeping the old keys and
values instead (a rolling cache) would save that reading, but evicted keyframes would shine through in the
deeper layers, positions would outgrow training, and quality collapses once the first positions, on which
attention rests, are gone (Xiao et al., "Efficient Streaming Language Models with Attention Sinks", ICLR
2024). Sliding by a third at once makes the reading rare.

**Passes.** A keyframe costs V passes of the backbone (two, in the paper): one over [last token of the
previous keyframe ++ this script], or over the whole context when the window slides; then one over each token
but the last.

**Reproducibility.** A keyframe's tokens depend on its context, its seed and the temperature alone.
Floating-point sums depend on the shapes they are computed in, so keyframes whose tokens are given are read in
passes of the same shapes as when they were sampled, never batched: a keyframe re-rolled with its old seed is
bit-identical on the same machine with the same number of threads. Source: MovieDreamer, sections 3.3 and 3.4.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import PreTrainedTokenizerBase
from transformers.cache_utils import Cache, CacheLayerMixin

from moviedreamer_core.autoregressive.gaussian_mixture import sample
from moviedreamer_core.autoregressive.model import AutoregressiveModel
from moviedreamer_core.autoregressive.sequence import (
    SequenceInputs,
    identifier_ids,
    join,
    reference_inputs,
    script_inputs,
    visual_inputs,
)
from moviedreamer_core.encoders.encoded import EncodedKeyframe
from moviedreamer_core.errors import StoryError

USED_AFTER_SLIDING = Fraction(2, 3)  # of the window, at most


def plan(
    model: AutoregressiveModel,
    tokenizer: PreTrainedTokenizerBase,
    keyframes: Iterable[EncodedKeyframe],
    *,
    seeds: Sequence[int],
    temperature: float,
    references: Float[Tensor, "R V D"] | None = None,
    given: Mapping[int, Tensor] | None = None,
) -> Iterator[Float[Tensor, "V D"]]:
    """Yield the visual tokens of each keyframe, in order, in float32 on the model's device.

    `seeds` has one seed per keyframe. `given` maps the index of a keyframe (from 0) to tokens [V, D] that are
    already decided: they are yielded as they are, and their passes run only once a later keyframe needs them.
    To re-roll keyframe k and keep the earlier ones, give the tokens of those; likewise to keep the later
    ones.

    Raises ValueError for a model in training mode, for seeds that differ from the keyframes in number, or for
    given tokens or references of another shape; StoryError for a script that is longer than the window.
    """
    if model.training:
        raise ValueError("the model is in training mode, where it hides tokens at random; call model.eval()")
    given = _checked_given(given or {}, model, num_keyframes=len(seeds))
    identifiers = identifier_ids(tokenizer)
    context = _Context(model, references)
    number = 0
    for number, keyframe in enumerate(keyframes, start=1):
        if number > len(seeds):
            raise ValueError(f"keyframe {number} has no seed: got {len(seeds)} seeds; give one per keyframe")
        context.open_keyframe(script_inputs(keyframe, identifiers), number=number)
        if number - 1 in given:
            for token in given[number - 1]:
                context.add_token(token)
        else:
            generator = torch.Generator().manual_seed(seeds[number - 1])
            for _ in range(model.config.num_visual_tokens):
                context.add_token(context.next_token(temperature=temperature, generator=generator))
        yield context.tokens
    if number < len(seeds):
        raise ValueError(f"got {len(seeds)} seeds for {number} keyframes; give one per keyframe")


def _checked_given(
    given: Mapping[int, Tensor], model: AutoregressiveModel, *, num_keyframes: int
) -> dict[int, Tensor]:
    wanted = (model.config.num_visual_tokens, model.config.token_channels)
    for index, tokens in given.items():
        if not 0 <= index < num_keyframes:
            raise ValueError(f"given[{index}]: the story has {num_keyframes} keyframes, counted from 0")
        if tuple(tokens.shape) != wanted:
            raise ValueError(
                f"given[{index}]: tokens of shape {tuple(tokens.shape)}, the model takes {wanted}; "
                "plan the keyframe again with this model"
            )
    return {index: tokens.float().to(model.special.weight.device) for index, tokens in given.items()}


@dataclass(frozen=True, kw_only=True, eq=False)
class _Keyframe:
    script: SequenceInputs
    tokens: list[Tensor] = field(default_factory=list)  # (D) each; V of them once the keyframe is complete


class _Context:
    """The references and the keyframes of the window: what the cache holds of them, what is still unread."""

    def __init__(self, model: AutoregressiveModel, references: Tensor | None) -> None:
        self._model, self._config = model, model.config
        self._device = model.special.weight.device
        self._references: list[SequenceInputs] = []
        if references is not None and len(references):
            self._references.append(_checked_references(references, model).to(self._device))
        self._keyframes: deque[_Keyframe] = deque()  # the last one is open
        self._cache = window_cache(model)
        self._unread: list[SequenceInputs] = []  # one entry per pass

    @property
    def tokens(self) -> Float[Tensor, "V D"]:
        """The tokens of the open keyframe."""
        return torch.stack(self._keyframes[-1].tokens)

    def open_keyframe(self, script: SequenceInputs, *, number: int) -> None:
        """Begin keyframe `number`; the oldest ones leave the window if it does not fit."""
        script = script.to(self._device)
        if self._keyframes and self._fits(script, share=Fraction(1)):
            self._unread.append(join([visual_inputs(self._keyframes[-1].tokens[-1][None]), script]))
        else:
            self._check_fits_alone(script, number=number)
            while self._keyframes and not self._fits(script, share=USED_AFTER_SLIDING):
                self._keyframes.popleft()
            seen = list(self._references)
            for old in self._keyframes:
                seen += [old.script, visual_inputs(torch.stack(old.tokens))]
            self._cache.reset()
            self._unread = [join([*seen, script])]
        self._keyframes.append(_Keyframe(script=script))

    def add_token(self, token: Float[Tensor, " D"]) -> None:
        """Continue the open keyframe. Its last token is read together with the next keyframe's script."""
        tokens = self._keyframes[-1].tokens
        tokens.append(token)
        if len(tokens) < self._config.num_visual_tokens:
            self._unread.append(visual_inputs(token[None]))

    @torch.no_grad()
    def next_token(self, *, temperature: float, generator: torch.Generator) -> Float[Tensor, " D"]:
        """A sample of the open keyframe's next token, after reading everything before it."""
        for inputs in self._unread:
            hidden = self._read(inputs)  # (H)
        self._unread = []
        return sample(
            self._model.head(hidden), temperature=temperature, generator=generator, spread=self._config.spread
        )

    def _read(self, inputs: SequenceInputs) -> Float[Tensor, " H"]:
        """One pass of the backbone; the hidden state at its last position."""
        start = self._cache.get_seq_length()
        output = self._model.backbone(
            inputs_embeds=self._model.embed(inputs)[None],  # (1, T, H)
            position_ids=torch.arange(start, start + len(inputs), device=self._device)[None],
            past_key_values=self._cache,
        )
        hidden: Tensor = output.last_hidden_state[0, -1]
        return hidden

    def _fits(self, script: SequenceInputs, *, share: Fraction) -> bool:
        """Whether a further keyframe with that script stays within that share of the window."""
        config = self._config
        num_positions = sum(map(len, self._references)) + len(script) + config.num_visual_tokens
        num_positions += sum(len(old.script) + len(old.tokens) for old in self._keyframes)
        return len(self._keyframes) + 1 <= math.ceil(config.window_keyframes * share) and (
            num_positions <= math.ceil(config.window_positions * share)
        )

    def _check_fits_alone(self, script: SequenceInputs, *, number: int) -> None:
        taken = sum(map(len, self._references)) + self._config.num_visual_tokens
        room = self._config.window_positions - taken
        if len(script) > room:
            raise StoryError(
                f"keyframe {number}: its script takes {len(script)} positions, the planner has {room}; "
                "shorten its descriptions"
            )


def _checked_references(references: Tensor, model: AutoregressiveModel) -> SequenceInputs:
    wanted = (model.config.num_visual_tokens, model.config.token_channels)
    if tuple(references.shape[1:]) != wanted:
        raise ValueError(
            f"references: tokens of shape {tuple(references.shape[1:])}, the model takes {wanted}; "
            "encode the reference frames with the compressor of the same weights"
        )
    return reference_inputs(references)


class WindowLayer(CacheLayerMixin):
    """Keys and values of one layer, allocated once for the whole window; attention sees the filled part only.

    Unlike `transformers.StaticCache`, which hands out the whole allocation with a mask over the unused part:
    on a CPU that would cost every pass of a short story as much as one of a full window.
    """

    is_sliding = False

    keys: Tensor
    values: Tensor

    def __init__(self, shape: tuple[int, int, int, int], *, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__()
        self.keys = torch.empty(shape, dtype=dtype, device=device)  # (1, heads, positions, head channels)
        self.values = torch.empty_like(self.keys)
        self.num_filled = 0
        self.is_initialized = True

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Nothing to do: allocated when made."""

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        """Append the new positions; views of everything filled, without a copy."""
        end = self.num_filled + key_states.shape[-2]
        self.keys[:, :, self.num_filled : end] = key_states
        self.values[:, :, self.num_filled : end] = value_states
        self.num_filled = end
        return self.keys[:, :, :end], self.values[:, :, :end]

    def get_seq_length(self) -> int:
        return self.num_filled

    def get_max_length(self) -> int:
        return self.keys.shape[-2]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.num_filled + query_length, 0

    def reset(self) -> None:
        self.num_filled = 0


def window_cache(model: AutoregressiveModel) -> Cache:
    """An empty cache for `window_positions` positions of one story."""
    config, weight = model.config, model.special.weight
    head_channels = config.hidden_size // config.num_heads
    shape = (1, config.num_key_value_heads, config.window_positions, head_channels)
    layers = [WindowLayer(shape, dtype=weight.dtype, device=weight.device) for _ in range(config.num_layers)]
    return Cache(layers=layers)
