"""The one training loop of every component: resumable, averaged, logged.

A step's batch is a pure function of the step's number, so a run that is killed at any moment and started again
sees the same batches as one that was never stopped. Checkpoints are written to a temporary file and moved into
place. The learning rate is warmed up, held, and cooled down over the last part of the run. A run that was interrupted
before it cooled down can be given more steps and goes on as if it had been that long from the start; a finished one
can be given more steps too, but it has cooled down already, and its rate jumps back up.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from moviedreamer_core.errors import WeightsError
from moviedreamer_core.precision import bfloat16_is_fast

Losses = dict[str, Tensor]  # "loss" is minimised; the others are logged
_AVERAGED = {"final.pt": "weights", "checkpoint.pt": "average"}  # file of a run -> its entry with the average


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long and how fast. `cooldown` is the fraction of the steps over which the rate falls linearly."""

    steps: int
    learning_rate: float
    final_learning_rate: float = 0.0
    warmup_steps: int = 100
    cooldown: float = 0.3
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.99)
    gradient_clip: float = 1.0
    ema_decay: float = 0.999
    checkpoint_seconds: float = 120.0

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, got {self.steps}")
        if not 0 <= self.cooldown <= 1:
            raise ValueError(f"cooldown must be between 0 and 1, got {self.cooldown}")

    def rate_at(self, step: int) -> float:
        """Learning rate of 0-based `step`."""
        warm = min(1.0, (step + 1) / max(1, self.warmup_steps))
        cooling_steps = max(1, round(self.steps * self.cooldown))
        cool = min(1.0, (self.steps - step) / cooling_steps)
        return self.final_learning_rate + (self.learning_rate - self.final_learning_rate) * warm * cool


@dataclass(frozen=True)
class Progress:
    """Where a run stands after `step` steps; `losses` are means since the last report."""

    step: int
    steps: int
    losses: Mapping[str, float]
    seconds_per_step: float


class Report:
    """Losses summed since the last report."""

    def __init__(self) -> None:
        self.count, self._sums, self._since = 0, dict[str, float](), time.monotonic()

    def add(self, losses: Losses) -> None:
        self.count += 1
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(value.detach())

    def progress(self, step: int, steps: int) -> Progress:
        means = {name: total / self.count for name, total in self._sums.items()}
        return Progress(step, steps, means, (time.monotonic() - self._since) / self.count)


class Average:
    """Exponential moving average of a module's parameters; short at first, so that early checkpoints are usable."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.module = copy.deepcopy(module).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))
        averaged, current = self.module.state_dict(), module.state_dict()
        floating = [name for name, value in averaged.items() if value.is_floating_point()]
        torch._foreach_lerp_([averaged[n] for n in floating], [current[n] for n in floating], 1 - decay)


def run(
    module: nn.Module,
    schedule: Schedule,
    folder: Path,
    batch_at: Callable[[int], Any],
    losses_of: Callable[[nn.Module, Any, int], Losses],
    *,
    report_every: int = 50,
    mixed_precision: str | None = None,
) -> Iterator[Progress]:
    """Train `module` in place, yielding Progress every `report_every` steps and at the end.

    `batch_at(step)` makes a batch; `losses_of(module, batch, step)` its losses. `mixed_precision` is accelerate's,
    by default bf16 where that is fast. After the last step `folder/final.pt` holds the averaged weights and `module`
    is set to them. A finished run is loaded, not repeated.
    """
    folder.mkdir(parents=True, exist_ok=True)
    accelerator = Accelerator(mixed_precision=mixed_precision or _fast_precision())
    module.to(
        accelerator.device
    ).train()  # first, so that the average and the optimiser's state are there too
    average = Average(module, schedule.ema_decay)
    optimizer = _optimizer(module, schedule)
    step = _resume(folder, module, average, optimizer)
    prepared, optimizer = accelerator.prepare(module, optimizer)
    report, saved_at = Report(), time.monotonic()
    while step < schedule.steps:
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate_at(step)
        torch.manual_seed(step * 7919 + 17)  # dropout and masks depend on the step alone
        batch = on_device(batch_at(step), accelerator.device)
        with accelerator.autocast():
            losses = losses_of(prepared, batch, step)
        accelerator.backward(losses["loss"])
        accelerator.clip_grad_norm_(prepared.parameters(), schedule.gradient_clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        average.update(module, step)
        step += 1
        report.add(losses)
        if report.count == report_every or step == schedule.steps:
            progress, report = report.progress(step, schedule.steps), Report()
            _log(folder, progress)
            yield progress
        if time.monotonic() - saved_at > schedule.checkpoint_seconds:
            _save(folder, step, module, average, optimizer)
            saved_at = time.monotonic()
    if _final_step(folder) != step:
        _save(folder, step, module, average, optimizer)
        _atomic_save({"step": step, "weights": average.module.state_dict()}, folder / "final.pt")
    module.load_state_dict(average.module.state_dict())
    module.eval()


def _fast_precision() -> str:
    return "bf16" if bfloat16_is_fast("cuda" if torch.cuda.is_available() else "cpu") else "no"


def on_device(batch: Any, device: torch.device) -> Any:
    """A tensor, or a mapping or dataclass of tensors and other such ones, moved; anything else as it is."""
    if isinstance(batch, Tensor):
        return batch.to(device)
    if isinstance(batch, Mapping):
        return {key: on_device(value, device) for key, value in batch.items()}
    if dataclasses.is_dataclass(batch) and not isinstance(batch, type):
        moved = {f.name: on_device(getattr(batch, f.name), device) for f in dataclasses.fields(batch)}
        return dataclasses.replace(batch, **moved)
    return batch


def device_of(module: nn.Module) -> torch.device:
    """Where a module's inputs have to be."""
    return next(module.parameters()).device


def has_weights(folder: Path) -> bool:
    """Whether a run has anything that `load_final` could load. Its folder alone says nothing: it is made first."""
    return any((folder / name).exists() for name in _AVERAGED)


def load_final(module: nn.Module, folder: Path) -> bool:
    """Load a run's averaged weights: those it finished with, unless its checkpoint is further on.

    False when there is neither.
    """
    states = {name: _load(folder / name, mmap=True) for name in _AVERAGED if (folder / name).exists()}
    if not states:
        return False
    latest = max(
        states, key=lambda name: int(states[name]["step"])
    )  # of two alike the first, the finished one
    module.load_state_dict(states[latest][_AVERAGED[latest]])
    module.eval()
    return True


def last_losses(folder: Path) -> dict[str, float | int | None]:
    """The last reported losses of a run and its number of steps; empty if it never reported.

    A line that was being written when the run was killed does not count.
    """
    path = folder / "log.jsonl"
    for line in reversed(path.read_text().splitlines() if path.exists() else []):
        with contextlib.suppress(json.JSONDecodeError):
            return json.loads(line)
    return {}


def _optimizer(module: nn.Module, schedule: Schedule) -> torch.optim.Optimizer:
    """AdamW; norms, biases and embeddings are not decayed."""
    decayed = [p for p in module.parameters() if p.requires_grad and p.ndim >= 2]
    plain = [p for p in module.parameters() if p.requires_grad and p.ndim < 2]
    groups = [
        {"params": decayed, "weight_decay": schedule.weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=schedule.learning_rate, betas=schedule.betas, foreach=True)


def _resume(folder: Path, module: nn.Module, average: Average, optimizer: torch.optim.Optimizer) -> int:
    path = folder / "checkpoint.pt"
    if not path.exists():
        return 0
    state = _load(path)
    module.load_state_dict(state["module"])
    average.module.load_state_dict(state["average"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"])


def _save(
    folder: Path, step: int, module: nn.Module, average: Average, optimizer: torch.optim.Optimizer
) -> None:
    state = {
        "step": step,
        "module": module.state_dict(),
        "average": average.module.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    _atomic_save(state, folder / "checkpoint.pt")


def _atomic_save(state: dict[str, object], path: Path) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with open(temporary, "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def _load(path: Path, *, mmap: bool = False) -> dict[str, Any]:
    """`mmap` reads only what is used; the file must not be replaced before that is copied."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    except Exception as error:  # whatever a damaged or foreign file makes the reader raise
        raise WeightsError(f"{path}: not a usable checkpoint; delete it to start this stage again") from error


def _final_step(folder: Path) -> int:
    path = folder / "final.pt"
    return int(_load(path, mmap=True)["step"]) if path.exists() else -1


def _log(folder: Path, progress: Progress) -> None:
    row = {"step": progress.step, "seconds_per_step": round(progress.seconds_per_step, 4)}
    row |= {name: value if math.isfinite(value) else None for name, value in progress.losses.items()}
    path = folder / "log.jsonl"
    torn = path.exists() and not path.read_bytes().endswith(b"\n")
    with open(path, "a") as file:
        file.write("\n" * torn + json.dumps(row) + "\n")
