"""The corpus: what trainings really printed, and what is to be found in it.

``FRAMEWORK/SHAPE.log`` are the bytes as they were printed. ``SHAPE.json`` beside it holds

* ``source``: what printed them, with versions;
* ``definitions`` in SageMaker's form, and ``expected``: the values they must give, ``[metric, value, step]`` in the
  order printed (``step`` is null where the log does not tell it; a value is a text where JSON has no number for it);
* ``metrics``: the names (as printed) that a person would want as metrics, and the number of values of each;
* ``columns``: further ones whose name stands only above a column or row of a table;
* ``either``: names that some would want and others not; ``junk``: names that must not become metrics.

``scripts/corpus`` holds the programs that printed the logs and the reader that found the expected values.
"""

import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from epochwatch.model.batch import Definition

HERE = Path(__file__).resolve().parent
Row = tuple[str, float, int | None]


@dataclass(frozen=True)
class Case:
    """One log shape."""

    name: str
    """``framework/shape``."""
    log: bytes
    source: str
    definitions: list[Definition]
    expected: list[Row]
    metrics: dict[str, int]
    columns: dict[str, int]
    either: list[str]
    junk: list[str]

    def lines(self) -> list[bytes]:
        """The log cut where lines and refreshes end, each piece with its end."""
        return re.findall(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$", self.log)

    def messages(self) -> list[str]:
        """The log as log drivers send it: an event for each newline, with all refreshes of a bar that came between
        two of them. An event is text, and CloudWatch takes no empty one.
        """
        return [line for line in self.log.decode("utf-8", "replace").split("\n") if line]

    def comparable(self, rows: Iterable[Row]) -> list[tuple[str, float | str, int | None]]:
        """Found rows in a form that is equal to ``comparable(expected)`` if they are right: NaN is a text, and
        steps that the log does not tell are left out.
        """
        told = [step is not None for _, _, step in self.expected]
        return [
            (name, "nan" if math.isnan(value) else value, step if at >= len(told) or told[at] else None)
            for at, (name, value, step) in enumerate(rows)
        ]


@lru_cache(maxsize=1)
def cases() -> list[Case]:
    """All of them, by name."""
    return [_case(path) for path in sorted(HERE.glob("*/*.json"))]


def same_name(one: str, other: str) -> bool:
    """Whether two names are one metric's, whatever joins their words: ``val loss``, ``val_loss``, ``val:loss``."""
    return _letters(one) == _letters(other)


def _letters(name: str) -> str:
    return re.sub(r"'s\b|[^a-z0-9]", "", name.lower())


def _case(path: Path) -> Case:
    case: dict[str, Any] = json.loads(path.read_text())
    return Case(
        name=f"{path.parent.name}/{path.stem}",
        log=path.with_suffix(".log").read_bytes(),
        source=case["source"],
        definitions=[Definition(entry["Name"], entry["Regex"]) for entry in case["definitions"]],
        expected=[(metric, float(value), step) for metric, value, step in case["expected"]],
        metrics=case["metrics"],
        columns=case["columns"],
        either=case["either"],
        junk=case["junk"],
    )
