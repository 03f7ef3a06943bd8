"""Faults of the model: how it begins and what it is made of."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.faults.changes.base import Change, Plan, last_linear, layers, matrices


class ZeroInit(Change):
    def model(self, model: nn.Module) -> None:
        found = matrices(model)
        for weight in found[: round(self.severity * len(found))]:
            nn.init.zeros_(weight)


class IdenticalUnits(Change):
    def model(self, model: nn.Module) -> None:
        found = matrices(model)
        with torch.no_grad():
            for weight in found[: round(self.severity * len(found))]:
                weight.copy_(weight.mean(0, keepdim=True).expand_as(weight))


class LargeInit(Change):
    def model(self, model: nn.Module) -> None:
        _scale(matrices(model), self.severity)


class SmallInit(LargeInit):
    pass


class DeepSigmoid(Change):
    def plan(self, plan: Plan) -> None:
        plan.style.activation, plan.style.depth, plan.style.normalised = nn.Sigmoid, int(self.severity), False


class DeadRelu(Change):
    def model(self, model: nn.Module) -> None:
        with torch.no_grad():
            for module in model.modules():
                hidden = isinstance(module, nn.Linear | nn.Conv2d | nn.BatchNorm2d) and module is not last_linear(
                    model
                )
                if hidden and module.bias is not None:
                    module.bias.sub_(self.severity)


class SaturatedTanh(Change):
    def plan(self, plan: Plan) -> None:
        plan.style.activation, plan.style.normalised = nn.Tanh, False

    def model(self, model: nn.Module) -> None:
        _scale([layer.weight for layer in layers(model)[:-1]], self.severity)


def _scale(weights: list[nn.Parameter], factor: float) -> None:
    with torch.no_grad():
        for weight in weights:
            weight.mul_(factor)


class DoubleSoftmax(Change):
    def outputs(self, outputs: Tensor) -> Tensor:
        return functional.softmax(outputs / self.severity, dim=-1)


class RectifiedOutput(Change):
    def outputs(self, outputs: Tensor) -> Tensor:
        return functional.relu(outputs - self.severity)
