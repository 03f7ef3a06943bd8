"""Faults of how the optimizer is used."""

import torch
from torch import Tensor, nn

from benchmarks.faults.changes.base import Change, Plan, last_linear


class RateTooHigh(Change):
    def plan(self, plan: Plan) -> None:
        plan.rate *= self.severity


class RateTooLow(Change):
    def plan(self, plan: Plan) -> None:
        plan.rate /= self.severity


class RateJumps(Change):
    def plan(self, plan: Plan) -> None:
        plan.schedule = lambda step, steps: 1.0 if step < 120 else self.severity


class RateCollapses(Change):
    def plan(self, plan: Plan) -> None:
        plan.schedule = lambda step, steps: self.severity ** max(0, step - 19)


class GradientsNotReset(Change):
    def plan(self, plan: Plan) -> None:
        plan.reset_every = int(self.severity)


class WrongSign(Change):
    def loss(self, step: int, loss: Tensor) -> Tensor:
        return -loss if step % 10 < 10 * self.severity else loss


class ExcessiveDecay(Change):
    def plan(self, plan: Plan) -> None:
        plan.decay = self.severity / plan.rate


class ClippedToNothing(Change):
    def plan(self, plan: Plan) -> None:
        plan.clip = self.severity


class ExcessiveMomentum(Change):
    def plan(self, plan: Plan) -> None:
        plan.momentum = self.severity


class NotInOptimizer(Change):
    def trained(self, parameters: list[nn.Parameter]) -> list[nn.Parameter]:
        left_out = min(len(parameters) - 1, round(self.severity * len(parameters)))
        return parameters[left_out:]


class StaleOptimizer(Change):
    def before(self, step: int, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        if step == int(self.severity):
            for group in optimizer.param_groups:
                group["params"] = [nn.Parameter(parameter.detach().clone()) for parameter in group["params"]]


class StepsSkipped(Change):
    def takes(self, step: int) -> bool:
        return step < self.severity


class Detached(Change):
    def before(self, step: int, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        if step == int(self.severity):
            last_linear(model).register_forward_pre_hook(lambda module, given: given[0].detach())


class Overflow(Change):
    def loss(self, step: int, loss: Tensor) -> Tensor:
        return loss * self.severity if step >= 100 else loss


class Underflow(Change):
    def gradients(self, step: int, parameters: list[nn.Parameter]) -> None:
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad[parameter.grad.abs() < self.severity] = 0.0
