"""Curves to draw: a metric over step, epoch or time in at most so many buckets, no spike lost."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from epochwatch.model.batch import NO_STEP
from epochwatch.model.tenant import Tenant
from epochwatch.store.engine import Engine
from epochwatch.store.run_points import TRAINING_JOB, Owner, selection

Axis: TypeAlias = Literal["step", "epoch", "time", "relative"]
Floats: TypeAlias = NDArray[np.float64]

MAX_NON_FINITE = 1000
"""Non-finite points told apart per answer; further ones are counted only."""

_AXES = {
    "step": ("toFloat64(step)", f"step != {NO_STEP}"),
    "epoch": ("epoch", "isFinite(epoch)"),
    "time": ("time / 1000000.", "1"),
    "relative": ("(time - %(origin)s) / 1000000.", "1"),
}


@dataclass(frozen=True, slots=True)
class Curve:
    """One metric of one host. Arrays of one length, ascending by ``x``.

    With at most ``width`` points each entry is a point (``low`` = ``high`` = ``mean``); else a bucket of equal
    width on the axis: ``x`` is the mean position of its points.
    """

    metric: str
    host: str
    x: Floats
    low: Floats
    high: Floats
    mean: Floats
    count: NDArray[np.int64]
    """Points in each entry."""
    total: int
    """Points in the range that have this axis, non-finite values included."""
    non_finite: list[tuple[float, float]] = field(default_factory=list)
    """(x, value) of NaN and infinite values, the first MAX_NON_FINITE of the answer."""


class CurveStore:
    """Reads run points as curves."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def curve(
        self,
        tenant: Tenant,
        name: str,
        metric: str,
        host: str | None = None,
        x: Axis = "step",
        start: float | None = None,
        end: float | None = None,
        width: int = 800,
    ) -> list[Curve]:
        """The curve of one metric of a training job, one per host that has points."""
        return self.curves(tenant, name, [metric], host, x, start, end, width)

    def curves(
        self,
        tenant: Tenant,
        name: str,
        metrics: Sequence[str] | None = None,
        host: str | None = None,
        x: Axis = "step",
        start: float | None = None,
        end: float | None = None,
        width: int = 800,
        owner: Owner = TRAINING_JOB,
    ) -> list[Curve]:
        """Curves of ``metrics`` (None: all), in order of metric and host, in two or three queries.

        ``start`` <= x <= ``end`` in the axis's unit: steps, epochs, Unix seconds (``time``) or seconds since the
        job's first point (``relative``). Points that have no step (epoch) are not on that axis. Raises ValueError
        for an unknown axis or a width below 1.
        """
        if x not in _AXES or width < 1:
            raise ValueError(f"x must be one of {', '.join(_AXES)}, and width at least 1")
        where, parameters = selection(tenant, owner, name, metrics, host)
        if x == "relative":
            parameters["origin"] = self._origin(tenant, owner, name)
        expression, present = _AXES[x]
        where = f"{where} AND {present}"
        for bound, sign, value in (("start", ">=", start), ("end", "<=", end)):
            if value is not None:
                where += f" AND {expression} {sign} %({bound})s"
                parameters[bound] = float(value)
        extents = self._extents(expression, where, parameters)
        if not extents:
            return []
        return self._drawn(extents, expression, where, parameters | {"width": int(width)})

    def _origin(self, tenant: Tenant, owner: Owner, name: str) -> int:
        where, parameters = selection(tenant, owner, name, None, None)
        return int(
            self._engine.query(f"SELECT min(time) AS t FROM run_points WHERE {where}", parameters)["t"][0].as_py()
        )

    def _extents(self, expression: str, where: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
        return self._engine.query(  # type: ignore[no-any-return]
            "SELECT toString(metric) AS label, toString(host) AS machine, count() AS total, "
            f"countIf(NOT isFinite(value)) AS odd, min({expression}) AS low, max({expression}) AS high "
            f"FROM run_points WHERE {where} GROUP BY metric, host ORDER BY metric, host",
            parameters,
        ).to_pylist()

    def _drawn(
        self, extents: list[dict[str, Any]], expression: str, where: str, parameters: dict[str, Any]
    ) -> list[Curve]:
        low = min(extent["low"] for extent in extents)
        span = max(extent["high"] for extent in extents) - low
        parameters |= {"low": float(low), "size": float(span / parameters["width"]) or 1.0}
        small = max(extent["total"] for extent in extents) <= parameters["width"]
        # Points of a curve that has room for all of them keep their own place: each is its own bucket.
        place = (
            "(time, seq)"
            if small
            else f"least(toInt64(floor(({expression} - %(low)s) / %(size)s)), %(width)s - 1)"
        )
        rows = self._engine.query(
            f"SELECT toString(metric) AS label, toString(host) AS machine, avg({expression}) AS x, min(value) AS low, "
            "max(value) AS high, avg(value) AS mean, toInt64(count()) AS points FROM run_points "
            f"WHERE {where} AND isFinite(value) GROUP BY metric, host, {place} AS place "
            "ORDER BY metric, host, x, place",
            parameters,
        )
        odd = self._odd(expression, where, parameters) if any(extent["odd"] for extent in extents) else {}
        label, machine = rows["label"].to_numpy(), rows["machine"].to_numpy()
        columns = [rows[name].to_numpy() for name in ("x", "low", "high", "mean", "points")]
        curves = []
        for extent in extents:
            key = extent["label"], extent["machine"]
            mine = (label == key[0]) & (machine == key[1])
            x, lows, highs, means, counts = (column[mine] for column in columns)
            curves.append(Curve(*key, x, lows, highs, means, counts, extent["total"], odd.get(key, [])))
        return curves

    def _odd(
        self, expression: str, where: str, parameters: dict[str, Any]
    ) -> dict[tuple[str, str], list[tuple[float, float]]]:
        rows = self._engine.query(
            f"SELECT toString(metric) AS label, toString(host) AS machine, {expression} AS x, value FROM run_points "
            f"WHERE {where} AND NOT isFinite(value) ORDER BY x LIMIT {MAX_NON_FINITE}",
            parameters,
        )
        found: dict[tuple[str, str], list[tuple[float, float]]] = {}
        for row in rows.to_pylist():
            found.setdefault((row["label"], row["machine"]), []).append((row["x"], row["value"]))
        return found
