"""What timing the phases of a training's steps costs it: CPU time of steps with the hook and without, in turns.

::

    PYTHONPATH=src .venvs/torch/bin/python benchmarks/profiler_overhead.py [--rounds 20] [--steps 50]

Both are measured in one process, in rounds that take turns, over the same model, batches and optimizer: what is left is
the hook's. A step that is much shorter shows its cost in microseconds.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from epochwatch.profiler import watch


def transformer() -> nn.Module:
    """A small encoder: 25 modules with parameters, tens of milliseconds a step."""
    layer = nn.TransformerEncoderLayer(128, 4, 512, batch_first=True)
    return nn.Sequential(nn.Linear(16, 128), nn.TransformerEncoder(layer, 4), nn.Linear(128, 16))


def perceptron() -> nn.Module:
    """Under a millisecond a step."""
    return nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 16))


def one_round(model: nn.Module, batches: DataLoader[tuple[torch.Tensor, ...]], steps: int) -> float:
    """CPU seconds of a step, the first ones left out."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    done, began = -5, 0.0
    while True:
        for (batch,) in batches:
            optimizer.zero_grad()
            nn.functional.mse_loss(model(batch), batch).backward()
            optimizer.step()
            done += 1
            if done == 0:
                began = time.process_time()
            if done == steps:
                return (time.process_time() - began) / steps


def measured(
    make: Callable[[], nn.Module], length: int, rounds: int, steps: int
) -> tuple[list[float], list[float]]:
    """CPU seconds of a step in each round: bare, and watched."""
    batches = DataLoader(TensorDataset(torch.randn(256, length, 16)), batch_size=8)
    model, bare, watched = make(), [], []
    for _ in range(rounds):
        bare.append(one_round(model, batches, steps))
        with tempfile.TemporaryDirectory() as directory:
            hook = watch(directory)
            watched.append(one_round(model, batches, steps))
            assert hook.recorder.active
            hook.close()
    return bare, watched


def main() -> None:
    """Prints a row for each model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--steps", type=int, default=50)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'model':12} {'bare ms/step':>13} {'watched':>9} {'hook us/step':>13} {'overhead':>9}")
    for make, length, factor in ((transformer, 64, 1), (perceptron, 4, 20)):
        bare, watched = measured(make, length, options.rounds, options.steps * factor)
        cost = statistics.median(one - other for one, other in zip(watched, bare, strict=True))
        step = statistics.median(bare)
        print(
            f"{make.__name__:12} {step * 1e3:13.3f} {(step + cost) * 1e3:9.3f} {cost * 1e6:13.1f} {cost / step:9.2%}"
        )


if __name__ == "__main__":
    main()
