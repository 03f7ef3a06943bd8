"""Queries of people: metric math, SEARCH, Metrics Insights, or a metric by its selector; answered as series or as one
long table. See docs/query.md.
"""

import difflib
import re
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import tzinfo
from typing import Final, TypeAlias

from starlette.responses import Response

from epochwatch.console.exports import MEDIA_TYPES, answer
from epochwatch.console.query_result import Message, QueryResult, Series
from epochwatch.console.requests import Asked, Refusal
from epochwatch.model import insights, labels, metric_math, periods, search, selector, time_range
from epochwatch.model.aws_error import AwsError
from epochwatch.model.insights import InsightsQuery, InvalidQuery
from epochwatch.model.labels import InvalidLabel
from epochwatch.model.metric import MetricId
from epochwatch.model.metric_math import Expression, InvalidExpression
from epochwatch.model.search import InvalidSearch
from epochwatch.model.selector import InvalidSelector, Selector
from epochwatch.model.time_range import InvalidTime
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.data_queries import ExpressionQuery, MetricQuery, Query
from epochwatch.services.cloudwatch.evaluation import Answer, Evaluation
from epochwatch.store.stores import Stores

MOST_VALUES: Final = 5_000_000
"""The most values of an answer, and the most points that the range may have over all its metrics and expressions."""
MOST_NAMED: Final = 3
"""How many metrics are proposed for one that does not exist."""

Given: TypeAlias = Selector | Expression | InsightsQuery
"""What an expression may be."""

_ID: Final = re.compile(r"[a-z][a-zA-Z0-9_]*", re.ASCII)
_SELECT: Final = re.compile(r"\s*SELECT\b", re.IGNORECASE)


def query(stores: Stores, asked: Asked) -> Response:
    """The answer to ``/query``. Raises Refusal."""
    form = asked.choice("format", tuple(MEDIA_TYPES), "json")
    return answer(_Question(stores, asked).result().written(form), form, "query")


class _Question:
    """One request: what is asked, over which time and at which period."""

    def __init__(self, stores: Stores, asked: Asked) -> None:
        self._stores = stores
        self._tenant = asked.tenant
        self._now = time.time()
        self._timezone = asked.text("timezone") or None
        texts = asked.texts("expression")
        if not texts:
            raise Refusal(
                400, "expression is missing.", "Give a metric, metric math, SEARCH(...) or a SELECT query."
            )
        self._texts = {f"q{number}": text for number, text in enumerate(texts, 1)}
        self._given = {name: _given(text) for name, text in self._texts.items()}
        self._metrics = dict(_metric(entry) for entry in asked.texts("metric"))
        self._check_ids()
        self._start, self._end = self._range(asked)
        self._period = self._fitting_period(asked.whole("period", 0, 1, periods.LONGEST_PERIOD))
        points = periods.datapoint_count(self._start, self._end, self._period)
        if points * (len(self._given) + len(self._metrics)) > MOST_VALUES:
            raise Refusal(400, *_too_much(f"{points:,} points at {self._period} seconds"))

    def result(self) -> QueryResult:
        """What comes of it. Raises Refusal."""
        call = Call(self._tenant, self._stores, uuid.uuid4().hex, self._now)
        evaluation = Evaluation(call, list(self._queries()), self._start, self._end, self._timezone)
        try:
            answers = evaluation.answers()
        except AwsError as error:
            raise Refusal(400, f"{self._in_their_words(str(error))}.") from error
        if (values := sum(len(one.series) for one in answers)) > MOST_VALUES:
            raise Refusal(400, *_too_much(f"{values:,} values"))
        messages = [Message(said["Code"], said["Value"]) for said in evaluation.messages]
        messages += [Message(said["Code"], said["Value"], one.id) for one in answers for said in one.messages]
        messages += self._unknown()
        series = [
            Series(one.id, label, one.series) for one, label in zip(answers, self._labels(answers), strict=True)
        ]
        return QueryResult(self._start, self._end, self._period, series, messages)

    def _in_their_words(self, message: str) -> str:
        """The message with the expression that it is about, instead of its Id."""
        for name, text in self._texts.items():
            message = message.replace(f"Error in expression '{name}':", f"In '{text}':")
        return message

    def _check_ids(self) -> None:
        for name in self._metrics:
            if name in self._given:
                raise Refusal(400, f"The Id {name} is that of an expression.", "Give the metric another Id.")
        known = {*self._metrics, *self._given}
        for name, given in self._given.items():
            for used in given.identifiers if isinstance(given, Expression) else ():
                if used not in known:
                    raise Refusal(
                        400,
                        f"In '{self._texts[name]}' nothing says what {used} is.",
                        f"Say which metric it is: {used}=NAMESPACE NAME{{DIMENSION=VALUE}} STATISTIC",
                    )

    def _range(self, asked: Asked) -> tuple[float, float]:
        try:
            zone: tzinfo = labels.parse_timezone(self._timezone)
            start = time_range.parse(asked.text("start") or "-3h", self._now, zone)
            end = time_range.parse(asked.text("end") or "now", self._now, zone)
        except (InvalidLabel, InvalidTime) as error:
            raise Refusal(400, f"{error}.") from error
        if start >= end:
            raise Refusal(400, "start must be before end.", "For example: start=-3h and end=now.")
        return start, end

    def _fitting_period(self, asked: int) -> int:
        """The period asked for or, if it is 0, the one that suits. The range then begins with a whole period."""
        if asked and not periods.is_valid(asked):
            raise Refusal(400, f"period must be 1, 5, 10, 20, 30 or a multiple of 60 seconds, not {asked}.")
        first = self._start
        period = asked or time_range.suitable_period(first, self._end, self._finest(first))
        self._start = first // period * period
        finest = self._finest(self._start)
        if period % finest == 0:
            return period
        if asked:
            raise Refusal(
                400,
                f"At {period} seconds nothing is kept of data as old as that.",
                f"Ask for a multiple of {finest} seconds, or for a later start.",
            )
        period = time_range.suitable_period(first, self._end, finest)
        self._start = first // period * period
        return period

    def _finest(self, start: float) -> int:
        """The shortest period at which everything that is asked for is kept since ``start``."""
        namespaces = {one.metric.namespace for one in self._selectors().values()}
        for given in self._given.values():
            if isinstance(given, InsightsQuery):
                namespaces.add(given.namespace)
            elif isinstance(given, Expression):
                namespaces |= {_searched(one.query) for one in given.searches}
        return max(
            (self._stores.metrics.lifetimes(name).finest(self._now - start) for name in namespaces), default=1
        )

    def _selectors(self) -> dict[str, Selector]:
        return self._metrics | {name: one for name, one in self._given.items() if isinstance(one, Selector)}

    def _queries(self) -> Iterator[Query]:
        for name, one in self._metrics.items():
            yield self._metric_query(name, one, returned=False)
        for name, given in self._given.items():
            if isinstance(given, Selector):
                yield self._metric_query(name, given, returned=True)
            else:
                yield ExpressionQuery(name, None, True, given, self._period)

    def _metric_query(self, name: str, wanted: Selector, *, returned: bool) -> MetricQuery:
        label = None if returned else name
        return MetricQuery(
            name, label, returned, wanted.metric, wanted.statistic, self._period, None, foreign=False
        )

    def _labels(self, answers: Sequence[Answer]) -> list[str]:
        """A name for each series: what tells its metric from the others' that were asked for as they are; its own in
        an array; else the expression. No two are the same.
        """
        plain = [replace(one.series, label="") for one in answers if isinstance(self._given[one.id], Selector)]
        names = iter(labels.default_labels(plain))
        found: dict[str, None] = {}
        for one in answers:
            if isinstance(self._given[one.id], Selector):
                name = next(names)
            else:
                name = one.label if one.label not in ("", one.id) else " ".join(self._texts[one.id].split())
            number, unique = 1, name
            while unique in found:
                number += 1
                unique = f"{name} ({number})"
            found[unique] = None
        return list(found)

    def _unknown(self) -> Iterator[Message]:
        """Of each metric that was never seen, with those that may have been meant."""
        for name, one in self._selectors().items():
            if not self._stores.metrics.units(self._tenant, one.metric):
                near = ", ".join(selector.written(metric) for metric in self._near(one))
                yield Message(
                    "UnknownMetric",
                    f"there is no metric {selector.written(one.metric)}" + (f"; there is {near}" if near else ""),
                    name,
                )

    def _near(self, wanted: Selector) -> list[MetricId]:
        metric = wanted.metric
        same, _ = self._stores.metrics.list(self._tenant, metric.namespace, metric.name, limit=MOST_NAMED)
        if same:
            return same
        everything = self._stores.metrics.matching(self._tenant, lambda _: True, namespace=metric.namespace)
        alike_last = sorted(everything, key=lambda one: one.dimensions == metric.dimensions)
        names = {one.name: one for one in alike_last}
        return [names[name] for name in difflib.get_close_matches(metric.name, names, MOST_NAMED)]


def _given(text: str) -> Given:
    """What an expression says. What metric math understands is metric math."""
    try:
        if _SELECT.match(text):
            return insights.parse(text)
        return metric_math.parse(text)
    except InvalidQuery as error:
        raise Refusal(400, f"In '{text}': {error}.") from error
    except InvalidExpression as error:
        try:
            return selector.parse(text)
        except InvalidSelector as other:
            raise Refusal(
                400, f"'{text}' is neither an expression nor a metric.", f"As one: {error}. As the other: {other}."
            ) from error


def _metric(entry: str) -> tuple[str, Selector]:
    name, _, text = entry.partition("=")
    if not _ID.fullmatch(name):
        raise Refusal(
            400,
            f"metric must be ID=SELECTOR, not '{entry}'.",
            "An Id is letters, digits and underscores, beginning with a small letter: loss=Lab loss{Run=7}",
        )
    try:
        return name, selector.parse(text)
    except InvalidSelector as error:
        raise Refusal(400, f"In the metric {name}: {error}.", "A metric: NAMESPACE NAME{D=V} STATISTIC") from error


def _searched(text: str) -> str:
    """The namespace that a search looks into; "" for any, or if it is no search, as its evaluation will tell."""
    try:
        return search.parse(text).namespace or ""
    except InvalidSearch:
        return ""


def _too_much(what: str) -> tuple[str, str]:
    return f"That is {what}; an answer may have {MOST_VALUES:,}.", "Ask for a longer period or a shorter time."
