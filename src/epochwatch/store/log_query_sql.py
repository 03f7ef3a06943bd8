"""Compiles a Logs Insights query to one SELECT over log events.

Commands become layers of subqueries around the events of the log groups and the time that are asked for. A layer
adds columns, drops rows or sums rows up; the engine takes filters down to the scan. Columns have names of their own
(``c7``), so that nothing a query calls a field stands in SQL.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from epochwatch.model.logs_insights.errors import MalformedQuery
from epochwatch.model.logs_insights.functions import FUNCTIONS
from epochwatch.model.logs_insights.syntax import (
    Arithmetic,
    Call,
    Command,
    Comparison,
    Dedup,
    Display,
    Expression,
    Field,
    Fields,
    Filter,
    Junction,
    Limit,
    Literal,
    Matching,
    Membership,
    Named,
    Negation,
    Negative,
    Parse,
    Pattern,
    Period,
    Query,
    Sort,
    Span,
    Stats,
)
from epochwatch.model.tenant import Tenant
from epochwatch.store.log_query_fields import Discovered, system_fields
from epochwatch.store.log_query_functions import PERIOD_AT, aggregate_function, row_function
from epochwatch.store.log_query_patterns import patterns
from epochwatch.store.log_query_values import (
    Kind,
    Parameters,
    Value,
    bounded,
    compared,
    condition,
    number,
    sort_keys,
    text,
)

DEFAULT_ROWS: Final = 10_000
"""A query without a limit answers at most so many rows."""
_NEWEST_FIRST: Final = ("ts DESC", "seq DESC", "stream_name")
_OLDEST_FIRST: Final = ("ts", "seq", "stream_name")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which log events a query works on: start <= timestamp <= end, in Unix milliseconds."""

    tenant: Tenant
    groups: tuple[str, ...]
    start: int
    end: int
    kept_since: tuple[tuple[str, int], ...] = ()
    """Groups and the time before which their events are past their retention, Unix milliseconds."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled query."""

    rows: str
    """Answers a text column for each of ``names``, in order."""
    scanned: str
    """Answers a row with ``events`` and ``bytes`` of what is scanned."""
    matched: str | None
    """Answers the ``events`` that match; None where there is no filter."""
    parameters: dict[str, Any]
    names: tuple[str, ...]


def compile_query(query: Query, selection: Selection, *, now: float, limit: int | None = None) -> Plan:
    """The plan of ``query``; ``limit`` is for one that has none itself. Raises MalformedQuery."""
    compiler = _Compiler(selection, now)
    for command in query.commands:
        compiler.add(command)
    return compiler.plan(limit or DEFAULT_ROWS)


class _Layer(NamedTuple):
    """What stands before and behind the SELECT that it is made of."""

    before: str
    behind: str


class _Compiler:
    """Takes a query's commands one after the other."""

    def __init__(self, selection: Selection, now: float) -> None:
        self._now = now
        self._parameters = Parameters()
        self._base = self._events(selection)
        self._discovered = Discovered(self._parameters)
        self._layers: list[_Layer] = []
        self._scope: dict[str, Value] = system_fields(self._parameters, selection.tenant.account)
        self._columns = 0
        self._whole = True
        """Rows are still log events."""
        self._limited = False
        self._matching = 0
        """So many layers hold what decides which log events match."""
        self._counting = True
        self._default = ["@timestamp", "@message"]
        self._shown: list[str] = []
        self._chosen = False
        self._displayed: list[str] | None = None
        self._order: list[str] = list(_NEWEST_FIRST)

    def add(self, command: Command) -> None:
        """One more command. Raises MalformedQuery."""
        match command:
            case Fields(items):
                self._chosen = True
                self._show([self._named(item) for item in items])
            case Display(items):
                self._displayed = [self._named(item) for item in items]
            case Filter(wanted):
                self._layer("SELECT * FROM (", f") WHERE {condition(self._value(wanted))}")
                if self._counting:
                    self._matching = len(self._layers)
            case Parse():
                self._parse(command)
            case Stats():
                self._stats(command)
            case Sort():
                self._sort(command)
            case Limit(count):
                self._counting, self._limited = False, True
                self._layer("SELECT * FROM (", f") {self._ordered()} LIMIT {count}")
            case Dedup(keys):
                self._counting = False
                self._dedup(keys)
            case Pattern(source):
                self._pattern(text(self._value(source)))

    def plan(self, limit: int) -> Plan:
        """What all commands come to."""
        names = self._output()
        columns = ", ".join(f"{text(self._scope[name])} AS r{index}" for index, name in enumerate(names))
        bound = "" if self._limited else f" LIMIT {limit}"
        rows = f"SELECT {columns} FROM ({self._rendered(self._layers)}) {self._ordered()}{bound}"
        scanned = f"SELECT count() AS events, sum(size) AS bytes FROM ({self._base})"
        return Plan(
            rows, scanned, self._matched() if self._matching else None, self._parameters.values, tuple(names)
        )

    def _matched(self) -> str:
        """Counts what the filters let pass. The engine remembers where a condition found nothing, but knows it again
        only as deep in subqueries as before: so ``rows``, which comes after, need not look there again.
        """
        counted = f"SELECT count() AS events FROM ({self._rendered(self._layers[: self._matching])})"
        for _ in self._layers[self._matching :]:
            counted = f"SELECT events FROM ({counted})"
        return counted

    def _events(self, selection: Selection) -> str:
        bind = self._parameters.bind
        kept = "".join(
            f" AND NOT (log_group = {bind(group)} AND ts < {bind(since)})" for group, since in selection.kept_since
        )
        return (
            "SELECT ts, ingestion, seq, toString(stream) AS stream_name, toString(log_group) AS group_name, message, "
            f"size FROM log_events WHERE account = {bind(selection.tenant.account)} "
            f"AND region = {bind(selection.tenant.region)} AND log_group IN {bind(list(selection.groups))} "
            f"AND ts >= {bind(selection.start)} AND ts <= {bind(selection.end)}{kept}"
        )

    def _rendered(self, layers: Sequence[_Layer]) -> str:
        source = self._base
        if self._discovered.columns:
            source = f"SELECT *, {', '.join(self._discovered.columns)} FROM ({source})"
        before = "".join(layer.before for layer in reversed(layers))
        return before + source + "".join(layer.behind for layer in layers)

    def _layer(self, before: str, behind: str) -> None:
        self._layers.append(_Layer(before, behind))

    def _column(self) -> str:
        self._columns += 1
        return f"c{self._columns}"

    def _ordered(self) -> str:
        return f"ORDER BY {', '.join(self._order)}" if self._order else ""

    def _output(self) -> list[str]:
        names = self._displayed
        if names is None:
            names = self._shown if self._chosen else [*self._default, *self._shown]
        if self._whole:
            names = [*names, "@ptr"]
        return list(dict.fromkeys(names))

    def _show(self, names: Sequence[str]) -> None:
        self._shown += names

    def _named(self, item: Named) -> str:
        """The name of ``item``, which is a field from now on."""
        if isinstance(item.expression, Field) and item.name == item.expression.name:
            self._scope[item.name] = self._value(item.expression)
            return item.name
        value = self._value(item.expression)
        column = self._column()
        self._layer(f"SELECT *, {value.sql} AS {column} FROM (", ")")
        self._scope[item.name] = Value(column, value.kind)
        return item.name

    def _parse(self, command: Parse) -> None:
        source = text(self._value(command.source))
        groups = self._column()
        regex = self._parameters.bind(command.regex)
        self._layer(
            f"SELECT *, extractGroups(assumeNotNull(ifNull({source}, '')), {regex}) AS {groups} FROM (", ")"
        )
        for name, group in zip(command.names, command.groups, strict=True):
            self._scope[name] = Value(f"if(empty({groups}), NULL, {groups}[{group}])", Kind.ANY)
        self._show(command.names)

    def _stats(self, command: Stats) -> None:
        by = [(item.name, self._value(item.expression)) for item in command.by]
        items = [(item.name, self._aggregate(item.expression)) for item in command.items]
        scope: dict[str, Value] = {}
        columns: list[str] = []
        groups: list[str] = []
        for name, value in by + items:
            column = self._column()
            columns.append(f"{value.sql} AS {column}")
            scope[name] = Value(column, value.kind)
            if len(groups) < len(by):
                groups.append(column)
        grouping = f" GROUP BY {', '.join(groups)}" if groups else " HAVING count() > 0"
        self._layer(f"SELECT {', '.join(columns)} FROM (", f"){grouping}")
        self._order = [
            f"{column} DESC" if value.kind is Kind.TIME else column
            for column, (_, value) in zip(groups, by, strict=True)
        ]
        self._summed(scope)

    def _summed(self, scope: dict[str, Value]) -> None:
        """Rows are groups of rows from now on, which have the fields of ``scope`` and no others."""
        self._scope, self._default = scope, list(scope)
        self._whole = self._counting = self._chosen = self._limited = False
        self._shown, self._displayed = [], None

    def _pattern(self, source: str) -> None:
        found = patterns(source, self._parameters, self._column)
        self._layers += [_Layer(*layer) for layer in found.layers]
        self._order = found.order
        self._summed(found.scope)

    def _sort(self, command: Sort) -> None:
        order: list[str] = []
        columns: list[str] = []
        for key in command.keys:
            for sql, turned in sort_keys(self._value(key.expression)):
                column = self._column()
                columns.append(f"{sql} AS {column}")
                order.append(f"{column} DESC" if key.descending and turned else column)
        self._layer(f"SELECT *, {', '.join(columns)} FROM (", ")")
        if self._whole:
            order += _NEWEST_FIRST if command.keys[0].descending else _OLDEST_FIRST
        else:
            order += [column for column in self._order if column not in order]
        self._order = order

    def _dedup(self, keys: Sequence[Expression]) -> None:
        values = [text(self._value(key)) for key in keys]
        missing = " OR ".join(f"isNull({value})" for value in values)
        own = f"if({missing}, rowNumberInAllBlocks() + 1, 0)"
        self._layer("SELECT * FROM (", f") {self._ordered()} LIMIT 1 BY {', '.join([*values, own])}")

    def _aggregate(self, expression: Expression) -> Value:
        """An expression of ``stats``: of groups of rows."""
        match expression:
            case Call(function) if FUNCTIONS[function].aggregate:
                arguments = [self._value(argument) for argument in expression.arguments]
                place = "tuple(ts, seq)" if self._whole else None
                return bounded(aggregate_function(expression, arguments, place), expression.span)
            case Field():
                message = f"'{expression.name}' has many values: say which with a function such as max"
                raise MalformedQuery(message, expression.span.start, expression.span.end)
            case _:
                return self._combined(expression, self._aggregate)

    def _value(self, expression: Expression) -> Value:
        """An expression of one row."""
        match expression:
            case Field():
                return self._field(expression)
            case Call(function):
                if expression.text in self._scope:
                    return self._scope[expression.text]
                if FUNCTIONS[function].aggregate:
                    raise _misplaced(f"{FUNCTIONS[function].name} belongs into stats", expression.span)
                if function == "bin" and not self._whole:
                    raise _misplaced("bin works on log events, not on what stats made of them", expression.span)
        return self._combined(expression, self._value)

    def _field(self, field: Field) -> Value:
        if field.name in self._scope:
            return self._scope[field.name]
        if not self._whole or (field.name.startswith("@") and not field.name.startswith("@@")):
            return Value("CAST(NULL AS Nullable(String))", Kind.ANY)
        return self._discovered.field(field)

    def _combined(self, expression: Expression, of: Any) -> Value:
        """An expression of others, each of which is made by ``of``."""
        match expression:
            case Literal(value):
                made = self._literal(value)
            case Period():
                raise _misplaced("a period stands in bin, datefloor and dateceil only", expression.span)
            case Negative(operand):
                made = Value(f"negate({number(of(operand))})", Kind.NUMBER)
            case Arithmetic():
                made = _arithmetic(expression.operator, number(of(expression.left)), number(of(expression.right)))
            case Comparison():
                made = self._comparison(expression, of)
            case Matching():
                made = self._match(expression, text(of(expression.operand)))
            case Membership():
                made = self._membership(expression, of)
            case Negation(operand):
                made = Value(f"NOT ({condition(of(operand))})", Kind.BOOLEAN)
            case Junction(operator, operands):
                joined = f" {operator.upper()} ".join(condition(of(operand)) for operand in operands)
                made = Value(f"({joined})", Kind.BOOLEAN)
            case Call():
                period = PERIOD_AT.get(expression.function)
                arguments = [of(one) for index, one in enumerate(expression.arguments) if index != period]
                made = row_function(expression, arguments, self._parameters, self._now)
            case _:
                made = self._field(expression)
        return bounded(made, expression.span)

    def _literal(self, value: str | float) -> Value:
        if isinstance(value, str):
            return Value(self._parameters.bind(value), Kind.ANY)
        return Value(f"toFloat64({value!r})", Kind.NUMBER)

    def _comparison(self, comparison: Comparison, of: Any) -> Value:
        left, right = comparison.left, comparison.right
        literal = right.value if isinstance(right, Literal) else None
        if literal is None and isinstance(left, Literal):
            literal = left.value
        return compared(comparison.operator, of(left), of(right), literal)

    def _match(self, matching: Matching, operand: str) -> Value:
        pattern = self._parameters.bind(matching.pattern)
        found = f"match({operand}, {pattern})" if matching.is_regex else f"position({operand}, {pattern}) > 0"
        return Value(f"ifNull({'NOT ' if matching.negated else ''}({found}), 0)", Kind.BOOLEAN)

    def _membership(self, membership: Membership, of: Any) -> Value:
        operand = of(membership.operand)
        found = [
            compared("=", operand, of(value), value.value if isinstance(value, Literal) else None).sql
            for value in membership.values
        ]
        inside = f"({' OR '.join(found)})"
        if membership.negated:
            inside = f"(isNotNull({text(operand)}) AND NOT {inside})"
        return Value(inside, Kind.BOOLEAN)


def _arithmetic(operator: str, left: str, right: str) -> Value:
    match operator:
        case "/":
            sql = f"(({left}) / nullIf({right}, 0))"
        case "%":
            sql = f"modulo({left}, nullIf({right}, 0))"
        case "^":
            sql = f"pow({left}, {right})"
        case _:
            sql = f"(({left}) {operator} ({right}))"
    return Value(sql, Kind.NUMBER)


def _misplaced(message: str, span: Span) -> MalformedQuery:
    return MalformedQuery(message, span.start, span.end)
