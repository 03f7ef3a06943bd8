"""Which step and epoch a value belongs to."""

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from epochwatch.extraction.numbers import parse_number

STEP_NAMES = frozenset({"step", "global_step", "iteration", "iter", "train/global_step", "trainer/global_step"})
"""Definitions and fields of these names (any case) give the step of the values around them."""
EPOCH_NAMES = frozenset({"epoch", "train/epoch"})
"""Definitions and fields of these names (any case) give the epoch."""

LAST = 2**63 - 1
"""The highest step."""
COUNTED = "count"
"""The basis of a metric whose steps are counted."""

# Possessive repeats: the search never looks back, so its time is linear in the line. Each pattern begins with the
# text by which its lines are found, so that the search for it is the engine's search for a text.
_BETWEEN = rb"['\"]?+\s*+[=:#]?+\s*+['\"]?+[\[(]?+\s*+"
_BEHIND = rb"(?:[^\w.]|\.?$|\.\s)"
_STEP_NUMBER = _BETWEEN + rb"([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,18})" + _BEHIND
_EPOCH_NUMBER = _BETWEEN + rb"([0-9]{1,9}(?:\.[0-9]+)?(?:[eE]-?[0-9]{1,2})?)" + _BEHIND


class Telling:
    """A text that stands where a line tells its step or epoch."""

    def __init__(self, literals: Sequence[bytes], regex: bytes, *, epoch: bool = False, rank: int = 0) -> None:
        self.literals = frozenset(literals)
        self.folded = False
        self.search = re.compile(regex).search
        """Finds it in a line (as printed); the group is the number."""
        self.epoch = epoch
        """It tells the epoch; else the step."""
        self.rank = rank
        """Of several in a line the lowest counts, and of these the first."""


def _words(word: str, rest: bytes) -> list[tuple[bytes, bytes]]:
    """A word in its usual cases, and the patterns that find it where a name begins."""
    cases = [case.encode() for case in (word, word.capitalize(), word.upper())]
    return [(case, rb"%b(?<![\w.-]%b)%b" % (case, case, rest)) for case in cases]


def _global(case: bytes, rest: bytes) -> bytes:
    alone = rb"(?<![\w.-]%b)" % case
    after = rb"(?i:(?<=[^\w.-]global_%b)|(?<=^global_%b))" % (case, case)
    return rb"%b(?:%b|%b)%b" % (case, alone, after, rest)


# Boosting rounds: [12]<tab>train-rmse:0.5. Texts of two bytes would slow down the search for all others.
_ROUND = [b"]#01", *(b"%d]\t" % digit for digit in range(10))]
TELLINGS = (
    *(Telling([case], _global(case, _STEP_NUMBER)) for case in (b"step", b"Step", b"STEP")),
    *(Telling([case], regex) for case, regex in _words("iter", rb"(?i:ation)?+" + _STEP_NUMBER)),
    Telling(_ROUND, rb"(?:^|\] ?|\t)\[([0-9]{1,18})\]\t", rank=1),
    Telling(
        [b":\tlearn:", b":\ttest:", b":#011learn:", b":#011test:"], rb"^([0-9]{1,18}):\t(?:learn|test):", rank=2
    ),
    *(Telling([case], regex, epoch=True) for case, regex in _words("epoch", _EPOCH_NUMBER)),
)
"""How lines tell their step or epoch when no definition does."""


def told(text: bytes, tellings: Iterable[Telling]) -> tuple[int | None, float | None]:
    """The step and the epoch that a line (as printed) tells in one of these ways."""
    step, epoch = where_told(text, tellings)
    return (
        None if step is None else int(text[step].replace(b",", b"")),
        None if epoch is None else float(text[epoch]),
    )


def where_told(text: bytes, tellings: Iterable[Telling]) -> tuple[slice | None, slice | None]:
    """Where in the line ``told`` finds the step and the epoch."""
    step = epoch = None
    best, first = (3, 0), len(text)
    for telling in tellings:
        match = telling.search(text)
        if match is None:
            continue
        if telling.epoch:
            if match.start() < first:
                first, epoch = match.start(), slice(*match.span(1))
        elif (telling.rank, match.start()) < best:
            best, step = (telling.rank, match.start()), slice(*match.span(1))
    return step, epoch


def is_step(name: str) -> bool:
    """Whether a definition or field of this name tells the step."""
    return name.lower() in STEP_NAMES


def is_epoch(name: str) -> bool:
    """Whether a definition or field of this name tells the epoch."""
    return name.lower() in EPOCH_NAMES


def as_step(text: bytes | None) -> int | None:
    """The step that a captured text tells: a whole number that fits 64 bits."""
    number = None if text is None else parse_number(text)
    if number is None or not math.isfinite(number) or number != int(number) or abs(number) >= 2**63:
        return None
    return int(number)


def as_epoch(text: bytes | None) -> float | None:
    """The epoch that a captured text tells: a finite number."""
    number = None if text is None else parse_number(text)
    return number if number is not None and math.isfinite(number) else None


class Place:
    """Where a line stands: what it tells itself, and what the most recent lines told."""

    __slots__ = ("epoch", "last_epoch", "last_step", "step")

    def __init__(
        self,
        step: int | None = None,
        epoch: float | None = None,
        last_step: int | None = None,
        last_epoch: float | None = None,
    ) -> None:
        self.step = step
        self.epoch = epoch
        self.last_step = last_step
        self.last_epoch = last_epoch

    def set(self, step: int | None, epoch: float | None) -> None:
        """The next line, which tells this."""
        self.step, self.epoch = step, epoch
        if step is not None:
            self.last_step = step
        if epoch is not None:
            self.last_epoch = epoch

    def state(self) -> list[Any]:
        """The four numbers; JSON-able."""
        return [self.step, self.epoch, self.last_step, self.last_epoch]

    def restore(self, state: list[Any]) -> None:
        """Goes on where ``state`` was taken."""
        self.step, self.epoch, self.last_step, self.last_epoch = state


class Steps:
    """Gives each value its step, metric by metric.

    In this order: the step that the match or its line tells; the step that the most recent line told; the
    (whole) epoch in the same way; else one more than the metric's step before. What other lines told, and
    epochs, serve only as long as they differ from one value of the metric to the next: a metric that comes
    twice under the same one is counted from there on, so that values are never stacked on one step.
    """

    def __init__(self) -> None:
        self._metrics: dict[str, list[Any]] = {}  # name: [basis, last step, last context]

    def of(self, metric: str) -> list[Any]:
        """What is known of a metric: for ``step``; it stays the same list."""
        return self._metrics.setdefault(metric, [None, 0, None])

    def step(self, entry: list[Any], told: int | None, place: Place) -> int:
        """The step of the next value of the metric that ``of`` gave ``entry`` for; ``told`` is what its own match
        says.
        """
        explicit = told if told is not None else place.step
        if explicit is not None:
            entry[1] = explicit
            return explicit
        return self.untold(entry, place)

    def untold(self, entry: list[Any], place: Place) -> int:
        """As ``step``, where neither the match nor its line tells any."""
        context = None if entry[0] == COUNTED else self._context(entry, place)
        if context is None or context == entry[2]:
            entry[0] = COUNTED
            step: int = entry[1] + 1 if entry[1] < LAST else entry[1]
        else:
            entry[2] = step = context
        entry[1] = step
        return step

    def told_always(self, metric: str) -> bool:
        """Whether each value of the metric so far, if there was any, told its step or stood in a line that did."""
        return self._metrics.get(metric, [None])[0] is None

    def state(self) -> dict[str, list[Any]]:
        """Everything known; JSON-able."""
        return {name: list(entry) for name, entry in self._metrics.items()}

    def restore(self, state: dict[str, list[Any]]) -> None:
        """Goes on where ``state`` was taken."""
        self._metrics = {name: list(entry) for name, entry in state.items()}

    @staticmethod
    def _context(entry: list[Any], place: Place) -> int | None:
        if entry[0] is None:
            entry[0] = "step" if place.last_step is not None else "epoch"
        if entry[0] == "step":
            return place.last_step
        if entry[0] == "epoch":
            epoch = place.epoch if place.epoch is not None else place.last_epoch
            return int(epoch) if epoch is not None and epoch == int(epoch) and abs(epoch) < 2**63 else None
        return None
