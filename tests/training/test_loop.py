"""The training loop: schedule, average, resumption. A straight line is fitted, so that everything can be followed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from accelerate.state import AcceleratorState
from torch import Tensor, nn

from moviedreamer_core.errors import WeightsError
from moviedreamer_core.training import loop
from moviedreamer_core.training.loop import Average, Schedule, on_device


@pytest.fixture(autouse=True)
def _own_precision():
    """accelerate keeps one precision per process; these tests want full precision, others bfloat16."""
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


def schedule(steps: int = 8, **changes: object) -> Schedule:
    values = {"learning_rate": 0.05, "warmup_steps": 2, "checkpoint_seconds": 0.0, "ema_decay": 0.9}
    return Schedule(steps=steps, **(values | changes))


def line() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 1))


def batch_at(step: int) -> Tensor:
    return torch.randn(16, 3, generator=torch.Generator().manual_seed(step))


def losses_of(module: nn.Module, batch: object, step: int) -> loop.Losses:
    error = (module(batch) - batch.sum(1, keepdim=True)).square().mean()
    return {"loss": error, "twice": 2 * error}


def run(
    module: nn.Module, folder: Path, plan: Schedule, *, stop_after: int | None = None
) -> list[loop.Progress]:
    seen = []
    for progress in loop.run(module, plan, folder, batch_at, losses_of, report_every=1, mixed_precision="no"):
        seen.append(progress)
        if progress.step == stop_after:
            break
    return seen


def test_a_killed_run_continues_to_the_same_weights_as_one_that_was_never_stopped(tmp_path):
    whole, halves = line(), line()
    run(whole, tmp_path / "whole", schedule())
    run(halves, tmp_path / "halves", schedule(), stop_after=5)
    again = line()
    seen = run(again, tmp_path / "halves", schedule())
    assert seen[0].step <= 6  # it did not begin at the beginning, nor skip what was not saved
    assert seen[-1].step == 8
    for one, other in zip(whole.parameters(), again.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=0, rtol=0)


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_again_and_ends_at_the_same_weights(
    tmp_path,
):
    whole, again = line(), line()
    late = schedule(checkpoint_seconds=1e9)
    run(whole, tmp_path / "whole", late)
    run(line(), tmp_path / "killed", late, stop_after=5)
    assert (tmp_path / "killed").is_dir()
    assert not loop.has_weights(tmp_path / "killed")
    seen = run(again, tmp_path / "killed", late)
    assert [progress.step for progress in seen] == list(range(1, 9))
    assert all(torch.equal(one, other) for one, other in zip(*map(nn.Module.parameters, (whole, again))))


def test_nothing_is_loaded_from_a_run_that_has_only_its_folder(tmp_path):
    module = line()
    assert not loop.has_weights(tmp_path)
    assert not loop.load_final(module, tmp_path)
    assert torch.equal(module[0].weight, line()[0].weight)


def test_a_finished_run_that_was_extended_and_killed_is_loaded_from_where_it_was_killed(tmp_path):
    run(line(), tmp_path, schedule(4))
    run(line(), tmp_path, schedule(8), stop_after=7)
    final, checkpoint = (torch.load(tmp_path / name) for name in ("final.pt", "checkpoint.pt"))
    assert (final["step"], checkpoint["step"]) == (4, 6)
    module = line()
    assert loop.load_final(module, tmp_path)
    assert all(torch.equal(value, checkpoint["average"][name]) for name, value in module.state_dict().items())
    assert not torch.equal(module[0].weight, final["weights"]["0.weight"])


def test_an_interrupted_run_that_is_given_more_steps_is_as_one_that_long_from_the_start(tmp_path):
    held = {"cooldown": 0.25}
    long, extended = line(), line()
    run(long, tmp_path / "long", schedule(12, **held))
    run(line(), tmp_path / "extended", schedule(8, **held), stop_after=5)
    run(extended, tmp_path / "extended", schedule(12, **held))
    assert all(torch.equal(one, other) for one, other in zip(*map(nn.Module.parameters, (long, extended))))


def test_a_finished_run_is_not_repeated_and_leaves_the_averaged_weights(tmp_path):
    first, second = line(), line()
    run(first, tmp_path, schedule())
    assert run(second, tmp_path, schedule()) == []
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)
    assert not second.training


def test_a_finished_run_goes_on_when_it_is_given_more_steps(tmp_path):
    run(line(), tmp_path, schedule(4))
    seen = run(line(), tmp_path, schedule(6))
    assert [progress.step for progress in seen] == [5, 6]


def test_the_reported_losses_are_those_of_the_steps(tmp_path):
    module = line()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    (progress,) = run(module, tmp_path, schedule(1))
    plain = line()
    plain.load_state_dict(before)
    plain.train()
    torch.manual_seed(17)  # what the loop does before step 0
    expected = losses_of(plain, batch_at(0), 0)
    assert progress.losses["loss"] == pytest.approx(expected["loss"].item())
    assert progress.losses["twice"] == pytest.approx(2 * expected["loss"].item())


def test_the_rate_warms_up_holds_and_cools_down_to_the_final_one():
    plan = Schedule(steps=100, learning_rate=1.0, final_learning_rate=0.1, warmup_steps=10, cooldown=0.2)
    rates = [plan.rate_at(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1 + 0.9 / 10)
    assert rates[10:80] == [1.0] * 70
    assert rates[90] == pytest.approx(0.1 + 0.9 * 0.5)
    assert rates[99] == pytest.approx(0.1 + 0.9 / 20)
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_the_average_is_the_exponential_one_with_a_short_start():
    module, decay = nn.Linear(1, 1), 0.5
    average = Average(module, decay)
    expected = module.weight.detach().clone()
    for step in range(20):
        with torch.no_grad():
            module.weight += 1
        average.update(module, step)
        share = min(decay, (1 + step) / (10 + step))
        expected = share * expected + (1 - share) * module.weight.detach()
    torch.testing.assert_close(average.module.weight, expected)


def test_a_damaged_checkpoint_is_named_and_not_unpickled(tmp_path):
    tmp_path.joinpath("checkpoint.pt").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(WeightsError, match=r"checkpoint\.pt: not a usable checkpoint; delete it"):
        run(line(), tmp_path, schedule())


@pytest.mark.parametrize(
    ("wrong", "message"), [({"steps": 0}, "steps must be"), ({"cooldown": 2.0}, "cooldown must")]
)
def test_a_senseless_schedule_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Schedule(**({"steps": 1, "learning_rate": 1.0} | wrong))


@dataclasses.dataclass(frozen=True)
class Pair:
    left: torch.Tensor
    right: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Nested:
    pair: Pair
    weight: torch.Tensor


def test_every_tensor_of_a_batch_goes_to_the_device():
    batch = Nested(Pair(torch.ones(2), ("as it is",)), torch.zeros(3))
    moved = on_device(batch, torch.device("meta"))
    assert (moved.pair.left.device.type, moved.weight.device.type) == ("meta", "meta")
    assert moved.pair.right == ("as it is",)
    assert on_device(torch.ones(1), torch.device("meta")).device.type == "meta"
    assert on_device([1], torch.device("meta")) == [1]
    (row,) = on_device({"row": torch.ones(1)}, torch.device("meta")).values()
    assert row.device.type == "meta"


def test_a_line_of_the_log_that_a_kill_tore_counts_nothing_and_the_next_is_whole(tmp_path):
    assert loop.last_losses(tmp_path) == {}
    run(line(), tmp_path, schedule(3))
    log = tmp_path / "log.jsonl"
    whole = log.read_bytes()
    second = loop.last_losses(tmp_path) | {"step": 2}
    log.write_bytes(whole[:-9])
    assert loop.last_losses(tmp_path)["step"] == second["step"]
    run(line(), tmp_path, schedule(5))
    assert loop.last_losses(tmp_path)["step"] == 5
    log.write_bytes(b'{"st')
    assert loop.last_losses(tmp_path) == {}
