"""Synthetic trainings: a healthy one of a small classifier, to be changed at any step."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from epochwatch.debugger import ModeKeys
from epochwatch.debugger.measure import COLUMNS
from epochwatch.debugger.rules.stream import StepStatistics

LAYERS = tuple(f"Net_layers.{number}" for number in range(6))
CLASSES = 10
Row = dict[str, float]
Change = Callable[[int, dict[str, float], dict[str, Row]], None]
"""Changes the scalars and the tensors' rows of a step in place."""


def normal(size: int, scale: float, **others: float) -> Row:
    """The row of a tensor of normal values."""
    row = {
        "size": size, "mean": 0.01 * scale, "std": scale, "min": -3 * scale, "max": 3 * scale,
        "l2": scale * size**0.5, "abs_mean": 0.8 * scale, "abs_max": 3 * scale, "zeros": 0, "nans": 0, "infs": 0,
        "update_l2": np.nan,
    }  # fmt: skip
    return row | others


def healthy(step: int, noise: np.random.Generator, rate: float = 1e-3) -> tuple[dict[str, float], dict[str, Row]]:
    """Scalars and rows of a step that learns: the loss falls from the logarithm of ten to a floor, with noise."""
    loss = (0.3 + 2.0 * np.exp(-step / 60)) * (1 + 0.1 * noise.normal())
    norm = (0.2 + np.exp(-step / 80)) * np.exp(0.2 * noise.normal())
    scalars = {"loss": loss, "CrossEntropyLoss_output_0": loss, "gradient_norm": norm, "learning_rate": rate}
    scalars["step_seconds"] = 0.1 * np.exp(0.2 * noise.normal())
    rows: dict[str, Row] = {}
    for layer in LAYERS:
        rows[f"gradient/{layer}.weight"] = normal(1000, 1e-2 * norm)
        rows[f"gradient/{layer}.bias"] = normal(CLASSES, 1e-2 * norm)
        rows[f"{layer}.weight"] = normal(1000, 0.1, update_l2=0.1 * 1000**0.5 * rate)
        rows[f"{layer}.bias"] = normal(CLASSES, 0.1, update_l2=1e-3 * rate)
    rows["Net_input_0"] = normal(640, 1.0, mean=0.01 * noise.normal(), std=1 + 0.01 * noise.normal())
    rows["CrossEntropyLoss_input_0"] = normal(320, 2.0)
    rows["CrossEntropyLoss_input_1"] = normal(32, 2.8, mean=4.5 + 0.4 * noise.normal(), min=0, max=9)
    return scalars, rows


def training(
    change: Change | None = None, steps: int = 300, every: int = 1, seed: int = 0, worker: str = "worker_0"
) -> Iterator[StepStatistics]:
    """The steps of a training; tensors are seen at each ``every``-th."""
    noise = np.random.default_rng(seed)
    kept: dict[tuple[str, ...], tuple[str, ...]] = {}
    for step in range(steps):
        scalars, rows = healthy(step, noise)
        if change is not None:
            change(step, scalars, rows)
        if step % every:
            rows = {}
        names = kept.setdefault(tuple(rows), tuple(rows))
        columns: dict[str, Any] = {
            column: np.array([row[column] for row in rows.values()], float) for column in (*COLUMNS, "update_l2")
        }
        yield StepStatistics(step, ModeKeys.TRAIN, step, 1e9 + 0.1 * step, worker, names, columns, scalars)


def evaluated(losses: Callable[[int], tuple[float, float]], steps: int = 300) -> Iterator[StepStatistics]:
    """Training and held-out losses, the latter at each tenth step, in numbers of all steps."""
    number = 0
    for step in range(steps):
        train, held_out = losses(step)
        yield StepStatistics(number, ModeKeys.TRAIN, step, 1e9, "worker_0", (), {}, {"loss": train})
        number += 1
        if step % 10 == 9:
            scalars = {"CrossEntropyLoss_output_0": held_out}
            yield StepStatistics(number, ModeKeys.EVAL, step // 10, 1e9, "worker_0", (), {}, scalars)
            number += 1
