"""What a program is: data, a model, a criterion. Everything of it is small enough for a step of a millisecond."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn


@dataclass
class Rows:
    """Inputs and what is wanted of them, row by row."""

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.inputs)

    def at(self, index: Tensor) -> "Rows":
        return Rows(self.inputs[index], self.targets[index])


@dataclass
class Data:
    """``train`` may be changed by a fault, ``held_back`` is not."""

    train: Rows
    held_back: Rows

    @classmethod
    def divided(cls, rows: Rows, seed: int) -> "Data":
        """A quarter of the rows is held back."""
        order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))
        cut = len(rows) * 3 // 4
        return cls(rows.at(order[:cut]), rows.at(order[cut:]))


@dataclass
class Style:
    """What may be changed of a model; None leaves it as the program has it."""

    activation: type[nn.Module] | None = None
    depth: int | None = None
    dropout: float | None = None
    normalised: bool = True


class Program(ABC):
    """A thing to train; ``rate`` and ``batch`` are those it trains well with."""

    optimizer: ClassVar[str] = "adam"
    rate: ClassVar[float] = 3e-3
    batch: ClassVar[int] = 32

    @abstractmethod
    def data(self, seed: int) -> Data:
        """The rows, drawn and divided by ``seed``."""

    @abstractmethod
    def model(self, style: Style) -> nn.Module:
        """A model that gives outputs for inputs."""

    def criterion(self, smoothing: float = 0.0) -> nn.Module:
        """The loss of outputs and targets."""
        return nn.CrossEntropyLoss(label_smoothing=smoothing)

    def flat(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs and targets as the criterion takes them."""
        return outputs, targets
