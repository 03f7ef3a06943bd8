"""From text to an expression tree of which every part can be evaluated, or a refusal that names the part."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import promql_parser

from epochwatch.model.promql.aggregations import AGGREGATIONS
from epochwatch.model.promql.binary import OPERATORS, SET_OPERATORS
from epochwatch.model.promql.errors import PromqlError
from epochwatch.model.promql.functions import FUNCTIONS
from epochwatch.model.promql.selectors import selector_of

MAX_LENGTH = 100_000
"""Characters of a query."""
MAX_PARTS = 250
"""Operators and parentheses of a query. The parser's recursion is not bounded otherwise."""

_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`|#[^\n]*', re.DOTALL)
_BRACES = re.compile(r"\{[^{}]*\}")
_PARTS = re.compile(r"[-+*/%^(\[]|[=!<>]=?|\b(?:and|or|unless|atan2)\b", re.IGNORECASE)


def parse(text: str) -> promql_parser.Expr:
    """The expression of a query. Raises PromqlError (bad_data) for what is no PromQL, or not supported."""
    if len(text) > MAX_LENGTH:
        raise PromqlError(f"a query may have {MAX_LENGTH} characters")
    if len(_PARTS.findall(_BRACES.sub("", _STRINGS.sub("", text)))) > MAX_PARTS:
        raise PromqlError(f"a query may have {MAX_PARTS} operators and parentheses")
    try:
        expression = promql_parser.parse(text)
    except ValueError as error:
        raise PromqlError(f'invalid parameter "query": {error}') from error
    for part in _walk(expression):
        _check(part)
    return expression


def milliseconds(duration: timedelta | None) -> int:
    """A duration of the parser; 0 for None."""
    return 0 if duration is None else duration // timedelta(milliseconds=1)


def operator_of(expression: Any) -> str:
    """The operator's or aggregation's word, in lower case."""
    return str(expression.op).strip().lower()


def _walk(expression: Any) -> Iterator[Any]:
    pending = [expression]
    while pending:
        part = pending.pop()
        yield part
        for name in ("expr", "lhs", "rhs", "param", "vector_selector"):
            child = getattr(part, name, None)
            if isinstance(child, promql_parser.Expr):
                pending.append(child)
        pending.extend(getattr(part, "args", ()))


def _check(part: Any) -> None:
    match part:
        case promql_parser.VectorSelector():
            selector_of(part)
        case promql_parser.Call():
            if part.func.name not in FUNCTIONS:
                raise PromqlError(f"the function {part.func.name}() is not supported")
        case promql_parser.AggregateExpr():
            if operator_of(part) not in AGGREGATIONS:
                raise PromqlError(f"the aggregation {operator_of(part)} is not supported")
        case promql_parser.BinaryExpr():
            _check_binary(part)
        case _:
            pass


def _check_binary(part: promql_parser.BinaryExpr) -> None:
    operator = operator_of(part)
    if operator not in OPERATORS and operator not in SET_OPERATORS:
        raise PromqlError(f"the operator {operator} is not supported")
    fill = part.modifier.fill_values if part.modifier else None
    if fill is not None and (fill.lhs is not None or fill.rhs is not None):
        raise PromqlError("fill() between vectors is not supported")
