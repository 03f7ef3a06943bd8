"""What curves of many jobs look like in the height of a line of text, kept in memory; drawn beside each other."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from epochwatch.model.tenant import Tenant
from epochwatch.store.engine import Engine
from epochwatch.store.run_points import TRAINING_JOB, MetricSummary, selection_of_several

PLACES: Final = 12
"""Equal spans of a curve's time, of each of which its extremes are told."""
FEW: Final = 2 * PLACES
"""So many points are told one by one."""
KEPT: Final = 20_000
"""Shapes in memory."""
_GROWTH: Final = 1.02
"""A curve is read again when it has so many times the points: before that nobody could see the difference."""
_MICROSECONDS: Final = 1_000_000


class Shape(NamedTuple):
    """The finite values of a curve in order of time, few of them."""

    first: float
    values: tuple[float | None, ...]
    """The least and the largest of each place, in the order in which they came; None where nothing came."""


class _Known(NamedTuple):
    summary: MetricSummary
    shape: Shape


_Key: TypeAlias = tuple[Tenant, str, str]


class MetricShapes:
    """Shapes for whoever looks at a table of jobs again and again. Safe to use from any number of threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: OrderedDict[_Key, _Known] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, tenant: Tenant, metric: str, summaries: Mapping[str, MetricSummary]) -> dict[str, Shape]:
        """The shape of a metric of each job by the job's name, by what is known of the metric now. Jobs without a
        finite value are left out. One query reads those that changed visibly.
        """
        found: dict[str, Shape] = {}
        changed: dict[str, MetricSummary] = {}
        with self._lock:
            for job, summary in summaries.items():
                known = self._known.get((tenant, job, metric))
                if known is not None and _looks_alike(known.summary, summary):
                    found[job] = known.shape
                elif summary.min is not None:
                    changed[job] = summary
        if not changed:
            return found
        read = self._read(tenant, metric, changed)
        with self._lock:
            for job, shape in read.items():
                self._known[tenant, job, metric] = _Known(changed[job], shape)
                self._known.move_to_end((tenant, job, metric))
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return found | read

    def _read(self, tenant: Tenant, metric: str, summaries: Mapping[str, MetricSummary]) -> dict[str, Shape]:
        names = list(summaries)
        where, parameters = selection_of_several(tenant, TRAINING_JOB, names, [metric])
        parameters["firsts"] = [_micros(one.first_time) for one in summaries.values()]
        parameters["sizes"] = [_size(one) for one in summaries.values()]
        rows = self._engine.query(
            "SELECT toString(name) AS job, intDiv(time - transform(job, %(names)s, %(firsts)s, 0), "
            "transform(job, %(names)s, %(sizes)s, 1)) AS place, argMin(value, (time, seq)) AS first, "
            "min(value) AS low, max(value) AS high, "
            "argMin((time, seq), value) <= argMax((time, seq), value) AS rising "
            f"FROM run_points WHERE {where} AND isFinite(value) GROUP BY job, place ORDER BY job, place",
            parameters,
        )
        of_jobs: dict[str, list[dict[str, Any]]] = {}
        for row in rows.to_pylist():
            of_jobs.setdefault(row["job"], []).append(row)
        return {job: _shape(places, summaries[job]) for job, places in of_jobs.items()}


def _looks_alike(known: MetricSummary, now: MetricSummary) -> bool:
    same = (known.first_time, known.min, known.max) == (now.first_time, now.min, now.max)
    return same and known.points <= now.points <= known.points * _GROWTH


def _micros(seconds: float) -> int:
    return round(seconds * _MICROSECONDS)


def _size(summary: MetricSummary) -> int:
    """Microseconds of one place: of few points each has its own."""
    if summary.points <= FEW:
        return 1
    return (_micros(summary.last_time) - _micros(summary.first_time)) // PLACES + 1


def _shape(places: list[dict[str, Any]], summary: MetricSummary) -> Shape:
    first = places[0]["first"]
    if summary.points <= FEW:
        return Shape(first, tuple(value for place in places for value in dict.fromkeys(_extremes(place))))
    values: list[float | None] = [None] * FEW
    for place in places:
        # What came since it was summed up is seen the next time.
        if 0 <= place["place"] < PLACES:
            at = 2 * place["place"]
            values[at : at + 2] = _extremes(place)
    return Shape(first, tuple(values))


def _extremes(place: dict[str, Any]) -> tuple[float, float]:
    low, high = place["low"], place["high"]
    return (low, high) if place["rising"] else (high, low)
