"""What watchers cost a PyTorch training: CPU time of its process, each of them and bare in turns.

    PYTHONPATH=src:. .venvs/watchers/bin/python -m benchmarks.hooks --model gpt --rounds 8
    PYTHONPATH=src:. .venvs/smdebug-torch/bin/python -m benchmarks.hooks --watchers ours,smdebug

(the environments are those of ``tests/peers.py``). Each round trains some steps bare, with each watcher, and bare
again, in random order; what two bare ones differ by is the noise. ``resource.getrusage`` counts threads, not other
processes: wandb writes in one of its own. Each watcher saves what ours does by itself, gradients and weights at each
tenth step, as it can: statistics, histograms, or reductions.
"""

import argparse
import contextlib
import os
import random
import resource
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import nn

INTERVAL = 10


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


class Training:
    """A model and how it learns; ``stepped`` is called after each step, within ``step``."""

    def __init__(self, name: str) -> None:
        if name == "resnet":
            self.model: nn.Module = residual()
            given, labels = torch.randn(16, 3, 32, 32), torch.randint(0, 10, (16,))
        else:
            self.model = Gpt(192, 6) if name == "gpt" else Gpt(384, 6)
            given, labels = torch.randint(0, 512, (8, 128)), torch.randint(0, 512, (8 * 128,))
        self._given, self._labels = given, labels
        self._optimizer = torch.optim.AdamW(self.model.parameters())
        self.criterion = nn.CrossEntropyLoss()
        self.steps = 0
        self.stepped: Callable[[float], None] = lambda loss: None

    def step(self) -> None:
        self._optimizer.zero_grad()
        loss = self.criterion(self.model(self._given).flatten(0, -2), self._labels)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self._optimizer.step()
        self.stepped(loss.item())
        self.steps += 1


@contextlib.contextmanager
def ours(training: Training, directory: str) -> Iterator[None]:
    """What ``epochwatch run --debug`` does."""
    from epochwatch.debugger.hooks import watch

    hook = watch(training.model, out_dir=directory)
    yield
    hook.close()


@contextlib.contextmanager
def wandb_watch(training: Training, directory: str) -> Iterator[None]:
    """``wandb.watch`` of gradients and weights, which are histograms, and the loss of each step; offline."""
    import wandb

    run = wandb.init(
        mode="offline", dir=directory, settings=wandb.Settings(silent=True, console="off", x_disable_stats=True)
    )
    run.watch(training.model, log="all", log_freq=INTERVAL)
    training.stepped = lambda loss: run.log({"loss": loss})
    yield
    training.stepped = lambda loss: None
    run.unwatch(training.model)
    run.finish()


@contextlib.contextmanager
def tensorboard(training: Training, directory: str) -> Iterator[None]:
    """TensorBoard's histograms of gradients and weights, and the loss of each step."""
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(directory)

    def stepped(loss: float) -> None:
        writer.add_scalar("loss", loss, training.steps)
        if training.steps % INTERVAL == 0:
            for name, parameter in training.model.named_parameters():
                writer.add_histogram(name, parameter, training.steps)
                if parameter.grad is not None:
                    writer.add_histogram(f"gradient/{name}", parameter.grad, training.steps)

    training.stepped = stepped
    yield
    training.stepped = lambda loss: None
    writer.close()


@contextlib.contextmanager
def smdebug(training: Training, directory: str) -> Iterator[None]:
    """smdebug's hook with five reductions of gradients, weights and biases; losses each step. It cannot be taken off
    again: each turn has a model of its own.
    """
    import smdebug.pytorch as smd

    reductions = smd.ReductionConfig(reductions=["mean", "std", "min", "max"], norms=["l2"])
    hook = smd.Hook(
        directory,
        include_collections=["weights", "gradients", "biases", "losses"],
        save_config=smd.SaveConfig(save_interval=INTERVAL),
        reduction_config=reductions,
    )
    hook.get_collection("losses").save_config = smd.SaveConfig(save_interval=1)
    hook.register_hook(training.model)
    hook.register_loss(training.criterion)
    yield
    hook.close()


WATCHERS: Mapping[str, Any] = {"ours": ours, "wandb": wandb_watch, "tensorboard": tensorboard, "smdebug": smdebug}


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
    parser.add_argument("--watchers", default="ours,wandb,tensorboard", help=f"of {', '.join(WATCHERS)}")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument(
        "--steps", type=int, default=INTERVAL, help="of each turn; ten hold one with all statistics"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    chosen = options.watchers.split(",")
    found: dict[str, list[float]] = {"bare": [], "bare again": [], **{name: [] for name in chosen}}
    size = 0
    with tempfile.TemporaryDirectory() as directory:
        for number in range(options.rounds):
            turns = list(found)
            random.shuffle(turns)
            for turn in turns:
                training = Training(options.model)
                size = sum(parameter.numel() for parameter in training.model.parameters())
                cpu_seconds(training.step, 2)
                training.steps = 0
                place = f"{directory}/{turn}-{number}"
                os.makedirs(place)
                with WATCHERS[turn](training, place) if turn in WATCHERS else contextlib.nullcontext():
                    found[turn].append(cpu_seconds(training.step, options.steps))
    bare = statistics.median(found["bare"])
    print(f"{options.model}: {size / 1e6:.1f} M parameters, {bare * 1e3:.1f} ms of CPU time a step")
    for turn, seconds in found.items():
        if turn != "bare":
            differences = [(one - base) / base for one, base in zip(seconds, found["bare"], strict=True)]
            print(
                f"{turn}: {statistics.median(differences):+.1%}, {min(differences):+.1%} to {max(differences):+.1%}"
            )


if __name__ == "__main__":
    main()
