"""Programs over drawn data and scikit-learn's tables: sequences, tables, a graph, ratings."""

from typing import ClassVar

import torch
from sklearn.datasets import load_breast_cancer
from torch import Tensor, nn

from benchmarks.faults.programs.base import Data, Program, Rows, Style
from benchmarks.faults.programs.digits import stack


class TanhRegression(Program):
    optimizer: ClassVar[str] = "momentum"
    rate: ClassVar[float] = 0.02

    def data(self, seed: int) -> Data:
        generator = torch.Generator().manual_seed(seed)
        inputs = torch.randn(1600, 8, generator=generator)
        mixing = torch.randn(8, 3, generator=generator) / 3
        hidden = inputs @ mixing
        targets = torch.sin(2 * hidden[:, :1]) + hidden[:, 1:2] * hidden[:, 2:] + hidden.sum(1, keepdim=True)
        noise = 0.1 * torch.randn(targets.shape, generator=generator)
        return Data.divided(Rows(inputs, (targets - targets.mean()) / targets.std() + noise), seed)

    def model(self, style: Style) -> nn.Module:
        return stack([8, 32, 32, 1], style, nn.Tanh)

    def criterion(self, smoothing: float = 0.0) -> nn.Module:
        return nn.MSELoss()


class TabularSgd(Program):
    optimizer: ClassVar[str] = "momentum"
    rate: ClassVar[float] = 0.02

    def data(self, seed: int) -> Data:
        table = load_breast_cancer()
        inputs = torch.tensor(table.data, dtype=torch.float32)
        rows = Rows((inputs - inputs.mean(0)) / inputs.std(0), torch.tensor(table.target))
        return Data.divided(rows, seed)

    def model(self, style: Style) -> nn.Module:
        return stack([30, 24, 24, 2], style, nn.ReLU)


class CausalTransformer(nn.Module):
    def __init__(self, words: int, length: int, style: Style) -> None:
        super().__init__()
        self.words = nn.Embedding(words, 32)
        self.places = nn.Embedding(length, 32)
        layer = nn.TransformerEncoderLayer(
            32, 4, 64, dropout=style.dropout or 0.0, batch_first=True, norm_first=True
        )
        self.body = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(32)
        self.head = nn.Linear(32, words)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(length))

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = self.words(inputs) + self.places(torch.arange(inputs.shape[1]))
        return self.head(self.norm(self.body(hidden, mask=self.mask, is_causal=True)))


class MarkovTransformer(Program):
    """A language model of a language whose next word depends on the last."""

    batch: ClassVar[int] = 16
    words, length = 24, 24

    def data(self, seed: int) -> Data:
        generator = torch.Generator().manual_seed(seed)
        following = torch.softmax(3 * torch.randn(self.words, self.words, generator=generator), dim=1)
        text = torch.randint(self.words, (4000, self.length + 1), generator=generator)
        for place in range(1, self.length + 1):
            text[:, place] = torch.multinomial(following[text[:, place - 1]], 1, generator=generator)[:, 0]
        return Data.divided(Rows(text[:, :-1].contiguous(), text[:, 1:].contiguous()), seed)

    def model(self, style: Style) -> nn.Module:
        return CausalTransformer(self.words, self.length, style)

    def flat(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        return outputs.flatten(0, 1), targets.flatten()


class Recurrent(nn.Module):
    def __init__(self, style: Style) -> None:
        super().__init__()
        self.cells = nn.GRU(2, 24, batch_first=True)
        self.dropout = nn.Dropout(style.dropout or 0.0)
        self.head = nn.Linear(24, 4)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.dropout(self.cells(inputs)[0][:, -1]))


class WaveGru(Program):
    """Which of four frequencies a noisy wave has."""

    rate: ClassVar[float] = 1e-2

    def data(self, seed: int) -> Data:
        generator = torch.Generator().manual_seed(seed)
        kinds = torch.randint(4, (4000,), generator=generator)
        times = torch.arange(16)
        angle = times * (0.3 + 0.35 * kinds[:, None]) + 6.28 * torch.rand(4000, 1, generator=generator)
        waves = torch.stack([angle.sin(), angle.cos()], dim=2)
        return Data.divided(Rows(waves + 0.3 * torch.randn(waves.shape, generator=generator), kinds), seed)

    def model(self, style: Style) -> nn.Module:
        return Recurrent(style)


class GraphModel(nn.Module):
    """Two rounds of averaging over neighbours; inputs are numbers of nodes."""

    def __init__(self, features: Tensor, neighbours: Tensor, style: Style) -> None:
        super().__init__()
        self.register_buffer("features", features)
        self.register_buffer("neighbours", neighbours)
        self.first = nn.Linear(features.shape[1], 32)
        self.dropout = nn.Dropout(style.dropout or 0.0)
        self.second = nn.Linear(32, 32)
        self.head = nn.Linear(32, 5)

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = torch.relu(self.first(self.neighbours @ self.features))
        hidden = torch.relu(self.second(self.neighbours @ self.dropout(hidden)))
        return self.head(hidden[inputs])


class GraphNetwork(Program):
    """To which of five communities a node belongs, of a graph that is drawn by them."""

    rate: ClassVar[float] = 5e-3

    def data(self, seed: int) -> Data:
        generator = torch.Generator().manual_seed(seed)
        kinds = torch.randint(5, (400,), generator=generator)
        alike = kinds[:, None] == kinds[None]
        edges = torch.rand(400, 400, generator=generator) < torch.where(alike, 0.05, 0.008)
        edges = (edges | edges.T).float() + torch.eye(400)
        self.neighbours = edges / edges.sum(1, keepdim=True)
        centres = torch.randn(5, 12, generator=generator)
        self.features = centres[kinds] + 1.5 * torch.randn(400, 12, generator=generator)
        return Data.divided(Rows(torch.arange(400), kinds), seed)

    def model(self, style: Style) -> nn.Module:
        return GraphModel(self.features, self.neighbours, style)


class Tower(nn.Module):
    """Two embeddings and a small stack over them."""

    def __init__(self, style: Style) -> None:
        super().__init__()
        self.people = nn.Embedding(120, 12)
        self.things = nn.Embedding(80, 12)
        self.body = stack([24, 32, 1], Style(dropout=style.dropout), nn.ReLU)
        for embedding in (self.people, self.things):
            nn.init.normal_(embedding.weight, std=0.3)

    def forward(self, inputs: Tensor) -> Tensor:
        person, thing = self.people(inputs[:, 0]), self.things(inputs[:, 1])
        return self.body(torch.cat([person, thing], dim=1)) + (person * thing).sum(1, keepdim=True)


class Recommender(Program):
    """Ratings of 80 things by 120 people."""

    rate: ClassVar[float] = 1e-2
    batch: ClassVar[int] = 64

    def data(self, seed: int) -> Data:
        generator = torch.Generator().manual_seed(seed)
        people, things = (torch.randn(count, 2, generator=generator) for count in (120, 80))
        pairs = torch.cartesian_prod(torch.arange(120), torch.arange(80))
        ratings = (people[pairs[:, 0]] * things[pairs[:, 1]]).sum(1, keepdim=True) + people[pairs[:, 0], :1]
        return Data.divided(Rows(pairs, ratings + 0.2 * torch.randn(ratings.shape, generator=generator)), seed)

    def model(self, style: Style) -> nn.Module:
        return Tower(style)

    def criterion(self, smoothing: float = 0.0) -> nn.Module:
        return nn.MSELoss()
