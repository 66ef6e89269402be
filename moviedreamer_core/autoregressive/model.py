"""The autoregressive model: a LLaMA that reads multimodal scripts and predicts mixtures of visual tokens.

B episodes, T positions, P predicting positions, H hidden channels, D token channels, K components.
Source: MovieDreamer, sections 3.3 and 3.4, appendix A.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaModel
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from moviedreamer_core.autoregressive.gaussian_mixture import Mixture, MixtureHead, mixture_mean, mixture_nll
from moviedreamer_core.autoregressive.sequence import (
    SPECIAL_IDS,
    PositionKind,
    SequenceInputs,
    TrainingInputs,
)
from moviedreamer_core.config import AutoregressiveConfig

RMS_NORM_EPS = 1e-5  # LLaMA 2


@dataclass(frozen=True, kw_only=True)
class LossTerms:
    """Which terms the total loss adds up. The paper's ablation leaves out `nll`."""

    nll: bool = True
    l1: bool = True
    l2: bool = True

    def __post_init__(self) -> None:
        if not (self.nll or self.l1 or self.l2):
            raise ValueError("the loss needs at least one of the terms nll, l1 and l2, got none")


class PlannerLoss(NamedTuple):
    """`total` is the sum of the chosen terms; the terms themselves are always there to be logged."""

    total: Float[Tensor, ""]
    nll: Float[Tensor, ""]
    l1: Float[Tensor, ""]
    l2: Float[Tensor, ""]


class AutoregressiveModel(nn.Module):
    """`transformers.LlamaModel` without its language head, with input MLPs and a mixture head.

    Against overfitting, in training mode only: dropout (`config.dropout`) on the input embeddings, that is on
    what enters the first layer, after the embedding table or the MLP; and every position is hidden, with
    probability `config.hidden_token_probability`, from the attention of all later positions. Both draw from
    torch's own random state, as `nn.Dropout` does.

    It can be built on the meta device and filled with `load_state_dict(..., assign=True)`: the rotary
    frequencies, which no state dict holds, are real numbers even then.
    """

    def __init__(self, config: AutoregressiveConfig) -> None:
        super().__init__()
        self.config = config
        hidden = config.hidden_size
        self.backbone = LlamaModel(_llama_config(config))
        with torch.device("cpu"):
            self.backbone.rotary_emb = LlamaRotaryEmbedding(self.backbone.config)
        self.special = nn.Embedding(len(SPECIAL_IDS), hidden)
        self.text_mlp = _input_mlp(config.text_channels, hidden)
        self.face_mlp = _input_mlp(config.face_channels, hidden)
        self.visual_mlp = _input_mlp(config.token_channels, hidden)
        self.dropout = nn.Dropout(config.dropout)
        self.head = MixtureHead(
            hidden, num_components=config.num_components, token_channels=config.token_channels
        )
        nn.init.normal_(self.special.weight, std=self.backbone.config.initializer_range)

    def enable_gradient_checkpointing(self) -> None:
        """Compute activations twice instead of keeping them; the paper's size needs it."""
        self.backbone.activation_checkpointing_enable()

    def embed(self, inputs: SequenceInputs) -> Float[Tensor, "*batch T H"]:
        """Input embeddings, without dropout; zero at padding."""
        weight = self.special.weight
        embedded = weight.new_zeros(*inputs.kinds.shape, weight.shape[-1])  # (*batch, T, H)
        tables = {PositionKind.IDENTIFIER: self.backbone.embed_tokens, PositionKind.SPECIAL: self.special}
        for kind, table in tables.items():
            at = inputs.kinds == kind
            embedded[at] = table(inputs.ids[at])
        mlps = {
            PositionKind.SENTENCE: self.text_mlp,
            PositionKind.FACE: self.face_mlp,
            PositionKind.VISUAL: self.visual_mlp,
        }
        for kind, vectors in inputs.rows.items():
            embedded[inputs.kinds == kind] = mlps[kind](vectors.to(weight.dtype)).to(weight.dtype)
        return embedded

    def forward(self, batch: TrainingInputs) -> Mixture:
        """The mixtures at the predicting positions, in the order of `batch.targets`: batch shape [P].

        Raises ValueError if an episode is longer than the planner's window.
        """
        num_positions = len(batch.inputs)
        if num_positions > self.config.window_positions:
            raise ValueError(
                f"an episode of {num_positions} positions is longer than the planner's window of "
                f"{self.config.window_positions}; crop it to fewer keyframes"
            )
        embedded = self.dropout(self.embed(batch.inputs))  # (B, T, H)
        # Padding is at the end, where no real position looks; without hidden positions the plain causal mask
        # is all there is to say, and saying nothing lets attention take its fast path.
        visible = self._visible_with_hidden_tokens(batch.inputs.kinds) if self.training else None
        hidden = self.backbone(
            inputs_embeds=embedded,
            attention_mask=visible,
            position_ids=torch.arange(num_positions, device=embedded.device)[None],
            use_cache=False,
        ).last_hidden_state  # (B, T, H)
        mixture: Mixture = self.head(hidden[batch.predicting])  # (P, ...)
        return mixture

    def _visible_with_hidden_tokens(self, kinds: Int[Tensor, "B T"]) -> Bool[Tensor, "B 1 T T"] | None:
        probability = self.config.hidden_token_probability
        if probability == 0:
            return None
        return attention_mask(torch.rand(kinds.shape, device=kinds.device) < probability)


def attention_mask(hidden: Bool[Tensor, "B T"]) -> Bool[Tensor, "B 1 T T"]:
    """Which position (third axis) sees which (last axis): itself, and all earlier ones that are not hidden.

    A hidden position still sees itself, so that what is predicted there keeps its own input.
    """
    causal = torch.ones(hidden.shape[-1], hidden.shape[-1], dtype=torch.bool, device=hidden.device).tril()
    itself = torch.eye(hidden.shape[-1], dtype=torch.bool, device=hidden.device)
    return ((causal & ~hidden[:, None, :]) | itself).unsqueeze(1)  # (B, 1, T, T)


def planner_loss(
    mixture: Mixture, targets: Float[Tensor, "P D"], *, terms: LossTerms = LossTerms()
) -> PlannerLoss:
    """Mean over predicting positions of nll (nats per channel) + l1 + l2, the last two of the mixture's mean.

    Source: section 3.4, "the total loss".
    """
    error = mixture_mean(mixture) - targets.float()  # (P, D)
    nll = mixture_nll(targets, mixture).mean()
    l1, l2 = error.abs().mean(), error.square().mean()
    chosen = [term for term, wanted in ((nll, terms.nll), (l1, terms.l1), (l2, terms.l2)) if wanted]
    return PlannerLoss(total=torch.stack(chosen).sum(), nll=nll, l1=l1, l2=l2)


def _input_mlp(channels: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(channels, hidden), nn.GELU(), nn.Linear(hidden, hidden))


def _llama_config(config: AutoregressiveConfig) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=config.vocab_size,
        hidden_size=config.hidden_size,
        intermediate_size=config.intermediate_size,
        num_hidden_layers=config.num_layers,
        num_attention_heads=config.num_heads,
        num_key_value_heads=config.num_key_value_heads,
        max_position_embeddings=config.window_positions,
        rope_parameters={"rope_type": "default", "rope_theta": config.rope_theta},
        rms_norm_eps=RMS_NORM_EPS,
        attn_implementation="sdpa",
        use_cache=False,
    )
