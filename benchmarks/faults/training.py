"""Trains a program with one change, and records it as anybody's training would be recorded."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.faults.catalogue import EPOCH, STEPS, Run
from benchmarks.faults.changes import made
from benchmarks.faults.changes.base import Change, Plan
from benchmarks.faults.programs import PROGRAMS
from benchmarks.faults.programs.base import Program, Rows, Style
from epochwatch.debugger import modes
from epochwatch.debugger.hooks import watch
from epochwatch.debugger.hooks.config import DEFAULT_COLLECTIONS, CollectionConfig, HookConfig, SaveConfig


def config(directory: Path) -> HookConfig:
    """What is recorded: what is by default, what modules give, batches and logits with it, labels of each step, and
    some whole tensors for detectors that compare element by element.
    """

    def whole(name: str, pattern: str, interval: int) -> CollectionConfig:
        save = dict.fromkeys(modes, SaveConfig(interval))
        return CollectionConfig(name, (pattern,), save, save_raw_tensor=True, statistics=False)

    return HookConfig(
        str(directory),
        (
            *DEFAULT_COLLECTIONS,
            CollectionConfig("outputs"),
            whole("labels", "[Ll]oss_input_1$", 1),
            whole("batches", r"^[A-Z][A-Za-z]*_input_0$|[Ll]oss_input_0$", 10),
            whole("parameters", "weight$|bias$", 50),
        ),
    )


def train(run: Run, directory: Path) -> dict[str, Any]:
    """Train; the trial goes to ``directory``. Returns what a progress bar and a look at the code would tell."""
    torch.manual_seed(1000 + run.seed)
    began = time.process_time()
    noted = _Training(PROGRAMS[run.program](), made(run.change, run.severity), run.seed).train(directory)
    return noted | {"cpu_seconds": round(time.process_time() - began, 2)}


class _Training:
    def __init__(self, program: Program, change: Change, seed: int) -> None:
        self._program, self._change = program, change
        self._plan = Plan(program.optimizer, program.rate, program.batch, STEPS, Style())
        change.plan(self._plan)
        self._draw = torch.Generator().manual_seed(seed)
        self._data = program.data(seed)
        change.data(self._data, self._draw)
        self._model = program.model(self._plan.style)
        change.model(self._model)
        self._parameters = [one for one in self._model.parameters() if one.requires_grad]
        self._optimizer = _optimizer(self._plan, change.trained(self._parameters))
        self._criterion = program.criterion(self._plan.smoothing)
        self._noted: list[tuple[float, float]] = []
        self._epochs: list[dict[str, float]] = []

    def train(self, directory: Path) -> dict[str, Any]:
        plan, batches = self._plan, self._batches()
        hook = watch(self._model, self._optimizer, config=config(directory))
        for step in range(plan.steps):
            self._step(step, batches)
            if step % EPOCH == EPOCH - 1:
                self._evaluate()
        hook.close()
        inputs = self._data.train.inputs
        return {
            "optimizer": plan.optimizer,
            "rate": plan.rate,
            "dropout": plan.style.dropout or 0.0,
            "inputs": [float(inputs.min()), float(inputs.max())] if inputs.is_floating_point() else None,
            "classes": isinstance(self._criterion, nn.CrossEntropyLoss),
            "epochs": self._epochs,
            "quality": self._epochs[-1]["held_back_quality"],
        }

    def _batches(self) -> Iterator[Rows]:
        rows = self._data.train
        while True:
            order = self._change.order(rows, torch.randperm(len(rows), generator=self._draw))
            size = min(self._plan.batch, len(order))
            for start in range(0, len(order) - size + 1, size):
                yield rows.at(order[start : start + size])

    def _step(self, step: int, batches: Iterator[Rows]) -> None:
        plan, change, optimizer = self._plan, self._change, self._optimizer
        for group in optimizer.param_groups:
            group["lr"] = plan.rate * plan.schedule(step, plan.steps)
        change.before(step, self._model, optimizer)
        if step % plan.reset_every == 0:
            optimizer.zero_grad()
        for _ in range(plan.accumulated):
            outputs, targets = self._outputs(change.batch(step, next(batches)))
            loss = self._criterion(outputs, targets)
            change.loss(step, loss / plan.accumulated).backward()
        self._noted.append((float(loss.detach()), _quality(outputs.detach(), targets)))
        change.gradients(step, self._parameters)
        if plan.clip is not None:
            nn.utils.clip_grad_norm_(self._parameters, plan.clip)
        if change.takes(step):
            optimizer.step()

    def _outputs(self, rows: Rows) -> tuple[Tensor, Tensor]:
        return self._program.flat(self._change.outputs(self._model(rows.inputs)), rows.targets)

    @torch.no_grad()
    def _evaluate(self) -> None:
        self._model.eval()
        outputs, targets = self._outputs(self._data.held_back)
        held_back = float(self._criterion(outputs, targets)), _quality(outputs, targets)
        self._model.train()
        loss, quality = (sum(values) / len(values) for values in zip(*self._noted, strict=True))
        self._noted = []
        self._epochs.append(
            {
                "loss": loss,
                "quality": quality,
                "held_back_loss": held_back[0],
                "held_back_quality": held_back[1],
            }
        )


def _optimizer(plan: Plan, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    if plan.optimizer == "adam":
        return torch.optim.AdamW(parameters, plan.rate, betas=(plan.momentum, 0.999), weight_decay=plan.decay)
    decay = plan.decay * 0.1  # momentum of .9 takes it ten times
    return torch.optim.SGD(parameters, plan.rate, momentum=plan.momentum, weight_decay=decay)


def _quality(outputs: Tensor, targets: Tensor) -> float:
    """Of 1 at best: the share that is right, or of the variance that is explained."""
    if targets.is_floating_point():
        return 1.0 - float(((outputs - targets) ** 2).mean() / targets.var(correction=0).clamp(min=1e-9))
    return float((outputs.argmax(-1) == targets).float().mean())
