"""What a corpus program says of itself: which numbers it prints, and which of them are metrics."""

import json
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TRUTH = "CORPUS_TRUTH"
"""Names the file to which a recorded program writes what it knows it printed."""


@dataclass(frozen=True)
class Metric:
    """A metric that a person would want of a log."""

    printed: str
    """Its name as the log prints it; empty if it does not."""
    regex: str
    """The definition that a SageMaker user would write for it."""
    name: str = ""
    """The definition's name; the printed one if empty."""
    step: str | None = None
    """A regex that finds the step of its values; the shape's if None, no step if empty."""
    column: bool = False
    """Its name is the heading of a table's column or row only."""

    @property
    def label(self) -> str:
        """The definition's name."""
        return self.name or self.printed


@dataclass
class Shape:
    """A program that prints one log shape."""

    name: str
    program: Callable[[], Any]
    metrics: Sequence[Metric]
    source: str
    step: str = ""
    """A regex whose group is the step: on the value's own line, or on a line before it."""
    junk: Sequence[str] = ()
    """Names of numbers that must not become metrics."""
    either: Sequence[str] = ()
    """Names of numbers that some would want and others not."""
    wanted: dict[str, str] = field(default_factory=dict)
    """Metrics without a definition of their own here: printed name and regex."""
    columns: dict[str, str] = field(default_factory=dict)
    """The same for those whose name is a heading."""
    through: str = "pipe"
    """``pipe`` or ``pty``."""
    environment: dict[str, str] = field(default_factory=dict)
    command: Sequence[str] = ()
    """What runs the program; ``{python}``, ``{program}`` and ``{name}`` are filled in."""
    encode: Callable[[bytes], bytes] | None = None
    """What a collector does to the bytes on their way."""
    refreshes: bool = False
    """A bar that prints a value more than once."""
    fails: bool = False
    """The program ends with an error on purpose."""


class Catalogue:
    """The shapes of one framework."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.shapes: dict[str, Shape] = {}

    def __call__(self, *metrics: Metric, about: str = "", source: str = "", **words: Any) -> Callable[..., Any]:
        """Registers the decorated program under its name."""

        def register(program: Callable[[], Any]) -> Callable[[], Any]:
            name = program.__name__.strip("_").replace("_", "-")
            said = source or self.source
            self.shapes[name] = Shape(name, program, metrics, f"{said}: {about}" if about else said, **words)
            return program

        return register


def tell(name: str, *values: float) -> None:
    """What the program knows of the values that it prints under a definition's name."""
    path = os.environ.get(TRUTH)
    if path is None:
        return
    with Path(path).open("a") as file:
        file.writelines(json.dumps([name, float(value)]) + "\n" for value in values)


def curve(step: int, start: float = 2.3, end: float = 0.2, pace: float = 0.15) -> float:
    """A loss that falls as losses do, with a little noise; a function of its arguments."""
    noise = 0.05 * math.sin(12.9898 * step + 78.233 * start)
    return end + (start - end) * math.exp(-pace * step) * (1 + noise)


def rise(step: int, top: float = 0.95, pace: float = 0.2) -> float:
    """An accuracy that rises as accuracies do."""
    return top * (1 - math.exp(-pace * (step + 1))) * (1 - 0.02 * math.sin(7.7 * step))
