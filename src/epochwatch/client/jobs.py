"""Training jobs read back: the list of them, and one with its points, log and curves."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from epochwatch.client.http import Client
from epochwatch.errors import EpochwatchError
from epochwatch.settings import load

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_PAGE = 500
_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a training metric. ``time`` is in Unix seconds; step and epoch are None where unknown."""

    metric: str
    host: str
    step: int | None
    epoch: float | None
    time: float
    value: float


class Job:
    """A training job as it was when it was read; `refresh` reads it again."""

    def __init__(self, detail: dict[str, Any], client: Client) -> None:
        self._client = client
        self._detail = detail

    @property
    def name(self) -> str:
        """The training job's name."""
        return str(self._detail["name"])

    @property
    def status(self) -> str:
        """InProgress, Completed, Failed or Stopped."""
        return str(self._detail["status"])

    @property
    def metrics(self) -> dict[str, dict[str, Any]]:
        """For each metric: final, best (with step), min, max, points, first_time, last_time."""
        return {metric["name"]: metric for metric in self._detail["metrics"]}

    @property
    def config(self) -> dict[str, Any]:
        """Hyperparameters, as `epochwatch.init` was given them."""
        return dict(self._detail.get("config") or {})

    @property
    def detail(self) -> dict[str, Any]:
        """Everything the server tells of the job (docs/python.md lists the keys)."""
        return dict(self._detail)

    def refresh(self) -> "Job":
        """Read the job again; returns itself."""
        self._detail = self._client.get_json(self._path())
        return self

    def points(self, *metrics: str, host: str | None = None) -> list[Point]:
        """Every value at full resolution, by metric and time; of ``metrics`` only, if any are named."""
        answer = self._client.get_json(
            self._path("/points"), {"metric": list(metrics), "host": host, "format": "json"}
        )
        return [
            Point(
                row["metric"],
                row["host"],
                row["step"],
                row["epoch"],
                row["time"],
                _SPECIAL.get(row["value"], row["value"]),
            )
            for row in answer["points"]
        ]

    def dataframe(self, *metrics: str, host: str | None = None) -> "pd.DataFrame":
        """The points as a pandas DataFrame with columns metric, host, step, epoch, time, value."""
        pandas = load_pandas()
        columns = list(Point.__slots__)
        rows = [tuple(getattr(point, name) for name in columns) for point in self.points(*metrics, host=host)]
        frame: pd.DataFrame = pandas.DataFrame(rows, columns=columns).astype({"step": "Int64"})
        return frame

    def logs(self, limit: int | None = None, search: str | None = None) -> Iterator[str]:
        """The lines of the log from its beginning."""
        after: str | None = None
        left = math.inf if limit is None else limit
        while left > 0:
            page = self._client.get_json(
                self._path("/logs"), {"limit": int(min(left, 1000)), "after": after, "search": search}
            )
            for event in page["events"]:
                yield event["message"]
            left -= len(page["events"])
            if not page["events"] or page["forward"] == after:
                return
            after = page["forward"]

    def plot(self, *metrics: str, x: str = "step") -> "Figure":
        """Curves drawn with matplotlib, one line a metric and host; ``x`` is ``step``, ``epoch``, ``time`` or
        ``relative`` (seconds since the job's first value).
        """
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise EpochwatchError("plot() needs matplotlib", "pip install 'epochwatch[notebook]'") from error
        if x not in ("step", "epoch", "time", "relative"):
            raise EpochwatchError(f"x must be step, epoch, time or relative, not {x!r}")
        figure = Figure(figsize=(8, 4), layout="constrained")
        axes = figure.add_subplot()
        lines: dict[tuple[str, str], tuple[list[float], list[float]]] = {}
        points = self.points(*metrics)
        begin = min((point.time for point in points), default=0.0)
        for point in points:
            at = point.time - begin if x == "relative" else getattr(point, x)
            if at is not None:
                xs, ys = lines.setdefault((point.metric, point.host), ([], []))
                xs.append(at)
                ys.append(point.value)
        hosts = {host for _, host in lines}
        for (metric, host), (xs, ys) in lines.items():
            axes.plot(xs, ys, label=metric if len(hosts) < 2 else f"{metric} ({host})")
        axes.set_xlabel({"time": "Unix seconds", "relative": "seconds"}.get(x, x))
        axes.set_title(self.name)
        axes.grid(alpha=0.3)
        if lines:
            axes.legend()
        return figure

    def __repr__(self) -> str:
        return f"<Job {self.name}: {self.status}, {len(self.metrics)} metrics>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{metric['final']}</td><td>{metric['best']}</td>"
            f"<td>{metric['best_step']}</td><td>{metric['points']}</td></tr>"
            for name, metric in self.metrics.items()
        )
        return (
            f"<b>{escape(self.name)}</b> {escape(self.status)}<table><tr><th>metric</th><th>final</th>"
            f"<th>best</th><th>at step</th><th>points</th></tr>{rows}</table>"
        )

    def _path(self, rest: str = "") -> str:
        return f"/_/api/jobs/{quote(self.name, safe='')}{rest}"


def jobs(search: str | None = None, status: str | None = None) -> list[Job]:
    """All training jobs, newest first; those whose name holds ``search`` and that are in ``status``, if given."""
    client = Client(load())
    found: list[Job] = []
    while True:
        page = client.get_json(
            "/_/api/jobs", {"search": search, "status": status, "limit": _PAGE, "offset": len(found)}
        )
        found += [Job(summary, client) for summary in page["jobs"]]
        if not page["jobs"] or len(found) >= page["total"]:
            return found


def job(name: str) -> Job:
    """The training job ``name``. Raises EpochwatchError if there is none."""
    client = Client(load())
    return Job(client.get_json(f"/_/api/jobs/{quote(name, safe='')}"), client)


def load_pandas() -> Any:
    """The pandas module. Raises EpochwatchError where it is not installed."""
    try:
        import pandas
    except ImportError as error:
        raise EpochwatchError("dataframes need pandas", "pip install 'epochwatch[notebook]'") from error
    return pandas


def names(metrics: Sequence[str] | None) -> list[str]:
    """``metrics`` as a list; a single name may be given as text."""
    return [metrics] if isinstance(metrics, str) else list(metrics or ())
