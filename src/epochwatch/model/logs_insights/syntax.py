"""What a query of Logs Insights consists of."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Span:
    """Where something stands in the query's text: offsets, the end not included."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Field:
    """A field by its name, backticks taken off. ``path`` leads to it in a log event that is JSON."""

    name: str
    path: tuple[str, ...]
    span: Span
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Literal:
    """A text or a number."""

    value: str | float
    span: Span
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Period:
    """A span of time such as ``5m``; ``unit`` is one of ms, s, m, h, d, w, mo, q, y."""

    count: int
    unit: str
    span: Span
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """A function (in lower case) of arguments. ``text`` is how it is written, by which later commands may know it."""

    function: str
    arguments: "tuple[Expression, ...]"
    text: str
    span: Span
    depth: int


@dataclass(frozen=True, slots=True)
class Negative:
    """``-operand``."""

    operand: "Expression"
    span: Span
    depth: int


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``left operator right`` with one of ``+ - * / % ^``."""

    operator: str
    left: "Expression"
    right: "Expression"
    span: Span
    depth: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """``left operator right`` with one of ``= != < <= > >=``."""

    operator: str
    left: "Expression"
    right: "Expression"
    span: Span
    depth: int


@dataclass(frozen=True, slots=True)
class Matching:
    """``operand like pattern``: a text that is contained, or a regular expression of RE2."""

    operand: "Expression"
    pattern: str
    is_regex: bool
    negated: bool
    span: Span
    depth: int


@dataclass(frozen=True, slots=True)
class Membership:
    """``operand in [values]``."""

    operand: "Expression"
    values: "tuple[Expression, ...]"
    negated: bool
    span: Span
    depth: int


@dataclass(frozen=True, slots=True)
class Negation:
    """``not operand``."""

    operand: "Expression"
    span: Span
    depth: int


@dataclass(frozen=True, slots=True)
class Junction:
    """Conditions joined by ``and`` or ``or``."""

    operator: str
    operands: "tuple[Expression, ...]"
    span: Span
    depth: int


Expression: TypeAlias = (
    Field
    | Literal
    | Period
    | Call
    | Negative
    | Arithmetic
    | Comparison
    | Matching
    | Membership
    | Negation
    | Junction
)


@dataclass(frozen=True, slots=True)
class Named:
    """An expression and the name of its results: that behind ``as``, else how it is written."""

    expression: Expression
    name: str


@dataclass(frozen=True, slots=True)
class Fields:
    """Show further fields."""

    items: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Display:
    """Show these fields and no others."""

    items: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Filter:
    """Keep rows of which the condition holds."""

    condition: Expression


@dataclass(frozen=True, slots=True)
class Parse:
    """New fields out of a text: group ``groups[i]`` (from 1) of a regular expression of RE2 is ``names[i]``."""

    source: Expression
    regex: str
    names: tuple[str, ...]
    groups: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Stats:
    """One row for each group of rows."""

    items: tuple[Named, ...]
    by: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class SortKey:
    """An expression to sort by, and in which direction."""

    expression: Expression
    descending: bool


@dataclass(frozen=True, slots=True)
class Sort:
    """Another order of rows."""

    keys: tuple[SortKey, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """The first rows only."""

    count: int


@dataclass(frozen=True, slots=True)
class Dedup:
    """The first row of each combination of values."""

    keys: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """One row for each form that the texts of ``source`` have."""

    source: Expression


Command: TypeAlias = Fields | Display | Filter | Parse | Stats | Sort | Limit | Dedup | Pattern


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query: commands, each working on the rows of the one before."""

    text: str
    commands: tuple[Command, ...]
