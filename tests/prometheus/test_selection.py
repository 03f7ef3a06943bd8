"""Selectors over the real stores: ages, tiers, collisions and bounds."""

import itertools
import time
from typing import TYPE_CHECKING

import pytest

from epochwatch.model.metric import DatapointColumns, MetricId
from epochwatch.model.promql.errors import PromqlError
from epochwatch.model.promql.evaluator import Evaluator
from epochwatch.model.promql.expressions import parse
from epochwatch.model.promql.vectors import RangeVector, Vector
from epochwatch.model.tenant import Tenant
from epochwatch.store import promql as selection
from epochwatch.store.promql import MetricSource

if TYPE_CHECKING:
    from epochwatch.store.stores import Stores

ACCOUNTS = itertools.count(770_000_000_000)
HOUR, DAY = 3600, 86_400
NOW = int(time.time())


class Lab:
    """The metrics of a tenant of its own."""

    def __init__(self, stores: "Stores") -> None:
        self.tenant = Tenant(str(next(ACCOUNTS)))
        self._metrics = stores.metrics
        self.source = MetricSource(stores.metrics, self.tenant)

    def put(self, name: str, *points: tuple[int, float], unit: str = "None", **dimensions: str) -> None:
        columns = DatapointColumns()
        for moment, value in points:
            columns.add_value(MetricId.of("Lab", name, dimensions.items()), moment, value, unit=unit, resolution=1)
        self._metrics.put(self.tenant, columns)

    def values(self, query: str, at: float) -> list[float]:
        moment = round(at * 1000)
        found = Evaluator(self.source, moment, moment, 1).value(parse(query))
        assert isinstance(found, Vector)
        return [float(value) for value in found.values[:, 0]]

    def samples(self, query: str, at: float) -> list[tuple[int, float]]:
        moment = round(at * 1000)
        found = Evaluator(self.source, moment, moment, 1).value(parse(query))
        assert isinstance(found, RangeVector)
        return [
            (int(when) // 1000, float(value))
            for one in found.series
            for when, value in zip(one.times, one.values, strict=True)
            if found.starts[0] < when <= found.ends[0]
        ]


@pytest.fixture
def lab(stores: "Stores") -> Lab:
    return Lab(stores)


def test_recent_samples_come_as_they_were_put(lab: Lab) -> None:
    lab.put("x", (NOW - 3, 1.0), (NOW - 2, 2.0), (NOW - 2, 4.0))
    assert lab.samples("x[1m]", NOW) == [(NOW - 3, 1.0), (NOW - 2, 3.0)]


def test_data_older_than_fifteen_days_is_summed_up_by_five_minutes(lab: Lab) -> None:
    start = (NOW - 20 * DAY) // HOUR * HOUR
    lab.put("x", *((start + second, float(second)) for second in range(0, 900, 10)))
    assert lab.samples("x[20m]", start + 900) == [(start, 145.0), (start + 300, 445.0), (start + 600, 745.0)]
    assert lab.values("x", start + 299) == [145.0]


def test_a_sample_of_an_hour_stands_for_its_hour(lab: Lab) -> None:
    start = (NOW - 100 * DAY) // HOUR * HOUR
    lab.put("x", (start + 60, 2.0), (start + 1800, 6.0))
    assert lab.values("x", start + 3599) == [4.0]
    assert lab.values("x", start + 3600) == []
    assert lab.values('x{__stat__="Maximum"}', start + 1800) == [6.0]


def test_a_range_over_all_ages_has_each_as_fine_as_it_is_kept(lab: Lab) -> None:
    hour = (NOW - 100 * DAY) // HOUR * HOUR
    five_minutes = (NOW - 20 * DAY) // HOUR * HOUR
    lab.put("x", (hour + 100, 1.0), (five_minutes + 100, 2.0), (NOW - DAY, 3.0), (NOW - 5, 4.0))
    found = lab.samples("x[200d]", NOW)
    assert found[:2] == [(hour, 1.0), (five_minutes, 2.0)]
    assert [value for _, value in found[2:]] == [3.0, 4.0]


def test_metrics_whose_names_become_one_are_one_series(lab: Lab) -> None:
    lab.put("a.b", (NOW - 9, 1.0), (NOW - 8, 1.0))
    lab.put("a_b", (NOW - 8, 2.0), (NOW - 7, 2.0))
    assert lab.samples("a_b[1m]", NOW) == [(NOW - 9, 1.0), (NOW - 8, 2.0), (NOW - 7, 2.0)]


def test_each_unit_is_a_series(lab: Lab) -> None:
    lab.put("x", (NOW - 5, 1.0), unit="Bytes")
    lab.put("x", (NOW - 5, 2.0))
    assert sorted(lab.values("x", NOW)) == [1.0, 2.0]
    assert lab.values('x{unit!="Bytes"}', NOW) == [2.0]
    assert lab.values('x{unit=~"B.*"}', NOW) == [1.0]


def test_tenants_are_apart(lab: Lab, stores: "Stores") -> None:
    lab.put("x", (NOW - 5, 1.0))
    assert Lab(stores).values("x", NOW) == []


def test_too_many_series_are_refused(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        lab.put("x", (NOW - 5, 1.0), number=str(number))
    monkeypatch.setattr(selection, "MAX_SERIES", 2)
    with pytest.raises(PromqlError, match="more than 2 series"):
        lab.values("x", NOW)


def test_too_many_samples_are_refused(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.put("x", *((NOW - second, 1.0) for second in range(10)))
    monkeypatch.setattr(selection, "MAX_SAMPLES", 9)
    with pytest.raises(PromqlError, match="more than 9 samples"):
        lab.values("sum_over_time(x[1m])", NOW)


def test_series_are_read_a_bounded_number_at_a_time(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        lab.put("x", (NOW - 5, float(number)), number=str(number))
    monkeypatch.setattr(selection, "_READ_AT_ONCE", 1)
    assert sorted(lab.values("x", NOW)) == [0.0, 1.0, 2.0, 3.0, 4.0]
