"""What the page on a job's insights shows: its report, its nodes over any window of time, its steps and operators."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from starlette.responses import Response

from epochwatch.console.hosts import resolution
from epochwatch.console.reports import Reports
from epochwatch.console.requests import Asked, Refusal, no_such_job
from epochwatch.profiler.phases import STEP_PHASES
from epochwatch.profiler.profile import Profile, Span
from epochwatch.profiler.report import page
from epochwatch.profiler.report.cores import CORE
from epochwatch.profiler.report.operators import operators
from epochwatch.profiler.report.samples import by_statistic
from epochwatch.profiler.report.system import UNITS, of_node, wanted
from epochwatch.profiler.report.training import mode_name
from epochwatch.profiler.rules.own.evidence import PARTS
from epochwatch.profiler.steps import Lane, StepTable, step_tables
from epochwatch.store.profiles import profile_of
from epochwatch.store.stores import Stores

SECOND: Final = 1_000_000
DEFAULT_WIDTH, MOST_WIDTH = 400, 2000
MOST_LANES: Final = 64
"""Processes whose steps are shown; the first by node and rank."""
MOST_CORES: Final = 16
LONGEST_STEP: Final = 3600 * SECOND
"""So long before a window a step may begin that reaches into it."""
Floats = NDArray[np.float64]


def report(reports: Reports, asked: Asked) -> Response:
    """``format=html`` (a page that needs nothing else; ``download=1`` as a file) or ``json``."""
    form = asked.choice("format", ("html", "json"), "html")
    found = reports.of(asked.tenant, asked.job)
    headers = {"cache-control": "no-store"}
    if asked.choice("download", ("0", "1"), "0") == "1":
        headers["content-disposition"] = f'attachment; filename="{asked.job}-profile.{form}"'
    if form == "json":
        return Response(found.json, media_type="application/json", headers=headers)
    headers["content-security-policy"] = f"{page.POLICY}; frame-ancestors 'none'"
    return Response(found.page, media_type="text/html", headers=headers)


def series(stores: Stores, asked: Asked) -> dict[str, Any]:
    """Of a ``node``, its resources, GPUs and the ``core``s asked for: least, mean and greatest in ``width`` spans."""
    width = asked.whole("width", DEFAULT_WIDTH, 1, MOST_WIDTH)
    chosen = asked.texts("core", MOST_CORES)
    if not all(core.isascii() and core.isdecimal() for core in chosen):
        raise Refusal(400, "core must be the number of a core.")
    profile = _profile(stores, asked)
    span = _span(profile, asked)
    nodes = profile.nodes()
    node = asked.text("node") or (nodes[0] if nodes else "")
    if node and node not in nodes:
        raise Refusal(
            404, f"The job '{asked.job}' has no samples of a node '{node}'.", f"It has {', '.join(nodes)}."
        )
    cores: set[int] = set()
    found: dict[str, Any] = {}
    if node:
        samples = profile.system(node, span, wanted, resolution((span[1] - span[0]) / SECOND))
        mean, least, greatest = by_statistic(samples)
        cores = {int(match[1]) for name in mean if (match := CORE.match(name))}
        places = np.clip((samples.times - span[0]) * width // max(span[1] - span[0], 1), 0, width - 1)
        means = of_node(mean) | _cores(mean, chosen)
        lows, highs = of_node(least) | _cores(least, chosen), of_node(greatest) | _cores(greatest, chosen)
        for name, column in means.items():
            sums = _Buckets(places, samples.seconds.astype(np.float64), width)
            found[name] = sums.of(column, lows.get(name, column), highs.get(name, column))
    step = (span[1] - span[0]) / width / SECOND
    return {
        "nodes": list(nodes),
        "node": node,
        "cores": sorted(cores),
        "from": span[0] / SECOND,
        "to": span[1] / SECOND,
        "x": [span[0] / SECOND + (place + 0.5) * step for place in range(width)] if found else [],
        "units": UNITS,
        "series": found,
    }


def _cores(columns: dict[str, NDArray[np.float32]], chosen: list[str]) -> dict[str, NDArray[np.float32]]:
    names = {f"cpu.{core}.{kind}": f"core.{core}.{kind}" for core in chosen for kind in ("busy", "iowait")}
    return {shown: columns[name] for name, shown in names.items() if name in columns}


class _Buckets:
    """Rows in equal spans of time."""

    def __init__(self, places: NDArray[np.int64], seconds: Floats, width: int) -> None:
        self._places, self._seconds, self._width = places, seconds, width

    def of(self, mean: NDArray[Any], least: NDArray[Any], greatest: NDArray[Any]) -> dict[str, list[float | None]]:
        """Means are weighted with the rows' seconds; None where there is no row."""
        known = ~np.isnan(mean)
        places = self._places[known]
        weights = np.bincount(places, self._seconds[known], self._width)
        sums = np.bincount(places, self._seconds[known] * mean[known], self._width)
        low, high = np.full(self._width, np.inf), np.full(self._width, -np.inf)
        np.minimum.at(low, places, least[known])
        np.maximum.at(high, places, greatest[known])
        empty = weights == 0
        columns = {"min": low, "mean": sums / np.where(empty, 1.0, weights), "max": high}
        return {name: _listed(column, empty) for name, column in columns.items()}


def _listed(column: Floats, empty: NDArray[np.bool_]) -> list[float | None]:
    return [None if none else round(value, 4) for value, none in zip(column.tolist(), empty.tolist(), strict=True)]


def steps(stores: Stores, asked: Asked) -> dict[str, Any]:
    """What steps took and what for: each of them where they are ``width`` at most for a process, else their sums in so
    many equal spans.
    """
    width = asked.whole("width", DEFAULT_WIDTH, 1, MOST_WIDTH)
    profile = _profile(stores, asked)
    span = _span(profile, asked)
    first = max(profile.span()[0], span[0] - LONGEST_STEP)
    lanes: dict[Lane, _LaneSteps] = {}
    for table in step_tables(profile, (first, span[1])):
        for number, lane in enumerate(table.lanes):
            if lane in lanes or len(lanes) < MOST_LANES:
                lanes.setdefault(lane, _LaneSteps(span, width)).add(table.of_lane(number))
    return {
        "from": span[0] / SECOND,
        "to": span[1] / SECOND,
        "parts": list(PARTS),
        "lanes": [
            {"node": lane.node, "rank": lane.rank, "process": lane.process, **found.shown()}
            for lane, found in sorted(lanes.items())
        ],
    }


class _LaneSteps:
    """Steps of one process: the rows as long as they are few, and always their sums by span of time."""

    def __init__(self, span: Span, width: int) -> None:
        self._span, self._width = span, width
        self._rows: list[StepTable] | None = []
        self._count = 0
        self._sums = np.zeros((width, len(PARTS)))
        self._counts = np.zeros(width, np.int64)
        self._longest = np.zeros(width)

    def add(self, steps: StepTable) -> None:
        """Those that reach into the span."""
        steps = steps.take(steps.end > self._span[0])
        self._count += len(steps)
        if self._rows is not None:
            self._rows.append(steps)
            if self._count > self._width:
                self._rows = None
        length = max(self._span[1] - self._span[0], 1)
        places = np.clip((steps.start - self._span[0]) * self._width // length, 0, self._width - 1)
        np.add.at(self._sums, places, _parts(steps))
        self._counts += np.bincount(places, minlength=self._width)
        np.maximum.at(self._longest, places, steps.duration)

    def shown(self) -> dict[str, Any]:
        """Columns, a row for each step (``step`` is its number) or each span that has some (``step`` is null)."""
        if self._rows is None:
            places = np.flatnonzero(self._counts)
            each = (self._span[1] - self._span[0]) / self._width / SECOND
            return {
                "step": None,
                "mode": None,
                "steps": self._counts[places].tolist(),
                "start": (self._span[0] / SECOND + places * each).tolist(),
                "seconds": [each] * len(places),
                "longest": self._longest[places].round(6).tolist(),
                "parts": self._sums[places].round(6).tolist(),
            }
        rows = self._rows
        return {
            "step": [number for one in rows for number in one.step.tolist()],
            "mode": [mode_name(mode) for one in rows for mode in one.mode.tolist()],
            "steps": [1] * self._count,
            "start": [start / SECOND for one in rows for start in one.start.tolist()],
            "seconds": [round(seconds, 6) for one in rows for seconds in one.duration.tolist()],
            "longest": [round(seconds, 6) for one in rows for seconds in one.duration.tolist()],
            "parts": [parts for one in rows for parts in _parts(one).round(6).tolist()],
        }


def _parts(steps: StepTable) -> Floats:
    return np.stack([*(steps.seconds[phase] for phase in STEP_PHASES), steps.idle], axis=1).astype(np.float64)


def operators_of(stores: Stores, asked: Asked) -> Any:
    """Operators, kernels and functions of a window of time, the longest first; and the profiler's windows."""
    profile = _profile(stores, asked)
    return operators(profile, _span(profile, asked))


def trace(stores: Stores, asked: Asked) -> Response:
    """The trace of one of the profiler's windows, as Perfetto opens it."""
    path = str(asked.request.path_params["path"])
    profile = _profile(stores, asked)
    if path not in {window.path for window in profile.windows()}:
        raise Refusal(404, f"The job '{asked.job}' has no such window.", "See them on the page of its insights.")
    headers = {"content-disposition": f'attachment; filename="{path.rpartition("/")[2]}"'}
    return Response(profile.read(path), media_type="application/gzip", headers=headers)


def _profile(stores: Stores, asked: Asked) -> Profile:
    try:
        return profile_of(stores, asked.tenant, asked.job)
    except KeyError:
        raise no_such_job(asked.job) from None


def _span(profile: Profile, asked: Asked) -> Span:
    """``from`` and ``to`` in Unix seconds, within what is known; all of it where they are not given."""
    first, last = profile.span()
    low, high = asked.window()
    start = max(first, round(low * SECOND)) if low > -np.inf else first
    end = min(last, round(high * SECOND)) if high < np.inf else last
    return (start, end) if start < end else (start, start)
