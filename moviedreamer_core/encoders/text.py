"""Sentence -> one embedding: the text tower of LongCLIP, open_clip's TextTransformer with 248 positions.

B sentences, S positions, N sentences of a keyframe, E channels of an embedding.
Sources: CLIP, section 2.4; LongCLIP, section 3; MovieDreamer, section 3.3 (one token per sentence).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from open_clip.transformer import QuickGELU, TextTransformer
from torch import Tensor, nn
from torch.nn import functional as F

from moviedreamer_core.config import TextEncoderConfig
from moviedreamer_core.encoders.tokenizer import Tokenizer, padded
from moviedreamer_core.names import anonymise

MAX_CACHED_SENTENCES = 8192


class TextEncoder(nn.Module):
    """`forward` for training on batches of ids, `encode` for sentences."""

    def __init__(self, config: TextEncoderConfig, tokenizer: Tokenizer) -> None:
        """Raises ValueError if the tokenizer has more ids than the tower has rows."""
        super().__init__()
        if tokenizer.vocab_size > config.vocab_size:
            raise ValueError(
                f"the vocabulary has {tokenizer.vocab_size} entries, the text tower {config.vocab_size}; "
                "use the vocabulary that the tower was trained with"
            )
        self.config = config
        self.tokenizer = tokenizer
        self.tower = TextTransformer(
            context_length=config.context_length,
            vocab_size=config.vocab_size,
            width=config.width,
            heads=config.heads,
            layers=config.layers,
            output_dim=config.embed_dim,
            no_causal_mask=True,  # `forward` gives its own, as long as the sentences
            act_layer=QuickGELU if config.quick_gelu else nn.GELU,
        )
        self._cache: dict[str, Tensor] = {}
        self._cached_weights: tuple[object, ...] = ()

    def forward(self, token_ids: Int[Tensor, "B S"]) -> Float[Tensor, "B E"]:
        """Embeddings of unit length, read at each row's first end marker.

        What follows the batch's last end marker is cut off: the mask is causal, so it has no influence.
        Raises ValueError if a row has no end marker or is longer than the context.
        """
        is_end = token_ids == self.tokenizer.end_id  # (B, S)
        end = is_end.int().argmax(dim=1)  # (B,)
        if not bool(is_end.any(dim=1).all()):
            raise ValueError(f"a row of token ids has no end marker (id {self.tokenizer.end_id})")
        length = int(end.max()) + 1 if len(end) else 0
        if length > self.config.context_length:
            raise ValueError(f"a sentence has {length} ids, the context is {self.config.context_length}")
        hidden = self.tower.token_embedding(token_ids[:, :length])  # (B, S, width)
        hidden = hidden + self.tower.positional_embedding[:length]
        hidden = self.tower.transformer(hidden, attn_mask=_causal_mask(hidden))
        hidden = self.tower.ln_final(hidden)
        pooled = hidden[torch.arange(len(end), device=end.device), end]  # (B, width)
        return F.normalize(pooled @ self.tower.text_projection, dim=-1)  # (B, E)

    def tokenise(self, sentences: Sequence[str], names: Sequence[str] = ()) -> Int[Tensor, "B S"]:
        """Ids, padded to the longest sentence. With `person_tokens` the i-th of `names` reads as person i."""
        ids = [self.tokenizer.encode(self._read(sentence, names)) for sentence in sentences]
        return padded(ids, pad_id=self.tokenizer.pad_id)

    @torch.no_grad()
    def encode(self, sentences: Sequence[str], names: Sequence[str] = ()) -> Float[Tensor, "N E"]:
        """Embeddings of unit length, remembered for the last 8,192 different sentences.

        Each sentence passes the tower alone: with others in the batch its last bits would depend on them,
        and a keyframe drawn again would differ from the first time.
        """
        self._forget_if_weights_changed()
        parameter = self.tower.text_projection
        rows = [self._encode_one(self._read(sentence, names)) for sentence in sentences]
        return torch.stack(rows) if rows else parameter.new_zeros(0, self.config.embed_dim)

    def unknown_words(self, sentence: str, names: Sequence[str] = ()) -> tuple[str, ...]:
        """The words of `sentence` that the encoder does not see, each once, in order."""
        return self.tokenizer.unknown_words(self._read(sentence, names))

    def train(self, mode: bool = True) -> TextEncoder:
        self._cache.clear()
        return super().train(mode)

    def _read(self, sentence: str, names: Sequence[str]) -> str:
        return anonymise(sentence, names) if self.config.person_tokens else sentence

    def _encode_one(self, sentence: str) -> Tensor:
        embedding = self._cache.pop(sentence, None)
        if embedding is None:
            token_ids = padded([self.tokenizer.encode(sentence)], pad_id=self.tokenizer.pad_id)
            embedding = self(token_ids.to(self.tower.text_projection.device))[0]
        self._cache[sentence] = embedding  # now the most recent: a dict keeps the order of insertion
        while len(self._cache) > MAX_CACHED_SENTENCES:
            self._cache.pop(next(iter(self._cache)), None)
        return embedding

    def _forget_if_weights_changed(self) -> None:
        """Moving, loading and optimising all show in the address or the version counter of a parameter."""
        weights = tuple(
            (p.data_ptr(), p.dtype, 0 if p.is_inference() else p._version) for p in self.parameters()
        )
        if weights != self._cached_weights:
            self._cache.clear()
            self._cached_weights = weights


def _causal_mask(hidden: Float[Tensor, "B S C"]) -> Float[Tensor, "S S"]:
    """-inf above the diagonal. open_clip's own mask has a fixed size, which rules out shorter sequences."""
    length = hidden.shape[1]
    return torch.full((length, length), float("-inf"), device=hidden.device, dtype=hidden.dtype).triu(1)
