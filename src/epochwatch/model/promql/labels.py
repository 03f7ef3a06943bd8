"""Label sets: what tells the series of a PromQL result apart."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TypeAlias

Labels: TypeAlias = tuple[tuple[str, str], ...]
"""(name, value) pairs, ascending by name. A label with an empty value is one that is not there."""

NAME = "__name__"
"""The label that holds the metric's name."""
BUCKET = "le"
"""The label with the upper bound of a histogram's bucket."""


def labels_of(pairs: Mapping[str, str] | Iterable[tuple[str, str]]) -> Labels:
    """A label set; empty values are left out."""
    return tuple(sorted((name, value) for name, value in dict(pairs).items() if value))


def value_of(labels: Labels, name: str) -> str:
    """The value of a label; empty if it is not there."""
    for own, value in labels:
        if own == name:
            return value
    return ""


def kept(labels: Labels, names: Collection[str]) -> Labels:
    """Only the labels of these names."""
    return tuple(pair for pair in labels if pair[0] in names)


def dropped(labels: Labels, names: Collection[str]) -> Labels:
    """All but the labels of these names."""
    return tuple(pair for pair in labels if pair[0] not in names)


def nameless(labels: Labels) -> Labels:
    """Without the metric's name: what is left once a value is no longer the metric's own."""
    return dropped(labels, (NAME,))


def grouping(names: Collection[str], *, keep: bool) -> Callable[[Labels], Labels]:
    """What ``by``/``on`` (``keep``) or ``without``/``ignoring`` leave of a label set."""
    wanted = frozenset(names)
    if keep:
        return lambda labels: kept(labels, wanted)
    unwanted = wanted | {NAME}
    return lambda labels: dropped(labels, unwanted)


def written(labels: Labels) -> str:
    """A label set as PromQL writes it, for messages."""
    pairs = ", ".join(f'{name}="{value}"' for name, value in labels if name != NAME)
    return f"{value_of(labels, NAME)}{{{pairs}}}"
