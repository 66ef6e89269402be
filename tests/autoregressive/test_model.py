"""The planner's network: its size, what each prediction may see, its loss, and that it learns."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from moviedreamer_core.autoregressive.gaussian_mixture import Mixture, mixture_nll
from moviedreamer_core.autoregressive.model import (
    AutoregressiveModel,
    LossTerms,
    PlannerLoss,
    attention_mask,
    planner_loss,
)
from moviedreamer_core.autoregressive.sequence import (
    PositionKind,
    SequenceInputs,
    TrainingInputs,
    collate,
    training_inputs,
)
from moviedreamer_core.config import miniature, paper


@pytest.fixture
def episode(make_keyframes, make_tokens, identifiers):
    """An episode of that many keyframes with two references."""

    def make(number: int, *, seed: int = 0) -> TrainingInputs:
        references = make_tokens(2, seed=seed + 50)
        keyframes, tokens = make_keyframes(number, seed=seed), make_tokens(number, seed=seed)
        return training_inputs(keyframes, tokens, identifiers, references=references)

    return make


def assert_same_mixture(found: Mixture, expected: Mixture, *, atol: float = 1e-5) -> None:
    for name in ("log_weight", "mean", "log_std"):
        torch.testing.assert_close(getattr(found, name), getattr(expected, name), atol=atol, rtol=0)


def prefix(inputs: SequenceInputs, length: int) -> SequenceInputs:
    kinds = inputs.kinds[:length]
    rows = {kind: rows[: int((kinds == kind).sum())] for kind, rows in inputs.rows.items()}
    return SequenceInputs(kinds=kinds, ids=inputs.ids[:length], rows=rows)


def test_the_paper_model_is_llama_2_7b_without_its_language_head() -> None:
    with torch.device("meta"):
        model = AutoregressiveModel(paper().autoregressive)
    assert sum(p.numel() for p in model.backbone.parameters()) == 6_607_343_616
    assert model.head.linear.out_features == 2 * 16 * 2048 + 16
    assert [mlp[0].in_features for mlp in (model.text_mlp, model.face_mlp, model.visual_mlp)] == [
        768,
        512,
        2048,
    ]


def test_the_miniature_model_takes_the_identifiers_of_its_tokenizer(identifiers) -> None:
    config = miniature().autoregressive
    assert max(i for ids in identifiers.values() for i in ids) < config.vocab_size <= 64


def test_weights_loaded_onto_the_meta_device_predict_the_same(make_model, episode) -> None:
    model, batch = make_model(), collate([episode(2)])
    with torch.device("meta"):
        loaded = AutoregressiveModel(model.config)
    loaded.load_state_dict(model.state_dict(), assign=True)
    assert_same_mixture(loaded.eval()(batch), model(batch), atol=0)


def test_each_prediction_is_that_of_the_plain_prefix(make_model, episode) -> None:
    model, lesson = make_model(), episode(3)
    together = model(collate([lesson]))
    for row, at in enumerate(lesson.predicting.nonzero().flatten().tolist()):
        embedded = model.embed(prefix(lesson.inputs, at + 1))
        alone = model.head(model.backbone(inputs_embeds=embedded[None]).last_hidden_state[0, -1])
        assert_same_mixture(
            Mixture(
                log_weight=together.log_weight[row], mean=together.mean[row], log_std=together.log_std[row]
            ),
            alone,
        )


@pytest.mark.parametrize("kind", ["SENTENCE", "FACE", "VISUAL"])
def test_every_embedding_in_the_context_matters(make_model, episode, kind: str) -> None:
    model, batch = make_model(), collate([episode(2)])
    before = model(batch).mean[-1]
    batch.inputs.rows[PositionKind[kind]][0] += 1.0
    assert (model(batch).mean[-1] - before).abs().max() > 1e-3


def test_every_parameter_gets_a_gradient(make_model, episode) -> None:
    model, batch = make_model().train(), collate([episode(2)])
    planner_loss(model(batch), batch.targets).total.backward()
    without = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


def test_the_loss_of_a_padded_batch_is_that_of_its_episodes(make_model, episode) -> None:
    model = make_model()
    episodes = [episode(1), episode(4, seed=1), episode(2, seed=2)]
    batch = collate(episodes)
    together = planner_loss(model(batch), batch.targets)
    alone = [planner_loss(model(collate([one])), one.targets) for one in episodes]
    for term in PlannerLoss._fields:
        weighted = (
            sum(getattr(loss, term) * weight for loss, weight in zip(alone, (1, 4, 2), strict=True)) / 7
        )
        torch.testing.assert_close(getattr(together, term), weighted)


def test_padding_changes_no_prediction_in_training_mode_either(make_model, episode) -> None:
    model = make_model(hidden_token_probability=0.0, dropout=0.0).train()
    short, long = episode(1), episode(3, seed=1)
    padded = model(collate([short, long]))
    assert_same_mixture(
        Mixture(log_weight=padded.log_weight[:2], mean=padded.mean[:2], log_std=padded.log_std[:2]),
        model(collate([short])),
    )


@pytest.mark.parametrize("changes", [{"hidden_token_probability": 0.15}, {"dropout": 0.5}])
def test_tokens_are_hidden_and_dropped_in_training_only(make_model, episode, changes) -> None:
    model, batch = make_model(**changes), collate([episode(3)])
    plain = make_model()(batch)
    assert_same_mixture(model(batch), plain)
    model.train()
    torch.manual_seed(1)
    first, second = model(batch), model(batch)
    assert (first.mean - plain.mean).abs().max() > 1e-3
    assert (first.mean - second.mean).abs().max() > 1e-3


def test_a_hidden_token_reaches_itself_and_nothing_later(make_model) -> None:
    model = make_model()
    embedded = torch.randn(1, 6, model.config.hidden_size)
    hidden = torch.tensor([[False, False, True, False, False, False]])

    def states(inputs: torch.Tensor) -> torch.Tensor:
        return model.backbone(inputs_embeds=inputs, attention_mask=attention_mask(hidden)).last_hidden_state[
            0
        ]

    changed = embedded.clone()
    changed[0, 2] += 1.0
    moved = (states(changed) - states(embedded)).abs().amax(-1) > 1e-6
    assert moved.tolist() == [False, False, True, False, False, False]


def test_tokens_are_hidden_at_the_rate_of_the_config(make_model, episode) -> None:
    model = make_model(hidden_token_probability=0.15).train()
    seen: list[torch.Tensor] = []
    model.backbone.register_forward_pre_hook(
        lambda module, args, kwargs: seen.append(kwargs["attention_mask"]), with_kwargs=True
    )
    torch.manual_seed(2)
    batch = collate([episode(60), episode(60, seed=1)])
    model(batch)
    visible_to_last = seen[0][:, 0, -1, :-1]  # (B, T - 1)
    num_positions = visible_to_last.numel()
    hidden_share = 1 - visible_to_last.double().mean().item()
    assert hidden_share == pytest.approx(0.15, abs=5 * (0.15 * 0.85 / num_positions) ** 0.5)
    assert not torch.equal(visible_to_last[0], visible_to_last[1]), "each episode hides its own tokens"


def test_the_loss_is_nll_and_l1_and_l2_of_the_mixture_mean() -> None:
    mixture = Mixture(
        log_weight=torch.tensor([[0.25, 0.75]]).log(),
        mean=torch.tensor([[[0.0, 4.0], [4.0, 0.0]]]),  # expected token: (3, 1)
        log_std=torch.zeros(1, 2, 2),
    )
    targets = torch.tensor([[1.0, 2.0]])
    loss = planner_loss(mixture, targets)
    assert loss.l1.item() == pytest.approx((2 + 1) / 2)
    assert loss.l2.item() == pytest.approx((4 + 1) / 2)
    assert loss.nll.item() == pytest.approx(mixture_nll(targets, mixture).item())
    assert loss.total.item() == pytest.approx(loss.nll.item() + 1.5 + 2.5)


@pytest.mark.parametrize("chosen", [{"nll"}, {"l1"}, {"l2"}, {"l1", "l2"}, {"nll", "l1", "l2"}])
def test_each_term_of_the_loss_can_be_left_out(chosen: set[str]) -> None:
    mixture = Mixture(log_weight=torch.zeros(3, 1), mean=torch.randn(3, 1, 4), log_std=torch.randn(3, 1, 4))
    targets = torch.randn(3, 4)
    terms = LossTerms(**{name: name in chosen for name in ("nll", "l1", "l2")})
    loss = planner_loss(mixture, targets, terms=terms)
    everything = planner_loss(mixture, targets)
    assert loss[1:] == everything[1:], "terms that are left out are still there to be logged"
    assert loss.total.item() == pytest.approx(sum(getattr(everything, name).item() for name in chosen))


def test_a_loss_without_terms_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one of the terms nll, l1 and l2, got none"):
        LossTerms(nll=False, l1=False, l2=False)


def test_an_episode_longer_than_the_window_is_refused(make_model, episode) -> None:
    model, batch = make_model(window_positions=40), collate([episode(3)])
    with pytest.raises(
        ValueError, match=f"{len(batch.inputs)} positions is longer than the planner's window of 40"
    ):
        model(batch)


def test_bf16_autocast_stays_close_to_float32(make_model, episode) -> None:
    model, batch = make_model(), collate([episode(3), episode(1, seed=1)])
    plain = planner_loss(model(batch), batch.targets)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        under_autocast = planner_loss(model(batch), batch.targets)
    torch.testing.assert_close(under_autocast.total, plain.total, rtol=0.05, atol=0)


def test_gradient_checkpointing_changes_no_gradient(make_model, episode) -> None:
    batch = collate([episode(2)])
    plain, checkpointed = make_model().train(), make_model().train()
    checkpointed.enable_gradient_checkpointing()
    for model in (plain, checkpointed):
        planner_loss(model(batch), batch.targets).total.backward()
    for expected, found in zip(plain.parameters(), checkpointed.parameters(), strict=True):
        torch.testing.assert_close(found.grad, expected.grad)
    assert checkpointed.backbone.is_activation_checkpointing


def test_two_episodes_are_learnt_by_heart(make_model, episode) -> None:
    torch.manual_seed(0)
    model, batch = make_model(hidden_size=64).train(), collate([episode(3), episode(2, seed=1)])
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3)
    first = planner_loss(model(batch), batch.targets)
    for _ in range(150):
        optimiser.zero_grad()
        planner_loss(model(batch), batch.targets).total.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)  # a narrow mixture has steep gradients
        optimiser.step()
    loss = planner_loss(model.eval()(batch), batch.targets)  # nothing dropped, nothing hidden
    assert loss.l1 < 0.2 * first.l1
    entropy_of_the_tokens = 0.5 * math.log(2 * math.pi * math.e)  # what nobody beats without having seen them
    assert loss.nll < entropy_of_the_tokens - 1.0
