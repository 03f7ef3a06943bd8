"""What the PyTorch hook costs a training: CPU time of its process, watched and bare in turns.

    PYTHONPATH=src:. PYTHON -m benchmarks.hooks --model gpt --rounds 8      # PYTHON has torch and epochwatch[debugger]

Each round trains some steps bare, watched, and bare again, in random order; what two bare ones differ by is the noise.
``resource.getrusage`` counts the writing thread, too.
"""

import argparse
import random
import resource
import statistics
import tempfile
from collections.abc import Callable

import torch
from torch import nn

from epochwatch.debugger.hooks import watch


class Gpt(nn.Module):
    def __init__(self, width: int, layers: int, words: int = 512, length: int = 128) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(words, width), nn.Embedding(length, width)
        layer = nn.TransformerEncoderLayer(width, 6, 4 * width, 0.0, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.head = nn.Linear(width, words)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(tokens.shape[1])
        hidden = self.words(tokens) + self.places.weight[: tokens.shape[1]]
        return self.head(self.blocks(hidden, mask=mask, is_causal=True))


class Block(nn.Module):
    def __init__(self, given: int, width: int, stride: int) -> None:
        super().__init__()
        self.way = nn.Sequential(
            nn.Conv2d(given, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width),
        )
        self.side = nn.Conv2d(given, width, 1, stride, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.way(x) + self.side(x))


def residual() -> nn.Module:
    widths = [
        (3, 32, 1),
        (32, 32, 1),
        (32, 64, 2),
        (64, 64, 1),
        (64, 128, 2),
        (128, 128, 1),
        (128, 256, 2),
        (256, 256, 1),
    ]
    return nn.Sequential(
        *(Block(*one) for one in widths), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 10)
    )


def trainer(name: str) -> tuple[nn.Module, Callable[[], None]]:
    if name == "resnet":
        model = residual()
        given, labels = torch.randn(16, 3, 32, 32), torch.randint(0, 10, (16,))
    else:
        model = Gpt(192, 6) if name == "gpt" else Gpt(384, 6)
        given, labels = torch.randint(0, 512, (8, 128)), torch.randint(0, 512, (8 * 128,))
    optimizer = torch.optim.AdamW(model.parameters())

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(given).flatten(0, -2), labels).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return model, step


def cpu_seconds(step: Callable[[], None], steps: int) -> float:
    def used() -> float:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime + usage.ru_stime

    before = used()
    for _ in range(steps):
        step()
    return (used() - before) / steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=["gpt", "gpt-large", "resnet"], default="gpt")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--steps", type=int, default=10, help="of each turn; ten hold one with all statistics")
    options = parser.parse_args()
    torch.set_num_threads(1)
    model, step = trainer(options.model)
    cpu_seconds(step, 3)
    found: dict[str, list[float]] = {"bare": [], "watched": [], "bare again": []}
    with tempfile.TemporaryDirectory() as directory:
        for number in range(options.rounds):
            turns = list(found)
            random.shuffle(turns)
            for turn in turns:
                hook = watch(model, out_dir=f"{directory}/{number}") if turn == "watched" else None
                found[turn].append(cpu_seconds(step, options.steps))
                if hook is not None:
                    hook.close()
    bare = statistics.median(found["bare"])
    size = sum(parameter.numel() for parameter in model.parameters())
    print(f"{options.model}: {size / 1e6:.1f} M parameters, {bare * 1e3:.1f} ms of CPU time a step")
    for turn in ("bare again", "watched"):
        differences = [(one - base) / base for one, base in zip(found[turn], found["bare"], strict=True)]
        print(f"{turn}: {statistics.median(differences):+.2%}, {min(differences):+.2%} to {max(differences):+.2%}")


if __name__ == "__main__":
    main()
