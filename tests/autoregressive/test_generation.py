"""Planning against a model that reads every context from scratch, and what a creator may rely on.

In these tests a window of W keyframes slides to at most two thirds of W, the new keyframe included.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence

import pytest
import torch
from torch import Tensor

from moviedreamer_core.autoregressive.gaussian_mixture import sample
from moviedreamer_core.autoregressive.generation import plan, window_cache
from moviedreamer_core.autoregressive.model import AutoregressiveModel
from moviedreamer_core.autoregressive.sequence import (
    collate,
    join,
    reference_inputs,
    script_inputs,
    training_inputs,
    visual_inputs,
)
from moviedreamer_core.config import paper
from moviedreamer_core.errors import StoryError


def seeds(number: int, *, first: int = 0) -> list[int]:
    return list(range(first, first + number))


def count_passes(model: AutoregressiveModel) -> list[int]:
    """The number of positions of each pass that the backbone makes from now on."""
    passes: list[int] = []
    model.backbone.register_forward_pre_hook(
        lambda module, args, kwargs: passes.append(kwargs["inputs_embeds"].shape[1]), with_kwargs=True
    )
    return passes


def visible_keyframes(lengths: Sequence[int], *, window: int, positions: int, references: int) -> list[range]:
    """For each keyframe of those lengths, the keyframes in its context, itself included: the rule in plain words."""
    found: list[range] = []
    first = 0
    for new in range(len(lengths)):

        def used(start: int, new: int = new) -> int:
            return references + sum(lengths[start : new + 1])

        if new - first + 1 > window or used(first) > positions:
            while first < new and (3 * (new - first) >= 2 * window or 3 * used(first) > 2 * positions + 2):
                first += 1
        found.append(range(first, new + 1))
    return found


@torch.no_grad()
def plan_by_recomputing_everything(
    model: AutoregressiveModel, identifiers, keyframes, *, seeds, temperature, references=None
) -> Iterator[Tensor]:
    """One plain forward pass without a cache over the whole context, for every single token."""
    scripts = [script_inputs(keyframe, identifiers) for keyframe in keyframes]
    start = [] if references is None else [reference_inputs(references)]
    contexts = visible_keyframes(
        [len(script) + 2 for script in scripts],
        window=model.config.window_keyframes,
        positions=model.config.window_positions,
        references=sum(map(len, start)),
    )
    planned: list[Tensor] = []
    for index, seed in enumerate(seeds):
        generator = torch.Generator().manual_seed(seed)
        earlier = [part for i in contexts[index][:-1] for part in (scripts[i], visual_inputs(planned[i]))]
        tokens: list[Tensor] = []
        for _ in range(2):
            so_far = [visual_inputs(token[None]) for token in tokens]
            embedded = model.embed(join([*start, *earlier, scripts[index], *so_far]))[None]
            hidden = model.backbone(inputs_embeds=embedded).last_hidden_state[0, -1]
            tokens.append(sample(model.head(hidden), temperature=temperature, generator=generator))
        planned.append(torch.stack(tokens))
        yield planned[-1]


@pytest.mark.parametrize("with_references", [False, True])
@pytest.mark.parametrize(
    "window",
    [{"window_keyframes": w} for w in (1, 2, 3, 5, 8, 128)] + [{"window_positions": p} for p in (60, 100)],
)
def test_two_pass_planning_equals_recomputing_everything(
    make_model, make_keyframes, make_tokens, tokenizer, identifiers, window, with_references
) -> None:
    model, keyframes = make_model(**window), make_keyframes(20)
    asked = {
        "seeds": seeds(20),
        "temperature": 0.7,
        "references": make_tokens(3) if with_references else None,
    }
    fast = list(plan(model, tokenizer, keyframes, **asked))
    plain = list(plan_by_recomputing_everything(model, identifiers, keyframes, **asked))
    torch.testing.assert_close(torch.stack(fast), torch.stack(plain), atol=1e-5, rtol=0)


def test_the_window_of_the_paper_slides_from_128_keyframes_to_86(
    make_model, make_keyframes, tokenizer
) -> None:
    model = make_model(num_layers=1)
    passes = count_passes(model)
    same_length = make_keyframes(1)[0]  # 16 positions and 2 tokens
    list(plan(model, tokenizer, [same_length] * 173, seeds=seeds(173), temperature=1.0))
    slid_at = {index: length for index, length in enumerate(passes[::2]) if length > 17}
    assert slid_at == {128: 85 * 18 + 16, 171: 85 * 18 + 16}


def test_planning_equals_teacher_forcing_on_the_same_tokens(
    make_model, make_keyframes, make_tokens, tokenizer, identifiers
) -> None:
    model, keyframes, tokens, references = (
        make_model(),
        make_keyframes(5),
        make_tokens(5),
        make_tokens(2, seed=1),
    )
    given = {index: tokens[index] for index in range(4)}
    *_, planned = plan(
        model, tokenizer, keyframes, seeds=seeds(5), temperature=0.0, given=given, references=references
    )
    tokens[4] = planned
    lesson = collate([training_inputs(keyframes, tokens, identifiers, references=references)])
    mixture = model(lesson)
    for row, token in zip((-2, -1), planned, strict=True):
        heaviest = mixture.log_weight[row].argmax()
        torch.testing.assert_close(token, mixture.mean[row, heaviest], atol=1e-5, rtol=0)


@pytest.mark.parametrize("window_keyframes", [2, 5, 128])
def test_each_keyframe_costs_exactly_two_passes(
    make_model, make_keyframes, tokenizer, window_keyframes
) -> None:
    model = make_model(window_keyframes=window_keyframes)
    passes = count_passes(model)
    for number, _ in enumerate(
        plan(model, tokenizer, make_keyframes(12), seeds=seeds(12), temperature=1.0), start=1
    ):
        assert len(passes) == 2 * number
    assert passes[1::2] == [1] * 12


def test_each_keyframe_of_four_tokens_costs_four_passes(make_model, make_keyframes, tokenizer) -> None:
    model = make_model(num_visual_tokens=4)
    passes = count_passes(model)
    planned = list(plan(model, tokenizer, make_keyframes(3), seeds=seeds(3), temperature=1.0))
    assert [tuple(tokens.shape) for tokens in planned] == [(4, 8)] * 3
    assert len(passes) == 12


def test_300_keyframes_take_flat_memory_past_the_window(make_model, make_keyframes, tokenizer) -> None:
    model = make_model(window_keyframes=9, window_positions=200)
    passes = count_passes(model)
    same_length = make_keyframes(1)[0]  # so that the window slides at a fixed beat, every fourth keyframe
    planning = plan(model, tokenizer, (same_length for _ in range(300)), seeds=seeds(300), temperature=1.0)
    in_use: dict[int, int] = {}
    for number, tokens in enumerate(planning, start=1):
        assert tokens.isfinite().all()
        if number in (100, 200, 300):
            in_use[number] = bytes_of_tensors()
    assert number == 300
    assert len(passes) == 600
    assert in_use[100] == in_use[200] == in_use[300]


def bytes_of_tensors() -> int:
    """Memory of all storages that live tensors hold."""
    gc.collect()
    storages = {
        tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes()
        for tensor in gc.get_objects()
        if issubclass(type(tensor), Tensor) and not tensor.is_meta
    }
    return sum(storages.values())


def test_positions_never_exceed_the_window(make_model, make_keyframes, make_tokens, tokenizer) -> None:
    model = make_model(window_positions=90)
    seen: list[int] = []
    model.backbone.register_forward_pre_hook(
        lambda module, args, kwargs: seen.extend(kwargs["position_ids"][0].tolist()), with_kwargs=True
    )
    list(
        plan(
            model, tokenizer, make_keyframes(40), seeds=seeds(40), temperature=1.0, references=make_tokens(2)
        )
    )
    assert max(seen) < 90


def test_the_cache_is_allocated_once_and_attended_to_where_filled(make_model) -> None:
    model = make_model(window_positions=50)
    cache = window_cache(model)
    allocated = [(layer.keys.data_ptr(), layer.values.data_ptr()) for layer in cache.layers]
    for start, end in ((0, 7), (7, 8), (8, 20)):
        model.backbone(
            inputs_embeds=torch.randn(1, end - start, 32),
            position_ids=torch.arange(start, end)[None],
            past_key_values=cache,
        )
        assert cache.get_seq_length() == end
        assert cache.get_mask_sizes(1, 0) == (end + 1, 0)
    assert allocated == [(layer.keys.data_ptr(), layer.values.data_ptr()) for layer in cache.layers]
    assert {layer.get_max_length() for layer in cache.layers} == {50}


def test_the_paper_cache_holds_5120_positions_of_every_layer() -> None:
    with torch.device("meta"):
        cache = window_cache(AutoregressiveModel(paper().autoregressive).to(torch.bfloat16))
    assert len(cache.layers) == 32
    num_bytes = sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)
    assert num_bytes == 2 * 32 * 5120 * 4096 * 2


@pytest.fixture
def last_of_nine(make_model, make_keyframes, make_tokens, tokenizer):
    """Plan keyframe 8 (from 0) in a window of six, which slid to keyframes 3 to 6 when keyframe 6 did not fit."""
    tokens, references = make_tokens(9), make_tokens(2, seed=1)

    def plan_last(*, change_keyframe: int | None = None, change_reference: bool = False) -> Tensor:
        given = {index: tokens[index].clone() for index in range(8)}
        shown = references.clone()
        if change_keyframe is not None:
            given[change_keyframe] += 1.0
        if change_reference:
            shown[0] += 1.0
        model = make_model(window_keyframes=6)
        *_, last = plan(
            model,
            tokenizer,
            make_keyframes(9),
            seeds=seeds(9),
            temperature=0.0,
            given=given,
            references=shown,
        )
        return last

    return plan_last


def test_references_stay_in_the_window_when_the_first_keyframes_have_left(last_of_nine) -> None:
    assert (last_of_nine(change_reference=True) - last_of_nine()).abs().max() > 1e-3


@pytest.mark.parametrize("kept", [3, 4, 5, 6, 7])
def test_keyframes_in_the_window_matter(last_of_nine, kept: int) -> None:
    assert (last_of_nine(change_keyframe=kept) - last_of_nine()).abs().max() > 1e-4


@pytest.mark.parametrize("evicted", [0, 1, 2])
def test_keyframes_that_left_the_window_are_forgotten(last_of_nine, evicted: int) -> None:
    assert torch.equal(last_of_nine(change_keyframe=evicted), last_of_nine())


@pytest.mark.parametrize("window_keyframes", [4, 128])
@pytest.mark.parametrize("rerolled", [0, 3, 9])
def test_a_keyframe_rerolled_with_its_old_seed_is_bit_identical(
    make_model, make_keyframes, make_tokens, tokenizer, window_keyframes, rerolled
) -> None:
    model, keyframes = make_model(window_keyframes=window_keyframes), make_keyframes(10)
    asked = {"temperature": 1.0, "references": make_tokens(1)}
    before = list(plan(model, tokenizer, keyframes, seeds=seeds(10), **asked))
    other_seeds = seeds(10, first=500)
    other_seeds[rerolled] = rerolled
    given = {index: tokens for index, tokens in enumerate(before) if index != rerolled}
    again = list(plan(model, tokenizer, keyframes, seeds=other_seeds, given=given, **asked))
    for old, new in zip(before, again, strict=True):
        assert torch.equal(old, new)


def test_another_seed_changes_its_keyframe_and_the_later_ones_only(
    make_model, make_keyframes, tokenizer
) -> None:
    model, keyframes = make_model(), make_keyframes(6)
    before = list(plan(model, tokenizer, keyframes, seeds=[0, 1, 2, 3, 4, 5], temperature=1.0))
    after = list(plan(model, tokenizer, keyframes, seeds=[0, 1, 2, 77, 4, 5], temperature=1.0))
    assert [torch.equal(a, b) for a, b in zip(before, after, strict=True)] == [True] * 3 + [False] * 3


def test_replanning_after_given_keyframes_equals_recomputing_everything(
    make_model, make_keyframes, tokenizer, identifiers
) -> None:
    model, keyframes = make_model(window_keyframes=5), make_keyframes(12)
    before = list(plan(model, tokenizer, keyframes, seeds=seeds(12), temperature=1.0))
    given = {index: before[index] for index in range(8)}
    new_seeds = seeds(8) + seeds(4, first=90)
    fast = list(plan(model, tokenizer, keyframes, seeds=new_seeds, temperature=1.0, given=given))
    plain = list(
        plan_by_recomputing_everything(model, identifiers, keyframes, seeds=new_seeds, temperature=1.0)
    )
    torch.testing.assert_close(torch.stack(fast), torch.stack(plain), atol=1e-5, rtol=0)
    assert not torch.equal(fast[8], before[8])


def test_given_keyframes_cost_passes_only_if_a_later_one_needs_them(
    make_model, make_keyframes, make_tokens, tokenizer
) -> None:
    keyframes, tokens = make_keyframes(12), make_tokens(12)

    def num_passes(sampled: set[int], *, window_keyframes: int = 128) -> int:
        model = make_model(window_keyframes=window_keyframes)
        passes = count_passes(model)
        given = {index: tokens[index] for index in range(12) if index not in sampled}
        list(plan(model, tokenizer, keyframes, seeds=seeds(12), temperature=1.0, given=given))
        return len(passes)

    assert num_passes({0}) == 2
    assert num_passes({5}) == 12
    assert num_passes(set()) == 0
    assert num_passes({11}, window_keyframes=6) == 6, "keyframes that left the window are not read at all"


def test_given_tokens_are_yielded_as_they_are(make_model, make_keyframes, make_tokens, tokenizer) -> None:
    tokens = make_tokens(3)
    planned = list(
        plan(
            make_model(), tokenizer, make_keyframes(3), seeds=seeds(3), temperature=1.0, given={1: tokens[1]}
        )
    )
    assert torch.equal(planned[1], tokens[1])
    assert not torch.equal(planned[2], tokens[2])


def test_temperature_zero_depends_on_no_seed(make_model, make_keyframes, tokenizer) -> None:
    model, keyframes = make_model(), make_keyframes(4)
    first, other = (
        torch.stack(list(plan(model, tokenizer, keyframes, seeds=seeds(4, first=s), temperature=0.0)))
        for s in (0, 100)
    )
    assert torch.equal(first, other)


def test_the_spread_of_the_config_counts(make_model, make_keyframes, tokenizer) -> None:
    """With one component, sampling with half the spread is sampling at half the temperature."""
    keyframes = make_keyframes(3)
    narrow, cool = (
        torch.stack(
            list(
                plan(
                    make_model(num_components=1, spread=spread),
                    tokenizer,
                    keyframes,
                    seeds=seeds(3),
                    temperature=t,
                )
            )
        )
        for spread, t in ((0.5, 1.0), (1.0, 0.5))
    )
    torch.testing.assert_close(narrow, cool)


def test_no_references_are_the_same_as_none(make_model, make_keyframes, make_tokens, tokenizer) -> None:
    model, keyframes = make_model(), make_keyframes(2)
    none, empty = (
        torch.stack(
            list(plan(model, tokenizer, keyframes, seeds=seeds(2), temperature=1.0, references=references))
        )
        for references in (None, make_tokens(0))
    )
    assert torch.equal(none, empty)


def test_keyframes_are_planned_as_they_come(make_model, make_keyframes, tokenizer) -> None:
    taken: list[int] = []

    def coming() -> Iterator:
        for index, keyframe in enumerate(make_keyframes(3)):
            taken.append(index)
            yield keyframe

    planning = plan(make_model(), tokenizer, coming(), seeds=seeds(3), temperature=1.0)
    assert taken == []
    next(planning)
    assert taken == [0]


def test_planning_leaves_no_gradients_behind(make_model, make_keyframes, tokenizer) -> None:
    (tokens,) = plan(make_model(), tokenizer, make_keyframes(1), seeds=[0], temperature=1.0)
    assert not tokens.requires_grad
    assert torch.is_grad_enabled()


def test_a_bf16_model_plans_in_float32_tokens(make_model, make_keyframes, tokenizer) -> None:
    model = make_model().to(torch.bfloat16)
    planned = list(plan(model, tokenizer, make_keyframes(3), seeds=seeds(3), temperature=1.0))
    assert {tokens.dtype for tokens in planned} == {torch.float32}
    assert torch.stack(planned).isfinite().all()


def test_a_model_in_training_mode_is_refused(make_model, make_keyframes, tokenizer) -> None:
    with pytest.raises(
        ValueError, match=r"in training mode, where it hides tokens at random; call model.eval\(\)"
    ):
        next(plan(make_model().train(), tokenizer, make_keyframes(1), seeds=[0], temperature=1.0))


@pytest.mark.parametrize(
    ("num_seeds", "message"),
    [(1, "keyframe 2 has no seed: got 1 seeds"), (3, "got 3 seeds for 2 keyframes; give one per keyframe")],
)
def test_seeds_that_differ_from_the_keyframes_in_number_are_refused(
    make_model, make_keyframes, tokenizer, num_seeds: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        list(plan(make_model(), tokenizer, make_keyframes(2), seeds=seeds(num_seeds), temperature=1.0))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({0: torch.zeros(2, 9)}, r"given\[0\]: tokens of shape \(2, 9\), the model takes \(2, 8\)"),
        ({2: torch.zeros(2, 8)}, r"given\[2\]: the story has 2 keyframes, counted from 0"),
        ({-1: torch.zeros(2, 8)}, r"given\[-1\]: the story has 2 keyframes, counted from 0"),
    ],
)
def test_given_tokens_that_do_not_fit_are_refused(
    make_model, make_keyframes, tokenizer, given, message
) -> None:
    with pytest.raises(ValueError, match=message):
        list(plan(make_model(), tokenizer, make_keyframes(2), seeds=seeds(2), temperature=1.0, given=given))


def test_references_of_another_model_are_refused(make_model, make_keyframes, tokenizer) -> None:
    with pytest.raises(ValueError, match=r"references: tokens of shape \(2, 9\), the model takes \(2, 8\)"):
        list(
            plan(
                make_model(),
                tokenizer,
                make_keyframes(1),
                seeds=[0],
                temperature=1.0,
                references=torch.zeros(1, 2, 9),
            )
        )


def test_a_script_longer_than_the_window_is_refused(
    make_model, make_keyframes, make_tokens, tokenizer
) -> None:
    model = make_model(window_positions=20)  # 18 beside a keyframe's own tokens
    with pytest.raises(StoryError, match=r"keyframe 2: its script takes 22 positions, the planner has 18"):
        list(plan(model, tokenizer, make_keyframes(2), seeds=seeds(2), temperature=1.0))
    with pytest.raises(StoryError, match=r"keyframe 1: its script takes 16 positions, the planner has 10"):
        list(plan(model, tokenizer, make_keyframes(1), seeds=[0], temperature=1.0, references=make_tokens(2)))
