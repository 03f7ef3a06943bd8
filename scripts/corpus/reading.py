"""A reader of metric definitions that shares nothing with the extractor: plain ``re``, line by line, slow.

It was written from the documented meaning of definitions. What it finds is held against what the programs know that
they printed.
"""

import math
import re
from collections.abc import Iterator, Sequence

from shape import Metric

Row = list[str | float | int | None]

_END = re.compile(r"\r\n|\r|\n")
_CONTROL = re.compile(
    r"\x1b\[[0-9;:?<=>]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[^ -/\[\]]|\x08"
)
_NUMBER = re.compile(
    r"""^[\s'"(\[]*([-+\u2212]?)(?:
        (nan|inf(?:inity)?)                                    # not finite
        | (\d{1,3}(?:[,_]\d{3})+(?!\d)(?:\.\d+)? | \d+\.?\d*(?!,\d) | \.\d+) ([ed][-+]?\d+)?   # 1,234.5  12.5  .5
        | (\d+),(\d+)                                         # 12,5 where a comma divides
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_SCALES = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "B": 1e9, "T": 1e12, "%": 0.01}


def lines(log: bytes) -> list[str]:
    """The lines as a terminal would show them, without colours."""
    text = log.decode("utf-8", "replace").replace("#015", "\r")
    return [_CONTROL.sub("", line) for line in _END.split(text)]


def number(text: str) -> float | None:
    """The number that a text begins with."""
    match = _NUMBER.match(text)
    if match is None:
        return None
    sign, word, digits, exponent, whole, fraction = match.groups("")
    sign, exponent = sign.replace("\N{MINUS SIGN}", "-"), exponent.lower().replace("d", "e")
    digits = f"{whole}.{fraction}" if whole else digits.replace(",", "").replace("_", "")
    return float(sign + (word or digits + exponent))


def values(regex: str, line: str) -> Iterator[float]:
    """The values of a line: of its first match, or of all for a group named ``values``."""
    pattern = re.compile(re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", regex))
    named = next((name for name in ("value", "values") if name in pattern.groupindex), None)
    escaped = "#011" in regex
    for match in pattern.finditer(line.replace("\t", "#011") if escaped else line.replace("#011", "\t")):
        others = {pattern.groupindex[name] for name in ("step", "epoch", "scale") if name in pattern.groupindex}
        groups = [match[group] for group in range(1, pattern.groups + 1) if group not in others]
        text = match[named] if named else next((group for group in groups if group is not None), match[0])
        value = number(text)
        if value is not None:
            yield value * (_SCALES[match["scale"] or ""] if "scale" in pattern.groupindex else 1.0)
        if named != "values":
            return


class _Steps:
    """The step of a metric's values: told on their own line, or once for each by a line before."""

    def __init__(self, regex: str) -> None:
        self._search = re.compile(regex).search if regex else None
        self._told: int | None = None
        self._used: int | None = None
        self._counted = False

    def line(self, line: str) -> int | None:
        """The step that stands on the line itself, if any."""
        match = self._search(line.replace("#011", "\t")) if self._search else None
        if match is None:
            return None
        self._told = int(match[1].replace(",", ""))
        return self._told

    def of_value(self, own: int | None) -> int | None:
        if own is not None:
            return own
        if self._counted or self._told is None or self._told == self._used:
            self._counted = True  # nobody says which step this is
            return None
        self._used = self._told
        return self._told


def expected(log: bytes, metrics: Sequence[Metric], step: str) -> list[Row]:
    """[name, value, step or None] of every value, in order."""
    rows: list[Row] = []
    steps = [_Steps(step if metric.step is None else metric.step) for metric in metrics]
    for line in lines(log):
        given: set[str] = set()
        for metric, places in zip(metrics, steps, strict=True):
            own = places.line(line)
            found = [] if metric.label in given else list(values(metric.regex, line))
            given.update(metric.label for _ in found[:1])
            rows += [[metric.label, _plain(value), places.of_value(own)] for value in found]
    return rows


def count(log: bytes, regex: str) -> int:
    """The number of values that a regex finds."""
    return sum(len(list(values(regex, line))) for line in lines(log))


def _plain(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)  # JSON has neither
