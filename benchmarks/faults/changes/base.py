"""What a change may do to a training: each method is a place where it can step in, and does nothing here."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from benchmarks.faults.programs.base import Data, Rows, Style

Schedule = Callable[[int, int], float]
"""By step and number of steps what the learning rate is multiplied with."""


@dataclass
class Plan:
    """How a program is trained."""

    optimizer: str
    rate: float
    batch: int
    steps: int
    style: Style
    schedule: Schedule = lambda step, steps: 1.0
    momentum: float = 0.9
    decay: float = 0.0
    """The share of the weights that is taken away at a step, in learning rates."""
    clip: float | None = None
    """Greatest norm of all gradients."""
    accumulated: int = 1
    """Batches whose gradients make a step."""
    smoothing: float = 0.0
    reset_every: int = 1
    """Steps after which gradients are reset."""


class Change:
    """Of a healthy variant ``severity`` is 0."""

    def __init__(self, severity: float = 0.0) -> None:
        self.severity = severity

    def plan(self, plan: Plan) -> None:
        """Change how it is trained."""

    def data(self, data: Data, draw: torch.Generator) -> None:
        """Change the rows."""

    def model(self, model: nn.Module) -> None:
        """Change the new model in place."""

    def trained(self, parameters: list[nn.Parameter]) -> list[nn.Parameter]:
        """Which of the parameters that want gradients the optimizer gets."""
        return parameters

    def order(self, rows: Rows, order: Tensor) -> Tensor:
        """The order of the rows in an epoch, drawn as ``order``."""
        return order

    def before(self, step: int, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """A step begins."""

    def batch(self, step: int, rows: Rows) -> Rows:
        """What is trained on."""
        return rows

    def outputs(self, outputs: Tensor) -> Tensor:
        """What goes into the criterion, in training and validation."""
        return outputs

    def loss(self, step: int, loss: Tensor) -> Tensor:
        """What is differentiated."""
        return loss

    def gradients(self, step: int, parameters: list[nn.Parameter]) -> None:
        """Gradients are there, and the optimizer has not yet stepped."""

    def takes(self, step: int) -> bool:
        """Whether the optimizer steps."""
        return True


def matrices(model: nn.Module) -> list[nn.Parameter]:
    """Weights of more than one dimension, in order."""
    return [parameter for parameter in model.parameters() if parameter.dim() > 1]


def last_linear(model: nn.Module) -> nn.Linear:
    """The layer that gives the outputs."""
    return [module for module in model.modules() if isinstance(module, nn.Linear)][-1]


def layers(model: nn.Module) -> list[nn.Module]:
    """Linear layers and convolutions in order."""
    return [module for module in model.modules() if isinstance(module, nn.Linear | nn.Conv2d)]
