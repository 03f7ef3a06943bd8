"""What a metric math expression says: its syntax tree, and what it refers to."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias


class InvalidExpression(ValueError):
    """The text is no expression, or it cannot be evaluated; the message says why in words for its author."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written."""

    value: float


@dataclass(frozen=True, slots=True)
class Text:
    """A string in quotes, without them."""

    value: str


@dataclass(frozen=True, slots=True)
class Word:
    """A name in capitals that is an argument: REPEAT, DESC and the like."""

    value: str


@dataclass(frozen=True, slots=True)
class Identifier:
    """The Id of a metric or of another expression."""

    id: str


@dataclass(frozen=True, slots=True)
class Array:
    """``[a, b, ...]``: time series and arrays of them, one after the other."""

    items: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments. ``position`` is the column its name begins at, from 1."""

    function: str
    arguments: "tuple[Node, ...]"
    position: int


@dataclass(frozen=True, slots=True)
class Negation:
    """``-a``."""

    operand: "Node"


@dataclass(frozen=True, slots=True)
class Chain:
    """Operators of one precedence, from left to right: ``a - b + c``. Flat, so that length is no depth."""

    first: "Node"
    rest: "tuple[tuple[str, Node], ...]"


@dataclass(frozen=True, slots=True)
class Power:
    """``a ^ b ^ -c``, from right to left; each exponent with whether a minus stands before it."""

    base: "Node"
    exponents: "tuple[tuple[bool, Node], ...]"


Node: TypeAlias = Number | Text | Word | Identifier | Array | Call | Negation | Chain | Power


@dataclass(frozen=True, slots=True)
class SearchCall:
    """A SEARCH in an expression: what to look for, the statistic, and the period in seconds if it names one."""

    query: str
    statistic: str
    period: int | None = None


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression and what has to be known before it can be evaluated, each once and in order."""

    source: str
    root: Node
    identifiers: tuple[str, ...] = field(init=False)
    """Ids of metrics and expressions it refers to."""
    searches: tuple[SearchCall, ...] = field(init=False)
    metrics_calls: tuple[str | None, ...] = field(init=False)
    """What each METRICS() asks for: a part of an Id, or None for all."""
    bands: tuple[str, ...] = field(init=False)
    """Ids of the series it wants an anomaly detection band for; they are among ``identifiers``."""

    def __post_init__(self) -> None:
        nodes = list(_walk(self.root))
        calls = [node for node in nodes if isinstance(node, Call)]
        ids = (node.id for node in nodes if isinstance(node, Identifier))
        object.__setattr__(self, "identifiers", tuple(dict.fromkeys(ids)))
        searches = (search_of(call) for call in calls if call.function == "SEARCH")
        object.__setattr__(self, "searches", tuple(dict.fromkeys(searches)))
        parts = (substring_of(call) for call in calls if call.function == "METRICS")
        object.__setattr__(self, "metrics_calls", tuple(dict.fromkeys(parts)))
        banded = (call.arguments[0] for call in calls if call.function == "ANOMALY_DETECTION_BAND")
        ids = (node.id for node in banded if isinstance(node, Identifier))
        object.__setattr__(self, "bands", tuple(dict.fromkeys(ids)))


def search_of(call: Call) -> SearchCall:
    """What a SEARCH whose arguments have been checked asks for."""
    texts = [argument.value for argument in call.arguments if isinstance(argument, Text)]
    periods = [int(argument.value) for argument in call.arguments if isinstance(argument, Number)]
    return SearchCall(texts[0], texts[1], periods[0] if periods else None)


def substring_of(call: Call) -> str | None:
    """What a METRICS() whose arguments have been checked asks for."""
    return next((argument.value for argument in call.arguments if isinstance(argument, Text)), None)


def _walk(root: Node) -> Iterator[Node]:
    """Every node, in the order of the text."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(_children(node)))


def _children(node: Node) -> tuple[Node, ...]:
    match node:
        case Array(items):
            return items
        case Call(_, arguments, _):
            return arguments
        case Negation(operand):
            return (operand,)
        case Chain(first, rest):
            return (first, *(operand for _, operand in rest))
        case Power(base, exponents):
            return (base, *(exponent for _, exponent in exponents))
        case _:
            return ()
