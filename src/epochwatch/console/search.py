"""One search over everything an account has: jobs, metrics, log groups, alarms, dashboards and saved queries."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from epochwatch.console.requests import Asked
from epochwatch.model.metric import MetricId
from epochwatch.model.tenant import Tenant
from epochwatch.model.text_search import Haystack, marks, score, words_of
from epochwatch.services.cloudwatch.metric_list import LISTED_SECONDS
from epochwatch.store.state.alarms import COMPOSITE, METRIC
from epochwatch.store.state.resources import TUNING_JOB
from epochwatch.store.stores import Stores

LONGEST_QUERY: Final = 200
DEFAULT_LIMIT: Final = 20
MOST_RESULTS: Final = 200
MOST_OF_A_KIND: Final = 6
"""Results of one kind where several are asked for: no kind crowds out the others."""
MOST_SCORED: Final = 5000
"""Metrics with all the words that are held against each other."""
MOST_LISTED: Final = 10_000
"""Log groups, dashboards and saved queries that are looked through."""
REBUILD_SHARE: Final = 20
"""What is held in memory for searching is made anew at most as often as leaves it this many times its own making."""


@dataclass(slots=True)
class Result:
    """Something that was found. ``about`` is what stands beside its name, ``at`` when it last changed (Unix seconds),
    ``parts`` what its address is made of.
    """

    kind: str
    name: str
    about: str = ""
    at: float = 0.0
    parts: dict[str, Any] = field(default_factory=dict)
    score: float = 0.0


class Search:
    """The endpoint ``/search``."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._metrics = Metrics(stores)
        self._kinds: dict[str, Callable[[Tenant], Iterable[Result]]] = {
            "job": self._jobs,
            "tuning": self._tuning_jobs,
            "group": self._log_groups,
            "alarm": self._alarms,
            "dashboard": self._dashboards,
            "query": self._queries,
        }

    def search(self, asked: Asked) -> dict[str, Any]:
        """The answer: what has every word of ``q`` in its name or beside it, of the ``kinds`` (with commas), the best
        first; without words what changed last.
        """
        words = words_of(asked.text("q", most=LONGEST_QUERY))
        limit = asked.whole("limit", DEFAULT_LIMIT, 1, MOST_RESULTS)
        kinds = asked.choice_of("kinds", (*self._kinds, "metric"))
        found: list[Result] = []
        totals: dict[str, int] = {}
        for kind in kinds:
            if kind == "metric":
                totals[kind], mine = self._metrics.search(asked.tenant, words, limit)
            else:
                mine = _fitting(self._kinds[kind](asked.tenant), words)
                totals[kind] = len(mine)
            found += mine[: limit if len(kinds) == 1 else MOST_OF_A_KIND]
        return {
            "results": [_told(one, words) for one in sorted(found, key=_order)[:limit]],
            "totals": totals,
        }

    def _jobs(self, tenant: Tenant) -> Iterable[Result]:
        for job in self._stores.state.jobs.names(tenant):
            yield Result("job", job.name, job.status, job.updated)

    def _tuning_jobs(self, tenant: Tenant) -> Iterable[Result]:
        for one in self._stores.state.resources.list(tenant, TUNING_JOB)[0]:
            yield Result("tuning", one.name, one.status, one.updated)

    def _log_groups(self, tenant: Tenant) -> Iterable[Result]:
        for group in self._stores.state.log_groups.groups(tenant, limit=MOST_LISTED):
            yield Result("group", group.name, at=group.created / 1000)

    def _alarms(self, tenant: Tenant) -> Iterable[Result]:
        for alarm in self._stores.state.alarms.list(tenant, kinds=(METRIC, COMPOSITE)):
            metric = str(alarm.definition.get("MetricName", ""))
            yield Result("alarm", alarm.name, metric, alarm.transitioned, {"state": alarm.state})

    def _dashboards(self, tenant: Tenant) -> Iterable[Result]:
        for one in self._stores.state.dashboards.list(tenant.account, limit=MOST_LISTED):
            yield Result("dashboard", one.name, at=one.modified)

    def _queries(self, tenant: Tenant) -> Iterable[Result]:
        for one in self._stores.state.query_definitions.select(tenant, limit=MOST_LISTED):
            given = one.definition
            parts = {"query": given.query, "groups": given.log_groups, "language": given.language}
            yield Result("query", given.name, given.query[:200], one.modified / 1000, parts)


@dataclass(slots=True)
class _Held:
    """Metrics as one text: their names and the values of their dimensions; ``whole`` also has what is in most of them,
    their namespaces and the names of their dimensions.
    """

    known: Sequence[MetricId]
    names: Haystack
    until: float
    whole: Haystack | None = None


class Metrics:
    """The metrics of each tenant, held in memory as one text."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._held: dict[Tenant, _Held] = {}
        self._lock = threading.Lock()

    def search(self, tenant: Tenant, words: Sequence[str], limit: int) -> tuple[int, list[Result]]:
        """How many metrics have the words (at most ``MOST_SCORED`` are counted), and the best of them that had a
        datapoint in the last two weeks.
        """
        held = self._of(tenant)
        haystack = held.names
        numbers = haystack.find(words, MOST_SCORED)
        if not numbers:
            haystack = held.whole = held.whole or Haystack(_text(metric, whole=True) for metric in held.known)
            numbers = haystack.find(words, MOST_SCORED)
        scored = []
        for number in numbers:
            name, _, more = haystack.texts[number].partition("\t")
            scored.append((-(score(name, words, more) or 0.0), number))
        scored.sort()
        since = time.time() - LISTED_SECONDS
        found: list[Result] = []
        for worth, number in scored:
            metric = held.known[number]
            seen = self._stores.metrics.last_seen(tenant, metric)
            if seen is None or seen < since:
                continue
            about = ", ".join(f"{name}={value}" for name, value in metric.dimensions)
            parts = {"namespace": metric.namespace, "dimensions": metric.dimensions}
            found.append(Result("metric", metric.name, about or metric.namespace, seen, parts, -worth))
            if len(found) == limit:
                break
        return len(scored), found

    def _of(self, tenant: Tenant) -> _Held:
        with self._lock:
            held = self._held.get(tenant)
            begun = time.monotonic()
            # A store that gets metrics all the time, and has very many, is not read anew at each letter.
            if held is not None and begun < held.until:
                return held
            known = self._stores.metrics.known(tenant)
            if held is None or held.known is not known:
                names = Haystack(_text(metric) for metric in known)
                ended = time.monotonic()
                held = self._held[tenant] = _Held(known, names, ended + REBUILD_SHARE * (ended - begun))
            return held


def _text(metric: MetricId, *, whole: bool = False) -> str:
    if not whole:
        return f"{metric.name}\t{' '.join(value for _, value in metric.dimensions)}"
    pairs = " ".join(f"{name}={value}" for name, value in metric.dimensions)
    return f"{metric.name}\t{pairs} {metric.namespace}"


def _fitting(results: Iterable[Result], words: Sequence[str]) -> list[Result]:
    """Those that have the words, with how well they do, the best first."""
    found = []
    for one in results:
        worth = score(one.name.lower(), words, one.about.lower())
        if worth is not None:
            one.score = worth
            found.append(one)
    return sorted(found, key=_order)


def _order(result: Result) -> tuple[float, float, str]:
    return (-result.score, -result.at, result.name)


def _told(result: Result, words: Sequence[str]) -> dict[str, Any]:
    return {
        "kind": result.kind,
        "name": result.name,
        "about": result.about,
        "at": result.at,
        "score": round(result.score, 3),
        "marks": marks(result.name, words),
        **result.parts,
    }
