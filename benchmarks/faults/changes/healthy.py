"""Healthy variants: ways of training that work and look, to a careless rule, as if they did not."""

import math

import torch
from torch import nn

from benchmarks.faults.changes.base import Change, Plan, last_linear
from benchmarks.faults.programs.base import Data


class WarmUp(Change):
    def plan(self, plan: Plan) -> None:
        plan.schedule = lambda step, steps: min(1.0, (step + 1) / 100)


class Restarts(Change):
    def plan(self, plan: Plan) -> None:
        plan.schedule = lambda step, steps: 0.05 + 0.95 * (1 + math.cos(math.pi * (step % 75) / 75)) / 2


class StepDrop(Change):
    def plan(self, plan: Plan) -> None:
        plan.schedule = lambda step, steps: 1.0 if step < steps // 2 else 0.1


class DecayToZero(Change):
    def plan(self, plan: Plan) -> None:
        plan.schedule = lambda step, steps: (1 + math.cos(math.pi * step / steps)) / 2


class SmallBatch(Change):
    def plan(self, plan: Plan) -> None:
        plan.batch = 4
        plan.rate /= 3


class LargeBatch(Change):
    def plan(self, plan: Plan) -> None:
        plan.batch *= 4


class Clipped(Change):
    def plan(self, plan: Plan) -> None:
        plan.clip = 0.5


class WeightDecay(Change):
    def plan(self, plan: Plan) -> None:
        plan.decay = 0.05


class Accumulated(Change):
    def plan(self, plan: Plan) -> None:
        plan.accumulated = 4
        plan.batch = max(4, plan.batch // 4)


class NoisyLabels(Change):
    def data(self, data: Data, draw: torch.Generator) -> None:
        exchange_labels(data, 0.1, draw)


def exchange_labels(data: Data, share: float, draw: torch.Generator) -> None:
    """Give a share of the rows the targets of others."""
    targets = data.train.targets.clone()
    chosen = torch.randperm(len(targets), generator=draw)[: round(share * len(targets))]
    targets[chosen] = targets[chosen[torch.randperm(len(chosen), generator=draw)]]
    data.train.targets = targets


class LabelSmoothing(Change):
    def plan(self, plan: Plan) -> None:
        plan.smoothing = 0.1


class HeavyDropout(Change):
    def plan(self, plan: Plan) -> None:
        plan.style.dropout = 0.5


class Patient(Change):
    def plan(self, plan: Plan) -> None:
        plan.steps *= 2


class SlowAndSteady(Change):
    def plan(self, plan: Plan) -> None:
        plan.rate /= 5


class OtherOptimizer(Change):
    def plan(self, plan: Plan) -> None:
        plan.optimizer, plan.rate = ("adam", 3e-3) if plan.optimizer == "momentum" else ("momentum", 0.02)


class FineTuning(Change):
    def model(self, model: nn.Module) -> None:
        next(model.parameters()).requires_grad_(False)


class ZeroHead(Change):
    def model(self, model: nn.Module) -> None:
        nn.init.zeros_(last_linear(model).weight)


class FewClasses(Change):
    def data(self, data: Data, draw: torch.Generator) -> None:
        many = data.train.targets < max(1, int(data.train.targets.max() + 1) // 3)
        often, seldom = torch.where(many)[0], torch.where(~many)[0]
        seldom = seldom[torch.randperm(len(seldom), generator=draw)[: max(1, len(often) // 3)]]
        data.train = data.train.at(torch.cat([often, seldom]))
