"""Programs over scikit-learn's handwritten digits: 1,797 pictures of 8 by 8."""

from functools import cache
from itertools import pairwise
from typing import ClassVar

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.faults.programs.base import Data, Program, Rows, Style


@cache
def _digits() -> tuple[Tensor, Tensor]:
    digits = load_digits()
    inputs = torch.tensor(digits.data, dtype=torch.float32)
    return (inputs - inputs.mean()) / inputs.std(), torch.tensor(digits.target)


def stack(sizes: list[int], style: Style, activation: type[nn.Module]) -> nn.Sequential:
    """Linear layers with activations between; a depth repeats the first hidden layer."""
    if style.depth is not None:
        sizes = [sizes[0], *[sizes[1]] * style.depth, sizes[-1]]
    layers: list[nn.Module] = []
    for wide, narrow in pairwise(sizes[:-1]):
        layers += [nn.Linear(wide, narrow), (style.activation or activation)()]
        if style.dropout:
            layers.append(nn.Dropout(style.dropout))
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


class MlpDigits(Program):
    rate: ClassVar[float] = 2e-3

    def data(self, seed: int) -> Data:
        return Data.divided(Rows(*_digits()), seed)

    def model(self, style: Style) -> nn.Module:
        return stack([64, 48, 48, 10], style, nn.ReLU)


class DigitsAutoencoder(Program):
    rate: ClassVar[float] = 2e-3

    def data(self, seed: int) -> Data:
        inputs = _digits()[0]
        return Data.divided(Rows(inputs, inputs), seed)

    def model(self, style: Style) -> nn.Module:
        return stack([64, 48, 12, 48, 64], style, nn.ReLU)

    def criterion(self, smoothing: float = 0.0) -> nn.Module:
        return nn.MSELoss()


class NormCnn(nn.Module):
    def __init__(self, style: Style) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for index in range(style.depth or 2):
            layers.append(nn.Conv2d(1 if index == 0 else 12, 12, 3, padding=1))
            if style.normalised:
                layers.append(nn.BatchNorm2d(12))
            layers.append((style.activation or nn.ReLU)())
            if index == 0:
                layers.append(nn.MaxPool2d(2))
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(style.dropout or 0.0))
        self.head = nn.Linear(12 * 16, 10)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.body(inputs.view(-1, 1, 8, 8)))


class NormCnnDigits(MlpDigits):
    optimizer: ClassVar[str] = "momentum"
    rate: ClassVar[float] = 0.02

    def model(self, style: Style) -> nn.Module:
        return NormCnn(style)


class ResidualBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(width)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(width)
        nn.init.zeros_(self.second_norm.weight)  # as is usual: a block begins as the identity

    def forward(self, inputs: Tensor) -> Tensor:
        inner = functional.relu(self.first_norm(self.first(inputs)))
        return functional.relu(inputs + self.second_norm(self.second(inner)))


class ResidualCnn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 12, 3, stride=2, padding=1)
        self.blocks = nn.Sequential(ResidualBlock(12), ResidualBlock(12))
        self.head = nn.Linear(12, 10)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.blocks(self.stem(inputs.view(-1, 1, 8, 8))).mean((2, 3)))


class ResidualCnnDigits(MlpDigits):
    optimizer: ClassVar[str] = "momentum"
    rate: ClassVar[float] = 0.05

    def model(self, style: Style) -> nn.Module:
        return ResidualCnn()


class PatchTransformerModel(nn.Module):
    """Sixteen patches of 2 by 2, with a token of the class in front."""

    def __init__(self, style: Style) -> None:
        super().__init__()
        self.patches = nn.Linear(4, 24)
        self.token = nn.Parameter(torch.zeros(1, 1, 24))
        self.places = nn.Parameter(torch.randn(1, 17, 24) * 0.02)
        layer = nn.TransformerEncoderLayer(
            24, 3, 48, dropout=style.dropout or 0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.body = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(24)
        self.head = nn.Linear(24, 10)

    def forward(self, inputs: Tensor) -> Tensor:
        pictures = inputs.view(-1, 4, 2, 4, 2).transpose(2, 3).reshape(-1, 16, 4)
        tokens = torch.cat([self.token.expand(len(inputs), -1, -1), self.patches(pictures)], dim=1)
        return self.head(self.norm(self.body(tokens + self.places)[:, 0]))


class PatchTransformer(MlpDigits):
    def model(self, style: Style) -> nn.Module:
        return PatchTransformerModel(style)


class TwoViews(nn.Module):
    """Similarities of each row's first noisy view to the second views of all rows of the batch."""

    def __init__(self, style: Style) -> None:
        super().__init__()
        self.encoder = stack([64, 48, 48, 16], style, nn.ReLU)

    def forward(self, inputs: Tensor) -> Tensor:
        first, second = (inputs + 0.7 * torch.randn_like(inputs) for _ in range(2))
        left, right = (functional.normalize(self.encoder(view), dim=1) for view in (first, second))
        return left @ right.T / 0.2


class ContrastiveDigits(Program):
    batch: ClassVar[int] = 48
    rate: ClassVar[float] = 2e-3

    def data(self, seed: int) -> Data:
        inputs = _digits()[0]
        data = Data.divided(Rows(inputs, torch.zeros(len(inputs), dtype=torch.long)), seed)
        return Data(data.train, data.held_back.at(torch.arange(self.batch)))  # the loss depends on the batch

    def model(self, style: Style) -> nn.Module:
        return TwoViews(style)

    def flat(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        return outputs, torch.arange(len(outputs))


class NoisePredictor(Program):
    """One step of a diffusion: says which noise was put on a picture, at a level that it is told."""

    rate: ClassVar[float] = 2e-3

    def data(self, seed: int) -> Data:
        pictures = _digits()[0].repeat(2, 1)
        generator = torch.Generator().manual_seed(seed)
        level = torch.rand(len(pictures), 1, generator=generator)
        noise = torch.randn(pictures.shape, generator=generator)
        mixed = (1 - level).sqrt() * pictures + level.sqrt() * noise
        return Data.divided(Rows(torch.cat([mixed, 2 * level - 1], dim=1), noise), seed)

    def model(self, style: Style) -> nn.Module:
        return stack([65, 96, 96, 64], style, nn.SiLU)

    def criterion(self, smoothing: float = 0.0) -> nn.Module:
        return nn.MSELoss()
